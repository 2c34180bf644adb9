"""Correlation of one signal with one kernel, of any number of axes: the choice of a way, and the walk over the array.

y[j] = Σ_t w[t] · x[j+t-a], with zeros outside x, or what a border says. A negative padding cuts off. The output is made
in boxes that stay in the cache, and the taps, where there are more of them than outputs, in parts; both follow from
sizes alone, so that a result does not depend on the number of threads.

`plans` of each way say what it would cost. Here is the place for further ways: a module with `plans` of the same kind.
Generated kernels ("simd") are there with llvmlite, for real numbers on at most three axes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from convmath.errors import HyperparameterError
from convmath.window import Border, Window

from . import fft, lifting, ordered_signal, runs
from .choice import Choice, missed, without
from .cores import each
from .costs import WORTH_MAKING
from .order import in_exact_order
from .signal_costs import Costs, costs
from .simd.memory import empty
from .taps import output_sizes, taps
from .tiles import Box, boxes, fitted, patch, pieces, within

__all__ = ["METHODS", "Plan", "by_definition", "correlate", "plan"]

Run = Callable[[np.ndarray], np.ndarray]
Sizes = tuple[int, ...]


class Plan(Protocol):
    """One way to compute: the outputs and taps of one round, about how long all of it takes on one core.

    One that can go over all of a signal by itself, with zeros outside, has `whole(y, x, w, windows)` too, which says
    whether all outputs are finite.
    """

    @property
    def method(self) -> str: ...
    @property
    def tile(self) -> tuple[int, ...]: ...
    @property
    def part(self) -> tuple[int, ...]: ...
    @property
    def seconds(self) -> float: ...
    @property
    def threaded(self) -> bool: ...
    @property
    def exact(self) -> bool: ...
    def reads(self, counts: Sequence[int], kernel: Sequence[int]) -> tuple[int, ...]:
        """How large the patch of the input has to be for so many outputs."""
        ...

    def prepared(self, w: np.ndarray) -> Run:
        """What makes the outputs (and perhaps more behind them) from a patch without padding."""
        ...


# --- the definition -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Direct:
    """Tap by tap or, where there are fewer outputs, output by output."""

    method = "direct"
    threaded = True
    exact = True

    tile: tuple[int, ...]
    part: tuple[int, ...]
    seconds: float

    def reads(self, counts: Sequence[int], kernel: Sequence[int]) -> tuple[int, ...]:
        return tuple(m + k - 1 for m, k in zip(counts, kernel, strict=True))

    def prepared(self, w: np.ndarray) -> Run:
        windows = tuple(map(Window, w.shape))
        return lambda x: by_definition(x, w, windows)


def _direct_plans(counts: Sizes, kernel: Sizes, dtype: np.dtype, cost: Costs) -> Iterator[Direct]:
    tile, part = fitted(counts, 2**15), fitted(kernel, 2**17)
    fewer, more = sorted((math.prod(tile), math.prod(part)))
    rounds = pieces(counts, tile) * pieces(kernel, part)
    yield Direct(tile, part, rounds * fewer * (cost.call + more * cost.element))


def by_definition(x: np.ndarray, w: np.ndarray, windows: Sequence[Window]) -> np.ndarray:
    """y[j] = Σ_t w[t] · x[j+t-a] over what lies in x: what is outside takes no part, so that ∞·0 does not arise."""
    if not windows:
        return np.asarray(w * x)
    counts = output_sizes(windows, x.shape)
    y = np.zeros(counts, np.result_type(x, w))
    if math.prod(w.shape) <= y.size:
        for tap, out, into in taps(windows, x.shape, counts):
            y[out] += w[tap] * x[into]
        return y
    # j and t stand in the same place of j + t - a: outputs and taps change roles
    turned = [Window(m, before=v.before, after=v.after) for m, v in zip(counts, windows, strict=True)]
    for place, of, into in taps(turned, x.shape, w.shape):
        y[place] = np.dot(w[of].reshape(-1), x[into].reshape(-1))
    return y


# --- the choice ---------------------------------------------------------------------------------------------------


def _generated_plans(counts: Sizes, kernel: Sizes, dtype: np.dtype, cost: Costs) -> Iterator[Plan]:
    """None where there are no generated kernels, or not for this type or so many axes."""
    if without():
        return
    from .simd import lifting as generated

    yield from generated.plans(counts, kernel, dtype, cost)


def _numpy_plans(counts: Sizes, kernel: Sizes, dtype: np.dtype, cost: Costs) -> Iterator[Plan]:
    yield from lifting.plans(counts, kernel, dtype, cost)
    yield from runs.plans(counts, kernel, dtype, cost)


METHODS: dict[str, Callable[[Sizes, Sizes, np.dtype, Costs], Iterator[Plan]]] = {
    "direct": _direct_plans,
    "patches": _numpy_plans,
    "fft": fft.plans,
    "simd": _generated_plans,
}


def plan(counts: Sizes, kernel: Sizes, dtype: np.dtype, method: str = "auto", where: str = "correlate") -> Plan:
    """The cheapest plan of that method; for "auto" of all whose bound is not above that of the plain sum."""
    most = math.prod(kernel) if method == "auto" else math.inf
    found = _plan(tuple(counts), tuple(kernel), dtype, method, most, False)
    if found is None:  # a transform without a limit is always there
        if without():
            raise HyperparameterError(f"method {method!r} is asked for, but {without()} [{where}]")
        return plan(counts, kernel, dtype, "patches", where)
    return found


@lru_cache(maxsize=256)
def _plan(counts: Sizes, kernel: Sizes, dtype: np.dtype, method: str, most: float, whole: bool) -> Plan | None:
    """The cheapest plan whose transforms lose at most that; of whole numbers, times the root of a block's size."""
    found: list[Plan] = []
    cost = costs(dtype)
    ways = METHODS if method == "auto" else [method]
    for way in ways if counts and all(counts) else ["direct"]:  # of a number, and of nothing, there is one way
        if way == "fft" and fft.loss(math.prod(map(min, counts, kernel))) <= most:
            found += (one for one in fft.plans(counts, kernel, dtype, cost) if one.loss(whole) <= most)
        elif way == "simd" and method == "auto" and min(one.seconds for one in found) < WORTH_MAKING:
            continue  # making a kernel takes longer than what is small
        elif way != "fft":
            found += METHODS[way](counts, kernel, dtype, cost)
    return min(found, key=lambda one: one.seconds, default=None)


