"""What every operator computes within `exact_order`, on numbers of which no two orders give the same sum."""

from __future__ import annotations

import hashlib
import pickle
import sys
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import convmath as cm
from convmath import functional
from convmath import functional as F
from convmath.testing import Case, cases
from convmath.testing.cases import SEEDS

from .registry import OPERATORS

CASES = 3  # of each operator in a hash

Call = tuple[str, tuple[Any, ...], dict[str, Any], int]  # an operator at arguments, and what the cotangent is drawn by


def real(case: Case, seed: int, dtype: str) -> Case:
    """The case with factors for all its numbers that have no short form: what is 0 or positive stays so."""
    rng = np.random.default_rng(seed)

    def scaled(array: np.ndarray) -> np.ndarray:
        if array.dtype.kind == "i":
            return array
        return (array * rng.uniform(0.5, 1.5, array.shape) * 4.0 ** rng.integers(-1, 2, array.shape)).astype(dtype)

    integers = {tensor.name for tensor in case.operator.statement.inputs if tensor.integer}
    named = zip(case.operator.statement.reads, case.arrays, strict=True)
    return case.with_arrays(*(a if name in integers else scaled(np.asarray(a, float)) for name, a in named))


def computed(case: Case, seed: int) -> list[np.ndarray]:
    """All outputs, and all gradients."""
    function, rng = getattr(functional, case.op), np.random.default_rng(seed)
    found = function(*case.args, **case.kwargs)
    values = [np.asarray(v) for v in (found if isinstance(found, tuple) else (found,)) if v is not None]
    cotangent = rng.standard_normal(values[0].shape).astype(values[0].dtype)
    gradients = function.vjp(cotangent, *case.args, **case.kwargs)
    return [*values, *(gradient for gradient in gradients if gradient is not None)]


def floats(name: str) -> st.SearchStrategy[Case]:
    return st.integers(1, 3).flatmap(lambda ndim: cases(name, ndim))


# --- one hash for everything ------------------------------------------------------------------------------------------


def digest(calls: list[Call], mode: AbstractContextManager[None] | None = None) -> str:
    """Of calls of operators, of those on larger arrays, and of steps of the engine."""
    total = hashlib.sha256()
    with warnings.catch_warnings(), mode or cm.exact_order():
        warnings.simplefilter("ignore")
        for name, args, kwargs, seed in calls:
            for array in computed(Case(name, args, kwargs), seed):
                total.update(bits(array))
        for name in large():
            for array in of_large(name):
                total.update(bits(array))
        for array in steps():
            total.update(bits(array))
    return total.hexdigest()


def bits(array: np.ndarray) -> bytes:
    """With one pattern for what is no number: which it is, is nobody's promise."""
    array = np.array(array, order="C")
    if array.dtype.kind == "f":
        array[np.isnan(array)] = np.nan
    return f"{array.dtype}{array.shape}".encode() + array.tobytes()


