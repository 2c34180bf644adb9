"""The operators on numbers, each with its gradient as `.vjp`.

Arrays are (N, C, *spatial) with any number of spatial axes. float32 and float64 stay what they are, and together
give float64; integers are computed in int64, where sums wrap round (means in float64). Inputs are never changed,
and results share no memory with them. An int stands for every spatial axis and a flat tuple has one entry for each;
padding also takes a (before, after) pair for each axis, or "same", "same_lower", "valid" or "full".

`op.vjp(cotangent, *arguments)` takes what `op` takes behind a cotangent of the output's shape, and returns a tuple
with the gradient of ⟨cotangent, op(*arguments)⟩ by each array argument that was passed (None for None). `method`
chooses the kernels: "direct" is the plain definition, "patches" multiplies matrices, "auto" is the fastest.

>>> import numpy as np
>>> x, w = np.arange(5.0).reshape(1, 1, 5), np.array([[[1.0, 0.0, -1.0]]])
>>> conv(x, w, padding=1)
array([[[-1., -2., -2., -2.,  3.]]])
>>> gx, gw = conv.vjp(np.ones((1, 1, 5)), x, w, padding=1)
>>> gx
array([[[ 1.,  0.,  0.,  0., -1.]]])
"""

from __future__ import annotations

from .convolution import conv, conv_transpose
from .normalization import batch_norm, group_norm, instance_norm, layer_norm, local_response_norm
from .pooling import avg_pool, max_pool

__all__ = [
    "avg_pool",
    "batch_norm",
    "conv",
    "conv_transpose",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "max_pool",
]
