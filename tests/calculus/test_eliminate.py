"""The solved form has the value of the relational form, whatever the equations between its indices are."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.calculus import derive, eliminate
from convmath.calculus.eliminate import solved
from convmath.calculus.gradient import vjp
from convmath.derivation import sample
from convmath.errors import StatementError
from convmath.ir.bind import complete
from convmath.ir.build import Tensor, count, equation, index, poly, read, size, total
from convmath.ir.check import checked
from convmath.ir.exact import evaluate_at
from convmath.ir.nodes import Divides, Matches, Statement, Within, Zero
from convmath.ir.poly import Index, Poly, floor
from convmath.ir.walk import inside
from convmath.ops.registry import operator
from convmath.steps import CountTerms, SolveDigits, SolveQuotient, SolveUnit, Step

from ..faults import caught
from .statements import chained

n, k, s, d, a, C = (
    size("n", least=1),
    size("k", least=1),
    size("s", least=1),
    size("d", least=1),
    size("a"),
    size("C", least=1),
)
m, l = size("m", least=1), size("l", least=1)
i, j, t, r, c = index("i", n), index("j", m), index("t", k), index("r", l), index("c", C)


def summed(*left: Poly, bound: tuple[Index, ...], right: Poly | None = None) -> Statement:
    """Y[i] = Σ_bound [left = i] U[first] V[second] …: each bound index is read, so that each value counts."""
    names = "UVST"
    inputs = tuple(Tensor(name, (v.size,), ((v.letter, v.axis),)) for name, v in zip(names, bound, strict=False))
    body = read(names[0], bound[0])
    for name, v in zip(names[1:], bound[1:], strict=False):
        body = body * read(name, v)
    equations = [Zero(form, poly(i) if right is None else right) for form in left]
    shape = Tensor("X", (n,), (("i", 0),))
    return checked(Statement((shape, *inputs), (equation("Y", [i], total(body, bound, equations)),), ("Y",)))


def rules(statement: Statement, over: str = "t") -> list[type[Step]]:
    return [type(step) for step in solved(statement, over)[1]]


def agree(statement: Statement, rng: random.Random) -> None:
    """Relational and solved at random sizes and data."""
    after, _ = solved(statement)
    env = sample.parameters(statement, rng)
    arrays = sample.integers(statement, env, rng)
    before = evaluate_at(statement, arrays, env)["Y"]
    try:
        found = evaluate_at(checked(after), arrays, complete(after, env))["Y"]
    except StatementError as error:  # it reads outside an array: a bracket is missing
        raise AssertionError(f"{statement}\n{after}") from error
    assert (before == found).all(), f"{statement}\n{after}\nat {env}"


# --- random systems -------------------------------------------------------------------------------------------

COEFFICIENTS = [poly(1), poly(-1), poly(2), poly(3), poly(-2), s, -1 * s, d, s + 1, 2 * s, C, s * d]
CONSTANTS = [poly(0), poly(1), poly(-2), a, -1 * a, n - 1, C]


@st.composite
def systems(draw: st.DrawFn) -> Statement:
    """Up to two equations in up to three bound indices, and the free one: units, quotients, and what is coupled."""
    bound = tuple(draw(st.permutations([j, t, r])))[: draw(st.integers(1, 3))]
    forms = []
    for _ in range(draw(st.integers(1, 2))):
        form = draw(st.sampled_from(CONSTANTS))
        for v in bound:
            if draw(st.integers(0, 3)):
                form = form + draw(st.sampled_from(COEFFICIENTS)) * poly(v)
        forms.append(form)
    right = draw(st.sampled_from([poly(i), 2 * poly(i), -1 * poly(i), s * poly(i), poly(i) + a]))
    return summed(*forms, bound=bound, right=right)


@st.composite
def numbers(draw: st.DrawFn) -> Statement:
    """c·v ± w with 0 ≤ w < c, alone or with another index between."""
    width, sign, low = draw(st.sampled_from([C, k, poly(3)])), draw(st.sampled_from([1, -1])), index("w", poly(1))
    low = index("w", width)
    high = draw(st.sampled_from([j, r]))
    form = width * poly(high) + sign * poly(low) + draw(st.sampled_from([poly(0), -1 * a, poly(2)]))
    if draw(st.booleans()):
        form = -1 * form
    if draw(st.integers(0, 3)):
        return summed(form, bound=(high, low))
    return summed(form + poly(t), bound=(high, low, t))


@st.composite
def many_digits(draw: st.DrawFn) -> Statement:
    """c·d·v + d·u + w with 0 ≤ u < c and 0 ≤ w < d, shifted, and with the sign turned."""
    widths = draw(st.permutations([C, k, poly(3)]))[:2]
    high, middle, low = draw(st.sampled_from([j, r])), index("u", widths[0]), index("w", widths[1])
    form = widths[1] * (widths[0] * poly(high) + poly(middle)) + poly(low)
    form = draw(st.sampled_from([1, -1])) * (form + draw(st.sampled_from([poly(0), -1 * a, poly(2)])))
    return summed(form, bound=draw(st.permutations([high, middle, low])))


SEEDS = st.integers(0, 1 << 20)


@given(data=st.data())
def test_a_solved_system_has_the_value_of_the_system(data: st.DataObject) -> None:
    agree(data.draw(systems(), label="system"), random.Random(data.draw(SEEDS, label="seed")))


@given(data=st.data())
def test_two_digits_of_a_number_are_its_quotient_and_remainder(data: st.DataObject) -> None:
    agree(data.draw(numbers(), label="number"), random.Random(data.draw(SEEDS, label="seed")))


# --- which rule -----------------------------------------------------------------------------------------------

w = index("w", C)


@given(data=st.data())
def test_many_digits_of_a_number_are_all_determined(data: st.DataObject) -> None:
    statement = data.draw(many_digits(), label="number")
    assert rules(statement) == [SolveDigits, SolveDigits]
    agree(statement, random.Random(data.draw(SEEDS, label="seed")))


@pytest.mark.parametrize(
    ("statement", "expected", "text"),
    [
        (summed(poly(j), bound=(j,)), [SolveUnit], "[0 ≤ i < m] U[i]"),
        (summed(a - poly(j), bound=(j,)), [SolveUnit], "[0 ≤ a-i < m] U[a-i]"),
        (summed(poly(t) + poly(j), bound=(t, j)), [SolveUnit], "Σ_{t<k} [0 ≤ i-t < m] U[t] · V[i-t]"),
        (summed(2 * poly(j), bound=(j,)), [SolveQuotient], "[2 | i] [0 ≤ ⌊i/2⌋ < m] U[⌊i/2⌋]"),
        (summed(s * poly(j), bound=(j,)), [SolveQuotient], "[s | i] [0 ≤ ⌊i/s⌋ < m] U[⌊i/s⌋]"),
        (
            summed(s * poly(j) - a, bound=(j,)),
            [SolveQuotient],
            "[s | i+a] [0 ≤ q < m] U[q]        q = ⌊(i+a)/s⌋",
        ),
        (summed(-1 * s * poly(j), bound=(j,)), [SolveQuotient], None),
        (summed(C * poly(j) + poly(w), bound=(j, w)), [SolveDigits], "[0 ≤ ⌊i/C⌋ < m] U[⌊i/C⌋] · V[i mod C]"),
        (
            summed(C * k * poly(j) + C * poly(t) + poly(w), bound=(j, t, w)),
            [SolveDigits, SolveDigits],
            "[0 ≤ ⌊i/(C·k)⌋ < m] U[⌊i/(C·k)⌋] · V[⌊i/C⌋ mod k] · S[i mod C]",
        ),
        # neither is determined, and whether s - 1 is positive is not known
        (summed((s - 1) * poly(j), bound=(j,)), [], "Σ_{j<m} [s·j-j = i] U[j]"),
    ],
    ids=str,
)
def test_an_equation_goes_by_the_first_rule_that_fits(
    statement: Statement, expected: list[type[Step]], text: str | None
) -> None:
    assert rules(statement) == expected
    if text is not None:
        assert str(solved(statement)[0]) == f"Y[i] = {text}"
    for seed in range(5):
        agree(statement, random.Random(seed))


def test_coupled_equations_are_solved_as_far_as_they_go_and_the_rest_stays() -> None:
    """s·j + d·t = i and d·j + s·t = i: solved for one index in the first, the second has it in a quotient."""
    statement = summed(s * poly(j) + d * poly(t), d * poly(j) + s * poly(t), bound=(j, t))
    after, steps = solved(statement)
    assert [type(step) for step in steps] == [SolveQuotient]
    assert any(isinstance(part, Zero) for part in inside(after))
    for seed in range(10):
        agree(statement, random.Random(seed))


def test_a_digit_whose_width_is_another_is_no_digit() -> None:
    assert rules(summed(C * poly(j) + poly(t), bound=(j, t))) == [SolveUnit]
    assert rules(summed(2 * C * poly(j) + poly(w), bound=(j, w))) == [SolveUnit]


def test_an_index_inside_a_floor_is_left_alone() -> None:
    statement = summed(floor(poly(j), s) + poly(t), bound=(j, t))
    assert rules(statement) == [SolveUnit]
    after, _ = solved(statement)
    assert {v.letter for v in after.output.terms[0].bound} == {"j"}
    agree(statement, random.Random(0))


# --- what stays, and what goes --------------------------------------------------------------------------------


def test_two_composed_convolutions_keep_the_padding_between_them() -> None:
    """Inside the padding of the second, the first has no value: [0 ≤ … < h] can't be left out."""
    gradient, _ = solved(vjp(derive.expand_outside(chained()), "X"))
    inner = [guard for guard in gradient.equation("gP").terms[0].guards if isinstance(guard, Within)]
    assert inner
    value, _ = solved(derive.expand_outside(chained()))
    [term] = value.equation("Y").terms
    assert [str(guard) for guard in term.guards] == ["[0 ≤ s·j+r-p < h]"]


