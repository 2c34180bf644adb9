"""Planned derivatives: equal to those without a plan, on random networks; what is refused; and what never changes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import convmath as cm
from convmath import functional as F
from convmath.errors import DataError, DtypeError, HyperparameterError
from convmath.kernels import choice
from convmath.kernels.threads import threads

from ..faults import caught
from ..kernels.sums import at_width, gamma

pytest.importorskip("llvmlite", reason="llvmlite is not installed (the extra convmath[fast] brings it)")

from convmath.kernels.simd.images import (
    back,
    buffers,
    draft,
    network,
    tables,
    there,
    tiled,
    winograd,
    winograd_weights,
)

Draw = Callable[..., Any]

# --- random networks ----------------------------------------------------------------------------------------------

PIECES = {
    "relu": F.relu,
    "relu6": F.relu6,
    "leaky_relu": lambda x: F.leaky_relu(x, negative_slope=0.5),
    "nothing": lambda x: x,
}
KINKS = {
    "elu": lambda x: F.elu(x, alpha=0.5),
    "selu": F.selu,
    "softplus": lambda x: F.softplus(x, beta=2.0, threshold=3.0),
    "hardswish": F.hardswish,
}
SMOOTH = {
    "tanh": F.tanh,
    "sigmoid": F.sigmoid,
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "softplus": F.softplus,
    "scaled_tanh": F.scaled_tanh,
}
# divisors are powers of two, so that means of integers are exact
MEANS = (1, 2)


@dataclass(frozen=True)
class Network:
    """Layers as functions of a value and of the parameters that are left; the shapes of parameters, of X and of T."""

    images: int
    sample: tuple[int, ...]
    layers: tuple[Callable[[Any, Iterator[Any]], Any], ...]
    shapes: tuple[tuple[int, ...], ...]
    target: tuple[int, ...]
    classes: int | None  # of whole numbers, or the numbers of T are real
    said: str

    def __repr__(self) -> str:
        return f"{self.images} images of {self.sample}: {self.said}"

    def loss(self, parameters: Sequence[Any], x: Any, target: Any) -> Any:
        left = iter(parameters)
        for layer in self.layers:
            x = layer(x, left)
        assert next(left, None) is None
        return F.mse(x, target, reduction="sum") if self.classes is None else F.cross_entropy(x, target)


class _Making:
    """A network in the making: each method adds a layer and draws what fixes it."""

    def __init__(
        self,
        draw: Draw,
        activations: dict[str, Any],
        channels: Sequence[int] = (1, 2, 4, 6),
        least: int = 1,
        most: int = 3,
    ):
        self.draw, self.activations = draw, activations
        self.images, self.channels = draw(st.integers(1, 37)), draw(st.sampled_from(channels))
        self.sizes = tuple(draw(st.integers(1, 7)) for _ in range(draw(st.integers(least, most))))
        self.sample = (self.channels, *self.sizes)
        self.layers: list[Any] = []
        self.shapes: list[tuple[int, ...]] = []
        self.said: list[str] = []
        self.flat = False

    def add(self, said: str, layer: Callable[[Any, Iterator[Any]], Any], *shapes: tuple[int, ...]) -> None:
        self.layers.append(layer)
        self.shapes += shapes
        self.said.append(said)

    def _each(self, least: int, most: int) -> tuple[int, ...]:
        return tuple(self.draw(st.integers(least, most)) for _ in self.sizes)

    def conv(self) -> None:
        kernel, pads = self._each(1, 3), [self.draw(st.tuples(*[st.integers(0, 2)] * 2)) for _ in self.sizes]
        each = zip(kernel, self.sizes, pads, strict=True)
        kernel = tuple(min(k, n + sum(pad)) for k, n, pad in each)
        most = [(n + sum(pad) - 1) // max(1, k - 1) for k, n, pad in zip(kernel, self.sizes, pads, strict=True)]
        dilation = tuple(self.draw(st.integers(1, max(1, min(2, d)))) for d in most)
        stride = self._each(1, 3)
        groups = self.draw(st.sampled_from([g for g in (1, 2) if self.channels % g == 0]))
        outputs = groups * self.draw(st.integers(1, 9))
        shape, biased = (outputs, self.channels // groups, *kernel), self.draw(st.booleans())
        options = {"stride": stride, "padding": pads, "dilation": dilation, "groups": groups}
        self.add(
            f"conv{shape} {options}",
            lambda x, p: F.conv(x, next(p), next(p) if biased else None, **options),
            *(shape, (outputs,))[: 1 + biased],
        )
        self._to(lambda x: F.conv(x, np.zeros(shape), **options))

    def three(self) -> None:
        """3×3 taps of stride 1, which are computed by tiles where there are channels enough."""
        least = [0 if n > 2 else 1 for n in self.sizes]
        pads = [tuple(self.draw(st.integers(pad, 2)) for _ in range(2)) for pad in least]
        groups = self.draw(st.sampled_from([g for g in (1, 2) if self.channels % g == 0]))
        biased = self.draw(st.booleans())
        shape, options = (self.channels, self.channels // groups, 3, 3), {"padding": pads, "groups": groups}
        self.add(
            f"conv{shape} {options}",
            lambda x, p: F.conv(x, next(p), next(p) if biased else None, **options),
            *(shape, (self.channels,))[: 1 + biased],
        )
        self._to(lambda x: F.conv(x, np.zeros(shape), **options))

    def norm(self) -> None:
        weighted, biased = self.draw(st.booleans()), self.draw(st.booleans())
        eps = self.draw(st.sampled_from([0.25, 1.0]))

        def layer(x: Any, p: Iterator[Any]) -> Any:
            weight, bias = (next(p) if there else None for there in (weighted, biased))
            return F.batch_norm(x, weight=weight, bias=bias, training=True, eps=eps)[0]

        self.add("batch_norm", layer, *[(self.channels,)] * (weighted + biased))

    def _to(self, call: Callable[[np.ndarray], np.ndarray]) -> None:
        _, self.channels, *sizes = call(np.zeros((1, self.channels, *self.sizes))).shape
        self.sizes = tuple(sizes)

    def activation(self) -> None:
        name = self.draw(st.sampled_from(sorted(self.activations)))
        self.add(name, lambda x, p: self.activations[name](x))

    def max_pool(self) -> None:
        kernel = tuple(min(k, n) for k, n in zip(self._each(1, 3), self.sizes, strict=True))
        options = {
            "stride": self._each(1, 3),
            "padding": [self.draw(st.integers(0, k // 2)) for k in kernel],
            "ceil_mode": self.draw(st.booleans()),
            "ties": self.draw(st.sampled_from(["first", "last"])),
        }
        self.add(f"max_pool {kernel} {options}", lambda x, p: F.max_pool(x, kernel, **options))
        self._to(lambda x: F.max_pool(x, kernel, **options))

    def apart_pool(self) -> None:
        """Windows side by side, as they are made together with a convolution."""
        kernel = tuple(min(k, n) for k, n in zip(self._each(1, 2), self.sizes, strict=True))
        self.add(f"max_pool {kernel}", lambda x, p: F.max_pool(x, kernel))
        self._to(lambda x: F.max_pool(x, kernel))

    def avg_pool(self) -> None:
        kernel = tuple(min(self.draw(st.sampled_from(MEANS)), n) for n in self.sizes)
        options = {
            "stride": self._each(1, 3),
            "padding": [self.draw(st.integers(0, k // 2)) for k in kernel],
            "count_include_pad": self.draw(st.booleans()),
        }
        self.add(f"avg_pool {kernel} {options}", lambda x, p: F.avg_pool(x, kernel, **options))
        self._to(lambda x: F.avg_pool(x, kernel, **options))

    def global_pool(self) -> None:
        self.add("global_max_pool", lambda x, p: F.global_max_pool(x))
        self._to(F.global_max_pool)

    def normal_residual(self) -> None:
        """The sum of two that are normalised, as a block has them whose shortcut is a convolution."""
        outputs, stride, later = self.draw(st.integers(1, 6)), self._each(1, 2), self.draw(st.booleans())
        shapes = [(outputs, self.channels, *[size] * len(self.sizes)) for size in (3, 1)]

        def layer(x: Any, p: Iterator[Any]) -> Any:
            y, z = (
                F.batch_norm(F.conv(x, next(p), stride=stride, padding=pad), weight=next(p), training=True, eps=0.25)[0]
                for pad in (1, 0)
            )
            return F.relu(F.add(y, z) if later else F.add(z, y))

        self.add(f"norm(conv{shapes[0]}) + norm(conv{shapes[1]})", layer, *[s for w in shapes for s in (w, (outputs,))])
        self.channels, self.sizes = outputs, tuple(-(-n // s) for n, s in zip(self.sizes, stride, strict=True))

    def residual(self) -> None:
        name, method = self.draw(st.sampled_from(sorted(self.activations))), self.draw(st.booleans())
        f, shape = self.activations[name], (self.channels, self.channels, *[3] * len(self.sizes))

        def layer(x: Any, p: Iterator[Any]) -> Any:
            y = f(F.conv(x, next(p), padding=1))
            return y + x if method and not isinstance(x, np.ndarray) else F.add(x, y)

        self.add(f"add {name}(conv{shape})", layer, shape)

    def flatten(self) -> None:
        method = self.draw(st.booleans())
        self.add("flatten", lambda x, p: x.reshape(len(x), -1) if _traced(x) and method else F.flatten(x))
        self.channels, self.sizes, self.flat = self.channels * math.prod(self.sizes), (), True

    def linear(self) -> None:
        outputs, biased = self.draw(st.integers(1, 20)), self.draw(st.booleans())
        shapes = ((outputs, self.channels), (outputs,))[: 1 + biased]
        self.add(f"linear{shapes[0]}", lambda x, p: F.linear(x, next(p), next(p) if biased else None), *shapes)
        self.channels = outputs

    def network(self, *, classes: bool) -> Network:
        target = (self.images, *self.sizes) if classes else (self.images, self.channels, *self.sizes)
        layers, shapes = tuple(self.layers), tuple(self.shapes)
        many = self.channels if classes else None
        return Network(self.images, self.sample, layers, shapes, target, many, " → ".join(self.said))


def _traced(x: Any) -> bool:
    return isinstance(x, cm.Tensor)


@st.composite
def networks(
    draw: Draw, activations: dict[str, Any], *, classes: bool = False, pools: bool = True, norms: bool = False
) -> Network:
    """A convolution, then some layers, then linear ones or none, and a loss; it shrinks to the convolution."""
    made = _Making(draw, activations)
    made.conv()
    some = [
        made.activation,
        made.conv,
        made.avg_pool,
        made.residual,
        *([made.apart_pool, made.max_pool, made.global_pool] * pools),
        *([made.norm, made.normal_residual] * norms),
    ]
    for layer in draw(st.lists(st.sampled_from(some), max_size=4)):
        layer()
    if draw(st.booleans()):
        made.flatten()
        for _ in range(draw(st.integers(0, 2))):
            made.linear()
            if norms and draw(st.booleans()):
                made.norm()
            made.activation()
    return made.network(classes=classes)


@st.composite
def tiled_networks(draw: Draw) -> Network:
    """Convolutions with 3×3 taps, and what may be made with them or read them."""
    made = _Making(draw, PIECES, (8, 10, 16, 24, 25, 48), 2, 2)
    made.three()
    for layer in draw(
        st.lists(st.sampled_from([made.activation, made.three, made.residual, made.apart_pool]), max_size=2)
    ):
        layer()
    return made.network(classes=False)


def whole(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.integers(-1, 2, shape)


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.standard_normal(shape) / math.sqrt(max(1, math.prod(shape[1:])))


Numbers = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def arguments(net: Network, rng: np.random.Generator, numbers: Numbers, dtype: str = "f8") -> tuple[list, Any, Any]:
    parameters = [numbers(rng, shape).astype(dtype) for shape in net.shapes]
    x = numbers(rng, (net.images, *net.sample)).astype(dtype)
    if net.classes is None:
        return parameters, x, numbers(rng, net.target).astype(dtype)
    return parameters, x, rng.integers(0, net.classes, net.target)


def both(net: Network, wrt: Any) -> tuple[Any, Any]:
    return cm.value_and_grad(net.loss, wrt, planned=True), cm.value_and_grad(net.loss, wrt, planned=False)


def arrays_of(found: Any) -> list[np.ndarray]:
    """The value and all gradients."""
    if isinstance(found, dict):
        found = [*found.values()]
    if isinstance(found, tuple | list):
        return [array for part in found for array in arrays_of(part)]
    return [found]


def same(found: Any, needed: Any) -> None:
    for one, other in zip(arrays_of(found), arrays_of(needed), strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


# --- laws ---------------------------------------------------------------------------------------------------------

BY = st.sampled_from([0, 1, (0, 1), (1, 0)])
SEED = st.integers(0, 2**16)


@given(data=st.data())
def test_on_integers_a_plan_equals_the_function(data: st.DataObject) -> None:
    """Small integers make floats exact, whatever the order of a sum."""
    net, wrt = data.draw(networks(PIECES)), data.draw(BY)
    rng = np.random.default_rng(data.draw(SEED))
    planned, plain = both(net, wrt)
    for _ in range(2):
        given_ = arguments(net, rng, whole)
        assert planned.plan(*given_), planned.plan(*given_)
        same(planned(*given_), plain(*given_))


@given(data=st.data())
def test_on_integers_tiles_equal_the_function(data: st.DataObject) -> None:
    """Halves and quarters of integers are exact as well."""
    net, wrt = data.draw(tiled_networks()), data.draw(BY)
    planned, plain = both(net, wrt)
    given_ = arguments(net, np.random.default_rng(data.draw(SEED)), whole)
    assert planned.plan(*given_), planned.plan(*given_)
    same(planned(*given_), plain(*given_))


def close(found: Any, needed: Any, dtype: str) -> None:
    """As far as some thousand roundings go, of numbers not larger than the largest that comes out."""
    largest = 1 + max(np.abs(array).max(initial=0) for array in arrays_of(needed))
    for one, other in zip(arrays_of(found), arrays_of(needed), strict=True):
        assert one.shape == other.shape
        assert one.dtype == dtype
        assert np.abs(one - other).max(initial=0) <= gamma(4000, dtype) * largest


def near(net: Network, wrt: Any, seed: int, dtype: str) -> None:
    planned, plain = both(net, wrt)
    parameters, x, target = arguments(net, np.random.default_rng(seed), normal, dtype)
    assert planned.plan(parameters, x, target), planned.plan(parameters, x, target)
    wide = target if net.classes else target.astype("f8")
    needed = plain([a.astype("f8") for a in parameters], x.astype("f8"), wide)
    close(planned(parameters, x, target), needed, dtype)


@given(data=st.data())
def test_on_reals_a_plan_is_close_to_the_function(data: st.DataObject) -> None:
    every = PIECES | KINKS | SMOOTH
    drawn = networks(every, norms=True), networks(every, classes=True, norms=True), tiled_networks()
    net = data.draw(st.one_of(*drawn))
    near(net, data.draw(BY), data.draw(SEED), "f8")


@given(data=st.data())
def test_in_float32_a_plan_is_close_to_the_function_in_float64(data: st.DataObject) -> None:
    """Where it has no kinks: close to one, the slope in float32 would be that of the other side."""
    net = data.draw(networks(SMOOTH, classes=data.draw(st.booleans()), pools=False, norms=True))
    near(net, data.draw(BY), data.draw(SEED), "f4")


@given(data=st.data())
def test_what_is_not_finite_is_decided_by_the_definition(data: st.DataObject) -> None:
    net = data.draw(st.one_of(networks(PIECES), tiled_networks()))
    rng = np.random.default_rng(data.draw(SEED))
    planned, plain = both(net, (0, 1))
    parameters, x, target = arguments(net, rng, whole)
    planned(parameters, x, target)
    strange = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    place = data.draw(st.integers(0, len(parameters)))
    array = ([x, *parameters])[place]
    array[tuple(rng.integers(0, n) for n in array.shape)] = strange
    with np.errstate(invalid="ignore", over="ignore"):
        same(planned(parameters, x, target), plain(parameters, x, target))


@given(data=st.data())
def test_bits_do_not_depend_on_threads(data: st.DataObject) -> None:
    net = data.draw(st.one_of(networks(PIECES | KINKS | SMOOTH, classes=True, norms=True), tiled_networks()))
    given_ = arguments(net, np.random.default_rng(data.draw(SEED)), normal, "f4")
    planned, _ = both(net, (0, 1))
    found = []
    try:
        for count in (1, 2, 3):
            cm.set_threads(count)
            found.append(planned(*given_))
    finally:
        cm.set_threads(None)
    same(found[1], found[0])
    same(found[2], found[0])


@pytest.mark.parametrize("size", [2**6, 6 * 2**10, 2**14, 2**30])
def test_tiles_in_bands_and_in_blocks_give_the_same_sums(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of one tile each, of some and a rest, bands, and all at once."""
    monkeypatch.setattr(back, "NEAR", size)

    def loss(w: Any, b: Any, x: Any, t: Any) -> Any:
        return F.mse(F.global_avg_pool(F.conv(x, w, b, padding=1)), t, reduction="sum")

    rng = np.random.default_rng(size)
    given_ = [whole(rng, shape).astype("f4") for shape in ((9, 5, 3, 3), (9,), (3, 5, 8, 4), (3, 9, 1, 1))]
    step = cm.value_and_grad(loss, (0, 1, 2), planned=True)
    assert step.plan(*given_)
    same(step(*given_), cm.value_and_grad(loss, (0, 1, 2), planned=False)(*given_))


