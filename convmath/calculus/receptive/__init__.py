"""Receptive fields: what a position of a layer reads of an input, read off the statements."""

from .edges import reaches
from .fields import Field, Misaligned, Node, ReceptiveField, propagated
from .reach import ITSELF, Reach, window

__all__ = ["ITSELF", "Field", "Misaligned", "Node", "Reach", "ReceptiveField", "propagated", "reaches", "window"]
