"""Reverse-mode differentiation of functions that are written with `functional` and with NumPy's methods.

Whose derivative is whose is looked up, never written again: an operator brings its own `vjp`, and what that has for a
derivative follows from its statement; a function of each element brings the slope that `calculus` finds; what moves
elements is a linear map with its adjoint.

>>> from convmath import functional as F
>>> import numpy as np
>>> def loss(w, x, target):
...     return F.cross_entropy(F.linear(x, w), target)
>>> x, target = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0, 1])
>>> grad(loss)(np.zeros((2, 2)), x, target)
array([[-0.25,  0.25],
       [ 0.25, -0.25]])
"""

from __future__ import annotations

from .checkpoints import checkpoint
from .derivatives import grad, hvp, jvp, value_and_grad, vjp
from .tensor import Tensor

__all__ = ["Tensor", "checkpoint", "grad", "hvp", "jvp", "value_and_grad", "vjp"]
