"""convmath shape: an output size, with numbers, symbols or a mixture."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from convmath import text
from convmath.calculus.symbols import to_sympy
from convmath.derivation import Derivation
from convmath.ir.bind import WORDS
from convmath.ir.build import subscripts
from convmath.ir.poly import Param, Poly, poly
from convmath.ir.typed import form
from convmath.ir.walk import params
from convmath.ops.registry import Operator, family_options, operator
from convmath.steps import Substitute
from convmath.window import PADDING_WORDS, per_axis, windows

from . import COMMANDS, options
from .options import an_axis_each, chosen, hyperparameters, show, word

__all__ = ["command"]


@click.command("shape", help=COMMANDS["shape"])
@options.operator_
@options.pairs
@options.ndim
@options.lang
@options.format_
@options.output
@options.json_
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
    if sizes.get("padding") in PADDING_WORDS:
        fixed |= _worded_padding(sizes, operator(operator_name, ndim))
    elif "p" in sizes and not {"a", "b"} & set(sizes):
        fixed["padding"] = "symmetric"
    op = operator(operator_name, ndim, **fixed)
    given = {name: _forms(value, op) for name, value in sizes.items()}
    found = op.shape(**given, defaults=bool(typed))
    show(found, lang, format_, output, _as_json(op, found) if json_ else None)


def _worded_padding(sizes: dict[str, str], op: Operator) -> dict[str, Any]:
    """What a word for padding fixes: the padding, in numbers where the sizes are; else the stride it depends on."""
    said = sizes.pop("padding")
    letters = {letter: word(value) for name, value in sizes.items() for letter in WORDS.get(name, (name,))}
    n, k, d = letters.get("n"), letters.get("k"), letters.get("d", 1)
    s = letters.get("s", k if op.strides_by_kernel else 1)
    if None not in (n, k) and not any(isinstance(value, str) for value in (n, k, s, d)):
        laid = windows(per_axis(n, op.ndim, "n", op.name, 0), k, s, said, d, where=op.name)
        return {"padding": tuple((window.before, window.after) for window in laid)}
    if s is None or isinstance(s, str):
        return {"padding": said}
    for name in ("s", "stride"):
        sizes.pop(name, None)
    return {"padding": said, "stride": s}


def _forms(value: str, op: Operator) -> Any:
    """One form for all axes, or one (or a pair) for each with commas between; a letter means that of its axis."""
    known = {str(poly(param)): poly(param) for param in params(op.open_statement)}

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
    new = poly(Param(letter, int(name[len(letter) :] or 0)))
    return known.get(str(poly(Param(name, axis))), known.get(str(new), new))


def _as_json(op: Operator, derivation: Derivation) -> dict[str, object]:
    step = next((step for step in derivation.steps if isinstance(step, Substitute)), None)
    return {
        "operator": repr(op),
        "formula": [str(size) for size in op.shape().result],
        "values": {} if step is None else {str(to_sympy(poly(p))): str(to_sympy(value)) for p, value in step.values},
        "shape": [int(size) if size.is_Integer else str(size) for size in derivation.result],
        "left_over": [] if step is None else [str(to_sympy(rest)) for rest in step.left_over],
    }
