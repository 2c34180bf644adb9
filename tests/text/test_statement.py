"""The parser for statements: the grammar, the place of what is wrong, and that nothing which is typed can do harm."""

from __future__ import annotations

import re
import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.errors import TextError
from convmath.text import (
    Bracket,
    Call,
    Element,
    Entry,
    Equation,
    Expression,
    Name,
    Negative,
    Number,
    Operation,
    Range,
    Reduction,
    Relation,
    Tree,
    equations,
    expression,
    listing,
    names,
    reductions,
    relations,
    statement,
)

from ..faults import caught
from .test_expression import HOSTILE, TYPED, refusal

i, j, k, n, t = map(Name, "ijknt")
X = Element("X", (j,))
POSITIVE = Bracket(Relation((Number(Fraction(0)), t), ("<",)))


def right(written: str) -> Expression:
    [found] = equations(f"Y = {written}")
    return found.right


# --- meaning ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "tree"),
    [
        ("X[j]", X),
        ("X [ j ]", X),
        ("X[j, 2*t]", Element("X", (j, Operation("*", Number(Fraction(2)), t)))),
        ("sum(t<k) X[j]", Reduction("sum", (Range(t, k),), (), X)),
        ("Σ(t<k) X[j]", Reduction("sum", (Range(t, k),), (), X)),
        ("max(t < k, i < n) X[j]", Reduction("max", (Range(t, k), Range(i, n)), (), X)),
        (
            "min(t<k where t<i, i|t) X[j]",
            Reduction("min", (Range(t, k),), (Relation((t, i), ("<",)), Relation((i, t), ("|",))), X),
        ),
        ("min(t, k)", Call("min", (t, k))),
        ("[0<t]", POSITIVE),
        ("[0 <= t != k >= n == i]", Bracket(Relation((Number(Fraction(0)), t, k, n, i), ("≤", "≠", "≥", "=")))),
        ("[t ∣ i]", Bracket(Relation((t, i), ("|",)))),
        ("[0<t] X[j]", Operation("*", POSITIVE, X)),
        ("[0<t] [0<t] X[j]", Operation("*", Operation("*", POSITIVE, POSITIVE), X)),
        ("-[0<t] X[j]", Operation("*", Negative(POSITIVE), X)),
        ("[0<t] (t)", Operation("*", POSITIVE, t)),
        ("[0<t]*X[j]/k", Operation("/", Operation("*", POSITIVE, X), k)),
        ("where", Name("where")),
    ],
)
def test_the_tree(written: str, tree: Expression) -> None:
    assert right(written) == tree


def test_a_reduction_reaches_over_the_product_behind_it() -> None:
    assert right("sum(t<k) X[j]*t/k + n") == Operation("+", right("sum(t<k) (X[j]*t/k)"), n)
    assert right("2*sum(t<k) X[j]*t") == Operation("*", Number(Fraction(2)), right("sum(t<k) (X[j]*t)"))
    assert right("sum(t<k) -X[j]^2") == Reduction("sum", (Range(t, k),), (), right("-X[j]^2"))
    assert right("(sum(t<k) X[j])/k") == Operation("/", right("sum(t<k) X[j]"), k)


def test_left_sides() -> None:
    [stated] = equations("Y[v, j<m, 2*i+t] = 1")
    assert stated.array == "Y"
    assert stated.at == (Entry(Name("v"), None), Entry(j, Name("m")), Entry(right("2*i+t"), None))
    assert equations("K = 1")[0].at == ()


@pytest.mark.parametrize(
    "written",
    [
        "S[j] = X[j]; Y[j] = S[j]",
        "S[j] = X[j]\nY[j] = S[j]",
        "\n\nS[j] = X[j]\n\n;Y[j] = S[j];\n",
        "S[j]\n= X[j]\nY\n[j] = S[j]",
        "S[j] = X[\nj\n]\nY[j] = (\nS[j])",
    ],
)
def test_equations_stand_on_lines_of_their_own_or_behind_a_semicolon(written: str) -> None:
    assert equations(written) == (
        Equation("S", (Entry(j, None),), X),
        Equation("Y", (Entry(j, None),), Element("S", (j,))),
    )


@pytest.mark.parametrize(
    "wrapped", ["sum(t<k)\nX[j]*t", "sum(t<k) X[j]\n  *t", "sum(t<k) X[j]*\nt", "sum(\nt<k) X[j]*t"]
)
def test_a_line_that_begins_no_equation_goes_on(wrapped: str) -> None:
    assert right(wrapped) == right("sum(t<k) X[j]*t")


def test_what_is_in_a_tree() -> None:
    tree = right("a + exp(b*X[c]) - [d < e] * sum(t<k) f + -g")
    assert [name.name for name in names(tree)] == ["a", "b", "d", "e", "g"]
    assert [found.body for found in reductions(tree)] == [Name("f")]
    assert [one.body for one in reductions(right("sum(t<k) (sum(i<n) t)"))] == [right("sum(i<n) t")]


