"""How cases are drawn: a module for each kind of operator, with a function for each operator in its DRAWN."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..case import Case
from . import activation, arrange, convolution, layers, loss, normalization, pooling
from .options import Options

__all__ = ["DRAWN"]

DRAWN: Mapping[str, Callable[[Options], Case]] = {
    **convolution.DRAWN,
    **pooling.DRAWN,
    **normalization.DRAWN,
    **activation.DRAWN,
    **loss.DRAWN,
    **arrange.DRAWN,
    **layers.DRAWN,
}
