"""What a call is on arrays of another library: its value, its gradients, and what its data must not be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["CALLS", "Computed", "computed"]


@dataclass(frozen=True, slots=True)
class Computed:
    """A call whose arguments are checked, on arrays of one type; `gradients` are by place, as those of `core.Call`.

    `suspect` is whether the data may be such that the call on NumPy arrays refuses them, or warns.
    """

    value: Callable[[], Any]
    gradients: Callable[[Any], tuple[Any, ...]]
    suspect: Callable[[], Any] | None = None


# by the operator's name: of a namespace, the output's shape, and the operator's arguments by name
CALLS: dict[str, Callable[..., Computed]] = {}


def computed(state: Callable[..., Computed]) -> Callable[..., Computed]:
    CALLS[state.__name__] = state
    return state
