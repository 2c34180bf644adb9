"""Every derivation that is printed, as if its steps had been checked: here it matters what they say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import sympy

from convmath.calculus.derive import hvp_derivation, jvp_derivation, solved_derivation, vjp_derivation
from convmath.derivation import Derivation
from convmath.ops.composition import compose, fold
from convmath.ops.registry import Operator, operator, operators, variants
from convmath.steps import Outcome

from ..calculus.statements import POLYNOMIAL, RATIONAL
from ..paper import STATEMENTS

TITLE = {"en": "Written by hand", "es": "Escrito a mano"}
HARD = ("an absolute value", "chained", "two outputs", "a maximum of a correlation", "minus two outside, cubed")
HAND = {**STATEMENTS, **{name: POLYNOMIAL[name][0] for name in HARD}, **RATIONAL}
OPERATORS = [
    *(op for name in operators() for op in variants(name, 1)),
    *(operator(name, ndim) for name in operators() for ndim in (2, 3)),
    operator("conv", 1, padding="symmetric"),
    operator("conv", 2, padding="same", stride=1, kernel=(3, 5)),
    operator("max_pool", 2, kernel=3, stride=2, padding=1, dilation=1),
]


def unchecked(derivation: Derivation) -> Derivation:
    made = replace(derivation)
    made.__dict__["steps"] = tuple(replace(step, outcome=Outcome(4)) for step in derivation.plain_steps)
    return made


def of_operator(op: Operator) -> Iterator[Derivation]:
    yield op.shape()
    yield op.shape(defaults=True)
    derived = dict(op.open_statement.definitions())
    if any(p.letter == "n" and p not in derived for p in op.open_statement.inputs[0].shape[2].leaves()):
        yield op.shape(n=17)
        yield op.shape(n=2 * sympy.Symbol("h", integer=True) + 5, defaults=True)
    yield op.solved()
    for tensor in op.statement.inputs:
        if not tensor.integer:
            yield op.vjp(tensor.name)
            yield op.jvp(tensor.name)
            yield op.hvp(tensor.name)


def by_hand(name: str) -> Iterator[Derivation]:
    statement = HAND[name]
    yield solved_derivation(statement, TITLE)
    for tensor in statement.inputs:
        if not tensor.integer:
            yield vjp_derivation(statement, tensor.name, TITLE)
            yield jvp_derivation(statement, tensor.name, TITLE)
            yield hvp_derivation(statement, tensor.name, tensor.name, TITLE)


CONV = operator("conv", 1, groups=1)
COMPOSED = {
    "two convolutions": compose(CONV, operator("conv", 1, groups=1, bias=True)),
    "two grouped convolutions": compose(operator("conv", 2), operator("conv", 2, padding=0)),
    "a folded convolution": fold(CONV, operator("batch_norm", 1, weight=True, bias=True)),
}

PRINTED = {
    **{str(op): tuple(map(unchecked, of_operator(op))) for op in OPERATORS},
    **{name: tuple(map(unchecked, by_hand(name))) for name in HAND},
    **{name: (unchecked(found.derivation),) for name, found in COMPOSED.items()},
}
