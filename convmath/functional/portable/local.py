"""Sums over windows and channels whose weights are not those of a convolution, on arrays of other libraries."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

from convmath.kernels.portable import convolution, pooling
from convmath.kernels.portable.moves import along, filled, zeros
from convmath.kernels.portable.products import matmul
from convmath.kernels.taps import output_sizes
from convmath.window import windows

from .arrange import folded, unfolded
from .computed import Computed, computed
from .convolutions import along_channels

__all__: list[str] = []

Shape = tuple[int, ...]


# --- weights of its own for every window --------------------------------------------------------------------------


@computed
def locally_connected(
    xp: ModuleType, shape: Shape, *, x: Any, w: Any, b: Any = None, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1,
) -> Computed:  # fmt: skip
    sizes = x.shape[2:]
    laid = windows(sizes, w.shape[2 + len(sizes) :], stride, padding, dilation)
    counts = output_sizes(laid, sizes)
    reads, made = x.shape[1] * math.prod(window.kernel for window in laid), math.prod(counts)
    weights = xp.permute_dims(xp.reshape(w, (w.shape[0], made, reads)), (1, 0, 2))  # (window, output, channel and tap)

    def columns() -> Any:
        """(window, channel and tap, image)"""
        return xp.permute_dims(unfolded(xp, x, laid, counts, (x.shape[0], reads, made)), (2, 1, 0))

    def by_output(gy: Any) -> Any:
        """(window, output channel, image)"""
        return xp.permute_dims(xp.reshape(gy, (*gy.shape[:2], made)), (2, 1, 0))

    def value() -> Any:
        y = xp.reshape(xp.permute_dims(matmul(xp, weights, columns()), (2, 1, 0)), shape)
        return xp.astype(y, y.dtype) if b is None else y + b

    def by_input(gy: Any) -> Any:
        g = matmul(xp, xp.matrix_transpose(weights), by_output(gy))
        return folded(xp, xp.permute_dims(g, (2, 1, 0)), laid, counts, x.shape)

    def by_weight(gy: Any) -> Any:
        gw = matmul(xp, by_output(gy), xp.matrix_transpose(columns()))
        return xp.reshape(xp.permute_dims(gw, (1, 0, 2)), w.shape)

    def gradients(gy: Any) -> tuple[Any, ...]:
        by_bias = None if b is None else lambda: xp.sum(gy, axis=0, dtype=gy.dtype)
        return lambda: by_input(gy), lambda: by_weight(gy), by_bias

    return Computed(value, gradients)


# --- connections by a table ---------------------------------------------------------------------------------------


@computed
def table_conv(
    xp: ModuleType, shape: Shape, *, x: Any, w: Any, table: Any, b: Any = None, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1,
) -> Computed:  # fmt: skip
    """Channel by channel, so that what an output does not read is not in it, whatever it holds."""
    laid, channels = windows(x.shape[2:], w.shape[2:], stride, padding, dilation), range(x.shape[1])

    def connected(c: int, values: Any, ndim: int, axis: int) -> Any:
        """Of the output channels along an axis those that read channel c, 0 for the others."""
        reads = xp.reshape(table[:, c] == 1, tuple(-1 if place == axis else 1 for place in range(ndim)))
        return xp.where(reads, values, zeros(xp, (), values))

    def of(array: Any, c: int) -> Any:
        return array[:, c : c + 1, ...]

    def value() -> Any:
        y = zeros(xp, shape, x)
        for c in channels:
            y = y + connected(c, convolution.conv(xp, of(x, c), of(w, c), laid, 1), x.ndim, 1)
        return y if b is None else y + along_channels(xp, b, x.ndim)

    def by_input(gy: Any) -> Any:
        each = (connected(c, gy, x.ndim, 1) for c in channels)
        own = [
            convolution.conv_input(xp, g, connected(c, of(w, c), x.ndim, 0), laid, 1, x.shape[2:])
            for c, g in enumerate(each)
        ]
        return xp.concat(own, axis=1)

    def by_weight(gy: Any) -> Any:
        own = [connected(c, convolution.conv_weight(xp, gy, of(x, c), laid, 1), x.ndim, 0) for c in channels]
        return xp.concat(own, axis=1)

    def gradients(gy: Any) -> tuple[Any, ...]:
        by_bias = None if b is None else lambda: convolution.of_channels(xp, gy)
        return lambda: by_input(gy), lambda: by_weight(gy), None, by_bias

    return Computed(value, gradients, lambda: xp.any((table != 0) & (table != 1)))


@computed
def subsample(
    xp: ModuleType, shape: Shape, *, x: Any, kernel_size: Any, w: Any, b: Any = None, stride: Any = None,
    padding: Any = 0,
) -> Computed:  # fmt: skip
    laid = windows(x.shape[2:], kernel_size, kernel_size if stride is None else stride, padding)
    wide = along_channels(xp, w, x.ndim)

    def sums() -> Any:
        return pooling.sum_pool(xp, x, laid, shape[2:])

    def value() -> Any:
        y = wide * sums()
        return y if b is None else y + along_channels(xp, b, x.ndim)

    def gradients(gy: Any) -> tuple[Any, ...]:
        gx = lambda: pooling.sum_pool_input(xp, gy * wide, laid, x.shape[2:])  # noqa: E731
        gw = lambda: convolution.of_channels(xp, gy * sums())  # noqa: E731
        return gx, gw, None if b is None else lambda: convolution.of_channels(xp, gy)

    return Computed(value, gradients)


# --- along features and channels ----------------------------------------------------------------------------------


@computed
def rbf(xp: ModuleType, shape: Shape, *, x: Any, w: Any) -> Computed:
    """The differences first, so that nothing cancels."""
    features, outputs = w.shape[1], range(w.shape[0])

    def gap(o: int) -> Any:
        return x - w[o, :]

    def value() -> Any:
        return xp.stack([xp.sum(gap(o) * gap(o), axis=-1, dtype=x.dtype) for o in outputs], axis=-1)

    def by_input(gy: Any) -> Any:
        gx = xp.zeros_like(x, dtype=gy.dtype)
        for o in outputs:
            gx = gx + gy[..., o : o + 1] * gap(o)
        return 2 * gx

    def by_weight(gy: Any) -> Any:
        rows = (xp.reshape(gy[..., o : o + 1] * gap(o), (math.prod(x.shape[:-1]), features)) for o in outputs)
        return xp.stack([-2 * xp.sum(each, axis=0, dtype=gy.dtype) for each in rows], axis=0)

    return Computed(value, lambda gy: (lambda: by_input(gy), lambda: by_weight(gy)))


@computed
def local_response_norm(
    xp: ModuleType, shape: Shape, *, x: Any, size: int, alpha: Any = 1e-4, beta: Any = 0.75, k: Any = 1.0
) -> Computed:
    before, after = size // 2, size - 1 - size // 2
    alpha, beta = float(alpha), float(beta)

    def across(values: Any, before: int, after: int) -> Any:
        """Σ values[ν,c+t,i] over -before ≤ t ≤ after, 0 beyond the channels"""
        channels = x.shape[1]
        before, after = min(before, channels - 1), min(after, channels - 1)
        wide = filled(xp, values, [(before, after), *[(0, 0)] * (x.ndim - 2)])
        total = wide[along(1, 0, channels)]
        for t in range(1, before + after + 1):
            total = total + wide[along(1, t, t + channels)]
        return total

    scale = float(k) + alpha / size * across(x * x, before, after)

    def gradients(gy: Any) -> tuple[Any, ...]:
        power = xp.pow(scale, -beta)
        through = across(gy * x * power / scale, after, before)
        return (gy * power - 2 * alpha * beta / size * x * through,)

    return Computed(lambda: x * xp.pow(scale, -beta), gradients, lambda: xp.any(scale <= 0))
