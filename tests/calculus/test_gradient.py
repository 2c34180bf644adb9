"""Gradients, relational and solved, against difference quotients of the statement alone, in exact arithmetic.

The oracle evaluates the statement as it was written and nothing that was derived from it.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from math import comb
from typing import Any

import numpy as np
import pytest

from convmath.calculus import derive, gradient
from convmath.calculus.gradient import jvp, select, vjp
from convmath.derivation import Derivation, sample
from convmath.errors import StatementError, UnknownNameError
from convmath.ir.bind import complete
from convmath.ir.build import Tensor, equation, index, poly, read, size, total
from convmath.ir.check import checked
from convmath.ir.degree import is_polynomial, statement_degree
from convmath.ir.exact import evaluate_at
from convmath.ir.nodes import Product, Statement, Term
from convmath.ir.walk import map_reads, reals
from convmath.ops.registry import Operator, operator, operators, variants

from ..paper import STATEMENTS
from .statements import POLYNOMIAL, RATIONAL, i, one

TITLE = {"en": "hand-written"}
PAPER = {name: (STATEMENTS[name], 1) for name in ("adaptive_avg_pool", "bilinear", "reflect", "circular", "max_pool")}


def of_whole_numbers(op: Operator) -> bool:
    """Whether any whole numbers will do for its inputs and its quotients are exact; elsewhere all steps are held."""
    statement = op.statement
    anything = not any(tensor.integer for tensor in statement.inputs) and not reals(statement)
    return anything and is_polynomial(statement) and ("ties", "all") not in op.options


OPERATORS = {
    str(op): (op.statement, max(statement_degree(op.statement, wrt) or 0 for wrt in op.statement.differentiable))
    for name in operators()
    for op in variants(name, 1)
    if of_whole_numbers(op)
}
PIECEWISE = POLYNOMIAL | PAPER | OPERATORS
STEP = Fraction(1, 1 << 40)

Array = np.ndarray


# --- the oracle -----------------------------------------------------------------------------------------------


def slope(value: Callable[[Fraction], Array], degree: int | None) -> Any:
    """The derivative at 0 of h ↦ value(h): of a polynomial of that degree exactly, otherwise a central quotient."""
    if degree is None:
        return (value(STEP) - value(-STEP)) / (2 * STEP)
    at = [value(k * STEP) for k in range(degree + 1)]
    # log(1 + Δ) = Δ - Δ²/2 + Δ³/3 - …
    differences = [sum((-1) ** (k - l) * comb(k, l) * at[l] for l in range(k + 1)) for k in range(1, degree + 1)]
    return sum((Fraction((-1) ** (k + 1), k) * d for k, d in enumerate(differences, 1)), 0 * at[0]) / STEP


def agree(derived: Any, oracle: Any, degree: int | None) -> bool:
    """Equal; of what is no polynomial, as near as a central quotient comes."""
    bound = 0 if degree is not None else Fraction(1, 1 << 50)
    return all(abs(gap) <= bound for gap in np.reshape(np.asarray(derived - oracle, object), -1))


def directions(array: Array) -> Iterator[Array]:
    """Each element alone."""
    for place in np.ndindex(array.shape):
        direction = np.zeros(array.shape, object)
        direction[place] = 1
        yield direction


PRIMES = [n for n in range(2, 30000) if all(n % d for d in range(2, int(n**0.5) + 1))]


def numbers(rng: random.Random, shape: tuple[int, ...], pool: list[int]) -> Array:
    """Each number is taken once from the pool, so that no two products of primes are equal either."""
    count = int(np.prod(shape, dtype=int))
    found = np.empty(count, object)
    found[:] = [rng.choice((-1, 1)) * pool.pop(rng.randrange(len(pool))) for _ in range(count)]
    return found.reshape(shape)


class Case:
    """A statement at random sizes with generic data: no two numbers are equal, none is 0."""

    def __init__(self, statement: Statement, seed: str):
        rng = random.Random(seed)
        self.statement, self.output = statement, statement.outputs[0]
        while True:
            self.env = sample.parameters(statement, rng)
            shapes = {t.name: tuple(size.evaluate(self.env) for size in t.shape) for t in statement.inputs}
            pool = PRIMES.copy()
            self.arrays = {name: numbers(rng, shape, pool) for name, shape in shapes.items()}
            for name in {t.name for t in statement.inputs if t.integer}:  # classes, a few of which there are not
                self.arrays[name] = np.array([rng.randrange(4) for _ in self.arrays[name].flat], object)
            value = self.at()
            if all(abs(v) < float("inf") for v in value.reshape(-1)):  # else a maximum over nothing
                break
        self.cotangent = numbers(rng, value.shape, pool)
        self.tangents = {name: numbers(rng, self.arrays[name].shape, pool) for name in real(statement)}

    def at(self, **moved: Array) -> Array:
        return evaluate_at(self.statement, self.arrays | moved, self.env)[self.output]

    def of(self, derived: Statement, **more: Array) -> Any:
        """The value of what was derived; of several outputs the last."""
        arrays = self.arrays | {f"g{self.output}": self.cotangent} | more
        return evaluate_at(derived, arrays, complete(derived, self.env))[derived.outputs[0]]

    def gradient(self, wrt: str, degree: int | None, **moved: Array) -> Array:
        """⟨gY, ∂Y/∂X[p]⟩ for each position p of an input X."""
        array = (self.arrays | moved)[wrt]
        each = [
            np.sum(self.cotangent * slope(lambda h, e=e: self.at(**moved | {wrt: array + h * e}), degree))
            for e in directions(array)
        ]
        return np.array(each, object).reshape(array.shape)


def cases(name: str, statement: Statement, how_many: int = 10) -> Iterator[Case]:
    yield from (Case(statement, f"{name} {number}") for number in range(how_many))


def both(derivation: Derivation) -> tuple[Statement, Statement]:
    assert derivation.relational is not None
    return derivation.relational, derivation.result


# --- the laws -------------------------------------------------------------------------------------------------


def real(statement: Statement) -> list[str]:
    """The inputs that may be differentiated by."""
    return [tensor.name for tensor in statement.inputs if not tensor.integer]


def held_vjp(name: str, statement: Statement, degree: int | None) -> None:
    for wrt in real(statement):
        derived = both(derive.vjp_derivation(statement, wrt, TITLE))
        for case in cases(name, statement):
            oracle = case.gradient(wrt, degree)
            for form in derived:
                found = case.of(form)
                assert found.shape == oracle.shape
                assert agree(found, oracle, degree), f"g{wrt} of {name} at {case.env}"


def held_jvp(name: str, statement: Statement, degree: int | None) -> None:
    for wrt in real(statement):
        derived = both(derive.jvp_derivation(statement, wrt, TITLE))
        for case in cases(name, statement):
            array, tangent = case.arrays[wrt], case.tangents[wrt]
            oracle = slope(lambda h, c=case, w=wrt, x=array, d=tangent: c.at(**{w: x + h * d}), degree)
            for form in derived:
                assert agree(case.of(form, **{f"d{wrt}": tangent}), oracle, degree), f"d{wrt} of {name} at {case.env}"


def moved_gradient(case: Case, wrt: str, degree: int, along: str, tangent: Array, h: Fraction) -> Array:
    return case.gradient(wrt, degree, **{along: case.arrays[along] + h * tangent})


def held_hvp(name: str, statement: Statement, degree: int) -> None:
    """The derivative of the oracle's own gradient, not of one that was derived."""
    for wrt, along in itertools.product(real(statement), repeat=2):
        derived = both(derive.hvp_derivation(statement, wrt, along, TITLE))
        for case in cases(name, statement, 3):
            tangent = case.tangents[along]
            moved = partial(moved_gradient, case, wrt, degree, along, tangent)
            oracle = slope(moved, degree)
            for form in derived:
                found = case.of(form, **{f"d{along}": tangent})
                assert agree(found, oracle, degree), f"g{wrt} along {along} of {name} at {case.env}"


