"""Why there is no answer is told in every language: the sentences are read off the code that says them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from sympy import DiracDelta, Heaviside, Symbol, besselj, exp, sin, sqrt

import convmath.signals
from convmath.signals import Convolution
from convmath.signals.derive.reasons import SPANISH, told
from convmath.signals.errors import CheckError, DivergentError

ROOM = Path(convmath.signals.__file__).parent
t = Symbol("t", real=True)


def sentences() -> Iterator[str]:
    """What errors for functions without an answer say, with {} where something comes in."""
    for file in sorted(ROOM.rglob("*.py")):
        if file.name.startswith("typed"):  # texts are refused before a function is made of them
            continue
        tree = ast.parse(file.read_text())
        named = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name(id="NotFoundError" | "DivergentError" | "LateError"), args=[said, *_]):
                    yield from templates(named.get(said.id, said) if isinstance(said, ast.Name) else said)


def templates(node: ast.expr) -> list[str]:
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=parts):
            return ["".join(part.value if isinstance(part, ast.Constant) else "{}" for part in parts)]
        case ast.BinOp(left=left, right=right):
            return [first + second for first in templates(left) for second in templates(right)]
        case ast.IfExp(body=body, orelse=other):
            return templates(body) + templates(other)
    return []


def test_every_reason_has_a_sentence_in_spanish() -> None:
    found = {template for template in sentences() if template and template != "{}"}
    assert len(found) > 40
    for template in found:
        said = template.replace("{}", "x+1")
        assert told(said, "es") != said, f"no Spanish for: {template}"


def test_nothing_of_a_case_is_lost() -> None:
    for english, spanish in SPANISH.items():
        assert english.count("{}") == spanish.count("{}")
        values = [f"v{k}" for k in range(english.count("{}"))]
        assert told(english.format(*values), "es") == spanish.format(*values)
        assert told(english.format(*values), "en") == english.format(*values)


@pytest.mark.parametrize(
    ("f", "g"),
    [
        (t, t),
        (Heaviside(t) / t, Heaviside(t)),
        (sqrt(t) * Heaviside(t), DiracDelta(t, 2)),
        (besselj(0, t) * Heaviside(t), exp(-t) * Heaviside(t)),
        (exp(-t) * Heaviside(t), exp(-t) * Heaviside(-t)),
        (sin(t), sin(t)),
    ],
    ids=str,
)
def test_what_is_said_in_a_case_is_said_in_spanish(f: object, g: object) -> None:
    try:
        reason = Convolution(f, g, t).solve().reason
    except (DivergentError, CheckError) as error:
        reason = str(error)
    assert reason
    assert told(reason, "es") != reason
