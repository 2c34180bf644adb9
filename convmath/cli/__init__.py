"""The `convmath` command. A command's module is imported only when the command runs, so that --help is fast.

Exit status: 0 fine, 1 something does not hold, 2 usage (what was asked for can't be done; one sentence says why).
"""

from __future__ import annotations

from importlib import import_module
from typing import IO, Any

import click

from convmath import __version__
from convmath.errors import ConvmathError, unknown

__all__ = ["COMMANDS", "main"]

# each is convmath.cli.<name>.command
COMMANDS = {
    "verify": "Derive, check and test everything, and write report.html.",
    "shape": "The output size of an operator: formula, substitution, result.",
    "solve": "The inverse: which kernels, strides, dilations and paddings take one size to another.",
    "derive": "A gradient of an operator, step by step.",
    "convolve": "Two functions, sequences or lists convolved, in symbols.",
    "network": "A network layer by layer: shapes, parameters, multiply-accumulates.",
}


class Sentence(click.ClickException):
    """An error of ours as the command line shows it."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"convmath: {self.message}", err=True, file=file)


class Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return import_module(f"convmath.cli.{cmd_name}").command if cmd_name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise unknown("command", args[0], COMMANDS)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConvmathError as error:
            raise Sentence(str(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="convmath")
def main() -> None:
    """The mathematics of convolution, stated once: sizes, gradients, derivations and tests follow."""
