"""The processor as LLVM names it, and how wide the vectors are that kernels are made for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache

import llvmlite
import llvmlite.binding as llvm

from convmath.errors import HyperparameterError

__all__ = ["Host", "host"]

WIDTHS = (16, 32, 64)
FORCED = "CONVMATH_VECTOR_BYTES"


@dataclass(frozen=True)
class Host:
    """What code is made for: `vector` is the bytes of a vector register, and there are `registers` of them."""

    triple: str
    name: str
    features: str
    vector: int
    registers: int

    @property
    def identity(self) -> tuple[str, ...]:
        """All that machine code depends on besides its source."""
        versions = (llvmlite.__version__, ".".join(map(str, llvm.llvm_version_info)))
        return (self.triple, self.name, self.features, str(self.vector), *versions)


@lru_cache
def host() -> Host:
    """The processor this runs on; the environment variable CONVMATH_VECTOR_BYTES makes its vectors narrower."""
    features = llvm.get_host_cpu_features()
    widest = _widest(features)
    vector = _forced(widest)
    # without its features LLVM can't use a set of instructions that the chosen width does without
    for name in list(features):
        if (vector < 64 and name.startswith(("avx512", "avx10", "evex512"))) or (
            vector < 32 and name.startswith(("avx", "fma", "f16c", "vaes", "vpclmul"))
        ):
            features[name] = False
    many = vector == 64 or not llvm.get_default_triple().startswith(("x86", "amd64", "i686"))
    return Host(llvm.get_default_triple(), llvm.get_host_cpu_name(), features.flatten(), vector, 32 if many else 16)


def _widest(features: dict[str, bool]) -> int:
    if features.get("avx512f") and features.get("avx512vl") and features.get("avx512dq"):
        return 64
    return 32 if features.get("avx2") and features.get("fma") else 16


def _forced(widest: int) -> int:
    said = os.environ.get(FORCED, "").strip()
    if not said:
        return widest
    if said not in map(str, WIDTHS):
        raise HyperparameterError(f"{FORCED} is {said!r}, but 16, 32 or 64 is needed")
    return min(int(said), widest)
