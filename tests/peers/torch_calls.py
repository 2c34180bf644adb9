"""What the peer tests of elementwise operators and losses share: torch's value and gradients, held to the statement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from convmath import functional as F
from convmath.ir.exact import evaluate_rounded
from convmath.ir.nodes import Statement
from convmath.ops.registry import needed_by
from convmath.testing import Case
from convmath.testing.laws import SLACK

__all__ = ["agree", "gradients_of", "random_cotangent"]

UNIT = 2.0**-53


def gradients_of(call: Callable[..., Any], gy: np.ndarray | None, *arrays: np.ndarray) -> tuple[np.ndarray, list[Any]]:
    """The value of a call of torch, and its gradients by the arrays of floats among its arguments."""
    import torch

    tensors = [torch.tensor(array, requires_grad=array.dtype.kind == "f") for array in arrays]
    y = call(*tensors)
    y.backward(torch.ones_like(y) if gy is None else torch.tensor(gy))
    return y.detach().numpy(), [None if tensor.grad is None else tensor.grad.numpy() for tensor in tensors]


def random_cotangent(case: Case, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(rng.normal(size=case.sizes))


def agree(case: Case, call: Callable[..., Any], rng: np.random.Generator, weights: int = 0) -> None:
    """torch, `functional` and the statement with its derived gradients give the same, within the bound of rounding.

    The last arrays, so many, are weights that torch has no gradient by.
    """
    op, gy, own = case.operator, random_cotangent(case, rng), getattr(F, case.op)
    theirs, slopes = gradients_of(call, gy, *case.arrays[: len(case.arrays) - weights])
    ours, mine = own(*case.args, **case.kwargs), own.vjp(gy, *case.args, **case.kwargs)
    mine = [g for g, came in zip(mine, case.array_arguments, strict=False) if came is not None]
    bound = _bound(op.statement, case)
    _close(case.expected, theirs, bound, "torch's output")
    _close(case.expected, ours, bound, "functional's output")
    for place, expected in enumerate(case.expected_vjp(gy)):
        if expected is not None:
            bound = _bound(op.vjp(op.statement.reads[place]).result, case, gY=gy)
            _close(expected, mine[place], bound, f"functional's gradient by {op.statement.reads[place]}")
            if place < len(slopes):
                _close(expected, slopes[place], bound, f"torch's gradient by {op.statement.reads[place]}")


def _bound(statement: Statement, case: Case, **cotangent: np.ndarray) -> np.ndarray:
    """How far evaluating the statement in float64 may be off, in whatever order."""
    _, named, numbers = case.resolved
    [(_, bound)] = evaluate_rounded(statement, named | cotangent, UNIT, **needed_by(statement, numbers)).values()
    return SLACK * bound


def _close(expected: Any, got: np.ndarray, bound: np.ndarray, what: str) -> None:
    assert got.dtype == np.float64
    assert got.shape == np.shape(expected), what
    exact = np.asarray(expected).astype(float)
    off = np.abs(got - exact)
    bound = bound + 4 * UNIT * np.abs(exact)  # X·6/6 where the statement says X
    assert (off <= bound).all(), f"{what} is off by {off.max()}, but {bound.max()} is allowed"
