"""Operators composed have the value of one after the other: as layers, as one sum, as one convolution, and folded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath import functional as F
from convmath import operator
from convmath.calculus.compose import Composition, absorb, chain, inline, merge
from convmath.errors import ConvmathError, ShapeError, StatementError
from convmath.ir.bind import bind
from convmath.ir.enclosure import Enclosure
from convmath.ir.guards import holds
from convmath.ir.poly import Param, poly
from convmath.ops.composition import compose, fold
from convmath.ops.registry import Operator
from convmath.window import span

from ..faults import caught

SEEDS = st.integers(0, 1 << 20)


def integers(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-9, 10, shape).astype(object)


@st.composite
def windows(draw: st.DrawFn, ndim: int, pads: int) -> dict[str, Any]:
    """Kernel, stride, dilation and paddings of one layer."""
    each = [
        {
            "kernel": draw(st.integers(1, 3)),
            "stride": draw(st.integers(1, 3)),
            "dilation": draw(st.integers(1, 2)),
            "padding": (draw(st.integers(0, pads)), draw(st.integers(0, pads))),
        }
        for _ in range(ndim)
    ]
    return {key: tuple(axis[key] for axis in each) for key in each[0]}


@st.composite
def pairs(draw: st.DrawFn) -> tuple[list[Operator], list[np.ndarray]]:
    """Two convolutions with groups and biases, numbers throughout, and their arrays: x, w₁, b₁, w₂, b₂.

    The size of the input may be fixed as well.
    """
    ndim = draw(st.sampled_from((1, 1, 2)))
    laid = [draw(windows(ndim, pads)) for pads in (2, draw(st.sampled_from((0, 2))))]
    groups = [draw(st.sampled_from((1, 1, 2))) for _ in laid]
    middle = groups[0] * groups[1] * draw(st.integers(1, 2))
    channels = [groups[0] * draw(st.integers(1, 2)), middle, groups[1] * draw(st.integers(1, 2))]
    biases = [draw(st.booleans()) for _ in laid]
    sizes = [_least(laid, axis) + draw(st.integers(0, 4)) for axis in range(ndim)]
    fixed: list[dict[str, Any]] = [{"n": tuple(sizes)} if draw(st.booleans()) else {}, {}]
    layers = [
        operator("conv", ndim, groups=g, bias=bias, **window, **more)
        for g, bias, window, more in zip(groups, biases, laid, fixed, strict=True)
    ]
    seed = draw(SEEDS)
    arrays = [integers(seed, 1, channels[0], *sizes)]
    for place, (g, bias, window) in enumerate(zip(groups, biases, laid, strict=True)):
        arrays.append(integers(seed + 1 + place, channels[place + 1], channels[place] // g, *window["kernel"]))
        arrays.append(integers(seed + 3 + place, channels[place + 1]) if bias else None)  # type: ignore[arg-type]
    return layers, arrays


def _least(laid: list[dict[str, Any]], axis: int) -> int:
    """A length at which both layers have a window."""
    needed = 1
    for window in reversed(laid):
        k, s, d, (a, b) = (window[key][axis] for key in ("kernel", "stride", "dilation", "padding"))
        needed = max(1, (needed - 1) * s + span(k, d) - a - b)
    return needed


def in_order(layers: list[Operator], arrays: list[np.ndarray]) -> np.ndarray:
    """The layers, each computed by itself."""
    x, *rest = arrays
    for place, layer in enumerate(layers):
        given = [array for array in rest[2 * place : 2 * place + 2] if array is not None]
        x = layer.exact(x, *given)
    return x


def named(layers: list[Operator], arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays by the names that the composition gives them."""
    x, w1, b1, w2, b2 = arrays
    both = b1 is not None and b2 is not None
    names = ("X", "W1", "B1" if both else "B", "W2", "B2" if both else "B")
    return {name: array for name, array in zip(names, (x, w1, b1, w2, b2), strict=True) if array is not None}


def at_every(guards: tuple, composition: Composition, shape: tuple[int, ...], env: dict) -> np.ndarray:
    """Where the guards on positions hold, as an array of the shape of the output."""
    positions = [form.atom for form in composition.merged.output.at[2:]]
    grids = np.meshgrid(*map(np.arange, shape[2:]), indexing="ij", sparse=True)
    values = {**env, **dict(zip(positions, grids, strict=True))}
    mask = np.ones(shape[2:], bool)
    for guard in guards:
        mask = mask & holds(guard, values)
    return np.broadcast_to(mask, shape)