EACH = pytest.mark.parametrize("name", list(PIECEWISE))
EACH_RATIONAL = pytest.mark.parametrize("name", list(RATIONAL))


@EACH
def test_a_gradient_is_the_difference_quotient(name: str) -> None:
    held_vjp(name, *PIECEWISE[name])


@EACH_RATIONAL
def test_a_gradient_of_a_quotient_is_the_limit_of_difference_quotients(name: str) -> None:
    held_vjp(name, RATIONAL[name], None)


@EACH
def test_a_tangent_is_the_difference_quotient(name: str) -> None:
    held_jvp(name, *PIECEWISE[name])


@EACH_RATIONAL
def test_a_tangent_of_a_quotient_is_the_limit_of_difference_quotients(name: str) -> None:
    held_jvp(name, RATIONAL[name], None)


@pytest.mark.parametrize("name", list(PIECEWISE))
def test_a_second_derivative_is_the_quotient_of_the_quotients(name: str) -> None:
    held_hvp(name, *PIECEWISE[name])


@EACH
def test_differentiating_a_gradient_backwards_is_the_adjoint_of_doing_it_forwards(name: str) -> None:
    """⟨∂⟨h, gX⟩/∂U, u⟩ = ⟨h, ∂gX/∂U · u⟩; by the same input too, where gX is the name of an equation already."""
    statement, _ = PIECEWISE[name]
    forward = select(derive.expand_outside(statement))
    for wrt, along in itertools.product(real(statement), repeat=2):
        first = vjp(forward, wrt)
        backwards, forwards = (checked(second(first, along)) for second in (vjp, jvp))
        for case in cases(name, statement, 4):
            h, u = case.tangents[wrt], case.tangents[along]
            [given] = set(backwards.reads) - set(first.reads)
            left, right = case.of(backwards, **{given: h}) * u, h * case.of(forwards, **{f"d{along}": u})
            assert np.sum(left) == np.sum(right), f"{wrt}, {along} of {name} at {case.env}"


