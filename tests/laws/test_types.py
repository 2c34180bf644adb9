"""Types of two bytes are rounded once; integers are exact modulo 2⁶⁴; complex numbers are pairs of real ones."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath import exact_order, functional, vjp
from convmath.errors import DtypeError, ProbabilityWarning
from convmath.functional import core, separable
from convmath.kernels import parts
from convmath.kernels.choice import EVERYWHERE
from convmath.testing import Case, cases
from convmath.testing.cases import SEEDS

from ..faults import caught
from ..generated import by, there
from .registry import OPERATORS, drawn

Arrays = list[np.ndarray]


def called(case: Case, arrays: Arrays, gy: np.ndarray | None = None, **more: Any) -> tuple[Any, ...]:
    """The value of a case at other arrays and, from a cotangent, its gradients."""
    at, own = case.with_arrays(*arrays), getattr(functional, case.op)
    if gy is not None:
        return own.vjp(gy, *at.args, **at.kwargs, **more)
    y = own(*at.args, **at.kwargs, **more)
    return y if isinstance(y, tuple) else (y,)


# --- two bytes ----------------------------------------------------------------------------------------------------


def half(name: str) -> np.dtype:
    if name == "float16":
        return np.dtype(np.float16)
    return np.dtype(pytest.importorskip("ml_dtypes", reason="ml_dtypes, which has bfloat16, is missing").bfloat16)


def positive(name: str, place: int) -> bool:
    """Whether an operator needs numbers that are not negative there: variances, and bases of any power."""
    return name in ("lp_pool", "global_lp_pool") or (name == "batch_norm" and place == 2)


def narrow_arrays(case: Case, seed: int, dtype: np.dtype) -> Arrays:
    rng = np.random.default_rng(seed)
    found = []
    for place, array in enumerate(case.arrays):
        numbers = rng.standard_normal(array.shape) * 4
        numbers = 0.1 + abs(numbers) if positive(case.op, place) else numbers
        found.append(array if array.dtype.kind == "i" else np.asarray(numbers.astype(np.float32)).astype(dtype))
    return found


def wide(array: np.ndarray) -> np.ndarray:
    return array if array.dtype.kind == "i" else array.astype(np.float32)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("stored", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", OPERATORS)
@given(data=st.data())
def test_two_bytes_are_computed_in_float32_and_rounded_once(name: str, stored: str, data: st.DataObject) -> None:
    dtype = half(stored)
    case, seed = data.draw(drawn(name), label="case"), data.draw(SEEDS, label="seed")
    narrow = narrow_arrays(case, seed, dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ProbabilityWarning)
        values, exact = called(case, narrow), called(case, list(map(wide, narrow)))
        gy = np.random.default_rng(seed).standard_normal(exact[0].shape).astype(np.float32)
        gy = np.asarray(gy).astype(dtype)
        gradients, slopes = called(case, narrow, gy), called(case, list(map(wide, narrow)), wide(gy))
    for one, other in zip((*values, *gradients), (*exact, *slopes), strict=True):
        if other is None or other.dtype.kind == "i":
            np.testing.assert_array_equal(one, other)
            continue
        assert one.dtype == dtype
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(wide(one), wide(other.astype(dtype)))


def test_the_law_of_two_bytes_sees_a_type_that_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "rounded", lambda array, dtype: array)
    caught(test_two_bytes_are_computed_in_float32_and_rounded_once, "relu", "float16")


def test_the_law_of_two_bytes_sees_what_is_computed_in_them(monkeypatch: pytest.MonkeyPatch) -> None:
    of = functional.convolutions.numbers

    def with_an_error(value: Any, *rest: Any, **options: Any) -> np.ndarray:
        found = of(value, *rest, **options)
        return found * np.float32(1.001) if value.dtype == np.float16 else found

    monkeypatch.setattr(functional.convolutions, "numbers", with_an_error)
    caught(test_two_bytes_are_computed_in_float32_and_rounded_once, "conv", "float16")


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("float16", "float16", "float16"),
        ("float16", ">f2", "float16"),
        ("float16", "float32", "float32"),
        ("float16", "float64", "float64"),
        ("float16", "int8", "float64"),
        ("float16", "bfloat16", "float32"),
        ("bfloat16", "bfloat16", "bfloat16"),
        ("bfloat16", "float32", "float32"),
        ("bfloat16", "int64", "float64"),
    ],
)
def test_the_type_of_several_holds_all_of_them(one: str, other: str, together: str) -> None:
    types = [half(name) if name.endswith("float16") else np.dtype(name) for name in (one, other, together)]
    x, w = np.ones((1, 1, 4), types[0]), np.ones((1, 1, 2), types[1])
    y = functional.conv(x, w)
    assert y.dtype == functional.conv(w.repeat(2, 2), x[..., :2]).dtype == types[2]
    assert {g.dtype for g in functional.conv.vjp(y, x, w)} == {types[2]}
    assert functional.concat(x, w, axis=2).dtype == types[2]
    assert {g.dtype for g in functional.conv.vjp(np.ones((1, 1, 3), types[1]), x, x[..., :2])} == {types[2]}


@pytest.mark.filterwarnings("error")
def test_what_is_too_large_for_two_bytes_is_infinite_without_a_warning() -> None:
    x = np.full((1, 2), 300, np.float16)
    assert functional.linear(x, x).tolist() == [[np.inf]]
    assert functional.linear(x, x.astype(np.float32)).tolist() == [[180000]]
    assert functional.mse(x, -x, reduction="sum") == np.inf
    tiny = np.full((1, 1), 2.0**-24, np.float16)
    assert functional.linear(tiny, tiny).tolist() == [[0]]


def test_an_output_that_is_given_has_the_type_of_two_bytes() -> None:
    a, v = np.arange(4, dtype=np.float16), np.array([1, 0.5], np.float16)
    out = np.zeros(5, np.float16)
    assert functional.convolve(a, v, out=out) is out
    np.testing.assert_array_equal(out, np.convolve(a.astype(float), v))
    with pytest.raises(DtypeError, match=r"^out holds float32, but the output is float16"):
        functional.convolve(a, v, out=np.zeros(5, np.float32))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("stored", ["float16", "bfloat16"])
def test_probabilities_may_be_off_by_the_rounding_of_their_type(stored: str) -> None:
    shares = np.array([[0.1, 0.2, 0.7], [1 / 3, 1 / 3, 1 / 3]], np.float32).astype(half(stored))
    functional.cross_entropy(np.zeros((2, 3), half(stored)), shares)


# --- integers -----------------------------------------------------------------------------------------------------

# those that stay integers, and their other arguments
WHOLE: dict[str, Any] = {
    name: cases(name, 2)
    for name in (
        *("conv", "conv_transpose", "convolution", "depthwise_conv", "separable_conv", "locally_connected"),
        *("table_conv", "linear", "rbf", "subsample", "add", "fold", "unfold", "concat", "flatten", "pixel_shuffle"),
    )
}


def around(array: np.ndarray) -> np.ndarray:
    """Integers of any size as int64, wrapped round as two's complement does."""
    return np.asarray(((array + 2**63) % 2**64) - 2**63).astype(np.int64)


