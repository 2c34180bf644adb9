"""The matrix: what its entries are, and where they repeat."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.calculus.forms import numbers
from convmath.calculus.forms.toeplitz import Toeplitz
from convmath.errors import DtypeError
from convmath.ops.registry import operator
from convmath.testing import cases

from ...faults import caught
from .drawn import Drawn, a_case


@pytest.mark.parametrize("name", ["conv", "conv_transpose", "turned", "turned_scattering"])
@given(data=st.data())
def test_the_sparse_matrix_holds_the_entries_that_are_stated(name: str, data: st.DataObject) -> None:
    case = a_case(data, name)
    whole = Drawn(case.statement, {key: array * 3 for key, array in case.arrays.items()}, case.given)
    found = whole.form("toeplitz")
    assert found is not None
    matrix = found.matrix(whole.arrays, **whole.given)
    assert matrix.dtype == np.int64
    assert matrix.toarray().tolist() == _stated(found, whole).tolist()


def _stated(form: Toeplitz, case: Drawn) -> np.ndarray:
    """T[o,c,j,i] (or T[c,o,j,i] of what scatters) as a matrix over all channels, with zeros between groups."""
    of = form.structure
    entries = replace(form.statement, equations=form.statement.equations[:1], outputs=("T",))
    T = entries.evaluate(case.arrays, **case.given)
    at = numbers.Numbers.of(of, case.arrays, case.given)
    (G, O, C), m, n = at.w.shape[:3], [axis.m for axis in at.axes], [axis.n for axis in at.axes]
    blocks = T.reshape(G, *((O, C) if of.gathers else (C, O)), np.prod(m, dtype=int), np.prod(n, dtype=int))
    blocks = blocks if of.gathers else blocks.swapaxes(1, 2)
    whole = np.zeros((G, O, blocks.shape[3], G, C, blocks.shape[4]), object)
    for g in range(G):
        whole[g, :, :, g] = blocks[g].transpose(0, 2, 1, 3)
    return whole.reshape(G * O * blocks.shape[3], G * C * blocks.shape[4])


@pytest.mark.parametrize("ndim", [1, 2, 3])
@given(data=st.data())
def test_with_stride_1_its_blocks_are_toeplitz(ndim: int, data: st.DataObject) -> None:
    """One place further along an axis, in the output and in the input, stands the same entry: multilevel Toeplitz."""
    case = data.draw(cases("conv", ndim, padding_mode="zeros"))
    blocks, m, n = _blocks(case.arrays, {**case.given, "stride": 1})
    for axis in range(ndim):
        j, i = 1 + axis, 2 + ndim + axis
        if m[axis] > 1 and n[axis] > 1:
            later = np.take(np.take(blocks, range(1, m[axis]), j), range(1, n[axis]), i)
            earlier = np.take(np.take(blocks, range(m[axis] - 1), j), range(n[axis] - 1), i)
            assert (later == earlier).all()


@pytest.mark.parametrize("ndim", [1, 2])
@given(data=st.data())
def test_with_a_period_and_as_many_outputs_its_blocks_are_circulant(ndim: int, data: st.DataObject) -> None:
    """Turning the output and the input by one place along an axis leaves every entry where it was."""
    case = data.draw(cases("conv", ndim, padding_mode="zeros"))
    x, w = case.arrays[:2]
    kernel, dilation = w.shape[2:], case.given.get("dilation", (1,) * ndim)
    across = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    before = tuple(data.draw(st.integers(0, length)) for length in across)
    pads = tuple((a, length - a) for a, length in zip(before, across, strict=True))
    x = np.ones((*x.shape[:2], *(max(length, n) for length, n in zip(across, x.shape[2:], strict=True))))
    given = {"groups": case.given.get("groups", 1), "dilation": dilation, "padding": pads, "padding_mode": "circular"}
    blocks, m, n = _blocks((x, w), given)
    assert m == n
    for axis in range(ndim):
        assert (np.roll(blocks, (1, 1), (1 + axis, 2 + ndim + axis)) == blocks).all()


def _blocks(arrays: tuple[np.ndarray, ...], given: dict[str, Any]) -> tuple[np.ndarray, Any, Any]:
    """The matrix with its channels and positions apart: (channel, *positions) of the output, then of the input."""
    op, named, given = operator("conv", arrays[0].ndim - 2).at(arrays, given)
    case = Drawn(op.statement, named, given)
    found = case.form("toeplitz")
    assert found is not None
    matrix = found.matrix(named, **given).toarray()
    m, n = case.value().shape[2:], arrays[0].shape[2:]
    return matrix.reshape(-1, *m, arrays[0].shape[1], *n), m, n


def test_what_scipy_cannot_hold_is_refused() -> None:
    statement = operator("conv", ndim=1, groups=1).statement
    form = Drawn(statement, {}, {}).form("toeplitz")
    assert form is not None
    for entry in (Fraction(1, 2), 2**63):
        with pytest.raises(DtypeError, match=r"W holds Fractions or long integers, but scipy\.sparse needs 64-bit"):
            form.matrix({"X": [[[1, 2]]], "W": np.array([[[entry]]], object)})
    halves = {"X": [[[1, 2]]], "W": np.array([[[Fraction(1, 2)]]], object)}
    assert form.compute(halves).tolist() == [[[Fraction(1, 2), 1]]]


def test_an_entry_that_is_elsewhere_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows and columns of different axes are exchanged."""
    true = numbers.Laid.reads
    monkeypatch.setattr(numbers.Laid, "reads", lambda axis: true(axis)[::-1])
    caught(test_with_stride_1_its_blocks_are_toeplitz, 2)
    caught(test_with_a_period_and_as_many_outputs_its_blocks_are_circulant, 1)
    caught(test_the_sparse_matrix_holds_the_entries_that_are_stated, "conv")
