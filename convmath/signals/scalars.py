"""Numbers with parameters in them: ℚ(a, b, …)(i), and sums of such numbers times exponentials of parameters.

A parameter is a symbol, or anything else that does not depend on the variables (π, √2, log b, Γ(p)): to the field it
is a letter like any other. Fractions are kept cancelled, so that equal numbers are equal objects as long as the
letters do not depend on one another; where one is a constant or a function, a number is taken for zero also if it is
so to 40 digits at random values of the symbols.

>>> import sympy
>>> a, b = sympy.symbols("a b")
>>> field = Field([a, b])
>>> field.number(1 / (a - b)) + field.number(1 / (b - a)) == field.zero
True
>>> field.number(a + sympy.I) * field.number(a - sympy.I)
a**2 + 1
"""

from __future__ import annotations

import functools
import math
import operator
import random
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import mpmath
from sympy import I, Symbol
from sympy.core.function import AppliedUndef
from sympy.polys.fields import FracElement, FracField

from .deadline import inquire
from .types import Expr, Polynomial, sympy

__all__ = ["VANISHING", "Coefficient", "Field", "Number"]

DIGITS, GUARD = 40, 20
# what is 0 at many values of a symbol and not at others
VANISHING: tuple[Any, ...] = (
    sympy.Heaviside,
    sympy.KroneckerDelta,
    sympy.DiracDelta,
    sympy.Piecewise,
    sympy.Max,
    sympy.Min,
)


def _letters(expression: Expr, plain: Container[Symbol]) -> Iterator[Expr]:
    """What a field must have as letters for the expression to be a number of it."""
    if expression.is_Rational or expression is I:
        return
    if expression.is_Mul and I in expression.args:
        letter = _turned(expression, plain)
        if letter is not None:
            yield I * letter
            expression = expression / (I * letter)
    if expression.is_Add or expression.is_Mul:
        for part in expression.args:
            yield from _letters(part, plain)
    elif _is_power(expression):
        yield from _letters(_root(expression), plain)
    elif expression is not I and not expression.is_Rational:
        yield expression


def _is_power(e: Expr) -> bool:
    """x^{p/q}, but for x^{1/q}, of which others are whole powers."""
    return bool(e.is_Pow and e.exp.is_Rational and e.exp.p != 1)


def _root(power: Expr) -> Expr:
    return power.base if power.exp.is_Integer else power.base ** sympy.Rational(1, power.exp.q)


def _turned(product: Expr, plain: Container[Symbol]) -> Expr | None:
    """A symbol that i stands before: i·w is a letter of its own, so that 1/(a + iw) has no square in it."""
    symbols = [part for part in product.args if part.is_Symbol and part not in plain]
    return min(symbols, key=sympy.default_sort_key) if symbols else None


