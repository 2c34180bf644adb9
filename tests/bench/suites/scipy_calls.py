"""Each function of SciPy that convolves or correlates, as `functional` does the same: a function for each signature.

`functional` has the names and meanings of `scipy.signal`. Where the kernel lies elsewhere than there, as in
`scipy.ndimage`, what is outside the array is put around it first. A translation raises `Refused` where SciPy is asked
for something else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmath import functional as F

from .tally import Refused

__all__ = ["TRANSLATIONS", "Answer"]

Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Answer:
    """Our value, and what a sum in any order, or by a transform, may be off by.

    `magnitudes` is Σ|terms| at each position, of which there are at most `terms`; `spectral` is what a transform is
    off by, whatever the position.
    """

    value: Callable[[], np.ndarray]
    magnitudes: Callable[[], np.ndarray]
    terms: int
    spectral: float = 0.0


Translation = Callable[..., Answer]

# SciPy's names for what lies outside, in ours
_SIGNAL = {"fill": "zeros", "wrap": "circular", "symm": "symmetric"}
_NDIMAGE = {
    "constant": "zeros",
    "grid-constant": "zeros",
    "nearest": "replicate",
    "mirror": "reflect",
    "reflect": "symmetric",
    "grid-mirror": "symmetric",
    "wrap": "circular",
    "grid-wrap": "circular",
}


def _spectral(a: np.ndarray, v: np.ndarray) -> float:
    """What a transform of SciPy and one of ours may be off by together, N being the padded length.

    SciPy's by 8·log₂(2N)·eps·‖a‖·‖v‖ (Higham 2002, section 24.1), eps being that of the narrower array, for it
    transforms each in its own precision; ours by what `convolve` says.
    """
    if a.dtype.kind not in "iufc" or v.dtype.kind not in "iufc" or a.ndim != v.ndim:
        return 0.0  # it is refused
    padded = math.prod(n + k for n, k in zip(a.shape, v.shape, strict=True))
    norms = float(np.linalg.norm(a.astype(complex))) * float(np.linalg.norm(v.astype(complex)))
    eps = max(float(np.finfo(x.dtype if x.dtype.kind in "fc" else float).eps) for x in (a, v))
    return (8 + 21 / 2) * (1 + math.log2(max(2, padded))) * eps * norms


# --- scipy.signal -------------------------------------------------------------------------------------------------


def _one(name: str, in1: Any, in2: Any, mode: str, method: str, boundary: str = "zeros") -> Answer:
    """convolve or correlate: the same function with the same arguments."""
    function, a, v = getattr(F, name), np.asarray(in1), np.asarray(in2)
    if method != "direct" and not all(np.isfinite(x).all() for x in (a, v) if x.dtype.kind in "fc"):
        raise Refused("a transform spreads NaN over every position, and a sum is NaN where it reads one")
    words = {"mode": mode, "boundary": boundary}
    return Answer(
        lambda: function(in1, in2, method=method, **words),
        lambda: function(np.abs(a), np.abs(v), method="patches", **words),
        max(1, min(a.size, v.size)),
        0.0 if method == "direct" else _spectral(a, v),
    )


def _convolve(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Answer:
    return _one("convolve", in1, in2, mode, method)


def _correlate(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Answer:
    return _one("correlate", in1, in2, mode, method)


def _by_transform(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Answer:
    if axes is not None and not _all(axes, np.ndim(in1)):
        raise Refused(_SOME_AXES)
    return _one("convolve", in1, in2, mode, "fft")


_SOME_AXES = "convolve is along all axes, and a batch of arrays is a loop over them"


def _all(axes: Any, ndim: int) -> bool:
    """Whether these are all axes of an array, each once."""
    each = [axes] if np.ndim(axes) == 0 else list(axes)
    known = [axis % ndim for axis in each if isinstance(axis, int) and -ndim <= axis < ndim]
    return len(known) == len(each) and sorted(known) == list(range(ndim))


def _pads(mode: str, kernel: Sequence[int], turned: bool) -> Pairs:
    """full: k - 1 at both ends. same: the middle n of full, which begins later where the kernel is turned."""
    if mode == "full":
        return tuple((k - 1, k - 1) for k in kernel)
    half = [(k - 1) // 2 for k in kernel]
    return tuple((k - 1 - h, h) if turned else (h, k - 1 - h) for k, h in zip(kernel, half, strict=True))


def _image(name: str) -> Translation:
    def call(in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0) -> Answer:
        a, v = np.asarray(in1), np.asarray(in2)
        if a.ndim != 2 or v.ndim != 2 or np.size(fillvalue) != 1:
            raise Refused("arrays have two axes, and the fill value is one number")
        if mode not in ("full", "same", "valid") or boundary not in _SIGNAL:
            raise Refused("there is no such mode or boundary")
        if mode == "valid":
            return _one(name, a, v, mode, "direct")
        filled = boundary == "fill" and bool(fillvalue)
        if filled or (mode == "same" and name == "correlate"):  # correlate2d's "same" lies elsewhere
            return _padded(name, a, v, _pads(mode, v.shape, name == "convolve"), _SIGNAL[boundary], fillvalue)
        return _one(name, a, v, mode, "direct", _SIGNAL[boundary])

    return call


def _padded(name: str, a: np.ndarray, v: np.ndarray, pads: Pairs, border: str, fill: Any) -> Answer:
    """What lies outside is put around, and then nothing does."""
    function = getattr(F, name)
    return Answer(
        lambda: function(_outside(a, pads, border, fill), v, mode="valid", method="direct"),
        lambda: function(_outside(np.abs(a), pads, border, abs(fill)), np.abs(v), mode="valid", method="patches"),
        max(1, v.size),
    )


def _outside(a: np.ndarray, pads: Pairs, border: str, fill: Any) -> np.ndarray:
    """The padded array; of a complex one each part by itself."""
    number = complex(fill)
    if a.dtype.kind == "c":
        real = _outside(np.real(a), pads, border, number.real)
        return real + 1j * _outside(np.imag(a), pads, border, number.imag)
    if border != "zeros":
        return F.pad(a, pads, mode=border)
    if number.imag:
        raise Refused("a real array has a real number around it")
    return F.pad(a, pads, value=int(number.real) if a.dtype.kind in "iu" else number.real)


# --- scipy.ndimage ------------------------------------------------------------------------------------------------


def _filter(name: str) -> Translation:
    def call(input: Any, weights: Any, output: Any = None, mode: str = "reflect", cval: Any = 0.0, origin: Any = 0, *,
             axes: Any = None) -> Answer:  # fmt: skip
        x, w = np.asarray(input), np.asarray(weights)
        if axes is not None and not _all(axes, x.ndim):
            raise Refused(_SOME_AXES)
        if isinstance(mode, list | tuple):
            raise Refused("there is one mode for all axes")
        return _centred(name, x, w, output, mode, cval, (origin,) * x.ndim if np.ndim(origin) == 0 else tuple(origin))

    return call


def _filter1d(name: str) -> Translation:
    def call(input: Any, weights: Any, axis: int = -1, output: Any = None, mode: str = "reflect", cval: Any = 0.0,
             origin: int = 0) -> Answer:  # fmt: skip
        x, w = np.asarray(input), np.asarray(weights)
        if w.ndim != 1 or not -x.ndim <= axis < x.ndim:
            raise Refused("the weights have one axis, which is one of the array's")
        shape, origins = [1] * x.ndim, [0] * x.ndim
        shape[axis], origins[axis] = w.size, origin
        return _centred(name, x, w.reshape(shape), output, mode, cval, tuple(origins))

    return call


def _centred(
    name: str, x: np.ndarray, w: np.ndarray, output: Any, mode: str, cval: Any, origins: tuple[int, ...]
) -> Answer:
    """The kernel's centre is element k // 2, moved by the origin; convolve turns kernel and centre."""
    if mode not in _NDIMAGE:
        raise Refused("there is no such mode")
    if x.ndim != w.ndim or len(origins) != x.ndim:
        raise Refused("the weights have as many axes as the array")
    is_complex = "c" in (x.dtype.kind, w.dtype.kind)
    if is_complex and isinstance(output, np.ndarray) and output.dtype.kind != "c":
        raise Refused("sums of complex numbers are complex")
    whole = not is_complex and _type(output, x).kind in "iub"
    if whole and (x.dtype.kind not in "iub" or w.dtype.kind not in "iub"):
        raise Refused("ndimage cuts the decimals off where its output holds integers")
    # sums are taken in double precision, whatever the arrays hold
    a, v = (array.astype(np.int64 if whole else np.result_type(array, np.float64)) for array in (x, w))
    pads = tuple(_around(name, k, origin) for k, origin in zip(w.shape, origins, strict=True))
    return _padded(name, a, v, pads, _NDIMAGE[mode], cval)


def _type(output: Any, x: np.ndarray) -> np.dtype:
    """The type of what comes out."""
    if isinstance(output, np.ndarray):
        return output.dtype
    return x.dtype if output is None else np.dtype(output)


def _around(name: str, k: int, origin: int) -> tuple[int, int]:
    """Before and after: the centre is as far from the kernel's beginning, and from its end where it is turned."""
    before = k // 2 + origin if name == "correlate" else (k - 1) // 2 - origin
    return before, k - 1 - before


TRANSLATIONS: Mapping[str, Translation] = {
    "signal.convolve": _convolve,
    "signal.correlate": _correlate,
    "signal.fftconvolve": _by_transform,
    "signal.oaconvolve": _by_transform,
    "signal.convolve2d": _image("convolve"),
    "signal.correlate2d": _image("correlate"),
    "ndimage.convolve": _filter("convolve"),
    "ndimage.correlate": _filter("correlate"),
    "ndimage.convolve1d": _filter1d("convolve"),
    "ndimage.correlate1d": _filter1d("correlate"),
}
