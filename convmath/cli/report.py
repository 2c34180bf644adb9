"""The results of `convmath verify` as one page that needs nothing else: no script, no network, its own style."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from convmath.derivation import Derivation
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
nav ul { columns: 2; padding-left: 1.2rem; }
nav a { color: inherit; }
.scroll { overflow-x: auto; margin: .6rem 0; }
table.data { border-collapse: collapse; font-size: .92rem; line-height: 1.35; }
table.data th, table.data td { padding: .28rem .8rem .28rem 0; text-align: left; vertical-align: top; }
table.data th { border-bottom: 1px solid; font-weight: 600; }
table.data td { border-bottom: 1px solid #8883; }
table.data .number { text-align: right; font-variant-numeric: tabular-nums; }
td code, p code { font-size: .88em; overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: .7rem .9rem; background: #8881; font-size: .85rem; line-height: 1.45; }
.verdict { font-weight: 600; white-space: nowrap; }
.holds { color: #1a7f37; }
.fails { color: #c62828; }
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
@media (prefers-color-scheme: dark) { .holds { color: #4cc76a; } .fails { color: #ff7b72; } }
@media (max-width: 40rem) { nav ul { columns: 1; } body { padding: 0 .8rem; } }
@media print {
  details > div { border: 0; }
  .scroll, pre, figure { overflow: visible; }
  pre { white-space: pre-wrap; }
}
"""


def report(results: Results, lang: str) -> str:
    """The page."""
    words = VERIFY[lang]
    parts = [f"<h1>{words['title']}</h1>", _summary(results, words), _contents(results, words)]
    parts += [_operator_section(results, name, lang) for name in results.operators]
    if any(one.whose == "scipy" for one in results.tested):
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


def _verdict(ok: bool, words: Words) -> str:
    kind, sign, said = ("holds", "✓", words["ok"]) if ok else ("fails", "✗", words["wrong"])
    return f'<span class="verdict {kind}">{sign} {said}</span>'


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
    return f"<code>{escape(text)}</code>"


# --- the head -----------------------------------------------------------------------------------------------------


def _summary(results: Results, words: Words) -> str:
    off = sum(not one.report.ok for one in results.tested if one.whose == "scipy")
    said = [words["lead fine" if results.ok else "lead not fine"]]
    if any(one.whose == "scipy" for one in results.tested):
        said.append(words["scipy deviates"].format(number=off) if off else words["scipy fine"])
    return (
        f'<div class="summary{"" if results.ok else " fails"}">' + "".join(f"<p>{line}</p>" for line in said) + "</div>"
    )


def _contents(results: Results, words: Words) -> str:
    links = [(f"op-{name}", _code(name)) for name in results.operators]
    links += [("scipy", words["elsewhere"])] if any(one.whose == "scipy" for one in results.tested) else []
    links += [("lecture", words["lecture head"])] if results.worked else []
    links += [("laws", words["laws"])]
    return "<nav><ul>" + "".join(f'<li><a href="#{target}">{said}</a></li>' for target, said in links) + "</ul></nav>"


# --- one operator -------------------------------------------------------------------------------------------------


def _operator_section(results: Results, name: str, lang: str) -> str:
    words, op = VERIFY[lang], operator(name, 2)
    derived = [one for one in results.derived if one.op.name == name]
    tested = [one for one in results.tested if one.whose == "ours" and one.report.op == name]
    size = op.shape()
    parts = [
        f'<section id="op-{name}"><h2>{escape(op.title[lang])} {_code(name)}</h2>',
        f"<h3>{words['the statement']}</h3>",
        html_blocks([display(op.statement, lang)]),
        f"<h3>{words['the size']}</h3>",
        html_blocks([display(size.steps[-1].after, lang)]),
        _details(words["whole derivation"], _derivation(size, lang)),
        f"<h3>{words['the gradients']}</h3>",
        *(_gradient(op, wrt, lang) for wrt in op.statement.reads),
        f"<h3>{words['checked derivations']}</h3>",
        _derivations(derived, words),
        f"<h3>{words['tests']}</h3>",
        _tests(tested, lang),
        _deviations(tested, words),
        "</section>",
    ]
    return "\n".join(parts)


def _derivation(derivation: Derivation, lang: str) -> str:
    return html_blocks(document(derivation, lang).blocks, level=4)


def _gradient(op: Operator, wrt: str, lang: str) -> str:
    words, derivation = VERIFY[lang], op.vjp(wrt)
    result = html_blocks([display(derivation.result, lang)])
    return f"{result}{_details(words['whole derivation'], _derivation(derivation, lang))}"


def _derivations(derived: Sequence[Derived], words: Words) -> str:
    rows = []
    for one in derived:
        kind, wrt = one.derivation.kind, one.derivation.wrt
        failures = "".join(f"<br>{escape(failure)}" for failure in one.verdict.failures)
        said = escape(words["size" if kind == "shape" else kind].format(wrt=wrt))
        number, checks = str(len(one.derivation.steps)), str(one.verdict.cases)
        rows.append((_code(repr(one.op)), said, number, checks, _verdict(one.verdict.ok, words) + failures))
    ok = all(one.verdict for one in derived)
    head = (words["operators"], words["derivation"], words["steps"], words["checks"], words["verdict"])
    table = _table(head, rows, numbers=(2, 3))
    return _details(f"{len(derived)} {words['derivations']}: {_verdict(ok, words)}", table, open_=not ok)


def _tests(tested: Sequence[Tested], lang: str) -> str:
    words = VERIFY[lang]
    laws = [name for name in LAWS if any(name in one.report.coverage for one in tested)]
    head = [words["implementation"], *(_law(name, lang)[0] for name in laws), words["refused"], words["verdict"]]
    rows = []
    for one in tested:
        counts = (str(one.report.coverage.get(name, "")) for name in laws)
        name = _code(one.report.subject) + (f"<br>{escape(one.note)}" if one.note else "")
        rows.append([name, *counts, str(one.report.refusals), _verdict(one.report.ok, words)])
    return _table(head, rows, numbers=range(1, len(laws) + 2))


def _deviations(tested: Sequence[Tested], words: Words) -> str:
    parts = []
    for one in tested:
        for deviation in one.report.deviations:
            parts += [
                f"<p>{_code(deviation.subject)}, {escape(deviation.law)}: {escape(deviation.diagnosis)}.</p>",
                f"<p>{words['smallest']}: {_code(str(deviation.case))}</p>",
                f"<pre>{escape(deviation.code)}</pre>",
            ]
            if one.note:
                parts.append(f"<p>{escape(words['documented'].format(note=one.note))}</p>")
    return f"<h3>{words['deviations']}</h3>" + ("".join(parts) or f"<p>{words['no deviations']}</p>")


# --- elsewhere, and the lecture -----------------------------------------------------------------------------------


def _scipy_section(results: Results, lang: str) -> str:
    words = VERIFY[lang]
    tested = [one for one in results.tested if one.whose == "scipy"]
    return (
        f'<section id="scipy"><h2>{words["elsewhere"]}</h2><p>{words["elsewhere lead"]}</p>'
        f"{_tests(tested, lang)}{_deviations(tested, words)}</section>"
    )


def _lecture_section(results: Results, lang: str) -> str:
    words = VERIFY[lang]
    parts = [f'<section id="lecture"><h2>{words["lecture head"]}</h2><p>{words["lecture lead"]}</p>']
    for one in results.worked:
        verdict = _verdict(one.holds and one.differs_from_convolution, words)
        parts += [f"<h3>{escape(one.title[lang])} {verdict}</h3>", _matrices(one, words)]
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
