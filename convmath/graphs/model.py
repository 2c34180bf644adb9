"""A network: nodes over the registry, and what follows from them for every size of the input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sympy

from convmath import text
from convmath.calculus.receptive import ReceptiveField
from convmath.calculus.symbols import from_sympy, symbol, to_sympy
from convmath.derivation import Printable
from convmath.errors import ShapeError, StatementError, unknown
from convmath.ir.nodes import Guard, Size, Zero
from convmath.ir.poly import Param, Poly, poly
from convmath.ir.typed import form
from convmath.ir.walk import params
from convmath.render import Document
from convmath.window import plain, whole

from . import costs
from .conditions import of_one_size
from .fields import fields
from .layer import Layer, layers
from .nodes import INPUT, Entry, Node, nodes
from .sizes import Shape, Sizes
from .table import NetworkTable, Row

__all__ = ["Memory", "Network", "of_graph"]


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes, each an int, or a sympy expression where sizes are symbols.

    `forward`: the most that the arrays between layers take at once, layers running in their order, each array given
    back after its last reader. `training`: the arrays that some gradient reads, as it is derived, and the outputs: they
    are all there when the backward pass begins. `im2col`: the largest patch matrix of a layer. Weights are not counted.
    """

    forward: Any
    training: Any
    im2col: Any


@dataclass(frozen=True, repr=False)
class Network(Printable):
    """Layers in an order in which each reads only those before it, and the shapes of the inputs.

    Shapes, counts and receptive fields are those of every input that meets `conditions`; where sizes of the input are
    letters, they are formulas. `.at(H=224, W=224)` puts numbers in. It prints itself as its table.
    """

    called = "table"

    name: str
    variant: str
    nodes: tuple[Node, ...]
    inputs: Mapping[str, Shape]

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} ({', '.join(map(str, shape))})" for name, shape in self.inputs.items())
        title = " ".join(part for part in ("network", self.name, f"({self.variant})" if self.variant else "") if part)
        return f"<{title}: {len(self.nodes)} layers, {shapes}>"

    def __post_init__(self) -> None:
        self._inferred  # noqa: B018  what is wrong with a layer is said now

    # -- shapes

    @cached_property
    def _inferred(self) -> tuple[tuple[Layer, ...], Sizes]:
        return layers(self.nodes, self.inputs)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The nodes with their operators and shapes; a size that is a formula goes by a name of `sizes`."""
        return self._inferred[0]

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The names of sizes, with what they stand for: H₁ = ⌊(H-1)/2⌋+1."""
        return self._inferred[1].sizes()

    @cached_property
    def conditions(self) -> tuple[Guard, ...]:
        """What the sizes of the input must meet for every layer to mean something."""
        return self._inferred[1].conditions.guards()

    @cached_property
    def square(self) -> tuple[Guard, ...]:
        """The conditions for inputs whose spatial sizes are all the same letter, where that says more."""
        spatial = [param for shape in self.inputs.values() for size in shape[2:] for param in params(size)]
        if not spatial or not any(isinstance(guard, Zero) for guard in self.conditions):
            return ()
        return of_one_size(self.conditions, self._inferred[1].definitions, spatial)

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """The names of the layers that no other layer reads."""
        read = {name for node in self.nodes for name in node.inputs}
        return tuple(node.name for node in self.nodes if node.name not in read)

    def shape(self, name: str | None = None) -> tuple[Any, ...]:
        """The shape of what a layer makes, or of an input, by its name (unsaid: the last layer); ints and sympy."""
        known = {**self.inputs, **{layer.node.name: layer.shape for layer in self.layers}}
        if name is not None and name not in known:
            raise unknown("layer or input", name, known, self.name)
        return tuple(map(self.value, known[self.nodes[-1].name if name is None else name]))

    def layer(self, name: str) -> Layer:
        """A layer by its name."""
        for layer in self.layers:
            if layer.node.name == name:
                return layer
        raise unknown("layer", name, [node.name for node in self.nodes])

    def at(self, **sizes: Any) -> Network:
        """The network with letters of its input replaced by numbers or other letters: at(N=1, H=224, W=224)."""
        known = {param.name: param for shape in self.inputs.values() for param in params(shape)}
        for letter in sizes:
            if letter not in known:
                raise unknown("letter of the input", letter, known, self.name)
        values = {known[letter]: _size(value, letter) for letter, value in sizes.items()}
        inputs = {name: tuple(size.substitute(values) for size in shape) for name, shape in self.inputs.items()}
        return replace(self, inputs=_with_one_meaning(inputs))

    @cached_property
    def symbols(self) -> Mapping[str, sympy.Symbol]:
        """The sympy symbols of the letters of the input."""
        return {param.name: symbol(param) for shape in self.inputs.values() for param in params(shape)}

    # -- counts

    @cached_property
    def parameters(self) -> Any:
        """How many numbers the network learns."""
        return self.value(sum(map(costs.parameters, self.layers), poly(0)))

    @cached_property
    def buffers(self) -> Any:
        """How many numbers beside them the layers have: running statistics, and the weights that are not trainable."""
        return self.value(sum(map(costs.buffers, self.layers), poly(0)))

    @cached_property
    def macs(self) -> Any:
        """The multiply-accumulates of sums of products (convolutions, linear layers), taps in the padding counted."""
        return self.value(sum(map(costs.macs, self.layers), poly(0)))

    @cached_property
    def macs_inside(self) -> Any:
        """The multiply-accumulates without the taps that lie in the padding."""
        raised, facts = self._inferred[1].known()
        found = (costs.macs_inside(layer).at(raised).to_sympy(facts) for layer in self.layers)
        as_given = {to_sympy(new): symbol(old) for old, new in raised.items()}
        return self._expression(sympy.Add(*found).xreplace(as_given))

    def memory(self, itemsize: int = 4) -> Memory:
        """What the arrays between layers take, at `itemsize` bytes an element."""
        each = whole(itemsize, "itemsize", "memory", 1)
        made = {layer.node.name: layer.shape for layer in self.layers}
        kept = costs.remembered(self.layers, self.outputs)
        training = (costs.elements(shape) for name, shape in {**self.inputs, **made}.items() if name in kept)
        return Memory(
            forward=self._greatest(costs.alive(self.layers, self.inputs, self.outputs), each),
            training=self.value(each * sum(training, poly(0))),
            im2col=self._greatest(map(costs.patches, self.layers), each),
        )

    def value(self, form: Poly) -> Any:
        """An int, or a sympy expression in the letters of the input."""
        return form.constant if form.constant is not None else self._expression(to_sympy(form))

    def _expression(self, found: Any) -> Any:
        """A number as an int; in an expression sizes by what they stand for."""
        names = {symbol(size.param): to_sympy(size.value) for size in self.sizes}
        return int(found) if found.is_Integer else found.xreplace(names)

    def _greatest(self, forms: Iterable[Poly], factor: int) -> Any:
        """The greatest; of two of which one is proved to be no less than the other the other is left out."""
        sizes, kept = self._inferred[1], list[Poly]()
        for one in dict.fromkeys(forms):
            if not any(sizes.no_less(other, one) for other in kept):
                kept = [one, *(other for other in kept if not sizes.no_less(one, other))]
        first, *others = [self.value(factor * one) for one in kept]
        # as it stands: sympy 1.14 is wrong about floors, and would leave the wrong one
        return sympy.Max(first, *others, evaluate=False) if others else first

    # -- for people

    def table(self) -> NetworkTable:
        """A row a layer: output shape, parameters, multiply-accumulates, receptive field."""
        rows = tuple(map(Row.of, self.layers))
        of, shape = next(iter(self.inputs.items()))
        receptive: ReceptiveField | str | None = None
        if len(shape) > 2:
            try:
                receptive = fields(self.layers, of, len(shape) - 2, self.name)
            except StatementError as error:  # what an operator of one's own reads need not be known
                receptive = str(error)
        return NetworkTable(
            self.name, self.variant, self.inputs, rows, self.sizes, self.conditions, self.square, receptive
        )

    def document(self, lang: str = "en") -> Document:
        return self.table().document(lang)


