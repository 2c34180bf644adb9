"""Cases are valid as built, shrink to the simplest, and meet what an implementation may get wrong."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, find, given, seed, settings
from hypothesis import strategies as st

from convmath import functional, operator, operators
from convmath.errors import ConvmathError, HyperparameterError, UnknownNameError
from convmath.ir.walk import params, reals
from convmath.ops.registry import FAMILIES, family_options
from convmath.testing import Case, cases
from convmath.testing.cases import integers
from convmath.window import Window

OPERATORS = pytest.mark.parametrize("name", operators())
MANY = -(-50 * settings().max_examples // 3)
QUIET = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


# --- they are valid, and there are all kinds of them ----------------------------------------------------------


def padded(case: Case) -> bool:
    return any(window.before or window.after for window in case.windows)


def beyond(case: Case) -> bool:
    """A window under ceil_mode that goes on behind the padding."""
    return any(
        window.ceil and window.stride * (window.output_size(n) - 1) + window.span > n + window.before + window.after
        for window, n in zip(case.windows, case.arrays[0].shape[2:], strict=True)
    )


Kind = Callable[[Case], bool]

EVERYWHERE: dict[str, Kind] = {
    "one dimension": lambda case: case.ndim == 1,
    "three dimensions": lambda case: case.ndim == 3,
}
# of operators with windows, those of which the statement has the letters
WINDOWED: dict[tuple[str, str], Kind] = {
    ("an empty batch", "N"): lambda case: case.arrays[0].shape[0] == 0,
    ("axes that differ", ""): lambda case: case.ndim > 1 and len(set(case.windows)) == case.ndim,
    ("a kernel of three", "k"): lambda case: any(window.kernel == 3 for window in case.windows),
    ("a stride of three", "s"): lambda case: any(window.stride == 3 for window in case.windows),
    ("padding at one end", "ab"): lambda case: any(window.before != window.after for window in case.windows),
    ("a window longer than its axis", "kab"): lambda case: any(
        window.span > n for window, n in zip(case.windows, case.arrays[0].shape[2:], strict=True)
    ),
    ("dilation with stride and padding", "ksdab"): lambda case: (
        padded(case) and any(window.dilation > 1 and window.stride > 1 and window.kernel > 1 for window in case.windows)
    ),
    ("groups of several channels", "GO"): lambda case: case.given.get("groups", 1) > 1 and case.arrays[1].shape[1] > 1,
    ("an output padding beyond the stride", "sde"): lambda case: any(
        extra >= window.stride
        for extra, window in zip(case.given.get("output_padding", ()), case.windows, strict=False)
    ),
}
# of operators with the option
OPTIONAL: dict[tuple[str, str], Kind] = {
    ("a bias", "bias"): lambda case: "B" in case.operator.statement.reads,
    ("a window over the end", "ceil_mode"): beyond,
    ("ties", "ties"): lambda case: len(np.unique(case.arrays[0])) < case.arrays[0].size,
    ("no ties", "ties"): lambda case: 1 < len(np.unique(case.arrays[0])) == case.arrays[0].size,
}
# of operators with windows whose stride is the kernel if unsaid, and of those whose kernels may be chosen
DEFAULT: dict[str, Kind] = {
    "the default stride": lambda case: "stride" not in case.given and any(w.kernel > 1 for w in case.windows),
}
SEVERAL: dict[str, Kind] = {  # no vector length divides it
    "seventeen channels": lambda case: 17 in {*case.arrays[0].shape[1:2], *case.arrays[-1].shape},
}


def kinds(name: str) -> dict[str, Kind]:
    """What is among the cases of an operator, as its statement and its options have it."""
    op, options = operator(name, 1), family_options(name)
    found = EVERYWHERE | {kind: test for (kind, option), test in OPTIONAL.items() if option in options}
    if op.statement.placements:
        letters = {param.letter for param in params(op.statement)}
        found |= {kind: test for (kind, needed), test in WINDOWED.items() if letters.issuperset(needed)}
        found |= DEFAULT if op.strides_by_kernel else {}
    return found | (SEVERAL if len(getattr(functional, name).methods) > 1 else {})


@OPERATORS
def test_a_thousand_cases_are_valid_and_of_all_kinds(name: str) -> None:
    """None is refused, the output has the derived size, and each kind is among them (a thousand with CI=true)."""
    missing = kinds(name)
    options = {(option, value) for option, (_, *others) in family_options(name).items() for value in others}
    drawn = 0

    def each(case: Case) -> None:
        nonlocal drawn, missing, options
        y = getattr(functional, name)(*case.args, **case.kwargs)
        assert (y[0] if isinstance(y, tuple) else y).shape == case.sizes
        missing = {kind: test for kind, test in missing.items() if not test(case)}
        options -= {*case.operator.options}
        drawn += 1

    # cases come in clusters, so that a rare kind may be in none of one seed
    for start in range(4):
        if not drawn or missing or options:
            seed(start)(settings(max_examples=MANY, **QUIET)(given(cases(name))(each)))()
    assert drawn >= MANY
    assert not missing
    assert not options


@OPERATORS
@given(data=st.data())
def test_the_data_are_small_integers(name: str, data: st.DataObject) -> None:
    """Or, where they are probabilities, eighths: floating point is exact on both."""
    case = data.draw(cases(name), label="case")
    for tensor, array in zip(case.operator.statement.inputs, case.arrays, strict=True):
        assert array.dtype == (np.int64 if tensor.integer else np.float64)
        parts = 1 if tensor.integer or np.abs(array).max(initial=0) > 1 else 8
        assert (parts * array == np.round(parts * array)).all()
        # a class that is not counted may have any number, and positions are of the output
        most = max(array.size, abs(case.given.get("ignore_index", 0)), math.prod(case.sizes))
        assert np.abs(array).max(initial=0) <= max(10, most if tensor.integer else array.size)


# --- they shrink ----------------------------------------------------------------------------------------------


@OPERATORS
@pytest.mark.parametrize("ndim", [None, 1, 3])
def test_the_simplest_case_has_one_tap_stride_one_and_no_padding(name: str, ndim: int | None) -> None:
    """Neither options nor real parameters, nothing that is the default anyway, and arrays of one 1."""
    case = find(cases(name, ndim), lambda case: True, settings=settings(max_examples=200, **QUIET))
    op, words = case.operator, FAMILIES[name].words
    defaults = inspect.signature(getattr(functional, name)).parameters
    assert case.ndim == (ndim or 1)
    assert case.windows == (Window(1),) * len(op.statement.placements)
    assert op.statement == operator(name, case.ndim).statement
    assert not {words.get(key, key) for key in case.kwargs} & {real.letter for real in reals(op.statement)}
    assert all(value != defaults[key].default for key, value in case.kwargs.items())
    for tensor, array in zip(op.statement.inputs, case.arrays, strict=True):
        assert array.size == 1
        assert tensor.integer or (array == 1).all()


@pytest.mark.parametrize(
    ("name", "wanted", "windows"),
    [
        ("conv", lambda case: case.windows[0].dilation > 1 and case.windows[0].kernel > 1, Window(2, dilation=2)),
        ("conv", lambda case: case.windows[0].after > 0, Window(1, after=1)),
        ("max_pool", lambda case: case.windows[0].stride == 3, Window(1, stride=3)),
        ("avg_pool", lambda case: case.windows[0].before > 1, Window(3, before=2)),
        ("conv_transpose", lambda case: case.given.get("output_padding") == (1,), Window(1, dilation=2)),
    ],
)
def test_what_is_asked_for_and_no_more_is_left(name: str, wanted: Callable[[Case], bool], windows: Window) -> None:
    case = find(cases(name, 1), wanted, settings=settings(max_examples=2000, **QUIET))
    assert case.windows == (windows,)
    assert case.arrays[0].shape == (1, 1, max(1, windows.span - windows.before - windows.after))


# --- what they are made of ------------------------------------------------------------------------------------


def test_integers_are_ones_then_numbers_in_order_then_any() -> None:
    assert integers(0, (2, 2)).tolist() == [[1, 1], [1, 1]]
    assert integers(1, (11,)).tolist() == [*range(1, 10), 1, 2]
    assert set(integers(7, (1000,))) == set(range(-4, 5))
    assert integers(5, (2, 0)).shape == (2, 0)
    np.testing.assert_array_equal(integers(7, (9,)), integers(7, (3, 3)).reshape(-1))


def test_a_case_knows_its_operator_its_windows_and_its_arrays() -> None:
    x, w, b = np.zeros((1, 2, 5)), np.zeros((2, 1, 3)), np.zeros(2)
    case = Case("conv", (x, w, b), {"groups": 2, "padding": ((1, 0),), "padding_mode": "reflect"})
    assert case.operator == operator("conv", ndim=1, bias=True, padding_mode="reflect")
    assert case.windows == (Window(3, before=1),)
    assert case.given == case.kwargs
    assert case.with_arrays(x, w).arrays == (x, w)
    assert case.with_arrays(x, w).operator == operator("conv", ndim=1, padding_mode="reflect")
    copy = case.copy()
    assert all(a is not b for a, b in zip(copy.arrays, case.arrays, strict=True))

    pool = Case("avg_pool", (np.ones((1, 1, 4, 4)), (2, 3)), {"ceil_mode": True, "divisor_override": 1})
    assert pool.windows == (Window(2, 2, ceil=True), Window(3, 3, ceil=True))
    assert pool.given == {"kernel_size": (2, 3), "ceil_mode": True, "divisor_override": 1}
    assert pool.operator == operator("avg_pool", ndim=2, ceil_mode=True, divisor_override=True)
    assert str(pool) == "avg_pool(array of shape (1, 1, 4, 4), (2, 3), ceil_mode=True, divisor_override=1)"
    assert str(Case("max_pool", (np.ones((1, 1, 2)), (2,)), {})) == "max_pool(array([[[1.0, 1.0]]]), (2,))"


@given(data=st.data())
def test_an_option_that_is_fixed_stays(data: st.DataObject) -> None:
    case = data.draw(cases("conv", 2, padding_mode="circular", padding="symmetric", bias=True))
    assert case.given["padding_mode"] == "circular"
    assert len(case.arrays) == 3
    assert all(window.before == window.after for window in case.windows)
    assert all(isinstance(pad, int) for pad in case.given.get("padding", ()))
    pool = data.draw(cases(operator("max_pool", ndim=1, ceil_mode=True), ties="last"))
    assert (pool.ndim, pool.given["ceil_mode"], pool.given["ties"]) == (1, True, "last")


@pytest.mark.parametrize(
    ("arguments", "options", "error", "sentence"),
    [
        (("covn",), {}, UnknownNameError, r"^there is no operator 'covn'; the nearest (is|are) conv.*\[cases\]$"),
        ((["conv"],), {}, UnknownNameError, r"^there is no operator \['conv'\]"),
        (("conv", 0), {}, HyperparameterError, r"^ndim is 0, but it must be at least 1 \[cases\('conv'\)\]$"),
        (("conv", "2"), {}, HyperparameterError, r"^ndim is '2', but a whole number is needed"),
        (("conv",), {"ties": "first"}, UnknownNameError, r"^there is no option of conv 'ties'; .*padding_mode"),
        (("max_pool",), {"ties": "frist"}, UnknownNameError, r"^there is no ties 'frist'; the nearest is first"),
        (("conv",), {"padding": 1}, UnknownNameError, r"^there is no padding 1; there are \(symmetric\)"),
        ((operator("conv", ndim=1, stride=2),), {}, HyperparameterError, r"has fixed hyper-parameters, but cases"),
    ],
)
def test_what_no_case_can_be_drawn_for_is_said(
    arguments: Sequence[Any], options: dict[str, Any], error: type[ConvmathError], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        cases(*arguments, **options)
