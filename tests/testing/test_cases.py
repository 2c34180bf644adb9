"""Cases are valid as built, shrink to the simplest, and meet what an implementation may get wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from convmath import functional, operator, operators
from convmath.errors import ConvmathError, HyperparameterError, UnknownNameError
from convmath.ops.registry import family_options
from convmath.testing import Case, cases
from convmath.testing.cases import integers
from convmath.window import Window

OPERATORS = pytest.mark.parametrize("name", operators())
MANY = 10 * settings().max_examples
QUIET = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


# --- they are valid, and there are all kinds of them ----------------------------------------------------------


def padded(case: Case) -> bool:
    return any(window.before or window.after for window in case.windows)


KINDS: dict[str, Callable[[Case], bool]] = {
    "an empty batch": lambda case: case.arrays[0].shape[0] == 0,
    "seventeen channels": lambda case: 17 in (case.arrays[0].shape[1], *case.arrays[-1].shape),
    "a kernel of three": lambda case: any(window.kernel == 3 for window in case.windows),
    "a stride of three": lambda case: any(window.stride == 3 for window in case.windows),
    "padding at one end": lambda case: any(window.before != window.after for window in case.windows),
    "axes that differ": lambda case: case.ndim > 1 and len(set(case.windows)) == case.ndim,
    "a window longer than its axis": lambda case: any(
        window.span > n for window, n in zip(case.windows, case.arrays[0].shape[2:], strict=True)
    ),
    "one dimension": lambda case: case.ndim == 1,
    "three dimensions": lambda case: case.ndim == 3,
}
DILATED: dict[str, Callable[[Case], bool]] = {
    "dilation with stride and padding": lambda case: (
        padded(case) and any(window.dilation > 1 and window.stride > 1 and window.kernel > 1 for window in case.windows)
    ),
}
WEIGHTED: dict[str, Callable[[Case], bool]] = {
    "groups of several channels": lambda case: case.given.get("groups", 1) > 1 and case.arrays[1].shape[1] > 1,
    "a bias": lambda case: len(case.arrays) == 3,
}
POOLS: dict[str, Callable[[Case], bool]] = {
    "the default stride": lambda case: "stride" not in case.given and any(w.kernel > 1 for w in case.windows),
    "a window over the end": lambda case: any(
        window.ceil and window.stride * (window.output_size(n) - 1) + window.span > n + window.before + window.after
        for window, n in zip(case.windows, case.arrays[0].shape[2:], strict=True)
    ),
}
TRANSPOSED: dict[str, Callable[[Case], bool]] = {
    "an output padding beyond the stride": lambda case: any(
        extra >= window.stride
        for extra, window in zip(case.given.get("output_padding", ()), case.windows, strict=False)
    ),
}
TIED: dict[str, Callable[[Case], bool]] = {
    "ties": lambda case: len(np.unique(case.arrays[0])) < case.arrays[0].size,
    "no ties": lambda case: 1 < len(np.unique(case.arrays[0])) == case.arrays[0].size,
}
OF = {
    "conv": KINDS | DILATED | WEIGHTED,
    "conv_transpose": KINDS | DILATED | WEIGHTED | TRANSPOSED,
    "max_pool": KINDS | DILATED | POOLS | TIED,
    "avg_pool": KINDS | POOLS,
}


@OPERATORS
def test_a_thousand_cases_are_valid_and_of_all_kinds(name: str) -> None:
    """None is refused, the output has the derived size, and each kind is among them (a thousand with CI=true)."""
    missing = dict(OF[name])
    options = {(option, value) for option, (_, *others) in family_options(name).items() for value in others}
    drawn = 0

    @settings(max_examples=MANY, derandomize=True, **QUIET)
    @given(cases(name))
    def each(case: Case) -> None:
        nonlocal drawn, missing, options
        y = getattr(functional, name)(*case.args, **case.kwargs)
        assert y.shape == case.sizes
        missing = {kind: test for kind, test in missing.items() if not test(case)}
        options -= {*case.operator.options}
        drawn += 1

    each()
    assert drawn >= MANY
    assert not missing
    assert not options


@OPERATORS
@given(data=st.data())
def test_the_data_are_small_integers(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(name), label="case")
    for array in case.arrays:
        assert array.dtype == np.float64
        assert (array == np.round(array)).all()
        assert np.abs(array).max(initial=0) <= max(9, array.size)


# --- they shrink ----------------------------------------------------------------------------------------------


@OPERATORS
@pytest.mark.parametrize("ndim", [None, 1, 3])
def test_the_simplest_case_has_one_tap_stride_one_and_no_padding(name: str, ndim: int | None) -> None:
    case = find(cases(name, ndim), lambda case: True, settings=settings(max_examples=2000, **QUIET))
    assert case.windows == (Window(1),) * (ndim or 1)
    assert case.kwargs == {}
    assert all(array.size == 1 for array in case.arrays)
    assert all((array == 1).all() for array in case.arrays) or name == "max_pool"


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
        (("covn",), {}, UnknownNameError, r"^there is no operator 'covn'; the nearest is conv .*\[cases\]$"),
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
