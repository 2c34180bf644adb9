r"""f ∗ g and f ⋆ g that are not carried out: how they are printed, and what a substitution in them means.

The variable is where the functions have it, and where the value is taken, as in (f ∗ g)(t). A number for it is the
value there; a parameter that becomes t is another t than that of the functions.

>>> from convmath.signals import Convolution
>>> t, s, a = sympy.symbols("t s a", real=True)
>>> f, g = sympy.symbols("f g", cls=sympy.Function)
>>> print(sympy.latex(Convolution(f(t), g(t), t)))
\int_{-\infty}^{\infty} f(\tau) g(t - \tau)\, d\tau
>>> Convolution(sympy.exp(-a * t), g(t), t).subs(t, s)
Convolution(exp(-a*s), g(s), s)
>>> Convolution(sympy.exp(-a * t), g(t), t).subs(t, 3)
Subs(Convolution(exp(-a*t), g(t), t), t, 3)
>>> Convolution(sympy.exp(-a * t), g(t), t).subs(a, t).args[0]
Convolution(exp(-_t*t), g(_t), _t)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from sympy import Dummy, Symbol, Tuple, oo
from sympy import Expr as SympyExpr
from sympy.core.function import AppliedUndef
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.pretty.stringpict import prettyForm

from .arguments import function, period_of, variables_of
from .types import Expr, sympy

__all__ = ["At", "Operation"]


def _placed(x: Symbol, y: Symbol, sign: int, period: Any) -> Expr:
    """t - τ, t + τ, or what is left of it modulo a period."""
    return x + sign * y if period is None else sympy.Mod(x + sign * y, period)


class Operation(SympyExpr):
    """What convolution and correlation have in common: f, g, the variable or several, and a period if there is
    one.
    """

    is_commutative = True
    precedence = PRECEDENCE["Mul"]  # of an integral, for printers
    sign = -1  # before the variable of integration

    def __new__(cls, f: Any, g: Any, t: Any, period: Any = None) -> Any:
        where = cls.__name__
        variables = variables_of(t, where)
        functions = (function(f, f"f of {where}"), function(g, f"g of {where}"))
        given = () if period is None else (sympy.sympify(period_of(period, variables, where)),)
        return SympyExpr.__new__(cls, *functions, variables[0] if len(variables) == 1 else Tuple(*variables), *given)

    @property
    def functions(self) -> tuple[Expr, Expr]:
        return self.args[0], self.args[1]

    @property
    def variable(self) -> Any:
        """The variable, or a tuple of several."""
        return self.args[2]

    @property
    def variables(self) -> tuple[Any, ...]:
        return tuple(self.variable) if isinstance(self.variable, Tuple) else (self.variable,)

    @property
    def period(self) -> Any:
        return self.args[3] if len(self.args) > 3 else None

    @property
    def discrete(self) -> bool:
        return bool(self.variables[0].is_integer)

    # -- substitution

    def _eval_subs(self, old: Any, new: Any) -> Any:
        if not isinstance(old, Symbol):
            return None  # an expression in the variable, such as f(t), is replaced where it stands
        if old not in self.free_symbols:
            return self
        if old in self.variables:
            if isinstance(new, Symbol) and new not in self.free_symbols and _alike(old, new):
                return self._renamed({old: new})
            if not new.free_symbols:
                return At(self, old, new)
            inner = _dummy(old)  # what is put in for other symbols later may have the variable's name
            return At(self._renamed({old: inner}), inner, new)
        if not new.free_symbols & set(self.variables):
            return None
        inside = {x: _dummy(x) for x in self.variables}
        return At(self._renamed(inside).subs(old, new), tuple(inside.values()), tuple(inside))

    def _xreplace(self, rule: Any) -> Any:
        """Subs writes a place as a symbol, _3 for 3, which has to be of the kind of the variable, and one for each."""
        places = {x: y for x in self.variables if isinstance(y := rule.get(x), Symbol) and y.name.startswith("_")}
        return super()._xreplace({**rule, **{x: _like(f"{y.name}_{x.name}", x) for x, y in places.items()}})

    def _renamed(self, names: dict[Symbol, Symbol]) -> Any:
        return self.func(*(a.xreplace(names) for a in self.args))

    def _eval_derivative(self, symbol: Symbol) -> Any:
        return None  # SymPy's derivative of a Piecewise forgets its jumps

    # -- as an integral

    def _eval_rewrite_as_Integral(self, *args: Any, **hints: Any) -> Any:
        return None if self.discrete else sympy.Integral(sympy.Mul(*self.factors()), *self.limits())

    def _eval_rewrite_as_Sum(self, *args: Any, **hints: Any) -> Any:
        return sympy.Sum(sympy.Mul(*self.factors()), *self.limits()) if self.discrete else None

    def inner(self) -> dict[Symbol, Symbol]:
        """For each variable the one of integration: τ for t, k for an integer, else with a prime."""
        taken = {str(x) for a in self.args for x in a.free_symbols}
        return {x: _like(_fresh(x, taken, len(self.variables) == 1), x) for x in self.variables}

    def factors(self, place: Callable[[Symbol, Symbol, int, Any], Expr] = _placed) -> list[Expr]:
        """f at the variables of integration, g at what `place` makes of them."""
        f, g = self.functions
        inner = self.inner()
        periods = dict(zip(self.variables, self._periods(), strict=True))
        places = {x: place(x, y, self.sign, periods[x]) for x, y in inner.items()}
        first = f.xreplace(inner)
        return [sympy.conjugate(first) if self.sign > 0 else first, g.xreplace(places)]

    def _periods(self) -> Sequence[Any]:
        return tuple(self.period) if isinstance(self.period, Tuple) else (self.period,) * len(self.variables)

    def limits(self) -> list[tuple[Any, ...]]:
        """Each variable of integration, and from where to where it goes."""
        ends = [(-oo, oo) if p is None else (0, p - 1 if self.discrete else p) for p in self._periods()]
        return [(y, *pair) for y, pair in zip(self.inner().values(), ends, strict=True)]

    # -- printing

    def _shown(self) -> list[Expr]:
        """The two factors with places as they are written."""
        inner, factors = self.inner(), self.factors(_Written.place)
        if len(self.variables) > 1:
            bold = r"\mathbf{n}" if self.discrete else r"\mathbf{r}"
            sign = "+" if self.sign > 0 else "-"
            vectors = _Written(f"{bold}'"), _Written(f"{bold} {sign} {bold}'")
            factors = [_in_bold(e, tuple(inner.values()), vector) for e, vector in zip(factors, vectors, strict=True)]
        return [_values(e, self.discrete) for e in factors]

    def _latex(self, printer: Any, *args: Any) -> str:
        body = " ".join(_bracketed(e, printer) for e in self._shown())
        inner = [printer._print(y) for y in self.inner().values()]
        ends = [(printer._print(low), printer._print(high)) for _, low, high in self.limits()]
        if len(inner) == 1:
            [y], [(low, high)] = inner, ends
            if self.discrete:
                return rf"\sum_{{{y}={low}}}^{{{high}}} {body}"
            return rf"\int_{{{low}}}^{{{high}}} {body}\, d{y}"
        bold = r"\mathbf{n}'" if self.discrete else r"\mathbf{r}'"
        if self.period is None:
            region = rf"\mathbb{{{'Z' if self.discrete else 'R'}}}^{{{len(inner)}}}"
        else:
            region = r" \times ".join(rf"\{{{a}, \dots, {b}\}}" if self.discrete else f"[{a}, {b}]" for a, b in ends)
        return rf"\sum_{{{bold} \in {region}}} {body}" if self.discrete else rf"\int_{{{region}}} {body}\, d{bold}"

    def _pretty(self, printer: Any, *args: Any) -> Any:
        kind = sympy.Sum if self.discrete else sympy.Integral
        shown = sympy.Mul(*(_values(e, self.discrete) for e in self.factors(_Written.place)), evaluate=False)
        return printer._print(kind(shown, *self.limits()))


# --- names ------------------------------------------------------------------------------------------------------


class At(sympy.Subs):
    """An operation at a place; SymPy's own would ask for its value again and again where there is none."""

    def doit(self, **hints: Any) -> Any:
        return self.expr.doit(**hints).subs(list(zip(self.variables, self.point, strict=True)))

    def evalf(self, n: int = 15, *args: Any, **options: Any) -> Any:
        found = self.doit()
        return found if found.has(Operation) else found.evalf(n, *args, **options)


