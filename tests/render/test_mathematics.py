"""What is printed means what it was: read back by the rules of precedence, a form has its value again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from convmath.ir.build import equation, index, largest, read, size, total
from convmath.ir.nodes import Apply, IndexValue, Number, Power, Product, Real, Scalar, Sum
from convmath.ir.poly import Param, Poly, floor, least, poly
from convmath.render import line, mathematics
from convmath.render.mathematics import layout
from convmath.render.text import text
from convmath.render.tree import Layout, Num, Op, joined

from ..faults import caught

# --- a reader ---------------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"\s*(?P<number>\d+)|\s*(?P<name>min|mod|abs|[A-Za-zβ]+[₀-₉]*′*(?:\[[^\]]*\])?)|\s*(?P<raised>[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)|\s*(?P<sign>\S)"
)
_PLAIN = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


class Reader:
    """What a reader knows of precedence.

    sum = ["-"] product (± product)*        product = power (· or / power)* [mod power]        power = atom [^ atom]
    """

    def __init__(self, written: str, values: Mapping[str, int | Fraction]):
        self.tokens = [found for found in _TOKEN.finditer(written) if found.group().strip()]
        self.values, self.place = values, 0

    @property
    def next(self) -> str:
        return self.tokens[self.place].group().strip() if self.place < len(self.tokens) else ""

    def take(self, *expected: str) -> str:
        token = self.next
        assert not expected or token in expected, f"{token!r} came where one of {expected} is needed"
        self.place += 1
        return token

    def whole(self) -> Fraction:
        value = self.sum()
        assert self.next == "", f"{self.next!r} came after the end"
        return value

    def sum(self) -> Fraction:
        negative = self.next == "-" and bool(self.take())
        total = -self.product() if negative else self.product()
        while self.next in ("+", "-"):
            total = total + self.product() if self.take() == "+" else total - self.product()
        return total

    def product(self) -> Fraction:
        value = self.power()
        while self.next in ("·", "/"):
            value = value * self.power() if self.take() == "·" else value / self.power()
        if self.next == "mod":
            self.take()
            return value % self.power()
        return value

    def power(self) -> Fraction:
        base = self.atom()
        if self.place < len(self.tokens) and self.tokens[self.place].group("raised"):
            return base ** int(self.take().translate(_PLAIN))
        if self.next == "^":
            self.take()
            exponent = self.atom()
            assert exponent.denominator == 1
            return base ** int(exponent)
        return base

    def atom(self) -> Fraction:
        token = self.take()
        if token.isdigit():
            return Fraction(token)
        if token == "(":
            value = self.sum()
            self.take(")")
            return value
        if token == "⌊":
            value = self.sum()
            self.take("⌋")
            return Fraction(value.numerator // value.denominator)
        if token == "|":
            value = self.sum()
            self.take("|")
            return abs(value)
        if token == "min":
            self.take("(")
            entries = [self.sum()]
            while self.take(",", ")") == ",":
                entries.append(self.sum())
            return min(entries)
        assert token in self.values, f"{token!r} came where a number is needed"
        return Fraction(self.values[token])


# --- integer forms ----------------------------------------------------------------------------------------------

PARAMS = [
    Param("n", 0, 0),
    Param("k", 0, 1),
    Param("s", 0, 1),
    Param("d", 2, 1),
    Param("a", 0, 0),
    Param("m", 1, 0),
]
i, j = index("i", size("n")), index("j", size("m"), 1)
ATOMS = [*PARAMS, i, j]
DIVISORS = [poly(PARAMS[1]), poly(PARAMS[2]) + 1, poly(3), poly(PARAMS[1]) * poly(PARAMS[2]), 2 * poly(PARAMS[3])]


@st.composite
def flat(draw: st.DrawFn) -> Poly:
    total = poly(draw(st.integers(-3, 3)))
    for _ in range(draw(st.integers(0, 3))):
        monomial = poly(draw(st.integers(-3, 3)))
        for atom in draw(st.lists(st.sampled_from(ATOMS), min_size=1, max_size=2)):
            monomial = monomial * poly(atom)
        total = total + monomial
    return total


@st.composite
def forms(draw: st.DrawFn) -> Poly:
    """Sums in which there may be quotients, remainders, minima and counts less one, also inside one another."""
    total = draw(flat())
    for _ in range(draw(st.integers(0, 2))):
        inner, divisor, factor = (
            draw(flat()),
            draw(st.sampled_from(DIVISORS)),
            draw(st.sampled_from([-2, -1, 1, 3])),
        )
        remainder = inner - divisor * floor(inner, divisor)
        special = draw(
            st.sampled_from(
                [
                    floor(inner, divisor),
                    remainder,
                    floor(remainder, poly(2)),
                    floor(floor(inner, divisor) + 1, divisor),
                    least(inner, divisor),
                    least(inner, 0) * poly(PARAMS[2]),
                    divisor * (poly(PARAMS[0]) - 1),
                    poly(PARAMS[3]) * remainder,
                    floor(inner, divisor) * floor(inner, divisor),
                ]
            )
        )
        total = total + factor * special
    return total


def named(atom: object) -> str:
    return text(layout(atom))


@given(data=st.data())
def test_a_form_read_back_has_its_value(data: st.DataObject) -> None:
    form = data.draw(forms(), label="form")
    values = {atom: data.draw(st.integers(1, 9), label=named(atom)) for atom in ATOMS}
    written = line(form)
    assert Reader(written, {named(atom): value for atom, value in values.items()}).whole() == form.evaluate(values), (
        written
    )


@pytest.mark.parametrize(
    ("form", "written"),
    [
        (poly(0), "0"),
        (poly(-2), "-2"),
        (-1 * poly(i) + poly(PARAMS[0]), "n-i"),
        (-1 * poly(i) - 1, "-i-1"),
        (poly(PARAMS[2]) * poly(j) + poly(PARAMS[3]) * poly(i) - poly(PARAMS[4]), "d₂·i+s·j₁-a"),
        (poly(PARAMS[2]) * (poly(PARAMS[1]) - 1) + 1, "s·(k-1)+1"),
        (poly(i) - poly(PARAMS[1]) * floor(poly(i), poly(PARAMS[1])), "i mod k"),
        (2 * poly(i) + 2 - 2 * poly(PARAMS[2]) * floor(poly(i) + 1, poly(PARAMS[2])), "2·((i+1) mod s)"),
        (floor(poly(i), poly(PARAMS[1])), "⌊i/k⌋"),
        (floor(poly(i) + 1, 2 * poly(PARAMS[1])), "⌊(i+1)/(2·k)⌋"),
        (poly(PARAMS[0]) * poly(PARAMS[0]), "n²"),
        (least(poly(PARAMS[0]), poly(PARAMS[1])) + 1, "min(k, n)+1"),
    ],
    ids=str,
)  # fmt: skip
def test_forms_are_written_as_a_person_would(form: Poly, written: str) -> None:
    assert line(form) == written


# --- scalars ----------------------------------------------------------------------------------------------------

LETTERS = ["U[i]", "V[i]", "D"]
LEAVES: list[Scalar] = [
    *(read(letter, i) for letter in "UV"),
    read("D"),
    Real("r"),
    *(Number(Fraction(number)) for number in ("2", "-3", "1/2", "-5/3")),
    *(IndexValue(form) for form in (poly(i) + 1, 2 * poly(i), -1 * poly(i))),
]


@st.composite
def scalars(draw: st.DrawFn, deep: int = 3) -> Scalar:
    if not deep or not draw(st.integers(0, 3)):
        return draw(st.sampled_from(LEAVES))
    parts = [draw(scalars(deep - 1)) for _ in range(draw(st.integers(2, 3)))]
    match draw(st.sampled_from(["sum", "product", "quotient", "power", "negative", "absolute"])):
        case "sum":
            return Sum.of(*parts)
        case "product":
            return Product.of(*parts)
        case "quotient":
            return parts[0] / parts[1]
        case "negative":
            return -parts[0]
        case "absolute":
            return Apply("abs", parts[0])
    return Power.of(parts[0], draw(st.sampled_from([Number(Fraction(2)), Number(Fraction(-2)), IndexValue(poly(i))])))


def value(node: Scalar, values: Mapping[str, int]) -> Fraction:
    """The value by the meaning of the nodes."""
    match node:
        case Number(value=number):
            return number
        case IndexValue(form=form):
            return Fraction(form.evaluate({i: values["i"]}))
        case Real(letter=letter):
            return Fraction(values[letter])
        case Sum(terms=terms):
            return sum((value(term, values) for term in terms), Fraction(0))
        case Product(factors=factors):
            total = Fraction(1)
            for factor in factors:
                total *= value(factor, values)
            return total
        case Power(base=base, exponent=exponent):
            return value(base, values) ** int(value(exponent, values))
        case Apply(argument=argument):
            return abs(value(argument, values))
    return Fraction(values[line(node)])


@given(data=st.data())
def test_a_scalar_read_back_has_its_value(data: st.DataObject) -> None:
    values = {name: data.draw(st.integers(1, 5), label=name) for name in (*LETTERS, "i", "r")}
    try:
        node = data.draw(scalars(), label="scalar")
        expected = value(node, values)
    except ZeroDivisionError:
        assume(False)
        raise
    written = line(node)
    assert Reader(written, values).whole() == expected, written


t = index("t", size("k", least=1))
X, V = read("U", i), read("V", i)


@pytest.mark.parametrize(
    ("terms", "written"),
    [
        ([total(-(X + V))], "-(U[i] + V[i])"),
        ([total(X), total(-(X + V))], "U[i] - (U[i] + V[i])"),
        ([total(V - (X + V))], "V[i] - (U[i] + V[i])"),
        ([total(-X, [t])], "-Σ_{t<k} U[i]"),
        ([total(-(X + V), [t])], "-Σ_{t<k} (U[i] + V[i])"),
        ([largest(-X, [t])], "max_{t<k} (-U[i])"),  # not the minimum's negative without its sign
        ([total(-1, [t])], "-Σ_{t<k} 1"),
        ([total(X / (X / V))], "U[i] / (U[i] / V[i])"),
    ],
    ids=lambda value: value if isinstance(value, str) else "terms",
)
def test_a_minus_stands_before_all_that_it_negates(terms: list, written: str) -> None:
    assert line(equation("Y", [i], *terms)) == f"Y[i] = {written}"


# --- rules ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [mathematics.layout, mathematics.relation])
def test_an_unknown_node_is_an_error(rule: object) -> None:
    with pytest.raises(NotImplementedError, match=r"^no (layout rule|relation) for object$"):
        rule(object())  # type: ignore[operator]


# --- teeth ------------------------------------------------------------------------------------------------------


def test_parentheses_that_are_forgotten_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mathematics, "_factor", layout)
    caught(test_a_scalar_read_back_has_its_value)


def test_a_sign_that_is_forgotten_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def unsigned(parts: list, plus: object, minus: object) -> Layout:
        return joined(plus, [part for _, part in parts] or [Num("0")])

    monkeypatch.setattr(mathematics, "signed_sum", unsigned)
    caught(test_a_form_read_back_has_its_value)


def test_a_quotient_without_parentheses_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from convmath.render import text as emitter

    monkeypatch.setattr(emitter, "_has_op", lambda node, signs: False)
    caught(test_a_form_read_back_has_its_value)


def test_a_reader_refuses_what_is_no_mathematics() -> None:
    for written in ("(1", "1 +", "2 3", "⌊1"):
        with pytest.raises(AssertionError):
            Reader(written, {}).whole()
    assert Op("+") != Op("-")
