"""Values that are put off: a function cannot tell, whatever it does with them. Networks that are planned unasked."""

from __future__ import annotations

import copy
import gc
import math
import os
import re
import sys
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from itertools import pairwise
from threading import Thread
from time import sleep
from typing import Any
from weakref import ref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import convmath as cm
from convmath import functional as F
from convmath.engine import calls, planned
from convmath.errors import ConvmathError, DataError, DtypeError, ShapeError

pytest.importorskip("llvmlite", reason="llvmlite is not installed (the extra convmath[fast] brings it)")

from convmath.kernels.simd.images import network, worth

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every network is worth a plan, however small, and none is known yet."""
    monkeypatch.setattr(planned, "LEAST", 0)
    monkeypatch.setattr(worth, "worth", lambda net: "")
    planned._kept.forget()
    calls._known.clear()


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What plans computed."""
    found: list[Any] = []
    run = network.Plan.run

    def counted(self: Any, arrays: Any) -> Any:
        found.append(run(self, arrays))
        return found[-1]

    monkeypatch.setattr(network.Plan, "run", counted)
    return found


def whole(*shape: int) -> np.ndarray:
    return RNG.integers(-3, 4, shape).astype(float)


# integers, so that all sums are exact in any order
PARAMETERS = {"w": whole(4, 2, 3, 3), "b": whole(4), "v": whole(5, 16), "u": whole(4, 4, 1, 1)}
X, TARGET = whole(6, 2, 6, 6), whole(6, 5)
FLOAT = {name: array.astype("f4") / 8 for name, array in PARAMETERS.items()}


def same(found: Any, needed: Any) -> None:
    for one, other in zip(_leaves(found), _leaves(needed), strict=True):
        assert type(one) is type(other)
        assert np.asarray(one).dtype == np.asarray(other).dtype
        np.testing.assert_array_equal(one, other)


def _leaves(tree: Any) -> Iterator[Any]:
    if isinstance(tree, dict):
        tree = tuple(tree.values())
    if isinstance(tree, tuple | list):
        for one in tree:
            yield from _leaves(one)
    else:
        yield tree


# --- functions that do something beside ---------------------------------------------------------------------------

Beside = Callable[[Any, list[Any]], Any]


def _keeps(y: Any, seen: list[Any]) -> Any:
    seen.append(y)
    return y


def _reads(y: Any, seen: list[Any]) -> Any:
    seen.append(float(y.value.sum()))
    return y


def _branches(y: Any, seen: list[Any]) -> Any:
    seen.append(bool((y > 2).any()))
    return F.relu(y) if seen[-1] else F.relu6(y)


def _by_numpy(y: Any, seen: list[Any]) -> Any:
    return np.where(y > 0, y, 2.0 * y)


def _by_vjp(y: Any, seen: list[Any]) -> Any:
    seen.append(cm.vjp(F.relu, y.value)[1](y.value)[0])
    return y


def _inner_gradient(y: Any, seen: list[Any]) -> Any:
    return y + cm.grad(lambda z: (F.relu(z) * z).sum())(y)


def _checkpoint(y: Any, seen: list[Any]) -> Any:
    return cm.checkpoint(F.relu)(y)


def _shape(y: Any, seen: list[Any]) -> Any:
    seen.append((y.shape, y.ndim, y.size, y.dtype, len(y)))
    return y


def _constant(y: Any, seen: list[Any]) -> Any:
    return F.add(y, cm.Tensor(np.ones(y.shape)).value)


def _by_definition(y: Any, seen: list[Any]) -> Any:
    with F.using("direct"):
        return F.relu(y)


def _in_order(y: Any, seen: list[Any]) -> Any:
    with cm.exact_order():
        return F.conv(y, y[:4, :4, :1, :1].value) if y.ndim == 4 else F.relu(y)


def _twice(y: Any, seen: list[Any]) -> Any:
    F.relu6(y)  # leads nowhere
    return y + y


def _another_operator(y: Any, seen: list[Any]) -> Any:
    return np.concatenate([y, y])[: len(y)]


def _nothing(y: Any, seen: list[Any]) -> Any:
    return y


BESIDE: dict[str, Beside] = {
    f.__name__.removeprefix("_"): f
    for f in (
        *(_keeps, _reads, _branches, _by_numpy, _by_vjp, _inner_gradient, _checkpoint, _shape, _constant),
        *(_by_definition, _in_order, _twice, _another_operator, _nothing),
    )
}
PLACES = ("image", "maxima", "flat", "end")


