"""Functions from text: what a text means, what is assumed, and that nothing which is typed can do harm."""

from __future__ import annotations

import time
from typing import Any

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy import Heaviside, Piecewise, Rational, Symbol

from convmath.errors import AssumptionError, ConvmathError, TextError, UnknownNameError
from convmath.signals import typed_functions
from convmath.signals.typed import read

from ..faults import caught

t = Symbol("t", real=True)
n = Symbol("n", integer=True)
a, b = sympy.symbols("a b", real=True)
p = Symbol("a", positive=True)


def one(written: str, **options: Any) -> Any:
    return read(written, **options).functions[0]


# --- meaning ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "function"),
    [
        ("exp(-a*t)*u(t)", sympy.exp(-a * t) * Heaviside(t)),
        ("a**t + 3^-t", a**t + 3**-t),
        ("-t^2", -(t**2)),
        ("0.5*t", t / 2),
        ("rect(t/2)", Piecewise((1, (t / 2 > -Rational(1, 2)) & (t / 2 < Rational(1, 2))), (0, True))),
        ("tri(t - 1)", sympy.Max(0, 1 - sympy.Abs(t - 1))),
        ("sinc(2*t)", sympy.sin(2 * sympy.pi * t) / (2 * sympy.pi * t)),
        ("sinc(0)*t", t),
        ("delta(t - a)", sympy.DiracDelta(t - a)),
        ("delta(t, 2)", sympy.DiracDelta(t, 2)),
        ("sgn(t)*abs(t)", sympy.sign(t) * sympy.Abs(t)),
        ("ln(t) + log(2)", sympy.log(t) + sympy.log(2)),
        ("sqrt(t)*sech(t)", sympy.sqrt(t) * sympy.sech(t)),
        ("sin(t)+cos(t)+tan(t)", sympy.sin(t) + sympy.cos(t) + sympy.tan(t)),
        ("sinh(t)*cosh(t)/tanh(t)", sympy.sinh(t) * sympy.cosh(t) / sympy.tanh(t)),
        ("erf(t) + erfc(t)", sympy.erf(t) + sympy.erfc(t)),
        ("gamma(t)*factorial(3)", 6 * sympy.gamma(t)),
        ("exp(-gamma*t)", sympy.exp(-Symbol("gamma", real=True) * t)),
        ("max(0, t, 1) - min(t, 2)", sympy.Max(1, t) - sympy.Min(t, 2)),
        ("e^(i*omega_0*t)", sympy.exp(sympy.I * Symbol("omega_0", real=True) * t)),
        ("conj(j*t) + re(i*t) + im(i*t)", -sympy.I * t + t),
        ("pi*t + π*t", 2 * sympy.pi * t),
        ("heaviside(t)*Heaviside(t - 1)", Heaviside(t) * Heaviside(t - 1)),
        ("cases(t<0: 0, t<1: t, 1)", Piecewise((0, t < 0), (t, t < 1), (1, True))),
        ("cases(0 <= t < 1: t)", Piecewise((t, (t >= 0) & (t < 1)), (0, True))),
        ("cases((t < 0) or t > 1 & t < 2: t)", Piecewise((t, (t < 0) | ((t > 1) & (t < 2))), (0, True))),
        ("cases((t + 1)*2 < 4 and (t > 0): t, a)", Piecewise((t, (2 * t + 2 < 4) & (t > 0)), (a, True))),
        ("Piecewise((1, t < oo), (0, True))*t", t),
        ("Piecewise((exp(-t), t > -1/2), (0, True))", Piecewise((sympy.exp(-t), t > -Rational(1, 2)), (0, True))),
        ("f(t - 1)", sympy.Function("f")(t - 1)),
    ],
)  # fmt: skip
def test_a_function_of_a_real_variable(written: str, function: Any) -> None:
    assert one(written) == function


@pytest.mark.parametrize(
    ("written", "sequence"),
    [
        ("a^n*u[n]", a**n * Heaviside(n, 1)),
        ("u(n - 2)", Heaviside(n - 2, 1)),
        ("delta[n-1]", sympy.KroneckerDelta(n - 1, 0)),
        ("KroneckerDelta(n, 3)", sympy.KroneckerDelta(n, 3)),
        ("binomial(5, n)", sympy.binomial(5, n)),
        ("fibonacci(n)", sympy.fibonacci(n)),
        ("mod(n, 2)", sympy.Mod(n, 2)),
        ("cases(n = 0: 1, n != 2: 3)", Piecewise((1, sympy.Eq(n, 0)), (3, sympy.Ne(n, 2)), (0, True))),
        ("x[n-1]", sympy.Function("x")(n - 1)),
    ],
)
def test_a_sequence(written: str, sequence: Any) -> None:
    assert one(written, discrete=True) == one(written, var="n integer") == sequence


