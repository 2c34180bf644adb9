"""ResNet: He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition (2015), table 1.

Layers are called as in torchvision. A shortcut is a projection where the shape changes (option B of the paper). In the
bottleneck of "paper" the first 1×1 convolution has the stride, in that of "torchvision" the 3×3 one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .nodes import INPUT, Entry

__all__ = ["BOTTLENECKS", "CHANNELS", "CLASSES", "DEPTHS", "graph"]

CHANNELS, CLASSES = 3, 1000

# the blocks of each stage, by the number of layers that have weights
DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
BOTTLENECKS = {50}  # 1×1, 3×3, 1×1 to four times the width; the others have two 3×3
WIDTHS = (64, 128, 256, 512)


class _Graph(dict[str, Any]):
    """Nodes that are added one behind the other; `last` is the name of the latest."""

    last = INPUT

    def add(self, name: str, operator: str, *reads: str, **hyper: Any) -> str:
        self[name] = (operator, hyper, reads or (self.last,))
        self.last = name
        return name

    def conv(self, name: str, norm: str, width: int, kernel: int, stride: int = 1) -> str:
        """A convolution that keeps the size but for its stride, and its normalisation."""
        padding = kernel // 2
        self.add(name, "conv", out_channels=width, kernel=kernel, stride=stride, padding=padding)
        return self.add(norm, "batch_norm", weight=True, bias=True)


def graph(depth: int, stride_first: bool, classes: int) -> Mapping[str, Entry]:
    """A stem, four stages of residual blocks, a global mean and one dense layer."""
    found = _Graph()
    found.conv("conv1", "bn1", 64, 7, stride=2)
    found.add("relu", "relu")
    found.add("maxpool", "max_pool", kernel=3, stride=2, padding=1)
    for stage, (blocks, width) in enumerate(zip(DEPTHS[depth], WIDTHS, strict=True), 1):
        for block in range(blocks):
            stride = 2 if stage > 1 and block == 0 else 1
            _block(found, f"layer{stage}.{block}", depth, width, stride, block == 0, stride_first)
    found.add("avgpool", "global_avg_pool")
    found.add("flatten", "flatten")
    found.add("fc", "linear", in_features=_made(depth, 512), out_features=classes, bias=True)
    return found


def _made(depth: int, width: int) -> int:
    """The channels that a block makes."""
    return 4 * width if depth in BOTTLENECKS else width


def _block(found: _Graph, name: str, depth: int, width: int, stride: int, first: bool, stride_first: bool) -> None:
    """Two or three convolutions, and around them a shortcut."""
    start, made = found.last, _made(depth, width)
    if depth in BOTTLENECKS:
        strides = (stride, 1) if stride_first else (1, stride)
        laid = ((width, 1, strides[0]), (width, 3, strides[1]), (made, 1, 1))
    else:
        laid = ((width, 3, stride), (width, 3, 1))
    for place, (channels, kernel, step) in enumerate(laid, 1):
        found.conv(f"{name}.conv{place}", f"{name}.bn{place}", channels, kernel, step)
        if place < len(laid):
            found.add(f"{name}.relu{place}", "relu")
    end, shortcut = found.last, start
    if first and (stride > 1 or depth in BOTTLENECKS):
        found.last = start
        shortcut = found.conv(f"{name}.downsample.0", f"{name}.downsample.1", made, 1, stride)
    found.add(f"{name}.add", "add", end, shortcut)
    found.add(f"{name}.relu", "relu")
