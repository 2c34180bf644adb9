"""A statement and the values of its parameters, compiled once: a `Program` that runs on many arrays.

Running it is gathers, products and segmented reductions, in one of the arithmetics of `arithmetic`.

How a term is compiled: two indices that meet in a guard, a floor or a border belong to one *component* (`plan`). The
tuples of a component that meet its guards are listed once; the components are independent, so a term is a product
over them, and a flat position in an array is a sum of one offset per component. Nothing of the size of the full
index space stands before the products themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, reduce
from typing import Any, Literal

import numpy as np

from convmath.errors import ShapeError, StatementError
from convmath.window import BORDERS

from .arithmetic import Arithmetic
from .functions import PI
from .guards import holds
from .nodes import (
    ONE,
    Apply,
    Bracket,
    Compare,
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
)
from .plan import DATA, Plan, conditions_of, guard_indices, plans_of
from .poly import Atom, Floor, Index, Least, Param, Poly, poly
from .walk import inside, shape_of

__all__ = ["CompiledTerm", "Condition", "Program", "program", "shape_at"]

INFINITY = float("inf")
RELATIONS = {"=": np.equal, "≠": np.not_equal, "<": np.less, "≤": np.less_equal}


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


# --- a compiled term --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gather:
    """The positions a read takes: an offset per component, summed by broadcasting, and where nothing is read."""

    positions: np.ndarray
    outside: np.ndarray | None


class CompiledTerm:
    """A term at given sizes: what it gathers, and where its values go."""

    def __init__(self, plan: Plan, env: Mapping[Param, int], shapes: Mapping[str, tuple[int, ...]], integers: Any):
        self.plan, self.term, self.env, self.integers = plan, plan.term, env, integers
        self.shape = shapes[plan.equation.name]
        free = plan.equation.free
        self.components = [_component(group, free, guards, env, integers) for group, guards in plan.groups]
        self.holds = all(bool(holds(guard, env)) for guard in plan.always)
        self.gathers = {read: self._gather(read, shapes[read.tensor], needed) for read, needed in plan.reads.items()}
        self.targets = self._flat([self.form(form) for form in plan.equation.at], self.shape)

    # -- forms over the components

    def _axis(self, values: Any, place: int) -> np.ndarray:
        """A component's array, laid along its own axis."""
        return np.asarray(values).reshape([-1 if i == place else 1 for i in range(len(self.components))])

    def form(self, form: Poly) -> np.ndarray:
        """The value of an affine form, over the components it needs."""
        total: Any = np.zeros([1] * len(self.components), self.integers)
        for part, place in self.plan.parts(form):
            if place is None:
                total = total + part.evaluate(self.env)
            else:
                component = self.components[place]
                total = total + self._axis(np.broadcast_to(part.evaluate(component.env), component.length), place)
        return np.asarray(total)

    def _flat(self, at: Sequence[np.ndarray], shape: Sequence[int]) -> np.ndarray:
        total: Any = np.zeros([1] * len(self.components), int)
        for values, n in zip(at, shape, strict=True):
            total = total * n + values.astype(int)
        return total

    def bracket(self, guard: Guard) -> np.ndarray:
        """Where a guard between integer forms holds, over the components it needs."""
        values: dict[Any, Any] = dict(self.env)
        for index in guard_indices(guard):
            place = self.plan.owner[index]
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
            held = run.held(self.plan.data_guards, True)
            values = run.scalar(self.term.body, held)
            if held is not True:
                values = np.where(held, values, neutral)
            values = np.broadcast_to(values, [component.length for component in self.components])
            ufunc = arithmetic.reduce[self.term.reduce]
            targets = np.broadcast_to(self.targets, values.shape)
            for place, component in enumerate(self.components):
                if component.starts is not None:
                    values = ufunc.reduceat(values, component.starts, axis=place)
                    targets = np.take(targets, component.starts, axis=place)
            result[targets.reshape(-1)] = values.reshape(-1)
        return result.reshape(self.shape)


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
                return self._constant(self._real(node))
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
                values = self.scalar(left, where), self.scalar(right, where)
                return _where(RELATIONS[relation], where, values, bool)
            case Matches(form=form, read=read):
                return np.asarray(self.compiled.form(form) == self._read(read), bool)
        return self.compiled.bracket(guard)

    def _real(self, node: Real) -> Any:
        value = self.reals.get(node.letter, node.default)
        if value is not None:
            return self.arithmetic.number(value)
        if node == PI:
            return self.arithmetic.pi()
        raise StatementError(f"the real parameter {node.letter} has no value; give it by name")

    def _constant(self, value: Any) -> np.ndarray:
        return np.full([1] * len(self.compiled.components), value, self.arithmetic.dtype)

    def _fold(self, ufunc: np.ufunc, nodes: Sequence[Scalar], where: Where) -> np.ndarray:
        # small factors first: constants and reads of few components meet before the large ones
        values = sorted((self.scalar(node, where) for node in nodes), key=lambda value: value.size)
        return np.asarray(reduce(ufunc, values), self.arithmetic.dtype)

    def _applied(self, function: Callable, where: Where, *nodes: Scalar) -> np.ndarray:
        return _where(function, where, [self.scalar(node, where) for node in nodes], self.arithmetic.dtype)

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


