"""An operator that the user states: what it is, what follows from it, and what is refused with a sentence."""

from __future__ import annotations

import pickle
import re
import time
from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import convmath
from convmath.derivation import sample
from convmath.errors import ConvmathError, HyperparameterError, ShapeError, StatementError, TextError, UnknownNameError
from convmath.ir import typed_equations
from convmath.ir.bind import set_by
from convmath.ir.nodes import Statement
from convmath.ir.walk import params
from convmath.ops import avg_pool, conv, max_pool, norm, registry, stated
from convmath.ops import define as home
from convmath.ops.define import define
from convmath.ops.registry import Operator
from convmath.window import BORDERS

from ..faults import PLANTED, caught

CONV = "Y[v,O*g+o,j] = sum(c<C, t<k) W[O*g+o,c,t]*X[v,C*g+c,s*j+d*t-a]"
SOFT = """
S[v,c,j] = sum(t<k) exp(beta*X[v,c,s*j+d*t-a])
Y[v,c,j] = sum(t<k) exp(beta*X[v,c,s*j+d*t-a]) * X[v,c,s*j+d*t-a] / S[v,c,j]
"""
LRN = """
S[v,c,i] = sum(u<l) X[v,c+u-l//2,i]^2
D[v,c,i] = kappa + alpha*S[v,c,i]/l
Y[v,c,i] = X[v,c,i] * D[v,c,i]^(-beta)
"""


def soft(ndim: int = 1, **fixed: Any) -> Operator:
    return define("soft_pool", SOFT, ndim=ndim, outside={"X": "nothing"}, reals={"beta": 1}, **fixed)


# --- what it is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize(
    ("text", "outside", "expected"),
    [
        (CONV, 0, lambda ndim: conv.FAMILY.statement(ndim)),
        *((CONV, border, lambda ndim, b=border: conv.FAMILY.statement(ndim, padding_mode=b)) for border in BORDERS),
        (f"{CONV} + B[O*g+o]", 0, lambda ndim: conv.FAMILY.statement(ndim, bias=True)),
        ("Y[v,c,j] = max(t<k) X[v,c,s*j+d*t-a]", "nothing", lambda ndim: max_pool.FAMILY.statement(ndim)),
        (
            "D[j] = sum(t<k where 0 <= s*j+t < n+a+b) 1; Y[v,c,j] = sum(t<k) X[v,c,s*j+t-a]/D[j]",
            0,
            lambda ndim: avg_pool.FAMILY.statement(ndim),
        ),
    ],
    ids=["conv", *BORDERS, "bias", "max_pool", "avg_pool"],
)
def test_what_the_registry_states_can_be_typed(text: str, outside: Any, expected: Any, ndim: int) -> None:
    typed: Statement = define("typed", text, ndim=ndim, outside={"X": outside}).family.statement(ndim)
    built: Statement = expected(ndim)
    assert typed.equations == built.equations
    assert typed.inputs == built.inputs
    assert typed.sizes == built.sizes
    assert typed.placements == built.placements
    assert typed.requires == built.requires


def test_a_maximum_has_the_choice_of_its_ties() -> None:
    pool = define("typed", "Y[v,c,j] = max(t<k) X[v,c,s*j+d*t-a]", ndim=2, outside={"X": "nothing"}, ties="split")
    assert pool.statement == max_pool.FAMILY.statement(2, ties="split")
    assert "ties" not in soft().family.options


def test_a_normalisation_can_be_typed() -> None:
    reals = {"kappa": 1, "alpha": Fraction(1, 10**4), "beta": Fraction(3, 4)}
    typed = define("typed", LRN, ndim=2, outside={"X": 0}, reals=reals).statement
    [built] = [family for family in norm.FAMILIES if family.name == "local_response_norm"]
    expected = [str(equation) for equation in built.statement(2).equations]
    for here, there in (("t<k", "u<l"), ("c+t-", "c+u-"), ("⌊k/2⌋", "⌊l/2⌋"), ("/ k", "/ l")):
        expected = [line.replace(here, there) for line in expected]

    assert [str(equation) for equation in typed.equations] == expected


def test_it_shows_what_it_is() -> None:
    op = soft(2, stride=2, requires="a < k")
    assert repr(op).startswith("define('soft_pool', '\\nS[v,c,j] = ")
    again = eval(repr(op), {"define": define})
    assert again.statement == op.statement
    assert op.title == {"en": "Soft pool", "es": "Soft pool"}
    assert define("f", "Y = X[3]", shapes={"X": "5"}, title={"en": "third", "es": "tercero"}).title["es"] == "tercero"