def test_names_that_are_taken_are_left_alone() -> None:
    """The inputs have the names that a gradient, a tangent, a maximum and its place would have."""
    t, k = index("t", size("k", least=1)), size("k", least=1)
    given = [Tensor(name, (i.size,), (("i", 0),)) for name in ("X", "M", "A", "MY", "AY", "gX", "gY", "dX", "dY")]
    steps = [
        equation(name, [i], Term((t,), (), read(of, poly(i) - poly(t), outside="nothing"), reduce="max"))
        for name, of in (("Q", "X"), ("Y", "Q"))
    ]
    used = equation("Z", [i], total(sum((read(x.name, i) for x in given[1:]), read("Y", i))))
    told = Tensor("W", (k,), (("t", 0),))
    statement = checked(Statement((*given, told), (*steps, used), ("Z",)))
    forward = checked(select(derive.expand_outside(statement)))
    assert [e.name for e in forward.equations] == ["MQ", "AQ", "Q", "MY2", "AY2", "Y", "Z"]
    assert checked(vjp(forward, "X")).outputs == ("gX2",)
    assert checked(jvp(forward, "X")).outputs == ("dZ",)


# --- ties -----------------------------------------------------------------------------------------------------


def by_hand(case: Case, values: Array, cotangent: Array, selection: str, number: dict[str, tuple[int, ...]]) -> Array:
    """Every window looked through for its greatest elements, and gY handed to those that the selection names."""
    found = np.zeros(values.shape, object)
    n, k, s, d, a, m = (number[letter] for letter in "nksdam")
    for batch, channel, *at in np.ndindex(*cotangent.shape):
        taps = []
        for tap in itertools.product(*map(range, k)):
            place = tuple(s[x] * at[x] + d[x] * tap[x] - a[x] for x in range(len(k)))
            if all(0 <= e < size for e, size in zip(place, n, strict=True)):
                taps.append((batch, channel, *place))
        greatest = [place for place in taps if values[place] == max(values[other] for other in taps)]
        chosen = {"first": greatest[:1], "last": greatest[-1:], "split": greatest, "all": greatest}[selection]
        share = Fraction(1, len(chosen)) if selection == "split" else 1
        for place in chosen:
            found[place] += share * cotangent[(batch, channel, *at)]
    assert m == cotangent.shape[2:]
    return found


