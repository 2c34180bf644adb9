"""The tester is tested: it finds what is wrong, names the law, shrinks it, and says no to what it cannot test."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convmath import functional as F
from convmath import operators, testing
from convmath.errors import ConvmathError, HyperparameterError, UnknownNameError
from convmath.testing import Case, Refusal, Subject, cases
from convmath.testing.laws import LAWS
from convmath.testing.report import Deviation

from .toys import TOYS

pytest_plugins = ["pytester"]


# --- what it finds --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", TOYS)
def test_a_fault_is_found_named_and_shrunk_to_the_smallest_case(fault: str) -> None:
    toy = TOYS[fault]
    report = testing.check(Subject(fault, toy.forward, toy.vjp), toy.op, ndim=(1, 2))
    assert not report.ok
    assert {deviation.law for deviation in report.deviations} == toy.laws
    deviation = report.deviations[0]
    assert deviation.case.windows == (toy.window,)
    assert tuple(array.shape for array in deviation.case.arrays) == toy.shapes
    assert toy.says in deviation.diagnosis
    assert deviation.verdict == toy.verdict
    assert str(deviation.case) in str(report)
    assert all(array.max() <= 2 for array in deviation.case.arrays)
    if toy.verdict == "wrong":  # and the code of it prints what is right
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(deviation.code, {})
        assert (str if deviation.cotangent is None else repr)(deviation.expected) in printed.getvalue()


@pytest.mark.parametrize("name", operators())
@settings(max_examples=max(1, settings().max_examples // 5))
@given(data=st.data())
def test_the_code_of_a_deviation_prints_what_is_right(name: str, data: st.DataObject) -> None:
    """Every array is in it under its name, and one that did not come is said not to."""
    case = data.draw(cases(name, 1), label="case")
    for cotangent in (None, np.ones(case.sizes)):
        right = case.expected if cotangent is None else case.expected_vjp(cotangent)
        deviation = Deviation("it", "definition", case, right, None, "wrong", "it is not right", cotangent)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(deviation.code, {})
        assert printed.getvalue() == f"{right}\n"


def test_what_returns_no_output_is_found() -> None:
    report = testing.check(lambda *a, **k: (), "max_pool", ndim=1, profile="quick")
    assert {"definition", "output size"} <= {deviation.law for deviation in report.deviations}


def test_every_law_finds_something() -> None:
    assert set().union(*(toy.laws for toy in TOYS.values())) == set(LAWS)


@pytest.mark.parametrize("name", operators())
def test_our_own_are_right(name: str) -> None:
    report = testing.check(getattr(F, name), name, gradients="yes", profile="quick")
    assert report.ok, str(report)
    assert report.subject == name
    assert report.refusals == 0
    assert set(report.coverage) == set(testing.laws.laws_of(name, True))
    assert str(report) == f"{name} as {name}: ok, {report.cases} checks, 0 refused"


def test_the_same_seed_finds_the_same() -> None:
    toy = TOYS["the kernel is flipped"]
    one, other = (testing.check(toy.forward, toy.op, ndim=1, seed=3, laws=["definition"]) for _ in range(2))
    assert not one.ok
    assert (one.coverage, one.refusals) == (other.coverage, other.refusals)
    assert [str(d) for d in one.deviations] == [str(d) for d in other.deviations]


# --- how close is right ---------------------------------------------------------------------------------------


def test_means_may_be_rounded_as_any_order_of_summation_does() -> None:
    """x/D summed, in float32 and by a reciprocal: all are within γ_n·Σ|x|/D; a thousand times that is not."""

    def by_reciprocal(x: np.ndarray, kernel_size: tuple, **options: Any) -> np.ndarray:
        total = {**options, "divisor_override": 1}
        share = F.avg_pool(np.ones_like(x), kernel_size, **options)
        divisor = np.round(F.avg_pool(np.ones_like(x), kernel_size, **total) / share)
        return F.avg_pool(x, kernel_size, **total) * (1 / divisor)

    def single(x: np.ndarray, *arguments: Any, **options: Any) -> np.ndarray:
        return F.avg_pool(x.astype(np.float32), *arguments, **options)

    def blurred(x: np.ndarray, *arguments: Any, **options: Any) -> np.ndarray:
        return F.avg_pool(x, *arguments, **options) * (1 + 1e-12)

    means = {"supports": lambda case: "divisor_override" not in case.given, "ndim": (1, 2)}
    assert testing.check(by_reciprocal, "avg_pool", **means).ok
    assert testing.check(single, "avg_pool", **means).ok
    assert not testing.check(blurred, "avg_pool", laws=["definition"]).ok


def test_a_subject_with_a_bound_is_held_to_it() -> None:
    def blurred(*arguments: Any, **options: Any) -> np.ndarray:
        return F.conv(*arguments, **options) + 1e-9

    def within(bound: float) -> bool:
        subject = Subject("blurred", blurred, bound=lambda case: bound)
        return testing.check(subject, "conv", ndim=1, profile="quick").ok

    assert within(1e-8)
    assert not within(1e-10)
    assert not testing.check(blurred, "conv", ndim=1, laws=["definition"]).ok


# --- what it cannot test --------------------------------------------------------------------------------------


def refuses(*arguments: Any, **options: Any) -> np.ndarray:
    raise Refusal("not today")


def test_a_subject_that_refuses_everything_is_not_ok() -> None:
    report = testing.check(refuses, "conv", profile="quick")
    assert not report.ok
    assert report.deviations == ()
    assert set(report.coverage.values()) == {0}
    assert report.refusals > 0
    assert "not ok, 0 checks" in str(report)


def test_what_is_outside_the_domain_of_a_subject_is_refused_for_every_law() -> None:
    def one_dimensional(case: Case) -> bool:
        return case.ndim == 1

    def vjp(gy: np.ndarray, x: np.ndarray, *arguments: Any, **options: Any) -> Any:
        assert x.ndim == 3
        return F.max_pool.vjp(gy, x, *arguments, **options)

    report = testing.check(Subject("1-D", F.max_pool, vjp), "max_pool", supports=one_dimensional, profile="quick")
    assert report.ok, str(report)
    assert report.refusals > 0
    assert not testing.check(F.max_pool, "max_pool", supports=lambda case: False, profile="quick").ok


def test_a_law_that_speaks_about_no_case_is_left_out() -> None:
    circular = testing.cases("conv", 1, padding_mode="circular")
    report = testing.check(F.conv, "conv", strategy=circular, profile="quick")
    assert report.ok
    assert "translation" not in report.coverage


def test_a_failure_of_the_tester_is_not_blamed_on_the_subject(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Case) -> np.ndarray:
        raise ZeroDivisionError("in the exact value")

    monkeypatch.setattr(Case, "expected", property(broken))
    with pytest.raises(ZeroDivisionError, match="in the exact value"):
        testing.check(F.conv, "conv", profile="quick")


@pytest.mark.parametrize("gradients", ["auto", "no"])
def test_gradients_are_tested_where_there_are_some(gradients: str) -> None:
    report = testing.check(F.conv, "conv", gradients=gradients, profile="quick", ndim=1)
    assert ("gradient" in report.coverage) == (gradients == "auto")
    assert "gradient" not in testing.check(lambda *a, **k: F.conv(*a, **k), "conv", profile="quick", ndim=1).coverage


@pytest.mark.parametrize(
    ("subject", "op", "options", "error", "sentence"),
    [
        (3, "conv", {}, HyperparameterError, r"^the subject is 3, but a function or a Subject is needed"),
        (F.conv, "covn", {}, UnknownNameError, r"^there is no operator 'covn'; the nearest (is|are) conv.*\[check"),
        (F.conv, None, {}, UnknownNameError, r"^there is no operator None"),
        (F.conv, "conv", {"profile": "fast"}, UnknownNameError, r"^there is no profile 'fast'; .*quick"),
        (F.conv, "conv", {"gradients": True}, UnknownNameError, r"^there is no choice of gradients True"),
        (F.conv, "conv", {"convention": "keras"}, UnknownNameError, r"^there is no convention 'keras'"),
        (F.conv, "conv", {"ndim": 0}, HyperparameterError, r"^ndim is 0, but it must be at least 1"),
        (F.conv, "conv", {"ndim": ()}, HyperparameterError, r"^ndim is \(\), but at least one number"),
        (F.conv, "conv", {"ndim": "12"}, HyperparameterError, r"^ndim is '12', but a whole number is needed"),
        (F.conv, "conv", {"ndim": (1, 2.5)}, HyperparameterError, r"^ndim is 2\.5, but a whole number is needed"),
        (F.conv, "conv", {"seed": -1}, HyperparameterError, r"^seed is -1, but it must be at least 0"),
        (F.conv, "conv", {"supports": True}, HyperparameterError, r"^supports is True, but a function of a case"),
        (F.conv, "conv", {"strategy": 3}, HyperparameterError, r"^strategy is 3, but a Hypothesis strategy"),
        (F.conv, "conv", {"laws": ["pairs"]}, UnknownNameError, r"^there is no law for conv 'pairs'.*pairing"),
        (F.max_pool, "max_pool", {"laws": ["linearity"]}, UnknownNameError, r"^there is no law for max_pool"),
        (
            refuses,
            "conv",
            {"gradients": "yes"},
            HyperparameterError,
            r"^gradients='yes', but refuses has no vjp",
        ),
    ],
)
def test_bad_arguments_are_said(
    subject: Any, op: Any, options: dict[str, Any], error: type[ConvmathError], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        testing.check(subject, op, **options)


# --- as a test of pytest --------------------------------------------------------------------------------------


def test_conforms_makes_a_test_that_pytest_collects(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from convmath import functional as F
        from convmath.testing import conforms

        @conforms("max_pool", ndim=2, profile="quick")
        def mine(x, kernel_size, **options):
            return F.max_pool(x, kernel_size, **options)

        @conforms("avg_pool", ndim=1, profile="quick")
        def forgetful(x, kernel_size, **options):
            return F.avg_pool(x, kernel_size)
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-v")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*::mine PASSED*", "*::forgetful FAILED*", "*definition: the output*at avg_pool(*"])
