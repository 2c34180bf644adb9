"""What is asked: sizes, what is known of each unknown, and which rule says how long an output is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

from convmath import text
from convmath.errors import HyperparameterError, ShapeError, unknown
from convmath.ir.bind import WORDS
from convmath.ir.nodes import AtMost, Guard, Less, Zero
from convmath.ir.poly import Param, Poly, least, poly
from convmath.ir.typed import form
from convmath.window import PADDING_WORDS, ceil_steps, flag, plain, span, steps, transposed_size, whole

from .boxes import INFINITE

__all__ = ["INNER", "LETTERS", "PARAMS", "SHIFTED", "WHERE", "Problem", "Range", "asked", "least_values", "only"]

WHERE = "solve_shape"
# as many separate numbers as an unknown may be among
MANY = 10_000

# the least value of each unknown, in the order in which solutions are told
LETTERS = {"n": 1, "k": 1, "s": 1, "d": 1, "p": 0, "a": 0, "b": 0, "e": 0}
PARAMS = {letter: Param(letter, least=low) for letter, low in LETTERS.items()}
# inside, a kernel and an input are counted less one
SHIFTED = {"k": Param("κ", least=0), "n": Param("λ", least=0)}
INNER = {letter: SHIFTED.get(letter, param) for letter, param in PARAMS.items()}
CHOICES = ("symmetric", "asymmetric", *PADDING_WORDS)

Range = tuple[int, int | float]  # the first and the last of whole numbers that follow one another


@dataclass(frozen=True)
class Problem:
    """n → m for each of `sizes`; without a size n is unknown, and without an m it is ⌈n/s⌉ at every n.

    `known` has an entry for each unknown: the runs of whole numbers that it may be among; one number is one run.
    `padding` is one of `CHOICES`.
    """

    sizes: tuple[tuple[Poly | None, Poly | None], ...]
    known: tuple[tuple[str, tuple[Range, ...]], ...]
    padding: str
    transposed: bool
    ceil: bool

    @property
    def letters(self) -> tuple[str, ...]:
        """The letters of what is asked for or given, n only where it is unknown."""
        return tuple(letter for letter, _ in self.known)

    @property
    def free(self) -> tuple[str, ...]:
        """The letters that more than one number is possible for."""
        return tuple(letter for letter, runs in self.known if only(runs) is None)

    @property
    def symbols(self) -> tuple[Param, ...]:
        """The symbols in the sizes; a solution serves every value of them."""
        sizes = (size for pair in self.sizes for size in pair if size is not None)
        return tuple(dict.fromkeys(leaf for size in sizes for leaf in size.leaves() if isinstance(leaf, Param)))

    @property
    def worded(self) -> bool:
        """The padding follows from the sizes, as the words "same" say."""
        return self.padding in ("same", "same_lower")

    @property
    def usual_stride(self) -> int:
        """⌈n/m⌉, the stride of a kernel of 1 without padding (transposed ⌈m/n⌉); 1 where sizes are no numbers."""
        n, m = (None if size is None else size.constant for size in self.sizes[0])
        if n is None or m is None:
            return 1
        return -(-m // n) if self.transposed else -(-n // m)

    def choices(self) -> Iterator[dict[str, Range]]:
        """One run for each unknown."""
        for runs in product(*(runs for _, runs in self.known)):
            yield dict(zip(self.letters, runs, strict=True))

    def pads(self, values: Mapping[str, Any]) -> tuple[Any, Any]:
        """a and b, where they do not follow from the sizes; the values are numbers or forms."""
        match self.padding:
            case "symmetric":
                return values["p"], values["p"]
            case "full":
                reach = span(values["k"], values["d"]) - 1
                return reach, reach
        return values["a"], values["b"]

    def conditions(self, values: Mapping[str, Poly]) -> tuple[Guard, ...]:
        """What has to hold, as `window` has the formulas; the letters mean what `values` says, or themselves."""
        at = {letter: poly(param) for letter, param in PARAMS.items()} | dict(values)
        said = [guard for n, m in self.sizes for guard in self._condition(at["n"] if n is None else n, m, at)]
        return tuple(dict.fromkeys(said))

    def _condition(self, n: Poly, m: Poly | None, at: Mapping[str, Poly]) -> Iterator[Guard]:
        k, s, d, e = (at[letter] for letter in "ksde")
        m = (n - 1) // s + 1 if m is None else m
        if self.worded:
            inner, outer = (m, n) if self.transposed else (n, m)
            yield Zero((inner - 1) // s + 1, outer)
            return
        a, b = self.pads(at)
        if self.transposed:
            yield Zero(transposed_size(n, k, s, d, a, b, e), m)
            yield Less(e, s + d - least(s, d))  # e < max(s, d)
        elif self.ceil:
            yield AtMost(span(k, d), n + a + b)
            yield Zero(ceil_steps(n, k, s, d, a, b, least=least), m)
        else:
            yield Zero(steps(n, k, s, d, a, b), m)


def only(runs: tuple[Range, ...]) -> int | None:
    """The one number that there is in runs, or None where there are more."""
    low, high = runs[0]
    return int(low) if len(runs) == 1 and low == high else None


def asked(
    n: Any,
    out: Any,
    transposed: bool,
    ceil_mode: bool,
    padding: Any,
    letters: Mapping[str, Any],
    words: Mapping[str, Any],
) -> Problem:
    """The problem that a caller states, checked."""
    transposed, ceil_mode = flag(transposed, "transposed", WHERE), flag(ceil_mode, "ceil_mode", WHERE)
    if transposed and ceil_mode:
        raise HyperparameterError(f"ceil_mode rounds a division, and a transposed size has none [{WHERE}]")
    values = _by_letter(letters, words)
    choice = _padding(padding, values)
    if "e" in values and (not transposed or choice in ("same", "same_lower")):
        where = f"follows from padding={choice!r}" if transposed else "belongs to transposed=True"
        raise HyperparameterError(f"e, the output padding, {where}; it can't be set [{WHERE}]")
    if choice == "valid":
        choice, values = "symmetric", values | {"p": 0}
    asked_for = {"k", "s", "d", *{"symmetric": "p", "asymmetric": "ab"}.get(choice, "")}
    if transposed and choice not in ("same", "same_lower"):
        asked_for.add("e")
    sizes = _sizes(n, out, transposed, ceil_mode)
    if sizes[0][0] is None:
        asked_for.add("n")
        values["n"] = n
    known = tuple((letter, _runs(letter, values.get(letter))) for letter in LETTERS if letter in asked_for)
    return Problem(sizes, known, choice, transposed, ceil_mode)


def _by_letter(letters: Mapping[str, Any], words: Mapping[str, Any]) -> dict[str, Any]:
    """What is given, under letters; a word stands for its letter."""
    values = {letter: plain(value) for letter, value in letters.items() if value is not None}
    known = {word: found[0] for word, found in WORDS.items() if len(found) == 1 and found[0] in letters}
    for word, value in words.items():
        if word not in known:
            raise unknown("unknown of the inverse problem", word, [*letters, *known], WHERE)
        if value is None:
            continue
        if (letter := known[word]) in values:
            raise HyperparameterError(f"{letter} came twice, also as {word} [{WHERE}]")
        values[letter] = plain(value)
    return values


def _padding(padding: Any, values: dict[str, Any]) -> str:
    """Which of `CHOICES` is meant; numbers go into `values`."""
    padding = plain(padding)
    ends = [letter for letter in "pab" if letter in values]
    if "p" in ends and len(ends) > 1:
        raise HyperparameterError(f"p is the padding at both ends, so {ends[1]} can't be set too [{WHERE}]")
    if padding is None:
        return "asymmetric" if set(ends) & {"a", "b"} else "symmetric"
    if isinstance(padding, str):
        if padding not in CHOICES:
            raise unknown("padding", padding, CHOICES, WHERE)
        if set(ends) - {"symmetric": {"p"}, "asymmetric": {"a", "b"}}.get(padding, set()):
            raise HyperparameterError(f"padding={padding!r} leaves no {ends[0]} to be set [{WHERE}]")
        return padding
    if ends:
        raise HyperparameterError(f"padding says what {ends[0]} is, so it can't be set too [{WHERE}]")
    match padding:
        case [[before, after]]:
            values |= {"a": before, "b": after}
            return "asymmetric"
        case [*_]:
            raise HyperparameterError(
                f"padding is {padding!r}; a before/after pair is written nested, ((1, 2),), and p=(1, 2) is one of "
                f"several [{WHERE}]"
            )
    values["p"] = padding
    return "symmetric"


def _runs(letter: str, value: Any) -> tuple[Range, ...]:
    """The runs of whole numbers that a value stands for: one, several of them, or a range; None is any."""
    low = LETTERS[letter]
    if value is None:
        return ((low, INFINITE),)
    if isinstance(value, range) and value.step == 1 and value:
        return ((whole(value[0], letter, WHERE, low), whole(value[-1], letter, WHERE, low)),)
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
    numbers = sorted({whole(one, letter, WHERE, low) for one in (islice(value, MANY + 1) if several else (value,))})
    if len(numbers) > MANY:
        raise HyperparameterError(f"{letter} is among more than {MANY} separate numbers [{WHERE}]")
    if not numbers:
        raise HyperparameterError(f"{letter} is {value!r}, in which there is no number [{WHERE}]")
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = runs[-1][0], number
        else:
            runs.append((number, number))
    return tuple(runs)


# --- sizes --------------------------------------------------------------------------------------------------------


def _sizes(n: Any, out: Any, transposed: bool, ceil: bool) -> tuple[tuple[Poly | None, Poly | None], ...]:
    n, out = plain(n), plain(out)
    if out is None:
        raise HyperparameterError(f"out, the size of the output, is needed: a number, a form, or 'same' [{WHERE}]")
    if isinstance(out, str) and out.strip() == "same":
        return (_every_size(n, transposed, ceil),)
    if isinstance(n, Sequence) and not isinstance(n, str | range):
        outs = list(out) if isinstance(out, Sequence) and not isinstance(out, str) else [out] * len(n)
        if not n or len(outs) != len(n):
            raise ShapeError(
                f"n has {len(n)} sizes and out has {len(outs)}, but one out for each n is needed [{WHERE}]"
            )
        if ceil and len(n) > 1:
            raise HyperparameterError(
                f"ceil_mode is solved for one n at a time; keep those solutions that are `in` the others' [{WHERE}]"
            )
        pairs = [(_size(one, "n"), _size(other, "out")) for one, other in zip(n, outs, strict=True)]
    else:
        unknown_size = n is None or isinstance(n, range)
        pairs = [(None if unknown_size else _size(n, "n"), _size(out, "out"))]
    symbols = [leaf for pair in pairs for size in pair if size is not None for leaf in size.leaves()]
    names = [symbol.name for symbol in dict.fromkeys(symbols) if isinstance(symbol, Param)]
    if len(set(names)) < len(names):
        raise HyperparameterError(f"n and out have different symbols of one name, among {', '.join(names)} [{WHERE}]")
    if symbols and ceil:
        raise HyperparameterError(f"ceil_mode is solved for numbers, but n or out has symbols [{WHERE}]")
    if symbols and pairs[0][0] is None:
        raise HyperparameterError(f"n is unknown, so out must be a number, but it is {pairs[0][1]} [{WHERE}]")
    return tuple(pairs)


def _every_size(n: Any, transposed: bool, ceil: bool) -> tuple[Poly, None]:
    """⌈n/s⌉ windows, whatever n is."""
    found = poly(PARAMS["n"]) if n is None else _size(n, "n")
    if found.atom is None:
        raise HyperparameterError(
            f"out='same' asks for ⌈n/s⌉ at every n, but n is {found}; leave n out, or give a number for out [{WHERE}]"
        )
    if transposed or ceil:
        option = "transposed" if transposed else "ceil_mode"
        raise HyperparameterError(f"out='same' is asked of windows that lie inside, not of {option}=True [{WHERE}]")
    return found, None


def _size(value: Any, name: str) -> Poly:
    """A size: a number, or a form in symbols that is affine and at least 1 at every value of them."""
    found = _form(value, name)
    if found.constant is not None:
        return poly(whole(found.constant, name, WHERE, 1))
    for monomial in found.terms:
        if len(monomial) > 1 or any(power > 1 or not isinstance(atom, Param) for atom, power in monomial):
            raise HyperparameterError(
                f"{name} is {found}, but a sum of multiples of symbols is needed, such as 2·h+1; what is rounded is "
                f"two sizes at once: n=(2*h, 2*h+1), out=(h, h) [{WHERE}]"
            )
    reserved = {param.name for param in (*PARAMS.values(), *INNER.values())} - {"n"}
    if taken := [leaf.name for leaf in found.leaves() if leaf.name in reserved]:
        raise HyperparameterError(
            f"{name} is {found}, but {taken[0]} is an unknown here; take another letter [{WHERE}]"
        )
    if min(c for monomial, c in found.terms.items() if monomial) < 0 or found.evaluate(least_values(found)) < 1:
        raise HyperparameterError(
            f"{name} is {found}, but it must be at least 1 at every value of its symbols [{WHERE}]"
        )
    return found


def least_values(found: Poly) -> dict[Param, int]:
    """The least value of each symbol: what is known of it, else 1."""
    return {leaf: 1 if leaf.least is None else leaf.least for leaf in found.leaves() if isinstance(leaf, Param)}


def _form(value: Any, name: str) -> Poly:
    if isinstance(value, Poly):
        return value
    if isinstance(value, str):
        return form(text.parse(value), lambda letter: poly(Param(letter, least=1)))
    if hasattr(value, "free_symbols"):
        from convmath.calculus.symbols import from_sympy

        return from_sympy(value)
    return poly(whole(value, name, WHERE, 1))
