"""The receptive fields of networks and chains, as they are asked for."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy

import convmath
from convmath import operator
from convmath.errors import ConvmathError, HyperparameterError, StatementError, UnknownNameError
from convmath.graphs import network
from convmath.graphs.receptive import receptive_field
from convmath.window import Window

n, k, s, p = sympy.symbols("n k s p", positive=True, integer=True)


@pytest.mark.parametrize(
    ("name", "layer", "size", "jump", "start"),
    [
        # Araujo, Norris and Sim 2019, table of networks: AlexNet 195 and VGG-16 212, both with jump 32
        ("alexnet", "pool5", 195, 32, -66),
        ("vgg16", "pool5", 212, 32, -90),
        ("resnet18", "layer4.1.relu", 435, 32, -217),
        ("resnet50", "layer4.2.relu", 427, 32, -213),
        ("lenet5", "pool2", 16, 4, -2),
    ],
)
def test_the_fields_of_known_networks(name: str, layer: str, size: int, jump: int, start: int) -> None:
    found = receptive_field(network(name))
    assert found.aligned
    field = found.layer(layer)
    assert (field.size, field.jump, field.start) == ((size, size), (jump, jump), (start, start))


def test_a_dense_layer_sees_what_all_positions_before_it_see() -> None:
    found = receptive_field(network("resnet18"))
    assert found.jump == (0, 0)
    H = network("resnet18").symbols["H"]
    assert sympy.simplify(found.size[0] - (435 + 32 * sympy.floor((H - 1) / 32))) == 0
    assert receptive_field(network("resnet18").at(H=224, W=224)).size == (627, 627)


def test_adaptive_windows_that_divide_are_windows() -> None:
    """At 224 the pooling before AlexNet's dense layers takes each position as it is."""
    found = receptive_field(network("alexnet").at(H=224, W=224))
    assert found.layer("avgpool").size == found.layer("pool5").size == (195, 195)


def test_gradients_of_a_small_network_are_where_its_field_is() -> None:
    """Positive weights, one output position: the gradient by the input is not 0 from the first to the last position."""
    chain = [{"kernel": 3, "stride": 2, "padding": 1}, {"kernel": 2, "stride": 1, "dilation": 2}, {"kernel": 3}]
    layers = [operator("conv", 1, groups=1, **{"padding": 0, "stride": 1, "dilation": 1, **each}) for each in chain]
    found, size = receptive_field(layers), 30
    shapes, x = [], np.ones((1, 1, size), int)
    weights = [np.ones((1, 1, each["kernel"]), int) for each in chain]
    for layer, w in zip(layers, weights, strict=True):
        shapes.append(x)
        x = layer.exact(x, w)
    j = x.shape[2] // 2
    gradient = np.zeros(x.shape, int)
    gradient[0, 0, j] = 1
    for layer, w, before in zip(layers[::-1], weights[::-1], shapes[::-1], strict=True):
        gradient, _ = layer.exact_vjp(gradient, before, w)
    read = np.flatnonzero(gradient[0, 0])
    [start], [jump], [length] = found.start, found.jump, found.size
    assert (read[0], read[-1]) == (start + jump * j, start + jump * j + length - 1)


def test_paths_of_a_network_that_do_not_lie_as_one_another_are_named() -> None:
    graph = {
        "stem": ("conv", {"out_channels": 4, "kernel": 3, "padding": 1}),
        "even": ("conv", {"out_channels": 4, "kernel": 2, "padding": ((0, 1), (0, 1))}),
        "sum": ("add", {}, ("stem", "even")),
        "squeeze": "global_avg_pool",
        "down": ("conv", {"out_channels": 4, "kernel": 1, "stride": 2}, "sum"),
        "strided": ("avg_pool", {"kernel": 2, "stride": 2}, "sum"),
        "again": ("add", {}, ("down", "strided")),
    }
    found = receptive_field(network(graph, input=(1, 4, 8, 8)))
    assert [(apart.name, apart.axis) for apart in found.misaligned] == [
        ("sum", 0),
        ("sum", 1),
        ("again", 0),
        ("again", 1),
    ]
    assert [name for name, _ in found.misaligned[0].paths] == ["stem", "even"]
    assert found.layer("squeeze").jump == (0, 0)
    said = found.to_text()
    assert "At sum, axis 0, paths are misaligned by their centres:" in said
    assert "by way of even: jump 1, centre 1/2" in said
    assert "los caminos están desalineados por sus centros" in found.to_text("es")


