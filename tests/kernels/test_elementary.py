"""The elementary functions: close to the truth, right at the ends, and the same bits from NumPy and generated code."""

from __future__ import annotations

import hashlib
import importlib.util
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.errors import DtypeError, HyperparameterError, UnknownNameError
from convmath.ir.enclosure import erf, exp, log, precision, sigmoid, softplus
from convmath.kernels import elementary
from convmath.kernels.elementary import arithmetic, exponential
from convmath.kernels.elementary.arithmetic import SINGLE

from ..generated import GENERATED

ROOT = Path(__file__).parents[2]
NAMES = [name for name in elementary.FUNCTIONS if name not in ("power", "exp_below")]
INF, NAN = math.inf, math.nan


def of(name: str, x: np.ndarray) -> np.ndarray:
    return getattr(elementary, name)(x)


def bits(x: np.ndarray) -> np.ndarray:
    return x.view(f"u{x.itemsize}")


# --- float32 against float64 --------------------------------------------------------------------------------------

# The greatest error over all 2³² numbers, in ulps, and where it is (python -m tests.bench.elementary). There every
# number is tried, which takes half a minute for each function, or five without llvmlite; here a part of them.
WORST = {
    "exp": (0.85772, 70.413147),
    "expm1": (0.50018, 0.371225625),
    "log": (0.5, 1.24669814),
    "log1p": (0.5, 0.329856366),
    "tanh": (0.50011, 0.155865312),
    "sigmoid": (0.50004, -18.3347473),
    "erf": (0.50003, 3.63771844),
    "erfc": (0.50021, 5.62604189),
    "bell": (0.85784, 13.247366),
    "normal": (5.26739, -0.0435721278),
    "log1p_exp": (1.93021, 0.480071008),
}


def some_floats() -> np.ndarray:
    """Of every sign and exponent the first fractions, the last, and others; what is near to the ends of pieces."""
    rng = np.random.default_rng(0)
    fractions = np.concatenate([np.arange(4), 2**23 - 1 - np.arange(4), rng.integers(0, 2**23, 120)])
    tops = np.arange(2**9) << 23
    spread = (tops[:, None] + fractions).reshape(-1).astype(np.uint32).view(np.float32)
    # where the pieces of the functions meet, and where results leave the floats
    edges = [math.log(2) * (k + 0.5) for k in range(-151, 130)] + [0.5, 1.0, 4.0, 10.5, math.sqrt(0.5), math.sqrt(2)]
    edges += [at for _, at in WORST.values()] + [-103.97, -87.34, 88.72, 9.02, 10.06, 2.0**-20, 2.0**-40]
    near = bits(np.array(edges, np.float32))[:, None].astype(np.int64) + np.arange(-40, 41)
    both = near.reshape(-1).astype(np.uint32).view(np.float32)
    return np.concatenate([spread, both, -both])


def error_in_ulps(name: str) -> float:
    """The greatest, against the float64 function, whose own error is some 2^-29 of these ulps."""
    x = some_floats()
    with np.errstate(all="ignore"):  # a signalling NaN that is converted
        y, exact = of(name, x), of(name, x.astype(np.float64))
        # from half an ulp above the greatest float32 on, infinity is nearer
        finite = np.abs(exact) < 2.0**128 * (1 - 2.0**-25)
        np.testing.assert_array_equal(y[~finite], exact[~finite].astype(np.float32))
    place = np.maximum(np.frexp(exact[finite])[1] - 1, -126)
    return float((np.abs(y[finite] - exact[finite]) * np.exp2(23.0 - place)).max())


@pytest.mark.parametrize("name", NAMES)
def test_float32_is_as_exact_as_all_numbers_showed(name: str) -> None:
    assert error_in_ulps(name) <= WORST[name][0] + 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_the_worst_argument_is_still_the_worst(name: str) -> None:
    """So that the table is of this code: a function that has changed is to be measured again."""
    worst, at = WORST[name]
    x = np.array([at], np.float32)
    exact = of(name, x.astype(np.float64))[0]
    found = abs(float(of(name, x)[0]) - exact) * math.ldexp(1.0, 24 - max(math.frexp(exact)[1], -125))
    assert found == pytest.approx(worst, abs=1e-5)


