"""Losses on numbers: one number for everything (mean or sum), or one for each position."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convmath.errors import DataError, HyperparameterError, ProbabilityWarning, ShapeError
from convmath.kernels import losses
from convmath.kernels.basics import total
from convmath.kernels.features import of_channels
from convmath.kernels.storage import narrow, spacing
from convmath.kernels.streams import stream
from convmath.ops.loss import REDUCTIONS
from convmath.window import whole

from .core import Call, alike, differentiable, floating, known, numbers, real, shaped, whole_numbers, with_channels

__all__ = ["binary_cross_entropy_with_logits", "cross_entropy", "mse", "nll"]


# --- mean, sum or none --------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Reduction:
    """What becomes of a loss at each position; a mean divides by `divisor`, and over nothing it is NaN."""

    name: str
    shape: tuple[int, ...]
    divisor: float | np.floating

    @property
    def of_output(self) -> tuple[int, ...]:
        return self.shape if self.name == "none" else ()

    def reduced(self, values: np.ndarray) -> np.ndarray:
        if self.name == "none":
            return values
        return self._mean(total(values.reshape(-1), (0,)))

    def spread(self, gy: np.ndarray) -> np.ndarray:
        """The cotangent of the loss at each position."""
        return np.broadcast_to(self._mean(gy), self.shape)

    def _mean(self, value: np.ndarray) -> np.ndarray:
        if self.name != "mean":
            return value
        if 0 < self.divisor < math.inf:
            return np.asarray(value / value.dtype.type(self.divisor))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(value / value.dtype.type(self.divisor))


def _reduction(name: str, where: str) -> str:
    return known("reduction", name, REDUCTIONS, where)


# --- by class -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Classes:
    """A class for each position of X: those that count, and a class that there is also where none counts.

    `kept` is None if all of them count, and `weight` if one counts as much as another.
    """

    x: np.ndarray
    target: np.ndarray
    kept: np.ndarray | None
    weight: np.ndarray | None

    @property
    def arguments(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return losses.each_of(self.x, self.target, self.kept, self.weight)

    def loss(
        self,
        where: str,
        z: np.ndarray,
        reduction: str,
        smoothing: float = 0.0,
        by_input: Callable[..., np.ndarray] = lambda *given: losses.by_class_gradients(*given)[0],
    ) -> Call[np.ndarray]:
        """The call of -(1 - ε)·W[T]·Z[T] - ε/C·Σ_c W[c]·Z[c]; `by_input` has the arguments of `by_class_gradients`."""
        arguments = self.arguments

        def back(g: np.ndarray) -> np.ndarray:
            return by_input(g, z, *arguments, smoothing)

        return self.call(
            where, reduction, lambda: losses.by_class(z, *arguments, smoothing), back, lambda: z, smoothing
        )

    def loss_of_softmax(self, where: str, reduction: str, kernels: Any) -> Call[np.ndarray]:
        """The same for Z the logarithms of the softmax of X, without smoothing."""
        each, by_input = kernels.of_softmax(self.x, self.target, self.kept, self.weight)
        return self.call(where, reduction, lambda: each, by_input, lambda: kernels.log_softmax(self.x, 1))

    def call(
        self,
        where: str,
        reduction: str,
        each: Callable[[], np.ndarray],
        by_input: Callable[[np.ndarray], np.ndarray],
        z: Callable[[], np.ndarray],
        smoothing: float = 0.0,
    ) -> Call[np.ndarray]:
        """By the losses at `each` position, the gradient of a cotangent of them, and Z."""
        reduced = _Reduction(reduction, self.target.shape, self.counted())

        def value() -> np.ndarray:
            return reduced.reduced(each())

        def by_weight(gy: np.ndarray, g: np.ndarray) -> np.ndarray:
            _, gw = losses.by_class_gradients(g, z(), *self.arguments, smoothing)
            if reduction == "mean":  # the divisor depends on the weights too
                counting = self.target.reshape(-1) if self.kept is None else self.target[self.kept]
                counts = np.bincount(counting, minlength=len(gw))
                with np.errstate(invalid="ignore", divide="ignore"):
                    gw = gw - counts * (gy * value() / reduced.divisor)
            return gw.astype(np.result_type(g, self.x), copy=False)

        def gradients(gy: np.ndarray) -> tuple[Any, ...]:
            g = reduced.spread(gy)
            return by_input(g), None, None if self.weight is None else lambda: by_weight(gy, g)

        return Call(where, reduced.of_output, self.x.dtype, value, gradients)

    def counted(self) -> float:
        """The weights of those that count."""
        if self.weight is None:
            return float(self.target.size if self.kept is None else np.count_nonzero(self.kept))
        return float(total(losses.of_target(self.weight, self.target, self.kept).reshape(-1), (0,)))


def _classes(x: np.ndarray, target: np.ndarray, weight: np.ndarray | None, ignore_index: int, where: str) -> _Classes:
    needed = (x.shape[0], *x.shape[2:])
    if target.shape != needed:
        hint = "; probabilities would be floats" if target.shape == x.shape else ""
        raise ShapeError(
            f"target has shape {target.shape}, but {needed} is needed, a class for each position{hint} [{where}]"
        )
    ignored = whole(ignore_index, "ignore_index", where, -sys.maxsize)
    classes = x.shape[1]
    # without a sign what is negative is more than any class
    most = np.maximum.reduce(target.view(np.uint64), axis=None, initial=0)
    if most < classes and not 0 <= ignored <= most:
        return _Classes(x, target, None, weight)
    kept = target != ignored
    for place in np.argwhere(kept & ((target < 0) | (target >= classes)))[:1]:
        at = tuple(map(int, place))
        raise DataError(
            f"target{list(at)} is {target[at]}, but the classes are 0, …, {classes - 1}, and {ignored} is "
            f"what does not count [{where}]"
        )
    return _Classes(x, np.where(kept, target, 0), kept, weight)


@lru_cache(256)
def _named(name: str, shape: tuple[int, ...], target: tuple[int, ...]) -> str:
    """How an error names the call."""
    return f"{name}(X{shape}, target{target})"


def _logits(
    name: str, x: ArrayLike, target: np.ndarray, weight: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray, str]:
    """Input, weights and a target of probabilities in one type, and how an error names the call."""
    with_probabilities = target if target.dtype.kind == "f" else None
    if weight is None and with_probabilities is None:
        found, w, t = floating(numbers(x, "X", name)), None, None
    else:
        found, w, t = alike((x, weight, with_probabilities), ("X", "weight", "target"), name)
        assert found is not None
    where = _named(name, found.shape, target.shape)
    channels = with_channels(found, where)
    if w is not None:
        shaped(w, (channels,), "weight", where)
    return found, w, target if t is None else t, where


@differentiable("x", "target", "weight")
def cross_entropy(
    x: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Call[np.ndarray]:
    """-Σ_c W[c]·T[ν,c,i]·log P[ν,c,i], P the softmax of X over the channels; X is (N, C, *n), W (C,).

    A target of whole numbers has a class for each position, (N, *n): T is 1 there. A target of floats has the
    probabilities T themselves, (N, C, *n), and need not sum to 1: then there is a ProbabilityWarning. Smoothing
    replaces T by (1 - label_smoothing)·T + label_smoothing/C. Positions whose class is `ignore_index` do not count.
    The mean of losses by class divides by the weights of the targets, Σ W[T], as torch and ONNX do (Keras divides by
    the number of positions); by probabilities, by the number of positions. The mean of nothing is NaN. Other than in
    torch there are gradients by the weights; classes need a batch axis. Raises ShapeError, HyperparameterError,
    DtypeError, DataError (a class that there is not), UnknownNameError.

    >>> cross_entropy([[0.0, 0.0], [0.0, 0.0]], [0, 1]).round(4)
    np.float64(0.6931)
    >>> cross_entropy.vjp(1.0, [[0.0, 0.0], [0.0, 0.0]], [0, 1])[0]
    array([[-0.25,  0.25],
           [ 0.25, -0.25]])
    >>> cross_entropy([[0.0, 0.0]], [[0.25, 0.75]], label_smoothing=0.1, reduction="none").round(4)
    array([0.6931])
    """
    came = numbers(target, "target", "cross_entropy")
    x, w, t, where = _logits("cross_entropy", x, came, weight)
    reduction, smoothing = _reduction(reduction, where), real(label_smoothing, "label_smoothing", where, least=0)
    if smoothing > 1:
        raise HyperparameterError(f"label_smoothing is {smoothing}, but it must be at most 1 [{where}]")
    kernels = stream("losses", x.size)
    if t.dtype.kind == "i":
        found = _classes(x, t, w, ignore_index, where)
        if smoothing:
            return found.loss(where, kernels.log_softmax(x, 1), reduction, smoothing, losses.by_class_input)
        return found.loss_of_softmax(where, reduction, kernels)
    if t.shape != x.shape:
        hint = "; classes would be whole numbers" if t.shape == (x.shape[0], *x.shape[2:]) else ""
        raise ShapeError(f"target has shape {t.shape}, but probabilities for {x.shape} are needed{hint} [{where}]")
    if ignore_index != -100:
        raise HyperparameterError(
            f"ignore_index is {ignore_index!r}, but a target of probabilities has no class to ignore [{where}]"
        )
    _warn_unless_probabilities(t, spacing(narrow((target,)) or came.dtype), where)
    z, each = kernels.log_softmax(x, 1), np.ones(x.shape[1], x.dtype) if w is None else w
    positions = (x.shape[0], *x.shape[2:])
    reduced = _Reduction(reduction, positions, math.prod(positions))

    def value() -> np.ndarray:
        return reduced.reduced(losses.by_probability(z, t, each, smoothing))

    def gradients(gy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        gz, gt, gw = losses.by_probability_gradients(reduced.spread(gy), z, t, each, smoothing)
        return kernels.log_softmax_input(gz, z, 1), gt, None if w is None else gw

    return Call(where, reduced.of_output, z.dtype, value, gradients)


def _warn_unless_probabilities(target: np.ndarray, unit: float, where: str) -> None:
    """Each may be off by a rounding, and so may each sum."""
    sums = target.sum(axis=1, dtype=float)
    off = ~(np.abs(sums - 1) <= (target.shape[1] + 2) * unit) | (target < 0).any(axis=1)
    for place in np.argwhere(off)[:1]:
        at = tuple(map(int, place))
        said = f"sum to {sums[at]:.6g}" if not (target[at[0], :, *at[1:]] < 0).any() else "hold a negative number"
        at = ", ".join(map(str, (at[0], ":", *at[1:])))
        warnings.warn(f"the probabilities target[{at}] {said} [{where}]", ProbabilityWarning, stacklevel=5)


@differentiable("x", "target", "weight")
def nll(
    x: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Call[np.ndarray]:
    """-W[T]·X[ν,T,i] for the class T[ν,i], X the logarithms of probabilities; X is (N, C, *n), T (N, *n), W (C,).

    The mean divides by the weights of the targets, Σ W[T], as torch's nll_loss and ONNX do; positions whose class is
    `ignore_index` do not count, and the mean of nothing is NaN. Raises ShapeError, HyperparameterError, DtypeError,
    DataError (a class that there is not), UnknownNameError.

    >>> nll([[-1.0, -2.0], [-3.0, -4.0]], [0, 1], weight=[1.0, 3.0])
    array(3.25)
    """
    classes = whole_numbers(target, "target", "nll")
    x, w, t, where = _logits("nll", x, classes, weight)
    return _classes(x, t, w, ignore_index, where).loss(where, x, _reduction(reduction, where))


# --- by element ---------------------------------------------------------------------------------------------------


def _elements(
    name: str, x: ArrayLike, target: ArrayLike, *others: tuple[ArrayLike | None, str]
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray | None], str]:
    """Input, target and the others in one type, the target of the input's shape, and how an error names the call."""
    arrays, names = zip((x, "X"), (target, "target"), *others, strict=True)
    found, t, *rest = alike(arrays, names, name)
    assert found is not None
    assert t is not None
    where = _named(name, found.shape, t.shape)
    return found, shaped(t, found.shape, "target", where), rest, where


