"""What is known of parameters: signs, order, and which are equal.

What SymPy's symbols assume is used, and the relations that a caller gives besides. A relation with a symbol in it
that can be isolated is used by writing the symbol as the other side and a positive remainder: from b > a comes b = a
+ r with r > 0, and every question after that is one of signs.

>>> import sympy
>>> a, b = sympy.symbols("a b", real=True)
>>> Facts([b > a]).positive(b - a), Facts().positive(b - a)
(True, None)
>>> Facts([a > 0, b > a]).positive(2 * b - a)
True
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sympy import Symbol

from convmath.errors import AssumptionError

from .deadline import inquire
from .errors import ContradictionError, OpenQuestion
from .types import Expr, sympy

__all__ = ["Facts", "size_of"]


MOST_IN_BOX = 4
SCALES = (1, 3, sympy.Rational(1, 10), 10, 30, sympy.Rational(1, 100))  # of values, tried one after the other


class Facts:
    """Relations that hold, besides what the symbols assume themselves."""

    def __init__(self, relations: Iterable[Any] = ()):
        self.relations = tuple(_flat(relations))
        self._written: list[tuple[Symbol, Expr]] = []
        self._differences: list[Expr] = []  # of which it is known that they are not 0
        self._known: list[tuple[Expr, bool]] = []  # expressions ≥ 0, and whether they are > 0
        self._given: list[tuple[Expr, bool]] = []  # the same, in the symbols that came
        for relation in self.relations:
            self._learn(relation)
        self._answers: dict[Expr, bool | None] = {}

    def with_relation(self, relation: Any) -> Facts:
        return Facts((*self.relations, relation))

    def with_value(self, value: Mapping[Symbol, Expr]) -> Facts:
        """What is known once symbols have values."""
        return Facts(r for r in (r.subs(value) for r in self.relations) if r != True)  # noqa: E712

    def without(self, symbols: Iterable[Symbol]) -> Facts:
        """What is known of others alone."""
        return Facts(r for r in self.relations if not r.has(*symbols))

    def _learn(self, relation: Any) -> None:
        if isinstance(relation, sympy.Ne):
            self._differences.append(sympy.expand(relation.lhs - relation.rhs))
            return
        if isinstance(relation, sympy.Eq):
            return
        low, high = (relation.lts, relation.gts)
        if isinstance(low, sympy.Abs) and low.args[0].is_extended_real:  # |x| < c
            for inner in (low.args[0], -low.args[0]):
                self._learn(relation.func(inner, high) if relation.lhs == low else relation.func(high, inner))
        strict = isinstance(relation, sympy.StrictLessThan | sympy.StrictGreaterThan)
        self._given.append((sympy.expand(high - low), strict))
        difference = sympy.expand(self._rewritten(high - low))
        self._known.append((difference, strict))
        remainder = (
            Symbol(f"r{len(self._written)}", positive=True)
            if strict
            else Symbol(f"r{len(self._written)}", nonnegative=True)
        )
        remainder = sympy.Dummy(remainder.name, **remainder._assumptions_orig)
        for symbol in sorted(difference.free_symbols, key=sympy.default_sort_key):
            slope = difference.coeff(symbol)
            rest = sympy.expand(difference - slope * symbol)
            if (
                slope.is_number
                and slope.is_nonzero
                and symbol not in rest.free_symbols
                and self._loses_nothing(symbol, rest, slope)
            ):
                self._written.append((symbol, (remainder - rest) / slope))
                return

    def _loses_nothing(self, symbol: Symbol, rest: Expr, slope: Expr) -> bool:
        """Whether what the symbol assumes follows once it is written as the rest and a remainder."""
        if symbol.is_positive or symbol.is_nonnegative:
            return bool((-rest / slope).is_nonnegative and slope.is_positive)
        if symbol.is_negative or symbol.is_nonpositive:
            return bool((-rest / slope).is_nonpositive and slope.is_negative)
        return True

    def _rewritten(self, expression: Expr) -> Expr:
        for symbol, value in self._written:
            expression = expression.xreplace({symbol: value})
        return expression

    def positive(self, expression: Expr) -> bool | None:
        """Whether a real expression is > 0: True, False, or None where that is not known."""
        inquire()
        expression = sympy.sympify(expression)
        if expression not in self._answers:
            self._answers[expression] = self._decided(expression)
        return self._answers[expression]

    def _decided(self, expression: Expr) -> bool | None:
        expression = _bounded(expression)
        if expression.is_infinite:
            return bool(expression.is_extended_positive)
        if expression.is_number and expression.is_comparable:
            return bool(expression > 0)
        if (inner := size_of(expression)) is not None and (vanishes := self.equal(inner, sympy.S.Zero)) is not None:
            return not vanishes
        if (found := self._of_absolute(expression)) is not None:
            return found
        for form in self._forms(expression):
            if form.is_positive is not None:
                return form.is_positive
            if form.is_nonpositive:
                return False
        for known, strict in self._known:
            ratio = sympy.cancel(self._rewritten(expression) / self._rewritten(known))
            if ratio.is_number and ratio.is_positive and strict:
                return True
            if ratio.is_number and ratio.is_negative:
                return False
        for found in (self._of_product(expression), self._of_square(expression)):
            if found is not None:
                return found
        return self._in_box(expression)

    def _in_box(self, expression: Expr) -> bool | None:
        """The sign of a polynomial that is linear in each symbol, where all lie between two numbers: inside of the box
        it is a mean of its values at the corners.

        >>> import sympy
        >>> a, b = sympy.symbols("a b", positive=True)
        >>> Facts([a < 1, b < 1]).positive(1 - a * b)
        True
        """
        symbols = sorted(expression.free_symbols, key=sympy.default_sort_key)
        if len(symbols) > MOST_IN_BOX or not expression.is_polynomial(*symbols):
            return None
        if any(sympy.degree(expression, x) > 1 for x in symbols):
            return None
        boxes: list[tuple[tuple[Expr, bool], tuple[Expr, bool]]] = []
        for x in symbols:
            low, high = self._bounds(x)
            if low is None or high is None:
                return None
            boxes.append((low, high))
        corners = [
            (
                expression.subs({x: end for x, (end, _) in zip(symbols, at, strict=True)}),
                all(inside for _, inside in at),
            )
            for at in itertools.product(*boxes)
        ]
        for sign in (1, -1):
            if all(sign * value > 0 or (value == 0 and strict) for value, strict in corners) and any(
                value != 0 for value, _ in corners
            ):
                return sign > 0
        return None

    def _bounds(self, symbol: Symbol) -> tuple[tuple[Expr, bool] | None, tuple[Expr, bool] | None]:
        """Numbers between which a symbol lies, each with whether it is never reached."""
        low = (sympy.S.Zero, bool(symbol.is_extended_positive)) if symbol.is_extended_nonnegative else None
        high = (sympy.S.Zero, bool(symbol.is_extended_negative)) if symbol.is_extended_nonpositive else None
        for known, strict in self._given:
            slope = known.coeff(symbol)
            if known.free_symbols == {symbol} and slope.is_Rational and slope and known.is_polynomial(symbol):
                if sympy.degree(known, symbol) > 1:
                    continue
                end = -known.coeff(symbol, 0) / slope
                if slope > 0 and (low is None or end >= low[0]):
                    low = (end, strict)
                elif slope < 0 and (high is None or end <= high[0]):
                    high = (end, strict)
        return low, high

    def _of_product(self, expression: Expr) -> bool | None:
        """The sign of a product or quotient whose factors have known signs."""
        quotient = sympy.fraction(sympy.together(expression))
        if not all(
            (part.free_symbols and part.is_polynomial(*part.free_symbols)) or part.is_Rational for part in quotient
        ):
            return None
        parts = [sympy.factor_list(part) for part in quotient]
        factors = [(base, times) for _, found in parts for base, times in found]
        if sum(times for _, times in factors) < 2:
            return None
        positive = bool(parts[0][0] / parts[1][0] > 0)
        for base, times in factors:
            above = self.positive(base)
            if above is None or not (above or self.positive(-base)):
                return None  # it may be 0 too
            positive ^= not above and times % 2 == 1
        return positive

    def _of_square(self, expression: Expr) -> bool | None:
        """The sign of ax² + bx + c where 4ac > b² is known, and of its quotients: that of a."""
        top, bottom = sympy.fraction(sympy.factor(expression))
        if bottom != 1:
            return self.positive(top) if self.positive(bottom) else None
        whole = sympy.expand(top)
        for symbol in whole.free_symbols:
            if symbol.is_extended_real and whole.is_polynomial(symbol) and sympy.degree(whole, symbol) == 2:
                square, slope, offset = sympy.Poly(whole, symbol).all_coeffs()
                if self.positive(4 * square * offset - slope**2):
                    return self.positive(square)
        return None

    def _of_absolute(self, expression: Expr) -> bool | None:
        """The sign where it is the same for |x| = x and for |x| = -x."""
        absolute = next(iter(expression.atoms(sympy.Abs)), None)
        if absolute is None or not absolute.args[0].is_extended_real:
            return None
        both = {self.positive(expression.xreplace({absolute: x})) for x in (absolute.args[0], -absolute.args[0])}
        return both.pop() if len(both) == 1 else None

    def _forms(self, expression: Expr) -> Iterable[Expr]:
        yield expression
        written = sympy.expand(self._rewritten(expression))
        yield written
        yield sympy.factor(written)

    def before(self, left: Expr, right: Expr) -> bool | None:
        """Whether left < right."""
        if left == right:
            return False
        return self.positive(right - left)

    def asked_before(self, left: Expr, right: Expr) -> bool:
        """Whether left < right; a question where that is not known."""
        if (found := self.before(left, right)) is None:
            raise OpenQuestion(sympy.Lt(left, right))
        return found

    def sorted(self, points: Iterable[Expr]) -> list[Expr] | None:
        """Different points in their order, or None where that is not known."""
        found: list[Expr] = []
        for point in dict.fromkeys(points):
            place = 0
            while place < len(found):
                before = self.before(found[place], point)
                if before is None or (not before and not self.before(point, found[place])):
                    return None
                if not before:
                    break
                place += 1
            found.insert(place, point)
        return found

    def equal(self, left: Expr, right: Expr) -> bool | None:
        """Whether two expressions are equal: True, False, or None where that depends on the parameters."""
        difference = sympy.expand(left - right)
        if difference.is_zero:
            return True
        if difference.is_nonzero:
            return False
        if difference.is_number:
            return abs(complex(difference.evalf(20))) < 1e-12 and bool(sympy.simplify(difference) == 0)
        for known in self._differences:
            ratio = sympy.cancel(difference / known)
            if ratio.is_number and ratio != 0:
                return False
        for part in (sympy.re(difference), sympy.im(difference)) if difference.has(sympy.I) else (difference,):
            if part.is_extended_real and (self.positive(part) or self.positive(-part)):
                return False
        written = sympy.factor(self._rewritten(difference))
        return False if written.is_nonzero else None

    def holds(self, relation: Any) -> bool | None:
        """Whether a relation holds."""
        if relation in (sympy.true, sympy.false):
            return bool(relation)
        if isinstance(relation, sympy.Ne):
            equal = self.equal(relation.lhs, relation.rhs)
            return None if equal is None else not equal
        if isinstance(relation, sympy.Eq):
            return self.equal(relation.lhs, relation.rhs)
        if self.positive(relation.gts - relation.lts):
            return True
        beyond = self.positive(relation.lts - relation.gts)
        if beyond:
            return False
        strict = isinstance(relation, sympy.StrictLessThan | sympy.StrictGreaterThan)
        if strict and self.positive(relation.gts - relation.lts) is False:
            return False
        return True if not strict and beyond is False else None

    def sample(
        self, symbols: Iterable[Symbol], draw: random.Random, also: Iterable[Any] = (), of: Sequence[Expr] = ()
    ) -> dict[Symbol, Expr]:
        """Values of the symbols, and of those in conditions, for which everything holds, and for which the expressions
        `of` them are defined; an AssumptionError where none is found.
        """
        wanted = (*self.relations, *also)
        ordered = sorted({*symbols}.union(*(r.free_symbols for r in wanted)), key=sympy.default_sort_key)
        for attempt in range(400):
            values = {symbol: _value(symbol, draw, attempt) for symbol in ordered}
            if attempt % 2:
                values = {symbol: _between(value, *self._bounds(symbol)) for symbol, value in values.items()}
            if all(_true(relation, values) for relation in wanted) and not any(
                e.xreplace(values).has(sympy.nan, sympy.zoo) for e in of
            ):
                return values
        conditions = ", ".join(map(str, wanted))
        raise ContradictionError(f"no values were found for which {conditions} hold [assume]")


def size_of(expression: Expr) -> Expr | None:
    """x where something is > 0 unless x is 0, and not negative: a multiple of |x| or of x² for a real x."""
    factor, rest = expression.as_coeff_Mul()
    base, exponent = rest.as_base_exp()
    if not (factor.is_positive and exponent.is_Integer and exponent > 0):
        return None
    if isinstance(base, sympy.Abs):
        return base.args[0]
    return base if exponent % 2 == 0 and base.is_extended_real else None


def _flat(relations: Iterable[Any]) -> Iterable[Any]:
    if relations is None:
        return
    if isinstance(relations, sympy.logic.boolalg.Boolean | bool | str):
        relations = [relations]
    if not isinstance(relations, Iterable):
        raise AssumptionError(f"{relations} came as an assumption, but a relation is needed, such as b > a [assume]")
    for relation in relations:
        if isinstance(relation, str):
            why = "but a relation of SymPy is needed, such as b > a"
            raise AssumptionError(f"the text {relation!r} came as an assumption, {why} [assume]")
        relation = sympy.sympify(relation)
        if isinstance(relation, sympy.And):
            yield from _flat(relation.args)
        elif relation is sympy.true:
            continue
        elif relation is sympy.false:
            raise ContradictionError("an assumption came that is false for all values [assume]")
        elif isinstance(relation, sympy.core.relational.Relational):
            yield relation
        else:
            raise AssumptionError(f"{relation} came as an assumption, but a relation is needed, such as b > a [assume]")


def _bounded(expression: Expr) -> Expr:
    return (
        expression
        if expression.is_extended_real
        else sympy.expand_complex(expression)
        if expression.has(sympy.I)
        else expression
    )


def _value(symbol: Symbol, draw: random.Random, attempt: int) -> Expr:
    """A value that fits what the symbol assumes."""
    if symbol.is_integer:
        wider = 2 ** (attempt // 50)  # where nothing near 0 fits
        lowest = 1 if symbol.is_positive else 0 if symbol.is_nonnegative else -3 * wider
        return sympy.Integer(draw.randint(lowest, 4 * wider))
    size = sympy.Rational(draw.randint(3, 29), 10) * draw.choice(SCALES[: 1 + attempt // 50])
    if symbol.is_positive or symbol.is_nonnegative:
        return size
    if symbol.is_negative or symbol.is_nonpositive:
        return -size
    return draw.choice((size, size, -size))


Bound = tuple[Expr, bool] | None


def _between(value: Expr, low: Bound, high: Bound) -> Expr:
    """A value, moved to where a symbol is known to be."""
    if value.is_Integer:
        least = (sympy.floor(low[0]) + 1 if low[1] else sympy.ceiling(low[0])) if low else value
        most = (sympy.ceiling(high[0]) - 1 if high[1] else sympy.floor(high[0])) if high else value
        return least + (least - value) % 4 if value < least else most - (value - most) % 4 if value > most else value
    if low and high and not low[0] < value < high[0]:
        return low[0] + (high[0] - low[0]) * (abs(value) % 1 + 3) / 5  # and not in the middle, where something may be 0
    if low and value <= low[0]:
        return low[0] + abs(value)
    return high[0] - abs(value) if high and value >= high[0] else value


def _true(relation: Any, values: Mapping[Symbol, Expr]) -> bool:
    return bool(relation.xreplace(values) == True)  # noqa: E712  (a SymPy truth value, or a relation that is left)
