"""How far each kernel is off, beside its bound: `python -m tests.bench.accuracy`.

Errors are in units of rounding u = eps/2, relative to the sum of the absolute values of the terms where it is a sum,
and to the value elsewhere. Data are normal, and numbers from 10⁻⁹ to 10⁹ of which many cancel; the largest error of all
elements and rounds counts. What is exact is computed in long double, for activations in float32 in double.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from convmath.kernels import direct, elementwise, norms, signal
from convmath.kernels.choice import methods
from convmath.kernels.norms import Layout
from convmath.kernels.signal_costs import costs
from convmath.kernels.streams import stream
from convmath.kernels.winograd import Tiles
from convmath.window import Window, windows

from ..kernels.sums import EXACT, wide
from .budgets import processor

ROUNDS = 5
Row = tuple[str, str, dict[str, float], str]

# 3×3 on so many channels of this size
SIZES, CHANNELS = (14, 14), 32


def data(dtype: str, *shapes: tuple[int, ...], of_one_scale: bool = False) -> Iterator[list[np.ndarray]]:
    for seed in range(ROUNDS):
        rng = np.random.default_rng(seed)
        yield [rng.standard_normal(shape).astype(dtype) for shape in shapes]
        if not of_one_scale:
            yield [wide(rng, shape, dtype) for shape in shapes]


def units(found: np.ndarray, exact: np.ndarray, size: np.ndarray) -> float:
    """The largest error in units of rounding of what is found."""
    unit = np.finfo(found.dtype).eps / 2
    there = size > 0
    return float((abs(found - exact)[there] / (unit * size[there])).max())


# --- sums ---------------------------------------------------------------------------------------------------------


def convolutions() -> Iterator[Row]:
    laid = windows(SIZES, (3, 3), 1, 1)
    x_shape, w_shape, y_shape = (2, CHANNELS, *SIZES), (CHANNELS, CHANNELS, 3, 3), (2, CHANNELS, *SIZES)
    given: dict[str, tuple[tuple[Any, Any], tuple[Any, ...], int]] = {
        "conv": ((x_shape, w_shape), (laid, 1), 9 * CHANNELS),
        "conv_input": ((y_shape, w_shape), (laid, 1, SIZES), 9 * CHANNELS),
        "conv_weight": ((y_shape, x_shape), (laid, 1), 2 * SIZES[0] * SIZES[1]),
    }
    by_numpy = {"winograd by NumPy": Tiles(2), "winograd4 by NumPy": Tiles(4)}
    for method, kernels in {**methods(), **by_numpy}.items():
        for name, (shapes, more, terms) in given.items():
            errors = {}
            for dtype in ("f4", "f8"):
                largest = 0.0
                # tiles carry the error of their largest number to the others
                for one, other in data(dtype, *shapes, of_one_scale="winograd" in method):
                    a, b = one.astype(EXACT), other.astype(EXACT)
                    exact, size = (getattr(direct, name)(f(a), f(b), *more) for f in (np.asarray, abs))
                    largest = max(largest, units(getattr(kernels, name)(one, other, *more), exact, size))
                errors[dtype] = largest
            bound = "by the norm of its tiles; here normal data alone" if "winograd" in method else str(terms)
            yield f"{name}, {method}", f"{terms} terms", errors, bound


def signals() -> Iterator[Row]:
    n, k = 4096, 300
    for method, plans in signal.METHODS.items():
        errors = {}
        for dtype in ("f4", "f8"):
            largest = 0.0
            for x, w in data(dtype, (n + k - 1,), (k,)):
                plan = min(plans((n,), (k,), x.dtype, costs(x.dtype)), key=lambda one: one.seconds)
                found = signal.walk(np.empty(n, dtype), x, w, (Window(k),), None, plan, x.dtype)
                a, b = x.astype(EXACT), w.astype(EXACT)
                exact = np.correlate(a, b, "valid")
                size = np.correlate(abs(a), abs(b), "valid")
                if not plan.exact:  # relative to norms
                    size = np.full(n, np.linalg.norm(a) * np.linalg.norm(b))
                largest = max(largest, units(found, exact, size))
            errors[dtype] = largest
        bound = str(k) if plan.exact else f"{plan.loss():.0f}, by norms"  # type: ignore[attr-defined]
        yield f"convolve, {method}", f"{k} terms", errors, bound


def pools_and_norms() -> Iterator[Row]:
    kernels, laid = stream("pooling", 10**6), windows((112, 112), (3, 3), 2, 1)
    errors = {}
    for dtype in ("f4", "f8"):
        largest = 0.0
        for (x,) in data(dtype, (2, 8, 112, 112)):
            exact, size = (direct.avg_pool(f(x.astype(EXACT)), laid, 9) for f in (np.asarray, abs))
            largest = max(largest, units(kernels.avg_pool(x, laid, 9), exact, size))
        errors[dtype] = largest
    yield "avg_pool", "9 terms", errors, "10"
    layout = Layout((4, 8, 1, 784), (0, 2, 3), (1,))
    for place, name in enumerate(("mean", "variance")):
        errors = {}
        for dtype in ("f4", "f8"):
            largest = 0.0
            for (x,) in data(dtype, (4, 8, 28, 28)):
                found = stream("norms", 10**6).statistics(x, layout)[place]
                a = x.astype(EXACT)
                exact = norms.statistics(a, layout)[place]
                size = norms.statistics(abs(a), layout)[0] if place == 0 else exact
                largest = max(largest, units(found, exact, size))
            errors[dtype] = largest
        yield f"batch_norm, {name}", "3136 terms", errors, "142, and 3 × 142 of the variance"


# --- functions ----------------------------------------------------------------------------------------------------

CURVES: dict[str, dict[str, Any]] = {
    "elu": {"alpha": 1.0},
    "softplus": {"beta": 1.0, "threshold": None},
    "sigmoid": {},
    "scaled_tanh": {},
    "silu": {},
    "gelu": {},
    "gelu_tanh": {"cubic": 0.044715},
}


def functions() -> Iterator[Row]:
    """Where the value is not too small: |x| ≤ 5."""
    x = np.concatenate([np.linspace(-5, 5, 2**18), np.geomspace(1e-6, 5, 2**14)]).astype("f4")
    for name, hyper in CURVES.items():
        exact = getattr(elementwise, name)(x.astype(float), **hyper)
        found = getattr(stream("elementwise", 10**6), name)(x, **hyper)
        yield name, "-5 ≤ x ≤ 5", {"f4": units(found, exact, abs(exact))}, "16·(2 + x²)"
    rows = np.random.default_rng(0).standard_normal((512, 1000)).astype("f4") * 4
    total = np.log(np.exp(rows.astype(float)).sum(1, keepdims=True))
    found = stream("losses", 10**6).log_softmax(rows, 1)
    yield "log_softmax", "1000 classes", {"f4": units(found, rows - total, abs(rows) + abs(total))}, "1030"


def main() -> None:
    print(f"{processor()}, NumPy {np.__version__}\n")
    print("| kernel | of | float32 | float64 | bound |\n|---|---|---|---|---|")
    parts: list[Callable[[], Iterator[Row]]] = [convolutions, signals, pools_and_norms, functions]
    for part in parts:
        for name, of, errors, bound in part():
            each = " | ".join(f"{errors[dtype]:.2g} u" if dtype in errors else "" for dtype in ("f4", "f8"))
            print(f"| {name} | {of} | {each} | {bound} |", flush=True)


if __name__ == "__main__":
    main()
