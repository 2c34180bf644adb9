"""Convolution and correlation of two arrays of any number of axes, with the meaning that scipy.signal gives them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convmath.errors import DtypeError, HyperparameterError, ShapeError
from convmath.kernels import padding, signal
from convmath.kernels.choice import Choice, asked, in_order
from convmath.kernels.storage import narrow, rounded
from convmath.window import BORDERS, Border, Window

from .core import Call, differentiable, known, numbers, storable

__all__ = ["MODES", "convolve", "correlate", "placed", "within_reach"]

MODES = ("full", "same", "valid")


@differentiable("a", "v")
def convolve(
    a: ArrayLike,
    v: ArrayLike,
    mode: str = "full",
    method: str = "auto",
    out: np.ndarray | None = None,
    *,
    boundary: str = "zeros",
) -> Call[np.ndarray]:
    """Y[p] = Σ_i A[i] · V[p-i], on any number of axes: V is turned round, as mathematics has it.

    `mode` is scipy.signal's. "full" is every p for which the sum has a term, n + k - 1 along an axis of n and k. "same"
    is the n of them from ⌊(k - 1)/2⌋ on: A's size, also where V is the longer. "valid" is those where one array lies in
    the other, |n - k| + 1; one of them must be the longer along every axis.

    Outside A lies what `boundary` says: "zeros", "reflect", "replicate", "circular" or "symmetric" ("same" with an odd
    V is scipy.ndimage.convolve, whose names for the last four are mirror, nearest, wrap and reflect; with an even V
    that one lies a position away). "reflect" reaches n - 1 beyond an axis of n, "circular" and "symmetric" n.

    float32, float64, complex64 and complex128 stay what they are; integers are computed in int64, exact modulo 2⁶⁴.
    What is not finite is in the outputs that read it and in no other.

    `method`: "direct" is the definition, "patches" multiplies matrices and "simd" runs generated kernels, all with the
    error of a plain sum, |ŷ - y| ≤ γ Σ|a||v|; "fft" transforms blocks, with an error of at most
    (20.7·log₂ N + 5)·(eps/2)·‖a‖₂·‖v‖₂, the norm of `a` over the N positions of a block. "simd" needs the extra `fast`,
    and is for real numbers on one to three axes: what else there is "patches" computes. "auto" is the fastest of those
    whose bound in these norms is not above that of the plain sum: it transforms only where 20.7·log₂ N + 5 is at most
    the number of taps. An output much smaller than its neighbours may still lose digits in it: ask for "patches" where
    that matters. A block is at least as long as the shorter array, and takes about six times its memory. The result is
    written into `out` if it comes, a writable array of the output's shape and type in C order.

    The vjp is the gradient of Re⟨g, Y⟩ = Re Σ conj(g)·Y: for complex arrays the direction in which it grows (PyTorch's
    convention; JAX conjugates it), for a real array beside a complex one its real part.
    Raises ShapeError, HyperparameterError, DtypeError, UnknownNameError.

    >>> convolve([1, 2, 3], [0, 1, 10])
    array([ 0,  1, 12, 23, 30])
    >>> convolve([1, 2, 3], [0, 1, 10], "same"), convolve([1, 2, 3], [1, 10, 100], "same", boundary="circular")
    (array([ 1, 12, 23]), array([312, 123, 231]))
    >>> convolve.vjp([1, 0, 0, 0, 0], [1, 2, 3], [0, 1, 10])
    (array([0, 0, 0]), array([1, 0, 0]))
    """
    pair = _pair("convolve", a, v, mode, boundary)
    return _call(pair, pair.v, method, out, lambda gu: gu)


@differentiable("a", "v")
def correlate(
    a: ArrayLike,
    v: ArrayLike,
    mode: str = "full",
    method: str = "auto",
    out: np.ndarray | None = None,
    *,
    boundary: str = "zeros",
) -> Call[np.ndarray]:
    """Y[p] = Σ_i A[i+p-k+1] · conj V[i], on any number of axes: V is conjugated, and not turned round.

    It is `convolve` with the conjugate of V turned round, also in which positions "same" keeps; everything else is
    said there. For complex arrays `correlate(v, a)` is the conjugate of `correlate(a, v)` turned round.
    Raises ShapeError, HyperparameterError, DtypeError, UnknownNameError.

    >>> correlate([1, 2, 3], [0, 1, 10])
    array([10, 21, 32,  3,  0])
    >>> correlate([1j, 2], [1j], "valid")
    array([1.+0.j, 0.-2.j])
    """
    pair = _pair("correlate", a, v, mode, boundary)
    return _call(pair, _turned(_conjugate(pair.v)), method, out, lambda gu: _conjugate(_turned(gu)))


@dataclass(frozen=True)
class _Pair:
    """Two arrays of one type and what is asked of them; `start` is where the outputs begin in the full convolution.

    `dtype` is what the output is stored in.
    """

    where: str
    a: np.ndarray
    v: np.ndarray
    start: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: np.dtype
    edge: Border | None


def _pair(name: str, a: ArrayLike, v: ArrayLike, mode: str, boundary: str) -> _Pair:
    came = a, v
    a, v = numbers(a, "A", name, complex_too=True), numbers(v, "V", name, complex_too=True)
    where = f"{name}(A{a.shape}, V{v.shape})"
    mode, edge = known("mode", mode, MODES, where), BORDERS.get(known("boundary", boundary, ("zeros", *BORDERS), where))
    if a.ndim != v.ndim:
        raise ShapeError(f"V has {v.ndim} axes, but A has {a.ndim}, and both need the same number [{where}]")
    for letter, array in (("A", a), ("V", v)):
        if array.size == 0:
            raise ShapeError(
                f"{letter} has shape {array.shape}, but at least one element along every axis is needed [{where}]"
            )
    axes = list(zip(a.shape, v.shape, strict=True))
    if mode == "valid" or not axes:  # nothing outside is read
        edge = None
    start, shape = zip(*(placed(mode, n, k) for n, k in axes), strict=True) if axes else ((), ())
    if mode == "valid" and any(n < k for n, k in axes) and any(n > k for n, k in axes):
        raise ShapeError(
            "mode is 'valid', but neither array lies in the other: one must be at least as long along every axis "
            f"[{where}]"
        )
    if edge is not None:
        within_reach(edge, mode, axes, where)
    dtype = np.result_type(a, v)
    a, v = a.astype(dtype, copy=False), v.astype(dtype, copy=False)
    stored = narrow(came) if dtype == np.float32 else None
    return _Pair(where, a, v, start, storable(shape, "the output", where), stored or dtype, edge)


def placed(mode: str, n: int, k: int) -> tuple[int, int]:
    """Where the outputs begin in the full convolution, and how many there are."""
    if mode == "full":
        return 0, n + k - 1
    return ((k - 1) // 2, n) if mode == "same" else (min(n, k) - 1, abs(n - k) + 1)


def within_reach(edge: Border, mode: str, axes: list[tuple[int, int]], where: str) -> None:
    """Refuse a border that is read further out than its index map is right for."""
    for axis, (n, k) in enumerate(axes):
        start, m = placed(mode, n, k)
        asked_for, most = max(k - 1 - start, start + m - n), math.inf if edge.reach is None else edge.reach(n)
        if asked_for > most:
            raise HyperparameterError(
                f"mode={mode!r} reads {asked_for} positions beyond axis {axis}, but boundary={edge.name!r} reaches at "
                f"most {most} beyond {n} elements [{where}]"
            )


def _turned(array: np.ndarray) -> np.ndarray:
    return np.flip(array)


def _windows(start: tuple[int, ...], shape: tuple[int, ...], n: tuple[int, ...], k: tuple[int, ...]) -> list[Window]:
    """The windows of these places of the full convolution: Σ_t turned[t] · x[p+t-(k-1)]; negative padding cuts off."""
    return [Window(k, before=k - 1 - at, after=at + m - n) for at, m, n, k in zip(start, shape, n, k, strict=True)]


def _call(pair: _Pair, u: np.ndarray, method: str, out: np.ndarray | None, back: Any) -> Call[np.ndarray]:
    """The convolution of A with u, which was made of V; `back` makes V's gradient of u's."""
    where, a, edge = pair.where, pair.a, pair.edge
    named = _method(method, where)
    # a convolution commutes where there is nothing but zeros outside: the smaller array is the kernel
    swapped = u.size > a.size and edge is None
    signal_, kernel = (u, a) if swapped else (a, u)
    w, windows = _turned(kernel), _windows(pair.start, pair.shape, signal_.shape, kernel.shape)
    _checked_out(out, pair.shape, pair.dtype, where)

    def plan() -> Choice:
        return signal.choice(signal_, w, pair.shape, named, where)

    def value() -> np.ndarray:
        if out is None:
            return signal.correlate(signal_, w, windows, edge, named, where=where)
        if out.dtype != a.dtype or np.may_share_memory(out, pair.a) or np.may_share_memory(out, pair.v):
            out[...] = rounded(signal.correlate(signal_, w, windows, edge, named, where=where), out.dtype)
        else:
            signal.correlate(signal_, w, windows, edge, named, out, where=where)
        return out

    def of_signal(gy: np.ndarray) -> np.ndarray:
        """gX[i] = Σ_t conj(w[t]) · g[i+a-t], of X with what lies outside, then back to where that came from"""
        wide, skipped = signal_.shape, [v.before for v in windows]
        if edge is not None:
            wide, skipped = padding.padded_sizes(windows, wide), [0] * len(wide)
        first = [
            Window(k, before=k - 1 - at, after=at + n - m)
            for k, at, n, m in zip(kernel.shape, skipped, wide, gy.shape, strict=True)
        ]
        g = _correlated(gy, _turned(_conjugate(w)), first, named, where)
        return g if edge is None else padding.pad_input(g[None, None], windows, edge)[0, 0]

    def of_kernel(gy: np.ndarray) -> np.ndarray:
        """gw[t] = Σ_j g[j] · conj X[j+t-a], as the conjugate of Σ_j conj(g[j]) · X[j+t-a]; the kernel is w turned"""
        over = [Window(m, before=v.before, after=v.after) for m, v in zip(gy.shape, windows, strict=True)]
        return _turned(_conjugate(_correlated(signal_, _conjugate(gy), over, named, where, edge)))

    def gradients(gy: np.ndarray) -> tuple[Any, Any]:
        of_a, of_u = (of_kernel, of_signal) if swapped else (of_signal, of_kernel)
        return lambda: of_a(gy), lambda: back(of_u(gy))

    return Call(where, pair.shape, a.dtype, value, gradients, plan)


def _conjugate(array: np.ndarray) -> np.ndarray:
    """Real numbers are their own, and are not copied."""
    return np.conj(array) if array.dtype.kind == "c" else array


def _correlated(
    x: np.ndarray, w: np.ndarray, windows: list[Window], method: str, where: str, edge: Border | None = None
) -> np.ndarray:
    """The correlation of arrays that may be of two types, a cotangent's being the wider."""
    dtype = np.result_type(x, w)
    return signal.correlate(
        x.astype(dtype, copy=False), w.astype(dtype, copy=False), windows, edge, method, where=where
    )


def _method(method: str, where: str) -> str:
    """The method asked for; what is said for all calls counts where it is one of these."""
    named = in_order(known("method", method, ("auto", *signal.METHODS), where), where)
    said = asked("auto", where) if named == "auto" else named
    return said if said in signal.METHODS else "auto"


def _checked_out(out: Any, shape: tuple[int, ...], dtype: np.dtype, where: str) -> None:
    if out is None:
        return
    if not isinstance(out, np.ndarray):
        raise DtypeError(f"out is {type(out).__name__}, but a NumPy array is needed [{where}]")
    if out.shape != shape:
        raise ShapeError(f"out has shape {out.shape}, but the output's shape {shape} is needed [{where}]")
    if out.dtype != dtype:
        raise DtypeError(f"out holds {out.dtype}, but the output is {dtype} [{where}]")
    if not out.flags.c_contiguous or not out.flags.writeable:
        lies = "does not lie row by row" if out.flags.writeable else "cannot be written to"
        raise HyperparameterError(f"out {lies}, but a writable array in C order is needed [{where}]")


convolve.methods = correlate.methods = tuple(signal.METHODS)