def test_it_is_found_on_the_package() -> None:
    assert convmath.define is define


# --- sizes ------------------------------------------------------------------------------------------------------


@given(data=st.data())
def test_as_many_windows_are_counted_as_lie_inside_the_padded_input(data: st.DataObject) -> None:
    """Two reads a window, and windows from the lowest tap of one to the highest of the other."""
    s, d, k, n = (
        data.draw(st.integers(low, high), label=name)
        for name, low, high in (("s", 1, 3), ("d", 1, 3), ("k", 1, 4), ("n", 1, 12))
    )
    first, second = data.draw(st.integers(-3, 3), label="first"), data.draw(st.integers(-3, 3), label="second")
    op = define("f", f"Y[j] = sum(t<{k}) X[{s}*j+{d}*t+{first}] * X[{s}*j+{second}]", ndim=1, outside={"X": 0})
    low = min(first, second)
    pad = max(0, -low)
    span = [first + d * t for t in range(k)] + [second]
    count = sum(all(-pad <= s * j + e < n + pad for e in span) for j in range(n + 20))
    try:
        assert op.sizes(np.ones(n)) == (count,)
    except ShapeError:
        assert count == 0  # no window fits, and that was a condition
        return
    y = op.exact(np.arange(n) + 1)
    x = {i: i + 1 for i in range(n)}
    assert y.tolist() == [
        sum(x.get(s * j + d * t + first, 0) * x.get(s * j + second, 0) for t in range(k)) for j in range(count)
    ]


@pytest.mark.parametrize(
    ("text", "given", "shape"),
    [
        ("Y[v,c,j] = X[v,c,j+1] - X[v,c,j]", {}, "(N, C, n - 1)"),
        ("Y[v,c,j] = sum(t<k) X[v,c,s*j+t]", {}, "(N, C, floor((-k + n)/s) + 1)"),
        ("Y[v,c,j] = sum(t<k) X[v,c,j+t-a]", {"outside": {"X": 0}}, "(N, C, a + b - k + n + 1)"),
        ("Y[v,c,j] = sum(t<k) X[v,c,j+t-p]", {"outside": {"X": 0}}, "(N, C, -k + n + 2*p + 1)"),
        ("Y[v,c,j] = sum(t<3) X[v,c,j+t-1]", {"outside": {"X": 0}}, "(N, C, n)"),
        ("Y[v,c,j] = sum(t<k where 0 <= j+t-a < n) X[v,c,j+t-a]", {}, "(N, C, a + b - k + n + 1)"),
        ("Y[v,c,i] = sum(t<3) X[v,c,i+t-1]", {"outside": {"X": "reflect"}}, "(N, C, n)"),
        ("Y[v,c,j<m] = sum(i<n where n*j < m*(i+1), m*i < n*(j+1)) X[v,c,i]", {}, "(N, C, m)"),
        (
            "P[v,c,i<n+a+b] = X[v,c,i-a]; Y[v,c,j] = max(t<k) P[v,c,s*j+t]",
            {"outside": {"X": 0}},
            "(N, C, floor((a + b - k + n)/s) + 1)",
        ),
        ("Y[v,c,j] = sum(t<k, u<l) X[v,c,s*j+t+u]", {}, "(N, C, floor((-k - l + n + 1)/s) + 1)"),
        ("Y[v,o] = sum(c<C, i<n) W[o,c,i]*X[v,c,i] + B[o]", {}, "(N, O)"),
        ("Y[v,o,j<s*(n-1)+k] = sum(c<C, i<n, t<k where s*i+t = j) W[c,o,t]*X[v,c,i]", {}, "(N, O, k + s*(n - 1))"),
        ("L = -sum(v<N, c<C) [c = T[v]] log(X[v,c])/N", {}, "()"),
        ("Y[v,c,u<n-k+1] = sum(t<k) X[v,c,u+t]", {"shapes": {"X": "N, C, n"}}, "(N, C, -k + n + 1)"),
    ],
)
def test_sizes_are_told_or_derived(text: str, given: dict[str, Any], shape: str) -> None:
    op = define("f", text, ndim=1, **given)
    assert str(op.shape().result) == shape
    assert op.shape().verify()


