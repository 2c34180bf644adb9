"""Options and arguments that mean the same in every command."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from convmath.errors import HyperparameterError, TextError, unknown
from convmath.render.document import FORMATS
from convmath.render.words import LANGUAGES
from convmath.text import named

__all__ = [
    "FORMATS",
    "format_",
    "hyperparameters",
    "json_",
    "lang",
    "ndim",
    "operator_",
    "output",
    "pairs",
    "seed",
    "write",
]

Decorator = Callable[[Any], Any]


def _language(ctx: click.Context, param: click.Parameter, value: str | None) -> str:
    if value is None:
        said = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
        return said[:2] if said[:2] in LANGUAGES else "en"
    if value not in LANGUAGES:
        raise unknown("language", value, LANGUAGES, "--lang")
    return value


def _format(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and value not in FORMATS:
        raise unknown("format", value, FORMATS, "--format")
    return value


def _dimensions(ctx: click.Context, param: click.Parameter, value: int) -> int:
    if value < 1:
        raise HyperparameterError(f"ndim is {value}, but it must be at least 1 [--ndim]")
    return value


lang: Decorator = click.option("--lang", metavar="en|es", callback=_language, help="The language (else from LANG).")
format_: Decorator = click.option(
    "--format", "format_", metavar="|".join(FORMATS), callback=_format, help="The format."
)
output: Decorator = click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file.")
json_: Decorator = click.option("--json", "json_", is_flag=True, help="One JSON object on standard output.")
seed: Decorator = click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="For what is drawn at random."
)
ndim: Decorator = click.option(
    "--ndim", type=int, default=2, show_default=True, callback=_dimensions, help="Spatial dimensions."
)
operator_: Decorator = click.argument("operator_name", metavar="OPERATOR")
pairs: Decorator = click.argument("arguments", metavar="[NAME=VALUE]...", nargs=-1)


def hyperparameters(arguments: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE arguments, the values as they were typed; a name stands once."""
    found: dict[str, str] = {}
    for argument in arguments:
        name, value = named(argument)
        if name in found:
            raise TextError(f"{name} came twice: {found[name]} and {value}")
        found[name] = value
    return found


def word(value: str) -> Any:
    """A typed value that is no formula: an integer, true or false, several of them with commas, or a word."""
    if "," in value:
        return tuple(word(part.strip()) for part in value.split(","))
    if re.fullmatch(r"[+-]?\d{1,18}", value):
        return int(value)
    return {"true": True, "false": False}.get(value.lower(), value)


def chosen(given: Mapping[str, str], options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the typed values that are options of an operator."""
    return {name: word(value) for name, value in given.items() if name in options}


def write(text: str, path: Path | None) -> None:
    """To a file, whole or not at all, or to standard output."""
    if path is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        from convmath.derivation import write as to_file

        to_file(path, text)
