"""The shapes of a network in letters, at numbers, are those of the arrays that its layers really make."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st

from convmath import define, operator
from convmath import functional as F
from convmath.errors import ConvmathError, HyperparameterError, ShapeError, StatementError, UnknownNameError
from convmath.graphs import Network, conditions, network
from convmath.graphs import sizes as naming
from convmath.graphs.nodes import Entry
from convmath.ir.guards import holds
from convmath.ir.nodes import Guard
from convmath.ir.poly import Param, poly
from convmath.ir.walk import params

from ..faults import caught

LETTERS = "HWD"


@st.composite
def layer(draw: st.DrawFn, ndim: int) -> tuple[str, dict[str, Any]]:
    """A windowed operator with numbers for each axis."""
    name = draw(st.sampled_from(["conv", "conv", "max_pool", "avg_pool", "conv_transpose"]))

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(ndim))

    hyper: dict[str, Any] = {"kernel": each(1, 4), "stride": each(1, 3)}
    if name != "conv_transpose":
        hyper["padding"] = tuple((draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(ndim))
    if name != "avg_pool":
        hyper["dilation"] = each(1, 2)
    if name.startswith("conv"):
        hyper["out_channels"] = draw(st.integers(1, 3))
    else:
        hyper["ceil_mode"] = draw(st.booleans())
    return name, hyper


@st.composite
def chains(draw: st.DrawFn) -> tuple[list[Entry], int]:
    ndim = draw(st.integers(1, 2))
    return draw(st.lists(layer(ndim), min_size=1, max_size=4)), ndim


def run(chain: list[Entry], x: np.ndarray) -> np.ndarray:
    """The layers by the numeric operators, one after the other."""
    for name, hyper in chain:
        rest = {word: value for word, value in hyper.items() if word not in ("kernel", "out_channels")}
        kernel = hyper["kernel"]
        if name == "conv":
            x = F.conv(x, np.ones((hyper["out_channels"], x.shape[1], *kernel)), **rest)
        elif name == "conv_transpose":
            x = F.conv_transpose(x, np.ones((x.shape[1], hyper["out_channels"], *kernel)), **rest)
        else:
            x = getattr(F, name)(x, kernel, **rest)
    return x


def meets(conditions: tuple[Guard, ...], net: Network, values: dict[Param, int]) -> bool:
    known = dict(values)
    for size in net.sizes:
        known[size.param] = size.value.evaluate(known)
    return all(holds(guard, known) for guard in conditions)


@given(data=st.data())
def test_shapes_in_letters_are_the_shapes_of_the_arrays(data: st.DataObject) -> None:
    chain, ndim = data.draw(chains(), label="chain")
    letters = LETTERS[:ndim]
    try:
        net = network(chain, input=(None, 2, *letters))
    except ShapeError:
        assume(False)
        return
    for _ in range(3):
        sides = {letter: data.draw(st.integers(1, 14), label=letter) for letter in letters}
        values = {param: sides[param.name] for shape in net.inputs.values() for param in params(shape[2:])}
        try:
            made = run(chain, np.ones((1, 2, *sides.values())))
        except ShapeError:
            assert not meets(net.conditions, net, values)
            with pytest.raises(ShapeError, match=r"layer '\w+'"):
                net.at(N=1, **sides)
        else:
            assert meets(net.conditions, net, values)
            assert net.at(N=1, **sides).shape() == made.shape
            known = {net.symbols[letter]: value for letter, value in {"N": 1, **sides}.items()}
            assert tuple(sympy.sympify(size).subs(known) for size in net.shape()) == made.shape


# --- names of sizes -----------------------------------------------------------------------------------------------


def sizes(net: Network) -> dict[str, str]:
    return {size.param.name: str(size.value) for size in net.sizes}


def test_floors_go_into_one_another() -> None:
    halved = ("max_pool", {"kernel": 3, "stride": 2, "padding": 1})
    assert sizes(network([halved] * 3, input=(None, 1, "H"))) == {
        "H1": "⌊(H-1)/2⌋+1",
        "H2": "⌊(H-1)/4⌋+1",
        "H3": "⌊(H-1)/8⌋+1",
    }
    pooled = [("conv", {"out_channels": 1, "kernel": 3}), ("max_pool", {"kernel": 2}), ("max_pool", {"kernel": 2})]
    assert sizes(network(pooled, input=(None, 1, "H"))) == {"H1": "H-2", "H2": "⌊H/2⌋-1", "H3": "⌊(H-2)/4⌋"}


def test_equal_sizes_have_one_name_and_names_that_are_taken_are_left() -> None:
    halves = {
        "a": ("max_pool", {"kernel": 2}),
        "b": ("avg_pool", {"kernel": 2}, "input"),
        "c": ("conv", {"out_channels": 3, "kernel": 2, "stride": 2}, "input"),
    }
    net = network(halves, input=(None, 3, "H", "H1"))
    assert sizes(net) == {"H2": "⌊H/2⌋", "H3": "⌊H₁/2⌋"}
    assert net.layer("a").shape == net.layer("b").shape == net.layer("c").shape


def test_numbers_have_no_names() -> None:
    net = network([("conv", {"out_channels": 4, "kernel": 3, "stride": 2})], input=(2, 3, 9, 8))
    assert (net.sizes, net.conditions, net.shape()) == ((), (), (2, 4, 4, 3))


def test_letters_may_be_formulas_expressions_and_one_another() -> None:
    chain = [("conv", {"out_channels": 4, "kernel": 3, "padding": 1})]
    h = sympy.Symbol("h", integer=True)
    shapes_ = [network(chain, input=(1, 3, size)).shape("input")[2] for size in ("2*h + 1", 2 * h + 1)]
    assert shapes_[0] == shapes_[1]
    assert str(network(chain, input=(1, 3, "H")).at(H="2*u").shape()[2]) == "2*u"


# --- padding in words ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "hyper", "side", "made"),
    [
        ("conv", {"kernel": 3, "padding": "same"}, "H", "H"),
        ("conv", {"kernel": 4, "padding": "same", "dilation": 2}, "H", "H"),
        ("conv", {"kernel": 3, "padding": "valid"}, "H", "H - 2"),
        ("conv", {"kernel": 3, "padding": "full"}, "H", "H + 2"),
        ("conv", {"kernel": 3, "padding": "same", "stride": 2}, 9, "5"),
        ("max_pool", {"kernel": 2, "padding": "same"}, 9, "5"),
        ("max_pool", {"kernel": 2, "padding": "same", "stride": 1}, "H", "H"),
    ],
)
def test_a_word_for_padding(name: str, hyper: dict[str, Any], side: Any, made: str) -> None:
    channels = {"out_channels": 2} if name == "conv" else {}
    assert str(network([(name, {**hyper, **channels})], input=(1, 2, side)).shape()[2]) == made


def test_the_lectures_image() -> None:
    """640×640, 32 filters of 3×3, pooling by 2; "same" keeps the size, "valid" takes 2."""
    for padding, sides in (("same", (640, 320)), ("valid", (638, 319))):
        chain = [
            ("conv", {"out_channels": 32, "kernel": 3, "padding": padding, "bias": True}),
            ("max_pool", {"kernel": 2}),
        ]
        net = network(chain, input=(None, 1, 640, 640))
        assert [net.shape(name)[1:] for name in ("conv1", "max_pool1")] == [(32, side, side) for side in sides]
        assert net.parameters == 320


# --- what is refused ----------------------------------------------------------------------------------------------

CONV = ("conv", {"out_channels": 4, "kernel": 3})


@pytest.mark.parametrize(
    ("graph", "given_", "error", "sentence"),
    [
        (["covn"], {}, UnknownNameError, r"^there is no operator 'covn'; the nearest .*\[layer 'covn1': covn of "),
        ([("conv", {"kernel": 3})], {}, HyperparameterError, r"^out_channels must be given \[layer 'conv1'"),
        (["conv"], {}, HyperparameterError, r"^out_channels, kernel must be given \[layer 'conv1'"),
        ([("conv", {"kernel": 3, "out_channels": 0})], {}, HyperparameterError, r"^out_channels is 0, but a whole"),
        ([("conv", {"kernel": 3, "strid": 2})], {}, UnknownNameError, r"no hyper-parameter 'strid'; .*'conv1'"),
        (
            [("conv", {"kernel": 3, "out_channels": 4, "stride": 2, "padding": "same"})],
            {},
            HyperparameterError,
            r"^padding='same' depends on the input size when the stride is 2; fix stride=1, or give numbers",
        ),
        (
            [("conv", {"kernel": 3, "out_channels": 3, "groups": 2})],
            {"input": (1, 2, 8)},
            ShapeError,
            r"^axis 1 of Y, out_channels, is 3, but it must be G·O, and G = 2 \[layer 'conv1': conv of \(1, 2, 8\)\]$",
        ),
        (
            [CONV, CONV],
            {"input": (1, 2, 4)},
            ShapeError,
            r"does not hold at .* \[layer 'conv2': conv of \(1, 4, 2\)\]$",
        ),
        ([("conv", {**CONV[1], "in_channels": 5})], {}, ShapeError, r"^axis 1 of X is 3, but it must be G·C = 5 "),
        ([CONV], {"input": (1, 3, -1)}, HyperparameterError, r"^axis 2 of input is -1, but it must"),
        ([CONV], {"input": (None, None, 4)}, HyperparameterError, r"^axis 1 of input is None, but a whole number is"),
        (
            [CONV],
            {"input": "224"},
            ShapeError,
            r"^input is '224', but a shape such as \(None, 3, 'H', 'W'\) is needed$",
        ),
        ([CONV], {"input": {}}, ShapeError, r"^a network has at least one input, but no shape came"),
        ([CONV], {"input": None}, HyperparameterError, r"^the shape of the input is missing; give input="),
        ([CONV], {"variant": "paper"}, HyperparameterError, r"^variant is 'paper', but only a network with a name"),
        ([], {}, StatementError, r"^\[\] came, but a list or dict of at least one layer is needed"),
        (5, {}, StatementError, r"^5 came, but a list or dict"),
        ([CONV, 3], {}, StatementError, r"^layer number 2 is 3, but an operator, "),
        ({"input": CONV}, {}, StatementError, r"^a layer is called 'input', but a name that no input has is needed"),
        ({"a": (*CONV, "b"), "b": CONV}, {}, UnknownNameError, r"^there is no layer or input before it 'b'; .*'a'"),
        ([CONV], {"input": {"x": (1, 3, 9), "y": (1, 3, 9)}}, StatementError, r"must say which of x, y it reads$"),
        ({"a": ("max_pool", {"kernel": 2}, ("input", "input"))}, {}, ShapeError, r"^2 inputs came, but the statement"),
        ([("conv", {**CONV[1], "trainable": 1})], {}, HyperparameterError, r"^trainable is 1, but True or False is"),
    ],
)
def test_what_is_wrong_is_said_and_where(graph: Any, given_: Any, error: type[ConvmathError], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        network(graph, **{"input": (None, 3, "H"), **given_})


def test_an_operator_of_ones_own_is_a_layer() -> None:
    """One that is defined in text, and one of the registry with some of its numbers fixed."""
    text = "Y[v,c,j] = sum(t<k) X[v,c,s*j+t-a] * X[v,c,s*j+t-a]"
    own = define("squares", text, ndim=1, outside={"X": 0})
    net = network([(own, {"kernel": 3, "stride": 2}), operator("max_pool", 1, kernel=2)], input=(None, 2, "H"))
    assert [node.name for node in net.nodes] == ["squares1", "max_pool1"]
    assert sizes(net) == {"H1": "⌊(H-3)/2⌋+1", "H2": "⌊(H-1)/4⌋"}
    with pytest.raises(HyperparameterError, match=r"^a is p, but a layer has a number there \[layer"):
        network([operator("max_pool", 1, kernel=2, padding="symmetric")], input=(None, 2, "H"))


def test_names_that_are_not_there_are_said() -> None:
    net = network([CONV], input=(None, 3, "H"))
    with pytest.raises(UnknownNameError, match=r"^there is no letter of the input 'W'; there are \(N, H\)$"):
        net.at(W=3)
    with pytest.raises(UnknownNameError, match=r"^there is no layer or input 'conv2'; the nearest is conv1"):
        net.shape("conv2")
    with pytest.raises(UnknownNameError, match=r"^there is no layer 'conv2'"):
        net.layer("conv2")


# --- teeth --------------------------------------------------------------------------------------------------------


def test_a_floor_that_is_put_in_wrongly_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = naming.unnested
    monkeypatch.setattr(naming, "unnested", lambda form: right(form) + 1)
    caught(test_shapes_in_letters_are_the_shapes_of_the_arrays)


def test_a_condition_that_is_lost_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditions.Conditions, "guards", lambda self: ())
    caught(test_shapes_in_letters_are_the_shapes_of_the_arrays)


def test_one_name_for_two_sizes_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = naming.Sizes.named

    def named(self: Any, form: Any) -> Any:
        return next((poly(name) for name in self.definitions), None) or right(self, form)

    monkeypatch.setattr(naming.Sizes, "named", named)
    caught(test_shapes_in_letters_are_the_shapes_of_the_arrays)