def _where(function: Callable, where: Where, values: Sequence[np.ndarray], dtype: Any) -> np.ndarray:
    """A function that may have no value where none is needed."""
    if where is True:
        return np.asarray(function(*values), dtype)
    result = np.zeros(np.broadcast_shapes(np.shape(where), *(value.shape for value in values)), dtype)
    chosen = np.broadcast_to(where, result.shape)
    result[chosen] = function(*(np.broadcast_to(value, result.shape)[chosen] for value in values))
    return result


# --- programs ---------------------------------------------------------------------------------------------------


class Program:
    """A statement at given parameters, ready to run on many arrays."""

    def __init__(self, statement: Statement, env: Mapping[Param, int]):
        self.statement = statement
        self.shapes = {name: shape_at(statement, name, env) for name in statement.reads}
        self.extremes = any(term.reduce != "sum" for equation in statement.equations for term in equation.terms)
        integers = int if _fits(statement, max(map(abs, env.values()), default=0).bit_length()) else object
        self.steps: list[tuple[str, list[CompiledTerm]]] = []
        for equation, plans in zip(statement.equations, plans_of(statement), strict=True):
            self.shapes[equation.name] = shape_at(statement, equation.name, env)
            self.steps.append((equation.name, [CompiledTerm(plan, env, self.shapes, integers) for plan in plans]))
        self.conditions: dict[str, list[Condition]] = {}  # by the last equation that each of them reads
        for guard, plan, after in conditions_of(statement):
            self.conditions.setdefault(after, []).append(Condition(guard, plan, env, self.shapes, integers))

    def run(
        self, arrays: Mapping[str, np.ndarray], arithmetic: Arithmetic, reals: Mapping[str, Any]
    ) -> dict[str, np.ndarray]:
        for name in self.statement.reads:
            if name in arrays and arrays[name].shape != self.shapes[name]:
                raise ShapeError(f"{name} has shape {arrays[name].shape}, but {self.shapes[name]} is needed here")
        known = dict(arrays)
        with np.errstate(**arithmetic.warnings):
            self._check("", known, arithmetic, reals)
            for name, terms in self.steps:
                parts = [term.run(known, arithmetic, reals) for term in terms]
                total = reduce(np.add, parts) if parts else np.full(self.shapes[name], 0, arithmetic.dtype)
                total = arithmetic.settled(total) if arithmetic.settled else total
                known[name] = np.asarray(total, arithmetic.dtype)
                if arithmetic.exact and self.extremes and (known[name] != known[name]).any():
                    raise StatementError(
                        f"{name} is 0·∞ or ∞ - ∞ for an empty maximum or minimum: it has no exact value"
                    )
                self._check(name, known, arithmetic, reals)
        return {name: known[name] for name in self.statement.outputs}

    def _check(
        self, name: str, known: Mapping[str, np.ndarray], arithmetic: Arithmetic, reals: Mapping[str, Any]
    ) -> None:
        """What has to hold as soon as an equation has its values, or before the first ("")."""
        if arithmetic.checks:
            for condition in self.conditions.get(name, ()):
                condition.check(known, arithmetic, reals)


class Condition:
    """A comparison that the data must meet, for every value of the indices in it."""

    def __init__(
        self,
        guard: Compare,
        plan: Plan,
        env: Mapping[Param, int],
        shapes: Mapping[str, tuple[int, ...]],
        integers: Any,
    ):
        self.guard, self.free = guard, plan.equation.free
        shape = tuple(index.size.evaluate(env) for index in self.free)
        self.compiled = CompiledTerm(plan, env, {**shapes, plan.equation.name: shape}, integers)
        reals = [node for node in inside(self.guard) if isinstance(node, Real) and node != PI]
        self.letters = {node.letter for node in reals if node.default is None}
        self.names = {read.tensor for read in plan.reads}

    def check(self, arrays: Mapping[str, np.ndarray], arithmetic: Arithmetic, reals: Mapping[str, Any]) -> None:
        """An error that names the condition and the first place where it fails.

        It does not speak of real parameters without a value or inputs that are not given: nothing else reads them. Nor
        does it of what is no number (NaN).
        """
        if not (self.letters <= reals.keys() and self.names <= arrays.keys() and self.compiled.alive):
            return
        run = _Run(self.compiled, arrays, arithmetic, reals)
        left, right = run.scalar(self.guard.left, True), run.scalar(self.guard.right, True)
        failed = ~RELATIONS[self.guard.relation](left, right) & (left == left) & (right == right)
        if not failed.any():
            return
        failed, left, right = np.broadcast_arrays(failed, left, right)
        place = tuple(np.argwhere(failed)[0])
        said = f"{left[place]} {self.guard.relation} {right[place]}"
        where = ", ".join(f"{poly(index)} = {self._value(index, place)}" for index in self.free)
        raise StatementError(f"{self.guard} does not hold{f' at {where}' if where else ''}: there it is {said}")

    def _value(self, index: Index, place: Sequence[int]) -> int:
        owner = self.compiled.plan.owner[index]
        return int(self.compiled.components[owner].env[index][place[owner]])


def shape_at(statement: Statement, name: str, env: Mapping[Param, int]) -> tuple[int, ...]:
    """The shape of an input or of what an equation states."""
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


@lru_cache(maxsize=1024)
def _program(statement: Statement, env: tuple[tuple[Param, int], ...]) -> Program:
    return Program(statement, dict(env))


def program(statement: Statement, env: Mapping[Param, int]) -> Program:
    """The compiled statement; the same statement at the same parameters is compiled once."""
    return _program(statement, tuple(sorted(env.items(), key=lambda item: item[0].key)))
