"""A term as boxes: index sets without an equation between indices, and with forms that are affine where they can be.

Σ_{i,j,…} [guards] body  →  the sum over several Σ_{boxes} [fewer guards] body
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from convmath.ir.nodes import ONE, Bracket, Equation, Product, Scalar, Statement, Sum, Term, Within
from convmath.ir.plan import DATA
from convmath.ir.poly import Index, Param, Poly
from convmath.ir.walk import indices, inside, map_forms, reads, shape_of, substitute

from . import rules
from .bounds import count, folded
from .box import Box, Line, new_index

__all__ = ["boxes", "unguarded"]


def boxes(statement: Statement, equation: Equation, term: Term, env: Mapping[Param, int]) -> list[Box]:
    """The boxes of a term of an equation at these parameters."""
    # a read outside its array that is "nothing" is not counted: its range is a guard
    unseen = tuple(
        Within(form, size)
        for read in dict.fromkeys(reads((term.body, term.guards)))
        if read.outside == "nothing"
        for form, size in zip(read.at, shape_of(statement, read.tensor), strict=True)
    )
    pending = [_box(equation, env, part) for part in _summands(replace(term, guards=(*term.guards, *unseen)))]
    done: list[Box] = []
    while pending:
        box = rules.settled(pending.pop())
        if box is None:
            continue
        split = next((found for rule in rules.RULES if (found := rule(box)) is not None), None)
        if split is None:
            done.append(box)
        else:
            alive = [part for box in split if (part := rules.settled(box)) is not None]
            pending += [replace(part, share=box.share * max(1, len(alive))) for part in alive]
    return done[::-1]


def unguarded(box: Box) -> list[Box]:
    """The box as boxes without guards between indices, where taking the shortest in each value by value makes few."""
    own = {min((v for v in box.indices if v in indices(guard)), key=count) for guard in box.guards}
    if math.prod(map(count, own)) > rules.MOST:
        return [box]
    found: list[Box | None] = [box]
    for v in own:
        found = [part and part.moved(v, value, 1, 1) for part in found for value in range(count(v))]
    return [part for box in found if box and (part := rules.settled(box)) is not None]


def _summands(term: Term) -> Iterator[Term]:
    """Sums of sums, and brackets of a product, taken apart: Σ ([P] u + v) = Σ [P] u + Σ v."""
    if term.reduce != "sum":
        yield term
        return
    match term.body:
        case Sum(terms=terms) if term.bound or any(map(_is_bracketed, terms)):
            for part in terms:
                yield from _summands(replace(term, body=part))
        case Product(factors=factors) if any(isinstance(factor, Bracket) for factor in factors):
            guards = tuple(factor.guard for factor in factors if isinstance(factor, Bracket))
            others = (factor for factor in factors if not isinstance(factor, Bracket))
            yield from _summands(replace(term, guards=(*term.guards, *guards), body=Product.of(*others)))
        case Bracket(guard=guard):
            yield replace(term, guards=(*term.guards, guard), body=ONE)
        case _:
            yield term


def _is_bracketed(node: Scalar) -> bool:
    """Whether it is a product with a bracket that speaks of the indices alone."""
    return any(
        isinstance(part, Bracket) and not isinstance(part.guard, DATA)
        for part in (node.factors if isinstance(node, Product) else (node,))
    )


def _box(equation: Equation, env: Mapping[Param, int], term: Term) -> Box:
    values: dict[Any, Any] = dict(env)
    values |= {index: new_index(index.size.evaluate(env)) for index in (*equation.free, *term.bound)}
    lines = tuple(Line(values[index], count(values[index])) for index in _in_order(equation, env))
    data = tuple(guard for guard in term.guards if isinstance(guard, DATA))
    guards = tuple(map_forms(substitute(guard, values), folded) for guard in term.guards if not isinstance(guard, DATA))
    forms = {part: folded(part.substitute(values)) for part in inside((term.body, data)) if isinstance(part, Poly)}
    return Box(lines, tuple(values[index] for index in term.bound), guards, data, term.body, term.reduce, forms)


def _in_order(equation: Equation, env: Mapping[Param, int]) -> Iterator[Index]:
    """The free indices from the slowest to the fastest, as the positions of the left side run."""
    for form in equation.at:
        # of two with the same weight one takes a single value
        yield from sorted(
            form.indices(),
            key=lambda index: (-form.coefficient(index).evaluate(env), index.size.evaluate(env)),
        )
