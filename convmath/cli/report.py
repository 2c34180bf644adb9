"""The results of `convmath verify` as one page that needs nothing else: no script, no network, its own style."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from convmath.notes.lecture import Recomputed, data
from convmath.ops.registry import Operator, operator
from convmath.render.derivation import display, document
from convmath.render.document import STYLE, html_blocks, page
from convmath.testing.laws import LAWS

from .results import Derived, Results, Tested
from .words import VERIFY, law

__all__ = ["report"]

Words = dict[str, str]

OWN_STYLE = """
body { max-width: 66rem; }
h2 { font-size: 1.45rem; border-bottom: 1px solid #8886; padding-bottom: .2rem; }
h3 { font-size: 1.12rem; margin: 1.6rem 0 .3rem; } h4 { font-size: 1rem; margin: 1.3rem 0 .2rem; }
section { margin-top: 2.6rem; }
nav a, h3 a { color: inherit; }
nav table.data { min-width: min(38rem, 100%); }
p code { font-size: .88em; overflow-wrap: anywhere; }
td code { font-size: .88em; }
td small { display: block; max-width: 28rem; }
pre { overflow-x: auto; padding: .7rem .9rem; background: #8881; font-size: .85rem; line-height: 1.45; }
.verdict { font-weight: 600; white-space: nowrap; }
.holds { color: #1a7f37; }
.fails { color: #c62828; }
.deviates { color: #9a5b00; }
.summary { border-left: 4px solid #1a7f37; padding: .1rem 0 .1rem 1rem; }
.summary.fails { border-color: #c62828; color: inherit; }
details { margin: .5rem 0; }
details > summary { cursor: pointer; }
details > div { border-left: 2px solid #8885; padding-left: 1rem; }
.matrices { display: flex; flex-wrap: wrap; gap: 1rem 2.2rem; align-items: flex-start; }
figure { margin: 0; max-width: 100%; overflow-x: auto; }
figcaption { font-size: .88rem; opacity: .8; margin-bottom: .2rem; }
table.matrix { border-collapse: collapse; border: solid; border-width: 0 1.5px; margin-bottom: .5rem; }
table.matrix td { padding: .06rem .45rem; text-align: right; font-variant-numeric: tabular-nums; font-size: .92rem; }
@media (prefers-color-scheme: dark) {
  .holds { color: #4cc76a; } .fails { color: #ff7b72; } .deviates { color: #e3b341; }
}
@media (max-width: 40rem) { body { padding: 0 .8rem; } }
@media print {
  details > div { border: 0; }
  .scroll, pre, figure { overflow: visible; }
  pre { white-space: pre-wrap; }
  h2, h3, h4, summary { break-after: avoid; }
  tr, figure, pre, .display tr { break-inside: avoid; }
}
"""


def report(results: Results, lang: str) -> str:
    """The page."""
    words = VERIFY[lang]
    parts = [f"<h1>{words['title']}</h1>", _summary(results, words), _overview(results, lang)]
    parts += [_operator_section(results, name, lang) for name in results.operators]
    if results.scipy:
        parts.append(_scipy_section(results, lang))
    if results.worked:
        parts.append(_lecture_section(results, lang))
    parts.append(_laws(lang))
    versions = ", ".join(f"{name} {number}" for name, number in results.versions.items())
    ran = words["ran"].format(
        seed=results.seed, profile=results.profile, seconds=f"{results.seconds:.0f}", versions=versions
    )
    parts.append(f'<p class="note">{escape(ran)}</p>')
    return page(words["title"], "\n".join(parts), lang, STYLE + OWN_STYLE)


# --- pieces -------------------------------------------------------------------------------------------------------


def _verdict(ok: bool, words: Words, fails: str = "wrong", kind: str = "fails") -> str:
    kind, sign, said = ("holds", "✓", words["ok"]) if ok else (kind, "✗", words[fails])
    return f'<span class="verdict {kind}">{sign} {said}</span>'


def _held(one: Tested, words: Words) -> str:
    """What of ours deviates is wrong; what of others does is said."""
    ours = one.whose == "ours"
    return _verdict(one.report.ok, words) if ours else _verdict(one.report.ok, words, "deviates one", "deviates")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = ()) -> str:
    """Cells are HTML already; the columns in `numbers` are set to the right."""
    right = set(numbers)

    def cells(row: Sequence[str], tag: str) -> str:
        return "".join(
            f'<{tag} class="number">{cell}</{tag}>' if place in right else f"<{tag}>{cell}</{tag}>"
            for place, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return f'<div class="scroll"><table class="data"><tr>{cells(head, "th")}</tr>{body}</table></div>'


def _details(summary: str, body: str, *, open_: bool = False) -> str:
    return f"<details{' open' if open_ else ''}><summary>{summary}</summary><div>{body}</div></details>"


def _code(text: str) -> str:
    return f"<code>{escape(text).replace('(', '(<wbr>')}</code>"  # a call may go on in the next line


# --- the head -----------------------------------------------------------------------------------------------------


def _summary(results: Results, words: Words) -> str:
    off = sum(not one.report.ok for one in results.scipy)
    said = [words["lead fine" if results.ok else "lead not fine"]]
    if results.scipy:
        said.append(words["scipy deviates"].format(number=off) if off else words["scipy fine"])
    return (
        f'<div class="summary{"" if results.ok else " fails"}">' + "".join(f"<p>{line}</p>" for line in said) + "</div>"
    )


def _overview(results: Results, lang: str) -> str:
    """One row a section, with a link to it: how much was checked there, and what came out."""
    words, rows = VERIFY[lang], []
    for name in results.operators:
        derived = results.derived_of(name)
        tested = results.tested_of(name)
        ok = all(one.verdict for one in derived) and all(one.report.ok for one in tested)
        checks, cases = sum(one.verdict.cases for one in derived), sum(one.report.cases for one in tested)
        title = f"{escape(operator(name).title[lang])} {_code(name)}"
        rows.append((_link(f"op-{name}", title), _verdict(ok, words), str(len(derived)), str(checks), str(cases)))
    if scipy := results.scipy:
        off = sum(not one.report.ok for one in scipy)
        said = f'<span class="verdict deviates">✗ {words["deviates"].format(number=off)}</span>' if off else ""
        cases = sum(one.report.cases for one in scipy)
        rows.append((_link("scipy", words["elsewhere"]), said or _verdict(True, words), "", "", str(cases)))
    if results.worked:
        ok = all(one.holds and one.differs_from_convolution for one in results.worked)
        rows.append((_link("lecture", words["lecture head"]), _verdict(ok, words), "", "", ""))
    head = ("", words["verdict"], words["derivations"], words["checks"], words["cases"])
    return f"<nav>{_table(head, rows, numbers=(2, 3, 4))}</nav>"


def _link(target: str, said: str) -> str:
    return f'<a href="#{target}">{said}</a>'


# --- one operator -------------------------------------------------------------------------------------------------


def _operator_section(results: Results, name: str, lang: str) -> str:
    words, op = VERIFY[lang], operator(name, 2)
    derived = results.derived_of(name)
    tested = results.tested_of(name)
    others = [operator(name, ndim) for ndim in (1, 3)]
    parts = [
        f'<section id="op-{name}"><h2>{escape(op.title[lang])} {_code(name)}</h2>',
        _read_off(op, derived, lang),
        *(_details(words["dimensions"].format(ndim=o.ndim), _read_off(o, derived, lang)) for o in others),
        f"<h3>{words['checked derivations']}</h3>",
        _derivations(derived, words),
        f"<h3>{_link('laws', words['tests'])}</h3>",
        _tests(tested, lang),
        _deviations(tested, words),
        "</section>",
    ]
    return "\n".join(parts)


def _read_off(op: Operator, derived: Sequence[Derived], lang: str) -> str:
    """The statement, and the size and the gradients that were derived from it."""
    words, own = VERIFY[lang], [one for one in derived if one.op == op]
    return "\n".join(
        [
            f"<h3>{words['the statement']}</h3>",
            html_blocks([display(op.statement, lang)]),
            f"<h3>{words['the size']}</h3>",
            *(_derivation(one, lang) for one in own if one.kind == "shape"),
            f"<h3>{words['the gradients']}</h3>",
            *(_derivation(one, lang) for one in own if one.kind == "vjp"),
        ]
    )


def _derivation(one: Derived, lang: str) -> str:
    """What was derived, and how."""
    if one.derivation is None:
        return f"<p>{_verdict(False, VERIFY[lang])} {escape('; '.join(one.verdict.failures))}</p>"
    result = one.derivation.steps[-1].after if one.kind == "shape" else one.derivation.result
    whole = html_blocks(document(one.derivation, lang).blocks, level=4)
    return html_blocks([display(result, lang)]) + _details(VERIFY[lang]["whole derivation"], whole)


def _derivations(derived: Sequence[Derived], words: Words) -> str:
    rows = []
    for one in derived:
        kind, wrt = one.kind, one.wrt
        failures = "".join(f"<br>{escape(failure)}" for failure in one.verdict.failures)
        said = escape(words["size" if kind == "shape" else kind].format(wrt=wrt))
        number, checks = str(len(one.derivation.steps) if one.derivation else 0), str(one.verdict.cases)
        rows.append((_code(repr(one.op)), said, _verdict(one.verdict.ok, words) + failures, number, checks))
    ok = all(one.verdict for one in derived)
    head = (words["operators"], words["derivation"], words["verdict"], words["steps"], words["checks"])
    table = _table(head, rows, numbers=(3, 4))
    return _details(f"{len(derived)} {words['derivations']}: {_verdict(ok, words)}", table, open_=not ok)


def _tests(tested: Sequence[Tested], lang: str) -> str:
    words = VERIFY[lang]
    laws = [name for name in LAWS if any(name in one.report.coverage for one in tested)]
    head = [words["implementation"], words["verdict"], *(_law(name, lang)[0] for name in laws), words["refused"]]
    rows = []
    for one in tested:
        counts = (str(one.report.coverage.get(name, "")) for name in laws)
        note = f"<small>{escape(words['documented'].format(note=one.note))}</small>" if one.note else ""
        rows.append([_code(one.report.subject) + note, _held(one, words), *counts, str(one.report.refusals)])
    return _table(head, rows, numbers=range(2, len(laws) + 3))


def _deviations(tested: Sequence[Tested], words: Words) -> str:
    parts = []
    for one in tested:
        for deviation in one.report.deviations:
            parts += [
                f"<p>{_code(deviation.subject)}, {escape(deviation.law)}: {escape(deviation.diagnosis)}.</p>",
                f"<p>{words['smallest']}: {_code(str(deviation.case))}</p>",
                f"<pre>{escape(one.code(deviation))}</pre>",
            ]
            if one.note:
                parts.append(f"<p>{escape(words['documented'].format(note=one.note))}</p>")
    return f"<h3>{words['deviations']}</h3>" + ("".join(parts) or f"<p>{words['no deviations']}</p>")


# --- elsewhere, and the lecture -----------------------------------------------------------------------------------


def _scipy_section(results: Results, lang: str) -> str:
    words = VERIFY[lang]
    tested = results.scipy
    return (
        f'<section id="scipy"><h2>{words["elsewhere"]}</h2><p>{words["elsewhere lead"]}</p>'
        f"{_tests(tested, lang)}{_deviations(tested, words)}</section>"
    )


def _lecture_section(results: Results, lang: str) -> str:
    words = VERIFY[lang]
    parts = [f'<section id="lecture"><h2>{words["lecture head"]}</h2><p>{words["lecture lead"]}</p>']
    for one in results.worked:
        verdict = _verdict(one.holds, words | {"ok": words["as correlation"]}, "does not hold")
        other = words["other result" if one.differs_from_convolution else "same result"]
        parts += [f"<h3>{escape(one.title[lang])} {verdict}</h3><p>{other[:1].upper()}{other[1:]}.</p>"]
        parts.append(_matrices(one, words))
        if one.channels:
            total = f"{' + '.join(str(got) for _, got in one.channels)} = {one.correlation[0][0]}"
            parts.append(f"<p>{words['channels'].format(sum=total, other=one.convolution[0][0])}</p>")
    parts.append(f'<p class="note">{escape(words["source"].format(source=data()["source"]))}</p></section>')
    return "\n".join(parts)


def _matrices(one: Recomputed, words: Words) -> str:
    shown = [
        (words["input"], one.input),
        (words["kernel"], one.kernel),
        (words["printed"], [one.printed]),
        (words["correlation"], [one.correlation]),
        (words["convolution"], [one.convolution]),
    ]
    figures = (
        f"<figure><figcaption>{caption}</figcaption>{''.join(map(_matrix, matrices))}</figure>"
        for caption, matrices in shown
    )
    return f'<div class="matrices">{"".join(figures)}</div>'


def _matrix(matrix: Sequence[Sequence[int | None]]) -> str:
    """What the slide does not show is left blank."""
    rows = "".join(f"<tr>{''.join(f'<td>{_entry(v)}</td>' for v in row)}</tr>" for row in matrix)
    return f'<table class="matrix">{rows}</table>'


def _entry(value: int | None) -> str:
    return "·" if value is None else f"{value}".replace("-", "−")


def _law(name: str, lang: str) -> tuple[str, str]:
    sentence = (LAWS[name].__doc__ or "").strip().partition("\n")[0]
    called, said = law(name, sentence, lang)
    return escape(called), escape(said)


def _laws(lang: str) -> str:
    table = _table(("", ""), [_law(name, lang) for name in LAWS])
    return f'<section id="laws"><h2>{VERIFY[lang]["laws"]}</h2>{table}</section>'
