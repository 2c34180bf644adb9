"""Fits `convmath/kernels/costs.py`: `python -m tests.bench.costs` prints its constants, and how good the choice is.

Each method computes convolutions of many sizes, forward and both gradients; the constants are those under which the
logarithms of the expected seconds are nearest to those of the measured ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from time import perf_counter, thread_time
from typing import Any

import numpy as np
from scipy import optimize

from convmath.kernels import costs
from convmath.kernels.choice import ITSELF, methods
from convmath.kernels.problem import Convolution
from convmath.kernels.threads import set_threads
from convmath.kernels.winograd import Tiles
from convmath.window import windows

from .budgets import processor

Shape = tuple[int, ...]
Call = Callable[[Any], object]

# input, weight, stride, padding, dilation, groups
LAYERS: list[tuple[Shape, Shape, int, int, int, int]] = [
    *(((n, 1, 28, 28), (6, 1, 5, 5), 1, 2, 1, 1) for n in (1, 16, 128)),
    *(((n, 6, 14, 14), (16, 6, 5, 5), 1, 0, 1, 1) for n in (1, 16, 128)),
    *(((n, 16, 32, 32), (32, 16, 3, 3), s, 1, 1, 1) for n in (1, 32) for s in (1, 2)),
    *(((2, c, 28, 28), (c, c, 3, 3), 1, 1, 1, 1) for c in (3, 20, 32, 64, 128)),
    *(((2, c, 14, 14), (2 * c, c, 1, 1), s, 0, 1, 1) for c in (16, 100, 256) for s in (1, 2)),
    ((2, 3, 112, 112), (64, 3, 7, 7), 2, 3, 1, 1),
    ((1, 3, 115, 115), (96, 3, 11, 11), 4, 0, 1, 1),
    ((2, 64, 28, 28), (64, 64, 3, 3), 1, 2, 2, 1),
    ((4, 64, 28, 28), (64, 16, 3, 3), 1, 1, 1, 4),
    ((4, 64, 28, 28), (64, 1, 3, 3), 1, 1, 1, 64),
    ((4, 64, 28, 28), (64, 1, 3, 3), 2, 1, 1, 64),
    ((4, 16, 1000), (32, 16, 9), 1, 4, 1, 1),
    ((1, 4, 12, 20, 20), (8, 4, 3, 3, 3), 1, 1, 1, 1),
    ((1, 2, 5, 5), (3, 2, 2, 2), 1, 0, 1, 1),
    ((8, 8, 9, 9), (8, 8, 3, 3), 1, 1, 1, 1),
]
DTYPES = ("f4", "f8", "i8")
# operations above which the plain definition is not measured
MOST = 4e8
SPAN = 0.05  # seconds that one measurement may take


def problems(dtype: str) -> Iterator[tuple[Convolution, Call]]:
    """Convolutions, and what computes them with given kernels."""
    rng = np.random.default_rng(0)

    def drawn(shape: Shape) -> np.ndarray:
        return (rng.standard_normal(shape) * (1 if dtype.startswith("f") else 9)).astype(dtype)

    for x_shape, w_shape, stride, padding, dilation, groups in LAYERS:
        x, w, sizes = drawn(x_shape), drawn(w_shape), x_shape[2:]
        laid = windows(sizes, w_shape[2:], stride, padding, dilation)
        forward = Convolution.forward(x, w, laid, groups)
        gy = drawn((x_shape[0], w_shape[0], *forward.counts))
        yield forward, lambda of, x=x, w=w, laid=laid, groups=groups: of.conv(x, w, laid, groups)
        yield (
            Convolution.by_input(gy, w, laid, groups, sizes),
            lambda of, gy=gy, w=w, laid=laid, groups=groups, n=sizes: of.conv_input(gy, w, laid, groups, n),
        )
        yield (
            Convolution.by_weight(gy, x, laid, groups),
            lambda of, gy=gy, x=x, laid=laid, groups=groups: of.conv_weight(gy, x, laid, groups),
        )


def measured(call: Callable[[], object]) -> float:
    """The least seconds of this thread."""
    call()
    least, end = math.inf, perf_counter() + SPAN
    while perf_counter() < end or least == math.inf:
        start = thread_time()
        call()
        least = min(least, thread_time() - start)
    return least


def fitted(known: Mapping[str, float], rows: list[tuple[Mapping[str, float], float]]) -> dict[str, float]:
    """The constants, from known ones on, under which the amounts are nearest to the seconds, by their logarithms."""
    names = [name for name in known if any(name in amounts for amounts, _ in rows)]
    matrix = np.array([[amounts.get(name, 0.0) for name in names] for amounts, _ in rows])
    took = np.log([seconds for _, seconds in rows])
    start = np.log([known[name] for name in names])
    found = optimize.least_squares(lambda logarithms: np.log(matrix @ np.exp(logarithms)) - took, start, loss="soft_l1")
    return dict(zip(names, np.exp(found.x).tolist(), strict=True))


def main() -> None:
    set_threads(1)
    there = {**methods(), "tiles": Tiles(2)}  # which NumPy computes where nothing is generated
    rows: dict[str, list[tuple[Mapping[str, float], float]]] = {kind: [] for kind in costs.SECONDS}
    took: list[tuple[str, Convolution, dict[str, float]]] = []
    for dtype in DTYPES:
        for problem, call in problems(dtype):
            seconds = {}
            for method, (kind, amounts) in costs.amounts(problem, there).items():
                if problem.flops > MOST and (method == "direct" or dtype == "i8"):
                    continue
                seconds[method] = measured(lambda of=there[method], call=call: call(of))
                rows[kind].append((amounts, seconds[method]))
            took.append((dtype, problem, seconds))
    print(f"{processor()}, NumPy {np.__version__}; one thread\n\nSECONDS = {{")
    for kind, of in rows.items():
        found = fitted(costs.SECONDS[kind], of)
        costs.SECONDS[kind] |= found
        print(f'    "{kind}": {{{", ".join(f"{name!r}: {value:.1e}" for name, value in found.items())}}},')
    print("}\n")
    slower = sorted(_slower(took, there), reverse=True)
    ratios = [ratio for ratio, _ in slower]
    print(f"What is chosen takes {np.mean(ratios):.2f} times as long as the fastest (median {np.median(ratios):.2f}).")
    for ratio, said in slower[:8]:
        print(f"  {ratio:.2f}: {said}")


def _slower(took: list[tuple[str, Convolution, dict[str, float]]], there: Any) -> Iterator[tuple[float, str]]:
    """How many times longer than the fastest the chosen method takes, of those that may be chosen by themselves."""
    for dtype, problem, seconds in took:
        own = [name for name in ITSELF if name in seconds]
        if not own:
            continue
        expected = costs.seconds(problem, there)
        chosen, best = min(own, key=lambda name: expected[name]), min(own, key=lambda name: seconds[name])
        ratio = seconds[chosen] / seconds[best]
        yield ratio, f"{dtype} {problem.kind} {problem.shape} → {problem.outputs}: {chosen} for {best}"


if __name__ == "__main__":
    main()
