"""A thread that helps is kept off the core of the one that it helps."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from queue import SimpleQueue

import pytest

from convmath.kernels import cores, placing
from convmath.kernels.threads import set_threads

SEVERAL = hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) > 1


@pytest.fixture
def helper() -> Iterator[int]:
    """A thread that waits, by its native id."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait, daemon=True)
    thread.start()
    assert thread.native_id is not None
    yield thread.native_id
    end.set()
    thread.join()


@pytest.mark.skipif(not SEVERAL, reason="there is one core, or a system that does not say which")
def test_a_helper_runs_on_another_core(helper: int, monkeypatch: pytest.MonkeyPatch) -> None:
    cores = os.sched_getaffinity(0)
    before = None
    for core in sorted(cores):
        monkeypatch.setattr(placing, "_core", lambda core=core: core)
        before = placing.kept_away(helper, before)
        assert before == core
        assert os.sched_getaffinity(helper) == cores - {core}
    assert os.sched_getaffinity(0) == cores


@pytest.mark.skipif(not SEVERAL, reason="there is one core, or a system that does not say which")
def test_who_is_helped_stays_until_that_is_done(helper: int) -> None:
    before, core = os.sched_getaffinity(helper), min(os.sched_getaffinity(0))
    with placing.staying(helper, core):
        assert os.sched_getaffinity(helper) == {core}
        with placing.staying(helper, max(before)):  # it does already
            assert os.sched_getaffinity(helper) == {core}
        assert os.sched_getaffinity(helper) == {core}
    assert os.sched_getaffinity(helper) == before
    with pytest.raises(KeyError), placing.staying(helper, core):
        raise KeyError
    assert os.sched_getaffinity(helper) == before


@pytest.mark.skipif(not SEVERAL, reason="there is one core, or a system that does not say which")
def test_who_is_interrupted_goes_where_it_likes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "_helpers", [])
    before = os.sched_getaffinity(0)
    set_threads(2)

    def interrupted(number: int) -> None:
        time.sleep(0.005)
        if threading.current_thread() is threading.main_thread() and number > 2:
            raise KeyboardInterrupt

    try:
        for _ in range(5):
            with pytest.raises(KeyboardInterrupt):
                cores.each(interrupted, range(20), 0.05)
            assert os.sched_getaffinity(0) == before
    finally:
        set_threads(None)


@pytest.mark.skipif(not SEVERAL, reason="there is one core, or a system that does not say which")
def test_helpers_that_begin_later_are_not_kept_to_that_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread begins with the cores of the one that starts it."""
    monkeypatch.setattr(cores, "_helpers", [])
    monkeypatch.setattr(cores, "_jobs", SimpleQueue())
    set_threads(2)
    try:
        for _ in range(3):
            cores.each(lambda _: time.sleep(0.01), range(4), 0.05)
        [helper] = cores._helpers
        assert helper.native_id is not None
        assert helper.place() not in os.sched_getaffinity(helper.native_id)
    finally:
        set_threads(None)


def test_where_that_cannot_be_done_nothing_is(helper: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "_core", lambda: None)
    assert placing.kept_away(helper, 5) == 5
    with placing.staying(helper, None), placing.staying(2**22 - 1, 0):
        pass
    monkeypatch.setattr(placing, "_core", lambda: 0)
    assert placing.kept_away(None, None) is None
    assert placing.kept_away(2**22 - 1, None) is None  # there is no such thread
