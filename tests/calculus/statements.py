"""Statements written by hand, on which differentiation can go wrong; all are rational in their inputs."""

from __future__ import annotations

from convmath.ir.build import Tensor, count, equation, index, largest, poly, read, size, total
from convmath.ir.nodes import Apply, AtMost, Compare, IndexValue, Less, Matches, Size, Statement, Term
from convmath.ir.poly import Param
from convmath.window import BORDERS, steps

__all__ = ["POLYNOMIAL", "RATIONAL", "chained"]

M = Param("m", least=1)
n, k, s, a, m = size("n", least=1), size("k", least=1), size("s", least=1), size("a"), poly(M)
i, j, t = index("i", n), index("j", m), index("t", k)
X, U = (Tensor(name, (n,), (("i", 0),)) for name in "XU")
W = Tensor("W", (k,), (("t", 0),))
WINDOWS = Size(M, steps(n, k, s, poly(1), a, a))
AT = s * poly(j) + poly(t) - a


def one(*terms: Term, inputs: tuple[Tensor, ...] = (X, U), at: tuple = (i,)) -> Statement:
    return Statement(inputs, (equation("Y", at, *terms),), ("Y",))


def windowed(*equations: object, outputs: tuple[str, ...] = ("Y",), requires: tuple = ()) -> Statement:
    fits = AtMost(k, n + 2 * a)
    return Statement((X, W), equations, outputs, (WINDOWS,), requires=(fits, *requires))  # type: ignore[arg-type]


def bordered(outside: str | int, power: int = 1) -> Statement:
    body = read("W", t) * read("X", AT, outside=outside) ** power  # type: ignore[arg-type]
    reach = BORDERS[outside].reach if isinstance(outside, str) else None
    near = [AtMost(a, reach(n))] if reach else []
    return windowed(equation("Y", [j], total(body, [t])), requires=tuple(near))


def chained() -> Statement:
    """Two correlations, one after the other, each with its own padding."""
    inner, outer = Param("h", least=1), Param("m", least=1)
    p, b = size("p"), size("l", least=1)
    u, j, t, r = index("u", poly(inner)), index("j", poly(outer)), index("t", k), index("r", b)
    V = Tensor("V", (b,), (("r", 0),))
    return Statement(
        inputs=(X, W, V),
        equations=(
            equation("P", [u], total(read("W", t) * read("X", poly(u) + poly(t) - a, outside=0), [t])),
            equation("Y", [j], total(read("V", r) * read("P", s * poly(j) + poly(r) - p, outside=0), [r])),
        ),
        outputs=("Y",),
        sizes=(
            Size(inner, steps(n, k, poly(1), poly(1), a, a)),
            Size(outer, steps(poly(inner), b, s, poly(1), p, p)),
        ),
        requires=(AtMost(k, n + 2 * a), AtMost(b, poly(inner) + 2 * p)),
    )


C = size("C", least=1)
c = index("c", C)
XC, UC = (Tensor(name, (C, n), (("c", 0), ("i", 0))) for name in "XU")


def mean_read_twice() -> Statement:
    """Batch normalisation without its root: the mean is read by the variance and by the output."""
    deviation = read("X", c, i) - read("μ", c)
    return Statement(
        (XC, UC),
        (
            equation("μ", [c], total(read("X", c, i), [i])),
            equation("V", [c], total(deviation**2, [i])),
            equation("Y", [c, i], total(read("U", c, i) * deviation * read("V", c) + read("μ", c) ** 2)),
        ),
        ("Y",),
    )


def one_number() -> Statement:
    """An inner value and an output without an index: a loss."""
    return Statement(
        (X, U),
        (
            equation("S", [], total(read("X", i) * read("U", i), [i])),
            equation("Y", [], total(read("S") * read("X", i), [i])),
        ),
        ("Y",),
    )


def normalised() -> Statement:
    deviation = read("X", c, i) - read("μ", c)
    return Statement(
        (XC, UC),
        (
            equation("R", [], count([i])),
            equation("μ", [c], total(read("X", c, i) / read("R"), [i])),
            equation("V", [c], total(deviation**2 / read("R"), [i])),
            equation("Y", [c, i], total(read("U", c, i) * deviation / (read("V", c) + 1))),
        ),
        ("Y",),
    )


def two_outputs() -> Statement:
    """Neither is read by the other; an inner value is read by both."""
    return windowed(
        equation("P", [j], total(read("W", t) * read("X", AT, outside=0), [t])),
        equation("Z", [j], total(read("P", j) ** 2)),
        equation("Y", [j], total(read("P", j) * read("W", t), [t])),
        outputs=("Z", "Y"),
    )


def maximum_of_a_correlation() -> Statement:
    """A maximum over an inner value, and a product with it."""
    r = index("r", k)
    inner = total(read("W", t) * read("X", poly(i) + poly(t), outside=0), [t])
    return Statement(
        (X, W),
        (
            equation("P", [i], inner),
            equation("Q", [i], largest(read("P", poly(i) - poly(r), outside="nothing"), [r])),
            equation("Y", [i], total(read("Q", i) * read("X", i))),
        ),
        ("Y",),
    )


