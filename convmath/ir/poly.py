"""Integer polynomials in the parameters, and affine forms in the indices over them.

A `Poly` is a finite sum of integer coefficients times products of *atoms*. An atom is a parameter (a stride, a
size), an index (which carries its range), or an integer that a formula names: a floor or a minimum. Those
two are opaque, so that an index form with a floor in it stays affine; they are equal when their definitions are.

>>> s, n = Poly.of(Param("s", least=1)), Poly.of(Param("n", least=0))
>>> (s + n) * (s - n) == s * s - n * n
True
>>> (2 * n + 6) // 2 == n + 3
True
>>> (n // s).evaluate({Param("s", least=1): 3, Param("n", least=0): 10})
3
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import reduce
from typing import Any, Union

from convmath.errors import StatementError

__all__ = [
    "Atom",
    "Floor",
    "Index",
    "Least",
    "Param",
    "Poly",
    "floor",
    "least",
    "poly",
    "primed",
    "printed",
    "printed_by",
    "product",
    "unnested",
]

Integer = Union["Poly", int]
MANY = 10  # primes that nobody counts

# `render` stands above this room and knows how mathematics is printed; it leaves its printer here.
_printer: Callable[[Any], str] = repr


def primed(count: int) -> str:
    """So many primes. A copy that nobody reads may have a million: that is a number, behind the others in order."""
    return "′" * count if count < MANY else f"″{count:08}"


def printed_by(printer: Callable[[Any], str]) -> None:
    """From now on str() of a form or node is what `printer` makes of it."""
    global _printer
    _printer = printer


def printed(node: Any) -> str:
    return _printer(node)


@dataclass(frozen=True, eq=False)
class Atom:
    """What a polynomial is made of; equal when its key is."""

    key: tuple = field(init=False, repr=False)
    _hash: int = field(init=False, repr=False)

    def _seal(self, *key: Any) -> None:
        object.__setattr__(self, "key", key)
        object.__setattr__(self, "_hash", hash(key))

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Atom) and self._hash == other._hash and self.key == other.key)

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple:
        """Made anew where it is unpickled: a hash of letters is right in its own process only."""
        return type(self), tuple(getattr(self, f.name) for f in fields(self) if f.init)


@dataclass(frozen=True, eq=False)
class Param(Atom):
    """An integer parameter: its letter, its axis (0: none), the least value it takes, the one it has if unsaid.

    The least value is part of what it is, since proofs rest on it.
    """

    letter: str
    axis: int = 0
    least: int | None = None
    default: int | None = None

    def __post_init__(self) -> None:
        self._seal(0, self.letter, self.axis, self.least is not None, self.least or 0)

    @property
    def name(self) -> str:
        """The letter with the axis behind it, as it is typed: n, or n1."""
        return f"{self.letter}{self.axis or ''}"

    @property
    def stem(self) -> str:
        """The letter without the primes that keep it apart from the same letter elsewhere."""
        return self.letter.rstrip("′")


@dataclass(frozen=True, eq=False)
class Index(Atom):
    """An index with its range, 0 ≤ index < size; primes keep a renamed copy apart from its original."""

    letter: str
    size: Poly
    axis: int = 0
    primes: int = 0

    def __post_init__(self) -> None:
        self._seal(1, self.letter, self.axis, self.primes, self.size.key)

    @property
    def name(self) -> str:
        """The letter with the axis behind it, without primes."""
        return f"{self.letter}{self.axis or ''}"


@dataclass(frozen=True, eq=False)
class Floor(Atom):
    """⌊number / divisor⌋ with divisor ≥ 1. Made by `floor`, which takes the trivial ones away."""

    number: Poly
    divisor: Poly

    def __post_init__(self) -> None:
        self._seal(2, self.number.key, self.divisor.key)


@dataclass(frozen=True, eq=False)
class Least(Atom):
    """The least of several integers. Made by `least`."""

    among: tuple[Poly, ...]

    def __post_init__(self) -> None:
        self._seal(3, tuple(entry.key for entry in self.among))


Monomial = tuple[tuple[Atom, int], ...]


def _atom_key(power: tuple[Atom, int]) -> tuple:
    return power[0].key, power[1]


def _monomial_key(monomial: Monomial) -> tuple:
    return tuple((atom.key, power) for atom, power in monomial)


class Poly:
    """An immutable integer polynomial: `terms` maps a monomial (atoms with powers, sorted) to its coefficient."""

    __slots__ = ("_hash", "_key", "terms")
    terms: Mapping[Monomial, int]

    def __init__(self, terms: Mapping[Monomial, int]):
        self.terms = {monomial: c for monomial, c in terms.items() if c}
        self._key: tuple | None = None
        self._hash: int | None = None

    @classmethod
    def of(cls, value: Integer | Atom) -> Poly:
        if isinstance(value, Poly):
            return value
        if isinstance(value, Atom):
            return cls({((value, 1),): 1})
        return cls({(): operator.index(value)})

    # -- identity

    @property
    def key(self) -> tuple:
        if self._key is None:
            self._key = tuple(sorted((_monomial_key(monomial), c) for monomial, c in self.terms.items()))
        return self._key

    def __eq__(self, other: object) -> bool:
        if isinstance(other, int):
            return self.terms == ({(): other} if other else {})
        return isinstance(other, Poly) and self.terms == other.terms

    def __hash__(self) -> int:
        if self._hash is None:
            constant = self.constant  # equal to an integer, so hashed as it is
            self._hash = hash(frozenset(self.terms.items()) if constant is None else constant)
        return self._hash

    def __reduce__(self) -> tuple:
        return Poly, (self.terms,)

    def __repr__(self) -> str:
        """For error messages of this room and the debugger; `render` prints for people."""
        return _plain(self)

    def __str__(self) -> str:
        return printed(self)

    # -- algebra

    def __add__(self, other: Integer) -> Poly:
        total = dict(self.terms)
        for monomial, c in Poly.of(other).terms.items():
            total[monomial] = total.get(monomial, 0) + c
        return Poly(total)

    def __mul__(self, other: Integer) -> Poly:
        if isinstance(other, int):
            return Poly({monomial: c * other for monomial, c in self.terms.items()})
        if not isinstance(other, Poly):
            return NotImplemented
        total: dict[Monomial, int] = {}
        for left, c in self.terms.items():
            for right, e in other.terms.items():
                monomial = _times(left, right)
                total[monomial] = total.get(monomial, 0) + c * e
        return Poly(total)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Poly:
        return self * -1

    def __sub__(self, other: Integer) -> Poly:
        return self + -Poly.of(other)

    def __rsub__(self, other: Integer) -> Poly:
        return Poly.of(other) - self

    def __floordiv__(self, other: Integer) -> Poly:
        return floor(self, Poly.of(other))

    # -- looking inside

    @property
    def constant(self) -> int | None:
        """The integer that this is, or None when it has atoms."""
        if not self.terms:
            return 0
        return self.terms.get(()) if len(self.terms) == 1 else None

    @property
    def atom(self) -> Atom | None:
        """The atom that this is, or None when it is anything else."""
        if len(self.terms) == 1:
            [(monomial, c)] = self.terms.items()
            if c == 1 and len(monomial) == 1 and monomial[0][1] == 1:
                return monomial[0][0]
        return None

    def atoms(self) -> Iterator[Atom]:
        """The atoms that stand in it openly (not those inside a floor)."""
        return iter(dict.fromkeys(atom for monomial in self.terms for atom, _ in monomial))

    def leaves(self) -> Iterator[Param | Index]:
        """The parameters and indices in it, also inside floors and minima (not inside the sizes of indices)."""
        for atom in self.atoms():
            match atom:
                case Floor(number=number, divisor=divisor):
                    yield from number.leaves()
                    yield from divisor.leaves()
                case Least(among=among):
                    for entry in among:
                        yield from entry.leaves()
                case Param() | Index():
                    yield atom

    def indices(self) -> set[Index]:
        return {leaf for leaf in self.leaves() if isinstance(leaf, Index)}

    def has(self, atom: Atom) -> bool:
        return any(leaf == atom for leaf in self.leaves())

    def coefficient(self, atom: Atom) -> Poly:
        """What multiplies `atom` where it stands openly and to the first power."""
        found: dict[Monomial, int] = {}
        for monomial, c in self.terms.items():
            if (atom, 1) in monomial:
                found[tuple(power for power in monomial if power[0] != atom)] = c
        return Poly(found)

    def divided(self, divisor: Poly) -> Poly | None:
        """self / divisor where that is a polynomial and the divisor is one monomial (or ±self); else None."""
        if not divisor.terms or not self.terms:
            return self if divisor.terms else None
        if len(divisor.terms) > 1:
            return Poly.of(1) if self == divisor else (-Poly.of(1) if self == -divisor else None)
        [(below, e)] = divisor.terms.items()
        quotient: dict[Monomial, int] = {}
        for monomial, c in self.terms.items():
            powers = dict(monomial)
            for atom, power in below:
                powers[atom] = powers.get(atom, 0) - power
            if c % e or any(power < 0 for power in powers.values()):
                return None
            quotient[tuple(item for item in powers.items() if item[1])] = c // e
        return Poly(quotient)

    def multiples(self, divisor: Poly) -> Poly:
        """What the terms of self that are multiples of the divisor are multiples by: n + 2·s by s gives 2."""
        terms = (Poly({monomial: c}) for monomial, c in self.terms.items())
        return sum((quotient for term in terms if (quotient := term.divided(divisor)) is not None), Poly({}))

    # -- mapping

    def map(self, f: Callable[[Atom], Poly | None]) -> Poly:
        """Every atom that `f` gives a polynomial for replaced by it, also inside floors and sizes of indices."""
        total = Poly({})
        for monomial, c in self.terms.items():
            factor = Poly({(): c})
            for atom, power in monomial:
                image = _image(atom, f)
                for _ in range(power):
                    factor = factor * image
            total = total + factor
        return total

    def substitute(self, values: Mapping[Any, Integer]) -> Poly:
        return self.map(lambda atom: Poly.of(values[atom]) if atom in values else None) if values else self

    def evaluate(self, values: Mapping[Any, Any]) -> Any:
        """Its value; the values may be integers or integer arrays."""
        total: Any = 0
        for monomial, c in self.terms.items():
            factor: Any = c
            for atom, power in monomial:
                value = _value(atom, values)
                for _ in range(power):
                    factor = factor * value
            total = total + factor
        return total


def _times(left: Monomial, right: Monomial) -> Monomial:
    if not left or not right:
        return left or right
    powers = dict(left)
    for atom, power in right:
        powers[atom] = powers.get(atom, 0) + power
    return tuple(sorted(powers.items(), key=_atom_key))


def _image(atom: Atom, f: Callable[[Atom], Poly | None]) -> Poly:
    image = f(atom)
    if image is not None:
        return image
    match atom:
        case Floor(number=number, divisor=divisor):
            return floor(number.map(f), divisor.map(f))
        case Least(among=among):
            return least(*(entry.map(f) for entry in among))
        case Index(size=size) if not size.constant:
            mapped = size.map(f)
            return Poly.of(atom if mapped == size else Index(atom.letter, mapped, atom.axis, atom.primes))
    return Poly.of(atom)


def _value(atom: Atom, values: Mapping[Any, Any]) -> Any:
    if atom in values:
        return values[atom]
    match atom:
        case Floor(number=number, divisor=divisor):
            d = divisor.evaluate(values)
            if isinstance(d, int) and d < 1:
                raise StatementError(f"{Poly.of(atom)} has no meaning for {divisor} = {d}: it must be at least 1")
            return number.evaluate(values) // d
        case Least(among=among):
            # comparison by sign keeps arrays and integers in one line
            return reduce(lambda a, b: a - (a - b) * (a > b), (entry.evaluate(values) for entry in among))
    known = ", ".join(str(Poly.of(a) if isinstance(a, Atom) else a) for a in values)
    raise StatementError(f"{Poly.of(atom)} has no value here; values are known for {known or 'nothing'}")


def poly(value: Integer | Atom) -> Poly:
    return Poly.of(value)


def product(factors: Iterable[Integer]) -> Poly:
    return reduce(lambda a, b: a * b, map(Poly.of, factors), Poly.of(1))


def floor(number: Poly, divisor: Poly) -> Poly:
    """⌊number / divisor⌋ for divisor ≥ 1, as a polynomial where it is one; multiples of the divisor stand outside.

    >>> n, s = (poly(Param(letter, least=1)) for letter in "ns")
    >>> floor(n + 3 * s, s)
    3 + ⌊(n)/(s)⌋
    >>> floor(floor(n, s), s) == floor(n, s * s)
    True
    >>> c = Index("c", poly(Param("C", least=1)))
    >>> floor(poly(c), poly(Param("C", least=1))).constant          # 0 ≤ c < C
    0
    """
    n, d = number.constant, divisor.constant
    if d is not None and d < 1:
        raise StatementError(f"⌊({number!r})/({d})⌋ has no meaning here: the divisor must be at least 1")
    if n is not None and d is not None:
        return poly(n // d)
    if (quotient := number.divided(divisor)) is not None:
        return quotient
    if (whole := number.multiples(divisor)) != 0:
        return whole + floor(number - divisor * whole, divisor)
    match number.atom:
        case Index(size=size) if size == divisor:
            return poly(0)
        case Floor(number=inner, divisor=below):
            return floor(inner, below * divisor)
    return poly(Floor(number, divisor))


def unnested(form: Poly) -> Poly:
    """The form with floors inside floors put into one: ⌊(⌊u/v⌋ + r)/w⌋ = ⌊(u + v·r)/(v·w)⌋ for a whole number r.

    >>> H = poly(Param("H", least=0))
    >>> unnested(floor(floor(H, poly(4)) + 1, poly(2)))
    ⌊(H + 4)/(8)⌋
    """

    def image(atom: Atom) -> Poly | None:
        if not isinstance(atom, Floor):
            return None
        number = unnested(atom.number)
        inner = [q for q in number.atoms() if isinstance(q, Floor)]
        if len(inner) != 1 or number.coefficient(q := inner[0]) != 1 or q in (number - poly(q)).atoms():
            return floor(number, atom.divisor)
        return floor(q.number + q.divisor * (number - poly(q)), q.divisor * atom.divisor)

    return form.map(image)


def least(*among: Integer) -> Poly:
    """The least of these, as a polynomial where differences decide."""
    kept: list[Poly] = []
    for entry in map(Poly.of, among):
        gaps = [(entry - other).constant for other in kept]
        if any(gap is not None and gap >= 0 for gap in gaps):
            continue
        kept = [other for other, gap in zip(kept, gaps, strict=True) if gap is None]
        kept.append(entry)
    return kept[0] if len(kept) == 1 else poly(Least(tuple(sorted(kept, key=lambda entry: entry.key))))


def _plain(form: Poly) -> str:
    def name(atom: Atom) -> str:
        match atom:
            case Floor(number=number, divisor=divisor):
                return f"⌊({number!r})/({divisor!r})⌋"
            case Least(among=among):
                return f"min({', '.join(map(repr, among))})"
            case Param():
                return atom.name
            case Index(primes=primes):
                return atom.name + primed(primes)
        raise NotImplementedError(f"no name for {type(atom).__name__}")

    parts = []
    for monomial, c in form.terms.items():
        factors = [name(atom) + (f"^{power}" if power > 1 else "") for atom, power in monomial]
        if abs(c) != 1 or not factors:
            factors.insert(0, str(abs(c)))
        parts.append((" - " if c < 0 else " + ") + "·".join(factors))
    text = "".join(parts) or " + 0"
    return ("-" if text.startswith(" - ") else "") + text[3:]