# --- the walk -----------------------------------------------------------------------------------------------------


def correlate(
    x: np.ndarray,
    w: np.ndarray,
    windows: Sequence[Window],
    border: Border | None = None,
    method: str = "auto",
    out: np.ndarray | None = None,
    where: str = "correlate",
) -> np.ndarray:
    """y[j] = Σ_t w[t] · x[j+t-a] of arrays of one type, into `out` if it comes; integers come out exact, modulo 2⁶⁴."""
    chosen, dtype = _chosen(x, w, output_sizes(windows, x.shape), method, where)
    if method == "auto" and chosen.method != "fft" and x.dtype.kind == "f":
        missed(chosen.seconds)
    if in_exact_order() and x.dtype.kind != "i":
        found = ordered_signal.correlate(x, w, windows, border)
        if out is not None:
            out[...] = found
        return found if out is None else out
    y = empty(output_sizes(windows, x.shape), x.dtype) if out is None else out
    return walk(y, x, w, windows, border, chosen, dtype)


def walk(
    y: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    windows: Sequence[Window],
    border: Border | None,
    chosen: Plan,
    dtype: np.dtype,
) -> np.ndarray:
    """Every output by this plan, computed in this type."""
    if _at_once(y, x, w, windows, border, chosen, dtype):
        return y
    for at, of in enumerate(boxes(w.shape, chosen.part)):
        _add(y, x, w[of].astype(dtype, copy=False), windows, of, border, chosen, first=at == 0)
    return y


def _at_once(
    y: np.ndarray, x: np.ndarray, w: np.ndarray, windows: Sequence[Window], border: Border | None, chosen: Plan,
    dtype: np.dtype,
) -> bool:  # fmt: skip
    """Whether the plan could go over all of the signal where it lies, and nothing came out that is not finite."""
    whole = getattr(chosen, "whole", None)
    if whole is None or border is not None or chosen.part != w.shape:
        return False
    lies = all(array.dtype == dtype and array.flags.c_contiguous and array.flags.aligned for array in (x, y))
    return lies and whole(y, x, w, windows)