def least_in_a_window() -> Statement:
    body = read("X", AT, outside="nothing")
    return windowed(equation("Y", [j], Term((t,), (), body, reduce="min")), requires=(AtMost(a, k - 1),))


def adaptive() -> Statement:
    held = [Less(n * poly(j), m * (poly(i) + 1)), Less(m * poly(i), n * (poly(j) + 1))]
    body = read("X", i) * read("X", i) * read("U", i)
    return one(total(body, [i], held), at=(j,))


def cubes() -> Statement:
    """Pooling by the third power, without the root."""
    return windowed(equation("Y", [j], total(read("W", t) * Apply("abs", read("X", AT, outside=0)) ** 3, [t])))


T = Tensor("T", (n,), (("i", 0),), integer=True)


def gathered() -> Statement:
    """Each row's element of its class; and what is far from it, as a hinge."""
    at, row = index("c", C), index("ν", n)
    values = Tensor("X", (n, C), (("ν", 0), ("c", 0)))
    chosen = total(read("X", row, at) ** 2, [at], [Matches(poly(at), read("T", row))])
    margin = total(read("X", row, at) * read("S", row), [at], [Compare(read("S", row), "<", read("X", row, at))])
    own = equation("S", [row], total(read("X", row, at), [at], [Matches(poly(at), read("T", row))]))
    return Statement((values, T), (own, equation("Y", [row], chosen, margin)), ("Y",))


def scattered() -> Statement:
    """Unpooling: element i goes to position T[i]; those that meet are added."""
    body = total(read("X", i) * read("U", i), [i], [Matches(poly(j), read("T", i))])
    whole = Tensor("V", (m,), (("j", 0),))  # tells the size
    return Statement((X, U, T, whole), (equation("Y", [j], body, total(read("V", j))),), ("Y",))


def shares() -> Statement:
    """Softmax with x² + 1 for its exponential."""
    positive = read("X", c, i) ** 2 + 1
    return Statement(
        (XC,),
        (
            equation("E", [c, i], total(positive)),
            equation("S", [i], total(read("E", c, i), [c])),
            equation("Y", [c, i], total(read("E", c, i) / read("S", i))),
        ),
        ("Y",),
    )


def response() -> Statement:
    """Local response normalisation over k channels, a of them before, with the exponent 2."""
    square = total(read("X", poly(c) + poly(t) - a, i, outside=0) ** 2, [t])
    return Statement(
        (XC,),
        (
            equation("S", [c, i], square),
            equation("D", [c, i], total(2 + read("S", c, i) / IndexValue(k))),
            equation("Y", [c, i], total(read("X", c, i) * read("D", c, i) ** -2)),
        ),
        ("Y",),
    )


before = Compare(read("X", i), "<", read("U", i))

# what is a polynomial (maxima: piecewise) in each of its inputs, with a degree that is at least its own
POLYNOMIAL: dict[str, tuple[Statement, int]] = {
    "linear": (one(total(2 * read("X", i) - 3 * read("U", i) + 5)), 1),
    "the same read twice": (one(total(read("X", i) * read("X", i) * read("U", i))), 2),
    "a cube": (one(total(read("X", i) ** 3 - read("X", i))), 3),
    "two reads of one array": (one(total(read("X", i) * read("X", n - 1 - poly(i)) ** 2)), 3),
    "two terms that read the same": (one(total(read("X", i) ** 2), total(read("X", i) * read("U", i))), 2),
    "a sum of everything squared": (one(total(read("X", i) * read("X", (j_ := index("l", n))), [j_])), 2),
    "a factor that is a sum": (one(total((read("X", i) + read("U", i)) * (read("X", i) - 2) * -1)), 2),
    "the value of an index": (one(total(IndexValue(poly(i) + 1) * read("X", i) ** 2)), 2),
    "does not depend": (one(total(read("U", i) ** 2)), 2),
    "a comparison": (one(total(read("X", i) ** 2, (), [before])), 2),
    "an absolute value": (one(total(Apply("abs", read("X", i)) * read("U", i))), 1),
    "a mean that is read twice": (mean_read_twice(), 6),
    "one number": (one_number(), 2),
    "chained": (chained(), 1),
    "two outputs": (two_outputs(), 2),
    "a maximum of a correlation": (maximum_of_a_correlation(), 2),
    "a minimum": (least_in_a_window(), 1),
    "adaptive windows": (adaptive(), 2),
    "cubes in a window": (cubes(), 3),
    "the element of a class": (gathered(), 2),
    "unpooling": (scattered(), 1),
    **{name: (bordered(name), 1) for name in BORDERS},
    "circular, squared": (bordered("circular", 2), 2),
    "zero outside": (bordered(0, 2), 2),
    "seven outside": (bordered(7), 1),
    "minus two outside, cubed": (bordered(-2, 3), 3),
}

RATIONAL: dict[str, Statement] = {
    "a quotient": one(total(read("X", i) / (read("U", i) ** 2 + 1))),
    "a reciprocal of a sum": one(total(1 / (read("X", i) * read("U", i) + 1000))),
    "normalised": normalised(),
    "shares": shares(),
    "local response": response(),
}
