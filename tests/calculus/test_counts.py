"""Counts are numbers of tuples that can be gone through one by one, and of elements that are really read."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from convmath.calculus import counts as room
from convmath.calculus import tally
from convmath.calculus.counts import Counts, counts, kept, sharing
from convmath.calculus.symbols import symbol
from convmath.calculus.tally import Tally, greatest
from convmath.errors import StatementError
from convmath.integers.facts import Facts
from convmath.ir.build import Tensor, count, equation, index, poly, read, size, total
from convmath.ir.guards import holds
from convmath.ir.nodes import AtMost, Divides, Guard, Less, Statement, Within, Zero
from convmath.ir.poly import Index, Param, Poly, least
from convmath.ir.walk import params, substitute
from convmath.ops.registry import operator

from ..faults import caught

# --- tuples -------------------------------------------------------------------------------------------------------


def gone_through(indices: list[Index], guards: list[Guard]) -> int:
    """How many tuples meet the guards, by trying each."""
    ranges = (range(index.size.constant or 0) for index in indices)
    tuples = (dict(zip(indices, values, strict=True)) for values in itertools.product(*ranges))
    return sum(all(holds(guard, values) for guard in guards) for values in tuples)


@st.composite
def guarded(draw: st.DrawFn) -> tuple[list[Index], list[Guard]]:
    """Up to four short indices, and guards that couple some of them."""
    sizes = draw(st.lists(st.integers(0, 5), min_size=1, max_size=4))
    indices = [index(letter, poly(n)) for letter, n in zip("ijtu", sizes, strict=False)]

    def form() -> Poly:
        weights = draw(st.lists(st.integers(-3, 3), min_size=len(indices), max_size=len(indices)))
        start = poly(draw(st.integers(-6, 6)))
        return sum((c * poly(i) for c, i in zip(weights, indices, strict=True)), start)

    kinds = [
        lambda: Within(form(), poly(draw(st.integers(0, 7)))),
        lambda: Less(form(), form()),
        lambda: AtMost(form(), form()),
        lambda: Zero(form(), form()),
    ]
    return indices, [draw(st.sampled_from(kinds))() for _ in range(draw(st.integers(0, 3)))]


@given(data=st.data())
def test_tuples_are_as_many_as_one_finds_by_trying(data: st.DataObject) -> None:
    indices, guards = data.draw(guarded(), label="tuples")
    found = Tally((count(indices, guards),))
    assert found.form() == gone_through(indices, guards)
    assert found.to_sympy() == gone_through(indices, guards)


@given(data=st.data())
def test_in_symbols_it_is_the_same(data: st.DataObject) -> None:
    """Windows over an axis whose size is a letter, then put in; and windows whose length is one, too."""
    draw = lambda name, low, high: data.draw(st.integers(low, high), label=name)  # noqa: E731
    k, s, d, a = draw("k", 1, 4), draw("s", 1, 3), draw("d", 1, 2), draw("a", 0, 3)
    n, m = Param("n", least=1), Param("m", least=0)
    taps = Param("k", least=1)
    values = {n: draw("n", 1, 8), m: draw("m", 0, 6)}
    j, t = index("j", poly(m)), index("t", poly(taps))
    reads = Within(s * poly(j) + d * poly(t) - a, poly(n))
    every = Tally((count([j, t], [reads]),))
    at = every.at({**values, taps: k})
    assert every.at({taps: k}).form().evaluate(values) == at.form()
    expression = every.to_sympy().subs(letters({**values, taps: k}))
    assert expression.doit() == at.form().constant


def letters(values: dict[Param, int]) -> dict[sympy.Symbol, int]:
    return {symbol(param): value for param, value in values.items()}


def test_what_is_proved_makes_it_short() -> None:
    n = Param("n", least=0)
    j, t = index("j", poly(n)), index("t", poly(3))
    inside = Tally((count([j, t], [Within(poly(j) + poly(t) - 1, poly(n))]),))
    assert "min" in str(inside.form())
    assert inside.form(Facts(conditions=(poly(n) - 1,))) == 3 * poly(n) - 2


def test_the_greatest_leaves_out_what_is_proved_smaller() -> None:
    n = poly(Param("n", least=1))
    assert greatest(n, n + 1, poly(1)) == n + 1
    assert greatest(n, poly(3)) == -least(-n, poly(-3))


@pytest.mark.parametrize(
    ("indices", "guards", "sentence"),
    [
        ("jt", [Within(poly(0), size("n"))], r"^whether n-1 is at least 0 is not known$"),
        ("jt", [Divides(poly(2), poly(index("j", size("n"))))], r"does not follow from sizes$"),
        ("ju", [AtMost(poly(index("j", size("n"))), poly(index("u", size("k"))))], r"^the number is a sum over u"),
        ("j", [Within(size("c", least=None) * poly(index("j", size("n"))), size("n"))], r"depends on the sign of c$"),
    ],
)
def test_what_can_not_be_counted_is_said(indices: str, guards: list[Guard], sentence: str) -> None:
    known = {"j": index("j", size("n")), "t": index("t", poly(3)), "u": index("u", size("k"))}
    with pytest.raises(StatementError, match=sentence):
        Tally((count([known[letter] for letter in indices], guards),)).form()


# --- statements ---------------------------------------------------------------------------------------------------

Shape = dict[str, int]


@st.composite
def shaped(draw: st.DrawFn, name: str) -> tuple[Any, Shape]:
    """A convolution in one or two axes with every size a number, and those numbers."""
    ndim = draw(st.integers(1, 2))
    numbers = {"N": draw(st.integers(0, 2)), **{letter: draw(st.integers(1, 2)) for letter in "GCO"}}
    for axis in range(1, ndim + 1) if ndim > 1 else [""]:
        own = {letter: draw(st.integers(*ends)) for letter, ends in SIZES.items()}
        own["n"] += max(0, own["d"] * (own["k"] - 1) + 1 - own["n"] - own["a"] - own["b"])
        if name == "conv_transpose":
            own["a"], own["b"] = (min(p, own["d"] * (own["k"] - 1)) for p in (own["a"], own["b"]))
            own["e"] = 0
        numbers |= {f"{letter}{axis}": value for letter, value in own.items()}
    return operator(name, ndim), numbers


SIZES = {"n": (1, 5), "k": (1, 3), "s": (1, 3), "d": (1, 2), "a": (0, 2), "b": (0, 2)}


def at(statement: Statement, numbers: Shape) -> tuple[Counts, dict[Param, int]]:
    values = {param: numbers[param.name] for param in params(statement) if param.name in numbers}
    for param, form in statement.definitions():
        values[param] = form.evaluate(values)
    return counts(statement).at(values), values


def multiplied(op: Any, values: dict[Param, int]) -> tuple[int, int]:
    """The products that are taken one by one, with the taps in the padding and without; by the definition of conv."""
    statement = op.open_statement
    X, W = (tuple(form.evaluate(values) for form in tensor.shape) for tensor in statement.inputs[:2])
    named = {param.name: value for param, value in values.items()}
    axes = [""] if op.ndim == 1 else ["1", "2"]
    number = {letter: [named[f"{letter}{axis}"] for axis in axes] for letter in "nksdam"}
    every = inside = 0
    runs = number["m"] if op.name == "conv" else number["n"]
    ends = number["n"] if op.name == "conv" else number["m"]
    for place in itertools.product(*map(range, runs)):
        for tap in itertools.product(*map(range, number["k"])):
            steps = zip(place, tap, number["s"], number["d"], number["a"], strict=True)
            lands = [s * j + d * t - a for j, t, s, d, a in steps]
            every += 1
            inside += all(0 <= at < end for at, end in zip(lands, ends, strict=True))
    channels = X[0] * W[0] * W[1]
    return every * channels, inside * channels


@pytest.mark.parametrize("name", ["conv", "conv_transpose"])
@given(data=st.data())
def test_multiply_accumulates_are_the_products_one_by_one(name: str, data: st.DataObject) -> None:
    op, numbers = data.draw(shaped(name), label="operator")
    found, values = at(op.open_statement, numbers)
    assert (found.macs.form(), found.macs_inside.form()) == multiplied(op, values)


@given(data=st.data())
def test_products_inside_are_those_that_the_exact_value_adds(data: st.DataObject) -> None:
    """Every element 1: then the value of the sum is the number of its summands that are not 0."""
    op, numbers = data.draw(shaped("conv"), label="operator")
    found, values = at(op.open_statement, numbers)
    arrays = {
        tensor.name: np.ones([form.evaluate(values) for form in tensor.shape], dtype=int)
        for tensor in op.open_statement.inputs
    }
    given_ = {param.name: value for param, value in values.items() if param.letter in "sdabG"}
    assert op.open_statement.evaluate(arrays, **given_).sum() == found.macs_inside.form()
    assert found.parameters == arrays["W"].size
    assert found.outputs == op.open_statement.evaluate(arrays, **given_).size


@given(data=st.data())
def test_patches_are_the_elements_of_im2col(data: st.DataObject) -> None:
    """A column a position, a row a tap and channel: as many as a product of matrices needs."""
    op, numbers = data.draw(shaped("conv"), label="operator")
    found, values = at(op.open_statement, numbers)
    W = [form.evaluate(values) for form in op.open_statement.tensor("W").shape]
    positions = int(np.prod([value for param, value in values.items() if param.letter == "m"]))
    assert found.patches == values_of(values, "N") * values_of(values, "G") * int(np.prod(W[1:])) * positions


def values_of(values: dict[Param, int], letter: str) -> int:
    [found] = [value for param, value in values.items() if param.letter == letter]
    return found


def test_a_window_without_weights_multiplies_nothing() -> None:
    for name in ("max_pool", "avg_pool"):
        found = counts(operator(name, 2).open_statement)
        assert (found.parameters, found.patches, found.macs.form()) == (0, 0, 0)


def test_a_count_is_said_to_sympy_also_where_taps_are_letters() -> None:
    found = counts(operator("conv", 1).open_statement).to_sympy()
    assert found["macs_inside"].has(sympy.Sum)
    assert str(found["parameters"]) == "C*G*O*k"


# --- what is kept -------------------------------------------------------------------------------------------------

n, c = size("n", least=1), size("C", least=1)
X, U = (Tensor(name, (n,), (("i", 0),)) for name in "XU")
i = index("i", n)


def test_only_what_a_gradient_reads_is_kept() -> None:
    product, square, linear = read(X, i) * read(U, i), read(X, i) ** 2 + read(U, i), read(X, i) + 2 * read(U, i)
    found = [kept(Statement((X, U), (equation("Y", [i], total(body)),), ("Y",))) for body in (product, square, linear)]
    assert found == [("X", "U"), ("X",), ()]


# --- weights that are shared --------------------------------------------------------------------------------------


def test_the_lectures_argument() -> None:
    """49 inputs and 25 outputs: 9 weights that are shared, 225 that are not, 1,225 if everything is joined."""
    fixed = {"n": 7, "kernel": 3, "stride": 1, "padding": 0, "dilation": 1, "groups": 1, "C": 1, "O": 1}
    statement = operator("conv", 2, **fixed).open_statement
    found = sharing(statement).at(dict(statement.definitions()))
    assert found.to_sympy() == {"inputs": 49, "outputs": 25, "shared": 9, "local": 225, "dense": 1225}


@given(data=st.data())
def test_weights_that_are_not_shared_are_the_entries_of_the_matrix(data: st.DataObject) -> None:
    """Without padding, a layer with weights 1 is a matrix; its entries that are not 0 are the local weights."""
    numbers = {letter: data.draw(st.integers(1, 3), label=letter) for letter in "GCOksd"} | {"a": 0, "b": 0, "N": 1}
    numbers["n"] = numbers["d"] * (numbers["k"] - 1) + 1 + data.draw(st.integers(0, 3), label="more")
    op = operator("conv", 1)
    _, values = at(op.open_statement, numbers)
    found = sharing(op.open_statement).at(values)
    X, W = (tuple(form.evaluate(values) for form in tensor.shape) for tensor in op.open_statement.inputs)
    given_ = {letter: numbers[letter] for letter in "sdabG"}
    columns = [
        op.open_statement.evaluate({"X": unit.reshape(X), "W": np.ones(W, dtype=int)}, **given_).ravel()
        for unit in np.eye(int(np.prod(X)), dtype=int)
    ]
    matrix = np.array(columns)
    assert (found.inputs, found.outputs) == matrix.shape
    assert found.dense == matrix.size
    assert found.local == int(np.count_nonzero(matrix))
    assert found.shared == int(np.prod(W))


def test_what_has_no_weights_shares_none() -> None:
    with pytest.raises(StatementError, match=r"^Y is no sum of products of X with weights$"):
        sharing(operator("max_pool", 1).open_statement)


# --- teeth --------------------------------------------------------------------------------------------------------


def test_a_length_that_may_be_negative_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "greatest", lambda *among, facts=tally.NO_FACTS: among[-1])
    caught(test_tuples_are_as_many_as_one_finds_by_trying)


def test_a_bound_rounded_the_wrong_way_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "floor", lambda number, divisor: -((-number) // divisor))
    caught(test_tuples_are_as_many_as_one_finds_by_trying)
    caught(test_in_symbols_it_is_the_same)


def test_a_guard_that_is_forgotten_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = tally._coupled
    monkeypatch.setattr(tally, "_coupled", lambda guards: [(group, own[-1:]) for group, own in right(guards)])
    caught(test_tuples_are_as_many_as_one_finds_by_trying)


def uncached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "counts", counts.__wrapped__)
    monkeypatch.setitem(globals(), "counts", counts.__wrapped__)


def test_padding_that_is_forgotten_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    uncached(monkeypatch)
    monkeypatch.setattr(room, "Within", lambda form, size: AtMost(poly(0), size))
    caught(test_multiply_accumulates_are_the_products_one_by_one, "conv")
    caught(test_products_inside_are_those_that_the_exact_value_adds)


def test_an_equation_that_is_not_solved_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    uncached(monkeypatch)
    monkeypatch.setattr(room._Products, "_without", lambda self, equation: self)
    caught(test_multiply_accumulates_are_the_products_one_by_one, "conv_transpose")


def test_patches_without_the_taps_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    uncached(monkeypatch)
    right = room._Products.patches

    def without_taps(self: Any, data: tuple[str, ...]) -> Poly:
        taps = {index: 0 for index in self.indices if index.letter == "t"}
        return right(type(self)(self.indices, self.guards, self.inside, substitute(self.factors, taps)), data)

    monkeypatch.setattr(room._Products, "patches", without_taps)
    caught(test_patches_are_the_elements_of_im2col)
