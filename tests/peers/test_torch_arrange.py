"""PyTorch, forward and autograd, gives what the statements say for padding, patches, upsampling and layers.

What torch has no operator for is written in its own operations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convmath import functional as F
from convmath import operator
from convmath.testing import Case, cases
from convmath.testing.cases import SEEDS
from convmath.window import Window, windows

from .torch_calls import agree, gradients_of

torch = pytest.importorskip("torch", reason="torch is not installed (the extra convmath[torch] brings it)")

CASES = settings(max_examples=max(200, settings().max_examples))
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


# --- the same calls of torch ------------------------------------------------------------------------------------------


def padded(x: Any, windows: tuple[Window, ...], mode: str = "constant") -> Any:
    flat = [pad for window in reversed(windows) for pad in (window.before, window.after)]
    return torch.nn.functional.pad(x, flat, mode="constant" if mode == "zeros" else mode)


def conv(case: Case, x: Any, w: Any, b: Any = None, groups: int = 1) -> Any:
    """torch's convolution with the windows of a case, and what lies outside put around before."""
    x = padded(x, case.windows, case.given.get("padding_mode", "zeros"))
    strides, dilations = ([getattr(window, name) for window in case.windows] for name in ("stride", "dilation"))
    called = (torch.conv1d, torch.conv2d, torch.conv3d)[case.ndim - 1]
    return called(x, w, b, stride=strides, dilation=dilations, groups=groups)


def patches(x: Any, windows: tuple[Window, ...]) -> Any:
    """(N, C, *m, *k)"""
    x = padded(x, windows)
    for axis, window in enumerate(windows, 2):
        x = x.unfold(axis, window.span, window.stride)[..., :: window.dilation]
    return x


def locally_connected(case: Case, x: Any, w: Any, b: Any = None) -> Any:
    d, seen = case.ndim, patches(x, case.windows)
    counts = seen.shape[2 : 2 + d]
    seen = seen.permute(0, *range(2, 2 + d), 1, *range(2 + d, 2 + 2 * d))
    rows = math.prod(counts), math.prod(w.shape[1 + d :])
    y = torch.einsum("nmk,omk->nom", seen.reshape(len(x), *rows), w.reshape(len(w), *rows))
    y = y.reshape(len(x), len(w), *counts)
    return y if b is None else y + b


def on_two_axes(case: Case, sizes: tuple[int, ...]) -> tuple[tuple[Window, ...], tuple[int, ...], dict[str, list[int]]]:
    """torch unfolds and folds with two axes; one axis is two of which the other has length 1."""
    given, fill = dict(case.given), [1] * (2 - case.ndim)
    given.pop("output_size", None)
    laid = windows(sizes, given.pop("kernel_size"), **given)
    hyper = {name: [getattr(window, name) for window in laid] + fill for name in ("dilation", "stride")}
    kernel = [window.kernel for window in laid] + fill
    long = [window.before + n + window.after for window, n in zip(laid, sizes, strict=True)] + fill
    return laid, tuple(long), {"kernel_size": kernel, **hyper}


def unfold(case: Case, x: Any) -> Any:
    laid, long, hyper = on_two_axes(case, tuple(x.shape[2:]))
    return torch.nn.functional.unfold(padded(x, laid).reshape(*x.shape[:2], *long), **hyper)


def fold(case: Case, x: Any) -> Any:
    sizes = case.given["output_size"]
    laid, long, hyper = on_two_axes(case, sizes)
    y = torch.nn.functional.fold(x, long, **hyper)
    own = tuple(slice(window.before, window.before + n) for window, n in zip(laid, sizes, strict=True))
    y = y[:, :, *own]
    return y.reshape(*y.shape[:2], *sizes)


def pad(case: Case, x: Any) -> Any:
    given = dict(case.given)
    flat = [number for pair in reversed(given.pop("pads")) for number in pair]
    return torch.nn.functional.pad(x, flat, **given)


def upsample(case: Case, x: Any) -> Any:
    given = dict(case.given)
    mode = given.pop("mode", "nearest")
    if "scale_factor" in given:
        given["scale_factor"] = tuple(map(float, given["scale_factor"]))
    if mode == "linear":
        given["align_corners"] = given.get("align_corners", False)
    return torch.nn.functional.interpolate(x, mode=LINEAR[case.ndim] if mode == "linear" else mode, **given)


def subsample(case: Case, x: Any, w: Any, b: Any = None) -> Any:
    kernel = [window.kernel for window in case.windows]
    spread = w.reshape(-1, 1, *[1] * case.ndim).expand(-1, 1, *kernel)
    return conv(case, x, spread, b, groups=x.shape[1])


def dropout(case: Case, x: Any, mask: Any) -> Any:
    return x * mask / (1 - case.given.get("p", 0.5))


