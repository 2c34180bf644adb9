"""What a call takes beside its output, that many calls take no more than one, and what is refused as too large."""

from __future__ import annotations

import gc
import os
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from convmath import functional as F
from convmath.errors import ConvmathError, MemoryNeededError
from convmath.functional import core
from convmath.kernels import blocks, patches, storage
from convmath.kernels.choice import without
from convmath.kernels.simd import memory

# that there are no generated kernels is said once, and is no matter here
pytestmark = pytest.mark.filterwarnings("ignore:convmath computes without its generated kernels:RuntimeWarning")

MB = 2**20
# less than what is promised; the arrays are so large that a copy of one would be seen
EXTRA = (48 if without() else 32) * MB


def ones(*shape: int, dtype: str = "f4") -> np.ndarray:
    return np.ones(shape, dtype)


C = 8  # channels
X, ROWS = ones(16, C, 320, 320), ones(16, 80, 320, 32)  # 50 MB
CLASSES = np.zeros((16, 320, 320), np.uint8)
CALLS: dict[str, tuple[Any, tuple[Any, ...], dict[str, Any]]] = {
    "conv": (F.conv, (X, ones(C, C, 3, 3), ones(C)), {"padding": 1}),
    "conv by patches": (F.conv, (X, ones(C, C, 3, 3), ones(C)), {"padding": 1, "method": "patches"}),
    "conv of one image": (F.conv, (X.reshape(1, 1, -1), ones(1, 1, 9)), {"method": "patches"}),
    "conv in place": (F.conv, (X, ones(C, C, 1, 1)), {"method": "patches"}),
    "conv_transpose": (F.conv_transpose, (X, ones(C, C, 3, 3), ones(C)), {"padding": 1}),
    "conv_transpose by patches": (F.conv_transpose, (X, ones(C, C, 2, 2)), {"stride": 2, "method": "patches"}),
    "convolution": (F.convolution, (X, ones(C, C, 3, 3)), {}),
    "depthwise_conv": (F.depthwise_conv, (X, ones(C, 1, 3, 3)), {"padding": 1}),
    "max_pool": (F.max_pool, (X, 2), {}),
    "max_pool by NumPy": (F.max_pool, (X, 3), {"stride": 2, "method": "patches"}),
    "max_pool to all": (F.max_pool, (X, 3), {"stride": 2, "ties": "all"}),
    "avg_pool": (F.avg_pool, (X, 2), {}),
    "avg_pool by NumPy": (F.avg_pool, (X, 3), {"stride": 2, "padding": 1, "method": "patches"}),
    "adaptive_avg_pool": (F.adaptive_avg_pool, (X, 7), {}),
    "adaptive_max_pool": (F.adaptive_max_pool, (X, 10), {}),
    "global_avg_pool": (F.global_avg_pool, (X,), {}),
    "global_max_pool": (F.global_max_pool, (X,), {}),
    "unfold": (F.unfold, (X, 2), {"stride": 2}),
    "fold": (F.fold, (X.reshape(16, 32, -1), (320, 320), 2), {"stride": 2}),
    "pad": (F.pad, (X, ((1, 1), (1, 1))), {}),
    "concat": (F.concat, (X, X), {}),
    "flatten": (F.flatten, (X,), {}),
    "pixel_shuffle": (F.pixel_shuffle, (X, 2), {}),
    "pixel_unshuffle": (F.pixel_unshuffle, (X, 2), {}),
    "add": (F.add, (X, X), {}),
    "dropout": (F.dropout, (X, np.ones(X.shape, bool)), {}),
    **{name: (getattr(F, name), (X,), {}) for name in ("relu", "sigmoid", "tanh", "gelu", "softplus", "silu", "elu")},
    "batch_norm": (F.batch_norm, (X, ones(C), ones(C), ones(C), ones(C)), {"training": True}),
    "group_norm": (F.group_norm, (X, 2, ones(C), ones(C)), {}),
    "softmax": (F.softmax, (X,), {"axis": 1}),
    "log_softmax": (F.log_softmax, (X,), {}),
    "linear": (F.linear, (ROWS, ones(16, 32), ones(16)), {}),
    "convolve": (F.convolve, (X[0, 0].repeat(16, 0).repeat(8, 1), ones(5, 5)), {}),
}
# what NumPy computes in whole arrays where there are no generated kernels
WHOLE = {
    *("sigmoid", "tanh", "gelu", "softplus", "silu", "elu"),
    *("batch_norm", "group_norm", "softmax", "log_softmax", "global_max_pool"),
}
# what `functional` says to take more, as multiples of its arguments and output
MORE: dict[str, tuple[Any, tuple[Any, ...], dict[str, Any], float]] = {
    "one axis after the other": (F.upsample, (X[:4], 640), {}, 3),
    "axes interpolated": (F.upsample, (X[:4], 640), {"mode": "linear"}, 3),
    "another border": (F.conv, (X, ones(C, C, 3, 3)), {"padding": 1, "padding_mode": "circular"}, 3),
    "copies of channels": (F.table_conv, (X, ones(C, C, 3, 3), np.eye(C, dtype=int)), {}, 3),
    "powers": (F.lp_pool, (X, 2, 2), {}, 3),
    "squares": (F.local_response_norm, (X, 5), {}, 5),
    "losses": (F.binary_cross_entropy_with_logits, (X, X), {}, 5),
    "losses by class": (F.cross_entropy, (X, CLASSES), {}, 3),
    "complex": (F.conv, (X[:8].astype("c8"), ones(C, C, 3, 3).astype("c8")), {"padding": 1}, 1),
    "two bytes": (F.conv, (X.astype("f2"), ones(C, C, 3, 3).astype("f2")), {"padding": 1}, 6),
}


