"""One call of an operator, with what is right for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from convmath import functional
from convmath.functional.stated import apart, stated
from convmath.ops.registry import Operator
from convmath.window import Window

__all__ = ["Case"]


@dataclass(frozen=True)
class Case:
    """Arguments for one call of an operator, as `functional` takes them.

    `of` is the operator where it is not one of the registry's: then the arguments are its arrays, and the keywords
    its hyper-parameters.
    """

    op: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    of: Operator | None = None

    @property
    def ndim(self) -> int:
        return self.operator.ndim

    @cached_property
    def _passed(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments that are arrays (or None for one) in their order, and the others by name."""
        if self.of:
            return self.args, dict(self.kwargs)
        arrays, given = apart(getattr(functional, self.op), self.args, self.kwargs)
        while arrays and arrays[-1] is None:
            arrays = arrays[:-1]
        return arrays, given

    @property
    def array_arguments(self) -> tuple[np.ndarray | None, ...]:
        """The arguments for arrays in their order, None where one did not come."""
        return self._passed[0]

    @cached_property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """The arrays that came, in the order of the statement's inputs."""
        return tuple(argument for argument in self.array_arguments if argument is not None)

    @property
    def given(self) -> dict[str, Any]:
        """The hyper-parameters by name, also those that `functional` takes by position."""
        return self._passed[1]

    @cached_property
    def operator(self) -> Operator:
        """The operator with the options of this call, its hyper-parameters open."""
        return self.resolved[0]

    @cached_property
    def resolved(self) -> tuple[Operator, dict[str, Any], dict[str, Any]]:
        """The operator with the options of this call, its arrays by name, and its hyper-parameters by letter."""
        if self.of:
            return self.of.at(self.array_arguments, self.given)
        return stated(getattr(functional, self.op), self.array_arguments, self.given)

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """How its windows lie, one an axis."""
        statement = self.operator.statement
        env = self.operator.environment(*self.array_arguments, **self.given)
        by_axis = {(param.letter, param.axis): value for param, value in env.items()}
        return tuple(
            Window(
                **{word: by_axis.get((letter, placement.index.axis), unsaid) for word, letter, unsaid in _LETTERS},
                ceil=placement.rule == "starts",
            )
            for placement in statement.placements
        )

    @cached_property
    def expected(self) -> Any:
        """The value by definition."""
        return self.operator.exact(*self.array_arguments, **self.given)

    def expected_vjp(self, cotangent: np.ndarray) -> tuple[np.ndarray | None, ...]:
        """The gradients by the derived formulas."""
        return self.operator.exact_vjp(cotangent, *self.array_arguments, **self.given)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The derived shape of the output."""
        return self.operator.sizes(*self.array_arguments, **self.given)

    def with_arrays(self, *arrays: np.ndarray) -> Case:
        """The same call on other arrays, in the same order; those that are left out are none any more."""
        fresh = iter(arrays)

        def other(value: Any) -> Any:
            return next(fresh, None) if isinstance(value, np.ndarray) else value

        args = tuple(other(value) for value in self.args)
        kwargs = {name: other(value) for name, value in self.kwargs.items()}
        while args and args[-1] is None:
            args = args[:-1]
        return Case(self.op, args, kwargs, self.of)

    def copy(self) -> Case:
        """The same call on copies of the arrays."""
        return self.with_arrays(*(array.copy() for array in self.arrays))

    def __str__(self) -> str:
        said = [
            f"array of shape {a.shape}" if isinstance(a, np.ndarray) and a.size > 12 else _brief(a) for a in self.args
        ]
        said += [f"{key}={value!r}" for key, value in self.kwargs.items()]
        return f"{self.op}({', '.join(said)})"


# what a window is made of, with what is meant where a statement has no such letter
_LETTERS = (
    ("kernel", "k", 1),
    ("stride", "s", 1),
    ("dilation", "d", 1),
    ("before", "a", 0),
    ("after", "b", 0),
)


def _brief(value: Any) -> str:
    return f"array({value.tolist()})" if isinstance(value, np.ndarray) else repr(value)
