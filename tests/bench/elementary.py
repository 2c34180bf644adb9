"""The elementary functions: python -m tests.bench.elementary (or `make bench`).

Errors in ulps: of float32 on all 2³² numbers against our own float64 function (whose error is proved to be below some
ulps of float64: tests/kernels/test_elementary_proof.py), of float64 on a sample against mpmath with 200 bits. Times are
of one thread on normal random numbers, against NumPy's and SciPy's functions. Generated kernels are used where llvmlite
is there: they have the same bits. `python -m tests.bench.elementary exp erf` takes these only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from time import thread_time

import mpmath
import numpy as np
from scipy import special

from convmath.kernels import elementary

from .budgets import processor

BLOCK = 2**20
SAMPLE = 20_000
Function = Callable[[np.ndarray], np.ndarray]

OTHERS: dict[str, Function] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sigmoid": special.expit,
    "erf": special.erf,
    "erfc": special.erfc,
    "bell": lambda x: np.exp(x * x * -0.5),
    "normal": special.ndtr,
    "log1p_exp": lambda x: np.log1p(np.exp(-np.abs(x))),
}
# those that mpmath does not have
TRUTH: dict[str, Callable[[mpmath.mpf], mpmath.mpf]] = {
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "bell": lambda x: mpmath.exp(-x * x / 2),
    "normal": mpmath.ncdf,
    "log1p_exp": lambda x: mpmath.log1p(mpmath.exp(-abs(x))),
}
# ulps of float32 that a library's result may be from ours, where it is more than 1
APART = {"bell": 2, "normal": 7, "log1p_exp": 3}


def generated(name: str) -> Function | None:
    if find_spec("llvmlite") is None:
        return None
    from ..kernels.elementwise_kernel import compiled

    return lambda x: compiled(x.dtype.str[1:], name)(x)


def all_floats(name: str) -> tuple[float, float, int]:
    """The greatest error in ulps over all float32, where it is, and how many results are not the nearest."""
    function = generated(name) or getattr(elementary, name)
    worst, at, wrong = 0.5, float("nan"), 0
    for start in range(0, 2**32, BLOCK):
        x = np.arange(start, start + BLOCK, dtype=np.uint32).view(np.float32)
        with np.errstate(all="ignore"):  # signalling NaN
            y, exact, library = function(x), function(x.astype(np.float64)), OTHERS[name](x.astype(np.float64))
            other = np.flatnonzero(y.view(np.uint32) != exact.astype(np.float32).view(np.uint32))
            # what both of ours might have wrong: the same infinities and NaN as the library's, and no other sign
            as_there = (
                np.isnan(y) & np.isnan(library)
                | (y == library.astype(np.float32))
                | (ulps(y, library) <= APART.get(name, 1))
            )
            assert as_there.all(), f"{name}({x[as_there.argmin()]}) is {library[as_there.argmin()]} in the library"
        if other.size:
            errors = ulps(y[other], exact[other])
            wrong += other.size
            if errors.max() > worst:
                worst, at = float(errors.max()), float(x[other[errors.argmax()]])
    return worst, at, wrong


def ulps(y: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """|y - exact| in ulps of float32; infinite where only one of them is finite, or a number."""
    # the ulp of what is below 2^-126 is that of 2^-126
    place = np.maximum(np.frexp(exact)[1] - 1, -126)
    with np.errstate(invalid="ignore"):
        found = np.abs(y.astype(np.float64) - exact) * np.exp2(23.0 - place)
    return np.where(np.isnan(found), np.inf, found)


def sample(name: str, rng: np.random.Generator) -> np.ndarray:
    """Where the function is neither constant nor the identity, all octaves alike and some of them thoroughly."""
    both = rng.choice([-1.0, 1.0], SAMPLE)
    parts = [both * np.exp2(rng.uniform(-30, 5, SAMPLE)), both * rng.uniform(0, 2, SAMPLE)]
    if name in ("exp", "expm1", "sigmoid"):
        parts.append(rng.uniform(-745, 709, SAMPLE))
    if name == "log":
        parts += [np.exp2(rng.uniform(-1074, 1023, SAMPLE)), 1 + both * rng.uniform(0, 0.4, SAMPLE)]
    if name == "erfc":
        parts.append(rng.uniform(0.4, 27, SAMPLE))
    if name in ("bell", "normal"):
        parts.append(rng.uniform(-37, 0, SAMPLE))
    x = np.concatenate(parts)
    return np.abs(x) if name == "log" else x[x > -1] if name == "log1p" else x


def sampled(name: str) -> tuple[float, float]:
    """The greatest error in ulps of float64 on a sample, and where it is."""
    x = sample(name, np.random.default_rng(0))
    truth = TRUTH.get(name) or getattr(mpmath, name)
    worst = 0.0, float("nan")
    with mpmath.workprec(200):
        for argument, found in zip(x.tolist(), getattr(elementary, name)(x).tolist(), strict=True):
            exact = truth(mpmath.mpf(argument))
            ulp = mpmath.ldexp(1, max(mpmath.frexp(exact)[1], -1021) - 53)
            worst = max(worst, (float(abs(found - exact) / ulp), argument))
    return worst


def nanoseconds(function: Function, x: np.ndarray) -> float:
    """The least time for an element, of one thread."""
    times = []
    for _ in range(7):
        start = thread_time()
        function(x)
        times.append(thread_time() - start)
    return min(times) / x.size * 1e9


def rows(names: list[str]) -> Iterator[list[str]]:
    for name in names:
        error, at, wrong = all_floats(name)
        of_double, at_double = sampled(name)
        yield [
            name,
            f"{error:.5f} at {at:.9g}",
            f"{wrong / 2**32:.1e}",
            f"{of_double:.3f} at {at_double:.17g}",
            *times(name, np.float32),
            *times(name, np.float64),
        ]


def times(name: str, dtype: type) -> Iterator[str]:
    """Ours in NumPy, ours generated, and the other library's, in nanoseconds."""
    x = np.random.default_rng(1).standard_normal(2**17).astype(dtype)
    x = np.abs(x) if name.startswith("log") else x
    for function in (getattr(elementary, name), generated(name), OTHERS[name]):
        yield f"{nanoseconds(function, x):.2f}" if function else "-"


HEADER = [
    "function",
    "float32, greatest error in ulps",
    "share not nearest",
    "float64, greatest error in a sample",
    *(f"{dtype}: {what}" for dtype in ("float32", "float64") for what in ("NumPy", "generated", "library's, ns")),
]


def main() -> None:
    os.environ["CONVMATH_CACHE"] = ""  # the code of the kernels as they are now
    names = sys.argv[1:] or list(OTHERS)
    print(f"{processor()}, NumPy {np.__version__}\n")
    print(f"| {' | '.join(HEADER)} |\n|{'---|' * len(HEADER)}")
    for row in rows(names):
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
