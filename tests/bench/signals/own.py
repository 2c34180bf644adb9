"""Ours, and what a user of SymPy types, each in a process that can be stopped."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from typing import Any

import sympy

from convmath.errors import ConvmathError
from convmath.signals import Convolution, Correlation
from tests.signals.cases import Case, wrong_points

from .verdict import Verdict

__all__ = ["LIMIT", "by_sympy", "integrand", "ours"]

LIMIT = 20.0


def ours(case: Case) -> Verdict:
    start = time.perf_counter()
    try:
        answer = case.solve()
    except ConvmathError as error:
        return Verdict("not found", time.perf_counter() - start, str(error))
    return _judged(case, answer, time.perf_counter() - start)


def _judged(case: Case, answer: Any, seconds: float) -> Verdict:
    unsolved = (Convolution, Correlation, sympy.Integral, sympy.Sum)
    if not isinstance(answer, list) and answer.has(*unsolved):
        return Verdict("not found", seconds)
    wrong = wrong_points(case, answer)
    return Verdict("wrong", seconds, f"{answer}: {wrong[0]}") if wrong else Verdict("solved", seconds, str(answer))


def integrand(case: Case) -> tuple[Any, list[Any]]:
    """f(τ) g(t - τ), and the variables τ; conj f(τ) g(t + τ) of a correlation."""
    inner = [
        sympy.Symbol(f"{x.name}1", integer=True) if x.is_integer else sympy.Symbol(f"{x.name}1", real=True)
        for x in case.variables
    ]
    moved = {x: x + s if case.correlation else x - s for x, s in zip(case.variables, inner, strict=True)}
    f = case.f.subs(dict(zip(case.variables, inner, strict=True)), simultaneous=True)
    return f * case.g.subs(moved, simultaneous=True), inner


def _typed(case: Case) -> Any:
    if not case.variables:
        return sympy.convolution(case.f, case.g, cycle=case.options.get("period", 0))
    e, inner = integrand(case)
    if case.discrete:
        return sympy.summation(e, *((k, -sympy.oo, sympy.oo) for k in inner))
    low, high = (0, case.options["period"]) if "period" in case.options else (-sympy.oo, sympy.oo)
    return sympy.integrate(e, *((s, low, high) for s in inner))


def by_sympy(case: Case) -> Verdict:
    """`sympy.integrate` or `sympy.summation` of the product, as it stands."""

    def solve() -> Verdict:
        start = time.perf_counter()
        answer = _typed(case)
        seconds = time.perf_counter() - start
        return _judged(case, answer if isinstance(answer, list) else sympy.sympify(answer), seconds)

    return _stopped(solve)


def _stopped(solve: Callable[[], Verdict]) -> Verdict:
    """In a process of its own; an answer that cannot be evaluated in the same time again is as good as none."""
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe(duplex=False)

    def work() -> None:
        try:
            there.send(solve())
        except Exception as error:  # whatever another system raises
            there.send(Verdict("not found", 0.0, f"{type(error).__name__}: {error}"))

    process = fork.Process(target=work, daemon=True)
    process.start()
    try:
        if not here.poll(LIMIT):
            return Verdict("out of time", LIMIT)
        return here.recv()
    finally:
        process.kill()
        process.join()
