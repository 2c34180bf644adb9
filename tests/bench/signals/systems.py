"""Maxima and Giac, as programs that are asked in their own languages, and evaluate their own answers."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import sympy
from sympy.printing.str import StrPrinter

from tests.signals.cases import Case

from .own import LIMIT, integrand
from .verdict import Verdict

__all__ = ["GIAC", "MAXIMA", "System"]

CLOSE = 1e-6


class _Printer(StrPrinter):
    """SymPy's own notation, with other names for functions and constants."""

    functions: ClassVar[Mapping[str, str]] = {}
    constants: ClassVar[Mapping[str, str]] = {}

    def _print_Function(self, expr: Any) -> str:
        name = type(expr).__name__
        arguments = expr.args[:1] if name == "Heaviside" else expr.args
        return f"{self.functions.get(name, name)}({', '.join(map(self._print, arguments))})"

    _print_Heaviside = _print_KroneckerDelta = _print_Function

    def _print_Symbol(self, expr: Any) -> str:
        return expr.name

    def _constant(self, expr: Any) -> str:
        return self.constants[type(expr).__name__]

    _print_Pi = _print_Exp1 = _print_ImaginaryUnit = _print_Infinity = _print_NegativeInfinity = _constant

    def _print_Relational(self, expr: Any) -> str:
        return f"({self._print(expr.lhs)}) {expr.rel_op} ({self._print(expr.rhs)})"

    def _print_And(self, expr: Any) -> str:
        return " and ".join(f"({self._print(a)})" for a in expr.args)

    def _print_Or(self, expr: Any) -> str:
        return " or ".join(f"({self._print(a)})" for a in expr.args)


class _Maxima(_Printer):
    functions: ClassVar = {
        "Heaviside": "unit_step",
        "DiracDelta": "delta",
        "Abs": "abs",
        "sign": "signum",
        "Max": "max",
        "Min": "min",
        "KroneckerDelta": "kron_delta",
    }
    constants: ClassVar = {
        "Pi": "%pi",
        "Exp1": "%e",
        "ImaginaryUnit": "%i",
        "Infinity": "inf",
        "NegativeInfinity": "minf",
    }

    def _print_Piecewise(self, expr: Any) -> str:
        *cases, (last, _) = expr.args
        return (
            "("
            + "".join(f"if {self._print(c)} then ({self._print(v)}) else " for v, c in cases)
            + f"({self._print(last)}))"
        )


class _Giac(_Printer):
    functions: ClassVar = {
        "DiracDelta": "Dirac",
        "Abs": "abs",
        "Max": "max",
        "Min": "min",
        "log": "ln",
        "gamma": "Gamma",
        "binomial": "comb",
        "KroneckerDelta": "KroneckerDelta",
    }
    constants: ClassVar = {
        "Pi": "pi",
        "Exp1": "e",
        "ImaginaryUnit": "i",
        "Infinity": "+infinity",
        "NegativeInfinity": "-infinity",
    }

    def _print_KroneckerDelta(self, expr: Any) -> str:
        return f"when({self._print(expr.args[0])}=={self._print(expr.args[1])},1,0)"

    def _print_Piecewise(self, expr: Any) -> str:
        *cases, (last, _) = expr.args
        parts = [part for v, c in cases for part in (self._print(c), self._print(v))]
        return f"piecewise({', '.join([*parts, self._print(last)])})"


