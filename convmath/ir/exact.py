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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from convmath.errors import DtypeError, StatementError
from convmath.window import BORDERS

from .bind import bind
from .functions import FUNCTIONS
from .guards import holds
from .nodes import (
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
from .poly import Floor, Index, Least, Param, Poly
from .walk import inside, reads

__all__ = ["Program", "evaluate", "evaluate_at", "evaluate_native", "exact_array", "program"]

INFINITY = float("inf")


# --- exact numbers -------------------------------------------------------------------------------------------


def _exact(value: Any) -> int | Fraction:
    """A number as the rational it is: an int where it is whole."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        if not math.isfinite(value):
            raise DtypeError(f"{value} has no exact value; exact evaluation needs finite numbers")
        value = Fraction(float(value))
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else value
    raise DtypeError(
        f"{value!r} is a {type(value).__name__}; exact evaluation needs integers, Fractions or finite floats"
    )


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


def _whole_or_fraction(value: Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value


def _exact_power(base: Any, exponent: Any) -> Any:
    if not isinstance(exponent, int):
        raise StatementError(f"{base}^{exponent} is not rational: it has no exact value")
    if exponent < 0 and base == 0:
        raise StatementError(f"0^{exponent} came up: the statement divides by 0 for these sizes or data")
    return _whole_or_fraction(Fraction(base) ** exponent)


def _exact_function(name: str) -> Callable[[Any], Any]:
    rational = FUNCTIONS[name].exact
    if rational is None:
        raise StatementError(f"{name} of a rational is not rational: it has no exact value")
    return rational


@dataclass(frozen=True)
class Arithmetic:
    """What the two runs do differently."""

    dtype: Any
    number: Callable[[Any], Any]
    power: Callable[[Any, Any], Any]
    function: Callable[[str], Callable[[Any], Any]]


EXACT = Arithmetic(
    object,
    _exact,
    np.frompyfunc(_exact_power, 2, 1),
    lambda name: np.frompyfunc(_exact_function(name), 1, 1),
)


def _native(dtype: Any) -> Arithmetic:
    return Arithmetic(
        dtype,
        np.dtype(dtype).type,
        np.power,
        lambda name: np.vectorize(FUNCTIONS[name].value, otypes=[dtype]),
    )


# --- one component of a term ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Component:
    """The tuples of a few indices that meet their guards, sorted by the free ones among them."""

    env: Mapping[Any, Any]  # the index values, as arrays of one length (0-d where there is no index)
    length: int
    starts: np.ndarray | None  # where a new tuple of free indices begins; None: nothing is bound here


def _component(members: Sequence[Index], free: Sequence[Index], guards: Sequence[Guard], env: Mapping) -> Component:
    ordered = [index for index in free if index in members] + [index for index in members if index not in free]
    sizes = [index.size.evaluate(env) for index in ordered]
    grids = np.meshgrid(*(np.arange(size) for size in sizes), indexing="ij", sparse=True)
    values: dict[Any, Any] = dict(env) | dict(zip(ordered, grids, strict=True))
    mask = np.ones(sizes, bool)
    for guard in guards:
        mask &= holds(guard, values)
    kept = np.nonzero(mask)
    listed = dict(zip(ordered, kept, strict=True))
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

    def __init__(self, equation: Equation, term: Term, env: Mapping[Param, int], shapes: Mapping[str, tuple[int, ...]]):
        self.term = term
        self.shape = shapes[equation.name]
        data_guards = tuple(g for g in term.guards if isinstance(g, (Matches, Compare)))
        guards = [g for g in term.guards if g not in data_guards]
        self.data_guards = data_guards
        found = list(dict.fromkeys((*reads(term.body), *reads(data_guards))))
        # a read outside its array that is "nothing" is not counted: its range is a guard
        for read in found:
            if read.outside == "nothing":
                sizes = shapes[read.tensor]
                guards += [Within(form, Poly.of(n)) for form, n in zip(read.at, sizes, strict=True)]
        links = [
            *(_guard_indices(guard) for guard in guards),
            *(form.indices() for read in found if read.outside != "strict" for form in read.at),
            *(link for form in _all_forms(equation, term) for link in _needs_one_component(form)),
            *(_guard_indices(b.guard) for b in inside(term.body) if isinstance(b, Bracket)),
        ]
        indices = (*equation.free, *term.bound)
        self.components = [
            _component(
                group,
                equation.free,
                [g for g in guards if _guard_indices(g) <= set(group) and _guard_indices(g)],
                env,
            )
            for group in _groups(indices, links)
        ]
        self.owner = {
            index: place for place, c in enumerate(self.components) for index in c.env if isinstance(index, Index)
        }
        self.env = env
        self.holds = all(bool(holds(g, env)) for g in guards if not _guard_indices(g))
        self.gathers = {read: self._gather(read, shapes[read.tensor]) for read in found}
        offsets = self._flat(equation.at, self.shape)
        self.targets = offsets

    # -- forms over the components

    def _axis(self, values: Any, place: int) -> np.ndarray:
        """A component's array, laid along its own axis."""
        return np.asarray(values).reshape([-1 if i == place else 1 for i in range(len(self.components))])

    def form(self, form: Poly) -> np.ndarray:
        """The value of an affine form, over the components it needs."""
        total: Any = np.zeros([1] * len(self.components), int)
        for part, place in self._parts(form):
            if place is None:
                total = total + part.evaluate(self.env)
            else:
                component = self.components[place]
                total = total + self._axis(np.broadcast_to(part.evaluate(component.env), component.length), place)
        return total

    def _parts(self, form: Poly) -> list[tuple[Poly, int | None]]:
        """The form as a sum with one part for each component it touches."""
        parts: dict[int | None, dict] = {}
        for monomial, c in form.terms.items():
            places = {self.owner[index] for index in Poly({monomial: c}).indices()}
            if len(places) > 1:
                raise StatementError(f"{form} multiplies indices; an index form must be affine in them")
            parts.setdefault(next(iter(places), None), {})[monomial] = c
        return [(Poly(terms), place) for place, terms in parts.items()]

    def _flat(self, at: Sequence[Poly], shape: Sequence[int]) -> np.ndarray:
        total: Any = np.zeros([1] * len(self.components), int)
        for form, n in zip(at, shape, strict=True):
            total = total * n + self.form(form)
        return total

    def _gather(self, read: Read, shape: tuple[int, ...]) -> Gather:
        outside, mapped = None, []
        for axis, (form, n) in enumerate(zip(read.at, shape, strict=True)):
            e = self.form(form)
            if read.outside in BORDERS:
                b = BORDERS[read.outside]  # type: ignore[index]
                e = np.where(e < 0, b.below(e, n), np.where(e >= n, b.above(e, n), e))
            elif isinstance(read.outside, Fraction):
                off = (e < 0) | (e >= n)
                outside = off if outside is None else outside | off
                e = np.where(off, 0, e)
            if e.size and self.alive and (e.min() < 0 or e.max() >= n):
                raise StatementError(
                    f"{read} reads position {int(e.min() if e.min() < 0 else e.max())} of axis {axis}, "
                    f"which has size {n}"
                )
            mapped.append(e)
        total: Any = np.zeros([1] * len(self.components), int)
        for e, n in zip(mapped, shape, strict=True):
            total = total * n + e
        return Gather(total, outside)

    @property
    def alive(self) -> bool:
        """Whether any tuple is left."""
        return self.holds and all(component.length for component in self.components)

    # -- running

    def run(self, arrays: Mapping[str, np.ndarray], arithmetic: Arithmetic, reals: Mapping[str, Any]) -> np.ndarray:
        reduce = self.term.reduce
        neutral = {"sum": arithmetic.number(0), "max": -INFINITY, "min": INFINITY}[reduce]
        result = np.full(math.prod(self.shape), neutral, arithmetic.dtype)
        if self.alive:
            run = _Run(self, arrays, arithmetic, reals)
            values = run.scalar(self.term.body)
            for guard in self.data_guards:
                values = np.where(run.guard(guard), values, neutral)
            values = np.broadcast_to(values, [component.length for component in self.components])
            ufunc = {"sum": np.add, "max": np.maximum, "min": np.minimum}[reduce]
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


def _all_forms(equation: Equation, term: Term) -> list[Poly]:
    return [*equation.at, *(part for part in inside((term.body, term.guards)) if isinstance(part, Poly))]


@dataclass(frozen=True)
class _Run:
    """One evaluation of a compiled term: scalars over the components. One rule per node."""

    compiled: CompiledTerm
    arrays: Mapping[str, np.ndarray]
    arithmetic: Arithmetic
    reals: Mapping[str, Any]

    def scalar(self, node: Scalar) -> Any:
        match node:
            case Number(value=value):
                return self._constant(self.arithmetic.number(value))
            case IndexValue(form=form):
                return self.compiled.form(form).astype(self.arithmetic.dtype)
            case Real(letter=letter, default=default):
                value = self.reals.get(letter, math.pi if letter == "π" else default)
                if value is None:
                    raise StatementError(f"the real parameter {letter} has no value; give it by name")
                return self._constant(self.arithmetic.number(value))
            case Read():
                return self._read(node)
            case Sum(terms=terms):
                return self._fold(np.add, terms)
            case Product(factors=factors):
                return self._fold(np.multiply, factors)
            case Power(base=base, exponent=exponent):
                return self.arithmetic.power(self.scalar(base), self.scalar(exponent))
            case Apply(function=function, argument=argument):
                return self.arithmetic.function(function)(self.scalar(argument))
            case Bracket(guard=guard):
                return self.guard(guard).astype(self.arithmetic.dtype)
        raise NotImplementedError(f"no value for a {type(node).__name__}")

    def guard(self, guard: Guard) -> np.ndarray:
        match guard:
            case Compare(left=left, relation=relation, right=right):
                u, v = self.scalar(left), self.scalar(right)
                return np.asarray({"=": u == v, "<": u < v, "≤": u <= v}[relation], bool)
            case Matches(form=form, read=read):
                return np.asarray(self.compiled.form(form) == self._read(read), bool)
        values: dict[Any, Any] = dict(self.compiled.env)
        for index in _guard_indices(guard):
            place = self.compiled.owner[index]
            values[index] = self.compiled._axis(self.compiled.components[place].env[index], place)
        return np.asarray(holds(guard, values), bool)

    def _constant(self, value: Any) -> np.ndarray:
        return np.full([1] * len(self.compiled.components), value, self.arithmetic.dtype)

    def _fold(self, ufunc: np.ufunc, nodes: Sequence[Scalar]) -> Any:
        # small factors first: constants and reads of few components meet before the large ones
        values = sorted((self.scalar(node) for node in nodes), key=lambda value: value.size)
        total = values[0]
        for value in values[1:]:
            total = ufunc(total, value)
        return total

    def _read(self, read: Read) -> np.ndarray:
        gather = self.compiled.gathers[read]
        source = self.arrays[read.tensor].reshape(-1)
        if not source.size:  # every position is outside, or there are none
            values = np.zeros(gather.positions.shape, self.arithmetic.dtype)
        else:
            values = source[gather.positions]
        if gather.outside is not None:
            values = np.where(gather.outside, self.arithmetic.number(read.outside), values)
        return values


# --- programs ---------------------------------------------------------------------------------------------------


class Program:
    """A statement at given parameters, ready to run on many arrays."""

    def __init__(self, statement: Statement, env: Mapping[Param, int]):
        self.statement = statement
        self.shapes: dict[str, tuple[int, ...]] = {
            t.name: tuple(size.evaluate(env) for size in t.shape) for t in statement.inputs
        }
        self.steps: list[tuple[str, list[CompiledTerm]]] = []
        for equation in statement.equations:
            self.shapes[equation.name] = tuple(_size(form).evaluate(env) for form in equation.at)
            self.steps.append(
                (equation.name, [CompiledTerm(equation, term, env, self.shapes) for term in equation.terms])
            )

    def run(
        self, arrays: Mapping[str, np.ndarray], arithmetic: Arithmetic, reals: Mapping[str, Any]
    ) -> dict[str, np.ndarray]:
        known = dict(arrays)
        for name, terms in self.steps:
            parts = [term.run(known, arithmetic, reals) for term in terms]
            total = parts[0] if parts else np.full(self.shapes[name], arithmetic.number(0), arithmetic.dtype)
            for part in parts[1:]:
                total = total + part
            known[name] = total
        return {name: known[name] for name in self.statement.outputs}


def _size(form: Poly) -> Poly:
    size = Poly.of(1)
    for index in form.indices():
        size = size * index.size
    return size


@lru_cache(maxsize=512)
def _program(statement: Statement, env: tuple[tuple[Param, int], ...]) -> Program:
    return Program(statement, dict(env))


def program(statement: Statement, env: Mapping[Param, int]) -> Program:
    """The compiled statement; the same statement at the same parameters is compiled once."""
    return _program(statement, tuple(sorted(env.items(), key=lambda item: item[0].key)))


def _evaluated(
    statement: Statement, arrays: Mapping[str, np.ndarray], given: Mapping[str, Any], arithmetic: Arithmetic
) -> dict[str, np.ndarray]:
    real_names = {node.letter for node in inside(statement) if isinstance(node, Real)}
    reals = {name: value for name, value in given.items() if name in real_names}
    words = {name: value for name, value in given.items() if name not in real_names}
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
    dtype = np.result_type(np.float32, *found.values())
    return _evaluated(statement, {name: array.astype(dtype) for name, array in found.items()}, given, _native(dtype))
