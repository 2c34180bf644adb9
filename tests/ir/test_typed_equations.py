"""Typed equations are the nodes that they say, on one axis and lifted to several."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.errors import TextError
from convmath.ir import typed_equations, typed_scope
from convmath.ir.build import axes, count, equation, index, largest, poly, read, size, total
from convmath.ir.functions import PI
from convmath.ir.nodes import (
    Apply,
    AtMost,
    Bracket,
    Compare,
    Divides,
    Equation,
    IndexValue,
    Less,
    Matches,
    Product,
    Real,
    Scalar,
    Term,
    Within,
    Zero,
)
from convmath.ir.poly import Poly, least
from convmath.ir.typed_equations import conditions, equations, sizes
from convmath.ir.typed_scope import Vocabulary

from ..faults import caught

BETA = Real("β")
WORDS = Vocabulary(
    sizes={"N": (0, None), "C": (1, None), "n": (0, None), "m": (0, None), "k": (1, None), "s": (1, 1), "a": (0, 0)},
    ranges={"ν": "N", "c": "C", "i": "n", "j": "m"},
    spatial=frozenset("ijtnmksa"),
    aliases={"v": "ν"},
    reals={"beta": BETA},
)
N, C, n, m, k, s, a = (
    size("N"),
    size("C", least=1),
    size("n"),
    size("m"),
    size("k", least=1),
    size("s", least=1),
    size("a"),
)
ν, c, i, j, t = index("ν", N), index("c", C), index("i", n), index("j", m), index("t", k)
X = read("X", j)


def stated(text: str, ndim: int = 1) -> tuple[Equation, ...]:
    return equations(text, WORDS, ndim).equations


def term(text: str) -> Term:
    """The one term of Y[j] = text."""
    [found] = stated(f"Y[j] = {text}")
    [only] = found.terms
    return only


# --- on one axis ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Y[v,c,j] = X[v,c,s*j]", equation("Y", [ν, c, j], total(read("X", ν, c, s * poly(j))))),
        ("K = sum(t<k) 1", equation("K", [], count([t]))),
        ("Y[j] = sum(t<k) X[j+t]/k", equation("Y", [j], total(read("X", poly(j) + poly(t)) / IndexValue(k), [t]))),
        ("Y[j] = 2*sum(t<k) X[j]", equation("Y", [j], total(2 * X, [t]))),
        ("Y[j] = -(sum(t<k) X[j])/k", equation("Y", [j], total(-1 * X / IndexValue(k), [t]))),
        ("Y[j] = (sum(t<k) X[j] - X[j])*2", equation("Y", [j], total(2 * X, [t]), total(-2 * X))),
        ("Y[j] = max(t<k) X[j]*t", equation("Y", [j], largest(X * t, [t]))),
        ("Y[j] = sum(t<k where t < j) X[j]", equation("Y", [j], total(X, [t], [Less(poly(t), poly(j))]))),
        ("Y[s*i+c] = X[i]", equation("Y", [s * poly(i) + c], total(read("X", i)))),
        ("Y[j] = sum(t<k) X[j] + sum(t<k) X[t]", equation("Y", [j], total(X, [t]), total(read("X", t), [t]))),
        ("Y[i<n-k] = X[i]", equation("Y", [index("i", n - k)], total(read("X", index("i", n - k))))),
    ],
)  # fmt: skip
def test_an_equation(text: str, expected: Equation) -> None:
    assert stated(text) == (expected,)


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("3", 3),
        ("2.5*X[j]", 5 * X / 2),
        ("X[j]^2", X**2),
        ("X[j]^-1", 1 / X),
        ("X[j]^beta", X**BETA),
        ("exp(beta*X[j])", Apply("exp", BETA * X)),
        ("abs(-3)", 3),
        ("pi*X[j]", PI * X),
        ("j", IndexValue(poly(j))),
        ("(2*j - s)/(2*s)", IndexValue(2 * poly(j) - s) / IndexValue(2 * s)),
        ("j*j", IndexValue(poly(j)) * IndexValue(poly(j))),
        ("j^2*s^2", IndexValue(poly(j)) ** 2 * IndexValue(s * s)),
        ("min(j, n)", IndexValue(least(poly(j), n))),
        ("max(j, n)", IndexValue(-least(-poly(j), -n))),
        ("j//2 + floor(j/2)", IndexValue(2 * (poly(j) // 2))),
        ("6*n/3/n", 2),
        ("exp([j < n])", Apply("exp", Bracket(Less(poly(j), n)))),
    ],
)
def test_a_scalar(text: str, body: Scalar | int) -> None:
    found = term(text)
    assert (found.guards, found.body) == ((), total(body).body)


@pytest.mark.parametrize(
    ("text", "guards"),
    [
        ("0 <= j-a < n", [Within(j - a, n)]),
        ("0 <= j-a, j < n", [AtMost(poly(0), j - a), Less(poly(j), n)]),
        ("1 <= j < n", [AtMost(poly(1), poly(j)), Less(poly(j), n)]),
        ("0 <= j <= n", [AtMost(poly(0), poly(j)), AtMost(poly(j), n)]),
        ("n > j >= 0", [Less(poly(j), n), AtMost(poly(0), poly(j))]),
        ("j = s*j", [Zero(poly(j), s * poly(j))]),
        ("j == s*j", [Zero(poly(j), s * poly(j))]),
        ("s | j - a", [Divides(s, j - a)]),
        ("X[j] < 1", [Compare(X, "<", total(1).body)]),
        ("j < X[j]", [Compare(IndexValue(poly(j)), "<", X)]),
        ("X[j] = T[j]", [Compare(X, "=", read("T", j))]),
        ("j != 1", [Compare(IndexValue(poly(j)), "≠", total(1).body)]),
        ("j = T[j]", [Matches(poly(j), read("T", j))]),
        ("T[j] = j", [Matches(poly(j), read("T", j))]),
        ("n = T[j]", [Compare(IndexValue(n), "=", read("T", j))]),
    ],
)
def test_a_relation(text: str, guards: list) -> None:
    """Behind where, and as brackets in front."""
    assert term(f"sum(t<k where {text}) X[j]").guards == tuple(guards)
    brackets = "".join(f"[{part}]" for part in text.split(", "))
    assert term(f"{brackets} X[j]") == total(X, (), guards)
    assert term(f"sum(t<k) 2*X[j]*{'*'.join(f'[{part}]' for part in text.split(', '))}") == total(2 * X, [t], guards)


def test_the_values_of_an_equation_are_no_whole_numbers_that_match() -> None:
    _, stated_after = stated("A[j] = X[j]; Y[j] = [j = A[j]]")
    assert stated_after.terms[0].guards == (Compare(IndexValue(poly(j)), "=", read("A", j)),)


def test_the_left_side_says_which_indices_have_a_range_of_their_own() -> None:
    found = equations("S[j<n] = X[j]; Y[c,j] = S[j]", WORDS, 1)
    assert found.said == {("j", 0)}
    assert [equation.free for equation in found.equations] == [(index("j", n),), (c, index("j", n))]


# --- lifted -----------------------------------------------------------------------------------------------------


def test_positions_ranges_and_relations_are_lifted() -> None:
    (n1, n2), (m1, m2), (k1, k2), (s1, s2) = (
        axes(letter, 2, low) for letter, low in (("n", 0), ("m", 0), ("k", 1), ("s", 1))
    )
    j1, j2, t1, t2 = index("j", m1, 1), index("j", m2, 2), index("t", k1, 1), index("t", k2, 2)
    at = [s1 * poly(j1) + t1, s2 * poly(j2) + t2]
    body = read("W", c, t1, t2) * read("X", ν, c, *at)
    expected = equation("Y", [ν, c, j1, j2], total(body, [t1, t2], [Within(at[0], n1), Within(at[1], n2)]))
    lifted = "Y[v,c,j] = sum(t<k where 0 <= s*j+t < n) W[c,t]*X[v,c,s*j+t]"
    assert stated(lifted, 2) == (expected,)
    assert stated(lifted.replace("where ", "").replace("0 <= s*j+t < n)", ")[0 <= s*j+t < n] "), 2) == (expected,)


@st.composite
def written(draw: st.DrawFn, ndim: int) -> tuple[str, str]:
    """An equation for one axis, and the same with each axis written out."""

    def each(text: str) -> str:
        for letter in "ijtnmksa":
            text = text.replace(letter, letter.upper())
        return ",".join(
            "".join(f"{one.lower()}{axis}" if one in "IJTNMKSA" and one != "N" else one for one in text).replace(
                "N", f"n{axis}"
            )
            for axis in range(1, ndim + 1)
        )

    letters = ["j", "j+t", "s*j+t-a", "t", "s*t", "i-j", "(i+t)//s", "n-1-j"]
    position, other = draw(st.sampled_from(letters)), draw(st.sampled_from(letters))
    relation = draw(st.sampled_from([f"0 <= {position} < n", f"{position} < i", f"{other} = i", f"s | {position}"]))
    kind = draw(st.sampled_from(["sum", "max"]))
    write = lambda of: (  # noqa: E731
        f"Y[v,{of('j')}] = {kind}({of('t<k')}, {of('i<n')} where {of(relation)}) "
        f"exp(beta*X[v,{of(position)}])*W[{of(other)}]"
    )
    return write(str), write(each)


@given(data=st.data())
def test_lifting_is_writing_every_axis_out(data: st.DataObject) -> None:
    ndim = data.draw(st.integers(2, 3), label="ndim")
    one, spelled = data.draw(written(ndim), label="texts")
    assert stated(one, ndim) == stated(spelled, ndim)


def test_a_range_lifts_the_index_that_it_is_of() -> None:
    [found] = stated("Y[c] = sum(u<n) X[c,u]", 2)
    n1, n2 = axes("n", 2)
    u = [index("u", n1, 1), index("u", n2, 2)]
    assert found == equation("Y", [c], total(read("X", c, *u), u))
    first, second = stated("S[u<n] = X[u]; Y[u] = S[u]", 2)
    assert first.at == second.at == tuple(map(poly, u))
    assert stated("Y[u<C] = X[u]", 2)[0].at == (poly(index("u", C)),)


def test_axes_may_be_written_out_one_by_one() -> None:
    [found] = stated("Y[j1,j2] = X[j1,j2]/(k1*k2)", 2)
    k1, k2 = axes("k", 2, 1)
    assert found.terms[0].body == Product.of(read("X", *found.at), 1 / IndexValue(k1 * k2))


def test_sizes_and_conditions() -> None:
    assert sizes("C, n, 2*k", WORDS, 1) == (C, n, 2 * k)
    assert sizes("C, n", WORDS, 2) == (C, *axes("n", 2))
    assert conditions("a < k, 1 <= C", WORDS, 1) == (Less(a, k), AtMost(poly(1), C))
    assert len(conditions("a < k, 1 <= C", WORDS, 3)) == 4


# --- what is wrong ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        # indices
        ("Y[j,j] = 1", r"^'j' at place 5 of .* binds an index a second time; use another letter here$"),
        ("Y[j] = sum(j<k) 1", r"^'j' at place 12 of .* binds an index a second time"),
        ("Y[j] = sum(t<k, t<n) 1", r"^'t' at place 17 of .* binds an index a second time"),
        ("Y[v,nu] = X[v]", r"^'nu' at place 5 of .* is no index; an index is one letter"),
        ("Y[u] = 1", r"^'u' at place 3 of .* has no range; write u<… \(known are ν<N, c<C, i<n, j<m\)$"),
        ("Y[k] = 1", r"^'k' at place 3 of .* is a size; call the index by another letter$"),
        ("Y[k<n] = 1", r"^'k' at place 3 of .* is a size; call the index by another letter$"),
        ("Y[beta<n] = 1", r"^'beta' at place 3 of .* is a real parameter; call the index by another letter$"),
        ("Y[tap<n] = 1", r"^'tap' at place 3 of .* is no index; an index is one letter"),
        ("Y[2*j<n] = 1", r"^'2\*j<n' at place 3 of .* gives a range to a form"),
        ("S[j<n] = 1; Y[j<k] = S[j]", r"^'j' at place 15 of .* has the range j<n in an equation before"),
        ("Y[j] = sum(t<j) 1", r"^'j' at place 14 of .* is the end of a range, but depends on an index"),
        ("Y[j] = X[c]", r"^'c' at place 10 of .* is an index that nothing binds: put c on the left side"),
        ("Y[j] = u*X[j]", r"^'u' at place 8 of .* is no size, no index that is bound here and no real parameter"),
        ("Y[j] = (sum(t<k) X[t])*t", r"^'t' at place 24 of .* is no size, no index that is bound here"),
        ("Y[j] = k1", r"^'k1' at place 8 of .* names axis 1, but there is one spatial axis, without a subscript$"),
        # positions
        ("Y[j] = X[j*j]", r"^'j\*j' at place 10 of .* is not affine in the indices: a position or size is "),
        ("Y[j] = X[j^2]", r"^'j\^2' at place 10 of .* is not affine in the indices"),
        ("Y[j] = X[j/2]", r"^'j/2' at place 10 of .* is not affine in the indices"),
        ("Y[j] = X[2.5]", r"^'2\.5' at place 10 of .* is not affine"),
        ("Y[j] = X[X[j]]", r"^'X\[j\]' at place 10 of .* is not affine"),
        ("Y[j] = X[exp(j)]", r"^'exp\(j\)' at place 10 of .* is not affine"),
        ("Y[j] = X[(j*j)//2]", r"rounds down what is no position, or divides by an index"),
        ("Y[j] = X[n//j]", r"^'n//j' at place 10 of .* rounds down what is no position, or divides by an index"),
        ("Y[j] = [j | n] X[j]", r"^'j \| n' at place 9 of .* is no s \| e with a size s and a position e"),
        ("Y[j] = sum(t<k/2) 1", r"^'k/2' at place 14 of .* is not affine"),
        ("Y[j] = j//0", r"^'j//0' at place 8 of .* divides by 0$"),
        ("Y[j] = X[j]/(k - k)", r"^'X\[j\]/\(k - k\)' at place 8 of .* divides by 0$"),
        ("Y[j] = (k - k)^-1", r"divides by 0$"),
        # arrays
        ("Y[j] = Y[j]", r"^'Y\[j\]' at place 8 of .* reads Y before it is stated; put its equation first$"),
        ("Y[j] = S[j]; S[j] = 1", r"^'S\[j\]' at place 8 of .* reads S before it is stated"),
        ("Y[j] = 1; Y[j] = 2", r"^'Y\[j\] = 2' at place 11 of .* states Y a second time"),
        ("Y[j] = X[j] + X[j,j]", r"^'X\[j,j\]' at place 15 of .* reads X at 2 positions, but it has 1 axes$"),
        ("S[j] = 1; Y[j] = S", r"^'S' at place 18 of .* is an array; say where, S\[…\]$"),
        ("Y[j] = S; S = 1", r"^'S' at place 8 of .* is stated only later; put its equation first$"),
        ("k[j] = 1", r"^'k\[j\] = 1' at place 1 of .* calls an array k, which is a size, real parameter or function"),
        ("Y[j] = beta[j]", r"^'beta\[j\]' at place 8 of .* calls an array beta, which is "),
        ("exp[j] = 1", r"calls an array exp, which is "),
        # reductions
        ("Y[j] = log(sum(t<k) X[t])", r"^'sum\(t<k\) X\[t\]' at place 12 of .* stands inside another expression"),
        ("Y[j] = X[j]/sum(t<k) X[t]", r"stands inside another expression; state the sum in an equation of its own"),
        ("Y[j] = sum(t<k) X[t]*sum(i<n) X[i]", r"stands inside another expression; state the sum"),
        ("Y[j] = (sum(t<k) 1)*(sum(i<n) 1)", r"stands inside another expression; state the sum"),
        ("Y[j] = X[sum(t<k) t]", r"stands inside another expression"),
        ("Y[j] = [X[j] < sum(t<k) 1]", r"stands inside another expression"),
        ("Y[j] = sum(t<k where sum(i<n) 1 < t) 1", r"stands inside another expression"),
        ("Y[j] = 2*max(t<k) X[t]", r"^'max\(t<k\) X\[t\]' at place 10 of .* is multiplied; state the max"),
        ("Y[j] = -min(t<k) X[t]", r"is multiplied; state the min in an equation of its own"),
        ("Y[j] = 1 + max(t<k) X[t]", r"^'1 \+ max\(t<k\) X\[t\]' at place 8 of .* calculates with a max; state that"),
        ("Y[j] = (max(t<k) X[t])/2", r"calculates with a max|is multiplied"),
        ("Y[j] = max(t<k) [t<j] X[t]", r"multiplies by a bracket, which is 0 .* max\(… where …\)$"),
        # functions and numbers
        ("Y[j] = sin(X[j])", r"^'sin\(X\[j\]\)' at place 8 of .* applies sin, but the functions are exp, log, "),
        ("Y[j] = exp(j, j)", r"gives exp 2 arguments, but it takes one$"),
        ("Y[j] = min(X[j], 0)", r"takes the min of values; write it with brackets"),
        ("Y[j] = floor(X[j])", r"is no quotient; floors are written floor\(e/s\) or e//s"),
        ("Y[j] = X[j]^13", r"has an exponent beyond 12, the largest that is read$"),
        ("Y[j] = 9^9^9", r"has an exponent beyond 12"),
        ("Y[j] = (n+k+s+a)^12*(n+k+s+a)^12", r"is too much: a form of \d+ terms"),
        ("Y[j] = " + "+".join(["j"] * 300), r"^the equation of Y at place 1 of .* has 604 parts, but 400 are the most"),
        ("Y[j] = ((((0.5^12)^12)^12)^12)^12", r"is a number of more than 4000 bits, the longest that is read$"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(text: str, sentence: str) -> None:
    with pytest.raises(TextError, match=sentence):
        stated(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "Y[j] = X[j]/k",
            r"^'k' at place 13 of .* is one number here, but each of 2 spatial axes has its own; .* k1·k2$",
        ),
        ("Y[j] = [t < 1] X[j]", r"^'t' at place 9 of .* is no size, no index that is bound here"),
        ("Y[j3] = 1", r"^'j3' at place 3 of .* names axis 3, but there are axes 1 to 2$"),
        ("Y[j0] = 1", r"^'j0' at place 3 of .* names axis 0, but there are axes 1 to 2$"),
        ("Y[j] = X[j]*exp(j)", r"^'j' at place 17 of .* is one number here"),
        ("Y[j] = sum(t1<k) 1", r"binds an index a second time"),
    ],
)
def test_what_is_wrong_on_several_axes(text: str, sentence: str) -> None:
    with pytest.raises(TextError, match=sentence):
        stated(text, 2)


# --- teeth ------------------------------------------------------------------------------------------------------


def test_an_axis_that_is_left_out_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = typed_scope.Scope.axes
    monkeypatch.setattr(typed_scope.Scope, "axes", lambda self, *trees: true(self, *trees)[:1])
    caught(test_lifting_is_writing_every_axis_out)


def test_axes_that_change_places_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = typed_scope.Scope.axes
    monkeypatch.setattr(typed_scope.Scope, "axes", lambda self, *trees: true(self, *trees)[::-1])
    caught(test_lifting_is_writing_every_axis_out)


def test_a_sum_whose_second_part_loses_its_sign_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = typed_equations._Reader._terms

    def plus(self: typed_equations._Reader, tree: object, front: Scalar, *behind: Scalar) -> list[Term]:
        return true(self, tree, front if front != total(-1).body else total(1).body, *behind)  # type: ignore[arg-type]

    monkeypatch.setattr(typed_equations._Reader, "_terms", plus)
    with pytest.raises(AssertionError):
        test_an_equation("Y[j] = X[j] - X[j+1]", equation("Y", [j], total(X), total(-1 * read("X", j + poly(1)))))


def test_a_relation_that_loses_its_end_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = typed_equations._Reader.guards
    monkeypatch.setattr(typed_equations._Reader, "guards", lambda self, tree: true(self, tree)[:1])
    with pytest.raises(AssertionError):
        test_a_relation("1 <= j < n", [AtMost(poly(1), poly(j)), Less(poly(j), n)])
    assert isinstance(n, Poly)
