"""Convolutions of complex numbers as torch has them, exactly on Gaussian integers, and their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convmath import functional as F

torch = pytest.importorskip("torch", reason="torch is missing")

OPTIONS: dict[str, dict[str, Any]] = {
    "conv": {"stride": 2, "padding": 1, "dilation": 2, "groups": 2},
    "conv_transpose": {"stride": 2, "padding": 1, "groups": 2},
}


def gaussian(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(-4, 5, shape) + 1j * rng.integers(-4, 5, shape)


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_values_and_gradients_are_those_of_torch(name: str, ndim: int) -> None:
    rng = np.random.default_rng(ndim)
    x, w, b = gaussian(rng, 2, 4, *[7] * ndim), gaussian(rng, 4, 2, *[3] * ndim), gaussian(rng, 4)
    own, other = getattr(F, name), getattr(torch.nn.functional, f"{name}{ndim}d")
    arrays = [torch.tensor(array, requires_grad=True) for array in (x, w, b)]
    expected = other(*arrays, **OPTIONS[name])
    np.testing.assert_array_equal(own(x, w, b, **OPTIONS[name]), expected.detach().numpy())
    gy = gaussian(rng, *expected.shape)
    expected.backward(torch.tensor(gy))
    for gradient, array in zip(own.vjp(gy, x, w, b, **OPTIONS[name]), arrays, strict=True):
        np.testing.assert_array_equal(gradient, array.grad.numpy())
