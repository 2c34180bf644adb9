"""The results of `convmath verify` as a table for a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .results import Results, Tested
from .words import VERIFY

__all__ = ["as_json", "lines"]

Row = tuple[str, ...]


def lines(results: Results, lang: str) -> Iterator[str]:
    """The table."""
    words = VERIFY[lang]
    yield from _block((words["derivations"], words["number"], words["checks"], ""), _derivation_rows(results, words))
    ours = [one for name in results.operators for one in results.tested_of(name)]
    for tested, head in ((ours, words["implementations"]), (results.scipy, words["scipy"])):
        rows = list(_tested_rows(tested, words))
        if rows:
            yield from ("", *_block((head, words["choices"], words["checks"], ""), rows))
    if results.worked:
        yield from (
            "",
            *_block(
                (words["lecture"], words["correlation"], words["convolution"], ""),
                _worked_rows(results, words, lang),
            ),
        )
    yield from _deviations(results, words)
    yield ""
    yield words["fine" if results.ok else "not fine"].format(seconds=f"{results.seconds:.0f}")


def _block(head: Row, rows: Iterable[Row]) -> Iterator[str]:
    """Columns as wide as they need: the first and last to the left, numbers to the right."""
    every = [head, *rows]
    wide = [max(len(row[place]) for row in every) for place in range(len(head))]
    for row in every:
        first, *numbers, last = row
        middle = (cell.rjust(width) for cell, width in zip(numbers, wide[1:-1], strict=True))
        yield "  ".join([first.ljust(wide[0]), *middle, last]).rstrip()
        if row is head:
            yield "-" * (sum(wide) + 2 * len(wide) - 2)


def _verdict(ok: bool, words: dict[str, str]) -> str:
    return words["ok" if ok else "wrong"]


def _derivation_rows(results: Results, words: dict[str, str]) -> Iterator[Row]:
    for name in results.operators:
        own = results.derived_of(name)
        checks = sum(one.verdict.cases for one in own)
        yield name, str(len(own)), str(checks), _verdict(all(one.verdict for one in own), words)


def _tested_rows(tested: Iterable[Tested], words: dict[str, str]) -> Iterator[Row]:
    groups: dict[str, list[Tested]] = {}
    for one in tested:
        groups.setdefault(one.group, []).append(one)
    for group, own in groups.items():
        off = sum(not one.report.ok for one in own)
        verdict = _verdict(True, words) if not off else words["deviates"].format(number=off)
        yield group, str(len(own)), str(sum(one.report.cases for one in own)), verdict


def _worked_rows(results: Results, words: dict[str, str], lang: str) -> Iterator[Row]:
    for one in results.worked:
        said = words["as correlation"] if one.holds else words["does not hold"]
        first = f"{one.correlation[0][0]}"
        if one.channels:
            first = f"{' + '.join(str(got) for _, got in one.channels)} = {first}"
        other = words["other result"] if one.differs_from_convolution else words["same result"]
        yield one.title[lang], first, str(one.convolution[0][0]), f"{said}; {other}"


def _deviations(results: Results, words: dict[str, str]) -> Iterator[str]:
    for one in results.derived:
        for failure in one.verdict.failures:
            yield f"\n{one.op}, {one.kind} {one.wrt}: {failure}"
    for one in results.tested:
        for deviation in one.report.deviations:
            yield f"\n{deviation}\n{_indented(one.code(deviation))}"
            if one.note:
                yield f"    {words['documented'].format(note=one.note)}"
        if not one.report.ok and not one.report.deviations:
            yield f"\n{one.report.subject}: {words['nothing ran']}"


def _indented(code: str) -> str:
    return "\n".join(f"    {line}" for line in code.splitlines())


def as_json(results: Results) -> dict[str, Any]:
    """The same as one JSON object."""
    return {
        "ok": results.ok,
        "seed": results.seed,
        "profile": results.profile,
        "seconds": round(results.seconds, 1),
        "versions": results.versions,
        "derivations": [
            {
                "operator": repr(one.op),
                "kind": one.kind,
                "wrt": one.wrt,
                "ok": one.verdict.ok,
                "checks": one.verdict.cases,
                "failures": one.verdict.failures,
            }
            for one in results.derived
        ],
        "implementations": [
            {
                "subject": one.report.subject,
                "operator": one.report.op,
                "ours": one.whose == "ours",
                "ok": one.report.ok,
                "cases": dict(one.report.coverage),
                "refused": one.report.refusals,
                "note": one.note,
                "deviations": [
                    {
                        "law": d.law,
                        "verdict": d.verdict,
                        "diagnosis": d.diagnosis,
                        "case": str(d.case),
                        "code": one.code(d),
                    }
                    for d in one.report.deviations
                ],
            }
            for one in results.tested
        ],
        "lecture": [
            {
                "example": one.name,
                "holds_as_correlation": one.holds,
                "correlation": one.correlation,
                "convolution": one.convolution,
                "channels": [got for _, got in one.channels],
            }
            for one in results.worked
        ],
    }
