"""Random statements of the language, with sizes and data for them; axes and ranges may be empty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from convmath.ir.build import Tensor, equation, index, largest, poly, read, size, total
from convmath.ir.check import checked
from convmath.ir.nodes import (
    Apply,
    AtMost,
    Bracket,
    Compare,
    Divides,
    Guard,
    IndexValue,
    Less,
    Matches,
    Scalar,
    Statement,
    Term,
    Within,
    Zero,
)
from convmath.ir.poly import Poly, floor, least
from convmath.ir.walk import indices

n, m, k, s = size("n"), size("m"), size("k"), size("s", least=1)
i, j, t = index("i", n), index("j", m), index("t", k)
X = Tensor("X", (n,), (("i", 0),))
V = Tensor("V", (m, n), (("j", 0), ("i", 0)))
T = Tensor("T", (m,), (("j", 0),), integer=True)
ANYWHERE = [Fraction(0), Fraction(-2, 3), "replicate"]  # what may be read at any position of an axis


class Case(NamedTuple):
    statement: Statement
    env: Mapping[Any, int]
    arrays: Mapping[str, np.ndarray]


def small(draw: Callable[..., Any]) -> int:
    return draw(st.integers(-2, 2))


@st.composite
def affine(draw: Callable[..., Any]) -> Poly:
    """An integer form in the indices, perhaps with a floor or a minimum in it."""
    form = poly(draw(st.sampled_from([j, i, t]))) * draw(st.sampled_from([poly(1), poly(-1), s])) + small(draw)
    match draw(st.sampled_from(["plain", "plain", "two", "floor", "least"])):
        case "two":
            return form + draw(st.sampled_from([i, j, t]))
        case "floor":
            return floor(form, s + 1)
        case "least":
            return least(form, poly(draw(st.sampled_from([i, j, t]))), n)
    return form


@st.composite
def guards(draw: Callable[..., Any]) -> Guard:
    e, f = draw(affine()), draw(affine())
    u, v = draw(values()), draw(values())
    return draw(
        st.sampled_from(
            [
                Within(e, draw(st.sampled_from([n, k, poly(2)]))),
                Less(e, f),
                AtMost(e, f),
                Zero(e, poly(t)),
                Divides(s, e),
                Matches(poly(i), read(T, j)),
                Matches(e, read(T, j)),
                *(Compare(u, relation, v) for relation in ("=", "<", "≤")),
            ]
        )
    )


@st.composite
def values(draw: Callable[..., Any]) -> Scalar:
    """A read or a number that has a value at every position."""
    e, outside = draw(affine()), draw(st.sampled_from(ANYWHERE))
    reads = [read(X, i), read(X, e, outside=outside), read(V, j, e, outside=outside)]
    return draw(st.sampled_from([*reads, IndexValue(e), IndexValue(poly(j)) + Fraction(3, 2)]))


@st.composite
def scalars(draw: Callable[..., Any], depth: int = 2) -> Scalar:
    x = draw(values()) if depth == 0 else draw(scalars(depth - 1))
    kind = draw(st.sampled_from(["value", "sum", "product", "bracket", "strict", "quotient", "function", "power"]))
    match kind:
        case "sum":
            return x + draw(values())
        case "product":
            return x * draw(values())
        case "bracket":
            return x * Bracket(draw(guards()))
        case "strict":  # inside, or not needed
            e = draw(affine())
            return x + Bracket(Within(e, n)) * read(X, e)
        case "quotient":
            return x * Bracket(Compare(IndexValue(poly(j)), "<", x)) / (x - IndexValue(poly(j)))
        case "function":
            return Apply(draw(st.sampled_from(["abs", "sign"])), x)
        case "power":
            return x**2
    return x


@st.composite
def terms(draw: Callable[..., Any], reduce: str) -> Term:
    body = draw(scalars(draw(st.integers(0, 2))))
    if draw(st.booleans()):
        body = body * read(X, draw(affine()), outside="nothing")
    where = draw(st.lists(guards(), max_size=2))
    used = indices((body, *where))
    bound = [index for index in (i, t) if index in used or draw(st.booleans())]
    return Term(tuple(bound), tuple(where), body, reduce)  # type: ignore[arg-type]


@st.composite
def cases(draw: Callable[..., Any]) -> Case:
    kind = draw(st.sampled_from(["sum", "max", "min"]))
    first = [draw(terms(kind)) for _ in range(draw(st.integers(1, 2)) if kind == "sum" else 1)]
    flat = draw(st.booleans())
    stated = [equation("A", [s * poly(j) + index("r", s)] if flat else [j], *first)]
    if not flat:
        inner = draw(scalars(0)) + read("A", j)
        stated.append(equation("Y", [], draw(st.sampled_from([total, largest]))(inner, [i, j, t])))
    outputs = tuple(e.name for e in stated)
    statement = checked(Statement((X, V, T), tuple(stated), outputs))
    env = {param: draw(st.integers(low, 3)) for [param], low in ((form.atoms(), form == s) for form in (n, m, k, s))}
    numbers = st.fractions(-3, 3, max_denominator=3) | st.integers(-1, 1)
    arrays = {}
    for tensor in (X, V, T):
        shape = tuple(size.evaluate(env) for size in tensor.shape)
        array = np.empty(shape, object)
        array.reshape(-1)[:] = [draw(st.integers(0, 2) if tensor is T else numbers) for _ in range(array.size)]
        arrays[tensor.name] = array
    return Case(statement, env, arrays)
