"""Whole networks, differentiated once and twice, against torch's autograd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import convmath as cm
from convmath import functional as F

torch = pytest.importorskip("torch", reason="torch is not installed (the extra convmath[torch] brings it)")
T = torch.nn.functional

RNG = np.random.default_rng(0)
# both sides round sums of at most a few hundred products, in another order, in each of a few layers
NEAR = {"rtol": 1e-10, "atol": 1e-12}


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape) / np.sqrt(max(1, np.prod(shape[1:])))


CLASSES = RNG.integers(0, 4, 6)


def lenet(f: Any, cross_entropy: Any, x: Any, p: list[Any]) -> Any:
    """Two convolutions with pools behind them, and two layers of features."""
    y = f.max_pool(f.tanh(f.conv(x, p[0], p[1], padding=1)), 2)
    y = f.avg_pool(f.relu(f.conv(y, p[2], p[3])), 2)
    y = f.tanh(f.linear(y.reshape(y.shape[0], -1), p[4], p[5]))
    return cross_entropy(f.linear(y, p[6], p[7]))


def residual(f: Any, cross_entropy: Any, x: Any, p: list[Any]) -> Any:
    """A strided convolution with its norm, a block with a way around it, and the mean of each channel."""
    y = f.silu(f.batch_norm(f.conv(x, p[0], stride=2, padding=1), p[1], p[2]))
    y = y + f.gelu(f.group_norm(f.conv(y, p[3], padding=1, groups=2), 2, p[4], p[5]))
    y = f.conv_transpose(y, p[6], stride=2)
    return cross_entropy(f.linear(f.layer_norm(y.mean(axis=(2, 3)), 4, p[7]), p[8]))


class Ours:
    conv, linear, max_pool, avg_pool, conv_transpose = F.conv, F.linear, F.max_pool, F.avg_pool, F.conv_transpose
    tanh, relu, silu, gelu, group_norm = F.tanh, F.relu, F.silu, F.gelu, F.group_norm
    layer_norm = staticmethod(lambda x, n, w: F.layer_norm(x, n, w))
    batch_norm = staticmethod(lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True)[0])


class Theirs:
    linear, max_pool, avg_pool, conv = T.linear, T.max_pool2d, T.avg_pool2d, T.conv2d
    conv_transpose, tanh, relu, silu, gelu, group_norm = (
        *(T.conv_transpose2d, torch.tanh, T.relu),
        *(T.silu, T.gelu, T.group_norm),
    )
    layer_norm = staticmethod(lambda x, n, w: T.layer_norm(x, (n,), w))
    batch_norm = staticmethod(lambda x, w, b: T.batch_norm(x, None, None, w, b, training=True))


NETWORKS: dict[str, tuple[Callable[..., Any], np.ndarray, list[np.ndarray]]] = {
    "lenet": (
        lenet,
        normal(6, 2, 10, 10) * 10,
        [
            *(normal(4, 2, 3, 3), normal(4), normal(6, 4, 2, 2), normal(6)),
            *(normal(5, 24), normal(5), normal(4, 5), normal(4)),
        ],
    ),
    "residual": (
        residual,
        normal(6, 3, 8, 8) * 10,
        [
            *(normal(4, 3, 3, 3), normal(4), normal(4), normal(4, 2, 3, 3), normal(4), normal(4)),
            *(normal(4, 4, 2, 2), normal(4), normal(4, 4)),
        ],
    ),
}
NAMES = pytest.mark.parametrize("name", NETWORKS)


def ours(name: str) -> Callable[..., Any]:
    network = NETWORKS[name][0]
    return lambda x, p: network(Ours, lambda y: F.cross_entropy(y, CLASSES), x, p)


def theirs(name: str, x: Any, p: list[Any]) -> Any:
    network = NETWORKS[name][0]
    return network(Theirs, lambda y: T.cross_entropy(y, torch.tensor(CLASSES)), x, p)


def leaves(name: str) -> list[Any]:
    _, x, p = NETWORKS[name]
    return [torch.tensor(array, requires_grad=True) for array in (x, *p)]


def agree(mine: list[np.ndarray], other: tuple[Any, ...]) -> None:
    for own, their in zip(mine, other, strict=True):
        np.testing.assert_allclose(own, their.detach().numpy(), **NEAR)


@NAMES
def test_the_gradients_of_a_network_are_torch_s(name: str) -> None:
    _, x, p = NETWORKS[name]
    value, (gx, gp) = cm.value_and_grad(ours(name), (0, 1))(x, p)
    tensors = leaves(name)
    loss = theirs(name, tensors[0], tensors[1:])
    np.testing.assert_allclose(value, loss.detach().numpy(), **NEAR)
    agree([gx, *gp], torch.autograd.grad(loss, tensors))


@NAMES
def test_the_hessian_along_a_tangent_is_torch_s(name: str) -> None:
    _, x, p = NETWORKS[name]
    along = [normal(*array.shape) for array in (x, *p)]
    hx, hp = cm.hvp(ours(name), (x, p), (along[0], along[1:]))
    tensors = leaves(name)
    gradients = torch.autograd.grad(theirs(name, tensors[0], tensors[1:]), tensors, create_graph=True)
    paired = sum((g * torch.tensor(t)).sum() for g, t in zip(gradients, along, strict=True))
    agree([hx, *hp], torch.autograd.grad(paired, tensors))


@NAMES
def test_a_gradient_penalty_is_torch_s(name: str) -> None:
    """The loss and the squared norm of its gradient by the input: a derivative of a derivative by other arrays."""
    _, x, p = NETWORKS[name]
    f = ours(name)

    def penalised(p: list[Any]) -> Any:
        value, gx = cm.value_and_grad(f)(x, p)
        return value + 0.1 * (gx**2).sum()

    value, mine = cm.value_and_grad(penalised)(p)
    tensors = leaves(name)
    loss = theirs(name, tensors[0], tensors[1:])
    (gx,) = torch.autograd.grad(loss, tensors[:1], create_graph=True)
    total = loss + 0.1 * (gx**2).sum()
    np.testing.assert_allclose(value, total.detach().numpy(), **NEAR)
    agree(mine, torch.autograd.grad(total, tensors[1:]))


@NAMES
def test_the_derivative_along_a_tangent_is_torch_s(name: str) -> None:
    _, x, p = NETWORKS[name]
    along = [normal(*array.shape) for array in (x, *p)]
    _, mine = cm.jvp(ours(name), (x, p), (along[0], along[1:]))
    _, other = torch.autograd.functional.jvp(
        lambda *tensors: theirs(name, tensors[0], list(tensors[1:])),
        tuple(torch.tensor(array) for array in (x, *p)),
        tuple(map(torch.tensor, along)),
    )
    np.testing.assert_allclose(mine, other.numpy(), **NEAR)


ARRAYS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "attention": (
        lambda q, k: (F.softmax(q @ k.swapaxes(-1, -2) / 2, axis=-1) @ k).sum(axis=-1),
        lambda q, k: (torch.softmax(q @ k.transpose(-1, -2) / 2, -1) @ k).sum(-1),
    ),
    "logarithm of a sum": (
        lambda q, k: np.log(np.exp(q - q.max(axis=1, keepdims=True)).sum(axis=1)) * k[:, 0],
        lambda q, k: torch.log(torch.exp(q - q.max(1, keepdim=True)[0]).sum(1)) * k[:, 0],
    ),
    "pieces": (
        lambda q, k: np.where(q > k, q * q, np.sqrt(abs(k))) + np.concatenate([q[1:], k[:1]]).clip(-0.5, 0.5),
        lambda q, k: torch.where(q > k, q * q, torch.sqrt(abs(k))) + torch.cat([q[1:], k[:1]]).clip(-0.5, 0.5),
    ),
    "standardised": (
        lambda q, k: (q - q.mean(axis=0)) / (((q - q.mean(axis=0)) ** 2).mean(axis=0) + 0.1) ** 0.5 * np.tanh(k),
        lambda q, k: (q - q.mean(0)) / (((q - q.mean(0)) ** 2).mean(0) + 0.1) ** 0.5 * torch.tanh(k),
    ),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_functions_of_arrays_have_torch_s_derivatives(name: str) -> None:
    mine, other = ARRAYS[name]
    arrays = [RNG.normal(size=(3, 4)) for _ in range(2)]
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    y = other(*tensors)
    gy, along = RNG.normal(size=tuple(y.shape)), [RNG.normal(size=(3, 4)) for _ in range(2)]
    value, pullback = cm.vjp(mine, *arrays)
    np.testing.assert_allclose(value, y.detach().numpy(), **NEAR)
    first = torch.autograd.grad(y, tensors, torch.tensor(gy), create_graph=True)
    agree(list(pullback(gy)), first)
    paired = sum((g * torch.tensor(t)).sum() for g, t in zip(first, along, strict=True))
    second = torch.autograd.grad(paired, tensors)
    agree(list(cm.hvp(lambda q, k: (mine(q, k) * gy).sum(), arrays, along)), second)
