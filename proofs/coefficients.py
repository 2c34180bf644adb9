"""Writes convmath/kernels/elementary/coefficients.py anew: `python proofs/coefficients.py`. A test holds it to that.

Each polynomial interpolates at Chebyshev nodes, which is at most a few times worse than the best one of its degree, and
is rounded once, at the end: nodes are rational, values are enclosed to hundreds of bits, the rest is exact arithmetic.
How far a rounded polynomial is from its function is proved, not assumed: tests/kernels/test_elementary_proof.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from convmath.ir.enclosure import Enclosure, erf, exp, log, pi, power, precision

TABLE = Path(__file__).parents[1] / "convmath" / "kernels" / "elementary" / "coefficients.py"

# erfc(28) is far below the least float: 1 - erf keeps some hundreds of these bits even there
BITS = 1600
HALF = Fraction(1, 2)
TURN = Fraction(15, 4)  # in the variable t = (a - TURN)/(a + TURN) of erfc: 0 ≤ a < ∞ becomes -1 ≤ t < 1
SINGLE_PLACES = 10  # k·LN2_SINGLE is exact in float32 for |k| < 2^14
NORMAL_TURN = Fraction(5)  # the same for Φ, where x + NORMAL_TURN is the only divisor, from x = 0 on
SHIFT = Fraction(3, 4)  # times a + SHIFT, exp(a²)·erfc(a) is nearly constant, and flat at a = ½


@dataclass(frozen=True)
class Polynomial:
    """p(v - centre) of this degree for a function of v from `first` to `last`."""

    name: str
    formula: str
    value: Callable[[Fraction], Enclosure]
    first: Fraction
    last: Fraction
    degree: int
    centre: Fraction = Fraction(0)
    split: int = 0  # how many coefficients, the first ones, are sums of two floats

    def coefficients(self) -> list[Fraction]:
        """Newton's divided differences, then powers of v - centre."""
        middle, half = (self.first + self.last) / 2, (self.last - self.first) / 2
        count = self.degree + 1
        # 30 bits, so that no other library's cosine gives other nodes
        nodes = [
            middle + half * Fraction(round(math.cos(math.pi * (2 * i + 1) / (2 * count)) * 2**30), 2**30)
            for i in range(count)
        ]
        differences = [_middle(self.value(node)) for node in nodes]
        for order in range(1, count):
            for i in range(count - 1, order - 1, -1):
                differences[i] = (differences[i] - differences[i - 1]) / (nodes[i] - nodes[i - order])
        found = [Fraction(0)]
        for node, difference in zip(reversed(nodes), reversed(differences), strict=True):
            # found·(v - node) + difference
            raised, lowered = [Fraction(0), *found], [(self.centre - node) * c for c in found] + [Fraction(0)]
            found = [a + b for a, b in zip(raised, lowered, strict=True)]
            found[0] += difference
        return found[:count]


def _middle(x: Enclosure) -> Fraction:
    return (x.low + x.high) / 2


def exponential_tail(r: Fraction) -> Enclosure:
    return (exp(r) - 1 - r - r * r / 2) / r**3


def exponential_short(r: Fraction) -> Enclosure:
    return (exp(r) - 1 - r) / r**2 if r else Enclosure(HALF, HALF)


def logarithm(z: Fraction) -> Enclosure:
    s = power(z, HALF)
    return (log((1 + s) / (1 - s)) - 2 * s) / (s * z)


def erf_slope(z: Fraction) -> Enclosure:
    x = power(z, HALF)
    return erf(x) / x


def erf_centre(z: Fraction) -> Enclosure:
    return (erf_slope(z) - 2 / power(pi(), HALF)) / z


def erfc_tail(t: Fraction) -> Enclosure:
    a = TURN * (1 + t) / (1 - t)
    return (a + SHIFT) * exp(a * a) * (1 - erf(a))


def turned(a: Fraction) -> Fraction:
    return (a - TURN) / (a + TURN)


def normal_tail(t: Fraction) -> Enclosure:
    """Φ(-x) = ½·erfc(x/√2)"""
    x = NORMAL_TURN * (1 + t) / (1 - t)
    return (x + NORMAL_TURN) * exp(x * x / 2) * (1 - erf(x * _middle(power(HALF, HALF)))) * HALF


def normal_turned(x: Fraction) -> Fraction:
    return (x - NORMAL_TURN) / (x + NORMAL_TURN)


REDUCED = Fraction(35, 100)  # more than log(2)/2
SQUARE = Fraction(295, 10000)  # more than (√2 - 1)²/(√2 + 1)²
THIRD = Fraction(1, 9)  # (x/(2 + x))² for x = 1
FAR = Fraction(4)  # erf is 1 in float32 from here on