@pytest.mark.parametrize(
    ("text", "given", "inputs"),
    [
        (CONV, {"outside": {"X": 0}}, {"X": "(N, G·C, n)", "W": "(G·O, C, k)"}),
        ("Y[v,c,j] = sum(t<k) X[v,c,j+t]*V[j+t]", {}, {"X": "(N, C, n)", "V": "(n)"}),
        ("Y[v,c,j] = sum(t<3) X[v,c,j+2-t]*W[t]", {}, {"X": "(N, C, n)", "W": "(3)"}),
        ("Y[v,c] = sum(u<9) A[c,u]*X[v,u]", {}, {"X": "(N, 9)", "A": "(C, 9)"}),
        ("Y[v,c,i] = sum(t<k) X[v,c+t-p,i]", {"outside": {"X": 0}}, {"X": "(N, C, n)"}),
        ("Y[v,c,j] = X[v,c,j]*W[2]", {"shapes": {"W": "3"}}, {"X": "(N, C, n)", "W": "(3)"}),
        ("Y[v,c,j] = sum(u<n) [u = T[j]] X[v,c,u]", {}, {"X": "(N, C, n)", "T": "(n)"}),
    ],
)
def test_how_large_inputs_are(text: str, given: dict[str, Any], inputs: dict[str, str]) -> None:
    found = define("f", text, ndim=1, **given).family.statement(1)
    assert {tensor.name: f"({', '.join(map(str, tensor.shape))})" for tensor in found.inputs} == inputs
    assert all(len(set(tensor.letters)) == len(tensor.letters) for tensor in found.inputs)
    assert [tensor.integer for tensor in found.inputs] == [tensor.name == "T" for tensor in found.inputs]


@pytest.mark.parametrize(
    ("text", "outside", "conditions"),
    [
        ("Y[v,c,j] = X[v,c,j]", None, []),
        ("Y[v,c,j] = X[v,c,j+1]", None, ["[2 ≤ n]"]),
        ("Y[v,c,j] = sum(t<k) X[v,c,s*j+t-a]", "reflect", ["[k ≤ n+a+b]", "[a ≤ n-1]", "[b ≤ n-1]"]),
        ("Y[v,c,j] = sum(t<k) X[v,c,s*j+t-p]", "circular", ["[k ≤ n+2·p]", "[p ≤ n]"]),
        ("Y[v,c,i] = sum(t<3) X[v,c,i+t-1]", "replicate", ["[1 ≤ n]"]),
        ("Y[v,c,i] = sum(t<k) X[v,c,i+t]", "symmetric", ["[k-1 ≤ n]"]),
        ("Y[v,c,i<n-k] = X[v,c,i]", None, ["[k ≤ n]"]),
        ("X2[v,c,i] = X[v,c,i]; Y[v,c,i] = X2[v,c,i+2]", "X2 reflect", ["[2 ≤ n-1]"]),
        ("S[v,c,j] = X[v,c,j+1]; Y[v,c,j] = S[v,c,j+2]", "S reflect", ["[2 ≤ n]", "[2 ≤ m-1]"]),
    ],
)  # fmt: skip
def test_what_has_to_hold_is_a_condition(text: str, outside: Any, conditions: list[str]) -> None:
    name, _, policy = (outside or "").rpartition(" ")
    op = define("f", text, ndim=1, outside={name or "X": policy} if outside else None)
    assert list(map(str, op.conditions())) == conditions


def test_letters_mean_what_the_page_of_notation_says() -> None:
    page = (Path(__file__).parents[2] / "docs" / "notation.md").read_text(encoding="utf-8")
    listed = {letter for row in re.findall(r"^\| ([^|]+) \|", page, re.MULTILINE) for letter in row.split(", ")}
    assert {*home.SIZES, *home.RANGES, *home.RANGES.values()} - {"p"} <= listed
    assert "; p where both are equal" in page


def test_an_operator_travels() -> None:
    op = soft(2, stride=2)
    again = pickle.loads(pickle.dumps(op))
    assert again.statement == op.statement
    assert again.vjp("X").result == op.vjp("X").result


def test_a_condition_may_be_required() -> None:
    op = define("f", "Y[v,c,j] = X[v,c,j] - X[v,c,0*j]", ndim=2, requires="1 <= n")
    assert list(map(str, op.conditions())) == ["[1 ≤ n₁]", "[1 ≤ n₂]"]
    with pytest.raises(ShapeError, match=r"\[1 ≤ n₂\] does not hold at n2 = 0"):
        op.exact(np.ones((1, 1, 2, 0)))


# --- what it is worth -------------------------------------------------------------------------------------------


