"""convmath verify: the main job."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import click
from hypothesis.configuration import set_hypothesis_home_dir

from convmath.derivation import writable, write
from convmath.errors import unknown
from convmath.ops.registry import family_options, operators
from convmath.testing.check import PROFILES

from . import COMMANDS, options
from .report import report
from .results import collected
from .table import as_json, lines
from .words import VERIFY

__all__ = ["command"]


@click.command("verify", help=COMMANDS["verify"])
@click.option("--op", "names", multiple=True, metavar="OPERATOR", help="Only this operator; may come several times.")
@click.option("--profile", default="quick", show_default=True, metavar="|".join(PROFILES), help="How many cases a law.")
@options.lang
@options.output
@options.json_
@options.seed
def command(names: tuple[str, ...], profile: str, lang: str, output: Path | None, json_: bool, seed: int) -> None:
    """The report goes to report.html unless -o says otherwise."""
    if profile not in PROFILES:
        raise unknown("profile", profile, PROFILES, "--profile")
    for name in names:
        family_options(name)
    output = output or Path("report.html")
    writable(output)  # what can't be written is found out before the work
    chosen = [name for name in operators() if not names or name in names]
    bar = Progress()
    with tempfile.TemporaryDirectory() as folder:
        set_hypothesis_home_dir(folder)  # its folder has no place beside the report
        results = collected(chosen, seed, profile, bar.advance)
    bar.close()
    write(output, report(results, lang))
    if json_:
        click.echo(json.dumps(as_json(results) | {"report": str(output)}, ensure_ascii=False))
    else:
        for line in lines(results, lang):
            click.echo(line)
        click.echo(VERIFY[lang]["written"].format(path=output))
    if not results.ok:
        click.get_current_context().exit(1)


class Progress:
    """A line on a terminal that says what runs and how far it is; nothing where there is no terminal."""

    WIDTH = 24

    def __init__(self) -> None:
        self.shown = sys.stderr.isatty()
        self.start = perf_counter()

    def advance(self, what: str, done: int, of: int) -> None:
        if self.shown and perf_counter() - self.start > 1:
            full = self.WIDTH * done // of
            bar = "█" * full + "·" * (self.WIDTH - full)
            click.echo(f"\r\x1b[K{bar} {done}/{of}  {what[:60]}", err=True, nl=False)

    def close(self) -> None:
        if self.shown:
            click.echo("\r\x1b[K", err=True, nl=False)
