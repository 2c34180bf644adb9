"""Any operator as a function of arrays, with its gradient beside it, read off its statement.

The statement, and those derived from it, are lowered to views, gathers and products of matrices in the floating-point
type of the arrays; `functional` has the operators that somebody made faster still.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convmath.lower import evaluate

from .handover import elsewhere
from .registry import Operator, needed_by

__all__ = ["Numeric"]


@dataclass(frozen=True)
class Numeric:
    """f(*arrays, **hyper-parameters), and f.vjp(cotangent, *arrays, **hyper-parameters)."""

    operator: Operator

    @property
    def __name__(self) -> str:
        return self.operator.name

    @property
    def arrays(self) -> tuple[str, ...]:
        """The names of its array arguments, in their order."""
        return self.operator.statement.reads

    def __call__(self, *arrays: Any, **given: Any) -> Any:
        """The value; several outputs come as a tuple."""
        if (taken_over := elsewhere(arrays)) is not None:
            return taken_over(self, arrays, given)
        op, named, numbers = self.operator.at(arrays, given)
        value = evaluate(op.statement, named, **numbers)
        outputs = op.statement.outputs
        return value[outputs[0]] if len(outputs) == 1 else tuple(value[name] for name in outputs)

    def vjp(self, cotangent: Any, *arrays: Any, **given: Any) -> tuple[np.ndarray | None, ...]:
        """The gradient of ⟨cotangent, f(*arrays)⟩ by each array, by the derived formula; None by whole numbers.

        Where an array did not come there is None too.
        """
        if (taken_over := elsewhere((cotangent, *arrays))) is not None:
            return taken_over(self, arrays, given, cotangent)
        op, named, numbers = self.operator.at(arrays, given)
        named |= {f"g{op.statement.outputs[0]}": np.asarray(cotangent)}
        found = (
            None if tensor.integer else _gradient(op, tensor.name, named, numbers) for tensor in op.statement.inputs
        )
        return tuple(None if array is None else next(found) for array in arrays)


def _gradient(op: Operator, name: str, arrays: dict[str, Any], numbers: dict[str, Any]) -> np.ndarray:
    derived = op.vjp(name).result
    return evaluate(derived, arrays, **needed_by(derived, numbers))[derived.outputs[0]]
