"""Each node of ONNX as calls of `functional`: attribute by attribute, one function for each operator.

A translation raises `Refused` with a sentence where the node asks for what convmath does not offer or states
otherwise. The numbers of outputs that a call `gives` are ONNX's; those that no call gives are told as `beside`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .agreement import Call
from .tally import Refused

__all__ = ["TRANSLATIONS", "Answer", "Node"]


@dataclass(frozen=True)
class Node:
    """A node with the arrays that go in and those that came out; an input that was left out is None."""

    name: str
    version: int
    attributes: Mapping[str, Any]
    inputs: tuple[np.ndarray | None, ...]
    outputs: tuple[np.ndarray, ...]
    output_names: tuple[str, ...]

    def get(self, name: str, otherwise: Any = None) -> Any:
        """An attribute; text comes as text."""
        value = self.attributes.get(name, otherwise)
        return value.decode() if isinstance(value, bytes) else value

    def array(self, place: int) -> np.ndarray:
        array = self.inputs[place]
        assert array is not None
        return array

    def optional(self, place: int) -> np.ndarray | None:
        return self.inputs[place] if place < len(self.inputs) else None


@dataclass(frozen=True)
class Answer:
    """A call, the numbers of the node's outputs that it gives, and how its output is laid out as the node's."""

    call: Call
    gives: tuple[int, ...] = (0,)
    laid: Callable[[np.ndarray, int], np.ndarray] = field(default=lambda array, place: array)


Translation = Callable[[Node], Sequence[Answer]]


def _answer(name: str, *args: Any, **kwargs: Any) -> list[Answer]:
    return [Answer(Call(name, args, {key: value for key, value in kwargs.items() if value is not None}))]


# --- windows ------------------------------------------------------------------------------------------------------

_AUTO = {"SAME_UPPER": "same", "SAME_LOWER": "same_lower", "VALID": "valid"}


def _padding(node: Node, ndim: int) -> Any:
    auto = node.get("auto_pad", "NOTSET")
    return _AUTO[auto] if auto in _AUTO else _pairs(node.get("pads", [0] * 2 * ndim))


def _pairs(pads: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """ONNX has the beginnings of all axes, and then the ends."""
    half = len(pads) // 2
    return tuple(zip(pads[:half], pads[half:], strict=True))


def _each(node: Node, name: str, ndim: int) -> tuple[int, ...]:
    return tuple(node.get(name, [1] * ndim))


def _conv_words(node: Node, ndim: int) -> dict[str, Any]:
    return {
        "stride": _each(node, "strides", ndim),
        "padding": _padding(node, ndim),
        "dilation": _each(node, "dilations", ndim),
        "groups": node.get("group", 1),
    }


def _conv(node: Node) -> list[Answer]:
    x, w = node.array(0), node.array(1)
    return _answer("conv", x, w, node.optional(2), **_conv_words(node, x.ndim - 2))


def _conv_integer(node: Node) -> list[Answer]:
    x, w = (_from_zero(node.array(place), node.optional(place + 2)) for place in (0, 1))
    return _answer("conv", x, w, **_conv_words(node, x.ndim - 2))


def _from_zero(x: np.ndarray, zero: np.ndarray | None) -> np.ndarray:
    """Whole numbers counted from the zero point, of which a weight may have one for each output channel."""
    whole = x.astype(np.int64)
    if zero is None or zero.size == 1:
        return whole if zero is None else whole - int(zero.reshape(()))
    return whole - zero.astype(np.int64).reshape(-1, *[1] * (x.ndim - 1))


def _conv_transpose(node: Node) -> list[Answer]:
    x, w = node.array(0), node.array(1)
    ndim = x.ndim - 2
    strides, dilations = _each(node, "strides", ndim), _each(node, "dilations", ndim)
    extra, pairs = tuple(node.get("output_padding", [0] * ndim)), _pairs(node.get("pads", [0] * 2 * ndim))
    auto, said = node.get("auto_pad", "NOTSET"), node.get("output_shape")
    if said is not None or auto.startswith("SAME"):
        sizes = [n * s for n, s in zip(x.shape[2:], strides, strict=True)] if said is None else said[-ndim:]
        axes = zip(x.shape[2:], w.shape[2:], strides, dilations, extra, sizes, strict=True)
        cuts = [_cut(n, k, s, d, e, size, auto == "SAME_UPPER") for n, k, s, d, e, size in axes]
        pairs, extra = tuple(pair for pair, _ in cuts), tuple(e for _, e in cuts)
    return _answer(
        "conv_transpose",
        x,
        w,
        node.optional(2),
        stride=strides,
        padding=pairs,
        output_padding=extra,
        dilation=dilations,
        groups=node.get("group", 1),
    )


def _cut(n: int, k: int, s: int, d: int, extra: int, size: int, upper: bool) -> tuple[tuple[int, int], int]:
    """The padding for an output of that size; where it is longer than without padding, that is output padding."""
    total = s * (n - 1) + extra + d * (k - 1) + 1 - size
    half = total // 2
    if total < 0:
        return (0, 0), extra - total
    return ((half, total - half) if upper else (total - half, half)), extra


def _col2im(node: Node) -> list[Answer]:
    sizes, kernel = (tuple(map(int, node.array(place))) for place in (1, 2))
    ndim = len(sizes)
    words = {"dilation": _each(node, "dilations", ndim), "stride": _each(node, "strides", ndim)}
    return _answer("fold", node.array(0), sizes, kernel, padding=_padding(node, ndim), **words)


def _causal_conv(node: Node) -> list[Answer]:
    if node.get("activation", "none") not in ("none", ""):
        raise Refused("an activation in the same node is a second operator")
    x, w, state = node.array(0), node.array(1), node.optional(3)
    padding = ((w.shape[2] - 1, 0),) if state is None else 0
    return _answer(
        "depthwise_conv", x if state is None else np.concatenate((state, x), 2), w, node.optional(2), padding=padding
    )


# --- pools --------------------------------------------------------------------------------------------------------


def _pool_words(node: Node) -> dict[str, Any]:
    ndim = node.array(0).ndim - 2
    return {
        "stride": _each(node, "strides", ndim),
        "padding": _padding(node, ndim),
        "ceil_mode": bool(node.get("ceil_mode", 0)),
    }


def _max_pool(node: Node) -> list[Answer]:
    x, indices = node.array(0), len(node.outputs) > 1
    words = _pool_words(node) | {"dilation": _each(node, "dilations", x.ndim - 2), "return_indices": indices}
    call = Call("max_pool", (x, tuple(node.get("kernel_shape"))), words)

    def laid(array: np.ndarray, place: int) -> np.ndarray:
        return array if place == 0 else _in_whole(array, x.shape, node.get("storage_order", 0))

    return [Answer(call, (0, 1) if indices else (0,), laid)]


def _in_whole(indices: np.ndarray, shape: tuple[int, ...], columns: int) -> np.ndarray:
    """Positions in the whole array, row by row or column by column, from positions in each channel."""
    sizes = shape[2:]
    at = np.unravel_index(indices, sizes)
    flat = np.ravel_multi_index(at, sizes, order="F" if columns else "C")
    channel = np.arange(math.prod(shape[:2])).reshape(*shape[:2], *[1] * len(sizes))
    return channel * math.prod(sizes) + flat


def _no_dilation(node: Node, pool: str) -> None:
    if any(d != 1 for d in node.get("dilations", ())):
        raise Refused(f"{pool} has no dilation")


def _avg_pool(node: Node) -> list[Answer]:
    _no_dilation(node, "avg_pool")
    words = _pool_words(node) | {"count_include_pad": bool(node.get("count_include_pad", 0))}
    return _answer("avg_pool", node.array(0), tuple(node.get("kernel_shape")), **words)


def _lp_pool(node: Node) -> list[Answer]:
    _no_dilation(node, "lp_pool")
    p, kernel = node.get("p", 2), tuple(node.get("kernel_shape"))
    return _answer("lp_pool", node.array(0), p, kernel, absolute=True, **_pool_words(node))


def _max_unpool(node: Node) -> list[Answer]:
    x, indices, said = node.array(0), node.array(1), node.optional(2)
    ndim = x.ndim - 2
    kernel, stride, pairs = tuple(node.get("kernel_shape")), _each(node, "strides", ndim), _padding(node, ndim)
    least = [(n - 1) * s + k - a - b for n, s, k, (a, b) in zip(x.shape[2:], stride, kernel, pairs, strict=True)]
    sizes = least if said is None else [int(n) for n in said[2:]]
    # ONNX counts positions in the whole array, of the size that there is without output_shape
    at = np.unravel_index(indices % math.prod(least), least)
    flat = np.ravel_multi_index(at, sizes)
    return _answer("max_unpool", x, flat, kernel, stride=stride, padding=pairs, output_size=tuple(sizes))


# --- normalisation ------------------------------------------------------------------------------------------------


def _batch_norm(node: Node) -> list[Answer]:
    x, w, b, mean, variance = (node.array(place) for place in range(5))
    training = bool(node.get("training_mode", 0))
    words = {"eps": node.get("epsilon", 1e-5)}
    if training:  # what stays of the old statistics is called momentum in ONNX, and the new variance is the biased one
        words |= {"training": True, "momentum": 1 - node.get("momentum", 0.9)}
    return [Answer(Call("batch_norm", (x, mean, variance, w, b), words), (0, 1) if training else (0,))]


def _standardised(node: Node) -> list[Answer]:
    raise Refused("ε is added to σ there, not to the variance")


def _layer_norm(node: Node) -> list[Answer]:
    x, axis = node.array(0), node.get("axis", -1)
    shape = x.shape[axis:]
    return _answer("layer_norm", x, shape, node.array(1), node.optional(2), eps=node.get("epsilon", 1e-5))


def _group_norm(node: Node) -> list[Answer]:
    x, w, b = (node.array(place) for place in range(3))
    return _answer("group_norm", x, node.get("num_groups"), w, b, eps=node.get("epsilon", 1e-5))


def _instance_norm(node: Node) -> list[Answer]:
    x, w, b = (node.array(place) for place in range(3))
    return _answer("instance_norm", x, w, b, eps=node.get("epsilon", 1e-5))


def _lrn(node: Node) -> list[Answer]:
    size = node.get("size")
    if size % 2 == 0:
        raise Refused("an even size has its longer half behind the channel in ONNX, before it here and in torch")
    words = {"alpha": node.get("alpha", 1e-4), "beta": node.get("beta", 0.75), "k": node.get("bias", 1.0)}
    return _answer("local_response_norm", node.array(0), size, **words)


# --- activations --------------------------------------------------------------------------------------------------


def _plain(name: str) -> Translation:
    return lambda node: _answer(name, node.array(0))


def _leaky_relu(node: Node) -> list[Answer]:
    return _answer("leaky_relu", node.array(0), negative_slope=node.get("alpha", 0.01))


def _prelu(node: Node) -> list[Answer]:
    x, slope = node.array(0), node.array(1)
    channels = x.shape[1]
    by_channel = (channels, *[1] * (x.ndim - 2))
    if slope.size != 1 and slope.shape not in (by_channel, (1, *by_channel), (channels,) if node.version < 7 else ()):
        raise Refused("the slopes are not one for each channel, nor one for all")
    return _answer("prelu", x, slope.reshape(-1))


def _elu(node: Node) -> list[Answer]:
    return _answer("elu", node.array(0), alpha=node.get("alpha", 1.0))


def _selu(node: Node) -> list[Answer]:
    if "alpha" in node.attributes or "gamma" in node.attributes:
        raise Refused("selu has the two numbers of its paper and no others")
    return _answer("selu", node.array(0))


def _gelu(node: Node) -> list[Answer]:
    return _answer("gelu", node.array(0), approximate=node.get("approximate", "none"))


def _swish(node: Node) -> list[Answer]:
    if node.get("alpha", 1.0) != 1:
        raise Refused("silu has no factor beside X in its exponential")
    return _answer("silu", node.array(0))


def _softmax(name: str) -> Translation:
    def translation(node: Node) -> list[Answer]:
        x = node.array(0)
        if node.version >= 13:
            return _answer(name, x, axis=node.get("axis", -1))
        # before, everything from the axis on was one axis
        first = node.get("axis", 1) % x.ndim
        rows = x.reshape(math.prod(x.shape[:first]), -1)
        return [Answer(Call(name, (rows,), {"axis": 1}), laid=lambda array, place: array.reshape(x.shape))]

    return translation


# --- losses -------------------------------------------------------------------------------------------------------


def _loss(name: str) -> Translation:
    def translation(node: Node) -> list[Answer]:
        x, target = node.array(0), node.array(1)
        answers = _answer(
            name,
            x,
            target,
            weight=node.optional(2),
            ignore_index=node.get("ignore_index"),
            reduction=node.get("reduction", "mean"),
        )
        if len(node.outputs) > 1:
            answers.append(Answer(Call("log_softmax", (x,), {"axis": 1}), (1,)))
        return answers

    return translation


# --- elements put elsewhere ---------------------------------------------------------------------------------------

_MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


def _pad(node: Node) -> list[Answer]:
    x = node.array(0)
    said = node.get("pads") if node.version < 11 else node.array(1)
    fill = node.get("value", 0.0) if node.version < 11 else node.optional(2)
    axes = node.optional(3)
    given = _pairs([int(n) for n in said])
    pairs = dict(zip(range(x.ndim) if axes is None else (int(a) % x.ndim for a in axes), given, strict=True))
    every = tuple(pairs.get(axis, (0, 0)) for axis in range(x.ndim))
    mode = _MODES[node.get("mode", "constant")]
    return _answer("pad", x, every, mode=mode, value=None if fill is None or mode != "constant" else float(fill))


def _flatten(node: Node) -> list[Answer]:
    x = node.array(0)
    if node.get("axis", 1) % x.ndim != 1:
        raise Refused("flatten joins all axes behind the batch, and no others")
    return _answer("flatten", x)


def _concat(node: Node) -> list[Answer]:
    arrays = [array for array in node.inputs if array is not None]
    return _answer("concat", *arrays, axis=node.get("axis", 1))


def _depth_to_space(node: Node) -> list[Answer]:
    x, block = node.array(0), node.get("blocksize")
    if node.get("mode", "DCR") == "DCR":  # the place in the block before the channel
        x = _channels_turned(x, block**2, x.shape[1] // block**2)
    return _answer("pixel_shuffle", x, block)


def _space_to_depth(node: Node) -> list[Answer]:
    x, block = node.array(0), node.get("blocksize")
    depth_first = node.get("mode", "DCR") == "DCR"

    def laid(array: np.ndarray, place: int) -> np.ndarray:
        return _channels_turned(array, x.shape[1], block**2) if depth_first else array

    return [Answer(Call("pixel_unshuffle", (x, block)), laid=laid)]


def _channels_turned(x: np.ndarray, first: int, second: int) -> np.ndarray:
    """Channels that two digits number, with the digits exchanged."""
    parts = x.reshape(x.shape[0], first, second, *x.shape[2:])
    return np.ascontiguousarray(parts.swapaxes(1, 2)).reshape(x.shape)


# --- sizes --------------------------------------------------------------------------------------------------------


def _resize(node: Node) -> list[Answer]:
    x, mode = node.array(0), node.get("mode", "nearest")
    where = node.get("coordinate_transformation_mode", "half_pixel")
    if mode == "cubic":
        raise Refused("upsample is to the nearest element or linear, not cubic")
    if node.get("antialias", 0):
        raise Refused("upsample looks at the nearest neighbours, and does not average as antialias does")
    if where == "tf_crop_and_resize":
        raise Refused("upsample takes the whole array, and crops none")
    axes = [axis % x.ndim for axis in node.get("axes", range(x.ndim))]
    sizes, scales = _resized(node, [x.shape[axis] for axis in axes])
    every, factors = list(x.shape), [1.0] * x.ndim
    for axis, size, scale in zip(axes, sizes, scales, strict=True):
        every[axis], factors[axis] = size, scale
    if tuple(every[:2]) != x.shape[:2]:
        raise Refused("upsample keeps batch and channels")
    if any(size != scale * n for size, scale, n in zip(every, factors, x.shape, strict=True)):
        raise Refused("positions go by a scale that is not the quotient of the sizes")
    if mode == "linear":
        return _linear(x, where, every[2:])
    return _nearest(x, where, node.get("nearest_mode", "round_prefer_floor"), every[2:])


def _resized(node: Node, lengths: Sequence[int]) -> tuple[list[int], list[float]]:
    """The sizes and the scales along the axes that are told."""
    scales, sizes = node.optional(2), node.optional(3)
    if scales is not None and scales.size:
        return [math.floor(n * float(s)) for n, s in zip(lengths, scales, strict=True)], [float(s) for s in scales]
    assert sizes is not None
    quotients = [int(m) / n for m, n in zip(sizes, lengths, strict=True)]
    policy = node.get("keep_aspect_ratio_policy", "stretch")
    if policy == "stretch":
        return [int(m) for m in sizes], quotients
    scale = (min if policy == "not_larger" else max)(quotients)
    return [math.floor(scale * n + 0.5) for n in lengths], [scale] * len(lengths)


def _linear(x: np.ndarray, where: str, sizes: Sequence[int]) -> list[Answer]:
    if where == "align_corners":
        return _answer("upsample", x, tuple(sizes), mode="linear", align_corners=True)
    if where == "pytorch_half_pixel" and 1 in sizes:
        raise Refused("one position of an axis lies in its middle, at the first element in pytorch_half_pixel")
    if where not in ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric"):
        raise Refused(f"upsample has no positions as {where} has them")
    return _answer("upsample", x, tuple(sizes), mode="linear")


def _nearest(x: np.ndarray, where: str, rounding: str, sizes: Sequence[int]) -> list[Answer]:
    if (where, rounding) == ("asymmetric", "floor"):
        return _answer("upsample", x, tuple(sizes), mode="nearest")
    if where != "half_pixel" or not rounding.startswith("round"):
        raise Refused(f"upsample has no nearest element by {where} and {rounding}")
    if rounding == "round_prefer_floor" and any(map(_ties, x.shape[2:], sizes)):
        raise Refused("a position is as near to two elements, and upsample takes the later, round_prefer_floor not")
    return _answer("upsample", x, tuple(sizes), mode="nearest-exact")


def _ties(n: int, m: int) -> bool:
    """Whether a position (j + ½)·n/m - ½ lies in the middle between two elements."""
    return any((2 * j + 1) * n % (2 * m) == 0 for j in range(m))


def _upsample(node: Node) -> list[Answer]:
    x = node.array(0)
    scales = node.get("scales") if node.version < 9 else node.array(1)
    factors = [float(scale) for scale in scales]
    if node.get("mode", "nearest") != "nearest":
        raise Refused("linear positions are j·n/m, without the half pixel that upsample has")
    if factors[:2] != [1, 1] or any(factor != int(factor) for factor in factors):
        raise Refused("upsample keeps batch and channels, and its factors are whole")
    return _answer("upsample", x, scale_factor=tuple(int(factor) for factor in factors[2:]), mode="nearest")


# --- features, and elements ---------------------------------------------------------------------------------------


def _gemm(node: Node) -> list[Answer]:
    if node.get("alpha", 1.0) != 1 or (node.get("beta", 1.0) != 1 and node.optional(2) is not None):
        raise Refused("linear has no factors beside the product and the bias")
    a = node.array(0).T if node.get("transA", 0) else node.array(0)
    w = node.array(1) if node.get("transB", 0) else node.array(1).T
    bias = node.optional(2)
    if bias is not None:
        if bias.ndim == 2 and bias.shape[0] != 1:
            raise Refused("linear has one bias for all rows")
        bias = np.array(np.broadcast_to(bias.reshape(-1), len(w)))
    return _answer("linear", a, w, bias)


def _matmul(node: Node) -> list[Answer]:
    return _product(node.array(0), node.array(1), node.outputs[0].shape)


def _product(a: np.ndarray, b: np.ndarray, shape: tuple[int, ...]) -> list[Answer]:
    if b.ndim > 2:
        raise Refused("linear has one weight for all, no stack of them")
    w = b.reshape(1, -1) if b.ndim == 1 else b.T
    return [Answer(Call("linear", (a, w)), laid=lambda array, place: array.reshape(shape))]


def _matmul_integer(node: Node) -> list[Answer]:
    zeros = [node.optional(place) for place in (2, 3)]
    if any(zero is not None and zero.size != 1 for zero in zeros):
        raise Refused("a zero point for each row or column is no product of two arrays")
    a, b = (_from_zero(node.array(place), zero) for place, zero in enumerate(zeros))
    return _product(a, b, node.outputs[0].shape)


def _dropout(node: Node) -> list[Answer]:
    x = node.array(0)
    ratio, training = node.optional(1), node.optional(2)
    if not (training is not None and training):  # every version passes X on when it infers
        return _answer("dropout", x, np.ones(x.shape, bool), p=0.0)
    share = 0.5 if ratio is None else float(ratio)
    y, *mask = node.outputs
    kept = mask[0] if mask else y != 0  # where a mask does not come out, what was dropped is 0
    return _answer("dropout", x, kept, p=share)


def _add(node: Node) -> list[Answer]:
    if node.array(0).shape != node.array(1).shape:
        raise Refused("add stretches no array")
    return _answer("add", node.array(0), node.array(1))


def _sum(node: Node) -> list[Answer]:
    if len(node.inputs) != 2:
        raise Refused("add takes two arrays")
    return _add(node)


TRANSLATIONS: Mapping[str, Translation] = {
    "Add": _add,
    "AveragePool": _avg_pool,
    "BatchNormalization": _batch_norm,
    "CausalConvWithState": _causal_conv,
    "Col2Im": _col2im,
    "Concat": _concat,
    "Conv": _conv,
    "ConvInteger": _conv_integer,
    "ConvTranspose": _conv_transpose,
    "DepthToSpace": _depth_to_space,
    "Dropout": _dropout,
    "Elu": _elu,
    "Flatten": _flatten,
    "Gelu": _gelu,
    "Gemm": _gemm,
    "GlobalAveragePool": _plain("global_avg_pool"),
    "GlobalMaxPool": _plain("global_max_pool"),
    "GroupNormalization": _group_norm,
    "HardSwish": _plain("hardswish"),
    "InstanceNormalization": _instance_norm,
    "LRN": _lrn,
    "LayerNormalization": _layer_norm,
    "LeakyRelu": _leaky_relu,
    "LogSoftmax": _softmax("log_softmax"),
    "LpPool": _lp_pool,
    "MatMul": _matmul,
    "MatMulInteger": _matmul_integer,
    "MaxPool": _max_pool,
    "MaxUnpool": _max_unpool,
    "MeanVarianceNormalization": _standardised,
    "NegativeLogLikelihoodLoss": _loss("nll"),
    "PRelu": _prelu,
    "Pad": _pad,
    "Relu": _plain("relu"),
    "Resize": _resize,
    "Selu": _selu,
    "Sigmoid": _plain("sigmoid"),
    "Softmax": _softmax("softmax"),
    "SoftmaxCrossEntropyLoss": _loss("cross_entropy"),
    "Softplus": _plain("softplus"),
    "SpaceToDepth": _space_to_depth,
    "Sum": _sum,
    "Swish": _swish,
    "Tanh": _plain("tanh"),
    "Upsample": _upsample,
}
