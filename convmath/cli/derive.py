"""convmath derive: a gradient, step by step."""

from __future__ import annotations

from pathlib import Path

import click

from convmath.derivation import Derivation
from convmath.errors import unknown
from convmath.ops.registry import operator

from . import COMMANDS, options
from .options import hyperparameters, show, word

__all__ = ["command"]

KINDS = ("vjp", "jvp", "hvp", "solved", "shape")


@click.command("derive", help=COMMANDS["derive"])
@options.operator_
@options.pairs
@click.option("--wrt", default="X", show_default=True, help="The input to differentiate by.")
@click.option("--kind", default="vjp", show_default=True, metavar="|".join(KINDS), help="What to derive.")
@options.ndim
@options.lang
@options.format_
@options.output
@options.json_
def command(
    operator_name: str,
    arguments: tuple[str, ...],
    wrt: str,
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
    op = operator(operator_name, ndim, **fixed)
    found: Derivation = op.shape() if kind == "shape" else op.solved() if kind == "solved" else getattr(op, kind)(wrt)
    said = {"operator": repr(op), "kind": kind, "wrt": found.wrt, "result": str(found.result)} if json_ else None
    show(found, lang, format_, output, said)
