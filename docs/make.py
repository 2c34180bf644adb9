"""Writes the generated pages anew: `python docs/make.py`, or `make pages`. A test holds the files against it."""

from __future__ import annotations

from pathlib import Path

from convmath.notes.reference import page

FOLDER = Path(__file__).parent

PAGES = {"operators.md": "en", "operators.es.md": "es"}


def pages() -> dict[str, str]:
    """The text of each page by its file's name."""
    return {name: page(lang) for name, lang in PAGES.items()}


if __name__ == "__main__":
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
