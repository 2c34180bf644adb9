"""What SciPy's tests are answered with: each call by SciPy and by `functional`, and what comes of both."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage, signal

from convmath import functional as F
from tests.bench.suites.scipy_tests import watched_call
from tests.bench.suites.tally import Outcome

RNG = np.random.default_rng(0)
WHOLE, FEW = RNG.integers(-9, 10, 12), RNG.integers(-9, 10, 5)
IMAGE, SMALL = RNG.integers(-9, 10, (6, 7)).astype(float), RNG.integers(-9, 10, (2, 3)).astype(float)


def answered(name: str, *args: Any, **kwargs: Any) -> tuple[Any, Outcome]:
    """What a test of SciPy gets for its call, and what came of it."""
    outcomes: list[Outcome] = []
    home, _, function = name.partition(".")
    original = getattr({"signal": signal, "ndimage": ndimage}[home], function)
    try:
        value = watched_call(name, original, outcomes.append, lambda: "here")(*args, **kwargs)
    finally:
        [outcome] = outcomes
    return value, outcome


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("name", ["convolve", "correlate", "convolve2d", "correlate2d"])
def test_integers_are_equal(name: str, mode: str) -> None:
    arrays = (IMAGE, SMALL) if name.endswith("2d") else (WHOLE, FEW)
    value, outcome = answered(f"signal.{name}", *arrays, mode=mode)
    assert outcome.verdict == "equal", outcome
    np.testing.assert_array_equal(value, getattr(signal, name)(*arrays, mode=mode), strict=True)


@pytest.mark.parametrize("origin", [0, -1])
@pytest.mark.parametrize("mode", ["constant", "nearest", "mirror", "reflect", "wrap"])
@pytest.mark.parametrize("name", ["convolve", "correlate"])
def test_images_are_equal(name: str, mode: str, origin: int) -> None:
    assert answered(f"ndimage.{name}", IMAGE, SMALL, mode=mode, origin=origin)[1].verdict == "equal"
    _, outcome = answered(f"ndimage.{name}1d", IMAGE, FEW.astype(float), axis=0, mode=mode, origin=origin)
    assert outcome.verdict == "equal", outcome


def test_what_scipy_refuses_is_refused() -> None:
    outcomes: list[Outcome] = []
    call = watched_call("signal.convolve", signal.convolve, outcomes.append, lambda: "here")
    with pytest.raises(ValueError, match="same dimensionality"):
        call(WHOLE, IMAGE)
    assert [outcome.verdict for outcome in outcomes] == ["equal"]


def test_what_is_not_offered_is_refused_with_a_sentence() -> None:
    _, outcome = answered("signal.fftconvolve", IMAGE, IMAGE, axes=0)
    assert (outcome.verdict, "all axes" in outcome.said) == ("refused", True)


def test_an_output_that_is_an_input_does_not_change_the_question() -> None:
    array = IMAGE.copy()
    _, outcome = answered("ndimage.correlate1d", array, FEW.astype(float), output=array)
    assert outcome.verdict == "equal"


def test_a_turned_kernel_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(F, "correlate", F.convolve)
    assert answered("signal.correlate", WHOLE, FEW)[1].verdict == "differing"


def test_an_answer_where_scipy_has_none_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(F, "convolve", lambda a, v, **words: np.zeros(3))
    outcomes: list[Outcome] = []
    with pytest.raises(ValueError, match="same dimensionality"):
        watched_call("signal.convolve", signal.convolve, outcomes.append, lambda: "here")(WHOLE, IMAGE)
    assert [outcome.verdict for outcome in outcomes] == ["differing"]