# room for all points of a few tiles, for a line of points of a few, for all of them
@pytest.mark.parametrize("near", [48_000, 180_000, 2**22])
@pytest.mark.parametrize("sums", [1, 2**21])
@given(data=st.data())
def test_tiles_of_a_weight_in_blocks_and_in_parts_give_the_same_sums(near: int, sums: int, data: st.DataObject) -> None:
    groups, reads, outputs, images = (data.draw(st.integers(*ends)) for ends in ((1, 2), (8, 9), (8, 11), (1, 20)))
    sizes, pads = data.draw(st.tuples(*[st.integers(7, 16)] * 2)), data.draw(st.tuples(*[st.integers(0, 2)] * 4))
    options = {"padding": (pads[:2], pads[2:]), "groups": groups}

    def loss(w: Any, b: Any, x: Any, t: Any) -> Any:
        return F.mse(F.conv(x, w, b, **options), t, reduction="sum")

    rng = np.random.default_rng(data.draw(SEED))
    x, w = whole(rng, (images, groups * reads, *sizes)), whole(rng, (groups * outputs, reads, 3, 3))
    given_ = [a.astype("f4") for a in (w, whole(rng, w.shape[:1]), x, whole(rng, F.conv(x, w, **options).shape))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd_weights, "NEAR", near)
        patch.setattr(tiled, "SUMS", sums)
        step = cm.value_and_grad(loss, (0, 1, 2), planned=True)
        assert step.plan(*given_)
        same(step(*given_), cm.value_and_grad(loss, (0, 1, 2), planned=False)(*given_))