def test_the_test_of_float32_sees_a_wrong_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    of = exponential.KINDS[SINGLE]
    changed = replace(of, terms=(*of.terms[:2], of.terms[2] * (1 + 1e-3), *of.terms[3:]))
    monkeypatch.setitem(exponential.KINDS, SINGLE, changed)
    assert error_in_ulps("exp") > WORST["exp"][0] + 1e-5


# --- the ends -----------------------------------------------------------------------------------------------------

HUGE, LEAST = {"f4": 3.4028234663852886e38, "f8": sys.float_info.max}, {"f4": 2.0**-149, "f8": 5e-324}

# what C says of each function at -∞, the least float, -0, 0, the greatest float, ∞ (F.10 of its standard), or its limit
ENDS = {
    "exp": (0.0, 0.0, 1.0, 1.0, INF, INF),
    "expm1": (-1.0, -1.0, -0.0, 0.0, INF, INF),
    "log": (NAN, NAN, -INF, -INF, None, INF),
    "log1p": (NAN, NAN, -0.0, 0.0, None, INF),
    "tanh": (-1.0, -1.0, -0.0, 0.0, 1.0, 1.0),
    "sigmoid": (0.0, 0.0, 0.5, 0.5, 1.0, 1.0),
    "erf": (-1.0, -1.0, -0.0, 0.0, 1.0, 1.0),
    "erfc": (2.0, 2.0, 1.0, 1.0, 0.0, 0.0),
    "bell": (0.0, 0.0, 1.0, 1.0, 0.0, 0.0),
    "normal": (0.0, 0.0, 0.5, 0.5, 1.0, 1.0),
    "log1p_exp": (0.0, 0.0, None, None, 0.0, 0.0),
}


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", NAMES)
def test_the_ends_are_as_c_has_them(name: str, dtype: str) -> None:
    huge, least = HUGE[dtype], LEAST[dtype]
    y = of(name, np.array([-INF, -huge, -0.0, 0.0, huge, INF], dtype))
    for found, expected in zip(y, ENDS[name], strict=True):
        if expected is None and name == "log1p_exp":
            assert abs(found - math.log(2)) <= np.spacing(found)
        elif expected is None:  # a finite number: the logarithm of the greatest float
            assert found == np.dtype(dtype).type(math.log(huge))
        else:
            same = np.array([expected], dtype)
            assert bits(np.array([found])).tolist() == bits(same).tolist() or (np.isnan(found) and np.isnan(expected))
    # the least floats are themselves where the slope at 0 is 1
    if name in ("expm1", "log1p", "tanh"):
        x = np.array([least, -least, 3 * least], dtype)
        np.testing.assert_array_equal(of(name, x), x)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", NAMES)