# --- laws -------------------------------------------------------------------------------------------------------


@given(data=st.data())
def test_two_layers_and_their_one_sum_have_the_value_of_one_after_the_other(data: st.DataObject) -> None:
    layers, arrays = data.draw(pairs(), label="layers")
    composition, expected = compose(*layers), in_order(layers, arrays)
    given = named(layers, arrays)
    assert (composition.statement.evaluate(given) == expected).all()
    try:
        found = composition.merged.evaluate(given)
    except (ShapeError, StatementError) as error:
        raise AssertionError(str(composition.merged)) from error
    assert found.shape == expected.shape
    assert (found == expected).all()


@given(data=st.data())
def test_one_convolution_is_the_layers_where_it_says_so_and_exceeds_them_by_what_is_lost(data: st.DataObject) -> None:
    layers, arrays = data.draw(pairs(), label="layers")
    composition, expected = compose(*layers), in_order(layers, arrays)
    given = named(layers, arrays)
    weights = {name: array for name, array in given.items() if name != "X"}
    made = composition.kernel.evaluate(weights)
    made = made if isinstance(made, dict) else {composition.kernel.outputs[0]: made}
    kernel, *bias = (made[name] for name in composition.kernel.outputs)
    assert kernel.shape[2:] == tuple(axis.kernel.constant for axis in composition.axes)
    one = composition.convolution.evaluate({"X": given["X"], **made})
    assert one.shape == expected.shape, "the derived size of the one is not that of the layers"
    # in numbers, by kernels that know nothing of statements
    laid = {key: tuple(getattr(axis, key).constant for axis in composition.axes) for key in ("stride", "dilation")}
    pads = tuple((axis.before.constant, axis.after.constant) for axis in composition.axes)
    groups = given["X"].shape[1] // kernel.shape[1]
    numbers = [array.astype(np.int64) for array in (given["X"], kernel, *bias)]
    computed = F.conv(*numbers, **laid, padding=pads, groups=groups)
    assert (computed == one).all()
    lost = composition.lost.evaluate(given)
    assert (one - lost == expected).all()
    env = bind(composition.statement, {name: array.shape for name, array in given.items()})
    mask = at_every(composition.where, composition, expected.shape, env)
    assert (one == expected)[mask].all()
    assert mask.all() == all(holds(guard, env) for guard in composition.conditions)


