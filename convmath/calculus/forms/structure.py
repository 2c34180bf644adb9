"""The statements that have forms: a sum of products of one input with a weight that all positions share.

A statement *gathers* where the output's position j reads the input at s·j + d·t - a, and *scatters* where the input's
position i lands at s·i + d·t - a of the output:

    Y[ν,o,j] = Σ_{c,t} W[o,c,t] · X[ν,c,s·j+d·t-a]              Y[ν,o,j] = Σ_{c,i,t} [s·i+d·t-a = j] W[c,o,t] · X[ν,c,i]

Arrays are (batch, channels, *positions) and weights (channels, channels, *taps). Channels may come in groups, whose
number is then the leading digit of both. Which read is which follows from its indices, not from any name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product as choices

from convmath.errors import StatementError
from convmath.integers.facts import plainly_nonnegative
from convmath.ir.build import total
from convmath.ir.check import checked
from convmath.ir.nodes import AtMost, Equation, Guard, Less, Outside, Read, Statement, Tensor, Term, Zero
from convmath.ir.poly import Index, Poly, poly, product
from convmath.ir.walk import params, shape_of
from convmath.window import BORDERS

__all__ = ["Axis", "Refusal", "Structure", "extent", "indices_of", "joined"]


class Refusal(StatementError):
    """A statement has no forms, or not this one."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Where the positions of the input and of the output meet: there = stride·here + dilation·tap - before.

    `here` is the output's position where a statement gathers and the input's where it scatters. `dilation` is negative
    where the kernel is turned. `place` is the subscript of the letters of this axis.
    """

    place: int
    here: Poly
    there: Poly
    tap: Poly
    stride: Poly
    dilation: Poly
    before: Poly

    @property
    def reached(self) -> Poly:
        """stride·here + dilation·tap - before"""
        return self.stride * self.here + self.dilation * self.tap - self.before

    @property
    def forward(self) -> bool:
        """Whether later taps reach further; they do not where the kernel is turned."""
        return plainly_nonnegative(self.dilation)

    @property
    def step(self) -> Poly:
        """|dilation|"""
        return self.dilation if self.forward else -self.dilation


@dataclass(frozen=True)
class Structure:
    """A statement that has forms, taken apart. `groups` are the indices that both channels have in common."""

    statement: Statement
    x: Read
    w: Read
    bias: Term | None
    gathers: bool
    axes: tuple[Axis, ...]
    groups: frozenset[Index]

    # -- what is read, and where

    @property
    def output(self) -> Equation:
        return self.statement.output

    @property
    def outside(self) -> Outside:
        """What lies outside the input; a statement that scatters reads it inside only."""
        return self.x.outside if self.gathers else "strict"

    @property
    def border(self) -> bool:
        """Whether the input goes on outside, by an index map."""
        return isinstance(self.outside, str) and self.outside in BORDERS

    @property
    def batch(self) -> Poly:
        return self.x.at[0]

    @property
    def channels(self) -> tuple[Poly, Poly]:
        """The channel of the input, and that of the output."""
        return self.x.at[1], self.output.at[1]

    @property
    def inputs(self) -> tuple[Poly, ...]:
        """The positions of the input, each an index of its own."""
        return tuple(axis.there if self.gathers else axis.here for axis in self.axes)

    @property
    def outputs(self) -> tuple[Poly, ...]:
        return self.output.at[2:]

    @property
    def taps(self) -> tuple[Poly, ...]:
        return self.w.at[2:]

    @property
    def kernel(self) -> tuple[Poly, ...]:
        """The sizes of the kernel."""
        return self.shape(self.w.tensor)[2:]

    @property
    def element(self) -> Read:
        """The input at positions of its own."""
        return Read(self.x.tensor, (*self.x.at[:2], *self.inputs))

    def in_group(self, channel: Poly) -> Poly:
        """The channel counted inside its group."""
        return channel.substitute(dict.fromkeys(self.groups, 0))

    def shape(self, name: str) -> tuple[Poly, ...]:
        return shape_of(self.statement, name)

    @property
    def group(self) -> Poly | None:
        """The number of the group; None where channels have no groups."""
        channel = self.channels[0]
        inside = self.in_group(channel)
        return (channel - inside).divided(extent(inside)) if self.groups else None

    def brackets(self, axis: Axis) -> tuple[tuple[Guard, ...], ...]:
        """Brackets whose sum is 1 where the positions of an axis meet at the tap; a border has more of them."""
        e, there, n = axis.reached, axis.there, extent(axis.there)
        inside = (Zero(e, there),)
        if not self.border:
            return (inside,)
        border = BORDERS[self.outside]  # type: ignore[index]
        below = Less(e, poly(0)), Zero(border.below(e, n), there)
        above = AtMost(n, e), Zero(border.above(e, n), there)
        return inside, below, above

    def meetings(self) -> Iterator[tuple[Guard, ...]]:
        """The brackets of all axes together: one sum for each choice among what meets on an axis."""
        return (tuple(guard for guards in each for guard in guards) for each in choices(*map(self.brackets, self.axes)))

    # -- making statements

    def summed(self, body: object, *forms: Poly, where: Iterable[Guard] = ()) -> Term:
        """Σ [where] body over those indices of the forms that the output does not have."""
        return total(body, (i for i in indices_of(*forms) if i not in self.output.free), where)

    def product(self, kernel: Read, axes: Sequence[Axis]) -> Term:
        """Σ kernel · X, the axes laid so."""
        taps = [axis.tap for axis in axes]
        if self.gathers:
            x = replace(self.x, at=(*self.x.at[:2], *(axis.reached for axis in axes)))
            return self.summed(kernel * x, self.channels[0], *taps)
        meet = [Zero(axis.reached, axis.there) for axis in axes]
        return self.summed(kernel * self.x, self.channels[0], *self.inputs, *taps, where=meet)

    def value(self, *terms: Term) -> Equation:
        """The equation of the output with other terms; the bias is added."""
        return replace(self.output, terms=terms if self.bias is None else (*terms, self.bias))

    def stated(
        self,
        *equations: Equation,
        inputs: tuple[Tensor, ...] = (),
        outputs: tuple[str, ...] | None = None,
        requires: tuple[Guard, ...] = (),
    ) -> Statement:
        """These equations over the same inputs, sizes and conditions, and some more."""
        base = self.statement
        known = {*base.reads, *base.outputs}
        for name in (*(tensor.name for tensor in inputs), *(e.name for e in equations if e.name not in base.outputs)):
            if name in known:
                raise Refusal(f"the form needs the name {name} for an array, but the statement has it already")
        return checked(
            replace(
                base,
                inputs=(*base.inputs, *inputs),
                equations=equations,
                outputs=outputs or base.outputs,
                placements=(),
                requires=(*base.requires, *requires),
            )
        )

    def new(self, param: Poly) -> Poly:
        """A parameter whose letter the statement does not have."""
        taken = {p.name for p in params(self.statement)}
        if any(p.name in taken for p in params(param)):
            raise Refusal(f"the form needs the letter {param} for a size, but the statement has it already")
        return param


def extent(form: Poly) -> Poly:
    """How many values a form takes whose indices are its digits."""
    return product(i.size for i in form.indices())


def joined(forms: Sequence[Poly], sizes: Sequence[Poly]) -> Poly:
    """The number of a position, row by row: (f₁·n₂ + f₂)·n₃ + f₃ …"""
    number = poly(0)
    for form, size in zip(forms, sizes, strict=True):
        number = number * size + form
    return number


def indices_of(*forms: Poly) -> tuple[Index, ...]:
    """The indices of the forms, in the order of their first place."""
    return tuple(dict.fromkeys(leaf for form in forms for leaf in form.leaves() if isinstance(leaf, Index)))
