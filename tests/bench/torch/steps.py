"""Whole training steps: loss, gradients by every parameter, and a step of gradient descent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.nn import functional as T

import convmath as cm
from convmath import functional as F

from ..measure import Case

__all__ = ["lenet", "resnet"]

RATE = np.float32(0.01)
# what a user gets who asks for nothing, and what can be asked for
HOW = {"planned": True, "operator by operator": False}
Parameters = list[np.ndarray]
Loss = Callable[..., Any]


def lenet(batch: int, kind: str = "plain") -> Case:
    """LeNet-5 with 28×28 inputs padded by 2, ReLU and maxima."""
    rng = np.random.default_rng(0)
    shapes = ((6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,), (120, 400), (120,), (84, 120), (84,), (10, 84), (10,))

    def ours(p: Any, x: Any, target: Any) -> Any:
        h = F.max_pool(F.relu(F.conv(x, p[0], p[1], padding=2)), 2)
        h = F.flatten(F.max_pool(F.relu(F.conv(h, p[2], p[3])), 2))
        h = F.relu(F.linear(F.relu(F.linear(h, p[4], p[5])), p[6], p[7]))
        return F.cross_entropy(F.linear(h, p[8], p[9]), target)

    def theirs(p: Any, x: Any, target: Any) -> Any:
        h = T.max_pool2d(torch.relu(T.conv2d(x, p[0], p[1], padding=2)), 2)
        h = torch.flatten(T.max_pool2d(torch.relu(T.conv2d(h, p[2], p[3])), 2), 1)
        h = torch.relu(T.linear(torch.relu(T.linear(h, p[4], p[5])), p[6], p[7]))
        return T.cross_entropy(T.linear(h, p[8], p[9]), target)

    x, target = rng.standard_normal((batch, 1, 28, 28)).astype("f4"), rng.integers(0, 10, batch)
    return _step(f"LeNet-5, batch {batch}", kind, ours, theirs, _parameters(rng, shapes), x, target)


def resnet(batch: int, kind: str = "plain") -> Case:
    """ResNet-8 at CIFAR's size: a stem and three blocks of two 3×3 convolutions, with 16, 32 and 64 channels."""
    rng = np.random.default_rng(0)
    shapes: list[tuple[int, ...]] = [(16, 3, 3, 3), (16,), (16,)]
    for reads, makes in ((16, 16), (16, 32), (32, 64)):
        shapes += [(makes, reads, 3, 3), (makes,), (makes,), (makes, makes, 3, 3), (makes,), (makes,)]
        shapes += [(makes, reads, 1, 1), (makes,), (makes,)] if reads != makes else []
    shapes += [(10, 64), (10,)]

    def net(p: Any, x: Any, target: Any, conv: Any, norm: Any, relu: Any, mean: Any, linear: Any, loss: Any) -> Any:
        left = iter(p)
        take = lambda count: [next(left) for _ in range(count)]  # noqa: E731
        h = relu(norm(conv(x, take(1)[0], 1, 1), *take(2)))
        for stride, shortcut in ((1, False), (2, True), (2, True)):
            y = relu(norm(conv(h, take(1)[0], stride, 1), *take(2)))
            y = norm(conv(y, take(1)[0], 1, 1), *take(2))
            h = norm(conv(h, take(1)[0], stride, 0), *take(2)) if shortcut else h
            h = relu(y + h)
        return loss(linear(mean(h), *take(2)), target)

    def ours(p: Any, x: Any, target: Any) -> Any:
        return net(
            p, x, target,
            lambda x, w, stride, padding: F.conv(x, w, stride=stride, padding=padding),
            lambda x, w, b: F.batch_norm(x, weight=w, bias=b, training=True)[0],
            F.relu, lambda x: F.flatten(F.global_avg_pool(x)), F.linear, F.cross_entropy,
        )  # fmt: skip

    def theirs(p: Any, x: Any, target: Any) -> Any:
        return net(
            p, x, target,
            lambda x, w, stride, padding: T.conv2d(x, w, stride=stride, padding=padding),
            lambda x, w, b: T.batch_norm(x, None, None, w, b, training=True),
            torch.relu, lambda x: torch.flatten(T.adaptive_avg_pool2d(x, 1), 1), T.linear, T.cross_entropy,
        )  # fmt: skip

    x, target = rng.standard_normal((batch, 3, 32, 32)).astype("f4"), rng.integers(0, 10, batch)
    return _step(f"ResNet-8, batch {batch}", kind, ours, theirs, _parameters(rng, shapes), x, target)


def _parameters(rng: np.random.Generator, shapes: Any) -> Parameters:
    return [
        (rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype("f4")
        if len(shape) > 1
        else np.ones(shape, "f4")
        for shape in shapes
    ]


def _step(
    name: str, kind: str, ours: Loss, theirs: Loss, parameters: Parameters, x: np.ndarray, target: np.ndarray
) -> Case:
    both = cm.value_and_grad(ours, planned=HOW.get(kind))
    own = list(parameters)

    def step() -> object:
        value, gradients = both(own, x, target)
        own[:] = [p - RATE * g for p, g in zip(own, gradients, strict=True)]
        return value

    def exactly() -> object:
        with cm.exact_order():  # type: ignore[attr-defined]
            return step()

    def their_step(layout: Any) -> Callable[[], object]:
        p = [torch.from_numpy(array.copy()).requires_grad_() for array in parameters]
        descent = torch.optim.SGD(p, lr=float(RATE))
        tx, told = torch.from_numpy(x).contiguous(memory_format=layout), torch.from_numpy(target)

        def called() -> object:
            descent.zero_grad()
            loss = theirs(p, tx, told)
            loss.backward()
            descent.step()
            return loss

        return called

    layouts = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}
    return Case(
        name, f"step, {kind}", exactly if kind == "exact" else step, {n: their_step(of) for n, of in layouts.items()}
    )


def cases(kind: str) -> Iterator[Case]:
    yield from (lenet(64, kind), lenet(128, kind), resnet(64, kind))
