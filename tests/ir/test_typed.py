"""Forms that people type."""

from __future__ import annotations

import pytest

from convmath.errors import TextError
from convmath.ir.build import size
from convmath.ir.poly import least, poly
from convmath.ir.typed import form
from convmath.text import parse

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
    ],
)
def test_what_is_no_integer_form_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(TextError, match=sentence):
        form(parse(text), size)
