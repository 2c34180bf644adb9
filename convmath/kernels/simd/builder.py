"""A small builder of kernels over LLVM: explicit vectors, loops that carry values, masks. Nothing is vectorised for us.

A kernel computes in one floating type. Every floating operation is IEEE's, in the order written: no flag lets LLVM
change a sum. `multiply_add` is fused where the processor can do that, and rounds twice where the kernel is to give the
same bits everywhere (`exact`).
Addresses count bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from llvmlite import ir

from .host import host
from .words import Words, address, addresses, words

__all__ = [
    "BYTES",
    "DTYPES",
    "ITEM",
    "POINTER",
    "WORD",
    "Builder",
    "Value",
    "Words",
    "address",
    "addresses",
    "words",
]

WORD, HALF, BYTE, BIT = ir.IntType(64), ir.IntType(32), ir.IntType(8), ir.IntType(1)
POINTER = ir.PointerType()
FLOATS = {"f4": ir.FloatType(), "f8": ir.DoubleType()}
INTEGERS = {"f4": HALF, "f8": WORD}
BYTES = {"f4": 4, "f8": 8}
DTYPES = {np.dtype(np.float32): "f4", np.dtype(np.float64): "f8"}  # those that kernels compute in, by NumPy's names
SUFFIX = {FLOATS["f4"]: "f32", FLOATS["f8"]: "f64", HALF: "i32", WORD: "i64", BYTE: "i8"}
ITEM = ir.FunctionType(ir.VoidType(), [POINTER, POINTER, WORD, WORD])


def _element(kind: ir.Type) -> Any:
    return kind.element if isinstance(kind, ir.VectorType) else kind


class Value:
    """A number or a vector of numbers, not yet computed. Operators emit instructions; plain numbers are constants."""

    __slots__ = ("builder", "value")

    def __init__(self, builder: Builder, value: Any):
        self.builder, self.value = builder, value

    @property
    def type(self) -> ir.Type:
        return self.value.type

    @property
    def lanes(self) -> int:
        """How many numbers there are in the vector; 1 for a number."""
        return self.type.count if isinstance(self.type, ir.VectorType) else 1

    @property
    def whole(self) -> bool:
        return isinstance(_element(self.type), ir.IntType)

    def other(self, other: Value | float) -> Any:
        """The other operand, as LLVM has it."""
        if isinstance(other, Value):
            return other.value
        kind = self.type
        return ir.Constant(kind, [other] * kind.count if isinstance(kind, ir.VectorType) else other)

    def _apply(self, other: Value | float, of_floats: str, of_integers: str, *, turned: bool = False) -> Value:
        a, b = (self.other(other), self.value) if turned else (self.value, self.other(other))
        return Value(self.builder, getattr(self.builder.code, of_integers if self.whole else of_floats)(a, b))

    def __add__(self, other: Value | float) -> Value:
        return self._apply(other, "fadd", "add")

    __radd__ = __add__

    def __sub__(self, other: Value | float) -> Value:
        return self._apply(other, "fsub", "sub")

    def __rsub__(self, other: Value | float) -> Value:
        return self._apply(other, "fsub", "sub", turned=True)

    def __mul__(self, other: Value | float) -> Value:
        return self._apply(other, "fmul", "mul")

    __rmul__ = __mul__

    def __truediv__(self, other: Value | float) -> Value:
        return self._apply(other, "fdiv", "")

    def __rtruediv__(self, other: Value | float) -> Value:
        return self._apply(other, "fdiv", "", turned=True)

    def __floordiv__(self, other: Value | int) -> Value:
        """Of integers that are not negative."""
        return self._apply(other, "", "udiv")

    def __mod__(self, other: Value | int) -> Value:
        """Of integers that are not negative."""
        return self._apply(other, "", "urem")

    def __and__(self, other: Value | int) -> Value:
        return self._apply(other, "", "and_")

    def __or__(self, other: Value | int) -> Value:
        return self._apply(other, "", "or_")

    def __xor__(self, other: Value | int) -> Value:
        return self._apply(other, "", "xor")

    def __lshift__(self, other: Value | int) -> Value:
        return self._apply(other, "", "shl")

    def __rshift__(self, other: Value | int) -> Value:
        """Of integers; the sign stays."""
        return self._apply(other, "", "ashr")

    def __invert__(self) -> Value:
        return Value(self.builder, self.builder.code.not_(self.value))

    def __neg__(self) -> Value:
        code = self.builder.code
        return Value(self.builder, code.neg(self.value) if self.whole else code.fneg(self.value))

    def _compare(self, relation: str, other: Value | float) -> Value:
        code = self.builder.code
        compare = code.icmp_signed if self.whole else code.fcmp_unordered if relation == "!=" else code.fcmp_ordered
        return Value(self.builder, compare(relation, self.value, self.other(other)))

    def __lt__(self, other: Value | float) -> Value:
        return self._compare("<", other)

    def __le__(self, other: Value | float) -> Value:
        return self._compare("<=", other)

    def __gt__(self, other: Value | float) -> Value:
        return self._compare(">", other)

    def __ge__(self, other: Value | float) -> Value:
        return self._compare(">=", other)

    def equals(self, other: Value | float) -> Value:
        return self._compare("==", other)

    def differs(self, other: Value | float) -> Value:
        """Also where one of them is NaN."""
        return self._compare("!=", other)


class Builder:
    """A kernel in the making: a function of (block, own, first, behind).

    `block` and `own` are the addresses of 64-bit words: `block` holds the pointers and integers that all calls share,
    and `own` the addresses of scratch memory of the thread that runs. The kernel does the items first ≤ i < behind.
    The words are attributes by the names given here.
    """

    def __init__(
        self,
        name: str,
        dtype: str = "f4",
        pointers: Sequence[str] = (),
        integers: Sequence[str] = (),
        own: Sequence[str] = (),
        *,
        exact: bool = False,
    ):
        self.name, self.dtype, self.exact = name, dtype, exact
        self.float, self.integer = FLOATS[dtype], INTEGERS[dtype]
        self.bytes, self.vector = BYTES[dtype], host().vector
        self.lanes, self.registers = self.vector // self.bytes, host().registers
        self.module = ir.Module(name)
        self.function = ir.Function(self.module, ITEM, name)
        self.code = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.words: dict[str, Value] = {}
        taken = [word for word in (*pointers, *integers, *own) if hasattr(Builder, word) or word in self.__dict__]
        assert not taken, f"{taken} are names of the builder itself"
        block, mine, first, behind = (Value(self, argument) for argument in self.function.args)
        for place, word in enumerate((*pointers, *integers)):
            self.words[word] = self._word(block, place, pointer=place < len(pointers))
        for place, word in enumerate(own):
            self.words[word] = self._word(mine, place, pointer=True)
        self.words |= {"first": first, "behind": behind}

    def __getattr__(self, name: str) -> Value:
        words = self.__dict__.get("words", {})
        if name not in words:
            raise AttributeError(name)
        return words[name]

    def _word(self, block: Value, place: int, *, pointer: bool) -> Value:
        word = self.load_word(block, 8 * place)
        return self.as_pointer(word) if pointer else word

    def in_registers(self, registers: int) -> None:
        """From here on a vector is so many registers long: what each waits for is hidden by the work on the others.

        Half as many where there are few, and one in an exact kernel, whose functions need them all.
        """
        count = 1 if self.exact else registers if self.registers == 32 else max(1, registers // 2)
        self.lanes, self.vector = count * self.lanes, count * self.vector

    # --- constants and kinds ---

    def word(self, number: int) -> Value:
        """A 64-bit integer."""
        return Value(self, ir.Constant(WORD, number))

    def number(self, number: float) -> Value:
        return Value(self, ir.Constant(self.float, float(number)))

    def kind(self, lanes: int | None = None) -> ir.Type:
        """The type of a vector, or of a number where lanes = 1."""
        lanes = lanes or self.lanes
        return self.float if lanes == 1 else ir.VectorType(self.float, lanes)

    def splat(self, value: Value | float, lanes: int | None = None) -> Value:
        """A vector with this in every lane."""
        lanes = lanes or self.lanes
        if not isinstance(value, Value):
            return Value(self, ir.Constant(self.kind(lanes), [float(value)] * lanes))
        undefined = ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined)
        one = self.code.insert_element(undefined, value.value, HALF(0))
        places = ir.Constant(ir.VectorType(HALF, lanes), [0] * lanes)
        return Value(self, self.code.shuffle_vector(one, undefined, places))

    def lane_numbers(self, kind: ir.Type = HALF) -> Value:
        return Value(self, ir.Constant(ir.VectorType(kind, self.lanes), list(range(self.lanes))))

    def integers(self, kind: ir.IntType, numbers: Sequence[int]) -> Value:
        """A vector of whole numbers that are known beforehand."""
        return Value(self, ir.Constant(ir.VectorType(kind, len(numbers)), list(numbers)))

    # --- memory ---

    def as_pointer(self, word: Value) -> Value:
        return Value(self, self.code.inttoptr(word.value, POINTER))

    def at(self, pointer: Value, offset: Value | int) -> Value:
        """The pointer moved by so many bytes."""
        if isinstance(offset, int):
            if offset == 0:
                return pointer
            offset = self.word(offset)
        return Value(self, self.code.gep(pointer.value, [offset.value], inbounds=True, source_etype=BYTE))

    def load(
        self,
        pointer: Value,
        offset: Value | int = 0,
        lanes: int | None = None,
        mask: Value | None = None,
        outside: float = 0.0,
    ) -> Value:
        """A vector (a number where lanes = 1); where the mask is false it is `outside`, and nothing is touched."""
        kind, place = self.kind(lanes), self.at(pointer, offset)
        return self._load(kind, place, mask, self.bytes, outside)

    def prefetch(self, pointer: Value, offset: Value | int = 0, *, written: bool = False, soon: bool = True) -> None:
        """Have a line brought that will be read, or `written`; there may be nothing at that place.

        It comes into the first cache if it is needed soon, else into the second.
        """
        for_writing, near, data = HALF(int(written)), HALF(3 if soon else 2), HALF(1)
        self.call("llvm.prefetch.p0", ir.VoidType(), self.at(pointer, offset).value, for_writing, near, data)

    def load_number(self, pointer: Value, offset: Value | int = 0) -> Value:
        return self.load(pointer, offset, 1)

    def load_word(self, pointer: Value, offset: Value | int = 0) -> Value:
        return Value(self, self.code.load(self.at(pointer, offset).value, typ=WORD, align=8))

    def store_word(self, number: int, pointer: Value) -> None:
        self.code.store(WORD(number), pointer.value, align=8)

    def load_integers(
        self, kind: ir.IntType, pointer: Value, offset: Value | int = 0, mask: Value | None = None
    ) -> Value:
        """A vector of integers of this kind, as many as there are lanes."""
        return self._load(ir.VectorType(kind, self.lanes), self.at(pointer, offset), mask, kind.width // 8)

    def _load(self, kind: Any, place: Value, mask: Value | None, align: int, outside: float = 0) -> Value:
        if mask is None:
            return Value(self, self.code.load(place.value, typ=kind, align=align))
        there = ir.Constant(kind, [outside] * kind.count)
        return self.call(f"llvm.masked.load.{self._suffix(kind)}.p0", kind, place.value, HALF(align), mask.value, there)

    def store(
        self, value: Value, pointer: Value, offset: Value | int = 0, mask: Value | None = None, *, past: bool = False
    ) -> None:
        """Nothing is touched where the mask is false. Without one a vector may go `past` the caches.

        It must then lie at a multiple of its bytes.
        """
        place, element = self.at(pointer, offset), _element(value.type)
        align = element.width // 8 if isinstance(element, ir.IntType) else 4 if element == FLOATS["f4"] else 8
        if mask is not None:
            name = f"llvm.masked.store.{self._suffix(value.type)}.p0"
            self.call(name, ir.VoidType(), value.value, place.value, HALF(align), mask.value)
            return
        stored = self.code.store(value.value, place.value, align=align * value.lanes if past else align)
        if past:
            stored.set_metadata("nontemporal", self.module.add_metadata([HALF(1)]))

    def store_first(
        self, count: Value, value: Value, pointer: Value, offset: Value | int = 0, *, past: bool = False
    ) -> None:
        """So many of the lanes, which may be none; a whole vector may go `past` the caches."""

        def some() -> None:
            self.store(value, pointer, offset, mask=self.below(count, value.lanes))

        def rest() -> None:
            # a store of nothing would still bring the line back that has gone
            self.when(count > 0, some)

        if past:
            self.either(count >= value.lanes, lambda: self.store(value, pointer, offset, past=True), rest)
        else:
            some()

    # --- vectors ---

    def _suffix(self, kind: ir.Type) -> str:
        one = SUFFIX[_element(kind)]
        return f"v{kind.count}{one}" if isinstance(kind, ir.VectorType) else one

    def call(self, name: str, result: ir.Type, *arguments: Any) -> Value:
        """A function of LLVM's own."""
        known = self.module.globals.get(name)
        function = known or ir.Function(self.module, ir.FunctionType(result, [a.type for a in arguments]), name)
        return Value(self, self.code.call(function, arguments))

    def of_kind(self, name: str, *values: Value) -> Value:
        """LLVM's function of that name (fma, sqrt, fabs, floor …) on values of one kind."""
        kind = values[0].type
        return self.call(f"llvm.{name}.{self._suffix(kind)}", kind, *(value.value for value in values))

    def multiply_add(self, a: Value, b: Value, c: Value) -> Value:
        """a·b + c, rounded once; twice in an exact kernel, and where a processor has no such instruction."""
        # LLVM's fma would call a function of the C library there, for each number
        return a * b + c if self.exact else self.of_kind("fmuladd", a, b, c)

    def select(self, condition: Value, yes: Value | float, no: Value | float) -> Value:
        yes = yes if isinstance(yes, Value) else Value(self, no.other(yes))  # type: ignore[union-attr]
        return Value(self, self.code.select(condition.value, yes.value, yes.other(no)))

    def greater(self, so_far: Value, new: Value) -> Value:
        """The greater of two; NaN where one is, as the maximum is defined; of zeros with different signs either."""
        kind = new.type
        name = f"llvm.maximum.{self._suffix(kind)}"
        function = self.module.globals.get(name) or ir.Function(self.module, ir.FunctionType(kind, [kind] * 2), name)
        return Value(self, self.code.call(function, [so_far.value, new.value], fastmath=("nsz",)))

    def overtakes(self, so_far: Value, new: Value) -> Value:
        """Whether `new` is the maximum, and the earlier one is not."""
        return ~(new <= so_far) & so_far.equals(so_far)

    def least_of(self, a: Value, b: Value | int) -> Value:
        """The smaller of two integers."""
        return self.select(a < b, a, b)

    def greatest_of(self, a: Value, b: Value | int) -> Value:
        """The greater of two integers."""
        return self.select(a > b, a, b)

    def shuffle(self, a: Value, b: Value, places: Sequence[int]) -> Value:
        """The lanes of both at these places, those of b counted on from a's."""
        chosen = ir.Constant(ir.VectorType(HALF, len(places)), list(places))
        return Value(self, self.code.shuffle_vector(a.value, b.value, chosen))

    def lane(self, vector: Value, place: int) -> Value:
        return Value(self, self.code.extract_element(vector.value, HALF(place)))

    def sum_of_lanes(self, vector: Value) -> Value:
        """The upper half is added to the lower, until one is left."""
        lanes = vector.lanes
        while lanes > 1:
            lanes //= 2
            upper = self.shuffle(vector, vector, range(lanes, 2 * lanes))
            vector = self.shuffle(vector, vector, range(lanes)) + upper
        return self.lane(vector, 0)

    def below(self, count: Value, lanes: int | None = None) -> Value:
        """A mask of the lanes whose number is smaller than an integer."""
        lanes = lanes or self.lanes
        # none of a number below 0, however far: half of its bits may say something else
        few = self.greatest_of(self.least_of(count, lanes), self.word(0))
        most = Value(self, self.code.trunc(few.value, HALF))
        return Value(self, ir.Constant(ir.VectorType(HALF, lanes), list(range(lanes)))) < self.splat(most, lanes)

    def any_of(self, mask: Value) -> Value:
        """Whether it is true in some lane."""
        return Value(self, self.code.bitcast(mask.value, ir.IntType(mask.lanes))).differs(0)

    def lanes_where(self, chosen: Sequence[bool]) -> Value:
        """A mask that is known beforehand."""
        return Value(self, ir.Constant(ir.VectorType(ir.IntType(1), len(chosen)), [int(one) for one in chosen]))

    def lanes_of(self, bits: Value) -> Value:
        """A mask of the lanes whose bit of a word is set."""
        few = self.code.trunc(bits.value, ir.IntType(self.lanes))
        return Value(self, self.code.bitcast(few, ir.VectorType(ir.IntType(1), self.lanes)))

    def transposed(self, rows: Sequence[Value]) -> list[Value]:
        """As many vectors as there are lanes, with rows and columns exchanged."""
        rows, lanes, block = list(rows), self.lanes, 1
        while block < lanes:
            for i in range(lanes):
                if not i & block:
                    a, b = rows[i], rows[i | block]
                    rows[i] = self.shuffle(a, b, [j if not j & block else lanes + j - block for j in range(lanes)])
                    rows[i | block] = self.shuffle(
                        a, b, [j + block if not j & block else lanes + j for j in range(lanes)]
                    )
            block *= 2
        return rows

    # --- bits and kinds of numbers ---

    def bits(self, value: Value) -> Value:
        """The bits of floating-point numbers, as integers of their width."""
        return self._cast("bitcast", value, {"float": HALF, "double": WORD}[str(_element(value.type))])

    def from_bits(self, value: Value) -> Value:
        return self._cast("bitcast", value, {32: FLOATS["f4"], 64: FLOATS["f8"]}[_element(value.type).width])

    def to_float(self, value: Value, kind: ir.Type | None = None) -> Value:
        """Integers as floating-point numbers, of their width unless another kind is given."""
        return self._cast("sitofp", value, kind or {32: FLOATS["f4"], 64: FLOATS["f8"]}[_element(value.type).width])

    def widened(self, value: Value) -> Value:
        return self._cast("fpext", value, FLOATS["f8"])

    def narrowed(self, value: Value) -> Value:
        return self._cast("fptrunc", value, FLOATS["f4"])

    def resized(self, value: Value, kind: ir.IntType) -> Value:
        """Integers of another width, taken as numbers without sign."""
        name = "zext" if kind.width > _element(value.type).width else "trunc"
        return self._cast(name, value, kind)

    def _cast(self, name: str, value: Value, element: ir.Type) -> Value:
        kind = ir.VectorType(element, value.lanes) if isinstance(value.type, ir.VectorType) else element
        return Value(self, getattr(self.code, name)(value.value, kind))

    # --- control ---

    def loop(
        self,
        first: Value | int,
        behind: Value | int,
        step: Value | int,
        carried: Sequence[Value],
        body: Callable[..., Value | Sequence[Value] | None],
    ) -> list[Value]:
        """body(i, *carried) for i = first, first + step, … < behind; it returns what is carried on."""
        first, behind, step = (v if isinstance(v, Value) else self.word(v) for v in (first, behind, step))
        code, before = self.code, self.code.block
        head, end = (self.function.append_basic_block(name) for name in ("loop", "after"))
        code.cbranch(code.icmp_signed("<", first.value, behind.value), head, end)
        code.position_at_end(head)
        i = code.phi(WORD)
        i.add_incoming(first.value, before)
        inside = [code.phi(value.type) for value in carried]
        for phi, value in zip(inside, carried, strict=True):
            phi.add_incoming(value.value, before)
        after = body(Value(self, i), *(Value(self, phi) for phi in inside))
        after = [after] if isinstance(after, Value) else list(after or ())
        following, last = code.add(i, step.value), code.block
        code.cbranch(code.icmp_signed("<", following, behind.value), head, end)
        i.add_incoming(following, last)
        for phi, value in zip(inside, after, strict=True):
            phi.add_incoming(value.value, last)
        code.position_at_end(end)
        return [self._joined(c.type, (c.value, before), (a.value, last)) for c, a in zip(carried, after, strict=True)]

    def _joined(self, kind: ir.Type, *ways: tuple[Any, Any]) -> Value:
        phi = self.code.phi(kind)
        for value, block in ways:
            phi.add_incoming(value, block)
        return Value(self, phi)

    def when(self, condition: Value, body: Callable[[], None]) -> None:
        with self.code.if_then(condition.value):
            body()

    def either(self, condition: Value, yes: Callable[[], None], no: Callable[[], None]) -> None:
        with self.code.if_else(condition.value) as (then, otherwise):
            with then:
                yes()
            with otherwise:
                no()

    def over(
        self, length: Value, body: Callable[..., Sequence[Value] | Value | None], carried: Sequence[Value] = ()
    ) -> list[Value]:
        """body(offset in bytes, mask, *carried) over so many numbers: whole vectors (mask None), then one masked."""
        whole = length & -self.lanes
        size = self.bytes
        found = self.loop(0, whole, self.lanes, carried, lambda i, *now: body(i * size, None, *now))
        rest = self.below(length - whole)
        return self.loop(whole, length, self.lanes, found, lambda i, *now: body(i * size, rest, *now))

    @contextmanager
    def _inside(self, function: ir.Function) -> Iterator[None]:
        outer = self.function, self.code
        self.function, self.code = function, ir.IRBuilder(function.append_basic_block("entry"))
        yield
        self.code.ret_void()
        self.function, self.code = outer

    def subroutine(self, name: str, arguments: str, body: Callable[..., None]) -> Callable[..., None]:
        """A function of its own, with its own registers; `arguments` has a letter for each: p pointer, i integer."""
        kinds = [{"p": POINTER, "i": WORD}[letter] for letter in arguments]
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), kinds), f"{self.name}.{name}")
        function.linkage = "internal"
        function.attributes.add("noinline")
        for argument, letter in zip(function.args, arguments, strict=True):
            if letter == "p":
                argument.add_attribute("noalias")
        with self._inside(function):
            body(*(Value(self, argument) for argument in function.args))

        def called(*values: Value) -> None:
            self.code.call(function, [value.value for value in values])

        return called
