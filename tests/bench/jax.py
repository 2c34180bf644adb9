"""The layers beside JAX, compiled, in the better of two layouts: `python -m tests.bench.jax`.

XLA takes as many threads as the process has cores: `--cores` says how many it is given, before JAX starts.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from importlib.util import find_spec
from time import perf_counter
from typing import Any

import numpy as np

import convmath as cm

from . import layers
from .budgets import processor
from .layers import Layer
from .measure import Call, measured, summary, table


def by_jax(layer: Layer, x: np.ndarray, w: np.ndarray, gy: np.ndarray) -> dict[str, tuple[Call, Call, Call]]:
    axes = "ZYX"[: x.ndim - 2]
    return {
        "contiguous": _in((f"NC{axes}", f"OI{axes}"), layer, x, w, gy),
        "channels last": _in((f"N{axes}C", f"{axes}IO"), layer, x, w, gy),
    }


def convolution(
    layer: Layer, shape: tuple[int, ...], layout: tuple[str, str] | None = None
) -> Callable[[Any, Any], Any]:
    """The layer in a layout of data and of kernels; `shape` is that of its output there."""
    import jax

    ndim = len(layer.x) - 2
    axes = "ZYX"[:ndim]
    data, kernel = layout or (f"NC{axes}", f"OI{axes}")

    def conv(x: Any, w: Any) -> Any:
        return jax.lax.conv_general_dilated(
            x, w, [layer.stride] * ndim, [(layer.padding, layer.padding)] * ndim,
            rhs_dilation=[layer.dilation] * ndim, feature_group_count=layer.groups,
            dimension_numbers=(data, kernel, data),
        )  # fmt: skip

    def transposed(x: Any, w: Any) -> Any:
        return jax.linear_transpose(lambda y: conv(y, w), jax.ShapeDtypeStruct(shape, x.dtype))(x)[0]

    return transposed if layer.transposed else conv


def _in(layout: tuple[str, str], layer: Layer, x: np.ndarray, w: np.ndarray, gy: np.ndarray) -> tuple[Call, Call, Call]:
    import jax

    data, kernel = layout
    first, last = f"NC{data.strip('NC')}", f"OI{kernel.strip('OI')}"

    def laid(array: np.ndarray, before: str, after: str) -> Any:
        return jax.numpy.asarray(np.ascontiguousarray(array.transpose([before.index(axis) for axis in after])))

    jx, jg, jw = laid(x, first, data), laid(gy, first, data), laid(w, last, kernel)
    function = convolution(layer, jg.shape, layout)

    def gradient(place: int, x: Any, w: Any, g: Any) -> Any:
        return jax.vjp(function, x, w)[1](g)[place]

    def compiled(function: Callable[..., Any], *arrays: Any) -> Call:
        run = jax.jit(function)
        return lambda: run(*arrays).block_until_ready()

    return (
        compiled(function, jx, jw),
        compiled(lambda *arrays: gradient(0, *arrays), jx, jw, jg),
        compiled(lambda *arrays: gradient(1, *arrays), jx, jw, jg),
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.jax", description=__doc__)
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--dtype", choices=["f4", "f8"], default="f4")
    asked = parser.parse_args()
    if find_spec("jax") is None:
        print("jax is missing, so nothing is run beside it.")
        return
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: asked.cores])
    import jax

    jax.config.update("jax_enable_x64", True)
    cm.set_threads(asked.cores)
    print(f"{processor()}, JAX {jax.__version__}, {asked.cores} core{'s' * (asked.cores > 1)}, {asked.dtype}\n")
    summary(table(measured(layers.cases(by_jax, asked.dtype), 2, perf_counter), "JAX"))


if __name__ == "__main__":
    main()
