"""One call of a kernel on several threads: workers that stay, and that claim items without Python in between.

A worker spins about a millisecond for the next job before it sleeps, because waking a thread takes longer than many a
kernel, and it spins and works outside Python, so that it never waits for the interpreter. Each thread has a share of
the items, the same in each call of its kind, so that what it needs is still in its cache; it claims them in chunks, and
then what is left of the others'. Which thread does an item makes no difference to the result: what one item writes, no
other does.

A job that comes while another runs (from another thread of the program) is done by the thread it comes from.
"""

from __future__ import annotations

import math
import os
import threading
from array import array
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import numpy as np
from llvmlite import ir

from convmath.kernels.placing import kept_away
from convmath.kernels.threads import threads

from .builder import ITEM, POINTER, WORD, Builder, Value, Words, words
from .compile import Kernel, kernel
from .host import host
from .memory import scratch

__all__ = ["Called", "run", "spin"]

SPINS = 30_000  # pauses of a waiting worker before it sleeps, about a millisecond
HANDOVER = 2.5e-6  # seconds that the caller spends on each further thread, those included that come late
WAKE = 1e-4  # seconds of work for which workers are woken that sleep, and
PATIENCE = 4  # calls in a row that find them asleep until they are woken for less

# the control block of a worker, in words; what different threads write is a cache line (8 words) apart
STATE, ASLEEP, JOB, OWN, NUMBER, CONTROL = 0, 8, 16, 17, 18, 24
IDLE, POSTED, RUNNING = 0, 1, 2
# a job, in words: where it is, the kernel, its block, the items, how many a share has, how many are claimed at once,
# the caller's own block, the workers, whether they are to be woken, how many sleep; then TEAM words for each worker,
# and the counters of the shares
HERE, KERNEL, BLOCK, ITEMS, SHARE, CHUNK, MINE, WORKERS, WAKING, SLEEPING, MEMBERS = *range(10), 16
# of a worker in a job: its control block, its own block, whether it has to be woken
TEAM = 3
LINE = 64  # bytes from one counter to the next


# --- code that runs outside Python --------------------------------------------------------------------------------


class Called:
    """A function at an address that is known when the code runs."""

    def __init__(self, address: Value):
        self.function_type = self.ftype = ITEM
        self.type, self.args, self.address = POINTER, (), address.value

    def get_reference(self) -> str:
        return self.address.get_reference()


def _counters(k: Builder, job: Value, workers: Value) -> Value:
    return k.at(job, workers * (8 * TEAM) + 8 * MEMBERS)


def _work(k: Builder, job: Value, own: Value, number: Value) -> None:
    """Do the job's items as the thread of this number."""
    places = (KERNEL, BLOCK, ITEMS, SHARE, CHUNK, WORKERS)
    run, block, items, share, chunk, workers = (k.load_word(job, 8 * place) for place in places)

    def do(first: Value, behind: Value) -> None:
        arguments = [k.as_pointer(block).value, own.value, first.value, behind.value]
        k.code.call(Called(k.as_pointer(run)), arguments)

    claimed(k, _counters(k, job, workers), workers + 1, number, (share, chunk, items), do)


def claimed(
    k: Builder, counters: Value, threads: Value, number: Value, cut: tuple[Value, Value, Value],
    body: Callable[[Value, Value], None],
) -> None:  # fmt: skip
    """body(first, behind) for chunks of items, until none is left: those of the thread's own share first.

    `cut` are the items of a share, of a chunk, and all; there is a counter for each share of those that are claimed.
    """
    code, (share, chunk, items) = k.code, cut

    def one(turn: Value) -> None:
        place = turn + number
        place = k.select(place < threads, place, place - threads)
        begin, counter = place * share, k.at(counters, place * LINE)
        size = k.least_of(share, items - begin)
        look, claim, do, done = (k.function.append_basic_block(name) for name in ("look", "claim", "do", "done"))
        code.branch(look)
        code.position_at_end(look)  # what others write is only written where there is something
        so_far = Value(k, code.load_atomic(counter.value, "acquire", 8, typ=WORD))
        code.cbranch((so_far < size).value, claim, done)
        code.position_at_end(claim)
        first = Value(k, code.atomic_rmw("add", counter.value, chunk.value, "acq_rel"))
        code.cbranch((first < size).value, do, done)
        code.position_at_end(do)
        body(begin + first, begin + k.least_of(first + chunk, size))
        code.branch(look)
        code.position_at_end(done)

    k.loop(0, threads, 1, [], one)


def spin(k: Builder, place: Value, enough: Callable[[Any], Any], most: Value | None = None) -> Any:
    """Read the word until it is enough, or so many times; the last that was read."""
    code, before = k.code, k.code.block
    again, end = (k.function.append_basic_block(name) for name in ("again", "end"))
    code.branch(again)
    code.position_at_end(again)
    count = code.phi(WORD)
    count.add_incoming(WORD(0), before)
    on_x86 = host().triple.startswith(("x86", "amd64", "i686"))
    code.asm(ir.FunctionType(ir.VoidType(), []), "pause" if on_x86 else "yield", "~{memory}", [], True)
    read = code.load_atomic(place.value, "seq_cst", 8, typ=WORD)
    following = code.add(count, WORD(1))
    count.add_incoming(following, code.block)
    stop = enough(read)
    if most is not None:
        stop = code.or_(stop, code.icmp_signed(">=", following, most.value))
    code.cbranch(stop, end, again)
    code.position_at_end(end)
    return read