@contextmanager
def traced() -> Iterator[Callable[[Callable[[], Any]], int]]:
    """The peak of the memory that a call takes beyond what comes out of it, which is new memory too."""

    def beyond(call: Callable[[], Any]) -> int:
        gc.collect()
        memory._pages._forget()
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        found = call()
        return tracemalloc.get_traced_memory()[1] - before - size(found)

    tracemalloc.start()
    try:
        yield beyond
    finally:
        tracemalloc.stop()


def size(found: Any) -> int:
    if isinstance(found, tuple):
        return sum(map(size, found))
    return 0 if found is None else found.nbytes


def arguments(args: tuple[Any, ...]) -> int:
    return size(tuple(a for a in args if isinstance(a, np.ndarray)))


def taken(own: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[int]:
    """Forward and for the gradients."""
    call = own.prepare(*args, **kwargs)
    gy = np.ones(call.shape, call.dtype if call.stored is None else call.stored)
    del call
    calls = [lambda: own(*args, **kwargs), lambda: own.vjp(gy, *args, **kwargs)]
    for each in calls:
        each()  # what is loaded and made once is no memory of a call
    with traced() as beyond:
        return list(map(beyond, calls))


@pytest.mark.parametrize("name", CALLS)
def test_a_call_takes_little_beside_its_output(name: str) -> None:
    own, args, kwargs = CALLS[name]
    more = 5 * arguments(args) if name in WHOLE and without() else 0
    assert max(taken(own, args, kwargs)) <= EXTRA + more


def test_the_first_call_makes_no_tables_for_ways_that_are_not_taken() -> None:
    """Each would have a word for each of 2.4 million weights."""
    x, w = ones(2, 528, 9, 7), ones(528, 528, 3, 3)
    with traced() as beyond:
        assert beyond(lambda: F.conv(x, w, method="patches")) <= EXTRA


@pytest.mark.parametrize("name", MORE)
def test_what_takes_more_takes_a_few_times_its_arrays(name: str) -> None:
    own, args, kwargs, times = MORE[name]
    assert max(taken(own, args, kwargs)) <= EXTRA + times * arguments(args)


def test_the_law_of_memory_sees_that_nothing_is_done_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "ROOM", 2**40)
    with pytest.raises(AssertionError):
        test_a_call_takes_little_beside_its_output("conv by patches")


def test_the_law_of_memory_sees_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    of = patches.conv
    monkeypatch.setattr(patches, "conv", lambda x, *more: of(x.copy(), *more))
    with pytest.raises(AssertionError):
        test_a_call_takes_little_beside_its_output("conv in place")


