"""What drawing a case of any operator needs: windows, sizes, channels, arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from convmath.window import BORDERS, Window

from .numbers import SEEDS, integers

__all__ = ["BATCH", "Draw", "Options", "within_reach"]

Draw = Callable[[st.SearchStrategy], Any]

# the longest kernel, step (stride or dilation) and padding, and how much longer than its kernel an axis may be, by
# the number of axes: few enough elements that exact evaluation takes milliseconds
_MOST = {1: (5, 3, 3, 6), 2: (3, 3, 3, 3), 3: (3, 3, 3, 2)}
_MOST_BEYOND = (2, 2, 1, 1)

# mostly one or two; an empty batch is valid too
BATCH = st.sampled_from((1, 2, 1, 2, 3, 1, 2, 0))

# channels a group, in and out: also counts that no vector length divides
_CHANNELS = ((1, 1), (2, 1), (1, 2), (2, 3), (3, 2), (5, 1), (1, 5), (17, 1), (1, 17))


@dataclass(frozen=True)
class Options:
    """What is fixed, and how the rest is drawn."""

    draw: Draw
    ndim: int
    only: Mapping[str, Any]

    def one_of(self, name: str, *values: Any) -> Any:
        return self.only[name] if name in self.only else self.draw(st.sampled_from(values))

    def pads(self, most: int, together: int | None = None) -> tuple[int, int]:
        """The padding before and after, each at most `most`, and `together` in all."""
        together = 2 * most if together is None else together
        if self.only.get("padding") == "symmetric":
            return (self.draw(st.integers(0, min(most, together // 2))),) * 2
        before = self.draw(st.integers(0, min(most, together)))
        return before, self.draw(st.integers(0, min(most, together - before)))

    def window(self, *, dilated: bool = True, within: bool = False) -> Window:
        """A kernel, and how it is laid. With `within`, a window that is partly outside is partly inside too."""
        longest, reach, padding, _ = self.most
        kernel, stride = self.draw(st.integers(1, longest)), self.draw(st.integers(1, reach))
        dilation = self.draw(st.integers(1, reach)) if dilated else 1
        laid = Window(kernel, stride, dilation)
        return Window(kernel, stride, dilation, *self.pads(min(padding, laid.span - 1) if within else padding))

    def placed(self, mode: str = "zeros") -> tuple[tuple[Window, ...], tuple[int, ...]]:
        """A window for each axis, and sizes in which there is at least one and whose padding a border reaches."""

        def axis(one: Options) -> tuple[Window, int]:
            window = one.window()
            return window, one.size(max(1, window.span - window.before - window.after, *within_reach(mode, window)))

        laid, sizes = zip(*self.axes(axis), strict=True)
        return laid, sizes

    def size(self, least: int) -> int:
        return self.draw(st.integers(least, least + self.most[-1]))

    def axes(self, each: Callable[[Options], Any]) -> list[Any]:
        """What `each` draws, once an axis: in one piece, so that shrinking can leave out an axis as a whole."""
        return [self.draw(_piece(self, each)) for _ in range(self.ndim)]

    @property
    def most(self) -> tuple[int, int, int, int]:
        return _MOST.get(self.ndim, _MOST_BEYOND)

    def channels(self) -> tuple[int, int, int, int]:
        """Batch, groups, and channels a group, in and out."""
        pairs = _CHANNELS if self.ndim < 3 else _CHANNELS[:4]
        return self.draw(BATCH), self.draw(st.integers(1, 3)), *self.draw(st.sampled_from(pairs))

    def arrays(self, *shapes: tuple[int, ...]) -> tuple[np.ndarray, ...]:
        return tuple(integers(self.draw(SEEDS), shape) for shape in shapes)

    def given(self, laid: tuple[Window, ...], *names: str) -> dict[str, Any]:
        """The hyper-parameters of some axes; what is the default on every axis is left out."""
        plain = {"stride": 1, "padding": (0, 0), "dilation": 1}
        values: dict[str, list] = {
            "stride": [window.stride for window in laid],
            "padding": [(window.before, window.after) for window in laid],
            "dilation": [window.dilation for window in laid],
        }
        found = {name: tuple(values[name]) for name in names if any(value != plain[name] for value in values[name])}
        if "padding" in found and self.only.get("padding") == "symmetric":
            found["padding"] = tuple(window.before for window in laid)
        return found


@st.composite
def _piece(draw: Draw, options: Options, each: Callable[[Options], Any]) -> Any:
    return each(replace(options, draw=draw))


def within_reach(mode: str, window: Window) -> list[int]:
    """The least sizes of an axis whose padding a border reaches."""
    reach = BORDERS[mode].reach if mode in BORDERS else None
    return [] if reach is None else [pad + 1 - reach(1) for pad in (window.before, window.after)]
