"""convmath: the mathematics of convolution, stated once; everything else is read off the statement.

>>> import convmath as cm
>>> cm.operator("conv", ndim=1, padding="symmetric").shape(n=224, k=7, s=2, p=3, d=1).result
(N, G*O, 112)

Nothing heavy is loaded here: a name is found on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = [
    "Convolution",
    "Correlation",
    "Tensor",
    "checkpoint",
    "compose",
    "convolve",
    "correlate",
    "dask",
    "define",
    "exact_order",
    "fold",
    "functional",
    "grad",
    "hvp",
    "jvp",
    "network",
    "operator",
    "operators",
    "receptive_field",
    "set_threads",
    "solve_shape",
    "testing",
    "value_and_grad",
    "vjp",
]

# where each public name lives; a name that is its own module stands for the module
_HOMES = {
    "compose": "convmath.ops.composition",
    "fold": "convmath.ops.composition",
    "receptive_field": "convmath.graphs.receptive",
    "dask": "convmath.dask",
    "define": "convmath.ops.define",
    "operator": "convmath.ops.registry",
    "operators": "convmath.ops.registry",
    "functional": "convmath.functional",
    "solve_shape": "convmath.calculus.inverse",
    "network": "convmath.graphs",
    "set_threads": "convmath.kernels.threads",
    "exact_order": "convmath.kernels.order",
    "testing": "convmath.testing",
    "Tensor": "convmath.engine",
    "grad": "convmath.engine",
    "value_and_grad": "convmath.engine",
    "vjp": "convmath.engine",
    "jvp": "convmath.engine",
    "hvp": "convmath.engine",
    "checkpoint": "convmath.engine",
    "Convolution": "convmath.signals",
    "Correlation": "convmath.signals",
    "convolve": "convmath.signals",
    "correlate": "convmath.signals",
}

if TYPE_CHECKING:
    from convmath import dask, functional, testing
    from convmath.calculus.inverse import solve_shape
    from convmath.engine import Tensor, checkpoint, grad, hvp, jvp, value_and_grad, vjp
    from convmath.graphs import network
    from convmath.graphs.receptive import receptive_field
    from convmath.kernels.order import exact_order
    from convmath.kernels.threads import set_threads
    from convmath.ops.composition import compose, fold
    from convmath.ops.define import define
    from convmath.ops.registry import operator, operators
    from convmath.signals import Convolution, Correlation, convolve, correlate


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'convmath' has no attribute {name!r}")
    home = import_module(_HOMES[name])
    value = home if home.__name__ == f"{__name__}.{name}" else getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
