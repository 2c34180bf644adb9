"""Equations from the text that a person typed.

A statement that is written for one spatial axis is lifted to several: a position X[v,c,s*j+t] becomes one position an
axis, a range t<k one range an axis, and a relation between integer forms the relation on every axis.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from convmath import text
from convmath.errors import TextError
from convmath.text import Expression, Tree

from .build import equation
from .functions import FUNCTIONS, PI, applied
from .nodes import (
    ONE,
    ZERO,
    AtMost,
    Bracket,
    Compare,
    Divides,
    Equation,
    Guard,
    Less,
    Matches,
    Number,
    Power,
    Product,
    Read,
    Scalar,
    Term,
    Within,
    Zero,
    scalar,
)
from .poly import Index, Poly, least, poly
from .typed import BITS, LARGEST_POWER, operation
from .typed_scope import RESERVED, Axis, Scope, Vocabulary

__all__ = ["Typed", "conditions", "equations", "sizes"]

_FLIPPED = {">": "<", "≥": "≤"}
_AFFINE = (
    "indices times sizes and whole numbers, added up, and floors and minima of such; "
    "a position that is none can be held in an array T and be compared with, as in sum(u<n) [u = T[t]] X[v,c,u]"
)

Value = Poly | Scalar


@dataclass(frozen=True)
class Typed:
    """The equations of a text, and the indices (letter and axis) of left sides whose range it says."""

    equations: tuple[Equation, ...]
    said: frozenset[tuple[str, int]]


def equations(typed: str, vocabulary: Vocabulary, ndim: int) -> Typed:
    """The equations that a text states, in `ndim` spatial dimensions. Arrays that no equation states are inputs.

    >>> words = Vocabulary({"n": (0, None), "k": (1, None)}, {"j": "n"}, frozenset("nkjt"), {}, {})
    >>> one, two = (equations("Y[j] = sum(t<k) W[t]*X[j+t]", words, ndim).equations[0] for ndim in (1, 2))
    >>> one.terms[0].body.factors[1]
    Read(tensor='X', at=(j + t,), outside='strict')
    >>> two.terms[0].body.factors[1]
    Read(tensor='X', at=(j1 + t1, j2 + t2), outside='strict')
    """
    trees, scope = text.equations(typed), Scope(typed, vocabulary, ndim)
    reader = _Reader(scope, {tree.array for tree in trees})
    return Typed(tuple(reader.equation(tree) for tree in trees), scope.said)


def sizes(typed: str, vocabulary: Vocabulary, ndim: int) -> tuple[Poly, ...]:
    """The sizes of an array, as in "N, C, n": with a letter of which each axis has its own, one an axis."""
    scope = Scope(typed, vocabulary, ndim)
    reader = _Reader(scope, set())
    return tuple(reader.size(tree, axis) for tree in text.listing(typed) for axis in scope.axes(tree))


def conditions(typed: str, vocabulary: Vocabulary, ndim: int) -> tuple[Guard, ...]:
    """What sizes must meet, as in "a < k, b < k": with a letter of which each axis has its own, on every axis."""
    scope = Scope(typed, vocabulary, ndim)
    reader = _Reader(scope, set())
    return tuple(guard for tree in text.relations(typed) for guard in reader.guards(tree))


class _Reader:
    def __init__(self, scope: Scope, names: set[str]):
        self.scope, self.refusal, self.vocabulary = scope, scope.refusal, scope.vocabulary
        self.names = names  # of all equations, also those to come
        self.stated: set[str] = set()
        self.ranks: dict[str, int] = {}

    # -- equations

    def equation(self, tree: text.Equation) -> Equation:
        name = tree.array
        if name in self.stated:
            raise self.refusal(tree, f"states {name} a second time; give it another name")
        self._is_free(tree, name)
        self.scope.begin()
        at = [form for entry in tree.at for form in self._entry(entry)]
        terms = self._terms(tree.right, ONE)
        self.ranks[name] = len(at)
        self.stated.add(name)
        return equation(name, at, *terms)

    def _is_free(self, tree: Tree, name: str) -> None:
        """An array has a name that means nothing else."""
        if name in RESERVED or name in self.vocabulary.reals or self.vocabulary.letter(name) in self.vocabulary.sizes:
            raise self.refusal(
                tree, f"calls an array {name}, which is a size, real parameter or function already; choose another name"
            )

    def _entry(self, entry: text.Entry) -> list[Poly]:
        """The forms of one entry of a left side, one an axis where it is lifted; its indices are bound."""
        scope, form = self.scope, entry.form
        if isinstance(form, text.Name):
            axes = scope.axes(form, entry.size)
            if entry.size is None:
                return [poly(index) for index in scope.bind(form, axes, [scope.range(form, axis) for axis in axes])]
            sizes = [self.size(entry.size, axis) for axis in axes]
            bound = scope.bind(form, axes, sizes)
            scope.say(form, axes, sizes)
            return [poly(index) for index in bound]
        if entry.size is not None:
            raise self.refusal(entry, "gives a range to a form; a range is that of a single index")
        axes = scope.axes(form)
        for name in {name.name: name for name in text.names(form)}.values():
            if self.vocabulary.letter(name.name.rstrip("0123456789")) not in self.vocabulary.sizes:
                own = scope.axes(name)
                scope.bind(name, own, [scope.range(name, axis) for axis in own])
        return [self._whole(form, axis) for axis in axes]

    # -- sums of terms

    def _terms(self, tree: Expression, front: Scalar, behind: Scalar = ONE) -> list[Term]:
        """front · tree · behind as a sum of terms."""
        match tree:
            case text.Negative(of=inner):
                return self._terms(inner, -front, behind)
            case text.Reduction():
                return [self._reduction(tree, front, behind)]
            case text.Operation(sign="+" | "-" as sign, left=left, right=right) if text.arrays(tree):
                second = front if sign == "+" else -front
                return self._sums(tree, self._terms(left, front, behind) + self._terms(right, second, behind))
        inner = list(text.reductions(tree))
        if not inner:
            return [_term((), (), Product.of(front, self._scalar(tree), behind))]
        match tree:
            case text.Operation(sign="*", left=left, right=right) if not list(text.reductions(left)):
                return self._sums(tree, self._terms(right, Product.of(front, self._scalar(left)), behind))
            case text.Operation(sign="*" | "/" as sign, left=left, right=right) if not list(text.reductions(right)):
                by = self._operation(tree, sign, poly(1), self._value(right, self.scope.plain))
                return self._sums(tree, self._terms(left, front, Product.of(scalar(by), behind)))
        raise self._hidden(inner[-1])

    def _hidden(self, tree: text.Reduction) -> TextError:
        return self.refusal(
            tree, f"stands inside another expression; state the {tree.kind} in an equation of its own, and read that"
        )

    def _sums(self, tree: Expression, terms: list[Term]) -> list[Term]:
        """The terms, none of which may be a maximum: it stands alone on the right side of an equation."""
        for term in terms:
            if term.reduce != "sum":
                raise self.refusal(
                    tree, f"calculates with a {term.reduce}; state that in an equation of its own, and read it here"
                )
        return terms

    def _reduction(self, tree: text.Reduction, front: Scalar, behind: Scalar) -> Term:
        kind = tree.kind
        with self.scope.inner():
            bound = [index for one in tree.ranges for index in self._bound(one)]
            guards = [guard for relation in tree.where for guard in self.guards(relation)]
            body = self._scalar(tree.body)
        if kind != "sum" and (front, behind) != (ONE, ONE):
            raise self.refusal(tree, f"is multiplied; state the {kind} in an equation of its own, and read that")
        if kind != "sum" and any(isinstance(part, Bracket) for part in _factors(body)):
            raise self.refusal(
                tree,
                f"multiplies by a bracket, which is 0 where it does not hold; to leave tuples out of the {kind}, write "
                f"{kind}(… where …)",
            )
        return _term(bound, guards, Product.of(front, body, behind), kind)

    def _bound(self, tree: text.Range) -> list[Index]:
        axes = self.scope.axes(tree.index, tree.size)
        return self.scope.bind(tree.index, axes, [self.size(tree.size, axis) for axis in axes])

    # -- values

    def _scalar(self, tree: Expression) -> Scalar:
        return scalar(self._value(tree, self.scope.plain))

    def size(self, tree: Expression, axis: Axis) -> Poly:
        size = self._whole(tree, axis)
        if size.indices():
            raise self.refusal(
                tree,
                "is the end of a range, but depends on an index; leave out what is too much, as in (u<n where u<t)",
            )
        return size

    def _whole(self, tree: Expression, axis: Axis) -> Poly:
        value = self._value(tree, axis)
        if not isinstance(value, Poly):
            raise self.refusal(tree, f"is not affine in the indices: a position or size is {_AFFINE}")
        return value

    def _value(self, tree: Expression, axis: Axis) -> Value:
        """An integer form where it is one, else a scalar."""
        match tree:
            case text.Number(value=value):
                return poly(value.numerator) if value.denominator == 1 else Number(value)
            case text.Name():
                return self._named(tree, axis)
            case text.Negative(of=inner):
                return -self._value(inner, axis)
            case text.Operation(sign=sign, left=left, right=right):
                return self._operation(tree, sign, self._value(left, axis), self._value(right, axis))
            case text.Call(function=function, arguments=arguments):
                return self._call(tree, function, arguments, axis)
            case text.Element():
                return self._read(tree)
            case text.Bracket(relation=relation):
                return Product.of(*(Bracket(guard) for guard in self.guards(relation)))
            case text.Reduction():
                raise self._hidden(tree)
        raise NotImplementedError(f"no value of a {type(tree).__name__}")

    def _named(self, tree: text.Name, axis: Axis) -> Value:
        name, vocabulary = tree.name, self.vocabulary
        if name in self.stated and not self.ranks[name]:
            return Read(name, ())
        if name in vocabulary.reals:
            return vocabulary.reals[name]
        if name in ("pi", "π"):
            return PI
        if name in self.names | set(self.ranks):
            later = name in self.names and name not in self.stated
            why = "is stated only later; put its equation first" if later else f"is an array; say where, {name}[…]"
            raise self.refusal(tree, why)
        letter, number = self.scope.letter(tree, axis)
        if (letter, number) in self.scope.indices:
            return poly(self.scope.indices[letter, number])
        if letter in vocabulary.sizes:
            return vocabulary.size(letter, number)
        if letter in vocabulary.ranges:
            raise self.refusal(
                tree, f"is an index that nothing binds: put {name} on the left side, or sum over it, sum({name}<…)"
            )
        raise self.refusal(
            tree,
            f"is no size, no index that is bound here and no real parameter: bind it, sum({name}<…), or declare it, "
            f"reals={{{name!r}: 1}} (the sizes are {' '.join(vocabulary.sizes)})",
        )

    def _operation(self, tree: Tree, sign: str, left: Value, right: Value) -> Value:
        if sign in ("/", "//") and scalar(right) == ZERO:
            raise self.refusal(tree, "divides by 0")
        if sign == "^":
            return self._power(tree, left, right)
        if sign == "//" and (not isinstance(left, Poly) or not isinstance(right, Poly) or right.indices()):
            raise self.refusal(
                tree, f"rounds down what is no position, or divides by an index; a position is {_AFFINE}"
            )
        if isinstance(left, Poly) and isinstance(right, Poly):
            within = sign in ("+", "-", "//") or not (left.indices() and right.indices())
            if within and (sign != "/" or left.divided(right) is not None):
                try:
                    return operation(sign, left, right)
                except TextError as error:
                    raise self.refusal(tree, f"is too much: {error}") from None
        u, v = scalar(left), scalar(right)
        return {"+": u.__add__, "-": u.__sub__, "*": u.__mul__, "/": u.__truediv__}[sign](v)

    def _power(self, tree: Tree, base: Value, exponent: Value) -> Value:
        power = scalar(exponent)
        if isinstance(power, Number):
            if abs(power.value) > LARGEST_POWER:
                raise self.refusal(tree, f"has an exponent beyond {LARGEST_POWER}, the largest that is read")
            if scalar(base) == ZERO and power.value < 0:
                raise self.refusal(tree, "divides by 0")
            if isinstance(base, Poly) and not base.indices() and power.value.denominator == 1 and power.value >= 0:
                total: Value = poly(1)
                for _ in range(int(power.value)):
                    total = self._operation(tree, "*", total, base)
                return total
            if isinstance(base, Number) and _bits(base.value) > BITS // LARGEST_POWER:
                raise self.refusal(tree, f"is a number of more than {BITS} bits, the longest that is read")
        return Power.of(scalar(base), power)

    def _call(self, tree: text.Call, function: str, arguments: tuple[Expression, ...], axis: Axis) -> Value:
        match function, arguments:
            case "floor", (text.Operation(sign="/", left=left, right=right),):
                return self._operation(tree, "//", self._value(left, axis), self._value(right, axis))
        values = [self._value(argument, axis) for argument in arguments]
        if function in FUNCTIONS:
            if len(values) != 1:
                raise self.refusal(tree, f"gives {function} {len(values)} arguments, but it takes one")
            return applied(function, scalar(values[0]))
        forms = [value for value in values if isinstance(value, Poly)]
        if function in ("min", "max"):
            if len(forms) < len(values):
                raise self.refusal(
                    tree,
                    f"takes the {function} of values; write it with brackets, such as [u < v]*u + [v <= u]*v for min",
                )
            return least(*forms) if function == "min" else -least(*(-form for form in forms))
        if function == "floor":
            raise self.refusal(tree, "is no quotient; floors are written floor(e/s) or e//s for integer forms e and s")
        raise self.refusal(tree, f"applies {function}, but the functions are {', '.join(FUNCTIONS)}")

    def _read(self, tree: text.Element) -> Read:
        name = tree.array
        if name in self.names and name not in self.stated:
            raise self.refusal(tree, f"reads {name} before it is stated; put its equation first")
        if name not in self.stated:
            self._is_free(tree, name)
        at = tuple(self._whole(form, axis) for form in tree.at for axis in self.scope.axes(form))
        if self.ranks.setdefault(name, len(at)) != len(at):
            raise self.refusal(tree, f"reads {name} at {len(at)} positions, but it has {self.ranks[name]} axes")
        return Read(name, at)

    # -- relations

    def guards(self, tree: text.Relation) -> list[Guard]:
        return [guard for axis in self.scope.axes(tree) for guard in self._on_axis(tree, axis)]

    def _on_axis(self, tree: text.Relation, axis: Axis) -> Iterator[Guard]:
        values = [self._value(part, axis) for part in tree.parts]
        pairs = list(zip(values, tree.signs, values[1:], strict=False))
        while pairs:
            (left, sign, right), *pairs = pairs
            chained = pairs and isinstance(right, Poly) and isinstance(pairs[0][2], Poly)
            if left == 0 and sign == "≤" and chained and pairs[0][1] == "<":
                yield Within(right, pairs.pop(0)[2])  # type: ignore[arg-type]
            else:
                yield self._relation(
                    tree, *((right, _FLIPPED[sign], left) if sign in _FLIPPED else (left, sign, right))
                )

    def _relation(self, tree: text.Relation, left: Value, sign: str, right: Value) -> Guard:
        if sign == "|":
            if not isinstance(left, Poly) or not isinstance(right, Poly) or left.indices() or left == 0:
                raise self.refusal(tree, f"is no s | e with a size s and a position e, which is {_AFFINE}")
            return Divides(left, right)
        if isinstance(left, Poly) and isinstance(right, Poly) and sign != "≠":
            return {"=": Zero, "<": Less, "≤": AtMost}[sign](left, right)
        if sign == "=":
            for form, read in ((left, right), (right, left)):
                if not isinstance(form, Poly) or not isinstance(read, Read):
                    continue
                if form.indices() and read.tensor not in self.stated:
                    return Matches(form, read)
        return Compare(scalar(left), sign, scalar(right))  # type: ignore[arg-type]


def _factors(body: Scalar) -> tuple[Scalar, ...]:
    return body.factors if isinstance(body, Product) else (body,)


def _term(bound: Iterable[Index], guards: Iterable[Guard], body: Scalar, kind: Any = "sum") -> Term:
    """The term, with the brackets among its factors as guards."""
    held = [part.guard for part in _factors(body) if isinstance(part, Bracket)]
    rest = Product.of(*(part for part in _factors(body) if not isinstance(part, Bracket)))
    return Term(tuple(bound), tuple(dict.fromkeys([*guards, *held])), rest, kind)


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())
