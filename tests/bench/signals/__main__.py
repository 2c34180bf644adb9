"""`python -m tests.bench.signals`: see the package."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import sympy

from tests.signals.cases import FILE, Case, cases

from ..budgets import processor
from .own import by_sympy, ours
from .pairs import random_pairs, wider_questions
from .systems import GIAC, MAXIMA
from .verdict import HEADER, Verdict, row


def beside_others(names: list[str], told: bool) -> None:
    if not FILE.exists():
        print("skipped: shared/data/signals/cases.json is not beside the checkout")
        return
    asked = [case for case in cases() if not names or case.name in names]
    ways: dict[str, Callable[[Case], Verdict]] = {"convmath": ours, f"sympy {sympy.__version__}": by_sympy}
    ways |= {system.name: system.solve for system in (MAXIMA, GIAC) if system.there}
    ours(cases()[0])  # imports and caches
    print(f"{processor()}\n\n{HEADER}")
    for name, way in ways.items():
        verdicts = {case.name: way(case) for case in asked}
        print(row(name, list(verdicts.values())), flush=True)
        for case, verdict in verdicts.items():
            if told or verdict.kind == "wrong" or (name == "convmath" and verdict.kind != "solved"):
                print(f"    {case} {verdict.kind} {verdict.seconds:.2f} {verdict.said}"[:400], flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Convolution in symbols beside SymPy, Maxima and Giac.")
    parser.add_argument("--random", type=int, metavar="N", help="N random pairs of the closed cells instead")
    parser.add_argument("--wider", type=int, metavar="N", help="N random correlations, periods, products … instead")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn")
    parser.add_argument("--from", type=int, default=0, dest="first", metavar="N", help="the first one")
    parser.add_argument("--told", action="store_true", help="print every answer")
    parser.add_argument("cases", nargs="*", help="these cases only")
    asked = parser.parse_args()
    if asked.random:
        random_pairs(asked.random, asked.seed, asked.first)
    elif asked.wider:
        wider_questions(asked.wider, asked.seed, asked.first)
    else:
        beside_others(asked.cases, asked.told)


if __name__ == "__main__":
    main()
