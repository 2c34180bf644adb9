"""Conditions on the sizes of an input, as a person would write them: 63 ≤ H.

What an operator asks of its own input becomes, layer after layer, a condition with floors in floors. A floor goes
by an equivalence, so nothing is lost: ⌊u/v⌋ + r ≥ 0 exactly where u + v·r ≥ 0.

>>> H = Param("H", least=0)
>>> asked = Conditions()
>>> asked.add(AtMost(poly(7), poly(H) + 6))                      # a kernel of 7 on an axis padded by 3 at both ends
>>> asked.add(AtMost(poly(6), (poly(H) - 1) // 2 + 1))
>>> asked.guards()
(AtMost(left=11, right=H),)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from convmath.errors import ShapeError
from convmath.integers.facts import Facts, obligations
from convmath.ir.guards import holds
from convmath.ir.nodes import AtMost, Guard, Zero
from convmath.ir.poly import Floor, Param, Poly, poly
from convmath.ir.walk import params, substitute

__all__ = ["Conditions", "at_least_0", "of_one_size"]


def at_least_0(goal: Poly) -> Poly:
    """A form that is ≥ 0 exactly where the goal is, with no common divisor and no floor that an equivalence takes away.

    >>> H = poly(Param("H", least=0))
    >>> at_least_0(2 * (H // 4) - 5)
    H - 12
    """
    while True:
        c = math.gcd(*(c for monomial, c in goal.terms.items() if monomial))
        if c > 1:
            constant = goal.terms.get((), 0)
            goal = poly(constant // c) + Poly({m: value // c for m, value in goal.terms.items() if m})
        for q in (atom for atom in goal.atoms() if isinstance(atom, Floor)):
            sign, u, v = goal.coefficient(q).constant, q.number, q.divisor
            rest = goal - goal.coefficient(q) * poly(q)
            if sign in (1, -1) and q not in rest.atoms():
                goal = u + v * rest if sign == 1 else v * rest + v - 1 - u
                break
        else:
            return goal


class Conditions:
    """What is asked of the sizes: each is at least one number and at most another, and whatever else there is."""

    def __init__(self) -> None:
        self._least: dict[Param, int] = {}
        self._most: dict[Param, int] = {}
        self._others: dict[Guard, tuple[Poly, ...] | None] = {}

    def add(self, guard: Guard, definitions: Mapping[Param, Poly] | None = None) -> None:
        """Ask for a guard; `definitions` are those of the names of sizes in it. A ShapeError where it never holds."""
        whole = substitute(guard, definitions or {})
        if not params(whole):
            if not holds(whole, {}):
                raise ShapeError(f"{_said(whole)} is needed")
            return
        goals = obligations(whole)
        simple = None if goals is None else [at_least_0(goal) for goal in goals]
        if simple is None or False in [self._bounds(goal) for goal in simple]:
            self._others[_reduced(guard)] = goals
        if simple and _excluded(simple):
            raise ShapeError(f"{_said(guard)} is needed, but no size meets it")
        for param, most in self._most.items():
            if most < self.least(param):
                raise ShapeError(f"{_said(guard)} is needed, but no {poly(param)} ≥ {self.least(param)} meets it")

    def _bounds(self, goal: Poly) -> bool:
        """Whether the goal is a bound of one size, which is taken up, or holds anyway."""
        if goal.constant is not None and goal.constant >= 0:
            return True
        bound = goal.terms.get((), 0)
        size = goal - bound
        if isinstance(param := size.atom, Param):
            self._least[param] = max(self.least(param), -bound)
        elif isinstance(param := (-size).atom, Param):
            self._most[param] = min(self._most.get(param, bound), bound)
        else:
            return False
        return True

    def least(self, param: Param) -> int:
        """The least value of a size that is met by all that is asked so far."""
        return self._least.get(param, param.least or 0)

    def known(self) -> tuple[Mapping[Param, Poly], Facts]:
        """Each size as one whose least value is what is asked of it, and the facts about these."""
        raised = {param: poly(Param(param.letter, param.axis, least)) for param, least in self._least.items()}
        return raised, Facts(conditions=tuple(most - raised.get(p, poly(p)) for p, most in self._most.items()))

    def proves(self, goal: Poly) -> bool:
        """Whether what is asked so far implies goal ≥ 0, by a certificate."""
        raised, facts = self.known()
        return facts.nonnegative(goal.substitute(raised)) is not None

    def guards(self) -> tuple[Guard, ...]:
        """All that is asked, without what follows from the rest or from the least value that a size has."""
        least = [AtMost(poly(value), poly(p)) for p, value in self._least.items() if value > (p.least or 0)]
        most = [AtMost(poly(p), poly(value)) for p, value in self._most.items()]
        others = [guard for guard, goals in self._others.items() if goals is None or not all(map(self.proves, goals))]
        return (*least, *most, *others)


def of_one_size(
    guards: Sequence[Guard], definitions: Mapping[Param, Poly], sizes: Sequence[Param]
) -> tuple[Guard, ...]:
    """What the guards ask where all these sizes are the same one; nothing where they can't be said to ask anything.

    >>> H, W, h, w = (Param(letter, least=0) for letter in ("H", "W", "h", "w"))
    >>> whole = {h: poly(H) // 4, w: poly(W) // 4}
    >>> of_one_size([Zero(poly(h) * poly(w), poly(9))], whole, [H, W])
    (AtMost(left=12, right=H), AtMost(left=H, right=15))
    """
    first = poly(sizes[0])
    of_first = {name: whole.substitute(dict.fromkeys(sizes, first)) for name, whole in definitions.items()}
    same = {name: next(n for n, other in of_first.items() if other == whole) for name, whole in of_first.items()}
    found = Conditions()
    try:
        for guard in guards:
            alike = substitute(guard, {**same, **dict.fromkeys(sizes, first)})
            found.add(_root(alike) if isinstance(alike, Zero) else alike, of_first)
    except ShapeError:
        return ()
    return () if any(isinstance(guard, Zero) for guard in found.guards()) else found.guards()


def _root(equation: Zero) -> Zero:
    """H₄² = 36 as H₄ = 6, for a size, which is not negative."""
    form = equation.form if equation.form.terms.get((), 0) < 0 else -equation.form
    power = [monomial for monomial, c in form.terms.items() if monomial and c == 1]
    if len(form.terms) != 2 or len(power) != 1 or len(power[0]) != 1:
        return equation
    (size, degree), value = power[0][0], -form.terms[()]
    root = round(value ** (1 / degree))
    return Zero(poly(size), poly(root)) if root**degree == value else equation


def _excluded(goals: Sequence[Poly]) -> bool:
    """Whether no whole numbers meet the goals of a guard: 2·H = 5 asks for H - 3 ≥ 0 and 2 - H ≥ 0."""
    together = (*goals, sum(goals, poly(0)))
    return any(goal.constant is not None and goal.constant < 0 for goal in together)


def _reduced(guard: Guard) -> Guard:
    """An equation without a common divisor: H₅·W₅ = 36 for 256·H₅·W₅ = 9216."""
    if not isinstance(guard, Zero):
        return guard
    c = math.gcd(*guard.form.terms.values())
    left, right = (Poly({m: value // c for m, value in side.terms.items()}) for side in (guard.left, guard.right))
    return Zero(left, right)


def _said(guard: Guard) -> str:
    return str(guard)[1:-1]
