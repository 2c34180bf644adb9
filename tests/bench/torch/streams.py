"""What memory decides: pools, batch norm, activations, softmax and losses; forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.nn import functional as T

from convmath import functional as F

from ..measure import Case

__all__ = ["activations", "norms", "pools"]

Theirs = Callable[[Any], Any]


# the pools of LeNet-5, of a small network for CIFAR and of VGG; those of AlexNet and of ResNet's stem
SIDE_BY_SIDE = (
    *((n, c, size, size) for n in (64, 128) for c, size in ((6, 28), (16, 10))),
    *((64, 16, 32, 32), (8, 64, 112, 112)),
)
OVERLAPPING = (((8, 96, 55, 55), 0), ((8, 64, 112, 112), 1))


def pools(dtype: Any) -> Iterator[Case]:
    kinds = (("max", F.max_pool, T.max_pool2d), ("average", F.avg_pool, T.avg_pool2d))
    for shape in SIDE_BY_SIDE:
        for name, ours, theirs in kinds:
            yield from _cases(
                f"{name} 2×2 at {_said(shape)}", "pool", shape, dtype, ours, (2,), lambda x, of=theirs: of(x, 2)
            )
    for shape, padding in OVERLAPPING:
        for name, ours, theirs in kinds:
            yield from _cases(
                f"{name} 3×3/2 at {_said(shape)}", "pool", shape, dtype, ours, (3,),
                lambda x, of=theirs, padding=padding: of(x, 3, 2, padding), stride=2, padding=padding,
            )  # fmt: skip


def norms(dtype: Any) -> Iterator[Case]:
    for shape in ((64, 16, 32, 32), (16, 128, 28, 28), (8, 64, 112, 112)):
        w, b = np.ones(shape[1], dtype), np.zeros(shape[1], dtype)
        tw, tb = (torch.from_numpy(array).requires_grad_() for array in (w, b))
        yield from _cases(
            f"batch norm at {_said(shape)}", "norm", shape, dtype, F.batch_norm, (None, None, w, b),
            lambda x, tw=tw, tb=tb: T.batch_norm(x, None, None, tw, tb, training=True), (tw, tb), training=True,
        )  # fmt: skip


def activations(dtype: Any) -> Iterator[Case]:
    shape = (64, 16, 32, 32)
    for ours, theirs in (
        *((F.relu, T.relu), (F.leaky_relu, T.leaky_relu), (F.relu6, T.relu6), (F.elu, T.elu), (F.selu, T.selu)),
        *((F.sigmoid, torch.sigmoid), (F.tanh, torch.tanh), (F.gelu, T.gelu), (F.silu, T.silu)),
        *((F.softplus, T.softplus), (F.hardswish, T.hardswish)),
    ):
        yield from _cases(f"{ours.__name__} at {_said(shape)}", "activation", shape, dtype, ours, (), theirs)
    for shape in ((128, 10), (64, 1000), (8, 21, 64, 64)):
        positions = (shape[0], *shape[2:])
        target = np.random.default_rng(0).integers(0, shape[1], positions)
        told = torch.from_numpy(target)
        yield from _cases(
            f"cross entropy at {_said(shape)}", "loss", shape, dtype, F.cross_entropy, (target,),
            lambda x, told=told: T.cross_entropy(x, told),
        )  # fmt: skip


def _said(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _cases(
    name: str, kind: str, shape: tuple[int, ...], dtype: Any, ours: Any, args: tuple[Any, ...], theirs: Theirs,
    parameters: tuple[Any, ...] = (), **hyper: Any,
) -> Iterator[Case]:  # fmt: skip
    """Forward as in training (what the gradient needs is kept), and the gradient by itself."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(dtype)
    gy = rng.standard_normal(ours.prepare(x, *args, **hyper).shape).astype(dtype)
    layouts = {"contiguous": torch.contiguous_format}
    if len(shape) == 4:
        layouts["channels last"] = torch.channels_last
    forward, backward = {}, {}
    for layout, form in layouts.items():
        # an array for each, so that none finds in the cache what another has read
        tx = torch.from_numpy(x).clone(memory_format=form).requires_grad_()
        y = theirs(tx)
        tg = torch.from_numpy(gy).clone(memory_format=form if gy.ndim == 4 else torch.contiguous_format)
        forward[layout] = lambda tx=tx: theirs(tx)
        backward[layout] = lambda y=y, tx=tx, tg=tg: torch.autograd.grad(y, (tx, *parameters), tg, retain_graph=True)
    yield Case(name, f"{kind} forward", lambda: ours.prepare(x, *args, **hyper).recorded(), forward)
    call = ours.prepare(x, *args, **hyper)
    call.recorded()
    yield Case(name, f"{kind} backward", lambda: call.pulled(gy), backward)
