"""What is computed on a GPU, and how far it may be from what NumPy's arrays give.

Both are sums with an error of at most γ_n·Σ|terms|, so they are at most twice that apart; data are standard normal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmath import functional as F

from ...kernels.sums import gamma
from ..layers import LAYERS, Layer

__all__ = ["KINDS", "Work"]

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Work:
    """A call of an operator, its arrays by name; `allowed` is the error of its value and of each gradient."""

    name: str
    kind: str
    function: Any
    arrays: Arrays
    hyper: Mapping[str, Any]
    allowed: Callable[[Work, np.ndarray], list[np.ndarray]]
    layer: Layer | None = None

    def value(self, arrays: Mapping[str, Any]) -> Any:
        """Of arrays of any library; of several outputs the first."""
        found = self.function(**arrays, **self.hyper)
        return found[0] if isinstance(found, tuple) else found

    def gradients(self, g: Any, arrays: Mapping[str, Any]) -> list[Any]:
        return [one for one in self.function.vjp(g, **arrays, **self.hyper) if one is not None]

    def all(self, g: Any, arrays: Mapping[str, Any]) -> list[Any]:
        return [self.value(arrays), *self.gradients(g, arrays)]

    def cotangent(self) -> np.ndarray:
        y = np.asarray(self.value(self.arrays))
        return np.asarray(np.random.default_rng(1).standard_normal(y.shape), y.dtype)


def share(work: Work, g: np.ndarray, found: list[np.ndarray]) -> float:
    """The largest error of all elements, by what it may be; NaN is no error that may be."""
    largest = 0.0
    for one, right, most in zip(found, work.all(g, work.arrays), work.allowed(work, g), strict=True):
        assert (one.shape, one.dtype) == (right.shape, right.dtype), (work.name, one.dtype, one.shape)
        off = abs(one - right)
        largest = max(largest, float(np.where(off == 0, 0, off / np.maximum(2 * most, np.finfo(one.dtype).tiny)).max()))
        if np.isnan(off).any():
            return math.inf
    return largest


def _absolute(arrays: Arrays) -> dict[str, np.ndarray]:
    return {name: abs(a) if a.dtype.kind == "f" else a for name, a in arrays.items()}


# --- sums ---------------------------------------------------------------------------------------------------------


def _sums(work: Work, g: np.ndarray) -> list[np.ndarray]:
    """γ_n·Σ|terms|; n is what comes out where all numbers are 1"""
    sizes = work.all(abs(g), _absolute(work.arrays))
    ones = {name: np.ones_like(a) for name, a in work.arrays.items()}
    return [
        gamma(float(n.max()), size.dtype) * size for n, size in zip(work.all(np.ones_like(g), ones), sizes, strict=True)
    ]


def layers(dtype: str) -> Iterator[Work]:
    rng = np.random.default_rng(0)
    for layer in LAYERS:
        arrays = {name: rng.standard_normal(getattr(layer, name)).astype(dtype) for name in "xw"}
        hyper = {name: getattr(layer, name) for name in ("stride", "padding", "dilation", "groups")}
        function = F.conv_transpose if layer.transposed else F.conv
        yield Work(layer.name, "layer", function, arrays, hyper, _sums, layer)


def signals(dtype: str) -> Iterator[Work]:
    rng = np.random.default_rng(0)
    for n, k in (((10**6,), (64,)), ((2048, 2048), (7, 7)), ((128,) * 3, (5,) * 3)):
        arrays = {name: rng.standard_normal(shape).astype(dtype) for name, shape in (("a", n), ("v", k))}
        # a transform of SciPy's has an error by norms; ours is a sum on a GPU, and NumPy's is told to be one
        yield Work(f"{_said(n)}, {_said(k)}", "signal", F.convolve, arrays, {"mode": "same"}, _sums)


def _pool(work: Work, g: np.ndarray) -> list[np.ndarray]:
    """A maximum is exact; an average is a sum over the window, and a gradient of either over windows."""
    terms = work.hyper["kernel_size"] ** 2 + 1
    y, gx = work.value(_absolute(work.arrays)), work.gradients(abs(g), work.arrays)[0]
    return [gamma(terms * (work.function is not F.max_pool), y.dtype) * y, gamma(terms, y.dtype) * gx]


def pools(dtype: str) -> Iterator[Work]:
    rng = np.random.default_rng(0)
    for shape, hyper in (
        ((64, 16, 32, 32), {"kernel_size": 2}),
        ((8, 64, 112, 112), {"kernel_size": 3, "stride": 2, "padding": 1}),
    ):
        x = rng.standard_normal(shape).astype(dtype)
        for name, function in (("max", F.max_pool), ("average", F.avg_pool)):
            size = hyper["kernel_size"]
            title = f"{name} {size}×{size}/{hyper.get('stride', size)} at {_said(shape)}"
            yield Work(title, "pool", function, {"x": x}, hyper, _pool)


# --- what is made of sums -----------------------------------------------------------------------------------------


def _norm(work: Work, g: np.ndarray) -> list[np.ndarray]:
    """Mean and variance have the error γ_n of n members, and numbers minus the mean over the deviation twice that."""
    x, w, b = (work.arrays[name].astype(float) for name in ("x", "weight", "bias"))
    over = (0, *range(2, x.ndim))
    unit = gamma(x.size // x.shape[1] + 10, g.dtype)
    mean, deviation = x.mean(over, keepdims=True), x.std(over, keepdims=True)
    size = 1 + abs(x - mean) / deviation
    w, b = (abs(each).reshape(-1, 1, 1) for each in (w, b))
    y = 3 * unit * (w * size + b)
    gz, own = abs(g) * w, abs(g) * size
    gx = 6 * unit * (gz + size * (gz * size).mean(over, keepdims=True)) / deviation
    return [y, gx, 3 * unit * own.sum(over), unit * abs(g).sum(over)]


def norms(dtype: str) -> Iterator[Work]:
    rng = np.random.default_rng(0)
    for shape in ((64, 16, 32, 32), (8, 64, 112, 112)):
        x, w, b = (rng.standard_normal(each).astype(dtype) for each in (shape, shape[1], shape[1]))
        arrays = {"x": x, "weight": w, "bias": b}
        yield Work(f"batch norm at {_said(shape)}", "norm", F.batch_norm, arrays, {"training": True}, _norm)


def _curve(work: Work, g: np.ndarray) -> list[np.ndarray]:
    """20·(2 + x²) units of the value: an argument that is rounded counts x times in e^x."""
    x, u = work.arrays["x"], np.finfo(g.dtype).eps / 2
    return [20 * u * (2 + x * x) * abs(work.value(work.arrays)), 36 * u * abs(g) * (1 + abs(x))]


def activations(dtype: str) -> Iterator[Work]:
    x = np.random.default_rng(0).standard_normal((64, 16, 32, 32)).astype(dtype)
    for function in (F.relu, F.tanh, F.gelu):
        yield Work(f"{function.__name__} at {_said(x.shape)}", "activation", function, {"x": x}, {}, _curve)


def _of_classes(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Probabilities, how large what is in the exponent is, and the roundings of a sum over the classes."""
    p = F.softmax(x.astype(float), axis=1)
    return p, 1 + abs(x) + abs(x).max(1, keepdims=True), gamma(x.shape[1] + 30, x.dtype)


