"""Generated code: the builder's operations are NumPy's, the cache does no harm, and workers do every item once."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("llvmlite", reason="llvmlite is not installed (the extra convmath[fast] brings it)")

from convmath.kernels.simd import compile as compiling
from convmath.kernels.simd import memory, workers
from convmath.kernels.simd.builder import Builder, Value, words
from convmath.kernels.simd.compile import kernel
from convmath.kernels.simd.memory import _Pages, empty, is_alone, scratch
from convmath.kernels.threads import set_threads

FLOATS = st.sampled_from([0.0, -0.0, 1.5, -2.0, 3e38, 1e-45, np.inf, -np.inf, np.nan])


@kernel("x y z", "length")
def greater_sum(k: Builder, dtype: str) -> None:
    def item(i: Value) -> None:
        row = i * k.length * k.bytes

        def block(offset: Value, mask: Value | None) -> None:
            a, b = (k.load(k.at(p, row), offset, mask=mask) for p in (k.x, k.y))
            k.store(k.greater(a, b) + a, k.at(k.z, row), offset, mask=mask)

        k.over(k.length, block)

    k.loop(k.first, k.behind, 1, [], item)


@given(a=st.lists(FLOATS, min_size=1, max_size=40), b=FLOATS)
def test_the_greater_of_two_is_numpys_and_rows_end_where_they_end(a: list[float], b: float) -> None:
    x = np.array(a, "f4")
    y, z = np.full_like(x, b), np.full(len(x) + 1, 7, "f4")
    workers.run(greater_sum("f4"), words(x, y, z, len(x)), 1)
    with np.errstate(invalid="ignore", over="ignore"):
        np.testing.assert_array_equal(z[:-1], np.maximum(x, y) + x)
    assert z[-1] == 7


# --- the cache ------------------------------------------------------------------------------------------------


USE = """
import numpy as np
from convmath import functional as F
x, w = np.arange(40.0).reshape(1, 1, 40), np.ones((1, 1, 3))
print(F.conv(x, w, method="simd").sum())
"""


def use(folder: Path | str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", USE], env=os.environ | {"CONVMATH_CACHE": str(folder)},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout


def test_entries_that_are_damaged_or_foreign_are_not_taken(tmp_path: Path) -> None:
    expected = use(tmp_path)
    entries = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert entries
    for number, (path, whole) in enumerate(entries.items()):
        path.write_bytes([whole[:-1], b"", whole[:40] + b"\0" + whole[41:]][number % 3])
    (tmp_path / "foreign").write_text("nothing of ours")
    assert use(tmp_path) == expected
    assert {path: path.read_bytes() for path in entries} == entries  # written anew


def test_a_folder_that_cannot_be_used_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert use(tmp_path / "file") == use(tmp_path / "file" / "below") == use("") == use(tmp_path)


@pytest.mark.parametrize("collects", [True, False])
def test_no_cycles_are_looked_for_while_a_kernel_is_emitted(collects: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVMATH_CACHE", "")
    seen = []

    @kernel("x")
    def nothing(k: Builder, dtype: str, fails: bool) -> None:
        seen.append(gc.isenabled())
        if fails:
            raise KeyboardInterrupt

    before = gc.isenabled()
    try:
        (gc.enable if collects else gc.disable)()
        nothing("f4", False)
        with pytest.raises(KeyboardInterrupt):
            nothing("f4", True)
        assert (seen, gc.isenabled()) == ([False, False], collects)
    finally:
        (gc.enable if before else gc.disable)()


def test_processes_may_fill_the_cache_at_once(tmp_path: Path) -> None:
    environment = os.environ | {"CONVMATH_CACHE": str(tmp_path)}
    running = [
        subprocess.Popen([sys.executable, "-c", USE], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert len({process.communicate()[0] for process in running}) == 1
    assert all(process.returncode == 0 for process in running)


def test_a_damaged_entry_would_be_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = tmp_path / "entry"
    compiling._write(entry, b"code")
    assert compiling._read(entry) == b"code"
    entry.write_bytes(entry.read_bytes() + b"x")
    assert compiling._read(entry) is None
    assert compiling._read(None) is None


# --- workers ----------------------------------------------------------------------------------------------------


@kernel("counts")
def count(k: Builder, dtype: str) -> None:
    def item(i: Value) -> None:
        place = k.at(k.counts, i * 8)
        k.code.store((k.load_word(place) + 1).value, place.value)

    k.loop(k.first, k.behind, 1, [], item)


@pytest.fixture
def several() -> Iterator[None]:
    set_threads(3)
    yield
    set_threads(None)


@pytest.mark.usefixtures("several")
@given(items=st.integers(0, 300), grain=st.integers(1, 7), seconds=st.sampled_from([0.0, 5e-5, 2e-4, 1.0]))
def test_every_item_is_done_once(items: int, grain: int, seconds: float) -> None:
    counts = np.zeros(items + 1, np.int64)
    workers.run(count("f4"), words(counts), items, (64,), seconds, grain=grain)
    assert counts.tolist() == [1] * items + [0]


@kernel("counters done", "threads thread share chunk items")
def claims(k: Builder, dtype: str) -> None:
    """What a thread of this number claims, as the first item of each chunk and the one behind it."""

    def chunk(first: Value, behind: Value) -> None:
        place = k.at(k.done, k.load_word(k.done) * 16 + 8)
        k.code.store(first.value, place.value)
        k.code.store(behind.value, k.at(place, 8).value)
        k.code.store((k.load_word(k.done) + 1).value, k.done.value)

    workers.claimed(k, k.counters, k.threads, k.thread, (k.share, k.chunk, k.items), chunk)


@pytest.mark.parametrize(
    ("number", "order"),
    [
        (0, [(0, 3), (3, 4), (4, 7), (7, 8), (8, 10)]),
        (1, [(4, 7), (7, 8), (8, 10), (0, 3), (3, 4)]),
        (2, [(8, 10), (0, 3), (3, 4), (4, 7), (7, 8)]),
    ],
)
def test_a_thread_does_its_own_share_first(number: int, order: list[tuple[int, int]]) -> None:
    """So that in call after call it has the same items, and these in its cache."""
    done = np.zeros(100, np.int64)
    block = words(np.zeros((3, workers.LINE // 8), np.int64), done, 3, number, 4, 3, 10)
    claims("f4").call(block.address, 0, 0, 1)
    assert done[1 : 1 + 2 * done[0]].reshape(-1, 2).tolist() == [list(chunk) for chunk in order]


@given(items=st.integers(1, 300), grain=st.integers(1, 7), count=st.integers(2, 9), seconds=st.floats(0, 1))
def test_shares_hold_everything_and_are_cut_at_the_grain(items: int, grain: int, count: int, seconds: float) -> None:
    share, chunk = workers._cut(items, grain, count, seconds)
    assert share * count >= items
    assert share % grain == chunk % grain == 0 < chunk <= share
    assert (share - grain) * count < items  # none has more than the others need


@given(seconds=st.floats(0, 0.1))
def test_work_is_shared_by_as_many_as_are_worth_it(seconds: float) -> None:
    """No other number is better by more than one handover; what takes 10 µs is not shared at all."""
    count = workers._worth(seconds)
    least = min(seconds / n + n * workers.HANDOVER for n in range(1, 200))
    assert seconds / count + count * workers.HANDOVER <= least + workers.HANDOVER
    assert seconds >= 10e-6 or count == 1


def asleep(team: workers._Team) -> bool:
    return all(worker.control[workers.ASLEEP] for worker in team.workers)


def put_to_sleep(team: workers._Team) -> None:
    for _ in range(1000):
        if asleep(team):
            return
        time.sleep(1e-3)
    raise AssertionError("the workers don't go to sleep")


@pytest.mark.usefixtures("several")
def test_workers_are_woken_for_what_is_long_or_comes_often() -> None:
    short, counts = 9 * workers.HANDOVER, np.zeros(100, np.int64)

    def call(seconds: float) -> None:
        workers.run(count("f4"), words(counts), 100, (64,), seconds)

    call(1.0)
    team = workers._teams[3]
    put_to_sleep(team)
    for _ in range(workers.PATIENCE):
        call(short)
        assert asleep(team)
    call(short)
    assert not asleep(team)
    put_to_sleep(team)
    call(1.0)
    assert not asleep(team)
    assert (counts == workers.PATIENCE + 3).all()


@pytest.mark.usefixtures("several")
def test_a_signal_while_workers_are_woken_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = np.zeros(100, np.int64)
    workers.run(count("f4"), words(counts), 100, (64,))
    team = workers._teams[3]
    put_to_sleep(team)

    def interrupted(worker: workers.Worker) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workers.Worker, "wake", interrupted)
    with pytest.raises(KeyboardInterrupt):
        workers.run(count("f4"), words(counts), 100, (64,))
    monkeypatch.undo()
    assert not any(worker.control[workers.STATE] for worker in team.workers)
    assert (counts == 2).all()
    put_to_sleep(team)  # who never woke up would not say so
    workers.run(count("f4"), words(counts), 100, (64,))
    assert (counts == 3).all()


@pytest.mark.usefixtures("several")
def test_calls_from_several_threads_do_not_mix() -> None:
    found: list[np.ndarray] = []

    def work() -> None:
        counts = np.zeros(500, np.int64)
        for _ in range(200):
            workers.run(count("f4"), words(counts), 500, (64,))
        found.append(counts)

    running = [threading.Thread(target=work) for _ in range(4)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert all((counts == 200).all() for counts in found)
    assert len(found) == 4


@pytest.mark.usefixtures("several")
def test_scratch_memory_lives_as_long_as_a_call_that_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where what was found before is forgotten in between."""
    counts = np.zeros(100, np.int64)
    workers.run(count("f4"), words(counts), 100, (64,))
    team, seen = workers._teams[3], []

    def kept(*arguments: Any) -> Any:
        block = scratch(*arguments)
        seen.append(weakref.ref(block))
        return block

    def shared(*arguments: int) -> None:
        assert len(seen) == 3
        assert all(block() is not None for block in seen)
        share(*arguments)

    share = team.share
    monkeypatch.setattr(memory, "MANY", 1)
    monkeypatch.setattr(workers, "scratch", kept)
    monkeypatch.setattr(team, "share", shared)
    workers.run(count("f4"), words(counts), 100, (128,))
    assert (counts == 2).all()


