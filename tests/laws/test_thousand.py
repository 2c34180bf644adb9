"""A thousand convolutions, each grouped, strided, dilated and padded unevenly at once, in one to three dimensions.

No strategy and no shrinking: plain random numbers, whose value and gradients must be the exact ones.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from convmath import functional as F
from convmath import operator
from convmath.kernels import taps
from convmath.window import span, transposed_size

# of two operators in one, two and three dimensions: a thousand in all with CI=true, else less than half of them
EACH = -(-25 * settings().max_examples // 9)


def uneven(rng: np.random.Generator, most: int) -> tuple[int, int]:
    """Two different numbers up to `most`."""
    before, after = rng.choice(most + 1, 2, replace=False)
    return int(before), int(after)


def hyperparameters(rng: np.random.Generator, ndim: int) -> dict[str, Any]:
    return {
        "stride": tuple(rng.integers(2, 4, ndim).tolist()),
        "dilation": tuple(rng.integers(2, 4, ndim).tolist()),
        "groups": int(rng.integers(2, 4)),
    }


def conv(rng: np.random.Generator, ndim: int) -> tuple[list[np.ndarray], dict[str, Any]]:
    given = hyperparameters(rng, ndim)
    kernel = rng.integers(1, 4 if ndim < 3 else 3, ndim)
    pads = [uneven(rng, 3) for _ in range(ndim)]
    spans = [span(int(k), d) for k, d in zip(kernel, given["dilation"], strict=True)]
    sizes = [max(1, length - sum(pair)) + int(rng.integers(0, 4)) for length, pair in zip(spans, pads, strict=True)]
    N, C, O = rng.integers(1, 4, 3)
    shapes = [(N, given["groups"] * C, *sizes), (given["groups"] * O, C, *kernel), (given["groups"] * O,)]
    return [rng.integers(-9, 10, shape) for shape in shapes], {**given, "padding": tuple(pads)}


def conv_transpose(rng: np.random.Generator, ndim: int) -> tuple[list[np.ndarray], dict[str, Any]]:
    given = hyperparameters(rng, ndim)
    kernel, sizes = rng.integers(2, 4 if ndim < 3 else 3, ndim), rng.integers(1, 4, ndim)
    steps = list(zip(sizes, kernel, given["stride"], given["dilation"], strict=True))
    # a whole output of at least three elements, of which no more than two are cut off
    extras = [int(rng.integers(0, max(s, d))) for _, _, s, d in steps]
    whole = [int(transposed_size(n, k, s, d, 0, 0, e)) for (n, k, s, d), e in zip(steps, extras, strict=True)]
    pads = [uneven(rng, min(3, size // 2)) for size in whole]
    N, C, O = rng.integers(1, 4, 3)
    shapes = [(N, given["groups"] * C, *sizes), (given["groups"] * C, O, *kernel), (given["groups"] * O,)]
    arrays = [rng.integers(-9, 10, shape) for shape in shapes]
    return arrays, {**given, "padding": tuple(pads), "output_padding": tuple(extras)}


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("draw", [conv, conv_transpose], ids=lambda draw: draw.__name__)
def test_value_and_gradients_are_exact(draw: Any, ndim: int) -> None:
    run, op, rng = getattr(F, draw.__name__), operator(draw.__name__, ndim=ndim), np.random.default_rng(ndim)
    for place in range(EACH):
        arrays, given = draw(rng, ndim)
        said = f"case {place}: {[array.shape for array in arrays]}, {given}"
        y = run(*arrays, **given)
        np.testing.assert_array_equal(y, op.exact(*arrays, **given), said)
        gy = rng.integers(-9, 10, y.shape)
        gradients, exact = run.vjp(gy, *arrays, **given), op.exact_vjp(gy, *arrays, **given)
        for name, one, other in zip("XWB", gradients, exact, strict=True):
            np.testing.assert_array_equal(one, other, f"g{name}, {said}")


def test_a_tap_that_forgets_its_dilation_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    read = taps._read
    monkeypatch.setattr(taps, "_read", lambda window, t, n, m: read(replace(window, dilation=1), t, n, m))
    with pytest.raises(AssertionError):
        test_value_and_gradients_are_exact(conv_transpose, 1)
