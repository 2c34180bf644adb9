"""What later operators need can be said, and has the value that a formula written by hand gives."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.errors import StatementError
from convmath.ir import program
from convmath.ir.build import Tensor, equation, index, largest, poly, read, size, total
from convmath.ir.check import checked
from convmath.ir.nodes import (
    Apply,
    AtMost,
    Bracket,
    Compare,
    IndexValue,
    Matches,
    Scalar,
    Statement,
    Term,
    Within,
    scalar,
)
from convmath.window import BORDERS

from ..paper import STATEMENTS

n, m, k, a, b = (size(letter) for letter in "nmkab")
i, j, t = index("i", n), index("j", m), index("t", k)
X = Tensor("X", (n,), (("i", 0),))
T = Tensor("T", (m,), (("j", 0),), integer=True)
x = read(X, i)

SMALL = st.integers(-9, 9) | st.fractions(-9, 9, max_denominator=4)


def stated(*equations: Any, inputs: tuple[Tensor, ...] = (X,)) -> Statement:
    return checked(Statement(inputs, equations, (equations[-1].name,)))


def rows(values: Sequence[Any]) -> np.ndarray:
    """One image of one channel."""
    return np.array(values, object).reshape(1, 1, -1)


# --- norms and pools ----------------------------------------------------------------------------------------------


@given(
    spreads=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    half=st.integers(1, 3),
    shift=SMALL,
    data=st.data(),
)
def test_batch_norm_of_two_values_in_equal_numbers(
    spreads: list[int], half: int, shift: Any, data: st.DataObject
) -> None:
    """Half the values are mean + s and half mean - s, and ε = 3·s² for all: then (v + ε)^(-1/2) = 1/(2·s)."""
    s = spreads[0]
    signs = [data.draw(st.permutations([1, -1] * half)) for _ in spreads]
    values = np.array([[[shift + s * sign for sign in channel] for channel in signs]], object)
    gamma, beta = ([data.draw(SMALL) for _ in spreads] for _ in range(2))
    found = STATEMENTS["batch_norm"].evaluate({"X": values, "Γ": gamma, "B": beta}, ε=3 * s * s)
    for c, channel in enumerate(signs):
        assert found[0, c].tolist() == [gamma[c] * Fraction(sign, 2) + beta[c] for sign in channel]


def test_batch_norm_of_other_values_is_irrational() -> None:
    low, middle, high = STATEMENTS["batch_norm"].evaluate({"X": rows([1, 2, 3]), "Γ": [1], "B": [0]}, ε=0)[0, 0]
    assert Fraction(3, 2) in high**2
    assert middle == 0
    assert 0 in low + high
    with pytest.raises(StatementError, match=r"0\^-1/2 came up: the statement divides by 0"):
        STATEMENTS["batch_norm"].evaluate({"X": rows([2, 2, 2]), "Γ": [1], "B": [0]}, ε=0)


TRIPLES = [(3, 4, 5), (5, 12, 13), (8, -15, 17), (0, 0, 0)]


@given(scale=st.fractions(-5, 5, max_denominator=3), triples=st.lists(st.sampled_from(TRIPLES), min_size=1, max_size=3))
def test_lp_pool_of_pythagorean_windows(scale: Fraction, triples: list[tuple[int, int, int]]) -> None:
    values = [scale * leg for triple in triples for leg in triple[:2]]
    found = STATEMENTS["lp_pool"].evaluate({"X": rows(values)}, k=2, s=2, r=2, p=0)
    assert found[0, 0].tolist() == [abs(scale) * triple[2] for triple in triples]


@given(
    values=st.lists(SMALL, min_size=2, max_size=4),
    β=st.integers(0, 2),
    before=st.integers(0, 2),
    taps=st.integers(1, 3),
)
def test_local_response_norm_with_a_whole_exponent(values: list[Any], β: int, before: int, taps: int) -> None:
    channels = np.array(values, object).reshape(1, -1, 1)
    found = STATEMENTS["local_response_norm"].evaluate({"X": channels}, k=taps, a=before, α=1, κ=2, β=β)
    for c, value in enumerate(values):
        around = [values[c + t - before] for t in range(taps) if 0 <= c + t - before < len(values)]
        divisor = 2 + Fraction(1, taps) * sum(v * v for v in around)
        assert found[0, c, 0] == value / Fraction(divisor) ** β


@given(values=st.lists(SMALL, min_size=1, max_size=7), count=st.integers(1, 9))
def test_adaptive_windows_are_said_without_a_floor(values: list[Any], count: int) -> None:
    found = STATEMENTS["adaptive_avg_pool"].evaluate({"X": rows(values)}, m=count)
    for j_, mean in enumerate(found[0, 0]):
        window = values[j_ * len(values) // count : -(-(j_ + 1) * len(values) // count)]
        assert mean == Fraction(sum(map(Fraction, window)), len(window))


@given(values=st.lists(SMALL, min_size=1, max_size=5), by=st.integers(1, 4))
def test_upsampling_weighs_by_where_an_element_lies(values: list[Any], by: int) -> None:
    found = STATEMENTS["bilinear"].evaluate({"X": rows(values)}, s=by)
    for j_, value in enumerate(found[0, 0]):
        place = Fraction(2 * j_ + 1 - by, 2 * by)
        low = place.numerator // place.denominator
        left, right = (values[min(max(e, 0), len(values) - 1)] for e in (low, low + 1))
        assert value == left + (right - left) * (place - low)


# --- borders ------------------------------------------------------------------------------------------------------

e = index("e", n + a + b)
SHIFTED = {border: stated(equation("Y", [e], total(read(X, poly(e) - a, outside=border)))) for border in BORDERS}  # type: ignore[arg-type]
NUMPY: dict[str, Any] = {"circular": "wrap", "replicate": "edge", "reflect": "reflect", "symmetric": "symmetric"}


@pytest.mark.parametrize("border", list(BORDERS))
@given(values=st.lists(st.integers(-9, 9), min_size=1, max_size=5), data=st.data())
def test_a_border_is_right_as_far_as_it_reaches_and_refused_beyond(
    border: str, values: list[int], data: st.DataObject
) -> None:
    reach = BORDERS[border].reach
    most = len(values) + 3 if reach is None else reach(len(values))
    before, after = data.draw(st.integers(0, most)), data.draw(st.integers(0, most))
    found = SHIFTED[border].evaluate({"X": values}, a=before, b=after)
    np.testing.assert_array_equal(found, np.pad(np.array(values), (before, after), NUMPY[border]))
    if reach is not None:
        for a_, b_ in ((most + 1, 0), (0, most + 1)):
            with pytest.raises(StatementError, match=r"reads position -?\d+ of axis 0, which has size \d"):
                SHIFTED[border].evaluate({"X": values}, a=a_, b=b_)


# --- classes, ties and what is not needed -------------------------------------------------------------------------


@given(values=st.lists(SMALL, min_size=1, max_size=5), data=st.data())
def test_positions_that_are_data_gather_and_scatter(values: list[Any], data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(-1, len(values)), min_size=1, max_size=4))
    gathered = stated(equation("Y", [j], total(x, [i], [Matches(poly(i), read(T, j))])), inputs=(X, T))
    found = gathered.evaluate({"X": values, "T": places})
    assert found.tolist() == [values[p] if 0 <= p < len(values) else 0 for p in places]

    V = Tensor("V", (m,), (("j", 0),))
    scattered = stated(equation("U", [i], total(read(V, j), [j], [Matches(poly(i), read(T, j))])), inputs=(V, T))
    weights = [data.draw(SMALL) for _ in places]
    found = scattered.evaluate({"V": weights, "T": places}, n=len(values))
    assert found.tolist() == [
        sum(w for w, p in zip(weights, places, strict=True) if p == e) for e in range(len(values))
    ]


@given(values=st.lists(st.integers(-2, 2), min_size=1, max_size=6))
def test_ties_are_counted_and_the_first_is_found(values: list[int]) -> None:
    maximal, other = Compare(x, "=", read("M")), index("h", n)
    statement = checked(
        Statement(
            (X,),
            (
                equation("M", [], largest(x, [i])),
                equation("K", [], total(1, [i], [maximal])),
                equation("F", [], Term((i,), (maximal,), scalar(i), "min")),
                equation("L", [], Term((i,), (maximal,), scalar(i), "max")),
                equation("R", [i], total(1, [other], [Compare(read(X, other), "<", x)])),
            ),
            ("K", "F", "L", "R"),
        )
    )
    found = statement.evaluate({"X": values})
    most = max(values)
    assert found["K"] == values.count(most)
    assert found["F"] == values.index(most)
    assert found["L"] == len(values) - 1 - values[::-1].index(most)
    assert found["R"].tolist() == [sum(v < value for v in values) for value in values]


def test_a_guard_between_parameters_takes_all_or_nothing() -> None:
    statement = stated(equation("Y", [], total(x, [i], [AtMost(a, b)])))
    assert statement.evaluate({"X": [1, 2, 3]}, a=1, b=1) == 6
    assert statement.evaluate({"X": [1, 2, 3]}, a=2, b=1) == 0


GUARDED: dict[str, Scalar] = {
    "a bracket before a quotient": Bracket(Compare(x, "<", scalar(0))) / x + Bracket(Compare(scalar(0), "<", x)) / x,
    "a bracket deep in a product": x * x * Bracket(Compare(scalar(0), "<", x * x)) * (1 / x) ** 3,
    "a strict read that a bracket guards": Bracket(Within(poly(i) - 1, n)) * read(X, poly(i) - 1),
    "the same under a power": (Bracket(Within(poly(i) + 1, n)) * read(X, poly(i) + 1) - 1) ** 2,
    "brackets one after the other": Bracket(Within(poly(i) - 1, n)) * Bracket(Compare(x, "<", read(X, poly(i) - 1))),
}


@pytest.mark.parametrize("name", list(GUARDED))
@given(values=st.lists(st.integers(-2, 2) | st.just(Fraction(1, 2)), min_size=1, max_size=5))
def test_where_a_bracket_is_0_the_rest_of_its_product_needs_no_value(name: str, values: list[Any]) -> None:
    last = len(values) - 1
    expected = {
        "a bracket before a quotient": lambda e, v: Fraction(1) / v if v else 0,
        "a bracket deep in a product": lambda e, v: Fraction(1) / v if v else 0,
        "a strict read that a bracket guards": lambda e, v: values[e - 1] if e else 0,
        "the same under a power": lambda e, v: ((values[e + 1] if e < last else 0) - 1) ** 2,
        "brackets one after the other": lambda e, v: int(e > 0 and v < values[e - 1]),
    }[name]
    found = stated(equation("Y", [i], total(GUARDED[name]))).evaluate({"X": values})
    assert found.tolist() == [expected(e, v) for e, v in enumerate(values)]


@pytest.mark.parametrize("where", [True, False])
def test_what_a_guard_leaves_out_needs_no_value(where: bool) -> None:
    positive = Compare(scalar(0), "<", x)
    body, guards = (1 / x, [positive]) if where else (Bracket(positive) / x, [])
    statement = stated(equation("Y", [], total(body, [i], guards)))
    assert statement.evaluate({"X": [0, 2, -4, 4]}) == Fraction(3, 4)
    assert statement.function()(X=np.array([0.0, 2.0, -4.0, 4.0])) == 0.75
    logarithm = stated(equation("Y", [], total(Apply("log", x), [i], [positive])))
    assert logarithm.function()(X=np.array([-1.0, 0.0, 1.0])) == 0


def test_a_read_must_lie_inside_wherever_one_place_needs_it() -> None:
    before = read(X, poly(i) - 1)
    statement = stated(equation("Y", [i], total(Bracket(Within(poly(i) - 1, n)) * before + before)))
    with pytest.raises(StatementError, match="reads position -1 of axis 0, which has size 3"):
        statement.evaluate({"X": [1, 2, 3]})


# --- softmax ------------------------------------------------------------------------------------------------------

E = read("E", i)
SOFTMAX = stated(
    equation("M", [], largest(x, [i])),
    equation("E", [i], total(Apply("exp", x - read("M")))),
    equation("S", [], total(E, [i])),
    equation("Y", [i], total(E / read("S"))),
)


@given(value=SMALL, length=st.integers(1, 6))
def test_softmax_of_equal_logits_is_uniform(value: Any, length: int) -> None:
    assert SOFTMAX.evaluate({"X": [value] * length}).tolist() == [Fraction(1, length)] * length


def test_softmax_in_floats_is_softmax() -> None:
    values = np.array([-700.0, 0.5, 1.25, 3.0])
    weights = np.exp(values - values.max())
    close = SOFTMAX.function()(X=values)
    # each of exp, + and / rounds a few times, and nothing cancels
    assert (abs(close - weights / weights.sum()) <= 16 * np.finfo(float).eps * weights / weights.sum()).all()
    first, second = SOFTMAX.evaluate({"X": [0, 1]})
    assert 1 in first + second
    assert float(second) == 1 / (1 + np.exp(-1))


# --- groups -------------------------------------------------------------------------------------------------------


@given(groups=st.integers(0, 3), each=st.integers(0, 3), data=st.data())
def test_digits_on_the_left_number_what_is_stated(groups: int, each: int, data: st.DataObject) -> None:
    G, O = size("G"), size("O")
    g, o = index("g", G), index("o", O)
    C = Tensor("C", (O, G), (("o", 0), ("g", 0)))
    shuffled = stated(equation("Y", [O * poly(g) + poly(o)], total(read(C, o, g) + IndexValue(poly(g)))), inputs=(C,))
    values = np.array([data.draw(SMALL) for _ in range(groups * each)], object).reshape(each, groups)
    expected = [values[e, f] + f for f in range(groups) for e in range(each)]
    assert shuffled.evaluate({"C": values}).tolist() == expected


# --- faults -------------------------------------------------------------------------------------------------------


def test_the_law_of_brackets_sees_that_values_are_asked_for_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    applied = program._Run._applied
    monkeypatch.setattr(program._Run, "_applied", lambda self, ufunc, where, *nodes: applied(self, ufunc, True, *nodes))
    with pytest.raises(StatementError):
        test_what_a_guard_leaves_out_needs_no_value(True)
    with pytest.raises(StatementError):
        test_what_a_guard_leaves_out_needs_no_value(False)


def test_the_law_of_brackets_sees_that_none_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program._Run, "held", lambda self, guards, where: where)
    with pytest.raises((AssertionError, StatementError)):
        test_what_a_guard_leaves_out_needs_no_value(True)


def test_the_law_of_borders_sees_a_border_at_the_wrong_end(monkeypatch: pytest.MonkeyPatch) -> None:
    right = BORDERS["circular"]
    monkeypatch.setitem(program.BORDERS, "circular", type(right)("circular", right.above, right.below, right.reach))
    monkeypatch.setattr(program, "_program", program._program.__wrapped__)
    with pytest.raises((AssertionError, StatementError)):
        SHIFTED["circular"].evaluate({"X": [1, 2, 3]}, a=1, b=0)
