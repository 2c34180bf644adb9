"""The derivations of a statement: each rule applied in its order, each application a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import sympy

from convmath.derivation import Derivation
from convmath.ir.nodes import Read, Statement, Term
from convmath.ir.poly import Param, Poly
from convmath.ir.walk import inside, shape_of
from convmath.steps import Exchange, ExpandOutside, Fold, Select, Shape, Start, Step, Substitute, Tangent

from .eliminate import TAP, count_of, solved, without_single
from .fold import folded
from .gradient import jvp, pruned, select, vjp
from .outside import expand_outside
from .shape import derived_shape
from .symbols import to_sympy

__all__ = ["hvp_derivation", "jvp_derivation", "shape_derivation", "solved_derivation", "vjp_derivation"]

Title = Mapping[str, str]


def _prepared(statement: Statement) -> tuple[Statement, list[Step]]:
    """The first output with its borders written out and its maxima selected: what can be differentiated."""
    if len(statement.outputs) > 1:
        statement = pruned(replace(statement, outputs=statement.outputs[:1]))
    steps: list[Step] = [Start(statement, statement)]
    expanded = expand_outside(statement)
    if expanded != statement:
        outside = dict.fromkeys(
            (r.tensor, r.outside) for r in inside(statement) if isinstance(r, Read) and r.outside != "strict"
        )
        steps.append(ExpandOutside(statement, expanded, tensors=tuple(outside)))
    selected = select(expanded)
    if selected != expanded:
        [maximum] = {t.selection for t in inside(expanded) if isinstance(t, Term) and t.reduce != "sum"}
        steps.append(Select(expanded, selected, selection=maximum))
    return selected, steps


def solved_derivation(statement: Statement, title: Title, over: str = TAP) -> Derivation:
    """The statement itself in solved form."""
    result, steps = solved(statement, over)
    return Derivation("solved", title, statement, (Start(statement, statement), *steps), result, statement)


def vjp_derivation(statement: Statement, wrt: str, title: Title, over: str = TAP) -> Derivation:
    """The gradient by one input, for any cotangent of the output."""
    forward, steps = _prepared(statement)
    relational = without_single(vjp(forward, wrt))
    result, more = _closed(forward, relational, over, wrt)
    exchange = Exchange(forward, relational, wrt=wrt)
    return Derivation("vjp", title, statement, (*steps, exchange, *more), result, relational, wrt)


def jvp_derivation(statement: Statement, wrt: str, title: Title, over: str = TAP) -> Derivation:
    """The derivative of the output along a tangent of one input."""
    forward, steps = _prepared(statement)
    relational = jvp(forward, wrt)
    result, more = _closed(forward, relational, over)
    tangent = Tangent(forward, relational, wrt=wrt)
    return Derivation("jvp", title, statement, (*steps, tangent, *more), result, relational, wrt)


def hvp_derivation(statement: Statement, wrt: str, along: str, title: Title, over: str = TAP) -> Derivation:
    """The derivative of the gradient by `wrt` along a tangent of `along`: the Hessian of ⟨gY, Y⟩ applied to it."""
    forward, steps = _prepared(statement)
    gradient = without_single(vjp(forward, wrt))
    relational = jvp(gradient, along)
    result, more = _closed(forward, relational, over)
    both = (Exchange(forward, gradient, wrt=wrt), Tangent(gradient, relational, wrt=along))
    return Derivation("hvp", title, statement, (*steps, *both, *more), result, relational, wrt)


def _closed(forward: Statement, relational: Statement, over: str, wrt: str = "") -> tuple[Statement, tuple[Step, ...]]:
    """The solved form, and where inner values were differentiated the closed form. `wrt` is what a gradient is by."""
    result, steps = solved(relational, over)
    others = [tensor.name for tensor in forward.inputs if wrt and tensor.name != wrt and not tensor.integer]
    gradients = (solved(vjp(forward, other), over)[0].output for other in others)
    closed = folded(result, _known(forward), {gradient.name: gradient for gradient in gradients})
    return (closed, (*steps, Fold(result, closed))) if closed != result else (result, steps)


@lru_cache(maxsize=256)
def _known(forward: Statement) -> Statement:
    """Every equation of the forward statement in solved form, counts that are numbers put in."""
    counts = {equation.name for equation in forward.equations if count_of(equation) is not None}
    named = tuple(equation.name for equation in forward.equations if equation.name not in counts)
    return solved(replace(forward, outputs=named))[0]


def shape_derivation(
    statement: Statement, values: Mapping[Param, Poly], title: Title, unsaid: tuple[Param, ...] = ()
) -> Derivation:
    """The shape of the output: derived in symbols, then at the given values. The result is a sympy Tuple.

    `unsaid` are those of the values that nobody gave: defaults.
    """
    shape, steps = derived_shape(statement)
    if values:
        names = shape_of(statement, statement.outputs[0])
        at_values = tuple(size.substitute(values) for size in shape)
        left_over = _left_over(statement, shape, values)
        step = Substitute(Shape(shape), Shape(at_values), (), names, tuple(values.items()), unsaid, left_over)
        shape, steps = at_values, (*steps, step)
    result = sympy.Tuple(*map(to_sympy, shape))
    return Derivation("shape", title, statement, steps, result)


def _left_over(statement: Statement, shape: tuple[Poly, ...], values: Mapping[Param, Poly]) -> tuple[Poly, ...]:
    """For each counted axis, the part of the padded input after the last window."""
    left = []
    for placement, size in zip(statement.placements, shape[-len(statement.placements) :], strict=False):
        if placement.rule != "inside":
            continue
        taps = {tap: tap.size - 1 for tap in placement.form.indices() - {placement.index}}
        end = placement.form.substitute(taps).substitute({placement.index: size - 1})
        left.append((placement.size + placement.after - 1 - end).substitute(values))
    return tuple(left)
