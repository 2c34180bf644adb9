"""That no error of the float64 functions reaches one ulp (and of `gates`, some): computed from the code that runs.

What is shown, for each function, on every piece of its domain:
- how far each polynomial is from what it stands for (exact rational arithmetic on Taylor polynomials with a remainder);
- how much all roundings but the last can do together (`rounding.Bounds`, on ranges that cover the piece).
If these make less than half an ulp of the exact result, the last rounding makes less than one ulp of it: a rounding
moves a number by half an ulp of its own at most, and past a power of two by no more than it was away from it.

The steps before, that find k and r, are exact, which is said and shown below. A result below the normal numbers is
rounded once more, at the end: that is half an ulp, and what was there before is then at most half as many ulps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import pairwise, zip_longest
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.ir.enclosure import Enclosure, erf, exp, log, pi, power, precision, sigmoid, tanh
from convmath.kernels import elementary
from convmath.kernels.elementary import coefficients, error, exponential, gates, logarithm
from convmath.kernels.elementary.arithmetic import DOUBLE, SINGLE, Arithmetic, Arrays, Format

from ..faults import caught
from .rounding import Bounds, PairRange, Range, down, up

R = 0.34661  # more than log(2)/2·(1 + 2^-42) + 2^-33
# f for log; that of log1p, where k = 0, may lie beyond by what 1 + x is rounded
ROOT = math.sqrt(0.5) - 1.0 - 2.0**-52, math.sqrt(2.0) - 1.0 + 2.0**-52

Terms = list[Fraction]


# --- polynomials against what they stand for ----------------------------------------------------------------------


def middle(x: Enclosure) -> Fraction:
    """With hundreds of bits more than matter here, an enclosure is as good as a short number near its middle."""
    assert x.width < Fraction(1, 2**300)
    return Fraction(round((x.low + x.high) * 2**319), 2**320)


def shifted(terms: Sequence[Fraction], to: Fraction) -> Terms:
    """The coefficients of p(to + h)."""
    found = list(terms)
    for start in range(len(found) - 1):
        for i in range(len(found) - 2, start - 1, -1):
            found[i] += to * found[i + 1]
    return found


def times(a: Sequence[Fraction], b: Sequence[Fraction]) -> Terms:
    found = [Fraction(0)] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            found[i + j] += x * y
    return found


def less(a: Sequence[Fraction], b: Sequence[Fraction]) -> Terms:
    return [x - y for x, y in zip_longest(a, b, fillvalue=Fraction(0))]


def size_on(terms: Sequence[Fraction], first: Fraction, last: Fraction) -> Fraction:
    """|p| from first to last is at most this."""
    half = (last - first) / 2
    return sum((abs(c) * half**i for i, c in enumerate(shifted(terms, (first + last) / 2))), Fraction(0))


def off_by(found: Sequence[float], truth: Sequence[Fraction], remainder: Fraction, first: float, last: float) -> float:
    """How far a polynomial is from a power series with that remainder."""
    difference = less([Fraction(c) for c in found], truth)
    ends = [Fraction(first) + (Fraction(last) - Fraction(first)) * i / 32 for i in range(33)]
    return float(max(size_on(difference, a, b) for a, b in pairwise(ends)) + remainder) * 1.001


@cache
def approximations() -> dict[Sequence[float], float]:
    """By the polynomial's coefficients, what it is off at most."""
    square = Fraction(0.0295)
    with precision(400):
        slope = middle(2 / power(pi(), Fraction(1, 2)))
    exponential_ = [Fraction(1, math.factorial(i + 3)) for i in range(30)]
    logarithm_ = [Fraction(2, 2 * i + 3) for i in range(40)]
    erf_ = [slope * (-1) ** i / (math.factorial(i) * (2 * i + 1)) for i in range(1, 30)]
    tiny = Fraction(1, 2**100)  # more than what the series leave out: r³⁰/33!, z⁴⁰/40, 4⁻³⁰/30!
    return {
        coefficients.EXP: off_by(coefficients.EXP, exponential_, tiny, -R, R),
        coefficients.EXP_DOUBLE: off_by(coefficients.EXP_DOUBLE, [Fraction(1, 2), *exponential_], tiny, -R, R),
        coefficients.LOG: off_by(coefficients.LOG, logarithm_, tiny, 0.0, float(square)),
        coefficients.LOG_WIDE: off_by(coefficients.LOG_WIDE, logarithm_, tiny, 0.0, 1 / 9),
        coefficients.ERF: off_by(coefficients.ERF, erf_, tiny, 0.0, 0.25),
        # what these are off is counted in the pieces
        (coefficients.ERFC_LOW[1], *coefficients.ERFC[2:]): 0.0,
        coefficients.NORMAL: 0.0,
    }


