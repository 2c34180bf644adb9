"""PyTorch, forward and autograd, gives what `functional` gives where it has words for a case: equal on integers."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convmath import functional as F
from convmath.testing import Case, cases
from convmath.testing.cases import SEEDS, integers

torch = pytest.importorskip("torch", reason="torch is not installed (the extra convmath[torch] brings it)")

MODES = {"reflect": "reflect", "replicate": "replicate", "circular": "circular"}  # it has no symmetric padding
DIVISORS = math.lcm(*map(math.prod, product(range(1, 4), repeat=3)), *range(1, 6))
CASES = settings(max_examples=max(40, settings().max_examples))


def padded(x: Any, case: Case) -> tuple[Any, dict[str, Any]]:
    """The input with its border, which the convolution of torch does not know, and the arguments that are left."""
    kwargs = dict(case.kwargs)
    mode = kwargs.pop("padding_mode", "zeros")
    if mode == "zeros":
        return x, kwargs
    kwargs.pop("padding", None)
    pads = [pad for window in reversed(case.windows) for pad in (window.before, window.after)]
    return torch.nn.functional.pad(x, pads, mode=MODES[mode]), kwargs


def peer(case: Case, *tensors: Any) -> Any:
    """The same call of torch."""
    x, *rest = tensors
    called = {
        "conv": ("conv1d", "conv2d", "conv3d"),
        "conv_transpose": ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
        "max_pool": ("max_pool1d", "max_pool2d", "max_pool3d"),
        "avg_pool": ("avg_pool1d", "avg_pool2d", "avg_pool3d"),
    }[case.op][case.ndim - 1]
    x, kwargs = padded(x, case)
    return getattr(torch.nn.functional, called)(x, *rest, *case.args[len(tensors) :], **kwargs)


def has_words_for(case: Case) -> bool:
    """It pools with at most half a window of padding, and its avg_pool1d has no divisor_override."""
    if not case.op.endswith("pool"):
        return True
    if any(2 * window.before > window.kernel for window in case.windows):
        return False
    if case.op == "avg_pool" and case.ndim == 1:
        return "divisor_override" not in case.kwargs
    if case.op == "avg_pool" and case.ndim == 3:
        # "input image smaller than kernel size": in three dimensions it looks at the input without its padding
        return all(w.kernel <= n for w, n in zip(case.windows, case.arrays[0].shape[2:], strict=True))
    return True


@st.composite
def expressible(draw: Any, name: str) -> Case:
    only: dict[str, Any] = {"padding": "symmetric"}
    if name == "conv":
        only["padding_mode"] = draw(st.sampled_from(("zeros", *MODES)))
    if name == "max_pool":
        only |= {"ties": "first", "return_indices": False}
    return draw(cases(name, draw(st.integers(1, 3)), **only).filter(has_words_for))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["conv", "conv_transpose", "max_pool", "avg_pool"])
@CASES
@given(data=st.data())
def test_it_gives_the_same(name: str, dtype: str, data: st.DataObject) -> None:
    case = data.draw(expressible(name), label="case")
    # multiples of whatever a window is divided by, whose means are whole
    scale = np.dtype(dtype).type(DIVISORS if name == "avg_pool" else 1)
    arrays = [scale * array.astype(dtype) for array in case.arrays]
    call = case.with_arrays(*arrays)
    y = getattr(F, name)(*call.args, **call.kwargs)
    gy = scale * integers(data.draw(SEEDS, label="seed"), y.shape).astype(dtype)
    gradients = getattr(F, name).vjp(gy, *call.args, **call.kwargs)
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    peers = peer(case, *tensors)
    peers.backward(torch.tensor(gy))
    assert y.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(y, peers.detach().numpy(), strict=True)
    for ours, tensor in zip(gradients, tensors, strict=True):
        np.testing.assert_array_equal(ours, tensor.grad.numpy(), strict=True)


@CASES
@given(case=expressible("max_pool"))
def test_it_gives_the_same_indices(case: Case) -> None:
    _, ours = F.max_pool(*case.args, **case.kwargs, return_indices=True)
    indexed = Case(case.op, case.args, {**case.kwargs, "return_indices": True})
    _, theirs = peer(indexed, torch.tensor(case.arrays[0]))
    np.testing.assert_array_equal(ours, theirs.numpy(), strict=True)