def of_graph(graph: Sequence[Entry] | Mapping[str, Entry], shapes: Any, name: str = "", variant: str = "") -> Network:
    """The network of a chain or graph, and the shape of its input, or a dict of shapes by name."""
    inputs = shapes if isinstance(shapes, Mapping) else {INPUT: shapes}
    if not inputs:
        raise ShapeError("a network has at least one input, but no shape came [network]")
    named = {key: _shape(shape, key) for key, shape in inputs.items()}
    return Network(name, variant, nodes(graph, tuple(named)), _with_one_meaning(named))


def _with_one_meaning(inputs: Mapping[str, Shape]) -> dict[str, Shape]:
    """The shapes with one parameter for a letter, wherever it stands: at least what it is at least anywhere."""
    every = [param for shape in inputs.values() for param in params(shape)]
    least = {name: max(p.least or 0 for p in every if p.name == name) for name in {param.name for param in every}}
    meant = {param: poly(Param(param.letter, param.axis, least[param.name])) for param in every}
    return {name: tuple(size.substitute(meant) for size in shape) for name, shape in inputs.items()}


def _shape(shape: Any, name: str) -> Shape:
    entries = plain(shape)
    if not isinstance(entries, list | tuple) or len(entries) < 2:
        raise ShapeError(f"{name} is {shape!r}, but a shape such as (None, 3, 'H', 'W') is needed")
    return tuple(
        _size("N" if entry is None and not axis else entry, f"axis {axis} of {name}", axis == 1)
        for axis, entry in enumerate(entries)
    )


def _size(value: Any, where: str, channels: bool = False) -> Poly:
    """A number, a letter, a formula as text or a sympy expression; sizes are at least 0, channels at least 1."""
    least = int(channels)
    match value:
        case sympy.Expr():
            found = from_sympy(value)
        case str():
            found = form(text.parse(value), lambda name: poly(Param(*_letter(name))))
        case _:
            found = poly(whole(value, where, "network", least))
    if found.constant is not None:
        return poly(whole(found.constant, where, "network", least))
    return found.substitute({param: poly(Param(param.letter, param.axis, least)) for param in params(found)})


def _letter(name: str) -> tuple[str, int]:
    letter = name.rstrip("0123456789")
    return letter, int(name[len(letter) :] or 0)
