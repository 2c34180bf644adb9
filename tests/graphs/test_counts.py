"""What a network costs is the sum over its layers, counted on the arrays that they really read and make."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from convmath import functional as F
from convmath.calculus.tally import Tally
from convmath.errors import HyperparameterError, ShapeError
from convmath.graphs import Memory, Network, costs, network
from convmath.graphs.nodes import Entry
from convmath.graphs.sizes import Sizes

from ..faults import caught


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[list[Entry], tuple[int, ...]]:
    """A chain of convolutions, and a shape that all of them fit on."""
    chain = []
    for _ in range(draw(st.integers(1, 3))):
        groups = draw(st.integers(1, 2))
        hyper = {"kernel": draw(st.integers(1, 3)), "stride": draw(st.integers(1, 2)), "groups": groups}
        hyper |= {"padding": draw(st.integers(0, 2)), "out_channels": 2 * draw(st.integers(1, 2))}
        chain.append(("conv", {**hyper, "bias": draw(st.booleans())}))
    sides = draw(st.lists(st.integers(15, 18), min_size=1, max_size=2))
    return chain, (draw(st.integers(1, 2)), 2, *sides)


@given(data=st.data())
def test_counts_are_those_of_the_arrays(data: st.DataObject) -> None:
    """Where every element is 1, the sum of a convolution's output is how many products it adds."""
    chain, shape = data.draw(convolutions(), label="chain")
    net = network(chain, input=shape)
    parameters = macs = inside = 0
    im2col = []
    for (_, hyper), layer in zip(chain, net.layers, strict=True):
        x = np.ones(tuple(size.constant for size in layer.inputs[0]), dtype=int)
        w = np.ones(
            (hyper["out_channels"], x.shape[1] // hyper["groups"], *[hyper["kernel"]] * (x.ndim - 2)), dtype=int
        )
        rest = {word: hyper[word] for word in ("stride", "padding", "groups")}
        y = F.conv(x, w, **rest)
        parameters += w.size + (y.shape[1] if hyper["bias"] else 0)
        macs += y.size * w[0].size
        inside += y.sum()
        im2col.append(y.size // y.shape[1] * hyper["groups"] * w[0].size)
    assert (net.parameters, net.macs, net.macs_inside) == (parameters, macs, int(inside))
    assert net.memory(1).im2col == max(im2col)


@given(data=st.data())
def test_counts_in_letters_at_numbers_are_the_counts(data: st.DataObject) -> None:
    chain, (batch, channels, *sides) = data.draw(convolutions(), label="chain")
    letters = dict(zip("HW", sides, strict=False))
    net = network(chain, input=(None, channels, *letters))
    values = {net.symbols[letter]: value for letter, value in {"N": batch, **letters}.items()}
    numbers = network(chain, input=(batch, channels, *sides))
    for name in ("parameters", "macs", "macs_inside"):
        assert sympy.sympify(getattr(net, name)).subs(values) == getattr(numbers, name)
    for name in ("forward", "training", "im2col"):
        found = sympy.sympify(getattr(net.memory(), name))
        assert found.subs(values).doit() == getattr(numbers.memory(), name)


# --- memory -------------------------------------------------------------------------------------------------------


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Entry]:
    """Poolings that read any layer before them."""
    names = ["input"]
    found: dict[str, Entry] = {}
    for place in range(draw(st.integers(1, 7))):
        hyper = {"kernel": draw(st.integers(1, 2)), "stride": 1, "padding": draw(st.integers(0, 1))}
        found[f"layer{place}"] = (draw(st.sampled_from(["max_pool", "avg_pool"])), hyper, draw(st.sampled_from(names)))
        names.append(f"layer{place}")
    return found


def peak(net: Network, graph: dict[str, Entry]) -> int:
    """By keeping a count of the readers that each array still has."""
    readers = {name: sum(entry[2] == name for entry in graph.values()) for name in ("input", *graph)}
    outputs = [name for name in graph if not readers[name]]
    there, most = {"input": 1}, 0
    for name, entry in graph.items():
        there[name] = 1
        most = max(most, sum(int(np.prod(net.shape(one))) for one in there))
        readers[entry[2]] -= 1
        if not readers[entry[2]] and entry[2] not in outputs:
            del there[entry[2]]
    return most


@given(data=st.data())
def test_an_array_is_there_until_its_last_reader_has_run(data: st.DataObject) -> None:
    graph = data.draw(graphs(), label="graph")
    net = network(graph, input=(1, 2, 8))
    assert net.memory(4).forward == 4 * peak(net, graph)
    kept = {entry[2] for entry in graph.values() if entry[0] == "max_pool"} | set(net.outputs)
    assert net.memory(2).training == 2 * sum(int(np.prod(net.shape(name))) for name in kept)


def test_of_sizes_in_letters_the_greatest_is_found_where_it_is_proved() -> None:
    chain = [("conv", {"out_channels": channels, "kernel": 3, "padding": 1}) for channels in (4, 16, 8)]
    net = network(chain, input=(None, 3, "H", "W"))
    N, H, W = (net.symbols[letter] for letter in "NHW")
    assert net.memory(1) == Memory(24 * N * H * W, 31 * N * H * W, 9 * 16 * N * H * W)


def test_an_element_has_at_least_a_byte() -> None:
    net = network([("max_pool", {"kernel": 2})], input=(1, 1, 8))
    with pytest.raises(HyperparameterError, match=r"^itemsize is 0, but it must be at least 1 \[memory\]$"):
        net.memory(0)


def test_what_is_not_trainable_is_no_parameter() -> None:
    hyper = {"out_channels": 4, "kernel": 3, "bias": True}
    both = network([("conv", hyper), ("conv", {**hyper, "trainable": False})], input=(1, 2, 8, 8))
    assert (both.parameters, both.buffers) == (4 * 2 * 9 + 4, 4 * 4 * 9 + 4)


def test_running_statistics_are_no_parameters() -> None:
    net = network([("batch_norm", {"weight": True, "bias": True})], input=(None, 5, "H"))
    assert (net.parameters, net.buffers) == (10, 10)


# --- tables -------------------------------------------------------------------------------------------------------


@given(data=st.data())
def test_what_a_table_does_not_join_is_not_counted(data: st.DataObject) -> None:
    """A layer by a table is as many convolutions of one map as the table has ones."""
    before, after = (data.draw(st.integers(1, 4), label=name) for name in ("before", "after"))
    table = [[data.draw(st.integers(0, 1)) for _ in range(before)] for _ in range(after)]
    hyper = {"kernel": 3, "padding": 1, "stride": data.draw(st.integers(1, 2), label="stride")}
    shape = (2, before, 6, 7)
    net = network([("table_conv", {**hyper, "R": table})], input=shape)
    one = network([("conv", {**hyper, "out_channels": 1})], input=(2, 1, 6, 7))
    ones = sum(map(sum, table))
    assert (net.parameters, net.macs, net.macs_inside) == (ones * 9, ones * one.macs, ones * one.macs_inside)
    assert net.shape() == (2, after, *one.shape()[2:])


@pytest.mark.parametrize(
    ("hyper", "sentence"),
    [
        ({}, r"^R must be given \[layer 'table_conv1'"),
        ({"R": [[1, 0, 1]]}, r"^axis 1 of R is 3, but it must be C = 2 \[layer"),
        ({"R": [[1, 2]]}, r"^R\[o,c\] ≤ 1 is needed, but does not hold everywhere \[layer"),
        ({"R": [[1, 0.5]]}, r"^R holds float64, but whole numbers are needed \[layer"),
    ],
)
def test_a_table_has_to_be_one(hyper: dict[str, Any], sentence: str) -> None:
    with pytest.raises((HyperparameterError, ShapeError), match=sentence):
        network([("table_conv", {"kernel": 3, **hyper})], input=(None, 2, 8, 8))


# --- teeth --------------------------------------------------------------------------------------------------------


def test_a_layer_that_is_forgotten_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("parameters", "macs"):
        right = getattr(costs, name)
        with monkeypatch.context() as planted:
            planted.setattr(
                costs, name, lambda layer, right=right: 0 * right(layer) if layer.shape[1] == 2 else right(layer)
            )
            caught(test_counts_are_those_of_the_arrays)


def test_an_array_given_back_too_early_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = costs.alive
    monkeypatch.setattr(costs, "alive", lambda layers, inputs, outputs: right(layers, inputs, ()))
    caught(test_an_array_is_there_until_its_last_reader_has_run)


def test_an_array_that_is_not_remembered_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "remembered", lambda layers, outputs: set(outputs))
    caught(test_an_array_is_there_until_its_last_reader_has_run)


def test_a_greatest_that_is_not_proved_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Sizes.no_less
    monkeypatch.setattr(Sizes, "no_less", lambda self, one, other: bool(self.definitions) or right(self, one, other))
    caught(test_counts_in_letters_at_numbers_are_the_counts)


def test_a_table_that_is_not_read_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    full = Tally.given
    monkeypatch.setattr(Tally, "given", lambda self, arrays: full(self, {k: 0 * a + 1 for k, a in arrays.items()}))
    caught(test_what_a_table_does_not_join_is_not_counted)