@given(data=st.data())
def test_a_folded_layer_has_the_value_of_the_two(data: st.DataObject) -> None:
    """ε = 0 and variances that are squares keep every number rational."""
    name = data.draw(st.sampled_from(("conv", "conv_transpose")), label="name")
    ndim, groups = data.draw(st.integers(1, 2), label="ndim"), data.draw(st.integers(1, 3), label="groups")
    bias, weight, shift = (data.draw(st.booleans(), label=label) for label in ("bias", "weight", "shift"))
    laid = data.draw(windows(ndim, 1), label="windows")
    seed = data.draw(SEEDS, label="seed")
    first = operator(name, ndim, groups=groups, bias=bias, **{k: v for k, v in laid.items() if k != "kernel"})
    second = operator("batch_norm", ndim, weight=weight, bias=shift, eps=0)
    before, after = (groups * data.draw(st.integers(1, 2), label="channels") for _ in range(2))
    rows, columns = (after, before) if name == "conv" else (before, after)
    x = integers(seed, 2, before, *(span(k, d) + 2 for k, d in zip(laid["kernel"], laid["dilation"], strict=True)))
    w = integers(seed + 1, rows, columns // groups, *laid["kernel"])
    b = [integers(seed + 2, after)] if bias else []
    μ, V = integers(seed + 3, after), (integers(seed + 4, after) ** 2 + 1) ** 2
    more = [integers(seed + 5 + place, after) if there else None for place, there in enumerate((weight, shift))]
    expected = second.exact(first.exact(x, w, *b), μ, V, *more)
    folding = fold(first, second)
    arrays = [array for array in (w, *b, μ, V, *more) if array is not None]
    named = dict(zip(folding.weights.reads, arrays, strict=True))
    made = folding.weights.evaluate(named)
    assert made[folding.weights.outputs[0]].shape == w.shape
    assert (folding.layer.evaluate({"X": x, **made}) == expected).all()
    # as the numeric operator takes them
    assert (first.exact(x, *(made[output] for output in folding.weights.outputs)) == expected).all()
    assert (folding.statement.evaluate({"X": x, **named}) == expected).all()


PAIRS = [
    (operator("conv", 1, groups=1), operator("max_pool", 1, kernel=2, stride=2)),
    (operator("max_pool", 1, kernel=2, stride=1, padding=1), operator("conv", 1, groups=1, padding=1)),
    (operator("conv", 2, groups=1), operator("avg_pool", 2, kernel=2, stride=2, ceil_mode=True)),
    (operator("avg_pool", 1, kernel=3, stride=2, padding=1, count_include_pad=False), operator("conv", 1, groups=1)),
    (operator("conv_transpose", 1, groups=1, stride=2), operator("conv", 1, groups=1, bias=True)),
    (operator("conv", 1, groups=1, stride=2), operator("conv_transpose", 1, groups=1, stride=2, padding=1)),
    (operator("conv", 1, groups=1, padding=1), operator("conv", 1, groups=1, padding=1, padding_mode="circular")),
    (operator("conv", 1, groups=1), operator("batch_norm", 1, training=True, eps=3)),
    (operator("batch_norm", 1, eps=0), operator("conv", 1, groups=1, padding=1)),
]


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=str)
def test_layers_of_any_kind_are_one_statement(first: Operator, second: Operator) -> None:
    composition = compose(first, second)
    arrays = {"X": integers(0, 2, 2, *(9,) * first.ndim)}
    for place, tensor in enumerate(composition.statement.inputs[1:], 1):
        shape = [2 if param.letter in "COGN" else 3 for param in map(_param, tensor.shape)]
        arrays[tensor.name] = integers(place, *shape) ** (4 if tensor.name == "V0" else 1)
    own, rest = first.statement.reads[1:], list(composition.statement.reads[1:])
    middle = first.exact(arrays["X"], *(arrays[name] for name in rest[: len(own)]))
    expected = second.exact(middle, *(arrays[name] for name in rest[len(own) :]))
    assert same(composition.statement.evaluate(arrays), expected)
    try:
        merged = composition.merged
    except StatementError:
        return
    assert same(merged.evaluate(arrays), expected)


def _param(size: Any) -> Any:
    return next(iter(size.leaves()))


def same(found: np.ndarray, expected: np.ndarray) -> bool:
    """Equal, or where a root is not rational enclosed by the same."""
    gaps = (a - b for a, b in zip(found.flat, expected.flat, strict=True))
    return found.shape == expected.shape and all(0 in gap if isinstance(gap, Enclosure) else gap == 0 for gap in gaps)


# --- what is derived ----------------------------------------------------------------------------------------------

ONE = operator("conv", 1, groups=1)
PLAIN = operator("conv", 1, groups=1, padding=0)
UNDILATED = operator("conv", 1, groups=1, dilation=1)


def test_the_window_of_two_convolutions_is_as_it_is_in_the_books() -> None:
    """k₁ + (k₂ - 1)·s₁, s₁·s₂ and p₁ + p₂·s₁, here for any sizes; with dilation, spans stand for kernels."""
    [axis] = compose(UNDILATED, UNDILATED).axes
    assert str(axis.kernel) == "k+s·(k′-1)"
    assert [str(form) for form in (axis.stride, axis.before, axis.after)] == ["s·s′", "s·a′+a", "s·b′+b"]
    [axis] = compose(ONE, ONE).axes
    assert str(axis.kernel) == "d·(k-1)+s·d′·(k′-1)+1"
    assert axis.dilation == 1


def test_a_common_step_of_all_taps_is_a_dilation() -> None:
    both = [operator("conv", 1, groups=1, stride=1, dilation=d) for d in (4, 6)]
    [axis] = compose(*both).axes
    assert (str(axis.kernel), axis.dilation) == ("2·k+3·k′-4", 2)
    atrous = operator("conv", 1, groups=1, stride=1)
    [axis] = compose(atrous, operator("conv", 1, groups=1, dilation=2)).axes
    assert axis.dilation == 1  # d and 2: no step that is known to divide both


