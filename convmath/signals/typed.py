r"""Functions and sequences from the text that a person typed, in the grammar of `text`. Nothing is evaluated as code.

>>> typed = read("exp(-a*t)*u(t)", "rect(t/T)", assume="a > 0, T > 0")
>>> typed.functions
(exp(-a*t)*Heaviside(t), Piecewise((1, (t/T > -1/2) & (t/T < 1/2)), (0, True)))
>>> typed.functions[0].free_symbols == {typed.variable, sympy.Symbol("a", positive=True)}
True
>>> read("a^n*u[n]", "delta[n-1]", assume="0 < a < 1").functions
(a**n*Heaviside(n, 1), KroneckerDelta(0, n - 1))
>>> read("[1, 2, 3]", "[x, 1/2]").functions
([1, 2, 3], [x, 1/2])

A variable is real, or an integer with `discrete`, with the words `n integer`, or where a text has brackets as in
u[n]. What is neither a variable nor a constant is a parameter: a letter, perhaps with digits or an index, or a name
that `assume` speaks of; it is real, where it is not said to be complex. The constants are pi, e, and i or j for √-1.
The functions are

    u(t)         unit step, u(0) = 1/2, u[0] = 1            delta(t, k)   k-th derivative of the impulse; delta[n]
    rect(t)      1 for |t| < 1/2                            tri(t)        max(0, 1 - |t|)
    sinc(t)      sin(πt)/(πt), normalised                   cases(t < 0: 0, t < 1: t, 1 - t)

and those of `typed_functions.FUNCTIONS`; f, g, h, x, y with arguments stand for any function.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Symbol

from convmath import text
from convmath.errors import AssumptionError, TextError, unknown
from convmath.text import located

from .typed_assumptions import WORDS, all_names, conjuncts, pairs, refusal, said_of_names
from .typed_functions import CONSTANTS, FUNCTIONS, Refused, called, ordered, power, sane
from .types import Expr, sympy

__all__ = ["Typed", "read"]

ABSTRACT = ("f", "g", "h", "x", "y")  # stand for any function
AMBIGUOUS = {"E": "e for exp(1)", "I": "i for √-1"}
INFINITY = "oo"
GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
)  # fmt: skip
RELATIONS: Mapping[str, Callable[..., Any]] = {
    "<": sympy.Lt, "≤": sympy.Le, "=": sympy.Eq, "≠": sympy.Ne, ">": sympy.Gt, "≥": sympy.Ge,
}  # fmt: skip


SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


@dataclass(frozen=True)
class Typed:
    """What was read: an expression, or a nested list, for each text; the variables; what holds of parameters besides
    what their symbols assume; and the period, where one came.
    """

    functions: tuple[Any, ...]
    variables: tuple[Symbol, ...]
    relations: tuple[Any, ...]
    period: Any = None

    @property
    def variable(self) -> Any:
        """The variable as `convolve` takes it: a symbol, a tuple of several, or None for lists."""
        return (self.variables or (None,))[0] if len(self.variables) < 2 else self.variables


def read(
    *texts: str, var: str | None = None, assume: str = "", discrete: bool = False, period: str | None = None
) -> Typed:
    """The functions of texts with the same variables and parameters.

    `var` names the variables, with commas between; where it does not, t is the variable, or n of sequences. `assume`
    has what is known of parameters: a > 0, b > a, n integer, 0 < r < 1. A `period` is a number or formula, or a list
    of them. TextError, UnknownNameError and AssumptionError say what is wrong, and where.
    """
    texts = tuple(map(_raised, texts))
    trees = [text.function(written) for written in texts]
    lists = [isinstance(tree, text.Listing) for tree in trees]
    if any(lists) and not all(lists):
        raise TextError("a list came beside a function, but both are lists or both are functions")
    statements = tuple(conjuncts(text.statements(assume), assume)) if assume.strip() else ()
    names = _variables(var, discrete, trees) if trees and not any(lists) else _none(var)
    reader = _Reader(names, said_of_names(statements, names, CONSTANTS, assume))
    functions = tuple(reader.function(tree, written) for tree, written in zip(trees, texts, strict=True))
    periods = None if period is None else reader.function(text.function(period), period)
    for variable in names.values():
        if not any(function.has(variable) for function in functions):
            raise TextError(f"{variable} stands in no function; say which variable they have [var]")
    known = list(reader.parameters)
    for name in (name for statement in statements for name in all_names(statement)):
        if name.name not in (*known, *CONSTANTS) and not known:
            raise refusal(name, assume, "stands in no function")
        if name.name not in (*known, *CONSTANTS):
            raise unknown("parameter", name.name, known, f"assume, {located(assume, name.span[0] + 1)}")
    return Typed(functions, tuple(names.values()), tuple(reader.relations(statements, assume)), periods)


def _raised(written: str) -> str:
    """t² as t^2, as answers are printed."""

    def power(match: re.Match[str]) -> str:
        digits = match[0].translate(SUPERSCRIPTS)
        return f"^({digits})" if digits.startswith("-") else f"^{digits}"

    return re.sub("⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+", power, written)


class _Reader:
    """Makes expressions of trees; keeps the symbols of parameters."""

    def __init__(self, variables: Mapping[str, Symbol], said: Mapping[str, Mapping[str, bool]]):
        self.variables, self.said = variables, said
        self.discrete = any(x.is_integer for x in variables.values())
        self.functions = FUNCTIONS[self.discrete]
        self.parameters: dict[str, Symbol] = {}
        self.written = ""

    def function(self, tree: Any, written: str) -> Any:
        """A function, or a nested list of numbers and parameters."""
        if isinstance(tree, text.Listing):
            return [self.function(entry, written) for entry in tree.entries]
        self.written = written
        return self.value(tree)

    def relations(self, statements: Iterable[text.Tree], written: str) -> Iterable[Any]:
        """Those that do not follow from what the symbols assume."""
        self.written = written
        for statement in statements:
            for left, sign, right in pairs(statement):
                if sign == "=":
                    raise refusal(statement, written, "is an equation; write the value into the functions")
                relation = self.relation(left, sign, right)
                if relation == False:  # noqa: E712  (a relation that is left is neither)
                    raise AssumptionError(f"{written[slice(*statement.span)]} came, but it never holds [assume]")
                if relation != True:  # noqa: E712
                    yield relation

    # -- values

    def value(self, tree: Any) -> Expr:
        try:
            return self._value(tree)
        except Refused as error:
            raise refusal(tree, self.written, str(error)) from None
        except (TextError, AssumptionError):
            raise
        except (TypeError, ValueError, ArithmeticError, NotImplementedError, RecursionError) as error:
            raise refusal(tree, self.written, f"can't be read: {str(error).rstrip('.')}") from None

    def _value(self, tree: Any) -> Expr:
        match tree:
            case text.Number(value=value):
                return sane(sympy.Rational(value.numerator, value.denominator))
            case text.Name(name=name):
                return self._named(name, tree)
            case text.Negative(of=inner):
                return -self.value(inner)
            case text.Operation(sign=sign, left=left, right=right):
                return self._operation(sign, self.value(left), self.value(right))
            case text.Call(function=name, arguments=arguments) | text.Element(array=name, at=arguments):
                return self._call(name, arguments, tree)
            case text.Cases(cases=cases, otherwise=last):
                found = [(self.value(value), self.condition(condition)) for condition, value in cases]
                return sane(sympy.sympify(sympy.Piecewise(*found, (0 if last is None else self.value(last), True))))
        raise Refused("has no meaning in a function")

    def _operation(self, sign: str, left: Expr, right: Expr) -> Expr:
        match sign:
            case "+":
                return sane(left + right)
            case "-":
                return sane(left - right)
            case "*":
                return sane(left * right)
            case "/" if right == 0:
                raise Refused("is a division by 0")
            case "/":
                return sane(left / right)
            case "^":
                return power(left, right)
        raise Refused(f"has {sign}, which has no meaning in a function")

    def _named(self, name: str, tree: text.Tree) -> Expr:
        if name in self.variables:
            return self.variables[name]
        if name in self.said:
            return self._parameter(name)
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name.startswith("_"):
            raise Refused("begins with _, as no name does here")
        if name == INFINITY:
            raise Refused("is no number; it stands alone at a side of < or >")
        if name in AMBIGUOUS:
            raise Refused(f"came; write {AMBIGUOUS[name]}, or another letter for a parameter")
        if name in self.functions and name not in GREEK:
            raise Refused(f"is a function, and came without its argument, as in {name}(t)")
        if not _is_letter(name):
            known = [*self.variables, *self.said, *CONSTANTS, *self._known_functions()]
            where = f"{located(self.written, tree.span[0] + 1)}; parameters of several letters are named with assume"
            raise unknown("name", name, known, where)
        return self._parameter(name)

    def _parameter(self, name: str) -> Symbol:
        if name not in self.parameters:
            said = self.said.get(name, {})
            try:
                self.parameters[name] = Symbol(name, **(said if "complex" in said else {"real": True, **said}))
            except ValueError:  # SymPy's InconsistentAssumptions is one
                raise AssumptionError(f"{name} can't be {' and '.join(said)} [assume]") from None
        return self.parameters[name]

    def _call(self, name: str, arguments: tuple[Any, ...], tree: text.Tree) -> Expr:
        if name.startswith("_"):
            raise Refused("begins with _, as no name does here")
        values = tuple(map(self.value, arguments))
        if name in self.functions:
            function = self.functions[name]
            if not function.least <= len(values) <= function.most:
                raise Refused(f"has {len(values)} arguments, but {name} has {function.counted()}")
            return called(function, values)
        if name in ABSTRACT and name not in self.variables:
            return sympy.Function(name)(*values)
        where = f"{located(self.written, tree.span[0] + 1)}; a product is written {name}*(…)"
        raise unknown("function", name, [*self._known_functions(), "cases", *ABSTRACT], where)

    def _known_functions(self) -> list[str]:
        return [name for name in self.functions if name.islower()]

    # -- conditions

    def condition(self, tree: Any) -> Any:
        if isinstance(tree, text.Combined):
            return (sympy.And if tree.word == "and" else sympy.Or)(*map(self.condition, tree.parts))
        return sympy.And(*(self.relation(*pair) for pair in pairs(tree)))

    def relation(self, left: Any, sign: str, right: Any) -> Any:
        sides = [self._side(part) for part in (left, right)]
        if sign not in ("=", "≠"):
            for part, side in zip((left, right), sides, strict=True):
                try:
                    ordered(side)
                except Refused as error:
                    raise refusal(part, self.written, str(error)) from None
        return RELATIONS[sign](*sides)

    def _side(self, tree: Any) -> Expr:
        match tree:
            case text.Name(name=name) if name == INFINITY:
                return sympy.oo
            case text.Negative(of=text.Name(name=name)) if name == INFINITY:
                return -sympy.oo
        return self.value(tree)


# --- names -------------------------------------------------------------------------------------------------------


def _none(var: str | None) -> dict[str, Symbol]:
    if var is not None:
        raise TextError(f"{var} came as a variable, but lists have none [var]")
    return {}


def _variables(var: str | None, discrete: bool, trees: Iterable[Any]) -> dict[str, Symbol]:
    """The variables by name."""
    brackets = next((found for tree in trees for found in _elements(tree)), None)
    integer = discrete or brackets is not None
    found: dict[str, Symbol] = {}
    for variable in text.variables(("n" if integer else "t") if var is None else var):
        kinds = {WORDS.get(word, word) for word in variable.words}
        if len(kinds) > 1 or not kinds <= {"real", "integer"}:
            words = " ".join((variable.name, *variable.words))
            raise TextError(f"{words} came as a variable, but a variable is real or integer [var]")
        if variable.name in found:
            raise TextError(f"{variable.name} came twice as a variable [var]")
        if kinds == {"real"} and integer:
            what = f"{brackets.array}[…] is" if brackets else "discrete is"
            raise TextError(f"{variable.name} is real, but {what} of integers [var]")
        whole = integer or kinds == {"integer"}
        found[variable.name] = Symbol(variable.name, integer=True) if whole else Symbol(variable.name, real=True)
    return found


def _is_letter(name: str) -> bool:
    """Whether a name is a letter, perhaps with digits or an index: a, T1, omega_0."""
    stem = name.partition("_")[0].rstrip("0123456789")
    return len(stem) == 1 or stem.lower() in GREEK


def _elements(tree: Any) -> Iterable[text.Element]:
    """What has brackets in it."""
    if isinstance(tree, text.Element):
        yield tree
    for part in text.parts(tree):
        yield from _elements(part)
