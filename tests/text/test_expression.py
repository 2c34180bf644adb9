"""The parser for typed text: the grammar, the place of what is wrong, and that nothing which is typed can do harm."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.errors import TextError
from convmath.text import Call, Expression, Name, Negative, Number, Operation, assignment, expression, named, parse

from ..faults import caught

# --- meaning ----------------------------------------------------------------------------------------------------

VALUES = {"n": Fraction(7), "k1": Fraction(3), "ν": Fraction(5)}


def value(tree: Expression) -> Fraction:
    """What arithmetic says it is; // rounds down."""
    match tree:
        case Number(value=number):
            return number
        case Name(name=name):
            return VALUES[name]
        case Negative(of=inner):
            return -value(inner)
        case Operation(sign="+", left=left, right=right):
            return value(left) + value(right)
        case Operation(sign="-", left=left, right=right):
            return value(left) - value(right)
        case Operation(sign="*", left=left, right=right):
            return value(left) * value(right)
        case Operation(sign="/", left=left, right=right):
            return value(left) / value(right)
        case Operation(sign="//", left=left, right=right):
            return Fraction(value(left) // value(right))
        case Operation(sign="^", left=left, right=right):
            return value(left) ** int(value(right))
    raise AssertionError(tree)


@st.composite
def arithmetic(draw: st.DrawFn, deep: int = 4) -> str:
    """Python's own arithmetic, in which every operator has the same precedence as here."""
    if not deep or not draw(st.integers(0, 3)):
        return draw(st.sampled_from(["1", "2", "3", "n", "k1", "ν", "10"]))
    left, right = draw(arithmetic(deep - 1)), draw(arithmetic(deep - 1))
    space = draw(st.sampled_from(["", " "]))
    form = draw(st.sampled_from(["sum", "sum", "parentheses", "negative", "power"]))
    if form == "parentheses":
        return f"({left})"
    if form == "negative":
        return f"-{left}"
    if form == "power":
        return f"({left})**{draw(st.integers(0, 3))}"
    return f"{left}{space}{draw(st.sampled_from(['+', '-', '*', '/', '//']))}{space}{right}"


@given(data=st.data())
def test_precedence_is_that_of_arithmetic(data: st.DataObject) -> None:
    written = data.draw(arithmetic(), label="text")
    try:
        # each number a Fraction, so that Python divides exactly
        expected = eval(re.sub(r"(?<!\*\*)\b(\d+)", r"F(\1)", written), {"F": Fraction}, VALUES)
    except ZeroDivisionError:
        with pytest.raises(ZeroDivisionError):
            value(parse(written))
        return
    assert value(parse(written)) == expected


@pytest.mark.parametrize(
    ("written", "tree"),
    [
        ("224", Number(Fraction(224))),
        ("0.5", Number(Fraction(1, 2))),
        ("h", Name("h")),
        ("n_1", Name("n_1")),
        ("-n", Negative(Name("n"))),
        ("--n", Negative(Negative(Name("n")))),
        ("+n", Name("n")),
        ("−n", Negative(Name("n"))),
        ("2·n", Operation("*", Number(Fraction(2)), Name("n"))),
        ("n**2", Operation("^", Name("n"), Number(Fraction(2)))),
        ("n^-2", Operation("^", Name("n"), Negative(Number(Fraction(2))))),
        ("-n^2", Negative(Operation("^", Name("n"), Number(Fraction(2))))),
        ("a^b^c", Operation("^", Name("a"), Operation("^", Name("b"), Name("c")))),
        ("a-b-c", Operation("-", Operation("-", Name("a"), Name("b")), Name("c"))),
        ("a//b/c", Operation("/", Operation("//", Name("a"), Name("b")), Name("c"))),
        ("min(n, k+1)", Call("min", (Name("n"), Operation("+", Name("k"), Number(Fraction(1)))))),
        ("f(x)", Call("f", (Name("x"),))),
        ("( ( n ) )", Name("n")),
        ("2*-3", Operation("*", Number(Fraction(2)), Negative(Number(Fraction(3))))),
        ("\tn\n", Name("n")),
    ],
)
def test_the_tree(written: str, tree: Expression) -> None:
    assert parse(written) == tree


@pytest.mark.parametrize(
    ("written", "name", "tree"),
    [
        ("n=224", "n", Number(Fraction(224))),
        (" n = k ", "n", Name("k")),
        ("ν=1", "ν", Number(Fraction(1))),
        ("n1=2*p", "n1", Operation("*", Number(Fraction(2)), Name("p"))),
    ],
)
def test_an_assignment(written: str, name: str, tree: Expression) -> None:
    assert assignment(written) == (name, tree)


# --- what is wrong, and where -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("", r'^the end at place 1 of "" came where a number, a name or a parenthesis is needed$'),
        ("   ", r"^the end at place 4 of "),
        ("1 +", r'^the end at place 4 of "1 \+" came where a number, '),
        ("(n", r"^the end at place 3 of .* came where a closing parenthesis is needed$"),
        ("n)", r"^'\)' at place 2 of .* came where an operator or the end is needed$"),
        ("n k", r"^'k' at place 3 of .* came where an operator or the end is needed$"),
        ("2n", r"^'n' at place 2 of .* came where an operator or the end is needed$"),
        ("n(2", r"^the end at place 4 of .* came where a closing parenthesis is needed$"),
        ("f()", r"^'\)' at place 3 of .* came where a number, a name or a parenthesis is needed$"),
        ("(1, 2)", r"^',' at place 3 of .* came where a closing parenthesis is needed$"),
        ("*2", r"^'\*' at place 1 of "),
        ("1..2", r"^'\.' at place 2 of .* has no meaning here$"),
        ("1e5", r"^'e5' at place 2 of .* came where an operator or the end is needed$"),
        ("n.real", r"^'\.' at place 2 of .* has no meaning here$"),
        ("n[0]", r"^'\[' at place 2 of .* has no meaning here$"),
        ("n;k", r"^';' at place 2 of .* has no meaning here$"),
        ("n = 2", r"^'=' at place 3 of .* has no meaning here$"),
        ("'n'", r'^"\'" at place 1 of .* has no meaning here$'),
        ("lambda: 0", r"^':' at place 7 of .* has no meaning here$"),
        ("lambda x", r"^'x' at place 8 of "),
        ("n if k else 1", r"^'if' at place 3 of "),
        ("n and k", r"^'and' at place 3 of "),
        ("__import__('os').system('id')", r'^"\'" at place 12 of '),
        ("().__class__", r"^'\.' at place 3 of .* has no meaning here$"),
        ("n\x00", r"^'\\x00' at place 2 of .* has no meaning here$"),
        ("n\u202e2", r"^'\\u202e' at place 2 of .* has no meaning here$"),
        ("n×2", r"^'×' at place 2 of .* has no meaning here$"),
        ("√n", r"^'√' at place 1 of .* has no meaning here$"),
        ("n²", r"^'n' at place 1 of .* has no meaning here$"),
        ("²", r"^'²' at place 1 of .* has no meaning here$"),
        ("9" * 101, r"^a number at place 1 of .* has more than 100 digits$"),
        ("1" + "+1" * 1000, r'^a text of 2001 characters came, but 2000 are the most that is read$'),
        ("1" + "+1" * 200, r'^".*…" has 401 parts, but 300 are the most that is read$'),
        ("(" * 80 + "n" + ")" * 80, r'^"\(+…" is nested deeper than 60 levels$'),
        ("-" * 80 + "n", r'^"-+…" is nested deeper than 60 levels$'),
        ("2^" * 80 + "2", r"is nested deeper than 60 levels$"),
        ("f(" * 80 + "n" + ")" * 80, r"is nested deeper than 60 levels$"),
    ],
    ids=lambda written: repr(written)[:30],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(written: str, sentence: str) -> None:
    with pytest.raises(TextError, match=sentence):
        parse(written)


