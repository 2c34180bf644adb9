"""Forms that people type."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.errors import TextError
from convmath.ir import typed
from convmath.ir.build import size
from convmath.ir.poly import Param, least, poly
from convmath.ir.typed import form
from convmath.text import parse

from ..faults import caught

n, k = size("n"), size("k")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2*n + 1", 2 * n + 1),
        ("-n - -k", k - n),
        ("(n - k)^2", (n - k) * (n - k)),
        ("n**0", poly(1)),
        ("(n - 3)//2", (n - 3) // 2),
        ("floor(n/2)", n // 2),
        ("6/3*n", 2 * n),
        ("min(n, k, n + 1)", least(n, k)),
        ("2·n − 1", 2 * n - 1),
    ],
)
def test_a_typed_form_is_the_form(text: str, expected: object) -> None:
    assert form(parse(text), size) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("2.5*n", "5/2 came, but whole numbers"),
        ("n/2", r"is not whole for all values; // divides and rounds down"),
        ("n//0", "a division by 0 came, but a divisor must be at least 1"),
        ("n/0", "is not whole for all values"),
        ("n^k", "an exponent that is no number came"),
        ("n^99", "the power 99 came, but a whole number up to 12 is needed"),
        ("sin(n)", r"sin\(…\) came, but whole numbers"),
        ("floor(n)", r"floor\(…\) came, but whole numbers"),
        ("n^-2", "an exponent that is no number came"),
        ("n^(1/2)", "an exponent that is no number came"),
        ("n^2.5", "the power 5/2 came, but a whole number up to 12 is needed"),
        ("n//(k - k)", "a division by 0 came"),
        ("n//-2", "a division by -2 came, but a divisor must be at least 1"),
        ("(n + 1)/n", "is not whole for all values"),
    ],
)
def test_what_is_no_integer_form_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(TextError, match=sentence):
        form(parse(text), size)


@st.composite
def typed_texts(draw: st.DrawFn, depth: int = 3) -> str:
    """What Python reads as we do; what is divided by is at least 1."""
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(["n", "k", "0", "1", "7", "12"]))
    left, right = draw(typed_texts(depth - 1)), draw(typed_texts(depth - 1))
    divisor, factor = draw(st.sampled_from(["2", "3", "k", "(k + 1)"])), draw(st.sampled_from(["3", "k"]))
    said = [f"{left} + {right}", f"{left} - {right}", f"{left}*{right}", f"({left})", f"-{left}", f"({left})**2"]
    said += [
        f"({left})//{divisor}",
        f"{left}//{divisor}*{right}",
        f"min({left}, {right}, n)",
        f"(({left})*{factor})/{factor}",
    ]
    return draw(st.sampled_from(said))


@given(data=st.data())
def test_a_typed_form_has_the_value_that_python_gives_it(data: st.DataObject) -> None:
    text = data.draw(typed_texts())
    at = {"n": data.draw(st.integers(-9, 9)), "k": data.draw(st.integers(1, 5))}
    value = eval(text, {"min": min}, at)
    assert form(parse(text), size).evaluate({Param(name, least=0): known for name, known in at.items()}) == value
    other = text.replace("**", "^").replace("*", "·").replace("-", "−")
    assert form(parse(other), size) == form(parse(text), size)


def test_the_law_of_typed_forms_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A difference with its sides changed."""
    right = typed.operation
    monkeypatch.setattr(typed, "operation", lambda sign, u, v: right(sign, v, u) if sign == "-" else right(sign, u, v))
    caught(test_a_typed_form_has_the_value_that_python_gives_it)


@pytest.mark.parametrize(
    "text",
    [
        "(((((((((9^12)^12)^12)^12)^12)^12)^12)^12)^12)^12",
        "((n^12)^12)^12",
        "(a+b+c+d+e+f+g+h)^12",
        "((a+b+c+d)^3)^12",
        "*".join(["(a+b+c+d+e)"] * 20),
    ],
    ids=lambda text: text[:24],
)
def test_a_form_that_grows_beyond_measure_is_refused_at_once(text: str) -> None:
    start = time.perf_counter()
    with pytest.raises(TextError, match=r"^a form of \d+ terms, degree \d+ and numbers of \d+ bits came up, but 200 "):
        form(parse(text), size)
    assert time.perf_counter() - start < 2


def test_what_a_person_types_is_no_such_form() -> None:
    assert len(form(parse("(n + k)^12 * 10^12 + (n//2)^12"), size).terms) == 14
    assert form(parse("9" * 100 + "*" + "9" * 100), size) == (10**100 - 1) ** 2
