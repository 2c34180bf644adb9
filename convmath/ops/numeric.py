"""Any operator as a function of arrays, with its gradient beside it, read off its statement.

The statement, and those derived from it, are lowered to views, gathers and products of matrices in the floating-point
type of the arrays; `functional` has the operators that somebody made faster still.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmath.kernels.portable.library import is_foreign, of_numpy, only, stand_in
from convmath.kernels.portable.recorded import recorded
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

    def of_library(self, arrays: tuple[Any, ...], given: Mapping[str, Any], *cotangent: Any) -> Any:
        """The value, or the vjp where a cotangent comes, on arrays of another library, where they lie."""
        where, came = self.__name__, {f"array {n}": a for n, a in enumerate(arrays, 1) if a is not None}
        xp, like = only(came | dict(zip(["the cotangent"], cotangent, strict=False)), where)

        def own(array: Any) -> Any:
            return array if is_foreign(type(array)) else of_numpy(xp, np.asarray(array), like)

        operands = [own(array) for array in came.values()]
        held = iter(stand_in(*each, where) for each in zip(operands, came, strict=True))
        op, names, numbers = self.operator.at([None if a is None else next(held) for a in arrays], given)

        def value(*operands: Any) -> Any:
            found = evaluate(op.statement, dict(zip(names, operands, strict=True)), xp, **numbers)
            # a value may be an input as it is, and a result shares no memory with it
            first, *others = (xp.astype(found[name], found[name].dtype) for name in op.statement.outputs)
            return (first, *others) if others else first

        def pulled(gy: Any, operands: Sequence[Any], wanted: Container[int]) -> list[Any]:
            held = dict(zip(names, operands, strict=True)) | {f"g{op.statement.outputs[0]}": gy}
            return [
                None if tensor.integer or place not in wanted else _gradient(op, tensor.name, held, numbers, xp)
                for place, tensor in enumerate(op.statement.inputs)
            ]

        if not cotangent:
            return recorded(xp, value, pulled, operands)
        gradients = iter(pulled(own(*cotangent), operands, range(len(operands))))
        return tuple(None if array is None else next(gradients) for array in arrays)


def _gradient(op: Operator, name: str, arrays: dict[str, Any], numbers: dict[str, Any], namespace: Any = None) -> Any:
    derived = op.vjp(name).result
    return evaluate(derived, arrays, namespace, **needed_by(derived, numbers))[derived.outputs[0]]
