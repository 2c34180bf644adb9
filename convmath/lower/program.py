"""A statement at given parameters, lowered once: equations as kernels, and what their data must meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from convmath.errors import StatementError
from convmath.ir.arithmetic import native
from convmath.ir.functions import PI
from convmath.ir.guards import holds
from convmath.ir.nodes import ONE, Compare, Divides, Equation, IndexValue, Read, Real, Statement, Term, Within
from convmath.ir.plan import Plan, conditions_of, plans_of
from convmath.ir.poly import Floor, Param, Poly
from convmath.ir.program import CompiledTerm, Condition, shape_at
from convmath.ir.walk import indices, inside, reads
from convmath.kernels.portable.library import readable
from convmath.window import BORDERS

from .access import Part, form_values
from .arrays import Arrays
from .bounds import bounds, count
from .box import Box
from .boxes import boxes
from .kernel import Context, Kernel
from .place import Terms

__all__ = ["Program", "program"]


class Program:
    """A statement at given parameters, ready to run on many arrays."""

    def __init__(self, statement: Statement, env: Mapping[Param, int]):
        self.statement, self.env = statement, env
        self.shapes = {name: shape_at(statement, name, env) for name in statement.reads}
        self.steps: list[tuple[Equation, Terms]] = []
        for equation, plans in zip(statement.equations, plans_of(statement), strict=True):
            self.shapes[equation.name] = shape_at(statement, equation.name, env)
            kernels = tuple(self._kernels(equation, plan) for plan in plans)
            kind = equation.terms[0].reduce if equation.terms else "sum"
            self.steps.append((equation, Terms(self.shapes[equation.name], kind, kernels, _positions(kernels))))
        self.conditions: dict[str, list[_Condition]] = {}  # by the last equation that each of them reads
        for guard, plan, after in conditions_of(statement):
            self.conditions.setdefault(after, []).append(_Condition(self, guard, plan))
        self.spent = _spent(statement)

    def _kernels(self, equation: Equation, plan: Plan) -> tuple[Kernel, ...]:
        self._sensible(plan)
        found = boxes(self.statement, equation, plan.term, self.env)
        if any(_may_miss(box, self.shapes) for box in found):
            self.compiled(plan)
        return tuple(Kernel(box, self.shapes) for box in found)

    def compiled(self, plan: Plan) -> CompiledTerm:
        """The term as the definition has it; an error where it reads what is not there."""
        integers = int if max(map(abs, self.env.values()), default=0) < 1 << 20 else object
        return CompiledTerm(plan, self.env, {plan.equation.name: (), **self.shapes}, integers)

    def _sensible(self, plan: Plan) -> None:
        """An error where something is divided by what is below 1."""
        for part in inside((plan.term.guards, plan.term.body)):
            atoms = part.atoms() if isinstance(part, Poly) else ()
            divisors = [atom.divisor for atom in atoms if isinstance(atom, Floor)]
            divisors += [part.divisor] if isinstance(part, Divides) else []
            if any(divisor.evaluate(self.env) < 1 for divisor in divisors):
                self.compiled(plan)

    def run(self, given: Mapping[str, Any], arrays: Arrays, dtype: Any, reals: Mapping[str, Any]) -> dict[str, Any]:
        """The outputs by name."""
        known = dict(given)
        with np.errstate(all="ignore"):  # what has no value is NaN or infinite, as IEEE arithmetic says
            self._check("", Context(arrays, known, dtype, reals))
            for equation, terms in self.steps:
                # a position in a large array is beyond what float32 counts to
                held = arrays.positions(terms.positions, dtype) if terms.positions else dtype
                context = Context(arrays, known, held, reals)
                known[equation.name] = terms.values(context)
                self._check(equation.name, Context(arrays, known, dtype, reals))
                for name in self.spent[equation.name]:
                    del known[name]
        return {name: arrays.cast(known[name], dtype) for name in self.statement.outputs}

    def _check(self, name: str, context: Context) -> None:
        """What has to hold as soon as an equation has its values, or before the first ("")."""
        for condition in self.conditions.get(name, ()):
            condition.check(context)


def _spent(statement: Statement) -> Mapping[str, list[str]]:
    """By equation, those whose values nothing reads after it."""
    order = [equation.name for equation in statement.equations]
    last = dict(zip(order, order, strict=True))
    for equation in statement.equations:
        last |= dict.fromkeys((read.tensor for read in reads(equation.terms) if read.tensor in last), equation.name)
    for guard, _, after in conditions_of(statement):  # looked at where the last of what it reads is known
        late = [name for name in {read.tensor for read in reads(guard)} if name in last]
        last |= {name: max(last[name], after, key=order.index) for name in late}
    left = [name for name in order if name not in statement.outputs]
    return {name: [other for other in left if last[other] == name] for name in order}


def _positions(kernels: Sequence[Sequence[Kernel]]) -> int:
    """How large the positions are that a maximum or minimum of nothing else gives; 0 for others."""
    most = [0]
    for box in (kernel.box for of_term in kernels for kernel in of_term):
        if box.reduce == "sum" or not isinstance(box.body, IndexValue):
            return 0
        most += map(abs, bounds(box.forms[box.body.form]))
    return max(most)


# --- what data must meet ----------------------------------------------------------------------------------------------


class _Condition:
    """A comparison that must hold for every value of its indices: nothing may fail it."""

    def __init__(self, program: Program, guard: Compare, plan: Plan):
        self.program, self.guard, self.plan = program, guard, plan
        failed = Term(plan.equation.free, (_fails(guard),), ONE)
        equation = Equation("", (), (), (failed,))
        found = boxes(program.statement, equation, failed, program.env)
        if any(_may_miss(box, program.shapes) for box in found):
            program.compiled(plan)
        self.failures = Terms((), "sum", (tuple(Kernel(box, program.shapes) for box in found),))
        reals = [node for node in inside(guard) if isinstance(node, Real) and node != PI]
        self.letters = {node.letter for node in reals if node.default is None}
        self.names = {read.tensor for read in plan.reads}

    def check(self, context: Context) -> None:
        """It speaks of no real parameter without a value, no input that does not come, and nothing that is traced."""
        if not (self.letters <= context.reals.keys() and self.names <= context.given.keys()):
            return
        if not readable(self.failures.values(context)):
            return
        try:
            arrays = {name: np.asarray(context.given[name]) for name in self.names}
        except (TypeError, ValueError, RuntimeError):  # they lie on a device that NumPy does not reach
            raise StatementError(f"{self.guard} does not hold for these data") from None
        kind = np.result_type(np.float32, *(array.dtype for array in arrays.values() if array.dtype.kind == "f"))
        stated = Condition(self.guard, self.plan, self.program.env, self.program.shapes, int)
        stated.check({name: array.astype(kind) for name, array in arrays.items()}, native(kind), context.reals)


def _fails(guard: Compare) -> Compare:
    match guard.relation:
        case "=":
            return Compare(guard.left, "≠", guard.right)
        case "≠":
            return Compare(guard.left, "=", guard.right)
        case "<":
            return Compare(guard.right, "≤", guard.left)
    return Compare(guard.right, "<", guard.left)


# --- reads outside ----------------------------------------------------------------------------------------------------


def _may_miss(box: Box, shapes: Mapping[str, Sequence[int]]) -> bool:
    """Whether something may be read outside its array where no guard of the box forbids it."""
    return any(
        _leaves(box, read, box.forms[form], n)
        for read in dict.fromkeys(reads((box.body, box.data)))
        if not isinstance(read.outside, Fraction)
        for form, n in zip(read.at, shapes[read.tensor], strict=True)
    )


def _leaves(box: Box, read: Read, form: Poly, n: int) -> bool:
    """Whether a form has values that are no position of an axis, by the guards on its own indices."""
    low, high = bounds(form)
    # between these what a border makes of a position is monotone
    ends = np.array([min(max(e, low), high) for e in (low, -1, n, high)], object)
    if Within(form, Poly.of(n)) in box.guards or not _outside(read, ends, n).any():
        return False
    own = tuple(form.indices())
    part = Part(own, dict.fromkeys(own, 0), {index: count(index) for index in own})
    lost = _outside(read, np.asarray(form_values(form, part)), n)
    values = {index: form_values(Poly.of(index), part) for index in own}
    for guard in (guard for guard in box.guards if indices(guard) <= set(own)):
        lost = lost & holds(guard, values)
    return bool(np.any(lost))


def _outside(read: Read, e: np.ndarray, n: int) -> np.ndarray:
    """Which positions an axis of size n does not have, when a border has mapped them."""
    if read.outside in BORDERS:
        border = BORDERS[read.outside]  # type: ignore[index]
        e = np.where(e < 0, border.below(e, n), np.where(e >= n, border.above(e, n), e))
    return (e < 0) | (e >= n)


@lru_cache(maxsize=512)
def _program(statement: Statement, env: tuple[tuple[Param, int], ...]) -> Program:
    return Program(statement, dict(env))


def program(statement: Statement, env: Mapping[Param, int]) -> Program:
    """The lowered statement; the same statement at the same parameters is lowered once."""
    return _program(statement, tuple(sorted(env.items(), key=lambda item: item[0].key)))
