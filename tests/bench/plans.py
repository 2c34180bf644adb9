"""Fits `convmath/kernels/simd/images/worth.py`: `python -m tests.bench.plans` prints its constants and their choice.

The value and the gradients of networks of many sizes are computed by a plan and without, on one thread; the constants
are those under which the logarithms of the expected seconds are nearest to those of the measured ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from time import thread_time
from typing import Any

import numpy as np

import convmath as cm
from convmath import functional as F
from convmath.kernels.simd.images import worth
from convmath.kernels.threads import set_threads

from .budgets import processor
from .costs import fitted

SPAN = 0.3  # seconds that one measurement may take
ROUNDS = 3  # at least

Shape = tuple[int, ...]
Loss = Callable[[Any, Any, Any], Any]


def lenet(shapes: list[Shape]) -> Loss:
    shapes += [(6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,), (120, 400), (120,), (84, 120), (84,), (10, 84), (10,)]

    def loss(p: Any, x: Any, target: Any) -> Any:
        y = F.max_pool(F.relu(F.conv(x, p[0], p[1], padding=2)), 2)
        y = F.flatten(F.max_pool(F.relu(F.conv(y, p[2], p[3])), 2))
        y = F.relu(F.linear(F.relu(F.linear(y, p[4], p[5])), p[6], p[7]))
        return F.cross_entropy(F.linear(y, p[8], p[9]), target)

    return loss


def dense(shapes: list[Shape]) -> Loss:
    shapes += [(512, 784), (512,), (256, 512), (256,), (10, 256), (10,)]

    def loss(p: Any, x: Any, target: Any) -> Any:
        y = F.tanh(F.linear(F.tanh(F.linear(x, p[0], p[1])), p[2], p[3]))
        return F.cross_entropy(F.linear(y, p[4], p[5]), target)

    return loss


def plain(width: int) -> Callable[[list[Shape]], Loss]:
    """Two 3×3 convolutions, a pool, two of twice the width, a mean."""

    def made(shapes: list[Shape]) -> Loss:
        for reads, makes in ((3, width), (width, width), (width, 2 * width), (2 * width, 2 * width)):
            shapes += [(makes, reads, 3, 3), (makes,)]
        shapes += [(10, 2 * width), (10,)]

        def loss(p: Any, x: Any, target: Any) -> Any:
            for place in range(4):
                x = F.relu(F.conv(x, p[2 * place], p[2 * place + 1], padding=1))
                x = F.max_pool(x, 2) if place % 2 else x
            return F.cross_entropy(F.linear(F.flatten(F.global_avg_pool(x)), p[8], p[9]), target)

        return loss

    return made


def residual(width: int) -> Callable[[list[Shape]], Loss]:
    """A stem and three blocks, with norms."""

    def made(shapes: list[Shape]) -> Loss:
        shapes += [(width, 3, 3, 3), (width,), (width,)]
        for reads, makes in ((width, width), (width, 2 * width), (2 * width, 4 * width)):
            shapes += [(makes, reads, 3, 3), (makes,), (makes,), (makes, makes, 3, 3), (makes,), (makes,)]
            shapes += [(makes, reads, 1, 1), (makes,), (makes,)] if reads != makes else []
        shapes += [(10, 4 * width), (10,)]

        def loss(p: Any, x: Any, target: Any) -> Any:
            left = iter(p)

            def layer(x: Any, stride: int, padding: int) -> Any:
                y = F.conv(x, next(left), stride=stride, padding=padding)
                return F.batch_norm(y, weight=next(left), bias=next(left), training=True)[0]

            x = F.relu(layer(x, 1, 1))
            for stride in (1, 2, 2):
                y = layer(F.relu(layer(x, stride, 1)), 1, 1)
                x = F.relu(y + (layer(x, stride, 0) if stride == 2 else x))
            return F.cross_entropy(F.linear(F.flatten(F.global_avg_pool(x)), next(left), next(left)), target)

        return loss

    return made


# a network, and its inputs
NETWORKS: list[tuple[str, Callable[[list[Shape]], Loss], list[Shape]]] = [
    ("lenet", lenet, [(n, 1, 28, 28) for n in (8, 16, 32, 64, 128, 512)]),
    ("dense", dense, [(n, 784) for n in (16, 64, 256)]),
    ("plain, 8", plain(8), [(64, 3, 32, 32), (16, 3, 16, 16)]),
    ("plain, 16", plain(16), [(64, 3, 16, 16), (64, 3, 32, 32), (32, 3, 64, 64)]),
    ("plain, 32", plain(32), [(8, 3, 32, 32), (16, 3, 32, 32), (64, 3, 32, 32), (128, 3, 8, 8), (16, 3, 64, 64)]),
    ("plain, 64", plain(64), [(32, 3, 8, 8), (64, 3, 8, 8), (16, 3, 32, 32), (64, 3, 32, 32)]),
    ("residual, 8", residual(8), [(64, 3, 32, 32)]),
    ("residual, 16", residual(16), [*((n, 3, 32, 32) for n in (4, 10, 16, 32, 64, 128)), (128, 3, 16, 16)]),
    ("residual, 24", residual(24), [(64, 3, 24, 24)]),
    ("residual, 32", residual(32), [(64, 3, 16, 16)]),
    ("residual, 64", residual(64), [(16, 3, 32, 32), (64, 3, 32, 32)]),
]


def cases(dtype: str) -> Iterator[tuple[str, Loss, tuple[Any, ...]]]:
    rng = np.random.default_rng(0)
    for name, network, inputs in NETWORKS:
        shapes: list[Shape] = []
        loss = network(shapes)
        p = [rng.standard_normal(s).astype(dtype) / np.sqrt(np.prod(s[1:])).astype(dtype) for s in shapes]
        for shape in inputs:
            x = rng.standard_normal(shape).astype(dtype)
            yield f"{name}, {dtype} {shape}", loss, (p, x, rng.integers(0, 10, shape[0]))


def measured(*calls: Callable[[], object]) -> list[float]:
    """The least seconds of this thread, in turns."""
    least = [np.inf] * len(calls)
    for call in calls:
        call()
    end, rounds = thread_time() + SPAN * len(calls), 0
    while thread_time() < end or rounds < ROUNDS:
        rounds += 1
        for place, call in enumerate(calls):
            start = thread_time()
            call()
            least[place] = min(least[place], thread_time() - start)
    return least


def main() -> None:
    set_threads(1)
    took = []
    for dtype in ("f4", "f8"):
        for name, loss, arrays in cases(dtype):
            planned, plain = (cm.value_and_grad(loss, planned=way) for way in (True, False))
            plan, _ = planned._found(arrays, {})  # type: ignore[attr-defined]
            both = measured(partial(plain, *arrays), partial(planned, *arrays))
            seconds = dict(zip(worth.SECONDS, both, strict=True))
            took.append((name, plan.net, seconds))
    print(f"{processor()}, NumPy {np.__version__}; one thread\n\nSECONDS = {{")
    for way in worth.SECONDS:
        worth.SECONDS[way] = fitted(worth.SECONDS[way], [(worth.amounts(net)[way], s[way]) for _, net, s in took])
        print(
            f'    "{way}": {{{", ".join(f"{n!r}: {value:.1e}" for n, value in worth.SECONDS[way].items())}}},'.replace(
                "'", '"'
            )
        )
    print("}\n\n| network | operators | expected | plan | expected | taken, to the better |\n|---|---|---|---|---|---|")
    for name, net, seconds in took:
        expected, best = worth.expected(worth.amounts(net)), min(seconds.values())
        chosen = seconds["operators" if worth.worth(net) else "plan"] / best
        both = " | ".join(f"{1e3 * seconds[way]:.2f} ms | {1e3 * expected[way]:.2f} ms" for way in worth.SECONDS)
        print(f"| {name} | {both} | {chosen:.2f} |")


if __name__ == "__main__":
    main()
