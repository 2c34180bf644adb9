"""Receptive fields through a graph: what each layer reads of the input, by way of all its paths.

Paths that meet must agree on where they are: on how far the field moves from position to position, and on its centre
(Araujo, Norris and Sim 2019, Distill, "Computing receptive fields of convolutional neural networks"). Those that do not
are misaligned, and are reported at the layer where they meet. Paths with the same jump are then one field, the
interval over them; those with different jumps stay apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from convmath.derivation import Printable
from convmath.errors import StatementError, unknown
from convmath.ir.poly import Param, Poly
from convmath.render import Document

from .reach import ITSELF, Reach, by_jump
from .words import page

__all__ = ["Field", "Misaligned", "Node", "ReceptiveField", "propagated"]


@dataclass(frozen=True, slots=True)
class Node:
    """A layer: its name, the names of what it reads, and for each of these what it reaches along each spatial axis."""

    name: str
    inputs: tuple[str, ...]
    reaches: tuple[tuple[tuple[Reach, ...], ...], ...]


@dataclass(frozen=True, slots=True)
class Field:
    """The receptive field of a layer along each spatial axis: of position 0, and how it moves with the position.

    `axes` has a reach for each jump there is; the numbers are asked for where there is one. Ends count positions as
    they lie, the padding included, and what no window reads between two dilated taps as well.
    """

    name: str
    axes: tuple[tuple[Reach, ...], ...]

    @property
    def jump(self) -> tuple[Any, ...]:
        """How far the field moves in the input from a position to the next."""
        return tuple(reach.step() for reach in self._single())

    @property
    def size(self) -> tuple[Any, ...]:
        """How many positions of the input there are between the ends of the field."""
        return tuple(reach.size() for reach in self._single())

    @property
    def start(self) -> tuple[Any, ...]:
        """Where the field of position 0 begins; below 0 that is in the padding."""
        return tuple(reach.start() for reach in self._single())

    @property
    def centre(self) -> tuple[Any, ...]:
        """The middle of the field of position 0."""
        return tuple(reach.centre() for reach in self._single())

    def _single(self) -> Iterable[Reach]:
        for axis, several in enumerate(self.axes):
            if not several:
                raise StatementError(f"{self.name} reads nothing of the input along axis {axis}")
            if len(several) > 1:
                steps = ", ".join(str(reach.step()) for reach in several)
                raise StatementError(
                    f"the paths to {self.name} move along axis {axis} by different steps, {steps}, and have no field "
                    "in common; .axes has that of each"
                )
            yield from several


@dataclass(frozen=True, slots=True)
class Misaligned:
    """Paths that meet at a layer and do not lie as one another along an axis: the name of what each comes from."""

    name: str
    axis: int
    paths: tuple[tuple[str, Reach], ...]

    @property
    def by_jump(self) -> bool:
        """Whether they move by different steps, and not only lie at different centres."""
        first = self.paths[0][1]
        return not all(reach.moves_with(first) for _, reach in self.paths)

    def __str__(self) -> str:
        said = ", ".join(f"{name}: jump {reach.step()}, centre {reach.centre()}" for name, reach in self.paths)
        return f"{self.name}, axis {self.axis}: {said}"


@dataclass(frozen=True)
class ReceptiveField(Printable):
    """The receptive field of each layer in `of`, an input, and where paths are misaligned (`meet`: whether any meet).

    The field of the whole is that of the last layer.
    """

    of: str
    fields: tuple[Field, ...]
    misaligned: tuple[Misaligned, ...]
    meet: bool
    name: str = ""

    @property
    def last(self) -> Field:
        return self.fields[-1]

    @property
    def jump(self) -> tuple[Any, ...]:
        return self.last.jump

    @property
    def size(self) -> tuple[Any, ...]:
        return self.last.size

    @property
    def start(self) -> tuple[Any, ...]:
        return self.last.start

    @property
    def centre(self) -> tuple[Any, ...]:
        return self.last.centre

    @property
    def aligned(self) -> bool:
        """Whether all paths that meet lie as one another."""
        return not self.misaligned

    def layer(self, name: str) -> Field:
        """The field of a layer by its name."""
        for field in self.fields:
            if field.name == name:
                return field
        raise unknown("layer", name, [field.name for field in self.fields])

    def substitute(self, values: Mapping[Param, Poly]) -> ReceptiveField:
        """The same with parameters replaced."""

        def put_in(reach: Reach) -> Reach:
            return reach.substitute(values)

        fields = tuple(replace(f, axes=tuple(tuple(map(put_in, several)) for several in f.axes)) for f in self.fields)
        apart = (replace(m, paths=tuple((name, put_in(reach)) for name, reach in m.paths)) for m in self.misaligned)
        return replace(self, fields=fields, misaligned=tuple(apart))

    def document(self, lang: str = "en") -> Document:
        return page(self, lang)


def propagated(nodes: Iterable[Node], of: str, ndim: int, name: str = "") -> ReceptiveField:
    """The field of each node in the input `of`, which has so many spatial axes; each reads only nodes before it."""
    known: dict[str, tuple[tuple[Reach, ...], ...]] = {of: ((ITSELF,),) * ndim}
    fields, misaligned, meet = list[Field](), list[Misaligned](), False
    for node in nodes:
        axes = []
        for axis in range(ndim):
            paths = [
                (read, [reach.behind(layer) for reach in known[read][axis] for layer in _of(reaches, axis)])
                for read, reaches in zip(node.inputs, node.reaches, strict=True)
                if read in known
            ]
            axes.append(by_jump(reach for _, several in paths for reach in several))
            if apart := _apart(paths):
                misaligned.append(Misaligned(node.name, axis, apart))
        meet = meet or sum(read in known for read in node.inputs) > 1
        if any(axes):
            known[node.name] = tuple(axes)
        fields.append(Field(node.name, tuple(axes)))
    return ReceptiveField(of, tuple(fields), tuple(misaligned), meet, name)


def _of(reaches: Sequence[tuple[Reach, ...]], axis: int) -> tuple[Reach, ...]:
    """What a layer reaches along an axis; what has no such axis any more stays where it is."""
    return reaches[axis] if axis < len(reaches) else (ITSELF,)


def _apart(paths: Sequence[tuple[str, Sequence[Reach]]]) -> tuple[tuple[str, Reach], ...]:
    """The paths, where not every input brings reaches that lie as those of every other do."""
    for _, one in paths:
        for _, other in paths:
            if not all(any(reach.lies_as(same) for same in other) for reach in one):
                return tuple((name, reach) for name, several in paths for reach in several)
    return ()