LENET = """
import numpy as np, convmath as cm
from convmath import functional as F
rng = np.random.default_rng(0)
def whole(*shape, dtype="f4"): return rng.integers(-1, 2, shape).astype(dtype)
def loss(p, x, t):
    y = F.max_pool(F.relu(F.conv(x, p[0], p[1], padding=1)), 2)
    y = F.max_pool(F.relu(F.conv(y, p[2], stride=2, padding=1)), 3, stride=1)
    return F.mse(F.linear(F.flatten(y), p[3], p[4]), t, reduction="sum")
for images in (1, 21):
    p = [whole(5, 1, 3, 3), whole(5), whole(3, 5, 2, 2), whole(2, 3), whole(2)]
    x, t = whole(images, 1, 8, 8), whole(images, 2)
    step = cm.value_and_grad(loss, planned=True)
    assert step.plan(p, x, t), step.plan(p, x, t)
    value, gradients = step(p, x, t)
    other, needed = cm.value_and_grad(loss, planned=False)(p, x, t)
    assert value == other and all(np.array_equal(*pair) for pair in zip(gradients, needed))
def block(p, x, t):
    y = F.conv(F.conv(x, p[0]), p[1], padding=1)
    y = F.relu(F.batch_norm(y, weight=p[2], bias=p[3], training=True)[0] + y)
    return F.mse(F.flatten(F.global_avg_pool(y)), t)
for images in (1, 21):
    p = [rng.normal(size=shape) for shape in ((24, 1, 1, 1), (24, 24, 3, 3), (24,), (24,))]
    x, t = rng.normal(size=(images, 1, 5, 4)), rng.normal(size=(images, 24))
    step = cm.value_and_grad(block, planned=True)
    assert step.plan(p, x, t), step.plan(p, x, t)
    both = zip(step(p, x, t)[1], cm.value_and_grad(block, planned=False)(p, x, t)[1])
    assert all(np.abs(one - other).max() <= 1e-11 * (1 + np.abs(other).max()) for one, other in both)
print("equal")
"""


