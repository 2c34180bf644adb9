"""Within `exact_order` every operator has the same bits, whatever computes it; and what looks for it has teeth."""

from __future__ import annotations

import ast
import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import convmath as cm
from convmath import functional
from convmath import functional as F
from convmath.errors import HyperparameterError
from convmath.functional import using
from convmath.kernels import basics, choice, ordered, streams
from convmath.lower import function
from convmath.testing import Subject
from convmath.testing.cases import SEEDS, integers
from convmath.testing.laws import LAWS, applies, laws_of
from convmath.testing.subject import Failure

from ..faults import caught
from ..generated import GENERATED
from .exact_order import bits, calls, computed, floats, large, of_large, real, steps
from .registry import OPERATORS, drawn

DTYPES = st.sampled_from(["f4", "f8"])
FEW = settings(max_examples=5)  # kernels are made for each of them


def same(ones: Any, others: Any, what: Any) -> None:
    for place, (one, other) in enumerate(zip(ones, others, strict=True)):
        assert bits(one) == bits(other), f"{place} of {what}"


# --- generated kernels and NumPy --------------------------------------------------------------------------------------


@GENERATED
@pytest.mark.parametrize("name", OPERATORS)
@FEW
@given(data=st.data())
def test_generated_kernels_have_the_bits_of_numpy(name: str, data: st.DataObject) -> None:
    case, seed, dtype = data.draw(floats(name)), data.draw(SEEDS), data.draw(DTYPES)
    numbers = real(case, seed, dtype)
    with warnings.catch_warnings(), cm.exact_order():
        warnings.simplefilter("ignore")  # about probabilities
        with using("simd"):
            fast = computed(numbers, seed)
        with using("direct"):
            same(fast, computed(numbers, seed), numbers)


@GENERATED
@pytest.mark.parametrize("name", large())
def test_large_arrays_have_the_bits_of_numpy(name: str) -> None:
    with cm.exact_order():
        fast = of_large(name)
        with using("direct"):
            same(fast, of_large(name), name)


@GENERATED
def test_steps_have_the_bits_of_numpy() -> None:
    with cm.exact_order():
        fast = list(steps())
        with using("direct"):
            same(fast, steps(), "the steps")


# --- threads, vectors, processors -------------------------------------------------------------------------------------


def dispatched() -> str:
    """What NumPy makes use of on this processor beyond the least that it needs."""
    from numpy._core import _multiarray_umath as numpy_itself

    return " ".join(name for name in numpy_itself.__cpu_dispatch__ if numpy_itself.__cpu_features__.get(name))


# a processor without wide vectors and fused multiply-add, as far as NumPy and OpenBLAS are concerned
PLAIN = {"NPY_DISABLE_CPU_FEATURES": dispatched(), "OPENBLAS_CORETYPE": "Nehalem"}
ONE = {"CONVMATH_THREADS": "1", "CONVMATH_VECTOR_BYTES": "16", **PLAIN}
TWO = {"CONVMATH_THREADS": "2"}
# how it is run, and in which environment
WAYS = {
    "one thread, vectors of 16 bytes, a plain processor": ("", ONE),
    "two threads, vectors of 32 bytes": ("", {**TWO, "CONVMATH_VECTOR_BYTES": "32"}),
    "two threads, vectors of 64 bytes": ("", {**TWO, "CONVMATH_VECTOR_BYTES": "64"}),
    "NumPy alone, a plain processor": ("", {"CONVMATH_METHOD": "direct", **PLAIN}),
    "no llvmlite": ("alone", {}),
}
ROOT = Path(__file__).parents[2]


