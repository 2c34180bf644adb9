"""convmath derive: a gradient, step by step."""

from __future__ import annotations

from pathlib import Path

import click

from convmath.derivation import Derivation
from convmath.errors import UnknownNameError, unknown
from convmath.ops.registry import Operator, operator

from . import COMMANDS, options
from .options import hyperparameters, show, word

__all__ = ["command"]

# what can be derived, and the inputs that it asks for
KINDS = {"vjp": ("wrt",), "jvp": ("wrt",), "hvp": ("wrt", "along"), "solved": (), "shape": ()}


@click.command("derive", help=COMMANDS["derive"])
@click.option("--wrt", metavar="INPUT", help="The input to differentiate by.  [default: X]")
@click.option("--along", metavar="INPUT", help="For hvp: the input of the tangent.  [default: that of --wrt]")
@click.option("--kind", default="vjp", show_default=True, metavar="|".join(KINDS), help="What to derive.")
@options.of_a_derivation
def command(
    operator_name: str,
    arguments: tuple[str, ...],
    wrt: str | None,
    along: str | None,
    kind: str,
    ndim: int,
    lang: str,
    format_: str | None,
    output: Path | None,
    json_: bool,
) -> None:
    if kind not in KINDS:
        raise unknown("kind of derivation", kind, KINDS, "--kind")
    fixed = {name: word(value) for name, value in hyperparameters(arguments).items()}
    inputs = {name: given for name, given in (("wrt", wrt), ("along", along)) if given is not None}
    for name in inputs:
        if name not in KINDS[kind]:
            raise UnknownNameError(f"--{name} names an input, but {kind!r} asks for none such [--kind]")
    op = operator(operator_name, ndim, **fixed)
    found: Derivation = getattr(op, kind)(**inputs)
    show(found, lang, format_, output, _as_json(op, found) if json_ else None)


def _as_json(op: Operator, derivation: Derivation) -> dict[str, object]:
    steps = [
        {
            "step": type(step).__name__,
            "rule": step.rule,
            "after": str(step.after),
            "always": [str(guard) for guard in step.conditions],
            "cases": step.outcome.cases if step.outcome else 0,
            "failure": step.outcome.failure if step.outcome else None,
        }
        for step in derivation.steps
    ]
    said = {"operator": repr(op), "kind": derivation.kind, "wrt": derivation.wrt, "result": str(derivation.result)}
    return {**said, "steps": steps}
