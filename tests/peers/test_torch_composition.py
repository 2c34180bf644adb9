"""Folding and composing beside PyTorch: its layers one after the other, its fused weights, and its gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convmath import compose, fold, network, operator, receptive_field

torch = pytest.importorskip("torch", reason="torch is not installed (the extra convmath[torch] brings it)")


def normal(seed: int, *shape: int) -> Any:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def norm(channels: int, ndim: int, seed: int) -> Any:
    kind = {1: torch.nn.BatchNorm1d, 2: torch.nn.BatchNorm2d}[ndim]
    made = kind(channels).double().eval()
    made.running_mean.copy_(normal(seed, channels))
    made.running_var.copy_(normal(seed + 1, channels).square() + 0.1)
    with torch.no_grad():
        made.weight.copy_(normal(seed + 2, channels))
        made.bias.copy_(normal(seed + 3, channels))
    return made


@pytest.mark.parametrize("ndim", [1, 2])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("name", ["conv", "conv_transpose"])
def test_a_folded_layer_computes_what_torch_computes_with_two(name: str, bias: bool, groups: int, ndim: int) -> None:
    kinds = {"conv": ("Conv1d", "Conv2d"), "conv_transpose": ("ConvTranspose1d", "ConvTranspose2d")}
    made = getattr(torch.nn, kinds[name][ndim - 1])
    first = made(4, 6, 3, stride=2, padding=1, groups=groups, bias=bias).double()
    second = norm(6, ndim, 10 * groups + ndim)
    x = normal(7, 2, 4, *(9,) * ndim)
    folding = fold(operator(name, ndim, bias=bias), operator("batch_norm", ndim, weight=True, bias=True))
    with torch.no_grad():
        arrays = [first.weight, *([first.bias] if bias else []), second.running_mean, second.running_var]
        arrays += [second.weight, second.bias]
        named = dict(zip(folding.weights.reads, (array.numpy() for array in arrays), strict=True))
        w, b = map(torch.from_numpy, folding.compute(named, groups=groups, eps=second.eps))
        one = made(4, 6, 3, stride=2, padding=1, groups=groups).double()
        one.weight.copy_(w)
        one.bias.copy_(b)
        np.testing.assert_allclose(one(x).numpy(), second(first(x)).numpy(), rtol=1e-12, atol=1e-12)
        if name == "conv":
            fused = torch.nn.utils.fusion.fuse_conv_bn_eval(first.eval(), second)
            np.testing.assert_allclose(fused.weight.numpy(), w.numpy(), rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(fused.bias.numpy(), b.numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dilation", [1, 2])
def test_two_convolutions_without_padding_between_them_are_torchs_one(dilation: int) -> None:
    first = torch.nn.Conv2d(3, 4, 3, stride=2, padding=2, dilation=dilation).double()
    second = torch.nn.Conv2d(4, 5, (2, 3), stride=(1, 2)).double()
    op = operator("conv", 2, bias=True, kernel=3, stride=2, padding=2, dilation=dilation, groups=1)
    other = operator("conv", 2, bias=True, kernel=(2, 3), stride=(1, 2), padding=0, dilation=1, groups=1)
    two, x = compose(op, other), normal(3, 2, 3, 17, 16)
    with torch.no_grad():
        arrays = {"W1": first.weight, "B1": first.bias, "W2": second.weight, "B2": second.bias}
        made = two.kernel.function()(**{name: array.numpy() for name, array in arrays.items()})
        u, b = (torch.from_numpy(made[name]) for name in two.kernel.outputs)
        laid = {word: tuple(getattr(axis, word).constant for axis in two.axes) for word in ("stride", "dilation")}
        padding = tuple(axis.before.constant for axis in two.axes)
        assert padding == tuple(axis.after.constant for axis in two.axes)
        one = torch.nn.functional.conv2d(x, u, b, padding=padding, **laid)
        np.testing.assert_allclose(one.numpy(), second(first(x)).numpy(), rtol=1e-10, atol=1e-10)


def test_torchs_gradients_are_where_the_receptive_field_is() -> None:
    """Positive weights: every element of the input between the first and the last that is read has a gradient."""
    graph = {
        "conv1": ("conv", {"out_channels": 2, "kernel": 5, "stride": 2, "padding": 2}),
        "pool": ("avg_pool", {"kernel": 3, "stride": 2, "padding": 1}),
        "conv2": ("conv", {"out_channels": 2, "kernel": 3, "padding": 1}),
        "short": ("conv", {"out_channels": 2, "kernel": 1}, "pool"),
        "sum": ("add", {}, ("conv2", "short")),
        "last": ("conv", {"out_channels": 2, "kernel": 3, "stride": 2, "padding": 1}),
    }
    found = receptive_field(network(graph, input=(1, 1, 97, 97)))
    convs = {
        "conv1": torch.nn.Conv2d(1, 2, 5, 2, 2),
        "conv2": torch.nn.Conv2d(2, 2, 3, 1, 1),
        "short": torch.nn.Conv2d(2, 2, 1),
        "last": torch.nn.Conv2d(2, 2, 3, 2, 1),
    }
    for conv in convs.values():
        torch.nn.init.ones_(conv.weight)
    x = torch.ones(1, 1, 97, 97, requires_grad=True)
    pooled = torch.nn.functional.avg_pool2d(convs["conv1"](x), 3, 2, 1)
    y = convs["last"](convs["conv2"](pooled) + convs["short"](pooled))
    j = y.shape[2] // 2
    y[0, 0, j, j].backward()
    read = np.flatnonzero(x.grad[0, 0].numpy().any(axis=1))
    [start, _], [jump, _], [size, _] = found.start, found.jump, found.size
    assert (read[0], read[-1]) == (start + jump * j, start + jump * j + size - 1)
