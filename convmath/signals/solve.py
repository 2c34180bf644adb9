"""Which method convolves what: the class × class table of continuous time, and the way through it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sympy import Symbol

from . import bessel, continuous, fallback, gaussians, hyperbolic, logarithms, powers, roots, voigt
from .errors import DivergentError, NotFoundError
from .facts import Facts
from .monomials import Monomial
from .pieces import Function, Impulse, Piece
from .poles import Poles, product
from .residues import Residues, is_quotient, is_rational
from .scalars import Field
from .smeared import Smeared, is_smeared, resolved
from .terms import Term, Terms, bounded, disjoint, mirrored, terms, written
from .types import Expr, sympy

__all__ = ["Found", "convolved"]


@dataclass
class Found:
    """An expression, what was taken for different, and what is needed for convergence."""

    expression: Expr
    different: list[tuple[Expr, Expr]] = field(default_factory=list)
    converges: list[Any] = field(default_factory=list)
    guessed: bool = False  # by what may be wrong


def convolved(f: Function, g: Function, t: Symbol, facts: Facts, principal: bool = False) -> Found:
    """f ∗ g for two functions in pieces."""
    left, right = bounded(terms(f, t), facts), bounded(terms(g, t), facts)
    ways = [[1, -1] if any(is_smeared(term, t) for term in part.terms) else [1] for part in (left, right)]
    refused: DivergentError | None = None
    for first, second in itertools.product(*ways):
        try:
            return _Table(t, facts, principal).convolved(
                _sorted(left, first, t, facts), _sorted(right, second, t, facts)
            )
        except DivergentError as error:  # where error functions begin another way, infinite parts may cancel
            refused = refused or error
    assert refused is not None
    raise refused


@dataclass
class Sorted:
    """A function by kinds: exponentials and impulses, pairs that are not carried out, and all else."""

    plain: Terms
    smeared: list[Smeared]
    other: list[Term]
    parted: list[Term]  # the exponentials on intervals that do not overlap


def _sorted(found: Terms, side: int, t: Symbol, facts: Facts) -> Sorted:
    plain, smeared, other = [], [], []
    for term in found.terms:
        if term[1].exponential:
            plain.append(term)
        elif is_smeared(term, t):
            rest, pairs = resolved(term, side, t, facts)
            plain.append(rest)
            smeared += pairs
        else:
            other.append(term)
    return Sorted(Terms(tuple(plain), found.impulses), smeared, other, disjoint(plain, facts))


class _Table:
    """Each kind with each: what comes of it, and the conditions met on the way."""

    def __init__(self, t: Symbol, facts: Facts, principal: bool = False):
        self.t, self.facts, self.principal = t, facts, principal
        self.different: dict[tuple[Expr, Expr], None] = {}
        self.converges: dict[Any, None] = {}
        self.open: list[tuple[Term, Term]] = []  # pairs that no method here is for

    def convolved(self, f: Sorted, g: Sorted) -> Found:
        poles = self._poles(f.plain, g.plain)
        rest = Terms(())
        for one, two in ((f, g), (g, f)):
            for impulse, term in itertools.product(one.plain.impulses, two.other):
                rest = rest + _sifted(impulse, term, self.t)
            for pair, term in itertools.product(one.smeared, two.other):
                rest = rest + self._smeared(pair, term)
            for pair in one.smeared:
                sharp = self._terms(self._poles(Terms(pair.sharp), two.plain))
                rest = rest + self._all(sharp, pair.gaussian)
        for one, two in itertools.product(f.smeared, g.smeared):
            sharp = self._terms(self._poles(Terms(one.sharp), Terms(two.sharp)))
            rest = rest + self._all(sharp, self._all(Terms(one.gaussian), two.gaussian).terms)
        rest = rest + self._rational(f, g)
        pairs = itertools.chain(
            itertools.product(f.parted, g.other),
            itertools.product(f.other, g.parted),
            itertools.product(f.other, g.other),
        )
        left, right = ([term for term in part.other if is_quotient(term, self.t)] for part in (f, g))
        self.different.update(dict.fromkeys(Residues(left, right, self.t, self.facts).coincident()))
        rest = rest + self._with_quotients(f, g) + self._with_quotients(g, f)
        for first, second in pairs:
            if not self._in_groups(first, second):
                rest = rest + self._pair(first, second)
        if self.open:
            for first, second in self.open:
                if self.principal and all(_may_have_poles(m.expression(self.t), self.t) for _, m in (first, second)):
                    raise self._refusal(first, second)  # no integral shows the impulse that comes of two poles
            rest = rest + Terms(tuple(fallback.integrated(self.open, self.t)))
        whole = continuous.written(poles, self.t, self.facts) + written(rest, self.t, self.facts)
        return Found(whole, list(self.different), list(self.converges), bool(self.open))

    def _poles(self, left: Terms, right: Terms) -> Poles:
        parts = (left, right)
        field = Field([letter for part in parts for letter in continuous.letters(part.terms, part.impulses)])
        f, g = (continuous.as_poles(field, part.terms, part.impulses) for part in parts)
        joined = product(f, g, self.facts)
        self.different.update(joined.different)
        self.converges.update(joined.converges)
        return joined.result

    def _in_groups(self, first: Term, second: Term) -> bool:
        """Whether a pair is convolved together with others."""
        if all(is_rational(term, self.t) for term in (first, second)):
            return True
        return any(
            is_quotient(one, self.t) and (two[1].gaussian or two[1].exponential)
            for one, two in ((first, second), (second, first))
        )

    def _with_quotients(self, f: Sorted, g: Sorted) -> Terms:
        """Rational functions in f, those on one interval together, with Gaussians and with exponentials."""
        found = Terms(())
        gaussians = [term for term in g.other if term[1].gaussian]
        for quotients in _by_ends(term for term in f.other if is_quotient(term, self.t)):
            whole = is_rational(quotients[0], self.t)
            if gaussians and not whole:
                raise self._refusal(quotients[0], gaussians[0])
            if gaussians:
                found = found + Terms(tuple(voigt.smeared(quotients, gaussians, self.t, self.facts, self.principal)))
            for exponentials in _by_ends(g.parted):
                if rest := [term for term in exponentials if not (whole and is_rational(term, self.t))]:
                    joined, different = logarithms.joined(quotients, rest, self.t, self.facts, self.principal)
                    self.different.update(dict.fromkeys(different))
                    found = found + Terms(tuple(joined))
        return found

    def _rational(self, f: Sorted, g: Sorted) -> Terms:
        """Rational functions, all of them at once: what diverges in one may cancel in another."""
        waves = [[term for term in part.parted if is_rational(term, self.t)] for part in (f, g)]
        others = [[term for term in part.other if is_rational(term, self.t)] for part in (f, g)]
        found = Terms(())
        for left, right in ((others[0], others[1] + waves[1]), (waves[0], others[1])):
            if left and right:
                residues = Residues(left, right, self.t, self.facts, self.principal)
                found = found + residues.terms()
                self.converges.update(residues.converges)
        return found

    def _terms(self, poles: Poles) -> Terms:
        return continuous.as_terms(poles, self.t)

    def _all(self, left: Terms, right: Iterable[Term]) -> Terms:
        """Every term with every other, impulses included."""
        found = Terms(())
        for term in right:
            for impulse in left.impulses:
                found = found + _sifted(impulse, term, self.t)
            for other in left.terms:
                found = found + self._pair(other, term)
        return found

    def _smeared(self, pair: Smeared, term: Term) -> Terms:
        """(A ∗ G) ∗ h = A ∗ (G ∗ h), where h is a Gaussian too."""
        if not term[1].gaussian:
            raise self._refusal(pair.gaussian[0], term)
        return self._all(Terms(pair.sharp), self._all(Terms(pair.gaussian), [term]).terms)

    def _pair(self, first: Term, second: Term) -> Terms:
        """One monomial with another, by the method for their kinds."""
        if all(m.exponential or m.gaussian for _, m in (first, second)):
            return Terms(tuple(gaussians.joined(first, second, self.t, self.facts)))
        for turn in (lambda term: term, lambda term: mirrored(term, self.t)):  # powers from a point on, and up to one
            one, two = turn(first), turn(second)
            if way := self._of_powers(one, two):
                found, needed = way
                self.converges.update(dict.fromkeys(needed))
                self.different.update(dict.fromkeys(powers.coincident(one, two, self.t, self.facts)))
                return Terms(tuple(map(turn, found)))
        if all(is_quotient(term, self.t) for term in (first, second)):
            found = logarithms.with_quotient(first, second, self.t, self.facts, self.principal)
            if found is not None:
                return found
        if (found := bessel.joined(first, second, self.t, self.facts)) is not None:
            return Terms(tuple(found))
        if (found := roots.joined(first, second, self.t, self.facts)) is not None:
            return Terms(tuple(found))
        if _hopeless(first, second, self.t):
            raise self._refusal(first, second)
        if all(hyperbolic.is_hyperbolic(term, self.t) for term in (first, second)):
            return hyperbolic.joined(first, second, self.t, self.principal)
        self.open.append((first, second))
        return Terms(())

    def _of_powers(self, first: Term, second: Term) -> tuple[list[Term], list[Any]] | None:
        for one, other in ((first, second), (second, first)):
            if one[1].exponential or not powers.is_power(one, self.t):
                continue
            if other[1].exponential:
                return powers.with_exponential(one, other, self.t, self.facts)
            if other[1].gaussian:
                return powers.with_gaussian(one, other, self.t, self.facts)
            if powers.is_power(other, self.t):
                return powers.joined(one, other, self.t, self.facts)
        return None

    def _refusal(self, first: Term, second: Term) -> NotFoundError:
        return NotFoundError(f"no method convolves {first[1].expression(self.t)} with {second[1].expression(self.t)}")


def _hopeless(first: Term, second: Term, t: Symbol) -> bool:
    """Whether an integral is known to have no closed form that SymPy's integration finds: of a Bessel function with
    anything but powers, of a Gaussian beside an error function, or with what is no exponential, and of powers and
    logarithms with rational functions.
    """
    for one, other in ((first, second), (second, first)):
        f, g = one[1], other[1]
        if f.special.has(sympy.besselj, sympy.besseli) and not (g.exponential and g.rate == 0):
            return True
        if f.square != 0 and (f.special.has(sympy.erf, sympy.erfc) or g.special != 1):
            return True
        if powers.is_power(one, t) and not f.exponential and is_quotient(other, t):
            return True
    return False


def _may_have_poles(e: Expr, t: Symbol) -> bool:
    """Whether there is a denominator in a function, which is no exponential."""
    denominator = sympy.fraction(sympy.together(e.rewrite(sympy.exp)))[1]
    return any(factor.has(t) and factor.func is not sympy.exp for factor in sympy.Mul.make_args(denominator))


def _by_ends(found: Iterable[Term]) -> list[list[Term]]:
    """Terms in groups, one for each interval."""
    groups: dict[tuple[Expr, Expr], list[Term]] = {}
    for piece, monomial in found:
        groups.setdefault((piece.low, piece.high), []).append((piece, monomial))
    return list(groups.values())


def _sifted(impulse: Impulse, term: Term, t: Symbol) -> Terms:
    """c·δ^{(k)}(t - a) ∗ φ on an interval = c·φ^{(k)}(t - a) there, and impulses where it begins and ends."""
    piece, monomial = term
    smooth = monomial.expression(t)
    points = []
    for order in range(impulse.order):
        value = sympy.diff(smooth, t, order)
        for end, sign in ((piece.low, 1), (piece.high, -1)):
            if not end.is_infinite and (jump := _value_at(value, t, end, sign)) != 0:
                points.append(Impulse(sign * impulse.coefficient * jump, end + impulse.at, impulse.order - 1 - order))
    moved = (sympy.diff(smooth, t, impulse.order) * impulse.coefficient).subs(t, t - impulse.at)
    ends = Piece(moved, piece.low + impulse.at, piece.high + impulse.at)
    # left whole: what is differentiated is written as it was
    return Terms(((ends, Monomial(sympy.S.One, special=moved)),), tuple(points))


_INFINITE = (sympy.nan, sympy.zoo, sympy.oo, -sympy.oo, sympy.AccumBounds)


def _value_at(e: Expr, t: Symbol, end: Expr, sign: int) -> Expr:
    """What a function tends to at the end of a piece, from inside."""
    found = sympy.simplify(e.subs(t, end))
    if found.has(*_INFINITE):
        found = sympy.limit(e, t, end, "+" if sign > 0 else "-")
    if found.has(*_INFINITE):
        raise NotFoundError(
            f"{e} is infinite at {end}: with a derivative of δ there comes a finite part, which is no function"
        )
    return found
