"""convmath solve: which kernels, strides, dilations and paddings take one size to another."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from convmath.calculus.inverse import Solutions, solve_shape
from convmath.errors import TextError

from . import COMMANDS, options
from .options import hyperparameters, tell, word

__all__ = ["command"]

# the sizes, which may be formulas
SIZES = ("n", "out", "m")


@click.command("solve", help=COMMANDS["solve"])
@options.pairs
@click.option("--transposed", is_flag=True, help="For a transposed operator; finds the output padding e too.")
@click.option("--ceil", is_flag=True, help="With ceil_mode.")
@click.option("--padding", metavar="WORD", help="same, same_lower, valid, full, symmetric or asymmetric.")
@click.option("--limit", type=click.IntRange(min=0), default=12, show_default=True, help="How many to list one by one.")
@options.lang
@options.format_
@options.output
@options.json_
def command(
    arguments: tuple[str, ...],
    transposed: bool,
    ceil: bool,
    padding: str | None,
    limit: int,
    lang: str,
    format_: str | None,
    output: Path | None,
    json_: bool,
) -> None:
    """NAME=VALUE: n and out, and what is known of k, s, d, p (or a, b, e): a number, 3,5,7 or 1..11."""
    typed = hyperparameters([*arguments, *([] if padding is None else [f"padding={padding}"])])
    given = {name: _size(value) if name in SIZES else _known(value) for name, value in typed.items()}
    found = solve_shape(**given, transposed=transposed, ceil_mode=ceil).showing(limit)
    tell(found, lang, format_, output, _as_json(found) if json_ else None)


def _size(value: str) -> Any:
    """A size, or several at once; each is a number, a formula, or an interval."""
    parts = [_interval(part) or _number(part.strip()) for part in value.split(",")]
    return parts[0] if len(parts) == 1 else tuple(parts)


def _number(value: str) -> Any:
    return int(value) if re.fullmatch(r"[+-]?\d{1,18}", value) else value


def _known(value: str) -> Any:
    return _interval(value) or word(value)


def _interval(value: str) -> range | None:
    """1..11, both of which are meant too."""
    found = re.fullmatch(r"\s*(\d{1,18})\s*\.\.\s*(\d{1,18})\s*", value)
    if found is None:
        return None
    first, last = map(int, found.groups())
    if last < first:
        raise TextError(f"{value.strip()} came, but there is nothing from {first} to {last}")
    return range(first, last + 1)


def _as_json(found: Solutions) -> dict[str, Any]:
    return {
        "sizes": [{"n": _said(n), "out": _said(m)} for n, m in found.problem.sizes],
        "conditions": [str(guard)[1:-1] for guard in found.conditions],
        "families": [str(family) for family in found.families],
        "finite": found.finite,
        "solutions": [found.values(one) for one in found.first(found.shown)],
    }


def _said(size: Any) -> int | str | None:
    """A number or a form; None where the size is unknown, or ⌈n/s⌉."""
    if size is None:
        return None
    return str(size) if size.constant is None else size.constant
