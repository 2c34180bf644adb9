"""Every operator, and every statement derived from it, has its exact value where it is lowered."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from convmath.derivation import sample
from convmath.errors import StatementError
from convmath.ir.check import checked
from convmath.ir.nodes import Statement
from convmath.ir.walk import params
from convmath.lower import access, contraction, kernel, place, rules
from convmath.ops.registry import Operator, operators, variants

from .held import NAMESPACES, forget, parts_of, within

NAMES = operators()
SIDES = ("statement", "vjp", "jvp", "hvp")


def derived(op: Operator, kind: str) -> Iterator[Statement]:
    """The statement; or by each input the solved and the relational form of what is derived from it."""
    if kind == "statement":
        yield op.statement
        return
    for name in op.statement.differentiable:
        found = getattr(op, kind)(name)
        yield found.result
        if kind == "vjp":
            yield checked(found.relational)


def drawn(
    statement: Statement, seed: Any
) -> tuple[dict[str, np.ndarray], dict[str, Any], dict[str, np.ndarray]] | None:
    """Arrays of floats, the numbers to give, and the exact value; None where no small sample has one."""
    try:
        found = sample.drawn(statement, random.Random(repr(seed)))
    except StatementError:
        return None
    whole = {tensor.name for tensor in statement.inputs if tensor.integer}
    arrays = {n: array.astype(int if n in whole else float) for n, array in found.arrays.items()}
    known = {param.name: value for param, value in found.env.items() if param in params(statement)}
    return arrays, known | found.reals, found.value


def obeys(name: str, ndim: int, kind: str, of: str, dtype: Any = np.float64, seeds: int = 1) -> None:
    ops = variants(name, ndim) if ndim == 1 else variants(name, ndim)[:1]
    for op in ops:
        for place_, statement in enumerate(derived(op, kind)):
            for seed in range(seeds):
                case = drawn(statement, (repr(op), kind, place_, seed))
                if case is None:
                    continue
                arrays, given, right = case
                held = {n: array.astype(dtype) if array.dtype == float else array for n, array in arrays.items()}
                if all((held[n] == arrays[n]).all() for n in held):
                    within(statement, held, right, of, dtype, **given)


@pytest.mark.parametrize("of", NAMESPACES)
@pytest.mark.parametrize("kind", SIDES)
@pytest.mark.parametrize("name", NAMES)
def test_it_has_its_exact_value(name: str, kind: str, of: str) -> None:
    obeys(name, 1, kind, of)


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("kind", ["statement", "vjp"])
@pytest.mark.parametrize("name", NAMES)
def test_it_has_its_exact_value_in_more_dimensions(name: str, kind: str, ndim: int) -> None:
    obeys(name, ndim, kind, "numpy")


@pytest.mark.parametrize("name", NAMES)
def test_float32_is_within_its_bound(name: str) -> None:
    obeys(name, 1, "vjp", "numpy", np.float32)


@pytest.mark.parametrize("of", NAMESPACES)
@pytest.mark.parametrize("name", ["conv", "conv_transpose", "max_pool", "lp_pool", "cross_entropy", "layer_norm"])
def test_parts_come_together(name: str, of: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However small the parts are that it is computed in."""
    for elements in (1, 5):
        with parts_of(elements, monkeypatch):
            for kind in SIDES[:2]:
                obeys(name, 1, kind, of)


# --- teeth ------------------------------------------------------------------------------------------------------------


def replaced(home: Any, name: str, fault: Callable[..., Any]) -> Callable[[pytest.MonkeyPatch], None]:
    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        true = getattr(home, name)
        monkeypatch.setattr(home, name, lambda *arguments: fault(true, *arguments))

    return plant


def without_the_last(true: Callable, *arguments: Any) -> Any:
    found = true(*arguments)
    return found[:-1] if found else found


FAULTS = {
    "padding at the wrong ends": ("conv", "vjp", replaced(access, "_pads", lambda true, *ends: true(*ends)[::-1])),
    "a residue that is forgotten": (
        "conv",
        "vjp",
        lambda patch: patch.setattr(
            rules,
            "RULES",
            tuple(lambda box, r=r: without_the_last(r, box) if r is rules._residues else r(box) for r in rules.RULES),
        ),
    ),
    "a count that is forgotten": (
        "avg_pool",
        "statement",
        lambda patch: patch.setattr(kernel.Kernel, "_repeated", lambda self, found, part: 1.0),
    ),
    "a factor that is forgotten": (
        "conv",
        "statement",
        replaced(
            contraction,
            "_product",
            lambda true, arrays, left, *rest: true(arrays, contraction.Factor(left.values**0, left.indices), *rest),
        ),
    ),
    "a window that is one tap short": (
        "max_pool",
        "statement",
        replaced(
            access,
            "_overlapping",
            lambda true, arrays, region, axis, along, index, part, kind: true(
                arrays,
                region,
                axis,
                along,
                index,
                access.Part(part.order, part.starts, {**part.lengths, index: part.lengths[index] - 1}),
                kind,
            ),
        ),
    ),
    "what is written once is written over what was there": (
        "adaptive_max_pool",
        "vjp",
        lambda patch: patch.setattr(place.Terms, "_once", True),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_caught(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, kind, plant = FAULTS[fault]
    plant(monkeypatch)
    forget()
    with pytest.raises(AssertionError):
        obeys(name, 1, kind, "numpy", seeds=8)
    monkeypatch.undo()
    forget()