@pytest.mark.parametrize("width", [16, 32, 64])
def test_vectors_of_every_width_have_plans(width: int) -> None:
    assert at_width(width, 2, LENET) == "equal\n"


# --- what it promises ---------------------------------------------------------------------------------------------

RNG = np.random.default_rng(0)
W, B, V = RNG.normal(size=(3, 2, 3, 3)), RNG.normal(size=3), RNG.normal(size=(4, 12))
X, TARGET = RNG.normal(size=(5, 2, 6, 6)), np.array([0, 3, 1, 2, 0])


def small(p: Any, x: Any, target: Any, **options: Any) -> Any:
    y = F.max_pool(F.relu(F.conv(x, p["w"], p["b"])), 2)
    return F.cross_entropy(F.linear(F.flatten(y), p["v"]), target, **options)


PARAMETERS = {"w": W, "b": B, "v": V}


def test_a_function_is_not_run_again() -> None:
    ran = []

    def counted(*args: Any) -> Any:
        ran.append(args)
        return small(*args)

    step = cm.value_and_grad(counted, planned=True)
    for images in (5, 4, 5, 4):
        step(PARAMETERS, X[:images], TARGET[:images])
    assert len(ran) == 2
    step(PARAMETERS, X.astype("f4"), TARGET)  # there is no plan for two types, and no second try to make one
    step(PARAMETERS, X.astype("f4"), TARGET)
    assert len(ran) == 5