@st.composite
def scalars(draw: st.DrawFn, depth: int = 3) -> tuple[str, str]:
    """A scalar in i and t as it is typed, and in Python."""
    if not depth or not draw(st.integers(0, 3)):
        form = draw(st.sampled_from(["i", "t", "i+t-1", "2*i-t", "(i+t)//2", "n-1-i"]))
        return draw(
            st.sampled_from(
                [(f"X[{form}]", f"X({form})"), (f"X[{form}]", f"X({form})"), (f"({form})",) * 2, ("3",) * 2, ("n",) * 2]
            )
        )
    (u, v), (x, y) = draw(scalars(depth - 1)), draw(scalars(depth - 1))
    relation = draw(st.sampled_from(["0 <= i-t < n", "t < i", "i = t", "i != t", "2 | i+t", "i >= 1"]))
    pythons = {"i = t": "i == t", "2 | i+t": "(i+t) % 2 == 0"}
    holds = pythons.get(relation, relation)
    kind = draw(st.sampled_from(["+", "-", "*", "/", "^", "abs", "bracket", "compare", "negative"]))
    return {
        "+": (f"({u} + {x})", f"({v} + {y})"),
        "-": (f"({u} - {x})", f"({v} - {y})"),
        "*": (f"{u}*{x}", f"({v})*({y})"),
        "/": (f"({u})/4", f"F({v})/4"),
        "^": (f"({u})^2", f"({v})**2"),
        "abs": (f"abs({u})", f"abs({v})"),
        "bracket": (f"[{relation}] ({u})", f"({v} if {holds} else 0)"),
        "compare": (f"[{u} <= {x}]", f"(1 if {v} <= {y} else 0)"),
        "negative": (f"(-{u})", f"(-({v}))"),
    }[kind]


@given(data=st.data())
def test_a_typed_statement_is_worth_what_python_says(data: st.DataObject) -> None:
    typed, python = data.draw(scalars(), label="body")
    kind = data.draw(st.sampled_from(["sum", "max", "min"]), label="reduction")
    where, holds = data.draw(
        st.sampled_from([("", "True"), (" where t <= i", "t <= i"), (" where i+t > 0", "i+t > 0")])
    )
    factor = data.draw(st.sampled_from(["", "2*", "-"])) if kind == "sum" else ""
    n, k = data.draw(st.integers(1, 3), label="n"), data.draw(st.integers(1, 3), label="k")
    x = data.draw(st.lists(st.integers(-3, 3), min_size=n, max_size=n), label="x")
    text = f"A[i] = {kind}(t<k{where}) (({typed}) + t); Y[i] = {factor}A[i] + X[i]"
    op = define("f", text, ndim=1, outside={"X": 0}, shapes={"X": "n"})
    names = {"X": lambda e: x[e] if 0 <= e < n else 0, "n": n, "F": Fraction, "abs": abs}
    reduced = {"sum": sum, "max": max, "min": min}[kind]
    expected = []
    for i in range(n):
        values = [t + eval(python, names | {"i": i, "t": t}) for t in range(k) if eval(holds, {"i": i, "t": t})]
        if not values and kind != "sum":
            return
        expected.append({"": 1, "2*": 2, "-": -1}[factor] * reduced(values) + x[i])
    assert op.exact(np.array(x), k=k).tolist() == expected