# a thread that computes when the program ends, and a handler of signals that computes in the middle of calls
ENDS = """
import threading, time, numpy as np, convmath as cm
from convmath import functional as F
cm.set_threads(2)
x, w = np.ones((8, 32, 60, 60), "f4"), np.ones((32, 32, 3, 3), "f4")
def loop():
    while True:
        F.conv(x, w, padding=1, method="simd")
        F.relu(x)
threading.Thread(target=loop, daemon=True).start()
time.sleep(0.25)
"""
HANDLES = """
import random, signal, time, numpy as np, convmath as cm
from convmath import functional as F
cm.set_threads(2)
size, inside = 200, False
def compute():
    global size
    size = n = size + 1  # scratch memory that has to grow
    assert (F.linear(np.ones((48, n), "f4"), np.ones((64, n), "f4")) == n).all()
def handle(*_):
    global inside
    if not inside:
        inside = True
        compute()
        inside = False
signal.signal(signal.SIGALRM, handle)
end = time.perf_counter() + 2
while time.perf_counter() < end:
    signal.setitimer(signal.ITIMER_REAL, random.random() * 3e-4 + 1e-6)
    compute()
signal.setitimer(signal.ITIMER_REAL, 0)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timers")
@pytest.mark.parametrize("program", [ENDS, HANDLES], ids=["ends", "handles"])
def test_a_program_that_does_something_else_in_the_middle_of_a_call_lives(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.usefixtures("several")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_has_workers_of_its_own() -> None:
    counts = np.zeros(100, np.int64)
    workers.run(count("f4"), words(counts), 100)
    child = os.fork()
    if child == 0:
        mine = np.zeros(100, np.int64)
        workers.run(count("f4"), words(mine), 100)
        os._exit(0 if (mine == 1).all() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_block_keeps_the_arrays_that_it_has_the_addresses_of() -> None:
    array, more = np.ones(3), np.ones(3)
    seen = weakref.ref(array), weakref.ref(more)
    block = words(array, 5, then=words(more, 7))
    assert list(block) == [array.ctypes.data, 5, more.ctypes.data, 7]
    del array, more
    assert all(one() is not None for one in seen)
    del block
    assert all(one() is None for one in seen)


def test_a_copy_that_nobody_else_has_is_there_until_the_kernel_has_run() -> None:
    """What is freed before is taken by the next array of its size."""
    x, z = np.arange(1000, dtype="f4"), np.zeros(1000, "f4")
    block = words(np.ascontiguousarray(x[::-1]), x, z, x.size)
    others = [np.full(1000, np.nan, "f4") for _ in range(50)]
    workers.run(greater_sum("f4"), block, 1)
    np.testing.assert_array_equal(z, np.maximum(x, x[::-1]) + x[::-1])
    assert len(others) == 50


def test_memory_that_collides_is_fresh_and_what_is_too_much_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convmath.kernels.simd.memory.MOST", 2**20)
    pages = _Pages()
    sizes = [2**16 * (1 + place % 7) for place in range(40)]
    held = [pages.within((size,), np.dtype("u1"), size) for size in sizes]
    assert pages.bytes <= 2**20
    with pages.lock:
        held.append(pages.within((2**16,), np.dtype("u1"), 2**16))
    assert all(array.ctypes.data % 4096 == 0 for array in held)
    for place in range(len(held)):
        held[place][:] = place
    assert all((array == number).all() for number, array in enumerate(held))
    held.clear()
    one = pages.within((2**20,), np.dtype("u1"), 2**20)
    assert pages.bytes == one.size


def test_memory_of_results_comes_back_and_is_never_shared() -> None:
    one = empty((300, 300), "f8")
    assert is_alone(one)
    assert not is_alone(one[:])
    address = one.ctypes.data
    view = one[3:]
    del one
    other = empty((300, 300), "f8")
    assert not np.shares_memory(view, other)
    del view, other
    again = [empty((300, 300), "f8") for _ in range(2)]
    assert address in {array.ctypes.data for array in again}
