"""Whether a guard between integer forms holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convmath.errors import StatementError

from .nodes import AtMost, Divides, Guard, Less, Within, Zero

__all__ = ["holds"]


def holds(guard: Guard, values: Mapping[Any, Any]) -> Any:
    """True or False; an array of them where the values of its indices are arrays."""
    match guard:
        case Within(form=form, size=size):
            value = form.evaluate(values)
            return (value >= 0) & (value < size.evaluate(values))
        case Less(left=left, right=right):
            return left.evaluate(values) < right.evaluate(values)
        case AtMost(left=left, right=right):
            return left.evaluate(values) <= right.evaluate(values)
        case Zero(left=left, right=right):
            return left.evaluate(values) == right.evaluate(values)
        case Divides(divisor=divisor, form=form):
            d = divisor.evaluate(values)
            if isinstance(d, int) and d < 1:
                raise StatementError(f"{guard} has no meaning for {divisor} = {d}: it must be at least 1")
            return form.evaluate(values) % d == 0
    raise NotImplementedError(f"no rule for a guard of type {type(guard).__name__}")
