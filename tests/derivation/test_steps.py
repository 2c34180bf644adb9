"""Every step of every derivation is checked, and a step that was tampered with does not pass."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache, singledispatch
from itertools import chain
from typing import Any

import numpy as np
import pytest

from convmath import steps
from convmath.calculus.derive import jvp_derivation, shape_derivation, solved_derivation, vjp_derivation
from convmath.derivation import Derivation, Outcome, sample, verify
from convmath.ir.build import Tensor, equation, index, largest, poly, read, size, total
from convmath.ir.check import checked
from convmath.ir.degree import is_polynomial
from convmath.ir.functions import FUNCTIONS
from convmath.ir.nodes import (
    Apply,
    AtMost,
    Bracket,
    Compare,
    IndexValue,
    Less,
    Matches,
    Number,
    Real,
    Scalar,
    Size,
    Statement,
)
from convmath.ir.walk import params
from convmath.ops.composition import compose, fold
from convmath.ops.registry import Operator, operator, operators, variants
from convmath.steps import Relations, Shape, Sizes, Start, Step

from ..calculus.statements import POLYNOMIAL
from ..paper import STATEMENTS

OPERATORS = [
    *(op for name in operators() for op in variants(name, 1)),
    *(operator(name, ndim) for name in operators() for ndim in (2, 3)),
]


FIRST = {variants(name, 1)[0] for name in operators()}


def derivations(op: Operator) -> Iterator[Derivation]:
    """All of them; those of what is no polynomial have many steps, so that not each is taken in each dimension."""
    letters = {param.letter for param in params(op.statement)}
    yield op.shape()
    if {"k", "s"} <= letters:
        yield op.shape(k=3, s=2)
    yield op.solved()
    inputs = [tensor.name for tensor in op.statement.inputs if not tensor.integer]
    many = is_polynomial(op.statement)
    for wrt in inputs if many or op.ndim == 1 else inputs[:1]:
        yield op.vjp(wrt)
        yield op.jvp(wrt)
        for along in inputs:
            if many or (op in FIRST and wrt == along == inputs[0]):
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


@cache
def by_class() -> dict[type[Step], tuple[Derivation, int]]:
    """For each class of step, a derivation that has one, and where. Likewise is in two axes, the rest in one."""
    found: dict[type[Step], tuple[Derivation, int]] = {}
    composed = compose(operator("conv", 1), operator("conv", 1)), fold(operator("conv", 1), operator("batch_norm", 1))
    for derivation in (*(found.derivation for found in composed), *chain.from_iterable(map(derivations, OPERATORS))):
        for place, step in enumerate(derivation.plain_steps):
            found.setdefault(type(step), (derivation, place))
        if set(CLASSES) <= set(found):
            break
    return found


CLASSES = [
    kind for kind in vars(steps).values() if isinstance(kind, type) and issubclass(kind, Step) and kind is not Step
]


def test_every_class_of_step_is_in_some_derivation() -> None:
    assert set(by_class()) == set(CLASSES)


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if kind is not Start], ids=lambda kind: kind.__name__)
def test_a_step_that_was_tampered_with_is_named(kind: type[Step]) -> None:
    derivation, place = by_class()[kind]
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


N = size("n", least=1)
I = index("i", N)
X = Tensor("X", (N,), (("i", 0),))


def each(body: Scalar) -> Statement:
    return Statement((X,), (equation("Y", [I], total(body)),), ("Y",))


def test_the_directional_derivative_of_a_polynomial_is_exact() -> None:
    """d/dh of (x + h·u)³ at 0 is 3x²u."""
    x, u = np.array([2, -5], object), np.array([7, 1], object)
    found = verify.directional_derivative(each(read("X", I) ** 3), {"X": x}, {N.atom: 2}, "X", u)["Y"]
    assert found.tolist() == [3 * 4 * 7, 3 * 25]


@pytest.mark.parametrize("function", ["exp", "log", "sqrt", "tanh", "sigmoid"])
def test_the_directional_derivative_of_another_function_is_a_quotient(function: str) -> None:
    """d/dh of f(x + h·u) at 0 is f′(x)·u, here in floats."""
    statement = each(Apply(function, read("X", I)))
    x, u = np.array([Fraction(1, 2), 3], object), np.array([7, -1], object)
    [found] = verify.directional_derivative(statement, {"X": x}, {N.atom: 2}, "X", u).values()
    slope = each(FUNCTIONS[function].derivative(read("X", I))).function()(X=x.astype(float)) * u.astype(float)
    assert found.astype(float) == pytest.approx(slope, rel=1e-14)


def test_sizes_are_drawn_where_the_statement_has_a_meaning() -> None:
    for op in OPERATORS:
        rng = random.Random(str(op))
        derived = dict(op.statement.definitions())
        for _ in range(5):
            env = sample.parameters(op.statement, rng)
            assert all(env[param] >= 1 for param in derived)
            assert all(param.least is None or value >= param.least for param, value in env.items())
            arrays = sample.integers(op.statement, env, rng)
            for tensor in op.statement.inputs:
                array = arrays[tensor.name]
                assert array.size > 0
                assert tensor.integer or len(set(array.reshape(-1))) == array.size


# --- samples ----------------------------------------------------------------------------------------------------


def test_samples_of_what_bends_lie_on_no_whole_number() -> None:
    """At 0 and at 6, where pieces of relu6 meet, there is no derivative; a sample with integers would hit them."""
    x = read("X", I)
    low, high = (Compare(Number(Fraction(0)), "<", x), Compare(x, "<", Number(Fraction(6))))
    relu6 = each(x * Bracket(low) * Bracket(high) + 6 * Bracket(Compare(Number(Fraction(6)), "<", x)))
    assert not is_polynomial(relu6)
    rng, seen = random.Random(0), set[Fraction]()
    for _ in range(40):
        arrays = sample.drawn(relu6, rng).arrays["X"]
        seen |= set(arrays)
        assert len(set(arrays)) == arrays.size
    assert all(value.denominator > 2 for value in seen)
    assert min(seen) < 0 < 6 < max(seen)
    for derive in (vjp_derivation, jvp_derivation):
        verdict = derive(relu6, "X", {"en": "relu6"}).verify()
        assert verdict, verdict.failures


def test_samples_meet_what_is_required_of_them() -> None:
    """A logarithm needs positive numbers, a class must be one there is, a parameter lies between its bounds."""
    C = size("C", least=1)
    c, κ, κ2 = index("c", C), Real("κ"), Real("λ", default=Fraction(7), positive=True)
    T, P = Tensor("T", (N,), (("i", 0),), integer=True), Tensor("P", (N, C), (("i", 0), ("c", 0)))
    chosen = total(-κ * κ2 * Apply("log", read("P", I, c)), [I, c], [Matches(poly(c), read("T", I))])
    statement = Statement(
        (P, T),
        (equation("L", [], chosen),),
        ("L",),
        requires=(
            Compare(read("T", I), "<", IndexValue(C)),
            Compare(Number(Fraction(0)), "<", κ),
            Compare(κ, "<", Number(Fraction(1))),
            Compare(Number(Fraction(0)), "<", read("P", I, c)),
        ),
    )
    rng, several = random.Random(0), set[Any]()
    for _ in range(20):
        env, arrays, reals, _ = sample.drawn(statement, rng)
        assert all(0 <= value < env[C.atom] for value in arrays["T"])
        assert 0 < reals["κ"] < 1
        assert reals["λ"] > 0
        several.add(reals["λ"])
    assert len(several) > 3
    assert vjp_derivation(statement, "P", {"en": ""}).verify()


def test_what_no_sample_meets_is_said() -> None:
    i = index("i", N)
    never = Compare(read("X", i) ** 2, "<", Number(Fraction(0)))
    impossible = replace(each(Apply("exp", read("X", I))), requires=(never,))
    verdict = solved_derivation(impossible, {"en": ""}).verify()
    assert verdict.failures[0].endswith("; so it was, or the like, at each of 60 random samples")
    assert "[X[i]² < 0] does not hold at i = 0" in verdict.failures[0]


def test_a_derivative_that_does_not_exist_at_a_sample_is_tried_at_another() -> None:
    """The root of |x₀ - x₁| has none where there is a single element, which is read twice."""
    first, last = read("X", poly(0)), read("X", N - 1)
    gap = equation("D", [], total((first - last) ** 2))
    root = Statement((X,), (gap, equation("Y", [], total(read("D") ** Fraction(1, 2)))), ("Y",))
    for derive in (vjp_derivation, jvp_derivation):
        verdict = derive(root, "X", {"en": ""}).verify()
        assert verdict, verdict.failures
    nowhere = replace(root, equations=(equation("D", [], total((first - first) ** 2)), root.equations[1]))
    failures = jvp_derivation(nowhere, "X", {"en": ""}).verify().failures
    assert "0^-1/2 came up" in failures[0]
    assert failures[0].endswith("; so it was, or the like, at each of 20 random samples")


# --- the statements of the page --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(STATEMENTS))
def test_each_step_to_a_derivative_of_the_page_holds(name: str) -> None:
    statement = STATEMENTS[name]
    for tensor in statement.inputs:
        if not tensor.integer:
            for derive in (vjp_derivation, jvp_derivation):
                verdict = derive(statement, tensor.name, {"en": name}).verify()
                assert verdict, verdict.failures


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


@pytest.mark.parametrize("name", ["batch_norm", "cross_entropy", "lp_pool", "local_response_norm"])
def test_a_slope_that_is_a_little_off_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a billionth, where the statement is no polynomial."""
    from convmath.calculus import gradient

    true = gradient.derivative
    almost = Number(1 + Fraction(1, 10**9))
    monkeypatch.setattr(gradient, "derivative", lambda node, by: true(node, by) * almost)
    with pytest.raises(AssertionError):
        test_each_step_to_a_derivative_of_the_page_holds(name)


