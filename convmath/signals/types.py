"""What expressions are to a type checker: SymPy's own annotations say Basic where an expression comes back."""

from typing import Any, TypeAlias

__all__ = ["Expr"]

Expr: TypeAlias = Any