@dataclass(frozen=True)
class System:
    name: str
    command: tuple[str, ...]
    printer: type[_Printer]
    before: str  # all questions
    assume: str
    assume_too: str  # what is said of a letter besides
    question: Mapping[bool, str]  # of integers or not: the integral or sum of %e over %x
    told: str  # prints the answer r
    asked: str  # prints the number at %values
    unsolved: str  # what stands in an answer that is none

    @property
    def there(self) -> bool:
        return shutil.which(self.command[0]) is not None

    def solve(self, case: Case) -> Verdict:
        if not case.variables:
            return Verdict("not asked")
        start = time.perf_counter()
        try:
            with tempfile.TemporaryDirectory() as folder:  # Giac leaves a file where it runs
                done = subprocess.run(
                    self.command,
                    input=self._script(case),
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    timeout=2 * LIMIT,
                    check=False,
                    cwd=folder,
                )
        except subprocess.TimeoutExpired:
            return Verdict("out of time", LIMIT)
        seconds = time.perf_counter() - start
        if seconds > LIMIT:
            return Verdict("out of time", LIMIT)
        return self._judged(case, done.stdout, seconds)

    def _script(self, case: Case) -> str:
        show = self.printer().doprint
        e, inner = integrand(case)
        asked = show(e)
        low, high = (0, case.options["period"]) if "period" in case.options else (-sympy.oo, sympy.oo)
        for x in inner:
            asked = self.question[case.discrete].format(e=asked, x=x, low=show(low), high=show(sympy.sympify(high)))
        lines = [self.before, *self._assumed(case), f"r:{'' if self is MAXIMA else '='}{asked};", self.told]
        for check in case.checks:
            values = ",".join(f"{x}={show(sympy.nsimplify(v, rational=True))}" for x, v in case.values(check).items())
            lines.append(self.asked.format(values=values))
        return "\n".join(lines) + "\n"

    def _assumed(self, case: Case) -> Iterator[str]:
        for name, symbol in case.symbols.items():
            if symbol.is_integer and self is MAXIMA:
                yield f"declare({name},integer)$"
            if symbol.is_positive or symbol.is_nonnegative:
                yield self.assume.format(f"{name}{'>' if symbol.is_positive else '>='}0")
        for relation in case.assume:
            if self is MAXIMA or len(relation.free_symbols) == 1:  # Giac assumes of one letter at a time
                yield self.assume_too.format(self.printer().doprint(relation))

    def _judged(self, case: Case, output: str, seconds: float) -> Verdict:
        answer = re.search(r"ANSWER[\s,](.*?)ENDED", output, re.DOTALL)  # not the line that asks for it
        if answer is None or re.search(self.unsolved, answer[1]):
            return Verdict("not found", seconds)
        numbers = re.findall(r"NUMBER[\s,]+([^\s,]+)[\s,]+([^\s,]+)[\s,]+ENDED", output)
        if len(numbers) < len(case.checks):
            return Verdict("not found", seconds, f"{answer[1].strip()} is not evaluated")
        for (real, turn), check in zip(numbers, case.checks, strict=False):
            try:
                got = complex(float(real), float(turn))
            except ValueError:
                return Verdict("not found", seconds, f"{answer[1].strip()} is not evaluated: {real} {turn}")
            wanted = complex(*check["value"])
            if not abs(got - wanted) <= CLOSE * (1 + abs(wanted)):
                return Verdict("wrong", seconds, f"{answer[1].strip()} is {got} instead of {wanted} at {check}")
        return Verdict("solved", seconds, answer[1].strip())


MAXIMA = System(
    "Maxima",
    ("maxima", "--very-quiet"),
    _Maxima,
    "display2d:false$ ratprint:false$ load(orthopoly)$ load(abs_integrate)$ load(simplify_sum)$ linel:100000$",
    "assume({})$",
    "assume({})$",
    {False: "integrate({e},{x},{low},{high})", True: "simplify_sum(sum({e},{x},{low},{high}))"},
    'print("ANSWER",r,"ENDED")$',
    'block([v:float(ev(subst([{values}],r)))],print("NUMBER",realpart(v),imagpart(v),"ENDED"))$',
    r"integrate\(|sum\(|abs_integrate|und\b|ind\b|delta\(|^\W*r\W*$",
)
GIAC = System(
    "Giac",
    ("giac",),
    _Giac,
    "1;",
    "assume({});",
    "additionally({});",
    {False: "integrate({e},{x},{low},{high})", True: "sum({e},{x},{low},{high})"},
    'print("ANSWER",r,"ENDED");',
    'v:=evalf(subst(r,[{values}]));print("NUMBER",re(v),im(v),"ENDED");',
    r"integrate\(|int\(|sum\(|undef|Dirac|^\W*r\W*$",
)
