"""The known networks by name: what each variant is built by, and the input it is made for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from convmath.errors import HyperparameterError, unknown
from convmath.window import whole

from . import alexnet, lenet, resnet, vgg
from .model import Network, of_graph
from .nodes import Entry

__all__ = ["ARCHITECTURES", "Architecture", "network"]


@dataclass(frozen=True, slots=True)
class Architecture:
    """The graph of each variant for a number of classes; the first variant is the default."""

    channels: int
    classes: int
    variants: Mapping[str, Callable[[int], Mapping[str, Entry]]]


def _resnet(depth: int) -> Architecture:
    variants = {"torchvision": partial(resnet.graph, depth, False)}
    if depth in resnet.BOTTLENECKS:  # the others have no 1×1 convolution whose stride could move
        variants["paper"] = partial(resnet.graph, depth, True)
    return Architecture(resnet.CHANNELS, resnet.CLASSES, variants)


def _vgg(depth: int) -> Architecture:
    variants = {"torchvision": partial(vgg.graph, depth, True), "paper": partial(vgg.graph, depth, False)}
    return Architecture(vgg.CHANNELS, vgg.CLASSES, variants)


ARCHITECTURES: Mapping[str, Architecture] = {
    "lenet5": Architecture(lenet.CHANNELS, lenet.CLASSES, {"torchvision": lenet.modern, "paper": lenet.paper}),
    "alexnet": Architecture(
        alexnet.CHANNELS, alexnet.CLASSES, {"torchvision": alexnet.torchvision, "paper": alexnet.paper}
    ),
    **{f"vgg{depth}": _vgg(depth) for depth in vgg.DEPTHS},
    **{f"resnet{depth}": _resnet(depth) for depth in resnet.DEPTHS},
}


def network(
    graph: str | Sequence[Entry] | Mapping[str, Entry],
    *,
    variant: str | None = None,
    input: Any = None,
    classes: int | None = None,
) -> Network:
    """Shapes, counts and receptive fields of a network, for all sizes of its input at once.

    `graph` is a name (lenet5, alexnet, vgg11, vgg13, vgg16, vgg19, resnet18, resnet34, resnet50), or your own: a list
    for a chain or a dict for a graph. An entry is an operator's name, or (name, {hyper-parameters}), or (name, {…},
    (names of what it reads)); without names it reads the entry before it. Hyper-parameters are those of the registry,
    and in_channels or in_features, out_channels or out_features.

    `input` is a shape of numbers, letters and formulas, None for the batch, or a dict of shapes by the names of several
    inputs. `variant` is "torchvision" (the default) or "paper" where they differ; `classes` is how many a named network
    tells apart. An entry with trainable=False has no parameters that are learned.
    """
    if not isinstance(graph, str):
        for option, value in (("variant", variant), ("classes", classes)):
            if value is not None:
                raise HyperparameterError(f"{option} is {value!r}, but only a network with a name has one [network]")
        if input is None:
            raise HyperparameterError("the shape of the input is missing; give input=(None, 3, 'H', 'W') [network]")
        return of_graph(graph, input)
    if graph not in ARCHITECTURES:
        raise unknown("network", graph, ARCHITECTURES)
    known = ARCHITECTURES[graph]
    chosen = next(iter(known.variants)) if variant is None else variant
    if not isinstance(chosen, str) or chosen not in known.variants:
        raise unknown(f"variant of {graph}", variant, known.variants)
    number = known.classes if classes is None else whole(classes, "classes", graph, 1)
    shape = (None, known.channels, "H", "W") if input is None else input
    return of_graph(known.variants[chosen](number), shape, graph, chosen)
