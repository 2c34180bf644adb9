"""Every step of every derivation is checked, and a step that was tampered with does not pass."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import singledispatch
from typing import Any

import pytest

from convmath import steps
from convmath.calculus.derive import jvp_derivation, shape_derivation, solved_derivation, vjp_derivation
from convmath.derivation import Derivation, Outcome, sample, verify
from convmath.ir.build import Tensor, equation, index, largest, read, size
from convmath.ir.check import checked
from convmath.ir.nodes import AtMost, Less, Number, Size, Statement
from convmath.ir.poly import poly
from convmath.ops.registry import Operator, operator, operators, variants
from convmath.steps import Relations, Shape, Sizes, Start, Step

from ..calculus.statements import POLYNOMIAL

OPERATORS = [
    *(op for name in operators() for op in variants(name, 1)),
    *(operator(name, ndim) for name in operators() for ndim in (2, 3)),
]


def derivations(op: Operator) -> Iterator[Derivation]:
    yield op.shape()
    yield op.shape(k=3, s=2)
    yield op.solved()
    for wrt in op.statement.reads:
        yield op.vjp(wrt)
        yield op.jvp(wrt)
        for along in op.statement.reads:
            yield op.hvp(wrt, along=along)


@pytest.mark.parametrize("op", OPERATORS, ids=str)
def test_every_step_is_checked_and_holds(op: Operator) -> None:
    for derivation in derivations(op):
        for number, step in enumerate(derivation.steps, 1):
            said = f"{derivation.kind} {derivation.wrt}, step {number}, {type(step).__name__}"
            assert step.outcome is not None, said
            assert step.outcome.cases > 0, said
            assert step.outcome.ok, f"{said}: {step.outcome.failure}"
        verdict = derivation.verify()
        assert verdict
        assert verdict.cases == sum(step.outcome.cases for step in derivation.steps if step.outcome)
        assert derivation.plain_steps[-1].after == derivation.steps[-1].after


@pytest.mark.parametrize("op", OPERATORS, ids=str)
def test_each_step_begins_where_one_before_it_ended(op: Operator) -> None:
    for derivation in derivations(op):
        ended = [derivation.plain_steps[0].before]
        for step in derivation.plain_steps:
            if isinstance(step.before, Statement):
                assert step.before == ended[-1]
                assert checked(step.after) is step.after
                ended.append(step.after)
        if isinstance(derivation.result, Statement):
            assert derivation.result == ended[-1]


@pytest.mark.parametrize(
    "given", [{"s": 1, "e": 1}, {"s": 1, "d": 3, "e": 2}, {"s": 2, "e": 1}, {"s": 2, "d": 3, "e": 2}]
)
@pytest.mark.parametrize("ndim", [1, 2])
def test_an_output_padding_beyond_the_stride_is_counted_on(ndim: int, given: dict[str, int]) -> None:
    """It may be as long as the dilation; then none of the sizes that fit is chosen, but one behind them."""
    verdict = operator("conv_transpose", ndim, **given).shape().verify()
    assert verdict, verdict.failures


def test_a_step_carries_its_rule_and_what_was_proved_on_the_way() -> None:
    for step in operator("avg_pool", 1).solved().steps:
        assert step.rule == type(step).__doc__
        assert step.conditions == tuple(dropped.guard for dropped in step.dropped)


# --- a step that was tampered with ------------------------------------------------------------------------------


@singledispatch
def tampered(after: Any, rng: random.Random) -> Any:
    raise NotImplementedError(type(after).__name__)


@tampered.register
def _(after: Statement, rng: random.Random) -> Any:
    """Its output twice as large."""
    last = after.output
    terms = tuple(replace(term, body=Number(Fraction(2)) * term.body) for term in last.terms)
    return replace(after, equations=tuple(replace(e, terms=terms) if e == last else e for e in after.equations))


@tampered.register
def _(after: Relations, rng: random.Random) -> Any:
    """A bound that is one off."""
    *others, last = after.guards
    assert isinstance(last, AtMost | Less)
    return replace(after, guards=(*others, replace(last, right=last.right + 1)))


@tampered.register
def _(after: Size, rng: random.Random) -> Any:
    return replace(after, value=after.value + 1)


@tampered.register
def _(after: Sizes, rng: random.Random) -> Any:
    *others, last = after.sizes
    return Sizes((*others, tampered(last, rng)))


@tampered.register
def _(after: Shape, rng: random.Random) -> Any:
    *others, last = after.sizes
    return Shape((*others, last + 1))


def by_class() -> dict[type[Step], tuple[Derivation, int]]:
    """For each class of step, a derivation that has one, and where. Likewise is in two axes, the rest in one."""
    found: dict[type[Step], tuple[Derivation, int]] = {}
    for op in OPERATORS:
        for derivation in derivations(op):
            for place, step in enumerate(derivation.plain_steps):
                found.setdefault(type(step), (derivation, place))
    return found


FOUND = by_class()
CLASSES = [
    kind for kind in vars(steps).values() if isinstance(kind, type) and issubclass(kind, Step) and kind is not Step
]


def test_every_class_of_step_is_in_some_derivation() -> None:
    assert set(FOUND) == set(CLASSES)


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if kind is not Start], ids=lambda kind: kind.__name__)
def test_a_step_that_was_tampered_with_is_named(kind: type[Step]) -> None:
    derivation, place = FOUND[kind]
    step = derivation.plain_steps[place]
    wrong = replace(step, after=tampered(step.after, random.Random(0)))
    changed = replace(
        derivation, plain_steps=(*derivation.plain_steps[:place], wrong, *derivation.plain_steps[place + 1 :])
    )
    verdict = changed.verify()
    assert not verdict
    assert not verdict.ok
    assert any(
        failure.startswith(f"step {place + 1}, {kind.__name__} ({kind.__doc__}): ") for failure in verdict.failures
    ), verdict.failures
    assert len(verdict.failures) == 1
    assert derivation.verify()


def test_a_start_whose_statement_has_no_value_does_not_hold() -> None:
    """Its output divides by 0."""
    i = index("i", size("n", least=1))
    X = Tensor("X", (size("n", least=1),), (("i", 0),))
    divided = Statement((X,), (equation("Y", [i], largest(read("X", i) / Number(Fraction(0)), [])),), ("Y",))
    verdict = solved_derivation(divided, {"en": "divided"}).verify()
    assert not verdict
    assert verdict.failures[0].startswith("step 1, Start (the statement): 0^-1 came up")


def test_a_statement_without_small_sizes_does_not_hold() -> None:
    far = replace(operator("conv", 1).statement, requires=(AtMost(size("n"), poly(-1)),))
    verdict = vjp_derivation(far, "X", {"en": "far"}).verify()
    assert not verdict
    assert all("no small sizes were found at which the statement of" in failure for failure in verdict.failures)


def test_an_output_without_an_index_is_checked_too() -> None:
    statement, _ = POLYNOMIAL["one number"]
    for wrt in statement.reads:
        for derive in (vjp_derivation, jvp_derivation):
            verdict = derive(statement, wrt, {"en": "a loss"}).verify()
            assert verdict, verdict.failures


def test_a_step_that_was_not_checked_does_not_hold() -> None:
    assert not Outcome(0).ok
    assert not Outcome(3, "it failed").ok
    assert Outcome(3).ok
    plain = solved_derivation(operator("conv", 1).statement, {"en": ""})
    plain.__dict__["steps"] = plain.plain_steps
    assert plain.verify().failures[0] == "step 1, Start (the statement): nothing was checked"


# --- what is checked against ------------------------------------------------------------------------------------


def test_the_directional_derivative_of_a_polynomial_is_exact() -> None:
    """d/dh of (x + h·u)³ at 0 is 3x²u."""
    n = size("n", least=1)
    i = index("i", n)
    X = Tensor("X", (n,), (("i", 0),))
    cube = Statement((X,), (equation("Y", [i], largest(read("X", i) ** 3, [])),), ("Y",))
    import numpy as np

    x, u = np.array([2, -5], object), np.array([7, 1], object)
    found = verify.directional_derivative(cube, {"X": x}, {n.atom: 2}, "X", u)["Y"]
    assert found.tolist() == [3 * 4 * 7, 3 * 25]


def test_sizes_are_drawn_where_the_statement_has_a_meaning() -> None:
    for op in OPERATORS:
        rng = random.Random(str(op))
        derived = dict(op.statement.definitions())
        for _ in range(5):
            env = sample.parameters(op.statement, rng)
            assert all(env[param] >= 1 for param in derived)
            assert all(param.least is None or value >= param.least for param, value in env.items())
            arrays = sample.integers(op.statement, env, rng)
            for array in arrays.values():
                assert len(set(array.reshape(-1))) == array.size > 0


def test_the_checks_of_a_step_are_the_same_each_time() -> None:
    op = operator("conv", 1)
    first, second = (
        shape_derivation(op.open_statement, {}, {"en": ""}).steps,
        shape_derivation(op.open_statement, {}, {"en": ""}).steps,
    )
    assert [step.outcome for step in first] == [step.outcome for step in second]


# --- teeth ------------------------------------------------------------------------------------------------------


def test_a_check_that_always_passes_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "check", lambda step, subject, rng: None)
    with pytest.raises(AssertionError):
        test_a_step_that_was_tampered_with_is_named(steps.Exchange)


def test_a_rule_that_is_wrong_is_caught(anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from convmath.calculus import gradient

    true = gradient.derivative
    monkeypatch.setattr(gradient, "derivative", lambda node, by: true(node, by) * 2)
    with pytest.raises(AssertionError, match=r"vjp X, step 3, Exchange: ⟨gX, dX⟩ = .* but ⟨gY, dY⟩ = "):
        test_every_step_is_checked_and_holds(operator("conv", 1))


def test_a_size_that_is_one_short_is_caught(anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from convmath.calculus import shape

    true = shape._at_most
    monkeypatch.setattr(shape, "_at_most", lambda form, bound, j: true(form, bound - 1, j))
    with pytest.raises(AssertionError, match=r"^shape , step 3, Isolate: "):
        test_every_step_is_checked_and_holds(operator("conv", 1))


@pytest.mark.parametrize(
    "fixed", [{"kernel": 11, "stride": 4}, {"kernel": 30, "padding": 2}, {"kernel": 9, "dilation": 4}]
)
@pytest.mark.parametrize("name", ["conv", "max_pool"])
def test_a_long_kernel_is_given_arrays_that_are_long_enough(name: str, fixed: dict[str, int]) -> None:
    op = operator(name, ndim=1, **fixed)
    for derivation in (op.vjp("X"), op.shape()):
        verdict = derivation.verify()
        assert verdict, verdict.failures
