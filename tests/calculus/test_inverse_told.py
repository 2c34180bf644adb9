"""The inverse problem from outside: what may be asked, what is told first, how it prints, what is refused."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import sympy

from convmath import window
from convmath.calculus.inverse import Solution, solve_shape
from convmath.calculus.inverse.words import WORDS
from convmath.errors import ConvmathError, HyperparameterError, ShapeError, TextError, UnknownNameError
from convmath.render.document import FORMATS
from convmath.render.words import LANGUAGES


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
        {"n": 112, "out": 220, "transposed": True, "padding": "full", "k": 4, "d": 1},
        {"n": 224, "out": 112, "ceil_mode": True},
        {"n": range(200, 300), "out": 112, "k": 7, "s": 2, "d": 1, "p": 3},
        {"n": "2*h", "out": "h", "a": 0},
        {"out": "same"},
    ):
        assert len(solve_shape(**asked).emit(format_, lang)) > 100


def test_it_says_what_it_is() -> None:
    assert repr(solve_shape(n=224, out=112)) == "<set of solutions: Windows that take 224 to 112>"
    assert solve_shape(n=224, out=112, k=3).families[1].to_latex() == r"k=3,\ s=2,\ d\ge 1,\ p=d"


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
            r"^no \(s, d\) with k = 3, p = 0 takes 224 to 300: the output is at most 222, at k = 3, s = 1, d = 1, ",
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
            r"20 transposed: ⌈20/s⌉ is 10 at stride 2, and 7 at stride 3",
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
            r"n and out grow with h \(n by 2, out by 3\), which is no whole",
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
        (
            {"n": "2*h", "out": sympy.Symbol("h", integer=True, nonnegative=True) + 1},
            HyperparameterError,
            r"^n and out have different symbols of one name, among h, h",
        ),
        ({"n": 1, "out": 1, "k": range(1, 10**9, 2)}, HyperparameterError, r"^k is among more than 10000 separate"),
        ({"n": "κ", "out": "κ"}, HyperparameterError, r"^n is κ, but κ is an unknown here"),
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
        (
            {"n": 1, "out": 1, "padding": "valid", "p": 0},
            HyperparameterError,
            r"^padding='valid' leaves no p to be set",
        ),
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
    with pytest.raises(UnknownNameError, match=r"no letter of a solution 'stride'"):
        _ = {"k": 3, "stride": 2} in found.families[0]
    with pytest.raises(HyperparameterError, match=r"^number is -1, "):
        found.first(-1)
