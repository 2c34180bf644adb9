"""The statements of docs/architecture.md: what the language has to carry, beyond the operators that are there.

They are written with `ir.build` alone, in one spatial dimension. The tests hold the page to what is printed here.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from convmath.ir.build import Tensor, count, equation, index, largest, poly, read, size, total
from convmath.ir.nodes import Apply, AtMost, IndexValue, Less, Matches, Real, Size, Statement
from convmath.ir.poly import Param
from convmath.window import BORDERS, steps

M = Param("m", least=1)
N, C, n, k, m = size("N"), size("C", least=1), size("n", least=1), size("k", least=1), poly(M)
ν, c, i, j, t = index("ν", N), index("c", C), index("i", n), index("j", m), index("t", k)
X = Tensor("X", (N, C, n), (("ν", 0), ("c", 0), ("i", 0)))
Γ, B = (Tensor(name, (C,), (("c", 0),)) for name in "ΓB")


def batch_norm() -> Statement:
    """Training: mean and biased variance of the batch; R = N·n is how many numbers there are in a channel."""
    R, mean, variance = read("R"), read("μ", c), read("V", c)
    deviation = read("X", ν, c, i) - mean
    return Statement(
        inputs=(X, Γ, B),
        equations=(
            equation("R", [], count([ν, i])),
            equation("μ", [c], total(read("X", ν, c, i) / R, [ν, i])),
            equation("V", [c], total(deviation**2 / R, [ν, i])),
            equation("Z", [ν, c, i], total(deviation * (variance + Real("ε")) ** Fraction(-1, 2))),
            equation("Y", [ν, c, i], total(read("Γ", c) * read("Z", ν, c, i) + read("B", c))),
        ),
        outputs=("Y",),
    )


def cross_entropy() -> Statement:
    """Softmax and cross-entropy with classes T, the mean over the batch."""
    logits, classes = Tensor("X", (N, C), (("ν", 0), ("c", 0))), Tensor("T", (N,), (("ν", 0),), integer=True)
    batch = IndexValue(N)
    chosen = total(-read("X", ν, c) / batch, [ν, c], [Matches(poly(c), read("T", ν))])
    return Statement(
        inputs=(logits, classes),
        equations=(
            equation("S", [ν], total(Apply("exp", read("X", ν, c)), [c])),
            equation("L", [], total(Apply("log", read("S", ν)) / batch, [ν]), chosen),
        ),
        outputs=("L",),
    )


s, a, b = size("s", least=1), size("a"), size("b")
AT = s * poly(j) + poly(t) - a  # what window j reads at tap t
WINDOWS = Size(M, steps(n, k, s, poly(1), a, b))


def max_pool() -> Statement:
    window = largest(read("X", ν, c, AT, outside="nothing"), [t])
    return Statement((X,), (equation("Y", [ν, c, j], window),), ("Y",), (WINDOWS,))


def lp_pool() -> Statement:
    """The r-norm of a window, r > 0."""
    r = Real("r", positive=True)
    powers = equation("P", [ν, c, j], total(Apply("abs", read("X", ν, c, AT, outside=0)) ** r, [t]))
    root = equation("Y", [ν, c, j], total(read("P", ν, c, j) ** (1 / r)))
    return Statement((X,), (powers, root), ("Y",), (WINDOWS,))


def padding(border: Any) -> Statement:
    """A correlation whose input goes on beyond its ends."""
    W = Tensor("W", (k,), (("t", 0),))
    body = read("W", t) * read("X", ν, c, AT, outside=border)
    reached = [AtMost(pad, BORDERS[border].reach(n)) for pad in (a, b)]
    stated = equation("Y", [ν, c, j], total(body, [t]))
    return Statement((X, W), (stated,), ("Y",), (WINDOWS,), requires=tuple(reached))


def adaptive_avg_pool() -> Statement:
    """Window j holds the i with ⌊j·n/m⌋ ≤ i < ⌈(j+1)·n/m⌉, said without a floor."""
    held = [Less(n * poly(j), m * (poly(i) + 1)), Less(m * poly(i), n * (poly(j) + 1))]
    return Statement(
        inputs=(X,),
        equations=(
            equation("K", [j], count([i], held)),
            equation("Y", [ν, c, j], total(read("X", ν, c, i) / read("K", j), [i], held)),
        ),
        outputs=("Y",),
    )


def bilinear() -> Statement:
    """Upsampling by s: position j lies at (2j+1-s)/(2s) between two elements, which it weighs by nearness."""
    m, t = s * n, index("t", poly(2))
    j = index("j", m)
    q = (2 * poly(j) + 1 - s) // (2 * s)
    f = IndexValue(2 * poly(j) + 1 - s - 2 * s * q) / IndexValue(2 * s)
    weight = IndexValue(1 - poly(t)) * (1 - f) + IndexValue(poly(t)) * f
    body = weight * read("X", ν, c, q + poly(t), outside="replicate")
    return Statement((X,), (equation("Y", [ν, c, j], total(body, [t])),), ("Y",))


def local_response_norm() -> Statement:
    """AlexNet's: an element is divided by a power of the squares in k channels around it, a of them before it."""
    κ, α, β = Real("κ"), Real("α"), Real("β")
    square = read("X", ν, poly(c) + poly(t) - a, i, outside=0) ** 2
    return Statement(
        inputs=(X,),
        equations=(
            equation("S", [ν, c, i], total(square, [t])),
            equation("D", [ν, c, i], total(κ + α / IndexValue(k) * read("S", ν, c, i))),
            equation("Y", [ν, c, i], total(read("X", ν, c, i) * read("D", ν, c, i) ** (-β))),
        ),
        outputs=("Y",),
    )


STATEMENTS = {
    "batch_norm": batch_norm(),
    "cross_entropy": cross_entropy(),
    "max_pool": max_pool(),
    "lp_pool": lp_pool(),
    "adaptive_avg_pool": adaptive_avg_pool(),
    "bilinear": bilinear(),
    "reflect": padding("reflect"),
    "circular": padding("circular"),
    "local_response_norm": local_response_norm(),
}
