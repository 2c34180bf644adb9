"""Breaking long lines, and putting values in: nothing is lost, nothing is worked out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.ir.build import size
from convmath.ir.poly import Poly, floor, least
from convmath.render import latex, tree
from convmath.render.derivation import document
from convmath.render.document import _LEAST, _LIMITS, Display, _lines
from convmath.render.mathematics import layout
from convmath.render.text import text
from convmath.render.tree import (
    BREAK,
    DOT,
    PLUS,
    SUM_BREAK,
    TERM_BREAK,
    TIMES,
    Big,
    Break,
    Fence,
    Fn,
    Frac,
    Layout,
    Num,
    Op,
    Row,
    Script,
    Sym,
    Words,
    broken,
    joined,
    put_in,
    row,
    width,
)

from ..faults import caught
from .documents import PRINTED

# --- lines ------------------------------------------------------------------------------------------------------

START = Op("·", "start")  # the sign of a product at the head of a line


@st.composite
def sums(draw: st.DrawFn, deep: int = 2) -> Layout:
    """Terms, each a product of names and sums in parentheses, some behind a sum sign or brackets."""
    terms = []
    for _ in range(draw(st.integers(1, 4 if deep == 2 else 2))):
        factors: list[Layout] = [Sym("x" * draw(st.integers(1, 12))) for _ in range(draw(st.integers(1, 3)))]
        if deep and draw(st.booleans()):
            factors.append(Fence("(", draw(sums(deep - 1)), ")"))
        guards = [Fence("[", Sym("P" * draw(st.integers(1, 9))), "]") for _ in range(draw(st.integers(0, 2)))]
        product = joined(BREAK, [*guards, joined(row(BREAK, TIMES), factors)])
        sign = Big("Σ", Sym("t" * draw(st.integers(1, 9))))
        terms.append(row(sign, SUM_BREAK, product) if draw(st.booleans()) else product)
    return joined(row(TERM_BREAK, PLUS), terms)


def leaves(node: Layout) -> list[Layout]:
    """What there is to read from left to right, wherever a line was broken."""
    match node:
        case Row(items=items):
            return [leaf for item in items for leaf in leaves(item)]
        case Fence(left="(", body=body):
            return [Op("("), *leaves(body), Op(")")]
        case Break():
            return []
    return [TIMES if node == START else node]


def could_be_broken(line: Layout) -> bool:
    items = line.items if isinstance(line, Row) else (line,)
    inner = [item.body for item in items if isinstance(item, Fence)]
    return any(isinstance(item, Break) for item in items) or any(map(could_be_broken, inner))


MEASURES: dict[str, Callable[[Layout], float]] = {"typeset": width, "text": lambda node: len(text(node))}


@pytest.mark.parametrize("measure", list(MEASURES))
@given(data=st.data())
def test_lines_hold_the_whole_and_fit_where_a_break_was_there(measure: str, data: st.DataObject) -> None:
    whole, limit = data.draw(sums(), label="whole"), data.draw(st.integers(1, 60), label="limit")
    lines = tree.broken(whole, limit, MEASURES[measure])
    assert [leaf for line in lines for leaf in leaves(line)] == leaves(whole)
    for line in lines:
        assert MEASURES[measure](line) <= limit or not could_be_broken(line)
    for line in lines[1:]:
        first = line.items[0] if isinstance(line, Row) else line
        assert first != TIMES  # it would be set as a space


@given(data=st.data())
def test_what_fits_is_not_broken(data: st.DataObject) -> None:
    whole = data.draw(sums())
    assert tree.broken(whole, width(whole)) == [whole]


def test_lines_are_broken_between_terms_first() -> None:
    product = joined(row(BREAK, TIMES), map(Sym, ("aaa", "bbb")))
    whole = joined(row(TERM_BREAK, PLUS), [product, product])
    assert [text(line) for line in broken(whole, 14, MEASURES["text"])] == ["aaa · bbb", " + aaa · bbb"]
    assert [text(line) for line in broken(whole, 8, MEASURES["text"])] == ["aaa", "· bbb", " + aaa", "· bbb"]


def test_lines_are_broken_between_parentheses_before_they_are_behind_a_sum_sign() -> None:
    inner = joined(row(TERM_BREAK, PLUS), map(Sym, ("aaaa", "bbbb")))
    whole = row(Big("Σ", Sym("t")), SUM_BREAK, Fence("(", inner, ")"))
    lines = {limit: [text(line) for line in broken(whole, limit, MEASURES["text"])] for limit in (20, 14, 9)}
    assert lines == {
        20: ["Σ_{t} (aaaa + bbbb)"],
        14: ["Σ_{t} (aaaa", " + bbbb)"],
        9: ["Σ_{t}", "(aaaa", " + bbbb)"],
    }


@pytest.mark.parametrize("format", ["latex", "markdown", "html", "text"])
def test_no_line_that_is_printed_sticks_out_where_it_could_be_broken(format: str) -> None:
    measure = MEASURES["text" if format == "text" else "typeset"]
    for derivations in PRINTED.values():
        for derivation in derivations:
            for display in (block for block in document(derivation).blocks if isinstance(block, Display)):
                lines = list(_lines(display, format))
                head = max((measure(left) for left, _, _ in lines if left is not None), default=0)
                for _, _, right in lines:
                    assert measure(right) <= max(_LIMITS[format] - head - 3, _LEAST) or not could_be_broken(right)


def test_a_line_that_was_not_broken_between_parentheses_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = tree._parts
    monkeypatch.setattr(tree, "_parts", lambda line, at, *others: true(line, at, *others) if at else [line])
    with pytest.raises(AssertionError):
        test_no_line_that_is_printed_sticks_out_where_it_could_be_broken("latex")


# --- widths -----------------------------------------------------------------------------------------------------

NODES = [
    Sym("gX"),
    Fn("exp"),
    Num("12"),
    Op("+"),
    Op(",", "after"),
    Row((Sym("a"), Op("+"), Sym("b"))),
    Script(Sym("n"), Num("1"), Num("2"), 1),
    Frac(Sym("n"), Sym("s")),
    Fence("⌊", Sym("n"), "⌋"),
    Big("Σ", Sym("t")),
    Words("for every"),
]


@pytest.mark.parametrize("node", NODES, ids=lambda node: type(node).__name__ + getattr(node, "sign", ""))
def test_every_node_has_a_width_and_a_row_is_as_wide_as_its_items(node: Layout) -> None:
    assert width(node) > 0
    assert width(row(node, Sym("x"))) == pytest.approx(width(node) + 1)


def test_a_break_has_no_width_and_an_unknown_node_none_that_is_known() -> None:
    assert width(BREAK) == 0
    with pytest.raises(NotImplementedError, match=r"^no width of a object$"):
        width(object())  # type: ignore[arg-type]


# --- putting values in ------------------------------------------------------------------------------------------

n, k, s, d, p = size("n"), size("k", least=1), size("s", least=1), size("d", least=1), size("p")
n1, s1 = size("n", 1), size("s", 1, least=1)


def values(**given: int) -> dict[Layout, Layout]:
    forms = {"n": n, "k": k, "s": s, "d": d, "p": p, "n1": n1, "s1": s1}
    return {layout(forms[name]): Num(str(value)) for name, value in given.items()}


@pytest.mark.parametrize(
    ("form", "given", "shown", "typeset"),
    [
        (2 * p, {"p": 3}, "2·3", r"2\cdot 3"),
        (d * (k - 1) + 1, {"d": 2, "k": 7}, "2·(7-1)+1", r"2\cdot (7-1)+1"),
        (n * n, {"n": 4}, "4²", "4^{2}"),
        (floor(n - 1, s) + 1, {"n": 224, "s": 2}, "⌊(224-1)/2⌋+1", r"\left\lfloor \frac{224-1}{2}\right\rfloor +1"),
        (floor(n1 - 1, s1), {"n1": 9, "s1": 2}, "⌊(9-1)/2⌋", r"\left\lfloor \frac{9-1}{2}\right\rfloor "),
        (least(n, k) + s, {"n": 5, "k": 3, "s": 1}, "min(3, 5)+1", r"\min (3,\ 5)+1"),
        (2 * p + n, {"n": 5}, "n+2·p", None),
    ],
    ids=str,
)
def test_values_are_put_in_and_nothing_is_worked_out(
    form: Poly, given: dict[str, int], shown: str, typeset: str | None
) -> None:
    found = put_in(layout(form), values(**given))
    if typeset is None:  # n is put in, p is left
        shown = shown.replace("n", "5")
    assert text(found) == shown
    if typeset is not None:
        assert latex.latex(found) == typeset


def test_a_letter_inside_another_name_is_left_alone() -> None:
    """n is 4, n₁ is not; and a subscript is no value."""
    assert text(put_in(layout(n1 * n), values(n=4))) in ("4·n₁", "n₁·4")
    assert text(put_in(Script(Sym("x"), Num("1")), {Num("1"): Num("2")})) == "x₁"


# --- teeth ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        lambda true, pieces, at, limit, measure: true(pieces, at, limit, measure)[:2],
        lambda true, pieces, at, limit, measure: true([*pieces, pieces[-1]], at, limit, measure),
        lambda true, pieces, at, limit, measure: true(pieces, at, 2 * limit, measure),
        lambda true, pieces, at, limit, measure: true(pieces[::-1], at, limit, measure),
    ],
    ids=["a line is lost", "a piece stands twice", "a limit that is not respected", "the wrong order"],
)
def test_lines_that_are_broken_wrong_are_caught(fault: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    true = tree._filled_lines
    monkeypatch.setattr(tree, "_filled_lines", lambda *arguments: fault(true, *arguments))
    for measure in MEASURES:
        caught(test_lines_hold_the_whole_and_fit_where_a_break_was_there, measure)


def test_a_product_that_loses_its_dot_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """2 · 3 set side by side is 23."""
    monkeypatch.setattr(tree, "DOT", tree.BESIDE)
    with pytest.raises(AssertionError):
        test_values_are_put_in_and_nothing_is_worked_out(2 * p, {"p": 3}, "2·3", r"2\cdot 3")
    assert DOT != tree.DOT