@pytest.mark.parametrize("method", [by(method) for method in ("auto", *EVERYWHERE)])
@pytest.mark.parametrize("name", WHOLE)
@given(data=st.data())
def test_integers_are_exact_modulo_two_to_the_64(name: str, method: str, data: st.DataObject) -> None:
    """Huge integers are those that Python has, which are computed by the definition on objects."""
    if method != "auto" and method not in getattr(functional, name).methods:
        return
    case, rng = data.draw(WHOLE[name], label="case"), np.random.default_rng(data.draw(SEEDS))
    small = [array if name == "table_conv" and place == 2 else None for place, array in enumerate(case.arrays)]
    huge = [
        rng.integers(-(2**63), 2**63, array.shape) if kept is None else kept
        for array, kept in zip(case.arrays, small, strict=True)
    ]
    more = {} if method == "auto" else {"method": method}
    exact = case.with_arrays(*(array.astype(object) for array in huge)).expected
    [y] = called(case, huge, **more)
    assert y.dtype == np.int64
    np.testing.assert_array_equal(y, around(np.asarray(exact, object)))


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", ">i2", ">u4"])
def test_integers_of_every_width_are_summed_in_int64(dtype: str) -> None:
    most = int(np.iinfo(dtype).max)
    x, w = np.full((1, 1, 4), most, dtype), np.full((1, 1, 2), 3, dtype)
    expected = around(np.full((1, 1, 3), 6 * most, object))
    for y in (functional.conv(x, w), functional.convolve(x[0, 0], w[0, 0], "valid")[None, None]):
        assert y.dtype == np.int64
        np.testing.assert_array_equal(y, expected)
    assert functional.max_pool(x, 2).tolist() == [[[most, most]]]
    assert functional.avg_pool(x, 2).tolist() == [[[float(most)] * 2]]
    assert functional.linear(x, w[0, 0].repeat(2)[None])[0, 0, 0] == around(np.array(12 * most, object))


def test_huge_integers_convolve_as_pythons_do() -> None:
    rng = np.random.default_rng(0)
    a, v = rng.integers(-(2**63), 2**63, (40, 30)), rng.integers(-(2**63), 2**63, (5, 4))
    found = np.zeros((44, 33), object)
    for i, j in np.ndindex(v.shape):
        found[i : i + 40, j : j + 30] += int(v[i, j]) * a.astype(object)
    for method in ("auto", "direct", "patches"):
        np.testing.assert_array_equal(functional.convolve(a, v, method=method), around(found))


# --- complex numbers ----------------------------------------------------------------------------------------------

COMPLEX = ("conv", "conv_transpose", "convolution", "depthwise_conv", "linear")


def gaussian(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any = complex) -> np.ndarray:
    return (rng.integers(-4, 5, shape) + 1j * rng.integers(-4, 5, shape)).astype(dtype)


