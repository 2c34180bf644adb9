"""Valid cases of an operator, as a Hypothesis strategy. They shrink to one tap, stride 1, no padding.

Sizes come after the kernel that must fit in them, so every case is valid as built; nothing is filtered. The data are
small integers, on which floating point is exact: then equal means equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st

from convmath.errors import unknown
from convmath.ops.registry import Operator, operator, operators
from convmath.window import BORDERS, span, transposed_size

__all__ = ["Case", "cases"]


@dataclass(frozen=True)
class Case:
    """Arguments for one call of an operator, as `functional` takes them."""

    op: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    @property
    def ndim(self) -> int:
        return self.args[0].ndim - 2

    @cached_property
    def arrays(self) -> tuple[np.ndarray, ...]:
        return tuple(argument for argument in self.args if isinstance(argument, np.ndarray))

    @property
    def operator(self) -> Operator:
        return operator(self.op, ndim=self.ndim)

    @property
    def given(self) -> dict[str, Any]:
        """The hyper-parameters by name, also those that `functional` takes by position."""
        kernel = {} if len(self.arrays) == len(self.args) else {"kernel_size": self.args[1]}
        return {**kernel, **self.kwargs}

    @cached_property
    def expected(self) -> np.ndarray:
        """The value by definition."""
        return self.operator.exact(*self.arrays, **self.given)

    def expected_vjp(self, cotangent: np.ndarray) -> tuple[np.ndarray, ...]:
        """The gradients by the derived formulas."""
        return self.operator.exact_vjp(cotangent, *self.arrays, **self.given)

    def with_arrays(self, *arrays: np.ndarray) -> Case:
        """The same call on other arrays."""
        return Case(self.op, (*arrays, *self.args[len(self.arrays) :]), self.kwargs)

    def __str__(self) -> str:
        said = [
            f"array of shape {a.shape}" if isinstance(a, np.ndarray) and a.size > 12 else _brief(a)
            for a in self.args
        ]
        said += [f"{key}={value!r}" for key, value in self.kwargs.items()]
        return f"{self.op}({', '.join(said)})"


def _brief(value: Any) -> str:
    return f"array({value.tolist()})" if isinstance(value, np.ndarray) else repr(value)


# --- drawing ------------------------------------------------------------------------------------------------------

# few enough elements that exact evaluation takes milliseconds
_ROOM = {1: 6, 2: 3, 3: 2}


def _room(ndim: int) -> int:
    return _ROOM.get(ndim, 1)


def _array(draw: Callable[..., Any], shape: tuple[int, ...], distinct: bool = False) -> np.ndarray:
    """Small integers as float64; the whole array is one integer seed, which shrinks to zeros and ones fast."""
    count = int(np.prod(shape, dtype=int))
    seed = draw(st.integers(0, 2**20))
    rng = np.random.default_rng(seed)
    values = rng.permutation(count) - count // 2 if distinct else rng.integers(-4, 5, count)
    return values.reshape(shape).astype(float)


@dataclass(frozen=True, slots=True)
class _Axis:
    kernel: int
    stride: int
    dilation: int
    before: int
    after: int
    size: int


def _axis(
    draw: Callable[..., Any], ndim: int, *, dilated: bool = True, padded: int | None = None, reach: Any = None
) -> _Axis:
    room = _room(ndim)
    kernel = draw(st.integers(1, min(3, room + 1)))
    stride = draw(st.integers(1, 3))
    dilation = draw(st.integers(1, 3)) if dilated else 1
    most = 3 if padded is None else min(padded, kernel - 1 if padded == -1 else padded)
    before, after = draw(st.integers(0, max(most, 0))), draw(st.integers(0, max(most, 0)))
    least = max(1, span(kernel, dilation) - before - after)
    if reach is not None:
        # a border reaches only so far: the axis is at least so long that the padding is within it
        least = max(least, *(pad + 1 - reach(1) for pad in (before, after)))
    return _Axis(kernel, stride, dilation, before, after, draw(st.integers(least, least + room)))


def _hyper(axes: list[_Axis], *names: str) -> dict[str, Any]:
    """The hyper-parameters of some axes; what is the default on every axis is left out."""
    values: dict[str, tuple] = {
        "stride": tuple(axis.stride for axis in axes),
        "padding": tuple((axis.before, axis.after) for axis in axes),
        "dilation": tuple(axis.dilation for axis in axes),
    }
    plain = {"stride": 1, "padding": (0, 0), "dilation": 1}
    return {name: values[name] for name in names if any(value != plain[name] for value in values[name])}


def _channels(draw: Callable[..., Any]) -> tuple[int, int, int, int]:
    """Batch, groups, and input and output channels a group."""
    return tuple(draw(st.integers(1, most)) for most in (2, 3, 2, 2))  # type: ignore[return-value]


@st.composite
def _conv(draw: Callable[..., Any], ndim: int, only: Mapping[str, Any]) -> Case:
    N, G, C, O = _channels(draw)  # noqa: E741
    mode = draw(st.sampled_from(["zeros", *BORDERS])) if "padding_mode" not in only else only["padding_mode"]
    reach = None if mode == "zeros" else BORDERS[mode].reach
    axes = [_axis(draw, ndim, reach=reach) for _ in range(ndim)]
    x = _array(draw, (N, G * C, *(axis.size for axis in axes)))
    w = _array(draw, (G * O, C, *(axis.kernel for axis in axes)))
    kwargs = _hyper(axes, "stride", "padding", "dilation")
    kwargs |= ({"groups": G} if G > 1 else {}) | ({"padding_mode": mode} if mode != "zeros" else {})
    bias = (_array(draw, (G * O,)),) if draw(st.booleans()) else ()
    return Case("conv", (x, w, *bias), kwargs)


@st.composite
def _conv_transpose(draw: Callable[..., Any], ndim: int, only: Mapping[str, Any]) -> Case:
    N, G, C, O = _channels(draw)  # noqa: E741
    sizes, kernels, axes, extras = [], [], [], []
    for _ in range(ndim):
        kernel, stride, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
        n, extra = draw(st.integers(1, 1 + _room(ndim))), draw(st.integers(0, max(stride, dilation) - 1))
        whole = transposed_size(n, kernel, stride, dilation, 0, 0, extra)
        before = draw(st.integers(0, min(3, whole - 1)))
        after = draw(st.integers(0, min(3, whole - 1 - before)))
        axes.append(_Axis(kernel, stride, dilation, before, after, n))
        sizes.append(n)
        kernels.append(kernel)
        extras.append(extra)
    x = _array(draw, (N, G * C, *sizes))
    w = _array(draw, (G * C, O, *kernels))
    kwargs = _hyper(axes, "stride", "padding", "dilation")
    kwargs |= ({"groups": G} if G > 1 else {}) | ({"output_padding": tuple(extras)} if any(extras) else {})
    bias = (_array(draw, (G * O,)),) if draw(st.booleans()) else ()
    return Case("conv_transpose", (x, w, *bias), kwargs)


def _pool(
    draw: Callable[..., Any], name: str, ndim: int, dilated: bool, distinct: bool
) -> tuple[np.ndarray, list[_Axis], dict]:
    axes = []
    for _ in range(ndim):
        kernel, stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
        dilation = draw(st.integers(1, 3)) if dilated else 1
        # half a window of padding at most: then no window is without an element of the input
        half = (kernel // 2 if dilation == 1 else 0) if dilated else kernel // 2
        before, after = draw(st.integers(0, half)), draw(st.integers(0, half))
        least = max(1, span(kernel, dilation) - before - after)
        axes.append(_Axis(kernel, stride, dilation, before, after, draw(st.integers(least, least + _room(ndim)))))
    x = _array(draw, (draw(st.integers(1, 2)), draw(st.integers(1, 2)), *(axis.size for axis in axes)), distinct)
    kwargs = _hyper(axes, "padding", "dilation") | {"stride": tuple(axis.stride for axis in axes)}
    kwargs |= {"ceil_mode": True} if draw(st.booleans()) else {}
    return x, axes, kwargs


@st.composite
def _max_pool(draw: Callable[..., Any], ndim: int, only: Mapping[str, Any]) -> Case:
    x, axes, kwargs = _pool(draw, "max_pool", ndim, True, distinct=draw(st.booleans()))
    ties = only.get("ties") or draw(st.sampled_from(["first", "last", "split", "all"]))
    kwargs |= {"ties": ties} if ties != "first" else {}
    return Case("max_pool", (x, tuple(axis.kernel for axis in axes)), kwargs)


@st.composite
def _avg_pool(draw: Callable[..., Any], ndim: int, only: Mapping[str, Any]) -> Case:
    x, axes, kwargs = _pool(draw, "avg_pool", ndim, False, distinct=False)
    kwargs |= {"count_include_pad": False} if draw(st.booleans()) else {}
    kwargs |= {"divisor_override": draw(st.integers(1, 5))} if draw(st.booleans()) else {}
    return Case("avg_pool", (x, tuple(axis.kernel for axis in axes)), kwargs)


STRATEGIES = {"conv": _conv, "conv_transpose": _conv_transpose, "max_pool": _max_pool, "avg_pool": _avg_pool}


def cases(op: str | Operator, ndim: int | None = None, **only: Any) -> st.SearchStrategy[Case]:
    """Valid cases of an operator in `ndim` spatial dimensions (1 to 3 if unsaid); `only` fixes an option."""
    name = op.name if isinstance(op, Operator) else op
    if name not in STRATEGIES:
        raise unknown("operator", name, operators())
    if isinstance(op, Operator):
        ndim = op.ndim
    dimensions = st.just(ndim) if ndim else st.integers(1, 3)
    return dimensions.flatmap(lambda d: STRATEGIES[name](d, only))
