"""Products of matrices by BLAS: each number is summed alike however many threads there are, and whatever else they do.

A BLAS that shares out a product cuts it by the number of its threads, and the order of a sum depends on the cuts. So it
has one thread here, and what is large is cut by its shape, for our own threads to share.
"""

from __future__ import annotations

import math

import numpy as np

from . import costs
from .blas import alone
from .blocks import PARTS
from .cores import each

__all__ = ["is_finite", "product"]

SINGLE = 2**13  # multiplications below which no BLAS wakes a second thread
PART = 2**23  # multiplications that a part has at least


def product(a: np.ndarray, b: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """a @ b, as NumPy's matmul has it."""
    work = a.size * (b.shape[-1] if b.ndim > 1 else 1)
    if work < SINGLE:
        return np.matmul(a, b, out=out)
    parts = _parts(work) if min(a.ndim, b.ndim) > 1 and a.shape[-1] == b.shape[-2] else 1
    if parts == 1:
        with alone():
            return np.matmul(a, b, out=out)
    if out is None:
        stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        out = np.empty((*stack, a.shape[-2], b.shape[-1]), np.result_type(a, b))
    axis = _cut(out, parts)
    own = [a.ndim == out.ndim and len(a) == len(out), b.ndim == out.ndim and len(b) == len(out)]

    def compute(part: int) -> None:
        length = out.shape[axis]
        some = slice(part * length // parts, (part + 1) * length // parts)
        if axis == 0 and out.ndim > 2:
            np.matmul(a[some] if own[0] else a, b[some] if own[1] else b, out=out[some])
        elif axis == out.ndim - 2:
            np.matmul(a[..., some, :], b, out=out[..., some, :])
        else:  # NumPy has no quick way into columns
            out[..., some] = a @ b[..., some]

    each(compute, range(parts), costs.multiplying(2 * work, out.dtype))
    return out


def is_finite(x: np.ndarray) -> bool:
    """Whether all numbers are finite, and their squares too."""
    flat = x.reshape(-1)
    return math.isfinite(flat @ flat)


def _parts(work: int) -> int:
    parts = 1
    while parts < PARTS and 2 * parts * PART <= work:
        parts *= 2
    return parts


def _cut(out: np.ndarray, parts: int) -> int:
    """The axis along which a result is cut: the first of several matrices if they are enough, else the longer side."""
    if out.ndim > 2 and len(out) >= parts:
        return 0
    return out.ndim - (2 if out.shape[-2] >= out.shape[-1] else 1)