def net(beside: dict[str, str], seen: list[Any]) -> Callable[..., Any]:
    """A network that does something beside at some places."""

    def at(place: str, y: Any) -> Any:
        return BESIDE[beside[place]](y, seen) if place in beside else y

    def loss(p: Any, x: Any, target: Any) -> Any:
        y = at("image", F.relu(F.conv(x, p["w"], p["b"])))
        y = at("maxima", F.max_pool(y, 2))
        y = at("flat", F.flatten(y))
        y = at("end", F.linear(y, p["v"]))
        return F.mse(y, target, reduction="sum")

    return loss


@st.composite
def beside(draw: Callable[..., Any]) -> dict[str, str]:
    places = draw(st.lists(st.sampled_from(PLACES), unique=True, max_size=2))
    return {place: draw(st.sampled_from(sorted(BESIDE))) for place in places}


def _as_without(way: dict[str, str]) -> None:
    """Value, gradients and all that was seen are those of a function whose operators are computed at once."""
    for _ in range(2):
        of_one: list[Any] = []
        of_other: list[Any] = []
        found = cm.value_and_grad(net(way, of_one))(PARAMETERS, X, TARGET)
        needed = cm.value_and_grad(net(way, of_other), planned=False)(PARAMETERS, X, TARGET)
        same(found, needed)
        same(*([one.value if isinstance(one, cm.Tensor) else one for one in seen] for seen in (of_one, of_other)))


@given(beside())
def test_a_function_cannot_tell_that_values_are_put_off(way: dict[str, str]) -> None:
    _as_without(way)


def test_nor_wherever_it_asks() -> None:
    for name in sorted(BESIDE):
        for place in PLACES:
            _as_without({place: name})


def test_a_network_is_planned_unasked(runs: list[Any]) -> None:
    loss = net({}, [])
    asked = cm.value_and_grad(loss, planned=True)(FLOAT, X.astype("f4"), TARGET.astype("f4"))
    for _ in range(3):  # also where the function is another object each time
        same(cm.value_and_grad(lambda *args: loss(*args))(FLOAT, X.astype("f4"), TARGET.astype("f4")), asked)
    assert len(runs) == 4
    same(cm.grad(loss)(FLOAT, X.astype("f4"), TARGET.astype("f4")), asked[1])
    plan = cm.value_and_grad(loss).plan(FLOAT, X.astype("f4"), TARGET.astype("f4"))
    assert str(plan) == "conv + bias + relu + max_pool\nlinear\nmse"
    assert str(cm.grad(loss).plan(FLOAT, X.astype("f4"), TARGET.astype("f4"))) == str(plan)


def test_arrays_that_are_no_arguments_may_be_read(runs: list[Any]) -> None:
    """They are those of each call, unlike in what is planned once."""
    images: list[Any] = []

    def loss(p: Any) -> Any:
        return net({}, [])(p, images[-1] * 2, TARGET)

    step, needed = cm.value_and_grad(loss), cm.value_and_grad(loss, planned=False)
    for _ in range(3):
        images.append(whole(*X.shape))
        same(step(PARAMETERS), needed(PARAMETERS))
    assert len(runs) == 3
    assert all(runs)


def test_norms_and_shortcuts_are_planned_unasked(runs: list[Any]) -> None:
    def loss(p: Any, x: Any, target: Any) -> Any:
        y = F.conv(x, p["w"])
        y = F.relu(F.batch_norm(y, weight=p["b"], training=True, eps=0.25)[0])
        y = F.relu(F.batch_norm(F.conv(y, p["u"]), training=True)[0] + y)
        return F.mse(F.linear(F.max_pool(y, 2).reshape(len(x), -1), p["v"]), target)

    found, needed = (cm.value_and_grad(loss, planned=how)(PARAMETERS, X, TARGET) for how in (None, False))
    assert len(runs) == 1
    for one, other in zip(_leaves(found), _leaves(needed), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda y: F.mse(y, TARGET) * 2.0, "a value is read, or computed by what there are no planned kernels for"),
        (lambda y: F.mse(F.softmax(y), TARGET), "a value is read, or computed by what there are no planned kernels"),
        (lambda y: F.relu(F.mse(y, TARGET)), "relu is what comes out, but a plan needs cross_entropy or mse"),
        (lambda y: (F.mse(y, TARGET), F.relu(y))[0], "what comes out is not what the last operator makes"),
        (lambda y: F.mse(y, TARGET, reduction="none").sum(), "a value is read"),
        (lambda y: 3.0, "what comes out is not what the last"),
    ],
)
def test_why_there_is_no_plan_is_told(function: Any, why: str, runs: list[Any]) -> None:
    def loss(v: Any, x: Any) -> Any:
        return function(F.linear(x, v))

    step, v, x = cm.value_and_grad(loss), PARAMETERS["v"], whole(6, 16)
    assert re.match(f"no plan: {why}", str(step.plan(v, x))), step.plan(v, x)
    same(step(v, x), cm.value_and_grad(loss, planned=False)(v, x))
    assert not runs


