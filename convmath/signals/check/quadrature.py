"""Integrals in numbers, by the double exponential rules: ends where a function is singular, or infinite, cost nothing
more.

∫_a^b f = ∫ f(x(u)) x′(u) du with x = (a + b)/2 + (b - a)/2·tanh(π/2·sinh u), and x = a ± exp(π/2·sinh u) towards ±∞
(H. Takahasi, M. Mori, Double exponential formulas for numerical integration, 1974).
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence

import numpy as np
import scipy.special

from ..deadline import inquire

__all__ = [
    "Integral",
    "chirp_integral",
    "from_end",
    "integrals",
    "principal_integral",
    "principal_value",
    "slow_integral",
    "with_slow_tails",
]

# of u to either side, for finite intervals and for others; nodes on a side at first, and at last
REACH, FARTHER, NODES, MOST = 3.2, 4.3, 48, 384
GRID_POLES = 2  # between whose nodes a grid can have poles halfway
SLOW = 1e-6  # the error from which on a tail is integrated as what falls slowly
# how often an interval is parted that needs more; from an endless one a longer part is taken each time
HALVED, DOUBLED = 4, 7

LENGTHS = (128.0, 256.0, 512.0, 1024.0)  # of windows over what falls slowly

Function = Callable[[np.ndarray], np.ndarray]


class Integral:
    """A value, how far it may be off, and the integral of the absolute value."""

    def __init__(self, value: complex, error: float, size: float):
        self.value, self.error, self.size = value, error, size

    def __add__(self, other: Integral) -> Integral:
        return Integral(self.value + other.value, self.error + other.error, self.size + other.size)


@functools.cache
def _rule(nodes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Nodes and weights of (0, 1), as distances from its nearer end with the side, and of (0, ∞)."""
    s, weights = _stretched(REACH, nodes)
    from_low = 1 / (1 + np.exp(-2 * s))
    t, further = _stretched(FARTHER, nodes)
    endless = np.exp(t)
    return from_low, weights * 2 * from_low * from_low[::-1], endless, further * endless


