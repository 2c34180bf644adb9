"""Whether results have to be the same to the last bit wherever they are computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["REFUSED", "exact_order", "in_exact_order"]

# methods that have no such order
REFUSED = ("patches", "winograd", "winograd4", "fft")

_exact: ContextVar[bool] = ContextVar("exact_order", default=False)


@contextmanager
def exact_order() -> Iterator[None]:
    """Within this, results are the same to the last bit on any number of threads, width of vectors, and processor.

    Every sum has an order that the shapes alone fix (`kernels/ordered.py` says which), every product and sum is rounded
    by itself, and exp, log, tanh, erf and their kin are convmath's own, at most 1 ulp off. Generated kernels and
    NumPy have the same bits; without llvmlite it only takes longer. It holds for every operator of `functional` with
    its gradients, for what the engine does with Tensors, and for statements that run on NumPy's arrays. The bits of a
    NaN are not promised.

    `method="direct"` is NumPy, "simd" are generated kernels, and what has no such order ("patches", "winograd", "fft")
    is refused, wherever it was said: by the call, by `using`, or by CONVMATH_METHOD. So are arrays of other libraries.

    It holds for the thread (and the task) that is in it. What is only prepared there and computed later, as the
    function that `vjp` returns, has to be called in it too. It may be nested.

    >>> import numpy as np, convmath as cm
    >>> x = np.array([1e8, 1.0, -1e8], "f4")
    >>> with cm.exact_order():
    ...     cm.functional.softmax(x).tolist()
    [1.0, 0.0, 0.0]
    """
    token = _exact.set(True)
    try:
        yield
    finally:
        _exact.reset(token)


def in_exact_order() -> bool:
    """Whether this is computed within `exact_order`."""
    return _exact.get()
