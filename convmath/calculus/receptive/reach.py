"""What a position reads, along one axis: an interval whose ends move with the position.

    jump·j + first ≤ scale·i ≤ jump·j + last

says between which positions i of an input what stands at position j of an output depends on it. A window at
s·j + d·t - a has jump s, first -a and last d·(k-1)-a, with scale 1. Where positions lie closer together than in the
input, as behind a transposed convolution, the jump is a fraction, jump/scale, and the ends are bounds: all that is read
lies between them, but it need not reach them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from convmath.calculus.symbols import to_sympy
from convmath.errors import StatementError
from convmath.integers.facts import plainly_nonnegative
from convmath.ir.poly import Poly, least, poly

__all__ = ["ITSELF", "Reach", "by_jump", "window"]


@dataclass(frozen=True, slots=True)
class Reach:
    """jump·j + first ≤ scale·i ≤ jump·j + last; made by `of`, which makes the scale 1 where the jump is whole."""

    jump: Poly
    first: Poly
    last: Poly
    scale: Poly = poly(1)

    @staticmethod
    def of(jump: Poly, first: Poly, last: Poly, scale: Poly) -> Reach:
        if (step := jump.divided(scale)) is not None:  # i - step·j is whole, so its ends are
            return Reach(step, -(-first // scale), last // scale)
        return Reach(*_without_common(jump, first, last, scale))

    def behind(self, layer: Reach) -> Reach:
        """What a position reads by way of a layer that reads what has this reach."""
        near, far = layer.first, layer.last
        if not plainly_nonnegative(self.jump):
            if not plainly_nonnegative(-self.jump):
                raise StatementError(f"the sign of {self.jump}, by which positions move, is not known")
            near, far = far, near
        return Reach.of(
            self.jump * layer.jump,
            self.jump * near + layer.scale * self.first,
            self.jump * far + layer.scale * self.last,
            self.scale * layer.scale,
        )

    def substitute(self, values: Any) -> Reach:
        return Reach.of(*(form.substitute(values) for form in (self.jump, self.first, self.last, self.scale)))

    # -- compared with another

    def moves_with(self, other: Reach) -> bool:
        """Whether both have the same jump."""
        return self.jump * other.scale == other.jump * self.scale

    def lies_as(self, other: Reach) -> bool:
        """Whether both also have the same centre: then they are aligned."""
        middle, other_middle = self.first + self.last, other.first + other.last
        return self.moves_with(other) and middle * other.scale == other_middle * self.scale

    # -- as numbers

    def step(self) -> Any:
        """The distance in the input between neighbouring positions."""
        return ratio(self.jump, self.scale)

    def size(self) -> Any:
        """How many positions of the input lie between the ends, at most where the scale is not 1."""
        return ratio((self.last - self.first) // self.scale + 1, poly(1))

    def start(self) -> Any:
        """The first end for position 0, below 0 where it lies in the padding."""
        return ratio(self.first, self.scale)

    def centre(self) -> Any:
        """The middle of the interval for position 0."""
        return ratio(self.first + self.last, 2 * self.scale)


ITSELF = Reach(poly(1), poly(0), poly(0))


def window(kernel: Poly, stride: Poly, before: Poly, dilation: Poly) -> Reach:
    """The reach of a window at stride·j + dilation·t - before, 0 ≤ t < kernel."""
    return Reach(stride, -before, dilation * (kernel - 1) - before)


def joined(one: Reach, other: Reach) -> Reach:
    """The interval over both, which have the same jump."""
    left, right = ((a.first * b.scale, a.last * b.scale) for a, b in ((one, other), (other, one)))
    first, last = _least(left[0], right[0]), -_least(-left[1], -right[1])
    return Reach.of(one.jump * other.scale, first, last, one.scale * other.scale)


def by_jump(several: Iterable[Reach]) -> tuple[Reach, ...]:
    """One interval for each jump."""
    kept: list[Reach] = []
    for reach in dict.fromkeys(several):
        same = next((place for place, other in enumerate(kept) if other.moves_with(reach)), None)
        if same is None:
            kept.append(reach)
        else:
            kept[same] = joined(kept[same], reach)
    return tuple(kept)


def _least(one: Poly, other: Poly) -> Poly:
    if plainly_nonnegative(one - other):
        return other
    return one if plainly_nonnegative(other - one) else least(one, other)


def ratio(number: Poly, divisor: Poly) -> Any:
    """An int or a Fraction, or a sympy expression where there are letters."""
    u, v = number.constant, divisor.constant
    if u is None or v is None:
        return to_sympy(number) / to_sympy(divisor)
    return u // v if u % v == 0 else Fraction(u, v)


def _without_common(*forms: Poly) -> tuple[Poly, ...]:
    """The forms without a number or a letter that divides all of them; the last one is not 0."""
    numbers = [c for form in forms for c in form.terms.values()]
    for factor in (poly(math.gcd(*numbers)), *map(poly, forms[-1].atoms())):
        while factor != 1:
            found = [form.divided(factor) for form in forms]
            if None in found:
                break
            forms = tuple(form for form in found if form is not None)
            if factor.constant is not None:
                break
    return forms
