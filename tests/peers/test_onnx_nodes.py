"""ONNX's backend tests agree with `functional`, wherever a node asks for what convmath offers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from convmath import functional as F
from tests.bench.suites import onnx_nodes
from tests.bench.suites.agreement import Call
from tests.bench.suites.onnx_calls import TRANSLATIONS
from tests.bench.suites.tally import AGREED, Outcome

pytest.importorskip("onnx", reason="onnx is not installed (the extra convmath[interop] brings it)")

# what no test of ONNX asks for as convmath states it
ONLY_REFUSED = {"MeanVarianceNormalization"}


@pytest.fixture(scope="module")
def tests() -> list[onnx_nodes.Test]:
    return list(onnx_nodes.tests())


@pytest.fixture(scope="module")
def outcomes(tests: list[onnx_nodes.Test]) -> list[Outcome]:
    return [onnx_nodes.held(test) for test in tests]


@pytest.mark.parametrize("operator", sorted(TRANSLATIONS))
def test_the_nodes_of_an_operator_agree(operator: str, outcomes: list[Outcome]) -> None:
    own = [outcome for outcome in outcomes if outcome.operator == operator]
    assert own, f"onnx has no test of {operator} that is one node"
    assert [outcome for outcome in own if outcome.verdict == "differing"] == []
    assert any(outcome.verdict in AGREED for outcome in own) == (operator not in ONLY_REFUSED)


def test_a_refusal_is_a_sentence(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        assert bool(outcome.said) == (outcome.verdict == "refused"), outcome


# --- teeth --------------------------------------------------------------------------------------------------------


def off(tests: list[onnx_nodes.Test], operator: str) -> set[str]:
    """The kinds of tests of an operator that differ."""
    found = [onnx_nodes.held(test) for test in tests if test.node.name == operator]
    return {outcome.suite for outcome in found if outcome.verdict == "differing"}


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Call], Any]], None]:
    """Plants a fault: what comes out instead of the value of a call."""
    return lambda fault: monkeypatch.setattr(Call, "value", fault)


def test_a_turned_kernel_is_found_by_the_tests_that_came_from_torch(
    tests: list[onnx_nodes.Test], plant: Callable[[Callable[[Call], Any]], None]
) -> None:
    """The kernels of the other tests of Conv are all ones, which are the same either way round."""

    def fault(call: Call) -> Any:
        x, w, *rest = call.args
        return (F.conv(x, np.flip(w, -1), *rest, **call.kwargs),)

    plant(fault)
    assert off(tests, "Conv") == {"ONNX, pytorch-converted"}


def test_a_mean_that_counts_the_padding_is_found(
    tests: list[onnx_nodes.Test], plant: Callable[[Callable[[Call], Any]], None]
) -> None:
    plant(lambda call: (F.avg_pool(*call.args, **{**call.kwargs, "count_include_pad": True}),))
    assert off(tests, "AveragePool") == {"ONNX, node"}


def test_an_error_beyond_rounding_is_found(
    tests: list[onnx_nodes.Test], plant: Callable[[Callable[[Call], Any]], None]
) -> None:
    """1e-5 is within what ONNX itself allows, and beyond what rounding does."""
    plant(lambda call: (F.tanh(*call.args) * np.float32(1 + 1e-5),))
    assert off(tests, "Tanh") == {"ONNX, node", "ONNX, pytorch-converted"}
