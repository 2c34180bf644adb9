"""torch's samples of its operators agree with `functional`, values and gradients: some of each operator.

`python -m tests.bench.suites torch` runs them all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tests.bench.suites import torch_samples
from tests.bench.suites.agreement import Call
from tests.bench.suites.tally import AGREED
from tests.bench.suites.torch_calls import TRANSLATIONS

pytest.importorskip("torch", reason="torch is not installed (the extra convmath[torch] brings it)")
pytest.importorskip("expecttest", reason="expecttest is not installed, and torch's samples need it")

MOST = 40  # samples of an operator


@pytest.fixture(scope="module")
def samples() -> dict[str, list[torch_samples.Sample]]:
    """By operator, no more than so many, from the first to the last."""
    found = defaultdict[str, list[torch_samples.Sample]](list)
    for sample in torch_samples.samples():
        found[sample.short].append(sample)
    return {name: list(_spread(every)) for name, every in found.items()}


def _spread(every: list[torch_samples.Sample]) -> Iterator[torch_samples.Sample]:
    yield from (every[place] for place in sorted({i * len(every) // MOST for i in range(MOST)}))


@pytest.mark.parametrize("operator", sorted(name.removeprefix("nn.functional.") for name in TRANSLATIONS))
def test_the_samples_of_an_operator_agree(operator: str, samples: dict[str, list[torch_samples.Sample]]) -> None:
    outcomes = [torch_samples.held(sample) for sample in samples[operator]]
    assert [outcome for outcome in outcomes if outcome.verdict == "differing"] == []
    assert any(outcome.verdict in AGREED for outcome in outcomes)


# --- teeth --------------------------------------------------------------------------------------------------------


def differing(samples: list[torch_samples.Sample]) -> str:
    """What is said of the first that differs."""
    found = [torch_samples.held(sample) for sample in samples]
    return next((outcome.said for outcome in found if outcome.verdict == "differing"), "")


def changed(of: Callable[..., tuple[Any, ...]], place: int, change: Callable[[np.ndarray], np.ndarray]) -> Any:
    """What a call returns, with one of its arrays changed."""

    def faulty(*arguments: Any) -> tuple[Any, ...]:
        found = list(of(*arguments))
        found[place] = change(found[place])
        return tuple(found)

    return faulty


def test_a_wrong_value_is_found(
    samples: dict[str, list[torch_samples.Sample]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Call, "value", changed(Call.value, 0, lambda y: y * y.dtype.type(1 + 1e-5)))
    assert "output 0" in differing(samples["gelu"])


@pytest.mark.parametrize(("operator", "place"), [("conv2d", 1), ("layer_norm", 0), ("max_pool1d", 0)])
def test_a_wrong_gradient_is_found(
    operator: str, place: int, samples: dict[str, list[torch_samples.Sample]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Call, "gradients", changed(Call.gradients, place, lambda g: np.flip(g, -1)))
    assert f"the gradient by array {place}" in differing(samples[operator])


def test_a_gradient_that_is_not_there_is_found(
    samples: dict[str, list[torch_samples.Sample]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Call, "gradients", changed(Call.gradients, 1, lambda g: None))  # type: ignore[arg-type]
    assert "torch has a gradient" in differing(samples["mse_loss"])