def test_lists() -> None:
    assert listing("n, 2*k") == (n, right("2*k"))
    assert relations("t < k, 0 <= i") == (Relation((t, k), ("<",)), Relation((Number(Fraction(0)), i), ("≤",)))
    for reader in (listing, relations):
        assert refusal(reader, "n, ,") is not None
        assert refusal(reader, "n n") is not None


# --- laws -------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from("ijknt").map(Name)


def elements(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    return st.builds(Element, st.sampled_from("XW"), st.lists(inner, min_size=1, max_size=2).map(tuple))


def related(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Relation]:
    signs = st.sampled_from(statement.RELATIONS)
    return st.lists(st.tuples(signs, inner), min_size=1, max_size=2).flatmap(
        lambda pairs: inner.map(lambda first: Relation((first, *(p for _, p in pairs)), tuple(s for s, _ in pairs)))
    )


def trees(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    ranges = st.lists(st.builds(Range, NAMES, inner), min_size=1, max_size=2).map(tuple)
    return st.one_of(
        st.builds(Operation, st.sampled_from(["+", "-", "*", "/", "//", "^"]), inner, inner),
        st.builds(Negative, inner),
        st.builds(Call, st.sampled_from(["exp", "max"]), st.tuples(inner)),
        elements(inner),
        st.builds(Bracket, related(inner)),
        st.builds(
            Reduction, st.sampled_from(["sum", "max"]), ranges, st.lists(related(inner), max_size=2).map(tuple), inner
        ),
    )


TREES = st.recursive(st.one_of(NAMES, st.integers(0, 20).map(Fraction).map(Number)), trees, max_leaves=6)


def typed(tree: Tree) -> str:
    """A tree as text, every part in parentheses."""
    match tree:
        case Number(value=value):
            return str(value)
        case Name(name=name):
            return name
        case Negative(of=inner):
            return f"-({typed(inner)})"
        case Operation(sign=sign, left=left, right=right):
            return f"({typed(left)}) {sign} ({typed(right)})"
        case Call(function=function, arguments=parts):
            return f"{function}({', '.join(map(typed, parts))})"
        case Element(array=array, at=parts):
            return f"{array}[{', '.join(map(typed, parts))}]"
        case Relation(parts=(first, *others), signs=signs):
            return typed(first) + "".join(f" {s} {typed(part)}" for s, part in zip(signs, others, strict=True))
        case Bracket(relation=relation):
            return f"[{typed(relation)}]"
        case Range(index=index, size=size):
            return f"{index.name}<{typed(size)}"
        case Reduction(kind=kind, ranges=ranges, where=where, body=body):
            said = f" where {', '.join(map(typed, where))}" if where else ""
            return f"{kind}({', '.join(map(typed, ranges))}{said}) ({typed(body)})"
    raise AssertionError(tree)


def parts(tree: Tree) -> list[Tree]:
    """The tree and all below it that may stand by itself."""
    match tree:
        case Reduction(ranges=ranges, where=where, body=body):
            below = [part for one in ranges for part in parts(one.size)]
            below += [part for relation in where for each in relation.parts for part in parts(each)] + parts(body)
        case Bracket(relation=relation):
            below = [part for each in relation.parts for part in parts(each)]
        case Operation(left=left, right=right):
            below = parts(left) + parts(right)
        case Negative(of=inner):
            below = parts(inner)
        case Call(arguments=each) | Element(at=each):
            below = [part for one in each for part in parts(one)]
        case _:
            below = []
    return [tree, *below]


@given(data=st.data())
def test_what_is_written_is_read_back(data: st.DataObject) -> None:
    tree = data.draw(TREES, label="tree")
    assert right(typed(tree)) == tree


@given(data=st.data())
def test_a_span_is_what_a_node_was_read_from(data: st.DataObject) -> None:
    written = "Y = " + typed(data.draw(TREES, label="tree"))
    [equation] = equations(written)
    assert equation.span == (0, len(written))
    for part in parts(equation.right):
        start, end = part.span
        assert right(written[start:end]) == part


@given(data=st.data())
def test_any_text_is_read_or_refused(data: st.DataObject) -> None:
    signs = st.sampled_from([*"01jktnvXYS+-*/^()[],=<>|.;'\n ", "sum(t<k) ", "max(", " where ", "Y[j] = ", "≤"])
    written = data.draw(st.one_of(st.lists(signs, max_size=20).map("".join), st.text(TYPED, max_size=30)), label="text")
    error = refusal(equations, written)
    assert error is None or re.search(r" came |has no meaning here$|nested|more than", str(error))


# --- what is wrong, and where -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("", r'^the end at place 1 of "" came where an equation, such as Y\[v,c,j\] = .*, is needed$'),
        (" ;; ", r"came where an equation, such as"),
        ("X[j]", r'^the end at place 5 of "X\[j\]" came where the = of an equation is needed$'),
        ("Y[j = 1", r"^'=' at place 5 of .* came where a closing bracket is needed$"),
        ("Y[] = 1", r"^'\]' at place 3 of .* came where a number, a name or a parenthesis is needed$"),
        ("2 = Y", r"^'2' at place 1 of .* came where the name of an array that an equation states is needed$"),
        ("Y = 1 = 2", r"^'=' at place 7 of .* came where an operator, a new equation or the end is needed$"),
        ("Y = X[j", r"^the end at place 8 of .* came where a closing bracket is needed$"),
        ("Y = sum(t<k X[t]", r"^'X' at place 13 of .* came where a closing parenthesis is needed$"),
        ("Y = sum(t) X[t]", r"^'t' at place 9 of .* came where an index with its range, as in sum\(t<k\)"),
        ("Y = sum(t<=k) X[t]", r"^'t' at place 9 of .* came where an index with its range, as in sum\(t<k\)"),
        ("Y = sum(t<k, i) X[t]", r"^'\)' at place 15 of .* came where the < of a range \(t<k is t = 0, …, k-1\) "),
        ("Y = sum(t<k, 2<i) X[t]", r"^'2' at place 14 of .* came where an index with its range, such as t<k,"),
        ("Y = sum(t<k)", r"^the end at place 13 of .* came where a number, a name or a parenthesis is needed$"),
        ("Y = sum(t<k where t) X[t]", r"^'\)' at place 20 of .* came where a relation \(< ≤ = ≠ > ≥ or \|\)"),
        ("Y = [t]", r"^'\]' at place 7 of .* came where a relation "),
        ("Y = X[t] X[t]", r"^'X' at place 10 of .* came where an operator, a new equation or the end is needed$"),
        ("Y = X[t]\nS = X[t] X[t]", r"^'X' at place 10 of line 2, \"S = X\[t\] X\[t\]\", came where an operator"),
        ("Y = X[t]\n  S = X[t]!", r"^'!' at place 11 of line 2, \"S = X\[t\]!\", has no meaning here$"),
        ("Y = X[t].T", r"^'\.' at place 9 of .* has no meaning here$"),
        ("Y = X[t:]", r"^':' at place 8 of .* has no meaning here$"),
        ("Y = " + "(" * 80 + "t" + ")" * 80, r"is nested deeper than 60 levels$"),
        ("Y = " + "[t < " * 80, r"is nested deeper than 60 levels$"),
        ("Y = " + "X[" * 80, r"is nested deeper than 60 levels$"),
        ("Y = " + "sum(t<k) " * 80 + "t", r"is nested deeper than 60 levels$"),
        ("Y = t" + "+t" * 800, r"has 1603 parts, but 1500 are the most that is read$"),
        ("Y = " + "t" * 6000, r"^a text of 6004 characters came, but 6000 are the most that is read$"),
    ],
    ids=lambda written: repr(written)[:30],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(written: str, sentence: str) -> None:
    with pytest.raises(TextError, match=sentence):
        equations(written)


@pytest.mark.parametrize("written", HOSTILE, ids=lambda written: f"{ascii(written)[:24]} {len(written)}")
def test_hostile_text_is_read_or_refused_at_once(written: str) -> None:
    start = time.perf_counter()
    for wrapped in (written, f"Y = {written}", f"Y[{written}] = 1", f"Y = X[{written}]", f"Y = sum(t<{written}) 1"):
        assert len(str(refusal(equations, wrapped))) < 2 * statement.LONGEST + 200
    assert time.perf_counter() - start < 3


# --- teeth ------------------------------------------------------------------------------------------------------


def test_a_reduction_that_reaches_over_a_sum_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement.StatementParser, "product", lambda self: self.sum())
    with pytest.raises((AssertionError, TextError, RecursionError)):
        test_a_reduction_reaches_over_the_product_behind_it()


def test_relations_that_lose_their_order_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = statement.StatementParser.relation

    def turned(self: statement.StatementParser) -> Relation:
        found = true(self)
        return Relation(found.parts[::-1], found.signs, span=found.span)

    monkeypatch.setattr(statement.StatementParser, "relation", turned)
    caught(test_what_is_written_is_read_back)


def test_a_span_that_is_too_long_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = expression.Parser.since
    monkeypatch.setattr(
        expression.Parser, "since", lambda self, first: (true(self, first)[0], true(self, first)[1] + 1)
    )
    caught(test_a_span_is_what_a_node_was_read_from)


def test_lines_that_are_not_told_apart_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement, "_begins_an_equation", lambda tokens, at: False)
    with pytest.raises(TextError):
        test_equations_stand_on_lines_of_their_own_or_behind_a_semicolon("S[j] = X[j]\nY[j] = S[j]")
