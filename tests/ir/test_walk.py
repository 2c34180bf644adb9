"""Going through nodes changes what is asked for and nothing else."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.errors import StatementError
from convmath.ir import exact, walk
from convmath.ir.guards import holds
from convmath.ir.nodes import (
    ZERO,
    Apply,
    AtMost,
    Bracket,
    Compare,
    Divides,
    IndexValue,
    Less,
    Number,
    Power,
    Read,
    Within,
    Zero,
)
from convmath.ir.poly import Index, Poly, poly
from convmath.ir.walk import (
    indices,
    inside,
    map_forms,
    map_leaves,
    map_reads,
    params,
    reads,
    rename,
    shape_of,
    substitute,
)

from ..faults import caught
from .forms import FREE, J, K, N, S, T, forms, values
from .statements import Case, cases, i, j, k, m, n, s, t


@given(data=st.data())
def test_a_guard_that_is_rewritten_keeps_its_truth(data: st.DataObject) -> None:
    left, right, at = data.draw(forms()), data.draw(forms()), data.draw(values())
    value = data.draw(st.integers(-5, 5))
    for guard in (
        Less(left, right),
        AtMost(left, right),
        Zero(left, right),
        Within(left, right),
        Divides(poly(S), left),
    ):
        new = substitute(guard, {FREE: value})
        assert holds(new, at) == holds(guard, {**at, FREE: value})


def test_an_index_is_renamed_also_where_it_is_bound() -> None:
    other = Index("v", J.size)
    assert rename((J, poly(J) + 1), {J: other}) == (other, poly(other) + 1)


def test_sizes_of_indices_are_mapped_too() -> None:
    mapped = substitute(poly(J) + poly(T), {N: 5})
    assert {index.size for index in indices(Less(mapped, poly(0)))} == {poly(5), poly(K)}
    assert params(Less(poly(T), poly(0))) == (K,)


def test_numbers_fold_when_leaves_change() -> None:
    x = Read("X", (poly(J),))
    assert map_leaves(2 * x + 1, lambda leaf: Number(Fraction(3)) if leaf == x else leaf) == Number(Fraction(7))
    assert map_leaves((x - 1) ** 2, lambda leaf: Number(Fraction(1)) if leaf == x else leaf) == Number(Fraction(0))


@given(data=st.data())
def test_a_statement_with_sizes_put_in_has_the_value_that_it_has_there(data: st.DataObject) -> None:
    case = data.draw(cases())
    some = data.draw(st.sets(st.sampled_from([form.atom for form in (n, m, k, s)])))
    put_in = substitute(case.statement, {param: case.env[param] for param in some})
    assert not set(params(put_in)) & some
    rest = {param: value for param, value in case.env.items() if param not in some}
    same(valued(Case(put_in, rest, case.arrays)), valued(case))
    for stated in case.statement.equations:
        sizes = tuple(size.evaluate(case.env) for size in shape_of(case.statement, stated.name))
        assert sizes == tuple(size.evaluate(rest) for size in shape_of(put_in, stated.name))


@given(data=st.data())
def test_a_statement_with_other_names_of_its_indices_has_the_same_value(data: st.DataObject) -> None:
    case = data.draw(cases())
    names = {index: Index(index.letter, index.size, primes=1) for index in (i, j, t)}
    renamed = rename(case.statement, names)
    assert not indices(renamed.equations) & set(names)
    same(valued(Case(renamed, case.env, case.arrays)), valued(case))


@given(data=st.data())
def test_what_is_gone_through_and_not_changed_has_the_same_value(data: st.DataObject) -> None:
    case = data.draw(cases())
    again = map_forms(case.statement, lambda form: form + 1 - 1)
    through = [
        [replace(term, body=map_leaves(term.body, lambda leaf: leaf)) for term in e.terms] for e in again.equations
    ]
    equations = (replace(e, terms=tuple(terms)) for e, terms in zip(again.equations, through, strict=True))
    again = replace(again, equations=tuple(equations))
    same(valued(Case(again, case.env, case.arrays)), valued(case))


def valued(case: Case) -> dict[str, Any] | None:
    try:
        return exact.evaluate_at(case.statement, case.arrays, case.env)
    except StatementError:
        return None


def same(found: dict[str, Any] | None, expected: dict[str, Any] | None) -> None:
    assert (found is None) == (expected is None)
    for name in expected or ():
        assert found is not None
        assert found[name].tolist() == expected[name].tolist()  # type: ignore[index]


def test_everything_in_a_node_is_met() -> None:
    x, y = Read("X", (poly(J),)), Read("V", (poly(J) // 2, poly(T)), Fraction(0))
    body = (2 + x) * Bracket(Compare(Apply("abs", y), "<", x**2)) / IndexValue(poly(N))
    assert list(reads(body)) == [x, y, x]
    assert indices(body) == {J, T}
    assert params(body) == (N, K)
    assert [form for form in inside(y) if isinstance(form, Poly)] == [poly(J) // 2, poly(T)]
    assert map_reads(body, lambda read: Number(Fraction(-2))) == ZERO
    assert list(reads(map_reads(body, lambda read: Number(Fraction(1))))) == [y, x]  # those of the bracket stay


def test_the_law_of_sizes_put_in_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A size is put in where an index stands, and not where it is bound."""
    right = walk.map_forms
    monkeypatch.setattr(walk, "map_forms", lambda node, form, *others: right(node, form))
    caught(test_a_statement_with_sizes_put_in_has_the_value_that_it_has_there)


def test_the_law_of_names_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an index is bound it keeps its name."""
    right = walk.map_forms
    monkeypatch.setattr(walk, "map_forms", lambda node, form, *others: right(node, form))
    caught(test_a_statement_with_other_names_of_its_indices_has_the_same_value)


def test_the_law_of_going_through_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A power that becomes its base."""
    right = walk._tidied
    monkeypatch.setattr(walk, "_tidied", lambda node: node.base if isinstance(node, Power) else right(node))
    caught(test_what_is_gone_through_and_not_changed_has_the_same_value)


def test_the_law_of_guards_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sides that change places."""
    right = walk._apart
    monkeypatch.setattr(walk, "_apart", lambda gap: right(gap)[::-1])
    caught(test_a_guard_that_is_rewritten_keeps_its_truth)
