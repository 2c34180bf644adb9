"""Closed forms: inner derivatives are put in, and what the statement has named already is called by its name.

A reverse sweep leaves an equation for the derivative by each inner value. Here they are put into the last one, which is
multiplied out; then

    a factor that an inner value is made of is written by that value    Z = D/σ  →  D is Z·σ
    a sum that is an inner value, or the gradient by another input, is its name    μ = Σ X/m  →  Σ X is m·μ
    a sum that vanishes by these rules goes    Σ (X - μ) = m·μ - m·μ = 0
    what every term shares stands in front

so that the closed forms come out that are written by hand: γ/(mσ)·(m·gY - Σ gY - Z·Σ gY·Z), P·(gY - Σ gY·P).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, count
from typing import Any

from convmath.ir.nodes import (
    ONE,
    ZERO,
    Apply,
    Bracket,
    Compare,
    Equation,
    IndexValue,
    Matches,
    Number,
    Power,
    Product,
    Read,
    Real,
    Scalar,
    Statement,
    Sum,
    Term,
    scalar,
)
from convmath.ir.poly import Floor, Index, Poly, floor, poly, product
from convmath.ir.walk import indices, inside, map_reads, reads, substitute

from .gradient import pruned
from .monomials import (
    Expression,
    Monomial,
    Total,
    added,
    expanded,
    fresh,
    monomial_indices,
    monomial_scalar,
    multiplied,
    ordered,
    place,
    powered,
    renamed,
    total_of,
    totals,
)

__all__ = ["folded"]

MOST = 400  # terms: a closed form that is longer helps nobody


def folded(statement: Statement, forward: Statement, others: Mapping[str, Equation] | None = None) -> Statement:
    """The statement with its outputs in closed form, where that is shorter; else the statement as it is.

    The equations of `forward` may be read. `others` are the gradients by other inputs, by name: sums that are one of
    them are called so.
    """
    known = {equation.name for equation in forward.equations}
    derived = tuple(equation for equation in statement.equations if equation.name not in known)
    statement = replace(statement, equations=(*forward.equations, *derived))
    fold = _Fold(statement, frozenset(known), dict(others or {}))
    plain = pruned(statement)
    inner = [e for e in statement.equations if e.name not in known and e.name not in statement.outputs]
    if not inner and any(term.bound for name in statement.outputs for term in statement.equation(name).terms):
        return plain  # sums over windows are as short as they get
    try:
        equations = [new for name in statement.outputs for new in fold.closed(statement.equation(name))]
    except _TooLong:
        return plain
    kept = [e for e in statement.equations if e.name in fold.known]
    short = pruned(replace(statement, equations=(*kept, *equations)))
    return short if _length(short, fold.known) < _length(plain, fold.known) else plain


def _length(statement: Statement, known: frozenset[str]) -> int:
    """How long what was derived is to read."""
    return sum(len(str(equation)) for equation in statement.equations if equation.name not in known)


def _one_index_an_axis(equation: Equation) -> Equation:
    """The equation with the digits of one index for several on an axis.

    Z[C·g + c] = f(g, c) is Z[c] = f(⌊c/C⌋, c mod C).
    """
    taken = {(index.letter, index.axis, index.primes) for index in (*equation.free, *indices(equation.terms))}
    free, values = list[Index](), dict[Index, Poly]()
    for form in equation.at:
        own = sorted((index for index in equation.free if form.has(index)), key=lambda i: form.coefficient(i) != 1)
        if form.atom in own:
            free.append(own[0])
            continue
        one = Index(own[0].letter, product(index.size for index in own), own[0].axis, own[0].primes + 1)
        while (one.letter, one.axis, one.primes) in taken:
            one = Index(one.letter, one.size, one.axis, one.primes + 1)
        for index in own:
            q = form.coefficient(index)
            values[index] = floor(poly(one), q) - index.size * floor(poly(one), q * index.size)
        free.append(one)
    if not values:
        return equation
    return Equation(equation.name, tuple(free), tuple(map(poly, free)), substitute(equation.terms, values))


def _highest_first(quotient: Floor) -> tuple:
    """⌊c/(k₁·k₂)⌋ before ⌊c/k₂⌋: what is left of c below the highest digit has the others as its own."""
    degree = max(sum(power for _, power in monomial) for monomial in quotient.divisor.terms)
    return -degree, -max(quotient.divisor.terms.values())


def _ranges(equation: Equation) -> Iterator[Index]:
    """The indices that an equation runs over."""
    yield from equation.free
    for term in equation.terms:
        yield from term.bound


def _may_divide(factor: Scalar) -> bool:
    """Whether a factor is never 0 where the product has a value."""
    match factor:
        case Power(exponent=Number(value=exponent)):
            return exponent < 0
        case Real(positive=positive):
            return positive
        case Number() | IndexValue() | Apply(function="exp"):
            return True
    return False


class _TooLong(Exception):
    """A closed form with too many terms."""


@dataclass(frozen=True, slots=True)
class _Relation:
    """pattern = replacement, for every value of the indices in it"""

    pattern: Any
    free: tuple[Index, ...]
    replacement: Expression
    rooted: bool  # the replacement is a power of what is never negative

    def at(self, node: Any) -> Expression | None:
        """The replacement of a node that the pattern is, at some forms for its indices."""
        values = _matched(self.pattern, node, self.free)
        return None if values is None else {renamed(m, values): c for m, c in self.replacement.items()}


def _matched(pattern: Any, node: Any, free: tuple[Index, ...]) -> dict[Index, Any] | None:
    """The forms for the free indices that make the pattern the node."""
    if type(pattern) is not type(node):
        return None
    values, own = dict[Index, Any](), set(free)
    for mine, other in zip(_reads(pattern), _reads(node), strict=False):
        if mine.tensor != other.tensor:
            return None
        for form, actual in zip(mine.at, other.at, strict=True):
            unknown = [index for index in form.indices() & own if index not in values]
            if len(unknown) == 1:
                [index] = unknown
                factor = form.coefficient(index)
                value = (actual - (form - factor * poly(index)).substitute(values)).divided(factor)
                if value is not None:
                    values[index] = value
    if set(values) != set(free) & _free(pattern):
        return None
    return values if renamed(pattern, values) == node else None


def _reads(node: Any) -> list[Read]:
    if isinstance(node, Total):  # a set has no order: the same for equal names
        found = [*reads(node.guards), *(read for factor, _ in node.factors for read in _reads(factor))]
        return sorted(found, key=lambda read: read.tensor)
    return list(reads(node))


def _free(node: Any) -> set[Index]:
    return node.free() if isinstance(node, Total) else indices(node)


class _Fold:
    def __init__(self, statement: Statement, known: frozenset[str], others: dict[str, Equation]):
        self.statement, self.known = statement, known
        self.by_name = {equation.name: _one_index_an_axis(equation) for equation in statement.equations}
        self.taken = {*statement.reads, *self.by_name}
        self.factors: list[_Relation] = []
        self.sums: list[_Relation] = []
        self.definitions: dict[str, tuple[tuple[Index, ...], Expression]] = {}
        self.named: dict[Total, Equation] = {}
        self.others = others
        for name, equation in self.by_name.items():
            if name in known:
                self._learn(equation)

    # -- what the statement has named

    def _learn(self, equation: Equation) -> None:
        if len(equation.terms) != 1 or equation.terms[0].reduce != "sum":
            return
        [term] = equation.terms
        own = powered(Read(equation.name, equation.at), Fraction(1))
        if not term.bound and not term.guards:
            self._learn_factor(equation, term.body, own)
            return
        found = self.expression(equation)
        if len(found) != 1:
            return
        [(monomial, c)] = found.items()
        if any(isinstance(factor, Bracket) for factor, _ in monomial):
            return  # where it does not hold, the sum behind it is not told
        sums = list(totals(monomial))
        others = [(f, e) for f, e in monomial if f not in sums]
        if len(sums) == 1 and dict(monomial)[sums[0]] == 1 and all(e < 0 or _may_divide(f) for f, e in others):
            rest = frozenset((f, -e) for f, e in others)
            self.sums.append(_Relation(sums[0], equation.free, multiplied(own, {rest: 1 / c}), False))

    def _learn_factor(self, equation: Equation, body: Scalar, own: Expression) -> None:
        if isinstance(body, Power) and isinstance(body.exponent, Number) and isinstance(body.base, Sum | Read):
            if 0 < body.exponent.value < 1:  # a root is not negative, and has every power
                square = powered(Read(equation.name, equation.at), 1 / body.exponent.value)
                self.factors.append(_Relation(body.base, equation.free, square, True))
            return
        for part in body.factors if isinstance(body, Product) else (body,):
            if isinstance(part, Sum | Apply) and _free(part) == set(equation.free):
                rest = [f for f in body.factors if f is not part] if isinstance(body, Product) else []
                if not all(map(_may_divide, rest)):
                    continue
                over = multiplied(own, *(expanded(ONE / f, self._closed) for f in rest))
                self.definitions[equation.name] = (equation.free, expanded(body, lambda node: None))
                self.factors.append(_Relation(part, equation.free, over, False))
                return

    # -- expressions

    def _closed(self, node: Scalar) -> Expression | None:
        match node:
            case Read(tensor=tensor, outside="strict") if tensor in self.by_name and tensor not in self.known:
                return self._put_in(node)
            case Power(base=base, exponent=Number(value=exponent)):
                for relation in self.factors:
                    if relation.rooted and (found := relation.at(base)) is not None:
                        [(monomial, _)] = found.items()
                        return {frozenset((f, e * exponent) for f, e in monomial): Fraction(1)}
            case Sum() | Apply():
                for relation in self.factors:
                    if (found := relation.at(node)) is not None:
                        return found
        return None

    def _put_in(self, read: Read) -> Expression | None:
        equation = self.by_name[read.tensor]
        if any(term.reduce != "sum" for term in equation.terms):
            return None
        values = dict(zip(equation.free, read.at, strict=True))
        return self.expression(equation, values)

    def expression(self, equation: Equation, values: Mapping[Any, Any] | None = None) -> Expression:
        """The right side, at these forms for its free indices."""
        found = added(*(self._term(term, values or {}) for term in equation.terms))
        if len(found) > MOST:
            raise _TooLong
        return found

    def _term(self, term: Term, values: Mapping[Any, Any]) -> Expression:
        names = fresh(term.bound)
        guards, body = substitute((term.guards, term.body), {**values, **names})
        return self._summed(tuple(names.values()), guards, expanded(body, self._closed))

    def _summed(self, bound: tuple[Index, ...], guards: tuple, expression: Expression) -> Expression:
        """Σ_bound [guards] expression by the names of sums, without those that vanish."""
        found = total_of(bound, guards, expression)
        return added(*(self._by_name(monomial, c) for monomial, c in found.items()))

    def _by_name(self, monomial: Monomial, c: Fraction) -> Expression:
        """The term with its sums by their names, if they have one."""
        for total in totals(monomial):
            if dict(monomial)[total] != 1:
                continue
            known = self._known_sum(total)
            if known is not None:
                rest = frozenset((f, e) for f, e in monomial if f != total)
                parts = multiplied({rest: c}, known)
                return added(*(self._by_name(m, d) for m, d in parts.items()))
        return {monomial: c}

    def _known_sum(self, total: Total) -> Expression | None:
        for relation in self.sums:
            if (found := relation.at(total)) is not None:
                return found
        if (rest := self._without_chosen(total)) is not None:
            return rest
        return {} if self._vanishes(total) else None

    def _without_chosen(self, total: Total) -> Expression | None:
        """Σ_c [c = T] f is f, for f without c, where the statement requires 0 ≤ T < C."""
        for guard in total.guards:
            if not isinstance(guard, Matches) or not isinstance(index := guard.form.atom, Index):
                continue
            others = tuple(other for other in total.guards if other is not guard)
            within = index in total.bound and index not in indices((others, guard.read))
            if within and index not in monomial_indices(total.factors) and self._in_range(guard.read, index.size):
                bound = tuple(other for other in total.bound if other is not index)
                names = fresh(bound)
                factors = {renamed(total.factors, names): Fraction(1)}
                return self._summed(tuple(names.values()), substitute(others, names), factors)
        return None

    def _in_range(self, read: Read, size: Poly) -> bool:
        """Whether 0 ≤ read < size is required for all its indices."""
        bound = scalar(size)

        def required(side: Scalar) -> bool:
            return _matched(side, read, tuple(indices(side))) is not None

        comparisons = [c for c in self.statement.requires if isinstance(c, Compare)]
        low = any(c.left == ZERO and c.relation == "≤" and required(c.right) for c in comparisons)
        return low and any(c.right == bound and c.relation == "<" and required(c.left) for c in comparisons)

    def _vanishes(self, total: Total) -> bool:
        """Whether the sum is 0 when one of its factors is replaced by what it is named for."""
        for factor, exponent in ordered(total.factors):
            if exponent != 1 or not isinstance(factor, Read) or factor.tensor not in self.definitions:
                continue
            free, definition = self.definitions[factor.tensor]
            values = dict(zip(free, factor.at, strict=True))
            meant = {renamed(m, values): c for m, c in definition.items()}
            rest = frozenset((f, e) for f, e in total.factors if f != factor)
            names = fresh(total.bound)
            unfolded = {renamed(m, names): c for m, c in multiplied(meant, {rest: Fraction(1)}).items()}
            plain = total_of(tuple(names.values()), renamed(total.guards, names), unfolded)
            if not added(*(self._by_sums(monomial, c) for monomial, c in plain.items())):
                return True
        return False

    def _by_sums(self, monomial: Monomial, c: Fraction) -> Expression:
        for total in totals(monomial):
            for relation in self.sums:
                if (found := relation.at(total)) is not None:
                    return multiplied({frozenset((f, e) for f, e in monomial if f != total): c}, found)
        return {monomial: c}

    # -- back to equations

    def closed(self, equation: Equation) -> Iterator[Equation]:
        """The equations of a closed form: the sums that it needs, and last itself."""
        equation = self._by_digits(equation)
        found = self.expression(equation)
        alone, windows = dict[Monomial, Fraction](), list[Term]()
        before = len(self.named)
        for monomial, c in sorted(found.items(), key=lambda item: [str(f) for f, _ in ordered(item[0])]):
            wide = [t for t in totals(monomial) if t.free() == set(equation.free) and dict(monomial)[t] == 1]
            if len(wide) == 1 and set(equation.free):
                rest = frozenset((f, e) for f, e in monomial if f != wide[0])
                windows.append(self._window(wide[0], rest, c))
            else:
                alone[self._without_totals(monomial)] = c
        terms = ([self._common(alone)] if alone else []) + windows
        last = replace(equation, terms=tuple(terms) or (Term((), (), ZERO),))
        yield from self._numbered(list(self.named.values())[before:], last)

    def _by_digits(self, equation: Equation) -> Equation:
        """The equation over the digits of an index whose quotients it uses: Z[c] = f(⌊c/C⌋) is Z[C·g + c] = f(g)."""
        while (split := self._over_two_digits(equation)) is not None:
            equation = split
        return equation

    def _over_two_digits(self, equation: Equation) -> Equation | None:
        forms = (form for form in inside(equation.terms) if isinstance(form, Poly))
        floors = dict.fromkeys(atom for form in forms for atom in form.atoms() if isinstance(atom, Floor))
        for quotient in sorted(floors, key=_highest_first):
            index, low = quotient.number.atom, quotient.divisor
            if not isinstance(index, Index) or index not in equation.free or (high := index.size.divided(low)) is None:
                continue
            taken = {*equation.free, *indices(equation.terms)} - {index}
            first = self._digit(high, index, taken)
            second = self._digit(low, index, {*taken, first})
            values = {index: low * poly(first) + poly(second)}
            free = tuple(d for old in equation.free for d in ((first, second) if old == index else (old,)))
            return Equation(equation.name, free, *substitute((equation.at, equation.terms), values))
        return None

    def _digit(self, extent: Poly, of: Index, taken: set[Index]) -> Index:
        """An index of that range: one that the statement has, or else another with the letter of the whole."""
        names = {(index.letter, index.axis, index.primes) for index in taken}
        known = (index for e in self.statement.equations for index in _ranges(e) if index.size == extent)
        primed = (Index(of.letter, extent, of.axis, of.primes + more) for more in count())
        return next(i for i in chain(known, primed) if (i.letter, i.axis, i.primes) not in names)

    def _numbered(self, sums: list[Equation], last: Equation) -> list[Equation]:
        """The equations, each after those that it reads, the sums numbered in that order."""
        by_name = {equation.name: equation for equation in sums}
        found: dict[str, Equation] = {}

        def visit(equation: Equation) -> None:
            for read in reads(equation.terms):
                if read.tensor in by_name and read.tensor not in found:
                    visit(by_name[read.tensor])
            found[equation.name] = equation

        visit(last)
        own = [name for name in found if name in by_name and name not in self.others]
        names = dict(zip(own, sorted(own, key=lambda name: int(name[1:] or 1)), strict=True))

        def called(equation: Equation) -> Equation:
            rename = lambda read: replace(read, tensor=names.get(read.tensor, read.tensor))  # noqa: E731
            terms = tuple(replace(term, body=map_reads(term.body, rename)) for term in equation.terms)
            return replace(equation, name=names.get(equation.name, equation.name), terms=terms)

        return list(map(called, found.values()))

    def _window(self, total: Total, rest: Monomial, c: Fraction) -> Term:
        """A sum that depends on every index of the output stays a sum there."""
        body = self._without_totals(frozenset({*rest, *total.factors})) if not set(rest) & set(total.factors) else None
        if body is None:
            body = self._without_totals(next(iter(multiplied({rest: Fraction(1)}, {total.factors: Fraction(1)}))))
        names = _plain(total.bound, monomial_indices(body) | indices(total.guards))
        return Term(
            tuple(names.values()),
            substitute(total.guards, names),
            monomial_scalar(renamed(body, names), c, self._order),
        )

    def _without_totals(self, monomial: Monomial) -> Monomial:
        return frozenset((self._name(f) if isinstance(f, Total) else f, e) for f, e in ordered(monomial))

    def _name(self, total: Total) -> Read:
        """The read of a sum: under the name of the gradient that it is, or a new one."""
        if total not in self.named:
            free = _arguments(total)
            body = self._without_totals(total.factors)
            names = _plain((*free, *total.bound), set())  # all at once, so that none is taken for another
            term = Term(
                tuple(names[index] for index in total.bound),
                substitute(total.guards, names),
                monomial_scalar(renamed(body, names), Fraction(1), self._order),
            )
            own = tuple(names[index] for index in free)
            self.named[total] = Equation(self._letter(total), own, tuple(map(poly, own)), (term,))
        equation = self.named[total]
        return Read(equation.name, tuple(map(poly, _arguments(total))))

    def _letter(self, total: Total) -> str:
        for name, equation in self.others.items():
            if name not in self.taken and self._is(equation, total):
                self.taken.add(name)
                return name
        letter = next(n for n in ("E", *(f"E{i}" for i in range(2, 99))) if n not in self.taken)
        self.taken.add(letter)
        return letter

    def _is(self, equation: Equation, total: Total) -> bool:
        return self.expression(equation) == powered(total, Fraction(1))

    def _common(self, terms: Mapping[Monomial, Fraction]) -> Term:
        """The terms with what they share in front, and the brackets that they share before everything."""
        brackets = [f for f, _ in ordered(next(iter(terms))) if isinstance(f, Bracket)]
        held = [f for f in brackets if all(f in dict(monomial) for monomial in terms)]
        powers = {monomial: {f: e for f, e in monomial if f not in held} for monomial in terms}
        factors = {f for own in powers.values() for f in own if not isinstance(f, Bracket)}
        shared = {f: _shared(f, [own.get(f, Fraction(0)) for own in powers.values()]) for f in factors}
        c = min(map(abs, terms.values()))
        c = c if all((d / c).denominator == 1 for d in terms.values()) else Fraction(1)
        rests = (
            monomial_scalar(_divided(own, shared), terms[monomial] / c, self._order) for monomial, own in powers.items()
        )
        parts = sorted(rests, key=lambda part: (str(part).startswith("-"), len(str(part)), str(part)))
        front = frozenset((f, e) for f, e in shared.items() if e)
        body = Product.of(monomial_scalar(front, c, self._order), Sum.of(*parts))
        return Term((), tuple(f.guard for f in held), body)

    def _order(self, factor: Any) -> Any:
        """Cotangents and tangents first, then parameters, arrays and inner values."""
        match factor:
            case Bracket():
                return 0, str(factor)
            case Read(tensor=tensor):
                given = tensor not in self.by_name and tensor[0] in "gd" and len(tensor) > 1
                return (1 if given else 3), str(factor)
            case Real():
                return 2, str(factor)
        return 4, str(factor)


def _arguments(total: Total) -> tuple[Index, ...]:
    """The indices that a named sum has, in the order in which they are written."""
    return tuple(sorted(total.free(), key=place))


def _shared(factor: Any, exponents: list[Fraction]) -> Fraction:
    """The power of a factor that goes in front: as much as all have, and of a count also what divides only some."""
    least = min(exponents)
    return least if least > 0 or max(exponents) < 0 or isinstance(factor, IndexValue) else Fraction(0)


def _divided(powers: Mapping[Any, Fraction], by: Mapping[Any, Fraction]) -> Monomial:
    quotient = {f: powers.get(f, Fraction(0)) - by.get(f, Fraction(0)) for f in {*powers, *by}}
    return frozenset((f, e) for f, e in quotient.items() if e)


def _plain(bound: Iterable[Index], used: set[Index]) -> dict[Index, Index]:
    """Names with as few primes as the indices that are used allow."""
    own = set(bound)
    taken = {(index.letter, index.axis, index.primes) for index in used - own}
    names: dict[Index, Index] = {}
    for index in bound:
        primes = 0
        while (index.letter, index.axis, primes) in taken:
            primes += 1
        taken.add((index.letter, index.axis, primes))
        names[index] = Index(index.letter, index.size, index.axis, primes)
    return names
