"""The page docs/architecture.md shows what the library prints for the statements that later operators need."""

from __future__ import annotations

from pathlib import Path

import pytest

from convmath.calculus.derive import vjp_derivation
from convmath.ir.check import checked
from convmath.ir.nodes import Statement

from .paper import STATEMENTS

PAGE = (Path(__file__).parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")


def shown(statement: Statement) -> str:
    gradient = vjp_derivation(statement, "X", {"en": "paper"}).result
    return f"```text\n{statement}\n\n{gradient}\n```"


@pytest.mark.parametrize("name", list(STATEMENTS))
def test_the_page_shows_the_statement_and_its_gradient(name: str) -> None:
    assert shown(checked(STATEMENTS[name])) in PAGE


@pytest.mark.parametrize("name", list(STATEMENTS))
def test_each_step_to_the_gradient_holds(name: str) -> None:
    verdict = vjp_derivation(STATEMENTS[name], "X", {"en": name}).verify()
    assert verdict, verdict.failures


def test_the_page_would_not_show_another_gradient() -> None:
    assert shown(STATEMENTS["max_pool"]).replace("[i-s·j+a = A[ν,c,j]]", "") not in PAGE
