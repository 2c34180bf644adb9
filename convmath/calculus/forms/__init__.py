"""The forms of a statement: the same sum in other equations, each printed with its symbols and computed in numbers.

>>> from convmath import operator
>>> found = forms(operator("conv", ndim=1, groups=1).statement)
>>> list(found)
['einsum', 'im2col', 'col2im', 'toeplitz', 'fourier', 'winograd', 'dilated', 'strided', 'kfac']
>>> found["winograd"].compute({"X": [[[1, 2, 3, 4, 5]]], "W": [[[1, 0, -1]]]}, tile=3)
array([[[-2, -2, -2]]], dtype=object)
>>> found["transposed"]
Traceback (most recent call last):
convmath.errors.StatementError: Y gathers already: each of its values is a sum over taps of what it reads
"""

from __future__ import annotations

from collections.abc import Mapping

from convmath.errors import StatementError, unknown
from convmath.ir.nodes import Statement

from .col2im import Col2im
from .dilated import Dilated
from .einsum import Einsum
from .form import Form
from .fourier import Fourier
from .im2col import Im2col
from .kfac import Kfac
from .recognise import recognised
from .strided import Strided
from .structure import Refusal
from .toeplitz import Toeplitz
from .transposed import Transposed
from .winograd import Winograd

__all__ = ["FORMS", "Form", "Forms", "forms"]

FORMS: Mapping[str, type[Form]] = {
    form.NAME: form
    for form in (Einsum, Im2col, Col2im, Toeplitz, Fourier, Winograd, Dilated, Strided, Transposed, Kfac)
}


class Forms(dict[str, Form]):
    """The forms that a statement has, by name; asking for one that it has not says why."""

    def __init__(self, found: Mapping[str, Form], refused: Mapping[str, str]):
        super().__init__(found)
        self.refused = refused

    def __missing__(self, name: str) -> Form:
        if name in self.refused:
            raise StatementError(self.refused[name])
        raise unknown("form", name, FORMS)


def forms(statement: Statement) -> Forms:
    """The forms of a statement. A statement that is no sum of products with a weight has none."""
    found: dict[str, Form] = {}
    refused: dict[str, str] = {}
    try:
        of = recognised(statement)
    except Refusal as error:
        return Forms({}, dict.fromkeys(FORMS, str(error)))
    for name, form in FORMS.items():
        try:
            found[name] = form.of(of)
        except Refusal as error:
            refused[name] = str(error)
    return Forms(found, refused)
