"""The words of a network's table, in each language; {braces} name mathematics."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["WORDS"]

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "own": "A network",
        "title": "The network {name}",
        "variant": "The network {name}, variant {variant}",
        "input": "Input: {inputs}.",
        "for all": "The table holds for every input with {conditions}.",
        "square": " Where all sides are the same, this is {conditions}.",
        "for every size": "The table holds for every size of the input.",
        "layer": "layer",
        "operator": "operator",
        "shape": "output shape",
        "parameters": "parameters",
        "macs": "MACs",
        "field": "receptive field",
        "field in": "receptive field in {name}",
        "no field": "The receptive fields are not known: {why}.",
        "misaligned": "Paths that meet are misaligned at {layers}; the receptive fields say how.",
        "total": "total",
        "sizes": "The sizes in it:",
        "likewise": "The same holds with {letter} in the place of {other}.",
        "sum of macs": "All MACs together:",
        "note": "MACs are the multiply-accumulates of sums of products (convolutions, linear layers), with the taps in "
        "the padding, as programs count them; biases and other operators are not counted.",
        "buffers": "Beside the parameters there are {number} numbers that are kept but not learned.",
    },
    "es": {
        "own": "Una red",
        "title": "La red {name}",
        "variant": "La red {name}, variante {variant}",
        "input": "Entrada: {inputs}.",
        "for all": "La tabla vale para toda entrada con {conditions}.",
        "square": " Con todos los lados iguales, esto es {conditions}.",
        "for every size": "La tabla vale para todos los tamaños de la entrada.",
        "layer": "capa",
        "operator": "operador",
        "shape": "forma de la salida",
        "parameters": "parámetros",
        "macs": "MAC",
        "field": "campo receptivo",
        "field in": "campo receptivo en {name}",
        "no field": "Los campos receptivos no se conocen: {why}.",
        "misaligned": "Hay caminos desalineados que se encuentran en {layers}; los campos receptivos dicen cómo.",
        "total": "total",
        "sizes": "Los tamaños que aparecen:",
        "likewise": "Lo mismo vale con {letter} en lugar de {other}.",
        "sum of macs": "Todas las MAC juntas:",
        "note": "Las MAC son las multiplicaciones con acumulación de las sumas de productos (convoluciones, capas "
        "lineales), contando las posiciones que caen en el relleno, como lo hacen los programas; los sesgos y los "
        "demás operadores no se cuentan.",
        "buffers": "Además de los parámetros hay {number} números que se guardan pero no se aprenden.",
    },
}
