r"""Convolution by Fourier transforms of blocks that stay in the cache (overlap-save).

A block of N positions, transformed, multiplied by the transform of the kernel and transformed back, gives the
N - k + 1 outputs whose windows lie in it. The next block begins N - k + 1 positions further.

How wrong it can be
-------------------
With u half a unit in the last place (eps/2), x what one block reads, and N the product of its lengths,

    |ŷ - y| ≤ (20.7 · log₂ N + 5) · u · ‖x‖₂ · ‖w‖₂

for every output of the block, where nothing over- or underflows. A layer of radix 2 is an addition and a complex
multiplication by a factor of a table: relative errors u, √5·u (Brent, Percival and Zimmermann 2007) and β·u, β < 3.7
where a factor is the product of two entries. So a transform forward loses at most 6.9·u a layer in the 2-norm, and the
transform back 6.9·u a layer of Σ|x̂·ŵ|/N ≤ ‖x‖₂·‖w‖₂ in each output, since every term passes every layer once: 20.7 for
the three of them (Percival 2003, theorem 5.1), and √5 + 2 for the product and the scaling. Lengths are products of 2, 3
and 5; a layer of radix 3 or 5 loses less than log₂ 3 or log₂ 5 layers of radix 2 may.

A plain sum of K terms has |ŷ - y| ≤ K·u·Σ|w||x| ≤ K·u·‖x‖₂·‖w‖₂. Transforms are the default only where their factor is
not above K, so that the default never has a worse bound in these norms. It is a bound by norms of the block: an output
whose own window is much smaller than its neighbours may lose digits that the plain sum keeps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .signal_costs import Costs
from .tiles import pieces

__all__ = ["Blocks", "loss", "plans"]

# elements transformed at once, those that a cache can hold, and transforms of one axis in SciPy's vectors
ROOM = 2**17
CACHED = 2**17
LANES = 4
# lengths of a block that are tried, in units of the kernel (or the output, where it is the shorter)
LENGTHS = (1.5, 1.75, 2, 2.4, 2.8, 3.3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 64, 128)


def loss(size: int) -> float:
    """What is lost in a block of so many elements, in units of u·‖x‖₂·‖w‖₂."""
    return 20.7 * math.log2(size) + 5.0


@dataclass(frozen=True, slots=True)
class Blocks:
    """Blocks of these lengths, `group` of them along each axis at once, for kernels of at most `part` taps."""

    lengths: tuple[int, ...]
    part: tuple[int, ...]
    group: tuple[int, ...]
    seconds: float

    method = "fft"
    threaded = True
    exact = False

    @property
    def step(self) -> tuple[int, ...]:
        """How many outputs a block gives."""
        return tuple(n - k + 1 for n, k in zip(self.lengths, self.part, strict=True))

    @property
    def tile(self) -> tuple[int, ...]:
        return tuple(s * g for s, g in zip(self.step, self.group, strict=True))

    def loss(self, whole: bool = False) -> float:
        """In units of u·‖x‖₂·‖w‖₂; where `whole`, of u·max|x|·‖w‖₂."""
        size = math.prod(self.lengths)
        return loss(size) * (math.sqrt(size) if whole else 1.0)

    def reads(self, counts: Sequence[int], kernel: Sequence[int]) -> tuple[int, ...]:
        """How much of the input stands in a patch for so many outputs: whole blocks."""
        blocks = (-(-m // s) for m, s in zip(counts, self.step, strict=True))
        return tuple(b * s + k - 1 for b, s, k in zip(blocks, self.step, self.part, strict=True))

    def prepared(self, w: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        transforms: Any = import_module("scipy.fft")
        step, axes = self.step, tuple(range(w.ndim, 2 * w.ndim))
        if w.dtype.kind == "c":
            # a correlation with w is a convolution with its turn, and conj F(conj w) is F of the turn of w
            spectrum = np.conj(_filled_up(np.conj(w), self.lengths, transforms.fft))
            forward, back = transforms.fftn, transforms.ifftn
        else:
            spectrum = np.conj(_filled_up(w, self.lengths, transforms.rfft))
            forward, back = transforms.rfftn, transforms.irfftn

        def run(x: np.ndarray) -> np.ndarray:
            blocks = sliding_window_view(x, self.lengths)[tuple(slice(None, None, s) for s in step)]
            product = forward(blocks, axes=axes)
            product *= spectrum
            found = back(product, self.lengths, axes=axes, overwrite_x=True)
            return _joined(found[(..., *(slice(s) for s in step))])

        return run


def _filled_up(w: np.ndarray, lengths: Sequence[int], along_the_last: Any) -> np.ndarray:
    """The transform of a kernel with zeros behind it; lines of nothing but zeros are not transformed."""
    transforms: Any = import_module("scipy.fft")
    found = along_the_last(w, lengths[-1])
    for axis in reversed(range(w.ndim - 1)):
        found = transforms.fft(found, lengths[axis], axis)
    return found


def _joined(blocks: np.ndarray) -> np.ndarray:
    """(block, block, …, place, place, …) as one array."""
    ndim = blocks.ndim // 2
    order = [axis for pair in zip(range(ndim), range(ndim, 2 * ndim), strict=True) for axis in pair]
    sizes = tuple(b * s for b, s in zip(blocks.shape[:ndim], blocks.shape[ndim:], strict=True))
    return blocks.transpose(order).reshape(sizes)


def plans(counts: tuple[int, ...], kernel: tuple[int, ...], dtype: np.dtype, cost: Costs) -> Iterator[Blocks]:
    seen = set()
    for unit in (*LENGTHS, math.inf):
        axes = tuple(_axis(m, k, unit) for m, k in zip(counts, kernel, strict=True))
        if axes in seen:
            continue
        seen.add(axes)
        lengths, part = zip(*axes, strict=True)
        size = math.prod(lengths)
        step = tuple(n - k + 1 for n, k in zip(lengths, part, strict=True))
        group = _group(counts, step, size)
        blocks, parts = pieces(counts, step), pieces(kernel, part)
        once = size * (cost.layer * math.log2(size) + cost.axis * sum(n > 1 for n in lengths))
        # few blocks at once do not fill SciPy's vectors where there is one axis
        once *= 1 if len(lengths) > 1 or math.prod(group) >= LANES else 2
        once *= 1 if size * math.prod(group) <= CACHED else 1.2
        once += cost.transform / math.prod(group) + cost.moved * math.prod(step)
        # a kernel goes there, and not back
        yield Blocks(lengths, part, group, (blocks + 0.5) * parts * once)


def _axis(m: int, k: int, unit: float) -> tuple[int, int]:
    """The length of a block, and how many taps it is for: all of the shorter, and as much of the longer as fits."""
    fast: Any = import_module("scipy.fft").next_fast_len
    short, long = sorted((m, k))
    if k == 1:
        return 1, 1
    pieces = max(1, round(long / (unit * short - short + 1))) if math.isfinite(unit) else 1
    length = fast(-(-long // pieces) + short - 1, real=True)
    return (length, k) if k == short else (length, min(k, length - m + 1))


def _group(counts: Sequence[int], step: Sequence[int], size: int) -> tuple[int, ...]:
    """As many blocks as fit into ROOM, in whole vectors, those of the last axis first."""
    group, left = [], max(LANES if LANES * size <= 4 * ROOM else 1, ROOM // size // LANES * LANES)
    for m, s in zip(reversed(counts), reversed(step), strict=True):
        group.append(min(-(-m // s), max(1, left)))
        left //= group[-1]
    return tuple(reversed(group))