def test_the_output_size_of_the_one_is_that_of_the_two_for_all_sizes() -> None:
    [size] = compose(ONE, ONE).convolution.sizes
    *_, last = ONE.derived_sizes
    assert str(size) == "m′ = ⌊(n+s·a′+s·b′+a+b-d·(k-1)-s·d′·(k′-1)-1)/(s·s′)⌋+1"
    assert last != size.value


def test_without_padding_between_them_two_convolutions_are_one_everywhere() -> None:
    composition = compose(ONE, PLAIN)
    assert composition.where == composition.conditions == ()
    assert str(composition.lost) == "Y[ν,o,j] = 0"
    assert "[0 ≤ s′·j+d′·t′-a′ < m]" in str(compose(ONE, ONE).merged)
    assert "< m]" not in str(composition.merged)


@pytest.mark.parametrize("stride", [None, 1, 3])
def test_behind_a_full_convolution_padding_adds_nothing(stride: int | None) -> None:
    """What does not exist behind it would have read zeros alone. A bias would be there all the same."""
    full = operator("conv", 1, groups=1, padding="full", **({"stride": stride} if stride else {}))
    assert compose(full, ONE).where == ()
    biased = operator("conv", 1, groups=1, padding="full", bias=True)
    assert [str(guard) for guard in compose(biased, ONE).where] == ["[0 ≤ s′·j-a]", "[s′·j+d′·(k′-1)-a < m]"]


def test_where_the_two_differ_they_do() -> None:
    """Positive numbers: the padding between two 3-tap convolutions is felt at the two ends, and nowhere else."""
    same = operator("conv", 1, groups=1, kernel=3, stride=1, dilation=1, padding=1)
    composition = compose(same, same)
    arrays = {"X": np.ones((1, 1, 6), int), "W1": np.ones((1, 1, 3), int), "W2": np.ones((1, 1, 3), int)}
    assert composition.lost.evaluate(arrays).tolist() == [[[1, 0, 0, 0, 0, 1]]]
    assert [str(guard) for guard in composition.where] == ["[0 ≤ j-1]", "[j+1 < m]"]


def test_a_chain_of_three_is_one_however_it_is_put_together() -> None:
    third = operator("conv", 1, groups=1, stride=2, padding=1)
    flat, left = compose(ONE, PLAIN, third), compose(compose(ONE, PLAIN), third)
    right = compose(ONE, compose(PLAIN, third))
    assert flat.statement == left.statement == right.statement
    assert flat.statement.reads == ("X", "W1", "W2", "W3")
    [axis] = flat.axes
    assert str(axis.kernel) == "d·(k-1)+s·d′·(k′-1)+s·s′·d′′·(k′′-1)+1"
    assert str(axis.before) == "s·s′+a"
    arrays = [integers(place, *shape) for place, shape in enumerate(((1, 2, 20), (3, 2, 3), (2, 3, 2), (2, 2, 3)))]
    x = arrays[0]
    for layer, w in zip((ONE, PLAIN, third), arrays[1:], strict=True):
        x = layer.exact(x, w)
    assert (flat.merged.evaluate(dict(zip(flat.statement.reads, arrays, strict=True))) == x).all()


def test_one_kernel_after_another_in_two_ways() -> None:
    """The kernel of three is that of the first two composed with the third: U is associative."""
    w = [integers(place, 2, 2, 3) for place in range(3)]
    layers = [operator("conv", 1, groups=1, stride=s, dilation=1, padding=0) for s in (2, 3, 1)]
    three = compose(*layers).kernel.evaluate(dict(zip(("W1", "W2", "W3"), w, strict=True)))
    two = compose(*layers[:2]).kernel.evaluate({"W1": w[0], "W2": w[1]})
    strided = operator("conv", 1, groups=1, stride=6, dilation=1, padding=0)
    again = compose(strided, layers[2]).kernel.evaluate({"W1": two, "W2": w[2]})
    assert (three == again).all()


def test_the_padding_of_a_layer_is_kept_by_those_that_have_no_window() -> None:
    norm = operator("batch_norm", 1)
    [axis] = compose(ONE, norm).axes
    assert (str(axis.before), str(axis.after), str(axis.kernel)) == ("a", "b", "k")
    [axis], [same] = compose(ONE, norm, PLAIN).axes, compose(ONE, PLAIN).axes
    assert [str(form) for form in (axis.before, axis.after, axis.kernel)] == ["a", "b", str(same.kernel)]


