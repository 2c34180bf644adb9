"""The public face of an operator: what may be said of its hyper-parameters, and what is refused with a sentence."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from convmath.derivation import sample
from convmath.errors import ConvmathError, HyperparameterError, ShapeError, StatementError, UnknownNameError
from convmath.ir.bind import complete
from convmath.ir.build import size
from convmath.ir.check import checked
from convmath.ir.enclosure import Enclosure
from convmath.ir.exact import evaluate_at, exact_array
from convmath.ir.nodes import Number, Statement
from convmath.ir.poly import Param, Poly, poly
from convmath.ir.walk import params, reals, substitute, with_reals
from convmath.ops import registry
from convmath.ops.registry import FAMILIES, Operator, family_options, operator, operators, variants
from convmath.render import LANGUAGES
from convmath.testing.cases import SEEDS, integers

from ..faults import caught


def fixed(op: Operator) -> dict[str, str]:
    return {f"{param.letter}{param.axis or ''}": str(value) for param, value in op.fixed}


# --- the registry -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", operators())
def test_every_family_is_data(name: str) -> None:
    family = FAMILIES[name]
    assert set(family.title) == set(LANGUAGES)
    for ndim in (1, 2, 3):
        for op in variants(name, ndim):
            assert op.ndim == ndim
            assert checked(op.open_statement) is op.open_statement
            assert op.title == family.title


def test_variants_are_the_default_and_each_option_changed() -> None:
    for name in operators():
        options = family_options(name)
        assert len(variants(name)) == 1 + sum(len(values) - 1 for values in options.values())
        assert variants(name)[0] is operator(name)


# --- words, letters, pairs --------------------------------------------------------------------------------------


FOUR = {"s1": "1", "s2": "1", "k1": "4", "k2": "4", "d1": "1", "d2": "1"}


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ({"stride": 2}, {"s1": "2", "s2": "2"}),
        ({"s": 2}, {"s1": "2", "s2": "2"}),
        ({"stride": (1, 3)}, {"s1": "1", "s2": "3"}),
        ({"s2": 3}, {"s2": "3"}),
        ({"kernel": 3}, {"k1": "3", "k2": "3"}),
        ({"kernel_size": [3, 5]}, {"k1": "3", "k2": "5"}),
        ({"dilation": np.array([1, 2])}, {"d1": "1", "d2": "2"}),
        ({"padding": 1}, {"a1": "1", "b1": "1", "a2": "1", "b2": "1"}),
        ({"p": 1}, {"a1": "1", "b1": "1", "a2": "1", "b2": "1"}),
        ({"padding": (0, 1)}, {"a1": "0", "b1": "0", "a2": "1", "b2": "1"}),
        ({"padding": ((0, 1), (2, 3))}, {"a1": "0", "b1": "1", "a2": "2", "b2": "3"}),
        ({"a": 1}, {"a1": "1", "a2": "1"}),
        ({"groups": 4, "N": 2, "C": 3}, {"G": "4", "N": "2", "C": "3"}),
        ({"n": np.int64(7)}, {"n1": "7", "n2": "7"}),
        ({"stride": None}, {}),
        ({"padding": "symmetric"}, {"a1": "p1", "b1": "p1", "a2": "p2", "b2": "p2"}),
        ({"padding": "valid"}, {"a1": "0", "b1": "0", "a2": "0", "b2": "0"}),
        (
            {"padding": "full"},
            {"a1": "d1·(k1-1)", "b1": "d1·(k1-1)", "a2": "d2·(k2-1)", "b2": "d2·(k2-1)"},
        ),
        (
            {"padding": "same", "stride": 1, "kernel": 4, "dilation": 1},
            {"a1": "1", "b1": "2", "a2": "1", "b2": "2", **FOUR},
        ),
        (
            {"padding": "same_lower", "stride": 1, "kernel": 4, "dilation": 1},
            {"a1": "2", "b1": "1", "a2": "2", "b2": "1", **FOUR},
        ),
    ],
    ids=str,
)
def test_what_is_said_is_fixed(given: dict[str, Any], values: dict[str, str]) -> None:
    subscripts = str.maketrans("₁₂", "12")
    assert {name: value.translate(subscripts) for name, value in fixed(operator("conv", 2, **given)).items()} == values


def test_same_in_numbers_is_that_of_the_stride() -> None:
    assert fixed(operator("conv", 1, padding="same", stride=2, n=8, kernel=3, dilation=1))["b"] == "1"
    assert operator("conv", 1, kernel=3).shape(padding="same", n=8, stride=2, dilation=1).result[-1] == 4


def test_same_in_symbols_is_split_at_both_ends() -> None:
    op = operator("conv", 1, padding="same", stride=1)
    n = op.symbols["n"][0]
    assert op.shape().result[-1] == n
    assert fixed(op)["a"] == "⌊(d·(k-1))/2⌋"


def test_in_one_axis_a_pair_of_paddings_is_nested() -> None:
    assert fixed(operator("conv", 1, padding=((1, 2),))) == {"a": "1", "b": "2"}
    with pytest.raises(HyperparameterError, match=r"^padding has 2 entries, but there are 1 axes to set$"):
        operator("conv", 1, padding=(1, 2))


def test_a_number_for_an_option_turns_it_on_and_is_its_value() -> None:
    op = operator("avg_pool", 1, divisor_override=3)
    assert op.options == (("divisor_override", True),)
    assert fixed(op) == {"D": "3"}
    assert str(op.statement).startswith("Y[ν,c,j] = Σ_{t<k} 1/3 · X[ν,c,s·j+t-a]")
    assert fixed(operator("avg_pool", 1, divisor_override=True)) == {}


# --- what is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: operator("covn"), UnknownNameError, r"^there is no operator 'covn'; the nearest (is|are) conv"),
        (lambda: operator(["conv"]), UnknownNameError, r"^there is no operator \[.conv.\]"),  # type: ignore[arg-type]
        (lambda: operator("zzz"), UnknownNameError, r"^there is no operator 'zzz'; there are \(conv, conv_transpose, "),
        (
            lambda: operator("conv", padding_mode="mirror"),
            UnknownNameError,
            r"^there is no padding_mode \[conv\] 'mirror'",
        ),
        (
            lambda: operator("max_pool", ties="frist"),
            UnknownNameError,
            r"no ties \[max_pool\] 'frist'; the nearest is first ",
        ),
        (lambda: operator("conv", bias="yes"), UnknownNameError, r"no bias \[conv\] 'yes'; there are \(False, True\)$"),
        (lambda: operator("conv", bias=1), UnknownNameError, r"no bias \[conv\] 1; "),
        (lambda: operator("conv", padding_mode=3), UnknownNameError, r"no padding_mode \[conv\] 3; "),
        (lambda: operator("max_pool", ties=["first"]), UnknownNameError, r"no ties \[max_pool\] \['first'\]; "),
        (lambda: operator("max_pool", ceil_mode=np.array([True, False])), UnknownNameError, r"no ceil_mode "),
        (
            lambda: operator("conv", padding="smae"),
            UnknownNameError,
            r"no padding \[conv\] 'smae'; the nearest .* same",
        ),
        (lambda: operator("conv", strid=2), UnknownNameError, r"no hyper-parameter 'strid'; the nearest .*stride"),
        (lambda: operator("max_pool", groups=2), UnknownNameError, r"^there is no hyper-parameter 'groups'"),
        (lambda: operator("conv", 0), HyperparameterError, r"^ndim is 0, but it must be at least 1 \[conv\]$"),
        (lambda: operator("conv", 1.5), HyperparameterError, r"^ndim is 1\.5, but a whole number is needed \[conv\]$"),
        (lambda: operator("conv", True), HyperparameterError, r"^ndim is True, but a whole number is needed"),
        (lambda: operator("conv", stride=0), HyperparameterError, r"^s1 is 0, but it must be at least 1$"),
        (lambda: operator("conv", 1, stride=1.5), HyperparameterError, r"^s is 1\.5, but a whole number is needed$"),
        (
            lambda: operator("conv", 1, stride=math.nan),
            HyperparameterError,
            r"^s is nan, but a whole number is needed$",
        ),
        (lambda: operator("conv", 1, stride=True), HyperparameterError, r"^s is True, but a whole number is needed$"),
        (lambda: operator("conv", 1, stride="2"), HyperparameterError, r"^s is '2', but a whole number is needed$"),
        (lambda: operator("conv", 1, padding=-1), HyperparameterError, r"^a is -1, but it must be at least 0$"),
        (
            lambda: operator("conv", padding=(1, 2, 3)),
            HyperparameterError,
            r"^padding has 3 entries, but there are 2 axes ",
        ),
        (
            lambda: operator("conv", padding=((1, 2, 3), 0)),
            HyperparameterError,
            r"but a whole number or a pair is needed",
        ),
        (
            lambda: operator("conv", stride=((1, 2), 1)),
            HyperparameterError,
            r"^stride holds \(1, 2\), but a whole number is ",
        ),
        (
            lambda: operator("conv", m=3),
            HyperparameterError,
            r"^m.* follows from the other sizes \(.*\); fix those \[conv\]$",
        ),
        (
            lambda: operator("conv", 1, padding="same", stride=2),
            HyperparameterError,
            r"depends on the input size when the stride",
        ),
        (lambda: operator("conv", 1, padding="same"), HyperparameterError, r"fix stride=1, or give numbers \[conv\]$"),
        (
            lambda: operator("conv", 1, kernel=9, n=3, padding=1, dilation=1).statement,
            ShapeError,
            r"is needed, but does not hold at .*n = 3.* \[conv\]$",
        ),
        (lambda: operator("conv").vjp("Z"), UnknownNameError, r"^there is no input of conv 'Z'; there are \(X, W\)$"),
        (lambda: operator("conv").vjp("B"), UnknownNameError, r"input of conv \(with bias=True it reads B too\) 'B'"),
        (lambda: operator("conv").hvp("X", along="Q"), UnknownNameError, r"^there is no input of conv 'Q'"),
        (lambda: operator("conv").shape(q=3), UnknownNameError, r"^there is no hyper-parameter 'q'"),
        (lambda: operator("conv", 1).shape(m=3), UnknownNameError, r"^there is no hyper-parameter 'm'"),
        (lambda: operator("conv", 1).shape(n=2.5), HyperparameterError, r"^n is 2\.5, but a whole number is needed$"),
        (
            lambda: operator("conv", 1).shape(n=sympy.Rational(1, 2)),
            StatementError,
            r"^1/2 came, but a polynomial with integer ",
        ),
        (lambda: operator("conv", 1).shape(n=3, k=9, d=1, p=0), ShapeError, r"is needed, but does not hold at "),
        (lambda: operator("conv", 1, stride=2).shape(s=3), UnknownNameError, r"^there is no hyper-parameter 's'"),
        (
            lambda: operator("conv").exact(np.ones((1, 1, 5, 5))),
            StatementError,
            r"^conv reads X, W, but X came$",
        ),
        (
            lambda: operator("max_pool").exact(np.ones((1, 5, 5)), kernel_size=2),
            ShapeError,
            r"^X has shape \(1, 5, 5\), but 2 spatial axes behind \(N, C\) are needed",
        ),
        (lambda: operator("max_pool", 1).exact(np.ones((1, 1, 3)), kernel_size=4), ShapeError, r"does not hold at"),
        (
            lambda: operator("max_pool", 1).exact(x, kernel_size=2, ties="mirror"),
            UnknownNameError,
            r"^there is no ties ",
        ),
        (lambda: operator("max_pool", 1).exact(x, kernel_size=2, ceil_mode=1), UnknownNameError, r"no ceil_mode .* 1;"),
        (
            lambda: operator("conv", 1).exact(x, w, padding_mode="mirror"),
            UnknownNameError,
            r"no padding_mode \[conv\] 'mi",
        ),
        (lambda: operator("conv", 1).exact([[[1], [1, 2]]], w), ShapeError, r"^what came can't be read as an array: "),
        (lambda: operator("conv", 1).exact(x, w, padding="sane"), UnknownNameError, r"^there is no padding 'sane'"),
        (
            lambda: operator("conv_transpose", 1).exact(x, w, padding="same"),
            HyperparameterError,
            r"^padding is 'same', but numbers, pairs or 'valid' are needed \[conv_transpose\]$",
        ),
        (lambda: operator("max_pool", 1).exact(x), StatementError, r"k can't be told from the arrays"),
        (lambda: operator("max_pool", 1).exact(x, padding="same"), HyperparameterError, r"^kernel"),
    ],
)
def test_what_is_refused_is_refused_with_a_sentence(call: Any, error: type[ConvmathError], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        call()


# --- what is read off -------------------------------------------------------------------------------------------


def test_symbols_go_by_letter_and_by_word() -> None:
    symbols = operator("conv", 2).symbols
    n1, n2 = symbols["n"]
    assert (n1.name, n2.name) == ("n1", "n2")
    assert symbols["stride"] == symbols["s"]
    assert symbols["kernel"] == symbols["kernel_size"] == symbols["k"]
    assert symbols["padding"] == tuple(zip(symbols["a"], symbols["b"], strict=True))
    assert symbols["groups"] == symbols["G"]
    assert [p.name for p in symbols["p"]] == ["p1", "p2"]
    assert all(s.is_positive and s.is_integer for s in symbols["s"])
    assert "output_padding" not in symbols
    assert [e.name for e in operator("conv_transpose", 1).symbols["output_padding"]] == ["e"]
    assert "divisor_override" in operator("avg_pool", 1, divisor_override=True).symbols


def test_the_symbol_of_a_fixed_parameter_is_still_there() -> None:
    symmetric = operator("conv", 1, padding="symmetric", stride=2)
    assert symmetric.symbols["s"][0].name == "s"
    assert symmetric.symbols["p"][0].name == "p"


def test_conditions_are_what_is_left_to_meet() -> None:
    assert [str(c) for c in operator("conv", 1).conditions()] == ["[d·(k-1)+1 ≤ n+a+b]"]
    assert operator("conv", 1, n=9, kernel=3, dilation=1, padding=0).conditions() == ()
    assert len(operator("conv", 1, padding_mode="reflect").conditions()) == 3
    assert operator("conv", 2).conditions() == operator("conv", 2).statement.conditions()


@pytest.mark.parametrize(
    ("op", "written"),
    [
        (operator("conv"), "operator('conv', ndim=2)"),
        (operator("conv", 1, stride=2, bias=True), "operator('conv', ndim=1, bias=True, s=2)"),
        (operator("max_pool", 2, ties="last", k=(2, 3)), "operator('max_pool', ndim=2, ties='last', k1=2, k2=3)"),
    ],
    ids=str,
)
def test_it_shows_what_it_is(op: Operator, written: str) -> None:
    assert repr(op) == str(op) == written


# --- sizes ------------------------------------------------------------------------------------------------------


def test_a_shape_takes_integers_and_polynomials() -> None:
    conv = operator("conv", 2)
    h = sympy.Symbol("h", integer=True, positive=True)
    given = {"k": 3, "s": 1, "d": 1, "p": 1}
    assert conv.shape(n=(9, 8), N=2, G=1, O=4, **given).result == (2, 4, 9, 8)
    assert conv.shape(n=h, **given).result[2:] == (h, h)
    assert conv.shape(n=sympy.Integer(9), **given).result[2:] == (9, 9)
    assert conv.shape(n1=9, n2=h, **given).result[2:] == (9, h)


@pytest.mark.parametrize(
    ("op", "given", "m"),
    [
        (operator("conv", 1), {"n": 9, "k": 3}, 7),
        (operator("max_pool", 1), {"n": 9, "k": 3}, 3),
        (operator("max_pool", 1), {"n": 9, "k": 3, "s": 1}, 7),
        (operator("avg_pool", 1), {"n": 9, "k": 2}, 4),
        (operator("conv_transpose", 1), {"n": 7, "k": 3}, 9),
    ],
    ids=str,
)
def test_defaults_are_those_of_the_numeric_operator(op: Operator, given: dict[str, int], m: int) -> None:
    derivation = op.shape(defaults=True, **given)
    assert derivation.result[-1] == m
    [step] = [step for step in derivation.plain_steps if type(step).__name__ == "Substitute"]
    assert {param.letter for param in step.unsaid}.isdisjoint(given)  # type: ignore[attr-defined]
    assert operator(op.name, 1).shape(**given).result[-1] != m


# --- numbers ----------------------------------------------------------------------------------------------------

x = np.arange(1, 7).reshape(1, 1, 6)
w = np.array([[[1, 0, -1]]])


def test_exact_takes_what_functional_takes() -> None:
    conv, mean = operator("conv", 1), operator("avg_pool", 1)
    assert conv.exact(x, w).reshape(-1).tolist() == [-2] * 4
    assert conv.exact(x, w, None, padding="same").shape == (1, 1, 6)
    assert conv.exact(x, w, np.array([5])).reshape(-1).tolist() == [3] * 4
    assert conv.exact(x, w, padding=((1, 0),), stride=2).reshape(-1).tolist() == [-2, -2, -2]
    assert mean.exact(x, kernel_size=4).reshape(-1).tolist() == [Fraction(5, 2)]
    assert mean.exact(x, kernel_size=4, stride=1, divisor_override=2).reshape(-1).tolist() == [5, 7, 9]
    assert mean.exact(x, kernel_size=4, ceil_mode=True).reshape(-1).tolist() == [Fraction(5, 2), Fraction(11, 2)]
    assert operator("max_pool", 1).exact(x, kernel_size=2, dilation=2, stride=1).reshape(-1).tolist() == [3, 4, 5, 6]


def test_exact_goes_by_what_is_fixed() -> None:
    """A pool's stride is the kernel that was fixed, and "same" is that of the stride and dilation that were."""
    pool, mean = operator("max_pool", 1, kernel=2), operator("avg_pool", 2, k1=2)
    assert pool.exact(x).reshape(-1).tolist() == [2, 4, 6]
    assert pool.exact(x, stride=1).reshape(-1).tolist() == [2, 3, 4, 5, 6]
    assert pool.sizes(x) == (1, 1, 3)
    assert mean.exact(x.reshape(1, 1, 2, 3), k2=3).tolist() == [[[[Fraction(7, 2)]]]]
    assert mean.exact(x.reshape(1, 1, 2, 3), k2=1, s1=1).tolist() == [
        [[[Fraction(5, 2), Fraction(7, 2), Fraction(9, 2)]]]
    ]
    conv, long = operator("conv", 1), np.arange(1, 7).reshape(1, 1, 6)
    for letters, words in (("s", "stride"), ("d", "dilation")):
        expected = conv.exact(long, w, padding="same", **{words: 2})
        assert expected.shape[-1] == (3 if letters == "s" else 6)
        assert (conv.exact(long, w, padding="same", **{letters: 2}) == expected).all()
        assert (operator("conv", 1, **{words: 2}).exact(long, w, padding="same") == expected).all()


