"""convmath convolve: what it prints in each format and language, its exit status, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sympy

from convmath.render.document import FORMATS
from convmath.signals.errors import NotFoundError

from .test_command import run


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    ("lang", "title", "said"),
    [("en", "Convolution", "The result was compared"), ("es", "Convolución", "El resultado se comparó")],
)
def test_a_result_in_each_format_and_language(format_: str, lang: str, title: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "convolution"
    asked = ("convolve", "exp(-a*t)*u(t)", "rect(t)", "--assume", "a>0", "--lang", lang, "--format", format_)
    shown, written = run(*asked), run(*asked, "-o", str(path))
    assert shown.exit_code == written.exit_code == 0, shown.output
    assert written.output == ""
    text = path.read_text(encoding="utf-8")
    for document in (shown.output, text):
        assert title in document
        assert said in document
    assert (format_ == "latex") == ("\\documentclass" in text)


@pytest.mark.parametrize("format_", FORMATS)
def test_the_steps_in_each_format(format_: str) -> None:
    found = run(
        "convolve", "exp(-a*t)*u(t)", "rect(t)", "--var", "t", "--assume", "a>0", "--steps", "--lang", "es",
        "--format", format_,
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    for said in ("Aquí", "La definición", "Reflejar y desplazar", "Dónde se solapan", "Resultado", "se comprobó"):
        assert said in found.output


def test_the_definition_the_functions_and_the_result() -> None:
    found = run("convolve", "exp(-a*t)*u(t)", "exp(-b*t)*u(t)", "--assume", "0 < a < b, b < 3")
    assert found.exit_code == 0
    for said in (
        "(f ∗ g)(t) = ∫_{-∞}^∞ f(τ)·g(t-τ) dτ",
        "f(t) = e^(-a·t)·u(t)",
        "Here 0 < a < b, b < 3.",
        "u(0) = 1/2",
    ):
        assert said in found.output


def test_every_case_of_the_parameters_has_its_steps() -> None:
    found = run("convolve", "exp(-a*t)*u(t)", "exp(-b*t)*u(t)", "--steps", "--json")
    said = json.loads(found.stdout)
    assert found.exit_code == 0
    assert sum(step["step"] == "Define" for step in said["steps"]) == 2
    assert all(step["cases"] and step["failure"] is None for step in said["steps"])
    assert "a = b" in said["document"]


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        (["u(t)", "u(t)"], "t*Heaviside(t)"),
        (["u[n]", "u[n]"], "(n + 1)*Heaviside(n, 1)"),
        (["u(n)", "u(n)", "--var", "n", "--discrete"], "(n + 1)*Heaviside(n, 1)"),
        (["u(k)", "u(k)", "--var", "k integer"], "(k + 1)*Heaviside(k, 1)"),
        (["-u(t)", "-t*u(t)"], "t**2*Heaviside(t)/2"),
        (["exp(-x^2-y^2)", "exp(-x^2-y^2)", "--var", "x,y"], "pi*exp(-x**2/2 - y**2/2)/2"),
        (["rect(x)*rect(y)", "rect(x)*rect(y)", "--var", "x,y"], "Max(0, 1 - Abs(x))*Max(0, 1 - Abs(y))"),
        (["delta(t, 1)", "t^3"], "3*t**2"),
        (["exp(-t)*u(t)", "u(t)", "--correlate"], "Piecewise((1, t > 0), (exp(t), True))"),
        (["sinc(t)", "sinc(2*t)"], "sin(pi*t)/(2*pi*t)"),
        (["1/t", "1/(t^2+1)", "--pv"], "pi*t/(t**2 + 1)"),
        (["f(t)", "delta(t-2)"], "f(t - 2)"),
        (["f(t)*delta(t-1) + delta(t)", "t"], "(t - 1)*f(1) + t"),
        (["n^2", "f[n]", "--period", "2"], "f(0)*KroneckerDelta(n, 1) + f(1)*KroneckerDelta(n, 0)"),
        (["10^50*u(t)", "u(t)"], "10**50*t*Heaviside(t)"),
        (
            ["u[n-1]/n", "tri[n/3]", "--period", "4"],
            "7*KroneckerDelta(0, n)/18 + 10*KroneckerDelta(1, n)/9 + 7*KroneckerDelta(2, n)/6 + KroneckerDelta(3, n)",
        ),
    ],
)
def test_what_is_found(arguments: list[str], result: str) -> None:
    found = run("convolve", *arguments, "--json")
    assert found.exit_code == 0, found.output
    said = json.loads(found.stdout)
    assert said["ok"] is True
    assert said["checked"] > 0
    got, wanted = (sympy.sympify(text, locals={"f": sympy.Function("f")}) for text in (said["result"], result))
    for value in (-sympy.Rational(7, 3), sympy.Integer(-2), sympy.Rational(1, 3), sympy.Integer(2)):
        at = dict.fromkeys(got.free_symbols | wanted.free_symbols, value)
        assert sympy.simplify(got.subs(at) - wanted.subs(at)) == 0


def test_a_period_is_said_with_where_the_functions_are_given() -> None:
    found = run("convolve", "t", "t", "--period", "1")
    assert found.exit_code == 0
    assert "∫_0^1 f(τ)·g(t-τ) dτ" in found.output
    assert "Both functions are given for 0 ≤ t < 1, and go on with this period." in found.output


# --- lists --------------------------------------------------------------------------------------------------------


def test_lists_with_the_sum_for_each_index() -> None:
    found = run("convolve", "[1,2,3]", "[0,1,1/2]", "--steps")
    assert found.exit_code == 0
    assert "f ∗ g = [0, 1, 5/2, 4, 3/2]" in found.output
    assert "(f ∗ g)[2] = 1·1/2 + 2·1 + 3·0 = 5/2" in found.output
    assert "Lists begin at the index 0, and the result at 0." in found.output


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        (["[1,2,3,4]", "[5,6,7,8]", "--period", "4"], ["66", "68", "66", "60"]),
        (["[1, a]", "[1, -a]"], ["1", "0", "-a**2"]),
        (["[[1,2],[3,4]]", "[[1,1]]"], [["1", "3", "2"], ["3", "7", "4"]]),
        (["[1, 2]", "[1, i]", "--correlate"], ["2", "1 + 2*I", "I"]),
        (["[i, 1]", "[1]", "--correlate"], ["1", "-I"]),
    ],
)
def test_lists_as_json(arguments: list[str], result: list[object]) -> None:
    found = run("convolve", *arguments, "--json")
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout)["result"] == result


@pytest.mark.parametrize(
    ("arguments", "row"),
    [
        (["[1,2,3]", "[4,5]", "--correlate", "--lang", "es"], "(f ⋆ g)[-1] = 2·4 + 3·5 = 23"),
        (["[1,2,3]", "[4,5,6]", "--correlate", "--period", "3"], "(f ⋆ g)[1] = 1·5 + 2·6 + 3·4 = 29"),
        (["[1,2,3]", "[4,5]", "--period", "2"], "(f ∗ g)[0] = 1·4 + 2·5 + 3·4 = 26"),
    ],
)
def test_the_sums_of_lists_are_those_of_the_result(arguments: list[str], row: str) -> None:
    found = run("convolve", *arguments, "--steps")
    assert found.exit_code == 0, found.output
    assert row in found.output


# --- what has no answer -------------------------------------------------------------------------------------------


def test_a_divergent_integral_is_called_so_and_ends_with_1() -> None:
    found = run("convolve", "exp(-t)", "u(t)", "--lang", "es")
    assert found.exit_code == 1
    assert "No tiene valor: la integral diverge" in found.stdout
    assert found.stderr.startswith("convmath: la integral diverge")
    said = json.loads(run("convolve", "t", "t", "--json").stdout)
    assert said["ok"] is False
    assert said["result"] is None
    assert "diverges" in said["reason"]


def test_what_is_not_found_is_said_with_the_reason_and_ends_with_1() -> None:
    found = run("convolve", "erf(exp(t))", "u(t)*log(t)")
    assert found.exit_code == 1
    assert "No closed form was found" in found.stdout
    assert found.stderr.startswith("convmath: ")
    assert " _t" not in found.output


def test_steps_that_are_not_written_end_with_1_beside_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(problem: Any) -> Any:
        raise NotFoundError("no steps lead there")

    monkeypatch.setattr("convmath.signals.derive.by_support", nothing)
    found = run("convolve", "u(t)", "u(t)", "--steps")
    assert found.exit_code == 1
    assert "(f ∗ g)(t) = t·u(t)" in found.stdout
    assert found.stderr == "convmath: no steps lead there\n"


def test_a_step_that_does_not_hold_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    from convmath.signals.derive import support

    right = support.by_support

    def changed(problem: Any) -> Any:
        *steps, last = right(problem)
        return (*steps, replace(last, after=last.after + 1))

    monkeypatch.setattr("convmath.signals.derive.by_support", changed)
    found = run("convolve", "u(t)", "u(t)", "--steps", "--json")
    assert found.exit_code == 1
    assert json.loads(found.stdout)["ok"] is False
    assert found.stderr.startswith("convmath: step ")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["u(t", "u(t)"], 'the end at place 4 of "u(t" came where a closing parenthesis is needed'),
        (["hevaside(t)", "u(t)"], "there is no function 'hevaside'; the nearest is heaviside"),
        (["9**9**9", "t"], "is a power of more than 4000 bits"),
        (["__import__('os')", "t"], "has no meaning here"),
        (["u(t)", "t.real"], "'.' at place 2"),
        (["u(t)", "[1]"], "a list came beside a function"),
        (["[[1],[2]]", "[[1]]", "--steps"], "the steps of lists are written in one dimension"),
        (["[[1],[2,3]]", "[[1]]"], "a nested list came whose parts have different sizes"),
        (["[1]", "[2]", "--period", "1/2"], "the period 1/2 came for lists"),
        (["u(t)", "u(t)", "--period", "t"], "the period t came"),
        (["u(t)", "u(t)", "--var", "x"], "x stands in no function"),
        (["u(t)", "u(t)", "--var", "t complex"], "a variable is real or integer"),
        (["u(m)*u[n]", "m*n", "--var", "m,n real"], "n is real, but u[…] is of integers"),
        (["u(t)", "u(t)", "--assume", "t>0"], "is a variable"),
        (["u(t)", "u(t)", "--assume", "q>0"], "'q' at place 1 of \"q>0\" stands in no function"),
        (["u(t)", "u(t)", "--lang", "fr"], "there is no language 'fr'"),
        (["u(t)", "u(t)", "--format", "pdf"], "there is no format 'pdf'"),
        (["u(t)", "u(t)", "-o", "x.pdf"], "there is no file type to save a convolution as '.pdf'"),
    ],
)  # fmt: skip
def test_what_can_not_be_done_is_said_in_a_sentence(arguments: list[str], sentence: str) -> None:
    found = run("convolve", *arguments)
    assert found.exit_code == 2, found.output
    assert found.output.startswith("convmath: ")
    assert sentence in found.output
    assert found.stdout == ""


def test_an_option_that_is_not_there_is_no_formula() -> None:
    found = run("convolve", "u(t)", "u(t)", "--stesp")
    assert found.exit_code == 2
    assert "No such option '--stesp'" in found.output
