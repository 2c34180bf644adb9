"""Why a problem has no solution, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from math import isinf

from convmath.ir.nodes import Zero
from convmath.ir.poly import Poly, poly
from convmath.window import span

from .families import families
from .problem import WHERE, Problem, Range, least_values, only

__all__ = ["why_none"]

# how far from the size that is asked for others are tried
NEAR = 64


def why_none(problem: Problem) -> str:
    """no (k, s, …) takes n to m: the reason"""
    if len(problem.sizes) > 1:
        for size in problem.sizes:
            alone = replace(problem, sizes=(size,))
            if not _some(alone):
                return why_none(alone)
        reason = "each of these sizes can be had alone, but not all with the same"
    elif problem.symbols:
        reason = _of_symbols(problem)
    else:
        reason = _of_numbers(problem)
    return f"no {_unknowns(problem)}{_taken(problem)}: {reason} [{WHERE}]"


def _some(problem: Problem) -> bool:
    return next(families(problem), None) is not None


# --- what is asked for --------------------------------------------------------------------------------------------


def _unknowns(problem: Problem) -> str:
    """The unknowns, and in words what is known of them."""
    free = problem.free
    limited = [f"{letter} {_among(runs)}" for letter, runs in problem.known if not isinf(runs[-1][1])]
    if problem.padding not in ("symmetric", "asymmetric"):
        limited.append(f"padding={problem.padding!r}")
    named = f"({', '.join(free)})" if len(free) > 1 else free[0] if free else "solution"
    return f"{named} with {', '.join(limited)}" if limited else named


def _among(runs: tuple[Range, ...]) -> str:
    """= 3, or: from 1 to 11, or: among 3, 5 to 7."""
    said = [f"{low}" if low == high else f"{low} to {high}" for low, high in runs]
    word = "=" if only(runs) is not None else "from" if len(runs) == 1 else "among"
    return f"{word} {', '.join(said)}"


def _taken(problem: Problem) -> str:
    pairs = [f"{'any n' if n is None else n} to {'⌈n/s⌉' if m is None else m}" for n, m in problem.sizes]
    every = ", ".join(symbol.name for symbol in problem.symbols)
    how = " transposed" if problem.transposed else ""
    return f" takes {' and '.join(pairs)}{how}{f' at every {every}' if every else ''}"


# --- numbers ------------------------------------------------------------------------------------------------------


def _of_numbers(problem: Problem) -> str:
    """The first that is so: too large or small, between two strides, between two other sizes."""
    ranges = {letter: (runs[0][0], runs[-1][1]) for letter, runs in problem.known}
    if problem.worded:
        ranges = {letter: run for letter, run in ranges.items() if letter in "sn"}
    most = max(ranges["s"][1], ranges.get("d", (1, 1))[1])
    if "e" in ranges and ranges["e"][0] >= most:
        return f"e is {ranges['e'][0]} or more, but it is below s or d, which are {most} or less"
    if not problem.worded and (reason := _beyond(problem, ranges)) is not None:
        return reason
    open_ = [letter for letter, (low, high) in ranges.items() if low != high]
    if open_ == ["s"] and (reason := _between_strides(problem, ranges)) is not None:
        return reason
    return _nearest(problem)


def _beyond(problem: Problem, ranges: Mapping[str, Range]) -> str | None:
    """The output is at most, or at least, another size."""
    exact = all(low == high for low, high in ranges.values())
    for most, said in ((True, "at most "), (False, "at least ")):
        corner = _corner(problem, ranges, most)
        if corner is None:
            continue
        size, m = _number(_equation(problem, corner).left), _asked(problem)
        where = ", ".join(f"{letter} = {value}" for letter, value in corner.items())
        if most and size < 1 and not problem.transposed:
            return f"no window fits, since the kernel spans {span(corner['k'], corner['d'])}, at {where}"
        if size < m if most else size > m:
            return f"the output is {size}" if exact else f"the output is {said}{size}, at {where}"
    return None


def _corner(problem: Problem, ranges: Mapping[str, Range], most: bool) -> dict[str, int] | None:
    """The values at which the output is greatest (or least); None where there is no end."""
    falling = "pab" if problem.transposed else "ksd"
    if problem.padding == "full":
        falling = "kd" if problem.transposed else "s"
    ends = {letter: (low if (letter in falling) == most else high) for letter, (low, high) in ranges.items()}
    # what makes no difference need only be as large as e asks for
    idle = [*("d" if ends["k"] == 1 else ""), *("s" if problem.transposed and _input(problem, ends) == 1 else "")]
    for letter in idle:
        if isinf(ends[letter]):
            ends[letter] = max(ranges[letter][0], ends.get("e", 0) + 1)
    if "e" in ends and most:
        ends["e"] = min(ends["e"], max(ends["s"], ends["d"]) - 1)
    return None if any(isinf(end) for end in ends.values()) else {letter: int(end) for letter, end in ends.items()}


def _equation(problem: Problem, values: Mapping[str, int]) -> Zero:
    """The condition at these values that says how long the output is."""
    conditions = problem.conditions({letter: poly(value) for letter, value in values.items()})
    [found] = (guard for guard in conditions if isinstance(guard, Zero))
    return found


def _number(form: Poly) -> int:
    assert form.constant is not None
    return form.constant


def _asked(problem: Problem) -> int:
    m = problem.sizes[0][1]
    assert m is not None
    return _number(m)


def _input(problem: Problem, values: Mapping[str, float]) -> float:
    n = problem.sizes[0][0]
    return values["n"] if n is None else _number(n)


def _between_strides(problem: Problem, ranges: Mapping[str, Range]) -> str | None:
    """Two strides in a row, of which one gives less and the other more: a size goes one way as the stride grows."""
    others = {"k": 1, "d": 1} | {letter: int(low) for letter, (low, _) in ranges.items()}
    goal = _number(_equation(problem, others).right)
    growing = problem.transposed and not problem.worded

    def gives(stride: int) -> int:
        return _number(_equation(problem, others | {"s": stride}).left)

    def before(stride: int) -> bool:
        return gives(stride) < goal if growing else gives(stride) > goal

    first, last = ranges["s"]
    if not before(first) or (growing and _input(problem, others) == 1):
        return None
    low, high = first, 2 * first
    while before(high) and high <= last:
        low, high = high, 2 * high
    while high - low > 1:
        half = (low + high) // 2
        low, high = (half, high) if before(half) else (low, half)
    if high > last:
        return None
    if problem.worded and problem.transposed:
        return f"⌈{_asked(problem)}/s⌉ is {gives(low)} at stride {low}, and {gives(high)} at stride {high}"
    return f"stride {low} gives {gives(low)}, and stride {high} gives {gives(high)}"


def _nearest(problem: Problem) -> str:
    """The sizes next to the one asked for that there are."""
    [(n, _)], m = problem.sizes, _asked(problem)

    def first(sizes: Iterator[int]) -> int | None:
        return next((size for size in sizes if _some(replace(problem, sizes=((n, poly(size)),)))), None)

    near = [first(iter(range(m - 1, max(m - NEAR, 0), -1))), first(iter(range(m + 1, m + NEAR)))]
    found = [str(size) for size in near if size is not None]
    if not found:
        return f"nothing from {max(m - NEAR, 0) + 1} to {m + NEAR - 1} is given"
    return f"the nearest that {'is' if len(found) == 1 else 'are'} given: {' and '.join(found)}"


# --- symbols ------------------------------------------------------------------------------------------------------


def _of_symbols(problem: Problem) -> str:
    [(n, m)] = problem.sizes
    if m is None:
        return "⌈n/s⌉ at every n is given by the padding a + b = d·(k - 1), and by no other"
    assert n is not None
    strides: dict[Fraction | None, str] = {}
    for symbol in problem.symbols:
        by, to = (_number(size.coefficient(symbol)) for size in ((m, n) if problem.transposed else (n, m)))
        strides[Fraction(by, to) if to else None] = (
            f"{symbol.name} (n by {n.coefficient(symbol)}, out by {m.coefficient(symbol)})"
        )
    if len(strides) > 1:
        return f"what grows with {' and '.join(strides.values())} has no stride in common"
    [(stride, grows)] = strides.items()
    if stride is None or stride.denominator > 1 or stride < 1:
        return f"n and out grow with {grows}, which is no whole stride"
    runs = dict(problem.known)["s"]
    if not any(low <= stride <= high for low, high in runs):
        return f"n and out grow with {grows}, which is stride {stride}"
    at = {symbol: low for size in (n, m) for symbol, low in least_values(size).items()}
    said = ", ".join(f"{symbol.name} = {low}" for symbol, low in at.items())
    known = tuple((letter, ((int(stride), int(stride)),) if letter == "s" else runs) for letter, runs in problem.known)
    there = replace(problem, sizes=((n.substitute(at), m.substitute(at)),), known=known)
    return f"already at {said}, with s = {stride}: {_of_numbers(there)}"
