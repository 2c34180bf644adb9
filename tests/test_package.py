"""The package from outside: what loads when, which names there are, and that the wheel says who it is."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

import convmath

HEAVY = ("numpy", "sympy", "scipy", "hypothesis", "torch", "jax", "onnxruntime")


def fresh(code: str) -> str:
    """What a new process prints."""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def loaded(code: str) -> set[str]:
    """The heavy packages that are loaded after the code has run."""
    printed = fresh(f"{code}\nimport sys\nprint('loaded:', *(name for name in {HEAVY} if name in sys.modules))")
    return set(printed.rpartition("loaded:")[2].split())


def test_importing_it_loads_nothing_heavy() -> None:
    assert loaded("import convmath; convmath.__all__; dir(convmath); convmath.__version__") == set()


def test_asking_the_command_for_help_loads_nothing_heavy() -> None:
    call = "from convmath.cli import main\ntry: main(['--help'])\nexcept SystemExit as end: assert not end.code"
    assert loaded(call) == set()
    assert loaded(call.replace("'--help'", "'--version'")) == set()


def test_a_name_loads_what_it_needs() -> None:
    assert not {"hypothesis", "scipy"} & loaded("import convmath; convmath.operator('conv'); convmath.grad")
    assert "sympy" not in loaded("import convmath.integers.checker, convmath.window, convmath.text, convmath.errors")


def test_every_public_name_resolves() -> None:
    assert convmath.__all__ == sorted(convmath.__all__)
    for name in convmath.__all__:
        assert getattr(convmath, name) is not None
        assert name in dir(convmath)
    assert set(convmath._HOMES) == set(convmath.__all__)
    assert convmath.functional.__name__ == "convmath.functional"
    assert convmath.operator.__module__ == "convmath.ops.registry"


def test_a_star_import_brings_the_public_names() -> None:
    names = fresh("from convmath import *\nprint(*sorted(n for n in dir() if not n.startswith('__')))").split()
    assert names == convmath.__all__


def test_an_unknown_name_is_refused_with_a_sentence() -> None:
    with pytest.raises(AttributeError, match=r"^module 'convmath' has no attribute 'convolution'$"):
        _ = convmath.convolution  # type: ignore[attr-defined]
    with pytest.raises(ImportError, match=r"cannot import name 'nothing' from 'convmath'"):
        from convmath import nothing  # type: ignore[attr-defined]  # noqa: F401


def test_it_is_typed_and_its_version_has_one_home() -> None:
    assert (Path(convmath.__file__).parent / "py.typed").is_file()
    assert convmath.__version__ == importlib.metadata.version("convmath")


def test_as_a_module_it_is_the_command() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "convmath", "--version"], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    assert convmath.__version__ in run.stdout


# --- teeth ------------------------------------------------------------------------------------------------------


def test_a_heavy_import_would_be_seen() -> None:
    assert loaded("import convmath; convmath.functional") >= {"numpy"}
