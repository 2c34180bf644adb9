"""A network as data: its nodes in an order in which each reads only those before it.

A chain is a list, a graph a dict from the names of nodes. An entry is an operator (its name, or one of your own), or
(operator, {its hyper-parameters}), or (operator, {…}, (names of what it reads)); without names it reads the node
before it.

>>> [node.name for node in nodes([("conv", {"out_channels": 8, "kernel": 3}), "relu", ("conv", {"kernel": 1})])]
['conv1', 'relu1', 'conv2']
>>> nodes({"left": "relu", "sum": ("add", {}, ("left", "input"))})[1].inputs
('left', 'input')
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from convmath.errors import StatementError, unknown
from convmath.ops.registry import Operator
from convmath.window import flag

__all__ = ["INPUT", "Entry", "Node", "nodes"]

TRAINABLE = "trainable"  # the hyper-parameter that every layer has

INPUT = "input"  # the name of a network's input, where there is one

Entry = (
    str | Operator | tuple
)  # operator | (operator, hyper-parameters) | (operator, hyper-parameters, names of what it reads)


@dataclass(frozen=True)
class Node:
    """An operator with its hyper-parameters, and the names of what it reads: nodes before it, or inputs.

    What is not `trainable` keeps the values of its weights.
    """

    name: str
    operator: str | Operator
    hyper: Mapping[str, Any]
    inputs: tuple[str, ...]
    trainable: bool = True

    @property
    def called(self) -> str:
        """The name of its operator."""
        return _called(self.operator)


def nodes(graph: Sequence[Entry] | Mapping[str, Entry], inputs: Sequence[str] = (INPUT,)) -> tuple[Node, ...]:
    """The nodes of a chain or graph that reads these inputs."""
    entries = _named(graph) if isinstance(graph, Sequence) and not isinstance(graph, str) else graph
    if not isinstance(entries, Mapping) or not entries:
        raise StatementError(f"{graph!r} came, but a list or dict of at least one layer is needed [network]")
    found: list[Node] = []
    known = list(inputs)
    for name, entry in entries.items():
        if not isinstance(name, str) or not name or name in inputs:
            raise StatementError(f"a layer is called {name!r}, but a name that no input has is needed [network]")
        operator, hyper, reads = _parts(repr(name), entry)
        if not reads and len(known) == len(inputs) > 1:
            raise StatementError(f"layer {name!r} is the first, and must say which of {', '.join(inputs)} it reads")
        for read in reads:
            if read not in known:
                raise unknown("layer or input before it", read, known, f"layer {name!r}")
        trainable = flag(hyper.get(TRAINABLE, True), TRAINABLE, f"layer {name!r}")
        others = {word: value for word, value in hyper.items() if word != TRAINABLE}
        found.append(Node(name, operator, others, reads or (known[-1],), trainable))
        known.append(name)
    return tuple(found)


def _named(chain: Sequence[Entry]) -> Mapping[str, Entry]:
    """The entries of a chain by the name of their operator and its number."""
    numbers, found = Counter[str](), dict[str, Entry]()
    for place, entry in enumerate(chain, 1):
        operator, _, _ = _parts(f"number {place}", entry)
        numbers[_called(operator)] += 1
        found[f"{_called(operator)}{numbers[_called(operator)]}"] = entry
    return found


def _called(operator: str | Operator) -> str:
    return operator.name if isinstance(operator, Operator) else operator


def _parts(name: str, entry: Any) -> tuple[str | Operator, Mapping[str, Any], tuple[str, ...]]:
    parts = entry if isinstance(entry, list | tuple) else (entry,)
    said = [*parts, *(None, {}, ())[len(parts) :]]
    if len(said) == 3:
        operator, hyper, reads = said[0], said[1], [said[2]] if isinstance(said[2], str) else said[2]
        named = isinstance(reads, list | tuple) and all(isinstance(read, str) for read in reads)
        if isinstance(operator, str | Operator) and isinstance(hyper, Mapping) and named:
            return operator, hyper, tuple(reads)
    raise StatementError(
        f"layer {name} is {entry!r}, but an operator, (operator, {{hyper-parameters}}) or "
        "(operator, {hyper-parameters}, (names of what it reads)) is needed"
    )
