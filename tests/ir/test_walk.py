"""Going through nodes changes what is asked for and nothing else."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.ir import walk
from convmath.ir.guards import holds
from convmath.ir.nodes import AtMost, Divides, Less, Number, Read, Within, Zero
from convmath.ir.poly import Index, poly
from convmath.ir.walk import indices, map_leaves, params, rename, substitute

from ..faults import caught
from .forms import FREE, J, K, N, S, T, forms, values


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


def test_the_law_of_guards_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sides that change places."""
    right = walk._apart
    monkeypatch.setattr(walk, "_apart", lambda gap: right(gap)[::-1])
    caught(test_a_guard_that_is_rewritten_keeps_its_truth)
