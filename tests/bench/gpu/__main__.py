"""What is computed on a GPU, held against NumPy's arrays, and its time beside the library's own operators.

`python -m tests.bench.gpu` runs torch, JAX and CuPy, those that are here and find a GPU; each is better run in a
process of its own. With `--cpu` it takes arrays on the CPU, to try whether it runs.

The third column is the largest error by the one that is allowed; above 1, something is wrong, and the process fails.
"""

from __future__ import annotations

import argparse
import sys
from time import perf_counter

import numpy as np

from ..budgets import processor
from ..measure import Case, Row, measured, milliseconds, summary
from .libraries import LIBRARIES, Library, Missing
from .work import KINDS, Work, share


def rows(library: Library, work: Work) -> tuple[float, list[Row], list[tuple[int | None, int | None]]]:
    """The error, and of forward and of forward and back the times and the memory, ours and theirs."""
    g = work.cotangent()
    arrays, cotangent = {name: library.given(a) for name, a in work.arrays.items()}, library.given(g)
    ours, theirs = library.ours(work, arrays, cotangent), library.theirs(work, arrays, cotangent)
    found: list[Row] = []
    memory = []
    results: tuple[object, ...] = ours[1]()  # type: ignore[assignment]
    for one in results:
        assert library.place(one) == library.place(cotangent), f"a result of {work.name} is on {library.place(one)}"
    error = share(work, g, [library.back(one) for one in results])
    for place, kind in enumerate(("forward", "forward and back")):
        peers = {name: calls[place] for name, calls in theirs.items() if not (place and work.kind == "signal")}
        [row] = measured([Case(work.name, f"{work.kind}, {kind}", ours[place], peers)], 1, perf_counter)
        found.append(row)
        memory.append((library.peak(ours[place]), library.peak(peers[row.best]) if peers else None))
    return error, found, memory


def _megabytes(count: int | None) -> str:
    return "" if count is None else f"{count / 1e6:.0f} MB"


def line(row: Row, error: float, memory: tuple[int | None, int | None]) -> str:
    theirs = ("", "", "")
    if row.theirs:
        theirs = (milliseconds(row.theirs[row.best]), row.best, f"{row.ratio:.2f}")
    cells = (row.case.name, row.case.kind, f"{error:.1g}", milliseconds(row.ours), *theirs, *map(_megabytes, memory))
    return f"| {' | '.join(cells)} |"


def run(library: Library, kinds: list[str], dtype: str) -> bool:
    """Whether all errors are allowed ones."""
    print(f"\n{processor()}, NumPy {np.__version__}, {library.said}, {dtype}, TF32 off\n")
    print("| case | | error | ours: least / median | theirs | by | ratio | our memory | theirs |")
    print("|---|---|---|---|---|---|---|---|---|")
    compared, right = [], True
    for kind in kinds:
        for work in KINDS[kind](dtype):
            error, found, memory = rows(library, work)
            right &= error <= 1
            for row, bytes_ in zip(found, memory, strict=True):
                print(line(row, error, bytes_), flush=True)
            compared += [row for row in found if row.theirs]
    if compared:
        summary(compared)
    return right


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gpu", description=__doc__)
    parser.add_argument(
        "libraries", nargs="*", metavar="library", help="of torch, jax and cupy; all where none is named"
    )
    parser.add_argument("--dtype", nargs="+", choices=["f4", "f8"], default=["f4", "f8"])
    parser.add_argument("--only", nargs="+", choices=[*KINDS], default=[*KINDS])
    parser.add_argument("--cpu", action="store_true", help="arrays on the CPU")
    asked = parser.parse_args()
    right = True
    for name in asked.libraries or LIBRARIES:
        try:
            library = LIBRARIES[name](asked.cpu)
        except Missing as reason:
            print(reason)
            continue
        for dtype in asked.dtype:
            right &= run(library, asked.only, dtype)
    sys.exit(not right)


if __name__ == "__main__":
    main()
