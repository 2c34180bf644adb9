"""The lecture's worked numbers, recomputed by definition.

The arrays and printed results are facts of the lecture and live in lecture.json with their source. The lecture
calls its operation a convolution; its numbers hold as a correlation (no kernel is turned), and true convolution
gives others.

>>> for check in recomputed():
...     print(check.name, check.holds, check.correlation[0][0], check.convolution[0][0])
7x7 True 3 1
rgb True 475 764
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from convmath.ops.registry import operator

__all__ = ["Recomputed", "data", "recomputed"]

Matrix = list[list[int]]


@cache
def data() -> Mapping[str, Any]:
    """The arrays and printed results, with their source."""
    return json.loads(files("convmath.notes").joinpath("lecture.json").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Recomputed:
    """One example: what is printed (None where the slide shows nothing), and both operations by definition."""

    name: str
    title: Mapping[str, str]
    input: list[Matrix]  # one a channel
    kernel: list[Matrix]
    printed: list[list[int | None]]
    correlation: Matrix
    convolution: Matrix
    channels: tuple[tuple[int, int], ...]  # (printed, recomputed) for each channel alone, at the first position

    @property
    def holds(self) -> bool:
        """Whether every printed number is the correlation's."""
        pairs = [
            (p, got)
            for row, found in zip(self.printed, self.correlation, strict=True)
            for p, got in zip(row, found, strict=True)
        ]
        return all(p is None or p == got for p, got in (*pairs, *self.channels))

    @property
    def differs_from_convolution(self) -> bool:
        return self.correlation != self.convolution


def _correlation(x: np.ndarray, w: np.ndarray) -> Matrix:
    return operator("conv", ndim=2).exact(x[None], w[None])[0, 0].tolist()


def recomputed() -> tuple[Recomputed, ...]:
    """Every example, recomputed now."""
    found = []
    for example in data()["examples"]:
        x, w = np.array(example["input"]), np.array(example["kernel"])
        alone = [_correlation(x[c : c + 1], w[c : c + 1])[0][0] for c in range(len(x))]
        found.append(
            Recomputed(
                example["name"],
                example["title"],
                example["input"],
                example["kernel"],
                example["printed"],
                _correlation(x, w),
                _correlation(x, w[:, ::-1, ::-1]),
                tuple(zip(example.get("channels", ()), alone, strict=False)),
            )
        )
    return tuple(found)