def test_other_arrays_are_not_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    loss = net({}, [])
    step = cm.value_and_grad(loss)
    halves = {name: array.astype("f2") for name, array in PARAMETERS.items()}
    assert step.plan(halves, X, TARGET).reason == "derivatives are taken by what is no array of float32 or float64"
    assert cm.value_and_grad(loss, planned=False).plan(PARAMETERS, X, TARGET).reason == "planned is False"
    with cm.exact_order():
        assert step.plan(PARAMETERS, X, TARGET).reason == "within exact_order the operators have an order of their own"
    monkeypatch.setattr(planned, "LEAST", 1000)
    assert step.plan(PARAMETERS, X, TARGET).reason == "172 elements are not worth the kernels of a plan"


# --- errors -------------------------------------------------------------------------------------------------------


def test_errors_are_those_of_the_operators_and_come_where_they_did() -> None:
    reached: list[str] = []

    def loss(p: Any, x: Any, target: Any) -> Any:
        y = F.relu(F.conv(x, p["w"], p["b"]))
        reached.append("convolution")
        y = F.linear(y.reshape(len(x), -1), p["v"])
        reached.append("linear")
        return F.cross_entropy(y, target)

    step = cm.value_and_grad(loss)
    with pytest.raises(ShapeError, match=r"linear"):
        step(PARAMETERS, X, np.zeros(6, int))
    assert reached == ["convolution"]
    wide = {**PARAMETERS, "v": whole(5, 64)}
    with pytest.raises(DataError, match=r"^target\[2\] is 5, but the classes are 0, …, 4"):
        step(wide, X, np.array([0, 1, 5, 0, 0, 0]))
    with pytest.raises(DtypeError, match="a Tensor would become a plain number"):
        cm.grad(lambda v: float(F.mse(F.linear(X[:, 0, 0], v), TARGET)))(whole(5, 6))


def test_what_is_not_finite_is_decided_by_the_operators() -> None:
    x = X.copy()
    x[0, 0, 0, 0] = np.inf
    with np.errstate(invalid="ignore"):
        found, needed = (cm.value_and_grad(net({}, []), planned=how)(PARAMETERS, x, TARGET) for how in (None, False))
    same(found, needed)


# --- what is kept -------------------------------------------------------------------------------------------------


def test_what_is_kept_of_a_call_stays_what_it_was(runs: list[Any]) -> None:
    kept: list[Any] = []

    def loss(p: Any, x: Any, target: Any) -> Any:
        y = F.relu(F.conv(x, p["w"], p["b"]))
        kept.append(y)
        kept.append(F.mse(F.linear(F.flatten(F.max_pool(y, 2)), p["v"]), target))
        return kept[-1]

    p = {name: array.copy() for name, array in PARAMETERS.items()}
    value, _ = cm.value_and_grad(loss)(p, X, TARGET)
    needed = F.relu(F.conv(X, p["w"], p["b"]))
    for array in p.values():
        array[...] = 0
    np.testing.assert_array_equal(kept[0].value, needed)
    assert kept[1].value == value
    assert len(runs) == 1  # who holds a value on the way changes nothing but that it is computed besides


def test_the_number_alone_may_be_kept(runs: list[Any]) -> None:
    kept: list[Any] = []

    def loss(p: Any, x: Any, target: Any) -> Any:
        kept.append(net({}, [])(p, x, target))
        return kept[-1]

    value, _ = cm.value_and_grad(loss)(PARAMETERS, X, TARGET)
    assert len(runs) == 1
    assert kept[0].value == value
    assert "Tensor(" in repr(kept[0])


def test_something_else_may_come_out_too(runs: list[Any]) -> None:
    def loss(p: Any, x: Any, target: Any) -> Any:
        y = F.linear(F.flatten(F.max_pool(F.relu(F.conv(x, p["w"], p["b"])), 2)), p["v"])
        return F.mse(y, target), {"y": y, "three": 3}

    found, needed = (
        cm.value_and_grad(loss, auxiliary=True, planned=how)(PARAMETERS, X, TARGET) for how in (None, False)
    )
    same(found, needed)
    assert not runs