def test_an_input_among_several_is_chosen_by_its_name() -> None:
    graph = {
        "a": ("conv", {"out_channels": 2, "kernel": 3}, "left"),
        "b": ("conv", {"out_channels": 2, "kernel": 3, "stride": 1}, "right"),
        "c": ("add", {}, ("a", "b")),
    }
    net = network(graph, input={"left": (1, 2, 9, 9), "right": (1, 2, 9, 9)})
    assert receptive_field(net).of == "left"
    found = receptive_field(net, of="right")
    assert found.layer("a").axes == ((), ())
    assert found.layer("c").size == (3, 3)
    with pytest.raises(StatementError, match=r"^a reads nothing of the input along axis 0$"):
        found.layer("a").size  # noqa: B018
    assert "a" in found.to_text()
    with pytest.raises(UnknownNameError, match="there is no input 'middle'"):
        receptive_field(net, of="middle")


# --- chains ----------------------------------------------------------------------------------------------------------


def test_a_chain_may_be_of_numbers_windows_and_operators() -> None:
    numbers = receptive_field([(7, 2, 3), (3, 2, (1, 0)), (3, 1, 0, 2)])
    windows = receptive_field([Window(7, 2, 1, 3, 3), Window(3, 2, before=1), Window(3, dilation=2)])
    mixed = receptive_field(
        [
            operator("conv", 1, k=7, s=2, p=3, d=1),
            (Window(3, 2, before=1),),
            operator("max_pool", 1, k=3, d=2, s=1, p=0),
        ]
    )
    for found in (numbers, windows, mixed):
        assert (found.size, found.jump, found.start, found.centre) == ((27,), (4,), (-5,), (8,))
    assert [field.name for field in mixed.fields] == ["conv1", "window1", "max_pool1"]


def test_two_axes_differ() -> None:
    found = receptive_field([(Window(3), Window(5, 2)), operator("max_pool", 2, k=2, s=2, p=0, d=1)])
    assert (found.size, found.jump) == (((4, 7)), (2, 4))


def test_letters_go_through() -> None:
    found = receptive_field([(k, s, p), (3, 2, 1)])
    assert found.size == (k + 2 * s,)
    assert found.jump == (2 * s,)
    assert found.start == (-p - s,)
    two = receptive_field([operator("conv", 1, dilation=1), operator("conv", 1, dilation=1)])
    assert str(two.size[0]) == "k + s*(k′ - 1)"
    assert [str(form) for form in (*two.jump, *two.start)] == ["s*s′", "-a - a′*s"]
    up = receptive_field([operator("conv_transpose", 1)])
    assert str(up.jump[0]) == "1/s"


def test_what_is_made_larger_moves_by_fractions() -> None:
    up = receptive_field([operator("conv_transpose", 1, kernel=4, stride=2, padding=1, dilation=1)])
    assert up.jump == (Fraction(1, 2),)
    assert up.size == (2,)
    back = receptive_field([(1, 2), *_up()])  # i is j or j - 1, whichever is even: between the ends, at one of them
    assert (back.jump, back.size, back.start) == ((1,), (2,), (-1,))


def _up() -> list[Any]:
    return [operator("conv_transpose", 1, kernel=2, stride=2, padding=0, dilation=1)]


@pytest.mark.parametrize("lang", ["en", "es"])
def test_it_prints_itself(lang: str) -> None:
    found = receptive_field([(k, s), *_up(), (3, 2, 1)])
    for said in (found.to_text(lang), found.to_latex(lang), found.to_html(lang), found.to_markdown(lang)):
        assert "window1" in said
    assert "conv_transpose1" in found.to_text(lang)


REFUSED: list[tuple[Any, type[ConvmathError], str]] = [
    (3, StatementError, "3 came, but a network or a list of at least one layer is needed [receptive_field]"),
    ([], StatementError, "[] came, but a network or a list of at least one layer is needed [receptive_field]"),
    ("resnet18", StatementError, "'resnet18' came, but a network or a list"),
    (["conv"], StatementError, "layer 1 is 'conv', but an operator, a Window, or numbers"),
    ([("conv", {"kernel": 3})], StatementError, "a list of operators' names is a network()"),
    ([(3, 1, 0, 1, 1)], StatementError, "layer 1 is (3, 1, 0, 1, 1), but"),
    ([(3, 0)], HyperparameterError, "the stride of layer 1 is 0, but it must be at least 1 [receptive_field]"),
    ([(3,), (0.5,)], HyperparameterError, "the kernel of layer 2 is 0.5, but a whole number is needed"),
    ([(3, 1, -1)], HyperparameterError, "the padding of layer 1 is -1, but it must be at least 0"),
    (
        [operator("conv", 2), operator("conv", 1)],
        StatementError,
        "the layers have 2, 1 spatial axes, but all must have as many [receptive_field]",
    ),
]


@pytest.mark.parametrize(("net", "kind", "said"), REFUSED, ids=[said for _, _, said in REFUSED])
def test_what_is_no_network_is_refused_with_a_sentence(net: Any, kind: type[ConvmathError], said: str) -> None:
    with pytest.raises(kind) as caught:
        receptive_field(net)
    assert said in str(caught.value)


def test_it_is_a_public_name() -> None:
    assert convmath.receptive_field is receptive_field
