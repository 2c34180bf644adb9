"""VGG: Simonyan, Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition (2014), table 1.

Configurations A, B, D and E. "paper" flattens what is left of a 224×224 input; "torchvision" pools it adaptively to 7×7
before, so that any size goes.
"""

from __future__ import annotations

from collections.abc import Mapping

from .nodes import Entry

__all__ = ["CHANNELS", "CLASSES", "DEPTHS", "graph"]

CHANNELS, CLASSES = 3, 1000

# the convolutions of each block between pools, by the number of layers that have weights
DEPTHS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
WIDTHS = (64, 128, 256, 512, 512)


def graph(depth: int, adaptive: bool, classes: int) -> Mapping[str, Entry]:
    """Blocks of 3×3 convolutions with a pool after each, and three dense layers."""
    found: dict[str, Entry] = {}
    for block, (convolutions, width) in enumerate(zip(DEPTHS[depth], WIDTHS, strict=True), 1):
        for place in range(1, convolutions + 1):
            found[f"conv{block}_{place}"] = ("conv", {"out_channels": width, "kernel": 3, "padding": 1, "bias": True})
            found[f"relu{block}_{place}"] = "relu"
        found[f"pool{block}"] = ("max_pool", {"kernel": 2})
    if adaptive:
        found["avgpool"] = ("adaptive_avg_pool", {"output_size": 7})
    found["flatten"] = "flatten"
    for place, (before, after) in enumerate(((512 * 7 * 7, 4096), (4096, 4096)), 6):
        found[f"fc{place}"] = ("linear", {"in_features": before, "out_features": after, "bias": True})
        found[f"relu{place}"] = "relu"
        found[f"drop{place}"] = "dropout"
    found["fc8"] = ("linear", {"in_features": 4096, "out_features": classes, "bias": True})
    return found
