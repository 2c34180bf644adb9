"""convmath derive: a gradient, step by step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from convmath.derivation import SUFFIXES, Derivation
from convmath.errors import unknown
from convmath.ops.registry import operator

from . import COMMANDS, options
from .options import hyperparameters, word, write

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
    name = format_ or (SUFFIXES.get(output.suffix, "text") if output else "text")
    # a file is a whole document, standard output takes a piece of one
    whole: dict[str, Any] = {"standalone": True} if name == "latex" and output else {}
    text = found.emit(name, lang, **whole)
    verdict = found.verify()
    if output or not json_:
        write(text, output)
    if json_:
        said = {"operator": repr(op), "kind": kind, "wrt": found.wrt, "result": str(found.result), "document": text}
        click.echo(json.dumps(said | {"ok": verdict.ok, "failures": verdict.failures}, ensure_ascii=False))
    if not verdict:
        click.get_current_context().exit(1)
