"""SymPy as a type checker should see it here: its own annotations say Basic where an expression comes back."""

from typing import Any, TypeAlias

import sympy as _sympy

__all__ = ["Expr", "Polynomial", "sympy"]

Expr: TypeAlias = Any
Polynomial: TypeAlias = Any  # of a ring of SymPy's
sympy: Any = _sympy
