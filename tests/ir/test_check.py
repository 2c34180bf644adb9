"""What is not well formed is refused, and the sentence says which part and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from convmath.errors import StatementError
from convmath.ir import check
from convmath.ir.build import Tensor, equation, index, largest, poly, read, size, total
from convmath.ir.check import checked
from convmath.ir.nodes import (
    Apply,
    Bracket,
    Compare,
    Divides,
    Equation,
    Guard,
    IndexValue,
    Less,
    Matches,
    Placement,
    Size,
    Statement,
    Term,
)
from convmath.ir.poly import Param, least
from convmath.ops.registry import operators, variants

from ..paper import STATEMENTS

n, k, m, q = (size(letter, least=1) for letter in "nkmq")
K, M = Param("k", least=1), Param("m", least=1)
i, j, t, w = index("i", n), index("j", n), index("t", k), index("w", m)
X, T = Tensor("X", (n,), (("i", 0),)), Tensor("T", (n,), (("i", 0),), integer=True)
x = read("X", i)


def stated(*equations: Equation, outputs: tuple[str, ...] = ("Y",), inputs: tuple[Tensor, ...] = (X,)) -> Statement:
    return Statement(inputs, equations, outputs)


def y(*terms: object, at: object = None) -> Equation:
    return equation("Y", [i if at is None else at], *terms)  # type: ignore[arg-type]


def sized(*sizes: Size, requires: tuple[Guard, ...] = ()) -> Statement:
    return replace(stated(y(total(x))), sizes=sizes, requires=requires)


def placed(placement: Placement, *sizes: Size) -> Statement:
    """Y[w] = Σ_t X[w + t]"""
    windows = equation("Y", [w], total(read("X", poly(w) + poly(t)), [t]))
    return replace(stated(windows), sizes=sizes or (Size(M, n - k + 1),), placements=(placement,))


REFUSED = pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (stated(y(total(read("Z", i)))), "reads Z, which is no input and not stated before it"),
        (stated(y(total(read("X", i, i)))), "reads X at 2 positions, but it has 1 axes"),
        (stated(y(total(x, [i]))), "an index is bound twice in Y"),
        (stated(y(total(read("X", j)))), "uses the index j without binding it"),
        (
            stated(y(total(x, [], [Matches(poly(j), read("T", i))])), inputs=(X, T)),
            "uses the index j without binding it",
        ),
        (stated(y(total(x, [index("q", poly(i))]))), "the range of q in Y is i, which depends on an index"),
        (stated(y(total(read("X", poly(j) * poly(t)), [j, t]))), "is not affine in the indices"),
        (stated(y(total(read("X", poly(j) * poly(j)), [j]))), "is not affine in the indices"),
        (stated(y(total(read("X", poly(j) * poly(t) // 2), [j, t]))), "is not affine in the indices"),
        (stated(y(total(read("X", least(poly(j) * poly(t), n)), [j, t]))), "is not affine in the indices"),
        (stated(y(total(x, [j], [Less(poly(i) // poly(j), n)]))), "a divisor in Y is j, which depends on an index"),
        (stated(y(total(x, [j], [Divides(poly(j), poly(i))]))), "a divisor in Y is j, which depends on an index"),
        (stated(y(total(x), at=2 * poly(i))), "on the left side of Y skips positions"),
        (stated(y(total(x), at=poly(i) + 1)), "must be a sum of indices times sizes"),
        (stated(y(total(1), at=poly(i) + poly(t))), "on the left side of Y skips positions"),
        (stated(replace(y(total(1)), free=(i, t))), "must stand on its left side exactly once"),
        (stated(y(total(x)), y(total(x))), "Y is stated twice"),
        (stated(equation("X", [i], total(1)), outputs=("X",)), "X is stated twice"),
        (stated(y(total(x)), inputs=(X, X)), "two inputs have the same name"),
        (stated(y(total(x)), outputs=("Z",)), "the output Z is not stated; there are Y"),
        (
            stated(y(total(read("A", i))), equation("A", [i], total(x))),
            "reads A, which is no input and not stated before",
        ),
        (stated(y(total(x)), outputs=("X",)), "the output X is not stated; there are Y"),
        (stated(y(total(x)), outputs=()), r"the outputs are \(\), but one or more that differ are needed"),
        (stated(y(total(x)), outputs=("Y", "Y")), r"the outputs are \(Y, Y\), but one or more that differ"),
        (stated(y(total(x), total(x, [j]), largest(x, [j]))), "adds a maximum or minimum to other terms; name it"),
        (stated(y(Term((), (), x, "mean"))), "Y reduces by 'mean'; there are sum, max and min"),  # type: ignore[arg-type]
        (stated(y(total(Apply("cosh", x)))), "Y applies cosh, but the functions are exp, log, sqrt"),
        (stated(y(total(read("X", i, outside="mirror")))), "outside X lies 'mirror' in Y, but a Fraction or one"),  # type: ignore[arg-type]
        (stated(y(total(read("X", i, outside=0.5)))), "outside X lies 0.5 in Y, but a Fraction or one of"),  # type: ignore[arg-type]
        (stated(y(total(x, [], [Matches(poly(i), x)]))), "matches i with X.*, whose values need not be whole"),
        (
            stated(
                equation("A", [i], total(read("T", i) / 2)),
                y(total(x, [], [Matches(poly(i), read("A", i))])),
                inputs=(X, T),
            ),
            "matches i with A.*, whose values need not be whole numbers",
        ),
        (stated(y(total(x)), inputs=(replace(X, letters=()),)), "X has 1 axes, but letters for 0"),
        (stated(y(total(1)), inputs=(replace(X, shape=(poly(i),)),)), "a size of X is i, which depends on an index"),
        (sized(Size(M, m + 1)), "m = m.1 needs m, which is not derived before it"),
        (sized(Size(M, k), Size(K, n)), "m = k needs k, which is not derived before it"),
        (sized(Size(K, n), Size(K, n)), "k is derived twice"),
        (sized(Size(M, n + poly(i))), "a derived size is .*, which depends on an index"),
        (sized(Size(M, n), requires=(Less(poly(i), n),)), "the condition .* is not on the parameters alone"),
        (sized(Size(M, n), requires=(Compare(read("Q", i), "<", x),)), "the condition .* reads Q, which is no input"),
        (sized(Size(M, size("n", least=2))), "n is at least . in one place and at least . in another; one letter"),
        (placed(Placement("inside", w, poly(w), n, k, q)), "the placement of w names q, which stands nowhere else"),
        (placed(Placement("inside", i, poly(i) + poly(t), k, k, k), Size(M, k)), "counts n, which is not derived"),
        (placed(Placement("inside", w, poly(t), n, k, k)), "the placement of w does not depend on it"),
    ],
)


@REFUSED
def test_what_is_not_well_formed_is_refused(statement: Statement, sentence: str) -> None:
    with pytest.raises(StatementError, match=sentence.replace("·", ".")):
        checked(statement)


def test_every_statement_of_ours_is_well_formed() -> None:
    for statement in (*STATEMENTS.values(), *(op.statement for name in operators() for op in variants(name))):
        assert checked(statement) is statement


def test_digits_number_every_position_once() -> None:
    at = k * poly(i) + poly(t)
    assert checked(stated(equation("Y", [at], total(x)))).output.at == (at,)
    other = stated(equation("Y", [n * poly(i) + poly(t)], total(x)))
    with pytest.raises(StatementError, match="skips positions"):
        checked(other)


def test_a_digit_that_takes_one_value_may_stand_anywhere() -> None:
    """Whichever of r and i is looked at first: both stand with the factor 1."""
    for letter in "abcdefghpqrs":
        at = poly(index(letter, poly(1))) + poly(i)
        assert checked(stated(equation("Y", [at], total(x))))


def test_a_maximum_may_be_stated_alone() -> None:
    assert checked(stated(equation("Y", [], largest(x, [i]))))


def test_an_array_that_is_made_of_whole_numbers_may_be_matched() -> None:
    place = equation(
        "A", [i], total(2 * IndexValue(poly(j)) * Bracket(Less(poly(i), poly(j))) + read("T", i) ** 2, [j])
    )
    assert checked(stated(place, y(total(x, [j], [Matches(poly(j), read("A", i))])), inputs=(X, T)))


MATCHED = stated(equation("A", [i], total(x)), y(total(x, [], [Matches(poly(i), read("A", i))])))


@pytest.mark.parametrize(
    ("rule", "forgotten", "statement"),
    [
        ("_params", lambda statement: None, sized(Size(M, m + 1))),
        ("_input", lambda tensor: None, stated(y(total(x)), inputs=(replace(X, letters=()),))),
        ("_left", lambda equation: None, stated(y(total(x), at=2 * poly(i)))),
        ("_term", lambda equation, term, known: None, stated(y(total(x, [i])))),
        ("_read", lambda name, read, known: None, stated(y(total(read("X", i, i))))),
        ("_affine", lambda name, form: None, stated(y(total(read("X", poly(j) * poly(t)), [j, t])))),
        ("_is_whole", lambda node, known: True, MATCHED),
    ],
)
def test_every_rule_is_needed(
    rule: str, forgotten: object, statement: Statement, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StatementError):
        checked(statement)
    monkeypatch.setattr(check, rule, forgotten)
    assert checked(statement)
