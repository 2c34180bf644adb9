"""The words in which solutions are told; {braces} name mathematics."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["WORDS"]

WORDS: Mapping[str, Mapping[str, str]] = {
    "title": {
        "en": "Windows that take {sizes}",
        "es": "Ventanas que llevan {sizes}",
    },
    "transposed title": {
        "en": "Transposed windows that take {sizes}",
        "es": "Ventanas transpuestas que llevan {sizes}",
    },
    "pair": {"en": "{n} to {m}", "es": "de {n} a {m}"},
    "any": {"en": "some n", "es": "algún n"},
    "and": {"en": " and ", "es": " y "},
    "sought": {
        "en": "Sought are all {unknowns} for which this holds:",
        "es": "Se buscan todos los {unknowns} para los que se cumple:",
    },
    "sought at every": {
        "en": "Sought are all {unknowns} for which this holds at every {symbols}:",
        "es": "Se buscan todos los {unknowns} para los que se cumple, con cualquier {symbols}:",
    },
    "same": {
        "en": "The padding follows from the sizes: {total} in all, the odd one {end}.",
        "es": "El relleno se sigue de los tamaños: {total} en total, y el impar {end}.",
    },
    "after": {"en": "at the end", "es": "al final"},
    "before": {"en": "at the start", "es": "al principio"},
    "full": {"en": "The padding at either end is {reach}.", "es": "El relleno en cada extremo es {reach}."},
    "families": {
        "en": "That is so in exactly these cases, for whole numbers:",
        "es": "Eso ocurre exactamente en estos casos, con números enteros:",
    },
    "family": {"en": "Family {number}", "es": "Familia {number}"},
    "list": {"en": "The simplest first", "es": "Primero las más sencillas"},
    "all": {"en": "There are {number}, and these are all.", "es": "Hay {number}, y estas son todas."},
    "one": {"en": "There is one only.", "es": "Hay una sola."},
    "finite": {
        "en": "There are finitely many, of which these are the first {number}.",
        "es": "Hay un número finito; estas son las primeras {number}.",
    },
    "infinite": {
        "en": "There are infinitely many, of which these are the first {number}.",
        "es": "Hay infinitas; estas son las primeras {number}.",
    },
}
