"""grad, value_and_grad, vjp, jvp, hvp and checkpoint: structures, levels, memory, threads, and what they refuse."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import convmath as cm
from convmath import functional as F
from convmath.engine import tape
from convmath.errors import DtypeError, HyperparameterError, ShapeError
from convmath.testing.cases import SEEDS, integers

Layer = namedtuple("Layer", "weight bias")

# --- structures -------------------------------------------------------------------------------------------------------


def parameters(seed: int = 0) -> dict[str, Any]:
    """Those of a small network, nested in every way."""
    rng = np.random.default_rng(seed)
    return {
        "first": Layer(rng.normal(size=(4, 2, 3, 3)), rng.normal(size=4)),
        "others": [OrderedDict(w=rng.normal(size=(3, 16))), None, ()],
        "scale": 1.5,
    }


X, TARGET = np.random.default_rng(7).normal(size=(5, 2, 6, 6)), np.array([0, 1, 2, 1, 0])


def loss(network: dict[str, Any], x: Any = X) -> Any:
    y = F.max_pool(F.tanh(F.conv(x, network["first"].weight, bias := network["first"].bias)), 2)
    y = F.linear(F.flatten(y), network["others"][0]["w"]) * network["scale"]
    return F.cross_entropy(y, TARGET) + (bias**2).sum()


def moved(network: Any, along: Any, step: float) -> Any:
    """The same structure, a step along another."""
    match network:
        case dict():
            return type(network)((key, moved(value, along[key], step)) for key, value in network.items())
        case Layer():
            return Layer(*(moved(*pair, step) for pair in zip(network, along, strict=True)))
        case list() | tuple():
            return type(network)(moved(*pair, step) for pair in zip(network, along, strict=True))
    return None if network is None else network + step * along


def dot(a: Any, b: Any) -> float:
    match a:
        case dict():
            return sum(dot(value, b[key]) for key, value in a.items())
        case list() | tuple():
            return sum(dot(*pair) for pair in zip(a, b, strict=True))
    return 0.0 if a is None else float(np.sum(np.asarray(a) * b))


def test_a_gradient_is_built_as_its_argument_is() -> None:
    network = parameters()
    value, gradient = cm.value_and_grad(loss)(network)
    assert value == loss(network)
    assert list(gradient) == ["first", "others", "scale"]
    assert type(gradient["first"]) is Layer
    assert type(gradient["others"][0]) is OrderedDict
    assert gradient["others"][1:] == [None, ()]
    assert gradient["scale"].shape == ()
    assert gradient["first"].weight.shape == (4, 2, 3, 3)


@given(SEEDS)
def test_products_with_the_jacobian_and_the_hessian_belong_together(seed: int) -> None:
    """⟨g, jvp(t)⟩ = ⟨vjp(g), t⟩, jvp of the gradient = hvp, and the Hessian is symmetric, within the rounding."""
    network, t, u = parameters(seed), parameters(seed + 1), parameters(seed + 2)
    value, tangent = cm.jvp(loss, (network,), (t,))
    (gradient,) = cm.vjp(loss, network)[1](2.0)
    (along_t,), (along_u,) = cm.hvp(loss, (network,), (t,)), cm.hvp(loss, [network], [u])
    pushed = cm.jvp(cm.grad(loss), (network,), (t,))[1]
    # of a few hundred products of numbers of the size that is printed here, relative to their sizes
    near = 1e-11
    assert value == loss(network)
    assert dot(gradient, t) == pytest.approx(2 * float(tangent), rel=near, abs=near)
    assert dot(along_t, u) == pytest.approx(dot(along_u, t), rel=near, abs=near)
    assert dot(pushed, u) == pytest.approx(dot(along_t, u), rel=near, abs=near)


def test_the_gradient_of_a_network_is_its_difference_quotient() -> None:
    network, t, step = parameters(3), parameters(4), 2.0**-20
    quotient = (loss(moved(network, t, step)) - loss(moved(network, t, -step))) / (2 * step)
    # the step squared times a third derivative, and the rounding of the loss over the step
    assert dot(cm.grad(loss)(network), t) == pytest.approx(quotient, abs=1e-7)


def test_wrt_names_the_arguments() -> None:
    def f(x: Any, y: Any, *, scale: float = 1.0) -> Any:
        return (x * y * y).sum() * scale

    x, y = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    np.testing.assert_array_equal(cm.grad(f)(x, y), [9, 25])
    np.testing.assert_array_equal(cm.grad(f, 1)(x, y), [6, 20])
    np.testing.assert_array_equal(cm.grad(f, -1)(x, y, scale=2.0), [12, 40])
    both = cm.grad(f, (1, 0))(x, y)
    assert isinstance(both, tuple)
    np.testing.assert_array_equal(both, [[6, 20], [9, 25]])


def test_something_else_may_come_beside_the_number() -> None:
    def f(x: Any) -> Any:
        y, mean, variance = F.batch_norm(x, np.zeros(2), np.ones(2), training=True)
        return (y**3).sum(), {"running": (mean, variance), "y": y, "name": "f"}

    x = np.random.default_rng(0).normal(size=(3, 2, 4))
    (value, more), gradient = cm.value_and_grad(f, auxiliary=True)(x)
    assert value.shape == ()
    assert gradient.shape == x.shape
    assert more["name"] == "f"
    assert {type(array) for array in (*more["running"], more["y"])} == {np.ndarray}


def test_what_an_argument_does_not_reach_has_the_gradient_0() -> None:
    np.testing.assert_array_equal(cm.grad(lambda x: 3.0)(np.ones(2)), [0, 0], strict=False)
    np.testing.assert_array_equal(cm.grad(lambda x: np.sign(x).sum())(np.ones(2)), [0, 0])
    for gradient in cm.grad(lambda x, y: (x * x).sum(), (0, 1))(np.ones(2, np.float32), np.ones(3, np.float32)):
        assert gradient.dtype == np.float32
    value, tangent = cm.jvp(lambda x: {"a": np.ones(2), "b": x}, (np.ones(1),), (np.ones(1),))
    np.testing.assert_array_equal(tangent["a"], [0, 0])
    np.testing.assert_array_equal(tangent["b"], value["b"])


def test_a_pullback_may_be_called_again() -> None:
    x = np.array([1.0, 2.0])
    value, pullback = cm.vjp(lambda x: {"square": x * x, "sum": x.sum()}, x)
    first = pullback({"square": np.array([1, 0]), "sum": 1.0})
    np.testing.assert_array_equal(first, [[3, 1]])
    np.testing.assert_array_equal(pullback({"square": np.ones(2), "sum": 0}), [[2, 4]])
    value["square"][...] = 7.0  # what comes out is one's own
    np.testing.assert_array_equal(pullback({"square": np.array([1, 0]), "sum": 1.0}), first)


def test_gradients_are_arrays_of_their_own() -> None:
    x = np.arange(3.0)
    gradients = cm.grad(lambda x, y, z: (x + y).sum() + z.sum(), (0, 1, 2))(x, x, x)
    g = np.ones(3)
    gradients = [*gradients, *cm.vjp(lambda x, y: x + y, x, x)[1](g), g, x]
    for place, gradient in enumerate(gradients):
        gradient[...] = place
    assert [gradient[0] for gradient in gradients] == list(range(len(gradients)))


def test_arguments_are_not_changed() -> None:
    network, t = parameters(), parameters(1)
    arrays = [network["first"].weight, network["first"].bias, network["others"][0]["w"], X]
    kept = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    cm.value_and_grad(loss)(network)
    cm.hvp(loss, (network,), (t,))
    cm.hvp(cm.checkpoint(loss), (network,), (t,))
    X.flags.writeable = True
    for array, before in zip(arrays, kept, strict=True):
        np.testing.assert_array_equal(array, before)


# --- levels -----------------------------------------------------------------------------------------------------------


def test_derivatives_of_derivatives_do_not_meet() -> None:
    """x·∂(x + y)/∂y has the slope 1: the inner derivative must not see that x varies too."""
    assert cm.grad(lambda x: x * cm.grad(lambda y: x + y)(1.0))(1.0) == 1
    assert cm.grad(lambda x: x * cm.grad(lambda y: x * y)(2.0))(3.0) == 6
    assert cm.grad(lambda x: cm.grad(lambda y: x * x * y * y * y)(x))(2.0) == 3 * 4 * 2.0**3
    assert cm.grad(lambda x: cm.jvp(lambda y: x * y, (x,), (1.0,))[1])(5.0) == 1
    assert cm.jvp(lambda x: x * cm.grad(lambda y: x * y)(2.0), (3.0,), (1.0,))[1] == 6


def test_a_derivative_of_any_order_is_a_derivative_of_a_derivative() -> None:
    def polynomial(x: Any) -> Any:
        return 3 * x**5 + x**2

    f, expected = polynomial, [3 * 32 + 4, 15 * 16 + 4, 60 * 8 + 2, 180 * 4, 360 * 2, 360, 0]
    for value in expected:
        assert f(2.0) == value
        f = cm.grad(f)


def test_another_derivative_of_an_operator_goes_through_its_vjp() -> None:
    """What a function computes with an operator's vjp is differentiated as everything else."""
    x, w = integers(3, (1, 2, 5)), integers(4, (3, 2, 2))

    def by_hand(x: Any, w: Any) -> Any:
        gx, gw = F.conv.vjp(F.conv(x, w) ** 2, x, w)
        return (gx**2).sum() + (gw**3).sum()

    def by_engine(x: Any, w: Any) -> Any:
        gx, gw = cm.vjp(F.conv, x, w)[1](F.conv(x, w) ** 2)
        return (gx**2).sum() + (gw**3).sum()

    for mine, other in zip(cm.grad(by_hand, (0, 1))(x, w), cm.grad(by_engine, (0, 1))(x, w), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_a_constant_tensor_is_a_constant() -> None:
    two = cm.Tensor([2.0, 2.0])
    assert isinstance((two * two).sum(), cm.Tensor)
    gradient = cm.grad(lambda x: (two * x * two).sum())(np.ones(2))
    assert isinstance(gradient, np.ndarray)
    np.testing.assert_array_equal(gradient, [4, 4])
    np.testing.assert_array_equal(cm.grad(lambda x: (x * x).sum())(two), [4, 4])
    np.testing.assert_array_equal(F.relu(two).value, [2, 2])
    assert type(cm.value_and_grad(lambda x: two.sum())(np.ones(2))[0]) is np.ndarray


def test_a_tensor_of_a_derivative_that_is_over_does_not_come_back() -> None:
    kept: list[Any] = []

    def keep(x: Any) -> Any:
        kept.append(x.sum())
        return kept[0]

    cm.grad(keep)(np.ones(2))
    assert kept[0].value == 2

    def late(x: Any) -> Any:
        cm.grad(keep)(np.ones(2))
        return kept[-1] * x.sum()

    with pytest.raises(DtypeError, match="the function returns a Tensor of another derivative, which is over"):
        cm.grad(late)(np.ones(2))


# --- memory -----------------------------------------------------------------------------------------------------------


def watched(kept: list[weakref.ref], alive: list[list[bool]]) -> Callable[[Any], Any]:
    """x ↦ 2·x, with an array that is kept for the way back, and told there which of those made later still are."""

    def rule(lower: list[Any], places: list[int]) -> Any:
        saved, number = np.full(3, 2.0), len(kept)
        kept.append(weakref.ref(saved))

        def pullback(cotangent: Any) -> list[Any]:
            alive.append([one() is not None for one in kept[number + 1 :]])
            return [saved * cotangent]

        return 2 * lower[0], pullback

    return lambda x: tape.record(rule, (x,))


@pytest.mark.parametrize("release", [True, False])
def test_what_a_node_kept_goes_when_its_pullback_has_run(release: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[weakref.ref] = []
    alive: list[list[bool]] = []
    twice = watched(kept, alive)
    if not release:  # teeth: everything would be there until the end
        sweep = tape.sweep
        monkeypatch.setattr("convmath.engine.derivatives.sweep", lambda *a, release: sweep(*a, release=False))

    def f(x: Any) -> Any:
        for _ in range(6):
            x = twice(x)
        return x.sum()

    gc.disable()
    try:
        np.testing.assert_array_equal(cm.grad(f)(np.ones(3)), np.full(3, 64.0))
        assert len(alive) == 6
        assert any(map(any, alive)) != release
        assert all(one() is None for one in kept)  # nothing waits for the garbage collector
    finally:
        gc.enable()


def test_a_pullback_keeps_its_arrays_as_long_as_it_is() -> None:
    kept: list[weakref.ref] = []
    twice = watched(kept, [])
    gc.disable()
    try:
        pullback = cm.vjp(lambda x: twice(twice(x)), np.ones(3))[1]
        pullback(np.ones(3))
        assert all(one() is not None for one in kept)
        del pullback
        assert all(one() is None for one in kept)
    finally:
        gc.enable()


def peak(f: Callable[[], Any]) -> int:
    """The bytes that a call takes at most, beyond what was there before."""
    f()
    gc.collect()
    tracemalloc.start()
    try:
        f()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


LENGTH, STEPS = 1 << 16, 32


def chain(x: Any, steps: int = STEPS, block: Callable[[Any], Any] = np.tanh) -> Any:
    for _ in range(steps):
        x = block(x)
    return x.sum()


def test_the_way_back_takes_no_more_than_what_was_kept() -> None:
    x = np.linspace(-1.0, 1.0, LENGTH)
    assert peak(lambda: cm.grad(chain)(x)) < (STEPS + 6) * x.nbytes


def test_a_checkpoint_recomputes_instead_of_keeping() -> None:
    x = np.linspace(-1.0, 1.0, LENGTH)
    block = cm.checkpoint(lambda x: np.tanh(np.tanh(np.tanh(np.tanh(np.tanh(np.tanh(np.tanh(np.tanh(x)))))))))

    def light(x: Any) -> Any:
        return chain(x, STEPS // 8, block)

    np.testing.assert_array_equal(cm.grad(light)(x), cm.grad(chain)(x))
    assert peak(lambda: cm.grad(light)(x)) < (STEPS // 8 + 8 + 8) * x.nbytes < STEPS * x.nbytes


def test_what_leads_nowhere_is_not_kept() -> None:
    kept: list[weakref.ref] = []
    twice = watched(kept, [])

    def f(x: Any) -> Any:
        twice(x)  # nobody has its value
        assert kept[0]() is None
        return x.sum()

    gc.disable()
    try:
        cm.grad(f)(np.ones(3))
    finally:
        gc.enable()


def test_a_long_chain_needs_no_deep_stack() -> None:
    assert cm.grad(lambda x: chain(x, 50_000, lambda x: x + 1.0))(np.ones(1)) == 1
    pullback = cm.vjp(lambda x: chain(x, 50_000, lambda x: -x), np.ones(1))[1]
    assert pullback(1.0)[0] == 1
    del pullback


# --- checkpoints ------------------------------------------------------------------------------------------------------


def test_a_checkpoint_has_all_derivatives_of_its_function() -> None:
    network, t = parameters(1), parameters(2)
    light = cm.checkpoint(loss)
    assert light(network) == loss(network)
    for mine, other in (
        (cm.grad(light)(network), cm.grad(loss)(network)),
        (cm.hvp(light, (network,), (t,))[0], cm.hvp(loss, (network,), (t,))[0]),
        (cm.jvp(light, (network,), (t,))[1], cm.jvp(loss, (network,), (t,))[1]),
        (cm.grad(lambda n: cm.checkpoint(light)(n, x=X))(network), cm.grad(loss)(network)),
    ):
        assert dot(mine, t if isinstance(mine, dict) else 1.0) == dot(other, t if isinstance(other, dict) else 1.0)


def test_a_checkpoint_runs_its_function_once_more_and_returns_any_structure() -> None:
    runs = []

    @cm.checkpoint
    def several(x: Any, y: Any) -> Any:
        runs.append(1)
        return {"sum": x + y, "both": (x * y, None, np.argmax(x.value))}

    def f(x: Any, y: Any) -> Any:
        found = several(x, y)
        assert found["both"][1:] == (None, 1)
        return (found["sum"] * found["both"][0]).sum()

    x, y = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    gradient = cm.grad(f, (0, 1))(x, y)
    assert len(runs) == 2
    np.testing.assert_array_equal(gradient, [2 * x * y + y * y, x * x + 2 * x * y])
    np.testing.assert_array_equal(cm.grad(lambda x: several(x, y)["sum"].sum())(x), [1, 1])


def test_a_checkpoint_that_uses_a_tensor_of_its_surroundings_is_refused() -> None:
    def f(x: Any, w: Any) -> Any:
        return cm.checkpoint(lambda x: x * w)(x).sum()

    with pytest.raises(DtypeError, match="uses a Tensor that is not among its arguments, and its gradient would be lo"):
        cm.grad(f, (0, 1))(np.ones(2), np.ones(2))

    # one of an outer derivative is not lost
    def outer(w: Any) -> Any:
        return cm.grad(lambda x: cm.checkpoint(lambda x: x * x * w)(x).sum())(np.ones(2)).sum()

    np.testing.assert_array_equal(cm.grad(outer)(np.ones(2)), [2, 2])


# --- threads ----------------------------------------------------------------------------------------------------------


def test_threads_do_not_meet() -> None:
    networks = [parameters(seed) for seed in range(8)]
    along = parameters(9)

    def work(network: Any) -> list[float]:
        gradient = cm.grad(loss)(network)
        (product,) = cm.hvp(cm.checkpoint(loss), (network,), (along,))
        return [dot(gradient, along), dot(product, along)]

    alone = [work(network) for network in networks]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, networks)) == alone


def test_a_function_may_use_threads_itself() -> None:
    x = np.arange(1.0, 9.0)

    def f(x: Any) -> Any:
        with ThreadPoolExecutor(4) as pool:
            return sum(pool.map(lambda part: (part**3).sum(), [x[place : place + 2] for place in range(0, 8, 2)]))

    np.testing.assert_array_equal(cm.grad(f)(x), 3 * x**2)


# --- what is refused --------------------------------------------------------------------------------------------------

ONES = np.ones(2)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: cm.grad(chain)(np.arange(2)), DtypeError, "argument 0 holds int64, but a derivative needs real floa"),
        (lambda: cm.grad(chain)(True), DtypeError, "argument 0 holds bool, but"),
        (lambda: cm.grad(chain)(ONES * 1j), DtypeError, "argument 0 holds complex128, but"),
        (lambda: cm.grad(chain)("x"), DtypeError, "argument 0 holds <U1, but"),
        (lambda: cm.grad(chain)(np.ma.array(ONES)), DtypeError, "argument 0 is a masked array"),
        (
            lambda: cm.grad(loss)({"first": [ONES, {"b": np.arange(2)}]}),
            DtypeError,
            "argument 0['first'][1]['b'] holds int64, but",
        ),
        (lambda: cm.vjp(chain, ONES, 3), DtypeError, "argument 1 holds int64, but"),
        (lambda: cm.grad(lambda x: x)(ONES), ShapeError, "an array of shape (2,) came out, but a gradient is that of"),
        (lambda: cm.grad(lambda x: (x, x))(ONES), ShapeError, "a tuple came out, but"),
        (lambda: cm.grad(lambda x: None)(ONES), ShapeError, "nothing came out, but"),
        (lambda: cm.grad(lambda x: "x")(ONES), ShapeError, "<U1 came out, but"),
        (lambda: cm.value_and_grad(chain, auxiliary=True)(ONES), ShapeError, "float64 came out, but a number and some"),
        (lambda: cm.grad(chain, 1)(ONES), HyperparameterError, "wrt is 1, but 1 arguments came by their place [grad(c"),
        (lambda: cm.grad(chain, (0, -2))(ONES, 2), HyperparameterError, "wrt is (0, -2), but it must name different"),
        (lambda: cm.grad(chain, "x"), HyperparameterError, "wrt is 'x', but a whole number is needed"),
        (
            lambda: cm.vjp(np.tanh, ONES)[1](np.ones(3)),
            ShapeError,
            "cotangent has shape (3,), but value has (2,",
        ),
        (
            lambda: cm.vjp(lambda x: [x, {"a": x}], ONES)[1]([ONES, {"a": np.ones(3)}]),
            ShapeError,
            "cotangent[1]['a'] has shape (3,), but value[1]['a'] has (2,)",
        ),
        (
            lambda: cm.vjp(lambda x: [x], ONES)[1]((ONES,)),
            ShapeError,
            "the structure of cotangent is (an array), but that of value is [an array]",
        ),
        (lambda: cm.vjp(np.tanh, ONES)[1](ONES * 1j), DtypeError, "cotangent holds complex128, but real numbers"),
        (
            lambda: cm.jvp(np.tanh, (ONES,), (np.ones(3),)),
            ShapeError,
            "tangents[0] has shape (3,), but arguments[0] has (2,)",
        ),
        (
            lambda: cm.jvp(np.tanh, (ONES,), ()),
            ShapeError,
            "the structure of tangents is (), but that of arguments is (an array)",
        ),
        (
            lambda: cm.hvp(chain, (ONES,), (ONES, ONES)),
            ShapeError,
            "the structure of tangents is (an array, an array), but",
        ),
        (lambda: cm.jvp(np.tanh, (ONES,), ONES), HyperparameterError, "tangents came as ndarray, but a tuple with one"),
    ],
)
def test_it_is_refused_with_a_sentence(call: Callable[[], Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value).startswith(sentence), raised.value


# --- teeth ------------------------------------------------------------------------------------------------------------


def test_levels_that_are_confused_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """One level for all derivatives, as with a single tape."""
    monkeypatch.setattr("convmath.engine.derivatives.new_level", lambda: 1)
    with pytest.raises(AssertionError):
        test_derivatives_of_derivatives_do_not_meet()


def test_a_hessian_that_is_not_symmetric_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vjp of a vjp that forgets one of its arrays."""
    from convmath.engine import operators

    true = operators._Second._linear
    monkeypatch.setattr(operators._Second, "_linear", lambda self, places, h: true(self, places, {min(h): h[min(h)]}))
    with pytest.raises(AssertionError):
        test_products_with_the_jacobian_and_the_hessian_belong_together.hypothesis.inner_test(0)
