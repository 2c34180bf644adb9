"""NumPy's products beside our own threads: one thread each meanwhile, and the same sums whoever adds them."""

from __future__ import annotations

import multiprocessing
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from convmath.kernels import blas, cores, patches
from convmath.kernels.threads import set_threads, threads
from convmath.window import Window

from .cases import caught

BOTH = [Window(3, before=1, after=1), Window(3, before=1, after=1)]
STRIDED = [Window(3, 2, before=1), Window(3, 2, before=1)]


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    set_threads(None)


def used() -> set[int]:
    return {library.get_num_threads() for library in blas._libraries()}


def need_several() -> None:
    set_threads(2)
    if used() != {2}:
        pytest.skip("NumPy's BLAS has one thread, or none can be set")


def test_within_alone_there_is_one_thread_and_then_as_many_as_before() -> None:
    need_several()
    with blas.alone():
        assert used() == {1}
        with blas.alone():
            assert used() == {1}
        assert used() == {1}
    assert used() == {2}


def test_the_last_thread_that_leaves_sets_what_the_first_has_found() -> None:
    need_several()
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with blas.alone():
            inside.set()
            leave.wait()

    thread = threading.Thread(target=other, daemon=True)
    thread.start()
    inside.wait()
    with blas.alone():
        pass
    left = used()
    leave.set()
    thread.join()
    assert (left, used()) == ({1}, {2})


def test_what_is_set_meanwhile_holds_afterwards() -> None:
    need_several()
    with blas.alone():
        set_threads(1)
        assert used() == {1}
        set_threads(2)
        assert used() == {1}
    assert used() == {2}
    with blas.alone():
        set_threads(1)
    assert used() == {1}


def _child(results: multiprocessing.Queue) -> None:
    results.put(used())


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_that_is_forked_meanwhile_is_not_inside() -> None:
    need_several()
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    with blas.alone():
        child = context.Process(target=_child, args=(results,))
        child.start()
        assert results.get(timeout=60) == {2}
        child.join()


def test_helpers_multiply_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    need_several()
    monkeypatch.setattr(cores, "WORTH", 0)
    seen: list[set[int]] = []
    cores.each(lambda _: seen.append(used()), range(4), 1.0)
    cores.each(lambda _: seen.append(used()), range(1), 1.0)  # nobody helps: the product itself is shared
    assert seen == [{1}] * 4 + [{2}]


def computed(count: int, groups: int) -> list[np.ndarray]:
    """With so many threads: a convolution, its gradient by the weight, and by the input of one with a stride."""
    set_threads(count)
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((16, 16, 32, 32), np.float32), rng.standard_normal((16, 16 // groups, 3, 3), np.float32)
    gy = rng.standard_normal((16, 16, 16, 16), np.float32)
    y = patches.conv(x, w, BOTH, groups)
    return [y, patches.conv_weight(y, x, BOTH, groups), patches.conv_input(gy, w, STRIDED, groups, (32, 32))]


@pytest.mark.parametrize("groups", [1, 4])
def test_sums_are_the_same_for_any_number_of_threads(groups: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "WORTH", 0)
    alone = computed(1, groups)
    for count in (2, 3):
        for one, shared in zip(alone, computed(count, groups), strict=True):
            np.testing.assert_array_equal(one, shared)


def test_the_law_of_sums_sees_parts_that_go_by_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patches, "_parts", lambda pieces, size: min(pieces, threads()))
    with caught():
        test_sums_are_the_same_for_any_number_of_threads(1, monkeypatch)