def test_a_plan_says_what_is_computed_together() -> None:
    step = cm.value_and_grad(small, planned=True)
    plan = step.plan(PARAMETERS, X, TARGET)
    assert str(plan) == "conv + bias + relu + max_pool\nlinear\ncross_entropy"
    assert plan.reason == ""
    assert str(cm.grad(small, planned=True).plan(PARAMETERS, X, TARGET)) == str(plan)


RESIDUAL = {
    "conv": RNG.normal(size=(12, 3, 3, 3)),
    "norm": [RNG.normal(size=12), RNG.normal(size=12)],
    "inner": RNG.normal(size=(12, 12, 3, 3)) / 10,
    "shortcut": RNG.normal(size=(12, 12, 1, 1)),
    "linear": RNG.normal(size=(4, 12)),
}


def residual(p: Any, x: Any, target: Any) -> Any:
    """A stem, and a block whose shortcut is a convolution."""

    def norm(x: Any) -> Any:
        return F.batch_norm(x, weight=p["norm"][0], bias=p["norm"][1], training=True)[0]

    y = F.relu(norm(F.conv(x, p["conv"], padding=1)))
    z = norm(F.conv(F.relu(norm(F.conv(y, p["inner"], stride=2, padding=1))), p["inner"], padding=1))
    y = F.relu(z + norm(F.conv(y, p["shortcut"], stride=2)))
    return F.cross_entropy(F.linear(F.flatten(F.global_avg_pool(y)), p["linear"]), target)


def test_a_residual_network_has_a_plan() -> None:
    step = cm.value_and_grad(residual, planned=True)
    x = RNG.normal(size=(5, 3, 7, 8))
    assert str(step.plan(RESIDUAL, x, TARGET)).splitlines() == [
        *["conv", "batch_norm + relu"] * 2,
        *["conv", "batch_norm", "conv", "batch_norm + add + relu"],
        *["avg_pool", "linear", "cross_entropy"],
    ]
    close(step(RESIDUAL, x, TARGET), cm.value_and_grad(residual, planned=False)(RESIDUAL, x, TARGET), "f8")


def test_numbers_of_a_call_are_part_of_it() -> None:
    def scaled(p: Any, x: Any, target: Any, *, smoothing: float) -> Any:
        return small(p, x, target, label_smoothing=smoothing)

    step, plain = cm.value_and_grad(scaled, planned=True), cm.value_and_grad(scaled, planned=False)
    for smoothing in (0.0, 0.5, 0.0):
        found = step(PARAMETERS, X, TARGET, smoothing=smoothing)
        needed = plain(PARAMETERS, X, TARGET, smoothing=smoothing)
        assert found[0] == pytest.approx(float(needed[0]), rel=1e-14)
        assert list(found[1]) == ["w", "b", "v"]


def test_results_are_arrays_of_their_own_and_arguments_stay() -> None:
    step = cm.value_and_grad(small, (0, 1), planned=True)
    before = [array.copy() for array in (W, B, V, X, TARGET)]
    value, (first, gx) = step(PARAMETERS, X, TARGET)
    kept = [array.copy() for array in (value, *first.values(), gx)]
    _, (second, other) = step(PARAMETERS, X[::-1].copy(), TARGET)
    for array in (*second.values(), other):
        array[...] = np.nan
    for array in first.values():
        assert array.flags.writeable
        assert not any(np.shares_memory(array, one) for one in (*second.values(), other, gx))
    for array, one in zip((value, *first.values(), gx), kept, strict=True):
        np.testing.assert_array_equal(array, one)
    for array, one in zip((W, B, V, X, TARGET), before, strict=True):
        np.testing.assert_array_equal(array, one)


