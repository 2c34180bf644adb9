"""Is an integer form never negative? A certificate says why, or there is no answer.

The forms are polynomials in parameters with known least values, in indices with ranges, and in floors. A
certificate is a list of moves that turn the goal `g ≥ 0` into goals that imply it, until what is left has no
negative coefficient once every parameter is written as its least value plus something non-negative:

    weaken   g  ←  g - c·f      where c ≥ 0 (by the same test) and the fact f ≥ 0 is known
    cut      ±q + r  ←          for q = ⌊u/v⌋, an integer: q + r ≥ 0 ⇔ u + v·r ≥ 0, and r - q ≥ 0 ⇔ v·r + v - 1 - u ≥ 0
    define   g  ←  g            with a derived size replaced by what it is defined as, but not in the range of an index

`checker` rechecks a certificate from its JSON with the standard library alone.

>>> s, n, k = (Poly.of(Param(letter, least=1)) for letter in "snk")
>>> m = Param("m", least=0)
>>> j, t = Index("j", Poly.of(m)), Index("t", k)
>>> facts = Facts(sizes=((m, (n - k) // s + 1),))
>>> bool(facts.nonnegative(n - 1 - s * Poly.of(j) - Poly.of(t)))         # a window that is counted lies inside
True
>>> facts.nonnegative(n - 2 - s * Poly.of(j) - Poly.of(t)) is None        # and may touch the end
True
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from convmath.ir.nodes import AtMost, Divides, Guard, Less, Statement, Within, Zero
from convmath.ir.poly import Floor, Index, Least, Param, Poly, poly

__all__ = ["Certificate", "Facts", "Move", "facts_of"]


@dataclass(frozen=True, slots=True)
class Move:
    """One move; `goal` is what is left to show after it."""

    kind: Literal["weaken", "cut", "define"]
    goal: Poly
    factor: Poly | None = None  # c of weaken
    fact: Poly | None = None  # f of weaken, q of cut, the size of define
    definition: Poly | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """goal ≥ 0, by these moves."""

    goal: Poly
    moves: tuple[Move, ...]


def shifted(form: Poly) -> Poly | None:
    """The form with each parameter written as least + itself; None where something in it has no least value."""
    values: dict[Param, Poly] = {}
    for atom in form.atoms():
        if not isinstance(atom, Param) or atom.least is None:
            return None
        values[atom] = poly(atom) + atom.least
    return form.substitute(values)


def plainly_nonnegative(form: Poly) -> bool:
    """No negative coefficient after shifting: then it is ≥ 0 wherever the parameters are at least their least."""
    moved = shifted(form)
    return moved is not None and all(c >= 0 for c in moved.terms.values())


@dataclass(frozen=True)
class Facts:
    """What may be used: the definitions of derived sizes and conditions on the parameters (each a form ≥ 0)."""

    sizes: tuple[tuple[Param, Poly], ...] = ()
    conditions: tuple[Poly, ...] = ()

    def nonnegative(self, goal: Poly) -> Certificate | None:
        """A certificate for goal ≥ 0, or None where none was found (which says nothing)."""
        return _proved(self, goal)

    def always(self, guard: Guard) -> tuple[Certificate, ...] | None:
        """Certificates that the guard holds for all sizes, or None."""
        goals = obligations(guard)
        if goals is None:
            return None
        found = [self.nonnegative(goal) for goal in goals]
        return None if None in found else tuple(c for c in found if c is not None)

    def _search(self, goal: Poly, conditions: tuple[Poly, ...], uses: int) -> tuple[Move, ...] | None:
        """Moves that reach a plain goal; `conditions` are those not tried yet, of which `uses` may still be used."""
        if plainly_nonnegative(goal):
            return ()
        forced = self._forced(goal)
        for move in forced:
            rest = self._search(move.goal, conditions, uses)
            if rest is not None:
                return (move, *rest)
        if forced or not uses:
            return None
        for place, condition in enumerate(conditions):
            if set(condition.atoms()) & set(goal.atoms()):
                rest = self._search(goal - condition, conditions[place + 1 :], uses - 1)
                if rest is not None:
                    return (Move("weaken", goal - condition, poly(1), condition), *rest)
        return None

    def _forced(self, goal: Poly) -> list[Move]:
        """The next move where the form of the goal leaves no choice but among the entries of a minimum."""
        for atom in goal.atoms():
            if isinstance(atom, Floor) and (move := _drop_floor(goal, atom)):
                return [move]
        for atom in goal.atoms():
            if isinstance(atom, Index) and (c := goal.coefficient(atom)) != 0:
                if plainly_nonnegative(c):
                    return [Move("weaken", goal - c * poly(atom), c, poly(atom))]
                if plainly_nonnegative(-c):
                    room = atom.size - 1 - poly(atom)
                    return [Move("weaken", goal + c * room, -c, room)]
        for atom in goal.atoms():
            if isinstance(atom, Least) and (c := goal.coefficient(atom)) != 0 and plainly_nonnegative(-c):
                rooms = [entry - poly(atom) for entry in atom.among]
                return [Move("weaken", goal + c * room, -c, room) for room in rooms]
        for param, value in self.sizes:
            if param in set(goal.atoms()):
                return [Move("define", _defined(goal, param, value), None, poly(param), value)]
        return []


@lru_cache(maxsize=4096)
def _proved(facts: Facts, goal: Poly) -> Certificate | None:
    moves = facts._search(goal, facts.conditions, uses=2)
    return None if moves is None else Certificate(goal, moves)


def _defined(goal: Poly, param: Param, value: Poly) -> Poly:
    """The goal with a derived size put in, except in the ranges of indices: two that differ would become one."""
    return goal.map(lambda atom: value if atom == param else poly(atom) if isinstance(atom, Index) else None)


def _drop_floor(goal: Poly, q: Floor) -> Move | None:
    c, u, v = goal.coefficient(q), q.number, q.divisor
    rest = goal - c * poly(q)
    if c == 0 or q in rest.atoms():  # powers of a floor, or its product with itself: no move takes them away
        return None
    if not plainly_nonnegative(v - 1):  # then the floor may have no meaning
        return None
    if c == 1:
        return Move("cut", u + v * rest, None, poly(q))
    if c == -1:
        return Move("cut", v * rest + v - 1 - u, None, poly(q))
    if (factor := c.divided(v)) is not None:
        if plainly_nonnegative(factor):
            fact = v * poly(q) - u + v - 1
            return Move("weaken", goal - factor * fact, factor, fact)
        if plainly_nonnegative(-factor):
            fact = u - v * poly(q)
            return Move("weaken", goal + factor * fact, -factor, fact)
    return None


def obligations(guard: Guard) -> tuple[Poly, ...] | None:
    """The forms that must be non-negative for the guard to hold; None for a guard that no such forms decide."""
    match guard:
        case Within(form=form, size=size):
            return form, size - 1 - form
        case Less(left=left, right=right):
            return (right - left - 1,)
        case AtMost(left=left, right=right):
            return (right - left,)
        case Zero(left=left, right=right):
            return left - right, right - left
        case Divides(divisor=divisor, form=form):
            return () if form.divided(divisor) is not None else None
    return None


def facts_of(statement: Statement) -> Facts:
    """What a statement says about its own parameters."""
    conditions = [goal for condition in statement.requires for goal in obligations(condition) or ()]
    return Facts(tuple(statement.definitions()), tuple(conditions))
