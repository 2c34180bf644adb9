"""convmath convolve: two functions, sequences or lists as text, convolved."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from convmath.errors import TextError
from convmath.signals import Convolution, Correlation, convolve, correlate
from convmath.signals.derive.answer import Answered, AnsweredLists
from convmath.signals.derive.reasons import told
from convmath.signals.errors import CheckError, DivergentError, NotFoundError
from convmath.signals.typed import Typed, read
from convmath.steps import Step

from . import COMMANDS, options

__all__ = ["command"]

BEGINS_WITH_MINUS = re.compile(r"-(?!-)(.*[()\[\]*/^+ ]|[\d.])")
TYPED = """
F and G are functions such as exp(-a*t)*u(t), rect(t/T), cases(t < 0: 0, t < 1: t, 1); sequences such as a^n*u[n] and
delta[n-1]; or lists, [1, 2, 3]. sinc(t) is sin(πt)/(πt), delta(t, 1) the derivative of the impulse, i and j are √-1.
Other letters are real parameters.
"""


class Formulas(click.Command):
    """A command whose arguments may begin with a minus."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [f" {arg}" if BEGINS_WITH_MINUS.match(arg) else arg for arg in args])


@click.command("convolve", cls=Formulas, help=COMMANDS["convolve"], epilog=TYPED)
@click.argument("f")
@click.argument("g")
@click.option("--var", metavar="NAMES", help="The variables, x,y or n integer.  [default: t, or n of sequences]")
@click.option("--discrete", is_flag=True, help="The variables are integers; so they are with brackets, as in u[n].")
@click.option("--assume", multiple=True, metavar="RELATIONS", help="What holds: a > 0, b > a, n integer, 0 < r < 1.")
@click.option("--correlate", "correlation", is_flag=True, help="∫ conj f(τ) g(t + τ) dτ, in which nothing is turned.")
@click.option("--period", metavar="P", help="Circular: f and g are given on one period.")
@click.option("--pv", is_flag=True, help="Principal values.")
@click.option("--steps", is_flag=True, help="The steps, as a lecturer writes them.")
@options.lang
@options.format_
@options.output
@options.json_
def command(
    f: str,
    g: str,
    var: str | None,
    discrete: bool,
    assume: tuple[str, ...],
    correlation: bool,
    period: str | None,
    pv: bool,
    steps: bool,
    lang: str,
    format_: str | None,
    output: Path | None,
    json_: bool,
) -> None:
    typed = read(f, g, var=var, assume=", ".join(assume), discrete=discrete, period=period)
    if typed.variable is None:
        found, said = _of_lists(typed, correlation, steps)
        failures = []
    else:
        found, failures = _answered(typed, correlation, pv, steps)
        said = _as_json(found, failures)
    options.tell(found, lang, format_, output, said if json_ else None)
    for failure in failures:
        click.echo(f"convmath: {told(failure, lang)}", err=True)
    if failures:
        click.get_current_context().exit(1)


def _of_lists(typed: Typed, correlation: bool, steps: bool) -> tuple[AnsweredLists, dict[str, Any]]:
    f, g = typed.functions
    found = (correlate if correlation else convolve)(f, g, period=typed.period)
    one_dimension = not any(isinstance(entry, list) for entry in (*f, *g))
    if steps and not one_dimension:
        raise TextError("the steps of lists are written in one dimension, but nested lists came [--steps]")
    said = {"operation": _name(correlation), "f": _said(f), "g": _said(g), "result": _said(found), "ok": True}
    return AnsweredLists(f, g, found, correlation, typed.period, steps), said


def _answered(typed: Typed, correlation: bool, pv: bool, steps: bool) -> tuple[Answered, list[str]]:
    """The answer, and why there is none, or what is wrong with its steps."""
    f, g = typed.functions
    asked = (Correlation if correlation else Convolution)(f, g, typed.variable, typed.period)
    unanswered = Answered(asked, None, given=typed.relations, principal=pv)
    try:
        found = asked.solve(assume=typed.relations, pv=pv)
    except (DivergentError, CheckError) as error:
        return replace(unanswered, reason=str(error), divergent=isinstance(error, DivergentError)), [str(error)]
    if not found.answers:
        return replace(unanswered, reason=found.reason), [found.reason]
    needed = tuple(dict.fromkeys(relation for answer in found.answers for relation in answer.needed))
    held = sum(answer.held for answer in found.answers)
    answered = replace(unanswered, expr=found.expr, needed=needed, held=held, reason=found.reason)
    if not steps:
        return answered, []
    try:
        branches = [place for place, answer in enumerate(found.answers) if answer.expression is not None]
        derivations = tuple(found.derivation(branch=place) for place in branches)
    except NotFoundError as error:
        return answered, [str(error)]
    failures = [failure for derivation in derivations for failure in derivation.verify().failures]
    return replace(answered, derivations=derivations), failures


def _as_json(answered: Answered, failures: list[str]) -> dict[str, Any]:
    asked = answered.asked
    return {
        "operation": _name(asked.sign > 0),
        "f": str(asked.functions[0]),
        "g": str(asked.functions[1]),
        "variables": [str(x) for x in asked.variables],
        "period": None if asked.period is None else str(asked.period),
        "result": None if answered.expr is None else str(answered.expr),
        "needed": [str(relation) for relation in answered.needed],
        "checked": answered.held,
        "reason": answered.reason or None,
        "steps": [_step(step) for derivation in answered.derivations for step in derivation.steps],
        "ok": not failures,
    }


def _step(step: Step) -> dict[str, Any]:
    outcome = step.outcome
    cases, failure = (outcome.cases, outcome.failure) if outcome else (0, None)
    return {"step": type(step).__name__, "rule": step.rule, "cases": cases, "failure": failure}


def _name(correlation: bool) -> str:
    return "correlation" if correlation else "convolution"


def _said(values: Any) -> Any:
    return [_said(value) for value in values] if isinstance(values, list) else str(values)
