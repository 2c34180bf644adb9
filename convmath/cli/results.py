"""What `convmath verify` finds out, as data. How it is shown is decided in `table` and `report`."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from itertools import product
from time import perf_counter
from typing import Any, Literal

import numpy as np

from convmath import functional
from convmath.derivation import Derivation, Verdict
from convmath.notes.lecture import Recomputed, recomputed
from convmath.ops.registry import Operator, operator, variants
from convmath.testing import Deviation, Report, Subject, check
from convmath.testing.scipy_subjects import SignalSubject, signal_cases, subjects

__all__ = ["Derived", "Results", "Tested", "collected"]


@dataclass(frozen=True)
class Derived:
    """A derivation of one operator, and whether its steps held; None where there is none, and the verdict says why."""

    op: Operator
    kind: str
    wrt: str
    derivation: Derivation | None
    verdict: Verdict


@dataclass(frozen=True)
class Tested:
    """An implementation that was held to the laws of an operator, and what its documentation says of itself.

    `call` is how it is asked, at a deviation, as Python on the names that the deviation's code gives.
    """

    whose: Literal["ours", "scipy"]
    group: str
    report: Report
    call: Callable[[Deviation], str]
    note: str = ""

    def code(self, deviation: Deviation) -> str:
        """The smallest example as Python: what is right, and what came."""
        return f"{deviation.code}\n{self.call(deviation)}  # what came"


@dataclass(frozen=True)
class Results:
    """Everything that was found. SciPy's deviations are reported; ours make it not ok."""

    operators: tuple[str, ...]
    seed: int
    profile: str
    derived: tuple[Derived, ...]
    tested: tuple[Tested, ...]
    worked: tuple[Recomputed, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        derived = all(one.verdict for one in self.derived)
        ours = all(one.report.ok for one in self.tested if one.whose == "ours")
        return derived and ours and all(one.holds and one.differs_from_convolution for one in self.worked)

    def derived_of(self, name: str) -> tuple[Derived, ...]:
        """The derivations of one operator."""
        return tuple(one for one in self.derived if one.op.name == name)

    def tested_of(self, name: str) -> tuple[Tested, ...]:
        """Our own kernels of one operator."""
        return tuple(one for one in self.tested if one.whose == "ours" and one.report.op == name)

    @property
    def scipy(self) -> tuple[Tested, ...]:
        return tuple(one for one in self.tested if one.whose == "scipy")

    @property
    def versions(self) -> dict[str, str]:
        """What it ran on."""
        packages = ("convmath", "numpy", "scipy", "sympy", "hypothesis")
        return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def collected(
    names: Sequence[str], seed: int, profile: str, advance: Callable[[str, int, int], None] = lambda *_: None
) -> Results:
    """Derive, check and test; `advance` is told what comes next, and how far it is."""
    start = perf_counter()
    work = [*_derivations(names), *_own_kernels(names, seed, profile), *_scipy(names, seed, profile)]
    found: list[Derived | Tested] = []
    for done, (what, run) in enumerate(work):
        advance(what, done, len(work))
        found.append(run())
    worked = recomputed() if "conv" in names else ()
    return Results(
        tuple(names),
        seed,
        profile,
        tuple(one for one in found if isinstance(one, Derived)),
        tuple(one for one in found if isinstance(one, Tested)),
        worked,
        perf_counter() - start,
    )


Work = Iterator[tuple[str, Callable[[], Derived | Tested]]]


def _derivations(names: Sequence[str]) -> Work:
    """Sizes and gradients: with every option in one dimension, and as they are in two and three."""
    for name in names:
        for op in [*variants(name, ndim=1), operator(name, 2), operator(name, 3)]:
            yield repr(op), partial(_derived, op, "shape")
            for wrt in op.statement.differentiable:
                for kind in ("vjp", "jvp", *(["hvp"] if op.ndim == 1 and not op.options else [])):
                    yield repr(op), partial(_derived, op, kind, wrt)


def _derived(op: Operator, kind: str, *wrt: str) -> Derived:
    try:
        derivation = getattr(op, kind)(*wrt)
        return Derived(op, kind, "".join(wrt), derivation, derivation.verify())
    except Exception as error:  # what can't be derived is a result like any other
        return Derived(op, kind, "".join(wrt), None, Verdict(False, (f"{type(error).__name__}: {error}",), 0))


def _own_kernels(names: Sequence[str], seed: int, profile: str) -> Work:
    for name in names:
        function = getattr(functional, name)
        for method, dtype in product(function.methods, (np.float64, np.float32)):
            chosen = f"(method={method!r})" if method else ""
            said = f"functional.{name}{chosen}, {np.dtype(dtype)}"
            subject = Subject(said, partial(_forward, function, method, dtype), partial(_vjp, function, method, dtype))
            call = partial(_own_call, name, method, np.dtype(dtype).name)
            yield said, partial(_own, subject, name, call, seed, profile)


def _own(subject: Subject, name: str, call: Callable[[Deviation], str], seed: int, profile: str) -> Tested:
    return Tested("ours", f"functional.{name}", check(subject, name, seed=seed, profile=profile), call)


def _own_call(name: str, method: str, dtype: str, deviation: Deviation) -> str:
    pulled = deviation.cotangent is not None
    arrays = [*(["gy"] if pulled else []), *"xwb"[: len(deviation.case.arrays)]]
    given = {**deviation.case.given, **({"method": method} if method else {})}
    typed = "" if dtype == "float64" else f".astype({dtype!r})"  # as which the deviation's code gives them
    said = [f"{array}{typed}" for array in arrays] + [f"{key}={value!r}" for key, value in given.items()]
    return f"from convmath import functional\nprint(functional.{name}{'.vjp' if pulled else ''}({', '.join(said)}))"


def _in_type(dtype: Any, arguments: Sequence[Any]) -> list[Any]:
    return [a.astype(dtype) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in arguments]


def _forward(function: Any, method: str, dtype: Any, *args: Any, **kwargs: Any) -> np.ndarray:
    return function(*_in_type(dtype, args), **({"method": method} if method else {}), **kwargs)


def _vjp(function: Any, method: str, dtype: Any, *args: Any, **kwargs: Any) -> tuple[np.ndarray, ...]:
    return function.vjp(*_in_type(dtype, args), **({"method": method} if method else {}), **kwargs)


def _scipy(names: Sequence[str], seed: int, profile: str) -> Work:
    """Every convolution that SciPy has, as an implementation of conv from elsewhere."""
    for of in subjects() if "conv" in names else ():

        def run(of: Any = of) -> Tested:
            report = check(
                of.subject,
                "conv",
                laws=["definition", "purity"],
                strategy=signal_cases(of),
                seed=seed,
                profile=profile,
            )
            return Tested("scipy", of.subject.name.partition("(")[0], report, partial(_scipy_call, of), of.note)

        yield of.subject.name, run


def _scipy_call(of: SignalSubject, deviation: Deviation) -> str:
    function, _, options = of.subject.name.partition("(")
    turn = f"[{', '.join(['::-1'] * deviation.case.ndim)}]" if of.turned else ""
    return f"import {function.rpartition('.')[0]}\nprint({function}(x[0, 0], w[0, 0]{turn}, {options})"