class Field:
    """ℚ(letters)(i), with the letters that some expressions need.

    What is `plain` is never taken together with i.
    """

    def __init__(self, expressions: Iterable[Expr], plain: Container[Symbol] = ()):
        self.plain = plain
        letters = {letter: None for e in expressions for letter in _letters(sympy.sympify(e), plain)}
        self.letters = tuple(sorted(letters, key=sympy.default_sort_key))
        names = [sympy.Dummy(f"x{place}") for place in range(len(self.letters))]
        # whole coefficients, which are much faster than fractions; and where there are no letters ℚ itself
        self.rational: Any = FracField(names, sympy.ZZ, sympy.lex) if names else sympy.QQ
        self._place = dict(zip(self.letters, self.rational.gens, strict=True)) if names else {}
        self.names = dict(zip(names, self.letters, strict=True))
        symbols = {letter for letter in self.letters if letter.is_Symbol}
        turned = {letter / I for letter in self.letters if letter.is_Mul}
        self._turned, self._number_of = bool(turned), {letter: at for at, letter in enumerate(self.letters)}
        self._independent = len(symbols) + len(turned) == len(self.letters) and not symbols & turned
        self.zero, self.one = self._number(0), self._number(1)
        self.i = Number(self, self.rational.zero, self.rational.one)

    def _ratio(self, top: int, bottom: int) -> Any:
        return self.rational.raw_new(*map(self.rational.ring, (top, bottom))) if self.letters else sympy.QQ(top, bottom)

    def _number(self, value: int) -> Number:
        return Number(self, self.rational(value), self.rational.zero)

    def number(self, expression: Expr) -> Number:
        """The number that an expression in the letters is."""
        expression = sympy.sympify(expression)
        if expression.is_Rational:
            return Number(self, self._ratio(expression.p, expression.q), self.rational.zero)
        if expression is I:
            return self.i
        if expression.is_Add:
            return self._sum(expression.args)
        if expression.is_Mul and I in expression.args and (symbol := _turned(expression, self.plain)) is not None:
            letter = Number(self, self._place[I * symbol], self.rational.zero)
            return letter * self.number(expression / (I * symbol))
        if expression.is_Mul:
            return functools.reduce(operator.mul, map(self.number, expression.args))
        if _is_power(expression):
            return self.number(_root(expression)) ** int(expression.exp.p)
        return Number(self, self._place[expression], self.rational.zero)

    def _sum(self, terms: Iterable[Expr]) -> Number:
        """Terms that are products of powers of letters are collected, the others added as numbers."""
        parts: tuple[dict[Any, Any], ...] = ({}, {})  # of real and of imaginary terms
        rest = []
        for term in terms:
            if (found := self._monomial(term)) is None:
                rest.append(self.number(term))
                continue
            powers, value, turns = found
            part = parts[turns % 2]
            part[powers] = part.get(powers, 0) + (value if turns % 4 < 2 else -value)
        total = Number(self, *map(self._polynomial, parts))
        return functools.reduce(operator.add, rest, total)

    def _monomial(self, term: Expr) -> tuple[tuple[int, ...], Any, int] | None:
        """Exponents of the letters, a rational number, and how often i is there."""
        powers, value, turns = [0] * len(self.letters), sympy.QQ(1), 0
        for factor in sympy.Mul.make_args(term):
            base, exponent = (_root(factor), factor.exp.p) if _is_power(factor) else (factor, 1)
            if factor.is_Rational:
                value *= sympy.QQ(factor.p, factor.q)
            elif base is I and not self._turned:
                turns += int(exponent)
            elif base in self._number_of and exponent > 0:
                powers[self._number_of[base]] += int(exponent)
            else:
                return None
        return tuple(powers), value, turns

    def _polynomial(self, terms: dict[Any, Any]) -> Any:
        """Σ c·(a product of letters), with rational coefficients."""
        if not self.letters:
            return terms.get((), self.rational.zero)
        bottom = math.lcm(*(int(value.denominator) for value in terms.values()))
        ring = self.rational.ring
        top = ring.from_dict(
            {powers: value.numerator * (bottom // value.denominator) for powers, value in terms.items()}
        )
        return _lowest(self.rational, top, ring.domain(bottom))

    def expression(self, number: Any) -> Expr:
        """A real number as a SymPy expression."""
        return (
            number.as_expr().xreplace(self.names)
            if self.letters
            else sympy.Rational(number.numerator, number.denominator)
        )

    @functools.cached_property
    def plainly(self) -> Field:
        """The field in which no letter is imaginary."""
        letters = [letter / I if letter.is_Mul else letter for letter in self.letters]
        return Field(letters, plain={letter for letter in letters if letter.is_Symbol})

    def in_plain_letters(self, number: Number) -> Number:
        """A number of this field in that one: (iw)^k = i^k·w^k."""
        if not self._turned:
            return number
        x, y = (self._in_plain_letters(part) for part in (number.x, number.y))
        return x + y * self.plainly.i

    def _in_plain_letters(self, fraction: Any) -> Number:
        top, bottom = (self._turned_back(part) for part in (fraction.numer, fraction.denom))
        return top * bottom.inverse()

    def _turned_back(self, p: Any) -> Number:
        places = [(self.plainly._number_of[x / I if x.is_Mul else x], x.is_Mul) for x in self.letters]
        parts: tuple[dict[Any, Any], ...] = ({}, {})
        for powers, value in p.items():
            found, turns = [0] * len(self.plainly.letters), 0
            for power, (at, imaginary) in zip(powers, places, strict=True):
                found[at] += power
                turns += power if imaginary else 0
            part, key = parts[turns % 2], tuple(found)
            part[key] = part.get(key, 0) + (value if turns % 4 < 2 else -value)
        return Number(self.plainly, *map(self.plainly._polynomial, parts))

    @functools.cached_property
    def _probes(self) -> list[dict[Expr, Expr]]:
        """Random values of the symbols in the letters, of functions that stand for any, as in f(0), and of what is 0 at
        most values of a symbol and not at others: negative ones too where they may be, for which |a| is not a.
        """
        draw = random.Random(0)
        found = (letter.free_symbols.union(letter.atoms(AppliedUndef, *VANISHING)) for letter in self.letters)
        symbols = sorted(set[Any]().union(*found), key=sympy.default_sort_key)
        return [
            {
                symbol: (1 if symbol.has(*VANISHING) else _sign(symbol, first))
                * sympy.Rational(draw.randint(100, 999), draw.randint(100, 999))
                for symbol in symbols
            }
            for first in ((-1, 1, -FAR, FAR) if any(map(_bent, self.letters)) else (-1, 1))
        ]

    def vanishes(self, number: Any) -> bool:
        if not number:
            return True
        if self._independent:
            return False
        p = number.numer
        return all(
            _is_small(p, roughly, 1e-9) and _is_small(p, exactly, mpmath.mpf(10) ** -DIGITS)
            for roughly, exactly in self._values
        )

    @functools.cached_property
    def _values(self) -> list[tuple[list[complex], list[Any]]]:
        """What the letters are at the probes, as floating-point numbers and with more digits than are asked for."""
        found = []
        with mpmath.workdps(DIGITS + GUARD):
            for values in self._probes:
                parts = (letter.xreplace(values).evalf(DIGITS + GUARD).as_real_imag() for letter in self.letters)
                exactly = [mpmath.mpc(*map(mpmath.mpmathify, part)) for part in parts]
                found.append(([complex(value) for value in exactly], exactly))
        return found


def _is_small(p: Polynomial, letters: Sequence[Any], most: Any) -> bool:
    """Whether a polynomial is that small at values of the letters, beside the sizes of its terms; what is too large for
    floating-point numbers may be.
    """
    total: Any = 0
    size: Any = 0
    try:
        with mpmath.workdps(DIGITS + GUARD):
            for powers, value in p.items():
                term = int(value)
                for letter, power in zip(letters, powers, strict=True):
                    if power:
                        term = term * letter**power
                total, size = total + term, size + abs(term)
            return not abs(total) > most * size  # NaN decides nothing either
    except OverflowError:
        return True


FAR = 100  # times farther from 0, where |a - 5| + a - 5 is not 0


def _bent(letter: Expr) -> bool:
    return any(part.args[0].is_Add for part in letter.atoms(sympy.Abs, sympy.sign))


def _sign(symbol: Expr, wanted: int) -> int:
    return abs(wanted) if symbol.is_extended_nonnegative else -abs(wanted) if symbol.is_extended_nonpositive else wanted


def _added(x: Any, y: Any) -> Any:
    """The sum in lowest terms; what can cancel are factors that both denominators have, and no others
    (D. E. Knuth, The Art of Computer Programming, vol. 2, 4.5.1).
    """
    if not isinstance(x, FracElement):
        return x + y
    a, b, c, d = x.numer, x.denom, y.numer, y.denom
    if not a or not c:
        return x or y
    if b.is_ground and d.is_ground:  # without the search for a common factor of polynomials
        return _lowest(x.field, a.mul_ground(d.LC) + c.mul_ground(b.LC), b.LC * d.LC)
    if b == d:
        common, left, right = b, b.ring.one, b.ring.one
    else:
        common, left, right = b.cofactors(d)
    top = a * right + c * left
    if not top:
        return x.field.zero
    _, top, rest = top.cofactors(common)
    return _positive(x.field, top, left * right * rest)


def _multiplied(x: Any, y: Any) -> Any:
    """The product in lowest terms: a numerator has common factors with the other's denominator alone."""
    if not isinstance(x, FracElement):
        return x * y
    a, b, c, d = x.numer, x.denom, y.numer, y.denom
    if not a or not c:
        return x.field.zero
    if b.is_ground and d.is_ground:
        return _lowest(x.field, a * c, b.LC * d.LC)
    _, a, d = a.cofactors(d)
    _, c, b = c.cofactors(b)
    return _positive(x.field, a * c, b * d)


def _scaled(x: Any, factor: Any) -> Any:
    """A fraction in lowest terms stays one when it is multiplied by a rational number."""
    if not isinstance(x, FracElement) or not factor:
        return x * factor
    top, bottom = (x.field.domain(part) for part in (factor.numerator, factor.denominator))
    over, under = x.field.domain.gcd(x.numer.content(), bottom), x.field.domain.gcd(x.denom.content(), top)
    numer = x.numer.quo_ground(over).mul_ground(top // under)
    return x.raw_new(numer, x.denom.quo_ground(under).mul_ground(bottom // over))


def _lowest(field: Any, top: Any, bottom: Any) -> FracElement:
    """A polynomial over a whole number that is positive."""
    if not top:
        return field.zero
    common = field.domain.gcd(top.content(), bottom)
    return field.raw_new(top.quo_ground(common), top.ring(bottom // common))


def _positive(field: Any, top: Any, bottom: Any) -> FracElement:
    """With a denominator whose leading coefficient is positive, as SymPy's fractions have it."""
    return field.raw_new(top, bottom) if bottom.LC > 0 else field.raw_new(-top, -bottom)


class Number:
    """x + iy with x and y in ℚ(letters)."""

    __slots__ = ("field", "x", "y")

    def __init__(self, field: Field, x: FracElement, y: FracElement):
        self.field, self.x, self.y = field, x, y

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and (self.x, self.y) == (other.x, other.y)

    def __hash__(self) -> int:
        return hash((self.x, self.y))

    def __bool__(self) -> bool:
        return not (self.field.vanishes(self.x) and self.field.vanishes(self.y))

    def __neg__(self) -> Number:
        return Number(self.field, -self.x, -self.y)

    def __add__(self, other: Number) -> Number:
        inquire()
        return Number(self.field, _added(self.x, other.x), _added(self.y, other.y))

    def __sub__(self, other: Number) -> Number:
        return self + -other

    def __mul__(self, other: Number | int | Fraction) -> Number:
        inquire()
        if not isinstance(other, Number):
            factor = sympy.QQ(other.numerator, other.denominator)
            return Number(self.field, _scaled(self.x, factor), _scaled(self.y, factor))
        x, y = _multiplied(self.x, other.x), _multiplied(self.x, other.y)
        if self.y:
            x, y = _added(x, -_multiplied(self.y, other.y)), _added(y, _multiplied(self.y, other.x))
        return Number(self.field, x, y)

    __rmul__ = __mul__

    def __pow__(self, exponent: int) -> Number:
        exponent = int(exponent)  # SymPy's integers are none to its rings
        if not self.y and self.x:
            return Number(self.field, (self.x if exponent >= 0 else 1 / self.x) ** abs(exponent), self.y)
        base, result = (self if exponent >= 0 else self.inverse()), self.field.one
        for _ in range(abs(exponent)):
            result = result * base
        return result

    def inverse(self) -> Number:
        """1/z = z̄/|z|², which divides by real numbers alone."""
        if not self.y:
            return Number(self.field, 1 / self.x, self.y)
        square = self.x**2 + self.y**2
        return Number(self.field, self.x / square, -self.y / square)

    def __repr__(self) -> str:
        return str(self.expression)

    @property
    def expression(self) -> Expr:
        return self.field.expression(self.x) + I * self.field.expression(self.y)


class Coefficient:
    """Σ q·e^ε with numbers q and exponents ε, which depend on parameters alone.

    Exponentials with different exponents are independent over the rational functions, so that such a sum is zero
    exactly where all its numbers are.
    """

    __slots__ = ("field", "terms")

    def __init__(self, field: Field, terms: Mapping[Expr, Number]):
        self.field = field
        self.terms = {exponent: number for exponent, number in terms.items() if number}

    @staticmethod
    def of(number: Number, exponent: Expr = sympy.S.Zero) -> Coefficient:
        return Coefficient(number.field, {sympy.expand(exponent): number})

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Coefficient) and self.terms == other.terms

    def __hash__(self) -> int:
        return hash(frozenset(self.terms.items()))

    def __neg__(self) -> Coefficient:
        return Coefficient(self.field, {exponent: -number for exponent, number in self.terms.items()})

    def __add__(self, other: Coefficient) -> Coefficient:
        terms = dict(self.terms)
        for exponent, number in other.terms.items():
            terms[exponent] = terms[exponent] + number if exponent in terms else number
        return Coefficient(self.field, terms)

    def __mul__(self, other: Coefficient | Number | int | Fraction) -> Coefficient:
        if not isinstance(other, Coefficient):
            return Coefficient(self.field, {exponent: number * other for exponent, number in self.terms.items()})
        found = Coefficient(self.field, {})
        for exponent, number in self.terms.items():
            for added, factor in other.terms.items():
                found = found + Coefficient(self.field, {_sum(exponent, added): number * factor})
        return found

    __rmul__ = __mul__

    def times_exponential(self, exponent: Expr) -> Coefficient:
        return Coefficient(self.field, {_sum(e, exponent): number for e, number in self.terms.items()})

    def __repr__(self) -> str:
        return str(self.expression)

    @property
    def expression(self) -> Expr:
        return sympy.Add(*(number.expression * sympy.exp(e) for e, number in self.terms.items()))


def _sum(exponent: Expr, added: Expr) -> Expr:
    if added is sympy.S.Zero or exponent is sympy.S.Zero:
        return exponent + added if added is sympy.S.Zero else sympy.expand(added + exponent)
    return sympy.expand(exponent + added)