def calls() -> list[Call]:
    """Some of each operator. What Hypothesis draws depends on what is imported: they are drawn once and handed on."""
    found: list[Call] = []

    @settings(max_examples=CASES, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(data=st.data(), seed=SEEDS, dtype=st.sampled_from(["f4", "f8"]))
    def collect(data: st.DataObject, seed: int, dtype: str) -> None:
        for name in OPERATORS:
            case = real(data.draw(floats(name)), seed, dtype)
            found.append((name, case.args, dict(case.kwargs), seed))

    collect()
    return found


def large() -> dict[str, tuple[tuple[Any, ...], dict[str, Any]]]:
    """Calls that are worth a generated kernel: at least one of each family of them."""
    rng = np.random.default_rng(0)

    def numbers(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) * 4.0 ** rng.integers(-1, 2, shape)).astype("f4")

    image, classes = numbers(4, 8, 19, 21), rng.integers(0, 10, 500)
    return {
        "conv": ((image, numbers(16, 8, 3, 3), numbers(16)), {"padding": 1}),
        "conv_transpose": ((image, numbers(8, 6, 2, 2)), {"stride": 2}),
        "depthwise_conv": ((image, numbers(8, 1, 3, 3)), {"padding": 1}),
        "table_conv": ((numbers(4, 4, 30, 30), numbers(8, 4, 3, 3), rng.integers(0, 2, (8, 4))), {}),
        "linear": ((numbers(200, 50), numbers(40, 50), numbers(40)), {}),
        "locally_connected": ((numbers(20, 3, 12), numbers(9, 10, 3, 3)), {}),
        "max_pool": ((numbers(4, 8, 24, 24), 3), {"stride": 2}),
        "avg_pool": ((numbers(4, 8, 24, 24), 3), {"padding": 1}),
        "lp_pool": ((np.abs(numbers(4, 8, 24, 24)), 1.7, 2), {}),
        "adaptive_avg_pool": ((numbers(4, 8, 24, 24), 6), {}),
        "global_avg_pool": ((numbers(4, 8, 24, 24),), {}),
        "batch_norm": ((image, None, None, numbers(8), numbers(8)), {"training": True}),
        "layer_norm": ((numbers(100, 120), 120, numbers(120), numbers(120)), {}),
        "group_norm": ((image, 4, numbers(8), numbers(8)), {}),
        "local_response_norm": ((image, 5), {}),
        "gelu": ((numbers(20000),), {}),
        "sigmoid": ((numbers(20000),), {}),
        "softplus": ((numbers(20000),), {}),
        "softmax": ((numbers(500, 37),), {}),
        "log_softmax": ((numbers(20, 37, 20),), {"axis": 1}),
        "cross_entropy": ((numbers(500, 10), classes), {}),
        "upsample": ((image,), {"scale_factor": 2, "mode": "linear"}),
        "convolve": ((numbers(5000), numbers(150)), {}),
        "correlate": ((numbers(60, 60), numbers(5, 5)), {"mode": "same", "boundary": "reflect"}),
    }


def of_large(name: str) -> list[np.ndarray]:
    args, kwargs = large()[name]
    return [array for dtype in ("f4", "f8") for array in _called(name, args, kwargs, dtype)]


def _called(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], dtype: str) -> list[np.ndarray]:
    floating = (a.astype(dtype) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in args)
    return computed(Case(name, tuple(floating), kwargs), 1)


def steps() -> Iterator[np.ndarray]:
    """A step of training, a second derivative by way of a statement, and what Tensors do by themselves."""
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((16, 1, 28, 28)).astype("f4"), rng.integers(0, 10, 16)
    weights = [rng.standard_normal(s).astype("f4") / 5 for s in [(6, 1, 5, 5), (16, 6, 5, 5), (10, 16 * 16)]]

    def loss(weights: Any) -> Any:
        y = F.avg_pool(F.tanh(F.conv(x, weights[0])), 2)
        y = F.max_pool(F.relu(F.conv(y, weights[1])), 2)
        return F.cross_entropy(F.linear(F.flatten(y), weights[2]), target)

    value, gradients = cm.value_and_grad(loss)(weights)
    yield from (value, *gradients)
    a, b = rng.standard_normal((2, 60, 60))

    def mixed(a: Any, b: Any) -> Any:
        y = np.exp(a) @ np.tanh(b) + np.log(a * a + 1) ** 1.5
        return (y.mean(axis=0) ** 3).sum() + np.maximum(a, b).sum() / (1 + b[0, 0] ** 2)

    yield from cm.grad(mixed, wrt=(0, 1))(a, b)
    yield from cm.hvp(lambda a: F.softmax(a[:5]).max(axis=1).sum() + F.gelu(a[:5]).sum(), (a,), (b,))
    soft = cm.define("soft", "Y[v,c,j] = sum(t<k) exp(X[v,c,s*j+t]) * W[c,t]", outside={"X": 0}, ndim=1)
    u, w = rng.standard_normal((2, 3, 40)), rng.standard_normal((3, 4))
    yield soft.function(u, w, s=2)
    yield from soft.function.vjp(rng.standard_normal(soft.function(u, w, s=2).shape), u, w, s=2)


if __name__ == "__main__":
    drawn, how = sys.argv[1:]
    if how == "alone":
        sys.modules["llvmlite"] = None  # type: ignore[assignment]  # which says that it is not there
    print(digest(pickle.loads(Path(drawn).read_bytes()), nullcontext() if how == "without" else None))
