"""AlexNet.

"paper": Krizhevsky, Sutskever, Hinton, ImageNet Classification with Deep Convolutional Neural Networks (2012), section
3.5: two groups, as it ran on two processors, and local response normalisation. The paper says 224×224; its sizes
follow from 227×227.

"torchvision": Krizhevsky, One weird trick for parallelizing convolutional neural networks (2014), as torchvision has
it: no groups, no normalisation, and an adaptive pool, so that any size goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .nodes import Entry

__all__ = ["CHANNELS", "CLASSES", "paper", "torchvision"]

CHANNELS, CLASSES = 3, 1000

POOL = ("max_pool", {"kernel": 3, "stride": 2})
# torch's alpha is divided by the size of the window, the paper's is not
NORM = ("local_response_norm", {"size": 5, "alpha": 5e-4, "beta": 0.75, "k": 2.0})


def _conv(channels: int, kernel: int, padding: int = 0, **more: Any) -> Entry:
    return ("conv", {"out_channels": channels, "kernel": kernel, "padding": padding, "bias": True, **more})


def _dense(before: int, after: int) -> Entry:
    return ("linear", {"in_features": before, "out_features": after, "bias": True})


def torchvision(classes: int) -> Mapping[str, Entry]:
    """Five convolutions and three dense layers."""
    return {
        "conv1": _conv(64, 11, 2, stride=4),
        "relu1": "relu",
        "pool1": POOL,
        "conv2": _conv(192, 5, 2),
        "relu2": "relu",
        "pool2": POOL,
        "conv3": _conv(384, 3, 1),
        "relu3": "relu",
        "conv4": _conv(256, 3, 1),
        "relu4": "relu",
        "conv5": _conv(256, 3, 1),
        "relu5": "relu",
        "pool5": POOL,
        "avgpool": ("adaptive_avg_pool", {"output_size": 6}),
        "flatten": "flatten",
        "drop6": "dropout",
        "fc6": _dense(256 * 6 * 6, 4096),
        "relu6": "relu",
        "drop7": "dropout",
        "fc7": _dense(4096, 4096),
        "relu7": "relu",
        "fc8": _dense(4096, classes),
    }


def paper(classes: int) -> Mapping[str, Entry]:
    """Five convolutions, three of them in two groups, and three dense layers."""
    return {
        "conv1": _conv(96, 11, stride=4),
        "relu1": "relu",
        "norm1": NORM,
        "pool1": POOL,
        "conv2": _conv(256, 5, 2, groups=2),
        "relu2": "relu",
        "norm2": NORM,
        "pool2": POOL,
        "conv3": _conv(384, 3, 1),
        "relu3": "relu",
        "conv4": _conv(384, 3, 1, groups=2),
        "relu4": "relu",
        "conv5": _conv(256, 3, 1, groups=2),
        "relu5": "relu",
        "pool5": POOL,
        "flatten": "flatten",
        "fc6": _dense(256 * 6 * 6, 4096),
        "relu6": "relu",
        "drop6": "dropout",
        "fc7": _dense(4096, 4096),
        "relu7": "relu",
        "drop7": "dropout",
        "fc8": _dense(4096, classes),
        "prob": "softmax",
    }
