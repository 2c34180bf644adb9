"""Threads that help: whatever interrupts whom, nothing half done is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from convmath.kernels import cores
from convmath.kernels.threads import set_threads

SEVERAL = hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) > 1

INTERRUPTED = """
import os, random, signal, time
import numpy as np
import convmath as cm
from convmath import functional as F
from convmath.kernels import blas, cores

cm.set_threads(2)
cores.WORTH = 0
x, w = np.ones((4, 16, 30, 30), "f4"), np.ones((16, 16, 3, 3), "f4")
y = F.conv(x, w, method="patches")
before, threads = os.sched_getaffinity(0), [library.get_num_threads() for library in blas._libraries()]
signal.signal(signal.SIGALRM, signal.default_int_handler)
random.seed(0)
for _ in range(300):
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 2e-3))
        F.conv(x, w, method="patches")
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        pass
    signal.setitimer(signal.ITIMER_REAL, 0)
assert (F.conv(x, w, method="patches") == y).all()
time.sleep(0.1)
assert os.sched_getaffinity(0) == before
assert [library.get_num_threads() for library in blas._libraries()] == threads
"""


@pytest.mark.skipif(not SEVERAL, reason="there is one core, or a system that does not say which")
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no timers that interrupt")
def test_interrupted_calls_leave_cores_and_blas_as_they_were() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_an_error_of_a_helper_is_one_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "WORTH", 0)
    set_threads(3)
    seen = []

    def work(number: int) -> None:
        seen.append(number)
        if number == 5:
            raise ZeroDivisionError

    try:
        for _ in range(20):
            seen.clear()
            with pytest.raises(ZeroDivisionError):
                cores.each(work, range(1000), 1.0)
            assert len(seen) < 1000
    finally:
        set_threads(None)


def test_where_no_thread_can_begin_the_caller_does_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(jobs: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(cores, "_helpers", [])
    monkeypatch.setattr(cores, "_Helper", refused)
    set_threads(2)
    try:
        seen: list[int] = []
        cores.each(seen.append, range(10), 1.0)
        assert seen == [*range(10)]
    finally:
        set_threads(None)