@kernel("control", passes=False)
def waiting_worker(k: Builder, dtype: str) -> None:
    """Do what is posted in the control block; return to sleep where nothing came for a while."""
    code, control = k.code, k.control
    top, try_it, sleepy, end = (k.function.append_basic_block(name) for name in ("top", "try", "sleepy", "end"))
    code.branch(top)
    code.position_at_end(top)
    state = spin(k, control, lambda read: code.icmp_signed("==", read, WORD(POSTED)), k.word(SPINS))
    code.cbranch(code.icmp_signed("==", state, WORD(POSTED)), try_it, sleepy)
    code.position_at_end(try_it)
    # the one who posted may take the job back before it is begun
    taken = code.cmpxchg(control.value, WORD(POSTED), WORD(RUNNING), "seq_cst", "seq_cst")
    begin = k.function.append_basic_block("begin")
    code.cbranch(code.extract_value(taken, 1), begin, top)
    code.position_at_end(begin)
    job, own = (k.as_pointer(k.load_word(control, 8 * word)) for word in (JOB, OWN))
    _work(k, job, own, k.load_word(control, 8 * NUMBER))
    code.atomic_rmw("xchg", control.value, WORD(IDLE), "seq_cst")
    code.branch(top)
    code.position_at_end(sleepy)
    # say that it sleeps, then look once more: a job posted in between must not be missed
    asleep = k.at(control, 8 * ASLEEP)
    code.atomic_rmw("xchg", asleep.value, WORD(1), "seq_cst")
    state = code.load_atomic(control.value, "seq_cst", 8, typ=WORD)
    awake = k.function.append_basic_block("awake")
    code.cbranch(code.icmp_signed("==", state, WORD(POSTED)), awake, end)
    code.position_at_end(awake)
    code.atomic_rmw("xchg", asleep.value, WORD(0), "seq_cst")
    code.branch(try_it)
    code.position_at_end(end)


@kernel("job", passes=False)
def share(k: Builder, dtype: str) -> None:
    """Post the job to the workers that are awake, and to the others if they are to be woken: then that comes first.

    Else work along. The job says how many workers sleep.
    """
    code, job = k.code, k.job
    here, waking = k.load_word(job, 8 * HERE), k.load_word(job, 8 * WAKING)

    def store(word: Any, place: Value) -> None:
        code.store(word, place.value, align=8)

    def member(i: Value, sleeping: Value) -> Value:
        entry = k.at(job, i * (8 * TEAM) + 8 * MEMBERS)
        control, own, found = k.as_pointer(k.load_word(entry)), k.load_word(entry, 8), k.at(entry, 16)
        asleep = k.at(control, 8 * ASLEEP)
        before = code.load_atomic(asleep.value, "seq_cst", 8, typ=WORD)

        def give() -> None:
            store(here.value, k.at(control, 8 * JOB))
            store(own.value, k.at(control, 8 * OWN))
            code.atomic_rmw("xchg", control.value, WORD(POSTED), "seq_cst")

        def answer() -> None:  # it may have gone to sleep, or have woken up, in between
            store(code.atomic_rmw("xchg", asleep.value, WORD(0), "seq_cst"), found)

        k.when(waking >= Value(k, before), give)
        k.either(waking > 0, answer, lambda: store(before, found))
        return sleeping + k.load_word(found)

    workers = k.load_word(job, 8 * WORKERS)
    counters = _counters(k, job, workers)
    k.loop(0, workers + 1, 1, [], lambda place: k.store_word(0, k.at(counters, place * LINE)))
    (sleeping,) = k.loop(0, workers, 1, [k.word(0)], member)
    store(sleeping.value, k.at(job, 8 * SLEEPING))
    k.when(k.least_of(sleeping, waking).equals(0), lambda: _along(k, job))


@kernel("job", passes=False)
def work_along(k: Builder, dtype: str) -> None:
    """Work at the job too, then wait for the workers; one that has not begun need not any more."""
    _along(k, k.job)


def _along(k: Builder, job: Value) -> None:
    code = k.code
    _work(k, job, k.as_pointer(k.load_word(job, 8 * MINE)), k.word(0))

    def finish(i: Value) -> None:
        control = k.as_pointer(k.load_word(k.at(job, i * (8 * TEAM) + 8 * MEMBERS)))
        revoked = code.cmpxchg(control.value, WORD(POSTED), WORD(IDLE), "seq_cst", "seq_cst")
        with code.if_then(code.not_(code.extract_value(revoked, 1))):
            spin(k, control, lambda read: code.icmp_signed("!=", read, WORD(RUNNING)))

    k.loop(0, k.load_word(job, 8 * WORKERS), 1, [], finish)


