r"""The inverse problem: every kernel, stride, dilation and padding that takes a size n to a size m.

>>> found = solve_shape(n=224, out=112)
>>> for family in found.families:
...     print(family)
s = 1, d ≥ 1, 2 | d·(k-1), k ≥ ⌊111/d⌋+2, p = ⌊(d·(k-1))/2⌋-56
s = 2, k ≥ 1, d ≥ 1, p = ⌊(d·(k-1))/2⌋
k ≥ 1, s ≥ 3, d ≥ 1, ⌊(d·(k-1)+111·s)/2⌋-111 ≤ p ≤ ⌊(d·(k-1))/2⌋+56·s-112
>>> [(one.k, one.p) for one in found.first(5)], {"k": 7, "s": 2, "p": 3} in found, found.finite
([(1, 0), (2, 0), (3, 1), (4, 1), (5, 2)], True, False)

**Complete.** Write κ = k - 1, P = a + b and x = n + P - d·κ - 1. Then ⌊x/s⌋ + 1 = m if and only if (m - 1)·s ≤ x ≤ m·s
- 1, by what a floor is; the other rules are rewritten likewise, a choice (which part of the minimum of ceil_mode
decides; whether an output padding is below the stride, or only below the dilation) as cases that exclude each other
(`cases`). So each case is a system of inequalities between polynomials with whole coefficients, with the same
solutions as the rule. It is solved for one unknown after the other (`families`). Where an unknown is solved for, its
factor is a number, d or s, hence at least 1; so its inequalities are bounds ⌈l/c⌉ and ⌊u/c⌋, and it exists if and only
if each lower bound is at most each upper one, which is said of the unknowns that are left. Every step is an
equivalence: the families hold all solutions, and nothing else.

**One by one.** Solutions are found by taking boxes of whole numbers apart (`boxes`). A part is left out only where
bounds show that an inequality fails throughout, and parts are disjoint, so each solution comes once. They come in the
order of a cost that only finitely many points stay below, so each comes after finitely many others.

**How many.** Each case is taken apart by whether the factor in a product (κ in d·κ, n - 1 in (n - 1)·s) is 0 or at
least 1, and each part is solved anew. If a side of its box is then unbounded, one solution makes infinitely many along
a line: (k + 2, p + d), (d + 2, p + κ), (s + 2, p + m - 1), a stride that only grows at m = 1, a dilation that changes
nothing at k = 1; where n or e is unknown it moves instead of p. No search goes on for ever, since all that can empty
an unbounded box is a parity or another common factor, by which forms are rounded when they are solved.
"""

from __future__ import annotations

from typing import Any

from convmath.errors import HyperparameterError, ShapeError

from .problem import WHERE, asked
from .reasons import why_none
from .solutions import Solution, Solutions

__all__ = ["Solution", "Solutions", "solve_shape"]


def solve_shape(
    n: Any = None,
    out: Any = None,
    *,
    m: Any = None,
    k: Any = None,
    s: Any = None,
    d: Any = None,
    p: Any = None,
    a: Any = None,
    b: Any = None,
    e: Any = None,
    padding: Any = None,
    transposed: bool = False,
    ceil_mode: bool = False,
    **words: Any,
) -> Solutions:
    """All (k, s, d, p) with ⌊(n + 2·p - d·(k - 1) - 1)/s⌋ + 1 = out, along one axis.

    What is not given is unknown. A number fixes it; a range or several numbers, k=range(1, 12) or k=(3, 5, 7), are
    what it is among. The words kernel, stride, dilation and output_padding mean k, s, d and e; m is another name of
    out.

    `padding`: "symmetric" (the default) seeks one p for both ends, "asymmetric" seeks a and b apart (as giving either
    of them does), "valid" and "full" fix them, and under "same" and "same_lower" they follow from the sizes.
    `transposed` seeks the output padding e too: (n - 1)·s - a - b + d·(k - 1) + e + 1 = out with 0 ≤ e < max(s, d).

    Without `n`, or with a range, it is sought too. A form in symbols ("2*h", or a sympy expression) stands for all its
    values: what is sought serves every whole h from 1 on (from 0 if a sympy h is nonnegative). Several sizes, n=(224,
    200), out=(112, 100), are served by one and the same solution; an image whose axes may differ is solved axis by
    axis. out="same" is ⌈n/s⌉, at every n.

    >>> print(*solve_shape(n="2*h", out="h", k=3).families)
    k = 3, s = 2, d ≥ 1, p = d
    >>> solve_shape(out=112, k=7, s=2, d=1, p=3).first(5)
    (Solution(k=7, s=2, d=1, a=3, b=3, e=0, n=223), Solution(k=7, s=2, d=1, a=3, b=3, e=0, n=224))
    >>> solve_shape(n=224, out=300, k=3, p=0)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    convmath.errors.ShapeError: no (s, d) with k = 3, p = 0 takes 224 to 300: the output is at most 222, ...
    """
    if m is not None and out is not None:
        raise HyperparameterError(f"m is another name of out, but both came: {m} and {out} [{WHERE}]")
    letters = {"k": k, "s": s, "d": d, "p": p, "a": a, "b": b, "e": e}
    found = Solutions(asked(n, m if out is None else out, transposed, ceil_mode, padding, letters, words))
    if not found.families:
        raise ShapeError(why_none(found.problem))
    return found
