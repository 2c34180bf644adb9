"""The inverse problem: against trying everything in a box, and with the sentences of what has no solution."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from convmath import window
from convmath.calculus.inverse import (
    Solution,
    Solutions,
    boxes,
    cases,
    families,
    problem,
    reasons,
    solutions,
    solve_shape,
)
from convmath.calculus.inverse.families import Bound
from convmath.calculus.inverse.words import WORDS
from convmath.errors import ConvmathError, HyperparameterError, ShapeError, TextError, UnknownNameError
from convmath.render.document import FORMATS
from convmath.render.words import LANGUAGES
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
    else:
        assert re.search(r"no window fits|stride \d+ gives \d+, and stride \d+ gives \d+", sentence), sentence
        if "no window fits" in sentence:
            assert not any(ask.fits(at) for at in ask.tried())


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
    monkeypatch.setattr(solutions, "DILATION", 0)
    caught(test_the_solutions_are_those_that_trying_finds)


def test_an_end_that_is_told_from_the_whole_box_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dilation has no bound where k = 1 is in the box, though no solution has it."""
    monkeypatch.setattr(boxes.System, "branches", lambda system: iter([system]))
    caught(test_there_is_no_end_exactly_where_it_is_said)


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


# --- what is asked and told -----------------------------------------------------------------------------------------


def test_what_a_practitioner_expects_comes_first() -> None:
    found = solve_shape(n=224, out=112)
    told = [(one.k, one.s, one.p) for one in found.first(20)]
    assert all(usual in told for usual in ((7, 2, 3), (3, 2, 1), (2, 2, 0)))
    assert all(one.s == 2 for one in found.first(20))
    assert {"k": 7, "s": 2, "p": 3} in found
    assert {"k": 7, "s": 2, "a": 3, "b": 3} in found
    assert {"k": 7, "s": 2, "p": 2} not in found
    assert {"k": 7, "s": 2, "a": 3, "b": 2} not in found
    assert {"k": 0, "s": 2} not in found
    assert Solution(7, 2, 1, 3, 3) in found
    assert (7, 2, 3) not in found


def test_the_padding_of_a_word_is_that_of_window() -> None:
    for one in solve_shape(n=224, out=112, padding="same", k=range(1, 8), d=range(1, 3)):
        [laid] = window.windows([224], one.k, one.s, "same", one.d)
        assert (one.a, one.b) == (laid.before, laid.after)
        assert laid.output_size(224) == 112
    for one in solve_shape(n=5, out=9, padding="same_lower", transposed=True, k=range(1, 4), d=1):
        assert one.a is not None
        assert one.b is not None
        assert window.transposed_size(5, one.k, one.s, one.d, one.a, one.b, one.e) == 9
    [one] = solve_shape(n="2*h", out="h", padding="same", k=3, d=1)
    assert (one.k, one.s, one.a, one.b) == (3, 2, None, None)
    assert {"k": 3, "s": 2, "a": 5} in solve_shape(n="2*h", out="h", padding="same", k=3)


def test_letters_words_and_forms_of_any_kind_are_understood() -> None:
    h = sympy.Symbol("h", integer=True, positive=True)
    same = [
        solve_shape(2 * h, h, k=3, s=2, d=1),
        solve_shape("2*h", "h", kernel=3, stride=2, dilation=1),
        solve_shape("2*h", m="h", kernel_size=(3,), s=range(2, 3), d=[1], padding="symmetric"),
        solve_shape(n=[2 * h], out=[h], k=np.int64(3), s=np.array([2]), d=1, padding=1),
    ]
    assert all([(one.k, one.s, one.d, one.p) for one in found] == [(3, 2, 1, 1)] for found in same)
    assert solve_shape(224, 112, padding=((2, 3),), s=2, d=1).first(1) == solve_shape(
        224, 112, a=2, b=3, s=2, d=1
    ).first(1)
    assert solve_shape(4, 8, transposed=True, output_padding=1, s=2, d=1).first(1)[0].e == 1
    assert solve_shape(224, 112) == solve_shape(224, 112).showing(3)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    ("lang", "title"), [("en", "Windows that take 224 to 112"), ("es", "Ventanas que llevan de 224 a 112")]
)
def test_it_prints_in_each_format_and_language(format_: str, lang: str, title: str) -> None:
    assert title in solve_shape(n=224, out=112).emit(format_, lang)
    for asked in (
        {"n": 224, "out": 112, "padding": "same", "k": (1, 3, 5, 6, 7, 8)},
        {"n": 224, "out": 112, "padding": "same_lower"},
        {"n": (9, 10), "out": 5, "padding": "same"},
        {"n": 112, "out": 224, "transposed": True, "k": 4},
        {"n": 112, "out": 224, "transposed": True, "padding": "full", "k": 4, "d": 1, "e": 0},
        {"n": 224, "out": 112, "ceil_mode": True},
        {"n": range(200, 300), "out": 112, "k": 7, "s": 2, "d": 1, "p": 3},
        {"n": "2*h", "out": "h", "a": 0},
        {"out": "same"},
    ):
        assert len(solve_shape(**asked).emit(format_, lang)) > 100