def test_nothing_is_left_of_a_call() -> None:
    def tensors() -> int:
        return sum(isinstance(one, cm.Tensor) for one in gc.get_objects())

    step = cm.value_and_grad(net({}, []))
    step(PARAMETERS, X, TARGET)
    gc.collect()
    before = tensors()
    gc.disable()  # nothing waits for the collector
    try:
        for way in ({}, {"flat": "reads"}, {"image": "by_numpy"}, {"end": "branches"}):
            cm.value_and_grad(net(way, []))(PARAMETERS, X, TARGET)
        assert tensors() == before
    finally:
        gc.enable()


def test_values_are_let_go_of_when_nothing_reads_them_any_more() -> None:
    """Also where they were put off and computed late: a long chain needs no more than when it is computed at once."""

    def chain(x: Any) -> Any:
        for _ in range(20):
            x = F.relu(x)
        return x.sum()

    def most(how: bool | None) -> int:
        step, x = cm.grad(chain, planned=how), np.ones((1, 1000, 1000), "f4")
        step(x)
        tracemalloc.start()
        step(x)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert most(None) < 1.1 * most(False)


def test_a_function_may_call_operators_from_several_threads() -> None:
    def loss(p: Any, x: Any, target: Any) -> Any:
        def one(number: int) -> Any:
            y = F.conv(x, p["w"], p["b"])
            if number % 3 == 0:
                _ = y.value
            if number % 3 == 1:
                with F.using("direct"):
                    y = F.relu6(y)
            return F.relu(y)

        with ThreadPoolExecutor(8) as pool:
            y, *others = pool.map(one, range(8))
        for other in others:
            y = y + other
        return F.mse(F.linear(F.flatten(F.max_pool(y, 2)), p["v"]), target, reduction="sum")

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        needed = cm.value_and_grad(loss, planned=False)(PARAMETERS, X, TARGET)
        for _ in range(40):
            same(cm.value_and_grad(loss)(PARAMETERS, X, TARGET), needed)
    finally:
        sys.setswitchinterval(interval)


# --- derivatives of derivatives -----------------------------------------------------------------------------------


def test_derivatives_of_derivatives() -> None:
    loss = lambda v: F.mse(F.tanh(F.linear(whole_x, v)), TARGET)  # noqa: E731
    whole_x, v, along = whole(6, 16) / 8, PARAMETERS["v"] / 8, whole(5, 16)
    second = cm.grad(lambda v: (cm.grad(loss, planned=False)(v) * along).sum(), planned=False)(v)
    same(cm.grad(lambda v: (cm.grad(loss)(v) * along).sum())(v), second)
    np.testing.assert_allclose(cm.hvp(loss, (v,), (along,))[0], second, rtol=1e-12, atol=1e-12)
    step = 1e-6
    numeric = sum(s * (loss(v + s * step * along)) for s in (1, -1)) / (2 * step)
    assert cm.jvp(loss, (v,), (along,))[1] == pytest.approx(float(numeric), rel=1e-6)


