"""The taps that read the same element added up: a sum of products over several kernels is one convolution.

    Y[j] = Σ_{t, t′} [0 ≤ s′·j+d′·t′-a′ < m] W₂[t′] · W₁[t] · X[s·(s′·j+d′·t′-a′) + d·t-a]
    U[u] = Σ_{t, t′} [d·t + s·d′·t′ = u] W₂[t′] · W₁[t]
    Y[j] = Σ_u U[u] · X[s·s′·j + u - (s·a′+a)]  -  Σ_{t, t′} (1 - [0 ≤ s′·j+d′·t′-a′ < m]) W₂[t′] · W₁[t] · X[…]

What is taken away is what keeps two padded convolutions from being one: positions between the two that do not exist.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from convmath.errors import StatementError
from convmath.integers.facts import Facts, facts_of, plainly_nonnegative
from convmath.ir.build import equation, read, total
from convmath.ir.nodes import (
    ONE,
    Bracket,
    Equation,
    Guard,
    Product,
    Read,
    Scalar,
    Statement,
    Sum,
    Term,
    Within,
    Zero,
)
from convmath.ir.poly import Index, Poly, poly
from convmath.ir.walk import indices, radix, reads, shape_of
from convmath.window import span

__all__ = ["Laid", "Merged", "merged"]

TAP = "u"  # the letter of a tap of the kernel that is one


@dataclass(frozen=True, slots=True)
class Laid:
    """One spatial axis of a convolution: position j reads stride·j + dilation·tap - before.

    `before` and `after` are the padding at either end.
    """

    position: Index
    tap: Index
    stride: Poly
    dilation: Poly
    before: Poly
    after: Poly = poly(0)

    @property
    def kernel(self) -> Poly:
        return self.tap.size

    @property
    def span(self) -> Poly:
        return span(self.kernel, self.dilation)

    @property
    def at(self) -> Poly:
        return self.stride * poly(self.position) + self.dilation * poly(self.tap) - self.before


@dataclass(frozen=True, slots=True)
class Merged:
    """A statement as one convolution less what is lost between its layers.

    `kernel` and `bias` are equations in the weights of the layers, `value` is the equation of the output as the
    convolution with them, and `lost` are the terms that are to be taken away from it: they vanish where `between`, the
    brackets that look at the positions between the layers, hold for every tap.
    """

    axes: tuple[Laid, ...]
    kernel: Equation
    bias: Equation | None
    value: Equation
    lost: tuple[Term, ...]
    between: tuple[Within, ...]


def merged(statement: Statement, names: tuple[str, str]) -> Merged:
    """The output of a statement, one sum of products with its first input, taken apart; `names` are for U and B."""
    output, data = statement.output, statement.reads[0]
    mains = [term for term in output.terms if any(r.tensor == data for r in reads(term))]
    if len(mains) != 1:
        raise _refused(output, f"{data} stands in {len(mains)} sums")
    [main] = mains
    x, weights = _factors(output, main, data)
    _laid_out(output, x)
    axes = tuple(_axis(output, main, *place) for place in zip(output.at[2:], x.at[2:], strict=True))
    positions = {axis.position for axis in axes}
    # the reads of the input are 0 outside it, so what says that they lie inside may go
    inside = [Within(form, n) for form, n in zip(x.at, shape_of(statement, data), strict=True)]
    main = replace(main, guards=tuple(guard for guard in main.guards if guard not in inside))
    own, between = _apart(output, main, inside, facts_of(statement))
    kernel, product = _kernel(output, main, x, axes, Term((), tuple(own), weights), names[0])
    others = [term for term in output.terms if term not in mains]
    bias, looking = _bias(output, others, names[1], positions)
    value = replace(output, terms=(product, *([total(read(bias.name, *bias.at))] if bias else [])))
    freely = replace(main, body=Product.of(weights, replace(x, outside=Fraction(0))))
    looking = [(freely, between), *looking] if between else looking
    every = tuple(dict.fromkeys(guard for _, guards in looking for guard in guards))
    return Merged(axes, kernel, bias, value, tuple(_lost(*pair) for pair in looking), every)


def _refused(output: Equation, why: str) -> StatementError:
    return StatementError(f"{output.name} is not one convolution: {why}")


# --- the sum of products --------------------------------------------------------------------------------------------


def _factors(output: Equation, term: Term, data: str) -> tuple[Read, Scalar]:
    """The read of the input, and what weighs it."""
    factors = term.body.factors if isinstance(term.body, Product) else (term.body,)
    places = [place for place, factor in enumerate(factors) if any(r.tensor == data for r in reads(factor))]
    if term.reduce != "sum" or len(places) != 1 or not isinstance(x := factors[places[0]], Read):
        raise _refused(output, f"{term.body} is no product with one element of {data}")
    if x.outside != "strict":
        raise StatementError(f"{x} may lie outside {data}; write that as brackets first")
    return x, Product.of(*(factor for place, factor in enumerate(factors) if place != places[0]))


def _laid_out(output: Equation, x: Read) -> None:
    """Batch and channel first, then positions, each an index of the output."""
    if len(x.at) < 3 or len(output.at) != len(x.at) or x.at[0] != output.at[0]:
        raise _refused(output, f"it has {len(output.at)} axes, and reads {x}")
    if not all(isinstance(form.atom, Index) for form in output.at[2:]):
        raise _refused(output, f"its positions are ({', '.join(map(str, output.at[2:]))})")


def _restricted(form: Poly, to: set[Index]) -> Poly:
    """The terms of a form that have these indices."""
    return Poly({monomial: c for monomial, c in form.terms.items() if Poly({monomial: c}).indices() & to})


def _axis(output: Equation, term: Term, at: Poly, form: Poly) -> Laid:
    """One spatial axis: what the taps reach together are the positions of one kernel."""
    position = at.atom
    assert isinstance(position, Index)
    stride, taps = form.coefficient(position), _restricted(form, set(term.bound))
    rest = form - stride * poly(position) - taps
    affine = sum((taps.coefficient(v) * poly(v) for v in taps.indices()), poly(0)) == taps
    if rest.indices() or not affine or not plainly_nonnegative(stride - 1):
        raise _refused(output, f"{form} is no multiple of {poly(position)} plus multiples of taps")
    factors = {v: taps.coefficient(v) for v in sorted(taps.indices(), key=lambda v: v.key)}
    dilation = _common(list(factors.values()))
    reach = poly(0)
    for v, factor in factors.items():
        steps = _absolute(output, factor).divided(dilation)
        assert steps is not None
        reach = reach + steps * (v.size - 1)
    tap = Index(TAP, reach + 1, position.axis)
    return Laid(position, tap, stride, dilation, -(rest + _least(form, term)))


def _absolute(output: Equation, factor: Poly) -> Poly:
    if plainly_nonnegative(factor):
        return factor
    if plainly_nonnegative(-factor):
        return -factor
    raise _refused(output, f"the sign of {factor}, the step from tap to tap, is not known")


def _common(factors: Sequence[Poly]) -> Poly:
    """One of the steps from tap to tap that divides all others, or the greatest number that does."""
    for factor in factors:
        factor = factor if plainly_nonnegative(factor) else -factor
        if all(other.divided(factor) is not None for other in factors):
            return factor
    return poly(math.gcd(*(c for factor in factors for c in factor.terms.values())) or 1)


def _least(form: Poly, term: Term) -> Poly:
    """What the taps add where they reach least far."""
    taps = _restricted(form, set(term.bound))
    backward = (v for v in taps.indices() if not plainly_nonnegative(taps.coefficient(v)))
    return sum((taps.coefficient(v) * (v.size - 1) for v in backward), poly(0))


def _kernel(
    output: Equation, main: Term, x: Read, axes: Sequence[Laid], weights: Term, name: str
) -> tuple[Equation, Term]:
    """The kernel, in which the taps that reach the same position are added up, and the sum of products with it."""
    channel = _restricted(x.at[1], set(main.bound))
    if radix(channel) is None or channel.indices() & {v for form in x.at[2:] for v in form.indices()}:
        raise _refused(output, f"{x} is not read channel by channel")
    if strange := indices(weights) & set(output.free) - output.at[1].indices():
        names = ", ".join(sorted(v.name for v in strange))
        raise _refused(output, f"its weights, {weights.body}, depend on {names}")
    meets = (
        Zero(_restricted(form, set(main.bound)), axis.dilation * poly(axis.tap) + _least(form, main))
        for form, axis in zip(x.at[2:], axes, strict=True)
    )
    taps = [axis.tap for axis in axes]
    summed = tuple(v for v in main.bound if v not in channel.indices())
    kernel = equation(
        name, [output.at[1], channel, *taps], replace(weights, bound=summed, guards=(*weights.guards, *meets))
    )
    moved = replace(x, at=(*x.at[:2], *(axis.at for axis in axes)), outside=Fraction(0))
    kept = (v for v in main.bound if v in channel.indices())
    return kernel, total(read(name, *kernel.at) * moved, (*kept, *taps))


# --- what lies between ------------------------------------------------------------------------------------------------


def _apart(output: Equation, term: Term, inside: list[Within], facts: Facts) -> tuple[list[Guard], tuple[Within, ...]]:
    """The brackets on channels and taps, and those on positions between the layers; what is implied is left out."""
    own: list[Guard] = []
    between: list[Within] = []
    for guard in term.guards:
        if not indices(guard) & set(output.free) - output.at[1].indices():
            own.append(guard)
        elif not isinstance(guard, Within) or indices(guard) & output.at[1].indices():
            raise _refused(output, f"it has the bracket {guard}")
        elif not any(_implied(guard, known, facts) for known in inside):
            between.append(guard)
    return own, tuple(between)


def _implied(guard: Within, known: Within, facts: Facts) -> bool:
    """Whether 0 ≤ q < m wherever 0 ≤ e < n, e = s·q + …: what does not exist between the layers reads only zeros.

    q is whole, so that s·q > -s says q ≥ 0, and s·(m - q) > 0 says q < m.
    """
    q, e = guard.form, known.form
    steps = {e.coefficient(v).divided(q.coefficient(v)) for v in q.indices()}
    if len(steps) != 1 or (s := steps.pop()) is None or not plainly_nonnegative(s - 1):
        return False
    low, high = s * q + s - 1 - e, s * (guard.size - q) - 1 - (known.size - 1 - e)
    return all(facts.nonnegative(goal) is not None for goal in (low, high))


def _lost(term: Term, between: Sequence[Guard]) -> Term:
    """The term where a position between the layers does not exist."""
    held = Product.of(*(Bracket(guard) for guard in between))
    guards = tuple(guard for guard in term.guards if guard not in between)
    return replace(term, guards=guards, body=Product.of(Sum.of(ONE, -held), term.body))


def _bias(
    output: Equation, terms: list[Term], name: str, positions: set[Index]
) -> tuple[Equation | None, list[tuple[Term, tuple[Within, ...]]]]:
    """What is added for each channel as an equation, and its terms that look at positions between the layers."""
    kept, looking = [], []
    for term in terms:
        looks = tuple(guard for guard in term.guards if indices(guard) & positions)
        plain = replace(term, guards=tuple(guard for guard in term.guards if guard not in looks))
        within = tuple(guard for guard in looks if isinstance(guard, Within))
        if indices((plain.guards, plain.body)) & set(output.free) - output.at[1].indices() or within != looks:
            raise _refused(output, f"{term} is added, which depends on more than the channel")
        kept.append(plain)
        if within:
            looking.append((term, within))
    return (equation(name, [output.at[1]], *kept) if kept else None), looking
