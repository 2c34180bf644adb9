"""The operators on numbers, each with its gradient as `.vjp`.

Arrays are (N, C, *spatial) with any number of spatial axes. float32 and float64 stay what they are, and together
give float64; integers are computed in int64, where sums wrap round (in float64 where values need not be whole). Inputs
are never changed, and results share no memory with them. An int stands for every spatial axis and a flat tuple has one
entry for each; padding also takes a (before, after) pair for each axis, or "same", "same_lower", "valid" or "full".

`op.vjp(cotangent, *arguments)` takes what `op` takes behind a cotangent of the output's shape, and returns a tuple
with the gradient of ⟨cotangent, op(*arguments)⟩ by each array argument that was passed (None for None).

`method` chooses the kernels: "direct" is the plain definition, "patches" multiplies matrices, "simd" are generated
ones, "winograd" and "winograd4" those by F(2, 3) and F(4, 3), and "auto" takes what should be the fastest. `using` is
a context in which calls use a method, and so is the environment variable CONVMATH_METHOD; `op.plan(*arguments)` tells
which kernels compute a call, why, and how long each should take.

>>> import numpy as np
>>> x, w = np.arange(5.0).reshape(1, 1, 5), np.array([[[1.0, 0.0, -1.0]]])
>>> conv(x, w, padding=1)
array([[[-1., -2., -2., -2.,  3.]]])
>>> gx, gw = conv.vjp(np.ones((1, 1, 5)), x, w, padding=1)
>>> gx
array([[[ 1.,  0.,  0.,  0., -1.]]])
"""

from __future__ import annotations

from convmath.kernels.choice import using

from .activation import (
    elu,
    gelu,
    hardswish,
    leaky_relu,
    prelu,
    relu,
    relu6,
    scaled_tanh,
    selu,
    sigmoid,
    silu,
    softplus,
    tanh,
)
from .arrange import concat, flatten, fold, pad, pixel_shuffle, pixel_unshuffle, unfold
from .convolutions import conv, conv_transpose
from .layers import add, dropout, linear, rbf
from .lenet import subsample, table_conv
from .loss import binary_cross_entropy_with_logits, cross_entropy, mse, nll
from .normalization import batch_norm, group_norm, instance_norm, layer_norm, local_response_norm
from .pooling import (
    adaptive_avg_pool,
    adaptive_max_pool,
    avg_pool,
    global_avg_pool,
    global_lp_pool,
    global_max_pool,
    lp_pool,
    max_pool,
    max_unpool,
)
from .separable import convolution, depthwise_conv, locally_connected, separable_conv
from .signal import convolve, correlate
from .softmax import log_softmax, softmax
from .upsampling import upsample

__all__ = [
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "add",
    "avg_pool",
    "batch_norm",
    "binary_cross_entropy_with_logits",
    "concat",
    "conv",
    "conv_transpose",
    "convolution",
    "convolve",
    "correlate",
    "cross_entropy",
    "depthwise_conv",
    "dropout",
    "elu",
    "flatten",
    "fold",
    "gelu",
    "global_avg_pool",
    "global_lp_pool",
    "global_max_pool",
    "group_norm",
    "hardswish",
    "instance_norm",
    "layer_norm",
    "leaky_relu",
    "linear",
    "local_response_norm",
    "locally_connected",
    "log_softmax",
    "lp_pool",
    "max_pool",
    "max_unpool",
    "mse",
    "nll",
    "pad",
    "pixel_shuffle",
    "pixel_unshuffle",
    "prelu",
    "rbf",
    "relu",
    "relu6",
    "scaled_tanh",
    "selu",
    "separable_conv",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "subsample",
    "table_conv",
    "tanh",
    "unfold",
    "upsample",
    "using",
]
