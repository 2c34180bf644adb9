r"""Softmax and its logarithm, over the channels.

>>> from convmath import operator
>>> op = operator("softmax", ndim=0)
>>> print(op.statement)
S[ν] = Σ_{c<C} exp(X[ν,c])
Y[ν,c] = exp(X[ν,c]) / S[ν]
>>> print(op.vjp("X").result)
S[ν] = Σ_{c<C} exp(X[ν,c])
Y[ν,c] = exp(X[ν,c]) / S[ν]
E[ν] = Σ_{c<C} gY[ν,c] · Y[ν,c]
gX[ν,c] = Y[ν,c] · (gY[ν,c] - E[ν])

The logarithm's gradient contains the softmax:

>>> print(operator("log_softmax", ndim=0).vjp("X").result)
S[ν] = Σ_{c<C} exp(X[ν,c])
P[ν,c] = exp(X[ν,c]) / S[ν]
E[ν] = Σ_{c<C} gY[ν,c]
gX[ν,c] = gY[ν,c] - E[ν] · P[ν,c]
"""

from __future__ import annotations

from typing import Any

from convmath.ir.build import equation, read, total
from convmath.ir.nodes import Apply, Equation, Statement

from .family import Family
from .positions import Positions

__all__ = ["FAMILIES", "probabilities"]


def probabilities(at: Positions, name: str = "P") -> tuple[Equation, Equation]:
    """S[ν,i] = Σ_c exp(X[ν,c,i]), and the softmax exp(X[ν,c,i])/S[ν,i] under a name."""
    e = Apply("exp", at.x)
    return (
        equation("S", at.in_batch, total(e, [at.c])),
        equation(name, at.at, total(e / read("S", *at.in_batch))),
    )


def _softmax(ndim: int, *, axis: int = 1) -> Statement:
    at = Positions.of(ndim)
    return Statement((at.tensor("X"),), probabilities(at, "Y"), ("Y",))


def _log_softmax(ndim: int, *, axis: int = 1) -> Statement:
    at = Positions.of(ndim)
    y = equation("Y", at.at, total(Apply("log", read("P", *at.at))))
    return Statement((at.tensor("X"),), (*probabilities(at), y), ("Y",))


# `functional` takes any axis; of those the statement speaks of the channels'
_OVER: dict[str, Any] = {"options": {"axis": (1,)}, "least_ndim": 0}

FAMILIES = (
    Family("softmax", {"en": "Softmax", "es": "Softmax"}, _softmax, **_OVER),
    Family("log_softmax", {"en": "Logarithm of the softmax", "es": "Logaritmo de la softmax"}, _log_softmax, **_OVER),
)
