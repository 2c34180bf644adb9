"""Which classes of functions are convolved with which: the table that the documentation prints, as data.

A cell is closed where every pair of the two classes whose integral or sum exists has an answer. Elsewhere some pairs
have one, and the others a stated refusal; no answer is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["CLASSES", "CLOSED", "cells", "is_closed", "markdown", "open_cells"]

# what is meant by each class, as a reader would say it
CLASSES: dict[str, dict[str, str]] = {
    "continuous": {
        "impulses": "δ and its derivatives, anywhere",
        "bounded": "polynomials, exponentials and waves between two points; boxes, triangles, Max, Piecewise",
        "causal": "polynomial × exponential × wave from a point on",
        "anticausal": "the same up to a point",
        "two-sided": "polynomial × e^{-a|t|} × wave",
        "whole": "polynomials, exponentials and waves on all of the line",
        "steps": "sign, |t|, Min, Max and other growing pieces on both sides",
        "gaussian": "polynomial × Gaussian × exponential or wave",
        "truncated": "the same on part of the line",
        "error": "erf and erfc, with t or an exponential beside them",
        "power": "t^p and t^p e^{-at} from a point on, with real p",
        "logarithm": "log t and t^p log t from a point on",
        "rational": "rational functions without poles on the line",
        "sinc": "waves that fall as a power: sin t/t and its kin",
    },
    "discrete": {
        "points": "δ[n - k]",
        "stretch": "polynomials, powers and waves between two indices",
        "since": "polynomial × rⁿ × wave from an index on",
        "until": "the same up to an index",
        "both sides": "polynomial × r^|n|",
        "everywhere": "polynomials, powers and waves at all integers",
        "binomial": "binomials and 1/n!, with a power beside them",
    },
}

_EXPONENTIAL = ("bounded", "causal", "anticausal", "two-sided", "whole", "steps")
_SMOOTH = ("gaussian", "truncated", "error")
_REAL = ("power", "logarithm", "rational", "sinc")
_SEQUENCES = ("points", "stretch", "since", "until", "both sides", "everywhere")

# each class with the classes from itself on
CLOSED: dict[str, tuple[str, ...]] = {
    "impulses": ("impulses", *_EXPONENTIAL, "gaussian", "truncated", "error", "rational", "sinc"),
    **{name: (*_EXPONENTIAL[place:], *_SMOOTH, *_REAL) for place, name in enumerate(_EXPONENTIAL)},
    "gaussian": ("gaussian", "truncated", "error", "power", "rational", "sinc"),
    "truncated": ("truncated",),
    "error": (),
    "power": ("power",),
    "logarithm": ("logarithm",),
    "rational": ("rational", "sinc"),
    "sinc": ("sinc",),
    **{name: (*_SEQUENCES[place:], "binomial") for place, name in enumerate(_SEQUENCES)},
    "binomial": ("binomial",),
}


def is_closed(first: str, second: str) -> bool:
    return second in CLOSED[first] or first in CLOSED[second]


def cells() -> list[tuple[str, str]]:
    """The closed cells, each once."""
    return [(first, second) for first, row in CLOSED.items() for second in row]


def open_cells() -> list[tuple[str, str]]:
    return [pair for pair in _pairs() if not is_closed(*pair)]


def _pairs() -> Iterator[tuple[str, str]]:
    for names in (list(classes) for classes in CLASSES.values()):
        for place, first in enumerate(names):
            for second in names[place:]:
                yield first, second


def markdown(time: str) -> str:
    """The table of continuous or discrete time: ● closed, ○ in part."""
    names = list(CLASSES[time])
    lines = [f"| | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    lines += [f"| **{a}** | {' | '.join('●' if is_closed(a, b) else '○' for b in names)} |" for a in names]
    return "\n".join([*lines, "", *(f"- **{name}**: {meaning}" for name, meaning in CLASSES[time].items())])
