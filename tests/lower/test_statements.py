"""Any statement that the language can say, lowered: its value, what is not finite, what is refused, what it takes."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import erf

from convmath import lower
from convmath.errors import ConvmathError, DtypeError, HyperparameterError, StatementError
from convmath.ir import exact
from convmath.ir.build import Tensor, equation, index, largest, poly, read, size, total
from convmath.ir.enclosure import Undecided
from convmath.ir.nodes import Apply, Bracket, Compare, IndexValue, Less, Matches, Number, Statement, Term, Within
from convmath.ir.walk import params
from convmath.lower import arrays as arrays_of
from convmath.lower import kernel
from convmath.ops.registry import needed_by, operator

from ..faults import caught
from ..ir.statements import Case, cases
from ..ir.test_exact import WRITTEN, drawn
from .held import NAMESPACES, evaluated, forget, within

SEVERAL = pytest.mark.parametrize("of", NAMESPACES)


def floats(statement: Statement, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    whole = {tensor.name for tensor in statement.inputs if tensor.integer}
    return {name: array.astype(int if name in whole else float) for name, array in arrays.items()}


def numbers(statement: Statement, env: Mapping[Any, int]) -> dict[str, int]:
    return {param.name: value for param, value in env.items() if param in params(statement)}


# --- values -----------------------------------------------------------------------------------------------------------


@SEVERAL
@given(data=st.data())
def test_any_statement_has_its_value(of: str, data: st.DataObject) -> None:
    case: Case = data.draw(cases())
    arrays, given_ = floats(case.statement, case.arrays), numbers(case.statement, case.env)
    try:
        right = exact.evaluate(case.statement, arrays, **given_)
    except StatementError as error:
        refused = str(error)
        if "reads position" in refused:  # the others divide by 0 and the like, which floats may
            with pytest.raises(StatementError) as found:
                evaluated(case.statement, arrays, of, **given_)
            assert str(found.value) == refused
        return
    try:
        within(case.statement, arrays, right, of, **given_)
    except (Undecided, StatementError):  # rounding decides a comparison: there is no bound
        evaluated(case.statement, arrays, of, **given_)


@SEVERAL
@pytest.mark.parametrize("name", list(WRITTEN))
def test_what_the_language_can_say_has_its_value(name: str, of: str) -> None:
    statement = WRITTEN[name]
    for seed in range(6):
        env, arrays, reals, _ = drawn(statement, random.Random(seed))
        held = floats(statement, arrays)
        given_ = numbers(statement, env) | reals
        within(statement, held, exact.evaluate(statement, held, **given_), of, **given_)


STRANGE = [0.0, 1.0, -2.0, 0.5, np.nan, np.inf, -np.inf]


def same_where_not_finite(statement: Statement, arrays: Mapping[str, np.ndarray], of: str, **given_: Any) -> None:
    with np.errstate(all="ignore"):
        try:
            right = exact.evaluate_native(statement, arrays, **given_)
        except StatementError:
            return
    found = evaluated(statement, arrays, of, **given_)
    for name, values in right.items():
        finite = np.isfinite(values)
        np.testing.assert_array_equal(np.where(finite, 0, values), np.where(np.isfinite(found[name]), 0, found[name]))


@SEVERAL
@given(data=st.data())
def test_what_is_not_finite_is_so_by_the_definition(of: str, data: st.DataObject) -> None:
    case: Case = data.draw(cases())
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    arrays = {n: a if a.dtype == int else rng.choice(STRANGE, a.shape) for n, a in floats(*case[::2]).items()}
    same_where_not_finite(case.statement, arrays, of, **numbers(case.statement, case.env))


@SEVERAL
@pytest.mark.parametrize("name", ["conv", "conv_transpose", "avg_pool", "adaptive_avg_pool", "table_conv", "relu"])
@given(seed=st.integers(0, 999))
def test_a_gradient_of_what_is_not_finite_is_so_by_the_definition(name: str, of: str, seed: int) -> None:
    """Where a guard is a zero beside its array, that zero must not meet what is not finite."""
    rng, draw = random.Random(seed), np.random.default_rng(seed)
    for statement in (operator(name, 1).vjp("X").result, operator(name, 1).vjp("X").relational):
        env, arrays, reals, _ = drawn(statement, rng)
        strange = {
            n: a if a.dtype == int else np.where(draw.random(a.shape) < 0.2, draw.choice(STRANGE, a.shape), 1.0)
            for n, a in floats(statement, arrays).items()
        }
        same_where_not_finite(statement, strange, of, **numbers(statement, env), **reals)


def for_all_seeds(name: str) -> None:
    law = test_a_gradient_of_what_is_not_finite_is_so_by_the_definition
    for seed in range(50):
        law.hypothesis.inner_test(name, "numpy", seed)  # type: ignore[attr-defined]


def test_zeros_beside_an_array_that_meet_infinity_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays_of.Arrays, "finite", lambda self, array: True)
    with pytest.raises(AssertionError):
        for_all_seeds("conv")


def test_a_read_that_is_not_padded_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = arrays_of.Strided.padded
    monkeypatch.setattr(
        arrays_of.Strided, "padded", lambda self, array, pads, value: true(self, array, pads, value + 1)
    )
    caught(test_any_statement_has_its_value, "numpy")
    forget()


# --- written by hand --------------------------------------------------------------------------------------------------

n, m = size("n"), size("m")
i, j = index("i", n), index("j", m)
X = Tensor("X", (n,), (("i", 0),))
x = read(X, i)


def one(term: Term, at: Any = (), inputs: Any = (X,)) -> Statement:
    return Statement(inputs, (equation("Y", at, term),), ("Y",))


@SEVERAL
def test_positions_are_whole_beyond_what_float32_counts_to(of: str) -> None:
    """The last place of a maximum among 2^24 + 2 elements, in float32."""
    place = equation("A", [], Term((i,), (Compare(x, "=", read("M")),), IndexValue(poly(i)), "max"))
    stated = Statement(
        (X,),
        (equation("M", [], largest(x, [i])), place, equation("Y", [i], total(1, [], [Matches(poly(i), read("A"))]))),
        ("Y",),
    )
    x_ = np.zeros(2**24 + 2, np.float32)
    x_[-1] = 1
    found = evaluated(stated, {"X": x_}, of)["Y"]
    assert found[-1] == 1
    assert found.sum() == 1
    assert found.dtype == np.float32


def test_positions_that_no_float_holds_are_refused() -> None:
    floats_ = arrays_of.of_namespace(None)
    with pytest.raises(DtypeError, match=r"^positions up to 18014398509481984 came up, but .*float64.* does not hold"):
        floats_.positions(2**54, np.float64)


@SEVERAL
def test_integers_are_compared_as_integers(of: str) -> None:
    T = Tensor("T", (m,), (("j", 0),), integer=True)
    stated = Statement((X, T), (equation("Y", [j], total(x, [i], [Matches(poly(i) + 2**53, read(T, j))])),), ("Y",))
    found = evaluated(stated, {"X": np.arange(3.0), "T": 2**53 + np.arange(3)}, of)["Y"]
    assert found.tolist() == [0, 1, 2]


@SEVERAL
def test_sizes_beyond_a_machine_word_are_right(of: str) -> None:
    p = size("p")
    cube = one(total(IndexValue(n * n * n - 1 + poly(j))), [j], inputs=())
    assert (evaluated(cube, {}, of, n=10**11, m=2)["Y"] == np.float32(1e33)).all()
    far = read(X, poly(j) + p * p - 1, outside=7) + read(X, (p * poly(j) + 1) // p)
    found = evaluated(one(total(far, [], [Less(poly(j), p)]), [j]), {"X": np.array([1.0, 2.0])}, of, p=10**17, m=2)
    assert found["Y"].tolist() == [8, 9]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.int64, np.uint8, np.longdouble])
def test_the_type_is_that_of_the_definition(dtype: Any) -> None:
    stated = one(total(Bracket(Compare(x, "<", Number(Fraction(3)))) * x * x), [i])
    arrays = {"X": np.array([1, 2, 3], dtype)}
    right = exact.evaluate_native(stated, arrays)["Y"]
    found = lower.function(stated)(**arrays)
    assert found.dtype == right.dtype
    assert (found == right).all()


def test_the_error_function_of_a_namespace_without_one() -> None:
    """Within 8 units of float64's precision, also where it is almost 1."""
    x_ = np.concatenate([np.linspace(-7, 7, 4001), [0.0, 1e-300, np.inf, -np.inf, 1.9999999, 2.0]])
    stated = one(total(Apply("erf", x)), [i])
    found = evaluated(stated, {"X": x_}, "array_api_strict")["Y"]
    assert (abs(found - erf(x_)) <= 8 * 2.0**-53 * abs(erf(x_))).all()
    assert np.isnan(evaluated(stated, {"X": np.array([np.nan])}, "array_api_strict")["Y"]).all()


