"""Options and arguments that mean the same in every command."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from convmath.derivation import SUFFIXES, Derivation, Printable, write
from convmath.errors import HyperparameterError, TextError, unknown
from convmath.render.document import FORMATS
from convmath.render.words import LANGUAGES
from convmath.text import named

__all__ = [
    "FORMATS",
    "an_axis_each",
    "hyperparameters",
    "json_",
    "lang",
    "of_a_derivation",
    "output",
    "seed",
    "show",
    "tell",
    "word",
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


def of_a_derivation(command: Any) -> Any:
    """What every command that shows a derivation of an operator takes."""
    for option in (json_, output, format_, lang, ndim, pairs, operator_):
        command = option(command)
    return command


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
    """A typed value that is no formula: a whole number, true or false, a word, several of them, or a pair an axis.

    >>> [word(value) for value in ("2", "2,1", "((1,0),(0,2))", "((1,2),)", "true", "same")]
    [2, (2, 1), ((1, 0), (0, 2)), ((1, 2),), True, 'same']
    """
    value = "".join(value.split())
    if found := an_axis_each(value):
        return tuple(tuple(map(word, pair)) for pair in found)
    bare = value[1:-1] if re.fullmatch(r"\([^()]*\)", value) else value
    if bare != value or "," in value:
        return tuple(word(part) for part in bare.split(",") if part)
    if re.fullmatch(r"[+-]?\d{1,18}", value):
        return int(value)
    return {"true": True, "false": False}.get(value.lower(), value)


def an_axis_each(value: str) -> list[list[str]]:
    """The before/after pairs of a value such as ((1,0),(0,2)); none where it is no such value."""
    pairs = re.findall(r"\(([^()]*)\)", value)
    nested = re.fullmatch(r"\((\([^()]*\),?)+\)", "".join(value.split()))
    return [pair.split(",") for pair in pairs] if nested and all("," in pair for pair in pairs) else []


def chosen(given: Mapping[str, str], options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the typed values that are options of an operator."""
    return {name: word(value) for name, value in given.items() if name in options}


def show(
    derivation: Derivation, lang: str, format_: str | None, output: Path | None, said: Mapping[str, Any] | None
) -> None:
    """The derivation to a file or to standard output; `said` is what its JSON object says, where one is asked for.

    Where a step fails the command ends with 1.
    """
    verdict = derivation.verify()
    tell(derivation, lang, format_, output, said and {**said, "ok": verdict.ok, "failures": verdict.failures})
    for failure in verdict.failures:
        click.echo(f"convmath: {failure}", err=True)
    if not verdict:
        click.get_current_context().exit(1)


def tell(found: Printable, lang: str, format_: str | None, output: Path | None, said: Mapping[str, Any] | None) -> None:
    """What prints itself to a file or to standard output; `said` is what its JSON object says beside the document.

    A file is a whole document, standard output takes a piece of one.
    """
    if format_ is None and output is not None and output.suffix and output.suffix not in SUFFIXES:
        raise unknown(f"file type to save a {found.called} as", output.suffix, SUFFIXES, "--output")
    name = format_ or (SUFFIXES.get(output.suffix, "text") if output else "text")
    document = found.emit(name, lang, **({"standalone": True} if name == "latex" and output else {}))
    if output:
        write(output, document)
    if said is not None:
        click.echo(json.dumps({**said, "document": document}, ensure_ascii=False))
    elif not output:
        click.echo(document, nl=False)