@pytest.mark.parametrize(
    ("op", "numbers"),
    [
        (define("f", CONV, ndim=2, outside={"X": 0}), {"s": 2, "a": 1, "b": (0, 1)}),
        (define("f", "Y[v,c,j] = X[v,c,j+1] - X[v,c,j]", ndim=2), {}),
        (define("f", "Y[v,c,j] = max(t<k) X[v,c,s*j+t-a]", ndim=1, outside={"X": "nothing"}), {"k": 3, "a": 1}),
        (define("f", "Y[v,c,i] = sum(t<3) W[t]*X[v,c,i+t-1]^2", ndim=1, outside={"X": "reflect"}), {}),
        (soft(), {"k": 2, "beta": 0.5}),
        (define("f", "L = sum(v<N, c<C) [c = T[v]] X[v,c]", ndim=1), {}),
    ],
)
def test_the_function_and_its_gradient_are_those_of_the_statement(op: Operator, numbers: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    sizes = {"N": 2, "C": 3, "O": 2, "G": 1, "n": 5, "k": 3}
    arrays = [
        rng.integers(0, 3, [size.evaluate(_values(size, sizes)) for size in tensor.shape]).astype(
            int if tensor.integer else float
        )
        for tensor in op.statement.inputs
    ]
    exact = op.exact(*arrays, **numbers)
    assert np.allclose(op.function(*arrays, **numbers), exact.astype(float), rtol=1e-12)
    cotangent = np.ones(exact.shape)
    for got, expected in zip(
        op.function.vjp(cotangent, *arrays, **numbers), op.exact_vjp(cotangent, *arrays, **numbers), strict=True
    ):
        assert (got is None) == (expected is None)
        if got is not None:
            assert np.allclose(got, expected.astype(float), rtol=1e-12)
    assert op.function.__name__ == op.name
    assert op.function.arrays == op.statement.reads


def _values(size: Any, by_letter: dict[str, int]) -> dict[Any, int]:
    return {param: by_letter[param.letter] for param in size.leaves()}


@pytest.mark.parametrize("ndim", [1, 2])
@pytest.mark.parametrize(
    ("text", "given"),
    [
        (SOFT, {"outside": {"X": "nothing"}, "reals": {"beta": 1}, "requires": "a < k, b < k"}),
        ("Y[v,c,j] = sum(t<k) W[t]*abs(X[v,c,j+t] - X[v,c,j+k//2])", {}),
        (
            "P[v,c,j] = sum(t<k) abs(X[v,c,s*j+t-a])^r; Y[v,c,j] = P[v,c,j]^(1/r)",
            {"outside": {"X": 0}, "reals": ["r"], "positive": ["r"]},
        ),
        ("Y[v,c,j] = max(t<k) X[v,c,s*j+t-a]*W[t]", {"outside": {"X": "nothing"}}),
    ],
    ids=["soft", "local difference", "lp", "dilation"],
)
def test_everything_that_follows_is_verified(text: str, given: dict[str, Any], ndim: int) -> None:
    op = define("f", text, ndim=ndim, **given)
    derivations = [op.shape(), *(derived(wrt) for wrt in op.statement.reads for derived in (op.vjp, op.jvp))]
    derivations += [op.hvp("X")] if ndim == 1 else []
    for derivation in derivations:
        verdict = derivation.verify()
        assert verdict.ok, verdict.failures
        for lang, said in (("en", "We start from the definition."), ("es", "Partimos de la definición.")):
            assert said in derivation.to_latex(lang) or derivation.kind == "shape"


def test_defaults_are_those_of_the_letters_and_of_the_real_parameters() -> None:
    x = np.arange(6).reshape(1, 1, 6)
    mean = define("f", "Y[v,c,j] = gain*sum(t<k) X[v,c,s*j+d*t-a]/k", ndim=1, outside={"X": 0}, reals={"gain": 0.1})
    assert mean.exact(x, k=2).tolist() == [[[Fraction(2 * i + 1, 20) for i in range(5)]]]
    assert mean.exact(x, kernel=2, stride=2, padding=1, gain=1).tolist() == [
        [[0, Fraction(3, 2), Fraction(7, 2), Fraction(5, 2)]]
    ]
    open_ = define("f", "Y[v,c,j] = eps*X[v,c,j]", ndim=1, reals=["eps"])
    assert open_.exact(x, eps=2).reshape(-1).tolist() == [0, 2, 4, 6, 8, 10]
    with pytest.raises(StatementError, match="the real parameter ε has no value"):
        open_.exact(x)


# --- what is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "given", "error", "sentence"),
    [
        # reads outside
        (
            "Y[v,c,j] = sum(t<k) X[v,c,s*j+t-a]",
            {},
            StatementError,
            r"^Y reads X\[ν,c,s·j\+t-a\], where s·j\+t-a may be less than 0.*, outside=\{'X': 0\}",
        ),
        (
            "Y[v,c,i] = X[v,c,i+1]",
            {},
            StatementError,
            r"^Y reads X\[ν,c,i\+1\], where i\+1 may be more than n-1, outside axis 2 of X",
        ),
        (
            "Y[v,c,j] = X[v,c,j] - X[v,c,j-1]",
            {},
            StatementError,
            r"^Y reads X\[ν,c,j-1\], where j-1 may be less than 0",
        ),
        ("Y[v,c,i] = X[v,c+1,i]", {}, StatementError, r"where c\+1 may be more than C-1, outside axis 1 of X"),
        (
            "Y[v,c,i] = X[v,c,0]",
            {"shapes": {"X": "N, C, n"}},
            StatementError,
            r"where 0 may be more than n-1, outside axis 2 of X",
        ),
        ("Y[v,c,i] = [i < n-1] X[v,c,i+2]", {}, StatementError, r"where i\+2 may be more than n-1"),
        (
            "S[v,c,j] = X[v,c,j]; Y[v,c,j] = S[v,c,j+1]",
            {},
            StatementError,
            r"^Y reads S\[ν,c,j\+1\], where j\+1 may be more than m-1, outside axis 2 of S",
        ),
        ("Y[v,c,i] = X[v,c,i+t//2]", {}, TextError, r"'t' at place 20 of .* is an index that nothing binds"),
        # how many windows
        (
            "Y[v,c,j] = sum(i<n) X[v,c,i]",
            {},
            StatementError,
            r"^j, an index of output positions, stands in no position .*; say it on the left side, j<…",
        ),
        (
            "Y[v,c,j] = X[v,c,n-1-j]",
            {},
            StatementError,
            r"^j, an index of output positions, is read in X\[ν,c,n-j-1\], which do not tell how far it goes",
        ),
        (
            "Y[v,c,j] = X[v,c,2*j]*X[v,c,n-1-3*j]",
            {},
            StatementError,
            r"which do not tell how far it goes; say it on the left side, j<…",
        ),
        ("Y[v,c,j] = X[v,c,j//2]", {}, StatementError, r"which do not tell how far it goes"),
        ("Y[v,c,j] = X[v,c,j+k-a]", {"outside": {"X": 0}}, StatementError, r"which do not tell how far it goes"),
        # sizes
        (
            "Y[v,c,j] = X[v,c,j]*W[3]",
            {},
            StatementError,
            r"^the positions 3 at which axis 0 of W is read tell no size; say how large W is, shapes=\{'W': ",
        ),
        (
            "Y[v,c,i] = sum(t<k) X[v,c,i]*X[v,c,t]",
            {},
            StatementError,
            r"^the positions i, t at which axis 2 of X is read tell different sizes, k and n; say how large X is",
        ),
        (
            "Y[v,c,i] = X[v,c,i]",
            {"shapes": {"X": "N, C"}},
            StatementError,
            r"^shapes gives X 2 axes, but X\[ν,c,i\] reads 3$",
        ),
        (
            "Y[v,c,i] = X[v,c,i]",
            {"shapes": {"W": "N, C"}},
            UnknownNameError,
            r"^there is no input 'W'; there are \(X\) \[Y\]$",
        ),
        (
            "Y[v,c,i] = X[v,c,i]",
            {"shapes": {"X": "N, C, i"}},
            TextError,
            r"^'i' at place 7 of \"N, C, i\" is an index that nothing binds",
        ),
        ("Y[v,c,i] = X[v,c,i]", {"shapes": {"X": "N, C, n["}}, TextError, r"has no meaning here$"),
        (
            "Y[v,c,i] = X[v,c,i]",
            {"shapes": "N, C, n"},
            HyperparameterError,
            r"^shapes is 'N, C, n', but one for each array is needed",
        ),
        # equations
        (
            "S[v] = 1; Y[v,c,i] = X[v,c,i]",
            {},
            StatementError,
            r"^S is stated, but Y, which the last equation states, does not need it; leave it out",
        ),
        (
            "Y[v,c,i] = gX[v,c,i]*X[v,c,i]",
            {},
            StatementError,
            r"^an array is called gX, as a derivative of X is; choose another name$",
        ),
        ("Y[2*i] = X[i]", {}, StatementError, r"on the left side of Y skips positions"),
        (
            "Y[v,c,i] = X[v,c,i]",
            {"requires": "i < n"},
            TextError,
            r"^'i' at place 1 of \"i < n\" is an index that nothing binds",
        ),
        # what lies outside
        (
            "Y[v,c,i] = X[v,c,i]",
            {"outside": {"Z": 0}},
            UnknownNameError,
            r"^there is no array 'Z'; there are \(X, Y\) \[Y\]$",
        ),
        (
            "Y[v,c,i] = X[v,c,i]",
            {"outside": {"X": "mirror"}},
            UnknownNameError,
            r"^there is no choice of what lies outside X 'mirror'; there are \(nothing, circular, ",
        ),
        (
            "Y[v,c,i] = X[v,c,i]",
            {"outside": {"X": float("-inf")}},
            HyperparameterError,
            r"^what lies outside X is -inf; in a max or min, that is 'nothing'",
        ),
        (
            "Y[v,c,i] = X[v,c,i]",
            {"outside": {"X": float("nan")}},
            HyperparameterError,
            r"^what lies outside X is nan, but a finite number is needed$",
        ),
        (
            "Y[v,c,i] = X[v,c,i]",
            {"outside": {"X": None}},
            HyperparameterError,
            r"^what lies outside X is None, but a finite number is needed$",
        ),
        (
            "Y[v,c,i] = X[v,c,i]",
            {"outside": 0},
            HyperparameterError,
            r"^outside is 0, but one for each array is needed",
        ),
        ("Y[v,c,i] = X[v,c,i+j//2]", {"outside": {"X": "reflect"}}, TextError, r"is an index that nothing binds"),
        (
            "Y[v,c,i] = sum(t<k) X[v,c,i+t//2]",
            {"outside": {"X": "reflect"}},
            StatementError,
            r"^how far outside X the position .* lies is not told; write it without a floor$",
        ),
        # real parameters
        (
            "Y[v,c,i] = X[v,c,i]",
            {"reals": {"k": 1}},
            HyperparameterError,
            r"^a real parameter is called k, which is a size, index or function already",
        ),
        ("Y[v,c,i] = X[v,c,i]", {"reals": {"v": 1}}, HyperparameterError, r"^a real parameter is called v, which is"),
        (
            "Y[v,c,i] = X[v,c,i]",
            {"reals": {"exp": 1}},
            HyperparameterError,
            r"^a real parameter is called exp, which is",
        ),
        (
            "Y[v,c,i] = X[v,c,i]",
            {"reals": {"q": "x"}},
            HyperparameterError,
            r"^q is 'x', but a finite number is needed$",
        ),
        (
            "Y[v,c,i] = X[v,c,i]",
            {"reals": {"a b": 1}},
            HyperparameterError,
            r"^a real parameter is called 'a b', but a name is needed",
        ),
        (
            "Y[v,c,i] = X[v,c,i]",
            {"reals": {"q": 0}, "positive": ["q"]},
            HyperparameterError,
            r"^q is 0, but it is said to be above 0",
        ),
        ("Y[v,c,i] = X[v,c,i]", {"positive": ["q"]}, UnknownNameError, r"^there is no real parameter 'q'"),
        (
            "Y[v,c,i] = eps*epsilon*X[v,c,i]",
            {"reals": ["eps", "epsilon"]},
            HyperparameterError,
            r"^two real parameters are the same letter: eps, epsilon",
        ),
        # the call
        (3, {}, TextError, r"^the statement is 3, but a text is needed \[define\('f'\)\]$"),
        ("", {}, TextError, r"came where an equation, such as Y\[v,c,j\] = "),
        ("Y[v,c,i] = X[v,c,i]", {"ndim": 0}, HyperparameterError, r"^ndim is 0, but it must be at least 1"),
        (
            "Y[v,c,i] = X[v,c,i]",
            {"ndim": 10**9},
            HyperparameterError,
            r"^ndim is 1000000000, but an array has at most 62 spatial axes",
        ),
        ("Y[v,c,i] = X[v,c,i]", {"ndim": 1.5}, HyperparameterError, r"^ndim is 1\.5, but a whole number is needed"),
        ("Y[v,c,i] = X[v,c,i]", {"stride": 2}, UnknownNameError, r"^there is no hyper-parameter 's"),
        ("Y[v,c,i] = X[v,c,i]", {"title": {"en": "f"}}, HyperparameterError, r"^the title has no words in es"),
        ("Y[v,c,j] = X[v,c,s*j]", {"stride": 0}, HyperparameterError, r"^s is 0, but it must be at least 1$"),
    ],
)
def test_what_is_refused_is_refused_with_a_sentence(
    text: Any, given: dict[str, Any], error: type[ConvmathError], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        define("f", text, **{"ndim": 1, **given})


@pytest.mark.parametrize("name", ["", "soft pool", "2", 3, None, "a.b"])
def test_a_name_is_a_name(name: Any) -> None:
    with pytest.raises(HyperparameterError, match=r"^the operator's name is .*, but a name like soft_pool is needed"):
        define(name, "Y[v,c,i] = X[v,c,i]")


def test_a_long_statement_takes_no_time() -> None:
    long = "+".join(f"X[v,c,j+{t}]" for t in range(35))
    chain = ";".join(["S0[v,c,j] = X[v,c,j]", *(f"S{i}[v,c,j] = S{i - 1}[v,c,j]" for i in range(1, 60))])
    start = time.perf_counter()
    for text in (f"Y[v,c,j] = {long}", chain, "Y[v,c,j] = " + "(" * 50 + "X[v,c,j]" + ")" * 50):
        assert define("f", text, ndim=2).statement.equations
    assert time.perf_counter() - start < 30


PADDED = {
    "a and b": "Y[v,o,j] = sum(c<C, t<k) W[o,c,t]*X[v,c,s*j+d*t-a]",
    "p": "Y[v,o,j] = sum(c<C, t<k) W[o,c,t]*X[v,c,s*j+d*t-p]",
}


def sayings(op: Operator) -> list[str]:
    """Every letter and word, with and without its axis, of a parameter that no array tells."""
    told = {param for tensor in op.statement.inputs for size in tensor.shape for param in params(size)}
    open_ = [param for param in params(op.statement) if param not in told and param.default is not None]
    words = [word for word in op.symbols if set_by(word, {param.letter for param in open_})]
    return sorted({*words, *(param.name for param in open_)})


@pytest.mark.parametrize("ndim", [1, 2])
@pytest.mark.parametrize("text", PADDED)
@given(data=st.data())
def test_a_parameter_goes_by_each_of_its_names(text: str, ndim: int, data: st.DataObject) -> None:
    """⟨gY, f(dX)⟩ = ⟨f.vjp(gY), dX⟩, whichever letters and words say the numbers."""
    op = define("f", PADDED[text], ndim=ndim, outside={"X": 0})
    said = {data.draw(st.sampled_from(sayings(op))): data.draw(st.integers(1, 2))}
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x, w = (rng.integers(-3, 4, (2, 2, *[size] * ndim)).astype(float) for size in (7, 2))
    y = op.function(x, w, **said)
    cotangent = rng.integers(-3, 4, y.shape).astype(float)
    gx, gw = op.function.vjp(cotangent, x, w, **said)
    assert (gx * x).sum() == (gw * w).sum() == (cotangent * y).sum()
    assert y.shape == op.sizes(x, w, **said)


# --- teeth ------------------------------------------------------------------------------------------------------


def test_a_name_that_a_gradient_does_not_know_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "set_by", lambda word, known: {word} & set(known))
    law = PLANTED(given(data=st.data())(test_a_parameter_goes_by_each_of_its_names.hypothesis.inner_test))
    with pytest.raises(ShapeError, match="gY has shape"):
        law("a and b", 1)


