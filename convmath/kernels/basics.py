"""What NumPy's kernels are made of besides + - · / and √: sums, products of matrices, maxima, functions.

They are NumPy's own, whose bits differ from one machine to the next, or, within `exact_order`, those of `ordered` and
`elementary`, which have the same bits everywhere; by generated kernels where those are there and it is worth it. No
kernel should call NumPy's by itself (a test looks for it), so that none can forget the mode.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np

from convmath.errors import HyperparameterError
from convmath.window import Window

from . import elementary, ordered
from .choice import worth_generating
from .order import in_exact_order
from .products import product
from .storage import half, rounded

__all__ = [
    "bell",
    "clip",
    "exp",
    "expm1",
    "function",
    "greatest",
    "log",
    "log1p",
    "log1p_exp",
    "matmul",
    "maximum",
    "mean",
    "minimum",
    "normal",
    "power",
    "sigmoid",
    "tanh",
    "total",
]

SUMMED, PRODUCTS = 2**5, 2**14  # elements and products from which on a generated kernel is quicker
IMAGE = 64  # columns of a matrix that are worked on together
SIMPLE = 64  # whole powers up to this one are products


# --- sums -----------------------------------------------------------------------------------------------------


def total(x: np.ndarray, axes: Sequence[int], *, keepdims: bool = False) -> np.ndarray:
    """Σ x over the axes"""
    axes = tuple(axes)
    if half(x.dtype):
        return rounded(total(x.astype(np.float32), axes, keepdims=keepdims), x.dtype)
    if not _has_order(x.dtype) or not axes:
        return np.add.reduce(x, axis=axes, keepdims=keepdims)  # what `sum` calls in its turn
    generated = x.dtype.kind == "f" and worth_generating(x.size, SUMMED)
    found = _generated("totals").total(x, axes) if generated else ordered.total(x, axes)
    return found if keepdims else np.squeeze(found, axes)[()]


def mean(x: np.ndarray, axes: Sequence[int], *, keepdims: bool = False) -> np.ndarray:
    """Σ x / n over the axes"""
    if not _has_order(x.dtype):
        return x.mean(axis=tuple(axes), keepdims=keepdims)
    count = math.prod(x.shape[axis] for axis in axes)
    return total(x, axes, keepdims=keepdims) / x.dtype.type(count)


def _has_order(dtype: np.dtype) -> bool:
    """Whether sums of this type need an order now; those of integers come out the same in any."""
    return in_exact_order() and dtype.kind in "fc"


@lru_cache
def _generated(family: str) -> Any:
    return import_module(f".simd.{family}", __package__)


# --- products of matrices -------------------------------------------------------------------------------------


def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Σ_k a[…,o,k] · b[…,k,q], as NumPy's matmul has it"""
    if half(a.dtype) and a.dtype == b.dtype:
        return rounded(matmul(a.astype(np.float32), b.astype(np.float32)), a.dtype)
    if not in_exact_order() or not _has_order(dtype := np.result_type(a, b)) or 0 in (a.ndim, b.ndim):
        return product(a, b)
    left, right = a[None] if a.ndim == 1 else a, b[:, None] if b.ndim == 1 else b
    if left.shape[-1] != right.shape[-2]:
        return np.matmul(a, b)  # which is an error
    stack = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    left, right = (array.astype(dtype, copy=False) for array in (left, right))
    first, second = (
        np.broadcast_to(array, (*stack, *array.shape[-2:])).reshape(math.prod(stack), *array.shape[-2:])
        for array in (left, right)
    )
    found = _by_parts(first, second) if dtype.kind == "c" else _products(first, second)
    found = found.reshape(*stack, *found.shape[1:])
    if b.ndim == 1:
        found = found[..., 0]
    return found[..., 0] if a.ndim == 1 and b.ndim == 1 else found[..., 0, :] if a.ndim == 1 else found


def _products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Σ_k a[g,o,k] · b[g,k,q], one k after the other"""
    rows, columns = a.shape[1], b.shape[2]
    if not worth_generating(a.size * columns, PRODUCTS):
        return ordered.products(a, b)
    if len(a) == 1 and (found := _by_tiles(a[0], b[0])) is not None:
        return found[None]
    if columns < min(rows, IMAGE):
        return _by_convolution(b.swapaxes(1, 2), a.swapaxes(1, 2)).swapaxes(1, 2)
    return _by_convolution(a, b)


def _by_tiles(a: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    """As it is, or turned, where columns are too few for a vector"""
    products, rows, columns, common = _generated("products"), len(a), b.shape[1], len(b)
    if products.fits(a, b, rows, columns, common):
        return products.product(a, b)
    if products.fits(b.T, a, columns, rows, common):
        return products.product(b.T, a, of="turned").T
    return None


def _by_convolution(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """A convolution with one tap sums over its channels, too; so many columns are the positions of an image."""
    (groups, rows, common), columns = a.shape, b.shape[2]
    each = min(IMAGE, columns)
    images = -(-columns // each)
    wide = np.zeros((groups * common, images * each), b.dtype)
    wide[:, :columns] = b.reshape(groups * common, columns)
    x = np.ascontiguousarray(wide.reshape(groups * common, images, each).swapaxes(0, 1))
    w = np.ascontiguousarray(a).reshape(groups * rows, common, 1)
    y = _generated("convolution").EXACT.conv(x, w, (Window(1),), groups)
    return y.swapaxes(0, 1).reshape(groups, rows, images * each)[..., :columns]


def _by_parts(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of complex numbers: NumPy's own product of two of them is rounded in different ways."""
    (re, im), (other_re, other_im) = ((np.real(array), np.imag(array)) for array in (a, b))
    return ordered.joined(
        _products(re, other_re) - _products(im, other_im), _products(re, other_im) + _products(im, other_re)
    )


