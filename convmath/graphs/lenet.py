"""LeNet-5.

"paper": LeCun, Bottou, Bengio, Haffner, Gradient-Based Learning Applied to Document Recognition (1998), section II.B: a
table says which maps C3 reads, subsampling has a coefficient and a bias a map, the output is the squared distance to
parameters that are fixed. Of a 32×32 input C5 leaves one position.

"torchvision": as it is built today, with max pooling, ReLU and dense layers, on a 28×28 input that is padded by 2.
torchvision itself has no LeNet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convmath.ops.lenet import CONNECTIONS

from .nodes import Entry

__all__ = ["CHANNELS", "CLASSES", "modern", "paper"]

CHANNELS, CLASSES = 1, 10

MAPS = 6  # of S2, which C3 reads
TABLE = tuple(tuple(int(place in read) for place in range(MAPS)) for read in CONNECTIONS)


def _conv(channels: int, **more: Any) -> Entry:
    return ("conv", {"out_channels": channels, "kernel": 5, "bias": True, **more})


def _dense(before: int, after: int) -> Entry:
    return ("linear", {"in_features": before, "out_features": after, "bias": True})


def modern(classes: int) -> Mapping[str, Entry]:
    """Two convolutions, each with a ReLU and a pool, and three dense layers."""
    pool = ("max_pool", {"kernel": 2})
    return {
        "conv1": _conv(6, padding=2),
        "relu1": "relu",
        "pool1": pool,
        "conv2": _conv(16),
        "relu2": "relu",
        "pool2": pool,
        "flatten": "flatten",
        "fc3": _dense(16 * 5 * 5, 120),
        "relu3": "relu",
        "fc4": _dense(120, 84),
        "relu4": "relu",
        "fc5": _dense(84, classes),
    }


def paper(classes: int) -> Mapping[str, Entry]:
    """The seven layers of the paper's figure 2, each up to F6 with its squashing function."""
    subsample = ("subsample", {"kernel": 2, "bias": True})
    return {
        "C1": _conv(MAPS),
        "C1.squash": "scaled_tanh",
        "S2": subsample,
        "S2.squash": "scaled_tanh",
        "C3": ("table_conv", {"kernel": 5, "bias": True, "R": TABLE}),
        "C3.squash": "scaled_tanh",
        "S4": subsample,
        "S4.squash": "scaled_tanh",
        "C5": _conv(120),
        "C5.squash": "scaled_tanh",
        "flatten": "flatten",
        "F6": _dense(120, 84),
        "F6.squash": "scaled_tanh",
        "output": ("rbf", {"out_features": classes, "trainable": False}),
    }
