"""The door of this room: a statement as a function of arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from convmath.ir.bind import bind
from convmath.ir.exact import real_values
from convmath.ir.nodes import Statement

from .arrays import of_namespace
from .program import Program, program

__all__ = ["evaluate", "function"]


def function(statement: Statement, namespace: Any = None) -> Callable[..., Any]:
    """The statement as a function of arrays by name and hyper-parameters by word, in the arrays' own floating point.

    It is lowered at the first call for some sizes, and kept. The result is an array, a dict of them where there are
    several outputs. `namespace` is one of the array API standard (array_api_compat.torch, jax.numpy, …); then arrays
    are its own, and stay on their device. Without one they are NumPy's. float16 is computed in float32, integers alone
    in float64; integer inputs are compared as integers.
    """

    def compute(**named: Any) -> Any:
        arrays = {name: named.pop(name) for name in statement.reads if name in named}
        values = evaluate(statement, arrays, namespace, **named)
        return values[statement.outputs[0]] if len(statement.outputs) == 1 else values

    return compute


def evaluate(statement: Statement, arrays: Mapping[str, Any], namespace: Any = None, **given: Any) -> dict[str, Any]:
    """The outputs by name. What is refused is what `Statement.evaluate` refuses, with the same sentences."""
    of = of_namespace(namespace)
    found = {name: of.given(name, values) for name, values in arrays.items()}
    reals = real_values(statement, given)
    words = {name: value for name, value in given.items() if name not in reals}
    shapes = {name: tuple(array.shape) for name, array in found.items()}
    return _lowered(statement, shapes, words).run(found, of, of.floating(list(found.values())), reals)


def _lowered(statement: Statement, shapes: Mapping[str, tuple[int, ...]], words: Mapping[str, Any]) -> Program:
    """The program for arrays of these shapes; what was told once by the same shapes and numbers is not told again."""
    if all(map(_is_plain, words.values())):
        return _kept(statement, tuple(shapes.items()), tuple(words.items()))
    return program(statement, bind(statement, shapes, words))


def _is_plain(value: Any) -> bool:
    """A whole number, or tuples of them: True, which is refused, is equal to 1."""
    return all(map(_is_plain, value)) if type(value) is tuple else type(value) is int


@lru_cache(maxsize=1024)
def _kept(statement: Statement, shapes: tuple, words: tuple) -> Program:
    return program(statement, bind(statement, dict(shapes), dict(words)))
