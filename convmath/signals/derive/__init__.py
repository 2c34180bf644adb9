"""The steps of a convolution, as a lecturer writes them; each is checked in numbers.

A derivation begins with what was asked and ends with what was found. It goes by support (reflect, shift, where the two
overlap, an integral for each case), by completing a square, by sifting, along each axis, or by transforms.
"""

from __future__ import annotations

from typing import Any

from convmath.derivation import Derivation
from convmath.errors import HyperparameterError, unknown

from ..branches import Answer
from ..errors import NotFoundError
from ..steps import Problem
from ..types import sympy
from . import functions as functions
from . import shown as shown
from . import shown_in_space as shown_in_space
from . import shown_transforms as shown_transforms
from . import verify as verify
from . import verify_in_space as verify_in_space
from . import verify_transforms as verify_transforms
from .spatial import by_axes
from .support import by_support
from .transform import by_transform
from .words import TITLES

__all__ = ["METHODS", "derivation"]

METHODS = ("support", "transform")


def derivation(solved: Any, method: str = "support", branch: int = -1) -> Derivation:
    """The steps to one of the answers of a `Result`."""
    if method not in METHODS:
        raise unknown("method", method, METHODS, "derivation")
    if not solved.answers:
        raise NotFoundError(f"there are no steps to a result that was not found: {solved.reason}")
    if not -len(solved.answers) <= branch < len(solved.answers):
        raise HyperparameterError(f"branch {branch} came, but there are {len(solved.answers)} answers [derivation]")
    answer = solved.answers[branch]
    if answer.expression is None:
        raise answer.divergent or answer.unknown  # one of them is why there is none
    problem = _problem(solved, answer)
    if method == "transform":
        steps = by_transform(problem)
    else:
        steps = by_support(problem) if len(problem.variables) == 1 else by_axes(problem)
    kind = "correlation" if problem.correlation else "convolution"
    expression: Any = answer.expression
    result = expression.subs(dict(zip(solved.variables, solved.asked.variables, strict=True)))
    return Derivation(method, TITLES[kind], problem, steps, result, checked="checked in numbers")


def _problem(solved: Any, answer: Answer) -> Problem:
    """What was asked, in variables of its own, with the values that the answer's branch puts in."""
    asked, facts = solved.asked, solved.facts
    expression: Any = answer.expression
    own = tuple(sympy.Dummy(x.name, **_kind(x)) for x in asked.variables)
    f, g = (e.subs(dict(zip(asked.variables, own, strict=True))) for e in asked.functions)
    period = asked.period
    for condition in answer.conditions:
        if isinstance(condition, sympy.Eq):
            value = {condition.lhs: condition.rhs}
            f, g, facts = f.subs(value), g.subs(value), facts.with_value(value)
            period = None if period is None else period.subs(value)
        else:
            facts = facts.with_relation(condition)
    given = (*answer.conditions, *answer.needed, *_otherwise(solved, answer))
    for relation in (*answer.needed, *_otherwise(solved, answer)):
        facts = facts.with_relation(relation)
    return Problem(
        f,
        g,
        own,
        _inner(own, {x.name for x in f.free_symbols | g.free_symbols}),
        facts,
        expression.subs(dict(zip(solved.variables, own, strict=True))),
        given,
        names=("f", "g") if len(own) == 1 else ("f", "h"),
        correlation=asked.sign > 0,
        principal=solved.principal,
        period=period,
    )


def _kind(x: Any) -> dict[str, bool]:
    return {"integer": True} if x.is_integer else {"real": True}


def _otherwise(solved: Any, answer: Answer) -> list[Any]:
    """What is not so in this answer, since there is another one for it: a ≠ b."""
    special = [a.conditions[-1] for a in solved.answers if len(a.conditions) == len(answer.conditions) + 1]
    return [sympy.Not(c) for c in special if isinstance(c, sympy.Eq)]


def _inner(variables: tuple[Any, ...], taken: set[str]) -> tuple[Any, ...]:
    """τ for t, k for an integer, x′ for x."""
    found = []
    for x in variables:
        choice = ["tau"] if x.name == "t" else ["k", "m", "j"] if x.is_integer else []
        names = [*(name for name in choice if name not in taken), f"{x.name}′"]
        taken = {*taken, names[0]}
        found.append(sympy.Dummy(names[0], **_kind(x)))
    return tuple(found)
