r"""An operator that the user states in a few lines of text; everything else is read off the statement.

>>> blur = define("blur", "Y[v,c,j] = sum(t<k) W[t]*X[v,c,s*j+t-a]", ndim=1, outside={"X": "reflect"})
>>> print(blur.statement)
Y[ν,c,j] = Σ_{t<k} W[t] · X[ν,c,s·j+t-a]        X is reflected about its last element outside
>>> blur.shape(n=224, k=7, s=2, p=3).result
(N, C, 112)
>>> print(*blur.conditions())
[k ≤ n+a+b] [a ≤ n-1] [b ≤ n-1]
>>> blur.exact([[[1, 2, 3, 4]]], [1, 2, 1], p=1)
array([[[6, 8, 12, 14]]], dtype=object)
>>> print(blur.vjp("W").result.output.name, bool(blur.vjp("X").verify()))
gW True

docs/define.md goes through it, and has the language.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from convmath.errors import HyperparameterError, TextError, unknown
from convmath.ir.nodes import Outside, Real, Statement
from convmath.ir.typed_equations import conditions, equations, sizes
from convmath.ir.typed_scope import RESERVED, Vocabulary
from convmath.render.words import LANGUAGES
from convmath.window import BORDERS, plain, whole

from .family import Family
from .max_pool import TIES
from .registry import Operator, of_family, real_number
from .stated import stated

__all__ = ["define"]

# the integer parameters, with the least value and the default of each, as docs/notation.md lists them
SIZES: Mapping[str, tuple[int, int | None]] = {
    "N": (0, None),
    "C": (1, None),
    "O": (1, None),
    "G": (1, 1),
    "n": (0, None),
    "m": (0, None),
    "k": (1, None),
    "l": (1, None),
    "s": (1, 1),
    "d": (1, 1),
    "a": (0, 0),
    "b": (0, 0),
    "p": (0, 0),
}
MOST_AXES = 62  # what NumPy has, but for batch and channels
RANGES = {"ν": "N", "c": "C", "o": "O", "g": "G", "i": "n", "j": "m", "t": "k"}
SPATIAL = frozenset("ijtnmksdabp")
ALIASES = {"v": "ν", "nu": "ν"}
GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "eps": "ε", "epsilon": "ε", "eta": "η", "theta": "θ",
    "kappa": "κ", "lambda": "λ", "mu": "μ", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "omega": "ω",
}  # fmt: skip


@dataclass(frozen=True)
class _Text:
    """A typed statement, to be stated in any number of dimensions."""

    text: str
    outside: Mapping[str, Outside]
    shapes: Mapping[str, str]
    requires: str
    reals: Mapping[str, Real]

    def __call__(self, ndim: int, *, ties: Any = "first") -> Statement:
        vocabulary = Vocabulary(SIZES, RANGES, SPATIAL, ALIASES, self.reals)
        shapes = {name: sizes(shape, vocabulary, ndim) for name, shape in self.shapes.items()}
        typed = equations(self.text, vocabulary, ndim)
        required = conditions(self.requires, vocabulary, ndim) if self.requires else ()
        found = stated(typed, vocabulary, self.outside, shapes, required)
        chosen = tuple(
            replace(equation, terms=tuple(replace(term, selection=ties) for term in equation.terms))
            for equation in found.equations
        )
        return replace(found, equations=chosen)


def define(
    name: str,
    text: str,
    *,
    ndim: int = 2,
    outside: Mapping[str, Any] | None = None,
    reals: Mapping[str, Any] | Iterable[str] = (),
    positive: Iterable[str] = (),
    shapes: Mapping[str, str] | None = None,
    requires: str = "",
    title: str | Mapping[str, str] | None = None,
    **fixed: Any,
) -> Operator:
    """The operator that a text states, in `ndim` spatial dimensions.

    The text is one equation a line, or with ; between them; the last states the result, and arrays that no equation
    states are inputs. A sum, max or min over ranges reaches over the product behind it. With `ndim` above 1 a text for
    one axis is lifted: i, j, t, n, m, k, s, d, a, b and p have a letter on each axis.

    `outside` says by array what lies outside: a number, "nothing" (not counted), "circular", "replicate", "reflect" or
    "symmetric"; an array that is not named must be read inside. `reals` are real parameters, each with its default or
    None; those in `positive` must be above 0. `shapes` says how large an input is, {"W": "O, C, k"}, where how it is
    read does not. `requires` are conditions on sizes, "a < k, b < k". `fixed` are hyper-parameters, as `operator` has
    them; one that is not given to a call is its default (s = d = 1, a = b = 0). Raises TextError and StatementError.
    """
    where = f"define({name!r})"
    if not isinstance(name, str) or not name.isidentifier():
        raise HyperparameterError(f"the operator's name is {name!r}, but a name like soft_pool is needed [{where}]")
    if not isinstance(text, str):
        raise TextError(f"the statement is {text!r}, but a text is needed [{where}]")
    if whole(ndim, "ndim", where, 1) > MOST_AXES:
        raise HyperparameterError(f"ndim is {ndim}, but an array has at most {MOST_AXES} spatial axes [{where}]")
    for word, given in (("outside", outside), ("shapes", shapes)):
        if given is not None and not isinstance(given, Mapping):
            raise HyperparameterError(f"{word} is {given!r}, but one for each array is needed, {{'X': …}} [{where}]")
    letters = _reals(reals, set(positive), where)
    words = title or name.replace("_", " ").capitalize()
    titles: Mapping[str, str] = words if isinstance(words, Mapping) else dict.fromkeys(LANGUAGES, words)
    if missing := [lang for lang in LANGUAGES if not isinstance(titles.get(lang), str)]:
        raise HyperparameterError(f"the title has no words in {', '.join(missing)}, but {titles!r} came [{where}]")
    beyond: dict[str, Outside] = {array: _outside(value, array, where) for array, value in (outside or {}).items()}
    statement = _Text(text, beyond, dict(shapes or {}), requires, letters)
    selects = any(term.reduce != "sum" for equation in statement(ndim).equations for term in equation.terms)
    family = Family(
        name,
        titles,
        statement,
        options={"ties": TIES} if selects else {},
        words={typed: real.letter for typed, real in letters.items() if typed != real.letter},
        call=_call(name, text, outside=outside, reals=reals, positive=positive, shapes=shapes, requires=requires),
        unit_stride=True,
    )
    return of_family(family, ndim, **fixed)


def _call(name: str, text: str, **given: Any) -> str:
    """How the operator is made, up to its dimensions."""
    return ", ".join([f"define({name!r}, {text!r}", *(f"{key}={value!r}" for key, value in given.items() if value)])


def _reals(given: Mapping[str, Any] | Iterable[str], positive: set[str], where: str) -> dict[str, Real]:
    """The real parameters by the name that is typed; a Greek letter may be typed by its name."""
    defaults = given if isinstance(given, Mapping) else dict.fromkeys(given)
    found: dict[str, Real] = {}
    for name, default in defaults.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise HyperparameterError(f"a real parameter is called {name!r}, but a name is needed [{where}]")
        if ALIASES.get(name, name) in {*SIZES, *RANGES, *RESERVED}:
            raise HyperparameterError(
                f"a real parameter is called {name}, which is a size, index or function already; choose another name "
                f"[{where}]"
            )
        value = None if default is None else real_number(name, default).value
        if name in positive and value is not None and value <= 0:
            raise HyperparameterError(f"{name} is {default}, but it is said to be above 0 [{where}]")
        found[name] = Real(GREEK.get(name, name), value, name in positive)
    if strange := positive - set(found):
        raise unknown("real parameter", strange.pop(), found, where)
    if len({real.letter for real in found.values()}) < len(found):
        raise HyperparameterError(f"two real parameters are the same letter: {', '.join(found)} [{where}]")
    return found


def _outside(value: Any, array: str, where: str) -> Any:
    value = plain(value)
    if isinstance(value, str):
        if value not in ("nothing", *BORDERS):
            raise unknown(f"choice of what lies outside {array}", value, ("nothing", *BORDERS), where)
        return value
    if isinstance(value, float) and math.isinf(value):
        raise HyperparameterError(
            f"what lies outside {array} is {value}; in a max or min, that is 'nothing', which is not counted [{where}]"
        )
    return real_number(f"what lies outside {array}", value).value