DERIVED = [
    compose(ONE, ONE),
    compose(ONE, PLAIN),
    compose(operator("conv", 2, bias=True), operator("conv", 2, groups=1, bias=True)),
    compose(operator("conv", 1, groups=2), operator("conv", 1, groups=4)),
    compose(operator("conv", 1, groups=1), operator("avg_pool", 1)),
    compose(operator("avg_pool", 1, padding=0), operator("conv", 1, groups=1)),
    compose(operator("conv", 1, groups=1, kernel=1, padding=0), operator("batch_norm", 1)),
    compose(operator("conv_transpose", 1, groups=1), operator("conv_transpose", 1, groups=1)),
    compose(ONE, ONE, ONE),
    fold(operator("conv", 2, bias=True), operator("batch_norm", 2, weight=True, bias=True)),
    fold(operator("conv_transpose", 1), operator("batch_norm", 1)),
]


@pytest.mark.parametrize("found", DERIVED, ids=range(len(DERIVED)))
def test_each_step_holds_and_begins_where_the_one_before_ended(found: Any) -> None:
    verdict = found.derivation.verify()
    assert verdict, verdict.failures
    ended = found.derivation.subject
    assert chain.settled(ended) == found.statement
    for step in found.derivation.plain_steps:
        assert step.before == ended
        ended = step.after
    assert found.derivation.result == ended


@pytest.mark.parametrize("found", DERIVED, ids=range(len(DERIVED)))
@pytest.mark.parametrize("lang", ["en", "es"])
def test_it_prints_itself(found: Any, lang: str) -> None:
    for each in (found, found.derivation):
        said = each.to_text(lang)
        assert found.title[lang] in said
        assert each.to_latex(lang)
        assert each.to_html(lang)
    assert found.to_text("en") != found.to_text("es")


# --- letters ------------------------------------------------------------------------------------------------------


def test_a_letter_that_an_earlier_layer_has_gets_a_prime_and_no_other() -> None:
    statement = compose(operator("batch_norm", 1), operator("conv", 1, groups=1), ONE).statement
    assert {"ε", "k", "k′", "s", "s′"} <= set(chain._letters(statement))
    assert "n′" not in chain._letters(statement)  # it is the size of what is made before
    assert statement.reads == ("X", "μ0", "V0", "W2", "W3")
    assert str(compose(ONE, operator("max_pool", 1)).statement).splitlines()[1].startswith("Y[ν,c,j] = max_{t<k′} Y₁[")


def test_sizes_that_must_be_equal_are_put_in_or_asked_for() -> None:
    both = compose(operator("conv", 1), operator("conv", 1)).statement
    assert "[G·O = G′·C′]" in map(str, both.requires)
    one = compose(operator("conv", 1, O=6, G=1), operator("conv", 1, G=3)).statement
    assert one.tensor("W2").shape[1] == 2
    assert not [guard for guard in one.requires if "C′" in str(guard)]


# --- refusals -----------------------------------------------------------------------------------------------------