def bilinear(case: Case, **more: Any) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The operator of a case without its bias."""
    return lambda x, w: called(replace(case, args=case.args[:2]), [x, w], **more)[0]


def drawn_complex(name: str, dtype: str, data: st.DataObject) -> tuple[Case, Arrays]:
    """A case with Gaussian integers for input, weight, bias and cotangent."""
    case = data.draw(cases(name, data.draw(st.integers(1, 3)), bias=True), label="case")
    rng = np.random.default_rng(data.draw(SEEDS, label="seed"))
    return case, [gaussian(rng, shape, dtype) for shape in (*(a.shape for a in case.arrays), case.sizes)]


def ways(name: str) -> list[dict[str, Any]]:
    """With each choice of kernels, and without one."""
    return [{}, *({"method": method} for method in there(getattr(functional, name).methods) if method)]


@pytest.mark.parametrize("dtype", ["c8", "c16"])
@pytest.mark.parametrize("name", COMPLEX)
@given(data=st.data())
def test_complex_numbers_are_pairs_of_real_ones(name: str, dtype: str, data: st.DataObject) -> None:
    """Y is bilinear, and nothing is conjugated: (a + b·i)·(c + d·i)"""
    case, (x, w, b, _) = drawn_complex(name, dtype, data)
    of = bilinear(case)
    parts = of(x.real, w.real) - of(x.imag, w.imag), of(x.real, w.imag) + of(x.imag, w.real)
    shift = b if name == "linear" else b.reshape(-1, *[1] * (x.ndim - 2))
    expected = (parts[0] + 1j * parts[1] + shift).astype(dtype)
    for way in ways(name):
        np.testing.assert_array_equal(called(case, [x, w, b], **way)[0], expected, strict=True)
    with exact_order():
        np.testing.assert_array_equal(called(case, [x, w, b])[0], expected, strict=True)


@pytest.mark.parametrize("dtype", ["c8", "c16"])
@pytest.mark.parametrize("name", COMPLEX)
@given(data=st.data())
def test_complex_gradients_are_those_of_the_real_part(name: str, dtype: str, data: st.DataObject) -> None:
    """Re⟨gY, Y(x′)⟩ = Re⟨gX, x′⟩ for every x′, where ⟨g, y⟩ = Σ conj(g)·y, and so for W and B."""
    case, (x, w, b, gy) = drawn_complex(name, dtype, data)
    rng = np.random.default_rng(1)
    other = [gaussian(rng, array.shape, dtype) for array in (x, w, b)]
    shift = other[2] if name == "linear" else other[2].reshape(-1, *[1] * (x.ndim - 2))
    for way in ways(name):
        gradients = called(case, [x, w, b], gy, **way)
        outputs = (
            bilinear(case, **way)(other[0], w),
            bilinear(case, **way)(x, other[1]),
            np.broadcast_to(shift, gy.shape),
        )
        for gradient, moved, y in zip(gradients, other, outputs, strict=True):
            assert gradient.dtype == np.dtype(dtype)
            assert np.vdot(gy, y).real == np.vdot(gradient, moved).real
        # a real array beside complex ones has the real part
        whole = x.real.astype(dtype)
        one, other_way = called(case, [x.real, w, b], gy, **way)[0], called(case, [whole, w, b], gy, **way)[0]
        np.testing.assert_array_equal(one, other_way.real, strict=True)


def test_the_law_of_parts_sees_a_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = parts._matrix
    monkeypatch.setattr(parts, "_matrix", lambda w, groups: matrix(w.conj(), groups))
    caught(test_complex_numbers_are_pairs_of_real_ones, "conv", "c16")


def test_the_law_of_complex_gradients_sees_that_nothing_is_conjugated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts.ByParts, "conv_weight", lambda self, gy, x, *more: _weight(self, gy, x.conj(), *more))
    caught(test_complex_gradients_are_those_of_the_real_part, "conv", "c16")


_weight = parts.ByParts.conv_weight


def test_the_law_of_complex_gradients_sees_an_imaginary_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separable, "_turned", lambda w: np.conj(w))
    caught(test_complex_numbers_are_pairs_of_real_ones, "convolution", "c16")


@pytest.mark.parametrize("name", [name for name in OPERATORS if name not in COMPLEX])
@given(data=st.data())
def test_other_operators_refuse_complex_numbers(name: str, data: st.DataObject) -> None:
    case = data.draw(drawn(name), label="case")
    [place, *_] = [place for place, array in enumerate(case.arrays) if array.dtype.kind != "i"]
    arrays = [array + 1j if at == place else array for at, array in enumerate(case.arrays)]
    with pytest.raises(DtypeError, match="holds complex128, but float16, bfloat16, float32, float64 or integers are"):
        called(case, arrays)


def test_a_derivative_does_not_go_through_complex_numbers() -> None:
    for function in (lambda x: functional.conv(x, 1j * x), lambda x: x * 1j, lambda x: np.abs(x * 1j).sum()):
        with pytest.raises(DtypeError, match=r"^a Tensor meets complex numbers here, and complex128 comes out"):
            vjp(function, np.ones((1, 1, 3)))