def test_arrays_may_lie_in_any_way() -> None:
    step = cm.value_and_grad(small, planned=True)
    needed = step(PARAMETERS, X, TARGET)
    turned = {name: np.asfortranarray(array) for name, array in PARAMETERS.items()}
    wide = np.repeat(X, 2, 0)[::2]
    wide.flags.writeable = False
    same([*step(turned, wide, np.repeat(TARGET, 3)[::3])[1].values()], [*needed[1].values()])
    same(step(PARAMETERS, X, TARGET.astype("i1"))[0], needed[0])


def test_a_class_that_there_is_not_is_the_same_error_as_ever() -> None:
    step, wrong = cm.value_and_grad(small, planned=True), np.array([0, 4, 1, 2, 0])
    step(PARAMETERS, X, TARGET)
    with pytest.raises(DataError, match=r"^target\[1\] is 4, but the classes are 0, …, 3, and -100 is what does not"):
        step(PARAMETERS, X, wrong)
    ignored = np.array([0, -100, 1, -100, 0])
    found, needed = step(PARAMETERS, X, ignored), cm.value_and_grad(small, planned=False)(PARAMETERS, X, ignored)
    assert found[0] == pytest.approx(float(needed[0]), rel=1e-14)
    with np.errstate(invalid="ignore"):
        assert np.isnan(step(PARAMETERS, X, np.full(5, -100))[0])


def test_an_array_that_is_read_twice_has_the_sum_of_both() -> None:
    def tied(w: Any, x: Any, target: Any) -> Any:
        return F.mse(F.linear(F.relu(F.linear(x, w)), w), target, reduction="sum")

    w, x, target = (whole(RNG, shape).astype(float) for shape in ((4, 4), (9, 4), (9, 4)))
    step = cm.value_and_grad(tied, planned=True)
    assert step.plan(w, x, target)
    same(step(w, x, target), cm.value_and_grad(tied, planned=False)(w, x, target))
    same(step(w, w, w), cm.value_and_grad(tied, planned=False)(w, w, w))
    assert step.plan(w, w, w).reason == "one array is several arguments"


def test_what_the_loss_does_not_reach_has_the_gradient_0() -> None:
    step = cm.value_and_grad(lambda p, x, t: small(p, x, t), planned=True)
    more = {**PARAMETERS, "unread": np.ones(3)}
    assert step.plan(more, X, TARGET)
    np.testing.assert_array_equal(step(more, X, TARGET)[1]["unread"], [0, 0, 0])


def test_threads_may_call_at_once() -> None:
    step = cm.value_and_grad(small, planned=True)
    each = [RNG.normal(size=X.shape) for _ in range(24)]
    needed = [step(PARAMETERS, x, TARGET)[0] for x in each]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda x: step(PARAMETERS, x, TARGET)[0], each))
    assert found == needed


# --- where there is no plan ---------------------------------------------------------------------------------------

CONSTANT = np.ones((5, 2, 6, 6))
WITHOUT: dict[str, tuple[Callable[..., Any], str]] = {
    "a result that is scaled": (
        lambda p, x, t: F.cross_entropy(F.flatten(F.conv(x, p["w"])), t) * 2.0,
        "what comes out is not made by an operator",
    ),
    "another norm": (
        lambda p, x, t: F.cross_entropy(F.flatten(F.layer_norm(F.conv(x, p["w"]), 4)), t),
        "there are no planned kernels for layer_norm",
    ),
    "running statistics": (
        lambda p, x, t: F.cross_entropy(
            F.flatten(F.batch_norm(F.conv(x, p["w"]), np.zeros(3), np.ones(3), training=True)[0]), t
        ),
        "batch_norm is called with running statistics, but a plan computes a number and gradients alone: the new",
    ),
    "statistics that are given": (
        lambda p, x, t: F.cross_entropy(F.flatten(F.batch_norm(F.conv(x, p["w"]), p["b"], p["b"] * p["b"])), t),
        "batch_norm is called with training=False, but planned kernels are for True alone",
    ),
    "the norm of what was flattened": (
        lambda p, x, t: F.cross_entropy(F.batch_norm(F.flatten(F.conv(x, p["w"])), training=True)[0], t),
        "batch_norm is called on what was flattened",
    ),
    "an array that is no argument": (
        lambda p, x, t: F.cross_entropy(F.flatten(F.conv(CONSTANT, p["w"], p["b"])), t),
        r"an operand \(ndarray\) is no argument of the function: a plan would keep its numbers",
    ),
    "an array that is computed": (
        lambda p, x, t: F.cross_entropy(F.flatten(F.conv(x / 2, p["w"], p["b"])), t),
        r"an operand \(ndarray\) is no argument of the function: a plan would keep its numbers",
    ),
    "a weight that is computed": (
        lambda p, x, t: F.cross_entropy(F.flatten(F.conv(x, p["w"] * 2, p["b"])), t),
        "W of conv is no argument of the function, but a plan needs its parameters as they are",
    ),
    "another border": (
        lambda p, x, t: F.cross_entropy(F.flatten(F.conv(x, p["w"], padding=1, padding_mode="circular")), t),
        "conv is called with padding_mode='circular', but planned kernels are for 'zeros' alone",
    ),
    "a method of its own": (
        lambda p, x, t: F.cross_entropy(F.flatten(F.conv(x, p["w"], method="direct")), t),
        "conv is called with method='direct', but planned kernels are for 'auto' alone",
    ),
    "shared ties": (
        lambda p, x, t: F.cross_entropy(F.flatten(F.max_pool(F.conv(x, p["w"]), 2, ties="split")), t),
        "a maximum is taken with ties='split', but there are planned kernels for 'first' and 'last'",
    ),
    "another reshape": (
        lambda p, x, t: F.cross_entropy(F.conv(x, p["w"]).reshape(5, 24, 2)[..., 0], t),
        "a value is computed by what is no operator of functional",
    ),
    "no loss": (
        lambda p, x, t: F.relu(F.conv(x, p["w"])).sum(),
        "what comes out is not made by an operator that there are planned kernels for",
    ),
    "a constant": (lambda p, x, t: 3.0, "what comes out is not made by an operator"),
}


