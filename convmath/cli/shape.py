"""convmath shape: an output size, with numbers, symbols or a mixture."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from convmath import text
from convmath.calculus.symbols import to_sympy
from convmath.derivation import Derivation
from convmath.ir.build import subscripts
from convmath.ir.poly import Param, Poly, poly
from convmath.ir.typed import form
from convmath.ir.walk import params
from convmath.ops.registry import Operator, family_options, operator
from convmath.steps import Substitute
from convmath.window import PADDING_WORDS

from . import COMMANDS, options
from .options import an_axis_each, chosen, hyperparameters, show

__all__ = ["command"]


@click.command("shape", help=COMMANDS["shape"])
@options.of_a_derivation
def command(
    operator_name: str,
    arguments: tuple[str, ...],
    ndim: int,
    lang: str,
    format_: str | None,
    output: Path | None,
    json_: bool,
) -> None:
    """NAME=VALUE: a size or hyper-parameter (n, k, s, d, p, stride, …) with a number or a form such as 2*h+1."""
    typed = hyperparameters(arguments)
    fixed = chosen(typed, family_options(operator_name))
    sizes = {name: value for name, value in typed.items() if name not in fixed}
    if "p" in sizes and not {"a", "b"} & set(sizes):
        fixed["padding"] = "symmetric"
    op = operator(operator_name, ndim, **fixed)
    worded = {name: value for name, value in sizes.items() if name == "padding" and value in PADDING_WORDS}
    given = worded | {name: _forms(value, op) for name, value in sizes.items() if name not in worded}
    found = op.shape(**given, defaults=bool(typed))
    show(found, lang, format_, output, _as_json(op, found) if json_ else None)


def _forms(value: str, op: Operator) -> Any:
    """One form for all axes, or one (or a pair) for each with commas between; a letter means that of its axis."""
    known = {param.name: poly(param) for param in params(op.open_statement)}

    def read(part: str, axis: int) -> Poly:
        return form(text.parse(part), partial(_symbol, known, axis))

    parts: list[Any] = an_axis_each(value) or (value.split(",") if "(" not in value else [value])
    if len(parts) == 1 and isinstance(parts[0], str):
        parts *= op.ndim
    axes = subscripts(op.ndim) if len(parts) == op.ndim else [0] * len(parts)
    forms = [
        read(part, axis) if isinstance(part, str) else tuple(read(one, axis) for one in part)
        for part, axis in zip(parts, axes, strict=True)
    ]
    return tuple(forms) if isinstance(parts[0], list) or len(set(forms)) > 1 else forms[0]


def _symbol(known: dict[str, Poly], axis: int, name: str) -> Poly:
    """A parameter of the operator by its letter, with or without its axis; else a new one."""
    letter = name.rstrip("0123456789") or name
    new = Param(letter, int(name[len(letter) :] or 0))
    return known.get(Param(name, axis).name, known.get(name, poly(new)))


def _as_json(op: Operator, derivation: Derivation) -> dict[str, object]:
    step = next((step for step in derivation.steps if isinstance(step, Substitute)), None)
    return {
        "operator": repr(op),
        "formula": [str(size) for size in op.shape().result],
        "values": {} if step is None else {str(to_sympy(poly(p))): str(to_sympy(value)) for p, value in step.values},
        "shape": [int(size) if size.is_Integer else str(size) for size in derivation.result],
        "left_over": [] if step is None else [str(to_sympy(rest)) for rest in step.left_over],
    }
