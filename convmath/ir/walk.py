"""Going through a node: every integer form in it, every read, every index. One rule per node."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, TypeVar

from .functions import PI, applied
from .nodes import (
    Apply,
    AtMost,
    Divides,
    IndexValue,
    Less,
    Node,
    Power,
    Product,
    Read,
    Real,
    Scalar,
    Statement,
    Sum,
    scalar,
)
from .poly import Atom, Index, Param, Poly, product

__all__ = [
    "indices",
    "inside",
    "map_forms",
    "map_leaves",
    "map_reads",
    "params",
    "radix",
    "reads",
    "reals",
    "rename",
    "shape_of",
    "substitute",
    "with_reals",
]

N = TypeVar("N")


def inside(node: Any) -> Iterator[Any]:
    """The node and every node and polynomial below it, once for each place it stands in."""
    yield node
    if isinstance(node, tuple):
        for entry in node:
            yield from inside(entry)
    elif is_dataclass(node) and isinstance(node, Node):
        for f in fields(node):
            value = getattr(node, f.name)
            if isinstance(value, (Node, Poly, Atom, tuple)):
                yield from inside(value)


def reads(node: Any) -> Iterator[Read]:
    return (found for found in inside(node) if isinstance(found, Read))


def _leaves(node: Any) -> Iterator[Param | Index]:
    for found in inside(node):
        if isinstance(found, (Param, Index)):
            yield found
        elif isinstance(found, Poly):
            yield from found.leaves()


def indices(node: Any) -> set[Index]:
    return {leaf for leaf in _leaves(node) if isinstance(leaf, Index)}


def params(node: Any) -> tuple[Param, ...]:
    """The parameters that stand in it, also in the sizes of its indices, in the order of their first place."""
    return _params_of(node) if isinstance(node, Statement) else _params(node)


@lru_cache(maxsize=1024)
def _params_of(statement: Statement) -> tuple[Param, ...]:
    return _params(statement)


def _params(node: Any) -> tuple[Param, ...]:
    found: dict[Param, None] = {}
    for leaf in _leaves(node):
        if isinstance(leaf, Param):
            found[leaf] = None
        else:
            found.update(dict.fromkeys(params(leaf.size)))
    return tuple(found)


def _itself(node: Any) -> Any:
    return node


def map_forms(
    node: N, f: Callable[[Poly], Poly], atom: Callable[[Any], Any] = _itself, real: Callable[[Real], Any] = _itself
) -> N:
    """The node with `f` applied to each integer form.

    `atom` is applied to each index and parameter that stands alone, and `real` to each real parameter.
    """
    if isinstance(node, Poly):
        return f(node)  # type: ignore[return-value]
    if isinstance(node, Atom):
        return atom(node)
    if isinstance(node, tuple):
        return tuple(map_forms(entry, f, atom, real) for entry in node)  # type: ignore[return-value]
    if isinstance(node, Real):
        return real(node)
    if not isinstance(node, Node):
        return node
    mapped = type(node)(*(map_forms(getattr(node, field.name), f, atom, real) for field in fields(node)))  # type: ignore
    return _tidied(mapped)  # type: ignore[return-value]


def _tidied(node: Any) -> Any:
    """Sums, products and values rebuilt by their own rules, so that numbers fold."""
    match node:
        case Sum(terms=terms):
            return Sum.of(*terms)
        case Product(factors=factors):
            return Product.of(*factors)
        case Power(base=base, exponent=exponent):
            return Power.of(base, exponent)
        case IndexValue(form=form):
            return scalar(form)
        case Apply(function=function, argument=argument):
            return applied(function, argument)
        case Divides(divisor=divisor, form=form):
            return Divides(divisor, form - divisor * form.multiples(divisor))
        case Less(left=left, right=right):
            return Less(*_apart(right - left))
        case AtMost(left=left, right=right):
            return AtMost(*_apart(right - left))
    return node


def _apart(gap: Poly) -> tuple[Poly, Poly]:
    """left and right with right - left = gap, and what is taken away on the left; a number stays on the right."""
    left = {monomial: -c for monomial, c in gap.terms.items() if c < 0 and monomial}
    return Poly(left), gap + Poly(left)


def substitute(node: N, values: Mapping[Any, Any]) -> N:
    """Parameters and indices replaced by integers or polynomials; an index is not replaced where it is bound."""
    if not values:
        return node
    polys = {key: Poly.of(value) for key, value in values.items()}
    memo: dict[Poly, Poly] = {}

    def form(p: Poly) -> Poly:
        if p not in memo:
            memo[p] = p.map(polys.get)
        return memo[p]

    def atom(a: Any) -> Any:
        if isinstance(a, Index):
            image = polys.get(a)
            if image is not None and isinstance(image.atom, Index):
                return image.atom
            return Index(a.letter, form(a.size), a.axis, a.primes)
        return a

    return map_forms(node, form, atom)


def with_reals(node: N, values: Mapping[Real, Scalar]) -> N:
    """Real parameters replaced by numbers (or other scalars)."""
    return map_forms(node, _itself, _itself, lambda real: values.get(real, real)) if values else node


def reals(node: Any) -> tuple[Real, ...]:
    """The real parameters that stand in it and have no value of their own, in the order of their first place."""
    return _reals_of(node) if isinstance(node, Statement) else _reals(node)


@lru_cache(maxsize=1024)
def _reals_of(statement: Statement) -> tuple[Real, ...]:
    return _reals(statement)


def _reals(node: Any) -> tuple[Real, ...]:
    return tuple(dict.fromkeys(found for found in inside(node) if isinstance(found, Real) and found != PI))


def rename(node: N, names: Mapping[Index, Index]) -> N:
    """Indices renamed, also where they are bound."""
    return substitute(node, names)


def map_leaves(node: Scalar, f: Callable[[Scalar], Scalar]) -> Scalar:
    """The scalar with each number, index value, read and bracket in it replaced by what `f` gives."""
    match node:
        case Sum(terms=terms):
            return Sum.of(*(map_leaves(term, f) for term in terms))
        case Product(factors=factors):
            return Product.of(*(map_leaves(factor, f) for factor in factors))
        case Power(base=base, exponent=exponent):
            return Power.of(map_leaves(base, f), map_leaves(exponent, f))
        case Apply(function=function, argument=argument):
            return applied(function, map_leaves(argument, f))
    return f(node)


def map_reads(node: Scalar, f: Callable[[Read], Scalar]) -> Scalar:
    """The scalar with each read outside its brackets replaced by what `f` gives."""
    return map_leaves(node, lambda leaf: f(leaf) if isinstance(leaf, Read) else leaf)


def shape_of(statement: Statement, name: str) -> tuple[Poly, ...]:
    """The sizes of an input or of an equation's left side (the product of the sizes of the digits on each axis)."""
    for tensor in statement.inputs:
        if tensor.name == name:
            return tensor.shape
    return tuple(product(index.size for index in form.indices()) for form in statement.equation(name).at)


def radix(form: Poly) -> Poly | None:
    """How many values 0, 1, … the form takes, each once, where it is a mixed radix of indices; else None.

    >>> c = Index("c", Poly.of(Param("C"))), Index("g", Poly.of(Param("G")))
    >>> radix(c[1].size * Poly.of(c[0]) + Poly.of(c[1])) == c[0].size * c[1].size
    True
    """
    values, digits = Poly.of(1), form.indices()
    left = form
    while digits:
        fitting = [index for index in digits if form.coefficient(index) == values]
        if not fitting:
            return None
        digit = min(fitting, key=lambda index: index.size != 1)  # one that takes a single value leaves room for others
        digits.remove(digit)
        left, values = left - values * Poly.of(digit), values * digit.size
    return values if left == 0 else None
