"""What is tested: an implementation behind the signature of `functional`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .cases import Case

__all__ = ["Refusal", "Subject", "as_subject"]


class Refusal(Exception):
    """The subject does not take this case, and says why."""


@dataclass(frozen=True)
class Subject:
    """An implementation of one operator.

    `forward(*args, **kwargs)` and `vjp(cotangent, *args, **kwargs)` take what `functional` takes. `supports` says whether a case is
    in the subject's domain. `bound(case)` is the error that the algorithm is allowed, element by element; None where its
    sums are exact on integers, so that equal means equal.
    """

    name: str
    forward: Callable[..., Any]
    vjp: Callable[..., Any] | None = None
    supports: Callable[[Case], bool] | None = None
    bound: Callable[[Case], np.ndarray | float] | None = None

    def run(self, case: Case) -> np.ndarray:
        """The forward value; Refusal where the case is outside the subject's domain."""
        if self.supports is not None and not self.supports(case):
            raise Refusal(f"{self.name} does not take {case}")
        return np.asarray(self.forward(*case.args, **case.kwargs))


def as_subject(subject: Any, name: str) -> Subject:
    """A Subject from a plain function (with a `.vjp` attribute, if it has gradients)."""
    if isinstance(subject, Subject):
        return subject
    own = getattr(subject, "__qualname__", None) or getattr(subject, "__name__", None) or name
    return Subject(own, subject, getattr(subject, "vjp", None))
