"""From what a caller gives (arrays and hyper-parameters by word) to the value of every parameter."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from convmath.errors import HyperparameterError, ShapeError, StatementError, unknown
from convmath.window import plain

from .guards import holds
from .nodes import Compare, Statement
from .poly import Param, Poly
from .walk import params, reads

__all__ = ["WORDS", "bind", "complete", "hyperparameters", "holds", "set_by", "settle", "whole_value"]

# The words of the public face, and the letters they set. A before/after pair sets two.
WORDS = {
    "stride": ("s",),
    "dilation": ("d",),
    "kernel": ("k",),
    "kernel_size": ("k",),
    "padding": ("a", "b"),
    "groups": ("G",),
    "output_padding": ("e",),
    "divisor_override": ("D",),
}


def set_by(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """The letters of those known that a word or letter sets; `p` is the padding where both ends are equal."""
    known = set(known)
    if word in known:
        return (word,)
    letters = ("a", "b") if word == "p" else WORDS.get(word, ())
    return tuple(letter for letter in letters if letter in known) or (
        ("p",) if "p" in known and letters == ("a", "b") else ()
    )


def _letters(word: str, known: Iterable[str]) -> tuple[str, ...]:
    known = set(known)
    found = set_by(word, known)
    if not found:
        raise unknown(
            "hyper-parameter", word, sorted({*known, *(w for w, ls in WORDS.items() if known.intersection(ls))})
        )
    return found


def hyperparameters(known: Sequence[Param], given: Mapping[str, Any]) -> dict[Param, Any]:
    """`given` (words, letters, or letters with their axis) spread over the parameters they set.

    An entry is one value for all axes or a sequence with one for each; padding may have a pair for each.
    """
    values: dict[Param, Any] = {}
    said: dict[Param, str] = {}
    for word, value in given.items():
        for param, entry in _spread(known, word, plain(value)):
            if param in values and values[param] != entry:
                raise HyperparameterError(f"{param.name} is {values[param]} by {said[param]}, but {entry} by {word}")
            values[param] = entry
            said.setdefault(param, word)
    return values


def _spread(known: Sequence[Param], word: str, value: Any) -> Iterator[tuple[Param, Any]]:
    several = isinstance(value, list | tuple)
    named = [param for param in known if param.name == word]
    if named and not several:
        yield named[0], value
        return
    letters = _letters(word, (param.letter for param in known))
    for place, letter in enumerate(letters):
        axes = sorted((param for param in known if param.letter == letter), key=lambda param: param.axis)
        entries = value if several else [value] * len(axes)
        if len(entries) != len(axes):
            raise HyperparameterError(f"{word} has {len(entries)} entries, but there are {len(axes)} axes to set")
        yield from ((param, _part(entry, place, word, letters)) for param, entry in zip(axes, entries, strict=True))


def _part(entry: Any, place: int, word: str, letters: tuple[str, ...]) -> Any:
    """What one axis' entry says for one of the letters that a word sets."""
    if not isinstance(entry, list | tuple):
        return entry
    if len(letters) == 1 or len(entry) != len(letters):
        needed = "a whole number" if len(letters) == 1 else "a whole number or a pair"
        raise HyperparameterError(f"{word} holds {entry!r}, but {needed} is needed for each axis")
    return entry[place]


def whole_value(param: Param, value: Any) -> int:
    name = param.name
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise HyperparameterError(f"{name} is {value!r}, but a whole number is needed") from None
    if param.least is not None and number < param.least:
        raise HyperparameterError(f"{name} is {number}, but it must be at least {param.least}")
    return number


def _solved(size: Poly, actual: int, env: Mapping[Param, int], where: str) -> tuple[Param, int] | None:
    """The one unknown parameter of a size, where the size is linear in it."""
    unknowns = [param for param in dict.fromkeys(size.leaves()) if param not in env]
    if len(unknowns) != 1 or not isinstance(param := unknowns[0], Param):
        return None
    factor = size.coefficient(param)
    rest = size - factor * Poly.of(param)
    if rest.has(param) or not (c := factor.evaluate(env)):
        return None
    gap = actual - rest.evaluate(env)
    if gap % c:
        others = [param for param in params(size) if param in env]
        raise ShapeError(f"{where} is {actual}, but it must be {size}, and {_env(others, env)}")
    return param, gap // c


