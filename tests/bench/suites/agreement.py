"""Whether somebody else's numbers are those of `functional`: equal, or no further apart than rounding allows.

Both are what floating point makes of one statement, in orders of their own. A sum of n products may be off by
γ_n·Σ|terms| from the exact value, and two by twice that; of any other statement `evaluate_rounded` bounds the error E,
and what is allowed between two is 2·SLACK·E, with the slack that the laws give one of them. Where nothing is rounded
(maxima, copies) the bound is 0, and equal means equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from convmath import functional as F
from convmath.functional.stated import apart, layouts, stated
from convmath.ir.exact import evaluate_rounded
from convmath.ir.nodes import Statement
from convmath.ops.registry import Operator, needed_by
from convmath.testing.laws import SLACK

__all__ = ["Bound", "Call", "Difference", "compared"]


class Difference(Exception):
    """Two arrays that are too far apart, as a sentence."""


@dataclass(frozen=True)
class Call:
    """A call of `functional`: an operator's name and its arguments."""

    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def value(self) -> tuple[np.ndarray | None, ...]:
        """What comes out."""
        found = getattr(F, self.name)(*self.args, **self.kwargs)
        return found if isinstance(found, tuple) else (found,)

    def gradients(self, cotangent: np.ndarray) -> tuple[np.ndarray | None, ...]:
        """One for each array that was passed, in their order."""
        return getattr(F, self.name).vjp(cotangent, *self.args, **self.kwargs)

    def __str__(self) -> str:
        said = [*map(_brief, self.args), *(f"{name}={_brief(value)}" for name, value in self.kwargs.items())]
        return f"{self.name}({', '.join(said)})"


def _brief(value: Any) -> str:
    return f"{value.dtype}{list(value.shape)}" if isinstance(value, np.ndarray) else repr(value)


# --- equal, or within ---------------------------------------------------------------------------------------------


def compared(ours: np.ndarray, theirs: np.ndarray, bound: Callable[[], np.ndarray], what: str) -> str:
    """Whether two arrays are "equal", or "within" a bound that is asked for where they are not; raises Difference.

    Floats must have the same type; NaN agrees with NaN, and an infinity with itself alone.
    """
    if ours.shape != theirs.shape:
        raise Difference(f"{what} has shape {ours.shape} here, but {theirs.shape} there")
    if ours.dtype != theirs.dtype and not {ours.dtype.kind, theirs.dtype.kind} <= {"i", "u", "b"}:
        raise Difference(f"{what} is {ours.dtype} here, but {theirs.dtype} there")
    same = (ours == theirs) | ((ours != ours) & (theirs != theirs))
    if same.all():
        return "equal"
    allowed = bound()
    wide = np.result_type(ours, theirs, float)
    with np.errstate(invalid="ignore"):
        off = np.abs(ours.astype(wide) - theirs.astype(wide))
    near = same | ((off <= allowed) & np.isfinite(allowed))
    if near.all():
        return "within"
    at = tuple(map(int, np.argwhere(~near)[0]))
    raise Difference(
        f"{what}{list(at)} is {ours[at]!r} here and {theirs[at]!r} there: {off[at]:.3g} apart, where {allowed[at]:.3g} "
        f"is allowed ({(~near).sum()} of {near.size})"
    )


# --- how far rounding may bring them apart ------------------------------------------------------------------------

# sums of products of their arrays: what floating point makes of them in any order is off by γ_n·Σ|terms|
_SUMS = ("conv", "conv_transpose", "convolution", "depthwise_conv", "fold", "linear", "unfold")


