"""NumPy's products beside our own threads: one thread each meanwhile, and the same sums whoever adds them."""

from __future__ import annotations

import multiprocessing
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from convmath.kernels import blas, cores, patches, products, sums
from convmath.kernels.products import product
from convmath.kernels.threads import set_threads, threads
from convmath.window import Window

from .cases import caught

BOTH = [Window(3, before=1, after=1), Window(3, before=1, after=1)]
STRIDED = [Window(3, 2, before=1), Window(3, 2, before=1)]
SINGLE = [Window(1), Window(1)]


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
    cores.each(lambda _: seen.append(used()), range(1), 1.0)  # nobody helps
    assert seen == [{1}] * 5


Made = dict[str, np.ndarray]


def computed(groups: int) -> Made:
    """Convolutions by `patches`, their gradients, and products: of one piece, of many, and as they lie."""
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, np.float32)

    x, w, gy = normal(40, 16, 32, 32), normal(16, 16 // groups, 3, 3), normal(40, 16, 16, 16)
    one, alone = normal(groups, 16, 18, 33), normal(152, 16 // groups, 1, 1)
    several, wide = normal(1, 16, 20, 20), normal(64, 16 // groups, 3, 3)
    y = patches.conv(x, w, BOTH, groups)
    return {
        "conv": y,
        "conv_weight": patches.conv_weight(y, x, BOTH, groups),
        "conv_input": patches.conv_input(gy, w, STRIDED, groups, (32, 32)),
        "of one image": patches.conv_input(gy[:1], w, STRIDED, groups, (32, 32)),
        "of one piece": patches.conv(several, wide, BOTH, groups),
        "as it lies": patches.conv(one, alone, SINGLE, groups),
        "by the input as it lies": patches.conv_input(normal(2, 152, 18, 33), alone, SINGLE, groups, (18, 33)),
        "a large weight": patches.conv_weight(normal(2, 600, 6, 6), normal(2, 600, 6, 6), BOTH, 1),
        "product": product(normal(300, 257), normal(257, 419)),
        "rows": product(normal(900, 257), normal(257, 219)),
        "stack": product(normal(40, 64, 97), normal(97, 150)),
        "vector": product(normal(900, 257), normal(257)),
    }


def equal(one: Made, other: Made) -> None:
    for name, array in one.items():
        np.testing.assert_array_equal(other[name], array, name)


@pytest.mark.parametrize("groups", [1, 4])
def test_sums_are_the_same_for_any_number_of_threads(groups: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "WORTH", 0)
    monkeypatch.setattr(products, "PART", 2**18)
    set_threads(1)
    found = computed(groups)
    for count in (2, 3):
        set_threads(count)
        equal(found, computed(groups))


def test_sums_are_the_same_beside_another_thread() -> None:
    set_threads(2)
    found, end = computed(1), threading.Event()

    def other() -> None:
        x, w = np.ones((32, 16, 48, 48), "f4"), np.ones((16, 16, 3, 3), "f4")
        while not end.is_set():
            patches.conv(x, w, BOTH, 1)

    thread = threading.Thread(target=other, daemon=True)
    thread.start()
    try:
        for _ in range(5):
            equal(found, computed(1))
    finally:
        end.set()
        thread.join()


def test_the_law_of_sums_sees_parts_that_go_by_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "parts", lambda number, size: min(number, threads()))
    with caught():
        test_sums_are_the_same_for_any_number_of_threads(1, monkeypatch)


def test_the_law_of_sums_sees_that_blas_shares_out(monkeypatch: pytest.MonkeyPatch) -> None:
    need_several()
    found = computed(1)
    monkeypatch.setattr(blas, "_use", lambda counts: None)
    with caught():
        equal(found, computed(1))


SHAPES = [
    *[((3, 4), (4, 5)), ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)), ((0, 4), (4, 5)), ((3, 0), (0, 5))],
    *[((2, 3, 4), (4, 5)), ((2, 1, 3, 4), (6, 4, 5)), ((8, 3, 4), (8, 4, 2)), ((1, 3, 4), (8, 4, 2))],
]


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("kind", ["f4", "f8", "c16", "i8"])
def test_a_product_is_numpys(shapes: tuple, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "SINGLE", 1)
    monkeypatch.setattr(products, "PART", 1)
    monkeypatch.setattr(cores, "WORTH", 0)
    rng = np.random.default_rng(0)
    a, b = (rng.integers(-9, 9, shape).astype(kind) for shape in shapes)
    needed = np.matmul(a, b)
    np.testing.assert_array_equal(product(a, b), needed, strict=True)
    if needed.ndim > 1:
        out = np.empty_like(needed)
        assert product(a, b, out) is out
        np.testing.assert_array_equal(out, needed)
    with pytest.raises(ValueError, match="matmul"):
        product(a, np.ones((7, 2), kind))
