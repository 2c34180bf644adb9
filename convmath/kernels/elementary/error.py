"""erf and erfc: a polynomial in x² near 0, and exp(-a²) times a polynomial in t from a = |x| = ½ on.

erfc(a) = exp(-a²)·C(t)/(a + ¾), t = (a - 3.75)/(a + 3.75), with a C that is nearly constant: M. M. Shepherd and
J. G. Laframboise, Chebyshev approximation of (1 + 2x)exp(x²)erfc x in 0 ≤ x < ∞, 1981. With ¾ instead of ½, C is flat
at a = ½, where t has the greatest error. Functions that end in _short are for numbers that came from float32 and go
back to it.
"""

from __future__ import annotations

from .arithmetic import Arithmetic, Number, Pair
from .coefficients import ERF, ERF_SHORT, ERFC, ERFC_LOW, ERFC_SHORT, SLOPE, SLOPE_LOW
from .exponential import exp_pair, parts_of_two_to, reduced, reduced_short, two_to

__all__ = ["erf", "erf_short", "erfc", "erfc_short"]

TURN, SHIFT = 3.75, 0.75
TINY = 2.0**-29  # below it erf is 2/√π·x
CENTRE = 8.0  # of x² for ERF_SHORT


def erf_centre(m: Arithmetic, x: Number) -> Pair:
    """erf(x) for |x| < ½"""
    z = x * x
    rest = z * m.polynomial(ERF, z) + SLOPE_LOW
    return m.extended(m.exact_product(x, SLOPE), x * rest)


def turned(a: Number) -> Number:
    """t"""
    return (a - TURN) / (a + TURN)


def erfc_reduced(m: Arithmetic, a: Number, t: Number, r: Number, low: Number) -> Pair:
    """exp(r - low)·C(t)/(a + ¾)"""
    (constant, linear, *rest), (beside, beside_linear) = ERFC, ERFC_LOW
    line = m.added(m.ordered_sum(constant, beside), m.exact_product(t, linear))
    factor = m.extended(line, t * m.polynomial([beside_linear, *rest], t))
    return m.divided(m.multiplied(exp_pair(m, r, low), factor), m.exact_sum(a, SHIFT))


def _erfc_tail(m: Arithmetic, a: Number) -> tuple[Number, Pair]:
    """erfc(a) = 2^n·pair for ½ ≤ a"""
    square, rest = m.exact_product(a, a)
    n, r, low = reduced(m, -square)
    return n, erfc_reduced(m, a, turned(a), r, low + rest)


def erf(m: Arithmetic, x: Number) -> Number:
    size = m.magnitude(x)
    n, tail = _erfc_tail(m, m.between(size, 0.5, 6.0))
    far = complement(m, 1.0, m.scaled(tail, two_to(m, n)))
    near = m.select(size < TINY, x * SLOPE, m.rounded(erf_centre(m, x)))
    return m.select(size < 0.5, near, m.select(x < 0.0, -far, far))


def erfc(m: Arithmetic, x: Number) -> Number:
    size = m.magnitude(x)
    n, tail = _erfc_tail(m, m.between(size, 0.5, 28.0))
    first, second = parts_of_two_to(m, n)
    above = m.rounded(tail) * first * second
    below = complement(m, 2.0, m.scaled(tail, first * second))
    near = complement(m, 1.0, erf_centre(m, x))
    return m.select(size < 0.5, near, m.select(x < 0.0, below, above))


def complement(m: Arithmetic, whole: float, pair: Pair) -> Number:
    """whole - pair, which is no greater"""
    return m.rounded(m.added(m.ordered_sum(whole, 0.0), m.scaled(pair, -1.0)))


# --- float32, in float64 ------------------------------------------------------------------------------------------


def erf_short(m: Arithmetic, x: Number) -> Number:
    x = m.between(x, -4.0, 4.0)
    return x * m.polynomial(ERF_SHORT, x * x - CENTRE)


def erfc_short(m: Arithmetic, x: Number) -> Number:
    size = m.magnitude(x)
    a = m.between(size, 0.5, 10.5)
    p, rest = reduced_short(m, a * a * -1.0)
    tail = p * (rest + 1.0) * m.polynomial(ERFC_SHORT, turned(a)) / (a + SHIFT)
    return m.select(size < 0.5, 1.0 - erf_short(m, x), m.select(x < 0.0, 2.0 - tail, tail))
