"""A chain or a graph as it is typed, and the nodes that it is."""

from __future__ import annotations

from convmath.graphs import network
from convmath.graphs.nodes import Node, nodes


def test_a_chain_is_named_by_its_operators() -> None:
    found = nodes(["relu", ("conv", {"kernel": 1}), "relu"])
    assert found == (
        Node("relu1", "relu", {}, ("input",)),
        Node("conv1", "conv", {"kernel": 1}, ("relu1",)),
        Node("relu2", "relu", {}, ("conv1",)),
    )


def test_a_layer_of_a_graph_reads_the_one_before_it_unless_it_says() -> None:
    graph = {"a": "relu", "b": ("relu", {}), "c": ("relu", {}, "a"), "d": ("add", {}, ["b", "c"])}
    assert [node.inputs for node in nodes(graph)] == [("input",), ("a",), ("a",), ("b", "c")]
    assert nodes(graph, ("x",))[0].inputs == ("x",)


def test_what_keeps_its_weights_is_a_property_of_the_layer() -> None:
    [node] = nodes([("conv", {"kernel": 1, "trainable": False})])
    assert node == Node("conv1", "conv", {"kernel": 1}, ("input",), trainable=False)


def test_several_inputs_have_names() -> None:
    graph = {"sum": ("add", {}, ("left", "right"))}
    net = network(graph, input={"left": (None, 3, "H"), "right": (None, 3, "H")})
    assert net.outputs == ("sum",)
    assert net.shape() == net.shape("left")
    assert repr(net) == "<network: 1 layers, left (N, 3, H), right (N, 3, H)>"
