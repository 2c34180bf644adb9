r"""Losses: one number for all positions (their mean or sum), or one for each.

Cross-entropy is stated by the softmax P, and its gradient contains nothing but P and the target:

>>> from convmath import operator
>>> op = operator("cross_entropy", ndim=0)
>>> print(op.statement)
S[ν] = Σ_{c<C} exp(X[ν,c])
P[ν,c] = exp(X[ν,c]) / S[ν]
L[ν] = -Σ_{c<C} [c = T[ν]] log(P[ν,c])
Y = Σ_{ν<N} L[ν] / N
>>> print(op.vjp("X").result.output)
gX[ν,c] = gY · (P[ν,c] - [c = T[ν]]) / N

Its second derivative is the Hessian diag(P) - P·Pᵀ applied to the tangent dX:

>>> print(op.hvp("X").result)
S[ν] = Σ_{c<C} exp(X[ν,c])
P[ν,c] = exp(X[ν,c]) / S[ν]
E[ν] = Σ_{c<C} dX[ν,c] · P[ν,c]
dgX[ν,c] = gY · P[ν,c] · (dX[ν,c] - E[ν]) / N

With probabilities for a target, T is an array of them; W weighs the classes, and a mean by class divides by the
weights of the targets:

>>> print(operator("cross_entropy", ndim=0, target="probabilities", reduction="none").vjp("T").result.output)
gT[ν,c] = -gY[ν] · log(P[ν,c])
>>> print(*operator("nll", ndim=0, weight=True).statement.equations, sep="\n")
K[ν] = Σ_{c<C} [c = T[ν]] W[c]
R = Σ_{ν<N} K[ν]
L[ν] = -Σ_{c<C} [c = T[ν]] W[c] · X[ν,c]
Y = Σ_{ν<N} L[ν] / R

A class that does not count is τ = -100 unless another is given; `functional` leaves it out by itself, the statement
with ignore_index=True. E is 1 for every class that there is:

>>> print(operator("cross_entropy", ndim=0, ignore_index=True).vjp("X").result.output)
gX[ν,c] = [T[ν] ≠ τ] gY · (E[ν] · P[ν,c] - [c = T[ν]]) / R

The other two losses compare each element with its target:

>>> print(operator("binary_cross_entropy_with_logits", ndim=0, reduction="none").vjp("X").result)
gX[ν,c] = gY[ν,c] · (sigmoid(X[ν,c]) - T[ν,c])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from convmath.ir.build import equation, poly, read, size, total
from convmath.ir.nodes import (
    ONE,
    ZERO,
    Apply,
    AtMost,
    Bracket,
    Compare,
    Equation,
    Guard,
    IndexValue,
    Matches,
    Read,
    Real,
    Scalar,
    Statement,
    scalar,
)
from convmath.ir.poly import Index, Poly

from .family import Family
from .positions import Positions
from .softmax import probabilities

__all__ = ["FAMILIES", "REDUCTIONS"]

REDUCTIONS = ("mean", "sum", "none")
_IGNORED = size("τ", least=None, default=-100)
_ε = Real("ε")


def _reduced(loss: Scalar, over: Sequence[Index], reduction: str, divisor: Scalar) -> Equation:
    """Y, of a loss for each position."""
    if reduction == "none":
        return equation("Y", over, total(loss))
    return equation("Y", [], total(loss / divisor if reduction == "mean" else loss, over))


def _not_empty(count: Poly, reduction: str) -> list[Guard]:
    """There is something to take the mean of."""
    return [AtMost(poly(1), count)] if reduction == "mean" else []


# --- by class -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Target:
    """What the options say of a target: a class for each position, or probabilities of the classes."""

    at: Positions
    by_class: bool
    weight: bool
    smoothing: bool
    ignoring: bool

    @property
    def read(self) -> Read:
        return read("T", *(self.at.in_batch if self.by_class else self.at.at))

    @property
    def counted(self) -> list[Guard]:
        """[T ≠ τ]"""
        return [Compare(self.read, "≠", IndexValue(_IGNORED))] if self.ignoring else []

    @property
    def chosen(self) -> Guard:
        """[c = T]"""
        return Matches(poly(self.at.c), self.read)

    @property
    def w(self) -> Scalar:
        return read("W", self.at.c) if self.weight else ONE

    def inputs(self) -> tuple:
        target = self.at.classes("T") if self.by_class else self.at.tensor("T")
        return (self.at.tensor("X"), target, *([self.at.channels("W")] if self.weight else []))

    def losses(self, log_p: Scalar, name: str) -> Equation:
        """-Σ_c W[c]·(what the target says of c)·log P[ν,c,i]"""
        said: Scalar = self.read
        guards = self.counted
        if self.by_class and not self.smoothing:
            said, guards = ONE, [*guards, self.chosen]
        elif self.by_class:
            said = Bracket(self.chosen)
        if self.smoothing:
            said = (1 - _ε) * said + _ε / IndexValue(self.at.C)
        return equation(name, self.at.in_batch, total(-(self.w * said * log_p), [self.at.c], guards))

    def reduced(self, log_p: Scalar, reduction: str) -> tuple[Equation, ...]:
        """The equations from the logarithms of the probabilities on."""
        at = self.at
        if reduction == "none":
            return (self.losses(log_p, "Y"),)
        losses, loss = self.losses(log_p, "L"), read("L", *at.in_batch)
        if reduction == "sum" or not self.by_class or not (self.weight or self.ignoring):
            return losses, _reduced(loss, at.in_batch, reduction, IndexValue(at.count))
        return (
            equation("K", at.in_batch, total(self.w, [at.c], [*self.counted, self.chosen])),
            equation("R", [], total(read("K", *at.in_batch), at.in_batch)),
            losses,
            _reduced(loss, at.in_batch, reduction, read("R")),
        )

    def requires(self, reduction: str) -> tuple[Guard, ...]:
        """The classes are those that there are, and what a mean divides by is not 0."""
        found: list[Guard] = _not_empty(self.at.count, reduction)
        if self.smoothing:
            found += [Compare(ZERO, "≤", _ε), Compare(_ε, "≤", ONE)]
        if not self.by_class:
            return tuple(found)
        low, high = Compare(ZERO, "≤", self.read), Compare(self.read, "<", scalar(self.at.C))
        if not self.ignoring:
            found += [low, high]
        else:
            ignored = Bracket(Compare(self.read, "=", IndexValue(_IGNORED)))
            found.append(Compare(ZERO, "<", ignored + Bracket(low) * Bracket(high)))
        if reduction == "mean" and (self.weight or self.ignoring):
            found.append(Compare(read("R"), "≠", ZERO))
        return tuple(found)


def _cross_entropy(
    ndim: int,
    *,
    target: str = "indices",
    weight: bool = False,
    ignore_index: bool = False,
    label_smoothing: bool = False,
    reduction: str = "mean",
) -> Statement:
    """-Σ_c W[c]·T[ν,c,i]·log P[ν,c,i], P the softmax of X: the target is a class or probabilities of the classes."""
    at, by_class = Positions.of(ndim), target == "indices"
    of = _Target(at, by_class, weight, label_smoothing, ignore_index and by_class)
    return Statement(
        inputs=of.inputs(),
        equations=(*probabilities(at), *of.reduced(Apply("log", read("P", *at.at)), reduction)),
        outputs=("Y",),
        requires=of.requires(reduction),
    )


def _nll(ndim: int, *, weight: bool = False, ignore_index: bool = False, reduction: str = "mean") -> Statement:
    """-W[T]·X[ν,T,i], X the logarithms of probabilities."""
    of = _Target(Positions.of(ndim), True, weight, False, ignore_index)
    return Statement(of.inputs(), of.reduced(of.at.x, reduction), ("Y",), requires=of.requires(reduction))


def _told(arrays: Sequence[Any]) -> Mapping[str, str]:
    """Probabilities have an axis more than classes have."""
    x, target, *_ = (*arrays, None, None)
    if x is None or target is None:
        return {}
    return {"target": "probabilities" if target.ndim == x.ndim else "indices"}


# --- by element ---------------------------------------------------------------------------------------------------


def _mse(ndim: int, *, reduction: str = "mean") -> Statement:
    """(X - T)²"""
    at = Positions.of(ndim)
    loss, count = (at.x - read("T", *at.at)) ** 2, at.count * at.C
    return Statement(
        inputs=(at.tensor("X"), at.tensor("T")),
        equations=(_reduced(loss, at.at, reduction, IndexValue(count)),),
        outputs=("Y",),
        requires=tuple(_not_empty(count, reduction)),
    )


def _binary(ndim: int, *, weight: bool = False, pos_weight: bool = False, reduction: str = "mean") -> Statement:
    """-W·(Q[c]·T·log σ(X) + (1 - T)·log(1 - σ(X))), with log σ(X) = -softplus(-X) and log(1 - σ(X)) = -softplus(X)."""
    at = Positions.of(ndim)
    x, t, q = at.x, read("T", *at.at), read("Q", at.c)
    loss = (
        q * t * Apply("softplus", -x) + (1 - t) * Apply("softplus", x) if pos_weight else Apply("softplus", x) - t * x
    )
    count = at.count * at.C
    return Statement(
        inputs=(
            at.tensor("X"),
            at.tensor("T"),
            *([at.tensor("W")] if weight else []),
            *([at.channels("Q")] if pos_weight else []),
        ),
        equations=(_reduced(read("W", *at.at) * loss if weight else loss, at.at, reduction, IndexValue(count)),),
        outputs=("Y",),
        requires=tuple(_not_empty(count, reduction)),
    )


# --- the families -------------------------------------------------------------------------------------------------

_EITHER = (False, True)
_BY_CLASS = {"weight": _EITHER, "ignore_index": _EITHER}
_REDUCED = {"reduction": REDUCTIONS}

FAMILIES = (
    Family(
        "cross_entropy",
        {"en": "Cross-entropy", "es": "Entropía cruzada"},
        _cross_entropy,
        {"target": ("indices", "probabilities"), **_BY_CLASS, "label_smoothing": _EITHER, **_REDUCED},
        optional={"W": "weight"},
        words={"ignore_index": "τ", "label_smoothing": "ε"},
        told=_told,
        least_ndim=0,
    ),
    Family(
        "nll",
        {"en": "Negative log-likelihood", "es": "Log-verosimilitud negativa"},
        _nll,
        {**_BY_CLASS, **_REDUCED},
        optional={"W": "weight"},
        words={"ignore_index": "τ"},
        least_ndim=0,
    ),
    Family(
        "mse",
        {"en": "Mean squared error", "es": "Error cuadrático medio"},
        _mse,
        _REDUCED,
        least_ndim=0,
    ),
    Family(
        "binary_cross_entropy_with_logits",
        {"en": "Binary cross-entropy with logits", "es": "Entropía cruzada binaria con logits"},
        _binary,
        {"weight": _EITHER, "pos_weight": _EITHER, **_REDUCED},
        optional={"W": "weight", "Q": "pos_weight"},
        least_ndim=0,
    ),
)
