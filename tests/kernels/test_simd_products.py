"""Products of matrices by generated kernels: the definition, whatever tiles fit, and the layer that takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath import functional as F
from convmath.kernels import features
from convmath.kernels.choice import using
from convmath.kernels.threads import set_threads

from .cases import caught
from .sums import bound

pytest.importorskip("llvmlite", reason="llvmlite is not installed (the extra convmath[fast] brings it)")

from convmath.kernels.simd import products
from convmath.kernels.simd.host import host

DTYPES = st.sampled_from(["f4", "f8"])
ROWS, MORE, COMMON = st.integers(1, 20), st.integers(0, 40), st.integers(0, 40)
SEED = st.integers(0, 2**16)
KINDS = ("rows", "turned", "sums")
DRAWN: dict[str, Any] = {"rows": ROWS, "more": MORE, "common": COMMON, "dtype": DTYPES, "seed": SEED}


def operands(rows: int, more: int, common: int, dtype: str, draw: Callable[..., np.ndarray]) -> list[np.ndarray]:
    """A (rows, common), B (common, columns) and what is added, with at least a vector of columns."""
    columns = host().vector // np.dtype(dtype).itemsize + more
    return [draw(shape).astype(dtype) for shape in ((rows, common), (common, columns), (columns,))]


def laid(a: np.ndarray, b: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Both matrices as a kind of product takes them."""
    return (
        np.ascontiguousarray(a.T) if kind == "sums" else a,
        np.ascontiguousarray(b.T) if kind == "turned" else b,
    )


def equal(kind: str, rows: int, more: int, common: int, dtype: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, shift = operands(rows, more, common, dtype, lambda shape: rng.integers(-9, 10, shape))
    found = products.product(*laid(a, b, kind), shift, of=kind)
    np.testing.assert_array_equal(found, a @ b + shift, strict=True)
    np.testing.assert_array_equal(products.product(*laid(a, b, kind), of=kind), a @ b, strict=True)


@pytest.mark.parametrize("kind", KINDS)
@given(**DRAWN)
def test_products_are_the_definition(kind: str, rows: int, more: int, common: int, dtype: str, seed: int) -> None:
    equal(kind, rows, more, common, dtype, seed)


@pytest.mark.parametrize("kind", KINDS)
@given(**DRAWN)
def test_sums_stay_within_their_bound(kind: str, rows: int, more: int, common: int, dtype: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    wide = lambda shape: rng.standard_normal(shape) * 10.0 ** rng.integers(-12, 12, shape)  # noqa: E731
    a, b, shift = operands(rows, more, common, dtype, wide)
    found = products.product(*laid(a, b, kind), shift, of=kind)
    exact, absolute = (
        (np.asarray(of(a), np.longdouble) @ of(b).astype(np.longdouble)) + of(shift) for of in (np.positive, np.abs)
    )
    assert (np.abs(found - exact) <= bound(common + 1, dtype) * absolute).all()


@given(kind=st.sampled_from(KINDS), seed=SEED)
def test_what_is_not_finite_goes_where_the_definition_says(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, shift = operands(5, 7, 6, "f4", lambda shape: rng.integers(-2, 3, shape))
    for array in (a, b):
        array.flat[rng.integers(array.size)] = rng.choice([np.inf, -np.inf, np.nan])
    with np.errstate(invalid="ignore"):
        expected = sum(np.multiply.outer(a[:, k], b[k]) for k in range(6)) + shift
    np.testing.assert_array_equal(products.product(*laid(a, b, kind), shift, of=kind), expected)


def forget_the_last_rows(plan: products.Plan) -> products.Plan:
    blocks, tiles, shares = plan.numbers
    return replace(plan, numbers=(blocks, tiles - 1, shares))


def forget_a_block_of_columns(plan: products.Plan) -> products.Plan:
    blocks, tiles, shares = plan.numbers
    return replace(plan, items=plan.items - 1, numbers=(blocks, tiles, shares))


@pytest.mark.parametrize("fault", [forget_the_last_rows, forget_a_block_of_columns])
def test_the_law_has_teeth(fault: Callable[..., products.Plan], monkeypatch: pytest.MonkeyPatch) -> None:
    planned = products._planned
    monkeypatch.setattr(products, "_planned", lambda *sizes: fault(planned(*sizes)))
    monkeypatch.setattr(products, "empty", np.zeros)
    with caught():
        given(**DRAWN)(lambda **drawn: equal("rows", **drawn))()


# --- the linear layer ---------------------------------------------------------------------------------------------


@pytest.fixture
def as_before() -> Iterator[None]:
    yield
    set_threads(None)


@pytest.mark.usefixtures("as_before")
def test_threads_change_no_bit_of_a_linear_layer_and_its_gradients() -> None:
    rng = np.random.default_rng(5)
    x, w, b, gy = (rng.standard_normal(shape).astype("f4") for shape in ((70, 90), (45, 90), (45,), (70, 45)))
    found = []
    for count in (1, 2, 3):
        set_threads(count)
        found.append([F.linear(x, w, b), *F.linear.vjp(gy, x, w, b)])
    for other in found[1:]:
        for one, same in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(one, same)


@pytest.mark.parametrize("method", ["auto", "simd", "patches", "direct"])
def test_every_method_computes_a_linear_layer(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    x, w, b, gy = (rng.integers(-9, 10, shape).astype("f4") for shape in ((2, 30, 90), (45, 90), (45,), (2, 30, 45)))
    used = []
    product = products.product
    monkeypatch.setattr(products, "product", lambda *given, **named: used.append(1) or product(*given, **named))
    with using(method):
        np.testing.assert_array_equal(F.linear(x, w, b), x @ w.T + b)
        gx, gw, gb = F.linear.vjp(gy, x, w, b)
    np.testing.assert_array_equal(gx, gy @ w)
    np.testing.assert_array_equal(gw, np.einsum("nlo,nlc->oc", gy, x))
    np.testing.assert_array_equal(gb, gy.sum((0, 1)))
    assert len(used) == (3 if method in ("auto", "simd") else 0)


def test_what_has_no_kernel_is_numpys() -> None:
    """Types that differ, columns that fill no vector, and a sum that is too long to stay near a core."""
    a = np.ones((64, 64), "f4")
    assert products.fits(a, a, 64, 64, 64)
    assert not products.fits(a, a.astype("f8"), 64, 64, 64)
    assert not products.fits(a.astype("i8"), a.astype("i8"), 64, 64, 64)
    assert not products.fits(a.T[::2], a, 32, 64, 64)
    assert not products.fits(a, a, 2**20, 3, 64)
    assert not products.fits(a, a, 64, 64, 2**20)
    assert not products.fits(a, a, 4, 4, 4)
    x, w = np.ones((3, 2**12), "f4"), np.ones((40, 2**12), "f4")
    np.testing.assert_array_equal(features.linear(x, w), np.full((3, 40), 2**12, "f4"))
