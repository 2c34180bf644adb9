"""Claims about integer forms: some that hold for all sizes, and some that do not."""

from __future__ import annotations

from convmath.integers.facts import Facts
from convmath.ir.poly import Index, Param, Poly, floor, least, poly
from convmath.window import ceil_steps, steps

n, a, b, e = (poly(Param(letter, least=0)) for letter in "nabe")
s, k, d, G, C = (poly(Param(letter, least=1)) for letter in "skdGC")
M = Param("m", least=0)
m = poly(M)
j, t, c = Index("j", m), Index("t", k), Index("c", G * C)

FITS = n + a + b - d * (k - 1) - 1
COUNTED = Facts(sizes=((M, steps(n, k, s, d, a, b)),), conditions=(FITS,))
CEIL = Facts(sizes=((M, ceil_steps(n, k, s, d, a, b, least)),), conditions=(FITS,))
PLAIN = Facts()
read = s * poly(j) + d * poly(t) - a

TRUE: dict[str, tuple[Facts, Poly]] = {
    "a parameter is at least its least": (PLAIN, k - 1),
    "a group of a channel is a group": (PLAIN, G - 1 - floor(poly(c), C)),
    "and not a negative one": (PLAIN, floor(poly(c), C)),
    "a channel in its group is below C": (PLAIN, C - 1 - (poly(c) - C * floor(poly(c), C))),
    "a window that is counted starts inside": (COUNTED, read + a),
    "a window that is counted ends inside": (COUNTED, n + b - 1 - read),
    "a window that is counted under ceil starts before the end": (CEIL, n + a - 1 - s * poly(j)),
    "a kernel that fits has a window": (COUNTED, steps(n, k, s, d, a, b) - 1),
}

# the first six are wrong at some sizes only
FALSE: dict[str, tuple[Facts, Poly]] = {
    "a window holds an element of the input": (COUNTED, read),
    "a window ends in the input": (COUNTED, n - 1 - read),
    "a window that is counted ends before the end": (COUNTED, n + b - 2 - read),
    "a window counted under ceil ends inside": (CEIL, n + b - 1 - read),
    "the input size follows from the output size": (COUNTED, s * (m - 1) + d * (k - 1) + 1 - n - a - b),
    "a stride is at least two": (PLAIN, s - 2),
    "a product of stride and position is a size": (COUNTED, n - s * poly(j)),
    "a floor loses nothing": (PLAIN, s * floor(n, s) - n),
}