def test_the_sequence_sinc_is_the_function_at_integers() -> None:
    sequence = one("sinc[n/2]")
    expected = [1, 2 / sympy.pi, 0, -2 / (3 * sympy.pi), 0]
    assert [sequence.subs(n, k) for k in range(5)] == expected
    window = one("rect[n/4]")
    assert [window.subs(n, k) for k in range(-3, 4)] == [0, 1, 1, 1, 1, 1, 0]


def test_brackets_make_integers_of_the_variables() -> None:
    assert read("u[n]", "n").variable == n
    assert read("u(t)", "t").variable == t
    assert read("u(m)*u[n]", var="m,n").variable == (Symbol("m", integer=True), n)
    assert read("x*y", var="x, y").variable == sympy.symbols("x y", real=True)


def test_lists_are_nested_lists() -> None:
    found = read("[1, 1/2, [2]]", "[a, -b]", assume="a > 0")
    assert found.functions == ([1, Rational(1, 2), [2]], [p, -b])
    assert found.variable is None
    assert len(one(f"[{', '.join(['1'] * 900)}]")) == 900


def test_a_name_is_what_is_said_of_it_first() -> None:
    assert one("i*t", assume="i integer") == Symbol("i", integer=True) * t
    assert one("e*u(e)", var="e") == Symbol("e", real=True) * Heaviside(Symbol("e", real=True))
    assert one("width*t", assume="width real") == Symbol("width", real=True) * t
    assert one("E*t", assume="E > 0") == Symbol("E", positive=True) * t


# --- assumptions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("assume", "symbol", "relations"),
    [
        ("", {"real": True}, []),
        ("a > 0", {"positive": True}, []),
        ("0 < a", {"positive": True}, []),
        ("a >= 0", {"nonnegative": True}, []),
        ("a < 0", {"negative": True}, []),
        ("a <= 0", {"nonpositive": True}, []),
        ("a != 0", {"real": True, "nonzero": True}, []),
        ("a real", {"real": True}, []),
        ("a complex", {"complex": True}, []),
        ("a positive integer", {"positive": True, "integer": True}, []),
        ("a entero, a > 0", {"positive": True, "integer": True}, []),
        ("0 < a < 1", {"positive": True}, ["a < 1"]),
        ("a > 1/2", {"positive": True}, ["a > 1/2"]),
        ("a > -1", {"real": True}, ["a > -1"]),
        ("a > 0 and a < 2", {"positive": True}, ["a < 2"]),
        ("0 < a < pi", {"positive": True}, ["a < pi"]),
    ],
)
def test_assumptions_become_those_of_symbols_and_relations(
    assume: str, symbol: dict[str, bool], relations: list[str]
) -> None:
    found = read("a*t", assume=assume)
    assert found.functions[0].free_symbols == {t, Symbol("a", **symbol)}
    assert [str(relation) for relation in found.relations] == relations


def test_relations_are_among_the_symbols_of_the_functions() -> None:
    found = read("a*t", "b*t", assume="a > 0, b > a")
    [relation] = found.relations
    assert relation.free_symbols == {p, b}
    assert read("t", "T*t", assume="T > 2", period="T").period == Symbol("T", positive=True)
    assert read("[1]", "[2]", period="[4, 2]").period == [4, 2]