def test_many_calls_take_no_more_than_one() -> None:
    x, w, b, table = ones(2, 4, 12, 12), ones(4, 4, 3, 3), ones(4), np.eye(4, dtype=int)
    calls: list[tuple[Any, ...]] = [
        (F.conv, x, w, b), (F.conv_transpose, x, w, b), (F.max_pool, x, 2), (F.avg_pool, x, 2),
        (F.relu, x), (F.gelu, x), (F.softmax, x), (F.group_norm, x, 2), (F.table_conv, x, w, table),
        (F.linear, x, ones(3, 12)), (F.convolve, x[0, 0], x[1, 1]), (F.upsample, x, 24),
    ]  # fmt: skip

    def run(times: int) -> None:
        for _ in range(times):
            for own, *args in calls:
                y = own(*args)
                own.vjp(y, *args)

    tracemalloc.start()
    try:
        run(20)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        run(200)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - before < 2**16
    finally:
        tracemalloc.stop()


# --- what is too large --------------------------------------------------------------------------------------------

ONE, COLUMN, SIGNAL = ones(1, 1, 1), ones(2**20, 1), ones(1, 1, 2**20)
LARGE: dict[str, tuple[Callable[[], Any], str]] = {
    "an output": (lambda: F.upsample(ONE, 2**44), r"the output has the shape \(1, 1, 17592186044416\) and would need"),
    "a padded input": (lambda: F.conv(ONE, ONE, padding=2**44, stride=2**43), "the padded input has the shape"),
    "what padding makes": (lambda: F.pad(ONE, ((0, 2**44),)), "the output has the shape"),
    "a stride between": (lambda: F.conv_transpose(ones(1, 1, 2), ONE, stride=2**44), "the output"),
    "an outer product": (lambda: F.linear(COLUMN, COLUMN), "the output has the shape"),
    "a copy": (lambda: F.relu(np.broadcast_to(np.float32(1), (2**40, 16))), r"X has the shape \(1099511627776, 16\)"),
    "a type that is wider": (lambda: F.relu(np.broadcast_to(np.int8(1), 2**44)), "X has the shape"),
    "all of a signal": (lambda: F.unfold(SIGNAL, 2**19), "the output has the shape"),
}


@pytest.mark.skipif(storage.memory() is None, reason="/proc/meminfo, which says how much memory there is, is missing")
@pytest.mark.parametrize("name", LARGE)
def test_what_is_larger_than_the_memory_is_refused(name: str) -> None:
    call, said = LARGE[name]
    with traced() as beyond:

        def refused() -> None:
            with pytest.raises(MemoryNeededError, match=rf"^{said}.* GB, but this machine has \d+\.\d GB of memory"):
                call()

        assert beyond(refused) < MB  # before anything is allocated


def test_it_is_an_error_of_memory_too() -> None:
    assert issubclass(MemoryNeededError, (ConvmathError, MemoryError))


@pytest.mark.parametrize("there", [None, 10**9])
def test_what_is_there_decides(there: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "memory", lambda: there)
    shape = (1000, 1000, 250)
    assert core.storable(shape, "the output", "here") == shape  # of 4 bytes, just as much as there is
    if there is None:
        assert core.storable((*shape, 9), "the output", "here") == (*shape, 9)
        return
    with pytest.raises(MemoryNeededError, match=r"would need 2\.0 GB, but this machine has 1\.0 GB .* \[here\]$"):
        core.storable(shape, "the output", "here", 8)


@pytest.mark.skipif(
    not hasattr(os, "sysconf"), reason="os.sysconf, which says how much memory there is too, is missing"
)
def test_the_memory_is_what_the_system_says() -> None:
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    found = storage.memory()
    assert found is None or found >= physical * 0.99


def test_nobody_says(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*arguments: Any, **options: Any) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(storage.Path, "read_text", missing)
    assert storage.memory.__wrapped__() is None
    monkeypatch.setattr(storage.Path, "read_text", lambda *arguments, **options: "MemFree: 1 kB\n")
    assert storage.memory.__wrapped__() is None
    said = "MemTotal:       2 kB\nMemFree: 1 kB\nSwapTotal:      3 kB\n"
    monkeypatch.setattr(storage.Path, "read_text", lambda *arguments, **options: said)
    assert storage.memory.__wrapped__() == 5 * 1024