def test_a_stride_of_one_leaves_no_divisibility() -> None:
    for name in ("conv", "max_pool"):
        for stride, there in ((None, True), (2, True), (1, False)):
            fixed = {} if stride is None else {"stride": stride}
            result = operator(name, 2, **fixed).vjp("X").result
            assert any(isinstance(part, Divides) for part in inside(result)) is there


def test_the_kept_index_is_chosen_by_over() -> None:
    statement = operator("conv", 1, stride=1, dilation=1).statement
    by = {over: derive.vjp_derivation(statement, "X", {"en": ""}, over).result for over in ("t", "j")}
    bound = {over: {v.letter for v in result.output.terms[0].bound} for over, result in by.items()}
    assert {over: letters & {"t", "j"} for over, letters in bound.items()} == {"t": {"t"}, "j": {"j"}}
    rng = random.Random(0)
    env = sample.parameters(statement, rng)
    gradient = by["t"]
    arrays = sample.integers(gradient, complete(gradient, env), rng)
    values = [evaluate_at(result, arrays, complete(result, env))["gX"] for result in by.values()]
    assert (values[0] == values[1]).all()


def test_a_bracket_that_is_proved_is_left_out_with_its_certificate() -> None:
    op = operator("avg_pool", 1)
    [step] = [step for step in op.solved().steps if isinstance(step, CountTerms)]
    assert step.counted == ("D",)
    assert [str(dropped.guard) for dropped in step.dropped] == ["[0 ≤ s·j+t < n+a+b]"]
    assert all(dropped.certificates for dropped in step.dropped)