HALF = Fraction(1, 2)


def scaled_erfc(a: Fraction, count: int) -> Terms:
    """The Taylor coefficients at a of y = exp(x²)·erfc(x): y' = 2xy - 2/√π, so (i + 1)·y_{i+1} = 2(a·y_i + y_{i-1})"""
    with precision(600 + 3 * int(a * a)):  # 1.45·a² bits go in 1 - erf a, and others where the terms cancel
        terms = [exp(a * a) * (1 - erf(a))]
        terms.append(2 * a * terms[0] - 2 / power(pi(), HALF))
        for i in range(1, count):
            terms.append(2 * (a * terms[i] + terms[i - 1]) / (i + 1))
        return [middle(term) for term in terms]


def scaled_normal(a: Fraction, count: int) -> Terms:
    """The same of y = exp(x²/2)·Φ(-x): y' = xy - 1/√(2π)"""
    with precision(600 + 2 * int(a * a)):
        terms = [exp(a * a / 2) * (1 - erf(a * middle(power(HALF, HALF)))) / 2]
        terms.append(a * terms[0] - 1 / power(2 * pi(), HALF))
        for i in range(1, count):
            terms.append((a * terms[i] + terms[i - 1]) / (i + 1))
        return [middle(term) for term in terms]


Boxes = list[tuple[float, float, float, float]]


@cache
def erfc_boxes() -> Boxes:
    found = [Fraction(c) for c in coefficients.ERFC]
    for i, c in enumerate(coefficients.ERFC_LOW):
        found[i] += Fraction(c)
    return tail_boxes(found, Fraction(error.TURN), Fraction(error.SHIFT), scaled_erfc, HALF, 28)


@cache
def normal_boxes() -> Boxes:
    turn = Fraction(gates.TURN)
    return tail_boxes([Fraction(c) for c in coefficients.NORMAL], turn, turn, scaled_normal, Fraction(0), 39)


def tail_boxes(
    found: Terms, turn: Fraction, shift: Fraction, taylor: Callable[[Fraction, int], Terms], first: Fraction, last: int
) -> Boxes:
    """From a to b, how far p(t) is from (a + shift)·y(a), and how steep that is in t, both relative to it.

    y is exp(a²)·erfc(a), or exp(a²/2)·Φ(-a), and t = (a - turn)/(a + turn). On a box of a, y is a Taylor polynomial
    with the remainder h^n·|y_n| at the left end, for the derivatives of this function fall in size everywhere (it is
    2/√π·∫ exp(-u² - 2au) du, or 1/√(2π)·∫ exp(-u²/2 - au) du, from 0 to ∞). Times (a + turn)^degree, the difference is
    a polynomial in a.
    """
    degree, order = len(found) - 1, 24
    raised = [[Fraction(1)]]
    for _ in range(degree):
        raised.append(times(raised[-1], [turn, Fraction(1)]))
    numerator, lowered = [Fraction(0)], [Fraction(1)]
    for i, c in enumerate(found):
        numerator = less(numerator, [-c * x for x in times(lowered, raised[degree - i])])
        lowered = times(lowered, [-turn, Fraction(1)])
    boxes, left, at_left = [], first, taylor(first, order + 1)
    while left < last:
        right = Fraction(math.ceil(max(left * 2**12 * 25 / 24, left * 2**12 + 2**7)), 2**12)
        a, half = (left + right) / 2, (right - left) / 2
        remainder, at_right = abs(at_left[order]), taylor(right, order + 1)
        truth = times([a + shift, Fraction(1)], taylor(a, order))
        difference = less(shifted(numerator, a), times(truth, shifted(raised[degree], a)))
        least = (left + shift) * at_right[0]
        off = size_on(difference, -half, half) / (left + turn) ** degree + remainder * half**order * (right + shift)
        slope = size_on([i * c for i, c in enumerate(truth)][1:], -half, half)
        slope += remainder * half ** (order - 1) * (order * (right + shift) + half)
        slope *= (right + turn) ** 2 / (2 * turn)
        boxes.append((float(left), float(right), float(off / least) * 1.001, float(slope / least) * 1.001))
        left, at_left = right, at_right
    return boxes


