r"""What a statement costs: how much it learns, multiplies and keeps; read off its equations, in its parameters.

>>> from convmath import operator
>>> conv = counts(operator("conv", ndim=2, bias=True).open_statement)
>>> print(conv.parameters)
G·C·O·k₁·k₂+G·O
>>> print(conv.macs.form())
G·C·O·N·m₁·m₂·k₁·k₂

A *multiply-accumulate* is a summand of a Σ that is a product of two array elements, both of which change with what is
summed over; a bias is added and a mean divided, neither is counted. Programs that count them take every tap of
a window, also those in the padding. Without these it is the number of tuples that read inside their arrays:

>>> one = counts(operator("conv", ndim=1).open_statement)
>>> print(one.macs_inside)
Σ_{ν<N, g<G, o<O, j<m, c<C, t<k} [0 ≤ s·j+d·t-a < n]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from convmath.errors import StatementError
from convmath.integers.facts import Facts
from convmath.ir.build import count
from convmath.ir.nodes import Equation, Guard, Matches, Product, Read, Statement, Term, Within, Zero
from convmath.ir.poly import Index, Poly, poly, product
from convmath.ir.walk import indices, radix, reads, shape_of, substitute

from .gradient import select, vjp
from .outside import expand_outside
from .symbols import to_sympy
from .tally import NO_FACTS, Tally

__all__ = ["Counts", "Sharing", "counts", "kept", "sharing", "used"]


@dataclass(frozen=True, slots=True)
class Counts:
    """What a statement costs, each a number of array elements or of operations.

    `parameters` are the elements of the inputs that are not data, `outputs` those that it makes; `macs` are the
    multiply-accumulates with the taps in the padding, `macs_inside` those without; `patches` are the elements of the
    matrix of im2col, one of the data for each value of the indices that say which one is multiplied.
    """

    parameters: Poly
    outputs: Poly
    macs: Tally
    macs_inside: Tally
    patches: Poly

    def at(self, values: Mapping[Any, Any]) -> Counts:
        """The same with parameters replaced by integers or forms."""
        parameters, outputs, patches = (
            form.substitute(values) for form in (self.parameters, self.outputs, self.patches)
        )
        return Counts(parameters, outputs, self.macs.at(values), self.macs_inside.at(values), patches)

    def to_sympy(self, facts: Facts = NO_FACTS) -> dict[str, Any]:
        """Each count as a sympy expression; taps whose number is a symbol stand under a Sum."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: one.to_sympy(facts) if isinstance(one, Tally) else to_sympy(one) for name, one in found.items()}


@dataclass(frozen=True, slots=True)
class Sharing:
    """The weights that join the inputs of one example to its outputs, in three ways.

    `shared`: as the statement has them, the same at every position. `local`: each output reads what it reads here, with
    weights of its own. `dense`: each output reads every input.
    """

    inputs: Poly
    outputs: Poly
    shared: Poly
    local: Poly
    dense: Poly

    def at(self, values: Mapping[Any, Any]) -> Sharing:
        """The same with parameters replaced by integers or forms."""
        return Sharing(*(getattr(self, field.name).substitute(values) for field in fields(self)))

    def to_sympy(self) -> dict[str, Any]:
        """Each number as a sympy expression."""
        return {field.name: to_sympy(getattr(self, field.name)) for field in fields(self)}


@lru_cache(maxsize=256)
def counts(statement: Statement, data: tuple[str, ...] = ("X",)) -> Counts:
    """The counts of a statement in its own parameters; `data` names the inputs that are not learned."""
    learned = (tensor.shape for tensor in statement.inputs if tensor.name not in data and not tensor.integer)
    multiplied = [_Products.of(statement, *found) for found in _multiplied(statement)]
    return Counts(
        parameters=sum(map(product, learned), poly(0)),
        outputs=sum((product(shape_of(statement, name)) for name in statement.outputs), poly(0)),
        macs=Tally(tuple(count(found.indices, found.guards) for found in multiplied)),
        macs_inside=Tally(tuple(count(found.indices, (*found.guards, *found.inside)) for found in multiplied)),
        patches=sum((found.patches(data) for found in multiplied), poly(0)),
    )


@lru_cache(maxsize=256)
def kept(statement: Statement) -> tuple[str, ...]:
    """The inputs that a gradient of the statement reads: what has to be kept until the gradients are taken.

    >>> from convmath import operator
    >>> [kept(operator(name, ndim=1).open_statement) for name in ("conv", "max_pool", "avg_pool")]
    [('X', 'W'), ('X',), ()]
    """
    forward = select(expand_outside(statement))
    gradients = (vjp(forward, tensor.name) for tensor in statement.inputs if not tensor.integer)
    found = {read.tensor for gradient in gradients for read in reads(gradient.equations)}
    return tuple(name for name in statement.reads if name in found)


