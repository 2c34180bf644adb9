"""Arrays of other libraries: the same values, gradients and refusals as NumPy's, in their own types, where they lie."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import array_api_strict
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import convmath as cm
from convmath import functional as F
from convmath.errors import ConvmathError, DtypeError, HyperparameterError, ProbabilityWarning
from convmath.functional import foreign, portable
from convmath.functional.portable import CALLS
from convmath.kernels.portable import convolution, elementwise, library, losses, moves, norms, pooling, products
from convmath.testing import Case, Subject, cases
from convmath.testing.cases import SEEDS, integers
from convmath.testing.laws import LAWS

from ..faults import caught
from ..laws.registry import OPERATORS, TAKE_ANYTHING
from ..libraries import Library, cupy, jax, strict, torch

FEW = settings(max_examples=max(4, settings.default.max_examples // 8))

EACH = pytest.mark.parametrize("of", [strict, torch, jax, cupy])
DIFFERENTIATES = pytest.mark.parametrize("of", [torch, jax])


def moved(value: Any, move: Callable[[np.ndarray], Any]) -> Any:
    """Arguments whose NumPy arrays are moved to a library."""
    if isinstance(value, Mapping):
        return {name: moved(each, move) for name, each in value.items()}
    if isinstance(value, tuple):
        return tuple(moved(each, move) for each in value)
    return move(value) if isinstance(value, np.ndarray) else value


def back(own: Library, value: Any) -> Any:
    """Results, all of them the library's, as NumPy arrays."""
    if isinstance(value, tuple):
        return tuple(back(own, each) for each in value)
    assert value is None or isinstance(value, own.array), type(value)
    return None if value is None else own.back(value)


def by(op: str, own: Library) -> Subject:
    """The operator on arrays of the library, as an implementation that takes NumPy's."""
    function = getattr(F, op)

    def forward(*args: Any, **kwargs: Any) -> Any:
        return back(own, function(*moved(args, own.given), **moved(kwargs, own.given)))

    return Subject(op, forward, partial(pulled, op, own))


def pulled(op: str, own: Library, cotangent: np.ndarray, *args: Any, **kwargs: Any) -> Any:
    """The gradients on arrays of the library, as NumPy's."""
    function = getattr(F, op)
    return back(own, function.vjp(own.given(cotangent), *moved(args, own.given), **moved(kwargs, own.given)))


