"""The receptive fields of layers, in the names that sizes have among them."""

from __future__ import annotations

from collections.abc import Sequence

from convmath.calculus.receptive import Node, Reach, ReceptiveField, propagated, reaches

from .layer import Layer

__all__ = ["fields"]


def fields(layers: Sequence[Layer], of: str, ndim: int, name: str = "") -> ReceptiveField:
    """The field of each layer in an input that has so many spatial axes."""
    nodes = (
        Node(layer.node.name, layer.node.inputs, tuple(_read(layer, data) for data in layer.data)) for layer in layers
    )
    return propagated(nodes, of, ndim, name)


def _read(layer: Layer, data: str) -> tuple[tuple[Reach, ...], ...]:
    """What a layer reaches of one of the arrays that it reads, at its own sizes."""
    found = reaches(layer.statement, data)
    return tuple(tuple(reach.substitute(layer.values) for reach in several) for several in found)
