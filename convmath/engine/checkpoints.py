"""Recomputing instead of keeping."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from convmath.errors import DtypeError

from . import trees
from .derivatives import Run
from .tape import Parts, Pullback, Traced, below, record

__all__ = ["checkpoint"]


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, of whose inside nothing is kept: its derivative runs it once more.

    What it is differentiated by must be among its arguments, in nested tuples, lists or dicts or by name, and it must
    give the same when it is run again. Raises DtypeError where it uses a Tensor that is no argument.

    >>> import numpy as np
    >>> from convmath import grad
    >>> grad(lambda x: checkpoint(lambda y: (y * y * y).sum())(x))(np.array([1.0, 2.0]))
    array([ 3., 12.])
    """

    @functools.wraps(f, updated=())
    def light(*args: Any, **kwargs: Any) -> Any:
        came = (args, kwargs)
        operands = list(trees.leaves(came))
        level = max((operand._level for operand in operands if isinstance(operand, Traced)), default=0)
        if not level:
            return f(*args, **kwargs)
        found: Any = None

        def rule(lower: list[Any], places: list[int]) -> tuple[Any, Pullback]:
            nonlocal found
            # what f meets are Tensors, also where nothing is recorded
            met = [_constant(*pair) for pair in zip(operands, lower, strict=True)]
            own, named = trees.built(came, iter(met))
            found = light(*own, **named)
            values = tuple(below(value, 0) for value in trees.leaves(found))
            count = len(values)
            if any(isinstance(value, Traced) and value._level >= level for value in values):
                called = getattr(f, "__name__", "f")
                raise DtypeError(
                    f"{called} uses a Tensor that is not among its arguments, and its gradient would be lost; hand it "
                    f"over as one [checkpoint({called})]"
                )

            def again(*traced: Any) -> Any:
                anew = list(met)
                for place, value in zip(places, traced, strict=True):
                    anew[place] = value
                own, named = trees.built(came, iter(anew))
                return f(*own, **named)

            def pullback(parts: Parts) -> list[Any]:
                run = Run(again, [lower[place] for place in places], {}, range(len(places)), "checkpoint")
                return run.back([parts.of.get(place) for place in range(count)], release=True)

            return values, pullback

        recorded = record(rule, operands)
        return trees.built(found, iter(recorded))

    return light


def _constant(operand: Any, value: Any) -> Any:
    """The value below an operand, a Tensor where that is one."""
    return operand._at(0, value, None) if isinstance(operand, Traced) and not isinstance(value, Traced) else value
