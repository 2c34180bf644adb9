r"""The receptive field of a network, or of a chain of windows, with symbols or numbers.

>>> import sympy
>>> k, s = sympy.symbols("k s", positive=True, integer=True)
>>> two = receptive_field([(k, s), (3, 1)])
>>> two.size, two.jump
((k + 2*s,), (s,))

The kernel of the first layer, and (kernel - 1) jumps more for each layer behind it, are read off what each layer reads:

>>> from convmath import network
>>> found = receptive_field(network("vgg16").at(H=224, W=224))
>>> found.layer("conv5_3").size, found.layer("conv5_3").jump, found.layer("conv5_3").start
((196, 196), (16, 16), (-90, -90))

Where paths meet that do not lie as one another it is said where:

>>> pool = ("max_pool", {"kernel": 3, "stride": 1, "padding": 1}, "input")
>>> conv = {"out_channels": 4, "kernel": 3, "padding": ((2, 0), (1, 1))}
>>> graph = {"conv": ("conv", conv, "input"), "pool": pool, "sum": ("add", {}, ("conv", "pool"))}
>>> found = receptive_field(network(graph, input=(1, 4, 9, 9)))
>>> print(*found.misaligned)
sum, axis 0: conv: jump 1, centre -1, pool: jump 1, centre 0
>>> found.size, found.start
((4, 3), (-2, -1))
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import sympy

from convmath.calculus.compose.chain import primed
from convmath.calculus.receptive import Node, Reach, ReceptiveField, propagated, reaches, window
from convmath.calculus.symbols import from_sympy
from convmath.errors import StatementError, unknown
from convmath.ir.nodes import Statement
from convmath.ir.poly import Poly, poly
from convmath.ops.registry import Operator
from convmath.window import Window, plain, whole

from .fields import fields
from .model import Network
from .nodes import INPUT

__all__ = ["receptive_field"]

Axes = tuple[tuple[Reach, ...], ...]


def receptive_field(net: Network | Sequence[Any], of: str | None = None) -> ReceptiveField:
    """Which positions of the input a position of each layer depends on: size, jump, start and centre along each axis.

    `net` is a network, or a list of layers one after the other, each an operator, a `Window`, a tuple with one for each
    axis, or the numbers (kernel, stride, padding, dilation), of which the last ones may be left out and padding may be
    a pair. `of` names the input of a network that has several.
    """
    if isinstance(net, Network):
        return _of_network(net, of)
    if not isinstance(net, list | tuple) or not net:
        raise StatementError(f"{net!r} came, but a network or a list of at least one layer is needed [receptive_field]")
    return _of_chain(net)


def _of_network(net: Network, of: str | None) -> ReceptiveField:
    name = next(iter(net.inputs)) if of is None else of
    if name not in net.inputs:
        raise unknown("input", name, net.inputs, net.name)
    found = fields(net.layers, name, len(net.inputs[name]) - 2, net.name)
    return found.substitute({size.param: size.value for size in net.sizes})


# --- chains ---------------------------------------------------------------------------------------------------------


def _of_chain(layers: Sequence[Any]) -> ReceptiveField:
    operators = [layer.open_statement for layer in layers if isinstance(layer, Operator)]
    statements = iter(primed(operators))
    names, nodes = Counter[str](), list[Node]()
    axes = [_axes(layer, place, statements) for place, layer in enumerate(layers, 1)]
    [ndim, *others] = dict.fromkeys(map(len, axes))
    if others:
        said = ", ".join(str(len(each)) for each in axes)
        raise StatementError(f"the layers have {said} spatial axes, but all must have as many [receptive_field]")
    before = INPUT
    for layer, each in zip(layers, axes, strict=True):
        kind = layer.name if isinstance(layer, Operator) else "window"
        names[kind] += 1
        nodes.append(Node(f"{kind}{names[kind]}", (before,), (each,)))
        before = nodes[-1].name
    return propagated(nodes, INPUT, ndim)


def _axes(layer: Any, place: int, statements: Iterator[Statement]) -> Axes:
    """What a layer of a chain reaches along each axis."""
    match layer:
        case Operator():
            statement = next(statements)
            return reaches(statement, statement.reads[0])
        case Window():
            return ((_window(layer),),)
        case (Window(), *_) if all(isinstance(each, Window) for each in layer):
            return tuple((_window(each),) for each in layer)
        case (_, *_) if len(layer) <= 4 and not isinstance(layer[0], str):
            return ((_numbers(layer, f"layer {place}"),),)
    raise StatementError(
        f"layer {place} is {layer!r}, but an operator, a Window, or numbers (kernel, stride, padding, dilation) are "
        "needed; a list of operators' names is a network() [receptive_field]"
    )


def _window(window_: Window) -> Reach:
    return window(*map(poly, (window_.kernel, window_.stride, window_.before, window_.dilation)))


def _numbers(layer: Sequence[Any], where: str) -> Reach:
    kernel, stride, padding, dilation = (*layer, *(1, 0, 1)[len(layer) - 1 :])
    before = padding[0] if isinstance(padding, tuple | list) and len(padding) == 2 else padding
    return window(
        _form(kernel, f"the kernel of {where}", 1),
        _form(stride, f"the stride of {where}", 1),
        _form(before, f"the padding of {where}", 0),
        _form(dilation, f"the dilation of {where}", 1),
    )


def _form(value: Any, name: str, least: int) -> Poly:
    """A number, or an expression in letters of which it is known that they are positive, or not negative."""
    if isinstance(value, sympy.Expr):
        return from_sympy(value)
    return poly(whole(plain(value), name, "receptive_field", least))