# --- the pieces ---------------------------------------------------------------------------------------------------


def cut(first: float, last: float, count: int) -> list[tuple[float, float]]:
    ends = [first + (last - first) * i / count for i in range(count)] + [last]
    return list(pairwise(ends))


def octaves(least: float, most: float, count: int) -> list[tuple[float, float]]:
    """From a power of two up to `most`, each octave in so many pieces."""
    found, start = [], least
    while start < most:
        end = min(2 * start, most)
        found += cut(start, end, count)
        start = end
    return found


def both_signs(pieces: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return pieces + [(-b, -a) for a, b in pieces]


@cache
def low_part(k: int) -> Range:
    """k·LN2_LOW as it is computed; its square, which is left out, and all of log 2 that is in no constant."""
    with precision(200):
        low = k * coefficients.LN2_LOW
        missing = abs(k * (middle_of_log_two() - Fraction(coefficients.LN2_HIGH)) - Fraction(low))
    return Range(low, low, float(missing) * 1.001 + 2 * low * low)


@cache
def middle_of_log_two() -> Fraction:
    with precision(400):
        return middle(log(2))


Proof = Iterator[tuple[float, float, float]]  # the piece's range of results, and what is off before the last rounding


def of(value: Any) -> tuple[float, float, float]:
    return value.low, value.high, value.before


def powers(m: Bounds, count: int) -> Iterator[Range]:
    """exp(r), where r has been rounded once, and is off by what k·LN2_LOW is, and the half of a square.

    That is off by 2^-66: half of x²·2^-24·2^-52 for |x| < 39, and what the sum of both loses.
    """
    for a, b in cut(-R, R, count):
        yield exponential.exp_small(m, Range(a, b, 2.0**-55 + low_part(1076).error + 2.0**-66))


def exp_pieces(m: Bounds) -> Proof:
    assert math.ulp(R) / 2 == 2.0**-55
    for value in powers(m, 64):
        yield of(value)


def exponent_pieces(m: Bounds) -> Proof:
    """exp(r - low) of a power, which adds half an ulp of an exponent below 2^10 to the low part."""
    far = 1076 * coefficients.LN2_LOW + 2.0**-44
    for a, b in cut(-R, R, 64):
        yield of(exponential.exp_reduced(m, Range(a, b), Range(-far, far, low_part(1076).error + 2.0**-70)))


def expm1_pieces(m: Bounds) -> Proof:
    """With k = 1024 everything but the 1 is twice that of k = 1023."""
    for k in range(-58, 1024):
        near = both_signs(octaves(2.0**-54, R, 8))
        for a, b in near if k == 0 else cut(-R, R, 32 if abs(k) < 60 else 4):
            yield of(exponential.expm1_reduced(m, 2.0 ** (k - 1), Range(a, b), low_part(k)))


def tanh_pieces(m: Bounds) -> Proof:
    for k in range(-58, 1):
        near = [(-b, -a) for a, b in octaves(2.0**-26, R, 8)]
        for a, b in near if k == 0 else cut(-R, R, 32):
            yield of(exponential.tanh_reduced(m, 2.0**k, Range(a, b), low_part(k)))


def sigmoid_pieces(m: Bounds) -> Proof:
    """For k < -1022 the power underflows, and with it less than 2^-1021 of the denominator, which is 1 and a little."""
    for k in range(-1022, 1):
        for a, b in cut(-R, 0.0 if k == 0 else R, 64 if k > -60 else 4):
            e = exponential.exp_pair(m, Range(a, b), low_part(k))
            for above in ((1.0, 0.0), e):
                yield of(exponential.sigmoid_reduced(m, above, e, 2.0**k))


def log_arguments() -> Iterator[tuple[int, Range, Any]]:
    """k, f, and what log1p adds: at most 2^-53 over √½, rounded three times, its square left out."""
    for k in range(-1075, 1025):
        near = octaves(2.0**-54, ROOT[1], 8) + [(-b, -a) for a, b in octaves(2.0**-54, -ROOT[0], 8)]
        assert Fraction(k * coefficients.LN2_HIGH) == k * Fraction(coefficients.LN2_HIGH)
        for a, b in near if k == 0 else cut(*ROOT, 48 if abs(k) < 16 else 4):
            yield k, Range(a, b), Range(-(2.0**-52), 2.0**-52, 2.0**-100 + low_part(k).error) if k else 0.0


def log_pieces(m: Bounds) -> Proof:
    for k, f, rest in log_arguments():
        yield of(m.rounded(*logarithm.log_reduced(m, float(k), f, rest)))


def erf_near_pieces(m: Bounds) -> Proof:
    with precision(400):
        slope = middle(2 / power(pi(), Fraction(1, 2)))
    missing = abs(slope - Fraction(error.SLOPE) - Fraction(error.SLOPE_LOW))
    for a, b in octaves(error.TINY, 0.5, 16):
        value = m.rounded(error.erf_centre(m, Range(a, b)))
        yield value.low, value.high, value.before + float(missing) * 1.001 * b


def turned(a: float, b: float) -> Range:
    """t; for a ≥ 3.75/2 the difference is exact: it is a multiple of an ulp of a, and no larger than a."""
    assert (error.TURN * 2**40).is_integer()
    if a < error.TURN / 2:
        return error.turned(Range(a, b))
    return Range(a - error.TURN, b - error.TURN) / (Range(a, b) + error.TURN)


def tails(m: Bounds, last: float) -> Iterator[tuple[int, PairRange]]:
    """erfc(a) as n and a pair, on pieces of a that move r little; r follows from a² = r - low - n·log 2.

    The error of t counts by the slope of C, which is small, not as it goes through the polynomial.
    """
    for left, right, off, slope in erfc_boxes():
        pieces = 1 + int((min(right, last) - left) * max(64, 18 * right))
        for a, b in cut(left, min(right, last), pieces) if left < last else ():
            t = turned(a, b)
            relative = off + t.error * slope
            for n in range(math.floor(-b * b / math.log(2) - 0.51), math.ceil(-a * a / math.log(2) + 0.51) + 1):
                low = max(-R, -b * b - n * math.log(2) - 2.0**-30)
                high = min(R, -a * a - n * math.log(2) + 2.0**-30)
                if low < high:
                    # the low part of the square is added to that of k, and rounded; the square of both is left out
                    k, rest = low_part(n), math.ulp(b * b)
                    size = abs(k.low) + rest
                    both = Range(k.low - rest, k.high + rest, k.error + 2 * rest * size + math.ulp(size))
                    found = error.erfc_reduced(m, Range(a, b), Range(t.low, t.high), Range(low, high), both)
                    yield n, PairRange(found.low, found.high, found.error + relative * found.most, found.rest)


def erf_far_pieces(m: Bounds) -> Proof:
    for n, value in tails(m, 6.0):
        yield of(error.complement(m, 1.0, m.scaled(value, 2.0**n)))


def erfc_pieces(m: Bounds) -> Proof:
    for _, value in tails(m, 28.0):
        yield of(m.rounded(value))


def erfc_negative_pieces(m: Bounds) -> Proof:
    """From 6 on erfc(-a) is nearer to 2 than an ulp, and 2 is what comes out."""
    for n, value in tails(m, 6.0):
        yield of(error.complement(m, 2.0, m.scaled(value, 2.0**n)))


def erfc_near_pieces(m: Bounds) -> Proof:
    """For |x| < 2^-60 erfc(x) is nearer to 1 than an ulp, and 1 is what comes out."""
    for a, b in both_signs(octaves(2.0**-60, 0.5, 16)):
        yield of(error.complement(m, 1.0, error.erf_centre(m, Range(a, b))))


def normal_pieces(m: Bounds) -> Proof:
    """Φ(x) for x < 0. The error of t counts by the slope of the polynomial."""
    for left, right, off, slope in normal_boxes():
        for a, b in cut(left, right, 4):
            over, t = gates.turned(Range(a, b))
            for y in powers(m, 16):
                value = gates.tail(m, over, Range(t.low, t.high), y)
                yield value.low, value.high, value.before + (off + t.error * slope) * value.most


def log1p_exp_pieces(m: Bounds) -> Proof:
    """Of a power of e that is off by an ulp at most, which counts by the slope 1/(1 + f); below 2^-60 that is all."""
    for a, b in octaves(2.0**-60, 1.0, 32):
        value = gates.log1p_reduced(m, Range(a, b), coefficients.LOG_WIDE)
        yield value.low, value.high, value.before + math.ulp(a) / (1 + a)


PIECES = {
    "exp": exp_pieces,
    "expm1": expm1_pieces,
    "tanh": tanh_pieces,
    "sigmoid": sigmoid_pieces,
    "log and log1p": log_pieces,
    "erf below 1/2": erf_near_pieces,
    "erf from 1/2 on": erf_far_pieces,
    "erfc from 1/2 on": erfc_pieces,
    "erfc to -1/2": erfc_negative_pieces,
    "erfc between": erfc_near_pieces,
}


def ulp_at_least(low: float, high: float) -> float:
    """The ulp of any number between these."""
    least = max(low, -high)
    assert 0 < least < math.inf, (low, high)
    return math.ulp(least)


def bound(pieces: Callable[[Bounds], Proof]) -> float:
    """The greatest error in ulps."""
    return 0.5 + max(before / ulp_at_least(low, high) for low, high, before in pieces(Bounds(approximations())))


def log_pairs(m: Bounds) -> Iterator[PairRange]:
    for k, f, _ in log_arguments():
        yield m.extended(*logarithm.log_reduced(m, float(k), f, Range(0.0, 0.0, low_part(k).error)))


def test_a_power_has_the_error_that_is_said() -> None:
    """0.66 for the exponential, and |y| times that of the logarithm, of which 2^-53 may count as an ulp."""
    assert bound(exponent_pieces) < 0.66
    assert max(pair.error for pair in log_pairs(Bounds(approximations()))) * 2**53 < 1 / 7


@pytest.mark.parametrize("name", PIECES)
def test_no_error_reaches_an_ulp(name: str) -> None:
    assert bound(PIECES[name]) < 1


GATES = {"bell": (1, exp_pieces), "normal": (12, normal_pieces), "log1p_exp": (3, log1p_exp_pieces)}


@pytest.mark.parametrize("name", GATES)
def test_gates_are_off_by_less_than_is_said(name: str) -> None:
    """1 - Φ(-x) is at least ½, so that an ulp is twice that of Φ(-x) or more, and the error half as many."""
    ulps, pieces = GATES[name]
    assert bound(pieces) < ulps


# --- before the pieces, and beside them ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_k_is_the_nearest_and_r_is_exact(seed: int) -> None:
    """k·LN2_HIGH has 11 + 42 bits. Where k ≠ 0, |x| > 1/4, so that x is a multiple of 2^-54; r, below 1/2, is another.

    The same on numbers: the first and last that belong to each k, and others.
    """
    assert (coefficients.LN2_HIGH * 2**42).is_integer()
    assert 0 < coefficients.LN2_HIGH < 1
    ks = np.arange(-1076, 1025)
    turns = (ks + 0.5) * math.log(2)
    x = np.concatenate([turns, np.nextafter(turns, 0), np.random.default_rng(seed).uniform(-746, 710, 2000)])
    n, r, low = exponential.reduced(Arrays(), x)
    with precision(200):
        for at, k, rest, lows in zip(x.tolist(), n.tolist(), r.tolist(), low.tolist(), strict=True):
            assert Fraction(at) - k * Fraction(coefficients.LN2_HIGH) == Fraction(rest)
            assert abs(rest) < R
            assert lows == k * coefficients.LN2_LOW


def test_beside_the_pieces_less_than_half_an_ulp_is_left_out() -> None:
    """Near 0, where x itself stands for the function: what is left out, over the least ulp of x, 2^-53·x.

    Far out, where an argument is replaced by a nearer one: what that changes, over the ulp of the result.
    """
    near = {
        "expm1": (2.0**-54, lambda x: x / 2 + x * x),
        "log1p": (2.0**-54, lambda x: x / 2 + x * x),
        "tanh": (2.0**-27, lambda x: x * x / 3),
        "erf": (error.TINY, lambda x: (coefficients.SLOPE_LOW + x * x / 2) / coefficients.SLOPE),
    }
    for name, (limit, relative) in near.items():
        assert relative(limit) * 2**53 < 0.5, name
    with precision(2600):
        far = {
            "expm1": exp(-40) / Fraction(1, 2**53),
            "tanh": 2 * exp(-40) / Fraction(1, 2**53),
            "erf": (1 - erf(6)) / Fraction(1, 2**53),
            "exp and sigmoid": exp(Fraction(exponential.LEAST)) * 2**1074,
            "erfc": (1 - erf(28)) * 2**1074,
        }
        for name, changed in far.items():
            assert changed < Fraction(1, 2), name
        assert exp(Fraction(exponential.MOST)) > 2**1024


# --- the arithmetic of ranges -------------------------------------------------------------------------------------

FLOATS = st.floats(2.0**-20, 2.0**20) | st.floats(-(2.0**20), -(2.0**-20))
TAILS = st.floats(-1, 1)


def exact(pair: tuple[float, float]) -> Fraction:
    return Fraction(pair[0]) + Fraction(pair[1])


def operations(a: float, b: float, c: float, d: float) -> dict[str, tuple[Fraction, Any, Callable[[Any], Any]]]:
    """What is meant, and how it is computed by an arithmetic; b and d are small beside a and c."""
    f, g = (a, b), (c, d)
    big, small = (f, g) if abs(a) >= abs(c) else (g, f)
    return {
        "exact_sum": (Fraction(a) + Fraction(c), lambda m: m.exact_sum(at(m, a), at(m, c))),
        "ordered_sum": (
            Fraction(big[0]) + Fraction(small[0]),
            lambda m: m.ordered_sum(at(m, big[0]), at(m, small[0])),
        ),
        "exact_product": (Fraction(a) * Fraction(c), lambda m: m.exact_product(at(m, a), at(m, c))),
        "increased": (exact(big) + Fraction(small[0] / 2), lambda m: m.increased(at(m, *big), at(m, small[0] / 2))),
        "extended": (exact(f) + Fraction(a / 4), lambda m: m.extended(at(m, *f), at(m, a / 4))),
        "added": (exact(big) + exact(small) / 2, lambda m: m.added(at(m, *big), m.scaled(at(m, *small), 0.5))),
        "multiplied": (exact(f) * exact(g), lambda m: m.multiplied(at(m, *f), at(m, *g))),
        "divided": (exact(f) / exact(g), lambda m: m.divided(at(m, *f), at(m, *g))),
    }


def at(m: Arithmetic, *x: float) -> Any:
    """A number, or a pair, as the arithmetic takes it."""
    if isinstance(m, Bounds):
        return Range(*x, *x) if len(x) == 1 else PairRange(down(sum(x)), up(sum(x)), 0.0, abs(x[1]))
    return x if len(x) > 1 else x[0]


@pytest.mark.parametrize("name", operations(1.0, 0.0, 1.0, 0.0))
@given(data=st.data())
def test_no_operation_is_off_by_more_than_its_bound(name: str, data: st.DataObject) -> None:
    a, c = data.draw(FLOATS), data.draw(FLOATS)
    b, d = (data.draw(TAILS) * math.ulp(x) / 2 for x in (a, c))
    meant, computed = operations(a, b, c, d)[name]
    found, allowed = computed(Arithmetic()), computed(Bounds({}))
    assert abs(exact(found) - meant) <= Fraction(allowed.error)
    assert abs(found[1]) <= allowed.rest
    assert allowed.low <= meant <= allowed.high
    assert math.isclose(found[0], float(meant), rel_tol=2.0**-50)


@pytest.mark.parametrize("name", ["exp", "expm1", "tanh", "sigmoid", "log", "log1p", "erf", "erfc"])
@given(data=st.data())
def test_what_is_measured_is_below_one_ulp(name: str, data: st.DataObject) -> None:
    x = data.draw(st.floats(-28, 28) | st.floats(-1, 1) | st.floats(allow_nan=False, allow_infinity=False))
    x = abs(x) or 1.0 if name == "log" else x
    x = x if name != "log1p" or x > -1 else -x - 1
    with precision(2600 + 2 * int(min(abs(x), 30)) ** 2):
        at = Fraction(max(-800.0, min(x, 800.0)) if name not in ("log", "log1p") else x)
        truth = {
            "exp": exp,
            "expm1": lambda v: exp(v) - 1,
            "tanh": tanh,
            "sigmoid": sigmoid,
            "log": log,
            "log1p": lambda v: log(1 + v),
            "erf": erf,
            "erfc": lambda v: 1 - erf(v),
        }[name](at)
        middle_ = (truth.low + truth.high) / 2
    found = getattr(elementary, name)(np.array([x]))[0]
    if abs(middle_) >= 2**1024:
        assert found == math.inf
        return
    assert abs(Fraction(found) - middle_) < Fraction(math.ulp(float(middle_)))


@pytest.mark.parametrize("name", GATES)
@given(x=st.floats(-39, 39) | st.floats(-1, 1))
def test_what_is_measured_of_gates_is_below_what_is_said(name: str, x: float) -> None:
    at = Fraction(x)
    with precision(2600 + 2 * int(x * x)):
        truth = {
            "bell": lambda: exp(-at * at / 2),
            "normal": lambda: (1 + erf(at * middle(power(HALF, HALF)))) / 2,
            "log1p_exp": lambda: log(1 + exp(-abs(at))),
        }[name]()
        middle_ = (truth.low + truth.high) / 2
    found = getattr(elementary, name)(np.array([x]))[0]
    # below the normal numbers it is rounded once more
    assert abs(Fraction(found) - middle_) < GATES[name][0] * Fraction(math.ulp(float(middle_)))


@pytest.mark.parametrize(("of", "places"), [(SINGLE, 24), (DOUBLE, 53)])
@given(data=st.data())
def test_a_square_keeps_its_digits(of: Format, places: int, data: st.DataObject) -> None:
    """But for 2^-24·2^-52 of it: twice x and what has been cut off, rounded twice. In float32 for 2^-10·2^-23."""
    numbers = np.array([data.draw(st.floats(2.0**-30, 2.0**30))], f"f{of.width // 8}")
    square, rest = (Fraction(float(part[0])) for part in Arrays(of).square(numbers))
    exact = Fraction(float(numbers[0])) ** 2
    assert abs(rest) <= exact / 2**places
    assert abs(square + rest - exact) <= exact / 2 ** (places - 1 + places // 2 - 2)


# --- teeth --------------------------------------------------------------------------------------------------------


def fails(name: str) -> None:
    approximations.cache_clear()
    try:
        with pytest.raises(AssertionError):
            test_no_error_reaches_an_ulp(name)
    finally:
        approximations.cache_clear()


def test_the_proof_sees_a_wrong_digit_in_a_coefficient(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = (*coefficients.EXP[:4], coefficients.EXP[4] * (1 + 1e-7), *coefficients.EXP[5:])
    for module in (coefficients, exponential):
        monkeypatch.setattr(module, "EXP", wrong)
    fails("expm1")


def test_the_proof_sees_a_square_that_is_rounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """exp(x) - 1 without the exact r² is nearly good enough, but only nearly."""

    def plain(m: Arithmetic, half: float, r: Any, low: Any) -> Any:
        total = m.increased(m.exact_sum(half, -0.5), half * r)
        return m.rounded(total, half * exponential.exp_tail(m, r, low)) * 2.0

    monkeypatch.setattr(exponential, "expm1_reduced", plain)
    fails("expm1")


def test_the_proof_sees_a_product_that_is_rounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """x·2/√π without what its rounding has lost."""
    monkeypatch.setattr(Bounds, "exact_product", lambda m, a, b: m.ordered_sum(a * b, 0.0))
    fails("erf below 1/2")


def test_the_law_of_operations_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quotient of pairs that forgets the low part of the divisor."""

    def forgets(m: Arithmetic, first: Any, second: Any) -> Any:
        return Arithmetic.true_divided(m, first, (second[0], 0.0))

    monkeypatch.setattr(Arithmetic, "true_divided", Arithmetic.divided, raising=False)
    monkeypatch.setattr(Arithmetic, "divided", forgets)
    caught(test_no_operation_is_off_by_more_than_its_bound, "divided")


def test_the_proof_of_gates_sees_a_wrong_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = (*coefficients.LOG_WIDE[:3], coefficients.LOG_WIDE[3] * (1 + 1e-9), *coefficients.LOG_WIDE[4:])
    monkeypatch.setattr(coefficients, "LOG_WIDE", wrong)
    approximations.cache_clear()
    with pytest.raises(AssertionError):
        test_gates_are_off_by_less_than_is_said("log1p_exp")
    approximations.cache_clear()


def test_the_law_of_squares_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is cut where its first half has too many bits."""
    monkeypatch.setattr(Format, "lower", 8)
    caught(test_a_square_keeps_its_digits, DOUBLE, 53)