# --- what comes in ----------------------------------------------------------------------------------------------------


def test_arrays_may_lie_anyhow_and_stay_as_they_are() -> None:
    rng = np.random.default_rng(0)
    op = operator("conv", 2)
    x_, w = rng.integers(-3, 4, (2, 5, 6, 3)).astype(float), rng.integers(-3, 4, (4, 3, 2, 2)).astype(float)
    turned = x_.transpose(0, 3, 1, 2)[:, :, ::-1]
    turned.flags.writeable = False
    kept = turned.copy(), w.copy()
    found = lower.function(op.statement)(X=turned, W=w, padding=1, stride=2)
    assert (found == lower.function(op.statement)(X=kept[0], W=w, padding=1, stride=2)).all()
    assert (turned == kept[0]).all()
    assert (w == kept[1]).all()
    same = lower.function(one(total(x), [i]))(X=w[0, 0, 0])
    assert not np.shares_memory(same, w)
    assert same.flags.writeable


@SEVERAL
@pytest.mark.parametrize("n", [0, 5])
@pytest.mark.parametrize("N", [0, 2])
def test_empty_arrays_have_empty_or_zero_results(N: int, n: int, of: str) -> None:
    op = operator("conv", 1, padding=2)
    arrays = {"X": np.ones((N, 3, n)), "W": np.ones((4, 3, 2)), "gY": np.ones((N, 4, n + 3))}
    for statement in (op.statement, op.vjp("X").result, op.vjp("W").result, op.vjp("W").relational):
        held = {name: array for name, array in arrays.items() if name in statement.reads}
        given_ = needed_by(statement, {"s": 1, "n": n, "k": 2})
        within(statement, held, exact.evaluate(statement, held, **given_), of, **given_)


