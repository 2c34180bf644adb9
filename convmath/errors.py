"""Names of failures. Each message is a sentence: what came, what was needed, where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "AssumptionError",
    "ConvmathError",
    "DataError",
    "DtypeError",
    "HyperparameterError",
    "MemoryNeededError",
    "OutputError",
    "ProbabilityWarning",
    "ShapeError",
    "StatementError",
    "TextError",
    "UnknownNameError",
    "unknown",
]


class ConvmathError(Exception):
    """What every error that convmath raises on purpose is."""


class ShapeError(ConvmathError, ValueError):
    """Arrays whose sizes do not fit one another or the operator."""


class HyperparameterError(ConvmathError, ValueError):
    """A stride, padding, dilation, kernel, count or mode outside its domain."""


class DtypeError(ConvmathError, TypeError):
    """An array of a type that the operator has no meaning for."""


class AssumptionError(ConvmathError, ValueError):
    """Assumptions that contradict one another, or a question that the given ones leave open."""


class DataError(ConvmathError, ValueError):
    """An array that holds a value the operator has no meaning for."""


class MemoryNeededError(ConvmathError, MemoryError):
    """An array that is larger than the memory of the machine."""


class StatementError(ConvmathError, ValueError):
    """A statement that is not well formed, or a question it has no answer to."""


class UnknownNameError(ConvmathError, LookupError):
    """An operator, language, format, input or option that does not exist."""


class TextError(ConvmathError, ValueError):
    """Text that a person typed and that the grammar does not have."""


class OutputError(ConvmathError, OSError):
    """A file that cannot be written."""


class ProbabilityWarning(UserWarning):
    """Numbers that are taken for probabilities and that are none: they don't sum to 1, or one is negative."""


def unknown(kind: str, name: object, names: Iterable[str], where: str = "") -> UnknownNameError:
    """The error for a name that is not there, with the nearest that are.

    >>> raise unknown("operator", "covn", ["conv", "avg_pool"])
    Traceback (most recent call last):
    convmath.errors.UnknownNameError: there is no operator 'covn'; the nearest is conv (all: conv, avg_pool)
    """
    known = list(names)
    near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)
    hint = f"the nearest {'is' if len(near) == 1 else 'are'} {', '.join(near)} (all: " if near else "there are ("
    said = f"there is no {kind} {name!r}; {hint}{', '.join(known)})"
    return UnknownNameError(f"{said} [{where}]" if where else said)
