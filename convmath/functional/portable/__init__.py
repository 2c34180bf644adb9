"""The operators on arrays of other libraries, by kernels of the array API standard: a family a file.

Arguments are checked before (`functional.foreign`), and arrays come in the type that is computed in.
"""

from __future__ import annotations

from . import arrange, convolutions, elements, local, losses, pooling, signal
from .computed import CALLS, Computed

__all__ = ["CALLS", "Computed", "arrange", "convolutions", "elements", "local", "losses", "pooling", "signal"]
