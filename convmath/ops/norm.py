r"""Normalisation: a mean is taken away, and what is left is divided by its standard deviation.

Over what the mean is taken is what tells the operators apart: for each channel the batch and all positions (batch norm
in training), for each sample all channels and positions (layer norm), those of a group of channels (group norm), or
the positions of one channel (instance norm). The variance is the biased one, V = Σ (X - μ)²/m.

>>> from convmath import operator
>>> op = operator("batch_norm", ndim=1, training=True, weight=True, bias=True)
>>> print(op.statement)
μ[c] = Σ_{ν<N, i<n} X[ν,c,i] / (N·n)
V[c] = Σ_{ν<N, i<n} (X[ν,c,i] - μ[c])² / (N·n)
σ[c] = (V[c] + ε)^(1/2)
Z[ν,c,i] = (X[ν,c,i] - μ[c]) / σ[c]
Y[ν,c,i] = W[c] · Z[ν,c,i] + B[c]

The gradient is derived through the mean and the variance. In closed form the two sums are the gradients by bias and
weight:

>>> print(op.vjp("X").result.output, op.vjp("W").result.output, sep="\n")
gX[ν,c,i] = W[c] · (N·n · gY[ν,c,i] - gB[c] - gW[c] · Z[ν,c,i]) / (σ[c] · N·n)
gW[c] = Σ_{ν<N, i<n} gY[ν,c,i] · Z[ν,c,i]

ε may be 0 where no channel is constant: what has to hold is

>>> print(*op.conditions(), sep="\n")
[1 ≤ N·n]
[0 ≤ ε]
[0 < V[c] + ε]

In evaluation the statistics are given, and the operator is affine in each channel:

>>> print(operator("batch_norm", ndim=1).vjp("X").result)
σ[c] = (V₀[c] + ε)^(1/2)
gX[ν,c,i] = gY[ν,c,i] / σ[c]

Local response normalisation (Krizhevsky, Sutskever and Hinton 2012, section 3.3) divides by a power of the squares in
neighbouring channels:

>>> print(operator("local_response_norm", ndim=1).statement)
S[ν,c,i] = Σ_{t<k} X[ν,c+t-⌊k/2⌋,i]²        X is 0 outside
D[ν,c,i] = κ + α · S[ν,c,i] / k
Y[ν,c,i] = X[ν,c,i] · D[ν,c,i]^(-β)
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from convmath.ir.build import Tensor, axes, equation, index, read, size, subscripts, total
from convmath.ir.nodes import ONE, ZERO, AtMost, Compare, Equation, Guard, IndexValue, Real, Scalar, Statement
from convmath.ir.poly import Index, Poly, poly, product

from .family import Family
from .spatial import letters

EPS = Real("ε", Fraction(1, 10**5))
HALF = Fraction(1, 2)
AFFINE = {"weight": (False, True), "bias": (False, True)}


def _axes(ndim: int) -> tuple[Poly, Poly, tuple[Poly, ...], Index, Index, tuple[Index, ...]]:
    """Batch, channels and spatial sizes, and an index for each."""
    N, C, n = size("N"), size("C", least=1), axes("n", ndim)
    i = tuple(index("i", extent, axis) for extent, axis in zip(n, subscripts(ndim), strict=True))
    return N, C, n, index("ν", N), index("c", C), i


def _statistics(at: Sequence[Poly], over: Sequence[Index], own: Sequence[Poly]) -> list[Equation]:
    """μ and V of X at the indices `own`, over the others."""
    m = IndexValue(product(each.size for each in over))
    x, μ = read("X", *at), read("μ", *own)
    return [
        equation("μ", own, total(x / m, over)),
        equation("V", own, total((x - μ) ** 2 / m, over)),
    ]


def _standardised(
    at: Sequence[Poly], own: Sequence[Poly], mean: str, variance: str, options: dict[str, bool], scaled: Sequence[Poly]
) -> list[Equation]:
    """σ, Z = (X - mean)/σ and Y = W·Z + B, with the weight and the bias that there are."""
    σ = equation("σ", own, total((read(variance, *own) + EPS) ** HALF))
    z = (read("X", *at) - read(mean, *own)) / read("σ", *own)
    if not any(options.values()):
        return [σ, equation("Y", at, total(z))]
    weighed: Scalar = (read("W", *scaled) if options["weight"] else ONE) * read("Z", *at)
    y = weighed + read("B", *scaled) if options["bias"] else weighed
    return [σ, equation("Z", at, total(z)), equation("Y", at, total(y))]


def _positive(variance: str, own: Sequence[Poly]) -> list[Guard]:
    """0 ≤ ε, and σ ≠ 0"""
    return [Compare(ZERO, "≤", EPS), Compare(ZERO, "<", read(variance, *own) + EPS)]


def _affine_inputs(
    shape: tuple[Poly, ...], named: tuple[tuple[str, int], ...], weight: bool, bias: bool
) -> list[Tensor]:
    return [Tensor(name, shape, named) for name, there in (("W", weight), ("B", bias)) if there]


def batch_norm(
    ndim: int, *, training: bool = False, running: bool = False, weight: bool = False, bias: bool = False
) -> Statement:
    """Y[ν,c,i] = W[c]·(X[ν,c,i] - μ[c])/σ[c] + B[c], with the statistics of the batch or with given ones.

    `running` also states the running statistics after a step, μ₁ = (1 - ρ)·μ₀ + ρ·μ, and V₁ likewise with the
    unbiased variance m/(m - 1)·V.
    """
    N, C, n, ν, c, i = _axes(ndim)
    channel, at, m = [poly(c)], [poly(ν), poly(c), *map(poly, i)], N * product(n)
    X = Tensor("X", (N, C, *n), letters("νc", "i", ndim))
    given = [Tensor(name, (C,), (("c", 0),)) for name in ("μ0", "V0")] if running or not training else []
    options = {"weight": weight, "bias": bias}
    mean, variance = ("μ", "V") if training else ("μ0", "V0")
    before = _statistics(at, [ν, *i], channel) if training else []
    after, requires = [], [AtMost(poly(1), m)] if training else []
    if training and running:
        ρ = Real("ρ", Fraction(1, 10))
        unbiased = read("V", c) * IndexValue(m) / IndexValue(m - 1)
        after = [
            equation(new, channel, total((1 - ρ) * read(old, c) + ρ * value))
            for new, old, value in (("μ1", "μ0", read("μ", c)), ("V1", "V0", unbiased))
        ]
        requires = [AtMost(poly(2), m)]
    return Statement(
        inputs=(X, *given, *_affine_inputs((C,), (("c", 0),), weight, bias)),
        equations=(*before, *_standardised(at, channel, mean, variance, options, channel), *after),
        outputs=("Y", *(e.name for e in after)),
        requires=(*requires, *_positive(variance, channel)),
    )


def layer_norm(ndim: int, *, weight: bool = False, bias: bool = False) -> Statement:
    """Y[ν,c,i] = W[c,i]·(X[ν,c,i] - μ[ν])/σ[ν] + B[c,i], the statistics over the channels and positions of a sample."""
    N, C, n, ν, c, i = _axes(ndim)
    sample, at, scaled = [poly(ν)], [poly(ν), poly(c), *map(poly, i)], [poly(c), *map(poly, i)]
    X = Tensor("X", (N, C, *n), letters("νc", "i", ndim))
    options = {"weight": weight, "bias": bias}
    return Statement(
        inputs=(X, *_affine_inputs((C, *n), letters("c", "i", ndim), weight, bias)),
        equations=(*_statistics(at, [c, *i], sample), *_standardised(at, sample, "μ", "V", options, scaled)),
        outputs=("Y",),
        requires=(AtMost(poly(1), C * product(n)), *_positive("V", sample)),
    )


def group_norm(ndim: int, *, weight: bool = False, bias: bool = False) -> Statement:
    """Y[ν,C·g+c,i] = W[C·g+c]·(X[ν,C·g+c,i] - μ[ν,g])/σ[ν,g] + B[C·g+c]; C is the number of channels in a group."""
    N, C, n, ν, c, i = _axes(ndim)
    g = index("g", size("G", least=1, default=1))
    channel = C * poly(g) + poly(c)
    own, at = [poly(ν), poly(g)], [poly(ν), channel, *map(poly, i)]
    X = Tensor("X", (N, g.size * C, *n), letters("νc", "i", ndim))
    options = {"weight": weight, "bias": bias}
    return Statement(
        inputs=(X, *_affine_inputs((g.size * C,), (("c", 0),), weight, bias)),
        equations=(*_statistics(at, [c, *i], own), *_standardised(at, own, "μ", "V", options, [channel])),
        outputs=("Y",),
        requires=(AtMost(poly(1), C * product(n)), *_positive("V", own)),
    )


def instance_norm(ndim: int, *, weight: bool = False, bias: bool = False) -> Statement:
    """Y[ν,c,i] = W[c]·(X[ν,c,i] - μ[ν,c])/σ[ν,c] + B[c], the statistics over the positions of one channel."""
    N, C, n, ν, c, i = _axes(ndim)
    own, at = [poly(ν), poly(c)], [poly(ν), poly(c), *map(poly, i)]
    X = Tensor("X", (N, C, *n), letters("νc", "i", ndim))
    options = {"weight": weight, "bias": bias}
    return Statement(
        inputs=(X, *_affine_inputs((C,), (("c", 0),), weight, bias)),
        equations=(*_statistics(at, i, own), *_standardised(at, own, "μ", "V", options, [poly(c)])),
        outputs=("Y",),
        requires=(AtMost(poly(1), product(n)), *_positive("V", own)),
    )


def local_response_norm(ndim: int) -> Statement:
    """Y[ν,c,i] = X[ν,c,i]·(κ + α/k·Σ_t X[ν,c+t-⌊k/2⌋,i]²)^(-β), the sum over k channels around c."""
    N, C, n, ν, c, i = _axes(ndim)
    k = size("k", least=1)
    t = index("t", k)
    at = [poly(ν), poly(c), *map(poly, i)]
    κ, α, β = Real("κ", Fraction(1)), Real("α", Fraction(1, 10**4)), Real("β", Fraction(3, 4))
    X = Tensor("X", (N, C, *n), letters("νc", "i", ndim))
    near = read("X", ν, poly(c) + poly(t) - k // 2, *i, outside=0)
    D = read("D", *at)
    return Statement(
        inputs=(X,),
        equations=(
            equation("S", at, total(near**2, [t])),
            equation("D", at, total(κ + α * read("S", *at) / IndexValue(k))),
            equation("Y", at, total(read("X", *at) * D ** (-β))),
        ),
        outputs=("Y",),
        requires=(Compare(ZERO, "<", D),),
    )


_WORDS = {"eps": "ε"}
_OPTIONAL = {"W": "weight", "B": "bias"}

FAMILIES = (
    Family(
        "batch_norm",
        {"en": "Batch normalisation", "es": "Normalización por lotes"},
        batch_norm,
        {"training": (False, True), "running": (False, True), **AFFINE},
        optional={"μ0": "running", "V0": "running", **_OPTIONAL},
        words={**_WORDS, "momentum": "ρ"},
        least_ndim=0,
    ),
    Family(
        "layer_norm",
        {"en": "Layer normalisation", "es": "Normalización por capas"},
        layer_norm,
        AFFINE,
        optional=_OPTIONAL,
        words={**_WORDS, "normalized_shape": None},
        least_ndim=0,
    ),
    Family(
        "group_norm",
        {"en": "Group normalisation", "es": "Normalización por grupos"},
        group_norm,
        AFFINE,
        optional=_OPTIONAL,
        words={**_WORDS, "num_groups": "G"},
        least_ndim=0,
    ),
    Family(
        "instance_norm",
        {"en": "Instance normalisation", "es": "Normalización por instancias"},
        instance_norm,
        AFFINE,
        optional=_OPTIONAL,
        words=_WORDS,
    ),
    Family(
        "local_response_norm",
        {"en": "Local response normalisation", "es": "Normalización de respuesta local"},
        local_response_norm,
        words={"size": "k", "k": "κ", "alpha": "α", "beta": "β"},
        least_ndim=0,
    ),
)