def _stretched(reach: float, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """π/2·sinh u at equal steps of u, and its derivative times the step."""
    u = np.linspace(-reach, reach, 2 * nodes + 1)
    return np.pi / 2 * np.sinh(u), np.pi / 2 * np.cosh(u) * (reach / nodes)


def integrals(f: Function, ends: Sequence[float], tolerance: float) -> Integral:
    """∫ f over neighbouring intervals, the first and the last of which may be infinite."""
    total = Integral(0, 0.0, 0.0)
    for low, high in itertools.pairwise(ends):
        if low < high:
            total = total + _integral(f, low, high, tolerance)
    return total


def from_end(f: Function, length: float, tolerance: float) -> Integral:
    """∫_0^length f, where f may be singular at 0; it is asked at distances that are exact, however small."""
    if np.isinf(length):
        return from_end(f, 1.0, tolerance) + integrals(f, [1.0, length], tolerance)
    return integrals(lambda v: f(v**8) * 8 * v**7, [0.0, length**0.125], tolerance)


def _integral(f: Function, low: float, high: float, tolerance: float, halved: int = 0) -> Integral:
    nodes = NODES
    while True:
        inquire()
        found = _estimate(f, low, high, nodes)
        if found.error <= tolerance * found.size:
            return found
        if nodes >= MOST:
            break
        nodes *= 2
    endless = np.isinf(low) or np.isinf(high)
    if halved == (DOUBLED if endless else HALVED):
        return found
    middle, parted = _between(low, high, halved), Integral(0, 0.0, 0.0)
    for ends in ((low, middle), (middle, high)):  # what turns often before it falls needs nodes everywhere
        anew = endless and np.isfinite(ends).all()
        parted = parted + _integral(f, *ends, tolerance, 0 if anew else halved + 1)
    return parted if parted.error < found.error else found


def _between(low: float, high: float, halved: int) -> float:
    """The middle, or a point that is farther off from time to time where there is none."""
    if np.isinf(low):
        return 0.0 if np.isinf(high) else high - 4.0 * 2**halved
    return low + 4.0 * 2**halved if np.isinf(high) else (low + high) / 2


def _estimate(f: Function, low: float, high: float, nodes: int) -> Integral:
    from_low, finite, endless, growing = _rule(nodes)
    if np.isinf(low) and np.isinf(high):
        return _estimate(f, low, 0.0, nodes) + _estimate(f, 0.0, high, nodes)
    if np.isinf(high):
        x, weights = low + endless, growing
    elif np.isinf(low):
        x, weights = high - endless, growing
    else:
        x = np.where(from_low < 0.5, low + (high - low) * from_low, high - (high - low) * from_low[::-1])
        weights = finite * (high - low)
    # a distance from an end that rounding loses
    nearest = (high - low) * np.minimum(from_low, from_low[::-1]) if np.isfinite(high - low) else endless
    lost = nearest < 1e-14 * max(abs(end) for end in (low, high) if np.isfinite(end))
    with np.errstate(all="ignore"):
        values = np.asarray(f(x))
        if values.dtype == object:  # integers of Python's, too large for NumPy's
            values = values.astype(complex)
        values = values * weights
    values = _beyond_the_last(values, lost)
    value, half = values.sum(), 2 * values[::2].sum()
    size = float(np.abs(values).sum())
    edges = float(abs(values[0]) + abs(values[-1])) * nodes + float(np.abs(values[lost]).sum())
    return Integral(complex(value), float(abs(value - half)) + edges + 1e-15 * size, size)


def _beyond_the_last(values: np.ndarray, lost: np.ndarray | None = None) -> np.ndarray:
    """Zeros where a product of a huge and a tiny number is none, if all that is beside it is negligible.

    Where rounding makes a node the end itself, at which a function may be infinite, it counts as the next one does:
    what is lost there is in the error.
    """
    wrong = ~np.isfinite(values)
    if not wrong.any():
        return values
    good = np.flatnonzero(~wrong)
    if not len(good):
        return np.full_like(values, np.nan)
    for at in np.flatnonzero(wrong & lost) if lost is not None else ():
        values[at] = values[good[np.argmin(np.abs(good - at))]]
    wrong = ~np.isfinite(values)
    beside = ~wrong & (np.append(wrong[1:], False) | np.append(False, wrong[:-1]))
    if not (np.abs(values[beside]) <= 1e-12 * np.abs(values[good]).max()).all():
        return np.full_like(values, np.nan)
    return np.where(wrong, 0, values)


def slow_integral(f: Function, poles: Sequence[float] = ()) -> Integral:
    """∫ over the whole line of what is smooth and falls slowly, or turns without falling, or has simple poles on the
    line.

    The trapezoidal rule under a smooth window, its nodes halfway around every pole, so that it gives a principal
    value; the window grows, and the remainder c/L + d/L² + … of its length L is extrapolated away.
    """
    step, start = _grid(poles)
    x = start + step * np.arange(-int(LENGTHS[-1] / step) - 1, int(LENGTHS[-1] / step) + 1)
    with np.errstate(all="ignore"):
        values = _beyond_the_last(np.asarray(f(x)) * step)
    return _extrapolated(values, np.abs(x))


def _extrapolated(values: np.ndarray, distances: np.ndarray) -> Integral:
    """Sums under windows of lengths that double, with the powers of 1/L extrapolated away."""
    if not np.isfinite(values).all():
        return Integral(complex("nan"), np.inf, np.inf)
    table = [complex((values * _window(distances / length)).sum()) for length in LENGTHS]
    size, last = float(np.abs(values).sum()), table[-1]
    while len(table) > 1:
        order = len(LENGTHS) - len(table) + 1
        last, table = table[-1], [b + (b - a) / (2**order - 1) for a, b in itertools.pairwise(table)]
    return Integral(table[0], abs(table[0] - last), size)


def chirp_integral(f: Function, ends: Sequence[float], tolerance: float) -> Integral:
    """∫ f over neighbouring intervals, where f turns ever faster towards infinity, as e^{iτ²} does.

    Under a smooth window what it turns through adds to less than any power of 1/L, so that a short one is enough: two
    of them say how far off it is.
    """
    inner = _apart(ends) or [0.0]
    total = integrals(f, inner, tolerance)
    nodes, weights = GAUSS
    edges = np.arange(0.0, SHORT[-1], FINE)
    distances = (edges[:, None] + FINE / 2 * (1 + nodes)).ravel()
    scale = np.tile(weights * FINE / 2, len(edges))
    for end, start, sign in ((ends[0], inner[0], -1), (ends[-1], inner[-1], 1)):
        if np.isinf(end):
            with np.errstate(all="ignore"):
                values = np.asarray(f(start + sign * distances)) * scale
            one, two = (complex((values * _window(distances / length)).sum()) for length in SHORT)
            total = total + Integral(two, abs(two - one), float(np.abs(values).sum()))
    return total


SHORT, FINE = (24.0, 32.0), 1 / 32  # lengths of windows, and the intervals of Gauss's rule below them


def with_slow_tails(f: Function, ends: Sequence[float], tolerance: float) -> Integral:
    """∫ f over neighbouring intervals, where what goes to infinity falls slowly, or turns without falling."""
    inner = _apart(ends)
    if not inner:
        return slow_integral(f)
    total = integrals(f, inner, tolerance)
    for end, start, sign in ((ends[0], inner[0], -1), (ends[-1], inner[-1], 1)):
        if np.isinf(end):
            total = total + _slow_tail(f, start, sign)
    return total


def _apart(ends: Sequence[float]) -> list[float]:
    """The finite ends, and points from which on Gauss's rule goes to infinity: not breaks, where a function may be
    singular.
    """
    inner = [x for x in ends if np.isfinite(x)]
    before = [inner[0] - APART] if inner and np.isinf(ends[0]) else []
    after = [inner[-1] + APART] if inner and np.isinf(ends[-1]) else []
    return [*before, *inner, *after]


APART = 4.0


GAUSS = np.polynomial.legendre.leggauss(12)


def _slow_tail(f: Function, start: float, sign: int) -> Integral:
    """∫ from a point to infinity, by Gauss's rule on short intervals under a window, as over the whole line."""
    width = 0.5
    nodes, weights = GAUSS
    edges = np.arange(0.0, LENGTHS[-1], width)
    distances = (edges[:, None] + width / 2 * (1 + nodes)).ravel()
    with np.errstate(all="ignore"):
        values = _beyond_the_last(np.asarray(f(start + sign * distances)) * np.tile(weights * width / 2, len(edges)))
    return _extrapolated(values, distances)


def principal_value(f: Function, ends: Sequence[float], poles: Sequence[float], tolerance: float) -> Integral:
    """∫ f over neighbouring intervals with simple poles inside: around each, f(p + x) + f(p - x) has none."""
    total, marks = Integral(0, 0.0, 0.0), list(ends)
    for pole in poles:
        reach = min([1.0, *(abs(pole - x) / 2 for x in (*ends, *poles) if x != pole)])
        values = []
        for order in (24, 36):
            nodes, weights = np.polynomial.legendre.leggauss(order)
            x = reach / 2 * (1 + nodes)
            with np.errstate(all="ignore"):
                values.append(complex(((f(pole + x) + f(pole - x)) * weights * reach / 2).sum()))
        total = total + Integral(values[1], abs(values[1] - values[0]), abs(values[1]))
        marks += [pole - reach, pole + reach]
    marks = sorted(marks)
    for low, high in itertools.pairwise(marks):
        if not any(low < pole < high for pole in poles):
            part = integrals(f, [low, high], tolerance)
            if np.isinf(high - low) and not part.error <= SLOW * part.size:
                part = with_slow_tails(f, [low, high], tolerance)
            total = total + part
    return total


def principal_integral(f: Function, poles: Sequence[float], tolerance: float = 1e-8) -> Integral:
    """∫ over the whole line with simple poles on it."""
    if len(poles) <= GRID_POLES:
        return slow_integral(f, poles)
    return principal_value(f, [-np.inf, np.inf], poles, tolerance)


def _grid(poles: Sequence[float]) -> tuple[float, float]:
    """A step and a node such that every pole lies halfway between nodes; of poles at most two."""
    step = 1 / 32
    if len(poles) == 2:
        distance = abs(poles[1] - poles[0])
        step = distance / max(1, round(distance / step))
    return step, (poles[0] if poles else 0.0) + step / 2


def _window(x: np.ndarray) -> np.ndarray:
    """1 up to ½, 0 from 1 on, and smooth in between."""
    s = np.clip(2 * x - 1, 1e-9, 1 - 1e-9)
    return scipy.special.expit(1 / s - 1 / (1 - s))
