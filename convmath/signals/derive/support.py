"""The steps in one variable, by where the two functions overlap."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sympy import oo

from convmath.steps import Step

from .. import folds
from ..discrete import convolved as discrete_convolved
from ..errors import NotFoundError, OpenQuestion
from ..limits import limits
from ..monomials import Monomial, monomials
from ..periodic import one_period
from ..pieces import Function, Impulse, Piece, Reader
from ..reflection import reflected
from ..sequences import IntegerReader
from ..solve import convolved
from ..steps import (
    Added,
    Case,
    Collect,
    CompleteSquare,
    Define,
    Flip,
    Flipped,
    Fold,
    Inner,
    Integrate,
    OnePeriod,
    Overlap,
    Problem,
    Sift,
    Sifted,
    Square,
    Turn,
)
from ..types import Expr, sympy
from .primitives import Primitive, written
from .printing import shortest

__all__ = ["by_support", "found", "reader", "turned"]

HALF = sympy.S.Half


def by_support(problem: Problem) -> tuple[Step, ...]:
    """Definition, flip and shift, overlap, the integral of each case, and the result."""
    steps: list[Step] = [Define(problem, problem)]
    if problem.correlation:
        after = turned(problem)
        steps.append(Turn(problem, after))
        problem = after
    if problem.period is not None:
        linear = _on_one_period(problem)
        return (*steps, OnePeriod(problem, linear), *_Lecture(linear).steps(), Fold(linear, problem))
    return (*steps, *_Lecture(problem).steps())


def _on_one_period(problem: Problem) -> Problem:
    """The linear convolution of one period of each function."""
    for e in () if problem.discrete else (problem.f, problem.g):
        below = sympy.Mul.make_args(sympy.fraction(sympy.together(e))[1])
        if any(factor.has(problem.t) and not isinstance(factor, sympy.exp) for factor in below):
            raise NotFoundError(f"no steps are written for a quotient over a period, as {e} is")
    known = reader(problem)
    resolved = [e if problem.discrete else folds.resolved(e, problem.t, problem.period) for e in (problem.f, problem.g)]
    f, g = (one_period(known.read(e), known, problem.period) for e in resolved)
    result = found(f, g, problem)
    names = tuple(f"{name}_0" for name in problem.names)
    f, g = (_expression(function, problem) for function in (f, g))
    return replace(problem, f=f, g=g, result=result, names=names, period=None, turned=None)


def found(f: Function, g: Function, problem: Problem) -> Expr:
    """f ∗ g of functions in pieces."""
    t, facts = problem.t, problem.facts
    if problem.discrete:
        return discrete_convolved(f, g, t, facts).expression
    return convolved(f, g, t, facts, problem.principal).expression


def turned(problem: Problem) -> Problem:
    """A correlation as the convolution with the first function conjugated and turned."""
    f = reflected(problem.f, problem.variables, problem.period)
    name = "h" if "h" not in problem.names else "p"
    return replace(problem, f=f, correlation=False, names=(name, problem.names[1]), turned=problem)


def reader(problem: Problem) -> Reader:
    return (IntegerReader if problem.discrete else Reader)(problem.t, problem.facts)


class _Lecture:
    """The steps of one problem, once it is a convolution."""

    def __init__(self, problem: Problem):
        self.problem, self.t, self.tau = problem, problem.t, problem.tau
        self.reader = reader(problem)

    def steps(self) -> Iterable[Step]:
        try:
            left, right = (self.reader.read(e) for e in (self.problem.f, self.problem.g))
            sifted = tuple(self._sifted(left, right))
        except NotFoundError:
            yield from self._whole()
            return
        (f, sure), (g, known) = (self._disjoint(function) for function in (left, right))
        yield Flip(self.problem, Flipped(f, g, sure, known))
        if sifted:
            yield Sift(self.problem, sifted)
        if not (f and g):
            yield Collect(self.problem, self.problem.result, sifted=sifted)
            return
        if (square := self._square(f, g)) is not None:
            case = Case(-oo, oo, (), square.value)
            yield CompleteSquare(self.problem, square)
            yield Collect(self.problem, self.problem.result, cases=Added((case,)), sifted=sifted)
            return
        cases = self._overlaps(f, g) if sure and known else self._by_steps(f, g)
        if not (len(cases.cases) == 1 and all(_is_whole(piece) for piece in (*f, *g))):
            yield Overlap(self.problem, cases)
        for case in cases.cases:
            if case.inner:
                yield Integrate(self.problem, case, one=cases.one)
        yield Collect(self.problem, self.problem.result, cases=cases, sifted=sifted)

    def _whole(self) -> Iterable[Step]:
        """Functions that are not read in pieces: one integral."""
        problem = self.problem
        moved = problem.g.subs(self.t, self.t - self.tau)
        case = Case(-oo, oo, (Inner(problem.f.subs(self.t, self.tau), moved, -oo, oo),), problem.result)
        yield Integrate(problem, case)
        yield Collect(problem, problem.result, cases=Added((case,)))

    # -- impulses

    def _sifted(self, left: Function, right: Function) -> Iterable[Sifted]:
        for impulse in left.points:
            yield self._of(impulse, True, right, self.problem.g)
        plain = Function(left.smooth)
        if right.points and plain.smooth:
            other = self.problem.f if not left.points else _expression(plain, self.problem)
            for impulse in right.points:
                yield self._of(impulse, False, plain, other)

    def _of(self, impulse: Impulse, of_left: bool, other: Function, named: Expr) -> Sifted:
        point = Function((), (impulse,))
        if not impulse.order:
            value = impulse.coefficient * named.subs(self.t, self.t - impulse.at)
        else:
            value = found(*((point, other) if of_left else (other, point)), self.problem)
        return Sifted(impulse, of_left, named, value)

    # -- overlap

    def _disjoint(self, function: Function) -> tuple[tuple[Piece, ...], bool]:
        """A function as disjoint pieces, if its break points have an order; else its pieces are added."""
        try:
            return tuple(_joined(self.reader.disjoint(function))), True
        except OpenQuestion:
            return function.smooth, False

    def _overlaps(self, f: Sequence[Piece], g: Sequence[Piece]) -> Added:
        try:
            return self._cases(f, g)
        except OpenQuestion:
            return self._by_steps(f, g)

    def _events(self, f: Sequence[Piece], g: Sequence[Piece]) -> list[Expr]:
        """Where, in t, one end passes another."""
        ends = [((p.low, p.high), (q.low, q.high)) for p, q in itertools.product(f, g)]
        sums = (x + y for these, those in ends for x, y in itertools.product(these, those))
        finite = (sympy.expand(s) for s in sums if not s.has(oo, -oo, sympy.nan, sympy.zoo))
        return self.reader.sorted(dict.fromkeys(finite))

    def _cases(self, f: Sequence[Piece], g: Sequence[Piece]) -> Added:
        """What overlaps while t lies between two neighbouring break points."""
        ends = [-oo, *self._events(f, g), oo]
        cases = []
        for start, end in itertools.pairwise(ends):
            inner = [
                (one, *meeting, p, q)
                for p in f
                for q in reversed(g)
                if (meeting := self._meeting(p, q, start, end)) is not None
                for one in [self._inner(p, q, *meeting)]
            ]
            cases.append(self._case(start, end, inner))
        return Added(tuple(self._alike(cases)))

    def _meeting(self, p: Piece, q: Piece, start: Expr, end: Expr) -> tuple[Expr, Expr] | None:
        """From where to where f's piece and g's turned one overlap."""
        before = self.reader.before
        low_low, low_high = sympy.expand(p.low + q.low), sympy.expand(p.low + q.high)
        high_low, high_high = sympy.expand(p.high + q.low), sympy.expand(p.high + q.high)
        if before(start, low_low) or before(high_high, end):
            return None
        low = p.low if q.high is oo or before(start, low_high) else self.t - q.high
        high = p.high if q.low is -oo or before(high_low, end) else self.t - q.low
        return low, high

    def _inner(self, p: Piece, q: Piece, low: Expr, high: Expr, sign: int = 1) -> Inner:
        left, right = sign * p.expression.subs(self.t, self.tau), q.expression.subs(self.t, self.t - self.tau)
        if self.problem.discrete:
            low, high = (low + HALF, high - HALF)
        return Inner(left, right, low, high)

    def _case(self, start: Expr, end: Expr, parts: list[tuple[Inner, Expr, Expr, Piece, Piece]], sign: int = 1) -> Case:
        if not parts:
            return Case(start, end, (), sympy.S.Zero)
        inner, values = [], []
        for one, low, high, p, q in parts:
            try:
                if self.problem.discrete:
                    raise NotFoundError("sums have no antiderivative")
                primitive = Primitive(sign * p.expression, q.expression, self.t, self.problem.facts)
                values.append(primitive.between(low, high))
                inner.append(replace(one, primitive=primitive.at(self.tau)))
            except (NotFoundError, OpenQuestion):
                values.append(self._value(p, q, start, end) * sign)
                inner.append(one)
        value = written(values, self.t) if len(values) > 1 else shortest(values[0])
        return Case(start, end, tuple(inner), value)

    def _value(self, p: Piece, q: Piece, start: Expr, end: Expr) -> Expr:
        """What the convolution of two pieces is between two points, as the methods find it."""
        e = found(Function((p,)), Function((q,)), self.problem)
        middle = (start + HALF, end + HALF) if self.problem.discrete else (start, end)
        try:
            pieces = self.reader.partition(e)
        except NotFoundError:  # a short sequence, value by value
            return e
        before = self.reader.before
        here = (p.expression for p in pieces if not before(middle[0], p.low) and not before(p.high, middle[1]))
        return next(here, e)  # what has more pieces than the overlap has cases is left whole

    def _alike(self, cases: Iterable[Case]) -> list[Case]:
        """Neighbouring cases with the same integrals are one."""
        kept: list[Case] = []
        for case in cases:
            if kept and kept[-1].inner == case.inner:
                kept[-1] = replace(kept[-1], end=case.end)
            else:
                kept.append(case)
        return kept

    def _by_steps(self, f: Sequence[Piece], g: Sequence[Piece]) -> Added:
        """A term for each sum of break points, whatever their order is."""
        parts: dict[tuple[Expr, Expr], list[tuple[Inner, Expr, Expr, Piece, Piece]]] = {}
        for p, q in itertools.product(f, g):
            for sign, low, high, start, end in limits((p.low, p.high), (q.low, q.high), self.t):
                signed = replace(p, expression=sign * p.expression)
                part = (self._inner(signed, q, low, high), low, high, signed, q)
                parts.setdefault((start, end), []).append(part)
        order = sorted(parts, key=lambda ends: [(len(sympy.Add.make_args(e)), sympy.default_sort_key(e)) for e in ends])
        return Added(tuple(self._case(*ends, parts[ends]) for ends in order), one=False)

    # -- Gaussians on the whole line

    def _square(self, f: Sequence[Piece], g: Sequence[Piece]) -> Square | None:
        """∫ exp(-κ(τ - m)² + rest) dτ, where both functions are one Gaussian on the whole line, or one and a wave."""
        if self.problem.discrete or len(f) != 1 or len(g) != 1 or not all(_is_whole(p) for p in (*f, *g)):
            return None
        try:
            [first], [second] = (monomials(p.expression, self.t) for p in (f[0], g[0]))
        except (ValueError, NotFoundError):
            return None
        if first.power or second.power or first.special != 1 or second.special != 1:
            return None
        return self._completed(first, second)

    def _completed(self, f: Monomial, g: Monomial) -> Square | None:
        t, tau = self.t, self.tau
        kappa = sympy.factor(-(f.square + g.square))
        if kappa.has(sympy.I) or not self.problem.facts.positive(kappa):
            return None
        exponent = sympy.expand(f.exponent(tau) + g.exponent(t - tau))
        if exponent.has(sympy.I):
            return None
        slope = exponent.coeff(tau, 1)
        centre = sympy.factor(slope / (2 * kappa))
        rest = sympy.factor(sympy.expand(exponent.coeff(tau, 0) + kappa * centre**2))
        shown = f.exponent(tau) + g.exponent(t - tau)
        front = f.coefficient * g.coefficient
        value = front * sympy.sqrt(sympy.pi / kappa) * sympy.exp(rest)
        return Square(shown, kappa, centre, rest, front, value)


def _is_whole(piece: Piece) -> bool:
    return piece.low is -oo and piece.high is oo


def _joined(pieces: Iterable[Piece]) -> list[Piece]:
    """Pieces that are not 0, neighbours with one expression together."""
    kept: list[Piece] = []
    for piece in pieces:
        expression = piece.expression if not piece.expression.is_Add else sympy.factor_terms(piece.expression)
        if expression == 0 or sympy.expand(expression) == 0:
            continue
        if kept and kept[-1].high == piece.low and sympy.expand(kept[-1].expression - expression) == 0:
            kept[-1] = replace(kept[-1], high=piece.high)
        else:
            kept.append(Piece(expression, piece.low, piece.high))
    return kept


def _expression(function: Function, problem: Problem) -> Expr:
    """A function in pieces as an expression with steps."""
    found = sympy.S.Zero
    for piece in function.smooth:
        up = sympy.S.One if piece.low is -oo else _step(piece.low, problem)
        down = sympy.S.Zero if piece.high is oo else _step(piece.high, problem)
        found += piece.expression * (up - down)
    for impulse in function.points:
        moved = problem.t - impulse.at
        if problem.discrete:
            found += impulse.coefficient * sympy.KroneckerDelta(moved, 0)
        else:
            found += impulse.coefficient * sympy.DiracDelta(moved, impulse.order)
    return found


def _step(at: Expr, problem: Problem) -> Expr:
    if problem.discrete:
        return sympy.Heaviside(problem.t - at - HALF, 1)
    return sympy.Heaviside(problem.t - at)