def test_how_many_are_printed() -> None:
    found = solve_shape(n=224, out=112, k=range(1, 4), s=2, d=1)
    assert "There are 3, and these are all." in found.to_text()
    assert "Hay un número finito; estas son las primeras 2." in found.showing(2).to_text("es")
    assert "There is one only." in solve_shape(n=224, out=112, k=3, s=2, d=1).to_text()
    assert "simplest" not in found.showing(0).to_text()


def test_the_words_are_there_in_each_language() -> None:
    for said in WORDS.values():
        assert set(said) == set(LANGUAGES)
        names = {tuple(sorted(re.findall(r"\{(\w+)\}", sentence))) for sentence in said.values()}
        assert len(names) == 1


def test_large_sizes_take_no_long_time_to_search() -> None:
    """The simplest of some ten thousand million solutions, which trying one after the other would not reach."""
    found = solve_shape(n=10**6, out=3, p=0)
    assert found.first(1) == (Solution(2, 333333, n=10**6),)
    assert solve_shape(n=10**9, out=10**9 // 2).first(2)[1] == Solution(2, 2, n=10**9)


@pytest.mark.parametrize(
    ("asked", "error", "sentence"),
    [
        (
            {"n": 224, "out": 300, "k": 3, "p": 0},
            ShapeError,
            r"^no \(s, d\) with k = 3, p = 0 takes 224 to 300: the output is at most 222, at k = 3, s = 1, d = 1, p = 0 \[",
        ),
        ({"n": 224, "out": 112, "k": 2, "s": 1, "d": 1}, ShapeError, r"^no p with .*: the output is at least 223, at "),
        (
            {"n": 224, "out": 112, "k": 2, "s": 1, "d": 1, "p": 0},
            ShapeError,
            r"^no solution with .* the output is 223 \[",
        ),
        (
            {"n": 224, "out": 100, "k": 3, "d": 1, "p": 0},
            ShapeError,
            r"^no s with k = 3, d = 1, p = 0 takes 224 to 100: stride 2 gives 111, and stride 3 gives 74 \[",
        ),
        (
            {"n": 224, "out": 100, "padding": "same"},
            ShapeError,
            r"with padding='same' .* stride 2 gives 112, and stride 3 gives",
        ),
        (
            {"n": 9, "out": 20, "padding": "same", "transposed": True},
            ShapeError,
            r"20 transposed: stride 2 gives 10, and stride 3 gives 7",
        ),
        ({"n": 224, "out": 111, "s": 1, "d": 2}, ShapeError, r"the nearest that are given: 110 and 112 \["),
        (
            {"n": 5, "out": 5, "k": (7, 8, 10), "p": 0},
            ShapeError,
            r"k among 7 to 8, 10, .* no window fits, since the kernel spans 7, ",
        ),
        (
            {"n": 4, "out": 2, "transposed": True, "p": range(1)},
            ShapeError,
            r"2 transposed: the output is at least 4, at ",
        ),
        (
            {"n": 4, "out": 200, "s": 1, "d": 1, "k": range(1, 3), "transposed": True},
            ShapeError,
            r"the output is at most 5, at ",
        ),
        (
            {"n": (224, 200), "out": (112, 99), "s": 2},
            ShapeError,
            r"224 to 112 and 200 to 99: each of these .* alone, but not all",
        ),
        ({"n": (224, 200), "out": (112, 999), "p": 0}, ShapeError, r"takes 200 to 999: the output is at most 200, "),
        (
            {"n": "2*h", "out": "3*h"},
            ShapeError,
            r"at every h: n and out grow with h \(n by 2, out by 3\), which is no whole",
        ),
        ({"n": "2*h", "out": "h", "s": 3}, ShapeError, r"grow with h \(n by 2, out by 1\), which is stride 2 \["),
        ({"n": "2*h+w", "out": "h+w"}, ShapeError, r"has no stride in common"),
        ({"n": "2*h", "out": "h", "k": 3, "p": 0}, ShapeError, r"already at h = 1, with s = 2: no window fits"),
        ({"n": "h", "out": 5}, ShapeError, r"grow with h \(n by 1, out by 0\)"),
        ({"out": "same", "k": 2, "d": 1}, ShapeError, r"is given by the padding a \+ b = d·\(k - 1\), and by no other"),
        ({"n": 224}, HyperparameterError, r"^out, the size of the output, is needed"),
        ({"n": 224, "out": "same"}, HyperparameterError, r"at every n, but n is 224; leave n out"),
        ({"out": "same", "transposed": True}, HyperparameterError, r"not of transposed=True"),
        ({"n": 224, "out": 0}, HyperparameterError, r"^out is 0, but it must be at least 1 \[solve_shape\]$"),
        ({"n": 0, "out": 1}, HyperparameterError, r"^n is 0, "),
        ({"n": 2.5, "out": 1}, HyperparameterError, r"^n is 2\.5, but a whole number is needed"),
        ({"n": "n//2", "out": 1}, HyperparameterError, r"^n is ⌊n/2⌋, but a sum of multiples .* two sizes at once"),
        ({"n": "h*w", "out": 1}, HyperparameterError, r"^n is h·w, but a sum of multiples"),
        ({"n": "2*k", "out": "k"}, HyperparameterError, r"^n is 2·k, but k is an unknown here"),
        ({"n": "10-h", "out": 1}, HyperparameterError, r"^n is 10-h, but it must be at least 1 at every value"),
        ({"n": "(", "out": 1}, TextError, r"came where a number"),
        ({"out": "h"}, HyperparameterError, r"^n is unknown, so out must be a number, but it is h"),
        ({"n": (1, 2), "out": (1, 2, 3)}, ShapeError, r"^n has 2 sizes and out has 3, "),
        ({"n": 224, "out": (1, 2)}, HyperparameterError, r"^out is \(1, 2\), but a whole number"),
        ({"n": (2, 3), "out": 1, "ceil_mode": True}, HyperparameterError, r"one n at a time"),
        ({"n": "h", "out": "h", "ceil_mode": True}, HyperparameterError, r"has symbols"),
        (
            {"n": 1, "out": 1, "ceil_mode": True, "transposed": True},
            HyperparameterError,
            r"^ceil_mode rounds a division",
        ),
        ({"n": 1, "out": 1, "ceil_mode": 1}, HyperparameterError, r"^ceil_mode is 1, but True or False"),
        ({"n": 1, "out": 1, "kk": 3}, UnknownNameError, r"no unknown of the inverse problem 'kk'; the nearest is k"),
        ({"n": 1, "out": 1, "k": 3, "kernel": 3}, HyperparameterError, r"^k came twice, also as kernel"),
        ({"n": 1, "out": 1, "m": 1}, HyperparameterError, r"^m is another name of out"),
        ({"n": 1, "out": 1, "k": 0}, HyperparameterError, r"^k is 0, but it must be at least 1"),
        ({"n": 1, "out": 1, "k": "3"}, HyperparameterError, r"^k is '3', but a whole number"),
        ({"n": 1, "out": 1, "k": True}, HyperparameterError, r"^k is True, but a whole number"),
        ({"n": 1, "out": 1, "k": ()}, HyperparameterError, r"^k is \(\), in which there is no number"),
        ({"n": 1, "out": 1, "p": 1, "a": 2}, HyperparameterError, r"^p is the padding at both ends, so a can't be set"),
        ({"n": 1, "out": 1, "padding": "valid", "p": 0}, HyperparameterError, r"^padding='valid' says what p is"),
        ({"n": 1, "out": 1, "padding": 1, "p": 0}, HyperparameterError, r"^padding says what p is"),
        ({"n": 1, "out": 1, "padding": "sane"}, UnknownNameError, r"no padding 'sane'; the nearest is same"),
        ({"n": 1, "out": 1, "padding": (1, 2)}, HyperparameterError, r"written nested, \(\(1, 2\),\)"),
        ({"n": 1, "out": 1, "e": 1}, HyperparameterError, r"^e, the output padding, belongs to transposed=True"),
        (
            {"n": 1, "out": 1, "e": 1, "transposed": True, "padding": "same"},
            HyperparameterError,
            r"follows from padding='same'",
        ),
    ],
)
def test_what_is_refused_is_refused_with_a_sentence(
    asked: dict[str, Any], error: type[ConvmathError], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        solve_shape(**asked)


def test_membership_is_asked_in_letters() -> None:
    found = solve_shape(n=224, out=112)
    with pytest.raises(UnknownNameError, match=r"no letter of a solution 'stride'"):
        _ = {"k": 3, "stride": 2} in found
    with pytest.raises(HyperparameterError, match=r"^a solution says what k is, but \{'s': 2\} came"):
        _ = {"s": 2} in found
    with pytest.raises(HyperparameterError, match=r"^k is 2\.5, but a whole number is needed"):
        _ = {"k": 2.5} in found
    with pytest.raises(HyperparameterError, match=r"^number is -1, "):
        found.first(-1)