POLYNOMIALS = (
    Polynomial("EXP", "(exp(r) - 1 - r - r²/2)/r³", exponential_tail, -REDUCED, REDUCED, 9),
    Polynomial("EXP_SHORT", "(exp(r) - 1 - r)/r²", exponential_short, -REDUCED, REDUCED, 6),
    Polynomial("EXP_DOUBLE", "(exp(r) - 1 - r)/r²", exponential_short, -REDUCED, REDUCED, 10),
    Polynomial("EXP_SINGLE", "(exp(r) - 1 - r)/r²", exponential_short, -REDUCED, REDUCED, 4),
    Polynomial("LOG", "(log((1 + s)/(1 - s)) - 2s)/s³ in z = s²", logarithm, Fraction(0), SQUARE, 7),
    Polynomial("LOG_SHORT", "(log((1 + s)/(1 - s)) - 2s)/s³ in z = s²", logarithm, Fraction(0), SQUARE, 4),
    Polynomial("LOG_WIDE", "(log((1 + s)/(1 - s)) - 2s)/s³ in z = s²", logarithm, Fraction(0), THIRD, 13),
    Polynomial("LOG_WIDE_SHORT", "(log((1 + s)/(1 - s)) - 2s)/s³ in z = s²", logarithm, Fraction(0), THIRD, 5),
    Polynomial("ERF", "(erf(x)/x - 2/√π)/x² in z = x²", erf_centre, Fraction(0), HALF**2, 8),
    Polynomial("ERF_SHORT", "erf(x)/x in z = x²", erf_slope, Fraction(0), FAR**2, 21, centre=FAR**2 / 2),
    Polynomial("ERFC", "(a + 3/4)·exp(a²)·erfc(a) in t", erfc_tail, turned(HALF), turned(Fraction(28)), 23, split=2),
    Polynomial("ERFC_SHORT", "(a + 3/4)·exp(a²)·erfc(a) in t", erfc_tail, turned(HALF), turned(Fraction(21, 2)), 12),
    Polynomial(
        *("NORMAL", "(x + 5)·exp(x²/2)·Φ(-x) in t = (x - 5)/(x + 5)", normal_tail),
        *(Fraction(-1), normal_turned(Fraction(39)), 22),
    ),
    Polynomial(
        *("NORMAL_SINGLE", "(x + 5)·exp(x²/2)·Φ(-x) in t = (x - 5)/(x + 5)", normal_tail),
        *(Fraction(-1), normal_turned(Fraction(29, 2)), 9),
    ),
)

HEADER = '''"""The numbers of the elementary functions. Written by proofs/coefficients.py, which says how they arise.

Coefficients stand lowest power first. Each polynomial is near the best of its degree on its interval.
A number with LOW beside it is the sum of the two.
"""

from __future__ import annotations

__all__ = [
{names}
]
'''


def constants() -> Iterator[tuple[str, str, float]]:
    two = _middle(log(2))
    places = 42  # k·LN2_HIGH is exact for |k| < 2^11
    high = Fraction(math.floor(two * 2**places), 2**places)
    yield "LOG2E", "1/log 2", float(1 / two)
    yield "LN2", "log 2", float(two)
    yield "LN2_HIGH", "log 2, its first 42 places behind the point", float(high)
    yield "LN2_LOW", "the rest of log 2", float(two - high)
    few = Fraction(round(two * 2**SINGLE_PLACES), 2**SINGLE_PLACES)
    yield "LN2_SINGLE", f"log 2, rounded to {SINGLE_PLACES} places behind the point", float(few)
    yield "LN2_SINGLE_LOW", "the rest of log 2 beside LN2_SINGLE", float(two - few)
    slope = _middle(2 / power(pi(), HALF))
    yield "SLOPE", "2/√π", float(slope)
    yield "SLOPE_LOW", "the rest of 2/√π", float(slope - Fraction(float(slope)))


def table() -> str:
    """The text of the module."""
    names, parts = [], []
    with precision(BITS):
        for name, said, value in constants():
            names.append(name)
            parts.append(f"{name} = {value!r}  # {said}\n")
        for polynomial in POLYNOMIALS:
            found = polynomial.coefficients()
            centre = f" {'-' if polynomial.centre > 0 else '+'} {abs(polynomial.centre)}" if polynomial.centre else ""
            parts.append(
                f"\n# {polynomial.formula}; powers of the variable{centre}, "
                f"{float(polynomial.first):.9g} to {float(polynomial.last):.9g}\n"
            )
            rows = "".join(f"    {float(c)!r},\n" for c in found)
            names.append(polynomial.name)
            parts.append(f"{polynomial.name} = (\n{rows})\n")
            if polynomial.split:
                names.append(f"{polynomial.name}_LOW")
                rests = [float(c - Fraction(float(c))) for c in found[: polynomial.split]]
                parts.append(f"{polynomial.name}_LOW = ({', '.join(map(repr, rests))})\n")
    listed = "\n".join(f'    "{name}",' for name in sorted(names))
    return HEADER.format(names=listed) + "\n" + "".join(parts)


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