# --- the greater of two ---------------------------------------------------------------------------------------
# Of zeros with different signs NumPy may take either.


def maximum(x: Any, y: Any) -> Any:
    """The greater, NaN where one is; of equal ones the first"""
    return np.where((y > x) | (y != y), y, x) if in_exact_order() else np.maximum(x, y)


def minimum(x: Any, y: Any) -> Any:
    """The smaller, NaN where one is; of equal ones the first"""
    return np.where((y < x) | (y != y), y, x) if in_exact_order() else np.minimum(x, y)


def clip(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """min(max(x, low), high)"""
    return minimum(maximum(x, low), high) if in_exact_order() else np.clip(x, low, high)


def greatest(x: np.ndarray, axes: int | Sequence[int], *, keepdims: bool = False) -> np.ndarray:
    """The greatest along the axes, NaN where one is; of nothing -∞. In exact order a zero is +0."""
    axes = axes if isinstance(axes, int) else tuple(axes)
    if x.dtype.kind != "f":
        return x.max(axis=axes, keepdims=keepdims)
    found = x.max(axis=axes, keepdims=keepdims, initial=-np.inf)
    return found + x.dtype.type(0) if in_exact_order() else found


# --- functions ------------------------------------------------------------------------------------------------


def exp(x: Any) -> Any:
    """e^x"""
    return _own("exp", x) if in_exact_order() else np.exp(x)


def expm1(x: Any) -> Any:
    """e^x - 1"""
    return _own("expm1", x) if in_exact_order() else np.expm1(x)


def log(x: Any) -> Any:
    """log x"""
    return _own("log", x) if in_exact_order() else np.log(x)


def log1p(x: Any) -> Any:
    """log(1 + x)"""
    return _own("log1p", x) if in_exact_order() else np.log1p(x)


def tanh(x: Any) -> Any:
    return _own("tanh", x) if in_exact_order() else np.tanh(x)


def sigmoid(x: Any) -> Any:
    """1/(1 + e^(-x)), by one exponential, at most 4 ulp off"""
    e = exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def log1p_exp(x: Any) -> Any:
    """log(1 + e^(-|x|))"""
    return _own("log1p_exp", x) if in_exact_order() else np.log1p(np.exp(-np.abs(x)))


def bell(x: Any) -> Any:
    """e^(-x²/2)"""
    return _own("bell", x) if in_exact_order() else np.exp(x * x * -0.5)


def normal(x: Any) -> Any:
    """Φ(x), the distribution function of a standard normal variable"""
    if in_exact_order():
        return _own("normal", x)
    from scipy import special  # only here: it takes longer to import than everything else

    return special.erfc(x * -math.sqrt(0.5)) * 0.5


def power(x: Any, exponent: Any) -> Any:
    """x^exponent: in exact order products for small whole exponents, NaN for other powers of negative numbers."""
    if not in_exact_order() or "f" not in np.result_type(x, exponent).kind:
        return x**exponent
    if np.ndim(exponent):
        raise HyperparameterError(
            f"the exponent is an array of shape {np.shape(exponent)}, but within exact_order a number is needed [power]"
        )
    number, x = float(exponent), np.asarray(x)
    x = x if x.dtype.kind == "f" else x.astype(float)
    if number == 0.5:
        return np.sqrt(x)
    if number.is_integer() and abs(number) <= SIMPLE:
        found = _times(x, int(abs(number)))
        return (found if number >= 0 else 1 / found)[()]
    found = _own("power", x if not number.is_integer() else np.abs(x), number)
    return np.where(x < 0, -found, found)[()] if number % 2 == 1 else found


def _times(x: np.ndarray, times: int) -> np.ndarray:
    """x·x·…, by squares"""
    found, square = None, x
    while times:
        if times & 1:
            found = square if found is None else found * square
        times >>= 1
        if times:
            square = square * square
    return np.ones_like(x) if found is None else found


def function(name: str, value: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of the language of statements; `value` is what it is outside the mode, and where NumPy's is exact."""
    return lambda x: _own(name, x) if name in _STATED and in_exact_order() else value(x)


_STATED = frozenset({*elementary.FUNCTIONS, "softplus"}) - {"power"}


def _own(name: str, x: Any, *fixed: float) -> Any:
    """The elementary function, of integers in float64; a number for a number."""
    array = np.asarray(x)
    if array.dtype.kind in "iu":
        array = array.astype(float)
    if array.dtype == np.float16:
        return _own(name, array.astype(np.float32), *fixed).astype(np.float16)
    if name == "softplus" or not worth_generating(array.size):
        return getattr(elementary, name)(array, *fixed)[()]
    return _generated("functions").applied(name, array, *fixed)[()]
