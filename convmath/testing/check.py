"""Hold every law of an operator against an implementation, and shrink what fails to the smallest case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from convmath.errors import HyperparameterError, unknown
from convmath.ops.registry import Operator, operators
from convmath.window import whole

from .cases import SEEDS, Case, cases, integers
from .laws import LAWS, Finding, applies, laws_of
from .report import Deviation, Report
from .subject import Failure, Refusal, Subject, as_subject

__all__ = ["PROFILES", "check", "conforms"]

PROFILES = {"quick": 15, "standard": 100, "thorough": 400}  # cases a law


def check(
    subject: Any,
    op: str | Operator,
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
    """Hold the laws of `op` against `subject`, a function with `functional`'s signature (`.vjp` for its gradients).

    An operator that `define` made has the signature f(*arrays, **hyper-parameters by letter), and its own dimensions.
    gradients: "auto" tests them where the subject has them, "yes" requires them, "no" leaves them out. `supports`
    says which cases are in the subject's domain; `strategy` draws other cases than `cases(op)`. A finding is shrunk
    to the smallest case.
    """
    called = op.name if isinstance(op, Operator) else op
    where = f"check({called!r})"
    for kind, name, names in (
        ("operator", called, [called] if isinstance(op, Operator) else operators()),
        ("profile", profile, PROFILES),
        ("choice of gradients", gradients, ("auto", "yes", "no")),
        ("convention", convention, ("torch",)),
    ):
        if not isinstance(name, str) or name not in names:
            raise unknown(kind, name, names, where)
    found = as_subject(subject, called)
    if supports is not None:
        if not callable(supports):
            raise HyperparameterError(f"supports is {supports!r}, but a function of a case is needed [{where}]")
        found = replace(found, supports=supports)
    if gradients == "yes" and found.vjp is None:
        raise HyperparameterError(f"gradients='yes', but {found.name} has no vjp [{where}]")
    if gradients == "no":
        found = replace(found, vjp=None)
    drawn = _strategy(strategy, op, ndim, where)
    known = laws_of(op, found.vjp is not None)
    for law in known if laws is None else laws:
        if law not in known:
            raise unknown(f"law for {found.name}", law, known, where)
    coverage: dict[str, int] = {}
    refusals, deviations = 0, []
    for law in known if laws is None else laws:
        ran, refused, deviation = _hold(found, law, drawn, PROFILES[profile], whole(seed, "seed", where, 0))
        coverage |= {law: ran} if ran or refused else {}
        refusals += refused
        deviations += [deviation] if deviation else []
    return Report(found.name, called, coverage, refusals, tuple(deviations))


def _strategy(strategy: Any, op: str | Operator, ndim: Any, where: str) -> st.SearchStrategy[Case]:
    if strategy is not None:
        if not isinstance(strategy, st.SearchStrategy):
            raise HyperparameterError(f"strategy is {strategy!r}, but a Hypothesis strategy is needed [{where}]")
        return strategy
    if isinstance(op, Operator):
        return cases(op)
    several = isinstance(ndim, Sequence) and not isinstance(ndim, str)
    dimensions = [whole(d, "ndim", where, 1) for d in (ndim if several else (ndim,))]
    if not dimensions:
        raise HyperparameterError(f"ndim is {ndim!r}, but at least one number of spatial axes is needed [{where}]")
    return st.sampled_from(dimensions).flatmap(lambda d: cases(op, d))


def _hold(
    subject: Subject, law: str, drawn: st.SearchStrategy[Case], count: int, seed: int
) -> tuple[int, int, Deviation | None]:
    """How many cases a law was held at, how many were refused, and the smallest at which it fails."""
    ran = refused = 0
    last: tuple[Case, Finding] | None = None

    @hypothesis.seed(seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=tuple(HealthCheck),  # pyright: ignore[reportArgumentType]
        report_multiple_bugs=False,
    )
    @given(drawn, SEEDS)
    def held(case: Case, fresh: int) -> None:
        nonlocal ran, refused, last
        if not applies(law, case):
            return
        try:
            finding = LAWS[law](subject, case, lambda shape: integers(fresh, shape))
        except Refusal:
            refused += 1
            return
        except Failure as failure:  # on a valid case it is a finding like any other
            finding = Finding(str(failure), verdict="raises")
        ran += 1
        if finding is not None:
            last = case, finding
            raise _Found

    try:
        held()
    except _Found:
        assert last is not None
        case, found = last  # Hypothesis runs the smallest case last
        return ran, refused, _deviation(subject, law, case, found)
    return ran, refused, None


class _Found(Exception):
    """What tells Hypothesis that a case fails."""


def _deviation(subject: Subject, law: str, case: Case, found: Finding) -> Deviation:
    return Deviation(subject.name, law, case, found.expected, found.got, found.verdict, found.sentence, found.cotangent)


def conforms(op: str | Operator, **options: Any) -> Callable[[Callable[..., Any]], Callable[[], None]]:
    """A pytest test of a function, collected whatever its name: `@conforms("max_pool", ndim=2)` above it.

    The options are those of `check`.
    """

    def wrap(implementation: Callable[..., Any]) -> Callable[[], None]:
        def test() -> None:
            report = check(implementation, op, **options)
            assert report.ok, str(report)

        test.__test__ = True  # type: ignore[attr-defined]
        called = op.name if isinstance(op, Operator) else op
        test.__name__ = f"test_{implementation.__name__}_conforms_to_{called}"
        test.__module__, test.__doc__ = (
            implementation.__module__,
            f"{implementation.__name__} obeys the laws of {called}.",
        )
        return test

    return wrap