@differentiable("x", "target")
def mse(x: ArrayLike, target: ArrayLike, *, reduction: str = "mean") -> Call[np.ndarray]:
    """(X - T)² for each element; target and X have the same shape, which may be any.

    torch's mse_loss broadcasts, with a warning; here nothing is. The mean of nothing is NaN. Raises ShapeError,
    DtypeError, UnknownNameError.

    >>> mse([1.0, 2.0], [0.0, 4.0])
    array(2.5)
    >>> mse.vjp(1.0, [1.0, 2.0], [0.0, 4.0])
    (array([ 1., -2.]), array([-1.,  2.]))
    """
    x, t, _, where = _elements("mse", x, target)
    reduced = _Reduction(_reduction(reduction, where), x.shape, x.size)

    def gradients(gy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gx = losses.squared_input(reduced.spread(gy), x, t)
        return gx, -gx

    return Call(where, reduced.of_output, x.dtype, lambda: reduced.reduced(losses.squared(x, t)), gradients)


@differentiable("x", "target", "weight", "pos_weight")
def binary_cross_entropy_with_logits(
    x: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
    pos_weight: ArrayLike | None = None,
) -> Call[np.ndarray]:
    """-W·(Q[c]·T·log σ(X) + (1 - T)·log(1 - σ(X))) for each element; target and W have the shape of X.

    With `pos_weight`, X is (N, C, *n) and Q (C,), a weight for the positive targets of each channel. torch broadcasts
    both weights from the last axis, so that Q is (C, 1, …, 1) there; here nothing is. Other than in torch there are
    gradients by the weights. The mean divides by the number of elements; of nothing it is NaN. Raises ShapeError,
    DtypeError, UnknownNameError.

    >>> binary_cross_entropy_with_logits([0.0, 800.0], [1.0, 1.0], reduction="none").round(4)
    array([0.6931, 0.    ])
    """
    name = "binary_cross_entropy_with_logits"
    x, t, [w, q], where = _elements(name, x, target, (weight, "weight"), (pos_weight, "pos_weight"))
    if w is not None:
        shaped(w, x.shape, "weight", where)
    if q is not None:
        shaped(q, (with_channels(x, where),), "pos_weight", where)
    wide, weights = None if q is None else q.reshape(1, -1, *[1] * (x.ndim - 2)), 1.0 if w is None else w
    reduced = _Reduction(_reduction(reduction, where), x.shape, x.size)

    def gradients(gy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        gx, gt, gw, gq = losses.binary_gradients(reduced.spread(gy), x, t, weights, wide)
        return gx, gt, None if w is None else gw, None if q is None else of_channels(gq)

    return Call(
        where, reduced.of_output, x.dtype, lambda: reduced.reduced(losses.binary(x, t, weights, wide)), gradients
    )
