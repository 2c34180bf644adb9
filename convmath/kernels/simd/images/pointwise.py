"""Values that are copied, added, or go through an activation, each element for itself."""

from __future__ import annotations

from ..builder import Builder, Value
from ..compile import kernel
from .tables import PLACE
from .tails import finish

__all__ = ["combine"]


@kernel("x u y z fixed places others", "channels x_channel u_channel y_channel row", passes=False)
def combine(k: Builder, dtype: str, together: int, both: bool, tail: str, name: str, numbers: int) -> None:
    """X, or X + U with `both`, through the tail. An item is a position, with all channels and images."""

    def item(place: Value) -> None:
        entry, other = k.at(k.places, place * PLACE), k.at(k.others, place * PLACE)
        x, y, u = k.load_word(entry), k.load_word(entry, 24), k.load_word(other)

        def channel(c: Value) -> None:
            def images(v: Value) -> None:
                for vector in range(0, together * k.vector, k.vector):
                    value = k.load(k.x, c * k.x_channel + x + v + vector)
                    if both:
                        value = value + k.load(k.u, c * k.u_channel + u + v + vector)
                    finish(k, tail, name, numbers, value, c * k.y_channel + y + v + vector)

            k.loop(0, k.row, together * k.vector, [], images)

        k.loop(0, k.channels, 1, [], channel)

    k.loop(k.first, k.behind, 1, [], item)
