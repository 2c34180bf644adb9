"""The inverse problem: against trying everything in a box, and with the sentences of what has no solution."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import islice, product
from typing import Any

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from convmath import window
from convmath.calculus.inverse import Solution, Solutions, families, problem, solutions, solve_shape
from convmath.calculus.inverse.families import Bound
from convmath.errors import ConvmathError, HyperparameterError, ShapeError, TextError, UnknownNameError
from convmath.ir.poly import poly
from convmath.render.document import FORMATS
from convmath.window import Window

from ..faults import caught

# what is tried: the greatest value of each letter
BOX = {"n": 9, "k": 4, "s": 4, "d": 3, "p": 3, "a": 2, "b": 2, "e": 3}
LEAST = {"n": 1, "k": 1, "s": 1, "d": 1, "p": 0, "a": 0, "b": 0, "e": 0}
WORDED = ("same", "same_lower")


@dataclass(frozen=True)
class Ask:
    """A problem, with the letters that are sought or given."""

    sizes: tuple[tuple[int | None, int], ...]
    letters: tuple[str, ...]
    given: Mapping[str, Any]
    options: Mapping[str, Any]

    def solved(self) -> Solutions | None:
        """The solutions, or None where it is said that there are none."""
        pairs = zip(*self.sizes, strict=True)
        n, out = (sizes if len(sizes) > 1 else sizes[0] for sizes in pairs)
        try:
            return solve_shape(**{"n": n, "out": out, **self.given, **self.options})
        except ShapeError as error:
            assert str(error).endswith("[solve_shape]")
            return None

    @property
    def ranges(self) -> dict[str, list[int]]:
        """The values of each letter that are tried."""
        tried = {}
        for letter in self.letters:
            found = self.given.get(letter, range(LEAST[letter], BOX[letter] + 1))
            tried[letter] = [found] if isinstance(found, int) else list(found)
        return tried

    def tried(self) -> Iterator[dict[str, int]]:
        """Every point of the box."""
        ranges = self.ranges
        for values in product(*ranges.values()):
            yield dict(zip(ranges, values, strict=True))

    def right(self, at: Mapping[str, int]) -> bool:
        """Whether a point is a solution, by the formulas that run."""
        return all(self._right(at.get("n", n), m, at) for n, m in self.sizes)

    def _right(self, n: Any, m: int, at: Mapping[str, int]) -> bool:
        word, transposed = self.options.get("padding"), self.options.get("transposed", False)
        k, s, d = (at[letter] for letter in "ksd")
        if word in WORDED:
            read, counted = (m, n) if transposed else (n, m)
            return window.windows([read], k, s, word, d)[0].output_size(read) == counted
        a, b = ends(at, word)
        if transposed:
            return window.transposed_size(n, k, s, d, a, b, at["e"]) == m and at["e"] < max(s, d)
        laid = Window(k, s, d, a, b, self.options.get("ceil_mode", False))
        return laid.span <= n + a + b and laid.output_size(n) == m


def ends(at: Mapping[str, int], word: str | None) -> tuple[int, int]:
    if word == "full":
        return (window.span(at["k"], at["d"]) - 1,) * 2
    if word == "valid":
        return 0, 0
    return (at["p"], at["p"]) if "p" in at else (at["a"], at["b"])


@st.composite
def asks(draw: Callable[..., Any], limited: bool) -> Ask:
    """With `limited`, every letter is among few numbers; otherwise each is given or not."""
    rule = draw(st.sampled_from(["floor", "floor", "ceil", "transposed"]))
    options = {} if rule == "floor" else {"ceil_mode": True} if rule == "ceil" else {"transposed": True}
    word = draw(st.sampled_from(["symmetric", "symmetric", "asymmetric", "valid", "full", *WORDED]))
    options["padding"] = word
    letters = ["k", "s", "d", *{"symmetric": "p", "asymmetric": "ab"}.get(word, "")]
    if rule == "transposed" and word not in WORDED:
        letters.append("e")
    size = st.tuples(st.integers(1, 9), st.integers(1, 9))
    sizes: list[tuple[int | None, int]] = [draw(size)]
    if draw(st.integers(0, 3)) == 0:
        sizes = [(None, sizes[0][1])]
        letters.insert(0, "n")
    elif rule != "ceil" and draw(st.integers(0, 3)) == 0:
        sizes.append(draw(size))
    given: dict[str, Any] = {}
    for letter in letters:
        low, high = LEAST[letter], BOX[letter]
        number = st.integers(low, high)
        run = st.builds(range, number, st.just(high + 1), st.integers(1, 2))
        few = run if letter == "n" else st.one_of(number, run, st.sets(number, min_size=1).map(sorted))
        if limited or draw(st.booleans()):
            given[letter] = draw(few)
    return Ask(tuple(sizes), tuple(letters), given, options)


def cost(ask: Ask, at: Mapping[str, int]) -> int:
    """d·(k - 1) + s + a + b + e + n + 8·(d - 1), of what is sought."""
    rest = sum((2 if letter == "p" else 1) * value for letter, value in at.items() if letter not in "kd")
    return at["d"] * (at["k"] - 1) + rest + 8 * (at["d"] - 1)


def in_families(found: Solutions, at: Mapping[str, int]) -> int:
    at = {letter: value for letter, value in at.items() if letter in found.problem.letters}
    return sum({"p": 0, **at} in family if found.problem.padding == "symmetric" else at in family for family in found.families)


# --- laws ---------------------------------------------------------------------------------------------------------


@given(data=st.data())
def test_the_solutions_are_those_that_trying_finds(data: st.DataObject) -> None:
    ask = data.draw(asks(limited=True), label="ask")
    right = [at for at in ask.tried() if ask.right(at)]
    found = ask.solved()
    if found is None:
        assert not right
        return
    listed = list(islice(found, len(right) + 1))
    told = [{letter: getattr(one, letter) for letter in ask.letters} for one in listed]
    assert len(told) == len(right)
    assert all(at in told for at in right)
    assert [cost(ask, at) for at in told] == sorted(cost(ask, at) for at in right)
    assert found.finite
    assert found.count == len(right)


@given(data=st.data())
def test_a_family_holds_what_is_right_and_nothing_else(data: st.DataObject) -> None:
    ask = data.draw(asks(limited=data.draw(st.booleans())), label="ask")
    found = ask.solved()
    for at in ask.tried():
        right = ask.right(at)
        assert found is not None or not right
        if found is not None:
            assert in_families(found, at) == right
            assert (at in found) == right


@given(data=st.data())
def test_without_limits_nothing_is_left_out(data: st.DataObject) -> None:
    ask = data.draw(asks(limited=False), label="ask")
    found = ask.solved()
    if found is None:
        assert not any(map(ask.right, ask.tried()))
        return
    listed = found.first(40)
    told = [{letter: getattr(one, letter) for letter in ask.letters} for one in listed]
    assert all(map(ask.right, told))
    assert all(one in found for one in listed)
    assert len({tuple(at.values()) for at in told}) == len(told)
    costs = [cost(ask, at) for at in told]
    assert costs == sorted(costs)
    ended = len(told) < 40
    assert all(at in told for at in ask.tried() if ask.right(at) and (ended or cost(ask, at) < costs[-1]))


@given(data=st.data())
def test_there_is_no_end_exactly_where_it_is_said(data: st.DataObject) -> None:
    ask = data.draw(asks(limited=False), label="ask")
    found = ask.solved()
    if found is None:
        return
    many = 300
    if found.finite:
        assert len(list(found)) == found.count
    else:
        assert found.count is None
        assert len(found.first(many)) == many