def test_a_value_may_be_taken_as_it_is_typed() -> None:
    assert named(" padding = same ") == ("padding", "same")


@pytest.mark.parametrize("written", ["n", "n=", "=3", "2=n", "n.k=3", "n k=3", "__class__.x=1", "n==3", "", "a b"])
def test_what_is_no_assignment_is_refused(written: str) -> None:
    with pytest.raises(TextError, match=r"came, but name=value is needed|has no meaning here"):
        assignment(written)


# --- nothing is evaluated ---------------------------------------------------------------------------------------

HOSTILE = [
    "9**9**9",
    "9**9**9**9**9",
    "(((9^9)^9)^9)^9",
    "__import__",
    "__builtins__",
    "exec(n)",
    "eval(n, n)",
    "open(n)",
    "1+" * 1000,
    "1+" * 1000 + "1",
    "(" * 100_000,
    "-" * 100_000,
    "1" * 100_000,
    "n" * 100_000,
    " " * 100_000,
    "\x00" * 1000,
    "(" * 1999,
    "-" * 1999,
    "^" * 1999,
    "f(" * 999,
    "1," * 999,
    "٣",  # a digit of another script is a digit
    "ⅷ",
    "ａ＋ｂ",
    "a\u0301",
    "\ufeffn",
    "𝟙",
    "\N{ZERO WIDTH JOINER}".join("nk"),
]