def test_what_is_said_to_be_nothing_is_not_said() -> None:
    assert operator("avg_pool", 1, divisor_override=None, ceil_mode=None, stride=None) is operator("avg_pool", 1)
    assert operator("max_pool", 1, ceil_mode=np.bool_(True)) is operator("max_pool", 1, ceil_mode=True)
    assert operator("max_pool", 1).exact(x, kernel_size=2, stride=None).shape == (1, 1, 3)


def test_an_exact_gradient_has_an_entry_for_each_array() -> None:
    g = np.ones((1, 1, 4), int)
    gx, gw, gb = operator("conv", 1).exact_vjp(g, x, w, np.array([0]))
    assert gx.reshape(-1).tolist() == [1, 1, 0, 0, -1, -1]
    assert gw.reshape(-1).tolist() == [10, 14, 18]
    assert gb.tolist() == [4]


def test_sizes_are_those_of_the_value() -> None:
    for op, arrays, said in (
        (operator("conv", 1), (x, w), {"stride": 2, "padding": 1}),
        (operator("conv", 1), (x, w), {"padding": "full"}),
        (operator("max_pool", 1), (x,), {"kernel_size": 4, "ceil_mode": True}),
        (operator("conv_transpose", 1), (x, w), {"stride": 2, "output_padding": 1}),
    ):
        assert op.sizes(*arrays, **said) == op.exact(*arrays, **said).shape