SELECTIONS = ("first", "last", "split", "all")


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("ndim", [1, 2])
@pytest.mark.parametrize("selection", SELECTIONS)
def test_where_elements_tie_the_gradient_goes_where_the_selection_says(
    selection: str, ndim: int, ceil_mode: bool
) -> None:
    statement = operator("max_pool", ndim, ties=selection, ceil_mode=ceil_mode).statement
    derived = both(derive.vjp_derivation(statement, "X", TITLE))
    ties = 0
    for case in cases(f"ties {selection}", statement, 12):
        rng = random.Random(f"{case.env}")
        values = np.array([rng.randint(0, 1) for _ in range(case.arrays["X"].size)], object)
        values = values.reshape(case.arrays["X"].shape)
        ties += len(set(values.reshape(-1))) < values.size
        axes = (0,) if ndim == 1 else (1, 2)
        number = {
            letter: tuple(next(v for p, v in case.env.items() if (p.letter, p.axis) == (letter, x)) for x in axes)
            for letter in "nksdam"
        }
        oracle = by_hand(case, values, case.cotangent, selection, number)
        for form in derived:
            assert (case.of(form, X=values) == oracle).all(), case.env
    assert ties > 5


def test_another_selection_may_be_asked_for() -> None:
    first, last = (operator("max_pool", 1, ties=ties).statement for ties in ("first", "last"))
    expanded, other = (derive.expand_outside(statement) for statement in (first, last))
    assert str(select(expanded, "last")) == str(select(other)) != str(select(expanded))


@pytest.mark.parametrize("selection", SELECTIONS[:3])
def test_a_selected_maximum_has_the_value_of_the_maximum(selection: Any) -> None:
    """Also where elements tie; `all` is a convention for gradients alone."""
    statement = operator("max_pool", 2).statement
    selected = select(derive.expand_outside(statement), selection)
    for case in cases(f"value {selection}", statement):
        tied = {"X": case.arrays["X"] % 3}
        assert (case.of(selected, **tied) == case.at(**tied)).all()


# --- outputs --------------------------------------------------------------------------------------------------


def test_what_does_not_depend_on_an_input_has_the_gradient_zero() -> None:
    statement = one(total(read("U", i) ** 2))
    assert str(vjp(statement, "X")) == "gX[i] = 0"
    assert str(jvp(statement, "X")) == "dY[i] = 0"


def test_each_of_two_outputs_may_be_differentiated() -> None:
    statement, _ = POLYNOMIAL["two outputs"]
    for output in statement.outputs:
        alone = replace(statement, outputs=(output,))
        for case in cases(output, alone):
            assert (case.of(vjp(statement, "W", output)) == case.gradient("W", 2)).all()
    assert jvp(statement, "W").outputs == ("dZ", "dY")
    assert vjp(statement, "W") == vjp(statement, "W", "Z")


def test_what_reads_the_output_has_no_part_in_its_gradient() -> None:
    square, product = total(read("X", i) ** 2), total(read("Y", i) * read("X", i))
    statement = replace(one(square), equations=(equation("Y", [i], square), equation("Z", [i], product)))
    assert vjp(statement, "X") == vjp(one(square), "X")
    assert [e.name for e in vjp(statement, "X", "Z").equations] == ["Y", "gY", "gX"]


@pytest.mark.parametrize(
    ("wrt", "sentence"),
    [
        ("Z", r"^there is no input to differentiate by 'Z'; there are \(X, U\)$"),
        ("gY", r"^there is no input to differentiate by 'gY'"),
    ],
)
def test_an_input_that_is_not_there_is_refused(wrt: str, sentence: str) -> None:
    for derivative in (vjp, jvp):
        with pytest.raises(UnknownNameError, match=sentence):
            derivative(one(total(read("X", i))), wrt)


def test_a_class_can_not_be_differentiated_by() -> None:
    with pytest.raises(UnknownNameError, match=r"no input to differentiate by 'T'; there are \(X\)$"):
        vjp(STATEMENTS["cross_entropy"], "T")


def test_an_exponent_that_depends_on_the_input_is_refused() -> None:
    with pytest.raises(StatementError, match=r"the exponent depends on X\[i\]; write it with exp and log$"):
        vjp(one(total(read("U", i) ** read("X", i))), "X")


