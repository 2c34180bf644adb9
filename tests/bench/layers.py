"""Convolutions of well-known networks: forward, and the gradients by input and by weight, each by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmath import functional as F

from .measure import Call, Case

__all__ = ["FEW", "LAYERS", "Layer", "cases"]

Context = Callable[[], AbstractContextManager[Any]]
# of a layer and its input, weight and cotangent: the forward call and both gradients of another library, by name
Theirs = Callable[["Layer", np.ndarray, np.ndarray, np.ndarray], dict[str, tuple[Call, Call, Call]]]


@dataclass(frozen=True)
class Layer:
    name: str
    x: tuple[int, ...]
    w: tuple[int, ...]
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    transposed: bool = False

    @property
    def function(self) -> Any:
        return F.conv_transpose if self.transposed else F.conv

    @property
    def hyper(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in ("stride", "padding", "dilation", "groups")}

    def drawn(self, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
        """An input and a weight."""
        rng = np.random.default_rng(0)
        x, w = (rng.standard_normal(shape).astype(dtype) for shape in (self.x, self.w))
        return x, w


LAYERS = [
    *(Layer(f"LeNet-5, 5×5 1→6 at 28, batch {n}", (n, 1, 28, 28), (6, 1, 5, 5), padding=2) for n in (64, 128)),
    *(Layer(f"LeNet-5, 5×5 6→16 at 14, batch {n}", (n, 6, 14, 14), (16, 6, 5, 5)) for n in (64, 128)),
    Layer("VGG, 3×3 64 at 56, batch 8", (8, 64, 56, 56), (64, 64, 3, 3), padding=1),
    Layer("ResNet, 3×3 128 at 28, batch 16", (16, 128, 28, 28), (128, 128, 3, 3), padding=1),
    Layer("stem, 7×7/2 3→64 at 224, batch 4", (4, 3, 224, 224), (64, 3, 7, 7), 2, 3),
    Layer("1×1 256→64 at 56, batch 8", (8, 256, 56, 56), (64, 256, 1, 1)),
    Layer("depthwise 3×3 128 at 56, batch 8", (8, 128, 56, 56), (128, 1, 3, 3), padding=1, groups=128),
    Layer("AlexNet, 11×11/4 3→96 at 227, batch 8", (8, 3, 227, 227), (96, 3, 11, 11), 4),
    Layer("dilated 3×3 64 at 56, batch 8", (8, 64, 56, 56), (64, 64, 3, 3), padding=2, dilation=2),
    Layer("CIFAR, 3×3 16 at 32, batch 64", (64, 16, 32, 32), (16, 16, 3, 3), padding=1),
    Layer("CIFAR, 3×3/2 16→32 at 32, batch 64", (64, 16, 32, 32), (32, 16, 3, 3), 2, 1),
    Layer("CIFAR, 3×3 64 at 8, batch 64", (64, 64, 8, 8), (64, 64, 3, 3), padding=1),
    Layer("3×3 64 in 4 groups at 28, batch 16", (16, 64, 28, 28), (64, 16, 3, 3), padding=1, groups=4),
    Layer("1-D, 9 32→64 at 4096, batch 8", (8, 32, 4096), (64, 32, 9), padding=4),
    Layer("3-D, 3×3×3 8→16 at 16×32×32, batch 2", (2, 8, 16, 32, 32), (16, 8, 3, 3, 3), padding=1),
    Layer("transposed 4×4/2 64→32 at 28, batch 8", (8, 64, 28, 28), (64, 32, 4, 4), 2, 1, transposed=True),
]
# few images; many weights for small ones, as in the last layers of ResNets; and depthwise layers of MobileNets and kin
FEW = [
    Layer("stem, 7×7/2 3→64 at 224, one image", (1, 3, 224, 224), (64, 3, 7, 7), 2, 3),
    Layer("3×3 64 at 56, one image", (1, 64, 56, 56), (64, 64, 3, 3), padding=1),
    Layer("3×3 256 at 14, one image", (1, 256, 14, 14), (256, 256, 3, 3), padding=1),
    Layer("3×3/2 256→512 at 14, one image", (1, 256, 14, 14), (512, 256, 3, 3), 2, 1),
    *(Layer(f"3×3 512 at 7, batch {n}", (n, 512, 7, 7), (512, 512, 3, 3), padding=1) for n in (1, 8)),
    *(Layer(f"1×1 2048→512 at 7, batch {n}", (n, 2048, 7, 7), (512, 2048, 1, 1)) for n in (1, 8)),
    Layer("1-D, 9 32→64 at 4096, one line", (1, 32, 4096), (64, 32, 9), padding=4),
    Layer("depthwise 3×3/2 96 at 112, batch 8", (8, 96, 112, 112), (96, 1, 3, 3), 2, 1, groups=96),
    Layer("depthwise 5×5 240 at 28, batch 8", (8, 240, 28, 28), (240, 1, 5, 5), padding=2, groups=240),
    Layer("depthwise 7×7 96 at 56, batch 8", (8, 96, 56, 56), (96, 1, 7, 7), padding=3, groups=96),
    Layer("depthwise 3×3 576 at 14, batch 8", (8, 576, 14, 14), (576, 1, 3, 3), padding=1, groups=576),
    Layer("depthwise 3×3 960 at 7, batch 8", (8, 960, 7, 7), (960, 1, 3, 3), padding=1, groups=960),
]


def cases(
    theirs: Theirs, dtype: Any, method: str = "auto", within: Context = nullcontext, layers: Sequence[Layer] = LAYERS
) -> Iterator[Case]:
    """Each layer by these kernels; `within` makes the context in which ours is called."""
    for layer in layers:
        yield from _cases(layer, theirs, dtype, method, within)


def _cases(layer: Layer, theirs: Theirs, dtype: Any, method: str, within: Context) -> Iterator[Case]:
    function, (x, w) = layer.function, layer.drawn(dtype)
    hyper: dict[str, Any] = layer.hyper | {"method": method}
    gy = np.random.default_rng(1).standard_normal(function.prepare(x, w, **hyper).shape).astype(dtype)

    def ours(run: Call) -> Call:
        def called() -> object:
            with within():
                return run()

        return called

    found = theirs(layer, x, w, gy)
    yield Case(layer.name, "forward", ours(lambda: function(x, w, **hyper)), {n: f[0] for n, f in found.items()})
    for place, kind in ((0, "input"), (1, "weight")):
        run = ours(lambda place=place: function.prepare(x, w, **hyper).pulled(gy, {place}))  # type: ignore[misc]
        yield Case(layer.name, kind, run, {name: of[1 + place] for name, of in found.items()})