@pytest.mark.parametrize(
    ("assume", "kind", "sentence"),
    [
        ("a > 0, a < 0", AssumptionError, "a can't be positive and negative [assume]"),
        ("1 > 2", AssumptionError, "1 > 2 came, but it never holds [assume]"),
        ("a = 2", TextError, "'a = 2' at place 1 of \"a = 2\" is an equation; write the value into the functions"),
        ("a", TextError, "came without what is assumed of it, such as a > 0 or n integer"),
        ("(a > 0) and (a > 1 or a < 2)", TextError, "each assumption has to hold"),
        ("t > 0", TextError, "'t' at place 1 of \"t > 0\" is a variable; what holds where it is so belongs into the"),
        ("a posit", UnknownNameError, "there is no kind of parameter 'posit'; the nearest are"),
        ("aa > 0", UnknownNameError, "there is no parameter 'aa'; the nearest is a (all: a) [assume, place 1 of"),
        ("i*a > 0", TextError, "needs what is real, but I*a need not be"),
        ("a >", TextError, "the end at place 4 of"),
    ],
)
def test_assumptions_that_say_nothing_are_refused(assume: str, kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind) as error:
        read("a*t", assume=assume)
    assert sentence in str(error.value)


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("9**9**9", '\'9**9**9\' at place 1 of "9**9**9" is a power of more than 4000 bits'),
        ("10^100000", "is a power of more than 4000 bits"),
        ("2^(t + 100000)", "is a power of more than 4000 bits"),
        ("((t^100)^100)", "'(t^100)^100' at place 2 of \"((t^100)^100)\" holds a power above 100"),
        ("t^101", "is a power above 100"),
        ("(a+b+c+d+t)^90", "has more than 2000 terms when it is multiplied out"),
        ("(t+1)^50*(t+2)^50", "has more than 2000 terms when it is multiplied out"),
        ("exp(exp(exp(exp(100))))", "'exp(exp(100))' at place 9 of"),
        ("exp(9)^9^9", "is a power of more than 4000 bits"),
        ("pi^pi^pi^pi^pi^pi", "is a power of more than 4000 bits"),
        ("factorial(10**9)", "holds a number above 400"),
        ("factorial(factorial(6))", "holds a number above 400"),
        ("binomial(10^9, 5*10^8)", "holds a number above 400"),
        ("1" * 101, "a number at place 1 of"),
        ("t" + "+t" * 400, "has 801 parts, but 300 are the most that is read"),
        ("t" * 7000, "a text of 7000 characters came, but 6000 are the most that is read"),
        ("(" * 200 + "t" + ")" * 200, "is nested deeper than 40 levels"),
        ("[" * 200 + "1" + "]" * 200, "is nested deeper than 40 levels"),
        ("exp(" * 200 + "t" + ")" * 200, "is nested deeper than 40 levels"),
        ("cases(t<0: " * 200 + "t" + ")" * 200, "is nested deeper than 40 levels"),
        ("cases(" + "(" * 200 + "t<0" + ")" * 200 + ": 1)", "is nested deeper than 40 levels"),
        ("__import__('os').system('id')", '"\'" at place 12 of'),
        ("__import__(t)", "begins with _, as no name does here"),
        ("t*__name__", "begins with _, as no name does here"),
        ("t.real", "'.' at place 2 of \"t.real\" has no meaning here"),
        ("().__class__", "'.' at place 3 of \"().__class__\" has no meaning here"),
        ("lambda x: x", "'x' at place 8 of"),
        ("t if t else 1", "'if' at place 3 of"),
        ("exp(t", "the end at place 6 of \"exp(t\" came where a closing parenthesis is needed"),
        ("exp t", "'t' at place 5 of"),
        ("u(t)u(t)", "'u' at place 5 of"),
        ("cases(t<0)", "came where the : between a condition and its value"),
        ("cases(t<0: 0, 1, 2)", "',' at place 16 of"),
        ("Piecewise((1, t<0))", "came where a last pair with the condition True is needed"),
        ("t < 0", "'<' at place 3 of"),
        ("[1, t<2]", "'<' at place 6 of"),
        ("[]", "']' at place 2 of"),
        ("u*t", "'u' at place 1 of \"u*t\" is a function, and came without its argument, as in u(t)"),
        ("sin(t, t)", "has 2 arguments, but sin has 1 argument"),
        ("u(t, t, t)", "has 3 arguments, but u has 1 to 2 arguments"),
        ("u(t, 1)", "has u(0) = 1, but in continuous time u(0) = 1/2"),
        ("delta(t, 1/2)", "has the derivative of δ of order 1/2, but a whole number up to 20 is needed"),
        ("t//2", "has //, which has no meaning in a function"),
        ("t/(1 - 1)", "is a division by 0"),
        ("log(0)*t", "'log(0)' at place 1 of \"log(0)*t\" has no value"),
        ("tan(pi/2)*t", "has no value"),
        ("oo*t", "'oo' at place 1 of \"oo*t\" is no number; it stands alone at a side of < or >"),
        ("I*t", "'I' at place 1 of \"I*t\" came; write i for √-1, or another letter for a parameter"),
        ("u(i*t)", "needs what is real, but I*t need not be"),
        ("max(i*a, t)", "needs what is real, but I*a need not be"),
        ("cases(i*t < 0: 1)", "'i*t' at place 7 of"),
        ("erfc(9 + i)*t", "needs what is real, but 9 + I need not be"),
        ("x", "t stands in no function; say which variable they have [var]"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_said_with_its_place(written: str, sentence: str) -> None:
    started = time.thread_time()
    with pytest.raises(TextError) as error:
        read(written)
    assert sentence in str(error.value)
    assert len(str(error.value)) < 500
    assert time.thread_time() - started < 10  # nothing of it was worked out


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("hevaside(t)", "there is no function 'hevaside'; the nearest is heaviside (all: "),
        ("a(t-1)", '[place 1 of "a(t-1)"; a product is written a*(…)]'),
        ("t + foo", "there is no name 'foo'; there are (t, pi"),
    ],
)
def test_an_unknown_name_comes_with_the_nearest(written: str, sentence: str) -> None:
    with pytest.raises(UnknownNameError) as error:
        read(written)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("texts", "options", "sentence"),
    [
        (("u(t)", "[1]"), {}, "a list came beside a function"),
        (("[1]", "[2]"), {"var": "n"}, "n came as a variable, but lists have none [var]"),
        (("t",), {"var": "t, t"}, "t came twice as a variable [var]"),
        (("t",), {"var": "t complex"}, "t complex came as a variable, but a variable is real or integer [var]"),
        (("u[n]",), {"var": "n real"}, "n is real, but u[…] is of integers [var]"),
        (("n",), {"var": "n real", "discrete": True}, "n is real, but discrete is of integers [var]"),
        (("t",), {"var": ""}, "came where a name is needed"),
        (("t",), {"var": "t,2"}, "came where a name is needed"),
    ],
)
def test_variables_that_can_not_be_are_refused(texts: tuple[str, ...], options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(TextError) as error:
        read(*texts, **options)
    assert sentence in str(error.value)


# --- laws ---------------------------------------------------------------------------------------------------------

LEAVES = st.sampled_from(["t", "a", "b", "2", "1/3", "i", "e", "pi", "9", "100", "10^50", "0", "0.25", "log(0)"])
CALLS = [*sorted(name for name in typed_functions.FUNCTIONS[False] if name.islower()), "f"]


@st.composite
def texts(draw: st.DrawFn, deep: int = 4) -> str:
    if not deep:
        return draw(LEAVES)
    inner = texts(deep=deep - 1)
    form = draw(st.sampled_from(["leaf", "operation", "operation", "call", "call", "cases", "pair"]))
    match form:
        case "leaf":
            return draw(LEAVES)
        case "operation":
            return f"({draw(inner)}{draw(st.sampled_from('+-*/^'))}{draw(inner)})"
        case "call":
            return f"{draw(st.sampled_from(CALLS))}({draw(inner)})"
        case "cases":
            return f"cases({draw(inner)} < {draw(inner)}: {draw(inner)}, {draw(inner)})"
    return f"{draw(st.sampled_from(['max', 'min', 'binomial', 'delta']))}({draw(inner)}, {draw(inner)})"


@given(data=st.data())
def test_a_text_is_read_as_an_expression_or_refused_in_a_sentence(data: st.DataObject) -> None:
    written = data.draw(texts(), label="text")
    try:
        found = one(f"{written} + t - t + f(t)")
    except ConvmathError:
        return
    assert isinstance(found, sympy.Expr)
    assert not found.has(sympy.nan, sympy.zoo, sympy.oo)
    largest = max((abs(number.p).bit_length() for number in found.atoms(Rational)), default=0)
    assert largest <= typed_functions.BITS


@given(data=st.data())
def test_polynomials_mean_what_arithmetic_says(data: st.DataObject) -> None:
    """Against SymPy's own reading of a text that has nothing to fear."""
    terms = data.draw(
        st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=5)
    )
    written = " + ".join(f"({c})*t^{k}*(a - t)^{j}" for c, k, j in terms)
    expected = sum(c * t**k * (a - t) ** j for c, k, j in terms)
    found = one(f"{written} + f(t)") - sympy.Function("f")(t)
    assert sympy.expand(found - expected) == 0


def test_a_power_that_forgets_its_sign_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from convmath.signals import typed

    right = typed.power
    monkeypatch.setattr(typed, "power", lambda base, exponent: right(-base, exponent))
    caught(test_polynomials_mean_what_arithmetic_says)


def test_values_that_are_not_looked_at_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from convmath.signals import typed

    monkeypatch.setattr(typed, "sane", lambda value: value)
    monkeypatch.setattr(typed_functions, "sane", lambda value: value)
    caught(test_a_text_is_read_as_an_expression_or_refused_in_a_sentence)


def test_raised_digits_are_powers_and_spanish_names_are_known() -> None:
    assert read("exp(-t²)", "t⁻¹²").functions == read("exp(-t^2)", "t^(-12)").functions
    assert read("sen(t)*senh(t)", "tg(t)*arctg(t)").functions == read("sin(t)*sinh(t)", "tan(t)*atan(t)").functions