def refusal(reader: Callable[[str], object], written: str) -> TextError | None:
    try:
        reader(written)
    except TextError as error:
        return error
    return None


@pytest.mark.parametrize("written", HOSTILE, ids=lambda written: f"{ascii(written)[:24]} {len(written)}")
def test_hostile_text_is_read_or_refused_at_once(written: str) -> None:
    start = time.perf_counter()
    for reader in (parse, assignment, lambda typed: assignment(f"n={typed}")):
        assert len(str(refusal(reader, written))) < 2 * expression.LONGEST + 200
    assert time.perf_counter() - start < 2


def test_a_power_is_a_tree_and_no_number() -> None:
    nine = Number(Fraction(9))
    assert parse("9**9**9") == Operation("^", nine, Operation("^", nine, nine))
    assert parse("__import__") == Name("__import__")
    assert parse("__import__(os)") == Call("__import__", (Name("os"),))


TYPED = st.sampled_from("01239abnkν+-*/^·−(),.= \t\x00'\"[]{}_\\²×\u202e")


@given(data=st.data())
def test_any_text_is_read_or_refused(data: st.DataObject) -> None:
    written = data.draw(st.one_of(st.text(TYPED, max_size=40), st.text(max_size=12)), label="text")
    error = refusal(parse, written)
    assert error is None or re.search(r" came |has no meaning here$|nested|more than", str(error))


# --- teeth ------------------------------------------------------------------------------------------------------


def test_a_chain_that_groups_to_the_right_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """a - b - c read as a - (b - c)."""

    def right(self: expression.Parser, part: object, signs: tuple[str, ...]) -> Expression:
        left = part()  # type: ignore[operator]
        return Operation(self.take(), left, right(self, part, signs)) if self.next in signs else left

    monkeypatch.setattr(expression.Parser, "_chain", right)
    caught(test_precedence_is_that_of_arithmetic)


def test_a_sum_that_binds_as_a_product_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expression.Parser, "product", lambda self: self._chain(self.signed, ("*", "/", "//", "+", "-")))
    caught(test_precedence_is_that_of_arithmetic)


def test_depth_that_is_not_counted_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expression.Parser, "deepest", 10**9)
    monkeypatch.setattr(expression, "TOKENS", 10**9)
    with pytest.raises(RecursionError):
        test_hostile_text_is_read_or_refused_at_once("(" * 1999)