def choice(x: np.ndarray, w: np.ndarray, counts: tuple[int, ...], method: str, where: str = "correlate") -> Choice:
    """What `correlate` would do, and what each method should take on one core."""
    chosen, dtype = _chosen(x, w, counts, method, where)
    there = [name for name in METHODS if name != "simd" or not without()]
    expected = {name: one.seconds for name in there if (one := plan(counts, w.shape, dtype, name)).method == name}
    why = "asked for" if chosen.method == method else f"should take the least time, {1e6 * chosen.seconds:.0f} µs"
    if in_exact_order():
        why = "the only one that has an order"
    elif x.dtype.kind != "i" and not np.isfinite(w).all():
        why = "the only one that keeps what is not finite to the outputs that read it"
    elif method == "simd" and chosen.method != method:
        why = "simd is asked for, but its kernels are for float32 and float64 on one to three axes"
    products = w.size * math.prod(counts) * (4 if x.dtype.kind == "c" else 1)
    moved = x.nbytes + w.nbytes + math.prod(counts) * x.itemsize
    return Choice(chosen.method, METHODS[chosen.method], why, 2 * products, moved, expected)


def _chosen(x: np.ndarray, w: np.ndarray, counts: tuple[int, ...], method: str, where: str) -> tuple[Plan, np.dtype]:
    """How to compute, and in which type."""
    if x.dtype.kind != "i" and in_exact_order():
        return plan(counts, w.shape, x.dtype, "direct"), x.dtype
    if x.dtype.kind != "i":
        # only the definition keeps what is not finite to the outputs that read it
        return plan(counts, w.shape, x.dtype, method if np.isfinite(w).all() else "direct", where), x.dtype
    largest = _largest(x)
    if largest * _largest(w) * w.size > 2**53:
        if method == "fft":
            raise _too_large(where)
        return plan(counts, w.shape, x.dtype, "direct" if method == "auto" else method, where), x.dtype
    # float64 holds every sum, and a transform that is wrong by less than a quarter is rounded to the right number;
    # by powers of two, so that few questions are asked
    norm = float(np.linalg.norm(w.astype(float)))
    most = 2.0 ** math.floor(51 - math.log2(max(1.0, largest * norm)))
    found = _plan(counts, w.shape, np.dtype(float), method, most, True)
    if found is None and method == "fft":
        raise _too_large(where)
    return found or plan(counts, w.shape, np.dtype(float), method, where), np.dtype(float)


def _too_large(where: str) -> HyperparameterError:
    return HyperparameterError(
        "method is 'fft', but integers so large a transform may not round to the right ones; method='auto' is exact "
        f"[{where}]"
    )


def _largest(x: np.ndarray) -> int:
    return max(int(x.max()), -int(x.min()))


def _add(
    y: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    windows: Sequence[Window],
    part: Box,
    border: Border | None,
    chosen: Plan,
    *,
    first: bool,
) -> None:
    """Some taps' part of every output."""
    run = chosen.prepared(w)

    def work(tile: Box) -> None:
        laid = within(windows, x.shape, tile, part)
        if isinstance(chosen, Direct) and border is None:
            found = by_definition(x, w, laid)
        else:
            counts = tuple(some.stop - some.start for some in tile)
            seen = patch(x, laid, chosen.reads(counts, w.shape), w.dtype, border)
            found = run(seen) if isinstance(chosen, Direct) else _sound(seen, w, run, counts)
        if y.dtype.kind == "i" and not chosen.exact:
            found = np.rint(found)
        if first:
            y[tile] = found
        else:
            y[tile] += found.astype(y.dtype, copy=False)

    each(work, boxes(y.shape, chosen.tile), chosen.seconds if chosen.threaded else 0.0)


def _sound(seen: np.ndarray, w: np.ndarray, run: Run, counts: tuple[int, ...]) -> np.ndarray:
    """The outputs of a patch, by the definition where a fast way would carry what is not finite to its neighbours."""
    kept = tuple(map(slice, counts))
    with np.errstate(all="ignore"):
        found = run(seen)[kept]
        if np.isfinite(found).all():
            return found
        bad = ~np.isfinite(seen)
        if bad.any():
            found = run(np.where(bad, seen.dtype.type(0), seen))[kept].copy()
    # nothing bad came in: it is too large on the way, or in the end
    touched = _touched(bad, w.shape, counts) if bad.any() else kept
    read = tuple(slice(s.start or 0, s.stop + k - 1) for s, k in zip(touched, w.shape, strict=True))
    found[touched] = by_definition(seen[read], w, tuple(map(Window, w.shape)))
    return found


def _touched(bad: np.ndarray, kernel: Sequence[int], counts: Sequence[int]) -> Box:
    """The box of the outputs that read anything bad."""
    found = []
    for places, k, m in zip(np.nonzero(bad), kernel, counts, strict=True):
        last = min(m, int(places.max()) + 1)
        found.append(slice(min(last, max(0, int(places.min()) - k + 1)), last))
    return tuple(found)
