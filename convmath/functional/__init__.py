"""The operators on numbers, each with its gradient as `.vjp`.

Arrays are (N, C, *spatial) with any number of spatial axes, and lie in memory as they like. Inputs are never changed,
and results share no memory with them. An int stands for every spatial axis and a flat tuple has one entry for each;
padding also takes a (before, after) pair for each axis, or "same", "same_lower", "valid" or "full".

- float32 and float64 stay what they are, and together give float64.
- float16 and bfloat16 (of ml_dtypes, as JAX has it) are stored: computed in float32, and what comes out is rounded
  once, to ±∞ where it is too large. With another floating type they give what holds both, float32 or float64.
- Integers of every width are computed in int64, where sums and products wrap round: they are exact modulo 2⁶⁴, as two's
  complement is. Where values need not be whole (means, norms, losses) they are computed in float64, and so are
  integers beside floating point.
- complex64 and complex128 are taken by `conv`, `conv_transpose`, `convolution`, `depthwise_conv`, `linear`, `convolve`
  and `correlate`. Nothing is conjugated but what `correlate` conjugates; gradients are those of Re⟨g, Y⟩.

A call takes at most 64 MB of memory beside its arguments and what comes out; where NumPy computes (without llvmlite, or
by "patches") each thread but the first two adds up to 16 MB. A few times the size of arguments and results is taken by
`method="direct"`, by borders other than zeros, complex numbers, types that have to be converted and arrays that have
to be laid out, by transforms, upsampling, powers (`lp_pool`), `local_response_norm`, `rbf`, `table_conv`,
`locally_connected`, losses, and by pools whose planes alone are so large; without llvmlite also by activations, norms,
softmax and the maximum over all positions. Generated kernels of convolutions keep their weights in another order, up to
16 bytes for each of them, 24 in float64: more than 64 MB from 4 million weights on, or 2.7. Up to 256 MB of pages of
results that are gone are kept for later ones. An output that is larger than memory and swap together is refused before
anything is computed.

`op.vjp(cotangent, *arguments)` takes what `op` takes behind a cotangent of the output's shape, and returns a tuple
with the gradient of ⟨cotangent, op(*arguments)⟩ by each array argument that was passed (None for None).

`method` chooses the kernels: "direct" is the plain definition, "patches" multiplies matrices, "simd" are generated
ones, "winograd" and "winograd4" those by F(2, 3) and F(4, 3), and "auto" takes what should be the fastest. `using` is
a context in which calls use a method, and so is the environment variable CONVMATH_METHOD; `op.plan(*arguments)` tells
which kernels compute a call, why, and how long each should take. Within `convmath.exact_order()` results have the same
bits on every machine.

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
