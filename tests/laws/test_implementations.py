"""Every operator of `functional`, with each choice of kernels, obeys the laws; and each law has teeth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath import functional
from convmath.calculus import eliminate, gradient, shape
from convmath.functional import convolutions, pooling
from convmath.kernels import direct, patches, taps
from convmath.kernels.lowering import Columns
from convmath.ops import spatial
from convmath.steps import SolveQuotient, SolveUnit
from convmath.testing.cases import SEEDS, integers
from convmath.testing.laws import LAWS, applies, laws_of
from convmath.testing.subject import Failure, Subject
from convmath.window import Window

from ..faults import caught
from ..generated import by
from ..kernels.cases import turned
from .registry import KERNELS, OPERATORS, TAKE_ANYTHING, WAYS, WINDOWED, drawn, subject


@pytest.mark.parametrize(
    ("name", "law", "method"), [by(method, name, law) for name, method in WAYS for law in laws_of(name, True)]
)
@given(data=st.data())
def test_it_obeys(name: str, law: str, method: str, data: st.DataObject) -> None:
    case, seed = data.draw(drawn(name), label="case"), data.draw(SEEDS, label="seed")
    if not applies(law, case):
        return
    try:
        found = LAWS[law](subject(name, method), case, lambda shape: integers(seed, shape))
    except Failure as failure:
        raise AssertionError(str(failure)) from failure
    assert found is None, f"{found.sentence} at {case}"


@pytest.mark.parametrize("name", WINDOWED)
@given(data=st.data())
def test_the_size_that_runs_is_the_derived_one(name: str, data: st.DataObject) -> None:
    """The closed form of `window` and the size that `calculus.shape` derives from the statement."""
    case = data.draw(drawn(name), label="case")
    derived = case.sizes[2:]
    extras = case.given.get("output_padding", (0,) * case.ndim)
    sizes = zip(case.windows, case.arrays[0].shape[2:], extras, strict=True)
    transposed = case.operator.statement.placements[0].rule == "preimage"
    run = [window.transposed_size(n, e) if transposed else window.output_size(n) for window, n, e in sizes]
    assert tuple(run) == derived


@given(data=st.data())
def test_the_kernels_agree_where_there_is_no_exact_value(data: st.DataObject) -> None:
    """NaN and infinity go the same way through every kernel."""
    case, seed = data.draw(st.sampled_from(TAKE_ANYTHING).flatmap(drawn), label="case"), data.draw(SEEDS, label="seed")
    rng = np.random.default_rng(seed)
    numbers = [0.0, 1.0, -2.0, np.nan, np.inf, -np.inf]
    strange = case.with_arrays(*(a if a.dtype.kind == "i" else rng.choice(numbers, a.shape) for a in case.arrays))
    with np.errstate(invalid="ignore"):
        plain, *others = (subject(case.op, method).run(strange) for method in KERNELS)
        cotangent = rng.choice([0.0, 1.0, np.nan, np.inf], plain.shape)
        slopes, *more = (subject(case.op, method).gradients(cotangent, strange) for method in KERNELS)
    for other in others:
        np.testing.assert_array_equal(not_finite(plain), not_finite(other))
    for gradients in more:
        for one, other in zip(slopes, gradients, strict=True):
            if one is None and other is None:
                continue  # by whole numbers
            np.testing.assert_array_equal(not_finite(one), not_finite(other))


def not_finite(array: np.ndarray) -> np.ndarray:
    """NaN and infinities where they are; between them there may be quotients, which each kernel rounds in its order."""
    return np.where(np.isfinite(array), 0, array)


# --- teeth: faults in a kernel --------------------------------------------------------------------------------

Plant = Callable[[pytest.MonkeyPatch], None]


def replaced(home: Any, name: str, fault: Callable[..., Any]) -> Plant:
    """`home.name` becomes `fault`, which is handed what was there before."""

    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        true = getattr(home, name)
        monkeypatch.setattr(home, name, lambda *arguments, **options: fault(true, *arguments, **options))

    return plant


def impure(true: Callable, x: np.ndarray, *rest: Any) -> np.ndarray:
    y = true(x, *rest)
    x += 1
    return y


def first_window_twice(true: Callable, *arguments: Any) -> np.ndarray:
    y = true(*arguments)
    y[..., :1] *= 2
    return y


def without_the_first(true: Callable, *arguments: Any, **options: Any) -> Any:
    return islice(true(*arguments, **options), 1, None)


def one_window_more(true: Callable, windows: list[Window], sizes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(m + 1 for m in true(windows, sizes))


def at_wrong_ends(true: Callable, a: np.ndarray, b: np.ndarray, windows: list[Window], *rest: Any) -> np.ndarray:
    return true(a, b, tuple(map(turned, windows)), *rest)


def further(true: Callable, window: Window, t: int, n: int, m: int) -> Any:
    return true(window, t + (t > 0 and window.dilation > 1), n, m)


def undivided(true: Callable, gy: np.ndarray, windows: Any, sizes: Any, divisor: Any) -> np.ndarray:
    return true(gy, windows, sizes, 1)


def the_last(true: Callable, *arguments: Any) -> np.ndarray:
    *others, _ = arguments
    return true(*others, "last")


# what is wrong: the law that must say so, of which operator, with which kernels; and how it is planted
FAULTS: dict[str, tuple[str, str, str, Plant]] = {
    "a dilated tap reads one further": ("definition", "conv", "direct", replaced(taps, "_read", further)),
    "groups change places": (
        "definition",
        "conv",
        "patches",
        replaced(Columns, "windows", lambda f, *a: f(*a)[::-1]),
    ),
    "padding is cut at the wrong ends": (
        "definition",
        "conv_transpose",
        "patches",
        replaced(patches, "conv_transpose", at_wrong_ends),
    ),
    "a tap is left out of the maximum": (
        "definition",
        "max_pool",
        "patches",
        replaced(direct, "taps", without_the_first),
    ),
    "the divisor never counts padding": (
        "definition",
        "avg_pool",
        "direct",
        replaced(pooling, "occupancy", lambda f, *a, padding: f(*a, padding=False)),
    ),
    "there is one window more": (
        "output size",
        "max_pool",
        "direct",
        replaced(direct, "output_sizes", one_window_more),
    ),
    "the input is written to": ("purity", "avg_pool", "direct", replaced(direct, "avg_pool", impure)),
    "the cotangent is written to": ("purity", "conv", "direct", replaced(direct, "conv_input", impure)),
    "the bias forgets the batch": (
        "gradient",
        "conv",
        "patches",
        replaced(convolutions, "_bias_gradient", lambda f, gy, b: f(gy[:1], b)),
    ),
    "the weight's padding is at the wrong ends": (
        "gradient",
        "conv_transpose",
        "direct",
        replaced(direct, "conv_weight", at_wrong_ends),
    ),
    "the last maximiser stands for the first": (
        "gradient",
        "max_pool",
        "patches",
        replaced(patches, "_selected", the_last),
    ),
    "the gradient forgets the divisor": (
        "gradient",
        "avg_pool",
        "direct",
        replaced(direct, "avg_pool_input", undivided),
    ),
    "the adjoint forgets a tap": ("pairing", "conv", "patches", replaced(patches, "taps", without_the_first)),
    "the adjoint forgets the divisor": (
        "pairing",
        "avg_pool",
        "patches",
        replaced(patches, "avg_pool_input", undivided),
    ),
    "signs are lost": (
        "linearity",
        "avg_pool",
        "direct",
        replaced(direct, "avg_pool", lambda f, *a: np.abs(f(*a))),
    ),
    "sums are clipped": (
        "linearity",
        "conv",
        "direct",
        replaced(direct, "conv", lambda f, *a: np.minimum(f(*a), 9)),
    ),
    "the first window counts twice": (
        "translation",
        "conv",
        "direct",
        replaced(direct, "conv", first_window_twice),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_a_kernel_is_caught_by_the_law_that_names_it(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    law, name, method, plant = FAULTS[fault]
    plant(monkeypatch)
    caught(test_it_obeys, name, law, method)


# --- teeth: every law of every operator, by an implementation that is wrong in one way ---------------------------


def first_element_off(y: np.ndarray) -> np.ndarray:
    """One element is another."""
    y = np.array(y)
    y[(0,) * y.ndim] += 1 + abs(y[(0,) * y.ndim])
    return y


def in_place(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    found = function(*arguments, **options)
    arguments[0][...] += 1
    return found


def with_output(change: Callable[[np.ndarray], np.ndarray]) -> Callable[..., Any]:
    def changed(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        found = function(*arguments, **options)
        if isinstance(found, tuple):
            return change(found[0]), *found[1:]
        return change(found)

    return changed


def off(y: np.ndarray) -> np.ndarray:
    return first_element_off(y) if y.size else y


def first_window_doubled(y: np.ndarray) -> np.ndarray:
    y = np.array(y)
    y[..., :1] *= 2
    return y


# law: whether the fault is in the gradient, and what it does
WRONG: dict[str, tuple[bool, Callable[..., Any]]] = {
    "definition": (False, with_output(off)),
    "output size": (False, with_output(lambda y: np.concatenate([y, y]) if y.ndim else y[None])),
    "purity": (False, in_place),
    "gradient": (True, with_output(off)),
    "tangent": (True, with_output(lambda g: 2 * g)),
    "pairing": (True, with_output(lambda g: 2 * g)),
    "linearity": (False, with_output(np.abs)),
    "translation": (False, with_output(first_window_doubled)),
}


def wrong(name: str, law: str) -> Subject:
    """The numeric operator with the fault that a law has to find."""
    right, (of_gradient, fault) = subject(name, ""), WRONG[law]
    assert right.vjp is not None
    if of_gradient:
        return replace(right, vjp=partial(fault, right.vjp))
    return replace(right, forward=partial(fault, right.forward))


@pytest.mark.parametrize(("name", "law"), [(name, law) for name in OPERATORS for law in laws_of(name, True)])
def test_each_law_of_each_operator_finds_what_is_wrong(name: str, law: str) -> None:
    @given(data=st.data())
    def held(data: st.DataObject) -> None:
        case, seed = data.draw(drawn(name)), data.draw(SEEDS)
        if applies(law, case):
            assert LAWS[law](wrong(name, law), case, lambda shape: integers(seed, shape)) is None

    caught(held)


def test_there_is_a_fault_for_every_law() -> None:
    assert set(WRONG) == set(LAWS)


def test_a_nan_that_one_kernel_loses_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "_attains", lambda x, y: x == y)
    caught(test_the_kernels_agree_where_there_is_no_exact_value)


# --- teeth: faults in a statement and in the calculus ---------------------------------------------------------


# (a mean whose windows lie elsewhere may be over nothing: it has no value, and there is nothing to compare)
@pytest.mark.parametrize("name", ["conv", "max_pool"])
def test_a_statement_with_its_padding_at_the_wrong_end_is_caught_by_its_definition(
    name: str, anew: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        spatial.Axis,
        "at",
        property(lambda self: self.s * spatial.poly(self.j) + self.d * spatial.poly(self.t) - self.b),
    )
    caught(test_it_obeys, name, "definition", "direct")


@pytest.mark.parametrize(
    ("name", "rule"), [("conv", SolveQuotient), ("max_pool", SolveQuotient), ("avg_pool", SolveUnit)]
)
def test_an_index_that_leaves_too_little_behind_is_caught_by_the_gradient(
    name: str, rule: type, anew: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """s·v = e is solved without asking that s divides e; v = e without asking that e is in the range of v."""
    apply = eliminate._applied

    def forgetful(term: Any, zero: Any, solution: Any, facts: Any) -> Any:
        if solution.step is rule:
            solution = replace(solution, left_behind=solution.left_behind[1:])
        return apply(term, zero, solution, facts)

    monkeypatch.setattr(eliminate, "_applied", forgetful)
    caught(test_it_obeys, name, "gradient", "patches")


def test_a_slope_that_is_doubled_is_caught_by_the_gradient(anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    slope = gradient.derivative
    monkeypatch.setattr(gradient, "derivative", lambda node, by: slope(node, by) * 2)
    caught(test_it_obeys, "conv_transpose", "gradient", "patches")


@pytest.mark.parametrize("name", [name for name in WINDOWED if name != "conv_transpose"])
def test_a_size_that_is_derived_one_short_is_caught(name: str, anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    at_most = shape._at_most
    monkeypatch.setattr(shape, "_at_most", lambda form, bound, j: at_most(form, bound - 1, j))
    caught(test_the_size_that_runs_is_the_derived_one, name)
    caught(test_it_obeys, name, "output size", getattr(functional, name).methods[0])


def test_a_transposed_size_that_forgets_a_padding_is_caught(anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Window,
        "transposed_size",
        lambda self, n, extra=0: (n - 1) * self.stride - 2 * self.before + self.span + extra,
    )
    caught(test_the_size_that_runs_is_the_derived_one, "conv_transpose")
