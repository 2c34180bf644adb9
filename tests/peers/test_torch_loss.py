"""PyTorch's softmax and losses, forward and autograd, give what the statements say, within the bound of rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convmath import functional as F
from convmath.testing import Case, cases
from convmath.testing.cases import SEEDS

from .torch_calls import agree, gradients_of, random_cotangent

torch = pytest.importorskip("torch", reason="torch is not installed (the extra convmath[torch] brings it)")

CASES = settings(max_examples=max(200, settings().max_examples))
CALLED = {"nll": "nll_loss", "mse": "mse_loss"}
NAMES = ("softmax", "log_softmax", "cross_entropy", "nll", "mse", "binary_cross_entropy_with_logits")


def peer(case: Case) -> Callable[..., Any]:
    """The same call of torch, its weights constants."""
    kwargs = {name: torch.tensor(v) if isinstance(v, np.ndarray) else v for name, v in case.kwargs.items()}
    if "axis" in kwargs:
        kwargs["dim"] = kwargs.pop("axis")
    if kwargs.get("pos_weight") is not None:  # it broadcasts from the last axis
        kwargs["pos_weight"] = kwargs["pos_weight"].reshape(-1, *[1] * case.ndim)
    called = getattr(torch.nn.functional, CALLED.get(case.op, case.op))
    return lambda *tensors: called(*tensors, **kwargs)


def random_case(data: st.DataObject, name: str, **only: Any) -> tuple[Case, np.random.Generator]:
    """A case whose logits, probabilities and weights are any floats."""
    case = data.draw(cases(name, data.draw(st.integers(1, 2)), **only), label="case")
    rng = np.random.default_rng(data.draw(SEEDS, label="seed"))
    x, *rest = case.arrays
    found = [rng.normal(scale=2, size=x.shape)]
    for array in rest:
        if array.dtype.kind == "i":
            found.append(array)
        elif array.shape == x.shape and name == "cross_entropy":
            found.append(rng.dirichlet(np.ones(x.shape[1]), (x.shape[0], *x.shape[2:])))
            found[-1] = np.ascontiguousarray(np.moveaxis(found[-1], -1, 1))
        else:
            found.append(rng.uniform(0.1, 1.0, array.shape))
    return case.with_arrays(*found), rng


def weights(case: Case) -> int:
    return sum(isinstance(value, np.ndarray) for value in case.kwargs.values())


@pytest.mark.parametrize("name", NAMES)
@CASES
@given(data=st.data())
def test_it_gives_the_same(name: str, data: st.DataObject) -> None:
    case, rng = random_case(data, name)
    agree(case, peer(case), rng, weights(case))


# --- gradients by weights, which it has none of -----------------------------------------------------------------------


def composed(case: Case) -> Callable[..., Any]:
    """The loss made of torch's elementary operations, the last arrays its weights."""
    kwargs, classes = case.kwargs, case.args[0].shape[1]
    smoothing, ignored = kwargs.get("label_smoothing", 0.0), kwargs.get("ignore_index", -100)

    def along(weight: Any) -> Any:
        return weight.reshape(1, -1, *[1] * case.ndim)

    def reduced(losses: Any, divisor: Any) -> Any:
        reduction = kwargs.get("reduction", "mean")
        return losses if reduction == "none" else losses.sum() / (divisor if reduction == "mean" else 1)

    def by_class(x: Any, target: Any, weight: Any) -> Any:
        z = torch.log_softmax(x, 1) if case.op == "cross_entropy" else x
        if target.dtype == torch.int64:
            kept = target != ignored
            chosen = torch.where(kept, target, 0)
            said = torch.nn.functional.one_hot(chosen, classes).movedim(-1, 1).double() * kept[:, None]
            divisor = (weight[chosen] * kept).sum()
        else:
            kept, said, divisor = torch.ones_like(target[:, 0]), target, target.numel() / classes
        said = (1 - smoothing) * said + smoothing / classes * kept[:, None].double()
        return reduced(-(along(weight) * said * z).sum(1), divisor)

    def binary(x: Any, target: Any, *given: Any) -> Any:
        come = iter(given)
        weight = next(come) if kwargs.get("weight") is not None else 1.0
        positive = along(next(come)) if kwargs.get("pos_weight") is not None else 1.0
        sigmoid = torch.nn.functional.logsigmoid
        losses = -weight * (positive * target * sigmoid(x) + (1 - target) * sigmoid(-x))
        return reduced(losses, losses.numel())

    return binary if case.op.startswith("binary") else by_class


@pytest.mark.parametrize("name", ["cross_entropy", "nll", "binary_cross_entropy_with_logits"])
@CASES
@given(data=st.data())
def test_what_its_operations_are_made_into_has_the_same_gradients_by_weights(name: str, data: st.DataObject) -> None:
    case, rng = random_case(data, name, weight=True)
    gy = random_cotangent(case, rng)
    _, slopes = gradients_of(composed(case), gy, *case.arrays)
    mine = [g for g in getattr(F, name).vjp(gy, *case.args, **case.kwargs) if g is not None]
    theirs = [g for g in slopes if g is not None]
    for ours, other in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(ours, other, rtol=1e-11, atol=1e-13)


# --- where it differs, and where there is no exact value --------------------------------------------------------------


def test_the_mean_of_nothing_is_nan_there_too() -> None:
    x, ignored = np.zeros((2, 3)), np.array([-100, -100])
    theirs, [gx, _] = gradients_of(torch.nn.functional.cross_entropy, None, x, ignored)
    assert np.isnan(theirs)
    assert np.isnan(F.cross_entropy(x, ignored))
    np.testing.assert_array_equal(F.cross_entropy.vjp(1.0, x, ignored)[0], gx)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_where_there_is_no_exact_value_it_gives_the_same(name: str) -> None:
    rows = np.array([[0.0, -np.inf], [np.inf, 0.0], [-np.inf, -np.inf], [np.nan, 0.0]])
    with np.errstate(invalid="ignore"):
        ours = getattr(F, name)(rows, axis=1)
    np.testing.assert_array_equal(ours, getattr(torch, name)(torch.tensor(rows), 1).numpy())


def test_a_target_that_there_is_not_is_refused_there_too() -> None:
    with pytest.raises(IndexError):
        torch.nn.functional.cross_entropy(torch.zeros(2, 3), torch.tensor([0, 3]))