def test_every_nan_is_the_same(name: str, dtype: str) -> None:
    """Which bits a NaN has, and its sign, differ between processors where it comes from an operation."""
    width = np.dtype(dtype).itemsize * 8
    exponent = 0xFF << 23 if width == 32 else 0x7FF << 52
    payloads = [exponent + 1, exponent + (1 << (width // 2)), (1 << (width - 1)) + exponent + 7, (1 << width) - 1]
    x = np.array(payloads, f"u{width // 8}").view(dtype)
    y = of(name, np.concatenate([x, np.array([-2.0, -INF], dtype)]))
    assert set(bits(y[np.isnan(y)]).tolist()) == {int(bits(np.array([NAN], dtype))[0])}
    assert np.isnan(y[: len(x)]).all()


def test_results_below_the_normal_numbers_are_rounded_once_more() -> None:
    """Less than an ulp, which is 2^-1074 there."""
    least = Fraction(1, 2**1074)
    with precision(1600):
        for at in (-708.5, -720.25, -735.0, -744.9, -745.13, -745.14, -800.0):
            assert abs(Fraction(of("exp", np.array([at]))[0]) - exp(Fraction(at))) < least
            assert abs(Fraction(of("sigmoid", np.array([at]))[0]) - sigmoid(Fraction(at))) < least
    with precision(2600):
        for at in (26.55, 26.9, 27.2, 27.3):
            assert abs(Fraction(of("erfc", np.array([at]))[0]) - (1 - erf(Fraction(at)))) < least


# --- what goes in -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", [*NAMES, "softplus"])
def test_arrays_may_lie_anyhow_and_stay(name: str, dtype: str) -> None:
    x = np.abs(np.random.default_rng(0).standard_normal((6, 50, 31))).astype(dtype) + 1
    expected = of(name, x.reshape(-1)).reshape(x.shape)
    assert expected.dtype == dtype
    views: list[Callable[[np.ndarray], np.ndarray]] = [
        lambda a: a[::-1, ::2],
        lambda a: a.transpose(2, 0, 1),
        lambda a: a[3:3],
        lambda a: a[2, 3, 4],
        lambda a: np.broadcast_to(a[:1], a.shape),
    ]
    kept = x.copy()
    x.flags.writeable = False
    for view in views:
        found = of(name, view(x))
        assert found.shape == np.shape(view(x))
        np.testing.assert_array_equal(found, view(expected), strict=True)
    np.testing.assert_array_equal(x, kept)


@given(data=st.data())
def test_where_a_number_stands_changes_nothing(data: st.DataObject) -> None:
    name, dtype = data.draw(st.sampled_from(NAMES)), data.draw(st.sampled_from(["f4", "f8"]))
    numbers = st.floats(width=32 if dtype == "f4" else 64)
    x = np.array(data.draw(st.lists(numbers, min_size=1, max_size=5)), dtype)
    start = data.draw(st.integers(0, 2 * elementary.PART))
    many = np.concatenate([np.ones(start, dtype), x])
    assert bits(of(name, many)[start:]).tolist() == bits(of(name, x)).tolist()


def test_other_types_and_names_are_refused() -> None:
    for x in (np.zeros(2, np.float16), np.zeros(2, int), np.zeros(2, complex)):
        with pytest.raises(DtypeError, match=rf"tanh takes float32 or float64, but {x.dtype} came \[elementary.tanh\]"):
            elementary.tanh(x)
    with pytest.raises(UnknownNameError, match="there is no elementary function 'tanhh'; the nearest is tanh"):
        elementary.emit(None, "tanhh", None)


@given(x=st.floats(-745, 745))
def test_softplus_is_made_of_two_of_them(x: float) -> None:
    """e^(-|x|) is off by 2^-52 of it, so its log1p, not less than log 2 of it, by 1.5·2^-52 and an ulp: five in all."""
    found = elementary.softplus(np.array([x]))[0]
    with precision(1300):
        exact = softplus(Fraction(x))
        assert abs(Fraction(found) - exact) <= 5 * Fraction(math.ulp(float(exact)))


# --- powers -------------------------------------------------------------------------------------------------------

EXPONENTS = [-0.75, 0.5, 1 / 3, 2.0, -1.0, 10.5]


@given(x=st.floats(1e-6, 1e6), exponent=st.floats(-20, 20), dtype=st.sampled_from(["f4", "f8"]))
def test_a_power_is_within_its_bound(x: float, exponent: float, dtype: str) -> None:
    numbers = np.array([x], dtype)
    found = elementary.power(numbers, exponent)[0]
    with precision(300):
        exact = exp(Fraction(exponent) * log(Fraction(numbers.item())))
        allowed = 0.501 if dtype == "f4" else 0.66 + abs(exponent) / 7
        ulp = Fraction(2) ** max(
            math.frexp(float(exact))[1] - (24 if dtype == "f4" else 53), -149 if dtype == "f4" else -1074
        )
        if exact < 2**127 or dtype == "f8":
            assert abs(Fraction(found.item()) - exact) <= Fraction(allowed) * ulp


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_ends_of_powers(dtype: str) -> None:
    x = np.array([0.0, -0.0, INF, 1.0, -1.0, -INF, NAN, HUGE[dtype], LEAST[dtype]], dtype)
    for exponent, expected in {
        2.0: [0, 0, INF, 1, NAN, NAN, NAN, INF, 0],
        -2.0: [INF, INF, 0, 1, NAN, NAN, NAN, 0, INF],
        1e300: [0, 0, INF, 1, NAN, NAN, NAN, INF, 0],
        0.0: [1] * 9,
    }.items():
        np.testing.assert_array_equal(elementary.power(x, exponent), np.array(expected, dtype), strict=True)
    with pytest.raises(HyperparameterError, match="the exponent is inf, but a finite number is needed"):
        elementary.power(x, INF)


# --- generated code -----------------------------------------------------------------------------------------------


def some_doubles() -> np.ndarray:
    """Any bits, and numbers of usual size."""
    rng = np.random.default_rng(1)
    wild = rng.integers(-(2**63), 2**63 - 1, 4000, np.int64).view(np.float64)
    usual = rng.standard_normal(4000) * np.exp2(rng.integers(-30, 10, 4000))
    return np.concatenate([wild, usual, [0.0, -0.0, INF, -INF, NAN, 5e-324, -5e-324]])


def digest(applied: Callable[[str, np.ndarray], np.ndarray]) -> str:
    """Of the bits of all functions of one argument and types."""
    total = hashlib.sha256()
    for x in (some_floats(), some_doubles()):
        for name in NAMES:
            total.update(np.ascontiguousarray(applied(name, x)).tobytes())
    return total.hexdigest()


@pytest.fixture
def uncached(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code on disk is that of the kernels as they are, not of what is planted here."""
    monkeypatch.setenv("CONVMATH_CACHE", "")


@GENERATED
@pytest.mark.parametrize("name", NAMES)
def test_generated_code_has_the_same_bits(name: str, uncached: None) -> None:
    from .elementwise_kernel import compiled

    for x in (some_floats(), some_doubles()):
        np.testing.assert_array_equal(bits(compiled(x.dtype.str[1:], name)(x)), bits(of(name, x)))


@GENERATED
def test_what_is_not_above_0_has_the_bits_of_exp(uncached: None) -> None:
    from .elementwise_kernel import compiled

    for x in (some_floats(), some_doubles()):
        x = -np.abs(x)
        np.testing.assert_array_equal(bits(compiled(x.dtype.str[1:], "exp_below")(x)), bits(elementary.exp(x)))


@GENERATED
@pytest.mark.parametrize("exponent", EXPONENTS)
def test_generated_powers_have_the_same_bits(exponent: float, uncached: None) -> None:
    from .elementwise_kernel import generated

    for x in (some_floats(), some_doubles()):
        found = generated(x.dtype.str[1:], "power", *elementary.fixing(exponent))(x)
        np.testing.assert_array_equal(bits(found), bits(elementary.power(x, exponent)))


@GENERATED
def test_a_kernel_serves_all_exponents() -> None:
    from convmath.kernels.simd import functions

    x = np.abs(some_doubles())
    made = set()
    for exponent in EXPONENTS:
        np.testing.assert_array_equal(
            bits(functions.applied("power", x, exponent)), bits(elementary.power(x, exponent))
        )
        made |= set(functions.each.known)
    assert len([key for key in made if key[:2] == ("f8", "power")]) == 1


WIDE = """
from tests.kernels.elementwise_kernel import compiled
from tests.kernels.test_elementary import digest
print(digest(lambda name, x: compiled(x.dtype.str[1:], name)(x)))
"""


@GENERATED
@pytest.mark.parametrize("width", ["16", "32", "64"])
def test_vectors_of_any_width_have_the_same_bits(width: str) -> None:
    """A width that the processor lacks is taken as the widest it has."""
    environment = {**os.environ, "CONVMATH_VECTOR_BYTES": width, "CONVMATH_CACHE": ""}
    run = subprocess.run(
        [sys.executable, "-c", WIDE], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == digest(of)


@GENERATED
def test_the_test_of_bits_sees_a_fused_product(uncached: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from .elementwise_kernel import generated

    def fused(m: Any, coefficients: Any, x: Any) -> Any:
        *rest, y = coefficients
        for c in reversed(rest):
            y = x * y + c if isinstance(y, float) else x.builder.of_kind("fma", y, x, x.builder.splat(c, x.lanes))
        return y

    monkeypatch.setattr(arithmetic.Vectors, "polynomial", fused)
    x = np.random.default_rng(0).uniform(-1, 1, 10_000)
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal(bits(generated("f8", "erf")(x)), bits(of("erf", x)))


# --- the numbers --------------------------------------------------------------------------------------------------


def coefficients() -> ModuleType:
    """proofs/coefficients.py, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("coefficients", ROOT / "proofs" / "coefficients.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["coefficients"] = module  # dataclasses look there
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules["coefficients"]
    return module


def test_the_coefficients_are_what_the_script_writes() -> None:
    made = coefficients()
    assert made.TABLE.read_text(encoding="utf-8") == made.table(), "run `python proofs/coefficients.py`"
