"""Layers composed: one statement, and where it is one sum, or one convolution, that as well."""

from .absorb import Folding
from .chain import chained
from .composition import Composition, composed

__all__ = ["Composition", "Folding", "chained", "composed"]
