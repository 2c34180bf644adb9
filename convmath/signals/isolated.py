"""Points at which an answer has a value that its expression does not show: 0/0 in 2t/sinh t at 0, 0·∞ in t·log|t|.

Beside such a point t₀ every function is expanded, on either side, by powers of the distance r and of log r; where both
sides tend to one number, that is the value. It is continued by Taylor's series where a function is analytic, and

    Ei(x) = γ + log|x| + Σ x^k/(k·k!),   E₁(x) = -γ - log x - Σ (-x)^k/(k·k!),
    Ci(x) = γ + log x + Σ (-1)^k x^{2k}/(2k·(2k)!),   Γ(s, x) = Γ(s) - x^s·Σ (-x)^k/(k!·(s + k)).

>>> t, a = sympy.Symbol("t", real=True), sympy.Symbol("a", positive=True)
>>> values(2 * t / sympy.sinh(a * t), t, Facts())
[(0, 2/a)]
>>> values((t - 1) * sympy.log(sympy.Abs(t - 1)), t, Facts())
[(1, 0)]
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Symbol, oo

from .deadline import inquire, limited
from .errors import ContradictionError, LateError
from .facts import Facts
from .types import Expr, sympy

__all__ = ["values", "with_values"]

SECONDS = 1.0  # for all points of one answer; most take milliseconds
LONG, MANY = 12, 40  # terms of what no factors are looked for, and operations in what is not asked whether it is 0
DIGITS = 30
ORDERS = (1, 3, 7)  # up to which powers of the distance, tried one after the other
APART, CLOSE = sympy.Rational(1, 10**7), 1e-3  # where the values are held against numbers, and how closely

LOGARITHMIC = (sympy.log, sympy.Ei, sympy.Ci, sympy.Chi)
SINGULAR = (*LOGARITHMIC, sympy.expint, sympy.uppergamma, sympy.coth, sympy.csch, sympy.cot, sympy.csc)  # at 0
ANALYTIC = (
    sympy.exp,
    sympy.sin,
    sympy.cos,
    sympy.tan,
    sympy.sinh,
    sympy.cosh,
    sympy.tanh,
    sympy.atan,
    sympy.asinh,
    sympy.erf,
    sympy.erfc,
    sympy.erfi,
    sympy.Si,
    sympy.Shi,
)
ODD = (sympy.sin, sympy.tan, sympy.sinh, sympy.tanh, sympy.Abs)  # 0 where their argument is
INFINITE = (sympy.nan, sympy.zoo, oo, -oo)


def with_values(e: Expr, t: Symbol, found: Sequence[tuple[Expr, Expr]]) -> Expr:
    """The expression in cases, which has these values at these points."""
    for at, value in found:
        cases = [(e, sympy.true)] if not isinstance(e, sympy.Piecewise) else [*e.args]
        before = [k for k, (_, condition) in enumerate(cases) if condition == (t < at)]
        if before and cases[before[0]][0].subs(t, at) == value:
            cases[before[0]] = (cases[before[0]][0], t <= at)  # the case before shows it too
        else:
            cases = [(value, sympy.Eq(t, at)), *cases]
        e = sympy.Piecewise(*cases)
    return e


def values(e: Expr, t: Symbol, facts: Facts, conditions: Sequence[Any] = ()) -> list[tuple[Expr, Expr]]:
    """The points at which an expression is not to be evaluated as it stands, with the numbers that it tends to there on
    both sides; those that are not found are left out.
    """
    if not (candidates := _candidates(e, t)):
        return []
    found: list[tuple[Expr, Expr]] = []
    try:
        with limited(SECONDS):
            for at in candidates:
                value = _value(e, t, at, facts) if _undefined(e, t, at, facts) else None
                if value is not None and _holds(e, t, at, value, facts, conditions):
                    found.append((at, value))
    except LateError:
        pass  # the answer is none the worse for it elsewhere
    return found


# --- which points ------------------------------------------------------------------------------------------------


def _singular(e: Expr, t: Symbol) -> Iterator[Expr]:
    """What must not be 0 in an expression."""
    for part in sympy.preorder_traversal(e):
        if isinstance(part, sympy.Pow):
            if part.base.has(t) and not part.exp.is_nonnegative and not part.base.is_positive:
                yield part.base
        elif isinstance(part, SINGULAR) and part.args[-1].has(t):
            yield part.args[-1]


def _candidates(e: Expr, t: Symbol) -> list[Expr]:
    """Where something may vanish that must not, as far as that is linear in t; and 0."""
    arguments = dict.fromkeys(_singular(e, t))
    zeros = dict.fromkeys(zero for argument in arguments for zero in _zeros(argument, t))
    return sorted({*zeros, sympy.S.Zero}, key=sympy.default_sort_key) if arguments else []


def _zeros(e: Expr, t: Symbol) -> Iterable[Expr]:
    if isinstance(e, sympy.Mul):
        return [zero for part in e.args if part.has(t) for zero in _zeros(part, t)]
    if isinstance(e, sympy.Pow):
        return _zeros(e.base, t)
    if isinstance(e, ODD):
        return _zeros(e.args[0], t)
    if not e.is_polynomial(t):
        return []
    if sympy.degree(e, t) > 1:
        if len(sympy.Add.make_args(e)) > LONG:
            return []
        factors = sympy.factor_list(e, t)[1]
        return [zero for factor, _ in factors if sympy.degree(factor, t) == 1 for zero in _zeros(factor, t)]
    slope = sympy.diff(e, t)
    zero = sympy.cancel(-e.subs(t, 0) / slope)
    return [zero] if zero.is_real else []


def _undefined(e: Expr, t: Symbol, at: Expr, facts: Facts) -> bool:
    """Whether something vanishes there that must not, in the case that is taken there."""
    if not e.has(t):
        return False
    if isinstance(e, sympy.Piecewise):
        for value, condition in e.args:
            if (holds := _decided(condition.subs(t, at), facts)) is None:
                return False
            if holds:
                return _undefined(value, t, at, facts)
        return False
    if isinstance(e, sympy.DiracDelta):
        return False
    if (isinstance(e, sympy.Pow) and e.base.has(t) and not e.exp.is_nonnegative) or isinstance(e, SINGULAR):
        argument = e.base if isinstance(e, sympy.Pow) else e.args[-1]
        if sympy.expand(argument.subs(t, at)).is_zero:
            return True
    return any(_undefined(part, t, at, facts) for part in e.args)


def _decided(condition: Any, facts: Facts) -> bool | None:
    if condition in (sympy.true, sympy.false):
        return bool(condition)
    return facts.holds(condition) if isinstance(condition, sympy.core.relational.Relational) else None


# --- which value -------------------------------------------------------------------------------------------------


class _UnknownError(Exception):
    """What something tends to is not found."""


class _ShortError(_UnknownError):
    """More terms are needed."""


def _value(e: Expr, t: Symbol, at: Expr, facts: Facts) -> Expr | None:
    """What an expression tends to from both sides, if that is one number."""
    try:
        left, right = (_limit(e, t, at, side, facts) for side in (-1, 1))
    except _UnknownError:
        return None
    if left != right and not _vanishes(left - right, facts):
        return None
    return min(left, right, key=sympy.count_ops)


def _limit(e: Expr, t: Symbol, at: Expr, side: int, facts: Facts) -> Expr:
    for order in ORDERS:
        beside = _Beside(t, at, side, facts, order)
        try:
            return beside.tends_to(e)
        except _ShortError:
            continue
    raise _UnknownError


def _vanishes(e: Expr, facts: Facts) -> bool:
    """Whether something is 0 at random values of its parameters, to many digits: SymPy may take minutes to say so."""
    inquire()
    e = sympy.expand(e)
    if not e.is_number:
        try:
            e = e.xreplace(facts.sample(e.free_symbols, random.Random(1), of=(e,)))
        except ContradictionError:
            raise _UnknownError from None
    found = e.evalf(DIGITS, maxn=4 * DIGITS)
    if not found.is_number or found.has(*INFINITE):
        raise _UnknownError
    return bool(abs(found) < sympy.Float(10) ** (-DIGITS // 2))


@dataclass(frozen=True)
class _Local:
    """Σ c·r^p·(log r)^k with p < upto, and what falls as r^upto, but for logarithms."""

    terms: dict[tuple[Any, int], Expr]
    upto: Any = oo

    @property
    def low(self) -> Any:
        return min((power for power, _ in self.terms), default=self.upto)

    @property
    def real(self) -> bool:
        return all(c.is_extended_real for c in self.terms.values())

    def __add__(self, other: _Local) -> _Local:
        terms, upto = dict(self.terms), min(self.upto, other.upto)
        for key, c in other.terms.items():
            terms[key] = terms.get(key, sympy.S.Zero) + c
        return _Local({key: c for key, c in terms.items() if key[0] < upto and c != 0}, upto)

    def each(self, rule: Callable[[Expr], Expr]) -> _Local:
        terms = {key: rule(c) for key, c in self.terms.items()}
        return _Local({key: c for key, c in terms.items() if c != 0}, self.upto)

    def times(self, c: Expr, power: Any = 0) -> _Local:
        return _Local({(p + power, k): value * c for (p, k), value in self.terms.items()}, self.upto + power)


class _Beside:
    """Expansions at t = t₀ ± r for small r > 0."""

    def __init__(self, t: Symbol, at: Expr, side: int, facts: Facts, order: int):
        self.t, self.at, self.side, self.facts, self.order = t, at, side, facts, order
        self._known: dict[Expr, _Local] = {}

    def tends_to(self, e: Expr) -> Expr:
        found = self.of(e)
        if found.upto <= 0:
            raise _ShortError
        for (power, logs), c in found.terms.items():
            if (power < 0 or (power == 0 and logs)) and not _vanishes(c, self.facts):
                raise _UnknownError
        value = sympy.expand(found.terms.get((0, 0), sympy.S.Zero))
        if value.has(sympy.I):
            x, y = map(sympy.expand, value.as_real_imag())
            value = x if _vanishes(y, self.facts) else x + sympy.I * y
        if value.has(*INFINITE):
            raise _UnknownError
        return value

    def of(self, e: Expr) -> _Local:
        if e not in self._known:
            inquire()
            self._known[e] = self._of(e)
        return self._known[e]

    def _of(self, e: Expr) -> _Local:
        if not e.has(self.t):
            return self._constant(e)
        if e == self.t:
            return self._constant(self.at) + _Local({(1, 0): sympy.Integer(self.side)})
        if isinstance(e, sympy.Add):
            return functools.reduce(lambda x, y: x + y, map(self.of, e.args))
        if isinstance(e, sympy.Mul):
            return functools.reduce(self._product, map(self.of, e.args))
        if isinstance(e, sympy.Pow):
            return self._power(self.of(e.base), e.exp) if not e.exp.has(self.t) else self.of(e.rewrite(sympy.exp))
        if isinstance(e, sympy.Piecewise):
            return next(self.of(value) for value, condition in e.args if self._holds(condition))
        if isinstance(e, sympy.coth | sympy.csch | sympy.sech | sympy.cot | sympy.csc | sympy.sec):
            top = {sympy.coth: sympy.cosh, sympy.cot: sympy.cos}.get(e.func, lambda _: sympy.S.One)
            below = {sympy.sech: sympy.cosh, sympy.sec: sympy.cos, sympy.cot: sympy.sin, sympy.csc: sympy.sin}
            x = e.args[0]
            return self.of(top(x) / below.get(e.func, sympy.sinh)(x))
        if isinstance(e, sympy.expint | sympy.uppergamma | sympy.lowergamma):
            return self._of_index(e)
        if isinstance(e, sympy.DiracDelta):
            if self._leading(self.of(e.args[0]))[1] != 0:
                raise _UnknownError  # an impulse has no value
            return self._constant(sympy.S.Zero)
        if len(e.args) == 1 or isinstance(e, sympy.Heaviside):
            return self._function(e.func, self.of(e.args[0]))
        raise _UnknownError

    def _constant(self, c: Expr) -> _Local:
        return _Local({(sympy.S.Zero, 0): c} if c != 0 else {})

    def _function(self, kind: Any, x: _Local) -> _Local:
        if kind in ANALYTIC:
            return self._taylor(kind, x)
        if kind in LOGARITHMIC:
            return self._logarithmic(kind, x)
        if kind in (sympy.re, sympy.im):
            return x.each(lambda c: c.as_real_imag()[kind is sympy.im])
        if kind in (sympy.Abs, sympy.sign, sympy.Heaviside) and x.real:
            sign = 1 if self._positive(x) else -1
            if kind is sympy.Abs:
                return x.times(sympy.Integer(sign))
            return self._constant(sympy.Integer(sign if kind is sympy.sign else (1 + sign) // 2))
        raise _UnknownError

    # -- signs

    def _positive(self, x: _Local) -> bool:
        leading = self._leading(x)[0]
        positive = self.facts.positive(leading)
        if positive is None:
            raise _UnknownError
        return positive

    def _holds(self, condition: Any) -> bool:
        if condition in (sympy.true, sympy.false):
            return bool(condition)
        if isinstance(condition, sympy.And | sympy.Or):
            return (all if isinstance(condition, sympy.And) else any)(map(self._holds, condition.args))
        if not condition.has(self.t) and (holds := _decided(condition, self.facts)) is not None:
            return holds
        if isinstance(condition, sympy.Eq | sympy.Ne) and condition.has(self.t):
            return isinstance(condition, sympy.Ne)
        if not isinstance(condition, sympy.core.relational.Relational):
            raise _UnknownError
        return self._positive(self.of(condition.gts - condition.lts))

    def _leading(self, x: _Local) -> tuple[Expr, Any]:
        """The coefficient of the lowest power, and the power, where no logarithm stands."""
        for power in sorted({p for p, _ in x.terms}):
            here = {k: c for (p, k), c in x.terms.items() if p == power}
            nonzero = [k for k, c in here.items() if not self._is_zero(c)]
            if nonzero:
                if nonzero != [0]:
                    raise _UnknownError
                return here[0], power
        raise _ShortError

    def _is_zero(self, c: Expr) -> bool:
        if _vanishes(c, self.facts):
            return True
        if not c.is_number and (c.count_ops() > MANY or self.facts.equal(c, sympy.S.Zero) is not False):
            raise _UnknownError  # it may be 0 at other values
        return False

    # -- arithmetic

    def _product(self, x: _Local, y: _Local) -> _Local:
        inquire()
        upto = min(x.upto + y.low, y.upto + x.low)
        upto = upto if upto is oo else min(upto, self.order)  # polynomials are kept whole
        terms: dict[tuple[Any, int], Expr] = {}
        for (p, j), c in x.terms.items():
            for (q, k), d in y.terms.items():
                if p + q < upto:
                    key = p + q, j + k
                    terms[key] = terms.get(key, sympy.S.Zero) + c * d
        terms = {key: sympy.expand(c) for key, c in terms.items()}
        return _Local({key: c for key, c in terms.items() if c != 0}, upto)

    def _composed(self, coefficient: Callable[[int], Expr], x: _Local) -> _Local:
        """Σ c_n x^n for an x that tends to 0."""
        found, power, n = self._constant(coefficient(0)), self._constant(sympy.S.One), 0
        if x.low <= 0:
            raise _UnknownError
        while x.terms and n * x.low < self.order:
            n, power = n + 1, self._product(power, x)
            found = found + power.times(coefficient(n))
        return found + _Local({}, min(self.order, x.upto))

    def _parted(self, x: _Local) -> tuple[Expr, Any, _Local]:
        """x = c·r^p·(1 + y) as c, p and y."""
        c, p = self._leading(x)
        rest = _Local({key: value for key, value in x.terms.items() if key[0] > p}, x.upto)
        if not rest.real and self._on_cut(c):
            raise _UnknownError
        return c, p, rest.times(1 / c, -p)

    def _power(self, x: _Local, n: Expr) -> _Local:
        if n.is_Integer and n > 0:
            return functools.reduce(self._product, [x] * int(n))
        c, p, y = self._parted(x)
        if p != 0 and not n.is_Rational:
            raise _UnknownError
        return self._composed(lambda k: sympy.ff(n, k) / sympy.factorial(k), y).times(c**n, p * n)

    def _log(self, x: _Local) -> _Local:
        c, p, y = self._parted(x)
        front = _Local({(sympy.S.Zero, 0): self._logarithm(c), (sympy.S.Zero, 1): sympy.sympify(p)})
        return front + self._composed(lambda k: (-1) ** (k + 1) / sympy.Integer(k) if k else sympy.S.Zero, y)

    def _on_cut(self, c: Expr) -> bool:
        """Whether a number may be one where logarithms and powers have their cut."""
        x, y = c.as_real_imag()
        return self.facts.equal(y, sympy.S.Zero) is not False and not self.facts.positive(x)

    def _logarithm(self, c: Expr) -> Expr:
        """log(x + iy) = ½log(x² + y²) + i·atan(y/x), and half a turn more where x < 0."""
        x, y = map(sympy.expand, c.as_real_imag())
        size = sympy.log(x) if y == 0 else sympy.log(x**2 + y**2) / 2
        if y == 0:
            return size if not self.facts.positive(-x) else sympy.log(-x) + sympy.I * sympy.pi
        if self.facts.positive(x):
            return size + sympy.I * sympy.atan(y / x)
        if (above := self.facts.positive(y)) is None or not (above or self.facts.positive(-y)):
            raise _UnknownError
        half = sympy.pi if above else -sympy.pi
        return size + sympy.I * (half + sympy.atan(y / x) if self.facts.positive(-x) else half / 2 - sympy.atan(x / y))

    def _taylor(self, kind: Any, x: _Local) -> _Local:
        centre = x.terms.get((0, 0), sympy.S.Zero)
        rest = _Local({key: c for key, c in x.terms.items() if key != (0, 0)}, x.upto)
        return self._composed(lambda k: _derivative(kind, k, centre) / sympy.factorial(k), rest)

    def _logarithmic(self, kind: Any, x: _Local) -> _Local:
        if kind is sympy.log:
            return self._log(x)
        if self._leading(x)[1] == 0:
            if self._parted(x)[0].is_extended_negative and kind in (sympy.Ci, sympy.Chi):
                raise _UnknownError
            return self._taylor(kind, x)
        # Ei is real for x < 0 too
        inside = x.times(sympy.S.NegativeOne) if kind is sympy.Ei and x.real and not self._positive(x) else x
        even = {sympy.Ci: -1, sympy.Chi: 1}.get(kind)

        def coefficient(k: int) -> Expr:
            if k == 0:
                return sympy.EulerGamma
            if even is None:
                return 1 / (k * sympy.factorial(k))
            return sympy.S.Zero if k % 2 else sympy.Integer(even) ** (k // 2) / (k * sympy.factorial(k))

        return self._log(inside) + self._composed(coefficient, x)

    def _of_index(self, e: Expr) -> _Local:
        """E₁ and incomplete gamma functions."""
        index, argument = e.args
        x = self.of(argument)
        if isinstance(e, sympy.expint) and index.is_Integer and index > 1:
            return self.of(sympy.expand_func(e))
        if self._leading(x)[1] == 0 or not index.is_Rational:
            raise _UnknownError
        if index == (1 if isinstance(e, sympy.expint) else 0):
            series = self._composed(lambda k: (-1) ** k / (k * sympy.factorial(k)) if k else sympy.EulerGamma, x)
            return (self._log(x) + series).times(sympy.S.NegativeOne)
        if isinstance(e, sympy.expint) or (index.is_Integer and index < 0):
            raise _UnknownError
        series = self._composed(lambda k: (-1) ** k / (sympy.factorial(k) * (index + k)), x)
        lower = self._product(self._power(x, index), series)
        if isinstance(e, sympy.lowergamma):
            return lower
        return self._constant(sympy.gamma(index)) + lower.times(sympy.S.NegativeOne)


@functools.lru_cache(maxsize=500)
def _derivative(kind: Any, order: int, at: Expr) -> Expr:
    """The n-th derivative at a point."""
    if at == 0 and kind in (sympy.Si, sympy.Shi):
        sign = -1 if kind is sympy.Si else 1
        return sympy.Rational(sign ** (order // 2), order) if order % 2 else sympy.S.Zero
    x = sympy.Dummy()
    found = sympy.diff(kind(x), x, order).subs(x, at)
    if found.has(*INFINITE):
        raise _UnknownError
    return found


def _holds(e: Expr, t: Symbol, at: Expr, value: Expr, facts: Facts, conditions: Sequence[Any]) -> bool:
    """Whether numbers beside a point agree with the value there."""
    symbols = (e.free_symbols | value.free_symbols) - {t}
    try:
        drawn = facts.sample(symbols, random.Random(0), conditions, (value,))
    except ContradictionError:
        return False
    place, wanted = at.xreplace(drawn), value.xreplace(drawn)
    try:
        beside = [complex(e.xreplace(drawn).subs(t, place + step).evalf(15)) for step in (-APART, APART)]
        return abs(sum(beside) / 2 - complex(wanted.evalf(15))) <= CLOSE * (1 + abs(complex(wanted)))
    except TypeError:  # they are no numbers
        return False
