"""Convolution and pooling of Dask arrays, block by block: arrays that are larger than memory, or on several machines.

A block of the result is as large as a chunk of the input; it reads the chunks that its windows meet, and nothing is
computed before `compute`. Chunks should be longer than the kernel. What comes out is what `convmath.functional` gives
for the whole array: bit for bit for pools, for convolutions of integers, and for others with method="direct" where
blocks have no fewer elements than the kernel has taps. Elsewhere sums have another order, and the error is within the
same bounds. Needs dask (the extra convmath[scale]).

    import dask.array as da
    from convmath import dask as cd
    image = da.from_zarr("large.zarr")
    cd.convolve(image, kernel, "same", boundary="reflect").to_zarr("blurred.zarr")
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from itertools import accumulate, product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convmath.errors import DtypeError, HyperparameterError, ShapeError
from convmath.functional.core import Padding, PerAxis, floating, known, numbers
from convmath.functional.pooling import laid_over
from convmath.functional.signal import MODES, placed, within_reach
from convmath.kernels import patches, signal
from convmath.kernels.order import in_exact_order
from convmath.kernels.padding import bare
from convmath.kernels.taps import occupancy, output_sizes
from convmath.window import BORDERS, Window, flag, whole

__all__ = ["avg_pool", "convolve", "correlate", "max_pool"]

# what Dask (and NumPy) call the borders
PADS = {"reflect": "reflect", "replicate": "edge", "circular": "wrap", "symmetric": "symmetric"}


# --- convolution --------------------------------------------------------------------------------------------------


def convolve(a: Any, v: ArrayLike, mode: str = "full", method: str = "auto", *, boundary: str = "zeros") -> Any:
    """Y[p] = Σ_i A[i] · V[p-i] as `functional.convolve` has it; A is a Dask array, V an array in memory.

    In mode "valid" V has to lie in A. Raises ShapeError, HyperparameterError, DtypeError, UnknownNameError.
    """
    return _convolved("convolve", a, v, np.flip, mode, method, boundary)


def correlate(a: Any, v: ArrayLike, mode: str = "full", method: str = "auto", *, boundary: str = "zeros") -> Any:
    """Y[p] = Σ_i A[i+p-k+1] · conj V[i] as `functional.correlate` has it; A is a Dask array, V an array in memory.

    In mode "valid" V has to lie in A. Raises ShapeError, HyperparameterError, DtypeError, UnknownNameError.
    """
    return _convolved("correlate", a, v, np.conj, mode, method, boundary)


def _convolved(
    name: str, a: Any, v: ArrayLike, kernel: Callable[[np.ndarray], np.ndarray], mode: str, method: str, boundary: str
) -> Any:
    a, of_a = _array(a, "A", name, complex_too=True)
    if isinstance(v, _dask().Array):
        raise DtypeError(f"V is a Dask array, but an array in memory is needed; compute it first [{name}]")
    v = numbers(v, "V", name, complex_too=True)
    where = f"{name}(A{a.shape}, V{v.shape})"
    known("mode", mode, MODES, where)
    known("boundary", boundary, ("zeros", *BORDERS), where)
    known("method", method, ("auto", *signal.METHODS), where)
    if a.ndim != v.ndim or a.ndim == 0:
        raise ShapeError(
            f"V has {v.ndim} axes, and A has {a.ndim}, but both need the same number, at least 1 [{where}]"
        )
    if a.size == 0 or v.size == 0:
        raise ShapeError(f"an array is empty, but at least one element along every axis is needed [{where}]")
    axes = list(zip(a.shape, v.shape, strict=True))
    if mode == "valid" and any(n < k for n, k in axes):
        raise ShapeError(f"mode is 'valid', but V is longer than A along an axis; exchange the two [{where}]")
    dtype = np.result_type(of_a, v)
    w = kernel(v).astype(dtype)
    laid = tuple(
        Window(k, before=k - 1 - start, after=start + m - n) for n, k in axes for start, m in [placed(mode, n, k)]
    )
    if boundary != "zeros" and mode != "valid":
        within_reach(BORDERS[boundary], mode, axes, where)
        a = _dask().pad(a, [(window.before, window.after) for window in laid], mode=PADS[boundary])
        laid = bare(laid)

    def block(x: np.ndarray, inner: tuple[Window, ...], _: tuple[slice, ...]) -> np.ndarray:
        if x.size == 0:
            return np.zeros(output_sizes(inner, x.shape), dtype)
        return signal.correlate(x.astype(dtype), w, inner, None, method, where=where)

    return _by_blocks(name, a, laid, block, dtype, w, method)


# --- pooling ------------------------------------------------------------------------------------------------------


def max_pool(
    x: Any,
    kernel_size: PerAxis,
    *,
    stride: PerAxis | None = None,
    padding: Padding = 0,
    dilation: PerAxis = 1,
    ceil_mode: bool = False,
) -> Any:
    """Y[ν,c,j] = max_t X[ν,c,s·j+d·t-a] as `functional.max_pool` has it; X is a Dask array (N, C, *n)."""
    x, dtype = _array(x, "X", "max_pool")
    laid, _, where = laid_over("max_pool", x.shape, kernel_size, stride, padding, dilation, ceil_mode)
    if dtype.kind == "i":
        _occupied(_held(laid, x.shape[2:], padding=False), "nothing has no greatest integer", where)

    def block(part: np.ndarray, inner: tuple[Window, ...], _: tuple[slice, ...]) -> np.ndarray:
        return patches.max_pool(part.astype(dtype), inner[2:])

    return _by_blocks("max_pool", x, (Window(1), Window(1), *laid), block, dtype)


def avg_pool(
    x: Any,
    kernel_size: PerAxis,
    *,
    stride: PerAxis | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """Y[ν,c,j] = Σ_t X[ν,c,s·j+t-a] / D[j] as `functional.avg_pool` has it; X is a Dask array (N, C, *n)."""
    x, own = _array(x, "X", "avg_pool")
    laid, _, where = laid_over("avg_pool", x.shape, kernel_size, stride, padding, 1, ceil_mode)
    dtype = floating(np.empty(0, own)).dtype
    held = _held(laid, x.shape[2:], padding=flag(count_include_pad, "count_include_pad", where))
    override = None if divisor_override is None else whole(divisor_override, "divisor_override", where, 1)
    if override is None:
        _occupied(held, "nothing has no mean", where)

    def block(part: np.ndarray, inner: tuple[Window, ...], at: tuple[slice, ...]) -> np.ndarray:
        # a window is a box: it holds what it holds along one axis times what it holds along the others
        divisor = reduce(np.multiply.outer, [count[some] for count, some in zip(held, at[2:], strict=True)])
        return patches.avg_pool(part.astype(dtype), inner[2:], divisor if override is None else override)

    return _by_blocks("avg_pool", x, (Window(1), Window(1), *laid), block, dtype, held, override)


def _held(laid: Sequence[Window], sizes: Sequence[int], *, padding: bool) -> list[np.ndarray]:
    """How many positions the windows hold along each axis."""
    return [occupancy([window], [n], padding=padding) for window, n in zip(laid, sizes, strict=True)]


def _occupied(held: Sequence[np.ndarray], why: str, where: str) -> None:
    for axis, count in enumerate(held):
        for place in np.flatnonzero(count == 0)[:1]:
            raise ShapeError(f"window {place} of spatial axis {axis} holds no element of X, and {why} [{where}]")


# --- blocks -------------------------------------------------------------------------------------------------------


def _dask() -> Any:
    try:
        return import_module("dask.array")
    except ImportError as error:
        raise ModuleNotFoundError(
            "dask is not installed, but convmath.dask computes with it; the extra convmath[scale] brings it",
            name="dask",
        ) from error


def _array(x: Any, letter: str, where: str, *, complex_too: bool = False) -> tuple[Any, np.dtype]:
    """The Dask array and the type that it is computed in."""
    if not isinstance(x, _dask().Array):
        raise DtypeError(
            f"{letter} is {type(x).__name__}, but a Dask array is needed; convmath.functional takes others [{where}]"
        )
    if in_exact_order():
        raise HyperparameterError(
            f"{letter} is a Dask array, but within exact_order an array in memory is needed: blocks are computed "
            f"later, and each by itself [{where}]"
        )
    if any(n != n for n in x.shape):
        raise ShapeError(f"{letter} has chunks of unknown size; x.compute_chunk_sizes() finds them [{where}]")
    return x, numbers(np.empty(0, x.dtype), letter, where, complex_too=complex_too).dtype


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Some outputs along one axis: which, what they read of which chunks, and the windows on that."""

    out: slice
    read: tuple[tuple[int, slice], ...]
    window: Window


