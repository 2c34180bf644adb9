"""Statements as array programs that run fast: views, gathers, masks and products of matrices.

>>> from convmath.ops.registry import operator
>>> conv = function(operator("conv", ndim=1).statement)
>>> conv(X=[[[1.0, 2.0, 3.0]]], W=[[[1.0, 1.0]]], padding=1)
array([[[1., 3., 5., 3.]]])
"""

from __future__ import annotations

from .lowered import evaluate, function

__all__ = ["evaluate", "function"]
