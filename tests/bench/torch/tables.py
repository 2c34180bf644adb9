"""The tables beside torch, in parts.

`--only` takes some of layers, streams and steps (what comes by itself), few (layers of few images or of many weights,
and depthwise ones), patches and exact, or numpy alone: the layers as they are computed without the extra `fast`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

import torch

import convmath as cm

from ..budgets import processor
from ..layers import FEW
from ..measure import Case, measured, summary, table
from . import convolutions, steps, streams

__all__ = ["main"]

Cases = Callable[[str], Iterator[Case]]


def _streams(dtype: str) -> Iterator[Case]:
    for each in (streams.pools, streams.norms, streams.activations):
        yield from each(dtype)


def _steps(dtype: str) -> Iterator[Case]:
    if dtype == "f4":
        for kind in ("plain", "planned", "operator by operator", "exact"):
            yield from steps.cases(kind)


PARTS: dict[str, Cases] = {
    "layers": convolutions.cases,
    "few": lambda dtype: convolutions.cases(dtype, layers=FEW),
    "streams": _streams,
    "steps": _steps,
    "patches": lambda dtype: convolutions.cases(dtype, "patches"),
    "numpy": convolutions.cases,
    "exact": lambda dtype: convolutions.cases(dtype, within=cm.exact_order),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.torch", description=__doc__)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--dtype", nargs="+", choices=["f4", "f8"], default=["f4", "f8"])
    parser.add_argument("--only", nargs="+", choices=[*PARTS], default=["layers", "streams", "steps"])
    asked = parser.parse_args()
    if "numpy" in asked.only:
        if asked.only != ["numpy"]:
            parser.error("numpy does without llvmlite, and the other parts with it, so that it goes alone")
        sys.modules["llvmlite"] = None  # type: ignore[assignment]
    print(f"{processor()}, torch {torch.__version__}")
    for part in asked.only:
        for dtype in asked.dtype:
            for threads in asked.threads:
                cm.set_threads(threads)
                torch.set_num_threads(threads)
                print(f"\n{part}, {dtype}, {threads} thread{'s' * (threads > 1)}\n")
                summary(table(measured(PARTS[part](dtype), threads), "torch"))
