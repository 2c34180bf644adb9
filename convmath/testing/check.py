"""Hold every law of an operator against an implementation, and shrink what fails to the smallest case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from convmath.errors import unknown

from .cases import Case, cases
from .laws import LAWS, Finding, applies, laws_of
from .report import Deviation, Report
from .subject import Refusal, Subject, as_subject

__all__ = ["PROFILES", "check", "conforms"]

PROFILES = {"quick": 15, "standard": 60, "thorough": 400}  # cases a law


def check(
    subject: Any,
    op: str,
    *,
    ndim: int | Sequence[int] = (1, 2, 3),
    gradients: str = "auto",
    convention: str = "torch",
    supports: Callable[[Case], bool] | None = None,
    profile: str = "standard",
    strategy: st.SearchStrategy[Case] | None = None,
    laws: Sequence[str] | None = None,
    seed: int = 0,
) -> Report:
    """Hold the laws of `op` against `subject`, a function with `functional`'s signature (and `.vjp`, if it has gradients).

    gradients: "auto" tests them where the subject has them, "yes" requires them, "no" leaves them out. `supports` says
    which cases are in the subject's domain. A finding is shrunk to the smallest case.
    """
    if profile not in PROFILES:
        raise unknown("profile", profile, PROFILES)
    if gradients not in ("auto", "yes", "no"):
        raise unknown("choice of gradients", gradients, ["auto", "yes", "no"])
    if convention != "torch":
        raise unknown("convention", convention, ["torch"])
    found = as_subject(subject, op)
    if supports is not None:
        found = Subject(found.name, found.forward, found.vjp, supports, found.bound)
    if gradients == "yes" and found.vjp is None:
        raise unknown(f"gradient of {found.name}", "vjp", ["a function with an attribute .vjp"])
    dimensions = (ndim,) if isinstance(ndim, int) else tuple(ndim)
    drawn = strategy if strategy is not None else st.sampled_from(dimensions).flatmap(lambda d: cases(op, d))
    names = laws if laws is not None else laws_of(op, found.vjp is not None and gradients != "no")
    coverage: dict[str, int] = {}
    refusals, deviations = 0, []
    for law in names:
        ran, refused, deviation = _hold(found, op, law, drawn, PROFILES[profile], seed)
        coverage[law] = ran
        refusals += refused
        deviations += [deviation] if deviation else []
    return Report(found.name, op, coverage, refusals, tuple(deviations))


def _hold(
    subject: Subject, op: str, law: str, drawn: st.SearchStrategy[Case], count: int, seed: int
) -> tuple[int, int, Deviation | None]:
    ran = refused = 0
    last: tuple[Case, Finding] | None = None

    @hypothesis.seed(seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(drawn)
    def held(case: Case) -> None:
        nonlocal ran, refused, last
        if not applies(law, case):
            return
        try:
            finding = _found(subject, law, case)
        except Refusal:
            refused += 1
            return
        ran += 1
        if finding is not None:
            last = case, finding
            raise AssertionError(finding.sentence)

    try:
        held()
    except AssertionError:
        assert last is not None
        case, finding = last  # Hypothesis runs the smallest case last
        verdict = "wrong" if finding.expected is not None else "raises"
        return (
            ran,
            refused,
            Deviation(subject.name, law, case, finding.expected, finding.got, verdict, finding.sentence),
        )
    return ran, refused, None


def _found(subject: Subject, law: str, case: Case) -> Finding | None:
    rng = np.random.default_rng(0)
    try:
        return LAWS[law](subject, case, rng)
    except (Refusal, AssertionError):
        raise
    except Exception as error:  # the subject's own failure on a valid case is a finding like any other
        return Finding(f"raises {type(error).__name__}: {error}")


def conforms(op: str, **options: Any) -> Callable[[Callable[..., Any]], Callable[[], None]]:
    """A pytest test of a function: `@conforms("max_pool", ndim=2)` above an implementation."""

    def wrap(implementation: Callable[..., Any]) -> Callable[[], None]:
        def test() -> None:
            report = check(implementation, op, **options)
            assert report.ok, str(report)

        test.__name__ = f"test_{implementation.__name__}_conforms_to_{op}"
        test.__doc__ = f"{implementation.__name__} obeys the laws of {op}."
        return test

    return wrap