def test_a_namespace_of_another_library_gives_its_arrays() -> None:
    found = lower.function(one(total(x * x, [i])), array_api_strict)(X=array_api_strict.asarray([1.0, 2.0]))
    assert type(found) is type(array_api_strict.asarray(0.0))


@pytest.mark.parametrize("name", ["conv", "max_pool", "avg_pool", "adaptive_max_pool", "gelu", "cross_entropy"])
def test_arrays_stay_on_their_device(name: str) -> None:
    """Another device than the standard one: what is mixed with it is refused by the namespace."""
    xp, far = array_api_strict, array_api_strict.Device("device1")
    op = operator(name, 1)
    for statement in (op.statement, op.vjp("X").result, op.vjp("X").relational):
        env, arrays, reals, value = drawn(statement, random.Random(1))
        held = {n: xp.asarray(a, device=far) for n, a in floats(statement, arrays).items()}
        found = lower.evaluate(statement, held, xp, **numbers(statement, env), **reals)
        for output, right in value.items():
            assert found[output].device == far
            assert found[output].shape == right.shape


def test_an_array_on_the_wrong_device_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays_of.Arrays, "device", lambda self, array: None)
    with pytest.raises(AssertionError):
        test_arrays_stay_on_their_device("max_pool")


def test_a_condition_is_named_where_the_data_are_out_of_reach() -> None:
    xp, far = array_api_strict, array_api_strict.Device("device1")
    X_, T_ = xp.ones((2, 3, 4), device=far), xp.full((2, 4), 3, device=far)
    with pytest.raises(StatementError, match=r"^\[T\[ν,i\] < C\] does not hold"):
        lower.evaluate(operator("cross_entropy", 1).statement, {"X": X_, "T": T_}, xp)


@pytest.mark.parametrize("namespace", ["torch", np.ndarray, random])
def test_a_namespace_is_one_of_the_standard(namespace: Any) -> None:
    with pytest.raises(
        HyperparameterError, match=r"^the namespace is '\w+', but one of the array API standard is needed"
    ):
        lower.function(one(total(x, [i])), namespace)(X=[1.0])


