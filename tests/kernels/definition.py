"""The operators once more, one element at a time and in nothing but Python: what the kernels are held to.

Sizes are not computed here. They are counted, window by window, from the rule that says which windows there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import count, product, takewhile

import numpy as np

from convmath.window import Window

Index = tuple[int, ...]


def size(window: Window, n: int) -> int:
    """The windows that end in the padded axis; under ceil also the first that does not, if it starts before the end."""
    a, b, s, span = window.before, window.after, window.stride, window.dilation * (window.kernel - 1) + 1

    def there(j: int) -> bool:
        if not window.ceil:
            return s * j + span <= a + n + b
        return (j == 0 or s * (j - 1) + span < a + n + b) and s * j < a + n

    return sum(1 for _ in takewhile(there, count()))


def sizes(windows: Sequence[Window], axes: Sequence[int]) -> Index:
    return tuple(size(window, n) for window, n in zip(windows, axes, strict=True))


def reads(windows: Sequence[Window], counts: Sequence[int]) -> Iterator[tuple[Index, Index, Index]]:
    """Every window j < m with every tap t, row by row, and the position i that it stands on, inside or not."""
    for j in product(*map(range, counts)):
        for t in product(*(range(window.kernel) for window in windows)):
            i = (w.stride * jx + w.dilation * tx - w.before for w, jx, tx in zip(windows, j, t, strict=True))
            yield j, t, tuple(i)


def inside(i: Index, axes: Sequence[int]) -> bool:
    return all(0 <= e < n for e, n in zip(i, axes, strict=True))


def conv(x: np.ndarray, w: np.ndarray, windows: Sequence[Window], groups: int) -> np.ndarray:
    counts = sizes(windows, x.shape[2:])
    (O, C), y = w.shape[:2], np.zeros((x.shape[0], w.shape[0], *counts), x.dtype)
    for j, t, i in reads(windows, counts):
        if inside(i, x.shape[2:]):
            for v, o, c in product(range(x.shape[0]), range(O), range(C)):
                y[v, o, *j] += w[o, c, *t] * x[v, o // (O // groups) * C + c, *i]
    return y


def conv_transpose(
    x: np.ndarray, w: np.ndarray, windows: Sequence[Window], groups: int, axes: Sequence[int]
) -> np.ndarray:
    (C, O), y = w.shape[:2], np.zeros((x.shape[0], groups * w.shape[1], *axes), x.dtype)
    for i, t, j in reads(windows, x.shape[2:]):
        if inside(j, axes):
            for v, o, c in product(range(x.shape[0]), range(O), range(C)):
                y[v, c // (C // groups) * O + o, *j] += w[c, o, *t] * x[v, c, *i]
    return y


def maximisers(x: np.ndarray, windows: Sequence[Window]) -> Iterator[tuple[Index, list[Index]]]:
    """Each window (with its batch index and channel), and the positions of its maximisers; NaN is the greatest."""
    counts = sizes(windows, x.shape[2:])
    for v, c in product(range(x.shape[0]), range(x.shape[1])):
        held: dict[Index, list[Index]] = {j: [] for j in product(*map(range, counts))}
        for j, _, i in reads(windows, counts):
            if inside(i, x.shape[2:]):
                held[j].append((v, c, *i))
        for j, positions in held.items():
            greatest = [i for i in positions if math.isnan(x[i])]
            most = max((x[i] for i in positions), default=0)
            yield (v, c, *j), greatest or [i for i in positions if x[i] == most]


def avg_pool(x: np.ndarray, windows: Sequence[Window], divisor: np.ndarray) -> np.ndarray:
    counts = sizes(windows, x.shape[2:])
    y = np.zeros((*x.shape[:2], *counts))
    for j, _, i in reads(windows, counts):
        if inside(i, x.shape[2:]):
            y[:, :, *j] += x[:, :, *i]
    return y / divisor


def occupancy(windows: Sequence[Window], axes: Sequence[int], *, padding: bool) -> np.ndarray:
    counts = sizes(windows, axes)
    found = np.zeros(counts, int)
    for j, _, i in reads(windows, counts):
        spread = zip(windows, i, axes, strict=True)
        found[j] += all(-w.before <= e < n + w.after if padding else 0 <= e < n for w, e, n in spread)
    return found
