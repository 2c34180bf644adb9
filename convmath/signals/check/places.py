"""Where something happens in an expression of several variables: jumps, kinks, impulses, peaks and poles."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sympy import Matrix, Symbol

from ..types import Expr, sympy

__all__ = ["Marks", "edges_along", "linear", "located", "real_numbers"]


@dataclass(frozen=True)
class Marks:
    """On each axis the places of jumps and of peaks, and how wide what is there may be; `oblique` where something
    jumps elsewhere than across an axis.
    """

    jumps: tuple[tuple[Expr, ...], ...]
    peaks: tuple[tuple[Expr, ...], ...]
    widths: tuple[tuple[float, ...], ...]
    oblique: bool


def located(e: Expr, variables: Sequence[Symbol]) -> Marks:
    jumps, peaks, widths = ([{} for _ in variables] for _ in range(3))
    oblique = False
    for argument in _jumping(e):
        if not argument.has(*variables):
            continue
        if (form := linear(argument, variables)) is None:
            extents = list(_extents(argument, variables))
            oblique |= len(extents) != 1  # of one variable these are the zeros
            for place, centre, half in extents:
                jumps[place] |= dict.fromkeys((centre - half, centre + half))
            continue
        across = [place for place, slope in enumerate(form[0]) if slope != 0]
        oblique |= len(across) > 1
        for place in across:
            jumps[place][-form[1] / form[0][place]] = None
    for exponent in (part.args[0] for part in e.atoms(sympy.exp)):
        for place, centre, _, square in _centres(exponent, variables):
            peaks[place][sympy.re(centre)] = None
            widths[place][1 / np.sqrt(abs(complex(square)))] = None
        for place, x in enumerate(variables):
            slope = sympy.diff(exponent, x)
            if slope.is_number and (rate := abs(complex(slope).real)):
                widths[place][1 / rate] = None
    for base in (part.base for part in e.atoms(sympy.Pow)):
        for place, centre, least, square in _centres(base, variables):
            peaks[place][sympy.re(centre)] = None
            if least.is_number and least != 0:
                widths[place][float(np.sqrt(abs(2 * complex(least / square))))] = None
    if oblique:  # what has a width in one direction has it in others
        widths = [{width: None for axis in widths for width in axis}] * len(variables)
    at_jumps, at_peaks, wide = (tuple(map(tuple, found)) for found in (jumps, peaks, widths))
    return Marks(at_jumps, at_peaks, wide, oblique)


def real_numbers(places: Iterable[Expr]) -> list[float]:
    """The places that are real: where an ellipsoid is empty, it reaches nowhere."""
    found = (complex(place) for place in places)
    return sorted({place.real for place in found if abs(place.imag) <= 1e-12 * abs(place)})


def _jumping(e: Expr) -> Iterator[Expr]:
    """What is 0 where an expression jumps, has a kink or an impulse."""
    for part in e.atoms(sympy.Heaviside, sympy.sign, sympy.Abs, sympy.DiracDelta):
        yield part.args[0]
    for part in e.atoms(sympy.KroneckerDelta):
        yield part.args[0] - part.args[1]
    for part in e.atoms(sympy.Max, sympy.Min):
        yield from (one - other for one, other in itertools.combinations(part.args, 2))
    for part in e.atoms(sympy.core.relational.Relational):
        yield part.lhs - part.rhs


def linear(e: Expr, variables: Sequence[Symbol]) -> tuple[list[Expr], Expr] | None:
    """The slopes and the value at 0 of a linear form."""
    slopes = [sympy.diff(e, x) for x in variables]
    if any(slope.has(*variables) for slope in slopes):
        return None
    return slopes, e.xreplace(dict.fromkeys(variables, sympy.S.Zero))


def _centres(e: Expr, variables: Sequence[Symbol]) -> Iterator[tuple[int, Expr, Expr, Expr]]:
    """Of a quadratic form for each axis the place where it is stationary, its value there, and what 1/2 of is the
    coefficient of the square once the other variables are such that it is least.
    """
    inside = [x for x in variables if e.has(x)]
    if not inside or not e.is_polynomial(*inside) or sympy.Poly(e, *inside).total_degree() != 2:
        return
    form, zero = sympy.hessian(e, inside), dict.fromkeys(inside, 0)
    if form.det() == 0:
        return
    inverse = form.inv()
    centre = -inverse * Matrix([sympy.diff(e, x).subs(zero) for x in inside])
    least = sympy.expand(e.subs(dict(zip(inside, centre, strict=True)), simultaneous=True))
    for k, x in enumerate(inside):
        if inverse[k, k] != 0:
            yield variables.index(x), centre[k], least, 1 / inverse[k, k]


def _without_root(e: Expr, variables: Sequence[Symbol]) -> Expr:
    """√(x² + y²) - r as x² + y² - r²"""
    rest, root = e.as_independent(*variables, as_Add=True)
    factor, root = root.as_independent(*variables, as_Add=False)
    return root.base - (rest / factor) ** 2 if isinstance(root, sympy.Pow) and root.exp == sympy.S.Half else e


def edges_along(e: Expr, x: Symbol, variables: Sequence[Symbol]) -> list[Expr] | None:
    """Where an expression jumps as x grows, the other variables known; None where that is not found."""
    found: dict[Expr, None] = {}
    for argument in _jumping(e):
        argument = _without_root(argument, variables)
        if not argument.has(x):
            continue
        if not argument.is_polynomial(x) or sympy.degree(argument, x) > 2:
            return None
        c, b, a = (argument.diff(x, k).subs(x, 0) / sympy.factorial(k) for k in range(3))
        if a == 0:
            found[-c / b] = None
        else:
            root = sympy.sqrt(b**2 - 4 * a * c)
            found |= dict.fromkeys(((-b - root) / (2 * a), (-b + root) / (2 * a)))
    return list(found)


def _extents(e: Expr, variables: Sequence[Symbol]) -> Iterator[tuple[int, Expr, Expr]]:
    """How far the ellipsoid e = 0 reaches along each axis, by its centre and one half of its length."""
    for place, centre, least, square in _centres(_without_root(e, variables), variables):
        yield place, centre, sympy.sqrt(-2 * least / square)
