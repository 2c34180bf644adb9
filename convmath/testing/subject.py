"""What is tested: an implementation behind the signature of `functional`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmath.errors import HyperparameterError

from .cases import Case

__all__ = ["Failure", "Refusal", "Subject", "as_subject"]


class Refusal(Exception):
    """The subject does not take this case, and says why."""


class Failure(Exception):
    """What the subject did instead of returning numbers."""


@dataclass(frozen=True)
class Subject:
    """An implementation of one operator.

    `forward(*args, **kwargs)` and `vjp(cotangent, *args, **kwargs)` take what `functional` takes. `supports` says
    whether a case is in the subject's domain. `bound(case)` is the error that the algorithm is allowed, element by
    element; None where its sums are exact on integers, so that equal means equal.
    """

    name: str
    forward: Callable[..., Any]
    vjp: Callable[..., Any] | None = None
    supports: Callable[[Case], bool] | None = None
    bound: Callable[[Case], np.ndarray | float] | None = None

    def run(self, case: Case) -> np.ndarray:
        """The value, the first where there are several, from copies: one that changes them spoils no other law."""
        return self.call(case.copy())

    def outputs(self, case: Case) -> tuple[np.ndarray, ...]:
        """All that it returns, but for None beside the value."""
        found = self._asked(self.forward, case.copy())
        values = found if isinstance(found, tuple) else (found,)
        return tuple(_numbers(v, "the output") for place, v in enumerate(values) if place == 0 or v is not None)

    def call(self, case: Case) -> np.ndarray:
        """The value from these very arrays."""
        found = self._asked(self.forward, case)
        return _numbers(found[0] if isinstance(found, tuple) and found else found, "the output")

    def gradients(self, cotangent: np.ndarray, case: Case) -> tuple[np.ndarray | None, ...]:
        """The gradient by each array, from copies; None where the subject says that there is none."""
        return self.pull(cotangent.copy(), case.copy())

    def pull(self, cotangent: np.ndarray, case: Case) -> tuple[np.ndarray | None, ...]:
        """The gradient by each array, from these very arrays."""
        assert self.vjp is not None
        found = self._asked(self.vjp, case, cotangent)
        if not isinstance(found, tuple | list):
            raise Failure(f"vjp returns a {type(found).__name__}, but a tuple of gradients is needed")
        if len(found) != len(case.array_arguments):
            raise Failure(f"vjp returns {len(found)} gradients, but there are {len(case.array_arguments)} arrays")
        came = [g for g, argument in zip(found, case.array_arguments, strict=True) if argument is not None]
        named = zip(case.operator.statement.reads, came, strict=True)
        return tuple(None if g is None else _numbers(g, f"g{name}") for name, g in named)

    def _asked(self, function: Callable[..., Any], case: Case, *first: np.ndarray) -> Any:
        if self.supports is not None and not self.supports(case):
            raise Refusal(f"{self.name} does not take {case}")
        try:
            return function(*first, *case.args, **case.kwargs)
        except Refusal:
            raise
        except Exception as error:
            raise Failure(f"raises {type(error).__name__}: {error}") from error


def _numbers(value: Any, what: str) -> np.ndarray:
    try:
        array = np.asarray(value)
    except Exception as error:
        raise Failure(f"{what} is a {type(value).__name__} that cannot be read as an array: {error}") from error
    if array.dtype.kind not in "fiu":
        raise Failure(f"{what} is a {type(value).__name__} of {array.dtype}, but an array of numbers is needed")
    return array


def as_subject(subject: Any, name: str) -> Subject:
    """A Subject from a plain function (with a `.vjp` attribute, if it has gradients)."""
    if isinstance(subject, Subject):
        return subject
    if not callable(subject):
        raise HyperparameterError(f"the subject is {subject!r}, but a function or a Subject is needed [check({name})]")
    own = getattr(subject, "__qualname__", None) or getattr(subject, "__name__", None) or name
    return Subject(own, subject, getattr(subject, "vjp", None))
