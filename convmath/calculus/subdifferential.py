"""Where a gradient is not unique: all of them, at ties of a maximum and at kinks.

At a tie, a maximum has as subgradients every mean of those of its maximisers: weights Λ ≥ 0 that sum to 1 and are 0
elsewhere. At a kink, a function of one element has every slope between its one-sided ones (F. H. Clarke, Optimization
and Nonsmooth Analysis, 1983, chapter 2). The named selections are one choice each: first, last, split into equal
shares; "all" (each maximiser has the whole cotangent) is none where elements tie.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from convmath.errors import ShapeError, StatementError
from convmath.ir.exact import evaluate, exact_array
from convmath.ir.nodes import (
    ONE,
    ZERO,
    AtMost,
    Compare,
    Equation,
    Guard,
    IndexValue,
    Less,
    Placement,
    Read,
    Statement,
    Tensor,
    Term,
)
from convmath.ir.poly import Index, floor, poly
from convmath.ir.walk import shape_of

from .eliminate import solved
from .gradient import pruned, vjp
from .outside import expand_outside

__all__ = ["EmptyWindow", "empty_windows", "is_subgradient", "subdifferential"]


def subdifferential(statement: Statement, wrt: str) -> Statement:
    """All gradients of a maximum at once: those with weights Λ ≥ 0, Σ Λ = 1, that are 0 where there is no maximum.

    The result reads Λ, one weight for each element of each window; what it requires is what makes it a subgradient.
    """
    forward, maximum = _maximum(statement)
    [term] = maximum.terms
    tap = tuple(map(poly, term.bound))
    letters = tuple((index.letter, index.axis) for index in (*maximum.free, *term.bound))
    Λ = Tensor("Λ", (*shape_of(forward, maximum.name), *(index.size for index in term.bound)), letters)
    weight = Read("Λ", (*maximum.at, *tap))
    weighted = replace(maximum, terms=(replace(term, reduce="sum", body=weight * term.body),))
    chosen = replace(
        forward,
        inputs=(*forward.inputs, Λ),
        equations=tuple(weighted if equation is maximum else equation for equation in forward.equations),
    )
    gradient, _ = solved(vjp(chosen, wrt))
    most = Equation("M", maximum.free, maximum.at, (term,))
    whole = Equation("D", maximum.free, maximum.at, (Term(term.bound, term.guards, weight),))
    value, sum_ = Read("M", maximum.at), Read("D", maximum.at)
    less = Equation(
        "K", maximum.free, maximum.at, (Term(term.bound, (*term.guards, Compare(term.body, "<", value)), weight),)
    )
    return replace(
        gradient,
        equations=(most, whole, less, *gradient.equations),
        requires=(
            *gradient.requires,
            Compare(ZERO, "≤", weight),
            Compare(sum_, "=", ONE),
            Compare(Read("K", maximum.at), "=", ZERO),
        ),
    )


def _maximum(statement: Statement) -> tuple[Statement, Equation]:
    """The first output alone, borders written out, if it is a maximum of elements."""
    forward = expand_outside(pruned(replace(statement, outputs=statement.outputs[:1])))
    equation = forward.output
    if len(forward.equations) != 1 or [term.reduce for term in equation.terms] != ["max"]:
        raise StatementError(f"{equation.name} is no maximum of elements; its gradient by an input has one formula")
    if not isinstance(equation.terms[0].body, Read):
        raise StatementError(f"{equation.name} is a maximum of {equation.terms[0].body}, which is no element")
    return forward, equation


# --- is it one? ---------------------------------------------------------------------------------------------------


def is_subgradient(
    statement: Statement, wrt: str, g: Any, arrays: Mapping[str, Any], cotangent: Any, **given: Any
) -> bool:
    """Whether g is a (Clarke) subgradient of ⟨cotangent, Y⟩ by `wrt` at these arrays, decided in exact arithmetic.

    For a maximum: whether the windows can give away their cotangents to their maximisers so that g is what comes
    together, which is a flow through a network. For a function of one element: whether g lies between the one-sided
    slopes. What has neither ties nor kinks has its gradient alone.
    """
    first = pruned(replace(statement, outputs=statement.outputs[:1]))
    asked = exact_array(g)
    shape = np.shape(arrays[wrt])
    if asked.shape != shape:
        raise ShapeError(f"g has shape {asked.shape}, but {wrt} has {shape}")
    if any(term.reduce != "sum" for equation in first.equations for term in equation.terms):
        return _gives(first, asked, arrays, cotangent, given)
    named = {**arrays, f"g{first.outputs[0]}": cotangent}
    low = evaluate(_solved(first, wrt), named, **given)[f"g{wrt}"]
    other = _other_side(first)
    high = low if other == first else evaluate(_solved(other, wrt), named, **given)[f"g{wrt}"]
    if other != first and any(term.bound for equation in first.equations for term in equation.terms):
        raise StatementError(
            f"{first.outputs[0]} sums what has kinks; whether g is a subgradient is decided for one element alone"
        )
    return all(min(a, b) <= v <= max(a, b) for a, b, v in zip(low.flat, high.flat, asked.flat, strict=True))


def _solved(statement: Statement, wrt: str) -> Statement:
    return solved(vjp(expand_outside(statement), wrt))[0]


def _other_side(statement: Statement) -> Statement:
    """The same function with its kinks counted to the other piece: < for ≤ and the other way round."""
    swap = {"<": "≤", "≤": "<"}

    def turned(node: Any) -> Any:
        if isinstance(node, Compare) and node.relation in swap:
            return replace(node, relation=swap[node.relation])
        return node

    return replace(statement, equations=_mapped(statement.equations, turned))


def _mapped(node: Any, f: Any) -> Any:
    """Every node below with f applied to it."""
    if isinstance(node, tuple):
        return tuple(_mapped(entry, f) for entry in node)
    if hasattr(node, "__dataclass_fields__") and not isinstance(node, Index):
        fields = {name: _mapped(getattr(node, name), f) for name in node.__dataclass_fields__ if name != "key"}
        return f(replace(node, **fields)) if fields else node
    return node


def _gives(
    statement: Statement, g: np.ndarray, arrays: Mapping[str, Any], cotangent: Any, given: Mapping[str, Any]
) -> bool:
    """Whether the windows can give their cotangents to their maximisers so that g comes together."""
    forward, maximum = _maximum(statement)
    [term] = maximum.terms
    body = term.body
    assert isinstance(body, Read)
    place = poly(0)
    for form, n in zip(body.at, shape_of(forward, body.tensor), strict=True):
        place = place * n + form
    # for each window its value, then for each of its elements its place and whether it is greatest
    tap = tuple(map(poly, term.bound))
    most = replace(maximum, name="M")
    equal = Compare(body, "=", Read("M", maximum.at))
    own = Term((), (*term.guards, equal), IndexValue(place + 1))
    listed = Equation("A", (*maximum.free, *term.bound), (*maximum.at, *tap), (own,))
    found = evaluate(replace(forward, equations=(most, listed), outputs=("A",)), arrays, **given)["A"]
    supplies = exact_array(cotangent)
    windows = found.reshape(supplies.size, math.prod(found.shape[supplies.ndim :]))
    flow = _Flow()
    for window, (supply, row) in enumerate(zip(supplies.flat, windows, strict=True)):
        own = ("window", window)
        flow.supply(own, supply)
        for element in row:
            if element:
                ends = (own, ("element", element - 1)) if supply > 0 else (("element", element - 1), own)
                flow.connect(*ends)
    for element, demand in enumerate(g.flat):
        flow.supply(("element", element), -demand)
    return flow.feasible()


class _Flow:
    """Whether supplies can flow to demands along edges without limits, decided in exact numbers (maximum flow)."""

    def __init__(self) -> None:
        self.room: dict[Any, dict[Any, Fraction | float]] = {}
        self.supplies = self.demands = Fraction(0)

    def _edge(self, a: Any, b: Any, room: Any) -> None:
        self.room.setdefault(a, {})[b] = room
        self.room.setdefault(b, {}).setdefault(a, Fraction(0))

    def supply(self, node: Any, amount: Any) -> None:
        amount = Fraction(amount)
        if amount > 0:
            self.supplies += amount
            self._edge("source", node, amount)
        elif amount < 0:
            self.demands -= amount
            self._edge(node, "sink", -amount)

    def connect(self, a: Any, b: Any) -> None:
        self._edge(a, b, float("inf"))

    def feasible(self) -> bool:
        if self.supplies != self.demands:
            return False
        sent = Fraction(0)
        while path := self._path():
            amount = min(self.room[a][b] for a, b in path)
            for a, b in path:
                self.room[a][b] -= amount
                self.room[b][a] += amount
            sent += Fraction(amount)
        return sent == self.supplies

    def _path(self) -> list[tuple[Any, Any]]:
        """The edges of a shortest way from the source to the sink that has room."""
        before: dict[Any, Any] = {"source": None}
        queue = deque(["source"])
        while queue and "sink" not in before:
            node = queue.popleft()
            for other, room in self.room.get(node, {}).items():
                if room > 0 and other not in before:
                    before[other] = node
                    queue.append(other)
        path, node = [], "sink"
        while before.get(node) is not None:
            path.append((before[node], node))
            node = before[node]
        return path


# --- empty windows ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EmptyWindow:
    """When the window at j has no element of an axis: when every guard of one of the cases holds.

    `never` are conditions on the parameters under which no window that is counted is empty on this axis.
    """

    placement: Placement
    cases: tuple[tuple[Guard, ...], ...]
    never: tuple[tuple[Guard, ...], ...]

    def __str__(self) -> str:
        return " or ".join("".join(map(str, case)) for case in self.cases)


def empty_windows(statement: Statement) -> tuple[EmptyWindow, ...]:
    """For each axis, which windows lie in the padding as a whole.

    With e = s·j - a, the window reads e, e + d, …, e + d·(k - 1). From e ≥ 0 on its first element decides. For e < 0
    the first that is not negative is e mod d, if the window reaches it: it is empty when it ends before 0, or when
    e mod d ≥ n, so that a step of d jumps over the axis.
    """
    return tuple(_empty(placement) for placement in statement.placements if placement.rule != "preimage")


def _empty(placement: Placement) -> EmptyWindow:
    j, n = placement.index, placement.size
    taps = placement.form.indices() - {j}
    if len(taps) != 1:
        raise StatementError(f"the window of {poly(j)} has {len(taps)} taps, but one is needed")
    [t] = taps
    d = placement.form.coefficient(t)
    e = placement.form - d * poly(t)
    reach = d * (t.size - 1)
    first = e - d * floor(e, d)  # e mod d
    behind, before = (AtMost(n, e),), (Less(e + reach, poly(0)),)
    over = () if d == 1 else ((Less(e, poly(0)), AtMost(n, first)),)
    within = (AtMost(placement.before, reach), AtMost(placement.after, reach))
    never = within if placement.rule == "inside" else within[:1]
    # a dilated window jumps over nothing where no window begins before 0, or where n is at least d
    jumps = ((),) if d == 1 else ((AtMost(d, n),), (AtMost(placement.before, poly(0)),))
    return EmptyWindow(placement, (behind, before, *over), tuple((*never, *jump) for jump in jumps))
