"""torch's samples of its operators (`torch.testing._internal.common_methods_invocations.op_db`), on the CPU.

Values and gradients: autograd beside `.vjp`, for one random cotangent. Samples are drawn anew by torch from a fixed
seed, in float64 and in float32.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from convmath.errors import ConvmathError, ProbabilityWarning

from .agreement import Bound, Call, Difference, compared
from .tally import Outcome, Refused
from .torch_calls import TRANSLATIONS, Answer, Given
from .torch_formulas import FORMULAS

__all__ = ["Sample", "held", "left_out", "samples"]

DTYPES = ("float64", "float32")


@dataclass(frozen=True)
class Sample:
    """A sample of an operator of torch: how it is called, and with what."""

    operator: str
    name: str
    run: Any
    sample: Any

    @property
    def short(self) -> str:
        """The operator's name without where it lives."""
        return self.operator.removeprefix("nn.functional.")


def _database() -> list[Any]:
    import torch
    from torch.testing._internal.common_methods_invocations import op_db

    torch.manual_seed(0)
    return op_db


def samples() -> Iterator[Sample]:
    """All samples of the operators that there is a translation of."""
    import torch

    for op in _database():
        for dtype in DTYPES:
            wanted = getattr(torch, dtype)
            if op.name in TRANSLATIONS and wanted in op.dtypes:
                for place, sample in enumerate(op.sample_inputs("cpu", wanted, requires_grad=True)):
                    name = " ".join(filter(None, (op.name, op.variant_test_name, dtype, f"sample {place}")))
                    yield Sample(op.name, name, op.op, sample)


def left_out() -> int:
    """How many operators torch has samples of and convmath has not."""
    return sum(op.name not in TRANSLATIONS for op in _database())


def held(sample: Sample) -> Outcome:
    """What comes of a sample: torch's values and gradients beside those of `functional`."""

    def outcome(verdict: str, said: str = "") -> Outcome:
        return Outcome("torch", sample.short, sample.name, verdict, said)

    inputs, arguments, words = sample.sample.input, sample.sample.args, sample.sample.kwargs
    tensors = list(_tensors((inputs, arguments, words)))
    arrays = {id(tensor): tensor.detach().numpy().copy() for tensor in tensors}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what torch deprecates, and of how it computes
        returned = sample.run(inputs, *arguments, **words)
    theirs = returned if isinstance(returned, tuple | list) else (returned,)
    given = Given(arrays, tuple(tensor.detach().numpy() for tensor in theirs))
    try:
        answer = TRANSLATIONS[sample.operator](given, inputs, *arguments, **words)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ProbabilityWarning)  # torch's random probabilities do not sum to 1
            values = answer.call.value()
            cotangent, slopes = _backward(theirs[0], tensors)
            if cotangent is not None and values[0] is not None:
                cotangent = _unbatched(cotangent, values[0])
            gradients = None if cotangent is None else answer.call.gradients(cotangent)
    except (Refused, ConvmathError) as refusal:
        return outcome("refused", str(refusal))
    changed = [tensor.detach().numpy() for tensor in answer.changed]
    try:
        verdicts = set(_values(answer.call, values, [*given.outputs, *changed]))
        if gradients is not None and cotangent is not None:
            verdicts |= set(_gradients(answer, gradients, cotangent, slopes))
    except Difference as difference:
        return outcome("differing", f"{answer.call}: {difference}")
    return outcome("within" if "within" in verdicts else "equal")


def _tensors(value: Any) -> Iterator[Any]:
    """Every tensor in it."""
    import torch

    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _tensors(entry)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def _backward(y: Any, tensors: list[Any]) -> tuple[np.ndarray | None, dict[int, np.ndarray]]:
    """A random cotangent, and torch's gradients by the tensors that it has one by."""
    import torch

    wanted = [tensor for tensor in tensors if tensor.requires_grad]
    if not wanted or not y.requires_grad:
        return None, {}
    cotangent = torch.randn(y.shape, dtype=y.dtype)
    found = torch.autograd.grad(y, wanted, cotangent, allow_unused=True)
    named = {id(t): g.numpy() for t, g in zip(wanted, found, strict=True) if g is not None}
    return cotangent.numpy(), named


def _values(call: Call, ours: tuple[np.ndarray | None, ...], theirs: list[np.ndarray]) -> Iterator[str]:
    came = [(place, value) for place, value in enumerate(ours) if value is not None]
    for (place, value), other in zip(came, theirs, strict=True):

        def allowed(place: int = place, value: np.ndarray = value, shape: tuple[int, ...] = other.shape) -> np.ndarray:
            bound = Bound(call, value.dtype).of_output(place, value.shape)
            return (bound + _besides(call, value.dtype, None)).reshape(shape)

        yield compared(_unbatched(value, other), other, allowed, f"output {place}")


def _gradients(
    answer: Answer, ours: tuple[np.ndarray | None, ...], cotangent: np.ndarray, slopes: dict[int, np.ndarray]
) -> Iterator[str]:
    call, place, left = answer.call, -1, dict(slopes)  # the place among the arrays that came
    for tensor, value in zip(answer.tensors, ours, strict=False):
        place += value is not None or tensor is not None
        if value is None or id(tensor) not in left:
            continue
        other = left.pop(id(tensor))

        def allowed(place: int = place, value: np.ndarray = value, shape: tuple[int, ...] = other.shape) -> np.ndarray:
            bound = Bound(call, value.dtype).of_gradient(place, cotangent, value.shape)
            return (bound + (_besides(call, value.dtype, cotangent) if place == 0 else 0.0)).reshape(shape)

        yield compared(_unbatched(value, other), other, allowed, f"the gradient by array {place}")
    if any(slope.any() for slope in left.values()):
        raise Difference("torch has a gradient that functional has not")


def _besides(call: Call, dtype: np.dtype, cotangent: np.ndarray | None) -> np.ndarray | float:
    """What torch's formula adds to the bound."""
    return FORMULAS[call.name](call, float(np.finfo(dtype).eps) / 2, cotangent) if call.name in FORMULAS else 0.0


def _unbatched(value: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Without the batch of one that was put before."""
    return value.reshape(like.shape) if value.size == like.size else value