# --- workers ------------------------------------------------------------------------------------------------------


class Worker(threading.Thread):
    """A thread of its own, asleep until it is woken, and its control block."""

    def __init__(self, slot: int):
        super().__init__(name=f"convmath-{slot}", daemon=True)
        memory = np.zeros(CONTROL + 8, np.int64)
        start = -memory.ctypes.data % 64 // 8
        self.control = memory[start : start + CONTROL]
        self.control[NUMBER] = slot
        self.address = self.control.ctypes.data
        self.woken: SimpleQueue[None] = SimpleQueue()  # which a signal cannot leave half done
        self.away_from: int | None = None
        self.start()

    def run(self) -> None:
        wait, block = waiting_worker("f8"), words(self.control)
        while True:
            wait.call(block.address, 0, 0, 0)
            self.woken.get()

    def wake(self) -> None:
        """Wake it on another core than the caller's."""
        self.away_from = kept_away(self.native_id, self.away_from)
        self.woken.put(None)


class _Team:
    """Some workers, and the job that they share with the caller; one call at a time has them (`_together`)."""

    def __init__(self, workers: list[Worker]):
        self.workers, self.missed = workers, 0
        self.job: Any = Words("q", bytes(8 * (MEMBERS + TEAM * len(workers)) + LINE * (len(workers) + 1)))
        self.job[HERE] = self.address = self.job.address
        for place, worker in enumerate(workers):
            self.job[MEMBERS + TEAM * place] = worker.address
        self.share, self.work_along = share("f8").call, work_along("f8").call

    def run(
        self, code: Kernel, block: Words, items: int, own: tuple[int, ...], cut: tuple[int, int], seconds: float
    ) -> None:
        job, number = self.job, len(self.workers)
        waking = seconds > WAKE or self.missed >= PATIENCE
        # held until the kernel has run
        areas = [scratch(slot, own) for slot in range(number + 1)] if own else ()
        for place, words_ in enumerate(areas[1:]):
            job[MEMBERS + TEAM * place + 1] = words_.address
        told = code.address, block.address, items, *cut, areas[0].address if areas else 0, number, waking, 0
        job[KERNEL : SLEEPING + 1] = array("q", told)
        try:
            self.share(self.address, 0, 0, 0)
            if waking and job[SLEEPING]:
                for place, worker in enumerate(self.workers):
                    if job[MEMBERS + TEAM * place + 2]:
                        worker.wake()
        except BaseException:  # a signal: who was to be woken must not sleep for ever,
            for worker in self.workers:
                worker.woken.put(None)
            raise
        finally:  # and nobody must begin what nobody waits for
            if waking and job[SLEEPING]:
                self.work_along(self.address, 0, 0, 0)
        self.missed = self.missed + 1 if job[SLEEPING] and not waking else 0


_workers: list[Worker] = []
_teams: dict[int, _Team] = {}
_turn: list[None] = [None]  # empty while a call has the workers


def _forget() -> None:
    """In a forked child there are no workers."""
    _workers.clear()
    _teams.clear()
    _turn[:] = [None]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def run(
    code: Kernel, block: Words, items: int, own: tuple[int, ...] = (), seconds: float = 1.0, *, grain: int = 1
) -> None:
    """Do the items 0 ≤ i < items. `own` is the scratch memory of a thread in bytes, for each of the kernel's words.

    `seconds` is about how long one thread needs for all of it: what is short is shared by few, or not at all.
    """
    if items <= 0:
        return
    count = _worth(seconds)
    if count > 1:
        count = min(count, threads(), -(-items // grain))
    if count > 1 and _together(code, block, items, own, count, _cut(items, grain, count, seconds), seconds):
        return
    mine = scratch(0, own) if own else None
    code.call(block.address, mine.address if mine else 0, 0, items)


def _together(
    code: Kernel, block: Words, items: int, own: tuple[int, ...], count: int, cut: tuple[int, int], seconds: float
) -> bool:
    """By so many threads, if no other call has the workers."""
    try:
        del _turn[0]  # a signal is handled after a call, and this is none: it cannot come before the next line
    except IndexError:
        return False
    try:
        team = _teams.get(count) or _team(count)
        team.run(code, block, items, own, cut, seconds)
    finally:
        _turn.append(None)
    return True


def _team(count: int) -> _Team:
    while len(_workers) < count - 1:
        _workers.append(Worker(len(_workers) + 1))
    return _teams.setdefault(count, _Team(_workers[: count - 1]))


def _worth(seconds: float) -> int:
    """The threads n for which seconds/n + n·HANDOVER is least."""
    return max(1, math.isqrt(int(seconds / HANDOVER)))


def _cut(items: int, grain: int, count: int, seconds: float) -> tuple[int, int]:
    """Items of a share, and those that are claimed at once: few where there is time to even out who is fast."""
    share = -(-items // (grain * count))
    pieces = 4 if seconds > 5e-4 else 2 if seconds > 1e-4 else 1
    return share * grain, -(-share // pieces) * grain
