"""A layer: an operator with the value of each parameter, found from what it reads, for all sizes at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from convmath.errors import ConvmathError, HyperparameterError, ShapeError, unknown
from convmath.ir.bind import WORDS
from convmath.ir.guards import holds
from convmath.ir.nodes import AtMost, Compare, Divides, Guard, Statement, Zero
from convmath.ir.poly import Floor, Param, Poly, floor, poly
from convmath.ir.walk import params, shape_of, substitute
from convmath.ops.family import Family
from convmath.ops.registry import FAMILIES, Operator, of_family
from convmath.window import plain

from .nodes import Node
from .sizes import Shape, Sizes
from .tables import check_tables, named_arrays

__all__ = ["Layer", "layers"]

# the words for a size of the input and of the output, and the axis that each means
INPUT_SIZES, OUTPUT_SIZES = {"in_channels": 1, "in_features": -1}, {"out_channels": 1, "out_features": -1}


@dataclass(frozen=True)
class Layer:
    """A node with the value of each parameter of its statement, and the shapes of what it reads and makes.

    `arrays` are the integer arrays of the statement that the hyper-parameters give by name.
    """

    node: Node
    op: Operator
    values: Mapping[Param, Poly]
    inputs: tuple[Shape, ...]
    shape: Shape
    arrays: Mapping[str, np.ndarray]

    @property
    def statement(self) -> Statement:
        """The statement of the operator, every parameter a letter."""
        return _general(self.op)

    @property
    def data(self) -> tuple[str, ...]:
        """The inputs of the statement that come from other layers."""
        return self.statement.reads[: len(self.inputs)]


def layers(nodes: Sequence[Node], inputs: Mapping[str, Shape]) -> tuple[tuple[Layer, ...], Sizes]:
    """Every layer with its shape; the sizes have names, and conditions."""
    sizes, found, shapes = Sizes(inputs.values()), [], dict(inputs)
    for node in nodes:
        read = tuple(shapes[name] for name in node.inputs)
        try:
            found.append(_layer(node, read, sizes))
        except ConvmathError as error:
            said = ", ".join(f"({', '.join(map(str, shape))})" for shape in read)
            raise type(error)(f"{error} [layer {node.name!r}: {node.called} of {said}]") from None
        shapes[node.name] = found[-1].shape
    return tuple(found), sizes


def _layer(node: Node, read: tuple[Shape, ...], sizes: Sizes) -> Layer:
    family, ndim = _family(node.operator), len(read[0]) - 2
    arrays = named_arrays(family, ndim, node.hyper)
    others = {**INPUT_SIZES, **OUTPUT_SIZES, **arrays}
    hyper = {word: plain(value) for word, value in node.hyper.items() if word not in others}
    if isinstance(node.operator, Operator):
        hyper = {**_said(node.operator), **hyper}
    op = _operator(family, read[0], len(read), hyper)
    statement = _general(op)
    if len(read) > len(statement.inputs):
        raise ShapeError(f"{len(read)} inputs came, but the statement has {', '.join(statement.reads)}")
    check_tables(statement, arrays)
    values = _defaults(op, statement) | {param: form for param, form in op.fixed if form.constant is not None}
    came = dict(zip(statement.reads, read, strict=False))
    came |= {name: tuple(map(poly, array.shape)) for name, array in arrays.items()}
    asked = list(_asked(node, statement, came))
    _solve(asked, values, dict(statement.definitions()))
    values |= {param: form.substitute(values) for param, form in op.fixed}
    _complete(statement, values, family.words)
    derived = {param: form.substitute(values) for param, form in statement.definitions()}
    for guard in _conditions(statement, asked, values, derived):
        sizes.ask(guard)
    for param, form in statement.definitions():
        values[param] = sizes.named(form.substitute(values))
    shape = tuple(size.substitute(values) for size in shape_of(statement, statement.outputs[0]))
    return Layer(node, op, values, read, tuple(map(sizes.named, shape)), arrays)


def _family(which: str | Operator) -> Family:
    """The family of an operator that goes by its name, or comes itself."""
    if isinstance(which, Operator):
        return which.family
    if which not in FAMILIES:
        raise unknown("operator", which, FAMILIES)
    return FAMILIES[which]


def _said(op: Operator) -> dict[str, Any]:
    """The options and numbers of an operator that comes itself, as its hyper-parameters."""
    for param, form in op.fixed:
        if form.constant is None:
            raise HyperparameterError(f"{poly(param)} is {form}, but a layer has a number there")
    numbers = {param.name: form.constant for param, form in op.fixed}
    return {**dict(op.options), **numbers, **{real.letter: number.value for real, number in op.constants}}


@lru_cache(maxsize=1024)
def _general(op: Operator) -> Statement:
    """The statement of an operator with its options and nothing fixed."""
    return of_family(op.family, op.ndim, **dict(op.options)).open_statement


def _operator(family: Family, shape: Shape, arrays: int, hyper: Mapping[str, Any]) -> Operator:
    """The operator of a layer; a word for padding means what it does at the numbers that are known."""
    ndim = len(shape) - 2
    if family.counted:
        hyper = {family.counted: arrays, **hyper}
    if not isinstance(hyper.get("padding"), str):
        return of_family(family, ndim, **hyper)
    bare = of_family(family, ndim, **{word: value for word, value in hyper.items() if word != "padding"})
    numbers = {param: form.constant for param, form in {**_defaults(bare, _general(bare)), **dict(bare.fixed)}.items()}
    numbers |= {p: shape[1 + max(p.axis, 1)].constant for p in params(bare.open_statement) if p.letter == "n"}
    said = {param.name: value for param, value in numbers.items() if param.letter in "nsd" and value is not None}
    return of_family(family, ndim, **hyper, **{word: value for word, value in said.items() if word not in hyper})


def _defaults(op: Operator, statement: Statement) -> dict[Param, Poly]:
    """What the parameters are where nothing is said; a pool's stride is its kernel."""
    found = {param: poly(param.default) for param in params(statement) if param.default is not None}
    kernels = {param.axis: form for param, form in op.fixed if param.letter == "k"}
    strides = [param for param in found if param.letter == "s" and op.strides_by_kernel]
    return found | {param: kernels[param.axis] for param in strides if param.axis in kernels}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A size of an array that must be another one."""

    where: str
    form: Poly
    actual: Poly


def _asked(node: Node, statement: Statement, came: Mapping[str, Shape]) -> Iterator[_Asked]:
    """The sizes that are said in words, and those of the arrays that came."""
    output = shape_of(statement, statement.outputs[0])
    for words, shape, name in ((INPUT_SIZES, statement.inputs[0].shape, "X"), (OUTPUT_SIZES, output, "Y")):
        for word, axis in words.items():
            if word in node.hyper:
                where = f"axis {range(len(shape))[axis]} of {name}, {word},"
                yield _Asked(where, shape[axis], poly(_whole(word, node.hyper[word])))
    for tensor in statement.inputs:
        actual = came.get(tensor.name, tensor.shape)
        if len(tensor.shape) != len(actual):
            raise ShapeError(f"{tensor.name} has {len(actual)} axes, but {len(tensor.shape)} are needed")
        if tensor.name in came:
            for axis, (form, size) in enumerate(zip(tensor.shape, actual, strict=True)):
                yield _Asked(f"axis {axis} of {tensor.name}", form, size)


def _divides(gap: Poly) -> Guard | None:
    """u - v·⌊u/v⌋ = 0 as v ∣ u"""
    for q in gap.atoms():
        if isinstance(q, Floor) and gap == q.number - q.divisor * poly(q):
            return Divides(q.divisor, q.number)
    return None


def _whole(word: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value := plain(value), int) or value < 1:
        raise HyperparameterError(f"{word} is {value!r}, but a whole number that is at least 1 is needed")
    return value


def _solve(asked: Sequence[_Asked], values: dict[Param, Poly], derived: Mapping[Param, Poly]) -> None:
    """Each parameter that is the only unknown of a size, and linear in it, takes its value from there."""
    progress = True
    while progress:
        progress = False
        for one in asked:
            unknowns = [leaf for leaf in dict.fromkeys(one.form.leaves()) if leaf not in values]
            if len(unknowns) != 1 or not isinstance(param := unknowns[0], Param) or param in derived:
                continue
            factor = one.form.coefficient(param).substitute(values)
            rest = (one.form - one.form.coefficient(param) * poly(param)).substitute(values)
            if factor == 0 or rest.has(param):
                continue
            value = (one.actual - rest).divided(factor)
            if value is None and params(one.actual) and factor.constant is not None:
                value = floor(one.actual - rest, factor)  # that it divides is asked later
            if value is None:
                said = ", ".join(f"{poly(p)} = {values[p]}" for p in params(one.form) if p in values)
                raise ShapeError(f"{one.where} is {one.actual}, but it must be {one.form}, and {said}")
            values[param] = value
            progress = True


def _complete(statement: Statement, values: Mapping[Param, Poly], own: Mapping[str, str | None]) -> None:
    """Refuse a layer of which a parameter is not known; `own` are the words of its operator."""
    derived = dict(statement.definitions())
    missing = [param for param in params(statement) if param not in values and param not in derived]
    if missing:
        words = {letters[0]: word for word, letters in reversed(WORDS.items()) if len(letters) == 1}
        words |= {letter: word for word, letter in own.items() if letter}
        output = shape_of(statement, statement.outputs[0])
        # of an output without positions the last axis is called features
        for word in sorted(OUTPUT_SIZES, reverse=len(output) > 2, key=lambda word: word == "out_channels"):
            sized = (param.letter for param in missing if output[OUTPUT_SIZES[word]].has(param))
            words = {**dict.fromkeys(sized, word), **words}
        said = ", ".join(dict.fromkeys(words.get(param.letter, param.name) for param in missing))
        raise HyperparameterError(f"{said} must be given")


def _conditions(
    statement: Statement, asked: Sequence[_Asked], values: Mapping[Param, Poly], derived: Mapping[Param, Poly]
) -> Iterator[Guard]:
    """What must hold of the sizes for the layer to mean anything."""
    for one in asked:
        needed = one.form.substitute(values)
        if needed != one.actual:
            if (needed - one.actual).constant is not None:
                raise ShapeError(f"{one.where} is {one.actual}, but it must be {one.form} = {needed}")
            yield _divides(one.actual - needed) or Zero(one.actual, needed)
    every = {**values, **derived}
    for guard in statement.requires:
        if isinstance(guard, Compare):  # of what is read, or of real parameters
            continue
        at_values = substitute(guard, every)
        if not params(at_values) and not holds(at_values, {}):
            said = ", ".join(f"{poly(param)} = {every[param]}" for param in params(guard))
            raise ShapeError(f"{str(guard)[1:-1]} is needed, but does not hold at {said}")
        yield at_values
    for param, form in every.items():
        if param.least is None:
            continue
        if form.constant is None:
            yield AtMost(poly(param.least), form)
        elif form.constant < param.least:
            raise ShapeError(f"{poly(param)} is {form}, but it must be at least {param.least}")
