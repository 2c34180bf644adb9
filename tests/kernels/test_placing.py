"""A thread that helps is kept off the core of the one that it helps."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from convmath.kernels import placing

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


def test_where_that_cannot_be_done_nothing_is(helper: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "_core", lambda: None)
    assert placing.kept_away(helper, 5) == 5
    monkeypatch.setattr(placing, "_core", lambda: 0)
    assert placing.kept_away(None, None) is None
    assert placing.kept_away(2**22 - 1, None) is None  # there is no such thread
