"""A call as one node of another library's own differentiation, whose backward pass is the operator's `vjp`.

So torch's `backward` and `jax.grad` give the gradients that `vjp` gives, also at ties and kinks. Their modules are
found where the arrays came from: nothing is imported that was not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Sequence
from functools import lru_cache
from types import ModuleType
from typing import Any

from .library import root

__all__ = ["recorded"]

Value = Callable[..., Any]
# from a cotangent of the first output, the arrays, and the places of those whose gradients are wanted
Pulled = Callable[[Any, Sequence[Any], Container[int]], Sequence[Any]]


def recorded(xp: ModuleType, value: Value, pulled: Pulled, arrays: Sequence[Any]) -> Any:
    """value(*arrays), of which the first output is differentiable if the arrays' library is about to differentiate."""
    match root(xp):
        case "torch":
            torch = sys.modules["torch"]
            if torch.is_grad_enabled() and any(array.requires_grad for array in arrays):
                return _node().apply(value, pulled, *arrays)
        case "jax":
            jax = sys.modules["jax"]
            if any(isinstance(array, jax.core.Tracer) for array in arrays):
                return _traced(jax, value, pulled)(*arrays)
    return value(*arrays)


@lru_cache(maxsize=1)
def _node() -> Any:
    torch = sys.modules["torch"]

    class Operator(torch.autograd.Function):
        @staticmethod
        def forward(value: Value, pulled: Pulled, *arrays: Any) -> Any:
            return value(*arrays)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
            _, ctx.pulled, *arrays = inputs
            ctx.save_for_backward(*arrays)
            if isinstance(output, tuple):
                ctx.mark_non_differentiable(*(other for other in output[1:] if other is not None))

        @staticmethod
        def backward(ctx: Any, *cotangents: Any) -> tuple[Any, ...]:
            wanted = {place for place, needed in enumerate(ctx.needs_input_grad[2:]) if needed}
            found = ctx.pulled(cotangents[0], ctx.saved_tensors, wanted)
            return (None, None, *found)

    return Operator


def _traced(jax: Any, value: Value, pulled: Pulled) -> Any:
    node = jax.custom_vjp(value)

    def backward(arrays: tuple[Any, ...], cotangent: Any) -> tuple[Any, ...]:
        # for complex numbers JAX has the conjugates of ours; a gradient has the type of its array
        first = cotangent[0] if isinstance(cotangent, tuple) else cotangent
        found = pulled(first.conj(), arrays, range(len(arrays)))
        return tuple(
            None if g is None else g.conj().astype(array.dtype) for g, array in zip(found, arrays, strict=True)
        )

    node.defvjp(lambda *arrays: (value(*arrays), arrays), backward)
    return node