def _alike(one: Symbol, other: Symbol) -> bool:
    """Whether two symbols may both be the variable of the same functions."""
    try:
        variables_of(other, "")
    except (TypeError, ValueError):
        return False
    return bool(one.is_integer) == bool(other.is_integer)


def _like(name: str, x: Symbol) -> Symbol:
    return Symbol(name, integer=True) if x.is_integer else Symbol(name, real=True)


def _dummy(x: Symbol) -> Symbol:
    return Dummy(x.name, **x._assumptions_orig)


def _fresh(x: Symbol, taken: set[str], alone: bool) -> str:
    usual = ("k", "m", "j") if x.is_integer else ("tau",) if x.name == "t" else ()
    if alone and (free := [name for name in usual if name not in taken]):
        return free[0]
    name = f"{x.name}'"
    while name in taken:
        name += "'"
    return name


# --- places -----------------------------------------------------------------------------------------------------


OPEN, CLOSE = "\x02", "\x03"  # around what is written as a sum, until it is known whether it needs parentheses
ONE_IN_BRACKETS = re.compile(rf"(\\left\(|{{){OPEN}([^{OPEN}{CLOSE}]*){CLOSE}(\\right\)|}})")


class _Written(Dummy):
    """What a printer neither reorders nor multiplies out: t - τ, f(τ), u[n - k]."""

    __slots__ = ("binding", "plain", "tex")

    def __new__(cls, tex: str, plain: str = "", binding: int = prettyForm.ATOM, **assumptions: bool) -> Any:
        found = Dummy.__new__(cls, plain or "written", **assumptions)
        found.tex, found.plain, found.binding = tex, plain, binding
        return found

    @classmethod
    def place(cls, x: Symbol, y: Symbol, sign: int, period: Any) -> Any:
        """t - τ, t + τ, (t - τ) mod P"""
        between, kind = "+" if sign > 0 else "-", {"integer": True} if x.is_integer else {"real": True}
        tex, plain = (f"{one(x)} {between} {one(y)}" for one in (sympy.latex, sympy.pretty))
        if period is not None:
            tex, plain = rf"({tex}) \bmod {sympy.latex(period)}", f"({plain}) mod {sympy.pretty(period)}"
        return cls(f"{OPEN}{tex}{CLOSE}", plain, prettyForm.ADD, **kind)

    def _latex(self, printer: Any, *args: Any) -> str:
        return self.tex

    def _pretty(self, printer: Any, *args: Any) -> Any:
        return prettyForm(self.plain, binding=self.binding)

    def _sympystr(self, printer: Any, *args: Any) -> str:
        return f"({self.plain})" if self.binding == prettyForm.ADD else self.plain