def hashes(ways: Mapping[str, tuple[str, Mapping[str, str]]], folder: Path) -> dict[str, str]:
    """What is printed in each way; all of them run at once."""
    (drawn := folder / "calls").write_bytes(pickle.dumps(calls()))
    running = {}
    for way, (how, more) in ways.items():
        command = [sys.executable, "-m", "tests.laws.exact_order", str(drawn), how]
        running[way] = subprocess.Popen(command, env=os.environ | more, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    found = {way: process.communicate()[0].strip() for way, process in running.items()}
    assert {way: process.returncode for way, process in running.items()} == dict.fromkeys(ways, 0)
    return found


def test_there_is_one_hash_for_all_machines(tmp_path: Path) -> None:
    found = hashes(WAYS, tmp_path)
    assert len(set(found.values())) == 1, found


# --- what is right ----------------------------------------------------------------------------------------------------


def _within(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        with cm.exact_order():
            return function(*args, **kwargs)

    return call


@pytest.mark.parametrize(("name", "law"), [(n, law) for n in OPERATORS for law in ("definition", "gradient", "purity")])
@FEW
@given(data=st.data())
def test_it_obeys(name: str, law: str, data: st.DataObject) -> None:
    """The bounds of the definition are kept; on integers equal means equal."""
    case, seed = data.draw(drawn(name), label="case"), data.draw(SEEDS, label="seed")
    if law not in laws_of(name, True) or not applies(law, case):
        return
    own = getattr(functional, name)
    try:
        found = LAWS[law](Subject(name, _within(own), _within(own.vjp)), case, partial(integers, seed))
    except Failure as failure:
        raise AssertionError(str(failure)) from failure
    assert found is None, f"{found.sentence} at {case}"


def test_it_is_for_what_is_within_it_alone() -> None:
    x, w = np.ones((1, 2, 5), "f4"), np.ones((2, 2, 3), "f4")
    assert F.conv.plan(x, w).method == "patches"
    with cm.exact_order():
        with cm.exact_order():
            assert F.conv.plan(x, w).method == "direct"
        assert F.conv.plan(x, w).method == "direct"
        assert F.conv.plan(x, w, method="direct").kernels is ordered
    assert F.conv.plan(x, w).method == "patches"


@pytest.mark.parametrize("method", ["patches", "winograd", "winograd4"])
def test_a_method_without_an_order_is_refused_wherever_it_is_named(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, w = np.ones((1, 2, 5)), np.ones((2, 2, 3))
    said = f"^method '{method}' is asked for, but within exact_order 'direct', 'simd' or 'auto' is needed"
    with cm.exact_order():
        with pytest.raises(HyperparameterError, match=said):
            F.conv(x, w, method=method)
        with pytest.raises(HyperparameterError, match=said), using(method):
            F.relu(x)
        monkeypatch.setenv(choice.VARIABLE, method)
        with pytest.raises(HyperparameterError, match=said):
            F.convolve(x[0, 0], w[0, 0])
        assert F.conv(x, w, method="direct").shape == (1, 2, 3)


def test_what_has_no_order_is_refused() -> None:
    with cm.exact_order():
        with pytest.raises(
            HyperparameterError, match=r"^method 'fft' is asked for, .* \[convolve\(A\(3,\), V\(2,\)\)\]$"
        ):
            F.convolve(np.ones(3), np.ones(2), method="fft")
        with pytest.raises(HyperparameterError, match=r"^the exponent is an array of shape \(2,\)"):
            cm.grad(lambda x: (x ** np.array([1.5, 2.5])).sum())(np.array([1.0, 2.0]))
        strict = pytest.importorskip("array_api_strict", reason="the package array-api-strict is not installed")
        x = strict.asarray(np.ones((1, 1, 3)))
        with pytest.raises(HyperparameterError, match="within exact_order NumPy's arrays are needed"):
            function(cm.operator("relu", ndim=1).statement, strict)(X=x)


# --- teeth ------------------------------------------------------------------------------------------------------------


@GENERATED
def test_the_law_sees_a_sum_in_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    run = ordered._run
    monkeypatch.setattr(ordered, "_run", lambda found, terms: run(found, terms[::-1]))
    for name in ("conv", "linear", "batch_norm", "softmax", "cross_entropy"):
        caught(test_generated_kernels_have_the_bits_of_numpy, name)


@GENERATED
def test_the_law_sees_a_contraction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "in_exact_order", lambda: False)
    monkeypatch.setattr(choice, "methods", lambda: {**choice.ordered_methods(), "simd": choice.generated()[0]["simd"]})
    choice._chosen.cache_clear()
    caught(test_generated_kernels_have_the_bits_of_numpy, "conv")
    choice._chosen.cache_clear()


@GENERATED
def test_the_law_sees_the_exponential_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(basics, "exp", np.exp)
    for name in ("sigmoid", "softmax"):
        caught(test_generated_kernels_have_the_bits_of_numpy, name)


@GENERATED
def test_the_law_sees_fast_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convmath.kernels.simd.elementwise.in_exact_order", lambda: False)
    monkeypatch.setattr(streams, "in_exact_order", lambda: False)
    for name in ("gelu", "layer_norm"):
        caught(test_generated_kernels_have_the_bits_of_numpy, name)


def test_without_the_mode_the_hash_differs(tmp_path: Path) -> None:
    found = hashes({"one": ("without", ONE), "two": ("without", {"CONVMATH_VECTOR_BYTES": "64"})}, tmp_path)
    assert len(set(found.values())) == 2


# --- a kernel cannot forget it ----------------------------------------------------------------------------------------

ROOMS = ["kernels/*.py", "functional/*.py", "engine/*.py", "lower/*.py"]
SUMS = {
    "sum",
    "mean",
    "dot",
    "var",
    "std",
    "average",
    "matmul",
    "einsum",
    "inner",
    "vdot",
    "tensordot",
    "trace",
    "reduceat",
}
FUNCTIONS = {
    *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logaddexp", "power", "float_power", "cbrt", "hypot"),
    *("sin", "cos", "tan", "arctan", "arctan2", "sinh", "cosh", "tanh", "erf", "erfc", "expit", "logsumexp", "norm"),
}
# where they stand all the same, and why
ALLOWED = {
    "kernels/basics.py": "decides",
    "kernels/depthwise.py": "not taken",
    "kernels/direct.py": "its convolutions are not taken",
    "kernels/lowering.py": "not taken",
    "kernels/patches.py conv": "not taken",
    "kernels/patches.py conv_input": "not taken",
    "kernels/patches.py conv_weight": "not taken",
    "kernels/products.py": "those of BLAS, which `basics` decides about",
    "kernels/lifting.py": "not taken",
    "kernels/runs.py": "not taken",
    "kernels/fft.py": "not taken",
    "kernels/signal.py by_definition": "not taken",
    "kernels/signal.py _chosen": "a limit for integers",
    "kernels/adaptive.py max_pool_input": "counts",
    "functional/loss.py _warn_unless_probabilities": "a warning",
    "functional/loss.py by_weight": "counts",
    "kernels/toom_cook.py": "fractions",
    "kernels/winograd.py": "not taken",
    "lower/scalars.py _power": "`power` of the arrays",
    "lower/functions.py": "of other libraries, which are refused",
    "lower/arrays.py finite": "of other libraries, or overridden",
    "lower/arrays.py matmul": "of other libraries",
    "lower/arrays.py reduced": "of other libraries, or of maxima",
    "engine/elementwise.py summed": "of a traced value, whose own is meant",
    "engine/slopes.py _raised": "of a traced value, whose own is meant",
}


def forgotten(source: str) -> Iterator[tuple[str, str]]:
    """Functions of a module, and what they call that has no order, or other bits on another machine."""
    tree = ast.parse(source)

    def visit(node: ast.AST, inside: str) -> Iterator[tuple[str, str]]:
        if isinstance(node, ast.FunctionDef):
            inside = inside or node.name
        match node:
            case ast.BinOp(op=ast.MatMult()):
                yield inside, "@"
            case ast.BinOp(op=ast.Pow()) if not _known(node):
                yield inside, "**"
            case ast.Call(func=ast.Attribute(attr=name, value=value)) if name in SUMS | FUNCTIONS:
                if not (isinstance(value, ast.Name) and value.id in OWN):
                    yield inside, name
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside)

    yield from visit(tree, "")


# modules of functions that know of the mode, and those that are about whole numbers and sizes
OWN = {"basics", "elementary", "math", "features", "arrays", "exponential"}


def _known(node: ast.BinOp) -> bool:
    """A power of a constant, which is a number that is known before, or by 2, which NumPy multiplies."""
    return isinstance(node.left, ast.Constant) or (isinstance(node.right, ast.Constant) and node.right.value == 2)


def unexpected(folder: Path) -> list[str]:
    found = []
    for file in (file for room in ROOMS for file in sorted(folder.glob(room))):
        name = file.relative_to(folder).as_posix()
        for within, called in forgotten(file.read_text()):
            if name not in ALLOWED and f"{name} {within}" not in ALLOWED:
                found.append(f"{name} {within}: {called}")
    return found


PACKAGE = Path(cm.__file__).parent


def test_no_kernel_forgets_the_mode() -> None:
    """NumPy's own sums, products of matrices and functions are called in `basics`, or where they are not taken."""
    assert unexpected(PACKAGE) == []


def test_a_kernel_that_forgets_the_mode_is_seen(tmp_path: Path) -> None:
    (tmp_path / "kernels").mkdir()
    source = (
        "def norm(x):\n    return x / np.exp(x).sum()\n"
        "def score(x, w):\n    return (x @ w) ** 1.5 + np.einsum('ij->i', x)\n"
        "def fine(x):\n    return basics.total(x * x, (0,)) + x**2\n"
    )
    (tmp_path / "kernels" / "fresh.py").write_text(source)
    found = [line.removeprefix("kernels/fresh.py ") for line in unexpected(tmp_path)]
    assert sorted(found) == ["norm: exp", "norm: sum", "score: **", "score: @", "score: einsum"]


def test_every_operator_of_functional_is_in_the_hash() -> None:
    operators = {name for name in functional.__all__ if hasattr(getattr(functional, name), "vjp")}
    assert operators <= {*OPERATORS, *large()}