def equal(right: tuple[Any, ...], found: tuple[Any, ...]) -> None:
    """Gradients of the same types and values."""
    for one, other in zip(right, found, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_every_operator_is_there() -> None:
    assert set(CALLS) == {*F.__all__} - {"using"}


# --- what is computed -------------------------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("op", OPERATORS)
@FEW
@given(data=st.data())
def test_values_and_gradients_are_those_of_the_definition(op: str, of: Callable[[], Library], data: Any) -> None:
    own, found, seed = of(), data.draw(cases(op), label="case"), data.draw(SEEDS, label="seed")
    for law in ("definition", "gradient", "purity"):
        finding = LAWS[law](by(op, own), found, lambda shape: integers(seed, shape))
        assert finding is None, finding.sentence


TYPES = ("float32", "float64", "int64", "int32", "float16")


def same_kind(right: Any, found: Any) -> None:
    """The same number of results, of the same shapes and types."""
    for one, other in zip(*(each if isinstance(each, tuple) else (each,) for each in (right, found)), strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            assert (one.shape, one.dtype) == (other.shape, other.dtype)


def outcome(function: Callable[..., Any], case: Case) -> Any:
    """What a call returns, or what it is refused with."""
    try:
        return function(*case.args, **case.kwargs)
    except ConvmathError as refused:
        return refused


@EACH
@pytest.mark.parametrize("op", OPERATORS)
@FEW
@given(data=st.data())
def test_shapes_and_types_are_those_of_numpy(op: str, of: Callable[[], Library], data: Any) -> None:
    """Also of integers, of two types together, of two bytes, and of a cotangent of another type."""
    own, case = of(), data.draw(cases(op), label="case")
    types = data.draw(st.lists(st.sampled_from(TYPES), min_size=len(case.arrays), max_size=len(case.arrays)))
    arrays = [a if a.dtype.kind == "i" else a.astype(t) for a, t in zip(case.arrays, types, strict=True)]
    case = case.with_arrays(*arrays)
    if own.array.__module__.startswith("array_api_strict"):  # has no type of two bytes
        case = case.with_arrays(*(a.astype("f4") if a.dtype == np.float16 else a for a in case.arrays))
    function, cotangent = getattr(F, op), data.draw(st.sampled_from(("float32", "float64", "int64")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ProbabilityWarning)
        right, found = outcome(function, case), outcome(by(op, own).forward, case)
        if isinstance(right, Exception):
            assert (type(found), str(found)) == (type(right), str(right))
            return
        g = np.ones(right[0].shape if isinstance(right, tuple) else right.shape, cotangent)
        same_kind(right, found)
        same_kind(function.vjp(g, *case.args, **case.kwargs), pulled(op, own, g, *case.args, **case.kwargs))


@EACH
@FEW
@given(data=st.data())
def test_what_is_not_finite_is_what_numpy_has(of: Callable[[], Library], data: Any) -> None:
    own, rng = of(), np.random.default_rng(data.draw(SEEDS, label="seed"))
    case = data.draw(st.sampled_from(TAKE_ANYTHING).flatmap(cases), label="case")
    numbers = [0.0, 1.0, -2.0, np.nan, np.inf, -np.inf]
    strange = case.with_arrays(*(a if a.dtype.kind == "i" else rng.choice(numbers, a.shape) for a in case.arrays))
    numpys = Subject(case.op, getattr(F, case.op), getattr(F, case.op).vjp)
    with np.errstate(invalid="ignore"):
        right, found = numpys.run(strange), by(case.op, own).run(strange)
        np.testing.assert_array_equal(right, found)
        cotangent = rng.choice([0.0, 1.0, np.nan, np.inf], right.shape)
        pairs = zip(numpys.gradients(cotangent, strange), by(case.op, own).gradients(cotangent, strange), strict=True)
        for one, other in pairs:
            np.testing.assert_array_equal(np.zeros(0) if one is None else one, np.zeros(0) if other is None else other)


POINTS = np.array(
    [-np.inf, -1e3, -40.0, -6.0, -3.0, -1e-9, -0.0, 0.0, 1e-9, 0.5, 1.6, 3.0, 6.0, 40.0, 1e3, np.inf, np.nan]
)
ACTIVATIONS = [
    *("relu", "leaky_relu", "relu6", "hardswish", "elu", "selu"),
    *("softplus", "sigmoid", "tanh", "scaled_tanh", "silu", "gelu"),
]


@EACH
@pytest.mark.parametrize("op", ACTIVATIONS)
def test_activations_are_right_far_out_and_near_zero(op: str, of: Callable[[], Library]) -> None:
    """Within 32 units, of which the error function on its own takes most: NumPy's own are within 4."""
    own, function = of(), getattr(F, op)
    for right, found in (
        (function(POINTS), by(op, own).forward(POINTS)),
        (function.vjp(np.ones(17), POINTS)[0], pulled(op, own, np.ones(17), POINTS)[0]),
    ):
        finite = np.isfinite(right)
        np.testing.assert_array_equal(np.where(finite, 0, right), np.where(np.isfinite(found), 0, found))
        assert (abs(found[finite] - right[finite]) <= 32 * 2.0**-53 * abs(right[finite])).all(), (right, found)


@EACH
@pytest.mark.parametrize("ties", ["first", "last", "split", "all"])
def test_ties_and_nan_are_selected_as_they_are_by_numpy(ties: str, of: Callable[[], Library]) -> None:
    own = of()
    for x in (np.ones((1, 2, 4, 4)), np.full((1, 1, 4, 4), np.nan), np.full((1, 1, 4, 4), -np.inf)):
        for op, args, kwargs in (
            ("max_pool", (x, 3), {"stride": 2, "padding": 1, "ties": ties}),
            ("adaptive_max_pool", (x, 3), {"ties": ties}),
            ("global_max_pool", (x,), {"ties": ties}),
        ):
            g = 1.0 + np.arange(getattr(F, op)(*args, **kwargs).size).reshape(getattr(F, op)(*args, **kwargs).shape)
            [right], [found] = getattr(F, op).vjp(g, *args, **kwargs), pulled(op, own, g, *args, **kwargs)
            np.testing.assert_array_equal(right, found)
        if ties in ("first", "last"):
            for op, kernel in (("max_pool", 3), ("adaptive_max_pool", 3)):
                one = getattr(F, op)(x, kernel, return_indices=True, ties=ties)
                other = by(op, own).forward(x, kernel, return_indices=True, ties=ties)
                np.testing.assert_array_equal(one, other)


@EACH
@FEW
@given(data=st.data())
def test_signals_are_those_of_numpy(of: Callable[[], Library], data: Any) -> None:
    own, draw = of(), data.draw
    ndim = draw(st.integers(0, 3))
    shapes = [tuple(draw(st.integers(2, 5)) for _ in range(ndim)) for _ in "av"]
    kinds, seed = [draw(st.sampled_from("fic")) for _ in "av"], draw(SEEDS)
    factors = {"f": 1.0, "i": 1, "c": 1 - 2j}
    a, v = (
        np.asarray(integers(seed + place, shape).astype(type(factors[kind])) * factors[kind])
        for place, (shape, kind) in enumerate(zip(shapes, kinds, strict=True))
    )
    mode = draw(st.sampled_from(("full", "same")))
    boundary = draw(st.sampled_from(("zeros", "replicate"))) if mode == "same" else "zeros"
    for op in ("convolve", "correlate"):
        right = getattr(F, op)(a, v, mode, "direct", boundary=boundary)
        found = by(op, own).forward(a, v, mode, boundary=boundary)
        np.testing.assert_array_equal(right, found)
        g = right * (2 if right.dtype.kind == "i" else 0.5)
        gradients = getattr(F, op).vjp(g, a, v, mode, "direct", boundary=boundary)
        equal(gradients, pulled(op, own, g, a, v, mode, boundary=boundary))


@EACH
def test_complex_convolutions_are_those_of_numpy(of: Callable[[], Library]) -> None:
    own, rng = of(), np.random.default_rng(0)
    x, w, v, u = (
        rng.integers(-3, 4, shape) + 1j * rng.integers(-3, 4, shape)
        for shape in ((2, 4, 6), (6, 2, 3), (4, 3, 3), (5, 6))
    )
    for op, args, kwargs in (
        ("conv", (x, w), {"groups": 2, "padding": 1}),
        ("conv_transpose", (x, v), {"stride": 2}),
        ("linear", (x, u), {}),
        ("conv", (x.real.copy(), w), {"groups": 2}),
    ):
        right = getattr(F, op)(*args, **kwargs)
        np.testing.assert_array_equal(right, by(op, own).forward(*args, **kwargs))
        equal(getattr(F, op).vjp(right, *args, **kwargs), pulled(op, own, right, *args, **kwargs))


def test_large_batches_are_cut_into_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolution, "ROOM", 1)
    x, w = np.arange(60.0).reshape(3, 2, 10), np.arange(12.0).reshape(2, 2, 3)
    y, own = F.conv(x, w, padding=1), strict()
    np.testing.assert_array_equal(y, by("conv", own).forward(x, w, padding=1))
    equal(F.conv.vjp(y, x, w, padding=1), pulled("conv", own, y, x, w, padding=1))


SMALL = st.integers(0, 4)


@FEW
@given(data=st.data())
def test_products_of_integers_are_sums_where_a_library_has_none(data: Any) -> None:
    """In parts too, and where there is nothing to sum; what leaves 64 bits wraps round in both."""
    rng, (i, t, j, n) = np.random.default_rng(data.draw(SEEDS)), data.draw(st.tuples(SMALL, SMALL, SMALL, SMALL))
    a, b = (rng.integers(-(2**40), 2**40, shape) for shape in ((i, t), (n, t, j)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "ROOM", data.draw(st.sampled_from((1, products.ROOM))))
        found = products.by_sums(array_api_strict, array_api_strict.asarray(a), array_api_strict.asarray(b))
    np.testing.assert_array_equal(np.asarray(found), a @ b)


MIX = cm.define("mix", "Y[v,o,j] = sum(c<C, t<k) W[o,c,t]*X[v,c,j+t]", ndim=1).function


def test_torch_sums_products_of_integers_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    own, called = torch(), list[Any]()
    monkeypatch.setattr(products, "device", lambda array: SimpleNamespace(type="cuda"))
    monkeypatch.setattr(products, "by_sums", lambda *given, true=products.by_sums: (called.append(1), true(*given))[1])
    x, w = np.arange(12).reshape(1, 2, 6), np.arange(12).reshape(2, 2, 3)
    np.testing.assert_array_equal(by("conv", own).forward(x, w), F.conv(x, w))
    assert called
    np.testing.assert_array_equal(by("conv", own).forward(x, w * 0.5), F.conv(x, w * 0.5))
    assert len(called) == 1


@pytest.mark.parametrize(
    "call", [lambda a: F.conv(a, a), lambda a: F.linear(a, a[0]), lambda a: MIX(a, a)], ids=["conv", "linear", "mix"]
)
def test_float32_is_multiplied_in_float32_by_jax_unless_it_is_told_otherwise(call: Callable[[Any], Any]) -> None:
    """On a CPU it does so anyway, so what it is asked for is looked at."""
    jax()
    import jax as library_

    a = library_.numpy.ones((3, 3, 3), "float32")
    assert "HIGHEST" in str(library_.make_jaxpr(call)(a))
    with library_.default_matmul_precision("tensorfloat32"):
        assert "HIGHEST" not in str(library_.make_jaxpr(call)(a))


# --- where it is computed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", OPERATORS)
@FEW
@given(data=st.data())
def test_arrays_stay_on_their_device(op: str, data: st.DataObject) -> None:
    """Another device than the standard one, to which NumPy does not reach; what is mixed is refused by the library."""
    far, case = array_api_strict.Device("device1"), data.draw(cases(op), label="case")
    own = Library(lambda a: array_api_strict.asarray(a, device=far), np.asarray, strict().array)
    args, kwargs = moved(case.args, own.given), moved(case.kwargs, own.given)
    found = getattr(F, op)(*args, **kwargs)
    first = found[0] if isinstance(found, tuple) else found
    gradients = getattr(F, op).vjp(first, *args, **kwargs)
    results = [*(found if isinstance(found, tuple) else (found,)), *gradients]
    assert all(one.device == far for one in results if one is not None)


@pytest.mark.parametrize("of", [strict, torch])
@pytest.mark.parametrize("op", OPERATORS)
@FEW
@given(data=st.data())
def test_results_share_no_memory_with_arguments(op: str, of: Callable[[], Library], data: Any) -> None:
    own, case = of(), data.draw(cases(op), label="case")
    args, kwargs = moved(case.args, own.given), moved(case.kwargs, own.given)
    found = getattr(F, op)(*args, **kwargs)
    results = list(found if isinstance(found, tuple) else (found,))
    cotangent = own.given(np.ones(results[0].shape))
    results += getattr(F, op).vjp(cotangent, *args, **kwargs)
    arrays = [*args, *kwargs.values(), cotangent]
    held = [own.back(array) for array in arrays if isinstance(array, own.array)]
    assert not any(np.shares_memory(own.back(one), other) for one in results if one is not None for other in held)


def test_lists_and_numbers_lie_where_the_arrays_do() -> None:
    far = array_api_strict.Device("device1")
    x = array_api_strict.ones((1, 1, 4), device=far)
    assert F.conv(x, [[[1.0, 2.0]]]).device == far
    assert F.linear([[1.0]], array_api_strict.ones((2, 1), device=far)).device == far
    assert F.mse.vjp(1.0, x, x)[0].device == far
    gradients = F.conv.vjp(array_api_strict.ones((1, 1, 3), device=far), [[[1.0] * 4]], [[[1.0, 2.0]]])
    assert [g.device for g in gradients] == [far, far]


def test_nothing_is_left_of_an_axis_that_is_cut_off() -> None:
    x, nothing = array_api_strict.ones((1, 1, 1)), array_api_strict.ones((1, 1, 0))
    assert F.pad(x, ((1, -2),)).shape == (1, 1, 0)
    [gx] = F.pad.vjp(nothing, x, ((1, -2),))
    assert gx.shape == (1, 1, 1)
    assert gx[0, 0, 0] == 0
    filled = F.pad(x, ((-2, 4),), value=3)
    assert filled.shape == (1, 1, 3)
    assert array_api_strict.all(filled == 3)


# --- differentiated by the library ------------------------------------------------------------------------------------


def differentiated(own: Library, case: Case, cotangent: np.ndarray) -> list[np.ndarray]:
    """The gradients of ⟨cotangent, op(…)⟩ by the arrays of floating point, as the library finds them."""
    function, floats = getattr(F, case.op), [a for a in case.arrays if a.dtype.kind == "f"]

    def value(*arrays: Any) -> Any:
        fresh = iter(arrays)
        every = (next(fresh) if a.dtype.kind == "f" else own.given(a) for a in case.arrays)
        held = {id(a): one for a, one in zip(case.arrays, every, strict=True)}
        put = lambda a: held[id(a)]  # noqa: E731
        found = function(*moved(case.args, put), **moved(case.kwargs, put))
        return ((found[0] if isinstance(found, tuple) else found) * own.given(cotangent)).sum()

    if "torch" in own.array.__module__:
        leaves = [own.given(a).requires_grad_() for a in floats]
        value(*leaves).backward()
        return [own.back(leaf * 0 if leaf.grad is None else leaf.grad) for leaf in leaves]
    import jax as library_

    found = library_.jit(library_.grad(value, argnums=tuple(range(len(floats)))))(*map(own.given, floats))
    return list(map(own.back, found))


@DIFFERENTIATES
@pytest.mark.parametrize("op", OPERATORS)
@settings(max_examples=2)
@given(data=st.data())
def test_backward_and_grad_are_the_vjp(op: str, of: Callable[[], Library], data: Any) -> None:
    own, case, seed = of(), data.draw(cases(op), label="case"), data.draw(SEEDS, label="seed")
    cotangent = integers(seed, by(op, own).run(case).shape).astype(float)
    right = [
        g for g, a in zip(by(op, own).gradients(cotangent, case), case.arrays, strict=False) if a.dtype.kind == "f"
    ]
    for a, one, other in zip(
        [a for a in case.arrays if a.dtype.kind == "f"], right, differentiated(own, case, cotangent), strict=True
    ):
        # a compiled program may join operations, each of which is rounded otherwise then
        np.testing.assert_allclose(other, np.zeros(a.shape) if one is None else one, rtol=1e-12, atol=1e-12)


def test_torch_differentiates_twice_and_outputs_that_are_not_differentiated_are_constant() -> None:
    own, module = torch(), sys.modules["torch"]
    x = module.tensor([0.5, -1.0], requires_grad=True, dtype=module.float64)
    [once] = module.autograd.grad(F.tanh(x).sum(), x, create_graph=True)
    [twice] = module.autograd.grad(once.sum(), x)
    y = np.tanh(own.back(x))
    np.testing.assert_allclose(own.back(twice), -2 * y * (1 - y * y), rtol=1e-14)
    _, indices = F.max_pool(module.ones(1, 1, 4, requires_grad=True), 2, return_indices=True)
    y, mean, var = F.batch_norm(module.ones(2, 1, 4, requires_grad=True), [0.0], [1.0], training=True)
    assert [each.requires_grad for each in (indices, y, mean, var)] == [False, True, False, False]


def test_jax_differentiates_twice_maps_and_takes_complex_gradients_its_way() -> None:
    jax()
    import jax as library_

    xp = library_.numpy
    x = xp.asarray([0.5, -1.0])
    second = library_.grad(lambda x: library_.grad(lambda x: F.tanh(x).sum())(x).sum())(x)
    y = np.tanh(np.asarray(x))
    np.testing.assert_allclose(second, -2 * y * (1 - y * y), rtol=1e-14)
    batch, w = xp.arange(24.0).reshape(2, 3, 4), xp.ones((2, 3, 2))
    np.testing.assert_array_equal(library_.vmap(lambda x: F.conv(x[None], w)[0])(batch), F.conv(batch, w))
    a, v = xp.asarray([1 + 2j, 3j]), xp.asarray([2 - 1j, 1j, 4.0])
    ours = library_.grad(lambda a: xp.abs(F.convolve(a, v) ** 2).sum())(a)
    np.testing.assert_allclose(ours, library_.grad(lambda a: xp.abs(xp.convolve(a, v) ** 2).sum())(a), rtol=1e-13)


def test_what_is_only_traced_is_not_looked_at() -> None:
    jax()
    import jax as library_

    x, target = library_.numpy.zeros((2, 3)), library_.numpy.asarray([1, 5])
    with pytest.raises(cm.errors.DataError, match=r"^target\[1\] is 5, but the classes are 0, …, 2"):
        F.cross_entropy(x, target)
    assert library_.jit(F.cross_entropy)(x, target).shape == ()


# --- what is refused --------------------------------------------------------------------------------------------------

X, W = np.ones((2, 3, 6)), np.ones((4, 3, 2))
REFUSED: Mapping[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "channels that differ": ("conv", (X, np.ones((4, 2, 2))), {}),
    "too few axes": ("conv", (X[0], W[0]), {}),
    "a stride that is no number": ("conv", (X, W), {"stride": True}),
    "an unknown word": ("conv", (X, W), {"padding": "some"}),
    "an unknown border": ("conv", (X, W), {"padding_mode": "zero"}),
    "a kernel that does not fit": ("max_pool", (X, 9), {}),
    "windows that hold nothing": ("avg_pool", (X, 1), {"padding": 3, "count_include_pad": False}),
    "a list that is no array": ("conv", (X, [[[1.0, 2.0], [3.0]]]), {}),
    "a type that is not computed in": ("relu", (np.array([True]),), {}),
    "complex numbers": ("max_pool", (X + 1j, 2), {}),
    "an axis that is not there": ("softmax", (X,), {"axis": 3}),
    "a size that is not there": ("layer_norm", (X, 5), {}),
    "a class that there is not": ("cross_entropy", (X[:, :, 0], np.array([0, 3])), {}),
    "a negative class": ("nll", (X[:, :, 0], np.array([0, -1])), {}),
    "a target that is too long": ("cross_entropy", (X, np.zeros((2, 5), int)), {}),
    "a mask that is neither": ("dropout", (X[0, 0], np.array([0, 1, 2, 0, 1, 0])), {}),
    "a table that is neither": ("table_conv", (X, W, np.full((4, 3), 2)), {}),
    "a negative variance": ("batch_norm", (X, np.ones(3), -np.ones(3)), {}),
    "a variance of 0": ("layer_norm", (X, 6), {"eps": 0}),
    "a running variance of 0": ("batch_norm", (X, np.ones(3), np.zeros(3)), {"eps": 0}),
    "half a statistic": ("batch_norm", (X, np.ones(3)), {}),
    "a root of a negative number": ("lp_pool", (-X, 3, 2), {}),
    "a power of a negative number": ("global_lp_pool", (-X, 2.5), {}),
    "a norm of nothing": ("local_response_norm", (0 * X, 2), {"k": 0}),
    "a position twice": ("max_unpool", (X[:, :, :2], np.zeros((2, 3, 2), int), 2), {}),
    "a position beyond": ("max_unpool", (X[:, :, :2], np.full((2, 3, 2), 9), 2), {}),
    "arrays that differ": ("concat", (X, X[:, :, :5]), {}),
    "arrays of other sizes": ("add", (X, X[:1]), {}),
    "pads that are no pairs": ("pad", (X, (1, 2)), {}),
    "a value for integers": ("pad", (X.astype(int), ((1, 2),)), {"value": 0.5}),
    "signals of other ranks": ("convolve", (X, X[0]), {}),
    "a boundary out of reach": ("convolve", (X[0, 0], np.ones(20)), {"boundary": "reflect"}),
}


@EACH
@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_is_refused_with_the_same_sentence(what: str, of: Callable[[], Library]) -> None:
    op, args, kwargs = REFUSED[what]
    own, function = of(), getattr(F, op)
    with pytest.raises(ConvmathError) as right:
        function(*args, **kwargs)
    for call in (function, lambda *args, **kwargs: function.vjp(own.given(np.ones(())), *args, **kwargs)):
        with pytest.raises(type(right.value)) as found:
            call(*moved(args, own.given), **moved(kwargs, own.given))
        assert str(found.value) == str(right.value)


@EACH
def test_cotangents_and_calls_are_refused_with_the_same_sentence(of: Callable[[], Library]) -> None:
    own = of()
    x, w = own.given(X), own.given(W)
    with pytest.raises(ConvmathError) as right:
        F.conv.vjp(np.ones((2, 4, 9)), X, W)
    with pytest.raises(type(right.value)) as found:
        F.conv.vjp(own.given(np.ones((2, 4, 9))), x, w)
    assert str(found.value) == str(right.value)
    with pytest.raises(TypeError, match=r"conv\(\) missing 1 required positional argument: 'w'"):
        F.conv(x)
    with pytest.raises(TypeError, match="unexpected keyword argument 'strid'"):
        F.conv(x, w, strid=2)


@EACH
def test_probabilities_that_are_none_are_warned_of(of: Callable[[], Library]) -> None:
    own, target = of(), np.array([[0.5, 0.6], [0.5, 0.5]])
    with pytest.warns(ProbabilityWarning, match=r"^the probabilities target\[0, :\] sum to 1\.1 "):
        F.cross_entropy(own.given(np.ones((2, 2))), own.given(target))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        F.cross_entropy(own.given(np.ones((2, 2))), own.given(target[1:].repeat(2, 0)))


@EACH
def test_what_is_numpys_alone_is_refused(of: Callable[[], Library]) -> None:
    own = of()
    x, w = own.given(X), own.given(W)
    with pytest.raises(
        DtypeError, match=r"^w is a numpy\.ndarray, but x a .*, and all arrays of a call are of one library"
    ):
        F.conv(x, W)
    with pytest.raises(DtypeError, match=r"^the cotangent is a numpy\.ndarray, but x a "):
        F.conv.vjp(np.ones((2, 4, 5)), x, w)
    with pytest.raises(DtypeError, match=r"^others\[0\] is a numpy\.ndarray, but x a "):
        F.concat(x, X)
    with pytest.raises(HyperparameterError, match=r"^method came, but it is for NumPy arrays alone \[conv\]$"):
        F.conv(x, w, method="simd")
    with pytest.raises(HyperparameterError, match=r"^out came, but it is for NumPy arrays alone \[convolve\]$"):
        F.convolve(x, w, out=np.ones(1))
    with pytest.raises(HyperparameterError, match=r"^a plan is there for NumPy arrays alone \[conv\.plan\]$"):
        F.conv.plan(x, w)  # type: ignore[attr-defined]
    with pytest.raises(HyperparameterError, match="only NumPy arrays keep it"), cm.exact_order():
        F.conv(x, w)
    with pytest.raises(DtypeError, match=r"^x holds .*uint64, but .* integers up to int64 are needed"):
        F.relu(own.given(np.ones(2, np.uint64)))


def test_two_devices_are_refused() -> None:
    x, w = array_api_strict.asarray(X), array_api_strict.asarray(W, device=array_api_strict.Device("device1"))
    with pytest.raises(
        DtypeError, match=r"^w lies on .*device1.*, but x on .*CPU.*, and all arrays of a call lie on one"
    ):
        F.conv(x, w)


def test_arrays_that_need_a_package_that_is_missing_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = type("Tensor", (), {"__module__": "torch", "shape": (2,)})
    monkeypatch.setitem(sys.modules, "array_api_compat", None)
    with pytest.raises(
        ModuleNotFoundError, match=r"^a torch\.Tensor came, .* the extra convmath\[interop\] brings it \[relu\]"
    ):
        F.relu(silent())
    assert F.relu(array_api_strict.asarray([-1.0, 2.0]))[1] == 2  # which speaks for itself


def test_a_hyperparameter_of_another_library_is_a_number() -> None:
    found = F.leaky_relu(np.array([-1.0]), negative_slope=array_api_strict.asarray(0.5))
    assert isinstance(found, np.ndarray)
    assert found == -0.5
    [gradient] = F.leaky_relu.vjp([1.0], np.array([-1.0]), negative_slope=array_api_strict.asarray(0.5))
    assert gradient == 0.5


# --- a user's operator ------------------------------------------------------------------------------------------------

BLUR = cm.define("blur", "Y[v,c,j] = sum(t<k) W[t]*X[v,c,s*j+t-a]", ndim=1, outside={"X": "reflect"}).function


@EACH
def test_a_users_operator_takes_them_too(of: Callable[[], Library]) -> None:
    own, x, w = of(), np.arange(12.0).reshape(1, 2, 6), np.array([1.0, 2.0, 1.0])
    y = BLUR(x, w, padding=1)
    np.testing.assert_array_equal(back(own, BLUR(own.given(x), own.given(w), padding=1)), y)
    np.testing.assert_array_equal(back(own, BLUR(own.given(x), [1, 2, 1], padding=1)), y)
    found = BLUR.vjp(own.given(y), own.given(x), own.given(w), padding=1)
    for one, other in zip(BLUR.vjp(y, x, w, padding=1), back(own, found), strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(DtypeError, match=r"^array 2 is a numpy\.ndarray, but array 1 a "):
        BLUR(own.given(x), w)
    with pytest.raises(ConvmathError, match=r"^X has shape \(2, 6\), but 1 spatial axes"):
        BLUR(own.given(x[0]), own.given(w))


@DIFFERENTIATES
def test_a_users_operator_is_differentiated_and_traced(of: Callable[[], Library]) -> None:
    own, x, w = of(), np.arange(12.0).reshape(1, 2, 6), np.array([1.0, 2.0, 1.0])
    right = BLUR.vjp(np.ones((1, 2, 6)), x, w, padding=1)
    if of is torch:
        leaves = [own.given(a).requires_grad_() for a in (x, w)]
        BLUR(*leaves, padding=1).sum().backward()
        found = [leaf.grad for leaf in leaves]
    else:
        import jax as library_

        both = library_.jit(library_.grad(lambda x, w: BLUR(x, w, padding=1).sum(), argnums=(0, 1)))
        found = both(own.given(x), own.given(w))
    for one, other in zip(right, found, strict=True):
        np.testing.assert_array_equal(one, own.back(other))


# --- what is loaded ---------------------------------------------------------------------------------------------------


def test_no_library_is_loaded_for_numpys_arrays() -> None:
    code = (
        "import sys; from convmath import functional as F; F.conv([[[1.0, 2.0]]], [[[1.0]]])\n"
        "print({'torch', 'jax', 'cupy', 'array_api_compat', 'convmath.functional.foreign'} & {*sys.modules})"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


# --- teeth ------------------------------------------------------------------------------------------------------------

Plant = Callable[[pytest.MonkeyPatch], None]


def replaced(home: Any, name: str, fault: Callable[..., Any]) -> Plant:
    """`home.name` becomes `fault`, which is handed what was there before."""

    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        true = getattr(home, name)
        monkeypatch.setattr(home, name, lambda *arguments, **options: fault(true, *arguments, **options))

    return plant


def twice_the_first(true: Callable, *arguments: Any, **options: Any) -> Any:
    found = true(*arguments, **options)
    found[:1, ...] *= 2
    return found


FAULTS: Mapping[str, tuple[str, Plant]] = {
    "padding at the wrong ends": (
        "conv",
        replaced(moves, "filled", lambda true, xp, x, pads, *rest: true(xp, x, [(b, a) for a, b in pads], *rest)),
    ),
    "a copy that is forgotten": (
        "conv",
        replaced(
            moves,
            "taken_input",
            lambda true, xp, g, axis, where, n: true(xp, g, axis, np.minimum(where, n - 1) * 0 + where[0], n),
        ),
    ),
    "an image that counts twice": ("conv", replaced(convolution, "conv", twice_the_first)),
    "taps that are not added": (
        "max_pool",
        replaced(pooling, "added", lambda true, xp, total, place, values: true(xp, total * 0, place, values)),
    ),
    "a slope that is forgotten": ("gelu", replaced(elementwise, "gelu_input", lambda true, xp, gy, x: gy * x)),
    "a class too far": (
        "cross_entropy",
        replaced(losses, "chosen_of", lambda true, xp, target, classes, kept: true(xp, target + 1, classes, kept)),
    ),
    "a mean that is forgotten": (
        "layer_norm",
        replaced(norms, "_mean", lambda true, xp, x, layout: 0 * true(xp, x, layout)),
    ),
    "an argument that is changed": ("relu", replaced(elementwise, "relu", lambda true, xp, x: changed(x))),
}


def changed(x: Any) -> Any:
    x += 1
    return x


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_caught(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    op, plant = FAULTS[fault]
    plant(monkeypatch)
    caught(test_values_and_gradients_are_those_of_the_definition, op, strict)


def test_a_term_of_a_product_that_is_forgotten_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    fault = lambda true, xp, a, b: true(xp, a[..., : max(0, b.shape[-2] - 1)], b[..., : max(0, b.shape[-2] - 1), :])  # noqa: E731
    replaced(products, "by_sums", fault)(monkeypatch)
    caught(test_products_of_integers_are_sums_where_a_library_has_none)


def test_a_product_of_fewer_digits_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    jax()
    monkeypatch.setattr(convolution, "matmul", lambda xp, a, b: xp.matmul(a, b))
    with pytest.raises(AssertionError):
        test_float32_is_multiplied_in_float32_by_jax_unless_it_is_told_otherwise(lambda a: F.conv(a, a))


def test_an_element_that_is_not_there_and_is_selected_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling, "inside", lambda windows, sizes, counts: None)
    with pytest.raises(AssertionError):
        test_ties_and_nan_are_selected_as_they_are_by_numpy("first", strict)


def test_data_that_are_not_looked_at_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "readable", lambda array: None)
    with pytest.raises(pytest.fail.Exception):
        test_what_is_refused_is_refused_with_the_same_sentence("a class that there is not", strict)


def test_numbers_on_another_device_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "device", lambda array: None)
    with pytest.raises(ValueError, match="device"):
        test_lists_and_numbers_lie_where_the_arrays_do()


def test_a_result_that_is_the_argument_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portable.arrange, "_copy", lambda xp, x, shape: xp.reshape(x, tuple(shape)))
    caught(test_results_share_no_memory_with_arguments, "flatten", strict)


def test_a_type_that_is_too_wide_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = foreign.dtype_of
    monkeypatch.setattr(foreign, "dtype_of", lambda xp, dtype: true(xp, np.dtype(float)))
    caught(test_shapes_and_types_are_those_of_numpy, "conv", strict)