# --- one and the same -------------------------------------------------------------------------------------------


def test_a_derivation_is_derived_once() -> None:
    conv = operator("conv", 2)
    assert conv is operator("conv", 2) is operator("conv")
    assert operator("conv", 1, stride=(2,)) is operator("conv", 1, s=2)
    assert conv.vjp("X") is operator("conv").vjp()
    assert conv.hvp("X") is conv.hvp("X", along="X")
    assert conv.shape(n=5, k=3) is conv.shape(k=3, n=(5, 5))
    assert conv.vjp("X") is not conv.vjp("W")
    assert conv.vjp("X", over="j") is not conv.vjp("X")


def equal(left: Any, right: Any) -> bool:
    """Whether two values are equal, as far as their enclosures say."""
    gap = left - right
    return 0 in gap if isinstance(gap, Enclosure) else gap == 0


TOGETHER = (
    {"s": 1},
    {"s": 2, "a": 1, "b": 0},
    {"k": 3},
    {"n": 5, "C": 1},
    {"d": 1, "s": 1, "a": 0},
    {"m": 3},
    {"G": 1},
)


def fixings(name: str) -> list[dict[str, int | Fraction]]:
    """Those of `TOGETHER` as far as the operator has them, each once, and each real parameter alone."""
    statement, words = operator(name, 1).statement, FAMILIES[name].words
    derived = dict(statement.definitions())
    letters = {param.letter for param in params(statement) if param not in derived}
    letters = {letter for letter in letters if words.get(letter, letter) == letter}  # κ goes by k in one family
    whole = [{letter: value for letter, value in given.items() if letter in letters} for given in TOGETHER]
    real = [{real.letter: Fraction(3, 4)} for real in reals(statement)]
    found = [*whole, *real]
    return [given for place, given in enumerate(found) if given and given not in found[:place]]