def _values(e: Expr, discrete: bool) -> Expr:
    """f(τ), and f[k], u[k] and δ[k] of sequences, as they are written in lectures."""

    def written(part: Any) -> Any:
        name = part.func.__name__
        tex, arguments = sympy.latex(Symbol(name)), part.args
        if isinstance(part, sympy.Heaviside):
            name, tex, arguments = "u", "u", arguments[:1]
        elif isinstance(part, sympy.KroneckerDelta):
            name, tex, arguments = "δ", r"\delta", (_index(*arguments),)
        left, right = "[]" if discrete else "()"
        inside = (", ".join(map(one, arguments)) for one in (_tex, _plain))
        texts = [f"{head}{left}{body}{right}" for head, body in zip((tex, name), inside, strict=True)]
        return _Written(texts[0], texts[1])

    def of_a_value(part: Any) -> bool:
        return isinstance(part, AppliedUndef) or (discrete and isinstance(part, sympy.Heaviside | sympy.KroneckerDelta))

    return e.replace(of_a_value, written)


def _index(left: Any, right: Any) -> Expr:
    """The index of which δ is 1 at 0."""
    difference = right - left
    return -difference if left != 0 and difference.could_extract_minus_sign() else difference


def _tex(e: Expr) -> str:
    return e.tex.strip(OPEN + CLOSE) if isinstance(e, _Written) else sympy.latex(e)


def _plain(e: Expr) -> str:
    return e.plain if isinstance(e, _Written) else sympy.pretty(e)


def _in_bold(e: Expr, inner: tuple[Symbol, ...], vector: _Written) -> Expr:
    """f(x′, y′) as f(r′): where the arguments are all the variables, in their order."""

    def of_all(part: Any) -> bool:
        moved = tuple(isinstance(a, _Written) for a in getattr(part, "args", ()))
        return isinstance(part, AppliedUndef) and (part.args == inner or moved == (True,) * len(inner))

    return e.replace(of_all, lambda part: part.func(vector))


def _bracketed(e: Expr, printer: Any) -> str:
    """A factor."""
    printed = printer._print(e) if isinstance(e, sympy.Mul | _Written) else printer.parenthesize(e, PRECEDENCE["Mul"])
    if isinstance(e, sympy.Piecewise) or (isinstance(e, sympy.Mul) and e.could_extract_minus_sign()):
        printed = rf"\left({printed}\right)"
    return ONE_IN_BRACKETS.sub(r"\1\2\3", printed).replace(OPEN, r"\left(").replace(CLOSE, r"\right)")
