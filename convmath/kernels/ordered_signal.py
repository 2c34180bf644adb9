"""Correlation of one signal with one kernel in an order that sizes alone fix.

Where there are no more taps than outputs, each output is the sum over the taps row by row, as `ordered.conv` has it;
elsewhere it is the sum over lines of taps, as `ordered.conv_weight` has it for one channel. The product of complex
numbers is that of their parts, since NumPy rounds its own in different ways.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from convmath.window import Border, Window

from . import ordered
from .choice import ordered_methods, worth_generating
from .taps import output_sizes, taps
from .tiles import patch

__all__ = ["correlate"]

LONG = 32  # outputs of a line that are worth it
WORTH_MAKING = 2**14  # products from which on a generated kernel is worth being made

Windows = Sequence[Window]


def correlate(x: np.ndarray, w: np.ndarray, windows: Windows, border: Border | None = None) -> np.ndarray:
    """y[j] = Σ_t w[t] · x[j+t-a]; zeros outside x take no part, as in `signal.by_definition`."""
    counts = output_sizes(windows, x.shape)
    if border is not None:
        x = patch(x, windows, [m + k - 1 for m, k in zip(counts, w.shape, strict=True)], x.dtype, border)
        windows = [Window(k) for k in w.shape]
    if x.dtype.kind != "c":
        return _real(x, w, windows, counts)
    (re, im), (w_re, w_im) = ((np.real(array), np.imag(array)) for array in (x, w))

    def product(x: np.ndarray, w: np.ndarray) -> np.ndarray:
        return _real(x, w, windows, counts)

    return ordered.joined(product(re, w_re) - product(im, w_im), product(re, w_im) + product(im, w_re))


def _real(x: np.ndarray, w: np.ndarray, windows: Windows, counts: Sequence[int]) -> np.ndarray:
    if not windows:
        return np.asarray(w * x)
    if not np.isfinite(w).all():  # with zeros around x there would be 0·∞
        return _by_taps(x, w, windows, counts)
    generated = worth_generating(w.size * math.prod(counts), WORTH_MAKING)
    reads = [m + k - 1 for m, k in zip(counts, w.shape, strict=True)]
    seen, w = (np.ascontiguousarray(array) for array in (patch(x, windows, reads, x.dtype, None), w))
    kernels = ordered_methods()["simd" if generated else "direct"]
    if w.size > math.prod(counts):
        # j and t stand in the same place of j + t: outputs and taps change roles
        return kernels.conv_weight(w[None, None], seen[None, None], [Window(m) for m in counts], 1)[0, 0]
    if generated and counts[-1] >= LONG:
        from .simd import ordered_lines

        return ordered_lines.correlate(seen, w)
    return kernels.conv(seen[None, None], w[None, None], [Window(k) for k in w.shape], 1)[0, 0]


def _by_taps(x: np.ndarray, w: np.ndarray, windows: Windows, counts: Sequence[int]) -> np.ndarray:
    y = np.zeros(counts, x.dtype)
    for tap, out, into in taps(windows, x.shape, counts):
        y[out] += w[tap] * x[into]
    return y
