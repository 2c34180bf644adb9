"""What the layers of a network cost: parameters, multiply-accumulates, memory. Each statement is counted once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from convmath.calculus.counts import counts, kept, used
from convmath.calculus.tally import Tally
from convmath.ir.nodes import Statement, Tensor
from convmath.ir.poly import Poly, poly, product

from .layer import Layer
from .sizes import Shape

__all__ = ["alive", "buffers", "elements", "macs", "macs_inside", "parameters", "patches", "remembered"]

# the running mean and variance of a batch normalisation: averages, not learned
STATISTICS = ("μ0", "V0")


def elements(shape: Shape) -> Poly:
    """Π sizes"""
    return product(shape)


def _own(layer: Layer) -> Iterator[Tensor]:
    """The arrays that a layer has itself; one with an entry for each example comes with the data."""
    batch = layer.statement.inputs[0].shape[0]
    own = layer.statement.inputs[len(layer.inputs) :]
    return (tensor for tensor in own if not tensor.integer and batch not in tensor.shape)


def _learned(layer: Layer, tensor: Tensor) -> bool:
    return layer.node.trainable and tensor.name not in STATISTICS


def parameters(layer: Layer) -> Poly:
    """The numbers that a layer learns."""
    return _elements(layer, (tensor for tensor in _own(layer) if _learned(layer, tensor)))


def buffers(layer: Layer) -> Poly:
    """The numbers that a layer has and does not learn."""
    return _elements(layer, (tensor for tensor in _own(layer) if not _learned(layer, tensor)))


def _elements(layer: Layer, tensors: Iterator[Tensor]) -> Poly:
    if layer.arrays:
        return sum((_tally(layer, used(layer.statement, tensor.name)).form() for tensor in tensors), poly(0))
    return sum((product(tensor.shape).substitute(layer.values) for tensor in tensors), poly(0))


def _tally(layer: Layer, found: Tally) -> Tally:
    """The number at the sizes of the layer and with the integer arrays that it is given."""
    return found.at(layer.values).given(layer.arrays)


@lru_cache(maxsize=256)
def _with_padding(statement: Statement, data: tuple[str, ...]) -> Poly:
    return counts(statement, data).macs.form()


def macs(layer: Layer) -> Poly:
    """The multiply-accumulates of a layer, with the taps in the padding."""
    if layer.arrays:
        return _tally(layer, counts(layer.statement, layer.data).macs).form()
    return _with_padding(layer.statement, layer.data).substitute(layer.values)


def macs_inside(layer: Layer) -> Tally:
    """The multiply-accumulates of a layer without the taps in the padding."""
    return _tally(layer, counts(layer.statement, layer.data).macs_inside)


def patches(layer: Layer) -> Poly:
    """The elements of the matrix of im2col of a layer."""
    return counts(layer.statement, layer.data).patches.substitute(layer.values)


def remembered(layers: Sequence[Layer], outputs: Sequence[str]) -> set[str]:
    """The arrays between layers that some gradient reads, and the outputs."""
    read = {
        name
        for layer in layers
        for name, letter in zip(layer.node.inputs, layer.data, strict=True)
        if letter in kept(layer.statement)
    }
    return read | set(outputs)


def alive(layers: Sequence[Layer], inputs: Mapping[str, Shape], outputs: Sequence[str]) -> Iterator[Poly]:
    """For each layer, the elements of the arrays that are there while it runs.

    Layers run in their order. An array is there from when it is made until the last layer that reads it has run, an
    output until the end; each layer makes an array of its own.
    """
    size = {name: elements(shape) for name, shape in inputs.items()}
    size |= {layer.node.name: elements(layer.shape) for layer in layers}
    last = {name: place for place, layer in enumerate(layers) for name in layer.node.inputs}
    made = {layer.node.name: place for place, layer in enumerate(layers)}
    last |= dict.fromkeys(outputs, len(layers))
    for place in range(len(layers)):
        there = (name for name in size if made.get(name, -1) <= place <= last.get(name, -1))
        yield sum((size[name] for name in there), poly(0))