def test_a_gradient_within_a_function_may_be_planned(runs: list[Any]) -> None:
    """By arrays that are no Tensors of the outer derivative."""

    def outer(v: Any) -> Any:
        inner = cm.grad(lambda w: F.mse(F.linear(F.relu(F.linear(X[:, 0, 0], w)), PARAMETERS["v"][:, :3]), TARGET))
        return F.mse(F.linear(inner(whole_w), v), TARGET[:3])

    whole_w, v = whole(3, 6), whole(5, 6)
    found = cm.value_and_grad(outer)(v)
    assert len(runs) == 2
    needed = cm.value_and_grad(outer, planned=False)(v)
    for one, other in zip(_leaves(found), _leaves(needed), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


# --- where and how an operator is called ---------------------------------------------------------------------------

HYPER: dict[str, Callable[[Any], Any]] = {
    "a shape": lambda y: y.reshape(np.array([12, -1])),
    "a shape by name": lambda y: y.reshape(shape=(12, -1)),
    "a kernel": lambda y: F.max_pool(y, np.array([2, 2])),
    "another kernel": lambda y: F.max_pool(y, np.array([3, 3])),
    "sizes in a list": lambda y: F.max_pool(y, [np.int64(2), 2], padding=[np.array([0, 1]), np.array([1, 0])]),
    "a number": lambda y: F.leaky_relu(y, negative_slope=np.float64(0.5)),
    "zero": lambda y: F.leaky_relu(y, negative_slope=0.0),
    "the other zero": lambda y: F.leaky_relu(y, negative_slope=-0.0),
    "an array of one number": lambda y: F.leaky_relu(y, negative_slope=np.array(0.25)),
}


def test_hyper_parameters_of_any_kind() -> None:
    """One after the other, and again: what is known of a call is not taken for another."""
    for name in (*HYPER, *HYPER):

        def loss(p: Any, name: str = name) -> Any:
            y = HYPER[name](F.conv(X, p["w"]))
            weights = np.arange(math.prod(y.shape)).reshape(y.shape)
            return (y * weights).sum() + F.mse(y, np.ones(y.shape), reduction="sum") + len(y)

        same(*(cm.value_and_grad(loss, planned=how)({"w": PARAMETERS["w"]}) for how in (None, False)))


def test_zeros_keep_their_signs() -> None:
    def signs(slope: float, how: bool | None) -> np.ndarray:
        seen: list[np.ndarray] = []

        def loss(w: Any) -> Any:
            y = F.leaky_relu(F.conv(X, w), negative_slope=slope)
            seen.append(np.signbit(y.value))
            return y.sum()

        cm.grad(loss, planned=how)(PARAMETERS["w"])
        return seen[0]

    for slope in (0.0, -0.0, 0.0):
        np.testing.assert_array_equal(signs(slope, None), signs(slope, False))


def test_what_is_put_off_is_computed_as_it_was_called() -> None:
    x, wide, narrow = whole(4, 16, 12, 12), whole(16, 16, 5, 5), whole(16, 16, 3, 3)

    def another_method(p: Any) -> Any:
        y = F.conv(x.astype("f4"), p[0])
        with F.using("winograd"):
            return F.conv(y, p[1]).sum()

    def another_order(p: Any) -> Any:
        y = F.conv(x.astype("f4"), p[0], method="patches")
        with cm.exact_order():
            seen.append(y.value)
        return F.conv(y, p[1]).sum()

    def silenced(p: Any) -> Any:
        y = F.conv(x.astype("f4"), p[0])
        with np.errstate(all="ignore"):
            large = F.conv(y.value * np.float32(1e36), p[1])
            seen.append(F.relu(F.conv(x.astype("f4") * np.float32(3e38), p[0])))
        seen.extend(one.value for one in (large, seen.pop()))
        return F.conv(y, p[1]).sum()

    p = [wide.astype("f4"), narrow.astype("f4")]
    for f in (another_method, another_order, silenced):
        seen: list[Any] = []
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            same(*(cm.value_and_grad(f, planned=how)(p) for how in (None, False)))
        for one, other in zip(seen[: len(seen) // 2], seen[len(seen) // 2 :], strict=True):
            np.testing.assert_array_equal(one, other)


def test_no_operator_is_computed_with_what_is_not_there_yet() -> None:
    v = PARAMETERS["v"]

    def by_class(p: Any) -> Any:
        return F.cross_entropy(F.linear(X.reshape(6, -1)[:, :16], p), np.zeros(6, int))

    def by_probability(p: Any) -> Any:
        return F.cross_entropy(F.linear(X.reshape(6, -1)[:, :16], p[0]), p[1])

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        filled = [np.full((6, 5), np.inf) for _ in range(50)]
        del filled
        cm.grad(by_class)(v)
        cm.grad(by_probability)([v, np.full((6, 5), 0.2)])


def test_an_error_of_elements_comes_at_the_call_each_time(runs: list[Any]) -> None:
    def loss(v: Any, classes: Any) -> Any:
        y = F.linear(X.reshape(6, -1)[:, :16], v)
        try:
            return F.cross_entropy(y, classes)
        except DataError:
            return F.mse(y, TARGET)

    step, needed = cm.value_and_grad(loss), cm.value_and_grad(loss, planned=False)
    for classes in (np.full(6, 7), np.zeros(6, int), np.full(6, 7), np.array([0, -100, 4, 1, 2, 3])):
        for one, other in zip(
            _leaves(step(PARAMETERS["v"], classes)), _leaves(needed(PARAMETERS["v"], classes)), strict=True
        ):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
    assert len(runs) == 2  # a function that has seen an error may do anything, which is computed at once


def test_wrong_calls_are_refused_in_the_same_words() -> None:
    for wrong in (
        lambda p: F.conv(p),
        lambda p: F.conv(X, p, strides=2),
        lambda p: F.relu(p, 1, 2),
        lambda p: F.batch_norm(F.conv(X, p), training=np.array([True, True])),
        lambda p: F.leaky_relu(F.conv(X, p), negative_slope=p),
        lambda p: F.conv(X, p, stride=0),
        lambda p: F.conv(X, p).reshape(),
        lambda p: F.conv(X, p).unheard_of,
    ):
        said = []
        for how in (None, False):
            with pytest.raises(Exception) as error:  # noqa: PT011 (whatever it is)
                cm.grad(wrong, planned=how)(PARAMETERS["w"])
            said.append((type(error.value), re.sub(r"<Tensor[^>]*>|Tensor\([^)]*\)", "Tensor", str(error.value))))
        assert said[0] == said[1]


def test_values_outlive_a_function_that_fails() -> None:
    kept: list[Any] = []

    def fails(v: Any) -> Any:
        kept.append(F.linear(TARGET, v))
        raise ValueError("not today")

    v = whole(3, 5)
    with pytest.raises(ValueError, match="not today"):
        cm.grad(fails)(v)
    np.testing.assert_array_equal(kept[0].value, F.linear(TARGET, v))
    cm.grad(lambda v: (kept.append(F.linear(TARGET, v)), F.mse(kept[-1], whole(6, 3)))[1]).plan(v)
    np.testing.assert_array_equal(kept[1].value, F.linear(TARGET, v))


def test_what_could_not_be_computed_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Any] = []

    def loss(v: Any) -> Any:
        kept.append(F.relu(F.linear(TARGET, v)))
        return kept[-1].sum()

    cm.grad(loss)(whole(3, 5))

    def broken(*_: Any) -> Any:
        raise MemoryError("no room")

    monkeypatch.setattr(calls, "_done", broken)
    with pytest.raises(MemoryError, match="no room"):
        cm.grad(loss)(whole(3, 5))
    with pytest.raises(ConvmathError, match="a value was put off, and computing it failed before"):
        _ = kept[-1].value


def test_tensors_are_copied() -> None:
    def loss(v: Any) -> Any:
        y = F.linear(TARGET, v)
        copies.append((copy.deepcopy(v).value, copy.copy(y).value))
        return y.sum()

    copies: list[Any] = []
    v = whole(3, 5)
    cm.grad(loss)(v)
    same(copies[0], (v, F.linear(TARGET, v)))


def test_arrays_that_nobody_else_has_are_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    def noisy(w: Any) -> Any:
        y = F.conv(np.ones((10, 2, 100, 100)), w)
        for _ in range(30):
            y = F.add(y, np.ones(y.shape))
        return y.sum()

    def most(how: bool | None) -> int:
        tracemalloc.start()
        cm.grad(noisy, planned=how)(PARAMETERS["w"])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    monkeypatch.setattr(calls, "MOST_HELD", 2**23)
    most(None)
    assert most(None) < most(False) + 2**23 + 2**22


def test_what_fails_in_a_plan_is_nobodys_concern(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise IndexError("a mistake")

    monkeypatch.setattr(network, "Plan", broken)
    step = cm.value_and_grad(net({}, []))
    assert step.plan(PARAMETERS, X, TARGET).reason == f"{planned.FAILED}: IndexError: a mistake"
    same(step(PARAMETERS, X, TARGET), cm.value_and_grad(net({}, []), planned=False)(PARAMETERS, X, TARGET))


@pytest.mark.parametrize("kind", ["under", "over"])
def test_errors_of_numbers_come_at_the_operator(kind: Any) -> None:
    with np.errstate(**{kind: "raise"}):
        reason = cm.value_and_grad(net({}, [])).plan(PARAMETERS, X, TARGET).reason
    assert reason == f"NumPy is to raise errors ({kind}), which a plan does not see"

    def loss(w: Any) -> Any:
        a = F.relu(F.conv(X, w))
        with np.errstate(**{kind: "raise"}):
            try:
                F.sigmoid(F.conv(X * (5e307 if kind == "over" else 1e3), w))
            except FloatingPointError:
                seen.append("caught at the call")
        seen.append(float(F.relu(F.conv(X, w)).value.sum() + a.value.sum()))
        return a.sum()

    told = []
    for how in (None, False):
        seen: list[Any] = []
        cm.grad(loss, planned=how)(np.abs(PARAMETERS["w"]))
        told.append(seen)
    assert told[0] == told[1]


def test_a_value_of_an_earlier_call_is_a_constant() -> None:
    kept: list[Any] = []

    def loss(v: Any) -> Any:
        kept.append(F.mse(F.linear(whole_x, v), TARGET))
        return kept[0]

    whole_x, v = whole(6, 16), PARAMETERS["v"]
    for how in (None, True):
        kept.clear()
        step = cm.value_and_grad(loss, planned=how)
        first = step(v)
        value, gradient = step(v + 1)
        assert value == first[0]
        assert not gradient.any()


def test_values_outlive_a_result_that_is_none() -> None:
    kept: list[Any] = []

    def loss(v: Any) -> Any:
        kept.append(F.linear(TARGET, v))
        return {"loss": F.mse(kept[-1], whole(6, 3))}

    v = whole(3, 5)
    for auxiliary in (True, False):
        with pytest.raises(ShapeError):
            cm.value_and_grad(loss, auxiliary=auxiliary)(v)
        np.testing.assert_array_equal(kept[-1].value, F.linear(TARGET, v))


def test_what_is_kept_keeps_nothing_else() -> None:
    held, losses, outputs = [], [], []
    context: ContextVar[Any] = ContextVar("context")

    def loss(v: Any) -> Any:
        y = F.linear(np.ones((100, 1000)), v)
        h = F.relu(y)
        context.set(h)
        held.append(ref(h))
        outputs.append(h)
        losses.append(F.mse(F.relu(h), np.ones((100, 4))))
        return losses[-1]

    def grown() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    v = np.ones((4, 1000))
    step = cm.grad(loss)
    tracemalloc.start()
    step(v)
    before = grown()
    for _ in range(5):
        step(v)
    after = grown()
    tracemalloc.stop()
    assert after - before < 5 * 50_000  # of an array of 800 kB that each call brings nothing is left
    outputs.clear()
    gc.collect()
    assert sum(one() is not None for one in held) == 1  # the one in the context


def test_a_value_may_be_read_while_a_plan_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    plan, threads = network.Plan, []

    def slow(made: Any) -> Any:
        sleep(0.2)
        return plan(made)

    def loss(v: Any) -> Any:
        y = F.linear(whole_x, v)
        threads.append(Thread(target=lambda: (sleep(0.05), seen.append(y.value.copy()))))
        threads[-1].start()
        return F.mse(F.relu(y), TARGET, reduction="sum")

    seen: list[Any] = []
    whole_x, v = whole(6, 16), PARAMETERS["v"]
    monkeypatch.setattr(network, "Plan", slow)
    found = cm.value_and_grad(loss)(v)
    same(found, cm.value_and_grad(loss, planned=False)(v))
    for thread in threads:
        thread.join()
    same(*seen)


# --- many calls ---------------------------------------------------------------------------------------------------


def test_a_call_has_the_same_bits_at_any_time() -> None:
    loss = lambda p, x, t: F.mse(F.linear(F.tanh(F.flatten(F.conv(x, p["w"]))), p["v"]), t)  # noqa: E731
    p = {"w": RNG.normal(size=(4, 2, 3, 3)).astype("f4"), "v": RNG.normal(size=(5, 64)).astype("f4")}
    each = [(RNG.normal(size=(n, 2, 6, 6)).astype("f4"), RNG.normal(size=(n, 5)).astype("f4")) for n in (6, 3, 17)]
    step = cm.value_and_grad(loss)
    first = [step(p, *arrays) for arrays in each]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: step(p, *each[number % 3]), range(24)))
    for number, one in enumerate(found):
        same(one, first[number % 3])


def test_plans_that_take_too_much_make_room(monkeypatch: pytest.MonkeyPatch, runs: list[Any]) -> None:
    monkeypatch.setattr(planned, "MOST_KEPT", 1)
    monkeypatch.setattr(calls, "MOST", 2)
    loss = net({}, [])
    for n in (6, 3) * planned.MOST_MADE:
        same(*(cm.value_and_grad(loss, planned=how)(PARAMETERS, X[:n], TARGET[:n]) for how in (None, False)))
    assert not planned._kept.plans.found
    assert len(runs) == 2 * planned.MOST_MADE  # what is made again is no other plan


def test_threads_make_one_plan() -> None:
    made: list[Any] = []
    plan = network.Plan
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(8) as pool:
        patch.setattr(network, "Plan", lambda net: made.append(net) or plan(net))
        found = list(pool.map(lambda _: cm.value_and_grad(net({}, []))(PARAMETERS, X, TARGET)[0], range(24)))
    assert len(made) == 1
    assert len({*map(float, found)}) == 1


def test_numbers_that_change_at_every_call_are_not_planned_for_ever(runs: list[Any]) -> None:
    def loss(v: Any, x: Any, smoothing: float) -> Any:
        return F.cross_entropy(F.linear(x, v), np.arange(5), label_smoothing=smoothing)

    v, x, step = whole(5, 16), whole(5, 16), cm.value_and_grad(loss)
    for number in range(planned.MOST_MADE + 3):
        smoothing = number / 64
        found, needed = step(v, x, smoothing), cm.value_and_grad(loss, planned=False)(v, x, smoothing)
        for one, other in zip(_leaves(found), _leaves(needed), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
    assert len(runs) == planned.MOST_MADE
    assert step.plan(v, x, 0.9).reason == "enough plans of this network were made, each for other numbers"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_makes_plans_of_its_own() -> None:
    loss = net({}, [])
    needed = cm.value_and_grad(loss)(PARAMETERS, X, TARGET)[0]
    with planned._kept._lock:  # as another thread may hold it
        child = os.fork()
        if child == 0:
            os._exit(0 if cm.value_and_grad(loss)(PARAMETERS, X, TARGET)[0] == needed else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# --- what is worth it ---------------------------------------------------------------------------------------------


def test_small_and_large_networks_are_not_worth_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()

    def loss(p: Any, x: Any, target: Any) -> Any:
        y = F.max_pool(F.relu(F.conv(x, p[0], padding=1)), 2)
        return F.mse(F.global_avg_pool(F.conv(y, p[1], padding=1)), target)

    def plan(images: int, width: int, size: int) -> Any:
        p = [np.zeros((width, 3, 3, 3), "f4"), np.zeros((width, width, 3, 3), "f4")]
        x, target = np.zeros((images, 3, size, size), "f4"), np.zeros((images, width, 1, 1), "f4")
        return cm.value_and_grad(loss).plan(p, x, target)

    assert plan(64, 16, 32), plan(64, 16, 32)
    assert re.match(r"[\d,]+ multiplications are not worth the kernels of a plan$", plan(2, 5, 8).reason)
    assert re.match(r"a plan should take [\d.]+ ms, and operator by operator it should be", plan(1, 64, 64).reason)
    assert re.match(r"a plan would keep about [\d,]+ MB$", plan(4096, 8, 64).reason)


def test_what_is_expected_grows_with_the_network() -> None:
    def nets() -> Iterator[Any]:
        for images in (16, 32, 64):
            p, x = {**PARAMETERS}, np.zeros((images, 2, 6, 6))
            step = cm.value_and_grad(net({}, []), planned=True)
            yield step._found((p, x, np.zeros((images, 5))), {})[0].net  # type: ignore[attr-defined]

    each = [worth.amounts(one) for one in nets()]
    for one, other in pairwise(each):
        assert math.isclose(other["plan"]["product"], 2 * one["plan"]["product"])
        assert other["operators"]["convolution"] > one["operators"]["convolution"]


# --- teeth --------------------------------------------------------------------------------------------------------


def _wherever_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(self: Any, found: Any) -> Any:
        calls_, self_off = tuple(self.calls), self.puts_off
        self.close()
        return (calls_, list(self.arrays)) if self_off and calls_ else "nothing was put off"

    monkeypatch.setattr(calls.Notes, "taken", taken)


def _nodes_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    compute = calls.Notes.compute

    def without_nodes(self: Any) -> None:
        promised = [value() for value in self._values[len(self._values) - len(self.calls) :]]
        compute(self)
        for value in promised:
            if value is not None:
                value._node = None

    monkeypatch.setattr(calls.Notes, "compute", without_nodes)


def _other_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    operand = calls.Notes._operand
    other = (str, "mean")
    monkeypatch.setattr(calls.Notes, "_operand", lambda self, o: other if isinstance(o, str) else operand(self, o))


def trailing() -> None:
    """A loss that is not what the last operator makes."""

    def loss(v: Any) -> Any:
        y = F.linear(X.reshape(6, -1)[:, :16], v)
        found = F.mse(y, TARGET, reduction="sum")
        F.mse(y, TARGET * 2)
        return found

    same(*(cm.value_and_grad(loss, planned=how)(PARAMETERS["v"]) for how in (None, False)))


def test_what_comes_after_the_loss_is_not_the_loss() -> None:
    trailing()


@pytest.mark.parametrize(
    ("fault", "law"),
    [
        (_wherever_it_ends, trailing),
        (_nodes_lost, test_nor_wherever_it_asks),
        (_other_numbers, test_nor_wherever_it_asks),
    ],
)
def test_the_law_has_teeth(fault: Any, law: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    fault(monkeypatch)
    with pytest.raises(AssertionError):
        law()