def test_a_maximum_beside_another_term_is_refused() -> None:
    largest = Term((), (), read("X", i), reduce="max")
    with pytest.raises(StatementError, match=r"^Y adds a max to other terms; name it first$"):
        select(one(largest, total(read("U", i))))


def test_what_no_output_needs_is_left_out() -> None:
    statement, _ = POLYNOMIAL["chained"]
    assert [e.name for e in vjp(statement, "X").equations] == ["gP", "gX"]
    assert [e.name for e in vjp(statement, "V").equations] == ["P", "gV"]


def test_an_index_that_is_taken_gets_a_prime() -> None:
    """Σ_l X[i] X[l]: by X, the free i and the bound i of the output are two indices."""
    gradient_ = vjp(POLYNOMIAL["a sum of everything squared"][0], "X")
    assert "i′" in str(gradient_)


# --- teeth ----------------------------------------------------------------------------------------------------


def caught(name: str) -> None:
    statement, degree = PIECEWISE[name]
    for law in (held_vjp, held_hvp):
        with pytest.raises(AssertionError):
            law(name, statement, degree)


def test_a_product_rule_that_forgets_a_factor_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = gradient.derivative

    def first_only(node: Any, by: Any) -> Any:
        if isinstance(node, Product):
            place = next((p for p, factor in enumerate(node.factors) if factor == by), None)
            if place is not None:
                return Product.of(*node.factors[:place], *node.factors[place + 1 :])
        return true(node, by)

    monkeypatch.setattr(gradient, "derivative", first_only)
    caught("the same read twice")


@pytest.mark.parametrize("name", ["two terms that read the same", "replicate", "a mean that is read twice"])
def test_a_sum_that_forgets_a_term_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    true = gradient._gathered
    monkeypatch.setattr(
        gradient,
        "_gathered",
        lambda statement, name, terms: true(statement, name, terms[1:] or terms),
    )
    caught(name)
    if name == "a mean that is read twice":  # a plain sum without a term is another gradient, with its own adjoint
        with pytest.raises(AssertionError):
            test_differentiating_a_gradient_backwards_is_the_adjoint_of_doing_it_forwards(name)


@pytest.mark.parametrize("name", ["a factor that is a sum", "chained", "seven outside"])
def test_a_wrong_sign_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    true = gradient.derivative
    monkeypatch.setattr(gradient, "derivative", lambda node, by: -true(node, by))
    with pytest.raises(AssertionError):
        held_vjp(name, *PIECEWISE[name])
    with pytest.raises(AssertionError):
        held_jvp(name, *PIECEWISE[name])


def test_a_read_that_is_counted_twice_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """X·X has the derivative 2X: the product rule counts each place, and then the sweep once more."""
    monkeypatch.setattr(gradient, "_distinct", list)
    caught("the same read twice")
    with pytest.raises(AssertionError):
        held_jvp("the same read twice", *PIECEWISE["the same read twice"])


def test_an_inner_value_held_fixed_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean is not differentiated."""
    true = gradient._depends
    monkeypatch.setattr(gradient, "_depends", lambda statement, wrt: true(statement, wrt) - {"μ"})
    with pytest.raises(AssertionError):
        held_vjp("normalised", RATIONAL["normalised"], None)


def test_a_border_that_is_zero_to_the_gradient_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def as_zero(statement: Statement) -> Statement:
        def zero(term: Term) -> Term:
            return replace(term, body=map_reads(term.body, lambda r: replace(r, outside=Fraction(0)) if r.at else r))

        equations = tuple(replace(e, terms=tuple(map(zero, e.terms))) for e in statement.equations)
        return true(replace(statement, equations=equations))

    true = derive.expand_outside
    monkeypatch.setattr(derive, "expand_outside", as_zero)
    for name in ("circular", "replicate", "reflect", "symmetric", "seven outside"):
        with pytest.raises(AssertionError):
            held_vjp(name, *PIECEWISE[name])
        with pytest.raises(AssertionError):
            held_jvp(name, *PIECEWISE[name])


def test_the_wrong_maximum_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = gradient.select
    monkeypatch.setattr(derive, "select", lambda statement: true(statement, "last"))
    with pytest.raises(AssertionError):
        test_where_elements_tie_the_gradient_goes_where_the_selection_says("first", 1, False)
