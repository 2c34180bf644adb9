"""The derived size is the closed form that runs, for all symbols; and both are the number of windows there are."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from convmath.calculus import derive, shape
from convmath.calculus.shape import derived_shape, derived_size
from convmath.errors import StatementError
from convmath.integers.facts import facts_of
from convmath.ir.build import index, size
from convmath.ir.nodes import Placement
from convmath.ir.poly import Param, floor, poly
from convmath.ir.walk import params
from convmath.ops.registry import Operator, operator, operators, variants
from convmath.steps import Likewise, Substitute

from ..faults import caught

VARIANTS = [op for name in operators() for ndim in (1, 2) for op in variants(name, ndim) if op.statement.placements]
NAMES = list(dict.fromkeys(op.name for op in VARIANTS))
EACH = pytest.mark.parametrize("op", VARIANTS, ids=str)


@EACH
def test_the_derived_size_is_the_closed_form_that_runs(op: Operator) -> None:
    """Equal as polynomials: for all sizes, whatever their values."""
    facts = facts_of(op.open_statement)
    runs = dict(op.open_statement.definitions())
    assert len(op.open_statement.placements) == op.ndim
    for placement in op.open_statement.placements:
        derived, _ = derived_size(placement, facts)
        assert derived == runs[placement.counted.atom]


@pytest.mark.parametrize("name", NAMES)
def test_in_more_axes_the_same_rules_are_told_once(name: str) -> None:
    _, one = derived_shape(operator(name, 1).open_statement)
    _, three = derived_shape(operator(name, 3).open_statement)
    told = [type(step) for step in three]
    assert told.count(Likewise) == 1
    assert [kind for kind in told if kind is not Likewise] == [type(step) for step in one]
    [likewise] = [step for step in three if isinstance(step, Likewise)]
    assert len(likewise.placements) == 2


# --- counting -------------------------------------------------------------------------------------------------


def windows(n: int, k: int, s: int, d: int, a: int, b: int, ceil: bool = False) -> int:
    """The number of windows, found by laying one after the other."""
    for j in itertools.count():
        taps = [s * j + d * t - a for t in range(k)]
        # under ceil_mode a window may overhang, but one that starts in the end padding is not there even if it fits
        there = (taps[0] < n and (j == 0 or taps[-1] - s < n + b - 1)) if ceil else taps[-1] < n + b
        if not there:
            return j
    raise AssertionError


def sizes(data: st.DataObject) -> dict[str, int]:
    """An axis that its kernel fits on."""
    k, s, d = (data.draw(st.integers(1, most), label=letter) for letter, most in (("k", 4), ("s", 4), ("d", 3)))
    a, b = (data.draw(st.integers(0, 4), label=letter) for letter in "ab")
    n = data.draw(st.integers(max(1, d * (k - 1) + 1 - a - b), 14), label="n")
    return {"n": n, "k": k, "s": s, "d": d, "a": a, "b": b}


def at(op: Operator, values: dict[str, int]) -> int:
    """The derived size where these letters have these values."""
    [derived] = [derived_size(p, facts_of(op.open_statement))[0] for p in op.open_statement.placements]
    return derived.evaluate({param: values[param.letter] for param in dict.fromkeys(derived.leaves())})


WINDOWED = [op for op in VARIANTS if op.ndim == 1 and op.statement.placements[0].rule != "preimage"]


@pytest.mark.parametrize("op", WINDOWED, ids=str)
@given(data=st.data())
def test_the_derived_size_is_the_number_of_windows(op: Operator, data: st.DataObject) -> None:
    own = {param.letter for param in params(op.open_statement)}
    values = sizes(data) | {letter: 1 for letter in "ksd" if letter not in own}
    ceil = dict(op.options).get("ceil_mode", False)
    # the kernel was made to fit before the dilation became 1, and so it still fits
    assert at(op, values) == windows(**values, ceil=ceil)


@given(data=st.data())
def test_the_derived_size_of_a_transposed_operator_has_as_many_windows(data: st.DataObject) -> None:
    values = sizes(data)
    first = at(operator("conv_transpose", 1), values | {"e": 0})
    fitting = [first + e for e in range(values["s"])]
    if first >= 1:
        counted = [windows(**(values | {"n": m})) for m in (first - 1, *fitting, fitting[-1] + 1)]
        n = values["n"]
        assert counted == [max(n - 1, 0), *[n] * values["s"], n + 1]
    assert fitting == [at(operator("conv_transpose", 1), values | {"e": e}) for e in range(values["s"])]


# --- figures that are known -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "given", "m"),
    [
        (operator("conv", 1), {"n": 224, "k": 7, "s": 2, "p": 3, "d": 1}, 112),
        (operator("max_pool", 1), {"n": 112, "k": 3, "s": 2, "p": 1, "d": 1}, 56),
        (operator("conv", 1), {"n": 32, "k": 5, "s": 1, "p": 0, "d": 1}, 28),
        (operator("conv", 1), {"n": 7, "k": 3, "s": 1, "p": 2, "d": 2}, 7),
        # a last window that overhangs is kept, as long as it starts before the end padding
        (operator("max_pool", 1, ceil_mode=True), {"n": 6, "k": 3, "s": 2, "p": 0, "d": 1}, 3),
        (operator("max_pool", 1, ceil_mode=True), {"n": 4, "k": 2, "s": 3, "p": 1, "d": 1}, 2),
        (operator("avg_pool", 1, ceil_mode=True), {"n": 5, "k": 2, "s": 3, "p": 1}, 2),
        (operator("conv_transpose", 1), {"n": 56, "k": 3, "s": 2, "p": 1, "d": 1, "e": 1}, 112),
        (operator("conv_transpose", 1), {"n": 56, "k": 3, "s": 2, "p": 1, "d": 1, "e": 0}, 111),
    ],
    ids=str,
)
def test_known_figures(op: Operator, given: dict[str, int], m: int) -> None:
    assert op.shape(**given).result[-1] == m


def test_a_last_window_that_starts_in_the_end_padding_is_dropped() -> None:
    """The ceiling of (5 + 1 + 1 - 2)/3 asks for a third window; its first tap would be the padding behind."""
    given = {"n": 5, "k": 2, "s": 3, "a": 1, "b": 1}
    assert at(operator("avg_pool", 1, ceil_mode=True), given) == 2 == windows(**given, d=1, ceil=True)


@pytest.mark.parametrize("name", ["conv", "max_pool"])
def test_symmetric_padding_gives_the_textbook_formula(name: str) -> None:
    op = operator(name, 1, padding="symmetric")
    n, k, s, d, p = (op.symbols[letter][0] for letter in "nksdp")
    assert op.shape().result[-1] == sympy.floor((n + 2 * p - d * (k - 1) - 1) / s) + 1


@pytest.mark.parametrize("name", ["conv", "max_pool"])
def test_paddings_that_differ_both_stand_in_the_formula(name: str) -> None:
    op = operator(name, 2)
    for axis in (0, 1):
        n, k, s, d, a, b = (op.symbols[letter][axis] for letter in "nksdab")
        assert op.shape().result[2 + axis] == sympy.floor((n + a + b - d * (k - 1) - 1) / s) + 1


def test_channels_come_from_the_statement() -> None:
    conv, pool = operator("conv", 2), operator("max_pool", 2)
    assert conv.shape().result[:2] == (conv.symbols["N"][0], conv.symbols["G"][0] * conv.symbols["O"][0])
    assert pool.shape().result[:2] == (pool.symbols["N"][0], pool.symbols["C"][0])


# --- what is left over ----------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(data=st.data())
def test_what_is_left_over_is_what_no_window_reaches(data: st.DataObject) -> None:
    values = sizes(data)
    last = operator("conv", 1).shape(**values).steps[-1]
    assert isinstance(last, Substitute)
    [left] = last.left_over
    end = values["s"] * (windows(**values) - 1) + values["d"] * (values["k"] - 1) - values["a"]
    assert left == values["n"] + values["b"] - 1 - end
    assert 0 <= left.constant < values["s"]  # type: ignore[operator]


def test_only_windows_that_lie_inside_leave_something_over() -> None:
    for op in (operator("max_pool", 1, ceil_mode=True), operator("conv_transpose", 1)):
        step = op.shape(n=9, k=3, s=2, d=1, p=0, **({"e": 0} if op.name == "conv_transpose" else {})).steps[-1]
        assert isinstance(step, Substitute)
        assert step.left_over == ()


# --- refusals -------------------------------------------------------------------------------------------------


def test_a_size_that_is_a_number_has_nothing_to_derive() -> None:
    j = index("j", poly(3))
    fixed = Placement("inside", j, poly(j), size("n"), poly(0), poly(0))
    with pytest.raises(StatementError, match=r"^the size 3 is fixed already; there is nothing to derive$"):
        derived_size(fixed, facts_of(operator("conv", 1).statement))


def test_a_window_whose_direction_is_unknown_is_refused() -> None:
    j, t = index("j", size("m")), index("t", size("k", least=1))
    form = poly(j) + poly(Param("u")) * poly(t)
    placement = Placement("inside", j, form, size("n"), poly(0), poly(0))
    with pytest.raises(StatementError, match=r"^whether .* grows with t depends on the sign of u$"):
        derived_size(placement, facts_of(operator("conv", 1).statement))


def test_a_window_that_runs_backwards_has_the_same_size() -> None:
    """j + k - 1 - t reads what j + t reads, in the other order."""
    n, k = size("n", least=1), size("k", least=1)
    j, t = index("j", size("m")), index("t", k)
    facts = facts_of(operator("conv", 1).statement)
    forwards, backwards = (
        derived_size(Placement("inside", j, form, n, poly(0), poly(0)), facts)[0]
        for form in (poly(j) + poly(t), poly(j) + k - 1 - poly(t))
    )
    assert forwards == backwards == n - k + 1


# --- teeth ----------------------------------------------------------------------------------------------------


def refuted(op: Operator) -> None:
    """Neither law holds of this operator."""
    with pytest.raises(AssertionError):
        test_the_derived_size_is_the_closed_form_that_runs(op)
    caught(test_the_derived_size_is_the_number_of_windows, op)


def test_a_ceiling_that_keeps_the_dropped_window_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ceiling alone, without the rule that a window starts before the end padding."""
    monkeypatch.setattr(shape, "least", lambda ceiling, starts: ceiling)
    refuted(operator("max_pool", 1, ceil_mode=True))


@pytest.mark.parametrize("op", [operator("conv", 1), operator("avg_pool", 1, ceil_mode=True)], ids=str)
def test_a_bound_that_is_rounded_up_is_caught(op: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shape, "floor", lambda number, divisor: floor(number + divisor - 1, divisor))
    refuted(op)


def test_an_extra_that_is_forgotten_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = shape._preimage
    monkeypatch.setattr(shape, "_preimage", lambda p, facts: (true(p, facts)[0] - p.extra, ()))
    with pytest.raises(AssertionError):
        test_the_derived_size_is_the_closed_form_that_runs(operator("conv_transpose", 1))
    caught(test_the_derived_size_of_a_transposed_operator_has_as_many_windows)


def test_a_left_over_that_counts_one_window_less_is_caught(anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    true = derive._left_over

    def short(statement: Any, sizes: tuple, values: Any) -> tuple:
        return true(statement, tuple(size - 1 for size in sizes), values)

    monkeypatch.setattr(derive, "_left_over", short)
    caught(test_what_is_left_over_is_what_no_window_reaches)
