"""Beside SciPy: `python -m tests.bench.scipy`; `--fit` prints the constants of `convmath/kernels/signal_costs.py`.

Both take turns in one process. SciPy's figure is that of its fastest function for the case: scipy.signal's convolve,
fftconvolve and oaconvolve, and scipy.ndimage.convolve; one that is hopeless in a first round is not measured again.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import statistics
import sys
from collections.abc import Callable, Iterator
from functools import partial
from time import perf_counter, thread_time

import numpy as np
import scipy
from scipy import ndimage, optimize, signal

from convmath import functional as F
from convmath.kernels import fft, lifting, runs
from convmath.kernels import signal as kernels
from convmath.kernels.signal_costs import COSTS, Costs
from convmath.kernels.threads import set_threads, threads
from convmath.window import Window

from .budgets import processor

Call = Callable[[], object]
Clock = Callable[[], float]

CASES = [
    *(((10**6,), (k,)) for k in (16, 64, 256, 1000, 4096, 10**4)),
    *(((2048, 2048), (k, k)) for k in (3, 5, 7, 11, 15, 31, 63)),
    *(((128, 128, 128), (k, k, k)) for k in (5, 7, 9, 11, 15)),
]
ROUNDS = 7
# how many times slower than the fastest a function may be in the first round to be measured again
HOPELESS = 3.0


def theirs(a: np.ndarray, v: np.ndarray) -> dict[str, Call]:
    """SciPy's ways, without those whose first round would take minutes."""
    found: dict[str, Call] = {
        "fftconvolve": lambda: signal.fftconvolve(a, v, "same"),
        "oaconvolve": lambda: signal.oaconvolve(a, v, "same"),
    }
    if a.ndim == 1 or v.size <= 25:
        found["convolve"] = lambda: signal.convolve(a, v, "same", method="direct")
    if v.size <= 150:
        found["ndimage"] = lambda: ndimage.convolve(a, v, mode="constant")
    return found


def seconds(call: Call, clock: Clock) -> float:
    start = clock()
    call()
    return clock() - start


def taking_turns(calls: dict[str, Call], clock: Clock) -> dict[str, list[float]]:
    """Seconds of each call, one after the other, round by round; of SciPy's those that may be its fastest."""
    for call in calls.values():
        call()
    first = {name: seconds(call, clock) for name, call in calls.items()}
    most = HOPELESS * min(took for name, took in first.items() if name != "ours")
    good = {name: call for name, call in calls.items() if name == "ours" or first[name] <= most}
    found: dict[str, list[float]] = {name: [] for name in good}
    for _ in range(ROUNDS):
        for name, call in good.items():
            found[name].append(seconds(call, clock))
    return found


def rows(clock: Clock) -> Iterator[tuple[str, str, str, float, float, float, float]]:
    """Each case: its name, our method, SciPy's function, and least and median milliseconds of both."""
    rng = np.random.default_rng(0)
    for dtype in ("f4", "f8"):
        for sizes, kernel in CASES:
            a, v = (rng.standard_normal(shape).astype(dtype) for shape in (sizes, kernel))
            times = taking_turns({"ours": partial(F.convolve, a, v, "same"), **theirs(a, v)}, clock)
            ours = times.pop("ours")
            best, theirs_took = min(times.items(), key=lambda named: min(named[1]))
            name = f"{' × '.join(map(str, sizes))}, {' × '.join(map(str, kernel))}, {np.dtype(dtype)}"
            figures = (1e3 * f(t) for t in (ours, theirs_took) for f in (min, statistics.median))
            yield name, F.convolve.plan(a, v, "same").method, best, *figures


def table(clock: Clock) -> None:
    print(f"{processor()}, {threads()} threads, NumPy {np.__version__}, SciPy {scipy.__version__}\n")
    print("| case | ours | least / median | SciPy's best | least / median | ratio |\n|---|---|---|---|---|---|")
    ratios = []
    for name, method, best, least, median, their_least, their_median in rows(clock):
        ratios.append(least / their_least)
        print(
            f"| {name} | {method} | {least:.2f} / {median:.2f} ms | {best} | {their_least:.2f} / {their_median:.2f} ms "
            f"| {ratios[-1]:.2f} |",
            flush=True,
        )
    print(f"\nGeometric mean of the ratios {statistics.geometric_mean(ratios):.2f}, largest {max(ratios):.2f}.")


