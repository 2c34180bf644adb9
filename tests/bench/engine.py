"""What the engine adds to the kernels, for each operation, forward and back: python -m tests.bench.engine

Each chain is differentiated by the engine and, beside it in the same process, by hand with the same kernels; both on
tiny arrays, so that hardly anything but the way there is left. The figures are thread time, the least of several runs.
"""

from __future__ import annotations

from collections.abc import Callable
from time import thread_time
from typing import Any

import numpy as np

import convmath as cm
from convmath import functional as F

from .budgets import processor

STEPS, REPEATS, ROUNDS = 25, 100, 9  # LeNet-5 with its loss is about as many operations

RNG = np.random.default_rng(0)
X, W, B = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 3)) / 3, RNG.normal(size=3)
IMAGES, KERNELS = RNG.normal(size=(1, 1, 4, 4)), RNG.normal(size=(1, 1, 3, 3)) / 9


def chained(step: Callable[..., Any]) -> Callable[..., Any]:
    def f(x: Any, *weights: Any) -> Any:
        for _ in range(STEPS):
            x = step(x, *weights)
        return x.sum()

    return f


def by_hand(operator: Any, **given: Any) -> Callable[..., Any]:
    """The gradients of a chain of one operator, by its calls."""

    def gradients(x: Any, *weights: Any) -> Any:
        calls = []
        for _ in range(STEPS):
            calls.append(operator.prepare(x, *weights, **given))
            x = calls[-1].computed()
        g, total = np.ones_like(x), [0.0] * len(weights)
        for call in reversed(calls):
            g, *others = call.pulled(g)
            total = [a + b for a, b in zip(total, others, strict=False)]
        return g, *total

    return gradients


def doubled(x: Any) -> Any:
    for _ in range(STEPS):
        x = x * 1.5
    g = np.ones_like(x)
    for _ in range(STEPS):
        g = g * 1.5
    return g


CHAINS: dict[str, tuple[Callable[..., Any], Callable[..., Any], tuple[np.ndarray, ...]]] = {
    "x * 1.5": (lambda x: x * 1.5, doubled, (X,)),
    "F.tanh": (F.tanh, by_hand(F.tanh), (X,)),
    "F.linear, by three arrays": (F.linear, by_hand(F.linear), (X, W, B)),
    "F.conv, by two arrays": (
        lambda x, w: F.conv(x, w, padding=1),
        by_hand(F.conv, padding=1),
        (IMAGES, KERNELS),
    ),
}


def seconds(f: Callable[..., Any], arrays: tuple[np.ndarray, ...]) -> float:
    start = thread_time()
    for _ in range(REPEATS):
        f(*arrays)
    return (thread_time() - start) / REPEATS


def main() -> None:
    print(f"{processor()}, NumPy {np.__version__}, chains of {STEPS} operations\n")
    print("| operation | by the engine | by hand | more for each |\n|---|---|---|---|")
    for name, (step, hand, arrays) in CHAINS.items():
        engine = cm.grad(chained(step), tuple(range(len(arrays))))
        for f in (engine, hand):
            f(*arrays)
        runs = [(seconds(engine, arrays), seconds(hand, arrays)) for _ in range(ROUNDS)]
        mine, other = (min(times) * 1e6 / STEPS for times in zip(*runs, strict=True))
        print(f"| `{name}` | {mine:.1f} µs | {other:.1f} µs | {mine - other:.1f} µs |", flush=True)


if __name__ == "__main__":
    main()
