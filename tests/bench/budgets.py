"""What the library promises to take: python -m tests.bench.budgets (or `make bench`).

Each figure comes from fresh processes, several times; the table gives the least and the median beside the promise.
Nothing here is a test: a busy machine is no fault.
"""

from __future__ import annotations

import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

from .layers import LAYERS

PYTHON = [sys.executable, "-c"]

IMPORT = """
from time import perf_counter
start = perf_counter()
import convmath
print(perf_counter() - start)
"""

# all first gradients of the grouped 3-D convolution, solved, with every hyper-parameter a symbol
GRADIENTS = """
from time import perf_counter
import convmath as cm
cm.operator
start = perf_counter()
op = cm.operator("conv", ndim=3, bias=True)
for wrt in op.statement.reads:
    op.vjp(wrt).result
print(perf_counter() - start)
"""

# shape, vjp, jvp and hvp by every input of every operator in 3-D, hyper-parameters symbols: the slowest, and all
DERIVATIONS = """
from time import perf_counter
import convmath as cm
cm.operator
slowest = total = 0.0
for name in cm.operators():
    op = cm.operator(name, ndim=3)
    real = [tensor.name for tensor in op.statement.inputs if not tensor.integer]
    for kind, wrt in [("shape", ())] + [(kind, (name,)) for name in real for kind in ("vjp", "jvp", "hvp")]:
        start = perf_counter()
        getattr(op, kind)(*wrt)
        took = perf_counter() - start
        slowest, total = max(slowest, took), total + took
print(slowest, total)
"""

TABLE = """
from time import perf_counter
import convmath as cm
cm.network
start = perf_counter()
cm.network("resnet50").table()
print(perf_counter() - start)
"""

# the engine: kernels, derived rules and what takes gradients by them
ENGINE = """
from time import perf_counter
start = perf_counter()
import convmath as cm
cm.grad
print(perf_counter() - start)
"""

# a layer in a process that has called none yet, and nothing kept on disk: forward, or the gradient by an argument
FIRST = """
import os
from time import perf_counter
import numpy as np
from tests.bench.layers import LAYERS
os.environ["CONVMATH_CACHE"] = ""
layer = LAYERS[{layer}]
x, w = layer.drawn("{dtype}")
start = perf_counter()
call = layer.function.prepare(x, w, **layer.hyper)
call.pulled(np.ones(call.shape, x.dtype), {{{place}}}) if "{place}" else layer.function(x, w, **layer.hyper)
print(perf_counter() - start)
"""

# valid cases of every operator in one to three dimensions, drawn before the clock starts
EXACT = """
import random, warnings
from time import perf_counter
import convmath as cm
from convmath import testing
from hypothesis import HealthCheck, Phase, given, seed, settings
cases = []
for name in cm.operators():
    @seed(0)
    @settings(max_examples=150, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(testing.cases(name))
    def draw(case):
        cases.append(case)
    draw()
case = cases[0]
case.operator.exact(*case.array_arguments, **case.given)
start = perf_counter()
for case in cases:
    case.operator.exact(*case.array_arguments, **case.given)
fresh = perf_counter() - start
start = perf_counter()
for case in cases:
    case.operator.exact(*case.array_arguments, **case.given)
print(len(cases) / fresh, len(cases) / (perf_counter() - start))
"""


def inside(script: str, times: int) -> list[list[float]]:
    """What the script prints, from as many fresh processes."""
    found = []
    for _ in range(times):
        done = subprocess.run([*PYTHON, script], check=True, capture_output=True, text=True)
        found.append([float(number) for number in done.stdout.split()])
    return found


def whole(command: list[str], times: int) -> list[float]:
    """The seconds of the whole process."""
    found = []
    for _ in range(times):
        start = perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        found.append(perf_counter() - start)
    return found


def _spread(values: list[float], unit: Callable[[float], str], least: Callable[[list[float]], float] = min) -> str:
    return f"{unit(least(values))} / {unit(statistics.median(values))}"


def first_calls(dtype: str, place: str) -> list[float]:
    """The least time of each layer's first call."""
    scripts = [FIRST.format(layer=layer, dtype=dtype, place=place) for layer in range(len(LAYERS))]
    return [min(x for [x] in inside(script, 3)) for script in scripts]


def milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"


def seconds(value: float) -> str:
    return f"{value:.1f} s"


def rows() -> Iterator[tuple[str, str, str]]:
    """What is measured, least (or most) and median, and the promise."""
    convmath = [sys.executable, "-m", "convmath"]
    yield "`import convmath`", _spread([x for [x] in inside(IMPORT, 15)], milliseconds), "50 ms"
    yield "`convmath --help`, the whole process", _spread(whole([*convmath, "--help"], 11), milliseconds), "200 ms"
    yield "`python -c pass`, for comparison", _spread(whole([*PYTHON, "pass"], 11), milliseconds), ""
    yield "`import convmath` and its engine", _spread([x for [x] in inside(ENGINE, 7)], milliseconds), ""
    for kind, place in (("forward", ""), ("input", "0"), ("weight", "1")):
        for dtype in ("float32", "float64"):
            # of every layer the least time counts, and of these the longest
            took = _spread(first_calls(dtype, place), milliseconds, max)
            yield f"the first use of a layer, {kind}, {dtype}: longest / median of the layers", took, "300 ms"
    gradients = [x for [x] in inside(GRADIENTS, 7)]
    yield "all first gradients of the grouped 3-D convolution", _spread(gradients, milliseconds), "500 ms"
    derivations = zip(*inside(DERIVATIONS, 3), strict=True)
    for name, values, promise in zip(("the slowest", "all of them"), derivations, ("2 s", "60 s"), strict=True):
        yield f"derivations of every operator in 3-D, {name}", _spread(list(values), seconds), promise
    yield "the table of ResNet-50", _spread([x for [x] in inside(TABLE, 5)], milliseconds), "1000 ms"
    exact = inside(EXACT, 3)
    for name, values in zip(("each at new sizes", "the same again"), zip(*exact, strict=True), strict=True):
        rate = _spread(list(values), lambda x: f"{x:.0f}", max)
        yield f"exact evaluations a second, {name}", rate, "200"
    with tempfile.TemporaryDirectory() as folder:
        verify = whole([*convmath, "verify", "-o", str(Path(folder) / "report.html")], 2)
    yield "`convmath verify`", _spread(verify, lambda x: f"{x:.0f} s"), "90 s"
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # kB on Linux
    yield "… the largest process", f"{most:.0f} MB", "1 GB"


def processor() -> str:
    """The name of the processor."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        if names:
            return names[0]
    return platform.processor() or platform.machine()


def main() -> None:
    print(f"{processor()}, Python {platform.python_version()}\n")
    print("| what | least / median | promised |\n|---|---|---|")
    for row in rows():
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
