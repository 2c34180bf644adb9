"""Which statements have forms, and what is said of one that has none."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import pytest

from convmath.calculus.forms import FORMS, forms
from convmath.calculus.forms.recognise import recognised
from convmath.errors import StatementError, UnknownNameError
from convmath.ir.build import Tensor, equation, index, largest, poly, read, size, total
from convmath.ir.nodes import IndexValue, Statement, Term, Zero
from convmath.ops.registry import operator

from .drawn import C, N, O, W, X, c, i, k, o, t, turned_gathering, turned_scattering, ν

m, s, free = size("m", least=1), size("s", least=1), size("h", least=None)
j, u = index("j", m), index("u", size("U", least=1))


def one(*terms: Term, at: tuple = (ν, o, j), inputs: tuple[Tensor, ...] = (X, W)) -> Statement:
    return Statement(inputs, (equation("Y", at, *terms),), ("Y",))


def gathered(*weight: Any, tap: Any = None, over: tuple = (c, t), where: tuple = (), outside: Any = 0) -> Term:
    """Σ W[weight] · X[ν,c,s·j+tap]"""
    seen = read(X, ν, c, s * poly(j) + poly(t if tap is None else tap), outside=outside)
    return total(read(W, *(weight or (o, c, t))) * seen, over, where)


def scattered(*where: Any) -> Term:
    return total(read(W, o, c, t) * read(X, ν, c, i), (c, i, t), where)


P = Tensor("P", (O, m, k), (("o", 0), ("j", 0), ("t", 0)))
REFUSED = {
    "a maximum": (one(largest(read(W, o, c, t) * read(X, ν, c, s * poly(j)), (c, t))), "it is a max"),
    "three factors": (
        one(total(read(W, o, c, t) * read(X, ν, c, j) * read(X, ν, c, j), (c, t))),
        r"W\[o,c,t\] · X\[ν,c,j\] · X\[ν,c,j\] is no product of two reads",
    ),
    "one array twice": (
        one(total(read(X, ν, c, j) * read(X, ν, c, i), (c, i))),
        r"X\[ν,c,j\] · X\[ν,c,i\] is no product of two reads",
    ),
    "a factor": (one(replace(gathered(), body=2 * gathered().body)), "is no product of two reads"),
    "two sums": (one(gathered(), gathered()), "it has 2 terms with products of reads, and 0 without"),
    "no product": (
        one(total(read(X, ν, c, j), [c])),
        "it has 0 terms with products of reads, and 1 without",
    ),
    "what is added changes": (
        one(gathered(), total(IndexValue(poly(j)))),
        "it adds j, which is no read by the channel alone",
    ),
    "no batch": (
        one(total(read(W, ν, c, t) * read(X, ν, c, s * poly(j) + poly(t)), (c, t))),
        "read at the output's first index, ν",
    ),
    "a weight for each position": (
        one(total(read(P, o, j, t) * read(X, ν, c, s * poly(j) + poly(t)), (c, t)), inputs=(X, P)),
        "P is read at \\(o, j\\), but \\(o, c\\) is needed",
    ),
    "another number of axes": (
        one(total(read("V", o, c) * read(X, ν, c, j), [c]), inputs=(X, Tensor("V", (O, C), W.letters[:2]))),
        "it has 3 axes, and reads V\\[o,c\\] · X\\[ν,c,j\\]",
    ),
    "a part of the weight": (
        one(gathered(o, c, poly(u), tap=u, over=(c, u))),
        "W is read at u along an axis of size k",
    ),
    "the same index twice": (
        one(gathered(o, c, c, tap=c, over=(c,)), inputs=(X, Tensor("W", (O, C, C), W.letters))),
        r"s·j\+c is no sum|an index stands twice",
    ),
    "an index too many": (one(gathered(over=(c, t, u))), "u is summed over, but is no channel, position or tap"),
    "a sign that is not known": (
        one(gathered(tap=free * poly(t))),
        r"in s·j\+t·h the factor of t is h, but one of known sign is needed",
    ),
    "a position that stands still": (
        one(total(read(W, o, c, t) * read(X, ν, c, t, outside=0), (c, t))),
        "in t the factor of j is 0, but one of known sign is needed",
    ),
    "a constant outside": (one(gathered(outside=3)), "X is 3 outside, but 0 or a border is needed"),
    "a bracket on the input alone": (
        one(scattered(Zero(poly(i), poly(t)))),
        "no bracket says what j is",
    ),
    "a bracket too many": (
        one(scattered(Zero(s * poly(i) + poly(t), poly(j)), Zero(poly(i), poly(t)))),
        r"\[i = t\] says nothing about where a position lies",
    ),
    "a position of two digits": (
        one(gathered(), at=(ν, o, 2 * poly(j) + poly(index("h", poly(2))))),
        "2·j\\+h stands where a position or a tap is needed",
    ),
    "channels that are mixed": (
        one(total(read(W, o, c, t) * read(X, ν, C - 1 - poly(c), s * poly(j) + poly(t), outside=0), (c, t))),
        "X is read at C-c-1 along an axis of size C",
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_statement_without_forms_says_why(why: str) -> None:
    statement, sentence = REFUSED[why]
    found = forms(statement)
    assert list(found) == []
    with pytest.raises(StatementError, match=sentence) as error:
        found["einsum"]
    assert "only a sum of products" in str(error.value)


def test_a_form_is_of_one_equation() -> None:
    with pytest.raises(StatementError, match="a form is of one equation, but there are 2, D, Y; state each by itself"):
        forms(operator("avg_pool", 1).statement)["einsum"]


def test_a_name_that_is_no_form() -> None:
    found = forms(operator("conv", 1).statement)
    with pytest.raises(UnknownNameError, match="there is no form 'winnograd'; the nearest is winograd"):
        found["winnograd"]
    assert found.get("transposed") is None
    assert "transposed" not in found
    assert set(found) | set(found.refused) == set(FORMS)


def test_letters_and_names_that_are_taken() -> None:
    """A form with names of its own is refused where the statement has them; the others are there."""
    M = size("M", least=1)
    names = Tensor("U", (N, C, M), X.letters)
    statement = one(
        total(read(W, o, c, t) * read(names, ν, c, s * poly(j) + poly(t), outside=0), (c, t)), inputs=(names, W)
    )
    found = forms(statement)
    with pytest.raises(
        StatementError, match="the form needs the letter M for a size, but the statement has it already"
    ):
        found["winograd"]
    with pytest.raises(
        StatementError, match="the form needs the name U for an array, but the statement has it already"
    ):
        found["dilated"]
    assert "einsum" in found


def test_forms_survive_pickling() -> None:
    found = pickle.loads(pickle.dumps(forms(operator("conv", 2).statement)))
    assert str(found["toeplitz"]) == str(forms(operator("conv", 2).statement)["toeplitz"])
    with pytest.raises(StatementError, match="Y gathers already"):
        found["transposed"]


@pytest.mark.parametrize("statement", [turned_gathering(), turned_scattering()], ids=["gathers", "scatters"])
def test_a_turned_kernel_has_a_negative_dilation(statement: Statement) -> None:
    [axis] = recognised(statement).axes
    assert not axis.forward
    assert axis.step == -axis.dilation


def test_what_has_one_value_only_is_recognised_too() -> None:
    """A kernel of one tap, one channel, an input of one position: no index is left of them."""
    for fixed in ({"kernel": 1, "d": 1}, {"C": 1, "O": 1}, {"n": 1, "p": 0}, {"groups": 1, "C": 1, "N": 1}):
        for name in ("conv", "conv_transpose"):
            assert set(forms(operator(name, 2, **fixed).statement)) == set(forms(operator(name, 2).statement)), fixed
