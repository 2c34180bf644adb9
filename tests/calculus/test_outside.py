"""Borders written as brackets: the branches are disjoint, leave no position out, and read what the border reads."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.calculus import outside
from convmath.calculus.outside import expand_outside
from convmath.errors import StatementError
from convmath.ir.build import Tensor, equation, index, largest, read, size, total
from convmath.ir.exact import evaluate_at
from convmath.ir.guards import holds
from convmath.ir.nodes import Bracket, Compare, Less, Number, Statement, Sum
from convmath.ir.poly import Param, poly
from convmath.ir.walk import reads
from convmath.window import BORDERS

from ..faults import caught

M = Param("m", least=0)
n, a, m = size("n", least=1), size("a"), poly(M)
j, l = index("j", m), index("l", m, 2)
X = Tensor("X", (n,), (("i", 0),))
XX = Tensor("X", (n, n), (("i", 1), ("i", 2)))


def one(body: Any) -> Statement:
    """Y[j] = body, for j < m"""
    return Statement((X,), (equation("Y", [j], total(body)),), ("Y",))


def values(statement: Statement, array: np.ndarray, pad: int, length: int) -> list[Any]:
    env = {n.atom: array.shape[0], a.atom: pad, M: length}
    return evaluate_at(statement, {"X": array.astype(object)}, env)["Y"].reshape(-1).tolist()


EACH_BORDER = pytest.mark.parametrize("name", list(BORDERS))


@EACH_BORDER
@given(data=st.data())
def test_the_branches_are_disjoint_and_leave_nothing_out(name: str, data: st.DataObject) -> None:
    """Each position is in one branch exactly, and that branch reads inside the array what the border reads."""
    length = data.draw(st.integers(1, 5), label="n")
    reach = BORDERS[name].reach
    most = length + 3 if reach is None else reach(length)
    e = data.draw(st.integers(-most, length - 1 + most), label="position")
    values = {n.atom: length, a.atom: 0, j: e}
    branches = outside._branches(read("X", j, outside=name), (n,))
    taken = [at for guards, at in branches if all(holds(guard, values) for guard in guards)]
    assert len(branches) == 3
    assert len(taken) == 1
    [[at]] = taken
    below, above = BORDERS[name].below, BORDERS[name].above
    assert 0 <= at.evaluate(values) < length
    assert at.evaluate(values) == (below(e, length) if e < 0 else above(e, length) if e >= length else e)


@EACH_BORDER
def test_in_two_axes_there_are_nine_branches_and_each_position_is_in_one(name: str) -> None:
    size_of = 3
    reach = BORDERS[name].reach
    most = 2 if reach is None else reach(size_of)
    branches = outside._branches(read("X", j, l, outside=name), (n, n))
    assert len(branches) == 9
    for row in range(-most, size_of + most):
        for column in range(-most, size_of + most):
            values = {n.atom: size_of, j: row, l: column}
            assert sum(all(holds(guard, values) for guard in guards) for guards, _ in branches) == 1


BODIES = {
    **{name: read("X", poly(j) - a, outside=name) for name in BORDERS},
    "zero": read("X", poly(j) - a, outside=0),
    "seven": read("X", poly(j) - a, outside=7),
    "seven squared": read("X", poly(j) - a, outside=7) ** 2,
    "not counted": read("X", poly(j) - a, outside="nothing") + 3,
    "two borders": read("X", poly(j) - a, outside="circular") * read("X", poly(j) - a, outside=2),
    "twice the same read": read("X", poly(j) - a, outside=5) * read("X", poly(j) - a, outside=5),
    "two constants": read("X", poly(j) - a, outside=5) * (read("X", 2 * poly(j) - a, outside=-2) + 1),
}


@pytest.mark.parametrize("name", list(BODIES))
@given(data=st.data())
def test_writing_a_border_out_changes_no_value(name: str, data: st.DataObject) -> None:
    length = data.draw(st.integers(1, 4), label="n")
    array = np.array(data.draw(st.permutations(range(1, length + 1)), label="X"))
    reach = min(BORDERS[word].reach(length) for word in BORDERS if BORDERS[word].reach)  # type: ignore[misc]
    pad = data.draw(st.integers(0, reach), label="a")
    outputs = length + 2 * pad if name != "two constants" else 3 * (length + pad)
    statement = one(BODIES[name])
    expanded = expand_outside(statement)
    assert {r.outside for r in reads(expanded)} == {"strict"}
    assert values(expanded, array, pad, outputs) == values(statement, array, pad, outputs)


def test_a_zero_outside_is_one_bracket() -> None:
    assert str(expand_outside(one(read("X", poly(j) - a, outside=0)))) == "Y[j] = [0 ≤ j-a < n] X[j-a]"


def test_a_constant_outside_is_a_second_term_unless_its_value_is_zero() -> None:
    seven = expand_outside(one(read("X", poly(j) - a, outside=7)))
    assert str(seven) == "Y[j] = [0 ≤ j-a < n] X[j-a] + 7 · (1 - [0 ≤ j-a < n])"
    cancels = expand_outside(one(read("X", poly(j) - a, outside=7) - 7))
    assert len(cancels.equation("Y").terms) == 1


def test_what_surely_lies_inside_gets_no_bracket() -> None:
    """An index of the very range, and the digits of a number: j < n, and C·g + c < G·C."""
    i = index("i", n)
    whole = Statement((X,), (equation("Y", [i], total(read("X", i, outside="circular"))),), ("Y",))
    assert str(expand_outside(whole)) == "Y[i] = X[i]"
    C, G = size("C", least=1), size("G", least=1)
    c, g = index("c", C), index("g", G)
    channels = Tensor("X", (G * C,), (("c", 0),))
    body = total(read("X", C * poly(g) + poly(c), outside=5))
    digits = Statement((channels,), (equation("Y", [g, c], body),), ("Y",))
    assert str(expand_outside(digits)) == "Y[g,c] = X[C·g+c]"


def test_digits_of_another_number_keep_their_brackets() -> None:
    C, G = size("C", least=1), size("G", least=1)
    c, g = index("c", C), index("g", G)
    for form in (C * poly(g) + poly(c) + 1, C * poly(g), 2 * C * poly(g) + poly(c)):
        assert not outside._says_its_range(form, G * C), form
    assert not outside._says_its_range(C * poly(g) + poly(c), G * C + 1)


def test_a_maximum_over_an_array_with_a_constant_outside_is_refused() -> None:
    t = index("t", size("k", least=1))
    window = largest(read("X", poly(j) + poly(t), outside=7), [t])
    statement = Statement((X,), (equation("Y", [j], window),), ("Y",))
    with pytest.raises(StatementError, match=r"^a max over X with 7 outside can't be written .* equation of its own$"):
        expand_outside(statement)


def test_two_arrays_each_keep_their_own_border() -> None:
    U = replace(X, name="U")
    body = read("X", poly(j) - a, outside="circular") * read("U", poly(j) - a, outside="replicate")
    expanded = expand_outside(Statement((X, U), (equation("Y", [j], total(body)),), ("Y",)))
    assert len(expanded.equation("Y").terms) == 9


# --- teeth ----------------------------------------------------------------------------------------------------


def test_a_border_that_forgets_a_branch_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = outside._branches
    monkeypatch.setattr(outside, "_branches", lambda r, sizes: true(r, sizes)[:-1])
    with pytest.raises(AssertionError):
        test_in_two_axes_there_are_nine_branches_and_each_position_is_in_one("reflect")
    caught(test_the_branches_are_disjoint_and_leave_nothing_out, "circular")
    caught(test_writing_a_border_out_changes_no_value, "replicate")


def test_branches_that_overlap_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """n ≤ e said as n - 1 ≤ e: the last element is read twice."""
    monkeypatch.setattr(outside, "AtMost", lambda left, right: Less(left - 2, right))
    caught(test_the_branches_are_disjoint_and_leave_nothing_out, "symmetric")


def test_a_constant_that_is_forgotten_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "_elsewhere", lambda *arguments: [])
    caught(test_writing_a_border_out_changes_no_value, "seven")


def test_a_constant_that_stands_everywhere_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        outside,
        "Sum",
        type("Everywhere", (Sum,), {"of": staticmethod(lambda *terms: terms[0])}),
    )
    caught(test_writing_a_border_out_changes_no_value, "seven squared")


def test_a_bracket_that_is_left_out_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "_says_its_range", lambda form, length: True)
    with pytest.raises(AssertionError):
        test_digits_of_another_number_keep_their_brackets()


@pytest.mark.parametrize("outside", [0, 5, *BORDERS])
def test_a_maximum_beyond_the_ends_is_refused_and_not_made_a_sum(outside: Any) -> None:
    t = index("t", poly(2))
    window = largest(read("X", poly(t) - 1, outside=outside), [t])
    stated = Statement((X,), (equation("Y", [], window),), ("Y",))
    with pytest.raises(StatementError, match="state the padded array as an equation of its own"):
        expand_outside(stated)


def test_a_read_beyond_the_ends_in_a_bracket_is_refused() -> None:
    t = index("t", poly(2))
    inside = Bracket(Compare(Number(Fraction(0)), "<", read("X", poly(t) - 1, outside=0)))
    stated = Statement((X,), (equation("Y", [], total(inside, [t])),), ("Y",))
    with pytest.raises(StatementError, match="stands in a bracket"):
        expand_outside(stated)