FIXED = [(name, given) for name in operators() for given in fixings(name)]


@pytest.mark.parametrize(("name", "given"), FIXED, ids=str)
@settings(max_examples=max(1, settings().max_examples // 5))
@given(data=st.data())
def test_fixing_first_is_putting_in_afterwards(name: str, given: dict[str, Any], data: st.DataObject) -> None:
    """The gradient of the operator that is fixed, and the gradient of the general one at these values."""
    general, special = operator(name, 1), operator(name, 1, **given)
    rng = random.Random(data.draw(st.integers(0, 1 << 20)))
    env, arrays, real_values, value = sample.drawn(special.statement, rng)
    numbers = complete(general.statement, {p: given.get(p.letter, env.get(p, 1)) for p in params(general.statement)})
    assert all(numbers[p] == value for p, value in env.items() if p in numbers)
    values: dict[Param, Poly] = {p: poly(v) for p, v in numbers.items() if p.letter in given}
    constants = {
        real: Number(Fraction(given[real.letter])) for real in reals(general.statement) if real.letter in given
    }
    output = general.statement.outputs[0]
    arrays[f"g{output}"] = exact_array(integers(data.draw(SEEDS), value[output].shape))
    everything = real_values | {real.letter: number.value for real, number in constants.items()}

    def at(statement: Statement, wrt: str) -> np.ndarray:
        read = {tensor.name: arrays[tensor.name] for tensor in statement.inputs}
        left: dict[str, Any] = {real.letter: everything[real.letter] for real in reals(statement)}
        # a single group is no axis of its own
        return evaluate_at(statement, read, complete(statement, env | numbers), **left)[f"g{wrt}"]

    for wrt in (tensor.name for tensor in general.statement.inputs if not tensor.integer):
        first, second = general.vjp(wrt).result, special.vjp(wrt).result
        after: Statement = substitute(with_reals(first, constants), values)
        expected = at(first, wrt)
        for other in (at(after, wrt), at(second, wrt)):
            assert other.shape == expected.shape
            assert all(map(equal, other.flat, expected.flat))


# --- teeth ------------------------------------------------------------------------------------------------------


def test_a_value_that_is_fixed_to_another_is_caught(anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    true = registry.hyperparameters
    monkeypatch.setattr(
        registry,
        "hyperparameters",
        lambda known, given: {p: v + 1 if p.letter == "s" else v for p, v in true(known, given).items()},
    )
    caught(test_fixing_first_is_putting_in_afterwards, "conv", {"s": 2, "a": 1, "b": 0})


def test_a_derivation_that_is_derived_anew_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_derived", registry._derived.__wrapped__)
    with pytest.raises(AssertionError):
        test_a_derivation_is_derived_once()


def test_pads_that_change_places_are_caught(anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    true = registry._worded

    def turned(*arguments: Any) -> dict[Param, Any]:
        found = true(*arguments)
        return {Param({"a": "b", "b": "a"}[p.letter], p.axis, 0, 0): value for p, value in found.items()}

    monkeypatch.setattr(registry, "_worded", turned)
    with pytest.raises(AssertionError):
        assert fixed(operator("conv", 1, padding="same", stride=1, kernel=4, dilation=1))["a"] == "1"
    assert size("a") != size("b")


@pytest.mark.parametrize("name", ["conv", "max_pool", "lp_pool", "depthwise_conv"])
def test_a_kernel_of_one_has_no_dilation_left(name: str) -> None:
    """Its window is one element, and so the dilation is no part of the statement any more."""
    op = operator(name, ndim=2, kernel=1)
    assert op.shape().verify()
    assert op.vjp("X").verify()
    assert "d" not in {param.letter for param in params(op.open_statement)}
