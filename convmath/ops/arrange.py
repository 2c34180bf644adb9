r"""Elements that are only put elsewhere: flattening, concatenation, pixel shuffle and its inverse.

A place is written in mixed radix, so that nothing has to be divided:

>>> from convmath import operator
>>> print(operator("flatten", ndim=2).statement)
Y[ν,n₂·i₁+n₁·n₂·c+i₂] = X[ν,c,i₁,i₂]
>>> print(operator("flatten", ndim=2).vjp("X").result)
gX[ν,c,i₁,i₂] = gY[ν,n₂·i₁+n₁·n₂·c+i₂]

Pixel shuffle (Shi et al. 2016, section 3.2) lays s channels side by side along each axis. Its adjoint finds them again,
and is pixel unshuffle:

>>> op = operator("pixel_shuffle", ndim=1)
>>> print(op.statement)
Y[ν,c,s·i+t] = X[ν,s·c+t,i]
>>> print(op.vjp("X").result)
gX[ν,s·c+t,i] = gY[ν,c,s·i+t]
>>> print(operator("pixel_unshuffle", ndim=1).vjp("X").result)
gX[ν,c,s·j+t] = gY[ν,s·c+t,j]

Concatenation stands one array behind the other along the channels, and its gradients are the parts:

>>> op = operator("concat", ndim=1)
>>> print(op.statement)
Y[ν,c,i] = [c < C₁] X₁[ν,c,i] + [C₁ ≤ c] X₂[ν,c-C₁,i]
>>> print(op.vjp("X2").result)
gX₂[ν,c,i] = gY[ν,c+C₁,i]
"""

from __future__ import annotations

from collections.abc import Sequence

from convmath.ir.build import Tensor, axes, equation, index, read, size, subscripts, total
from convmath.ir.nodes import AtMost, Guard, Less, Statement
from convmath.ir.poly import Index, Poly, poly, product

from .family import Family
from .positions import Positions
from .spatial import letters

__all__ = ["FAMILIES", "mixed"]


def mixed(digits: Sequence[Index]) -> Poly:
    """The number with these digits, the first of them the highest; each has as many values as its index.

    >>> c, t = index("c", size("C")), index("t", size("k"))
    >>> mixed([c, t]) == size("k") * poly(c) + poly(t)
    True
    """
    number = poly(0)
    for digit in digits:
        number = number * digit.size + poly(digit)
    return number


def flatten(ndim: int) -> Statement:
    """Y[ν, (c·n₁ + i₁)·n₂ + i₂] = X[ν,c,i₁,i₂]"""
    at = Positions.of(ndim)
    y = equation("Y", [at.ν, mixed([at.c, *at.i])], total(at.x))
    return Statement((at.tensor("X"),), (y,), ("Y",))


# --- pixel shuffle ------------------------------------------------------------------------------------------------


def _blocks(ndim: int, letter: str, extent: str) -> tuple[Index, Index, list[Index], list[Index], list[Poly]]:
    """Batch, channel, blocks along each axis, the places in a block, and both together."""
    s, n = axes("s", ndim, 1), axes(extent, ndim)
    t, block = (
        [index(name, length, axis) for length, axis in zip(lengths, subscripts(ndim), strict=True)]
        for name, lengths in (("t", s), (letter, n))
    )
    whole = [mixed(digits) for digits in zip(block, t, strict=True)]
    return index("ν", size("N")), index("c", size("C", least=1)), block, t, whole


def pixel_shuffle(ndim: int) -> Statement:
    """Y[ν, c, s·i+t] = X[ν, s·c+t, i]; with several axes t stands for a digit of each."""
    ν, c, i, t, fine = _blocks(ndim, "i", "n")
    channels = product([c.size, *(digit.size for digit in t)])
    X = Tensor("X", (ν.size, channels, *(index.size for index in i)), letters("νc", "i", ndim))
    return Statement((X,), (equation("Y", [ν, c, *fine], total(read(X, ν, mixed([c, *t]), *i))),), ("Y",))


def pixel_unshuffle(ndim: int) -> Statement:
    """Y[ν, s·c+t, j] = X[ν, c, s·j+t]; the output has m places along an axis, the input s·m."""
    ν, c, j, t, fine = _blocks(ndim, "j", "m")
    sizes = (digit.size * block.size for digit, block in zip(t, j, strict=True))
    X = Tensor("X", (ν.size, c.size, *sizes), letters("νc", "i", ndim))
    return Statement((X,), (equation("Y", [ν, mixed([c, *t]), *j], total(read(X, ν, c, *fine))),), ("Y",))


# --- concatenation ------------------------------------------------------------------------------------------------


def concat(ndim: int, *, arrays: int = 2, axis: int = 1) -> Statement:
    """Y[ν,c,i] = X₁[ν,c,i] for c < C₁, then X₂[ν,c-C₁,i] for as many channels as it has, and so on."""
    at = Positions.of(ndim)
    counts = [size("C", place, least=1) for place in range(1, arrays + 1)]
    starts = [sum(counts[:place], poly(0)) for place in range(arrays + 1)]
    c = index("c", starts[-1])
    inputs = [
        Tensor(f"X{place}", (at.N, count, *at.n), letters("νc", "i", ndim)) for place, count in enumerate(counts, 1)
    ]
    parts = []
    for X, first, behind in zip(inputs, starts[:-1], starts[1:], strict=True):
        # that a channel is not before the first array, nor behind the last, is said by its range
        low: list[Guard] = [AtMost(first, poly(c))] if first != 0 else []
        high: list[Guard] = [Less(poly(c), behind)] if behind != starts[-1] else []
        parts.append(total(read(X, at.ν, poly(c) - first, *at.i), (), [*low, *high]))
    return Statement(tuple(inputs), (equation("Y", [at.ν, c, *at.i], *parts),), ("Y",))


FAMILIES = (
    Family("flatten", {"en": "Flattening", "es": "Aplanamiento"}, flatten, least_ndim=0),
    Family(
        "concat",
        {"en": "Concatenation", "es": "Concatenación"},
        concat,
        # `functional` takes any axis; of those the statement speaks of the channels'
        {"arrays": (2, 3), "axis": (1,)},
        counted="arrays",
        least_ndim=0,
    ),
    Family(
        "pixel_shuffle",
        {"en": "Pixel shuffle", "es": "Barajado de píxeles"},
        pixel_shuffle,
        words={"upscale_factor": "s"},
    ),
    Family(
        "pixel_unshuffle",
        {"en": "Pixel unshuffle", "es": "Barajado inverso de píxeles"},
        pixel_unshuffle,
        words={"downscale_factor": "s"},
    ),
)
