"""From a builder to a function that runs, by way of a cache of machine code on disk.

A cache entry is named by all that its code depends on: the kernel and its arguments, the sources of this package, the
processor and the versions of LLVM. It begins with the digest of what follows, so one that is cut off or foreign is not
taken. Entries are written under another name and then renamed: processes that write at once do no harm.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import hashlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

import llvmlite.binding as llvm

from .builder import Builder
from .host import host

__all__ = ["Kernel", "kernel"]

P = ParamSpec("P")
FOLDER = "CONVMATH_CACHE"
DIGEST = 32  # bytes of SHA-256

_lock = threading.RLock()


class Kernel:
    """Compiled code: call(block, own, first, behind), with the words that it names in `block` and `own`."""

    def __init__(self, address: int, pointers: tuple[str, ...], integers: tuple[str, ...], own: tuple[str, ...]):
        self.address, self.pointers, self.integers, self.own = address, pointers, integers, own
        signature = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
        self.call = signature(address)


def kernel(
    pointers: str, integers: str = "", own: str = "", *, passes: bool = True
) -> Callable[[Callable[Concatenate[Builder, P], None]], Callable[..., Kernel]]:
    """The decorated function emits a kernel into a builder; calling it gives the compiled kernel, made once.

    The first argument after the builder is the floating type, "f4" or "f8"; the others fix what is emitted. A keyword
    `exact` goes to the builder. Without `passes` LLVM does not look for what may be simpler before it chooses
    instructions, which takes half of its time.
    """
    names = tuple(pointers.split()), tuple(integers.split()), tuple(own.split())

    def made(emit: Callable[Concatenate[Builder, P], None]) -> Callable[..., Kernel]:
        known: dict[Any, Kernel] = {}

        @functools.wraps(emit)
        def compiled(*arguments: Any, exact: bool = False) -> Kernel:
            key = (*arguments, exact)
            found = known.get(key)
            if found is None:
                with _lock:
                    if key not in known:
                        known[key] = Kernel(_linked(emit, names, arguments, exact, passes), *names)
                    found = known[key]
            return found

        compiled.known = known  # type: ignore[attr-defined]
        return compiled

    return made


def _linked(emit: Callable[..., None], names: tuple, arguments: tuple, exact: bool, passes: bool) -> int:
    """The address of the compiled function."""
    symbol = "_".join([emit.__name__, *map(str, arguments), *(["exact"] if exact else [])])
    symbol = "".join(letter if letter.isalnum() else "_" for letter in symbol)
    entry = _entry(f"{emit.__module__}.{symbol}")
    code = _read(entry)
    if code is None:
        code = _machine_code(_source(symbol, emit, names, arguments, exact), passes)
        _write(entry, code)
    engine = _engine()
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine.get_function_address(symbol)


def _source(symbol: str, emit: Callable[..., None], names: tuple, arguments: tuple, exact: bool) -> str:
    """The kernel as LLVM reads it."""
    # so many objects are made at once that Python would go through all that the process has, looking for cycles, which
    # takes longer than compiling where large libraries are loaded
    collects = gc.isenabled()
    try:
        gc.disable()
        builder = Builder(symbol, arguments[0], *names, exact=exact)
        emit(builder, *arguments)
        builder.code.ret_void()
        return str(builder.module)
    finally:
        if collects:
            gc.enable()


# --- LLVM -----------------------------------------------------------------------------------------------------


@lru_cache
def _target() -> llvm.TargetMachine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.initialize_native_asmparser()
    own = host()
    return llvm.Target.from_triple(own.triple).create_target_machine(cpu=own.name, features=own.features, opt=3)


@lru_cache
def _engine() -> llvm.ExecutionEngine:
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target())


def _machine_code(source: str, passes: bool) -> bytes:
    module = llvm.parse_assembly(source)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=1 if passes else 0)
    # the vectors and the tiles are written out already
    options.loop_unrolling = options.loop_vectorization = options.slp_vectorization = False
    builder = llvm.create_pass_builder(_target(), options)
    builder.getModulePassManager().run(module, builder)
    return _target().emit_object(module)


# --- on disk --------------------------------------------------------------------------------------------------


@lru_cache
def _sources() -> bytes:
    """A digest of the code that emits kernels."""
    total = hashlib.sha256()
    here = Path(__file__).parent
    for file in sorted([*here.rglob("*.py"), *(here.parent / "elementary").glob("*.py")]):
        total.update(file.read_bytes())
    return total.digest()


def _entry(name: str) -> Path | None:
    """The file of a kernel; None where nothing is kept."""
    folder = _folder()
    if folder is None:
        return None
    key = hashlib.sha256(_sources())
    for part in (name, *host().identity):
        key.update(part.encode() + b"\0")
    return folder / key.hexdigest()


def _folder() -> Path | None:
    """CONVMATH_CACHE if it is set (nothing is kept if it is empty), else the user's cache folder."""
    said = os.environ.get(FOLDER)
    if said is not None:
        return Path(said) if said else None
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "convmath" if base and not base.startswith("~") else None


def _read(entry: Path | None) -> bytes | None:
    """The machine code that is kept there, if it is whole."""
    try:
        kept = entry.read_bytes() if entry else b""
    except OSError:
        return None
    digest, code = kept[:DIGEST], kept[DIGEST:]
    return code if code and hashlib.sha256(code).digest() == digest else None


def _write(entry: Path | None, code: bytes) -> None:
    """Keep it if that is possible; a folder that can't be written to is no error."""
    if entry is None:
        return
    try:
        entry.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=entry.parent)
        with open(handle, "wb") as file:
            file.write(hashlib.sha256(code).digest() + code)
        os.replace(name, entry)
    except OSError:
        return
