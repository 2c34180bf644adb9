"""The value of a statement by its definition.

A statement and the values of its parameters are compiled once into a `Program`; running it on arrays is then gathers,
products and segmented reductions. Exact runs work on Python integers and Fractions (floats are read as the rationals
they are); native runs use the arrays' own floating-point type and the same program.

How a term is compiled: two indices that meet in a guard, a floor or a border belong to one *component*. The tuples
of a component that meet its guards are listed once; the components are independent, so a term is a product
over them, and a flat position in an array is a sum of one offset per component. Nothing of the size of the full
index space stands before the products themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, reduce
from typing import Any, Literal

import numpy as np

from convmath.errors import DtypeError, ShapeError, StatementError
from convmath.window import BORDERS

from .bind import bind
from .functions import FUNCTIONS, PI, rational_power
from .guards import holds
from .nodes import (
    ONE,
    Apply,
    Bracket,
    Compare,
    Equation,
    Guard,
    IndexValue,
    Matches,
    Number,
    Power,
    Product,
    Read,
    Real,
    Scalar,
    Statement,
    Sum,
    Term,
    Within,
)
from .poly import Atom, Floor, Index, Least, Param, Poly
from .walk import inside, shape_of

__all__ = ["Program", "evaluate", "evaluate_at", "evaluate_native", "exact_array", "program"]

INFINITY = float("inf")
DATA = (Matches, Compare)  # the guards that look at what the arrays hold


# --- exact numbers -------------------------------------------------------------------------------------------


def _exact(value: Any) -> int | Fraction:
    """A number as the rational it is: an int where it is whole."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        if not math.isfinite(value):
            raise DtypeError(f"{value} has no exact value; exact evaluation needs finite numbers")
        return _whole_or_fraction(Fraction(*value.as_integer_ratio()))
    if isinstance(value, Fraction):
        return _whole_or_fraction(value)
    raise DtypeError(
        f"{value!r} is a {type(value).__name__}; exact evaluation needs integers, Fractions or finite floats"
    )


