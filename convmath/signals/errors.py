"""Why there is no convolution."""

from __future__ import annotations

from typing import Any

from convmath.errors import AssumptionError, ConvmathError

from .types import sympy

__all__ = [
    "ArgumentError",
    "CheckError",
    "ContradictionError",
    "DivergentError",
    "LateError",
    "NotFoundError",
    "OpenQuestion",
    "TooMuchError",
    "Unheld",
]


class ArgumentError(ConvmathError, TypeError):
    """What is no function, no variable or no period."""


class CheckError(ConvmathError, ArithmeticError):
    """A result that is not what the integral or sum is in numbers. It is never returned."""

    def __init__(self, result: Any, where: dict[Any, Any], got: complex, wanted: complex):
        at = ", ".join(f"{name} = {value}" for name, value in where.items())
        super().__init__(
            f"{result} was found, which is {got:.6g} at {at}, where numeric integration gives {wanted:.6g}"
        )


class ContradictionError(AssumptionError):
    """Assumptions that no values fit."""


class TooMuchError(AssumptionError):
    """A question on which an answer depends, after too many others."""

    def __init__(self, relation: Any):
        self.relation = relation
        super().__init__(f"is {relation}? Too much depends on it; say it with assume=")


class DivergentError(ConvmathError, ArithmeticError):
    """An integral or sum that does not exist."""

    def __init__(self, reason: str, growth: bool = False):
        self.reason = reason
        self.growth = growth  # of two terms, which may cancel with those of others
        super().__init__(reason)

    @classmethod
    def of_poles(cls, right: Any, left: Any, time: str) -> DivergentError:
        low, high = (sympy.re(sympy.expand(rate)) for rate in (right, left))
        right, left = (f"({rate})" if rate.is_Add else rate for rate in (right, left))
        if time == "continuous":
            said = (
                f"the integral diverges: towards +∞ the one function goes as exp({right}·t), towards -∞ the other as "
                f"exp({left}·t), and {low} < {high} is needed"
            )
        else:
            said = (
                f"the sum diverges: towards +∞ the one sequence goes as exp({right}·n), towards -∞ the other as "
                f"exp({left}·n), and {low} < {high} is needed"
            )
        return cls(said, growth=True)


class NotFoundError(ConvmathError, ValueError):
    """Functions that no method here convolves."""


class LateError(NotFoundError):
    """No answer within the time there is."""


class OpenQuestion(Exception):
    """A relation between parameters on which the way goes on; whoever asks answers it both ways, or asks on.

    Where the two sides may be equal and that is a case of its own, `apart` says so.
    """

    def __init__(self, relation: Any, apart: bool = False):
        self.relation, self.apart = relation, apart
        super().__init__(f"is {relation}? Say it with assume=")


class Unheld(Exception):
    """There is nothing in numbers to hold a result against."""
