"""PyTorch's pools and normalisations, forward and autograd, are what our statements say, by exact evaluation.

Values are compared within the bound that evaluating the statement in float64 has; ties are left to the last tests.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convmath.ir.exact import evaluate_rounded
from convmath.ops.registry import needed_by, operator
from convmath.testing import Case, cases
from convmath.testing.cases import SEEDS, integers

torch = pytest.importorskip("torch", reason="torch is not installed (the extra convmath[torch] brings it)")
f = torch.nn.functional

CASES = settings(max_examples=max(200, settings().max_examples), deadline=None)
UNIT, SLACK = 2.0**-53, 8


def dimensional(name: str, case: Case) -> Any:
    return getattr(f, f"{name}{case.ndim}d")


def pooled(name: str, case: Case, x: Any) -> Any:
    """A pool of torch at the arguments of a case."""
    given = dict(case.given)
    for key in ("absolute", "ties", "norm_type"):
        given.pop(key, None)
    if name == "lp_pool":
        if case.ndim == 1:  # there it multiplies by the kernel itself
            given["kernel_size"] = given["kernel_size"][0]
        return dimensional(name, case)(x, float(case.given["norm_type"]), **given)
    if name == "max_unpool":
        given["padding"] = tuple(window.before for window in case.windows)
        return dimensional(name, case)(x, torch.tensor(case.arrays[1]), **given)
    return dimensional(name, case)(x, **given)


def normed(name: str, case: Case, tensors: list[Any]) -> Any:
    by_name = dict(zip(case.operator.statement.reads, tensors, strict=True))
    x, w, b = by_name["X"], by_name.get("W"), by_name.get("B")
    eps = case.given.get("eps", 1e-5)
    if name == "batch_norm":
        mean, variance = (by_name[letter].detach().clone() if letter in by_name else None for letter in ("μ0", "V0"))
        training, momentum = case.given.get("training", False), case.given.get("momentum", 0.1)
        return f.batch_norm(x, mean, variance, w, b, training, momentum, eps)
    if name == "layer_norm":
        return f.layer_norm(x, case.given["normalized_shape"], w, b, eps)
    if name == "group_norm":
        return f.group_norm(x, case.given["num_groups"], w, b, eps)
    if name == "instance_norm":
        return f.instance_norm(x, weight=w, bias=b, eps=eps)
    return f.local_response_norm(x, **case.given)


def takes(name: str, case: Case) -> bool:
    """What torch has words for: equal padding of half a window, no output smaller than it believes, …"""
    if name == "lp_pool":  # no padding, no overhanging windows, and no third dimension's worth of negative sums
        plain = "padding" not in case.given and "ceil_mode" not in case.given
        return plain and (not case.given.get("absolute") or case.given["norm_type"] in (2, 4))
    if name == "max_unpool":
        return "padding" not in case.given or all(window.before == window.after for window in case.windows)
    if name == "instance_norm":  # "expected more than 1 spatial element when training"
        return math.prod(case.arrays[0].shape[2:]) > 1
    if name == "batch_norm":
        x = case.arrays[0]
        training = case.given.get("training")
        return not training or (x.size // x.shape[1] > 1 and case.given.get("eps") != 0)
    if name == "group_norm":
        x = case.arrays[0]
        bias_alone = "W" not in case.operator.statement.reads and "B" in case.operator.statement.reads
        return x.size // x.shape[0] // case.given["num_groups"] > 1 and not bias_alone  # its backward fails on that
    return True


POOLS = ("lp_pool", "adaptive_avg_pool", "adaptive_max_pool", "max_unpool")
NORMS = ("batch_norm", "layer_norm", "group_norm", "instance_norm", "local_response_norm")


@st.composite
def drawn(draw: Any, name: str) -> Case:
    least = 1
    case = draw(cases(name, draw(st.integers(least, 3))).filter(lambda case: case.arrays[0].size and takes(name, case)))
    if name == "adaptive_max_pool":
        rng = np.random.default_rng(draw(SEEDS))
        x = rng.permutation(case.arrays[0].size).reshape(case.arrays[0].shape).astype(float)
        case = Case(case.op, (x, *case.args[1:]), {})
    return case


@pytest.mark.parametrize("name", [*POOLS, *NORMS])
@CASES
@given(data=st.data())
def test_it_agrees_with_the_statement(name: str, data: st.DataObject) -> None:
    case = data.draw(drawn(name), label="case")
    op, named, numbers = case.resolved
    real = [not tensor.integer for tensor in op.statement.inputs]
    tensors = [torch.tensor(array, requires_grad=r) for array, r in zip(case.arrays, real, strict=True)]
    y = pooled(name, case, tensors[0]) if name in POOLS else normed(name, case, tensors)
    gy = integers(data.draw(SEEDS, label="seed"), tuple(y.shape))
    y.backward(torch.tensor(gy))
    within(op.statement, named, numbers, y.detach().numpy(), op.statement.outputs[0])
    for tensor, array in zip(op.statement.inputs, tensors, strict=True):
        if tensor.integer or tensor.name in ("μ0", "V0"):
            continue
        derived = op.vjp(tensor.name).result
        within(derived, {**named, "gY": gy}, needed_by(derived, numbers), array.grad.numpy(), f"g{tensor.name}")


def within(statement: Any, named: dict[str, Any], numbers: dict[str, Any], got: np.ndarray, what: str) -> None:
    exact = statement.evaluate(named, **numbers)
    exact = exact[what] if isinstance(exact, dict) else exact
    _, error = evaluate_rounded(statement, named, UNIT, **numbers)[what]
    assert got.shape == exact.shape
    off = np.abs(got - exact.astype(float))
    # torch multiplies out: x·(w/σ) + (b - μ·w/σ) cancels where x - μ does not, so it is held to the largest value too
    allowed = SLACK * error + 64 * UNIT * (1 + np.abs(exact.astype(float)).max(initial=0))
    assert (off <= allowed).all(), f"{what} is off by {off.max()} where {allowed.min()} is allowed"


@CASES
@given(case=cases("batch_norm", 2, training=True))
def test_running_statistics_are_updated_as_torch_updates_them(case: Case) -> None:
    if len(case.operator.statement.outputs) == 1:
        return
    x, mean, variance = case.arrays[:3]
    stats = torch.tensor(mean), torch.tensor(variance)
    f.batch_norm(torch.tensor(x), *stats, training=True, momentum=case.given.get("momentum", 0.1))
    for ours, theirs in zip(case.expected[1:], stats, strict=True):
        np.testing.assert_allclose(ours.astype(float), theirs.numpy(), rtol=1e-13)


def test_at_ties_torch_selects_the_first_in_pools_and_shares_in_amax() -> None:
    """Which library uses which selection: max pooling the first, amax equal shares, max along an axis one."""
    x = torch.tensor([[[2.0, 2.0, 1.0, 2.0]]], requires_grad=True)
    for pool in (lambda: f.max_pool1d(x, 4), lambda: f.adaptive_max_pool1d(x, 1)):
        [g] = torch.autograd.grad(pool().sum(), x)
        assert (
            g.tolist() == operator("max_pool", 1, ties="first").exact_vjp([[[1]]], x.detach().numpy(), k=4)[0].tolist()
        )
    [g] = torch.autograd.grad(x.amax(), x)
    split = operator("global_max_pool", 1, ties="split").exact_vjp([[[1]]], x.detach().numpy())[0].astype(float)
    np.testing.assert_allclose(g.numpy(), split)
