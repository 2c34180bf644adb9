"""What the laws run over: every operator, every choice of kernels."""

from __future__ import annotations

from functools import partial

from hypothesis import strategies as st

from convmath import functional, operator, operators
from convmath.ir.walk import reads
from convmath.kernels.choice import EVERYWHERE
from convmath.ops.registry import family_options
from convmath.testing import Case, Subject, cases

from ..generated import there

OPERATORS = operators()
KERNELS = there(EVERYWHERE)
# those whose kernels may be chosen, and those whose output has a position for each window
SEVERAL = [name for name in OPERATORS if len(getattr(functional, name).methods) > 1]
WINDOWED = [name for name in SEVERAL if operator(name, ndim=1).statement.placements]
TAKE_ANYTHING = [name for name in SEVERAL if not any(any(reads(c)) for c in operator(name, ndim=1).conditions())]
WAYS = [(name, method) for name in OPERATORS for method in getattr(functional, name).methods]


def subject(name: str, method: str) -> Subject:
    """The numeric operator with its kernels chosen, where there is a choice."""
    own, chosen = getattr(functional, name), {"method": method} if method else {}
    return Subject(f"{name}[{method}]", partial(own, **chosen), partial(own.vjp, **chosen))


def drawn(name: str) -> st.SearchStrategy[Case]:
    """Cases in one to four dimensions; in four, a border other than zeros has 81 branches, so there it is zeros."""
    four = {"padding_mode": "zeros"} if "padding_mode" in family_options(name) else {}
    return st.sampled_from((1, 2, 3, 1, 2, 4)).flatmap(lambda d: cases(name, d, **(four if d == 4 else {})))
