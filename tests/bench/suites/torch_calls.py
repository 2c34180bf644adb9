"""Each sample of torch's operators as a call of `functional`: a function for each, with the signature that torch has.

`given` knows the arrays that tensors held before the call, and what the call returned. A translation raises `Refused`
with a sentence where the sample asks for what convmath does not offer or states otherwise. What has no batch gets one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .agreement import Call
from .tally import Refused

__all__ = ["TRANSLATIONS", "Answer", "Given"]


@dataclass
class Given:
    """A sample: the arrays of its tensors, as they were before the call, and the outputs."""

    arrays: dict[int, np.ndarray]
    outputs: tuple[np.ndarray, ...]

    def array(self, tensor: Any) -> np.ndarray:
        return self.arrays[id(tensor)]


@dataclass(frozen=True)
class Answer:
    """A call, the tensors that its gradients are by, and the tensors that torch's call changes.

    `tensors` are those of the arrays that were passed, in the order of functional's; what functional returns beside
    the value is beside torch's value or, in its order, in what torch's call `changed`.
    """

    call: Call
    tensors: Sequence[Any]
    changed: Sequence[Any] = ()


Translation = Callable[..., Answer]


def _answer(
    given: Given, name: str, tensors: Sequence[Any], *others: Any, batch: bool = False, **kwargs: Any
) -> Answer:
    """The call with the tensors for its first arguments; with `batch`, the first of them is alone and gets one."""
    arrays = [None if tensor is None else given.array(tensor) for tensor in tensors]
    if batch and arrays[0] is not None:
        arrays[0] = arrays[0][None]
    while arrays and arrays[-1] is None:
        arrays.pop()
    return Answer(Call(name, (*arrays, *others), kwargs), tensors[: len(arrays)])


# --- windows ------------------------------------------------------------------------------------------------------


def _conv(ndim: int) -> Translation:
    def call(given: Given, x: Any, w: Any, b: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
             groups: int = 1) -> Answer:  # fmt: skip
        words = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        return _answer(given, "conv", (x, w, b), batch=x.ndim == ndim + 1, **words)

    return call


def _conv_transpose(ndim: int) -> Translation:
    def call(given: Given, x: Any, w: Any, b: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
             groups: int = 1, dilation: Any = 1) -> Answer:  # fmt: skip
        words = {"stride": stride, "padding": padding, "output_padding": output_padding}
        words |= {"groups": groups, "dilation": dilation}
        return _answer(given, "conv_transpose", (x, w, b), batch=x.ndim == ndim + 1, **words)

    return call


def _avg_pool(ndim: int) -> Translation:
    def call(given: Given, x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
             count_include_pad: bool = True, divisor_override: int | None = None) -> Answer:  # fmt: skip
        padding = padding[0] if isinstance(padding, tuple) and len(padding) == 1 else padding  # torch's for all axes
        words: dict[str, Any] = {"padding": padding, "ceil_mode": ceil_mode, "count_include_pad": count_include_pad}
        words |= {} if divisor_override is None else {"divisor_override": divisor_override}
        return _answer(given, "avg_pool", (x,), kernel_size, batch=x.ndim == ndim + 1, stride=stride or None, **words)

    return call


def _max_pool(ndim: int) -> Translation:
    def call(given: Given, x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
             ceil_mode: bool = False, return_indices: bool = False) -> Answer:  # fmt: skip
        words = {"padding": padding, "dilation": dilation, "ceil_mode": ceil_mode, "return_indices": return_indices}
        # of equal maximisers torch takes the first
        words |= {"stride": stride or None, "ties": "first"}
        return _answer(given, "max_pool", (x,), kernel_size, batch=x.ndim == ndim + 1, **words)

    return call


def _adaptive_avg_pool(ndim: int) -> Translation:
    return lambda given, x, size: _answer(given, "adaptive_avg_pool", (x,), size, batch=x.ndim == ndim + 1)


def _adaptive_max_pool(ndim: int) -> Translation:
    def call(given: Given, x: Any, output_size: Any, return_indices: bool = False) -> Answer:
        words = {"return_indices": return_indices, "ties": "first"}
        return _answer(given, "adaptive_max_pool", (x,), output_size, batch=x.ndim == ndim + 1, **words)

    return call


def _max_unpool(ndim: int) -> Translation:
    def call(given: Given, x: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0,
             output_size: Any = None) -> Answer:  # fmt: skip
        alone = x.ndim == ndim + 1
        arrays = [given.array(tensor)[None] if alone else given.array(tensor) for tensor in (x, indices)]
        sizes = None if output_size is None else tuple(output_size)[-ndim:]
        words = {"stride": stride or None, "padding": padding, "output_size": sizes}
        return Answer(Call("max_unpool", (*arrays, kernel_size), words), (x, indices))

    return call


def _unfold(given: Given, x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Answer:
    words = {"dilation": dilation, "padding": padding, "stride": stride}
    return _answer(given, "unfold", (x,), kernel_size, batch=x.ndim == 3, **words)


# --- normalisation ------------------------------------------------------------------------------------------------


def _batch_norm(given: Given, x: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None,
                training: bool = False, momentum: float = 0.1, eps: float = 1e-5) -> Answer:  # fmt: skip
    words: dict[str, Any] = {"eps": eps} | ({"training": True} if training else {})
    words |= {"momentum": momentum} if training and running_mean is not None else {}
    answer = _answer(given, "batch_norm", (x, running_mean, running_var, weight, bias), **words)
    stats = () if running_mean is None or not training else (running_mean, running_var)
    return Answer(answer.call, answer.tensors, stats)


def _group_norm(
    given: Given, x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Answer:
    return _affine(given, "group_norm", x, weight, bias, num_groups, eps=eps)


def _layer_norm(given: Given, x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None,
                eps: float = 1e-5) -> Answer:  # fmt: skip
    return _affine(given, "layer_norm", x, weight, bias, tuple(normalized_shape), eps=eps)


def _instance_norm(given: Given, x: Any, running_mean: Any = None, running_var: Any = None, weight: Any = None,
                   bias: Any = None, use_input_stats: bool = True, momentum: float = 0.1,
                   eps: float = 1e-5) -> Answer:  # fmt: skip
    if not use_input_stats:
        raise Refused("instance_norm has the statistics of its input, and no others")
    return _affine(given, "instance_norm", x, weight, bias, eps=eps)


def _affine(given: Given, name: str, x: Any, weight: Any, bias: Any, *others: Any, eps: float) -> Answer:
    """X, what the normalisation is over, weight and bias."""
    w, b = (None if tensor is None else given.array(tensor) for tensor in (weight, bias))
    return Answer(Call(name, (given.array(x), *others, w, b), {"eps": eps}), (x, weight, bias))


def _local_response_norm(
    given: Given, x: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Answer:
    return _answer(given, "local_response_norm", (x,), size, alpha=alpha, beta=beta, k=k)


# --- activations --------------------------------------------------------------------------------------------------


def _plain(name: str) -> Translation:
    return lambda given, x: _answer(given, name, (x,))


def _leaky_relu(given: Given, x: Any, negative_slope: float = 0.01) -> Answer:
    return _answer(given, "leaky_relu", (x,), negative_slope=negative_slope)


def _elu(given: Given, x: Any, alpha: float = 1.0) -> Answer:
    return _answer(given, "elu", (x,), alpha=alpha)


def _gelu(given: Given, x: Any, approximate: str = "none") -> Answer:
    return _answer(given, "gelu", (x,), approximate=approximate)


def _softplus(given: Given, x: Any, beta: float = 1, threshold: float = 20) -> Answer:
    return _answer(given, "softplus", (x,), beta=beta, threshold=threshold)


def _prelu(given: Given, x: Any, weight: Any) -> Answer:
    array, slope = given.array(x), given.array(weight).reshape(-1)
    if slope.size == 1 and array.ndim < 2:  # one slope for all, whatever the shape
        array = array.reshape(1, -1)
    return Answer(Call("prelu", (array, slope)), (x, weight))


def _softmax(name: str) -> Translation:
    def call(given: Given, x: Any, dim: int, dtype: Any = None) -> Answer:
        if dtype is not None and dtype != x.dtype:
            raise Refused(f"{name} computes in the type of X; what is cast before has to be cast")
        return _answer(given, name, (x,), axis=dim)

    return call


# --- losses -------------------------------------------------------------------------------------------------------


def _by_class(name: str) -> Translation:
    def call(given: Given, x: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean",
             label_smoothing: float = 0.0) -> Answer:  # fmt: skip
        words: dict[str, Any] = {"reduction": reduction}
        words |= {} if ignore_index == -100 else {"ignore_index": ignore_index}
        words |= {} if not label_smoothing else {"label_smoothing": label_smoothing}
        words |= {} if weight is None else {"weight": given.array(weight)}
        arrays = [given.array(tensor)[None] if x.ndim == 1 else given.array(tensor) for tensor in (x, target)]
        return Answer(Call(name, tuple(arrays), words), (x, target, *([] if weight is None else [weight])))

    return call


def _mse(given: Given, x: Any, target: Any, reduction: str = "mean") -> Answer:
    return _answer(given, "mse", (x, target), reduction=reduction)


def _binary_cross_entropy(given: Given, x: Any, target: Any, weight: Any = None, reduction: str = "mean",
                          pos_weight: Any = None) -> Answer:  # fmt: skip
    words: dict[str, Any] = {"reduction": reduction, "weight": None}
    if weight is not None:  # torch stretches it, and has no gradient by it
        words["weight"] = np.array(np.broadcast_to(given.array(weight), tuple(x.shape)))
    if pos_weight is not None:
        if x.ndim != 2:
            raise Refused("pos_weight is along the channels, not along the last axis")
        words["pos_weight"] = given.array(pos_weight)
    arrays = given.array(x), given.array(target)
    return Answer(Call("binary_cross_entropy_with_logits", arrays, words), (x, target, weight, pos_weight))


# --- elements put elsewhere ---------------------------------------------------------------------------------------


def _pad(given: Given, x: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Answer:
    # torch begins with the last axis
    pairs = tuple(zip(pad[::2], pad[1::2], strict=True))[::-1]
    words: dict[str, Any] = {} if value is None else {"value": value}
    return _answer(given, "pad", (x,), pairs, mode=mode, **words)


def _constant_pad(given: Given, x: Any, pad: Any, value: float = 0) -> Answer:
    return _pad(given, x, pad, "constant", value)


def _flatten(given: Given, x: Any, start_dim: int = 0, end_dim: int = -1) -> Answer:
    if x.ndim < 2 or start_dim % x.ndim != 1 or end_dim % x.ndim != x.ndim - 1:
        raise Refused("flatten joins all axes behind the batch, and no others")
    return _answer(given, "flatten", (x,))


def _cat(given: Given, tensors: Sequence[Any], dim: int = 0) -> Answer:
    return _answer(given, "concat", tuple(tensors), axis=dim)


def _pixel_shuffle(given: Given, x: Any, upscale_factor: int) -> Answer:
    return _answer(given, "pixel_shuffle", (x,), upscale_factor)


def _pixel_unshuffle(given: Given, x: Any, downscale_factor: int) -> Answer:
    return _answer(given, "pixel_unshuffle", (x,), downscale_factor)


# --- sizes --------------------------------------------------------------------------------------------------------

_LINEAR = ("linear", "bilinear", "trilinear")


def _interpolate(given: Given, x: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
                 align_corners: bool | None = None, recompute_scale_factor: bool | None = None,
                 antialias: bool = False) -> Answer:  # fmt: skip
    if mode == "bicubic":
        raise Refused("upsample is to the nearest element or linear, not cubic")
    if antialias:
        raise Refused("upsample looks at the nearest neighbours, and does not average as antialias does")
    sizes = _sizes(x, size, scale_factor, bool(recompute_scale_factor))
    if mode == "area":
        return _answer(given, "adaptive_avg_pool", (x,), sizes)
    words: dict[str, Any] = {"mode": "linear" if mode in _LINEAR else mode}
    words |= {"align_corners": True} if align_corners else {}
    return _answer(given, "upsample", (x,), sizes, **words)


def _sizes(x: Any, size: Any, scale_factor: Any, recomputed: bool) -> tuple[int, ...]:
    axes = x.shape[2:]
    if size is not None:
        return tuple(size) if isinstance(size, list | tuple) else (size,) * len(axes)
    scales = scale_factor if isinstance(scale_factor, list | tuple) else (scale_factor,) * len(axes)
    products = [n * float(scale) for n, scale in zip(axes, scales, strict=True)]
    if not recomputed and any(product != int(product) for product in products):
        raise Refused("positions go by a scale that is not the quotient of the sizes")
    return tuple(math.floor(product) for product in products)


def _upsample_bilinear(given: Given, x: Any, size: Any = None, scale_factor: Any = None) -> Answer:
    return _interpolate(given, x, size, scale_factor, "bilinear", align_corners=True)


# --- features, and elements ---------------------------------------------------------------------------------------


def _linear(given: Given, x: Any, w: Any, b: Any = None) -> Answer:
    return _answer(given, "linear", (x, w, b))


def _add(given: Given, x: Any, other: Any, alpha: float = 1) -> Answer:
    if alpha != 1:
        raise Refused("add has no factor")
    if x.shape != other.shape:
        raise Refused("add stretches no array")
    return _answer(given, "add", (x, other))


def _dropout(given: Given, x: Any, p: float = 0.5, training: bool = True) -> Answer:
    array = given.array(x)
    # torch draws the mask itself: what it dropped is 0
    kept = given.outputs[0] != 0 if training else np.ones(array.shape, bool)
    return Answer(Call("dropout", (array, kept), {"p": float(p) if training else 0.0}), (x, None))


def _each(made: Callable[[int], Translation], name: str) -> dict[str, Translation]:
    return {f"nn.functional.{name}{ndim}d": made(ndim) for ndim in (1, 2, 3)}


TRANSLATIONS: Mapping[str, Translation] = {
    **_each(_conv, "conv"),
    **_each(_conv_transpose, "conv_transpose"),
    **_each(_avg_pool, "avg_pool"),
    **_each(_max_pool, "max_pool"),
    **_each(_adaptive_avg_pool, "adaptive_avg_pool"),
    **_each(_adaptive_max_pool, "adaptive_max_pool"),
    **_each(_max_unpool, "max_unpool"),
    "nn.functional.unfold": _unfold,
    "nn.functional.batch_norm": _batch_norm,
    "nn.functional.group_norm": _group_norm,
    "nn.functional.layer_norm": _layer_norm,
    "nn.functional.instance_norm": _instance_norm,
    "nn.functional.local_response_norm": _local_response_norm,
    "nn.functional.relu": _plain("relu"),
    "nn.functional.relu6": _plain("relu6"),
    "nn.functional.leaky_relu": _leaky_relu,
    "nn.functional.prelu": _prelu,
    "nn.functional.elu": _elu,
    "nn.functional.selu": _plain("selu"),
    "nn.functional.gelu": _gelu,
    "nn.functional.silu": _plain("silu"),
    "nn.functional.softplus": _softplus,
    "nn.functional.hardswish": _plain("hardswish"),
    "sigmoid": _plain("sigmoid"),
    "tanh": _plain("tanh"),
    "softmax": _softmax("softmax"),
    "log_softmax": _softmax("log_softmax"),
    "nn.functional.cross_entropy": _by_class("cross_entropy"),
    "nn.functional.nll_loss": _by_class("nll"),
    "nn.functional.mse_loss": _mse,
    "nn.functional.binary_cross_entropy_with_logits": _binary_cross_entropy,
    "nn.functional.pad": _pad,
    "constant_pad_nd": _constant_pad,
    "flatten": _flatten,
    "cat": _cat,
    "nn.functional.pixel_shuffle": _pixel_shuffle,
    "nn.functional.pixel_unshuffle": _pixel_unshuffle,
    "nn.functional.interpolate": _interpolate,
    "nn.functional.upsample_bilinear": _upsample_bilinear,
    "nn.functional.upsample_nearest": _interpolate,
    "nn.functional.linear": _linear,
    "add": _add,
    "nn.functional.dropout": _dropout,
    "nn.functional.dropout2d": _dropout,
    "nn.functional.dropout3d": _dropout,
}