def test_an_index_with_one_value_is_put_in() -> None:
    single = index("v", poly(1))
    statement = Statement(
        (Tensor("X", (n,), (("i", 0),)),),
        (equation("Y", [i], total(read("X", poly(i) + poly(single)), [single])),),
        ("Y",),
    )
    after, steps = solved(statement)
    assert str(after) == "Y[i] = X[i]"
    assert steps == ()


@pytest.mark.parametrize(
    ("guards", "text"),
    [
        ([], "Y[i] = X[i] / k"),
        ([Within(poly(t), m)], "D = Σ_{t<k} [0 ≤ t < m]\nY[i] = X[i] / D"),
    ],
    ids=["nothing restricts it", "a bracket does"],
)
def test_a_count_is_a_number_only_where_nothing_restricts_it(guards: list, text: str) -> None:
    statement = Statement(
        (Tensor("X", (n,), (("i", 0),)),),
        (equation("D", [], count([t], guards)), equation("Y", [i], total(read("X", i) / read("D")))),
        ("Y",),
    )
    assert str(solved(statement)[0]) == text


@pytest.mark.parametrize(("outside", "goes"), [("strict", True), ("circular", True), (0, False), ("nothing", False)])
def test_a_count_that_is_read_beyond_its_ends_is_no_count_there(outside: Any, goes: bool) -> None:
    at = poly(i) if outside == "strict" else poly(i) - 1
    statement = Statement(
        (Tensor("X", (n,), (("i", 0),)),),
        (equation("D", [i], count([t])), equation("Y", [i], total(read("X", i) * read("D", at, outside=outside)))),
        ("Y",),
    )
    assert ("D[i]" not in str(solved(statement)[0])) is goes
    for seed in range(5):
        agree(statement, random.Random(seed))