@pytest.mark.parametrize("name", WITHOUT)
def test_where_there_is_no_plan_all_is_as_without(name: str) -> None:
    f, why = WITHOUT[name]
    step = cm.value_and_grad(f, planned=True)
    plan = step.plan(PARAMETERS, X, TARGET)
    assert not plan
    assert re.match(f"no plan: {why}", str(plan)), plan
    for _ in range(2):
        found, needed = step(PARAMETERS, X, TARGET), cm.value_and_grad(f, planned=False)(PARAMETERS, X, TARGET)
        same([found[0], *found[1].values()], [needed[0], *needed[1].values()])


def test_other_methods_and_orders_are_not_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    step, plain = cm.value_and_grad(small, planned=True), cm.value_and_grad(small, planned=False)

    def agrees(why: str) -> None:
        assert step.plan(PARAMETERS, X, TARGET).reason == why
        same([*step(PARAMETERS, X, TARGET)[1].values()], [*plain(PARAMETERS, X, TARGET)[1].values()])

    step(PARAMETERS, X, TARGET)
    with F.using("direct"):
        agrees("the method 'direct' is asked for")
    with cm.exact_order():
        agrees("within exact_order the operators have an order of their own")
    monkeypatch.setattr(choice, "generated", lambda: ({}, "llvmlite is not installed"))
    agrees("llvmlite is not installed")


def test_derivatives_of_planned_derivatives_have_no_plan() -> None:
    def inner(w: Any, x: Any, t: Any) -> Any:
        return F.mse(F.tanh(F.linear(x, w)), t)

    w, x, t = (RNG.normal(size=shape) for shape in ((2, 3), (4, 3), (4, 2)))
    along = cm.grad(lambda w: (cm.grad(inner, planned=True)(w, x, t) ** 2).sum())(w)
    same(along, cm.grad(lambda w: (cm.grad(inner)(w, x, t) ** 2).sum())(w))


def test_arguments_of_other_kinds_have_no_plan() -> None:
    step = cm.value_and_grad(lambda p, x, t, _: small(p, x, t), planned=True)
    for p, t, other, why in (
        (PARAMETERS, TARGET, set(), "a set is an argument, but a plan is for NumPy's arrays and for numbers"),
        (PARAMETERS, TARGET.tolist(), 0, "the target of cross_entropy is no argument of the function"),
        (PARAMETERS | {"unread": 1.0}, TARGET, 0, "a derivative is taken by what is no array"),
    ):
        assert step.plan(p, X, t, other).reason == why
        assert step(p, X, t, other)[0] == small(p, X, t)


def test_bad_calls_are_refused_as_ever() -> None:
    with pytest.raises(HyperparameterError, match=r"^auxiliary and planned came both, but a plan computes one number"):
        cm.value_and_grad(small, auxiliary=True, planned=True)
    with pytest.raises(HyperparameterError, match=r"^wrt is 7, but 3 arguments came by their place \[grad\(small\)\]$"):
        cm.value_and_grad(small, 7, planned=True)(PARAMETERS, X, TARGET)
    with pytest.raises(DtypeError, match=r"^argument 2 holds int64, but a derivative needs real floating point"):
        cm.value_and_grad(small, 2, planned=True)(PARAMETERS, X, TARGET)


def test_a_norm_that_divides_by_nothing_is_refused_as_ever() -> None:
    def loss(w: Any, x: Any, t: Any) -> Any:
        return F.mse(F.batch_norm(F.conv(x, w), training=True, eps=0.0)[0], t)

    step = cm.value_and_grad(loss, planned=True)
    w, x, t = (RNG.normal(size=shape) for shape in ((2, 2, 1, 1), (3, 2, 4, 4), (3, 2, 4, 4)))
    assert step.plan(w, x, t)
    close(step(w, x, t), cm.value_and_grad(loss, planned=False)(w, x, t), "f8")
    with pytest.raises(HyperparameterError, match=r"^eps is 0, and so is a variance: σ = 0 divides nothing"):
        step(w, np.zeros_like(x), t)


def test_what_takes_too_much_memory_has_no_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "MOST", 2**12)
    step = cm.value_and_grad(small, planned=True)
    assert step.plan(PARAMETERS, X, TARGET).reason == "the arrays of a plan would take more than 4,096 bytes"


# --- teeth --------------------------------------------------------------------------------------------------------


