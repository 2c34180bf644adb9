"""What the laws run over: every operator, every choice of kernels."""

from __future__ import annotations

from functools import partial

from hypothesis import strategies as st

from convmath import functional, operators
from convmath.kernels import METHODS
from convmath.ops.registry import family_options
from convmath.testing import Case, Subject, cases

OPERATORS = operators()
KERNELS = list(METHODS)


def subject(name: str, method: str) -> Subject:
    """The numeric operator with its kernels chosen."""
    own = getattr(functional, name)
    return Subject(f"{name}[{method}]", partial(own, method=method), partial(own.vjp, method=method))


def drawn(name: str) -> st.SearchStrategy[Case]:
    """Cases in one to four dimensions; in four, a border other than zeros has 81 branches, so there it is zeros."""
    four = {"padding_mode": "zeros"} if "padding_mode" in family_options(name) else {}
    return st.sampled_from((1, 2, 3, 1, 2, 4)).flatmap(lambda d: cases(name, d, **(four if d == 4 else {})))
