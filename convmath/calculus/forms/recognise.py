"""Which statements have forms: taking a statement apart, or saying what keeps it from having any."""

from __future__ import annotations

from fractions import Fraction

from convmath.integers.facts import plainly_nonnegative
from convmath.ir.build import index, total
from convmath.ir.nodes import Equation, Guard, Product, Read, Statement, Term, Zero
from convmath.ir.poly import Index, Poly, poly
from convmath.ir.walk import radix, reads, substitute

from .structure import Axis, Refusal, Structure, extent, indices_of

__all__ = ["recognised"]


def recognised(statement: Statement) -> Structure:
    """The statement taken apart; a Refusal says what keeps it from having forms."""
    if len(statement.equations) != 1:
        names = ", ".join(equation.name for equation in statement.equations)
        raise Refusal(
            f"a form is of one equation, but there are {len(statement.equations)}, {names}; state each by itself"
        )
    [output] = statement.equations
    main, bias = _terms(output)
    main = _unturned(statement, main, _reads(output, main)[1])
    x, w = _reads(output, main)
    if len({len(x.at), len(w.at), len(output.at)}) != 1 or len(x.at) < 2:
        raise _refused(output, f"it has {len(output.at)} axes, and reads {w} · {x}")
    axes = _axes(statement, output, main, x, w)
    groups = frozenset(x.at[1].indices() & output.at[1].indices())
    found = Structure(statement, x, w, bias, not main.guards, axes, groups)
    _read_wholly(found)
    _channels(found)
    for left in set(main.bound) - set(indices_of(x.at[1], *found.inputs, *found.taps)):
        raise _refused(output, f"{poly(left)} is summed over, but is no channel, position or tap")
    return found


def _refused(output: Equation, why: str) -> Refusal:
    return Refusal(
        f"only a sum of products W[channel, channel, *taps] · X[batch, channel, *positions] has forms, but "
        f"{output.name} is none: {why}"
    )


def _terms(output: Equation) -> tuple[Term, Term | None]:
    """The sum of products, and what is added to it."""
    if any(term.reduce != "sum" for term in output.terms):
        raise _refused(output, f"it is a {output.terms[0].reduce}")
    products = [term for term in output.terms if len(list(reads(term.body))) > 1]
    others = [term for term in output.terms if term not in products]
    if len(products) != 1 or len(others) > 1:
        raise _refused(output, f"it has {len(products)} terms with products of reads, and {len(others)} without")
    bias = others[0] if others else None
    read = bias.body if bias and isinstance(bias.body, Read) else None
    if bias and (read is None or bias != total(read) or read.at != (output.at[1],)):
        raise _refused(output, f"it adds {bias}, which is no read by the channel alone")
    return products[0], bias


def _reads(output: Equation, term: Term) -> tuple[Read, Read]:
    """The read of the input, which the index of the batch is in, and that of the weight."""
    match term.body:
        case Product(factors=(Read() as one, Read() as other)) if one.tensor != other.tensor:
            batch = output.at[0]
            for x, w in ((one, other), (other, one)):
                if batch.indices() and x.at[:1] == (batch,) and not set(indices_of(*w.at)) & batch.indices():
                    return x, w
            raise _refused(output, f"neither {one} nor {other} alone is read at the output's first index, {batch}")
    raise _refused(output, f"{term.body} is no product of two reads")


def _unturned(statement: Statement, term: Term, w: Read) -> Term:
    """The same sum with W[k-1-t] written as W[t]: t and k - 1 - t run over the same taps."""
    turned = {}
    for form, size in zip(w.at[2:], statement.tensor(w.tensor).shape[2:], strict=True):
        back = (size - 1 - form).atom
        if isinstance(back, Index) and back in term.bound:
            turned[back] = form
    return substitute(term, turned)


def _axes(statement: Statement, output: Equation, term: Term, x: Read, w: Read) -> tuple[Axis, ...]:
    X, guards, axes = statement.tensor(x.tensor), list(term.guards), []
    for place in range(2, len(x.at)):
        letter, axis = X.letters[place]
        if term.guards:
            here, there = x.at[place], output.at[place]
            reached = _landing(output, guards, there)
        else:
            here, there = output.at[place], poly(index(letter, X.shape[place], axis))
            reached = x.at[place]
        axes.append(_axis(output, axis, here, there, w.at[place], reached))
    if guards:
        raise _refused(output, f"{guards[0]} says nothing about where a position lies")
    return tuple(axes)


def _landing(output: Equation, guards: list[Guard], position: Poly) -> Poly:
    """What one of the guards, which is taken out, says that the output's position is."""
    for place, guard in enumerate(guards):
        if isinstance(guard, Zero) and isinstance(position.atom, Index):
            c = guard.form.coefficient(position.atom).constant
            if c in (1, -1):
                del guards[place]
                return position - c * guard.form
    raise _refused(output, f"no bracket says what {position} is")


def _axis(output: Equation, place: int, here: Poly, there: Poly, tap: Poly, reached: Poly) -> Axis:
    """The form `reached` as stride·here + dilation·tap - before."""
    factors, rest = [], reached
    for form in (here, tap):
        if form != 0 and not isinstance(form.atom, Index):
            raise _refused(output, f"{form} stands where a position or a tap is needed")
        # where a position or tap can only be 0 nothing is left of its factor
        factor = poly(1) if form.atom is None else reached.coefficient(form.atom)
        if factor.indices() or not (plainly_nonnegative(factor - 1) or plainly_nonnegative(-factor - 1)):
            raise _refused(output, f"in {reached} the factor of {form} is {factor}, but one of known sign is needed")
        rest = rest - factor * form
        factors.append(factor)
    if rest.indices() or not plainly_nonnegative(factors[0]):
        raise _refused(
            output, f"{reached} is no sum of a positive multiple of {here}, a multiple of {tap}, and a constant"
        )
    stride, dilation = factors
    return Axis(place, here, there, tap, stride, dilation, -rest)


def _read_wholly(found: Structure) -> None:
    """Every element of the weight is read, and every one of the input that the positions do not choose among."""
    reached = len(found.axes) if found.gathers else 0
    for read, last in ((found.w, len(found.w.at)), (found.x, len(found.x.at) - reached)):
        for form, size in zip(read.at[:last], found.shape(read.tensor), strict=False):
            if radix(form) != size:
                raise _refused(found.output, f"{read.tensor} is read at {form} along an axis of size {size}")
        if len(indices_of(*read.at[:last])) < sum(len(form.indices()) for form in read.at[:last]):
            raise _refused(found.output, f"an index stands twice in {read}")
    if isinstance(found.outside, Fraction) and found.outside:
        raise _refused(found.output, f"{found.x.tensor} is {found.outside} outside, but 0 or a border is needed")


def _channels(found: Structure) -> None:
    """The weight is read by the channel that the positions lie in, and by the other one counted in its group."""
    there, here = found.channels if found.gathers else found.channels[::-1]
    groups = []
    for channel in (there, here):
        inside = found.in_group(channel)
        groups.append((channel - inside).divided(extent(inside)))
        if radix(channel) is None or radix(inside) is None or groups[-1] is None:
            raise _refused(found.output, f"{channel} is no group times the channels in it plus one of these")
    if groups[0] != groups[1]:
        raise _refused(found.output, f"the channels {there} and {here} count their groups in different orders")
    needed = here, found.in_group(there)
    if found.w.at[:2] != needed:
        at = ", ".join(map(str, found.w.at[:2]))
        raise _refused(found.output, f"{found.w.tensor} is read at ({at}), but ({needed[0]}, {needed[1]}) is needed")
