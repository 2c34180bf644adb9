"""NumPy's operators, methods and functions on a Tensor: their values are NumPy's, their derivatives exact."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import convmath as cm
from convmath.engine import arrays, elementwise, slopes, tape
from convmath.errors import DtypeError, HyperparameterError, ShapeError, StatementError, UnknownNameError
from convmath.ir.exact import exact_array
from convmath.testing.cases import SEEDS, integers

from ..faults import caught
from ..laws.test_derivatives import slope

# --- programs ---------------------------------------------------------------------------------------------------------
# A program is a list of steps, each a function of one or two values that came before. Its values are polynomials, or
# pieces of them that do not change along the way, so that a difference quotient in Fractions is the derivative.


@dataclass(frozen=True)
class Step:
    """A function of some of the values before it."""

    name: str
    function: Callable[..., Any]
    of: tuple[int, ...]


def boxed(value: Any) -> Any:
    """An array, also of one Fraction, which NumPy takes out."""
    return value if isinstance(value, cm.Tensor) else np.asarray(value)


@dataclass(frozen=True)
class Program:
    steps: tuple[Step, ...]
    degree: int

    def __call__(self, *inputs: Any) -> Any:
        """The sum of all elements of all values that no other reads."""
        values = [boxed(value) for value in inputs]
        for step in self.steps:
            values.append(boxed(step.function(*(values[place] for place in step.of))))
        read = {place for step in self.steps for place in step.of}
        return sum(value.sum() for place, value in enumerate(values) if place not in read)

    def __repr__(self) -> str:
        return "; ".join(f"v{n} = {s.name}{s.of}" for n, s in enumerate(self.steps, 2))


# functions of an array of any shape
SINGLE: Mapping[str, Callable[[Any], Any]] = {
    "negative": operator.neg,
    "twice": lambda x: 2 * x - 1,
    "square": lambda x: x**2,
    "half": lambda x: x / 2,
    "sum over the last": lambda x: x.sum(axis=-1, keepdims=True) if x.ndim else x,
    "sum": lambda x: x.sum(),
    "mean over the first": lambda x: x.sum(axis=0) / 2 if x.ndim else x,
    "flat": lambda x: x.reshape(-1),
    "transposed": lambda x: x.T,
    "swapped": lambda x: x.swapaxes(0, -1) if x.ndim else x,
    "first": lambda x: x[:1] if x.ndim else x,
    "backwards": lambda x: x[::-1] if x.ndim else x,
    "new axis": lambda x: x[None],
    "last of each": lambda x: x[..., -1] if x.ndim else x,
    "some twice": lambda x: x[np.array([0, -1, 0])] if x.ndim else x,
    "squeezed": lambda x: np.squeeze(x),
    "moved": lambda x: np.moveaxis(x, 0, -1) if x.ndim else x,
    "repeated": lambda x: np.broadcast_to(x, (2, *x.shape)),
    "beside itself": lambda x: np.concatenate([x, 3 * x], axis=0) if x.ndim else x,
    "stacked": lambda x: np.stack([x, 2 * x], axis=-1),
    "outer": lambda x: x.reshape(-1, 1) * x.reshape(1, -1),
    "gram": lambda x: x.reshape(1, -1) @ x.reshape(-1, 1),
    "with itself": lambda x: x.reshape(-1) @ x.reshape(-1),
}
SQUARES = ("square", "outer", "gram", "with itself")
DOUBLE: Mapping[str, Callable[[Any, Any], Any]] = {
    "plus": lambda x, y: x.sum() + y,
    "minus": lambda x, y: y - x.sum(),
    "times": lambda x, y: x.sum() * y,
    "chosen": lambda x, y: np.where(np.arange(2) > 0, x.sum(), y.sum()),
    "rows": lambda x, y: x.reshape(-1, 1) + y.reshape(1, -1),
}


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """A few steps over two inputs, of a degree that stays small."""
    steps: list[Step] = []
    degrees = [1, 1]
    for _ in range(draw(st.integers(1, 6))):
        name = draw(st.sampled_from((*SINGLE, *DOUBLE)))
        places = st.integers(0, len(degrees) - 1)
        of = (draw(places),) if name in SINGLE else (draw(places), draw(places))
        degree = 2 * degrees[of[0]] if name in SQUARES else max(degrees[p] for p in of)
        degree = sum(degrees[p] for p in of) if name == "times" else degree
        if degree > 4:
            continue
        steps.append(Step(name, {**SINGLE, **DOUBLE}[name], of))
        degrees.append(degree)
    return Program(tuple(steps), max(degrees))


SHAPES = st.sampled_from(((2,), (), (1,), (2, 3), (3, 1, 2), (1, 1)))


@given(data=st.data())
def test_the_gradient_of_a_program_is_its_difference_quotient(data: st.DataObject) -> None:
    program = data.draw(programs(), label="program")
    seed = data.draw(SEEDS, label="seed")
    inputs = [integers(seed + place, data.draw(SHAPES)) for place in range(2)]
    along = [exact_array(integers(seed + 2 + place, x.shape)) for place, x in enumerate(inputs)]

    def moved(h: Fraction) -> Any:
        return np.asarray(program(*(exact_array(x) + h * dx for x, dx in zip(inputs, along, strict=True))), object)

    gradients = cm.grad(program, (0, 1))(*inputs)
    assert [g.shape for g in gradients] == [x.shape for x in inputs]
    exact = slope(moved, program.degree)
    assert sum(np.sum(exact_array(g) * dx) for g, dx in zip(gradients, along, strict=True)) == exact
    value, tangent = cm.jvp(program, tuple(inputs), tuple(dx.astype(float) for dx in along))
    assert value == moved(Fraction(0))
    assert Fraction(float(tangent)) == exact


@given(data=st.data())
def test_the_hessian_of_a_program_is_the_difference_quotient_of_its_gradient(data: st.DataObject) -> None:
    program = data.draw(programs(), label="program")
    seed = data.draw(SEEDS, label="seed")
    inputs = [integers(seed + place, data.draw(SHAPES)) for place in range(2)]
    along, other = (
        [exact_array(integers(seed + first + place, x.shape)) for place, x in enumerate(inputs)] for first in (2, 4)
    )
    product = cm.hvp(program, inputs, [dx.astype(float) for dx in along])

    def moved(h: Fraction, k: Fraction) -> Any:
        at = (exact_array(x) + h * dx + k * dz for x, dx, dz in zip(inputs, along, other, strict=True))
        return np.asarray(program(*at), object)

    twice = slope(lambda h: slope(lambda k: moved(h, k), program.degree), program.degree)
    assert sum(np.sum(exact_array(g) * dz) for g, dz in zip(product, other, strict=True)) == twice


# --- element by element ---------------------------------------------------------------------------------------------

# with numbers at which there is a derivative, and no rounding of the numbers themselves
AT: Mapping[np.ufunc, tuple[list[float], ...]] = {
    np.positive: ([-2.0, 0.5],),
    np.negative: ([-2.0, 0.5],),
    np.add: ([1.0, 3.0], [-2.0, 0.25]),
    np.subtract: ([1.0, 3.0], [-2.0, 0.25]),
    np.multiply: ([1.0, 3.0], [-2.0, 0.25]),
    np.divide: ([1.0, 3.0], [-2.0, 0.25]),
    np.square: ([-2.0, 0.5],),
    np.reciprocal: ([-2.0, 0.5],),
    np.sqrt: ([0.25, 7.0],),
    np.exp: ([-3.0, 0.0, 2.5],),
    np.log: ([0.125, 7.0],),
    np.expm1: ([-1.0, 0.0, 1e-3],),
    np.log1p: ([-0.5, 0.0, 3.0],),
    np.tanh: ([-1.0, 0.0, 0.75],),
}
# |f(x + ih) - f(x)|/h has no cancellation: each side is a few operations, each within 4 units in the last place
UNITS = 16 * np.finfo(float).eps


@pytest.mark.parametrize("ufunc", AT, ids=lambda ufunc: ufunc.__name__)
def test_a_slope_is_the_complex_step(ufunc: np.ufunc) -> None:
    operands, step = [np.array(values) for values in AT[ufunc]], 1e-200
    for place, x in enumerate(operands):
        moved = [z + 1j * step if z is x else z for z in operands]
        expected = ufunc(*moved).imag / step
        got = cm.grad(lambda *zs: ufunc(*zs).sum(), place)(*operands)
        size = np.maximum(np.abs(expected), 1)  # of 1 - tanh², say, where 1 is what is rounded
        assert (np.abs(got - expected) <= UNITS * size).all(), (got, expected)


def test_every_function_has_a_test() -> None:
    pieces = {np.power, np.absolute, np.sign, np.maximum, np.minimum}
    assert {*AT} | pieces == {*elementwise.ELEMENTWISE}


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (np.abs, [-2.0, 0.0, 3.0], [-1, 0, 1]),
        (np.sign, [-2.0, 3.0], [0, 0]),
        (lambda x: np.maximum(x, 1.0), [0.0, 1.0, 2.0], [0, 1, 1]),  # the first where they tie
        (lambda x: np.maximum(1.0, x), [0.0, 1.0, 2.0], [0, 0, 1]),
        (lambda x: np.minimum(x, 1.0), [0.0, 1.0, 2.0], [1, 1, 0]),
        (lambda x: np.minimum(1.0, x), [0.0, 1.0, 2.0], [1, 0, 0]),
        (lambda x: x.clip(0, 1), [-1.0, 0.0, 0.5, 1.0, 2.0], [0, 1, 1, 1, 0]),
        (lambda x: np.clip(x, None, 1), [0.5, 2.0], [1, 0]),
        (lambda x: x**2, [0.0, 3.0], [0, 6]),
        (lambda x: x**3.0, [0.0, 2.0], [0, 12]),
        (lambda x: x**1, [0.0, 2.0], [1, 1]),
        (lambda x: x**0, [0.0, 2.0], [0, 0]),
        (lambda x: x**-2, [2.0], [-0.25]),
        (lambda x: x**0.5, [4.0], [0.25]),
        (lambda x: x ** np.array([1.0, 3.0]), [5.0, 2.0], [1, 12]),
        (lambda x: x.max(), [1.0, 3.0, 3.0], [0, 1, 0]),
        (lambda x: x.max(ties="last"), [1.0, 3.0, 3.0], [0, 0, 1]),
        (lambda x: x.max(ties="split"), [1.0, 3.0, 3.0], [0, 0.5, 0.5]),
        (lambda x: x.max(ties="all"), [1.0, 3.0, 3.0], [0, 1, 1]),
        (lambda x: np.min(x), [1.0, 1.0, 3.0], [1, 0, 0]),
        (lambda x: x.mean(), [1.0, 3.0], [0.5, 0.5]),
        (lambda x: np.where(x > 1, x * x, -x), [1.0, 3.0], [-1, 6]),
        (lambda x: x.astype(np.float32), [1.0, 3.0], [1, 1]),
        (lambda x: x * x.value, [1.0, 3.0], [1, 3]),  # the array itself is a constant
        (lambda x: (x > 2) * x, [1.0, 3.0], [0, 1]),
        (lambda x: np.floor(x) * x, [1.5, 3.5], [1, 3]),
        (lambda x: sum(part * n for n, part in enumerate(x)), [1.0, 3.0], [0, 1]),
    ],
)
def test_a_piece_has_the_slope_that_is_named(function: Callable[[Any], Any], x: list[float], expected: list) -> None:
    def total(x: Any) -> Any:
        return np.sum(function(x))

    np.testing.assert_array_equal(cm.grad(total)(np.array(x)), np.array(expected, float), strict=True)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 2), (1, 1), ()])
@pytest.mark.parametrize("keepdims", [False, True])
def test_a_maximum_over_some_axes_is_that_of_numpy(shape: tuple[int, ...], keepdims: bool) -> None:
    x = integers(7, shape)
    every = [None, *range(-len(shape), len(shape)), tuple(range(len(shape)))]
    for axis in every:
        for name in ("max", "min", "sum", "mean"):
            expected = getattr(x, name)(axis=axis, keepdims=keepdims)
            got = getattr(cm.Tensor(x), name)(axis, keepdims=keepdims)
            np.testing.assert_array_equal(got.value, expected, strict=True)
            np.testing.assert_array_equal(getattr(np, name)(cm.Tensor(x), axis, keepdims=keepdims).value, expected)


BOTH: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "@": operator.matmul,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("other", [np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([2.0, 1.0]), [1.0, 2.0]], ids=str)
def test_an_operator_has_the_value_that_numpy_gives(name: str, other: Any) -> None:
    x = np.array([[1.0, 5.0], [3.0, 0.5]])
    for left, right in ((x, other), (other, x)):
        expected = BOTH[name](left, right)
        traced = [cm.Tensor(side) if side is x else side for side in (left, right)]
        got = BOTH[name](*traced)
        assert isinstance(got, np.ndarray) == (expected.dtype == bool)  # a comparison has no derivative
        np.testing.assert_array_equal(got.value if isinstance(got, cm.Tensor) else got, expected, strict=True)


def test_numbers_of_python_and_numpy_stand_on_both_sides() -> None:
    for two in (2, 2.0, np.float64(2), np.int64(2)):
        for function in (operator.add, operator.sub, operator.mul, operator.truediv):
            x = np.array([1.0, 4.0])
            for value, traced in (
                (function(two, x), function(two, cm.Tensor(x))),
                (function(x, two), function(cm.Tensor(x), two)),
            ):
                np.testing.assert_array_equal(traced.value, value, strict=True)


def test_float32_stays_what_it_is() -> None:
    def f(x: Any) -> Any:
        return (2 * x**2 / 3 + np.exp(x) * 0.5 + x.mean() + np.where(x > 0, x, 0) + x.max() + abs(x) ** 0.5).sum()

    x = np.array([1.0, 2.0], np.float32)
    value, gradient = cm.value_and_grad(f)(x)
    assert value.dtype == gradient.dtype == np.float32
    assert cm.hvp(f, (x,), (x,))[0].dtype == np.float32


def test_a_matrix_product_of_vectors_and_stacks_of_matrices() -> None:
    shapes = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((4, 2, 3), (3, 2)), ((2, 3), (4, 3, 2)), ((3,), (4, 3, 2))]
    for left, right in [*shapes, ((4, 2, 3), (3,)), ((4, 1, 2, 3), (5, 3, 2))]:
        x, y = integers(3, left), integers(4, right)
        gy = integers(5, np.matmul(x, y).shape)
        dx, dy = integers(6, left), integers(7, right)
        value, pullback = cm.vjp(np.matmul, x, y)
        np.testing.assert_array_equal(value, x @ y)
        gx, g = pullback(gy)
        assert (gx * dx).sum() + (g * dy).sum() == (gy * (dx @ y + x @ dy)).sum()


def test_a_key_that_takes_an_element_twice_adds_its_gradients() -> None:
    x = np.array([1.0, 2.0, 3.0])
    for key in ([0, 0, 2], np.array([True, False, True]), (np.array([1, 1, 1]),), slice(0, 2), -1, (..., 1), None):
        gy = integers(9, x[key].shape)
        expected = np.zeros(3)
        np.add.at(expected, np.arange(3)[key], gy)
        np.testing.assert_array_equal(cm.vjp(lambda z, key=key: z[key], x)[1](gy)[0], expected)


# --- what is refused --------------------------------------------------------------------------------------------------


def refused(function: Callable[[Any], Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error) as raised:
        cm.grad(lambda x: np.sum(function(x)))(np.array([1.0, 2.0]))
    assert str(raised.value).startswith(sentence)


@pytest.mark.parametrize(
    ("function", "error", "sentence"),
    [
        (np.cumsum, UnknownNameError, "there is no function of NumPy on a Tensor 'cumsum'"),
        (np.sin, UnknownNameError, "there is no function of NumPy on a Tensor 'sin'"),
        (np.add.reduce, UnknownNameError, "there is no function of NumPy on a Tensor 'add.reduce'"),
        (lambda x: np.add(x, 1, dtype=float), HyperparameterError, "dtype came, but a function of a Tensor takes"),
        (np.asarray, DtypeError, "a Tensor would become a plain array here, and its gradient would be lost"),
        (lambda x: np.array([x[0], x[1]]), DtypeError, "a Tensor would become a plain"),
        (lambda x: float(x[0]), DtypeError, "a Tensor would become a plain number here"),
        (lambda x: 2**x, StatementError, "A^B: the exponent depends on B; write it with exp and log"),
        (lambda x: x.sum(axis=1), ShapeError, "axis is 1, but different axes of an array with 1 are needed [sum]"),
        (lambda x: x.max(axis=(0, 0)), ShapeError, "axis is (0, 0), but different axes"),
        (lambda x: x.max(ties="both"), UnknownNameError, "there is no choice of ties 'both'"),
        (lambda x: cm.Tensor(x), DtypeError, "a Tensor came, but an array is needed; its .value is one"),
    ],
)
def test_what_has_no_derivative_is_refused(function: Any, error: type[Exception], sentence: str) -> None:
    refused(function, error, sentence)


def test_a_tensor_is_not_changed_in_place() -> None:
    x = cm.Tensor([1.0, 2.0])
    with pytest.raises(TypeError):
        x[0] = 3.0  # type: ignore[index]
    with pytest.raises(ValueError, match="read-only"):
        x.value[0] = 3.0


def test_a_tensor_says_what_it_is() -> None:
    x = cm.Tensor([[1.0, 2.0]])
    assert (repr(x), x.shape, x.ndim, x.size, x.dtype, len(x)) == ("Tensor([[1., 2.]])", (1, 2), 2, 2, np.float64, 1)
    assert [row.shape for row in x] == [(2,)]
    assert np.shape(x) == (1, 2)
    assert bool(cm.Tensor(0.0)) is False
    assert x in [x]
    assert len({x, x}) == 1
    with pytest.raises(ValueError, match="ambiguous"):
        bool(x)


# --- teeth ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def fresh_slopes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is compiled is kept; a fault in what compiles must not meet it, nor leave its own."""
    for function in elementwise.ELEMENTWISE.values():
        monkeypatch.setattr(function, "_plans", {})
    elementwise._power_of.cache_clear()
    yield
    elementwise._power_of.cache_clear()


