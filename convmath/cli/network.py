"""convmath network: the table of a known network, for all sizes of its input or at one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from convmath.errors import TextError
from convmath.graphs import ARCHITECTURES, Network, network
from convmath.graphs.receptive import receptive_field
from convmath.ir.poly import poly

from . import COMMANDS, options

__all__ = ["command"]


@click.command("network", help=COMMANDS["network"])
@click.argument("name", metavar="|".join(ARCHITECTURES))
@click.option(
    "--input", "shape", metavar="N,C,H,W", help="Its shape: numbers, letters or formulas.  [default: letters]"
)
@click.option("--variant", metavar="torchvision|paper", help="Which of its layouts.  [default: torchvision]")
@click.option("--classes", type=int, help="How many classes it tells apart.")
@options.lang
@options.format_
@options.output
@options.json_
def command(
    name: str,
    shape: str | None,
    variant: str | None,
    classes: int | None,
    lang: str,
    format_: str | None,
    output: Path | None,
    json_: bool,
) -> None:
    """Shapes, parameters, multiply-accumulates and receptive fields, layer by layer."""
    found = network(name, variant=variant, input=None if shape is None else _shape(shape), classes=classes)
    options.tell(found, lang, format_, output, _as_json(found) if json_ else None)


def _shape(typed: str) -> list[Any]:
    parts = [part.strip() for part in typed.split(",")]
    if not all(parts):
        raise TextError(f"{typed!r} came, but sizes with commas between are needed, such as N,3,224,224 [--input]")
    return [int(part) if part.isdecimal() else part for part in parts]


def _as_json(found: Network) -> dict[str, Any]:
    fields = receptive_field(found)

    def value(one: Any) -> Any:
        return one if isinstance(one, int) else str(one)

    def sides(layer: str) -> list[Any]:
        """The size of the field along each axis; several where paths with different jumps have one each."""
        each = ([value(reach.size()) for reach in several] for several in fields.layer(layer).axes)
        return [several[0] if len(several) == 1 else several for several in each]

    return {
        "network": found.name,
        "variant": found.variant,
        "input": [value(size) for size in found.shape("input")],
        "sizes": {str(poly(size.param)): str(size.value) for size in found.sizes},
        "conditions": [str(guard)[1:-1] for guard in found.conditions],
        "layers": [
            {
                "layer": row.layer,
                "operator": row.operator,
                "shape": [value(size) for size in found.shape(row.layer)],
                "parameters": value(found.value(row.parameters)),
                "macs": value(found.value(row.macs)),
                "receptive_field": sides(row.layer),
            }
            for row in found.table().rows
        ],
        "parameters": value(found.parameters),
        "macs": value(found.macs),
        "macs_inside": value(found.macs_inside),
    }
