"""What prints itself: a document in every format and language, shown by Jupyter and saved to a file."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

from convmath.errors import OutputError, unknown
from convmath.render import Document, emit

__all__ = ["SUFFIXES", "Printable", "writable", "write"]

SUFFIXES = {".tex": "latex", ".md": "markdown", ".html": "html", ".txt": "text"}


class Printable:
    """Something with a document; `called` is what an error calls it."""

    called: ClassVar[str]

    def document(self, lang: str = "en") -> Document:
        """What is printed, in one language."""
        raise NotImplementedError

    def emit(self, format: str, lang: str = "en", **options: Any) -> str:
        """The document in one of `render.FORMATS`."""
        return emit(self.document(lang), format, **options)

    def to_latex(self, lang: str = "en", *, standalone: bool = False) -> str:
        return self.emit("latex", lang, standalone=standalone)

    def to_markdown(self, lang: str = "en", *, flavor: str = "commonmark") -> str:
        return self.emit("markdown", lang, flavor=flavor)

    def to_html(self, lang: str = "en", *, fragment: bool = False) -> str:
        return self.emit("html", lang, fragment=fragment)

    def to_text(self, lang: str = "en") -> str:
        return self.emit("text", lang)

    def save(self, path: str | Path, lang: str = "en") -> Path:
        """Write it as the suffix says: .tex (a whole document), .md, .html (a whole page) or .txt."""
        path = Path(path)
        if path.suffix not in SUFFIXES:
            raise unknown(f"file type to save a {self.called} as", path.suffix or str(path), SUFFIXES)
        format = SUFFIXES[path.suffix]
        text = self.emit(format, lang, **({"standalone": True} if format == "latex" else {}))
        write(path, text)
        return path

    def __str__(self) -> str:
        return self.to_text()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What Jupyter shows: the richest form that it can."""
        return {
            "text/plain": self.to_text(),
            "text/markdown": self.to_markdown(),
            "text/latex": self.to_latex(),
            "text/html": self.to_html(fragment=True),
        }


def write(path: Path, text: str) -> None:
    """Write a text file whole or not at all, or say why it can't be written."""
    with _partial(path) as partial:
        partial.write_text(text, encoding="utf-8")
        if partial != path:
            partial.replace(path)


def writable(path: Path) -> None:
    """Nothing where a file could be written; else the error that writing it would be."""
    with _partial(path) as partial:
        if path.is_dir():
            raise _is_a_directory()
        if partial != path:
            partial.touch()


@contextmanager
def _partial(path: Path) -> Iterator[Path]:
    """A file beside the path, gone afterwards (a device or a pipe itself); an OSError becomes a sentence."""
    partial = path
    try:
        if not path.name:
            raise _is_a_directory()
        if path.is_file() or path.is_dir() or not path.exists():  # else it is written into, and never replaced
            partial = path.with_name(f".{path.name}.part")
        yield partial
    except OSError as error:
        raise OutputError(f"{path} can't be written: {error.strerror or error}") from None
    finally:
        if partial != path:
            with suppress(OSError):
                partial.unlink(missing_ok=True)


def _is_a_directory() -> IsADirectoryError:
    return IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