PEERS: dict[str, Callable[..., Any]] = {
    "convolution": lambda case, x, w, b=None: conv(
        case, x, w.flip(tuple(range(2, w.ndim))), b, case.given.get("groups", 1)
    ),
    "depthwise_conv": lambda case, x, w, b=None: conv(case, x, w, b, x.shape[1]),
    "separable_conv": lambda case, x, w, u, b=None: (torch.conv1d, torch.conv2d, torch.conv3d)[case.ndim - 1](
        conv(case, x, w, None, x.shape[1]), u, b
    ),
    "locally_connected": locally_connected,
    "unfold": unfold,
    "fold": fold,
    "pad": pad,
    "upsample": upsample,
    "linear": lambda case, x, w, b=None: torch.nn.functional.linear(x, w, b),
    "add": lambda case, x, z: x + z,
    "dropout": dropout,
    "flatten": lambda case, x: torch.flatten(x, 1),
    "concat": lambda case, *arrays: torch.cat(arrays, 1),
    "pixel_shuffle": lambda case, x: torch.nn.functional.pixel_shuffle(x, case.args[1][0]),
    "pixel_unshuffle": lambda case, x: torch.nn.functional.pixel_unshuffle(x, case.args[1][0]),
    "subsample": subsample,
    "table_conv": lambda case, x, w, table, b=None: conv(case, x, w * table.reshape(*table.shape, *[1] * case.ndim), b),
    "rbf": lambda case, x, w: ((x.unsqueeze(-2) - w) ** 2).sum(-1),
}
DIMENSIONS = {"unfold": (1, 2), "fold": (1, 2), "pixel_shuffle": (2,), "pixel_unshuffle": (2,)}
UNKNOWN = "symmetric"  # a border that torch does not have


def has_words_for(case: Case) -> bool:
    """It shuffles by one factor, gives back an empty batch as it came, and cuts off no more than there is."""
    if case.op.startswith("pixel"):
        return len(set(case.args[1])) == 1 and case.arrays[0].size > 0
    if case.op == "pad" and any(
        n + min(a, 0) + min(b, 0) < 0 for n, (a, b) in zip(case.arrays[0].shape[2:], case.args[1], strict=True)
    ):
        return False
    return UNKNOWN not in (case.given.get("padding_mode"), case.given.get("mode"))


@st.composite
def random_cases(draw: st.DrawFn, name: str) -> tuple[Case, np.random.Generator]:
    """A case whose numbers are any floats; what holds whole numbers by its nature stays."""
    ndim = draw(st.sampled_from(DIMENSIONS.get(name, (1, 2, 1, 2, 3))))
    case = draw(cases(name, ndim).filter(has_words_for))
    rng = np.random.default_rng(draw(SEEDS))
    return case.with_arrays(*(rng.normal(size=a.shape) if a.dtype.kind == "f" else a for a in case.arrays)), rng


@pytest.mark.parametrize("name", PEERS)
@CASES
@given(data=st.data())
def test_it_gives_the_same(name: str, data: st.DataObject) -> None:
    case, rng = data.draw(random_cases(name), label="case")
    agree(case, lambda *tensors: PEERS[name](case, *tensors), rng)


# --- where torch does otherwise -------------------------------------------------------------------------------------


def test_in_float32_its_nearest_element_may_be_the_one_before() -> None:
    """Position 37 of 74 lies on element 3 of 6; torch multiplies by 6/74 in float32 and takes element 2."""
    x = torch.arange(6, dtype=torch.float32).reshape(1, 1, 6, 1)
    theirs = torch.nn.functional.interpolate(x, size=(74, 1))[0, 0, :, 0].numpy()
    ours = F.upsample(x.numpy(), (74, 1))[0, 0, :, 0]
    assert np.flatnonzero(theirs != ours).tolist() == [37]
    assert (ours[37], theirs[37]) == (3, 2)


def test_one_position_has_no_two_corners() -> None:
    """torch takes the first element; what `align_corners` asks for needs two positions."""
    x = torch.tensor([[[1.0, 2.0]]])
    assert torch.nn.functional.interpolate(x, size=1, mode="linear", align_corners=True).tolist() == [[[1.0]]]
    with pytest.raises(ValueError, match="two corners on an axis need at least 2 positions"):
        F.upsample(x.numpy(), 1, mode="linear", align_corners=True)


@pytest.mark.parametrize(
    ("mode", "theirs"),
    [("reflect", [1, 2, 3, 2, 1]), ("replicate", [1, 2, 3, 3, 3]), ("circular", [1, 2, 3, 1, 2])],
)
def test_a_border_that_is_cut_off_is_refused_where_torch_goes_on(mode: str, theirs: list[int]) -> None:
    """torch reads what lies outside of the whole input, but "circular" of what is left when it has been cut off."""
    x = np.arange(4.0).reshape(1, 1, 4)
    assert torch.nn.functional.pad(torch.tensor(x), (-1, 2), mode=mode).reshape(-1).tolist() == theirs
    with pytest.raises(ValueError, match="only mode='constant' cuts off"):
        F.pad(x, ((-1, 2),), mode=mode)


def test_a_channel_that_is_not_connected_may_hold_anything() -> None:
    """torch has no table; a weight of 0 lets a NaN through."""
    x, w, table = np.array([[[1.0], [np.nan]]]), np.ones((1, 2, 1)), np.array([[1, 0]])
    assert F.table_conv(x, w, table).tolist() == [[[1.0]]]
    assert np.isnan(torch.conv1d(torch.tensor(x), torch.tensor(w * table[..., None])).item())


def test_it_draws_its_own_mask_and_enlarges_what_it_keeps_by_the_same() -> None:
    x = np.ones((1, 1000))
    theirs, [slope] = gradients_of(lambda t: torch.nn.functional.dropout(t, 0.25), np.ones((1, 1000)), x)
    mask = theirs != 0
    np.testing.assert_allclose(F.dropout(x, mask, p=0.25), theirs, rtol=2**-51)
    np.testing.assert_allclose(F.dropout.vjp(np.ones((1, 1000)), x, mask, p=0.25)[0], slope, rtol=2**-51)


def test_the_gradient_by_the_connection_table_is_none() -> None:
    op = operator("table_conv", 1)
    derived = op.exact_vjp(np.ones((1, 1, 1)), np.ones((1, 1, 1)), np.ones((1, 1, 1)), np.ones((1, 1), int))
    assert derived[2] is None
