"""Valid cases of an operator, as a Hypothesis strategy. They shrink to one tap, stride 1, no padding, and ones.

Sizes come after the kernel that must fit in them, so every case is valid as built; nothing is filtered. The data
are small integers, on which floating point is exact: then equal means equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st

from convmath.errors import HyperparameterError, unknown
from convmath.ops.registry import Operator, family_options, operator, operators
from convmath.window import BORDERS, Window, transposed_size, whole, windows

__all__ = ["Case", "cases", "integers"]


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

    @cached_property
    def operator(self) -> Operator:
        """The operator with the options of this call, its hyper-parameters open."""
        known = family_options(self.op)
        options = {key: value for key, value in self.kwargs.items() if key in known}
        options = {key: value if isinstance(value, bool | str) else True for key, value in options.items()}
        return operator(self.op, ndim=self.ndim, **options, **({"bias": True} if len(self.arrays) == 3 else {}))

    @property
    def given(self) -> dict[str, Any]:
        """The hyper-parameters by name, also those that `functional` takes by position."""
        kernel = {} if len(self.arrays) == len(self.args) else {"kernel_size": self.args[1]}
        return {**kernel, **self.kwargs}

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """How its windows lie, one an axis."""
        given, pool = self.given, len(self.arrays) < len(self.args)
        kernel = given["kernel_size"] if pool else self.arrays[1].shape[2:]
        return windows(
            self.arrays[0].shape[2:],
            kernel,
            given.get("stride", kernel if pool else 1),
            given.get("padding", 0),
            given.get("dilation", 1),
            ceil_mode=given.get("ceil_mode", False),
            where=self.op,
            fits=False,
        )

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

    def copy(self) -> Case:
        """The same call on copies of the arrays."""
        return self.with_arrays(*(array.copy() for array in self.arrays))

    def __str__(self) -> str:
        said = [
            f"array of shape {a.shape}" if isinstance(a, np.ndarray) and a.size > 12 else _brief(a) for a in self.args
        ]
        said += [f"{key}={value!r}" for key, value in self.kwargs.items()]
        return f"{self.op}({', '.join(said)})"


def _brief(value: Any) -> str:
    return f"array({value.tolist()})" if isinstance(value, np.ndarray) else repr(value)


# --- numbers ------------------------------------------------------------------------------------------------------

SEEDS = st.integers(0, 2**20)


def integers(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """Small integers as float64, told by one number, so that they shrink at once: 0 is ones, 1 is 1, 2, …, 9, 1, …

    >>> integers(0, (3,)), integers(1, (2, 2))
    (array([1., 1., 1.]), array([[1., 2.],
           [3., 4.]]))
    """
    count = math.prod(shape)
    simple = [np.ones(count), np.arange(count) % 9 + 1]
    values = simple[seed] if seed < len(simple) else np.random.default_rng(seed).integers(-4, 5, count)
    return values.reshape(shape).astype(float)


def _distinct(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """Integers no two of which are equal: 0 means 0, 1, 2, …."""
    count = math.prod(shape)
    values = np.random.default_rng(seed).permutation(count) - count // 2 if seed else np.arange(count)
    return values.reshape(shape).astype(float)


# --- drawing ------------------------------------------------------------------------------------------------------

Draw = Callable[[st.SearchStrategy], Any]

# the longest kernel, step (stride or dilation) and padding, and how much longer than its kernel an axis may be, by
# the number of axes: few enough elements that exact evaluation takes milliseconds
_MOST = {1: (5, 3, 3, 6), 2: (3, 3, 3, 3), 3: (3, 3, 3, 2)}
_MOST_BEYOND = (2, 2, 1, 1)

# mostly one or two; an empty batch is valid too
_BATCH = st.sampled_from((1, 2, 1, 2, 3, 1, 2, 0))

# channels a group, in and out: also counts that no vector length divides
_CHANNELS = ((1, 1), (2, 1), (1, 2), (2, 3), (3, 2), (5, 1), (1, 5), (17, 1), (1, 17))


@dataclass(frozen=True)
class _Options:
    """What is fixed, and how the rest is drawn."""

    draw: Draw
    ndim: int
    only: Mapping[str, Any]

    def one_of(self, name: str, *values: Any) -> Any:
        return self.only[name] if name in self.only else self.draw(st.sampled_from(values))

    def pads(self, most: int, together: int | None = None) -> tuple[int, int]:
        """The padding before and after, each at most `most`, and `together` in all."""
        together = 2 * most if together is None else together
        if self.only.get("padding") == "symmetric":
            return (self.draw(st.integers(0, min(most, together // 2))),) * 2
        before = self.draw(st.integers(0, min(most, together)))
        return before, self.draw(st.integers(0, min(most, together - before)))

    def window(self, *, dilated: bool = True, within: bool = False) -> Window:
        """A kernel, and how it is laid. With `within`, a window that is partly outside is partly inside too."""
        longest, reach, padding, _ = self.most
        kernel, stride = self.draw(st.integers(1, longest)), self.draw(st.integers(1, reach))
        dilation = self.draw(st.integers(1, reach)) if dilated else 1
        laid = Window(kernel, stride, dilation)
        return Window(kernel, stride, dilation, *self.pads(min(padding, laid.span - 1) if within else padding))

    def size(self, least: int) -> int:
        return self.draw(st.integers(least, least + self.most[-1]))

    def axes(self, each: Callable[[_Options], Any]) -> list[Any]:
        """What `each` draws, once an axis: in one piece, so that shrinking can leave out an axis as a whole."""
        return [self.draw(_piece(self, each)) for _ in range(self.ndim)]

    @property
    def most(self) -> tuple[int, int, int, int]:
        return _MOST.get(self.ndim, _MOST_BEYOND)

    def channels(self) -> tuple[int, int, int, int]:
        """Batch, groups, and channels a group, in and out."""
        pairs = _CHANNELS if self.ndim < 3 else _CHANNELS[:4]
        return self.draw(_BATCH), self.draw(st.integers(1, 3)), *self.draw(st.sampled_from(pairs))

    def arrays(self, *shapes: tuple[int, ...]) -> tuple[np.ndarray, ...]:
        return tuple(integers(self.draw(SEEDS), shape) for shape in shapes)

    def given(self, laid: tuple[Window, ...], *names: str) -> dict[str, Any]:
        """The hyper-parameters of some axes; what is the default on every axis is left out."""
        plain = {"stride": 1, "padding": (0, 0), "dilation": 1}
        values: dict[str, list] = {
            "stride": [window.stride for window in laid],
            "padding": [(window.before, window.after) for window in laid],
            "dilation": [window.dilation for window in laid],
        }
        found = {name: tuple(values[name]) for name in names if any(value != plain[name] for value in values[name])}
        if "padding" in found and self.only.get("padding") == "symmetric":
            found["padding"] = tuple(window.before for window in laid)
        return found


@st.composite
def _piece(draw: Draw, options: _Options, each: Callable[[_Options], Any]) -> Any:
    return each(replace(options, draw=draw))


def _conv(options: _Options) -> Case:
    mode = options.one_of("padding_mode", *["zeros"] * len(BORDERS), *BORDERS)

    def axis(one: _Options) -> tuple[Window, int]:
        window = one.window()
        return window, one.size(max(1, window.span - window.before - window.after, *_within_reach(mode, window)))

    laid, sizes = zip(*options.axes(axis), strict=True)
    N, G, C, O = options.channels()
    x, w, b = options.arrays((N, G * C, *sizes), (G * O, C, *(window.kernel for window in laid)), (G * O,))
    kwargs = options.given(laid, "stride", "padding", "dilation")
    kwargs |= ({"groups": G} if G > 1 else {}) | ({"padding_mode": mode} if mode != "zeros" else {})
    return Case("conv", (x, w, b) if options.one_of("bias", False, True) else (x, w), kwargs)


def _within_reach(mode: str, window: Window) -> list[int]:
    """The least sizes of an axis whose padding a border reaches."""
    reach = BORDERS[mode].reach if mode in BORDERS else None
    return [] if reach is None else [pad + 1 - reach(1) for pad in (window.before, window.after)]


def _conv_transpose(options: _Options) -> Case:
    def axis(one: _Options) -> tuple[Window, int, int]:
        longest, reach, padding, _ = one.most
        kernel, stride, dilation = (one.draw(st.integers(1, most)) for most in (longest, reach, reach))
        n, extra = one.size(1), one.draw(st.integers(0, max(stride, dilation) - 1))
        full = transposed_size(n, kernel, stride, dilation, 0, 0, extra)
        return Window(kernel, stride, dilation, *one.pads(padding, full - 1)), n, extra

    laid, sizes, extras = zip(*options.axes(axis), strict=True)
    N, G, C, O = options.channels()
    x, w, b = options.arrays((N, G * C, *sizes), (G * C, O, *(window.kernel for window in laid)), (G * O,))
    kwargs = options.given(laid, "stride", "padding", "dilation")
    kwargs |= ({"groups": G} if G > 1 else {}) | ({"output_padding": extras} if any(extras) else {})
    return Case("conv_transpose", (x, w, b) if options.one_of("bias", False, True) else (x, w), kwargs)


def _pool(options: _Options, *names: str) -> tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]:
    """The shape of the input, the kernel and the hyper-parameters of a pool none of whose windows is empty."""

    def axis(one: _Options) -> tuple[Window, int]:
        window = one.window(dilated="dilation" in names, within=True)
        # a dilated window that is partly outside has a tap inside an axis that no step of it jumps over
        least = window.dilation if window.before or window.after else 1
        return window, one.size(max(least, window.span - window.before - window.after))

    laid, sizes = zip(*options.axes(axis), strict=True)
    kernel, strides = (tuple(getattr(window, name) for window in laid) for name in ("kernel", "stride"))
    kwargs = options.given(laid, "padding", *names) | ({"stride": strides} if strides != kernel else {})
    kwargs |= {"ceil_mode": True} if options.one_of("ceil_mode", False, True) else {}
    channels = options.draw(st.sampled_from((1, 2, 3, 5, 17)))
    return (options.draw(_BATCH), channels, *sizes), kernel, kwargs


def _max_pool(options: _Options) -> Case:
    shape, kernel, kwargs = _pool(options, "dilation")
    values = options.draw(st.sampled_from((integers, _distinct)))
    ties = options.one_of("ties", "first", "last", "split", "all")
    kwargs |= {"ties": ties} if ties != "first" else {}
    return Case("max_pool", (values(options.draw(SEEDS), shape), kernel), kwargs)


def _avg_pool(options: _Options) -> Case:
    shape, kernel, kwargs = _pool(options)
    kwargs |= {} if options.one_of("count_include_pad", True, True, False) else {"count_include_pad": False}
    if options.one_of("divisor_override", False, False, False, True):
        kwargs["divisor_override"] = options.draw(st.integers(1, 5))
    return Case("avg_pool", (*options.arrays(shape), kernel), kwargs)


_DRAWN: Mapping[str, Callable[[_Options], Case]] = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
}


@st.composite
def _cases(draw: Draw, name: str, ndim: int, only: Mapping[str, Any]) -> Case:
    return _DRAWN[name](_Options(draw, ndim, only))


def cases(op: str | Operator, ndim: int | None = None, **only: Any) -> st.SearchStrategy[Case]:
    """Valid cases of an operator in `ndim` spatial dimensions (1 to 3 if unsaid).

    `only` fixes options of the operator (padding_mode="zeros", ties="first", …); padding="symmetric" draws the same
    padding at both ends of an axis.
    """
    name = op.name if isinstance(op, Operator) else op
    if not isinstance(name, str) or name not in _DRAWN:
        raise unknown("operator", name, operators(), "cases")
    if isinstance(op, Operator):
        if op.fixed:
            raise HyperparameterError(f"{op} has fixed hyper-parameters, but cases are drawn for open ones [cases]")
        ndim, only = op.ndim, dict(op.options) | only
    known = {**family_options(name), "padding": ("symmetric",)}
    for key, value in only.items():
        if key not in known:
            raise unknown(f"option of {name}", key, known, "cases")
        if value not in known[key]:
            raise unknown(key, value, map(str, known[key]), f"cases({name!r})")
    if ndim is not None:
        return _cases(name, whole(ndim, "ndim", f"cases({name!r})", 1), only)
    return st.integers(1, 3).flatmap(lambda d: _cases(name, d, only))