def _stretches(window: Window, chunks: tuple[int, ...]) -> Iterator[_Stretch]:
    """The outputs whose windows have their middle in the same chunk are one block: "same" keeps the chunks."""
    ends, m = [*accumulate(chunks)], window.output_size(sum(chunks))
    ahead = window.before - window.span // 2
    behind = [min(m, max(0, -(-(end + ahead) // window.stride))) for end in ends[:-1]]
    starts = [0, *ends[:-1]]
    for j, stop in zip([0, *behind], [*behind, m], strict=True):
        if j == stop:
            continue
        first = window.stride * j - window.before
        last = window.stride * (stop - 1) - window.before + window.span
        low, high = (min(max(0, end), ends[-1]) for end in (first, last))
        # a block that lies in the padding wholly reads nothing, of some chunk
        left = min(bisect_right(ends, low), len(ends) - 1)
        right = max(left, bisect_left(ends, high))
        read = tuple(
            (i, slice(max(low, starts[i]) - starts[i], max(low, min(high, ends[i])) - starts[i]))
            for i in range(left, right + 1)
        )
        inner = Window(window.kernel, window.stride, window.dilation, low - first, last - max(low, high))
        yield _Stretch(slice(j, stop), read, inner)


def _by_blocks(
    name: str,
    x: Any,
    laid: Sequence[Window],
    block: Callable[[np.ndarray, tuple[Window, ...], tuple[slice, ...]], np.ndarray],
    dtype: np.dtype,
    *said: Any,
) -> Any:
    """The result block by block: what a block's windows read is put together and handed over, with the windows on it.

    `said` is all that `block` depends on, so that the same call has the same name.
    """
    tokenize, graphs = import_module("dask.base").tokenize, import_module("dask.highlevelgraph").HighLevelGraph

    axes = [list(_stretches(window, chunks)) for window, chunks in zip(laid, x.chunks, strict=True)]
    called = f"convmath-{name}-{tokenize(x.name, laid, dtype, *said)}"

    def made(parts: Any, of: tuple[_Stretch, ...]) -> np.ndarray:
        read = _joined(parts, [[some for _, some in one.read] for one in of])
        return block(read, tuple(one.window for one in of), tuple(one.out for one in of))

    graph = {
        (called, *place): (made, _keys(x.name, [[i for i, _ in one.read] for one in of]), of)
        for place, of in zip(product(*(range(len(axis)) for axis in axes)), product(*axes), strict=True)
    }
    chunks = tuple(tuple(one.out.stop - one.out.start for one in axis) for axis in axes)
    layers = graphs.from_collections(called, graph, dependencies=[x])
    return _dask().Array(layers, called, chunks, dtype=dtype)


def _keys(name: str, chunks: Sequence[Sequence[int]], before: tuple[int, ...] = ()) -> Any:
    """The keys of a box of chunks, as nested lists."""
    if not chunks:
        return (name, *before)
    return [_keys(name, chunks[1:], (*before, i)) for i in chunks[0]]


def _joined(parts: Any, some: Sequence[Sequence[slice]], before: tuple[slice, ...] = ()) -> np.ndarray:
    """What is read of each chunk of a box, side by side."""
    if len(before) == len(some):
        return parts[before]
    of = some[len(before)]
    each = [_joined(part, some, (*before, one)) for part, one in zip(parts, of, strict=True)]
    return each[0] if len(each) == 1 else np.concatenate(each, axis=len(before))
