"""A family of operators as data: its statement, its names, and which arguments mean what in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from convmath.ir.nodes import Statement

__all__ = ["Family"]


@dataclass(frozen=True, eq=False)
class Family:
    """An operator in any number of spatial dimensions, with all its options.

    `statement(ndim, **options)` states it. `options` gives the values that each option takes, the default first, and
    `needs` for an option what others have to be with it.
    `optional` names the inputs that an option brings in ({"B": "bias"}): to pass the array is to choose the option.
    `counted` is an option that says how many arrays there are, and `told` gives the options that the arrays that came
    tell by themselves (a target by class or by probabilities).
    `words` gives the letter of each argument that is not called as `ir.bind.WORDS` says, None for one that the
    arrays tell. `one_each` is an argument that has an entry for each spatial axis, where the first array does not tell
    how many there are. A pool's stride is its kernel if unsaid, and with `unit_stride` it is 1.
    `call` is how the operator is made where the registry does not have it, up to its dimensions.
    """

    name: str
    title: Mapping[str, str]
    statement: Callable[..., Statement]
    options: Mapping[str, tuple] = field(default_factory=dict)
    optional: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str | None] = field(default_factory=dict)
    counted: str = ""
    told: Callable[[Sequence[Any]], Mapping[str, Any]] | None = None
    least_ndim: int = 1
    needs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    call: str = ""
    unit_stride: bool = False
    one_each: str = ""

    def takes(self, option: str, value: Any) -> bool:
        """Whether an option has this value; True and 1 differ."""
        if option == self.counted:
            return isinstance(value, int) and not isinstance(value, bool) and value >= 1
        return any(type(value) is type(choice) and value == choice for choice in self.options[option])
