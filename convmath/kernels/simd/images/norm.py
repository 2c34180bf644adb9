"""Each channel by its own mean and variance, and the gradient. An item is a channel.

The images of a vector are summed in the end. At most CHUNK positions are summed in vectors of their own type, and these
sums in float64. The variance is corrected for the rounding of the mean, V = (Σd² - (Σd)²/m)/m with d = X - μ. Images
that fill up the last vector count nothing, and have the gradient 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..builder import FLOATS, Builder, Value
from ..compile import kernel
from ..memory import LINE
from ..watch import note, unseen, watched
from .tails import finish, slope

__all__ = ["KEPT", "PLACES", "norm", "norm_input"]

AHEAD = 4096  # bytes
CHUNK = 256  # positions that are summed in their own type
KEPT = 16  # bytes that are kept of a channel: mean and 1/σ, in float64
PLACES = 24  # bytes of a row of positions: where X, Y and what is added to it lie

Add = Callable[..., Sequence[Value]]


def _wide(k: Builder, value: Value) -> Value:
    """In float64."""
    return value if k.dtype == "f8" else k.widened(value)


def _own(k: Builder, value: Value) -> Value:
    """A number of float64 in the type of the kernel."""
    return value if k.dtype == "f8" else k.narrowed(value)


def _real(k: Builder, pointer: Value, offset: Value | int) -> Value:
    return k.from_bits(k.load_word(pointer, offset))


class _Channel:
    """A channel, whose positions are gone through with `together` vectors of images at once."""

    def __init__(self, k: Builder, channel: Value, together: int):
        self.k, self.channel, self.together = k, channel, together
        self.kept = k.at(k.kept, channel * KEPT)
        self.members = _real(k, k.real, 0)

    def place(self, p: Value, which: str, images: Value) -> Value:
        """Where the images of a position begin in X, Y or U."""
        k = self.k
        size = {"x": k.x_channel, "y": k.y_channel, "u": k.u_channel}[which]
        return self.channel * size + k.load_word(k.places, p * PLACES + "xyu".index(which) * 8) + images

    def expect(self, array: Value, at: Value) -> None:
        """Have what lies AHEAD brought: nobody else does beyond a page, and each channel begins on others."""
        for line in range(0, self.together * self.k.vector, LINE):
            self.k.prefetch(array, at + (AHEAD + line))

    def masks(self, images: Value) -> list[Value]:
        """Those of each vector that are images."""
        k = self.k
        first = k.images - images // k.bytes
        return [k.below(first - place * k.lanes) for place in range(self.together)]

    def sums(self, count: int, add: Add) -> list[Value]:
        """Numbers of float64: what add(position, images, masks, *sums) adds, `count` sums of each vector."""
        k, nothing = self.k, self.k.splat(0.0)

        def images(v: Value, *totals: Value) -> Sequence[Value]:
            masks = self.masks(v)

            def chunk(first: Value, *totals: Value) -> Sequence[Value]:
                behind, begin = k.least_of(first + CHUNK, k.positions), [nothing] * (count * self.together)
                found = k.loop(first, behind, 1, begin, lambda p, *sums: add(p, v, masks, *sums))
                return [
                    total + _wide(k, sum(found[own + count :: count], found[own])) for own, total in enumerate(totals)
                ]

            return k.loop(0, k.positions, CHUNK, totals, chunk)

        totals = k.loop(0, k.row, self.together * k.vector, [_wide(k, nothing)] * count, images)
        return [k.sum_of_lanes(total) for total in totals]

    def each(self, body: Callable[[Value, Value, list[Value]], None]) -> None:
        """body(position, images, masks)"""
        k = self.k

        def images(v: Value) -> None:
            masks = self.masks(v)
            k.loop(0, k.positions, 1, [], lambda p: body(p, v, masks))

        k.loop(0, k.row, self.together * k.vector, [], images)


def _note(k: Builder, number: Value) -> None:
    note(k, watched(k, unseen(k, 1), number), k.flag)


@kernel(
    "x u y z fixed w b kept real places flag",
    "channels positions images x_channel y_channel u_channel row",
    passes=False,
)
def norm(
    k: Builder, dtype: str, together: int, weighted: bool, biased: bool, both: bool, tail: str, name: str, numbers: int
) -> None:
    """W·(X - μ)/σ + B, σ = √(V + ε), and U added with `both`, through the tail."""
    vectors = range(0, together * k.vector, k.vector)

    def item(c: Value) -> None:
        channel = _Channel(k, c, together)

        def first(p: Value, images: Value, masks: list[Value], *sums: Value) -> list[Value]:
            at = channel.place(p, "x", images)
            channel.expect(k.x, at)
            read = (k.select(mask, k.load(k.x, at + v), 0.0) for v, mask in zip(vectors, masks, strict=True))
            return [s + x for s, x in zip(sums, read, strict=True)]

        mean = _own(k, channel.sums(1, first)[0] / channel.members)
        middle = k.splat(mean)

        def second(p: Value, images: Value, masks: list[Value], *sums: Value) -> list[Value]:
            at, found = channel.place(p, "x", images), []
            for v, mask, once, twice in zip(vectors, masks, sums[::2], sums[1::2], strict=True):
                d = k.select(mask, k.load(k.x, at + v) - middle, 0.0)
                found += [once + d, k.multiply_add(d, d, twice)]
            return found

        once, twice = channel.sums(2, second)
        variance = (twice - once * once / channel.members) / channel.members
        zero, one = (Value(k, FLOATS["f8"](number)) for number in (0.0, 1.0))
        variance = k.select(variance < zero, zero, variance)
        scale = one / k.of_kind("sqrt", variance + _real(k, k.real, 8))
        _note(k, variance)
        _note(k, scale)
        k.store(_wide(k, mean), channel.kept)
        k.store(scale, channel.kept, 8)
        by = k.splat(_own(k, scale * _wide(k, k.load_number(k.w, c * k.bytes)) if weighted else scale))
        shift = k.splat(k.load_number(k.b, c * k.bytes)) if biased else k.splat(0.0)

        def write(p: Value, images: Value, _: list[Value]) -> None:
            at, to, other = (channel.place(p, which, images) for which in "xyu")
            channel.expect(k.y, to)
            if both:
                channel.expect(k.u, other)
            for v in vectors:
                value = k.multiply_add(k.load(k.x, at + v) - middle, by, shift)
                if both:
                    value = value + k.load(k.u, other + v)
                finish(k, tail, name, numbers, value, to + v)

        channel.each(write)

    k.loop(k.first, k.behind, 1, [], item)


@kernel(
    "x g y z fixed w b gw gb kept real places flag",
    "channels positions images x_channel y_channel u_channel row",
    passes=False,
)
def norm_input(
    k: Builder,
    dtype: str,
    together: int,
    weighted: bool,
    biased: bool,
    written: bool,
    tail: str,
    name: str,
    numbers: int,
    inner: str,
) -> None:
    """W/σ·(gY - mean(gY) - Z·mean(gY·Z)), Z = (X - μ)/σ, if it is to be written; Σ gY·Z, and Σ gY. U stands for gY.

    Where Y goes through an activation `inner`, gY comes through its slope, at Y as it is found from X again.
    """
    vectors = range(0, together * k.vector, k.vector)

    def item(c: Value) -> None:
        channel = _Channel(k, c, together)
        scale, middle = _real(k, channel.kept, 8), k.splat(_own(k, _real(k, channel.kept, 0)))
        steep = scale * _wide(k, k.load_number(k.w, c * k.bytes)) if weighted else scale
        by, start = k.splat(_own(k, steep)), k.splat(k.load_number(k.b, c * k.bytes) if biased else 0.0)

        def cotangent(at: Value, d: Value) -> Value:
            g = k.load(k.g, at)
            return slope(k, inner, 0, g, k.multiply_add(d, by, start), k.fixed) if inner else g

        def add(p: Value, images: Value, _: list[Value], *sums: Value) -> list[Value]:
            of_x, of_g, found = channel.place(p, "x", images), channel.place(p, "u", images), []
            channel.expect(k.x, of_x)
            channel.expect(k.g, of_g)
            for v, total, product in zip(vectors, sums[::2], sums[1::2], strict=True):
                d = k.load(k.x, of_x + v) - middle
                g = cotangent(of_g + v, d)
                found += [total + g, k.multiply_add(g, d, product)]
            return found

        total, product = channel.sums(2, add)
        for wanted, array, found in ((weighted, "gw", product * scale), (biased, "gb", total)):
            found = _own(k, found)
            if wanted:
                k.store(found, k.words[array], c * k.bytes)
            _note(k, found)
        if not written:
            return
        shift = k.splat(_own(k, steep * total / channel.members))
        turn = k.splat(_own(k, steep * scale * scale * product / channel.members))

        def write(p: Value, images: Value, masks: list[Value]) -> None:
            of_x, of_g, to = (channel.place(p, which, images) for which in "xuy")
            channel.expect(k.y, to)
            for v, mask in zip(vectors, masks, strict=True):
                d = k.load(k.x, of_x + v) - middle
                found = k.multiply_add(-d, turn, k.multiply_add(cotangent(of_g + v, d), by, -shift))
                finish(k, tail, name, numbers, k.select(mask, found, 0.0), to + v)

        channel.each(write)

    k.loop(k.first, k.behind, 1, [], item)