def test_a_count_that_a_guard_reads_stays() -> None:
    D = read("D")
    statement = Statement(
        (Tensor("X", (n,), (("i", 0),)),),
        (
            equation("D", [], count([t])),
            equation("Y", [i], total(read("X", i), (), [Matches(poly(i), D)])),
        ),
        ("Y",),
    )
    assert str(solved(statement)[0].equation("Y")) == "Y[i] = [i = D] X[i]"


# --- teeth ----------------------------------------------------------------------------------------------------


def forgets(rule: type[Step], which: Callable[[tuple], tuple]) -> Callable[..., Any]:
    """`_applied` with what a rule leaves behind made less."""
    true = eliminate._applied

    def applied(term: Any, zero: Any, solution: Any, facts: Any) -> Any:
        if solution.step is rule:
            solution = replace(solution, left_behind=which(solution.left_behind))
        return true(term, zero, solution, facts)

    return applied


LAWS = {
    SolveDigits: test_two_digits_of_a_number_are_its_quotient_and_remainder,
    SolveUnit: test_a_solved_system_has_the_value_of_the_system,
    SolveQuotient: test_a_solved_system_has_the_value_of_the_system,
}


@pytest.mark.parametrize("rule", list(LAWS), ids=lambda rule: rule.__name__)
def test_a_rule_that_forgets_the_range_is_caught(rule: type[Step], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        eliminate, "_applied", forgets(rule, lambda left: tuple(g for g in left if not isinstance(g, Within)))
    )
    caught(LAWS[rule])


def test_a_quotient_that_forgets_the_divisibility_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        eliminate,
        "_applied",
        forgets(SolveQuotient, lambda left: tuple(g for g in left if not isinstance(g, Divides))),
    )
    caught(LAWS[SolveQuotient])


def test_a_digit_that_forgets_the_others_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        eliminate, "_applied", forgets(SolveDigits, lambda left: tuple(g for g in left if not isinstance(g, Zero)))
    )
    caught(test_many_digits_of_a_number_are_all_determined)


def test_digits_in_the_wrong_order_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = eliminate._applied

    def swapped(term: Any, zero: Any, solution: Any, facts: Any) -> Any:
        if solution.step is SolveDigits:
            (high, q), (low, remainder) = solution.values.items()
            solution = replace(solution, values={high: remainder, low: q})
        return true(term, zero, solution, facts)

    monkeypatch.setattr(eliminate, "_applied", swapped)
    caught(LAWS[SolveDigits])


def test_a_sign_that_is_lost_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = eliminate._applied

    def negated(term: Any, zero: Any, solution: Any, facts: Any) -> Any:
        if solution.step is SolveUnit:
            solution = replace(solution, values={v: -form for v, form in solution.values.items()})
        return true(term, zero, solution, facts)

    monkeypatch.setattr(eliminate, "_applied", negated)
    caught(LAWS[SolveUnit])


def test_a_guard_that_is_dropped_although_it_does_not_always_hold_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    true = eliminate._always
    monkeypatch.setattr(
        eliminate, "_always", lambda guard, facts: () if isinstance(guard, Zero) else true(guard, facts)
    )
    caught(test_a_solved_system_has_the_value_of_the_system)


def test_a_multiple_that_is_taken_for_exact_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """s·⌊u/s⌋ is u where s divides u; u + 1 is not."""
    true = eliminate._exact_multiple
    monkeypatch.setattr(
        eliminate,
        "_exact_multiple",
        lambda form, q, number, divisor: true(form, q, number, divisor) + (form != true(form, q, number, divisor)),
    )
    caught(test_a_solved_system_has_the_value_of_the_system)
