"""A law asked directly: what it says of values that are no numbers, of shapes that change, of errors in a bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from convmath import functional as F
from convmath.testing import Case, Subject
from convmath.testing.cases import integers
from convmath.testing.laws import LAWS, applies, laws_of
from convmath.testing.subject import Failure

X, W, B = integers(1, (1, 1, 3)), integers(1, (1, 1, 2)), integers(1, (1,))
CASE = Case("conv", (X, W, B), {})


def says(law: str, forward: Callable[..., Any], vjp: Callable[..., Any] = F.conv.vjp, bound: Any = None) -> str | None:
    found = LAWS[law](Subject("it", forward, vjp, bound=bound), CASE, lambda shape: integers(1, shape))
    return found and found.sentence


def lost(*arguments: Any, **options: Any) -> np.ndarray:
    return F.conv(*arguments, **options) * np.nan


def endless(gy: np.ndarray, x: np.ndarray, *arguments: Any, **options: Any) -> Any:
    return tuple(np.full_like(a, np.inf) for a in (x, *arguments))


def longer_when_it_is_large(x: np.ndarray, *arguments: Any, **options: Any) -> np.ndarray:
    y = F.conv(x, *arguments, **options)
    return y if x.max() < 10 else np.concatenate([y, y], 2)


def shorter_when_it_is_long(x: np.ndarray, *arguments: Any, **options: Any) -> np.ndarray:
    return F.conv(x, *arguments, **options)[..., : 3 if x.shape[2] > 3 else None][..., :2]


def off(by: float) -> Callable[..., Any]:
    return lambda *arguments, **options: tuple(g + by for g in F.conv.vjp(*arguments, **options))


@pytest.mark.parametrize("law", LAWS)
def test_what_is_right_is_found_right(law: str) -> None:
    assert says(law, F.conv) is None


def test_what_a_law_says() -> None:
    assert says("definition", lost) == "the output[0, 0, 0] is nan, but 6 is right"
    assert says("pairing", lost) == "⟨gY, A x⟩ and ⟨Aᵀ gY, x⟩ are no numbers"
    assert says("pairing", F.conv, endless) == "⟨gY, A x⟩ and ⟨Aᵀ gY, x⟩ are no numbers"
    assert says("pairing", F.conv, off(1)) == "⟨gY, A x⟩ is 21.0, but ⟨Aᵀ gY, x⟩ is 27.0"
    assert says("linearity", lost) == "A(2x + 3x′) is not 2·A x + 3·A x′"
    assert says("linearity", longer_when_it_is_large) == "A x, A x′ and A(2x + 3x′) have different shapes"
    assert says("translation", shorter_when_it_is_long) == (
        "the output has shape (1, 1, 2) when spatial axis 0 is longer by 1"
    )
    assert says("gradient", F.conv, off(1)) == "gX[0, 0, 0] is 2.0, but 1 is right"
    assert says("output size", lambda *a: F.conv(*a)[..., 1:]) == (
        "the output has shape (1, 1, 1), but (1, 1, 2) is derived"
    )


def test_an_error_within_the_bound_of_the_subject_is_none() -> None:
    def blurred(*arguments: Any, **options: Any) -> np.ndarray:
        return F.conv(*arguments, **options) + 1e-9

    for law in LAWS:
        assert says(law, blurred, off(1e-9), lambda case: 1e-8) is None
    for law in ("definition", "gradient", "pairing", "linearity"):
        assert says(law, blurred, off(1e-9))


def test_what_cannot_be_read_as_an_array_is_a_failure() -> None:
    with pytest.raises(Failure, match="the output is a list that cannot be read as an array"):
        says("definition", lambda *arguments: [[1.0], [2.0, 3.0]])
    with pytest.raises(Failure, match="gX is a ndarray of complex128, but an array of numbers is needed"):
        says("gradient", F.conv, lambda *arguments: [a + 0j for a in arguments[1:]])


def test_which_laws_speak_about_what() -> None:
    assert laws_of("conv", True) == list(LAWS)
    assert laws_of("conv", False) == ["definition", "output size", "purity", "linearity", "translation"]
    assert laws_of("max_pool", True) == [law for law in LAWS if law not in ("pairing", "linearity")]
    assert applies("translation", CASE)
    assert not applies("translation", Case("conv", (X, W), {"padding_mode": "circular"}))
    assert applies("definition", Case("conv", (X, W), {"padding_mode": "circular"}))
