"""Convolutions that are not carried out, as expressions of SymPy: printing, comparing, substituting, refusing."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import sympy
from sympy import Function, Heaviside, Integral, Rational, Subs, Sum, Symbol, exp, oo, symbols
from sympy.core.cache import clear_cache

from convmath.errors import AssumptionError
from convmath.signals import Convolution, Correlation, convolve, correlate
from convmath.signals.errors import ArgumentError
from convmath.signals.operation import Operation

t, s, x, y, a = symbols("t s x y a", real=True)
m, n, k = symbols("m n k", integer=True)
P = Symbol("P", positive=True)
f, g, h = symbols("f g h", cls=Function)
u = Heaviside

# --- printing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "latex"),
    [
        (Convolution(f(t), g(t), t), r"\int_{-\infty}^{\infty} f(\tau) g(t - \tau)\, d\tau"),
        (Correlation(f(t), g(t), t), r"\int_{-\infty}^{\infty} \overline{f(\tau)} g(t + \tau)\, d\tau"),
        (Convolution(f(n), g(n), n), r"\sum_{k=-\infty}^{\infty} f[k] g[n - k]"),
        (
            Convolution(f(x, y), h(x, y), (x, y)),
            r"\int_{\mathbb{R}^{2}} f(\mathbf{r}') h(\mathbf{r} - \mathbf{r}')\, d\mathbf{r}'",
        ),
        (
            Convolution(f(m, n), h(m, n), (m, n)),
            r"\sum_{\mathbf{n}' \in \mathbb{Z}^{2}} f[\mathbf{n}'] h[\mathbf{n} - \mathbf{n}']",
        ),
        (Convolution(f(t), g(t), t, P), r"\int_{0}^{P} f(\tau) g((t - \tau) \bmod P)\, d\tau"),
        (Convolution(f(n), g(n), n, 4), r"\sum_{k=0}^{3} f[k] g[(n - k) \bmod 4]"),
        (
            Convolution(f(x, y), g(x, y), (x, y), (P, 2)),
            r"\int_{[0, P] \times [0, 2]} f(\mathbf{r}') g(\mathbf{r} - \mathbf{r}')\, d\mathbf{r}'",
        ),
        (
            Convolution(exp(-a * t) * u(t), exp(-t) * u(t), t),
            r"\int_{-\infty}^{\infty} e^{- a \tau} \theta\left(\tau\right) e^{- \left(t - \tau\right)} "
            r"\theta\left(t - \tau\right)\, d\tau",
        ),
        (
            Convolution(a**n * u(n, 1), sympy.KroneckerDelta(n - 2, 0) + u(n, 1), n),
            r"\sum_{k=-\infty}^{\infty} a^{k} u[k] \left(u[n - k] + \delta[\left(n - k\right) - 2]\right)",
        ),
        (
            Convolution(exp(-(x**2) - y**2), h(x, y), (x, y)),
            r"\int_{\mathbb{R}^{2}} e^{- x'^{2} - y'^{2}} h(\mathbf{r} - \mathbf{r}')\, d\mathbf{r}'",
        ),
        (Convolution(f(x), g(x), x), r"\int_{-\infty}^{\infty} f(x') g(x - x')\, dx'"),
        (Convolution(-f(t), 1 - g(t), t), r"\int_{-\infty}^{\infty} \left(- f(\tau)\right) "
         r"\left(1 - g(t - \tau)\right)\, d\tau"),
    ],
)  # fmt: skip
def test_latex_is_the_definition_as_it_is_written(operation: Any, latex: str) -> None:
    assert sympy.latex(operation) == latex


def test_latex_among_other_terms() -> None:
    convolution = Convolution(f(t), g(t), t)
    alone = sympy.latex(convolution)
    assert sympy.latex(2 * convolution + 1) == f"2 {alone} + 1"
    assert sympy.latex(convolution**2) == rf"\left({alone}\right)^{{2}}"
    assert sympy.latex(sympy.Eq(h(t), convolution)) == rf"h{{\left(t \right)}} = {alone}"


def test_a_name_that_is_taken_is_not_that_of_the_inner_variable() -> None:
    tau = Symbol("tau", real=True)
    assert sympy.latex(Convolution(tau * f(t), g(t), t)) == r"\int_{-\infty}^{\infty} \tau f(t') g(t - t')\, dt'"
    assert r"\sum_{m=-\infty}" in sympy.latex(Convolution(k * f(n), g(n), n))


def test_plain_text_and_pretty() -> None:
    assert str(Convolution(f(t), g(t), t)) == "Convolution(f(t), g(t), t)"
    assert str(Correlation(f(x, y), g(x, y), (x, y))) == "Correlation(f(x, y), g(x, y), (x, y))"
    assert "f(τ)⋅g(t - τ) dτ" in sympy.pretty(Convolution(f(t), g(t), t), use_unicode=True)
    assert "f[k]⋅g[n - k]" in sympy.pretty(Convolution(f(n), g(n), n), use_unicode=True)
    assert "-(t - τ)" in sympy.pretty(Convolution(f(t), exp(-t), t), use_unicode=True)
    assert "Max(0, 1 - Abs((t - τ)))" in sympy.pretty(
        Convolution(f(t), sympy.Max(0, 1 - sympy.Abs(t)), t), use_unicode=True
    )


# --- as a value ---------------------------------------------------------------------------------------------------

OPERATIONS = [
    Convolution(exp(-a * t) * u(t), f(t), t),
    Correlation(f(t), g(t), t),
    Convolution(a**n * u(n, 1), f(n), n),
    Convolution(f(x, y), h(x, y), (x, y)),
    Convolution(f(t), g(t), t, P),
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_copies_and_what_is_read_back_are_equal(operation: Any) -> None:
    names = {**vars(sympy), "Convolution": Convolution, "Correlation": Correlation}
    for other in (
        pickle.loads(pickle.dumps(operation)),
        copy.copy(operation),
        copy.deepcopy(operation),
        eval(sympy.srepr(operation), dict(names)),
        operation.func(*operation.args),
    ):
        assert other == operation
        assert hash(other) == hash(operation)
        assert type(other) is type(operation)
    assert len({*OPERATIONS}) == len(OPERATIONS)


def test_what_is_different_is_unequal() -> None:
    assert Convolution(f(t), g(t), t) != Convolution(g(t), f(t), t)
    assert Convolution(f(t), g(t), t) != Correlation(f(t), g(t), t)
    assert Convolution(f(t), g(t), t) != Convolution(f(t), g(t), t, P)


def test_it_is_the_integral_or_the_sum() -> None:
    tau = Symbol("tau", real=True)
    assert Convolution(f(t), g(t), t).rewrite(Integral) == Integral(f(tau) * g(t - tau), (tau, -oo, oo))
    assert Convolution(f(n), g(n), n).rewrite(Sum) == Sum(f(k) * g(n - k), (k, -oo, oo))
    assert Correlation(f(n), g(n), n).rewrite(Sum) == Sum(sympy.conjugate(f(k)) * g(n + k), (k, -oo, oo))
    assert Convolution(f(t), g(t), t).rewrite(Sum) == Convolution(f(t), g(t), t)


# --- substitution -------------------------------------------------------------------------------------------------


def test_the_variable_is_free_and_a_parameter_too() -> None:
    assert Convolution(exp(-a * t), g(t), t).free_symbols == {a, t}
    assert Convolution(f(t), g(t), t, P).free_symbols == {t, P}


def test_another_name_for_the_variable_is_taken_everywhere() -> None:
    assert Convolution(exp(-a * t), g(t), t).subs(t, s) == Convolution(exp(-a * s), g(s), s)
    assert Convolution(f(x, y), g(x, y), (x, y)).subs(x, s) == Convolution(f(s, y), g(s, y), (s, y))


@pytest.mark.parametrize("value", [3, -Rational(1, 3), s**2, a, n, Symbol("z", positive=True)])
def test_a_value_for_the_variable_is_where_it_is_evaluated(value: Any) -> None:
    convolution = Convolution(exp(-a * t) * u(t), u(t), t)
    assert convolution.subs(t, value) == Subs(convolution, t, value)
    expected = convolution.doit().subs(t, value)
    assert sympy.simplify(convolution.subs(t, value).doit() - expected) == 0


def test_a_parameter_is_not_caught_by_the_variable() -> None:
    convolution = Convolution(exp(-a * t) * u(t), u(t), t)
    assert convolution.subs(a, 2) == Convolution(exp(-2 * t) * u(t), u(t), t)
    found = convolution.subs(a, t)
    assert isinstance(found, Subs)
    expected = convolution.doit().subs(a, t)
    for value in (Rational(1, 2), 2):
        assert sympy.simplify((found.doit() - expected).subs(t, value)) == 0
    swapped = convolution.subs({a: t, t: a}, simultaneous=True)
    assert sympy.simplify((swapped.doit() - convolution.doit().subs({a: t, t: a}, simultaneous=True)).subs(
        {a: Rational(1, 3), t: 2})) == 0  # fmt: skip


def test_a_parameter_that_is_caught_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Operation, "_eval_subs", lambda *_: None)
    clear_cache()  # SymPy remembers what it has put in
    try:
        with pytest.raises(AssertionError):
            test_a_parameter_is_not_caught_by_the_variable()
    finally:
        clear_cache()


def test_a_function_is_put_in_for_another() -> None:
    asked = Convolution(f(t), g(t), t)
    assert asked.subs({f(t): u(t), g(t): exp(-t) * u(t)}).doit() == (1 - exp(-t)) * u(t)
    assert asked.replace(f, sympy.Lambda(s, u(s))) == Convolution(u(t), g(t), t)
    assert asked.subs(s, 3) == asked


def test_a_derivative_waits_for_the_value() -> None:
    box = sympy.Piecewise((1, (t > 0) & (t < 1)), (0, True))
    convolution = Convolution(box, exp(-t) * u(t), t)
    derivative = convolution.diff(t)
    assert isinstance(derivative, sympy.Derivative)
    expected = convolution.doit().diff(t)
    for value in (Rational(1, 3), Rational(3, 2), -1):
        assert sympy.simplify((derivative.doit() - expected).subs(t, value)) == 0
    assert expected.subs(t, Rational(1, 3)) != 0


def test_inner_convolutions_are_carried_out_first() -> None:
    inner = Convolution(u(t), u(t), t)
    assert Convolution(inner, u(t), t).doit() == t**2 * u(t) / 2


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "kind", "sentence"),
    [
        (("t", t, t), ArgumentError, "a text came where a function is needed"),
        ((t, "__import__('os')", t), ArgumentError, "a text came where a function is needed"),
        ((f, g(t), t), ArgumentError, "f came without its argument, but an expression such as f(t) is needed"),
        ((lambda t: t, t, t), ArgumentError, "<lambda> came without its argument"),
        ((sympy.Lambda(t, t), t, t), ArgumentError, "came without its argument"),
        (([1, 2], t, t), ArgumentError, "a list or matrix came where a function is needed"),
        ((t, sympy.Matrix([t]), t), ArgumentError, "a list or matrix came where a function is needed"),
        ((t > 0, t, t), ArgumentError, "t > 0 came, which is true or false"),
        ((t, True, t), ArgumentError, "True came, which is true or false"),
        ((t, None, t), ArgumentError, "None came where a function is needed"),
        ((t, sympy.nan, t), ArgumentError, "nan came, which has no value"),
        ((t, Symbol("A", commutative=False), t), ArgumentError, "A came, but a function with numbers as values"),
        ((t, t, 3), ArgumentError, "3 came as a variable, but a symbol is needed"),
        ((t, t, t + 1), ArgumentError, "t + 1 came as a variable, but a symbol is needed"),
        ((t, t, "t"), ArgumentError, "'t' came as a variable, but a symbol is needed"),
        ((t, t, ()), ArgumentError, "no variable came"),
        ((t, t, (t, t)), ArgumentError, "the variable t came twice"),
        ((t, t, (t, n)), ArgumentError, "n is an integer and t is not"),
        ((t, t, Symbol("z", complex=True)), AssumptionError, "z came as a variable, but it need not be real"),
        ((t, t, Symbol("z", imaginary=True)), AssumptionError, "z came as a variable, but it need not be real"),
        ((t, t, Symbol("z", positive=True)), AssumptionError, "but it was declared positive"),
        ((t, t, Symbol("z", even=True)), AssumptionError, "but it was declared even"),
        ((t, t, t, t), ArgumentError, "the period t came"),
        ((t, t, t, -1), ArgumentError, "the period -1 came"),
        ((n, n, n, Rational(1, 2)), ArgumentError, "the period 1/2 of a sequence came"),
        ((t, t, t, (1, 2)), ArgumentError, "2 periods came for 1 variables"),
    ],
)  # fmt: skip
def test_what_can_not_be_convolved_is_said_in_a_sentence(
    arguments: tuple[Any, ...], kind: type[Exception], sentence: str
) -> None:
    with pytest.raises(kind) as error:
        Convolution(*arguments)
    assert sentence in str(error.value)
    assert str(error.value).endswith("Convolution]")


def test_functions_need_their_variable_and_lists_none() -> None:
    with pytest.raises(ArgumentError, match="came without a variable; functions are convolved with their variable"):
        convolve(u(t), u(t))
    with pytest.raises(ArgumentError, match="a text came without a variable"):
        correlate("__import__('os')", [1])
    with pytest.raises(ArgumentError, match="a text came where a function is needed"):
        convolve(["__import__('os')"], [1])
    with pytest.raises(AssumptionError, match="the text 'a > 0' came as an assumption"):
        convolve(u(t), u(t), t, assume="a > 0")
    assert convolve([1, 2], [1, a]) == [1, a + 2, 2 * a]


def test_a_symbol_that_assumes_nothing_is_a_real_variable() -> None:
    plain = Symbol("t")
    assert convolve(u(plain), u(plain), plain) == plain * u(plain)
