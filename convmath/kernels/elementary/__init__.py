"""exp, log, tanh, erf and their kin with the same bits on every machine, and at most one ulp from the truth.

What libraries of mathematical functions return differs from one to the next. These use nothing but operations that
IEEE 754 defines to the last bit, and no fused multiply-add, so that NumPy and generated kernels on vectors of any width
return the same. Each is written once, in terms of `arithmetic.Arithmetic`. float32 is computed in float64 and rounded
once.

>>> x = np.array([-1, 0, 0.5, 1000])
>>> exp(x).tolist()
[0.36787944117144233, 1.0, 1.6487212707001282, inf]
>>> tanh(x.astype(np.float32))
array([-0.7615942 ,  0.        ,  0.46211717,  1.        ], dtype=float32)

An ulp is the distance of the floats around the exact value. The errors of float32 were measured on all of its numbers
(tests/bench/elementary.py): none is above 0.5002. That those of float64 stay below 1 is proved
(tests/kernels/test_elementary_proof.py). NaN, which is always the same one, and infinities are as IEEE and C have them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from convmath.errors import DtypeError, HyperparameterError, unknown

from . import error, exponential, logarithm, real_power
from .arithmetic import Arrays, Number, Vectors

__all__ = [
    "FUNCTIONS",
    "emit",
    "erf",
    "erfc",
    "exp",
    "expm1",
    "log",
    "log1p",
    "power",
    "sigmoid",
    "softplus",
    "tanh",
]

Function = Callable[..., Number]  # of an arithmetic, a number, and what fixes the function further

# by name: for float64, and for float32 within float64
FUNCTIONS: dict[str, tuple[Function, Function]] = {
    "exp": (exponential.exp, exponential.exp_short),
    "expm1": (exponential.expm1, exponential.expm1_short),
    "log": (logarithm.log, logarithm.log_short),
    "log1p": (logarithm.log1p, logarithm.log1p_short),
    "tanh": (exponential.tanh, exponential.tanh_short),
    "sigmoid": (exponential.sigmoid, exponential.sigmoid_short),
    "erf": (error.erf, error.erf_short),
    "erfc": (error.erfc, error.erfc_short),
    "power": (real_power.power, real_power.power_short),
}

# numbers that are worked on at once: what lies between stays in the cache
PART = 8192


def exp(x: np.ndarray) -> np.ndarray:
    """e^x"""
    return _applied("exp", x)


def expm1(x: np.ndarray) -> np.ndarray:
    """e^x - 1"""
    return _applied("expm1", x)


def log(x: np.ndarray) -> np.ndarray:
    """log x; -∞ at 0 of either sign, NaN below"""
    return _applied("log", x)


def log1p(x: np.ndarray) -> np.ndarray:
    """log(1 + x)"""
    return _applied("log1p", x)


def tanh(x: np.ndarray) -> np.ndarray:
    """(e^x - e^(-x))/(e^x + e^(-x))"""
    return _applied("tanh", x)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1/(1 + e^(-x))"""
    return _applied("sigmoid", x)


def erf(x: np.ndarray) -> np.ndarray:
    """2/√π · ∫ e^(-u²) du from 0 to x"""
    return _applied("erf", x)


def erfc(x: np.ndarray) -> np.ndarray:
    """1 - erf x, also where that is tiny"""
    return _applied("erfc", x)


def power(x: np.ndarray, exponent: float) -> np.ndarray:
    """x^exponent for x ≥ 0, at most 0.66 + |exponent|/7 ulps from the truth, in float32 0.501"""
    if not math.isfinite(exponent):
        raise HyperparameterError(f"the exponent is {exponent}, but a finite number is needed [elementary.power]")
    return _applied("power", x, float(exponent))


def softplus(x: np.ndarray) -> np.ndarray:
    """log(1 + e^x) = max(x, 0) + log1p(e^(-|x|))"""
    return np.maximum(x, 0) + log1p(exp(-np.abs(x)))


# --- the two ways to run them -------------------------------------------------------------------------------------


def _applied(name: str, x: np.ndarray, *fixed: float) -> np.ndarray:
    """The function of every element, part by part."""
    if x.dtype not in (np.float32, np.float64):
        raise DtypeError(f"{name} takes float32 or float64, but {x.dtype} came [elementary.{name}]")
    full, short = FUNCTIONS[name]
    m, flat = Arrays(), x.reshape(-1)
    y = np.empty(flat.shape, x.dtype)
    with np.errstate(all="ignore"):  # what happens on branches that are not taken is nobody's concern
        for start in range(0, flat.size, PART):
            part = flat[start : start + PART]
            if x.dtype == np.float32:
                y[start : start + PART] = short(m, part.astype(np.float64), *fixed)
            else:
                y[start : start + PART] = full(m, part, *fixed)
    # of all the bits that are no number one pattern is chosen
    y[np.isnan(y)] = np.nan
    return y.reshape(x.shape)


def emit(builder: Any, name: str, x: Any, *fixed: float) -> Any:
    """The function of a value of a kernel builder, of the builder's floating type; `fixed` is what fixes it further.

    The builder has `bits`, `from_bits`, `select`, `widened` and `narrowed`, as `simd.builder.Builder` has.
    """
    if name not in FUNCTIONS:
        raise unknown("elementary function", name, FUNCTIONS, "elementary.emit")
    full, short = FUNCTIONS[name]
    m = Vectors(builder)
    y = builder.narrowed(short(m, builder.widened(x), *fixed)) if builder.dtype == "f4" else full(m, x, *fixed)
    return builder.select(y <= float("inf"), y, float("nan"))
