"""What can be typed in a function, each with its meaning, and how large it may become.

Numbers are kept below `BITS` bits, powers of what is no number below `POWER`, and a function below `TERMS` terms when
it is multiplied out, so that reading a text and working with it stay short. Nothing is computed before its size is
known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .types import Expr, sympy

__all__ = ["CONSTANTS", "FUNCTIONS", "Function", "Refused", "called", "ordered", "power", "sane"]

BITS, POWER, TERMS, GROWTH = 4000, 100, 2000, 400
ORDER = 20  # of a derivative of δ
HALF = sympy.S.Half

CONSTANTS: Mapping[str, Expr] = {"pi": sympy.pi, "π": sympy.pi, "e": sympy.E, "i": sympy.I, "j": sympy.I}


class Refused(Exception):
    """What is wrong with an expression, as a sentence goes on after naming it; whoever reads a text says where."""


@dataclass(frozen=True, slots=True)
class Function:
    """What a call means, and how many arguments it has."""

    of: Callable[..., Expr]
    least: int = 1
    most: int = 1

    def counted(self) -> str:
        """How many arguments, in words."""
        number = f"{self.least}" if self.least == self.most else f"{self.least} to {self.most}"
        return f"{number} argument{'' if self.most == 1 else 's'}"


# --- steps, impulses and windows ---------------------------------------------------------------------------------


def ordered(*values: Expr) -> None:
    """Refused, where an order is needed, of what need not be real."""
    for x in values:
        complex_ = x.has(sympy.I) or any(symbol.is_extended_real is None for symbol in x.free_symbols)
        if x.is_extended_real is False or (complex_ and not x.is_extended_real):
            raise Refused(f"needs what is real, but {x} need not be")


def _of_real(function: Callable[..., Expr]) -> Callable[..., Expr]:
    def of(*arguments: Expr) -> Expr:
        ordered(*arguments)
        return function(*arguments)

    return of


def _step(x: Expr, at_0: Expr = HALF) -> Expr:
    """u(t), with u(0) = 1/2"""
    if at_0 != HALF:
        raise Refused(f"has u(0) = {at_0}, but in continuous time u(0) = 1/2")
    return sympy.Heaviside(x)


def _first(x: Expr, at_0: Expr = sympy.S.One) -> Expr:
    """u[n], with u[0] = 1"""
    if at_0 != 1:
        raise Refused(f"has u[0] = {at_0}, but for sequences u[0] = 1")
    return sympy.Heaviside(x, sympy.S.One)  # type: ignore[arg-type]


def _impulse(x: Expr, order: Expr = sympy.S.Zero) -> Expr:
    """δ^{(k)}(t), k being the second argument"""
    if not order.is_Integer or not 0 <= order <= ORDER:
        raise Refused(f"has the derivative of δ of order {order}, but a whole number up to {ORDER} is needed")
    return sympy.DiracDelta(x, order) if order else sympy.DiracDelta(x)


def _unit(x: Expr) -> Expr:
    """δ[n]"""
    return sympy.KroneckerDelta(x, 0)


def _box(x: Expr) -> Expr:
    """1 where |t| < 1/2, else 0"""
    return sympy.Piecewise((1, (x > -HALF) & (x < HALF)), (0, True))


def _window(x: Expr) -> Expr:
    """1 where |n| ≤ 1/2, else 0"""
    return sympy.Piecewise((1, (x >= -HALF) & (x <= HALF)), (0, True))


def _triangle(x: Expr) -> Expr:
    """max(0, 1 - |t|)"""
    return sympy.Max(0, 1 - sympy.Abs(x))


def _sinc(x: Expr) -> Expr:
    """sin(πt)/(πt)"""
    return sympy.S.One if x == 0 else sympy.sin(sympy.pi * x) / (sympy.pi * x)


def _sinc_sequence(x: Expr) -> Expr:
    # SymPy's own sinc(πn/2) with an integer n is wrong for every even n
    return sympy.Piecewise((1, sympy.Eq(x, 0)), (_sinc(x), True))


# --- functions that grow -----------------------------------------------------------------------------------------


def _growing(function: Callable[..., Expr]) -> Callable[..., Expr]:
    """Of small numbers alone."""

    def of(*arguments: Expr) -> Expr:
        largest = max((_largest(x) for x in arguments), default=0)
        if largest > GROWTH:
            raise Refused(f"holds a number above {GROWTH}")
        return function(*arguments)

    return of


def _exponential(function: Callable[[Expr], Expr]) -> Callable[[Expr], Expr]:
    def of(x: Expr) -> Expr:
        if x.is_number and abs(sympy.N(x, 5)) > BITS / 2:
            raise Refused(f"holds a number of more than {BITS} bits")
        return function(x)

    return of


def _remainder(x: Expr, divisor: Expr) -> Expr:
    if not divisor.is_Integer or not 0 < divisor <= POWER:
        raise Refused(f"has the divisor {divisor}, but a whole number from 1 to {POWER} is needed")
    return sympy.Mod(x, divisor)


_BOTH: dict[str, Function] = {
    "tri": Function(_of_real(_triangle)),
    "sgn": Function(_of_real(sympy.sign)),
    "abs": Function(sympy.Abs),
    "exp": Function(_exponential(sympy.exp)),
    "log": Function(sympy.log),
    "sqrt": Function(lambda x: power(x, HALF)),
    "sin": Function(_exponential(sympy.sin)),
    "cos": Function(_exponential(sympy.cos)),
    "tan": Function(_exponential(sympy.tan)),
    "sinh": Function(_exponential(sympy.sinh)),
    "cosh": Function(_exponential(sympy.cosh)),
    "tanh": Function(_exponential(sympy.tanh)),
    "sech": Function(_exponential(sympy.sech)),
    "atan": Function(sympy.atan),
    "erf": Function(_of_real(_exponential(sympy.erf))),
    "erfc": Function(_of_real(_exponential(sympy.erfc))),
    "gamma": Function(_growing(sympy.gamma)),
    "factorial": Function(_growing(sympy.factorial)),
    "binomial": Function(_growing(sympy.binomial), 2, 2),
    "max": Function(_of_real(sympy.Max), 2, 9),
    "min": Function(_of_real(sympy.Min), 2, 9),
    "re": Function(sympy.re),
    "im": Function(sympy.im),
    "conj": Function(sympy.conjugate),
}
_CONTINUOUS: dict[str, Function] = {
    "u": Function(_of_real(_step), 1, 2),
    "delta": Function(_of_real(_impulse), 1, 2),
    "rect": Function(_of_real(_box)),
    "sinc": Function(_sinc),
}
_DISCRETE: dict[str, Function] = {
    "u": Function(_of_real(_first), 1, 2),
    "delta": Function(_of_real(_unit)),
    "rect": Function(_of_real(_window)),
    "sinc": Function(_sinc_sequence),
    "mod": Function(_remainder, 2, 2),
    "fibonacci": Function(_growing(sympy.fibonacci)),
    "KroneckerDelta": Function(sympy.KroneckerDelta, 2, 2),
}
# other names of the same, among them those that SymPy prints, and the Spanish ones
_SAME = {
    "heaviside": "u", "Heaviside": "u", "sign": "sgn", "Abs": "abs", "ln": "log", "arctan": "atan", "Max": "max",
    "Min": "min", "conjugate": "conj", "sen": "sin", "senh": "sinh", "tg": "tan", "tgh": "tanh", "arctg": "atan",
}  # fmt: skip


def _named(own: Mapping[str, Function], *also: tuple[str, str]) -> dict[str, Function]:
    known = {**_BOTH, **own}
    return known | {name: known[same] for name, same in (*_SAME.items(), *also)}


# by whether the variables are integers
FUNCTIONS: Mapping[bool, Mapping[str, Function]] = {
    False: _named(_CONTINUOUS, ("DiracDelta", "delta")),
    True: _named(_DISCRETE),
}


# --- sizes -------------------------------------------------------------------------------------------------------


def called(function: Function, arguments: tuple[Expr, ...]) -> Expr:
    return sane(function.of(*arguments))


def power(base: Expr, exponent: Expr) -> Expr:
    """base^exponent, if it stays small."""
    largest = _largest(exponent)
    if base.is_number:
        bits = max((_bits(number) for number in base.atoms(sympy.Rational)), default=0) + 2 * (not base.is_Rational)
        if bits * largest > BITS:
            raise Refused(f"is a power of more than {BITS} bits")
        if exponent.is_number and not exponent.is_Rational and abs(sympy.N(exponent, 5)) * bits > BITS:
            raise Refused(f"is a power of more than {BITS} bits")
    elif largest > POWER:
        raise Refused(f"is a power above {POWER}")
    return sane(base**exponent)


def sane(value: Any) -> Expr:
    """The value, if it is a number or function of moderate size."""
    if value.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
        raise Refused("has no value")
    if any(_bits(number) > BITS for number in value.atoms(sympy.Rational)):
        raise Refused(f"holds a number of more than {BITS} bits")
    if value.is_number and not value.is_Rational and abs(sympy.N(value, 5)) > 2**BITS:
        raise Refused(f"is a number of more than {BITS} bits")
    if any(_largest(p.exp) > POWER for p in value.atoms(sympy.Pow) if not p.base.is_number and p.exp.is_Rational):
        raise Refused(f"holds a power above {POWER}")
    if _terms(value) > TERMS:
        raise Refused(f"has more than {TERMS} terms when it is multiplied out")
    return value


def _largest(e: Expr) -> int:
    """The largest of the numbers that stand in an expression, above or below a bar."""
    return max((max(abs(number.p), number.q) for number in e.atoms(sympy.Rational)), default=0)


def _bits(number: Expr) -> int:
    return max(number.p.bit_length(), number.q.bit_length()) - (number.q == 1 and number.p in (-1, 0, 1))


def _terms(e: Expr) -> int:
    """How many terms an expression has at most when it is multiplied out."""
    if isinstance(e, sympy.Add):
        return sum(map(_terms, e.args))
    if isinstance(e, sympy.Mul):
        return math.prod(map(_terms, e.args))
    if isinstance(e, sympy.Pow) and e.exp.is_Integer:
        inner, times = _terms(e.base), abs(int(e.exp))
        return math.comb(times + inner - 1, inner - 1)
    return 1
