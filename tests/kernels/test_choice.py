"""Which kernels are chosen: what a call asks for, else what should take the least time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext

import numpy as np
import pytest

import convmath as cm
from convmath import functional as F
from convmath.errors import HyperparameterError, UnknownNameError
from convmath.kernels import choice, costs, signal
from convmath.kernels.threads import set_threads, threads
from convmath.window import Window

from ..generated import GENERATED

SMALL = np.ones((1, 2, 5, 5), "f4"), np.ones((2, 2, 3, 3), "f4")
LARGE = np.ones((4, 16, 32, 32), "f4"), np.ones((32, 16, 3, 3), "f4")


def test_what_is_small_is_not_worth_a_kernel() -> None:
    plan = F.conv.plan(*SMALL)
    assert plan.method == "patches"
    assert (plan.flops, plan.bytes) == (2 * 2 * 9 * 2 * 9, 4 * (50 + 36 + 18))


@GENERATED
def test_the_least_time_is_taken_and_never_f_4_3() -> None:
    plan = F.conv.plan(*LARGE)
    assert set(plan.seconds) == {"direct", "patches", "simd", "winograd", "winograd4"}
    assert plan.method == "winograd"
    assert plan.seconds["winograd4"] < plan.seconds["winograd"] < plan.seconds["patches"]
    assert str(plan).startswith("winograd: should take the least time")
    assert F.conv.plan(*(array.astype(int) for array in LARGE)).method == "patches"


def test_a_call_a_context_and_the_environment_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(choice.VARIABLE, "direct")
    assert F.conv.plan(*SMALL).method == "direct"
    with choice.using("patches"):
        assert F.conv.plan(*SMALL).method == "patches"
        assert F.conv.plan(*SMALL, method="direct").method == "direct"
        with choice.using("auto"):
            assert F.conv.plan(*SMALL).why.startswith("should take the least time")
    assert F.conv.plan(*SMALL).method == "direct"
    monkeypatch.setenv(choice.VARIABLE, "fast")
    with pytest.raises(UnknownNameError, match=r"^there is no method 'fast'; .*\[CONVMATH_METHOD\]$"):
        F.conv(*SMALL)


@GENERATED
def test_tiles_that_do_not_fit_are_refused() -> None:
    with pytest.raises(HyperparameterError, match=r"^method 'winograd' is asked for, but F\(2, 3\)"):
        F.conv(*SMALL, method="winograd")


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """There is no llvmlite, nothing has been said yet, and a tenth of a millisecond is worth it."""
    why = "llvmlite is not installed (the extra convmath[fast] brings it)"
    monkeypatch.setattr(choice, "generated", lambda: ({}, why))
    monkeypatch.setattr(costs, "WORTH_SAYING", 1e-4)
    caches = (choice.methods, choice.ordered_methods, choice._say_once, choice._chosen, signal._plan)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


SAID = "without its generated kernels: llvmlite is"


@pytest.mark.usefixtures("missing")
def test_missing_kernels_are_said_once_and_only_where_it_matters() -> None:
    assert F.conv.plan(*SMALL).method == "patches"
    with pytest.warns(RuntimeWarning, match=SAID):
        assert F.conv.plan(*LARGE, stride=2).method == "patches"
    assert F.conv.plan(*LARGE, stride=2).method == "patches"
    with pytest.raises(HyperparameterError, match=r"^method 'simd' is asked for, but llvmlite is not installed"):
        F.conv(*SMALL, method="simd")


@pytest.mark.usefixtures("missing")
def test_numpy_alone_has_tiles_too() -> None:
    x, w = np.ones((8, 64, 28, 28), "f4"), np.ones((64, 64, 3, 3), "f4")
    with pytest.warns(RuntimeWarning, match=SAID):
        assert F.conv.plan(x, w).method == "winograd"
    np.testing.assert_array_equal(F.conv(x, w), F.conv(x, w, method="patches"))
    for method in ("winograd", "winograd4"):
        assert F.conv.plan(*SMALL, method=method).method == method
        np.testing.assert_allclose(F.conv(*SMALL, method=method), F.conv(*SMALL, method="direct"), rtol=1e-4)


@pytest.mark.usefixtures("missing")
@pytest.mark.parametrize("exact", [False, True])
def test_signals_say_so_too(exact: bool) -> None:
    long, short, few = np.ones(10**5), np.ones(50), np.ones(7)
    with cm.exact_order() if exact else nullcontext():
        F.convolve(short, few)
        F.convolve(long, few, method="direct")
        F.convolve(long.astype(int), few.astype(int))
        with pytest.warns(RuntimeWarning, match=SAID):
            F.convolve(long, few)
        F.convolve(long, few)
        F.conv(*SMALL)


BROKEN = """
import sys
class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == "llvmlite":
            raise OSError("libllvmlite.so is damaged")
sys.meta_path.insert(0, Broken())
import numpy as np
from convmath import functional as F
from convmath.kernels.choice import without
print(F.conv(np.ones((1, 1, 3)), np.ones((1, 1, 2))).tolist(), without())
"""


def test_a_broken_llvmlite_is_done_without() -> None:
    done = subprocess.run([sys.executable, "-c", BROKEN], check=True, capture_output=True, text=True)
    assert done.stdout == "[[[2.0, 2.0]]] llvmlite does not work here (OSError: libllvmlite.so is damaged)\n"


def test_the_number_of_threads_is_set_or_that_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        set_threads(3)
        assert threads() == 3
        with pytest.raises(HyperparameterError, match=r"^n is 0, but it must be at least 1"):
            set_threads(0)
        assert threads() == 3
    finally:
        set_threads(None)
    monkeypatch.setenv("CONVMATH_THREADS", "2")
    assert threads() == 2
    monkeypatch.setenv("CONVMATH_THREADS", "many")
    with pytest.raises(HyperparameterError, match=r"^CONVMATH_THREADS is 'many', but a whole number"):
        threads()


@pytest.mark.parametrize("method", ["auto", *signal.METHODS])
def test_of_no_outputs_there_is_one_plan(method: str) -> None:
    """A window that fits nowhere: no way divides by the size of a tile of nothing."""
    assert signal.plan((0, 3), (2, 2), np.dtype("f4"), method).method == "direct"
    assert signal.correlate(np.ones((1, 5)), np.ones((2, 2)), [Window(2), Window(2)], None, method).shape == (0, 4)
