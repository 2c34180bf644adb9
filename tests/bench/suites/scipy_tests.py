"""The calls that SciPy's own tests make of convolve, correlate and their kin, also made of `functional`.

SciPy's tests run as they are, but the functions in them are ours to watch: each call is answered by SciPy and by
`functional`, the two are compared, and where they agree the test goes on with our numbers, in SciPy's type. So
SciPy's own assertions are held on them too.
"""

from __future__ import annotations

import functools
import inspect
import os
import tempfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from convmath.errors import ConvmathError

from .agreement import Difference, compared
from .scipy_calls import TRANSLATIONS, Answer
from .tally import Outcome, Refused

__all__ = ["Watched", "run"]

FILES = ("signal/tests/test_signaltools.py", "ndimage/tests/test_filters.py")
CHOSEN = "onvol or orrel"  # of the tests in these files, those that are named after a convolution or correlation


@dataclass
class Watched:
    """What came of the calls, and which tests of SciPy passed and failed with our numbers in them."""

    outcomes: list[Outcome] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def run() -> Watched:
    """Every test, with each call compared."""
    import pytest
    import scipy

    np.random.seed(0)  # some tests draw from it
    home, watcher = Path(scipy.__file__).parent, _Watcher()
    with tempfile.TemporaryDirectory() as away:
        files = [str(home / name) for name in FILES]
        quiet = ["-p", "no:terminal", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", away]
        pytest.main([*files, "-k", CHOSEN, *quiet], plugins=[watcher])
    return watcher.watched


def watched_call(
    name: str, original: Callable[..., Any], keep: Callable[[Outcome], None], test: Callable[[], str]
) -> Callable:
    """The function, answered by both."""

    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        before = deepcopy((args, kwargs))  # an output may be one of the inputs
        try:
            theirs, error = original(*args, **kwargs), None
        except Exception as raised:
            theirs, error = None, raised
        verdict, said, ours = _answered(name, *before, theirs, error)
        keep(Outcome("SciPy", name, test(), verdict, said))
        if error is not None:
            raise error
        return theirs if ours is None else ours

    return call


def _answered(name: str, args: tuple, kwargs: dict, theirs: Any, error: Exception | None) -> tuple[str, str, Any]:
    """The verdict, why, and our number as SciPy would give it."""
    try:
        inspect.signature(TRANSLATIONS[name]).bind(*args, **kwargs)
    except TypeError as unknown:
        return ("equal" if error else "refused"), str(unknown), None
    try:
        answer = TRANSLATIONS[name](*args, **kwargs)
        ours = answer.value()
        own = _in_type(ours, np.asarray(theirs)) if error is None else ours
    except (Refused, ConvmathError) as refusal:
        # what has no meaning is refused by both
        return ("equal" if error else "refused"), str(refusal), None
    if error is not None:
        return "differing", f"SciPy refuses ({error}), but an array of shape {ours.shape} comes here", None
    try:
        verdict = compared(own, np.asarray(theirs), lambda: _allowed(answer, ours, own), "the output")
    except Difference as difference:
        return "differing", str(difference), None
    return verdict, "", own if isinstance(theirs, np.ndarray) else own[()]


def _in_type(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Our number in the type that SciPy has; integers have another width, and must fit."""
    own = ours.astype(theirs.dtype)
    if theirs.dtype.kind in "iu" and (own != ours).any():
        raise Refused(f"sums that leave {theirs.dtype} wrap round there; integers are computed in int64")
    return own


def _allowed(answer: Answer, ours: np.ndarray, own: np.ndarray) -> np.ndarray:
    """2·γ_n·Σ|terms| of the wider unit roundoff, and what a transform is off by."""
    eps = max(float(np.finfo(np.result_type(array.dtype, np.float32)).eps) for array in (ours, own))
    nu = 4 * (answer.terms + 2) * eps / 2  # a product of complex numbers is a sum of two
    return 2 * nu / (1 - nu) * answer.magnitudes() + answer.spectral


class _Watcher:
    """A plugin of pytest: the functions are exchanged when SciPy's tests are collected, and put back at the end."""

    def __init__(self) -> None:
        self.watched, self.test = Watched(), ""
        self.exchanged: list[tuple[Any, str, Any]] = []

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        named = {original: name for name, original in _originals()}
        ours = {original: self._watching(name, original) for original, name in named.items()}
        homes = {id(home): home for home in (*_homes(), *(item.module for item in items))}
        for home in homes.values():
            for key, value in list(vars(home).items()):
                if callable(value) and _hashable(value) and value in ours:
                    self.exchanged.append((home, key, value))
                    setattr(home, key, ours[value])
        for item in items:  # functions that are parameters of a test
            params = item.callspec.params if hasattr(item, "callspec") else {}
            params.update({k: ours[v] for k, v in params.items() if callable(v) and _hashable(v) and v in ours})

    def _watching(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        return watched_call(name, original, self.watched.outcomes.append, lambda: self.test)

    def pytest_runtest_setup(self, item: Any) -> None:
        self.test = item.nodeid.rpartition("/")[2]

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.watched.failed.append(report.nodeid)
        elif report.when == "call" and report.passed:
            self.watched.passed.append(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        for home, key, value in self.exchanged:
            setattr(home, key, value)


def _homes() -> Iterator[Any]:
    from scipy import ndimage, signal

    yield from (signal, ndimage)


def _originals() -> Iterator[tuple[str, Callable[..., Any]]]:
    import scipy

    for name in TRANSLATIONS:
        home, _, function = name.partition(".")
        yield name, getattr(getattr(scipy, home), function)


def _hashable(value: Any) -> bool:
    return getattr(type(value), "__hash__", None) is not None