def _softmax(work: Work, g: np.ndarray) -> list[np.ndarray]:
    p, size, unit = _of_classes(work.arrays["x"])
    return [unit * p * size, 3 * unit * p * size * (abs(g) + (abs(g) * p).sum(1, keepdims=True))]


def _entropy(work: Work, g: np.ndarray) -> list[np.ndarray]:
    x, target = work.arrays["x"], work.arrays["target"]
    p, size, unit = _of_classes(x)
    chosen = np.arange(x.shape[1]).reshape(-1, *[1] * (x.ndim - 2)) == target[:, None]
    unit += gamma(target.size, x.dtype)
    return [np.asarray(unit * size.mean()), unit * abs(g) * (p + chosen) * size / target.size]


def losses(dtype: str) -> Iterator[Work]:
    rng = np.random.default_rng(0)
    for shape in ((64, 1000), (8, 21, 64, 64)):
        x = rng.standard_normal(shape).astype(dtype)
        arrays = {"x": x, "target": rng.integers(0, shape[1], (shape[0], *shape[2:]))}
        yield Work(f"softmax at {_said(shape)}", "loss", F.softmax, {"x": x}, {"axis": 1}, _softmax)
        yield Work(f"cross entropy at {_said(shape)}", "loss", F.cross_entropy, arrays, {}, _entropy)


def _said(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


KINDS: Mapping[str, Callable[[str], Iterator[Work]]] = {
    "layer": layers,
    "pool": pools,
    "norm": norms,
    "activation": activations,
    "loss": losses,
    "signal": signals,
}