def turned(of: Callable[..., tables.Axis]) -> Callable[..., tables.Axis]:
    """The taps of an axis the other way round."""
    return lambda window, n, count: tuple(part[:, ::-1] for part in of(window, n, count))  # type: ignore[return-value]


def other_way(of: Callable[..., Any]) -> Callable[..., Any]:
    """The positions of each window of a pool the other way round."""

    def made(*given_: Any) -> Any:
        found, members = of(*given_)
        targets = found.places[:, 3:]
        turned = found.places[:, :3].reshape(-1, members, 3)[:, ::-1].reshape(-1, 3)
        return replace(found, places=np.concatenate([turned, targets], 1)), members

    return made


def with_tails(instead: dict[str, str]) -> Callable[..., Any]:
    """Cotangents that are stored in another way."""

    def tail(of: Callable[..., draft.Tail]) -> Callable[..., draft.Tail]:
        def made(*given_: Any) -> draft.Tail:
            found = of(*given_)
            return replace(found, tail=instead.get(found.tail, found.tail))

        return made

    return tail


FAULTS: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "forward taps are turned": (tables, "forward", turned),
    "backward taps are turned": (tables, "backward", turned),
    "a run of positions is short": (back, "_runs", lambda of: lambda *given: of(*given)[:-1]),
    "a cotangent is not added": (
        draft.Draft,
        "cotangent_tail",
        with_tails({"add": "store", "add through": "through"}),
    ),
    "the slope of an activation is left out": (
        draft.Draft,
        "cotangent_tail",
        with_tails({"through": "store", "add through": "add"}),
    ),
    "what a pool selects is numbered from behind": (there, "_of_pool", other_way),
    "a divisor is that of another window": (
        there,
        "divisors_of",
        lambda of: lambda draft, layer, made: of(draft, replace(layer, divisors=layer.divisors * 2), made),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_law_of_integers_has_teeth(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, attribute, fault = FAULTS[name]
    monkeypatch.setattr(where, attribute, fault(getattr(where, attribute)))
    caught(test_on_integers_a_plan_equals_the_function)


def last_left_out(of: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda *given_: of(*given_)[:-1]


def signs_forgotten(of: Callable[..., tuple[np.ndarray, np.ndarray]]) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    def made(*given_: int) -> tuple[np.ndarray, np.ndarray]:
        lines, factors = of(*given_)
        return lines, np.abs(factors)

    return made


def test_the_law_of_parts_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(tiled, "_lines", signs_forgotten(tiled._lines))
        caught(test_tiles_of_a_weight_in_blocks_and_in_parts_give_the_same_sums, 48_000, 2**21)
    monkeypatch.setattr(tiled, "_pairs", last_left_out(tiled._pairs))
    caught(test_tiles_of_a_weight_in_blocks_and_in_parts_give_the_same_sums, 180_000, 1)


FAULTS_OF_TILES: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "the second row of a tile is left out": (
        tiled,
        "_tiles",
        lambda of: lambda *given_: np.minimum(of(*given_), [2**62, 2**62, 1, 2]),
    ),
    "a tile of a weight is left out": (tiled, "_pairs", last_left_out),
    "kernels are not turned": (
        winograd,
        "transform_weights",
        lambda of: lambda dtype, many, turned: of(dtype, many, False),
    ),
}


@pytest.mark.parametrize("name", FAULTS_OF_TILES)
def test_the_law_of_tiles_has_teeth(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, attribute, fault = FAULTS_OF_TILES[name]
    monkeypatch.setattr(where, attribute, fault(getattr(where, attribute)))
    caught(test_on_integers_tiles_equal_the_function)


@pytest.mark.parametrize("where", [there, back])
def test_the_law_of_reals_has_teeth_for_norms(where: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The images that fill up a vector must not count in a mean, and have no gradient."""
    normal = where.normal
    monkeypatch.setattr(where, "normal", lambda *given_: {**(found := normal(*given_)), "images": 4 * found["images"]})
    caught(test_on_reals_a_plan_is_close_to_the_function)


def test_the_law_of_reals_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """The images that fill up a vector must not count among the classes."""
    monkeypatch.setattr(network.Plan, "run", of_all_lanes(network.Plan.run))
    caught(test_on_reals_a_plan_is_close_to_the_function)


def of_all_lanes(run: Callable[..., Any]) -> Callable[..., Any]:
    def faulty(self: Any, arrays: Any) -> Any:
        self.target.fill(0)
        return run(self, arrays)

    return faulty


def test_the_law_of_what_is_not_finite_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """What kernels note must be looked at."""
    made = network.Plan.__init__

    def blind(self: Any, net: Any) -> None:
        made(self, net)
        self.seen, self.memory = self.memory, SimpleNamespace(flag=np.zeros(1, np.int64))

    monkeypatch.setattr(network.Plan, "__init__", blind)
    caught(test_what_is_not_finite_is_decided_by_the_definition)


def test_the_law_of_threads_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan that is run by halves on two threads is another sum."""
    run = network.Plan.run

    def by_halves(self: Any, arrays: Any) -> Any:
        value, gradients = run(self, arrays)
        return (value + (np.spacing(value) if threads() == 2 else 0)).astype(value.dtype), gradients

    monkeypatch.setattr(network.Plan, "run", by_halves)
    caught(test_bits_do_not_depend_on_threads)