def test_a_slope_that_is_doubled_is_caught(fresh_slopes: None, monkeypatch: pytest.MonkeyPatch) -> None:
    true = slopes.derivative
    monkeypatch.setattr(slopes, "derivative", lambda node, by: 2 * true(node, by))
    caught(test_the_gradient_of_a_program_is_its_difference_quotient)
    with pytest.raises(AssertionError):
        test_a_slope_is_the_complex_step(np.exp)


def test_a_repeated_operand_whose_gradients_are_not_added_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def first(cotangent: Any, shape: tuple[int, ...]) -> Any:
        return cotangent if cotangent.shape == shape else cotangent.reshape(-1)[: int(np.prod(shape))].reshape(shape)

    monkeypatch.setattr(elementwise, "to_shape", first)
    caught(test_the_gradient_of_a_program_is_its_difference_quotient)


def test_an_adjoint_that_forgets_where_it_came_from_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "_is_basic", lambda key: True)  # the last of several gradients stays
    caught(test_the_gradient_of_a_program_is_its_difference_quotient)
    with pytest.raises(AssertionError):
        test_a_key_that_takes_an_element_twice_adds_its_gradients()


def test_gradients_that_come_by_two_ways_and_are_not_added_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape, "heappush", lambda queue, entry: queue.insert(0, entry))  # in the order they come
    monkeypatch.setattr(tape, "heappop", lambda queue: queue.pop())
    caught(test_the_gradient_of_a_program_is_its_difference_quotient)


def test_a_second_derivative_that_is_lost_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = arrays._matmul

    def constant(lower: list[Any], places: list[int]) -> Any:
        value, pullback = true([tape.bottom(side) for side in lower], places)
        return value, pullback

    monkeypatch.setattr(arrays, "_matmul", constant)
    caught(test_the_hessian_of_a_program_is_the_difference_quotient_of_its_gradient)
