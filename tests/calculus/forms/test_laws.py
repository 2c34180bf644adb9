"""Every form of every statement that has forms: its equations and its numbers are those of the statement."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.calculus.forms import (
    col2im,
    dilated,
    einsum,
    fourier,
    im2col,
    numbers,
    strided,
    toeplitz,
    transposed,
    winograd,
)
from convmath.calculus.forms.recognise import recognised
from convmath.calculus.forms.structure import Structure
from convmath.ir.poly import poly

from ...faults import caught
from .drawn import PAIRS, STATEMENTS, VALUES, Drawn, a_case

EACH = pytest.mark.parametrize(("name", "form"), VALUES)


def test_the_forms_that_there_are() -> None:
    gathering = ["einsum", "im2col", "col2im", "toeplitz", "fourier", "winograd", "dilated", "strided", "kfac"]
    scattering = ["einsum", "im2col", "col2im", "toeplitz", "fourier", "dilated", "transposed", "kfac"]
    found = {name: [form for other, form in PAIRS if other == name] for name, _ in PAIRS}
    assert found["conv"] == found["turned"] == found["dense"] == gathering
    assert found["conv_transpose"] == found["turned_scattering"] == scattering


@EACH
@given(data=st.data())
def test_its_numbers_are_the_exact_value(name: str, form: str, data: st.DataObject) -> None:
    """Integers and Fractions exactly, whatever is done on the way: floor, finite field or interpolation."""
    case = a_case(data, name)
    found = case.form(form)
    if found is None:
        return
    options = _options(data, form, case)
    value = found.compute(case.arrays, **case.given, **options)
    expected = case.value()
    assert value.shape == expected.shape
    assert value.tolist() == expected.tolist()
    assert all(type(entry) is int or entry.denominator > 1 for entry in value.reshape(-1))


@EACH
@given(data=st.data())
def test_its_equations_state_the_exact_value(name: str, form: str, data: st.DataObject) -> None:
    case = a_case(data, name)
    found = case.form(form)
    if found is None:
        return
    expected = case.value()
    if form == "fourier":
        if case.value().size + case.arrays["X"].size > 100:
            return  # powers of ω in whole numbers grow long
        value, p = _in_a_field(data, found, case)
        expected = _residues(expected, p)
    else:
        matrices = found.matrices(_kernel(case), **_options(data, form, case)) if form == "winograd" else {}
        value = found.statement.evaluate(case.arrays | matrices, **case.given)
    assert value.tolist() == expected.tolist()


@EACH
@given(data=st.data())
def test_its_rounding_is_bounded(name: str, form: str, data: st.DataObject) -> None:
    """In float64, on numbers that are not small integers."""
    case = a_case(data, name)
    found = case.form(form)
    if found is None:
        return
    rng = np.random.default_rng(data.draw(st.integers(0, 2**20), label="seed"))
    floats = {key: rng.standard_normal(array.shape) for key, array in case.arrays.items()}
    value = found.compute(floats, **case.given)
    assert value.dtype == np.float64
    exact = Drawn(case.statement, floats, case.given)
    error = np.abs(value - exact.value())
    assert (error <= BOUNDS.get(form, _summed)(found, exact)).all()


# --- what the laws need -----------------------------------------------------------------------------------------------


def _kernel(case: Drawn) -> tuple[int, ...]:
    return case.arrays["W"].shape[2:]


def _options(data: st.DataObject, form: str, case: Drawn) -> dict[str, Any]:
    """Tiles for a form that works by tiles."""
    if form != "winograd":
        return {}
    return {"tile": tuple(data.draw(st.integers(1, 3), label="tile") for _ in _kernel(case))}


def _residues(values: np.ndarray, p: int) -> np.ndarray:
    """Rational numbers modulo a prime that divides no denominator."""
    return np.frompyfunc(lambda v: v.numerator * pow(v.denominator, -1, p) % p, 1, 1)(values)


def _in_a_field(data: st.DataObject, form: fourier.Fourier, case: Drawn) -> tuple[np.ndarray, int]:
    """The statement of the transforms, in whole numbers: each ω any one that is a root of unity modulo p."""
    laid = numbers.Numbers.of(form.structure, case.arrays, case.given).axes
    extra = [0 if axis.border else data.draw(st.integers(0, 2), label="longer") for axis in laid]
    lengths = [least + more for least, more in zip(map(fourier._least, laid), extra, strict=True)]
    period = math.lcm(*lengths)
    p, root = fourier.root_of_unity(period, 3)
    given = dict(case.given)
    for axis, length, one in zip(form.structure.axes, lengths, laid, strict=True):
        given[f"ω{axis.place or ''}"] = pow(root, period // length, p)
        if not one.border:
            given[f"L{axis.place or ''}"] = length
    return _residues(form.statement.evaluate(case.arrays, **given), p), p


def _gamma(roundings: int) -> float:
    u = roundings * np.finfo(float).eps / 2
    return u / (1 - u)


def _summed(form: Any, case: Drawn) -> np.ndarray:
    """γ_n · Σ|w||x|, for sums of products in any order"""
    terms = math.prod(case.arrays["W"].shape) + 2
    return _gamma(terms) * Drawn(case.statement, case.magnitudes(), case.given).value().astype(float)


def _tiled(form: winograd.Winograd, case: Drawn) -> np.ndarray:
    """The same for |A|ᵀ[(|Γ||w|) ⊙ (|Δ||x|)], with as many roundings as its longest path has (Barabasz et al.)."""
    matrices = {key: np.abs(matrix).astype(float) for key, matrix in form.matrices(_kernel(case)).items()}
    value = form.statement.function()(**case.magnitudes(), **matrices, **case.given)
    rules = form.rules(_kernel(case))
    path = sum(2 * rule.multiplications + rule.taps + 6 for rule in rules) + case.arrays["W"].shape[1] + 2
    return _gamma(path) * value


def _transformed(form: fourier.Fourier, case: Drawn) -> np.ndarray:
    """Transforms keep 2-norms but for a relative error of order log L (Higham 2002, theorem 24.2).

    So each value is wrong by no more than such a part of Σ_c ‖x_c‖·‖w_c‖.
    """
    at = numbers.Numbers.of(form.structure, case.arrays, case.given)
    total = math.prod(fourier._lengths(at, None))
    axes = tuple(range(3, at.x.ndim))
    mass = np.einsum("ngc,goc->ngo", _norm(at.x, axes), _norm(at.w, axes))
    mass = mass.reshape(len(mass), math.prod(mass.shape[1:]), *[1] * len(axes))
    bias = 0 if at.bias is None else np.abs(at.bias).astype(float).reshape(-1, *[1] * len(axes))
    return _gamma(100 * (1 + math.ceil(math.log2(total))) + at.x.shape[2]) * (mass + bias)


def _norm(array: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    return np.sqrt((array.astype(float) ** 2).sum(axes))


BOUNDS: dict[str, Callable[..., np.ndarray]] = {"winograd": _tiled, "fourier": _transformed}


# --- teeth: a fault in each form --------------------------------------------------------------------------------------

Fault = Callable[[pytest.MonkeyPatch], None]


def _instead(module: Any, name: str, fault: Callable[..., Any]) -> Fault:
    """The function replaced by one that is given the true one and its arguments."""
    true = getattr(module, name)
    return lambda patch: patch.setattr(module, name, lambda *args, **kwargs: fault(true, *args, **kwargs))


def _late(axis: Any) -> Any:
    """An axis, in symbols or numbers, that reads one place too early."""
    return replace(axis, before=axis.before + 1)


def _all_late(true: Callable[..., Any], at: numbers.Numbers) -> Any:
    return true(replace(at, axes=tuple(map(_late, at.axes))))


def _late_axis(true: Callable[..., Any], axis: Any, *rest: Any) -> Any:
    return true(_late(axis), *rest)


def _comes_late(true: Callable[..., Any], *arguments: Any) -> Any:
    return _late(true(*arguments))


IN_NUMBERS: dict[str, Fault] = {
    "einsum": _instead(einsum, "_pattern", _late_axis),
    "im2col": _instead(im2col, "correlated", _all_late),
    "col2im": _instead(col2im, "_places", _late_axis),
    "toeplitz": _instead(toeplitz, "_met", _all_late),
    "fourier": _instead(fourier, "_places", _late_axis),
    "winograd": _instead(winograd, "_outputs", lambda true, axis, rule: true(replace(axis, stride=1), rule)),
    "dilated": _instead(dilated, "relaid", lambda true, at, dilation, k: true(at, k=k)),
    "strided": _instead(strided, "relaid", lambda true, at, stride, m: true(at, m=m)),
    "transposed": _instead(transposed, "_gathering", _comes_late),
}


def _unrolled_early(true: Callable[..., Any], of: Structure) -> Any:
    matrix, element = true(of)
    [term] = matrix.terms
    first = tuple(poly(0) for _ in of.axes)
    return replace(matrix, terms=(replace(term, body=replace(term.body, at=(*term.body.at[:2], *first))),)), element


def _tiled_late(true: Callable[..., Any], *arguments: Any) -> Any:
    found = true(*arguments)
    return replace(found, seen=found.seen - 1)


IN_SYMBOLS: dict[str, Fault] = {
    "einsum": _instead(Structure, "brackets", lambda true, of, axis: true(of, _late(axis))),
    "im2col": _instead(im2col, "unrolled", _unrolled_early),
    "col2im": _instead(Structure, "brackets", lambda true, of, axis: true(of, _late(axis))),
    "toeplitz": _instead(Structure, "brackets", lambda true, of, axis: true(of, _late(axis))),
    "fourier": _instead(
        fourier, "_exponents", lambda true, *forms: (true(*forms)[0], -true(*forms)[1], true(*forms)[2])
    ),
    "winograd": _instead(winograd, "_tiled", _tiled_late),
    "dilated": _instead(dilated, "_undilated", _comes_late),
    "strided": _instead(strided, "_dense", _comes_late),
    "transposed": _instead(transposed, "_reached", lambda true, *forms: true(*forms) + 1),
}


def _has_positions(name: str) -> bool:
    return bool(recognised(STATEMENTS[name]).axes)


@EACH
def test_a_fault_in_its_numbers_is_caught(name: str, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not _has_positions(name):
        # forgets the bias
        monkeypatch.setattr(numbers.Numbers, "value", lambda self, y: y.reshape(len(y), -1))
    else:
        IN_NUMBERS[form](monkeypatch)
    caught(test_its_numbers_are_the_exact_value, name, form)
    caught(test_its_rounding_is_bounded, name, form)


@EACH
def test_a_fault_in_its_equations_is_caught(name: str, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not _has_positions(name):
        # forgets the bias
        monkeypatch.setattr(Structure, "value", lambda self, *terms: replace(self.output, terms=terms))
    else:
        IN_SYMBOLS[form](monkeypatch)
    caught(test_its_equations_state_the_exact_value, name, form)


@pytest.mark.parametrize("form", ["winograd", "fourier"])
def test_a_bound_that_is_too_small_is_caught(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is rounded on the way is more than the terms of the sum let expect."""
    monkeypatch.setitem(BOUNDS, form, lambda found, case: _summed(found, case) * 0)
    caught(test_its_rounding_is_bounded, "conv", form)
