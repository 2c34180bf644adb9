"""Valid cases of an operator, as a Hypothesis strategy. They shrink to one tap, stride 1, no padding, and ones.

Sizes come after the kernel that must fit in them, so every case is valid as built; nothing is filtered. The data
are small integers, on which floating point is exact: then equal means equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from convmath.errors import HyperparameterError, unknown
from convmath.ops.registry import FAMILIES, Operator, family_options, operators
from convmath.window import whole

from .case import Case
from .draw import DRAWN
from .draw.numbers import SEEDS, integers
from .draw.options import Draw, Options
from .generic import generic

__all__ = ["SEEDS", "Case", "cases", "integers"]


@st.composite
def _cases(draw: Draw, name: str, ndim: int, only: Mapping[str, Any]) -> Case:
    return DRAWN[name](Options(draw, ndim, only))


def cases(op: str | Operator, ndim: int | None = None, **only: Any) -> st.SearchStrategy[Case]:
    """Valid cases of an operator in `ndim` spatial dimensions (1 to 3 if unsaid).

    `only` fixes options of the operator (padding_mode="zeros", ties="first", …); padding="symmetric" draws the same
    padding at both ends of an axis. Of an operator that is not the registry's, cases are read off its statement.
    """
    name = op.name if isinstance(op, Operator) else op
    if isinstance(op, Operator) and FAMILIES.get(op.name) is not op.family:
        for key in only:
            raise unknown(f"option of the cases of {name}", key, (), "cases")
        if ndim not in (None, op.ndim):
            raise HyperparameterError(f"ndim is {ndim}, but {op.name} has {op.ndim} spatial axes [cases]")
        return generic(op)
    if not isinstance(name, str) or name not in DRAWN:
        raise unknown("operator", name, operators(), "cases")
    if isinstance(op, Operator):
        if op.fixed:
            raise HyperparameterError(f"{op} has fixed hyper-parameters, but cases are drawn for open ones [cases]")
        ndim, only = op.ndim, dict(op.options) | only
    known = {**family_options(name), "padding": ("symmetric",)}
    for key, value in only.items():
        if key not in known:
            raise unknown(f"option of {name}", key, known, "cases")
        if value not in known[key]:
            raise unknown(key, value, map(str, known[key]), f"cases({name!r})")
    if ndim is not None:
        return _cases(name, whole(ndim, "ndim", f"cases({name!r})", FAMILIES[name].least_ndim), only)
    return st.integers(1, 3).flatmap(lambda d: _cases(name, d, only))
