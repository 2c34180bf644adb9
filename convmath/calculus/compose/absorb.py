"""A layer that is affine in each channel, folded into the weights and the bias of the layer before it.

    P[…] = Σ W·X + B          Y[…] = α[c]·P[…] + β[c]
    gives W′ = α·W            B′ = α·B + β            Y[…] = Σ W′·X + B′

Which of its inputs a layer weighs by, and along which of its axes α stands, is read off its reads, so that it is right
for groups and where a layer scatters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from convmath.calculus.gradient import pruned
from convmath.calculus.scalars import derivative
from convmath.derivation import Derivation, Printable
from convmath.errors import StatementError
from convmath.ir.build import equation, read, total
from convmath.ir.check import checked
from convmath.ir.nodes import Equation, Product, Read, Scalar, Statement, Sum, Tensor, Term
from convmath.ir.poly import Index, Poly
from convmath.ir.walk import indices, map_reads, radix, reads, shape_of, substitute
from convmath.render import Document
from convmath.steps import Absorb, Start

from .chain import chained, conditions_on, free_name, settled
from .inline import between
from .words import folded

__all__ = ["Folding"]


@dataclass(frozen=True)
class Folding(Printable):
    """A layer and one behind it that is affine in each channel, as one layer.

    `statement` are the two. `weights` states the weight and the bias of the one, from those of the two, and `layer` is
    that one with them as inputs.
    """

    title: Mapping[str, str]
    layers: tuple[Statement, Statement] = field(repr=False)
    words: Mapping[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def statement(self) -> Statement:
        """The layers, each with its equations."""
        return settled(chained(self.layers))

    @cached_property
    def _absorbed(self) -> _Absorbed:
        return _absorbed(self.statement)

    @cached_property
    def derivation(self) -> Derivation:
        """From the two layers to the one."""
        one, start = self._absorbed, Start(self.statement, self.statement)
        after = one.within(self.statement)
        step = Absorb(self.statement, after, inner=one.inner.name, weight=one.weight.name, bias=one.bias.name)
        return Derivation("folding", self.title, self.statement, (start, step), after)

    @cached_property
    def weights(self) -> Statement:
        """The weight and the bias of the one layer."""
        one = self._absorbed
        whole = one.within(self.statement)
        own = pruned(replace(whole, outputs=(one.weight.name, one.bias.name), sizes=(), placements=()))
        weights = own.inputs[1:]
        requires = conditions_on(own.requires, (weights, own.equations))
        return checked(replace(own, inputs=weights, requires=requires))

    @cached_property
    def layer(self) -> Statement:
        """The one layer, with its weight and bias as inputs."""
        one, whole = self._absorbed, self.statement
        old = whole.tensor(one.read.tensor)
        bias = Tensor(one.bias.name, (shape_of(whole, one.inner.name)[1],), (("o", 0),))
        inputs = whole.inputs[0], replace(old, name=one.weight.name), bias
        asked = (guard for guard in whole.requires if not any(reads(guard)))
        requires = conditions_on(asked, (inputs, one.value, whole.sizes))
        outputs = (one.value.name,)
        return checked(replace(whole, inputs=inputs, equations=(one.value,), outputs=outputs, requires=requires))

    def compute(self, arrays: Mapping[str, Any], **given: Any) -> tuple[Any, Any]:
        """The weight and the bias in numbers, from the arrays of the two layers by name; `given` are groups, eps, …"""
        named = {self.words.get(word, word): value for word, value in given.items()}
        found = self.weights.function()(**arrays, **named)
        return found[self._absorbed.weight.name], found[self._absorbed.bias.name]

    def document(self, lang: str = "en") -> Document:
        return folded(self, lang)


@dataclass(frozen=True, slots=True)
class _Absorbed:
    """The equation of the inner array and its read of the weight, and the equations that take their places."""

    inner: Equation
    read: Read
    weight: Equation
    bias: Equation
    value: Equation

    def within(self, statement: Statement) -> Statement:
        """The statement with the one layer in the place of the two."""
        gone = {self.inner.name, self.value.name}
        others = tuple(e for e in statement.equations if e.name not in gone)
        return checked(pruned(replace(statement, equations=(*others, self.weight, self.bias, self.value))))


def _absorbed(statement: Statement) -> _Absorbed:
    data, output = statement.reads[0], statement.output
    chain = between(statement)
    if not chain:
        raise StatementError(
            f"{output.name} follows from {data} in one equation; there is nothing to fold into another"
        )
    inner = chain[0]
    affine = _pointwise(statement, output, inner, [e.name for e in chain[1:]])
    own = next(r for r in reads(affine) if r.tensor == inner.name)
    slope = derivative(affine, own)
    if any(r.tensor == inner.name for r in reads(slope)):
        raise StatementError(f"{output.name} is not affine in {inner.name}: {affine}")
    channel = inner.at[1]
    _by_channel(output, inner, slope)
    main, added = _terms(inner, data)
    w = _weight(statement, main, data, slope)
    weight = equation(_new(statement, "W"), w.at, total(Product.of(w, slope)))
    rest = map_reads(affine, lambda r: Sum.of(*added) if r == own else r)
    _by_channel(output, inner, rest)
    bias = equation(_new(statement, "B"), [channel], total(rest))
    weighed = replace(main, body=map_reads(main.body, lambda r: replace(r, tensor=weight.name) if r == w else r))
    value = replace(inner, name=output.name, terms=(weighed, total(read(bias.name, channel))))
    return _Absorbed(inner, w, weight, bias, value)


def _new(statement: Statement, name: str) -> str:
    """W′, B′"""
    return free_name(name + "′", {*statement.reads, *(e.name for e in statement.equations)})


def _pointwise(statement: Statement, output: Equation, inner: Equation, through: list[str]) -> Scalar:
    """The value of the output at a position of the inner array, by what the inner array holds there."""

    def value(name: str, at: tuple[Poly, ...]) -> Scalar:
        stated = statement.equation(name)
        for term in stated.terms:
            if term.bound or term.reduce != "sum":
                raise StatementError(
                    f"{name} takes in several elements of {inner.name}, but only what is affine in each by itself can "
                    "be folded"
                )
            if term.guards:
                raise StatementError(f"{name} has the bracket {term.guards[0]}, and is not affine in {inner.name}")
        if not all(isinstance(form.atom, Index) for form in stated.at):
            raise StatementError(f"{name} is stated at ({', '.join(map(str, stated.at))}), not at an index an axis")
        values = {form.atom: e for form, e in zip(stated.at, at, strict=True)}
        body = substitute(Sum.of(*(term.body for term in stated.terms)), values)
        return map_reads(body, lambda r: value(r.tensor, r.at) if r.tensor in through else r)

    if len(output.at) != len(inner.at):
        raise StatementError(f"{output.name} has {len(output.at)} axes, but {inner.name} has {len(inner.at)}")
    found = value(output.name, inner.at)
    for r in reads(found):
        if r.tensor == inner.name and (r.at != inner.at or r.outside != "strict"):
            raise StatementError(f"{output.name} reads {r}, and not {inner.name} at its own position")
    return found


def _by_channel(output: Equation, inner: Equation, node: Scalar) -> None:
    strange = indices(node) - inner.at[1].indices()
    if strange:
        names = ", ".join(sorted(v.name for v in strange))
        raise StatementError(f"{output.name} is affine in {inner.name} with {node}, which depends on {names} too")


def _terms(inner: Equation, data: str) -> tuple[Term, list[Scalar]]:
    """The sum over the input, and what is added to it."""
    mains = [term for term in inner.terms if any(r.tensor == data for r in reads(term))]
    others = [term for term in inner.terms if term not in mains]
    if len(mains) != 1 or mains[0].reduce != "sum" or any(term.bound or term.guards for term in others):
        raise StatementError(f"{inner.name} is no sum over {data} with a bias: {inner}")
    return mains[0], [term.body for term in others]


def _weight(statement: Statement, main: Term, data: str, slope: Scalar) -> Read:
    """The factor that can take in another: read once at each of its elements, along the channel of the factor too."""
    factors = main.body.factors if isinstance(main.body, Product) else (main.body,)
    for factor in factors:
        if isinstance(factor, Read) and factor.tensor != data and factor.tensor in statement.reads:
            sizes = statement.tensor(factor.tensor).shape
            wholly = all(radix(form) == size for form, size in zip(factor.at, sizes, strict=True))
            if wholly and indices(slope) <= indices(factor):
                return factor
    raise StatementError(f"no weight in {main.body} could take in {slope}")
