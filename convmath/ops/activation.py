r"""Activations: a function of one real number, applied to each element.

Those with a kink are stated piece by piece, so that their derivative at the kink is that of the piece it belongs to:

>>> from convmath import operator
>>> print(operator("leaky_relu", ndim=1).statement)
Y[ν,c,i] = [0 < X[ν,c,i]] X[ν,c,i] + [X[ν,c,i] ≤ 0] α · X[ν,c,i]
>>> print(operator("leaky_relu", ndim=1).vjp("X").result)
gX[ν,c,i] = gY[ν,c,i] · ([0 < X[ν,c,i]] + [X[ν,c,i] ≤ 0] · α)

The function of the others is one of `ir.functions`, or made of them:

>>> print(operator("silu", ndim=0).statement)
Y[ν,c] = X[ν,c] · sigmoid(X[ν,c])
>>> print(operator("silu", ndim=0).vjp("X").result)
gX[ν,c] = gY[ν,c] · sigmoid(X[ν,c]) · (X[ν,c] - X[ν,c] · sigmoid(X[ν,c]) + 1)

PReLU learns its slope below 0, one for each channel or one for all of them:

>>> print(operator("prelu", ndim=1).vjp("W").result)
gW[c] = Σ_{ν<N, i<n} [X[ν,c,i] ≤ 0] gY[ν,c,i] · X[ν,c,i]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from convmath.ir.build import Tensor, equation, read, total
from convmath.ir.functions import PI
from convmath.ir.nodes import ZERO, Apply, Compare, Guard, Read, Real, Scalar, Statement, Term, scalar
from convmath.ir.poly import poly

from .family import Family
from .positions import Positions
from .spatial import letters

__all__ = ["FAMILIES", "GELU_CUBIC", "LECUN", "SELU"]

# Klambauer, Unterthiner, Mayr, Hochreiter 2017, Self-normalizing neural networks: the digits are those of the paper's
# code. With them a standard normal variable keeps its mean 0 and its variance 1.
SELU = (
    Real("λ", Fraction("1.0507009873554804934193349852946")),
    Real("α", Fraction("1.6732632423543772848170429916717")),
)
# LeCun, Bottou, Bengio, Haffner 1998, Gradient-based learning applied to document recognition, appendix A
LECUN = Real("α", Fraction("1.7159")), Real("β", Fraction(2, 3))
# Hendrycks and Gimpel 2016, Gaussian error linear units, section 2
GELU_CUBIC = Real("κ", Fraction("0.044715"))

Function = Callable[[Read], Scalar]


# --- a function of the element ------------------------------------------------------------------------------------


def _pointwise(*pieces: Callable[[Read], Term]) -> Callable[[int], Statement]:
    """Y[ν,c,i] = f(X[ν,c,i]), as the sum of its pieces."""

    def statement(ndim: int) -> Statement:
        at = Positions.of(ndim)
        return Statement((at.tensor("X"),), (equation("Y", at.at, *(piece(at.x) for piece in pieces)),), ("Y",))

    return statement


def _piece(f: Function, low: Any = None, high: Any = None, *, closed: bool = False) -> Callable[[Read], Term]:
    """f(x) where low < x < high; `closed` where the piece has its end."""
    relation = "≤" if closed else "<"

    def term(x: Read) -> Term:
        below: list[Guard] = [] if low is None else [Compare(scalar(low), relation, x)]
        above: list[Guard] = [] if high is None else [Compare(x, relation, scalar(high))]
        return total(f(x), (), [*below, *above])

    return term


def _identity(x: Read) -> Scalar:
    return x


def _exponential(x: Read, α: Real) -> Scalar:
    return α * (Apply("exp", x) - 1)


def _gelu(ndim: int, *, approximate: str = "none") -> Statement:
    """X·Φ(X), Φ the distribution function of a standard normal variable, or with a tanh that approximates it."""
    at = Positions.of(ndim)
    x, Φ = at.x, read("Φ", *at.at)
    exact = Apply("erf", x / Apply("sqrt", scalar(2)))
    by_tanh = Apply("tanh", Apply("sqrt", 2 / PI) * (x + GELU_CUBIC * x**3))
    odd = {"none": exact, "tanh": by_tanh}[approximate]
    equations = equation("Φ", at.at, total((1 + odd) / 2)), equation("Y", at.at, total(x * Φ))
    return Statement((at.tensor("X"),), equations, ("Y",))


def _softplus(ndim: int, *, threshold: bool = False) -> Statement:
    """log(1 + exp(β·X))/β; with a threshold, X itself where β·X is above it."""
    at, β, θ = Positions.of(ndim), Real("β", Fraction(1), positive=True), Real("θ")
    steep = β * at.x
    smooth = Apply("softplus", steep) / β
    pieces = [total(smooth)]
    if threshold:
        pieces = [total(smooth, (), [Compare(steep, "≤", θ)]), total(at.x, (), [Compare(θ, "<", steep)])]
    return Statement((at.tensor("X"),), (equation("Y", at.at, *pieces),), ("Y",), requires=(Compare(ZERO, "<", β),))


def _prelu(ndim: int, *, shared: bool = False) -> Statement:
    """Y[ν,c,i] = [0 < X] X + [X ≤ 0] W[c]·X; a shared weight is one for all channels."""
    at = Positions.of(ndim)
    W, w = (Tensor("W", (poly(1),), letters("c", "", 0)), 0) if shared else (at.channels("W"), at.c)
    pieces = _piece(_identity, low=0), _piece(lambda x: read(W, w) * x, high=0, closed=True)
    return Statement((at.tensor("X"), W), (equation("Y", at.at, *(piece(at.x) for piece in pieces)),), ("Y",))


def _is_shared(arrays: Sequence[Any]) -> Mapping[str, bool]:
    x, w, *_ = (*arrays, None, None)
    return {} if x is None or w is None else {"shared": w.shape == (1,) and x.ndim > 1 and x.shape[1] != 1}


# --- the families -------------------------------------------------------------------------------------------------


def _family(name: str, en: str, es: str, statement: Callable[..., Statement], **rest: Any) -> Family:
    return Family(name, {"en": en, "es": es}, statement, least_ndim=0, **rest)


_α = Real("α", Fraction(1))
_SLOPE = Real("α", Fraction(1, 100))
_NEGATIVE: dict[str, Any] = {"high": 0, "closed": True}

FAMILIES = (
    _family("relu", "ReLU", "ReLU", _pointwise(_piece(_identity, low=0))),
    _family(
        "leaky_relu",
        "Leaky ReLU",
        "ReLU con fuga",
        _pointwise(_piece(_identity, low=0), _piece(lambda x: _SLOPE * x, **_NEGATIVE)),
        words={"negative_slope": "α"},
    ),
    _family("prelu", "Parametric ReLU", "ReLU paramétrica", _prelu, options={"shared": (False, True)}, told=_is_shared),
    _family(
        "relu6",
        "ReLU6",
        "ReLU6",
        _pointwise(_piece(_identity, low=0, high=6), _piece(lambda x: scalar(6), low=6, closed=True)),
    ),
    _family(
        "elu",
        "Exponential linear unit",
        "Unidad lineal exponencial",
        _pointwise(_piece(_identity, low=0), _piece(lambda x: _exponential(x, _α), **_NEGATIVE)),
        words={"alpha": "α"},
    ),
    _family(
        "selu",
        "Scaled exponential linear unit",
        "Unidad lineal exponencial escalada",
        _pointwise(
            _piece(lambda x: SELU[0] * x, low=0), _piece(lambda x: SELU[0] * _exponential(x, SELU[1]), **_NEGATIVE)
        ),
    ),
    _family("sigmoid", "Sigmoid", "Sigmoide", _pointwise(_piece(lambda x: Apply("sigmoid", x)))),
    _family("tanh", "Hyperbolic tangent", "Tangente hiperbólica", _pointwise(_piece(lambda x: Apply("tanh", x)))),
    _family(
        "scaled_tanh",
        "Scaled hyperbolic tangent",
        "Tangente hiperbólica escalada",
        _pointwise(_piece(lambda x: LECUN[0] * Apply("tanh", LECUN[1] * x))),
        words={"amplitude": "α", "slope": "β"},
    ),
    _family(
        "gelu",
        "Gaussian error linear unit",
        "Unidad lineal de error gaussiano",
        _gelu,
        options={"approximate": ("none", "tanh")},
    ),
    _family(
        "silu",
        "Sigmoid linear unit",
        "Unidad lineal sigmoide",
        _pointwise(_piece(lambda x: x * Apply("sigmoid", x))),
    ),
    _family(
        "softplus",
        "Softplus",
        "Softplus",
        _softplus,
        options={"threshold": (False, True)},
        words={"beta": "β", "threshold": "θ"},
    ),
    _family(
        "hardswish",
        "Hard swish",
        "Swish dura",
        _pointwise(_piece(lambda x: x * (x + 3) / 6, low=-3, high=3), _piece(_identity, low=3, closed=True)),
    ),
)
