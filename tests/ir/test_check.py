"""What is not well formed is refused, and the sentence says which part and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from convmath.errors import StatementError
from convmath.ir.build import Tensor, equation, index, largest, poly, read, size, total
from convmath.ir.check import checked
from convmath.ir.nodes import Equation, Matches, Statement
from convmath.ops.registry import operators, variants

from ..paper import STATEMENTS

n, k = size("n", least=1), size("k", least=1)
i, j, t = index("i", n), index("j", n), index("t", k)
X = Tensor("X", (n,), (("i", 0),))
x = read("X", i)


def stated(*equations: Equation, outputs: tuple[str, ...] = ("Y",), inputs: tuple[Tensor, ...] = (X,)) -> Statement:
    return Statement(inputs, equations, outputs)


def y(*terms: object, at: object = None) -> Equation:
    return equation("Y", [i if at is None else at], *terms)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (stated(y(total(read("Z", i)))), "reads Z, which is no input and not stated before it"),
        (stated(y(total(read("X", i, i)))), "reads X at 2 positions, but it has 1 axes"),
        (stated(y(total(x, [i]))), "an index is bound twice in Y"),
        (stated(y(total(read("X", j)))), "uses the index j without binding it"),
        (stated(y(total(x, [], [Matches(poly(j), read("X", i))]))), "j"),
        (stated(y(total(read("X", poly(j) * poly(t)), [j, t]))), "is not affine in the indices"),
        (stated(y(total(read("X", poly(j) * poly(j)), [j]))), "is not affine in the indices"),
        (stated(y(total(x), at=2 * poly(i))), "on the left side of Y skips positions"),
        (stated(y(total(x), at=poly(i) + 1)), "must be a sum of indices times sizes"),
        (stated(y(total(1), at=poly(i) + poly(t))), "on the left side of Y skips positions"),
        (stated(replace(y(total(1)), free=(i, t))), "must stand on its left side exactly once"),
        (stated(y(total(x)), y(total(x))), "Y is stated twice"),
        (stated(equation("X", [i], total(1)), outputs=("X",)), "X is stated twice"),
        (stated(y(total(x)), inputs=(X, X)), "two inputs have the same name"),
        (stated(y(total(x)), outputs=("Z",)), "the output Z is not stated; there are X, Y"),
        (
            stated(y(total(read("A", i))), equation("A", [i], total(x))),
            "reads A, which is no input and not stated before",
        ),
    ],
)
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


def test_a_maximum_may_be_stated_alone() -> None:
    assert checked(stated(equation("Y", [], largest(x, [i]))))