REFUSED = [
    (lambda: compose(ONE, 3), StatementError, "3 came, but an operator is needed [compose]"),  # type: ignore[arg-type]
    (
        lambda: compose(ONE, operator("conv", 2)),
        ShapeError,
        "Y1 has 3 axes, (N, O, m), but the layer behind it reads 4, (N′, G·C′, n₁′, n₂′) [compose]",
    ),
    (
        lambda: compose(operator("conv", 1, O=4, groups=1), operator("conv", 1, C=3, groups=1)),
        ShapeError,
        "axis 1 of Y1 has length 4, but the layer behind it reads 3 [compose]",
    ),
    (
        lambda: compose(operator("conv", 1, n=3, k=3, p=0, d=1, s=1), operator("conv", 1, k=4, p=0, d=1)).statement,
        ShapeError,
        "0 ≤ m-4 is needed, but does not hold at m = 1 [compose]",
    ),
    (
        lambda: compose(ONE, operator("max_pool", 1)).merged,
        StatementError,
        "Y is a max of Y1, and no sum that could take in another",
    ),
    (lambda: compose(operator("max_pool", 1), ONE).merged, StatementError, "Y1 is a max, and no sum"),
    (
        lambda: compose(ONE, operator("batch_norm", 1, training=True)).merged,
        StatementError,
        "V is not linear in Y1: Y1 stands in (Y₁[ν,c,i] - μ[c])²",
    ),
    (
        lambda: compose(operator("conv_transpose", 1, groups=1), ONE).kernel,
        StatementError,
        "Y is not one convolution: ⌊(s′·j+d′·t′-d·t+a-a′)/s⌋ is no multiple of j plus multiples of taps",
    ),
    (
        lambda: compose(operator("conv", 1, groups=1, padding_mode="circular"), ONE).kernel,
        StatementError,
        "Y is not one convolution: X stands in 3 sums",
    ),
    (
        lambda: compose(ONE, operator("avg_pool", 1, count_include_pad=False)).kernel,
        StatementError,
        "Y is not one convolution: its weights, W[c,c′,t] / D[j], depend on j",
    ),
    (
        lambda: compose(operator("conv", 1, groups=1), operator("avg_pool", 1, ceil_mode=True, padding=0)).axes,
        StatementError,
        "Y is not one convolution: ",
    ),
    (
        lambda: fold(ONE, operator("batch_norm", 1, training=True)).weights,
        StatementError,
        "μ takes in several elements of Y1, but only what is affine in each by itself can be folded",
    ),
    (lambda: fold(ONE, operator("max_pool", 1)).weights, StatementError, "Y takes in several elements of Y1"),
    (
        lambda: fold(ONE, operator("relu", 1)).weights,
        StatementError,
        "Y has the bracket [0 < Y₁[ν,c,i]], and is not affine in Y1",
    ),
    (
        lambda: fold(operator("max_pool", 1), operator("batch_norm", 1)).weights,
        StatementError,
        "Y1 is no sum over X with a bias: ",
    ),
    (
        lambda: fold(operator("avg_pool", 1), operator("batch_norm", 1)).weights,
        StatementError,
        "no weight in X[ν,c,s·j+t-a] / D[j] could take in 1 / σ[c]",
    ),
    (lambda: fold(ONE, "batch_norm"), StatementError, "'batch_norm' came, but an operator is needed [fold]"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("call", "kind", "said"), REFUSED, ids=[said for _, _, said in REFUSED])
def test_what_is_not_so_is_refused_with_a_sentence(call: Any, kind: type[ConvmathError], said: str) -> None:
    with pytest.raises(kind) as caught_:
        call()
    assert said in str(caught_.value)


def test_what_is_only_two_layers_is_printed_as_that() -> None:
    said = compose(ONE, operator("max_pool", 1)).to_text()
    assert "The layers are not one sum." in said
    assert "This is not one convolution." in compose(operator("conv_transpose", 1, groups=1), ONE).to_text()


# --- teeth --------------------------------------------------------------------------------------------------------


def plant(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, wrong: Any) -> None:
    true = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *arguments: wrong(true, *arguments))


def test_a_padding_between_that_is_forgotten_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, merge, "_apart", lambda true, *arguments: (true(*arguments)[0], ()))
    caught(test_one_convolution_is_the_layers_where_it_says_so_and_exceeds_them_by_what_is_lost)


def test_a_bracket_that_is_taken_to_be_implied_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "_implied", lambda *arguments: True)
    caught(test_one_convolution_is_the_layers_where_it_says_so_and_exceeds_them_by_what_is_lost)


def test_a_bias_that_is_lost_nowhere_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, merge, "_bias", lambda true, *arguments: (true(*arguments)[0], []))
    caught(test_one_convolution_is_the_layers_where_it_says_so_and_exceeds_them_by_what_is_lost)


def test_a_padding_behind_that_is_not_strided_over_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its output size would not be that of the layers."""
    plant(monkeypatch, Composition, "_after", lambda true, self, size: true(self, size) + poly(Param("s", 0, 1)))
    with pytest.raises(StatementError, match="but one convolution has"):
        compose(ONE, ONE).convolution  # noqa: B018


def test_an_inner_guard_that_is_lost_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(
        monkeypatch,
        inline,
        "_one",
        lambda true, equation, term, inner, taken: true(equation, term, inner, replace(taken, guards=())),
    )
    caught(test_two_layers_and_their_one_sum_have_the_value_of_one_after_the_other)


def test_a_factor_that_is_doubled_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, absorb, "derivative", lambda true, node, by: true(node, by) * 2)
    caught(test_a_folded_layer_has_the_value_of_the_two)


def test_a_bias_that_is_forgotten_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, absorb, "_terms", lambda true, *arguments: (true(*arguments)[0], []))
    caught(test_a_folded_layer_has_the_value_of_the_two)
