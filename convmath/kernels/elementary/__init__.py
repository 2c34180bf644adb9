"""exp, log, tanh, erf and their kin with the same bits on every machine, and at most one ulp from the truth.

What libraries of mathematical functions return differs from one to the next. These use nothing but operations that
IEEE 754 defines to the last bit, and no fused multiply-add, so that NumPy and generated kernels on vectors of any width
return the same. Each is written once, in terms of `arithmetic.Arithmetic`. float32 is computed in float64 and rounded
once; exp and the gates, which nets spend their time in, are computed in float32.

>>> x = np.array([-1, 0, 0.5, 1000])
>>> exp(x).tolist()
[0.36787944117144233, 1.0, 1.6487212707001282, inf]
>>> tanh(x.astype(np.float32))
array([-0.7615942 ,  0.        ,  0.46211717,  1.        ], dtype=float32)

An ulp is the distance of the floats around the exact value. The errors of float32 were measured on all of its numbers
(tests/bench/elementary.py): none is above 0.5002, of exp none above 0.86. That those of float64 stay below 1 is proved
(tests/kernels/test_elementary_proof.py). Gates are what activations are made of, and off by more: Φ by less than 5.3
ulp in float32 and 12 in float64, log(1 + e^(-|x|)) by less than 2 and 3. NaN, which is always the same one, and
infinities are as IEEE and C have them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from convmath.errors import DtypeError, HyperparameterError, unknown

from . import error, exponential, gates, logarithm, real_power
from .arithmetic import DOUBLE, FORMATS, Arrays, Number, Vectors
from .real_power import fixing

__all__ = [
    "FUNCTIONS",
    "bell",
    "emit",
    "erf",
    "erfc",
    "exp",
    "expm1",
    "fixing",
    "inside",
    "log",
    "log1p",
    "log1p_exp",
    "normal",
    "power",
    "sigmoid",
    "softplus",
    "tanh",
]

Function = Callable[..., Number]  # of an arithmetic, a number, and what fixes the function further


def within_double(short: Function) -> Function:
    """The function of float32 by one of float64"""
    return lambda m, x, *fixed: m.narrowed(short(m.double(), m.widened(x), *fixed))


# by name: for float64, and for float32
FUNCTIONS: dict[str, tuple[Function, Function]] = {
    "exp": (exponential.exp, exponential.exp),
    "exp_below": (exponential.exp_below, exponential.exp_below),
    "expm1": (exponential.expm1, within_double(exponential.expm1_short)),
    "log": (logarithm.log, within_double(logarithm.log_short)),
    "log1p": (logarithm.log1p, within_double(logarithm.log1p_short)),
    "tanh": (exponential.tanh, within_double(exponential.tanh_short)),
    "sigmoid": (exponential.sigmoid, within_double(exponential.sigmoid_short)),
    "erf": (error.erf, within_double(error.erf_short)),
    "erfc": (error.erfc, within_double(error.erfc_short)),
    "power": (real_power.power, within_double(real_power.power_short)),
    "bell": (gates.bell, gates.bell),
    "normal": (gates.normal, gates.normal),
    "log1p_exp": (gates.log1p_exp, gates.log1p_exp),
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


def bell(x: np.ndarray) -> np.ndarray:
    """e^(-x²/2)"""
    return _applied("bell", x)


def normal(x: np.ndarray) -> np.ndarray:
    """Φ(x) = ½·erfc(-x/√2)"""
    return _applied("normal", x)


def log1p_exp(x: np.ndarray) -> np.ndarray:
    """log(1 + e^(-|x|))"""
    return _applied("log1p_exp", x)


def power(x: np.ndarray, exponent: float) -> np.ndarray:
    """x^exponent for x ≥ 0, at most 0.66 + |exponent|/7 ulps from the truth, in float32 0.501; everything^0 is 1"""
    if not math.isfinite(exponent):
        raise HyperparameterError(f"the exponent is {exponent}, but a finite number is needed [elementary.power]")
    return _applied("power", x, *fixing(float(exponent))) if exponent else np.ones_like(_checked("power", x))


def softplus(x: np.ndarray) -> np.ndarray:
    """log(1 + e^x) = max(x, 0) + log(1 + e^(-|x|))"""
    return np.maximum(x, 0) + log1p_exp(x)


# --- the two ways to run them -------------------------------------------------------------------------------------


def _checked(name: str, x: np.ndarray) -> np.ndarray:
    if x.dtype not in (np.float32, np.float64):
        raise DtypeError(f"{name} takes float32 or float64, but {x.dtype} came [elementary.{name}]")
    return x


def _applied(name: str, x: np.ndarray, *fixed: float) -> np.ndarray:
    """The function of every element, part by part."""
    flat = _checked(name, x).reshape(-1)
    function, m = _of_type(name, x.dtype.str[1:]), Arrays(FORMATS[x.dtype.str[1:]])
    y = np.empty(flat.shape, x.dtype)
    with np.errstate(all="ignore"):  # what happens on branches that are not taken is nobody's concern
        for start in range(0, flat.size, PART):
            y[start : start + PART] = function(m, flat[start : start + PART], *fixed)
    # of all the bits that are no number one pattern is chosen
    y[np.isnan(y)] = np.nan
    return y.reshape(x.shape)


def _of_type(name: str, dtype: str) -> Function:
    return FUNCTIONS[name][FORMATS[dtype] is not DOUBLE]


def emit(builder: Any, name: str, x: Any, *fixed: Any) -> Any:
    """The function of a value of a kernel builder, of the builder's floating type.

    `fixed` is what fixes it further, as `fixing` has it: numbers, or values of float64. The builder has `bits`,
    `from_bits`, `select`, `widened` and `narrowed`, as `simd.builder.Builder` has.
    """
    y = inside(builder, name, x, *fixed)
    return builder.select(y <= float("inf"), y, float("nan"))


def inside(builder: Any, name: str, x: Any, *fixed: Any) -> Any:
    """The same in the middle of a kernel, where it does not matter which NaN it is."""
    if name not in FUNCTIONS:
        raise unknown("elementary function", name, FUNCTIONS, "elementary.emit")
    return _of_type(name, builder.dtype)(Vectors(builder, FORMATS[builder.dtype]), x, *fixed)