CALLS: Mapping[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "an array is missing": ("conv", {"X": np.ones((1, 2, 5))}, {}),
    "too many axes": ("conv", {"X": np.ones((1, 2, 5, 5)), "W": np.ones((3, 2, 2))}, {}),
    "channels that differ": ("conv", {"X": np.ones((1, 4, 5)), "W": np.ones((3, 3, 2))}, {}),
    "an unknown word": ("conv", {"X": np.ones((1, 2, 5)), "W": np.ones((3, 2, 2))}, {"strid": 2}),
    "a stride of 0": ("conv", {"X": np.ones((1, 2, 5)), "W": np.ones((3, 2, 2))}, {"stride": 0}),
    "a stride that is no number": ("conv", {"X": np.ones((1, 2, 5)), "W": np.ones((3, 2, 2))}, {"stride": True}),
    "a kernel that does not fit": ("conv", {"X": np.ones((1, 2, 5)), "W": np.ones((3, 2, 9))}, {}),
    "a class beyond the last": ("cross_entropy", {"X": np.ones((2, 3, 4)), "T": np.full((2, 4), 3)}, {}),
    "a negative variance": (
        "batch_norm",
        {"X": np.ones((2, 3, 4)), "μ0": np.zeros(3), "V0": np.array([1.0, -1.0, 1.0])},
        {"ε": Fraction(1, 8)},
    ),
    "a real parameter without a value": ("lp_pool", {"X": np.ones((1, 1, 4))}, {"k": 2, "s": 1}),
    "a real parameter that is infinite": ("lp_pool", {"X": np.ones((1, 1, 4))}, {"k": 2, "s": 1, "r": float("inf")}),
    "booleans": ("relu", {"X": np.array([[[True]]])}, {}),
}


@pytest.mark.parametrize("what", CALLS)
def test_what_is_refused_is_refused_with_the_same_sentence(what: str) -> None:
    name, arrays, given_ = CALLS[what]
    statement = operator(name, 1).statement
    lower.function(operator("conv", 1).statement)(X=np.ones((1, 2, 5)), W=np.ones((3, 2, 2)), stride=1)
    with pytest.raises(ConvmathError) as right:
        exact.evaluate_native(statement, arrays, **given_)
    for of in NAMESPACES:
        if what == "booleans" and of != "numpy":  # whose name for them is another
            continue
        with pytest.raises(type(right.value)) as found:
            evaluated(statement, arrays, of, **given_)
        assert str(found.value) == str(right.value)


@SEVERAL
def test_a_read_outside_is_refused_where_it_is_needed(of: str) -> None:
    with pytest.raises(StatementError, match="reads position 3 of axis 0, which has size 3"):
        evaluated(one(total(read(X, poly(j))), [j]), {"X": np.arange(3.0)}, of, m=4)
    guarded = one(total(Bracket(Within(poly(j), n)) * read(X, poly(j))), [j])
    assert evaluated(guarded, {"X": np.arange(3.0)}, of, m=4)["Y"].tolist() == [0, 1, 2, 0]


def test_a_condition_that_is_not_looked_at_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lower.lowered.Program, "_check", lambda *arguments: None)
    with pytest.raises(pytest.fail.Exception):
        test_what_is_refused_is_refused_with_the_same_sentence("a class beyond the last")


# --- memory -----------------------------------------------------------------------------------------------------------


def extra(compute: Callable[[], np.ndarray]) -> int:
    """Bytes that a call holds at most, beyond its result."""
    compute()
    tracemalloc.start()
    try:
        result = compute()
        return tracemalloc.get_traced_memory()[1] - result.nbytes
    finally:
        tracemalloc.stop()


MEBIBYTE = 1 << 20
SIZES: Mapping[str, tuple[tuple[int, ...], ...]] = {
    "conv": ((32, 8, 96, 96), (2, 8, 3, 3)),  # windows of 81 MiB
    "max_pool": ((32, 8, 160, 160),),
    "relu": ((64, 8, 160, 160),),
    "linear": ((64, 1, 1, 2048), (4096, 2048)),
}
GIVEN = {"max_pool": {"k": 3, "s": 1}}


@pytest.mark.parametrize("name", SIZES)
def test_a_call_holds_little_beyond_its_result(name: str) -> None:
    op = operator(name, 2)
    arrays = {n: np.ones(s, np.float32) for n, s in zip(op.statement.reads, SIZES[name], strict=True)}
    assert extra(lambda: lower.function(op.statement)(**arrays, **GIVEN.get(name, {}))) < 64 * MEBIBYTE


def test_parts_that_are_too_large_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "MATRIX", 1 << 40)
    monkeypatch.setattr(kernel, "ELEMENTS", 1 << 40)
    forget()
    with pytest.raises(AssertionError):
        test_a_call_holds_little_beyond_its_result("conv")
    forget()
