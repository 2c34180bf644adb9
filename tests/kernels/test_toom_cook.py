"""F(m, r) is an identity of polynomials, for every m, r and choice of points."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.errors import HyperparameterError
from convmath.kernels import toom_cook as module
from convmath.kernels.toom_cook import INFINITY, ToomCook, points, toom_cook

from ..faults import caught

SIZES = st.integers(1, 6)
RATIONALS = st.fractions(-5, 5, max_denominator=6)


@given(data=st.data())
def test_it_holds_for_all_data_and_kernels(data: st.DataObject) -> None:
    """Σ_q A[q,i]·G[q,k]·B[q,l] = [l = i + k], in exact rationals: then y = Aᵀ[(G g) ⊙ (B d)] for all g and d."""
    m, r = data.draw(SIZES), data.draw(SIZES)
    count = m + r - 1
    if data.draw(st.booleans()):
        chosen = data.draw(st.lists(RATIONALS, min_size=count, max_size=count, unique=True))
        if data.draw(st.booleans()):
            chosen[data.draw(st.integers(0, count - 1))] = INFINITY
        found = toom_cook(m, r, chosen)
    else:
        found = toom_cook(m, r)
    assert found.defect() == {}
    assert (found.multiplications, found.direct) == (count, m * r)
    assert [np.shape(matrix) for matrix in (found.A, found.G, found.B)] == [(count, m), (count, r), (count, count)]


@given(data=st.data())
def test_it_is_the_correlation(data: st.DataObject) -> None:
    """The same on numbers: what `defect` says is about what is computed."""
    m, r = data.draw(SIZES), data.draw(SIZES)
    found = toom_cook(m, r)
    g, d = ([data.draw(RATIONALS) for _ in range(size)] for size in (r, m + r - 1))
    A, G, B = (np.array(matrix, object) for matrix in (found.A, found.G, found.B))
    assert (A.T @ ((G @ g) * (B @ d))).tolist() == [sum(g[k] * d[i + k] for k in range(r)) for i in range(m)]


def test_a_wrong_entry_is_a_defect() -> None:
    """Each entry of each matrix matters: a change of one is found where it stands."""
    true = toom_cook(2, 3)
    for name in ("A", "G", "B"):
        matrix = getattr(true, name)
        for q, row in enumerate(matrix):
            for place in range(len(row)):
                changed = [*row[:place], row[place] + 1, *row[place + 1 :]]
                wrong = replace(true, **{name: (*matrix[:q], tuple(changed), *matrix[q + 1 :])})
                assert wrong.defect()


def test_a_fault_in_the_interpolation_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_monic", lambda roots, length: (Fraction(1), *[Fraction(0)] * (length - 1)))
    monkeypatch.setattr(module, "_toom_cook", module._toom_cook.__wrapped__)
    caught(test_it_holds_for_all_data_and_kernels)
    caught(test_it_is_the_correlation)


def test_the_matrices_that_are_known() -> None:
    """F(2, 3) and F(4, 3) of Lavin & Gray (arXiv 1509.09308, §4), up to signs of rows."""
    half, sixth = Fraction(1, 2), Fraction(1, 6)
    assert _unsigned(toom_cook(2, 3)) == _unsigned_rows(
        [(1, 0), (1, 1), (1, -1), (0, 1)],
        [(1, 0, 0), (half, half, half), (half, -half, half), (0, 0, 1)],
        [(1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)],
    )
    rows = [
        (Fraction(1, 4), 0, 0),
        (-sixth, -sixth, -sixth),
        (-sixth, sixth, -sixth),
        (sixth / 4, sixth / 2, sixth),
        (sixth / 4, -sixth / 2, sixth),
        (0, 0, 1),
    ]
    data = [
        (4, 0, -5, 0, 1, 0),
        (0, -4, -4, 1, 1, 0),
        (0, 4, -4, -1, 1, 0),
        (0, -2, -1, 2, 1, 0),
        (0, 2, -1, -2, 1, 0),
        (0, 4, 0, -5, 0, 1),
    ]
    values = [(1, 0, 0, 0), (1, 1, 1, 1), (1, -1, 1, -1), (1, 2, 4, 8), (1, -2, 4, -8), (0, 0, 0, 1)]
    assert _unsigned(toom_cook(4, 3)) == _unsigned_rows(values, rows, data)


def _unsigned(found: ToomCook) -> list:
    return _unsigned_rows(found.A, found.G, found.B)


def _unsigned_rows(*matrices: object) -> list:
    """The rows with the first entry that is not 0 positive."""

    def turned(row: tuple) -> list:
        sign = next((1 if entry > 0 else -1 for entry in row if entry), 1)
        return [sign * entry for entry in row]

    return [[turned(row) for row in matrix] for matrix in matrices]  # type: ignore[attr-defined]


def test_the_points_that_are_taken() -> None:
    """Every rational once, small ones first, and infinity."""
    found = list(islice(points(200), 200))
    assert found[:5] == [0, 1, -1, 2, -2]
    assert found[-1] == INFINITY
    assert len(set(found)) == 200
    heights = [max(abs(p.numerator), p.denominator) for p in found[:-1] if isinstance(p, Fraction)]
    assert heights == sorted(heights)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0, 1), r"m is 0, but it must be at least 1 \[F\(0, 1\)\]"),
        ((2, 1.5), r"r is 1\.5, but a whole number is needed"),
        ((2, 3, [0, 1]), r"the points are 0, 1, but 4 that differ are needed \[F\(2, 3\)\]"),
        ((2, 3, [0, 1, 1, 2]), "the points are 0, 1, 1, 2, but 4 that differ are needed"),
        ((2, 3, []), "the points are none, but 4 that differ are needed"),
        ((1, 1, ["x"]), "a point is 'x', but a rational number or infinity is needed"),
        ((1, 1, [float("nan")]), "a point is nan, but a rational number or infinity is needed"),
        ((1, 1, [-INFINITY]), "a point is -inf, but a rational number or infinity is needed"),
        ((1, 1, [None]), "a point is None, but a rational number or infinity is needed"),
    ],
)
def test_arguments_that_have_no_meaning(arguments: tuple, sentence: str) -> None:
    with pytest.raises(HyperparameterError, match=sentence):
        toom_cook(*arguments)
