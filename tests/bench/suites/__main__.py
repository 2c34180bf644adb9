"""Run the suites that are named, or all, and print the tables of docs/suites.md; the status is 1 if a call differs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from textwrap import fill

from .tally import Outcome, by_operator, failures, reasons, table


@dataclass(frozen=True)
class Suite:
    """A suite: whose it is, which packages it needs, what came of it, and what there is to say besides."""

    title: str
    packages: tuple[str, ...]
    run: Callable[[], tuple[list[Outcome], str]]

    @property
    def missing(self) -> list[str]:
        return [package for package in self.packages if find_spec(package) is None]


def _onnx() -> tuple[list[Outcome], str]:
    from . import onnx_nodes

    outcomes = [onnx_nodes.held(test) for test in onnx_nodes.tests()]
    left = ", ".join(f"{number} {why}" for why, number in onnx_nodes.left_out().most_common())
    return outcomes, f"Left out are {left}."


def _torch() -> tuple[list[Outcome], str]:
    from . import torch_samples

    outcomes = [torch_samples.held(sample) for sample in torch_samples.samples()]
    return outcomes, f"Left out are {torch_samples.left_out()} operators of torch that convmath does not have."


def _scipy() -> tuple[list[Outcome], str]:
    from . import scipy_tests

    found = scipy_tests.run()
    if not found.outcomes:
        return [], "SciPy was installed without its tests."
    said = (
        f"SciPy's own assertions hold with our numbers in {len(found.passed)} tests, and fail in {len(found.failed)}."
    )
    return found.outcomes + [Outcome("SciPy", "its tests", name, "differing", "fails") for name in found.failed], said


SUITES = {
    "onnx": Suite("ONNX", ("onnx",), _onnx),
    "torch": Suite("torch", ("torch", "expecttest"), _torch),
    "scipy": Suite("SciPy", ("scipy", "pytest"), _scipy),
}


def lines(suite: Suite, outcomes: Sequence[Outcome], besides: str) -> Iterator[str]:
    """What is printed of a suite, as Markdown."""
    yield f"## {suite.title}\n"
    yield fill(f"{suite.packages[0]} {version(suite.packages[0])}. {besides}\n", 120) + "\n"
    yield from table("operator", outcomes)
    yield "\n| refused | how often | why |\n|---|---|---|"
    yield from reasons(outcomes)
    if found := list(failures(outcomes)):
        yield "\nDiffering:\n"
        yield from (f"- {line}" for line in found)
    yield ""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.suites", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="suite", help=f"{', '.join(SUITES)}; all of them if none is named")
    named = parser.parse_args(arguments).suites
    for name in named:
        if name not in SUITES:
            parser.error(f"there is no suite {name!r}; there are {', '.join(SUITES)}")
    failed = False
    for name in dict.fromkeys(named or SUITES):
        suite = SUITES[name]
        if missing := suite.missing:
            said = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
            print(f"{said}, so the suite of {suite.title} is not run.", file=sys.stderr)
            failed |= name in named
            continue
        outcomes, besides = suite.run()
        print(*lines(suite, outcomes, besides), sep="\n", flush=True)
        failed |= not outcomes or by_operator(outcomes)[-1].differing > 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
