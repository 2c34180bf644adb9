"""Features and elements on numbers: the linear layer, radial basis functions, the sum of two arrays, dropout."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convmath.errors import HyperparameterError, ShapeError
from convmath.kernels import features
from convmath.kernels.basics import total
from convmath.kernels.streams import plus

from .core import Call, differentiable, floating, numbers, one_each, real, shaped, storable, zeros_and_ones

__all__ = ["add", "dropout", "linear", "rbf"]


# --- features on the last axis ------------------------------------------------------------------------------------


def _featured(
    name: str, x: ArrayLike, w: ArrayLike, *, complex_too: bool = False
) -> tuple[np.ndarray, np.ndarray, str]:
    """X (…, C) and W (O, C), and how an error names the call."""
    x, w = numbers(x, "X", name, complex_too=complex_too), numbers(w, "W", name, complex_too=complex_too)
    where = f"{name}(X{x.shape}, W{w.shape})"
    if w.ndim != 2 or 0 in w.shape:
        raise ShapeError(f"W has shape {w.shape}, but (outputs, features), at least one of each, is needed [{where}]")
    if x.ndim == 0 or x.shape[-1] != w.shape[1]:
        came = f"{x.shape[-1]} features" if x.ndim else "no axes"
        raise ShapeError(f"X has {came}, but W reads {w.shape[1]} on its last axis [{where}]")
    dtype = np.result_type(x, w)
    return x.astype(dtype, copy=False), w.astype(dtype, copy=False), where


@differentiable("x", "w", "b")
def linear(x: ArrayLike, w: ArrayLike, b: ArrayLike | None = None) -> Call[np.ndarray]:
    """Y[…,o] = Σ_c W[o,c] · X[…,c] + B[o]

    X is (…, C) with any number of axes before its features, W (O, C), B (O,), and Y (…, O). Complex numbers are
    multiplied as they are, and the vjp is the gradient of Re⟨g, Y⟩, as for `conv`. Raises ShapeError, DtypeError.

    >>> linear([[1, 2]], [[1, 0], [1, 10], [0, 0]], [0, 0, 7])
    array([[ 1, 21,  7]])
    """
    x, w, where = _featured("linear", x, w, complex_too=True)
    b = None if b is None else numbers(b, "B", where, complex_too=True)
    one_each(b, w.shape[0], where)
    dtype = x.dtype if b is None else np.result_type(x, b)
    x, w, b = x.astype(dtype, copy=False), w.astype(dtype, copy=False), b if b is None else b.astype(dtype)

    def gradients(gy: np.ndarray) -> tuple[Any, ...]:
        gb = None if b is None else lambda: total(gy, range(gy.ndim - 1))
        return lambda: features.linear_input(gy, w.conj()), lambda: features.linear_weight(gy, x.conj()), gb

    shape = storable((*x.shape[:-1], len(w)), "the output", where)
    return Call(where, shape, dtype, lambda: features.linear(x, w, b), gradients)


@differentiable("x", "w")
def rbf(x: ArrayLike, w: ArrayLike) -> Call[np.ndarray]:
    """Y[…,o] = Σ_c (X[…,c] - W[o,c])², the output layer of LeNet-5 (LeCun et al. 1998, equation 7).

    X is (…, C), W (O, C), and Y (…, O). Raises ShapeError, DtypeError.

    >>> rbf([[1, 2]], [[1, 2], [3, 0]])
    array([[0, 8]])
    """
    x, w, where = _featured("rbf", x, w)
    return Call(
        where,
        storable((*x.shape[:-1], len(w)), "the output", where),
        x.dtype,
        lambda: features.distances(x, w),
        lambda gy: (features.distances_input(gy, x, w), features.distances_weight(gy, x, w)),
    )


# --- element by element -------------------------------------------------------------------------------------------


@differentiable("x", "z")
def add(x: ArrayLike, z: ArrayLike) -> Call[np.ndarray]:
    """Y = X + Z, two arrays of the same shape: nothing is stretched, and nothing multiplied (torch's alpha is 1).

    Raises ShapeError, DtypeError.

    >>> add([[1, 2]], [[10, 20]])
    array([[11, 22]])
    """
    x, z = numbers(x, "X", "add"), numbers(z, "Z", "add")
    where = f"add(X{x.shape}, Z{z.shape})"
    shaped(z, x.shape, "Z", where)
    return Call(where, x.shape, np.result_type(x, z), lambda: plus(x, z), lambda gy: (np.array(gy), np.array(gy)))


@differentiable("x", "mask")
def dropout(x: ArrayLike, mask: ArrayLike, *, p: float = 0.5) -> Call[np.ndarray]:
    """Y = X · mask / (1 - p): what the mask has 0 for is dropped, and the rest enlarged, so that the mean stays.

    The mask has the shape of X and holds 0 and 1 (or truth values); 0 ≤ p < 1 is the share that is dropped, but what
    the mask says is not counted. torch draws its mask itself. A NaN stays one also where it is dropped. The gradient by
    the mask is None. Raises ShapeError, HyperparameterError, DtypeError, DataError.

    >>> dropout([[1.0, 2.0, 3.0]], [[1, 0, 1]])
    array([[2., 0., 6.]])
    """
    x = floating(numbers(x, "X", "dropout"))
    where = f"dropout(X{x.shape}, p={p!r})"
    kept = zeros_and_ones(mask, x.shape, "the mask", where)
    if (share := real(p, "p", where, least=0)) >= 1:
        raise HyperparameterError(f"p is {share}, but it must be less than 1 [{where}]")

    def kept_of(values: np.ndarray) -> np.ndarray:
        found = np.multiply(values, kept, out=np.empty_like(values), dtype=values.dtype, casting="same_kind")
        found /= values.dtype.type(1 - share)
        return found

    return Call(where, x.shape, x.dtype, lambda: kept_of(x), lambda gy: (kept_of(gy), None))
