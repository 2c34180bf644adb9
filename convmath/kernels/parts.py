"""Convolutions of complex arrays by real kernels: real and imaginary parts are channels.

[Yr; Yi] = [[Wr, -Wi], [Wi, Wr]] · [Xr; Xi], where a product is a convolution: one real convolution with twice the
channels, whose error bound holds. All three functions are bilinear; nothing is conjugated.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmath.window import Window

from .direct import shifted
from .taps import output_sizes

__all__ = ["ByParts"]

Windows = Sequence[Window]

# bytes of parts that are laid out at once
ROOM = 2**24


@dataclass(frozen=True)
class ByParts:
    """The functions of these kernels, of complex arrays."""

    kernels: Any

    def conv(
        self, x: np.ndarray, w: np.ndarray, windows: Windows, groups: int, b: np.ndarray | None = None
    ) -> np.ndarray:
        """Y[ν,o,j] = Σ_{c,t} W[o,c,t] · X[ν,c,s·j+d·t-a] + B[o]"""
        counts = output_sizes(windows, x.shape[2:])
        y, weight = np.empty((x.shape[0], w.shape[0], *counts), x.dtype), _matrix(w, groups)
        for part in _images(x, y):
            found = self.kernels.conv(_channels(x[part], groups), weight, windows, groups)
            _joined(found, groups, y[part])
        return shifted(y, b)

    def conv_input(
        self, gy: np.ndarray, w: np.ndarray, windows: Windows, groups: int, sizes: Sequence[int],
        b: np.ndarray | None = None,
    ) -> np.ndarray:  # fmt: skip
        """gX[ν,c,i] = Σ_{o,j,t} [s·j+d·t-a = i] W[o,c,t] · gY[ν,o,j] + B[c]"""
        # the transposed matrix of parts is that of the conjugate
        gx, weight = np.empty((gy.shape[0], groups * w.shape[1], *sizes), gy.dtype), _matrix(w.conj(), groups)
        for part in _images(gx, gy):
            found = self.kernels.conv_input(_channels(gy[part], groups), weight, windows, groups, sizes)
            _joined(found, groups, gx[part])
        return shifted(gx, b)

    conv_transpose = conv_input

    def conv_weight(self, gy: np.ndarray, x: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
        """gW[o,c,t] = Σ_{ν,j} gY[ν,o,j] · X[ν,c,s·j+d·t-a]"""
        kernel = [window.kernel for window in windows]
        outputs, channels = gy.shape[1] // groups, x.shape[1] // groups
        gw = np.empty((groups, outputs, channels, *kernel), gy.dtype)
        real, imaginary = np.zeros((2, *gw.shape), np.real(gw).dtype)
        for part in _images(x, gy):
            found = self.kernels.conv_weight(_channels(gy[part], groups), _channels(x[part], groups), windows, groups)
            of = found.reshape(groups, 2, outputs, 2, channels, *kernel)
            real += of[:, 0, :, 0] - of[:, 1, :, 1]
            imaginary += of[:, 0, :, 1] + of[:, 1, :, 0]
        gw.real, gw.imag = real, imaginary
        return gw.reshape(groups * outputs, channels, *kernel)


def _images(x: np.ndarray, y: np.ndarray) -> Iterator[slice]:
    """The batch in parts for which there is ROOM."""
    each = (math.prod(x.shape[1:]) + math.prod(y.shape[1:])) * x.itemsize
    step = max(1, ROOM // max(1, each))
    return (slice(start, start + step) for start in range(0, len(x), step))


def _channels(x: np.ndarray, groups: int) -> np.ndarray:
    """(image, group and part and channel, …)"""
    channels = x.shape[1] // groups
    parts = np.empty((len(x), groups, 2, channels, *x.shape[2:]), np.real(x).dtype)
    of = x.reshape(len(x), groups, channels, *x.shape[2:])
    parts[:, :, 0], parts[:, :, 1] = np.real(of), np.imag(of)
    return parts.reshape(len(x), 2 * x.shape[1], *x.shape[2:])


def _matrix(w: np.ndarray, groups: int) -> np.ndarray:
    """(group and part of the output and output channel, part of the input and input channel, tap)"""
    outputs, channels = w.shape[0] // groups, w.shape[1]
    of = w.reshape(groups, outputs, channels, *w.shape[2:])
    parts = np.empty((groups, 2, outputs, 2, channels, *w.shape[2:]), np.real(w).dtype)
    parts[:, 0, :, 0], parts[:, 0, :, 1] = np.real(of), -np.imag(of)
    parts[:, 1, :, 0], parts[:, 1, :, 1] = np.imag(of), np.real(of)
    return parts.reshape(2 * w.shape[0], 2 * channels, *w.shape[2:])


def _joined(parts: np.ndarray, groups: int, y: np.ndarray) -> None:
    """The parts of a real output, put together in y."""
    of = parts.reshape(len(y), groups, 2, y.shape[1] // groups, *y.shape[2:])
    into = y.reshape(len(y), groups, y.shape[1] // groups, *y.shape[2:])
    into.real, into.imag = of[:, :, 0], of[:, :, 1]
