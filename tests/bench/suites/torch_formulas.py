"""Where torch computes by another formula than the statement's: what its rounding may add to the bound.

A formula gives it for the output, or for the gradient by X where a cotangent comes; u is the unit roundoff.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from convmath.kernels.elementwise import softplus

from .agreement import Call

__all__ = ["FORMULAS"]

Formula = Callable[[Call, float, np.ndarray | None], np.ndarray | float]


def _hardswish(call: Call, u: float, cotangent: np.ndarray | None) -> np.ndarray | float:
    """X·6/6 above 3, rounded twice."""
    return 2 * u * np.abs(call.args[0]) if cotangent is None else 0.0


def _weighted(call: Call, u: float, cotangent: np.ndarray | None) -> np.ndarray | float:
    """(1 - T)·X + (1 + (Q - 1)·T)·log(1 + exp(-X)), whose two terms may cancel: 8 roundings of each of them."""
    x, t = call.args
    given = call.kwargs["weight"]
    weight, q = 1.0 if given is None else given, call.kwargs.get("pos_weight", 1.0)
    terms = np.abs(weight) * (np.abs((1 - t) * x) + np.abs(1 + (q - 1) * t) * softplus(-x))
    if cotangent is not None:
        terms = np.abs(weight) * (np.abs(1 - t) + np.abs(1 + (q - 1) * t)) * np.abs(cotangent)
    reduction = call.kwargs["reduction"]
    if cotangent is not None or reduction == "none":
        return 8 * u * terms
    return 8 * u * (terms.sum() if reduction == "sum" else terms.mean())


def _interpolated(call: Call, u: float, cotangent: np.ndarray | None) -> np.ndarray | float:
    """Positions are rounded: each is off by at most 4·u·(n + 1), where ours is a quotient of whole numbers."""
    x = call.args[0]
    if call.kwargs["mode"] != "linear":
        return 0.0
    axes = tuple(range(2, x.ndim))
    off = 4 * u * sum(n + 1 for n in x.shape[2:])
    if cotangent is not None:
        return off * np.abs(cotangent).sum(axes, keepdims=True)
    return off * 2 * np.abs(x).max(axes, keepdims=True, initial=0)


FORMULAS: Mapping[str, Formula] = {
    "binary_cross_entropy_with_logits": _weighted,
    "hardswish": _hardswish,
    "upsample": _interpolated,
}
