"""Recorded calls as a network for the kernels whose lanes are images (`kernels.simd.images`).

What each operator is there stands in one table. Whatever is not in it, or is called in a way that the kernels don't
have, is refused with a sentence.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmath.kernels.simd.images import layers
from convmath.kernels.simd.images.layers import Net, Refused
from convmath.kernels.taps import occupancy, output_sizes
from convmath.ops.activation import GELU_CUBIC, SELU
from convmath.window import Window, windows

from . import activation, arrange, convolutions, loss, normalization, pooling
from . import layers as features

__all__ = ["Array", "Expected", "Other", "Recorded", "Result", "expected", "network"]


@dataclass(frozen=True)
class Array:
    """An operand that is an argument of the function: its number among all arrays."""

    number: int


@dataclass(frozen=True)
class Result:
    """An operand that an earlier call made: the number of the call."""

    number: int


@dataclass(frozen=True)
class Other:
    """An operand that is computed on the way by something else than a recorded call."""


@dataclass(frozen=True)
class Recorded:
    """A call, whose arrays are an Array or a Result each, or something that the function brought itself."""

    function: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    @property
    def name(self) -> str:
        return getattr(self.function, "__name__", str(self.function))


@dataclass(frozen=True)
class Value:
    """A value of the network, and whether the function sees all axes behind the batch as one."""

    number: int
    flat: bool


def network(calls: Sequence[Recorded], arrays: Sequence[np.ndarray], wanted: Sequence[int]) -> Net:
    """The network that the last of the calls is the loss of. Raises Refused."""
    return _Reader(calls, arrays, wanted).net()


@dataclass(frozen=True)
class Expected:
    """That a call may be put off: how many results it has (0 says that it is no tuple), and what has to hold each time.

    `ready`, from the arguments of a call like this, says whether it would pass its checks of elements.
    """

    results: int
    ready: Callable[..., bool] | None = None


def expected(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Expected | None:
    """How a call that there may be planned kernels for can be put off; None for another.

    Arrays must be where the operator has arrays, and elements must not decide about errors, but for classes.
    """
    if function is np.add:
        alike = len(args) == 2 and all(hasattr(operand, "shape") for operand in args)
        return _ONE if alike and args[0].shape == args[1].shape and args[0].dtype == args[1].dtype else None
    if function is np.reshape:
        return _ONE if not kwargs and len(args) > 1 and all(map(_plain, args[1:])) else None
    if function not in LAYERS and function not in LOSSES:
        return None
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except TypeError:
        return None
    bound.apply_defaults()
    given = bound.arguments
    if not all(name in function.arrays or _plain(value) for name, value in given.items()):
        return None
    if function is normalization.batch_norm:
        usual = given["training"] and given["running_mean"] is None and given["eps"]
        return Expected(3) if usual else None
    if function is loss.cross_entropy:
        target = given["target"]
        by_class = type(target) is np.ndarray and target.dtype.kind == "i" and given["weight"] is None
        return Expected(0, _classes) if by_class else None
    return None if given.get("return_indices") else _ONE


_ONE = Expected(0)


def _plain(value: Any) -> bool:
    """Whether a hyper-parameter is a number, a name, or a tuple or list of such."""
    if isinstance(value, tuple | list):
        return all(map(_plain, value))
    return value is None or isinstance(value, bool | int | float | str | np.number | np.bool_)


def _classes(x: Any, target: Any, *, ignore_index: int = -100, **_: Any) -> bool:
    """Whether every class is one, or is ignored."""
    if len(x.shape) < 2:
        return False
    if not target.size or (target.min() >= 0 and target.max() < x.shape[1]):
        return True
    return bool((((target >= 0) & (target < x.shape[1])) | (target == ignore_index)).all())


class _Reader:
    """Calls that are read one after the other, those alone that lead to the loss."""

    def __init__(self, calls: Sequence[Recorded], arrays: Sequence[np.ndarray], wanted: Sequence[int]):
        self.calls, self.arrays, self.wanted = calls, arrays, tuple(wanted)
        self.images, self.dtype = 0, ""
        self.shapes: list[tuple[int, ...]] = []
        self.layers: list[layers.Layer] = []
        self.found: dict[Array | Result, Value] = {}

    def net(self) -> Net:
        last = self.calls[-1]
        if last.function not in LOSSES:
            losses = " or ".join(function.__name__ for function in LOSSES)
            raise Refused(f"{last.name} is what comes out, but a plan needs {losses}")
        needed = {len(self.calls) - 1}
        for number in reversed(range(len(self.calls))):
            if number in needed:
                call = self.calls[number]
                needed |= {o.number for o in (*call.args, *call.kwargs.values()) if isinstance(o, Result)}
        for number in sorted(needed)[:-1]:
            self.value(Result(number))
        found = LOSSES[last.function](self, **_bound(last))
        shapes = tuple(array.shape for array in self.arrays)
        return Net(self.images, self.dtype, shapes, tuple(self.shapes), tuple(self.layers), found, self.wanted)

    # --- operands ---

    def value(self, operand: Any, shape: Sequence[int] | None = None) -> Value:
        """An operand as a value; an argument comes as (N, C, *n), or as it is said to lie."""
        if isinstance(operand, Array):
            if operand not in self.found:
                came = self.floating(operand).shape
                if len(came) < 2 or 0 in came:
                    raise Refused(f"an array of shape {came} came, but a plan needs a batch of at least one channel")
                if self.images not in (0, came[0]):
                    raise Refused(f"batches of {self.images} and of {came[0]} came, but a plan has one")
                self.images = came[0]
                number = self.new(came[1:] if shape is None else shape)
                self.layers.append(layers.Input(operand.number, number))
                self.found[operand] = Value(number, shape is not None)
            return self.found[operand]
        if isinstance(operand, Other):
            raise Refused("a value is computed by what is no operator of functional")
        if not isinstance(operand, Result):
            raise Refused(
                f"an operand ({type(operand).__name__}) is no argument of the function: a plan would keep its numbers"
            )
        if operand not in self.found:
            call = self.calls[operand.number]
            if call.function in METHODS:
                self.found[operand] = METHODS[call.function](self, *call.args)
            elif call.function in LAYERS:
                self.found[operand] = LAYERS[call.function](self, **_bound(call))
            else:
                raise Refused(f"there are no planned kernels for {call.name}")
        return self.found[operand]

    def floating(self, operand: Array) -> np.ndarray:
        """An argument of the type that all of them have."""
        array = self.arrays[operand.number]
        if array.dtype not in (np.float32, np.float64) or not array.dtype.isnative:
            raise Refused(f"an array of {array.dtype} came, but a plan is for float32 and float64")
        if self.dtype not in ("", array.dtype.str[1:]):
            raise Refused("arrays of float32 and float64 came together, but a plan is for one type")
        self.dtype = array.dtype.str[1:]
        return array

    def parameter(self, operand: Any, name: str) -> int:
        """The number of an argument that is a parameter."""
        if not isinstance(operand, Array):
            raise Refused(f"{name} is no argument of the function, but a plan needs its parameters as they are")
        self.floating(operand)
        return operand.number

    def new(self, shape: Sequence[int]) -> int:
        if 0 in shape:
            raise Refused("an empty array is made on the way, which a plan has no kernels for")
        self.shapes.append(tuple(shape))
        return len(self.shapes) - 1

    def spatial(self, value: Value, name: str) -> tuple[int, ...]:
        """The spatial sizes of a value that is read as one with axes."""
        if value.flat:
            raise Refused(f"{name} is called on what was flattened")
        return self.shapes[value.number][1:]


def _bound(call: Recorded) -> dict[str, Any]:
    """The arguments of a call by name, with those that have a value of their own."""
    bound = inspect.signature(call.function).bind(*call.args, **call.kwargs)
    bound.apply_defaults()
    for name, value in bound.arguments.items():
        if name not in call.function.arrays and _read_at_call(value):
            raise Refused(f"{name} of {call.name} is an array of each call, but a plan needs numbers")
    return bound.arguments


def _read_at_call(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return any(map(_read_at_call, value))
    return isinstance(value, Array | Result | Other)


def _only(name: str, **given: Any) -> None:
    """Options that have to be what is said beside them."""
    for option, (came, needed) in given.items():
        if came != needed:
            raise Refused(f"{name} is called with {option}={came!r}, but planned kernels are for {needed!r} alone")


# --- layers -------------------------------------------------------------------------------------------------------


def _conv(
    reader: _Reader,
    x: Any,
    w: Any,
    b: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: Any,
    padding_mode: str,
    method: str,
) -> Value:
    _only("conv", padding_mode=(padding_mode, "zeros"), method=(method, "auto"))
    value = reader.value(x)
    number, sizes = reader.parameter(w, "W of conv"), reader.spatial(value, "conv")
    bias = None if b is None else reader.parameter(b, "B of conv")
    shape = reader.arrays[number].shape
    laid = windows(sizes, shape[2:], stride, padding, dilation, where="conv")
    made = reader.new((shape[0], *output_sizes(laid, sizes)))
    reader.layers.append(layers.Correlation(value.number, made, number, bias, laid, int(groups)))
    return Value(made, False)


def _linear(reader: _Reader, x: Any, w: Any, b: Any) -> Value:
    value = reader.value(x)
    number, (_, *sizes) = reader.parameter(w, "W of linear"), reader.shapes[value.number]
    if sizes and not value.flat:
        raise Refused("linear is called on an array with more axes than a batch and features")
    bias = None if b is None else reader.parameter(b, "B of linear")
    # the features of an image lie as (C, *n), and a window is all of them
    laid = tuple(Window(n) for n in sizes)
    made = reader.new((reader.arrays[number].shape[0], *[1] * len(sizes)))
    reader.layers.append(layers.Correlation(value.number, made, number, bias, laid, name="linear"))
    return Value(made, value.flat)


def _max_pool(
    reader: _Reader,
    x: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    return_indices: bool,
    ties: str,
    method: str,
) -> Value:
    _only("max_pool", return_indices=(return_indices, False), method=(method, "auto"))
    value = reader.value(x)
    sizes = reader.spatial(value, "max_pool")
    step = kernel_size if stride is None else stride
    laid = windows(sizes, kernel_size, step, padding, dilation, ceil_mode=ceil_mode, where="max_pool")
    return _greatest(reader, value, laid, ties)


def _greatest(reader: _Reader, value: Value, laid: tuple[Window, ...], ties: str) -> Value:
    if ties not in ("first", "last"):
        raise Refused(f"a maximum is taken with ties={ties!r}, but there are planned kernels for 'first' and 'last'")
    channels, *sizes = reader.shapes[value.number]
    made = reader.new((channels, *output_sizes(laid, sizes)))
    reader.layers.append(layers.MaxPool(value.number, made, laid, ties == "last"))
    return Value(made, False)


def _global_max_pool(reader: _Reader, x: Any, ties: str) -> Value:
    value = reader.value(x)
    return _greatest(reader, value, tuple(map(Window, reader.spatial(value, "global_max_pool"))), ties)


def _avg_pool(
    reader: _Reader,
    x: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
    method: str,
) -> Value:
    _only("avg_pool", method=(method, "auto"))
    value = reader.value(x)
    sizes, step = reader.spatial(value, "avg_pool"), kernel_size if stride is None else stride
    laid = windows(sizes, kernel_size, step, padding, ceil_mode=ceil_mode, where="avg_pool")
    divisors = occupancy(laid, sizes, padding=count_include_pad)
    return _mean(reader, value, laid, divisors if divisor_override is None else np.array(divisor_override))


def _mean(reader: _Reader, value: Value, laid: tuple[Window, ...], divisors: np.ndarray) -> Value:
    channels, *sizes = reader.shapes[value.number]
    made = reader.new((channels, *output_sizes(laid, sizes)))
    reader.layers.append(layers.AvgPool(value.number, made, laid, divisors))
    return Value(made, False)


def _global_avg_pool(reader: _Reader, x: Any) -> Value:
    value = reader.value(x)
    sizes = reader.spatial(value, "global_avg_pool")
    return _mean(reader, value, tuple(map(Window, sizes)), np.array(math.prod(sizes)))


def _batch_norm(
    reader: _Reader,
    x: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any,
    bias: Any,
    training: bool,
    momentum: float,
    eps: float,
) -> Value:
    _only("batch_norm", training=(bool(training), True))
    if running_mean is not None or running_var is not None:
        raise Refused(
            "batch_norm is called with running statistics, but a plan computes a number and gradients alone: "
            "the new statistics would be lost"
        )
    value = reader.value(x)
    shape = reader.shapes[value.number]
    if value.flat and math.prod(shape[1:]) > 1:
        raise Refused("batch_norm is called on what was flattened")
    w, b = (
        None if array is None else reader.parameter(array, f"{name} of batch_norm")
        for array, name in ((weight, "weight"), (bias, "bias"))
    )
    made = reader.new(shape)
    reader.layers.append(layers.Norm(value.number, made, w, b, float(eps)))
    return Value(made, value.flat)


def _add(reader: _Reader, x: Any, z: Any) -> Value:
    first, second = reader.value(x), reader.value(z)
    shape = reader.shapes[first.number]
    if shape != reader.shapes[second.number] or first.flat != second.flat:
        raise Refused("two values of different shapes are added")
    made = reader.new(shape)
    reader.layers.append(layers.Sum(first.number, second.number, made))
    return Value(made, first.flat)


def _flatten(reader: _Reader, x: Any) -> Value:
    return Value(reader.value(x).number, True)


def _reshape(reader: _Reader, x: Any, shape: tuple[int, ...]) -> Value:
    value = reader.value(x)
    if shape == (reader.images, math.prod(reader.shapes[value.number])):
        return Value(value.number, True)
    raise Refused(
        f"an array is given the shape {shape}, but a plan flattens all that lies behind the batch, or nothing"
    )


def _pointwise(name: str, numbers: Callable[..., tuple[float, ...]] = lambda: ()) -> Callable[..., Value]:
    """An activation by its name among the kernels, and the numbers that fix it."""

    def read(reader: _Reader, x: Any, **options: Any) -> Value:
        value = reader.value(x)
        made = reader.new(reader.shapes[value.number])
        reader.layers.append(layers.Activation(value.number, made, name, tuple(map(float, numbers(**options)))))
        return Value(made, value.flat)

    return read


def _gelu(reader: _Reader, x: Any, approximate: str) -> Value:
    exact = approximate == "none"
    return (_pointwise("gelu") if exact else _pointwise("gelu_tanh", lambda: (_default(GELU_CUBIC),)))(reader, x)


def _default(constant: Any) -> float:
    return float(constant.default)


# --- losses -------------------------------------------------------------------------------------------------------


def _cross_entropy(
    reader: _Reader, x: Any, target: Any, weight: Any, ignore_index: int, reduction: str, label_smoothing: float
) -> layers.Loss:
    value = reader.value(x)
    if not isinstance(target, Array):
        raise Refused("the target of cross_entropy is no argument of the function")
    if weight is not None:
        raise Refused("cross_entropy is called with weights, which there are no planned kernels for")
    if reader.arrays[target.number].dtype.kind != "i":
        raise Refused("the target of cross_entropy holds no signed integers, which there are planned kernels for")
    mean = _mean_of("cross_entropy", reduction)
    return layers.Classes(value.number, target.number, int(ignore_index), float(label_smoothing), mean, value.flat)


def _mse(reader: _Reader, x: Any, target: Any, reduction: str) -> layers.Loss:
    value = reader.value(x)
    if not isinstance(target, Array) or target in reader.found or target.number in reader.wanted:
        raise Refused("the target of mse must be an argument that nothing else reads, and no gradient is taken by")
    other = reader.value(target, reader.shapes[value.number] if value.flat else None)
    return layers.Squares(value.number, other.number, _mean_of("mse", reduction))


def _mean_of(name: str, reduction: str) -> bool:
    if reduction == "none":
        raise Refused(f"{name} is called with reduction='none'")
    return reduction == "mean"


# --- the tables ---------------------------------------------------------------------------------------------------

LAYERS: Mapping[Any, Callable[..., Value]] = {
    convolutions.conv: _conv,
    features.linear: _linear,
    features.add: _add,
    normalization.batch_norm: _batch_norm,
    arrange.flatten: _flatten,
    pooling.max_pool: _max_pool,
    pooling.avg_pool: _avg_pool,
    pooling.global_max_pool: _global_max_pool,
    pooling.global_avg_pool: _global_avg_pool,
    activation.relu: _pointwise("relu"),
    activation.relu6: _pointwise("relu6"),
    activation.leaky_relu: _pointwise("prelu", lambda negative_slope: (negative_slope,)),
    activation.hardswish: _pointwise("hardswish"),
    activation.elu: _pointwise("elu", lambda alpha: (alpha, 1.0)),
    activation.selu: _pointwise("elu", lambda: tuple(map(_default, SELU))[::-1]),
    activation.softplus: _pointwise(
        "softplus", lambda beta, threshold: (beta, math.inf if threshold is None else threshold)
    ),
    activation.sigmoid: _pointwise("sigmoid"),
    activation.tanh: _pointwise("scaled_tanh", lambda: (1.0, 1.0)),
    activation.scaled_tanh: _pointwise("scaled_tanh", lambda amplitude, slope: (amplitude, slope)),
    activation.silu: _pointwise("silu"),
    activation.gelu: _gelu,
}
# methods of arrays, with the arguments that they are recorded with
METHODS: Mapping[Any, Callable[..., Value]] = {np.add: _add, np.reshape: _reshape}
LOSSES: Mapping[Any, Callable[..., layers.Loss]] = {loss.cross_entropy: _cross_entropy, loss.mse: _mse}