def test_a_function_whose_derivative_is_wrong_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(FUNCTIONS["log"], derivative=lambda x: x ** Fraction(-2))
    monkeypatch.setitem(FUNCTIONS, "log", wrong)
    with pytest.raises(AssertionError, match="⟨gL, dL⟩"):
        test_each_step_to_a_derivative_of_the_page_holds("cross_entropy")


def test_a_rewriting_that_is_a_little_off_is_caught() -> None:
    """Values that are not rational must overlap at 64 bits."""
    derivation = vjp_derivation(STATEMENTS["batch_norm"], "X", {"en": ""})
    place, step = next((p, s) for p, s in enumerate(derivation.plain_steps) if isinstance(s, steps.SolveUnit))
    last = step.after.output
    terms = tuple(replace(term, body=Number(1 + Fraction(1, 10**12)) * term.body) for term in last.terms)
    after = replace(step.after, equations=(*step.after.equations[:-1], replace(last, terms=terms)))
    changed = (*derivation.plain_steps[:place], replace(step, after=after), *derivation.plain_steps[place + 1 :])
    assert derivation.verify()
    assert any("gX differs at " in failure for failure in replace(derivation, plain_steps=changed).verify().failures)


def test_samples_at_which_pieces_meet_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "is_polynomial", lambda statement: True)
    with pytest.raises(AssertionError):
        test_samples_of_what_bends_lie_on_no_whole_number()