# --- the constants ------------------------------------------------------------------------------------------------

# what each method's seconds are a sum of, and on what it is measured
PARTS = (
    (kernels.METHODS["direct"], ("call", "element")),
    (lifting.plans, ("call", "mac", "packed", "added", "copied")),
    (runs.plans, ("sweep", "joined", "swept")),
    (fft.plans, ("transform", "layer", "axis", "moved")),
    (kernels.METHODS["simd"], ("launch", "cycle", "laid")),
)
FITTED = [
    *(((10**6,), (k,)) for k in (5, 16, 64, 400, 10**4)),
    *(((10**5,), (16,)), ((3 * 10**5,), (3000,)), ((300,), (5,)), ((30, 30), (3, 3))),
    *(((1000, 1000), kernel) for kernel in ((3, 3), (7, 7), (15, 15), (31, 31), (1, 25), (25, 1))),
    *(((90, 90, 90), (k, k, k)) for k in (3, 7, 11)),
]
# products of numbers that one measurement may take
MOST = 6e8
PLANS = 5


def measured(
    sizes: tuple[int, ...], kernel: tuple[int, ...], dtype: str, chosen: kernels.Plan, rng: np.random.Generator
) -> float:
    """The least seconds of this thread for one plan."""
    x, w = (rng.standard_normal(shape).astype(dtype) for shape in (sizes, kernel))
    windows = [Window(k) for k in kernel]
    y = np.empty(tuple(n - k + 1 for n, k in zip(sizes, kernel, strict=True)), dtype)
    least, end = math.inf, perf_counter() + 0.2
    while perf_counter() < end or least == math.inf:
        start = thread_time()
        kernels.walk(y, x, w, windows, None, chosen, x.dtype)
        least = min(least, thread_time() - start)
    return least


def fitted(dtype: str, plans_of: Callable[..., Iterator[kernels.Plan]], names: tuple[str, ...]) -> dict[str, float]:
    """The constants under which the plans' seconds are nearest to what they take, relative to that."""
    rng = np.random.default_rng(0)
    fields = [field.name for field in dataclasses.fields(Costs)]
    units = [Costs(*(float(field == name) for field in fields)) for name in names]
    lines = []
    for sizes, kernel in FITTED:
        if plans_of is not fft.plans and math.prod(sizes) * math.prod(kernel) > MOST:
            continue
        counts = tuple(n - k + 1 for n, k in zip(sizes, kernel, strict=True))
        # seconds are linear in the constants, and each way's plans come in one order
        plans = list(zip(*(plans_of(counts, kernel, np.dtype(dtype), unit) for unit in units), strict=True))
        for place in rng.permutation(len(plans))[:PLANS]:
            took = measured(sizes, kernel, dtype, plans[place][0], rng)
            lines.append([plan.seconds / took for plan in plans[place]])
    if not lines:  # it has no plans for this type
        return {}
    found, _ = optimize.nnls(np.array(lines), np.ones(len(lines)))
    return dict(zip(names, map(float, found), strict=True))


def fit() -> None:
    """The table anew; set OPENBLAS_NUM_THREADS=1, since a product of matrices has threads of its own."""
    set_threads(1)
    for dtype in COSTS:
        found: dict[str, float] = {}
        for plans_of, names in PARTS:
            found |= fitted(dtype, plans_of, names)
        lines = (f"        {name}={seconds:.2e},\n" for name, seconds in found.items())
        print(f'    "{dtype}": Costs(\n{"".join(lines)}    ),', flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fit", action="store_true", help="print the constants of the cost model instead")
    parser.add_argument("--one", action="store_true", help="one thread, and its own time: for a machine that is busy")
    parser.add_argument("--numpy", action="store_true", help="as it is computed without the extra `fast`")
    asked = parser.parse_args()
    if asked.numpy:
        sys.modules["llvmlite"] = None  # type: ignore[assignment]
    if asked.fit:
        fit()
    elif asked.one:
        set_threads(1)
        table(thread_time)
    else:
        table(perf_counter)


if __name__ == "__main__":
    main()
