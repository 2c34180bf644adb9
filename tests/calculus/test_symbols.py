"""The border to sympy: a form and its expression have the same value, and a polynomial comes back the same."""

from __future__ import annotations

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from convmath.calculus import symbols
from convmath.calculus.symbols import from_sympy, symbol, to_sympy
from convmath.errors import StatementError
from convmath.ir.build import index, size
from convmath.ir.poly import Index, Param, Poly, floor, least, poly
from convmath.ops.registry import operator

from ..faults import caught

PARAMS = [Param("n", 0, 0), Param("k", 0, 1), Param("s", 1, 1), Param("p", 2, 0), Param("D")]
n, k, s1, p2, D = map(poly, PARAMS)
i = index("i", n)


@st.composite
def polynomials(draw: st.DrawFn, most: int = 3) -> Poly:
    """Sums of a few monomials."""
    total = poly(draw(st.integers(-9, 9)))
    for _ in range(draw(st.integers(0, most))):
        monomial = poly(draw(st.integers(-5, 5)))
        for factor in draw(st.lists(st.sampled_from(PARAMS), min_size=1, max_size=3)):
            monomial = monomial * poly(factor)
        total = total + monomial
    return total


@st.composite
def forms(draw: st.DrawFn) -> Poly:
    """Polynomials, floors of them, minima of them, and what is left of a division."""
    form = draw(polynomials())
    kind = draw(st.sampled_from(["plain", "floor", "remainder", "least", "nested"]))
    if kind == "plain":
        return form
    other, divisor = draw(polynomials()), draw(st.sampled_from([k, s1, poly(3), k * s1]))
    quotient = floor(other, divisor)
    match kind:
        case "floor":
            return form + draw(st.integers(-3, 3)) * quotient
        case "remainder":
            return form + other - divisor * quotient
        case "least":
            return form - 2 * least(other, quotient)
    return floor(least(quotient, form), s1)


@settings(max_examples=40)
@given(data=st.data())
def test_a_form_and_its_expression_have_the_same_value(data: st.DataObject) -> None:
    form = data.draw(forms(), label="form")
    values = {param: data.draw(st.integers(param.least or 0, 7), label=param.letter) for param in PARAMS}
    # all at once: put in one by one, SymPy 1.14 takes min(1, ⌊1/(k·s)⌋) for 1 while k and s are still there
    expression = to_sympy(form).xreplace({symbol(param): sympy.Integer(value) for param, value in values.items()})
    assert expression == form.evaluate(values)


@given(data=st.data())
def test_a_polynomial_comes_back_the_same(data: st.DataObject) -> None:
    form = data.draw(polynomials(), label="form")
    assert from_sympy(to_sympy(form)) == form
    assert from_sympy(sympy.expand(to_sympy(form))) == form


@pytest.mark.parametrize(
    ("atom", "name", "positive", "nonnegative"),
    [
        (Param("n", 0, 0), "n", None, True),
        (Param("k", 2, 1), "k2", True, True),
        (Param("D"), "D", None, None),
        (Index("i", n), "i", None, True),
        (Index("i", n, 1, 2), "i1__", None, True),
    ],
    ids=str,
)
def test_a_symbol_knows_its_sign(
    atom: Param | Index, name: str, positive: bool | None, nonnegative: bool | None
) -> None:
    found = symbol(atom)
    assert (found.name, found.is_positive, found.is_nonnegative, found.is_integer) == (
        name,
        positive,
        nonnegative,
        True,
    )


def test_a_remainder_and_a_count_less_one_are_written_so() -> None:
    x, y, d = symbol(PARAMS[0]), symbol(PARAMS[1]), sympy.Symbol("d", integer=True, positive=True)
    assert to_sympy(n - k * floor(n, k)) == sympy.Mod(x, y)
    assert to_sympy(size("d", least=1) * (k - 1)) == d * (y - 1)
    assert to_sympy(floor(n, k) + 1) == sympy.floor(x / y) + 1


@pytest.mark.parametrize(
    "text", ["n/2", "n**k", "floor(n/2)", "sqrt(n)", "1/n", "n + 0.5", "oo", "sin(n)", "n**(-1) + 1"]
)
def test_what_is_no_integer_polynomial_is_refused(text: str) -> None:
    with pytest.raises(StatementError, match=r"came, but a polynomial with integer coefficients is needed$"):
        from_sympy(sympy.sympify(text))


def test_a_minimum_is_left_to_the_values() -> None:
    """Sympy 1.14 takes ⌊1/(k·s)⌋ ≥ 1 to be true: it would write min(1, ⌊1/(k·s)⌋) as 1."""
    expression = to_sympy(least(1, floor(poly(1), k * s1)))
    assert expression.subs({symbol(PARAMS[1]): 1, symbol(PARAMS[2]): 2}) == 0


def test_numbers_come_back_as_numbers() -> None:
    assert from_sympy(sympy.Integer(0)) == 0
    assert from_sympy(sympy.Integer(-7)) == -7
    assert operator("conv", 1).shape(n=sympy.Integer(224), k=7, s=2, p=3, d=1).result[-1] == 112


# --- teeth ----------------------------------------------------------------------------------------------------


def test_a_sign_that_is_lost_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = symbols._param
    monkeypatch.setattr(symbols, "_param", lambda found: Param(true(found).letter, true(found).axis, None))
    caught(test_a_polynomial_comes_back_the_same)


def test_an_axis_that_is_lost_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(symbols, "_param", lambda found: Param(found.name[0], 0, int(found.is_positive or 0)))
    caught(test_a_polynomial_comes_back_the_same)


def test_a_floor_that_is_an_exact_quotient_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sympy, "floor", lambda quotient: quotient)
    caught(test_a_form_and_its_expression_have_the_same_value)
