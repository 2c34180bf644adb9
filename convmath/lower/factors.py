"""The body of a box as factors: reads that windows are laid over, and what is computed element by element.

    Σ [0 ≤ e < n] [P] X[e]·W·f(…)  →  Σ (X[e], 0 outside)·([P] f(…))·W

A guard that says that a read lies in its array is dropped where the read is a factor: outside it is 0. Others become
factors themselves, or choose elements of a factor that has their indices. Where numbers are not finite, that 0 may
not be one; where it matters, `exact` has every guard choose elements, as the definition says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from convmath.ir.nodes import (
    ONE,
    AtMost,
    Bracket,
    Compare,
    Divides,
    Guard,
    IndexValue,
    Less,
    Matches,
    Product,
    Read,
    Scalar,
    Within,
    Zero,
)
from convmath.ir.plan import DATA
from convmath.ir.poly import Index, Poly
from convmath.ir.walk import inside, reads

from .access import Access
from .box import Box

__all__ = ["Elements", "Factors", "factors"]

OF_INDICES = (Within, Less, AtMost, Zero, Divides)
EMPTY = {"sum": 0.0, "max": -math.inf, "min": math.inf}


@dataclass(frozen=True)
class Elements:
    """[guards] Π nodes, element by element; elsewhere it is `neutral`."""

    nodes: tuple[Scalar, ...]
    guards: tuple[Guard, ...]
    indices: frozenset[Index]
    neutral: float = 0.0

    @property
    def varies(self) -> bool:
        """Whether it is more than a number."""
        return bool(self.indices) or any(reads((self.nodes, self.guards)))

    @property
    def node(self) -> Scalar:
        return self.nodes[0] if len(self.nodes) == 1 else Product(self.nodes) if self.nodes else ONE


@dataclass(frozen=True)
class Factors:
    """⊕ over the bound indices of the product of accesses and elements.

    `sure` says that it is the term's value where numbers are not finite, too.
    """

    accesses: tuple[Access, ...]
    elements: tuple[Elements, ...]
    sure: bool = True


def factors(box: Box, sizes: Mapping[str, Sequence[int]], exact: bool = False) -> Factors:
    """The factors of a box; `sizes` are those of the arrays by name."""
    maker = _Maker(box, sizes)
    if box.reduce != "sum":
        only = maker.only_access()
        return Factors((only,), ()) if only else Factors((), (maker.by_definition(),))
    found = maker.product()
    if exact and not (found.sure and all(element.varies for element in found.elements)):
        return Factors((), (maker.by_definition(),))
    return found


@dataclass(frozen=True)
class _Maker:
    box: Box
    sizes: Mapping[str, Sequence[int]]

    # -- what a node depends on

    def at(self, read: Read) -> tuple[Poly, ...]:
        return tuple(self.box.forms[form] for form in read.at)

    def indices(self, node: Any) -> frozenset[Index]:
        forms = (part for part in inside(node) if isinstance(part, Poly))
        return frozenset(index for form in forms for index in self.box.forms.get(form, form).indices())

    def place(self, node: Any) -> tuple[tuple[Poly, ...], tuple[int, ...]] | None:
        """The place at which everything in a node is read, with the sizes of the arrays; None where it is not one."""
        own = list(dict.fromkeys(reads(node)))
        places = {(self.at(read), tuple(self.sizes[read.tensor])) for read in own}
        if len(places) != 1:
            return None
        [(at, sizes)] = places
        for part in inside(node):
            if isinstance(part, (Matches, *OF_INDICES)) or (
                isinstance(part, IndexValue) and self.box.forms[part.form].constant is None
            ):
                return None
        if not any(form.indices() for form in at):
            return None
        return at, sizes

    # -- a maximum, and what the definition says

    def by_definition(self) -> Elements:
        box = self.box
        guards = (*box.guards, *box.data)
        return Elements((box.body,), guards, self.indices((box.body, guards)), EMPTY[box.reduce])

    def only_access(self) -> Access | None:
        """A maximum over elements of one array, where every guard says that they lie in it."""
        box, place = self.box, self.place(self.box.body)
        if place is None or box.data or not isinstance(box.body, Read):
            return None
        axes = [
            [axis for axis, pair in enumerate(zip(*place, strict=True)) if _says(guard, *pair)] for guard in box.guards
        ]
        if not all(axes):
            return None
        return Access(box.body, *place, frozenset().union(*axes), neutral=EMPTY[box.reduce])

    # -- products

    def product(self) -> Factors:
        box = self.box
        accesses: dict[tuple, Access] = {}
        elements: list[Elements] = []
        for node in _parts(box.body):
            place = self.place(node)
            if place is None:
                elements.append(Elements((node,), (), self.indices(node)))
            elif place in accesses:
                accesses[place] = replace(accesses[place], node=Product.of(accesses[place].node, node))
            else:
                accesses[place] = Access(node, *place)
        for guard in box.data:
            place = self.place(guard) if isinstance(guard, Compare) else None
            if place in accesses:
                accesses[place] = replace(accesses[place], node=Product.of(Bracket(guard), accesses[place].node))
            else:
                self._choose(accesses, elements, guard)
        for guard in box.guards:
            if not self._beyond(accesses, elements, guard):
                self._choose(accesses, elements, guard)
        found = Factors(tuple(accesses.values()), tuple(elements))
        return replace(found, sure=self._is_sure(found))

    def _is_sure(self, found: Factors) -> bool:
        """Whether no factor is 0 for another that is not finite, or summed before it is multiplied by one."""
        several = [*found.accesses, *(element for element in found.elements if element.varies)]
        if len(several) <= 1:  # but for a read that is 0 since it lies outside its array, beside others
            chosen = sum(len(element.guards) for element in found.elements)
            return bool(found.accesses) or chosen == len(self.box.guards) + len(self.box.data)
        if self.box.guards or self.box.data or len(several) > 2:
            return False
        first, second = (factor.indices & frozenset(self.box.bound) for factor in several)
        return first == second

    def _beyond(self, accesses: dict[tuple, Access], elements: list[Elements], guard: Guard) -> bool:
        """Whether a factor is 0 where the guard does not hold, since it is a read that lies outside its array then."""
        found = False
        for key, access in accesses.items():
            axes = [axis for axis, pair in enumerate(zip(access.at, access.sizes, strict=True)) if _says(guard, *pair)]
            if axes:
                accesses[key] = replace(access, beyond=access.beyond | frozenset(axes))
                found = True
        return found or any(
            isinstance(node, Read) and node.outside in ("strict", "nothing", Fraction(0)) and _says(guard, *pair)
            for element in elements
            for node in element.nodes
            for pair in (zip(self.at(node), self.sizes[node.tensor], strict=True) if isinstance(node, Read) else ())
        )

    def _choose(self, accesses: dict[tuple, Access], elements: list[Elements], guard: Guard) -> None:
        """The guard put where it chooses elements: in the smallest factor with its indices, or in one of its own."""
        own, of_data = self.indices(guard), isinstance(guard, DATA)
        wide = [element for element in elements if element.varies and own <= element.indices]
        hosts = [key for key, access in accesses.items() if own <= access.indices]
        if wide:
            host = min(wide, key=lambda element: len(element.indices))
            elements[elements.index(host)] = replace(host, guards=(*host.guards, guard))
        elif hosts and (of_data or not self.box.bound):
            access = accesses.pop(min(hosts, key=lambda key: len(accesses[key].indices)))
            elements.append(Elements(_parts(access.node), (guard,), access.indices))
        elif of_data:  # what has some of its indices alone is looked at where it holds, too
            inner = [element for element in elements if element.varies and element.indices <= own]
            outer = [accesses.pop(key) for key in list(accesses) if accesses[key].indices <= own]
            nodes = [node for element in inner for node in element.nodes]
            nodes += [node for access in outer for node in _parts(access.node)]
            guards = [guard for element in inner for guard in element.guards]
            elements[:] = [element for element in elements if element not in inner]
            elements.append(Elements(tuple(nodes), (*guards, guard), own))
        else:
            elements.append(Elements((), (guard,), own))


def _parts(node: Scalar) -> tuple[Scalar, ...]:
    return node.factors if isinstance(node, Product) else (node,)


def _says(guard: Guard, form: Poly, n: int) -> bool:
    return isinstance(guard, Within) and guard.form == form and guard.size == n
