"""Layers one after the other, as one statement: what the first one states is what the second one reads.

Each layer keeps its equations. So that no letter means two things, a parameter whose letter an earlier layer uses gets
a prime (k′, s′), two where two layers use it. The names of arrays that several layers use are numbered by layer (W₁ and
W₂, and Y₁ for what the first one states), but for the input of the first and the outputs of the last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import TypeVar

from convmath.calculus.eliminate import without_single
from convmath.calculus.gradient import pruned
from convmath.errors import ShapeError, StatementError
from convmath.integers.facts import plainly_nonnegative
from convmath.ir.check import checked
from convmath.ir.guards import holds
from convmath.ir.nodes import AtMost, Compare, Equation, Guard, Node, Read, Statement, Tensor, Zero
from convmath.ir.poly import Param, Poly, poly
from convmath.ir.walk import map_forms, params, reals, shape_of, substitute

__all__ = ["chained", "conditions_on", "free_name", "primed", "settled", "size_numbers"]

N = TypeVar("N")


def chained(layers: Sequence[Statement]) -> Statement:
    """One statement of two layers or more, each of which reads the first output of the one before it."""
    if len(layers) < 2:
        raise StatementError(f"{len(layers)} layers came, but two or more are needed [compose]")
    whole, *others = _named_apart(list(primed(layers)))
    for layer in others:
        whole = _joined(whole, layer)
    return checked(without_single(pruned(whole)))


def settled(statement: Statement) -> Statement:
    """The statement with the derived sizes that are numbers put in; conditions without a parameter must hold."""
    numbers = size_numbers(statement)
    left = tuple(size for size in statement.sizes if size.param not in numbers)
    placed = tuple(p for p in statement.placements if p.counted.atom not in numbers)
    asked = tuple(guard for guard in statement.requires if not _decided(guard, numbers))
    return without_single(substitute(replace(statement, sizes=left, placements=placed, requires=asked), numbers))


def size_numbers(statement: Statement) -> dict[Param, Poly]:
    """The derived sizes that are numbers."""
    numbers: dict[Param, Poly] = {}
    for size in statement.sizes:
        value = size.value.substitute(numbers)
        if value.constant is not None:
            numbers[size.param] = value
    return numbers


def conditions_on(requires: Iterable[Guard], node: object) -> tuple[Guard, ...]:
    """Those of the conditions that are on nothing but parameters, integer and real, which stand in a node."""
    known = {*params(node), *reals(node)}
    return tuple(guard for guard in dict.fromkeys(requires) if {*params(guard), *reals(guard)} <= known)


# --- names ------------------------------------------------------------------------------------------------------


def primed(layers: Sequence[Statement]) -> Iterator[Statement]:
    """The layers with a prime at the letters of parameters for each earlier layer that has them too."""
    used = Counter[str]()
    for layer in layers:
        letters = {letter: letter + "′" * used[letter] for letter in _letters(layer)}
        used.update(list(letters))
        yield _with_letters(layer, letters) if any(old != new for old, new in letters.items()) else layer


def _letters(layer: Statement) -> dict[str, None]:
    return dict.fromkeys(node.letter for node in (*params(layer), *reals(layer)))


def _with_letters(layer: Statement, letters: Mapping[str, str]) -> Statement:
    """The layer with other letters for its parameters, integer and real."""
    values = {param: poly(replace(param, letter=letters[param.letter])) for param in params(layer)}
    memo: dict[Poly, Poly] = {}

    def form(old: Poly) -> Poly:
        if old not in memo:
            memo[old] = old.substitute(values)
        return memo[old]

    return map_forms(
        layer,
        form,
        lambda atom: form(poly(atom)).atom,
        lambda real: replace(real, letter=letters.get(real.letter, real.letter)),
    )


def _named_apart(layers: Sequence[Statement]) -> Iterator[Statement]:
    """The layers with the names of arrays that several of them use numbered."""
    used = [[*layer.reads, *(equation.name for equation in layer.equations)] for layer in layers]
    count, taken = Counter(name for names in used for name in names), {name for names in used for name in names}
    for place, layer in enumerate(layers, 1):
        kept = {layer.reads[0]} if place == 1 else set(layer.outputs) if place == len(layers) else set()
        shared = (name for name in used[place - 1] if count[name] > 1 and name not in kept)
        names = {name: free_name(f"{name}{place}", taken) for name in shared}
        taken.update(names.values())
        yield _with_names(layer, lambda name, names=names: names.get(name, name))


def free_name(name: str, taken: set[str]) -> str:
    """The name, with as many primes as it takes to be none of these."""
    while name in taken:
        name += "′"
    return name


def _with_names(node: N, name: Callable[[str], str]) -> N:
    """The node with each array renamed."""
    if isinstance(node, tuple):
        return tuple(_with_names(entry, name) for entry in node)  # type: ignore[return-value]
    match node:
        case Statement():
            found = {f.name: _with_names(getattr(node, f.name), name) for f in fields(node) if f.name != "outputs"}
            return replace(node, **found, outputs=tuple(map(name, node.outputs)))  # type: ignore[return-value]
        case Read(tensor=old):
            return replace(node, tensor=name(old))  # type: ignore[return-value]
        case Tensor(name=old):
            return replace(node, name=name(old))  # type: ignore[return-value]
        case Equation(name=old):
            return replace(node, name=name(old), terms=_with_names(node.terms, name))  # type: ignore[return-value]
        case Node():
            return type(node)(*(_with_names(getattr(node, f.name), name) for f in fields(node)))  # type: ignore
    return node


# --- joining ----------------------------------------------------------------------------------------------------


def _joined(first: Statement, second: Statement) -> Statement:
    """The second layer behind the first."""
    made, read = first.outputs[0], second.inputs[0]
    values, conditions = _sizes_met(first, second)
    first, second = substitute(first, values), substitute(second, values)
    second = _with_names(second, lambda name: made if name == read.name else name)
    asked = dict.fromkeys((*first.requires, *second.requires, *conditions))
    return Statement(
        inputs=(*first.inputs, *second.inputs[1:]),
        equations=(*first.equations, *second.equations),
        outputs=second.outputs,
        sizes=(*first.sizes, *second.sizes),
        placements=(*first.placements, *second.placements),
        requires=tuple(guard for guard in asked if not _decided(guard, {})),
    )


def _decided(guard: Guard, values: Mapping[Param, Poly]) -> bool:
    """Whether a condition has no parameter left at these values; then it must hold."""
    at_values = substitute(guard, values)
    if isinstance(at_values, Compare) or params(at_values):
        return False
    if not holds(at_values, {}):
        said = ", ".join(f"{poly(param)} = {values[param]}" for param in params(guard))
        raise ShapeError(f"{str(guard)[1:-1]} is needed, but does not hold{said and f' at {said}'} [compose]")
    return True


def _sizes_met(first: Statement, second: Statement) -> tuple[dict[Param, Poly], tuple[Guard, ...]]:
    """What parameters are where what the first makes is what the second reads, and what that needs besides."""
    made, read = shape_of(first, first.outputs[0]), second.inputs[0].shape
    if len(made) != len(read):
        raise ShapeError(
            f"{first.outputs[0]} has {len(made)} axes, ({', '.join(map(str, made))}), but the layer behind it reads "
            f"{len(read)}, ({', '.join(map(str, read))}) [compose]"
        )
    derived = {size.param for size in (*first.sizes, *second.sizes)}
    values: dict[Param, Poly] = {}
    conditions: list[Guard] = []
    for axis, (one, other) in enumerate(zip(made, read, strict=True)):
        left, right = one.substitute(values), other.substitute(values)
        solved = _solved(right, left, derived) or _solved(left, right, derived)
        if solved is not None:
            param, value = solved
            values = {old: form.substitute({param: value}) for old, form in values.items()} | {param: value}
            if param.least is not None and not plainly_nonnegative(value - param.least):
                conditions.append(AtMost(poly(param.least), value))
        elif left.constant is not None and right.constant is not None and left != right:
            raise ShapeError(
                f"axis {axis} of {first.outputs[0]} has length {left}, but the layer behind it reads {right} [compose]"
            )
        elif left != right:
            conditions.append(Zero(left, right))
    return values, substitute(tuple(conditions), values)


def _solved(form: Poly, value: Poly, derived: set[Param]) -> tuple[Param, Poly] | None:
    """A parameter that makes the form that value: the form is the parameter, or a multiple of it that divides."""
    if form == value:
        return None
    for atom in form.atoms():
        if isinstance(atom, Param) and atom not in derived and not value.has(atom):
            factor = form.coefficient(atom)
            if factor * poly(atom) == form and (found := value.divided(factor)) is not None:
                return atom, found
    return None