def _whole_or_fraction(value: Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value


def exact_array(values: Any) -> np.ndarray:
    """An array of Python ints and Fractions with the same values."""
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        return array.astype(object)
    if array.dtype.kind not in "fO":
        raise DtypeError(f"an array of {array.dtype} came; exact evaluation needs integers, Fractions or finite floats")
    result = np.empty(array.shape, object)
    result.reshape(-1)[:] = [_exact(value) for value in array.reshape(-1).tolist()]
    return result


def _exact_power(base: Any, exponent: Any) -> Any:
    if not math.isfinite(base):
        raise StatementError(
            f"({base})^{exponent} came up, a power of an empty maximum or minimum: it has no exact value"
        )
    if exponent < 0 and base == 0:
        raise StatementError(f"0^{exponent} came up: the statement divides by 0 for these sizes or data")
    value = rational_power(base, exponent)
    if value is None:
        raise StatementError(f"{base}^{exponent} is not rational: it has no exact value")
    return _whole_or_fraction(value)


def _exact_function(name: str) -> Callable[[Any], Any]:
    def value(argument: Any) -> Any:
        found = FUNCTIONS[name].exact(argument)
        if found is None:
            raise StatementError(f"{name}({argument}) is not rational: it has no exact value")
        return found

    return value


@dataclass(frozen=True)
class Arithmetic:
    """What the two runs do differently."""

    dtype: Any
    number: Callable[[Any], Any]
    power: np.ufunc
    function: Callable[[str], np.ufunc]
    pi: float | None  # no rational number is


EXACT = Arithmetic(
    object, _exact, np.frompyfunc(_exact_power, 2, 1), lambda name: np.frompyfunc(_exact_function(name), 1, 1), None
)


def _native(dtype: Any) -> Arithmetic:
    return Arithmetic(
        dtype, np.dtype(dtype).type, np.power, lambda name: np.frompyfunc(FUNCTIONS[name].value, 1, 1), math.pi
    )


# --- one component of a term ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Component:
    """The tuples of a few indices that meet their guards, sorted by the free ones among them."""

    env: Mapping[Any, Any]  # the index values, as arrays of one length (0-d where there is no index)
    length: int
    starts: np.ndarray | None  # where a new tuple of free indices begins; None: nothing is bound here


def _component(
    members: Sequence[Index], free: Sequence[Index], guards: Sequence[Guard], env: Mapping, integers: Any
) -> Component:
    ordered = [index for index in free if index in members] + [index for index in members if index not in free]
    sizes = [index.size.evaluate(env) for index in ordered]
    grids = np.meshgrid(*(np.arange(size).astype(integers) for size in sizes), indexing="ij", sparse=True)
    values: dict[Any, Any] = dict(env) | dict(zip(ordered, grids, strict=True))
    mask = np.ones(sizes, bool)
    for guard in guards:
        mask &= holds(guard, values)
    kept = np.nonzero(mask)
    listed = {index: values.astype(integers) for index, values in zip(ordered, kept, strict=True)}
    length = len(kept[0]) if kept else 1
    n_free = sum(index in free for index in ordered)
    if n_free == len(ordered):
        starts = None
    elif not length:
        starts = np.zeros(0, int)
    else:
        new = np.zeros(length, bool)
        new[0] = True
        for column in kept[:n_free]:
            new[1:] |= column[1:] != column[:-1]
        starts = np.nonzero(new)[0]
    return Component(dict(env) | listed, length, starts)


def _groups(indices: Sequence[Index], links: Sequence[set[Index]]) -> list[list[Index]]:
    """The finest partition of the indices in which each link stays together."""
    group = {index: {index} for index in indices}
    for link in links:
        merged = set().union(*(group[index] for index in link)) if link else set()
        for index in merged:
            group[index] = merged
    seen: dict[int, list[Index]] = {}
    for index in indices:
        seen.setdefault(id(group[index]), []).append(index)
    return list(seen.values())


def _needs_one_component(form: Poly) -> list[set[Index]]:
    """The sets of indices that a form can't be split between: those inside its floors and minima."""
    return [Poly.of(atom).indices() for atom in form.atoms() if isinstance(atom, (Floor, Least))]


# --- a compiled term --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gather:
    """The positions a read takes: an offset per component, summed by broadcasting, and where nothing is read."""

    positions: np.ndarray
    outside: np.ndarray | None


class CompiledTerm:
    """A term at given sizes: what it gathers, and where its values go."""

    def __init__(
        self,
        equation: Equation,
        term: Term,
        env: Mapping[Param, int],
        shapes: Mapping[str, tuple[int, ...]],
        integers: Any,
    ):
        self.term = term
        self.shape = shapes[equation.name]
        self.data_guards = tuple(g for g in term.guards if isinstance(g, DATA))
        guards: list[Guard] = [g for g in term.guards if not isinstance(g, DATA)]
        found: dict[Read, list[tuple[Guard, ...]]] = {}
        for read, brackets in (pair for node in (term.body, *self.data_guards) for pair in _needed(node)):
            found.setdefault(read, []).append(brackets)
        # a read outside its array that is "nothing" is not counted: its range is a guard
        for read in found:
            if read.outside == "nothing":
                sizes = shapes[read.tensor]
                guards += [Within(form, Poly.of(n)) for form, n in zip(read.at, sizes, strict=True)]
        links = [
            *(_guard_indices(guard) for guard in guards),
            *(form.indices() for read in found if read.outside != "strict" for form in read.at),
            *(link for form in _all_forms(equation, term) for link in _needs_one_component(form)),
        ]
        indices = (*equation.free, *term.bound)
        self.components = [
            _component(
                group,
                equation.free,
                [g for g in guards if _guard_indices(g) <= set(group) and _guard_indices(g)],
                env,
                integers,
            )
            for group in _groups(indices, links)
        ]
        self.owner = {
            index: place for place, c in enumerate(self.components) for index in c.env if isinstance(index, Index)
        }
        self.env, self.integers = env, integers
        self.holds = all(bool(holds(g, env)) for g in guards if not _guard_indices(g))
        self.gathers = {read: self._gather(read, shapes[read.tensor], needed) for read, needed in found.items()}
        self.targets = self._flat([self.form(form) for form in equation.at], self.shape)

    # -- forms over the components

    def _axis(self, values: Any, place: int) -> np.ndarray:
        """A component's array, laid along its own axis."""
        return np.asarray(values).reshape([-1 if i == place else 1 for i in range(len(self.components))])

    def form(self, form: Poly) -> np.ndarray:
        """The value of an affine form, over the components it needs."""
        total: Any = np.zeros([1] * len(self.components), self.integers)
        for part, place in self._parts(form):
            if place is None:
                total = total + part.evaluate(self.env)
            else:
                component = self.components[place]
                total = total + self._axis(np.broadcast_to(part.evaluate(component.env), component.length), place)
        return np.asarray(total)

    def _parts(self, form: Poly) -> list[tuple[Poly, int | None]]:
        """The form as a sum with one part for each component it touches."""
        parts: dict[int | None, dict] = {}
        for monomial, c in form.terms.items():
            places = {self.owner[index] for index in Poly({monomial: c}).indices()}
            if len(places) > 1:
                raise StatementError(f"{form} multiplies indices; an index form must be affine in them")
            parts.setdefault(next(iter(places), None), {})[monomial] = c
        return [(Poly(terms), place) for place, terms in parts.items()]

    def _flat(self, at: Sequence[np.ndarray], shape: Sequence[int]) -> np.ndarray:
        total: Any = np.zeros([1] * len(self.components), int)
        for values, n in zip(at, shape, strict=True):
            total = total * n + values.astype(int)
        return total

    def bracket(self, guard: Guard) -> np.ndarray:
        """Where a guard between integer forms holds, over the components it needs."""
        values: dict[Any, Any] = dict(self.env)
        for index in _guard_indices(guard):
            place = self.owner[index]
            values[index] = self._axis(self.components[place].env[index], place)
        return np.asarray(holds(guard, values), bool)

    def _gather(self, read: Read, shape: tuple[int, ...], needed: Sequence[tuple[Guard, ...]]) -> Gather:
        outside, mapped = None, []
        for axis, (form, n) in enumerate(zip(read.at, shape, strict=True)):
            e = self.form(form)
            if read.outside in BORDERS:
                b = BORDERS[read.outside]  # type: ignore[index]
                e = np.where(e < 0, b.below(e, n), np.where(e >= n, b.above(e, n), e))
            beyond = (e < 0) | (e >= n)
            if isinstance(read.outside, Fraction):
                outside = beyond if outside is None else outside | beyond
                e = np.where(beyond, 0, e)
            elif self.alive and beyond.any():
                for brackets in needed:
                    lost = reduce(np.logical_and, map(self.bracket, brackets), beyond)
                    if lost.any():
                        position = np.broadcast_to(e, lost.shape)[lost][0]
                        raise StatementError(f"{read} reads position {position} of axis {axis}, which has size {n}")
                e = np.where(beyond, 0, e)  # where no value is needed
            mapped.append(e)
        return Gather(self._flat(mapped, shape), outside)

    @property
    def alive(self) -> bool:
        """Whether any tuple is left."""
        return self.holds and all(component.length for component in self.components)

    # -- running

    def run(self, arrays: Mapping[str, np.ndarray], arithmetic: Arithmetic, reals: Mapping[str, Any]) -> np.ndarray:
        neutral = {"sum": arithmetic.number(0), "max": -INFINITY, "min": INFINITY}[self.term.reduce]
        result = np.full(math.prod(self.shape), neutral, arithmetic.dtype)
        if self.alive:
            run = _Run(self, arrays, arithmetic, reals)
            held = run.held(self.data_guards, True)
            values = run.scalar(self.term.body, held)
            if held is not True:
                values = np.where(held, values, neutral)
            values = np.broadcast_to(values, [component.length for component in self.components])
            ufunc = {"sum": np.add, "max": np.maximum, "min": np.minimum}[self.term.reduce]
            targets = np.broadcast_to(self.targets, values.shape)
            for place, component in enumerate(self.components):
                if component.starts is not None:
                    values = ufunc.reduceat(values, component.starts, axis=place)
                    targets = np.take(targets, component.starts, axis=place)
            result[targets.reshape(-1)] = values.reshape(-1)
        return result.reshape(self.shape)


def _guard_indices(guard: Guard) -> set[Index]:
    return {
        index
        for part in inside(guard)
        if isinstance(part, (Poly, Index))
        for index in (part.indices() if isinstance(part, Poly) else (part,))
    }


def _needed(node: Any, brackets: tuple[Guard, ...] = ()) -> Iterator[tuple[Read, tuple[Guard, ...]]]:
    """Every read of a scalar or guard, with the brackets that have to hold for its value to be needed."""
    parts: tuple = ()
    match node:
        case Read():
            yield node, brackets
        case Product(factors=parts):
            own = (f.guard for f in parts if isinstance(f, Bracket) and not isinstance(f.guard, DATA))
            brackets = (*brackets, *own)
        case Sum(terms=parts):
            pass
        case Power(base=left, exponent=right) | Compare(left=left, right=right):
            parts = left, right
        case Apply(argument=part) | Bracket(guard=part) | Matches(read=part):
            parts = (part,)
    for part in parts:
        yield from _needed(part, brackets)


def _all_forms(equation: Equation, term: Term) -> list[Poly]:
    return [*equation.at, *(part for part in inside((term.body, term.guards)) if isinstance(part, Poly))]


Where = Literal[True] | np.ndarray  # the tuples at which a value is needed, over the components


@dataclass(frozen=True)
class _Run:
    """One evaluation of a compiled term: scalars over the components. One rule per node."""

    compiled: CompiledTerm
    arrays: Mapping[str, np.ndarray]
    arithmetic: Arithmetic
    reals: Mapping[str, Any]

    def scalar(self, node: Scalar, where: Where) -> np.ndarray:
        """Its values; they mean something only at the tuples `where`."""
        match node:
            case Number(value=value):
                return self._constant(self.arithmetic.number(value))
            case IndexValue(form=form):
                return self.compiled.form(form).astype(self.arithmetic.dtype)
            case Real():
                return self._constant(self.arithmetic.number(self._real(node)))
            case Read():
                return self._read(node)
            case Sum(terms=terms):
                return self._fold(np.add, terms, where)
            case Product(factors=factors):
                brackets = [factor.guard for factor in factors if isinstance(factor, Bracket)]
                held = self.held(brackets, where)
                others = [factor for factor in factors if not isinstance(factor, Bracket)]
                values = self._fold(np.multiply, others or [ONE], held)
                return np.where(held, values, self.arithmetic.number(0)) if brackets else values
            case Power(base=base, exponent=exponent):
                return self._applied(self.arithmetic.power, where, base, exponent)
            case Apply(function=function, argument=argument):
                return self._applied(self.arithmetic.function(function), where, argument)
            case Bracket(guard=guard):
                return self.guard(guard, where).astype(self.arithmetic.dtype)
        raise NotImplementedError(f"no value for a {type(node).__name__}")

    def held(self, guards: Sequence[Guard], where: Where) -> Where:
        """The tuples `where` at which the guards hold too; those that look at data come last."""
        for guard in sorted(guards, key=lambda guard: isinstance(guard, DATA)):
            where = where & self.guard(guard, where)
        return where

    def guard(self, guard: Guard, where: Where) -> np.ndarray:
        match guard:
            case Compare(left=left, relation=relation, right=right):
                u, v = self.scalar(left, where), self.scalar(right, where)
                return np.asarray({"=": u == v, "<": u < v, "≤": u <= v}[relation], bool)
            case Matches(form=form, read=read):
                return np.asarray(self.compiled.form(form) == self._read(read), bool)
        return self.compiled.bracket(guard)

    def _real(self, node: Real) -> Any:
        value = self.reals.get(node.letter, self.arithmetic.pi if node == PI else node.default)
        if value is None and node == PI:
            raise StatementError("π is not rational: it has no exact value")
        if value is None:
            raise StatementError(f"the real parameter {node.letter} has no value; give it by name")
        return value

    def _constant(self, value: Any) -> np.ndarray:
        return np.full([1] * len(self.compiled.components), value, self.arithmetic.dtype)

    def _fold(self, ufunc: np.ufunc, nodes: Sequence[Scalar], where: Where) -> np.ndarray:
        # small factors first: constants and reads of few components meet before the large ones
        values = sorted((self.scalar(node, where) for node in nodes), key=lambda value: value.size)
        return np.asarray(reduce(ufunc, values), self.arithmetic.dtype)

    def _applied(self, ufunc: np.ufunc, where: Where, *nodes: Scalar) -> np.ndarray:
        """A function that may have no value where none is needed."""
        values = [self.scalar(node, where) for node in nodes]
        if where is True:
            return np.asarray(ufunc(*values), self.arithmetic.dtype)
        result = np.zeros(
            np.broadcast_shapes(np.shape(where), *(value.shape for value in values)), self.arithmetic.dtype
        )
        return ufunc(*values, out=result, where=where, casting="unsafe")

    def _read(self, read: Read) -> np.ndarray:
        if read.tensor not in self.arrays:
            raise StatementError(f"no array is given for {read.tensor}")
        gather = self.compiled.gathers[read]
        source = self.arrays[read.tensor].reshape(-1)
        if not source.size:  # every position is outside, or there are none
            values = np.zeros(gather.positions.shape, self.arithmetic.dtype)
        else:
            values = np.asarray(source[gather.positions], self.arithmetic.dtype)
        if gather.outside is not None:
            values = np.where(gather.outside, self.arithmetic.number(read.outside), values)
        return values


# --- programs ---------------------------------------------------------------------------------------------------


class Program:
    """A statement at given parameters, ready to run on many arrays."""

    def __init__(self, statement: Statement, env: Mapping[Param, int]):
        self.statement = statement
        self.shapes = {name: _shape(statement, name, env) for name in statement.reads}
        self.extremes = any(term.reduce != "sum" for equation in statement.equations for term in equation.terms)
        integers = int if _fits(statement, max(map(abs, env.values()), default=0).bit_length()) else object
        self.steps: list[tuple[str, list[CompiledTerm]]] = []
        for equation in statement.equations:
            self.shapes[equation.name] = _shape(statement, equation.name, env)
            compiled = [CompiledTerm(equation, term, env, self.shapes, integers) for term in equation.terms]
            self.steps.append((equation.name, compiled))

    def run(
        self, arrays: Mapping[str, np.ndarray], arithmetic: Arithmetic, reals: Mapping[str, Any]
    ) -> dict[str, np.ndarray]:
        for name in self.statement.reads:
            if name in arrays and arrays[name].shape != self.shapes[name]:
                raise ShapeError(f"{name} has shape {arrays[name].shape}, but {self.shapes[name]} is needed here")
        known = dict(arrays)
        exact = arithmetic is EXACT
        for name, terms in self.steps:
            with np.errstate(invalid="ignore" if exact else None):
                parts = [term.run(known, arithmetic, reals) for term in terms]
                total = reduce(np.add, parts) if parts else np.full(self.shapes[name], 0, arithmetic.dtype)
            known[name] = np.asarray(total, arithmetic.dtype)
            if exact and self.extremes and (known[name] != known[name]).any():
                raise StatementError(f"{name} is 0·∞ or ∞ - ∞ for an empty maximum or minimum: it has no exact value")
        return {name: known[name] for name in self.statement.outputs}


def _shape(statement: Statement, name: str, env: Mapping[Param, int]) -> tuple[int, ...]:
    sizes = shape_of(statement, name)
    shape = tuple(size.evaluate(env) for size in sizes)
    if any(n < 0 for n in shape):
        raise ShapeError(f"{name} would have shape {shape}: {', '.join(map(str, sizes))}")
    return shape


@lru_cache(maxsize=4096)
def _fits(statement: Statement, bits: int) -> bool:
    """Whether every form of the statement stays within 64 bits, with room to spare, for parameters of so many bits."""
    return all(_bound(form, 1 << bits) < 1 << 60 for form in inside(statement.equations) if isinstance(form, Poly))


def _bound(form: Poly, of: int) -> int:
    """What a form and each part of it stays within where no parameter exceeds `of`."""
    return sum(
        abs(c) * math.prod(_atom_bound(atom, of) ** power for atom, power in monomial)
        for monomial, c in form.terms.items()
    )


def _atom_bound(atom: Atom, of: int) -> int:
    match atom:
        case Index(size=size):
            return max(1, _bound(size, of))
        case Floor(number=number, divisor=divisor):
            return max(_bound(number, of), _bound(divisor, of))
        case Least(among=among):
            return max(_bound(entry, of) for entry in among)
    return of


@lru_cache(maxsize=512)
def _program(statement: Statement, env: tuple[tuple[Param, int], ...]) -> Program:
    return Program(statement, dict(env))


def program(statement: Statement, env: Mapping[Param, int]) -> Program:
    """The compiled statement; the same statement at the same parameters is compiled once."""
    return _program(statement, tuple(sorted(env.items(), key=lambda item: item[0].key)))


@lru_cache(maxsize=512)
def _real_letters(statement: Statement) -> frozenset[str]:
    return frozenset(node.letter for node in inside(statement) if isinstance(node, Real))


def _evaluated(
    statement: Statement, arrays: Mapping[str, np.ndarray], given: Mapping[str, Any], arithmetic: Arithmetic
) -> dict[str, np.ndarray]:
    letters = _real_letters(statement)
    reals = {name: value for name, value in given.items() if name in letters}
    words = {name: value for name, value in given.items() if name not in letters}
    env = bind(statement, {name: array.shape for name, array in arrays.items()}, words)
    return program(statement, env).run(arrays, arithmetic, reals)


def evaluate_at(
    statement: Statement, arrays: Mapping[str, Any], env: Mapping[Param, int], **reals: Any
) -> dict[str, np.ndarray]:
    """The outputs by name at these values of the parameters, exactly."""
    return program(statement, env).run({name: exact_array(values) for name, values in arrays.items()}, EXACT, reals)


def evaluate(statement: Statement, arrays: Mapping[str, Any], **given: Any) -> dict[str, np.ndarray]:
    """The outputs by name, as object arrays of ints and Fractions."""
    return _evaluated(statement, {name: exact_array(values) for name, values in arrays.items()}, given, EXACT)


def evaluate_native(statement: Statement, arrays: Mapping[str, Any], **given: Any) -> dict[str, np.ndarray]:
    """The outputs by name, computed in the floating-point type of the arrays."""
    found = {name: np.asarray(values) for name, values in arrays.items()}
    for name, array in found.items():
        if array.dtype.kind not in "iuf":
            raise DtypeError(f"{name} is an array of {array.dtype}; integers or floats are needed")
    dtype = np.result_type(np.float32, *found.values())
    return _evaluated(statement, {name: array.astype(dtype) for name, array in found.items()}, given, _native(dtype))