def used(statement: Statement, name: str) -> Tally:
    """How many elements of an input are read: all, or those whose indices meet the guards that read integer arrays."""
    places = [
        (read, [guard for guard in term.guards if isinstance(guard, Matches)])
        for equation in statement.equations
        for term in equation.terms
        for read in reads(term.body)
        if read.tensor == name
    ]
    if len(places) == 1 and places[0][1]:
        read, guards = places[0]
        own = sorted(indices(read), key=lambda index: index.key)
        return Tally((count(own, [guard for guard in guards if indices(guard) <= set(own)]),))
    every = (Index("u", size, axis) for axis, size in enumerate(statement.tensor(name).shape, 1))
    return Tally((count(every),))


def sharing(statement: Statement, data: str = "X") -> Sharing:
    """How many weights the statement needs, and how many it would without sharing them; the batch comes first.

    >>> from convmath import operator
    >>> print(sharing(operator("conv", ndim=1).open_statement).local)
    G·C·O·m·k
    >>> fixed = {"n": 7, "kernel": 3, "stride": 1, "padding": 0, "dilation": 1, "groups": 1, "C": 1, "O": 1}
    >>> conv = operator("conv", ndim=2, **fixed).open_statement
    >>> sharing(conv).at(dict(conv.definitions()))
    Sharing(inputs=49, outputs=25, shared=9, local=225, dense=1225)
    """
    multiplied = list(_multiplied(statement))
    weights = {read.tensor for _, _, factors in multiplied for read in factors} - {data}
    batch = statement.output.at[0].atom
    if len(multiplied) != 1 or not weights <= set(statement.reads) or not isinstance(batch, Index):
        raise StatementError(f"{statement.outputs[0]} is no sum of products of {data} with weights")
    inputs, outputs = (product(shape_of(statement, name)[1:]) for name in (data, statement.outputs[0]))
    each = counts(statement, (data,)).macs.form().divided(batch.size)
    if each is None:
        raise StatementError(f"the products of {statement.outputs[0]} are not the same for each {poly(batch)}")
    shared = sum((product(statement.tensor(name).shape) for name in weights), poly(0))
    return Sharing(inputs, outputs, shared, each, inputs * outputs)


# --- the products of a statement ------------------------------------------------------------------------------------


def _multiplied(statement: Statement) -> Iterator[tuple[Equation, Term, Sequence[Read]]]:
    """The sums of products of elements that change with what is summed over, and the reads of those elements."""
    for equation in statement.equations:
        for term in equation.terms:
            factors = term.body.factors if isinstance(term.body, Product) else (term.body,)
            moving = [
                factor
                for factor in factors
                if isinstance(factor, Read) and any(form.has(index) for form in factor.at for index in term.bound)
            ]
            if term.reduce == "sum" and len(moving) > 1:
                yield equation, term, moving


@dataclass(frozen=True, slots=True)
class _Products:
    """The tuples over which products are taken: indices, what they must meet, and what says that no tap is outside."""

    indices: tuple[Index, ...]
    guards: tuple[Guard, ...]
    inside: tuple[Guard, ...]
    factors: tuple[Read, ...]

    @staticmethod
    def of(statement: Statement, equation: Equation, term: Term, factors: Sequence[Read]) -> _Products:
        padded = [
            Within(form, size)
            for read in factors
            if read.outside in (0, "nothing")
            for form, size in zip(read.at, shape_of(statement, read.tensor), strict=True)
            if radix(form) != size
        ]
        found = _Products((*equation.free, *term.bound), term.guards, tuple(padded), tuple(factors))
        for guard in term.guards:
            if isinstance(guard, Zero):
                found = found._without(guard)
        return found

    def _without(self, equation: Zero) -> _Products:
        """An equation between indices determines one of them; that it keeps to its range is asked of the tap."""
        for index in self.indices:
            sign = equation.form.coefficient(index).constant
            if sign in (1, -1):
                value = poly(index) - sign * equation.form
                indices = tuple(other for other in self.indices if other != index)
                guards = tuple(guard for guard in self.guards if guard != equation)
                ranged = (*self.inside, Within(poly(index), index.size))
                left = substitute((guards, ranged, self.factors), {index: value})
                return _Products(indices, *left)
        return self

    def patches(self, data: tuple[str, ...]) -> Poly:
        """One element for each value of the indices that a read of the data depends on."""
        read = (factor for factor in self.factors if factor.tensor in data)
        own = (product(i.size for i in self.indices if any(form.has(i) for form in one.at)) for one in read)
        return sum(own, poly(0))