def bind(
    statement: Statement, shapes: Mapping[str, Sequence[int]], given: Mapping[str, Any] | None = None
) -> dict[Param, int]:
    """The value of every parameter, from the shapes of the inputs, what is given, defaults and the derived sizes."""
    known, derived = params(statement), dict(statement.definitions())
    said = {param: whole_value(param, value) for param, value in hyperparameters(known, given or {}).items()}
    env = {param: param.default for param in known if param.default is not None}
    env |= {param: value for param, value in said.items() if param not in derived}
    for name in shapes:
        if name not in statement.reads:
            raise unknown("input of the statement", name, statement.reads)
    read_names = {read.tensor for read in reads(statement.equations)}
    for tensor in statement.inputs:
        if tensor.name not in shapes:
            if tensor.name in read_names:
                raise StatementError(
                    f"no array is given for {tensor.name}; the statement reads {', '.join(statement.reads)}"
                )
            continue
        if len(shapes[tensor.name]) != len(tensor.shape):
            raise ShapeError(
                f"{tensor.name} has {len(shapes[tensor.name])} axes {tuple(shapes[tensor.name])}, but "
                f"{len(tensor.shape)} are needed: {_sizes(tensor.shape)}"
            )
    pending = [
        (size, actual, f"axis {axis} of {tensor.name}")
        for tensor in statement.inputs
        if tensor.name in shapes
        for axis, (size, actual) in enumerate(zip(tensor.shape, shapes[tensor.name], strict=True))
    ]
    progress = True
    while progress:
        progress = False
        for size, actual, where in pending:
            found = _solved(size, actual, env, where)
            if found and found[0] not in derived:
                env[found[0]] = whole_value(*found)
                progress = True
    env = settle(statement, env, shapes)
    for param, value in said.items():
        if env[param] != value:
            raise HyperparameterError(
                f"{param.name} is {value}, but it follows from the other sizes: {param.name} = {derived[param]} "
                f"is {env[param]}"
            )
    return env


def complete(statement: Statement, env: Mapping[Param, int]) -> dict[Param, int]:
    """`env` with the derived sizes put in, each of which follows from those before it."""
    env = dict(env)
    for param, value in statement.definitions():
        if all(p in env for p in params(value)):
            env[param] = value.evaluate(env)
    return env


def settle(
    statement: Statement, env: Mapping[Param, int], shapes: Mapping[str, Sequence[int]] | None = None
) -> dict[Param, int]:
    """`env` with the derived sizes, after the conditions and the given shapes have been held against it."""
    env = complete(statement, env)
    missing = [param for param in params(statement) if param not in env]
    if missing:
        names = ", ".join(param.name for param in missing)
        raise StatementError(f"{names} can't be told from the arrays and has no default; give it by name")
    for condition in statement.requires:
        if not isinstance(condition, Compare) and not holds(condition, env):
            raise ShapeError(f"{condition} does not hold at {_env(params(condition), env)}")
    for param, value in statement.definitions():
        if param.least is not None and env[param] < param.least:
            raise ShapeError(
                f"{param.name} = {value} is {env[param]} at {_env(params(value), env)}, "
                f"but it must be at least {param.least}"
            )
    for tensor in statement.inputs:
        if shapes is None or tensor.name not in shapes:
            continue
        needed = tuple(size.evaluate(env) for size in tensor.shape)
        if needed != tuple(shapes[tensor.name]):
            raise ShapeError(
                f"{tensor.name} has shape {tuple(shapes[tensor.name])}, but {needed} is needed: "
                f"{_sizes(tensor.shape)} at {_env(params(tensor.shape), env)}"
            )
    return env


def _sizes(sizes: Sequence[Poly]) -> str:
    return f"({', '.join(map(str, sizes))})"


def _env(shown: Iterable[Param], env: Mapping[Param, int]) -> str:
    return ", ".join(f"{param.name} = {env[param]}" for param in shown)