def test_a_window_too_many_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = stated._count
    monkeypatch.setattr(
        stated, "_count", lambda *those: (count := true(*those)) and replace(count, size=count.size + 1)
    )
    caught(test_as_many_windows_are_counted_as_lie_inside_the_padded_input)


def test_padding_at_one_end_alone_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = stated.Placement
    monkeypatch.setattr(stated, "Placement", lambda *parts: true(*parts[:5], stated.poly(0)))
    caught(test_as_many_windows_are_counted_as_lie_inside_the_padded_input)


def test_another_value_outside_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = stated._scalar

    def three(node: Any, new: Any) -> Any:
        return true(node, {read: replace(read, outside=Fraction(3)) for read in new})

    monkeypatch.setattr(stated, "_scalar", three)
    caught(test_a_typed_statement_is_worth_what_python_says)


def test_a_bracket_that_is_lost_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = typed_equations._term
    monkeypatch.setattr(typed_equations, "_term", lambda bound, guards, body, kind="sum": true(bound, (), body, kind))
    caught(test_a_typed_statement_is_worth_what_python_says)


MAXIMA = ["X[v,c,s*j+t]*W[t]", "X[v,c,s*j+t]^2", "X[v,c,s*j+t]*X[v,c,s*j]", "X[v,c,s*j+t]*W[t]*V[t]"]


def verified(body: str) -> bool:
    op = define("f", f"Y[v,c,j] = max(t<k) {body}", ndim=2)
    return all(op.vjp(wrt).verify() for wrt in op.statement.reads)


def test_a_maximum_of_products_is_verified() -> None:
    assert all(map(verified, MAXIMA))


def test_data_at_which_a_maximum_ties_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products of different whole numbers may be equal, and there a maximum of them has no derivative."""
    monkeypatch.setattr(sample, "_may_tie", lambda statement: False)
    with pytest.raises(AssertionError):
        test_a_maximum_of_products_is_verified()


def test_reads_that_may_leave_are_found_on_every_axis() -> None:
    """Each axis, at either end, and in each of the equations."""
    for axis, (low, high) in product(range(3), ((-1, 0), (0, 1))):
        forms = ["v", "c", "i"]
        forms[axis] += f"{low + high:+d}"
        with pytest.raises(
            StatementError, match=f"may be {'less' if low else 'more'} than .* outside axis {axis} of X"
        ):
            define("f", f"S[v,c,i] = X[{','.join(forms)}]; Y[v,c,i] = S[v,c,i]", ndim=1)
