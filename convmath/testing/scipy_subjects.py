"""SciPy as an implementation from elsewhere: every way it has to convolve and correlate, told in the words of conv.

A function of SciPy sees one signal and one kernel, no channels. What it calls mode, boundary and origin is padding
at either end and a border; `convolve` turns the kernel. Each subject below says that translation once, and its
cases are drawn only where SciPy documents a meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st

from convmath.window import BORDERS

from .cases import Case
from .subject import Subject

__all__ = ["SignalSubject", "signal_cases", "subjects"]

# SciPy's names for a border, in ours
_CONVOLVE2D = {"fill": "zeros", "wrap": "circular", "symm": "symmetric"}
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


@dataclass(frozen=True)
class SignalSubject:
    """One function of SciPy with one choice of its options."""

    subject: Subject
    ndims: tuple[int, ...]
    turned: bool  # convolve turns the kernel, correlate does not
    pads: Callable[[int], tuple[int, int]]  # the padding that its mode means for a kernel of size k
    padding_mode: str
    note: str = ""  # what SciPy documents beside the meaning of the mode


# SciPy's notes on correlate and correlate2d
_OFFSET = "in mode 'same' with even lengths, correlate2d lies one position from where correlate does"


def _pads(mode: str) -> Callable[[int], tuple[int, int]]:
    """valid: none. full: k - 1 at both ends. same: the middle n of full, from position ⌊(k - 1)/2⌋ on."""
    if mode == "valid":
        return lambda k: (0, 0)
    if mode == "full":
        return lambda k: (k - 1, k - 1)
    return lambda k: (k - 1 - (k - 1) // 2, (k - 1) // 2)


def _correlate2d_pads(mode: str) -> Callable[[int], tuple[int, int]]:
    """same: the middle n of full as it is for the kernel turned round, ⌊(k - 1)/2⌋ positions before it."""
    return (lambda k: ((k - 1) // 2, k - 1 - (k - 1) // 2)) if mode == "same" else _pads(mode)


def _ndimage_pads(turned: bool) -> Callable[[int], tuple[int, int]]:
    """The centre of correlate's kernel is k // 2; convolve turns kernel and centre."""
    return (lambda k: ((k - 1) // 2, k // 2)) if turned else (lambda k: (k // 2, (k - 1) // 2))


def _called(function: Callable[..., Any], turned: bool, **options: Any) -> Callable[..., np.ndarray]:
    """The function behind the signature of conv; the kernel is handed over so that conv's correlation comes out."""

    def forward(x: np.ndarray, w: np.ndarray, **kwargs: Any) -> np.ndarray:
        kernel = w[0, 0]
        if turned:
            kernel = kernel[(slice(None, None, -1),) * kernel.ndim]
        return np.asarray(function(x[0, 0], kernel, **options))[None, None]

    return forward


def _transform_bound(case: Case) -> float:
    """A transform's error is norm-wise: |err| ≤ 8·log₂(N)·u·‖x‖₂·‖w‖₂, N the padded length (Higham 2002, §24.1)."""
    x, w = case.arrays[:2]
    size = float(np.prod([n + k - 1 for n, k in zip(x.shape[2:], w.shape[2:], strict=True)]))
    return 8.0 * (1.0 + np.log2(size)) * np.finfo(float).eps * float(np.linalg.norm(x) * np.linalg.norm(w))


def subjects() -> Iterator[SignalSubject]:
    """Every function with every choice that is tested."""
    from scipy import ndimage, signal

    modes = ("full", "same", "valid")
    for function, turned in ((signal.convolve, True), (signal.correlate, False)):
        for mode, method in product(modes, ("direct", "fft")):
            bound = _transform_bound if method == "fft" else None
            yield _subject(function, turned, _pads(mode), bound=bound, mode=mode, method=method)
    for mode in modes:
        yield _subject(signal.oaconvolve, True, _pads(mode), bound=_transform_bound, mode=mode)
    for mode, (boundary, border) in product(modes, _CONVOLVE2D.items()):
        options: dict[str, Any] = {"mode": mode, "boundary": boundary}
        yield _subject(signal.convolve2d, True, _pads(mode), border, (2,), **options)
        note = _OFFSET if mode == "same" else ""
        yield _subject(signal.correlate2d, False, _correlate2d_pads(mode), border, (2,), note, **options)
    for function, turned in ((ndimage.convolve, True), (ndimage.correlate, False)):
        for mode, border in _NDIMAGE.items():
            yield _subject(function, turned, _ndimage_pads(turned), border, mode=mode)


def _subject(
    function: Any,
    turned: bool,
    pads: Callable[[int], tuple[int, int]],
    border: str = "zeros",
    ndims: tuple[int, ...] = (1, 2, 3),
    note: str = "",
    bound: Callable[[Case], float] | None = None,
    **options: Any,
) -> SignalSubject:
    home = ".".join(function.__module__.split(".")[:2])
    name = f"{home}.{function.__name__}({', '.join(f'{option}={value!r}' for option, value in options.items())})"
    subject = Subject(name, _called(function, turned, **options), bound=bound)
    return SignalSubject(subject, ndims, turned, pads, border, note)


@st.composite
def signal_cases(draw: Callable[..., Any], of: SignalSubject) -> Case:
    """One signal and one kernel no longer than it, with the padding that the subject's options mean."""
    ndim = draw(st.sampled_from(of.ndims))
    most = {1: 6, 2: 4, 3: 3}[ndim]
    kernel = tuple(draw(st.integers(1, most)) for _ in range(ndim))
    pads = tuple(of.pads(k) for k in kernel)
    border = BORDERS.get(of.padding_mode)
    sizes = []
    for k, pair in zip(kernel, pads, strict=True):
        least = k
        if border is not None and border.reach is not None:
            least = max(least, *(pad + 1 - border.reach(1) for pad in pair))
        sizes.append(draw(st.integers(least, least + 4)))
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    x, w = (rng.integers(-9, 10, shape).astype(float) for shape in (tuple(sizes), kernel))
    kwargs: dict[str, Any] = {"padding": pads} if any(any(pair) for pair in pads) else {}
    kwargs |= {"padding_mode": of.padding_mode} if of.padding_mode != "zeros" else {}
    return Case("conv", (x[None, None], w[None, None]), kwargs)
