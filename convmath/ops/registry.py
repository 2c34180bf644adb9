"""The registry: every operator by its name, and what is read off its statement.

>>> operators()[:4]
['conv', 'conv_transpose', 'convolution', 'depthwise_conv']
>>> operator("conv", ndim=2, padding="symmetric").shape().result
(N, G*O, floor((-d1*(k1 - 1) + n1 + 2*p1 - 1)/s1) + 1, floor((-d2*(k2 - 1) + n2 + 2*p2 - 1)/s2) + 1)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from convmath.calculus import derive, subdifferential
from convmath.calculus.counts import Counts, Sharing, counts, sharing
from convmath.calculus.eliminate import TAP, without_single
from convmath.calculus.forms import Forms, forms
from convmath.calculus.shape import derived_shape
from convmath.calculus.symbols import from_sympy, real_symbol, symbol
from convmath.derivation import Derivation
from convmath.errors import HyperparameterError, ShapeError, StatementError, unknown
from convmath.ir.bind import WORDS, bind, holds, hyperparameters, set_by, whole_value
from convmath.ir.check import checked
from convmath.ir.nodes import Compare, Guard, Number, Real, Statement
from convmath.ir.poly import Param, Poly, poly
from convmath.ir.walk import params, reads, reals, substitute, with_reals
from convmath.window import PADDING_WORDS, plain, span, whole, windows

from . import (
    activation,
    adaptive_pool,
    arrange,
    avg_pool,
    conv,
    conv_transpose,
    convolution,
    elementwise,
    global_pool,
    lenet,
    linear,
    locally_connected,
    loss,
    lp_pool,
    max_pool,
    max_unpool,
    norm,
    pad,
    separable,
    softmax,
    unfold,
    upsample,
)
from .family import Family

if TYPE_CHECKING:
    from .numeric import Numeric

__all__ = ["FAMILIES", "Operator", "family_options", "needed_by", "operator", "operators", "real_number", "variants"]

# the letters of what is trained: weights and biases
LEARNED = ("W", "U", "B")

FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        conv.FAMILY,
        conv_transpose.FAMILY,
        convolution.FAMILY,
        *separable.FAMILIES,
        locally_connected.FAMILY,
        *unfold.FAMILIES,
        pad.FAMILY,
        max_pool.FAMILY,
        avg_pool.FAMILY,
        *lp_pool.FAMILIES,
        *adaptive_pool.FAMILIES,
        *global_pool.FAMILIES,
        max_unpool.FAMILY,
        upsample.FAMILY,
        *norm.FAMILIES,
        *activation.FAMILIES,
        *softmax.FAMILIES,
        *loss.FAMILIES,
        linear.FAMILY,
        *elementwise.FAMILIES,
        *arrange.FAMILIES,
        *lenet.FAMILIES,
    )
}


def operators() -> list[str]:
    """The names of all operators, in the order of the docs."""
    return list(FAMILIES)


def _family(name: str) -> Family:
    if not isinstance(name, str) or name not in FAMILIES:
        raise unknown("operator", name, FAMILIES)
    return FAMILIES[name]


def family_options(name: str) -> Mapping[str, tuple]:
    """The options of an operator, each with the values that it takes; the first is the default."""
    return _family(name).options


def operator(name: str, ndim: int = 2, **fixed: Any) -> Operator:
    """An operator in `ndim` spatial dimensions with every hyper-parameter a symbol, except those that are fixed.

    Hyper-parameters go by their words (stride, padding, dilation, groups, kernel, output_padding, eps, …) or letters
    (n, k, s, d, p, a, b, N, C, O, G, …), one value for all axes or one for each. padding="symmetric" keeps one symbol p
    for both ends; "valid", "full" and, at stride 1, "same" and "same_lower" are set in symbols. The other keywords are
    the options of the family: bias, padding_mode, ceil_mode, count_include_pad, ties.
    """
    return of_family(_family(name), ndim, **fixed)


def of_family(family: Family, ndim: int, **fixed: Any) -> Operator:
    """The operator of a family, which need not be one of the registry's."""
    ndim = whole(ndim, "ndim", family.name, family.least_ndim)
    options, values = _apart(family, fixed)
    known = _real_letters(family, ndim, options)
    constants = {known[key]: real_number(key, values.pop(key)) for key in [key for key in values if key in known]}
    for condition in _general(family, ndim, _sorted(options)).requires:
        _decided(with_reals(condition, constants), {}, family.name)
    fixed_params = _fixed(family, ndim, options, values)
    return _operator(family, ndim, _sorted(options), fixed_params, tuple(constants.items()))


