"""Names for sizes. A size that is a formula gets a name the first time that it comes up, H₁ = ⌊(H-1)/2⌋+1, so that what
is counted stays short; floors are put into one another before, and equal formulas have one name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from convmath.integers.facts import Facts
from convmath.ir.nodes import Guard, Size
from convmath.ir.poly import Param, Poly, poly, unnested
from convmath.ir.walk import params

from .conditions import Conditions

__all__ = ["Shape", "Sizes"]

Shape = tuple[Poly, ...]


class Sizes:
    """The names of sizes, what they stand for, and what is asked of the sizes of the input."""

    def __init__(self, inputs: Iterable[Shape]):
        self.conditions = Conditions()
        self.definitions: dict[Param, Poly] = {}
        self._names: dict[Poly, Poly] = {}
        self._taken = {param.name for shape in inputs for param in params(shape)}

    def ask(self, guard: Guard) -> None:
        """Take up a condition."""
        self.conditions.add(guard, self.definitions)

    def named(self, form: Poly) -> Poly:
        """A size that is short: a number, a product of sizes, or a name for what it is."""
        if len(form.terms) <= 1 and all(isinstance(atom, Param) for atom in form.atoms()):
            return form
        whole = unnested(form.substitute(self.definitions))
        if whole.constant is not None or isinstance(whole.atom, Param):
            return whole
        if whole not in self._names:
            least = 1 if self.conditions.proves(whole - 1) else 0 if self.conditions.proves(whole) else None
            name = Param(*self._free(whole), least)
            self.definitions[name] = whole
            self._names[whole] = poly(name)
        return self._names[whole]

    def _free(self, whole: Poly) -> tuple[str, int]:
        """The letter of the only size in it, or m, with the first number that is free."""
        letters = {param.letter for param in params(whole)}
        letter = letters.pop() if len(letters) == 1 else "m"
        number = next(number for number in range(1, len(self._taken) + 2) if f"{letter}{number}" not in self._taken)
        self._taken.add(f"{letter}{number}")
        return letter, number

    def known(self) -> tuple[Mapping[Param, Poly], Facts]:
        """Each size of the input as one whose least value is what is asked of it, and what is known of all sizes."""
        raised, facts = self.conditions.known()
        named = tuple((name, whole.substitute(raised)) for name, whole in self.definitions.items())
        return raised, replace(facts, sizes=named)

    def no_less(self, one: Poly, other: Poly) -> bool:
        """Whether one ≥ other for all sizes that meet the conditions, as far as a certificate is found."""
        raised, facts = self.known()
        gap = (one - other).substitute(raised)
        return facts.nonnegative(gap) is not None

    def sizes(self) -> tuple[Size, ...]:
        return tuple(Size(param, whole) for param, whole in self.definitions.items())