@dataclass(frozen=True)
class Bound:
    """How far two evaluations of a call in floating point may be apart."""

    call: Call
    dtype: np.dtype

    def of_output(self, place: int, shape: tuple[int, ...]) -> np.ndarray:
        """Of the output with this number and shape."""
        if self.call.name in _SUMS:
            return self._of_sums(_came(self._magnitudes.value())[0], _came(self._ones.value())[0])
        statement = self._laid.operator.statement
        return _back(self._of(statement, statement.outputs[place]), self._laid.output, shape)

    def of_gradient(self, place: int, cotangent: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Of the gradient by the array with this number among those that came."""
        if self.call.name in _SUMS:
            terms = _came(self._magnitudes.gradients(np.abs(cotangent)))
            counts = _came(self._ones.gradients(np.ones_like(cotangent)))
            return self._of_sums(terms[place], counts[place])
        laid, op = self._laid, self._laid.operator
        derived = op.vjp(op.statement.reads[place]).result
        gy = cotangent if laid.output is None else cotangent.transpose(laid.output)
        named = {f"g{op.statement.outputs[0]}": gy if laid.sizes is None else gy.reshape(laid.sizes)}
        return _back(self._of(derived, derived.outputs[0], named), laid.orders[place], shape)

    # -- sums of products: Σ|terms| is the operator on absolute values, and their number the operator on ones

    @property
    def _magnitudes(self) -> Call:
        return self._mapped(np.abs)

    @property
    def _ones(self) -> Call:
        return self._mapped(np.ones_like)

    def _mapped(self, of: Callable[[np.ndarray], np.ndarray]) -> Call:
        args = tuple(of(a) if isinstance(a, np.ndarray) else a for a in self.call.args)
        return Call(self.call.name, args, self.call.kwargs)

    def _of_sums(self, magnitudes: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """2·γ_n·Σ|terms| (Higham 2002, section 3.1), and an underflow for each product."""
        info = np.finfo(self.dtype)
        nu = counts.astype(float) * float(info.eps) / 2
        return 2 * (nu / (1 - nu) * magnitudes + counts * float(info.smallest_subnormal))

    # -- anything else: by its statement

    def _of(self, statement: Statement, output: str, cotangent: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
        info, arrays = np.finfo(self.dtype), {**self._laid.named, **(cotangent or {})}
        unit, least = float(info.eps) / 2, float(info.smallest_subnormal)
        given = needed_by(statement, self._laid.numbers)
        found = evaluate_rounded(statement, arrays, unit, underflow=least, **given)
        return 2 * SLACK * found[output][1]

    @cached_property
    def _laid(self) -> _Laid:
        function = getattr(F, self.call.name)
        arrays, given = apart(function, self.call.args, self.call.kwargs)
        plain = layouts(function, [None if array is None else array.shape for array in arrays], given)
        if plain is None:
            came = [array for array in arrays if array is not None]
            return _Laid(*stated(function, arrays, given), [None] * len(came), None, None)
        pairs = list(zip(arrays, plain.arrays, strict=True))
        laid = [a if lay is None else a.transpose(lay.order).reshape(lay.shape) for a, lay in pairs]
        given = {**given, **plain.changed}
        orders = [None if lay is None else lay.order for array, lay in pairs if array is not None]
        op, named, numbers = stated(function, laid, given)
        return _Laid(op, named, numbers, orders, plain.output, op.sizes(*laid, **given))


@dataclass(frozen=True)
class _Laid:
    """A call as its statement speaks of it.

    `orders` and `output` are how the axes of the arrays that came and of the output were ordered for it, and `sizes`
    the shape of its output; None where nothing was changed.
    """

    operator: Operator
    named: Mapping[str, np.ndarray]
    numbers: Mapping[str, Any]
    orders: Sequence[tuple[int, ...] | None]
    output: tuple[int, ...] | None
    sizes: tuple[int, ...] | None


def _back(bound: np.ndarray, order: tuple[int, ...] | None, shape: tuple[int, ...]) -> np.ndarray:
    """A bound of the statement, laid out as the call's array of this shape."""
    if order is None:
        return bound.reshape(shape)
    return bound.reshape([shape[place] for place in order]).transpose(np.argsort(order))


def _came(values: tuple[np.ndarray | None, ...]) -> list[np.ndarray]:
    return [value for value in values if value is not None]