def variants(name: str, ndim: int = 2) -> list[Operator]:
    """The operator, and with each of its options at each value that is not the default; hyper-parameters are symbols.

    >>> [op.options for op in variants("avg_pool", ndim=1)]
    [(), (('ceil_mode', True),), (('count_include_pad', False),), (('divisor_override', True),)]
    """
    needs = _family(name).needs
    changed = [
        {**needs.get(option, {}), option: value}
        for option, (_, *others) in family_options(name).items()
        for value in others
    ]
    return [operator(name, ndim, **chosen) for chosen in ({}, *changed)]


def _sorted(options: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(options.items()))


def _apart(family: Family, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options among what is given, and the other values by the statement's letters; None says nothing."""
    known, options = family.options, dict[str, Any]()
    values = {key: value for key, value in given.items() if value is not None}
    for key in [key for key in values if key in known]:
        value = plain(values[key])
        if family.takes(key, value):
            options[key] = value
            del values[key]
        elif (key in WORDS or key in family.words) and _is_number(value):
            options[key] = True  # a number for an option: it is taken, and has that value
        else:
            raise unknown(f"{key} [{family.name}]", values[key], map(str, known[key]))
    letters = {key: family.words.get(key, key) for key in values}
    return options, {letter: values[key] for key, letter in letters.items() if letter is not None}


def _is_number(value: Any) -> bool:
    """A number, or one for each axis."""
    if isinstance(value, list | tuple):
        return all(map(_is_number, value))
    return isinstance(value, int | float) and not isinstance(value, bool)


def real_number(name: str, value: Any) -> Number:
    """A fixed real parameter as a number; a float is taken as it is printed."""
    try:
        if isinstance(value, bool):
            raise ValueError
        return Number(Fraction(str(value)) if isinstance(value, float | np.floating) else Fraction(value))
    except (TypeError, ValueError, OverflowError):
        raise HyperparameterError(f"{name} is {value!r}, but a finite number is needed") from None


@lru_cache(maxsize=1024)
def _operator(family: Family, ndim: int, options: tuple, fixed: tuple, constants: tuple) -> Operator:
    return Operator(family, ndim, options, fixed, constants)


@lru_cache(maxsize=1024)
def _general(family: Family, ndim: int, options: tuple) -> Statement:
    return checked(family.statement(ndim, **dict(options)))


def _real_letters(family: Family, ndim: int, options: Mapping[str, Any]) -> dict[str, Real]:
    return {real.letter: real for real in reals(_general(family, ndim, _sorted(options)))}


def _fixed(family: Family, ndim: int, options: Mapping, given: Mapping[str, Any]) -> tuple[tuple[Param, Poly], ...]:
    """The parameters that are fixed, to integers or to one another."""
    statement, name = _general(family, ndim, _sorted(options)), family.name
    padding = given.get("padding")
    values = {key: value for key, value in given.items() if key != "padding" or not isinstance(padding, str)}
    known = params(statement)
    derived = dict(statement.definitions())
    fixed = {param: poly(whole_value(param, value)) for param, value in hyperparameters(known, values).items()}
    for param in fixed:
        if param in derived:
            raise HyperparameterError(
                f"{poly(param)} follows from the other sizes ({derived[param]}); fix those [{name}]"
            )
    if isinstance(padding, str):
        fixed |= _worded(padding, name, statement, fixed)
    return tuple(sorted(fixed.items(), key=lambda item: item[0].key))


def _worded(word: str, name: str, statement: Statement, values: Mapping[Param, Poly]) -> dict[Param, Poly]:
    """The padding that a word means at these values: in symbols, and in numbers where the sizes are."""
    if word not in ("symmetric", *PADDING_WORDS):
        raise unknown(f"padding [{name}]", word, ["symmetric", *PADDING_WORDS])
    known, transposed = params(statement), _is_transposed(statement)
    axis_of = lambda letter: {p.axis: values.get(p, poly(p)) for p in known if p.letter == letter}  # noqa: E731
    sizes, kernels, strides, dilations = (axis_of(letter) for letter in "nksd")
    padding: dict[Param, Poly] = {}
    afters = {param.axis: param for param in known if param.letter == "b"}
    for before in (p for p in known if p.letter == "a"):
        axis = before.axis
        if axis not in kernels and word not in ("symmetric", "valid"):
            raise HyperparameterError(f"padding={word!r} is told by a kernel, and there is none; give numbers [{name}]")
        kernel, stride, dilation = (of.get(axis, poly(1)) for of in (kernels, strides, dilations))
        length = span(kernel, dilation) - 1
        numbers = [form.constant for form in (sizes[axis], kernel, stride, dilation)]
        if word == "symmetric":
            pads = (poly(Param("p", axis, 0, 0)),) * 2
        elif word == "valid":
            pads = (poly(0),) * 2
        elif word == "full":
            pads = (length,) * 2
        elif None not in numbers and not transposed:
            n, *others = numbers
            [laid] = windows((n,), *others[:2], word, others[2], where=name)  # type: ignore[arg-type]
            pads = (poly(laid.before), poly(laid.after))
        elif stride != 1:
            raise HyperparameterError(
                f"padding={word!r} depends on the input size when the stride is {stride}; "
                f"fix stride=1, or give numbers [{name}]"
            )
        else:
            half = length // 2
            pads = (half, length - half) if word == "same" else (length - half, half)
        padding |= {before: pads[0], afters[axis]: pads[1]}
    return padding


def _is_transposed(statement: Statement) -> bool:
    """Whether its sizes are those that a convolution would have come from."""
    return any(placement.rule == "preimage" for placement in statement.placements)


@dataclass(frozen=True)
class Operator:
    """A family in some dimensions, with some hyper-parameters fixed. Everything else is read off its statement."""

    family: Family
    ndim: int
    options: tuple[tuple[str, Any], ...]
    fixed: tuple[tuple[Param, Poly], ...]
    constants: tuple[tuple[Real, Number], ...] = ()

    def __repr__(self) -> str:
        said = [f"{key}={value!r}" for key, value in self.options]
        said += [f"{param.name}={value}" for param, value in self.fixed]
        said += [f"{real.letter}={value.value}" for real, value in self.constants]
        made = self.family.call or f"operator({self.name!r}"
        return f"{', '.join([made, f'ndim={self.ndim}', *said])})"

    __str__ = __repr__

    @property
    def name(self) -> str:
        return self.family.name

    @property
    def title(self) -> Mapping[str, str]:
        return self.family.title

    # -- the statement

    @property
    def _general(self) -> Statement:
        """The statement with its options, everything else open."""
        return _general(self.family, self.ndim, self.options)

    @cached_property
    def open_statement(self) -> Statement:
        """The statement with what is fixed put in; derived sizes keep their names."""
        general, values = with_reals(self._general, dict(self.constants)), dict(self.fixed)
        undecided = tuple(c for c in general.requires if not _decided(c, values, self.name))
        return checked(without_single(substitute(replace(general, requires=undecided), values)))

    @cached_property
    def statement(self) -> Statement:
        """What the operator is: equations over its inputs."""
        found = self.open_statement
        numbers = {param: value for param, value in found.definitions() if value.constant is not None}
        left = tuple(size for size in found.sizes if size.param not in numbers)
        placed = tuple(p for p in found.placements if p.counted.atom not in numbers)
        return without_single(substitute(replace(found, sizes=left, placements=placed), numbers))

    @property
    def strides_by_kernel(self) -> bool:
        """Whether the stride is the kernel size where it is not given: so it is where no array tells the kernel."""
        told = _kernel_axes(self._general) or all(param.letter != "k" for param in params(self._general))
        return not (told or self.family.unit_stride)

    @cached_property
    def derived_sizes(self) -> tuple[Poly, ...]:
        """The sizes of the output as forms, derived and not read off `statement.sizes`."""
        return derived_shape(self.open_statement)[0]

    def conditions(self) -> tuple[Guard, ...]:
        """What the parameters must meet for the operator to mean anything."""
        return self.statement.requires

    @cached_property
    def symbols(self) -> Mapping[str, tuple[sympy.Symbol, ...]]:
        """The sympy symbols by letter and by word, one per axis; a word that sets two letters gives pairs."""
        by_letter: dict[str, list[Param]] = {}
        for param in (*params(self._general), *params(self.open_statement)):
            by_letter.setdefault(param.letter, [])
            if param not in by_letter[param.letter]:
                by_letter[param.letter].append(param)
        found: dict[str, tuple] = {
            letter: tuple(symbol(p) for p in sorted(entries, key=lambda p: p.axis))
            for letter, entries in by_letter.items()
        }
        found |= {real.letter: (real_symbol(real),) for real in reals(self._general)}
        if "a" in found:
            found.setdefault("p", tuple(symbol(Param("p", p.axis, 0)) for p in by_letter["a"]))
        elif "p" in found:
            found["padding"] = found["p"]
        for word, letters in WORDS.items():
            if all(letter in found for letter in letters):
                found[word] = (
                    found[letters[0]] if len(letters) == 1 else tuple(zip(*(found[l] for l in letters), strict=True))
                )
        found |= {word: found[letter] for word, letter in self.family.words.items() if letter in found}
        return found

    # -- what follows from it

    def shape(self, *, defaults: bool = False, **given: Any) -> Derivation:
        """The shape (N, channels, *spatial) of the output, derived; with sizes given, at those sizes.

        A size is an int or a sympy polynomial with integer coefficients, one for all axes or one for each; padding may
        be a word. What is not given stays a symbol, or has with `defaults` the value that `functional` would take.

        >>> h = sympy.Symbol("h", integer=True)
        >>> operator("conv", ndim=1, k=3, s=2, d=1, p=1).shape(n=2 * h).result
        (N, G*O, h)
        """
        given = {self.family.words.get(key) or key: value for key, value in given.items()}
        word = given.pop("padding") if isinstance(given.get("padding"), str) else None
        said = _given(self, given)
        unsaid = _defaults(self, said) if defaults else {}
        if word is not None:
            general = self._general
            said |= _worded(word, self.name, general, {**unsaid, **said, **dict(self.fixed)})
        unsaid = {param: value for param, value in unsaid.items() if param not in said}
        values = {**said, **unsaid}
        for condition in self.open_statement.requires:
            _decided(condition, values, self.name)
        return _shape(self, tuple(sorted(values.items(), key=lambda item: item[0].key)), tuple(unsaid))

    def solved(self, over: str = TAP) -> Derivation:
        """The statement in solved form."""
        return _derived(self, "solved", over)

    def vjp(self, wrt: str = "X", over: str = TAP) -> Derivation:
        """The gradient by the input `wrt` for any cotangent gY; `over` is the letter of the index kept in the sums."""
        return _derived(self, "vjp", over, _known_input(self, wrt))

    def jvp(self, wrt: str = "X", over: str = TAP) -> Derivation:
        """The derivative of Y along a tangent of the input `wrt`."""
        return _derived(self, "jvp", over, _known_input(self, wrt))

    def hvp(self, wrt: str = "X", along: str | None = None, over: str = TAP) -> Derivation:
        """The derivative of the gradient by `wrt` along a tangent of `along` (`wrt` itself if unsaid)."""
        return _derived(self, "hvp", over, _known_input(self, wrt), _known_input(self, along or wrt))

    @property
    def forms(self) -> Forms:
        """The other forms of a convolution by name: einsum, im2col, toeplitz, fourier, winograd, …

        >>> print(operator("conv", ndim=1, groups=1).forms["toeplitz"].statement.equations[0])
        T[o,c,j,i] = [d | i-s·j+a] [0 ≤ q < k] W[o,c,q]        q = ⌊(i-s·j+a)/d⌋
        """
        return forms(self.statement)

    def counts(self, **given: Any) -> Counts:
        """How much it learns, multiplies and makes, in its parameters; with sizes given, at those sizes.

        >>> one = operator("conv", ndim=2, bias=True, groups=1).counts(C=1, O=32, n=640, k=3, s=1, d=1, p=1)
        >>> one.parameters.constant, operator("linear", ndim=0).counts().parameters
        (320, C·O)
        """
        data = tuple(name for name in self.statement.reads if name not in LEARNED)
        found, values = counts(self._general, data).at(dict(self.fixed)), _given(self, given)
        sizes = {param: value.substitute(values) for param, value in self.open_statement.definitions()}
        return found.at({**sizes, **values}) if given else found

    def sharing(self, **given: Any) -> Sharing:
        """The weights between the inputs and outputs of one example: shared as here, each its own, or all to all.

        >>> one = operator("conv", ndim=2, groups=1).sharing(C=1, O=1, n=7, k=3, s=1, d=1, p=0)
        >>> [int(str(number)) for number in (one.inputs, one.outputs, one.shared, one.local, one.dense)]
        [49, 25, 9, 225, 1225]
        """
        found, values = sharing(self._general).at(dict(self.fixed)), _given(self, given)
        sizes = {param: value.substitute(values) for param, value in self.open_statement.definitions()}
        return found.at({**sizes, **values}) if given else found

    def subdifferential(self, wrt: str = "X") -> Statement:
        """All gradients of a maximum at once, by weights Λ; what the statement requires makes it a subgradient."""
        return subdifferential.subdifferential(self.statement, _known_input(self, wrt))

    def empty_windows(self) -> tuple[subdifferential.EmptyWindow, ...]:
        """For each axis when a window has no element of it, and when none of those that are counted is empty.

        >>> [axis] = operator("max_pool", ndim=1).empty_windows()
        >>> print(axis)
        [n ≤ s·j-a] or [s·j+d·(k-1)-a < 0] or [s·j-a < 0][n ≤ (s·j-a) mod d]
        """
        return subdifferential.empty_windows(self.statement)

    # -- numbers

    @property
    def function(self) -> Numeric:
        """The operator on arrays in their own floating point, with its gradient as `.vjp`.

        >>> operator("avg_pool", ndim=1).function([[[1, 2, 3, 5]]], kernel_size=2)
        array([[[1.5, 4. ]]])
        """
        from .numeric import Numeric

        return Numeric(self)

    def is_subgradient(self, g: Any, *arrays: Any, wrt: str = "X", **given: Any) -> bool:
        """Whether g is a subgradient of ⟨gY, Y⟩ by `wrt`: the arrays, and behind them the cotangent gY; exactly.

        >>> pool = operator("max_pool", ndim=1)
        >>> [pool.is_subgradient([[g]], [[[1, 1]]], [[[2]]], k=2) for g in ([2, 0], [1, 1], [2, 2], [3, -1])]
        [True, True, False, False]
        """
        *own, cotangent = arrays
        op, named, numbers = self.at(own, given)
        return subdifferential.is_subgradient(op.statement, wrt, g, named, cotangent, **numbers)

    def exact(self, *arrays: Any, **given: Any) -> Any:
        """The value by definition: an array of ints, Fractions and, where it is not rational, Enclosures.

        The arrays come in the order of the inputs, those that are optional last or None. `given` are hyper-parameters
        and options, as `functional` takes them. Several outputs come as a tuple.
        """
        op, named, numbers = self.at(arrays, given)
        value = op.statement.evaluate(named, **numbers)
        return tuple(value[name] for name in op.statement.outputs) if isinstance(value, dict) else value

    def exact_vjp(self, cotangent: Any, *arrays: Any, **given: Any) -> tuple[Any, ...]:
        """The gradient by each input that came by the derived formula, exactly; None by one of whole numbers."""
        op, named, numbers = self.at(arrays, given)
        named |= {f"g{op.statement.outputs[0]}": cotangent}
        derived = (None if tensor.integer else op.vjp(tensor.name).result for tensor in op.statement.inputs)
        return tuple(s if s is None else s.evaluate(named, **needed_by(s, numbers)) for s in derived)

    def sizes(self, *arrays: Any, **given: Any) -> tuple[int, ...]:
        """The shape of the output for these arrays: the derived sizes, as numbers."""
        op, env = self.at(arrays, given)[0], self.environment(*arrays, **given)
        sizes = {size.param: poly(env[size.param]) for size in op.statement.sizes}
        return tuple(size.substitute(sizes).evaluate(env) for size in op.derived_sizes)

    def environment(self, *arrays: Any, **given: Any) -> dict[Param, int]:
        """The value of every integer parameter for these arrays."""
        op, named, numbers = self.at(arrays, given)
        letters = {real.letter for real in reals(op.statement)}
        whole_numbers = {key: value for key, value in numbers.items() if key not in letters}
        return bind(op.statement, {name: array.shape for name, array in named.items()}, whole_numbers)

    def at(self, arrays: Sequence[Any], given: Mapping[str, Any]) -> tuple[Operator, dict[str, Any], dict[str, Any]]:
        """The operator with the options that came, its arrays by name, and its hyper-parameters by letter."""
        try:
            found = [None if array is None else np.asarray(array) for array in arrays]
        except ValueError as error:
            raise ShapeError(f"what came can't be read as an array: {error} [{self.name}]") from None
        chosen, numbers = _apart(self.family, given)
        told = self.family.told(found) if self.family.told else {}
        options = {**dict(self.options), **told, **chosen}
        if self.family.counted:
            options |= {self.family.counted: len(found)}
        named = self._named(found, options)
        op = _operator(self.family, self.ndim, _sorted(options), self.fixed, self.constants)
        if (x := next(iter(named.values()))).ndim != len(op.statement.inputs[0].shape):
            raise ShapeError(
                f"X has shape {x.shape}, but {self.ndim} spatial axes behind (N, C) are needed [{self.name}]"
                if len(op.statement.inputs[0].shape) == self.ndim + 2
                else f"X has shape {x.shape}, but {len(op.statement.inputs[0].shape)} axes are needed [{self.name}]"
            )
        return op, named, op._numbers(named, numbers)

    def _named(self, arrays: Sequence[Any], options: dict[str, Any]) -> dict[str, Any]:
        """The arrays by the names of the inputs; an optional one that came chooses its option."""
        optional = self.family.optional
        everything = _general(self.family, self.ndim, _sorted(options | dict.fromkeys(optional.values(), True))).reads
        named = {name: array for name, array in zip(everything, arrays, strict=False) if array is not None}
        options |= {optional[name]: True for name in named if name in optional}
        needed = _general(self.family, self.ndim, _sorted(options)).reads
        if set(named) != set(needed) or len(arrays) > len(everything):
            came = ", ".join(named) if len(arrays) <= len(everything) else f"{len(arrays)} arrays"
            raise StatementError(f"{self.name} reads {', '.join(needed)}, but {came or 'nothing'} came")
        return named

    def _numbers(self, arrays: Mapping[str, np.ndarray], given: dict[str, Any]) -> dict[str, Any]:
        """The hyper-parameters with a pool's default stride and with words for padding made numbers."""
        letters = {real.letter for real in reals(self._general)}
        real_values = {key: given.pop(key) for key in [key for key in given if key in letters]}
        word = given.pop("padding") if isinstance(given.get("padding"), str) else None
        known = sorted(params(self._general), key=lambda param: param.axis)
        said = {param: value.constant for param, value in self.fixed} | hyperparameters(known, given)
        k, s, d = ([param for param in known if param.letter == letter] for letter in "ksd")
        said |= {kernel: arrays[name].shape[axis] for kernel, (name, axis) in _kernel_axes(self._general).items()}
        if self.strides_by_kernel and s and said.keys() >= set(k):
            unsaid = {stride: said[kernel] for stride, kernel in zip(s, k, strict=True) if stride not in said}
            said |= unsaid
            given |= {param.name: value for param, value in unsaid.items()}
        if word not in (None, "valid") and _is_transposed(self.open_statement):
            raise HyperparameterError(f"padding is {word!r}, but numbers, pairs or 'valid' are needed [{self.name}]")
        if word is not None:
            unsaid_is = ((k, None), (s, 1), (d, 1))
            kernel, stride, dilation = (tuple(said.get(param, value) for param in of) for of, value in unsaid_is)
            laid = windows(next(iter(arrays.values())).shape[2:], kernel, stride, word, dilation or 1, where=self.name)
            given["padding"] = tuple((window.before, window.after) for window in laid)
        return given | real_values


def needed_by(statement: Statement, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Those of an operator's hyper-parameters that a statement derived from it still has."""
    known = {real.letter for real in reals(statement)} | {param.letter for param in params(statement)}
    names = {param.name for param in params(statement)}
    return {key: value for key, value in numbers.items() if key in names or set_by(key, known)}


def _kernel_axes(statement: Statement) -> dict[Param, tuple[str, int]]:
    """Which axis of which input has the length of each kernel axis."""
    return {
        size.atom: (tensor.name, axis)
        for tensor in statement.inputs
        for axis, size in enumerate(tensor.shape)
        if isinstance(size.atom, Param) and size.atom.letter == "k"
    }


def _decided(condition: Guard, values: Mapping[Param, Poly], name: str) -> bool:
    """Whether a condition has no parameters left at these values; then it must hold."""
    at_values = substitute(condition, values)
    if params(at_values) or any(reads(at_values)) or reals(at_values):
        return False
    if not (_compares(at_values) if isinstance(at_values, Compare) else holds(at_values, {})):
        said = ", ".join(f"{poly(param)} = {values[param]}" for param in params(condition))
        raise ShapeError(f"{str(condition)[1:-1]} is needed, but does not hold{said and f' at {said}'} [{name}]")
    return True


def _compares(condition: Compare) -> bool:
    """Whether a comparison of numbers holds."""
    u, v = (side.value for side in (condition.left, condition.right) if isinstance(side, Number))
    return {"=": u == v, "≠": u != v, "<": u < v, "≤": u <= v}[condition.relation]


def _known_input(op: Operator, wrt: str) -> str:
    if wrt not in op.statement.reads:
        hint = " (with bias=True it reads B too)" if wrt == "B" else ""
        raise unknown(f"input of {op.name}{hint}", wrt, op.statement.reads)
    return wrt


def _given(op: Operator, given: Mapping[str, Any]) -> dict[Param, Poly]:
    """Sizes given to a shape: integers or forms for the parameters that are still open."""
    known = tuple(p for p in params(op.open_statement) if p not in dict(op.open_statement.definitions()))
    return {param: _form(param, value) for param, value in hyperparameters(known, given).items()}


def _defaults(op: Operator, values: Mapping[Param, Poly]) -> dict[Param, Poly]:
    """What the parameters that have a default are if unsaid. A pool's stride is its kernel."""
    known = params(op.open_statement)
    kernels = {param.axis: values.get(param, poly(param)) for param in known if param.letter == "k"}
    return {
        param: kernels[param.axis] if param.letter == "s" and op.strides_by_kernel else poly(param.default)
        for param in known
        if param.default is not None and (param.letter != "s" or param.axis in kernels)
    }


def _form(param: Param, value: Any) -> Poly:
    if isinstance(value, sympy.Expr):
        value = from_sympy(value)
    if isinstance(value, Poly) and value.constant is None:
        return value
    return poly(whole_value(param, value.constant if isinstance(value, Poly) else value))


DERIVED: Mapping[str, Callable[..., Derivation]] = {
    "solved": derive.solved_derivation,
    "vjp": derive.vjp_derivation,
    "jvp": derive.jvp_derivation,
    "hvp": derive.hvp_derivation,
}


@lru_cache(maxsize=1024)
def _derived(op: Operator, kind: str, over: str, *inputs: str) -> Derivation:
    return DERIVED[kind](op.statement, *inputs, op.title, over)


@lru_cache(maxsize=1024)
def _shape(op: Operator, values: tuple[tuple[Param, Poly], ...], unsaid: tuple[Param, ...]) -> Derivation:
    return derive.shape_derivation(op.open_statement, dict(values), op.title, unsaid)
