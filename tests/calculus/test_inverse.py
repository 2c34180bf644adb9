"""The inverse problem against trying everything in a box, with the faults that this must catch."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath import window
from convmath.calculus.inverse import (
    Solutions,
    boxes,
    cases,
    families,
    order,
    problem,
    reasons,
    solve_shape,
)
from convmath.calculus.inverse.families import Bound
from convmath.errors import ShapeError
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

    def solve(self) -> Solutions:
        pairs = zip(*self.sizes, strict=True)
        n, out = (sizes if len(sizes) > 1 else sizes[0] for sizes in pairs)
        return solve_shape(**{"n": n, "out": out, **self.given, **self.options})

    def solved(self) -> Solutions | None:
        """The solutions, or None where it is said that there are none."""
        try:
            return self.solve()
        except ShapeError:
            return None

    def refusal(self) -> str | None:
        """The sentence that says why there is none."""
        try:
            self.solve()
        except ShapeError as error:
            return str(error)
        return None

    def fits(self, at: Mapping[str, int]) -> bool:
        n = at.get("n", self.sizes[0][0])
        return window.span(at["k"], at["d"]) <= n + sum(ends(at, self.options.get("padding")))

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
    """How many families a point is in; "valid" is p = 0."""
    at = {letter: at.get(letter, 0) for letter in found.problem.letters}
    return sum(at in family for family in found.families)


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


def test_there_is_an_end_where_only_a_factor_of_0_would_have_none() -> None:
    """(n - 1)·s = 7 - d·(k - 1): at n = 1 any stride would do, but no product is 7."""
    found = solve_shape(out=8, k=range(3, 5), d=range(1, 4), p=0, e=0, transposed=True)
    assert found.finite
    assert found.count == len(list(found)) == 9


@given(data=st.data())
def test_with_symbols_it_holds_at_every_value(data: st.DataObject) -> None:
    by, to = data.draw(st.integers(0, 4)), data.draw(st.integers(0, 4))
    n, m = (by, data.draw(st.integers(1, 6))), (to, data.draw(st.integers(1, 6)))
    transposed = data.draw(st.booleans())
    symbolic = [str(constant) if not factor else f"{factor}*h + {constant}" for factor, constant in (n, m)]
    ask = Ask((), ("k", "s", "d", "p", *(["e"] if transposed else [])), {}, {"transposed": transposed})
    try:
        found = solve_shape(*symbolic, transposed=transposed)
    except ShapeError:
        found = None
    for at in ask.tried():
        # beyond all periods and starts of what is tried
        sizes = tuple((n[0] * h + n[1], m[0] * h + m[1]) for h in range(1, 41))
        right = replace(ask, sizes=sizes).right(at)
        assert found is not None or not right
        if found is not None:
            assert (at in found) == right
            assert in_families(found, at) == right


@given(data=st.data())
def test_out_same_holds_at_every_size(data: st.DataObject) -> None:
    given_ = {letter: data.draw(st.none() | st.integers(LEAST[letter], BOX[letter])) for letter in "ksdab"}
    ask = Ask(
        tuple((n, -1) for n in range(1, 30)), tuple("ksdab"), {x: v for x, v in given_.items() if v is not None}, {}
    )
    try:
        found = solve_shape(out="same", padding="asymmetric", **given_)
    except ShapeError:
        found = None
    for at in ask.tried():
        right = all(ask._right(n, -(-n // at["s"]), at) for n, _ in ask.sizes)
        assert found is not None or not right
        assert found is None or (at in found) == (in_families(found, at) == 1) == right


@given(data=st.data())
def test_the_reason_is_true(data: st.DataObject) -> None:
    """What a sentence says of the sizes that there are holds, where everything is tried."""
    ask = data.draw(asks(limited=True), label="ask")
    if len(ask.sizes) > 1 or (sentence := ask.refusal()) is None:
        return
    m = ask.sizes[0][1]
    if found := re.search(r"the output is (?:at (most|least) )?(-?\d+)", sentence):
        said, size = found[1], int(found[2])
        assert size < m if said == "most" else size > m if said == "least" else size != m
        sizes = range(1, 80)
        there = [
            size
            for size in sizes
            if any(replace(ask, sizes=((ask.sizes[0][0], size),)).right(at) for at in ask.tried())
        ]
        assert all(one <= size if said == "most" else one >= size if said == "least" else one == size for one in there)
    elif found := re.search(r"the nearest that (?:is|are) given: (\d+)(?: and (\d+))?", sentence):
        near = [int(size) for size in found.groups() if size]
        last = max(*near, m)
        there = [
            size
            for size in range(max(1, min(*near, m) if near else m), last + 1)
            if any(replace(ask, sizes=((ask.sizes[0][0], size),)).right(at) for at in ask.tried())
        ]
        assert there == near
    elif "but it is below s or d" in sentence:
        assert all(at["e"] >= max(at["s"], at["d"]) for at in ask.tried())
    elif found := re.search(r"nothing from (\d+) to (\d+) is given", sentence):
        sizes = range(int(found[1]), int(found[2]) + 1)
        assert not any(replace(ask, sizes=((ask.sizes[0][0], size),)).right(at) for size in sizes for at in ask.tried())
    elif "no window fits" in sentence:
        assert not any(ask.fits(at) for at in ask.tried())
    else:
        assert re.search(r"stride \d+ gives \d+, and stride \d+ gives \d+|/s⌉ is \d+ at stride", sentence), sentence


# --- teeth --------------------------------------------------------------------------------------------------------


def test_bounds_that_are_rounded_the_wrong_way_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bound, "least", Bound.most)
    caught(test_a_family_holds_what_is_right_and_nothing_else)


def test_a_chain_of_inequalities_that_is_off_by_one_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "_between", lambda low, form, high: [form - low, high + 1 - form])
    caught(test_the_solutions_are_those_that_trying_finds)
    caught(test_without_limits_nothing_is_left_out)


def test_a_case_that_is_forgotten_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = cases._of_size
    monkeypatch.setattr(cases, "_of_size", lambda *asked: right(*asked)[:1])
    caught(test_a_family_holds_what_is_right_and_nothing_else)


def test_a_family_without_its_conditions_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(families, "_condition", lambda lower, upper, known: True)
    caught(test_a_family_holds_what_is_right_and_nothing_else)


def test_a_box_that_is_narrowed_too_far_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = boxes._narrow

    def too_far(form: Any, low: list[int], high: list[Any]) -> bool:
        before = high[:]
        held = right(form, low, high)
        high[:] = [b if b == a else b - 1 for a, b in zip(before, high, strict=True)]
        return held

    monkeypatch.setattr(boxes, "_narrow", too_far)
    caught(test_the_solutions_are_those_that_trying_finds)
    caught(test_without_limits_nothing_is_left_out)


def test_an_order_that_is_not_by_cost_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "DILATION", 0)
    caught(test_the_solutions_are_those_that_trying_finds)


def test_an_end_that_is_told_from_the_whole_box_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boxes.System, "branches", lambda system: iter([system]))
    with pytest.raises(AssertionError):
        test_there_is_an_end_where_only_a_factor_of_0_would_have_none()


def test_another_rule_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Membership is by the formulas of `window`."""
    monkeypatch.setattr(problem, "steps", lambda n, k, s, d, a, b: (n + a + b - d * (k - 1)) // s + 1)
    caught(test_without_limits_nothing_is_left_out)


def test_symbols_at_their_least_value_only_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = cases._at_every_symbol

    def at_one(polys: Any, asked: Any) -> Iterator[Any]:
        for form in polys:
            *_, last = right([form], asked)
            yield last

    monkeypatch.setattr(cases, "_at_every_symbol", at_one)
    caught(test_with_symbols_it_holds_at_every_value)


def test_a_reason_that_is_false_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = reasons._corner
    monkeypatch.setattr(reasons, "_corner", lambda asked, ranges, most: right(asked, ranges, not most))
    caught(test_the_reason_is_true)
