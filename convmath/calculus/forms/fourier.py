"""The convolution theorem: the transforms of input and weight are multiplied at each frequency, and transformed back.

ω is a root of unity of order L, a complex number or an element of a finite field. Positions then count modulo L; the
conditions say how great L must be for nothing to be read round the end.

>>> from convmath import operator
>>> from convmath.calculus.forms import forms
>>> form = forms(operator("conv", ndim=1, groups=1).statement)["fourier"]
>>> print(form)
V[ν,c,u] = Σ_{i<n} (ω^u)^i · X[ν,c,i]
U[o,c,u] = Σ_{t<k} (ω^u)^(-d·t) · W[o,c,t]
Z[ν,o,u] = Σ_{c<C} U[o,c,u] · V[ν,c,u]
Y[ν,o,j] = Σ_{u<L} (ω^u)^(a-s·j) · Z[ν,o,u] / L
>>> print(*form.conditions)
[n+a ≤ L] [s·(m-1)+d·(k-1)-a < L]
>>> form.compute({"X": [[[1, 2, 3, 4]]], "W": [[[10, 1]]]})                     # integers: in a finite field
array([[[12, 23, 34]]], dtype=object)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import count
from math import lcm
from typing import Any

import numpy as np
import sympy

from convmath.errors import HyperparameterError
from convmath.integers.facts import plainly_nonnegative
from convmath.ir.build import equation, read, size, total
from convmath.ir.exact import exact_array
from convmath.ir.nodes import AtMost, Guard, Less, Power, Product, Real, Scalar, Statement, scalar
from convmath.ir.poly import Index, Poly, poly
from convmath.window import per_axis

from .form import Form
from .numbers import Laid, Numbers, applied
from .structure import Axis, Refusal, Structure, extent, indices_of

__all__ = ["Fourier", "root_of_unity"]


class Fourier(Form):
    NAME = "fourier"

    @staticmethod
    def _stated(of: Structure) -> Statement:
        if of.border and of.outside != "circular":
            raise Refusal(
                f"{of.x.tensor} has the border {of.outside}, but the convolution theorem needs zeros outside, or a "
                "period; state the padded array in an equation of its own"
            )
        lengths = [extent(axis.there) if of.border else of.new(size("L", axis.place, least=1)) for axis in of.axes]
        u = [poly(Index("u", length, axis.place)) for axis, length in zip(of.axes, lengths, strict=True)]
        exponents = [
            _exponents(of.gathers, axis.here, axis.there, axis.tap, axis.stride, axis.dilation, axis.before)
            for axis in of.axes
        ]
        at_input, at_tap, at_output = (
            [_turn(axis, f, each[part]) for axis, f, each in zip(of.axes, u, exponents, strict=True)]
            for part in range(3)
        )
        x, w, y = read("V", *of.x.at[:2], *u), read("U", *of.w.at[:2], *u), read("Z", of.batch, of.channels[1], *u)
        back = Product.of(*at_output, y, *(1 / scalar(length) for length in lengths))
        return of.stated(
            equation("V", x.at, total(Product.of(*at_input, of.element), indices_of(*of.inputs))),
            equation("U", w.at, total(Product.of(*at_tap, of.w), indices_of(*of.taps))),
            equation("Z", y.at, of.summed(w * x, of.channels[0])),
            of.value(total(back, indices_of(*u))),
            requires=() if of.border else tuple(_unwrapped(of, lengths)),
        )

    def compute(self, arrays: Mapping[str, Any], *, length: Any = None, **given: Any) -> np.ndarray:
        """The value by discrete Fourier transforms of a length L, one for all axes or one for each.

        Integers and Fractions are transformed exactly, in a finite field that is large enough to hold the result;
        floats by scipy.fft, in the arrays' precision.
        """
        numbers = Numbers.of(self.structure, arrays, given)
        lengths = _lengths(numbers, length)
        return numbers.value(_in_a_field(numbers, lengths) if numbers.exact else _in_floats(numbers, lengths))


# --- the statement ----------------------------------------------------------------------------------------------------


def _exponents(gathers: bool, here: Any, there: Any, tap: Any, stride: Any, dilation: Any, before: Any) -> tuple:
    """What ω is raised to, times u, at the input's position, the tap and the output's: 0 in all where they meet"""
    if gathers:
        return there, -dilation * tap, before - stride * here
    return stride * here, dilation * tap, -before - there


def _reach(forward: bool, here: Any, k: Any, stride: Any, dilation: Any, before: Any) -> tuple[Any, Any]:
    """The least and the greatest stride·j + dilation·t - before, for j < here and t < k"""
    across = dilation * (k - 1)
    low, high = (0, across) if forward else (across, 0)
    return low - before, stride * (here - 1) + high - before


def _turn(axis: Axis, frequency: Poly, exponent: Poly) -> Scalar:
    """(ω^u)^e, a power of a power: no form may multiply two indices"""
    ω = Real(f"ω{axis.place or ''}")
    return Power.of(Power.of(ω, scalar(frequency)), scalar(exponent))


def _unwrapped(of: Structure, lengths: Sequence[Poly]) -> Iterator[Guard]:
    """No position outside the array that is met is a position inside it, modulo L."""
    for axis, L, k in zip(of.axes, lengths, of.kernel, strict=True):
        low, high = _reach(axis.forward, extent(axis.here), k, axis.stride, axis.dilation, axis.before)
        n = extent(axis.there)
        if not plainly_nonnegative(-low):
            yield AtMost(n, L)
        yield from (AtMost(n - low, L), Less(high, L))


# --- in numbers -------------------------------------------------------------------------------------------------------


def _places(axis: Laid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    here, there = (np.arange(size) for size in ((axis.m, axis.n) if axis.gathers else (axis.n, axis.m)))
    return _exponents(axis.gathers, here, there, np.arange(axis.k), axis.stride, axis.dilation, axis.before)


def _lengths(numbers: Numbers, length: Any) -> tuple[int, ...]:
    least = tuple(map(_least, numbers.axes))
    if length is None:
        return least
    lengths = per_axis(length, len(least), "length", "fourier", 1)
    for axis, L, needed in zip(numbers.axes, lengths, least, strict=True):
        if needed > L or (axis.border and needed != L):
            raise HyperparameterError(
                f"length is {L}, but it must be {needed}{'' if axis.border else ' or more'}: positions count modulo "
                "the length, and others would meet [fourier]"
            )
    return lengths


def _least(axis: Laid) -> int:
    if axis.border:
        return axis.n
    here, there = (axis.m, axis.n) if axis.gathers else (axis.n, axis.m)
    low, high = _reach(axis.dilation > 0, here, axis.k, axis.stride, axis.dilation, axis.before)
    return max(1, there, there - low, high + 1)


def _in_floats(numbers: Numbers, lengths: tuple[int, ...]) -> np.ndarray:
    """With ω = exp(-2πi/L): what is transformed lies at its exponents, and the result at minus its own, modulo L."""
    from scipy import fft  # only here: it takes longer to import than everything else

    last, places = range(3, 3 + len(lengths)), list(map(_places, numbers.axes))
    x, w = numbers.x, numbers.w
    for axis, L, (at_input, at_tap, _) in zip(last, lengths, places, strict=True):
        x, w = _laid_out(x, axis, at_input % L, L), _laid_out(w, axis, at_tap % L, L)
    x, w = (np.asarray(fft.fftn(array, axes=last)) for array in (x, w))
    y = np.real(np.asarray(fft.ifftn(np.einsum("goc...,ngc...->ngo...", w, x), axes=last)))
    for axis, L, (_, _, at_output) in zip(last, lengths, places, strict=True):
        y = np.take(y, -at_output % L, axis)
    return y


def _laid_out(x: np.ndarray, axis: int, places: np.ndarray, length: int) -> np.ndarray:
    """What x has at each of the places of an axis of that length, added where places are equal."""
    result = np.zeros((*x.shape[:axis], length, *x.shape[axis + 1 :]), x.dtype)
    np.add.at(result.swapaxes(0, axis), places, x.swapaxes(0, axis))
    return result


def _in_a_field(numbers: Numbers, lengths: tuple[int, ...]) -> np.ndarray:
    """By definition, in the integers modulo a prime that is more than twice as great as any value."""
    (x, below), (w, under) = map(_whole, (numbers.x, numbers.w))
    most = _greatest(x) * _greatest(np.abs(w).sum(axis=tuple(range(2, w.ndim)))) if w.size else 0
    p, root = root_of_unity(lcm(*lengths), 2 * most)
    turns = [
        [_powers(pow(root, lcm(*lengths) // L, p), places, L, p) for places in _places(axis)]
        for axis, L in zip(numbers.axes, lengths, strict=True)
    ]
    for axis, (at_input, at_tap, _) in enumerate(turns, 3):
        x, w = applied(at_input, x, axis) % p, applied(at_tap, w, axis) % p
    y = np.einsum("goc...,ngc...->ngo...", w, x) % p
    for axis, (_, _, at_output) in enumerate(turns, 3):
        y = applied(at_output.T, y, axis) * pow(len(at_output), -1, p) % p
    return np.where(y > p // 2, y - p, y) * Fraction(1, below * under)


def _powers(ω: int, at: np.ndarray, length: int, p: int) -> np.ndarray:
    """ω^(u·e) modulo p, for each frequency u and each e"""
    powers = np.array([pow(ω, e, p) for e in range(length)], object)
    return powers[np.outer(np.arange(length), at) % length]


def _whole(array: np.ndarray) -> tuple[np.ndarray, int]:
    """The array times the least common denominator, and that number."""
    below = lcm(*(value.denominator for value in array.reshape(-1)))
    return exact_array(array * below), below


def _greatest(array: np.ndarray) -> int:
    return max((abs(value) for value in array.reshape(-1)), default=0)


def root_of_unity(length: int, beyond: int) -> tuple[int, int]:
    """A prime p beyond that number, and ω with ω^length = 1 modulo p and no smaller power that is 1.

    >>> root_of_unity(6, 100)
    (103, 57)
    """
    p = next(p for p in count(length * (max(beyond, 1) // length + 1) + 1, length) if sympy.isprime(p))
    for g in range(1, p):
        ω = pow(g, (p - 1) // length, p)
        if all(pow(ω, length // q, p) != 1 for q in sympy.primefactors(length)):
            return p, ω
    raise AssertionError(f"the multiplicative group modulo {p} is cyclic")
