"""Two layers or more as a value: what they state together, and as what one sum and one convolution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from convmath.calculus.eliminate import solved
from convmath.calculus.gradient import pruned
from convmath.calculus.outside import expand_outside
from convmath.calculus.shape import derived_size
from convmath.derivation import Derivation, Printable
from convmath.errors import StatementError
from convmath.integers.facts import Facts, facts_of, plainly_nonnegative
from convmath.ir.build import total
from convmath.ir.check import checked
from convmath.ir.nodes import ZERO, AtMost, Guard, Less, Placement, Read, Size, Statement, Tensor, Zero
from convmath.ir.poly import Index, Param, Poly, poly, product, unnested
from convmath.ir.walk import inside, shape_of
from convmath.render import Document
from convmath.steps import ExpandOutside, Merge, Start, Step, TakeIn

from .chain import chained, conditions_on, free_name, settled, size_numbers
from .inline import between, inlined
from .merge import Laid, Merged, merged
from .words import pages

__all__ = ["Composition", "composed"]


def composed(layers: tuple[Statement, ...], title: Mapping[str, str]) -> Composition:
    """The layers one after the other; derived sizes must have names, also where they are numbers."""
    return Composition(title, layers, chained(layers))


@dataclass(frozen=True)
class Composition(Printable):
    """Layers one after the other.

    `statement` is the truth: one equation or more a layer. Where every layer is a sum that is linear in the one before
    it, they are one sum, `merged`. Where that sum weighs taps of its input, it is a `convolution`, with the kernel that
    `kernel` states, less what is `lost` where a tap reads a position between the layers that does not exist. What a
    composition is not is said by the StatementError of the attribute.
    """

    title: Mapping[str, str]
    layers: tuple[Statement, ...] = field(repr=False)
    # with a name for each derived size, also where it is a number: then no index has but one value by chance
    named: Statement = field(repr=False)

    @cached_property
    def statement(self) -> Statement:
        """The layers, each with its equations."""
        return settled(self.named)

    # -- one sum

    @cached_property
    def _sum(self) -> tuple[Statement, tuple[Step, ...]]:
        """The statement as one sum, and the steps that lead to it."""
        named = self.named
        steps: list[Step] = [Start(named, named)]
        current = expand_outside(named)
        if current != named:
            outside = ((r.tensor, r.outside) for r in inside(named) if isinstance(r, Read))
            beyond = dict.fromkeys(pair for pair in outside if pair[1] != "strict")
            steps.append(ExpandOutside(named, current, tensors=tuple(beyond)))
        current, more = solved(current)
        steps += more
        while inner := between(current):
            after = inlined(current, inner[0])
            steps.append(TakeIn(current, after, inner=inner[0].name))
            current, more = solved(after)
            steps += more
        return current, tuple(steps)

    @property
    def merged(self) -> Statement:
        """One sum, with the brackets that say which positions there are between the layers."""
        return settled(self._sum[0])

    @cached_property
    def derivation(self) -> Derivation:
        """From the layers to one sum, and on to one convolution where it is one."""
        result, steps = self._sum
        try:
            one = self._one
        except StatementError:
            return Derivation("composition", self.title, self.named, steps, result)
        less = tuple(replace(term, body=-term.body) for term in one.lost)
        value = replace(one.value, terms=(*one.value.terms, *less))
        others = tuple(equation for equation in result.equations if equation.name != value.name)
        made = [one.kernel, *([one.bias] if one.bias else [])]
        after = pruned(replace(result, equations=(*others, *made, value)))
        step = Merge(result, after, data=result.reads[0], kernel=one.kernel.name, between=one.between)
        final, more = solved(after)
        return Derivation("composition", self.title, self.named, (*steps, step, *more), final)

    # -- one convolution

    @cached_property
    def _one(self) -> Merged:
        return merged(self._sum[0], (self._new("U"), self._new("B")))

    def _new(self, name: str) -> str:
        return free_name(name, {*self.statement.reads, *(equation.name for equation in self.statement.equations)})

    @cached_property
    def axes(self) -> tuple[Laid, ...]:
        """The window of the one convolution along each axis: kernel, stride, dilation, before, after."""
        sizes = shape_of(self.named, self.named.outputs[0])[2:]
        return tuple(replace(axis, after=self._after(size)) for axis, size in zip(self._one.axes, sizes, strict=True))

    def _after(self, size: Poly) -> Poly:
        """The padding behind the input: the last layer's, over which each layer before it strides, plus its own."""
        counted = {p.counted: p for p in self.named.placements}
        layer, after = counted.get(size), poly(0)
        while layer is not None:
            if layer.rule != "inside":
                raise StatementError(
                    f"{self.statement.outputs[0]} is not one convolution: the windows of a layer are not counted by "
                    f"whether they lie inside (the rule of {poly(layer.index)} is {layer.rule!r})"
                )
            after = layer.after + layer.form.coefficient(layer.index) * after
            layer = counted.get(layer.size)
        return after

    @cached_property
    def kernel(self) -> Statement:
        """The kernel of the one convolution, and its bias where it has one, from the weights of the layers."""
        final = self.derivation.result
        made = [self._one.kernel.name, *([self._one.bias.name] if self._one.bias else [])]
        own = pruned(replace(final, outputs=tuple(made), sizes=(), placements=()))
        weights = own.inputs[1:]
        requires = conditions_on(own.requires, (weights, own.equations))
        return checked(replace(own, inputs=weights, requires=requires))

    @cached_property
    def convolution(self) -> Statement:
        """The one convolution, with its kernel and bias as inputs."""
        one, whole = self._one, self.named
        X, output = whole.inputs[0], one.value
        shape = tuple(product(v.size for v in form.indices()) for form in one.kernel.at)
        letters = (("o", 0), ("c", 0), *((axis.tap.letter, axis.tap.axis) for axis in self.axes))
        weights = [Tensor(one.kernel.name, shape, letters)]
        if one.bias:
            weights.append(Tensor(one.bias.name, shape[:1], letters[:1]))
        placed = tuple(
            Placement("inside", axis.position, axis.at, n, axis.before, axis.after)
            for axis, n in zip(self.axes, X.shape[2:], strict=True)
        )
        sizes = tuple(
            Size(p.counted.atom, derived_size(p, Facts())[0]) for p in placed if isinstance(p.counted.atom, Param)
        )
        for size in sizes:
            layers = _defined(size.param, dict(whole.definitions()))
            if size.value != layers and Facts().always(Zero(size.value, layers)) is None:
                raise StatementError(f"{poly(size.param)} is {layers}, but one convolution has {size.value}")
        fits = (AtMost(axis.span, n + axis.before + axis.after) for axis, n in zip(self.axes, X.shape[2:], strict=True))
        requires = conditions_on((*whole.requires, *fits), (X, output, shape, sizes))
        return settled(checked(Statement((X, *weights), (output,), whole.outputs[:1], sizes, placed, requires)))

    # -- where the two are the same

    @cached_property
    def lost(self) -> Statement:
        """What the one convolution has too much: its value minus that of the layers. It is 0 where `where` holds."""
        output = replace(self._one.value, terms=self._one.lost or (total(ZERO),))
        whole = self._sum[0]
        equations = tuple(output if e.name == output.name else e for e in whole.equations)
        return settled(pruned(replace(whole, equations=equations, outputs=(output.name,), placements=())))

    @cached_property
    def where(self) -> tuple[Guard, ...]:
        """The positions of the output for which every position between the layers that a tap reads exists.

        There the convolution is what the layers are, for all weights and inputs; without brackets, everywhere.
        """
        return tuple(dict.fromkeys(self._bounds({})))

    @cached_property
    def conditions(self) -> tuple[Guard, ...]:
        """What the parameters must meet for that to be every position."""
        ends = {v: (poly(0), v.size - 1) for form in self.named.output.at[2:] for v in form.indices()}
        return tuple(dict.fromkeys(self._bounds(ends)))

    def _bounds(self, positions: Mapping[Index, tuple[Poly, Poly]]) -> Iterator[Guard]:
        """0 ≤ q < m for all taps, and for all positions in these ranges; what holds always is left out."""
        whole, numbers = self._sum[0], size_numbers(self.named)
        facts = facts_of(whole)
        for guard in self._one.between:
            first, last = _ends(guard.form, set(whole.output.free), positions)
            low, high = AtMost(poly(0), first), Less(last, guard.size)
            first, last, size = (form.substitute(numbers) for form in (first, last, guard.size))
            if facts.always(low) is None:
                yield Zero(-first, poly(0)) if plainly_nonnegative(-first) else AtMost(poly(0), first)
            if facts.always(high) is None:
                yield Less(last, size)

    # -- for people

    def document(self, lang: str = "en") -> Document:
        return pages(self, lang)


def _ends(form: Poly, free: set[Index], positions: Mapping[Index, tuple[Poly, Poly]]) -> tuple[Poly, Poly]:
    """The form where it is least and where it is greatest, over all taps and over positions in these ranges."""
    first, last = dict[Index, Poly](), dict[Index, Poly]()
    for v in form.indices():
        ends = positions.get(v) if v in free else (poly(0), v.size - 1)
        if ends is not None:
            first[v], last[v] = ends if plainly_nonnegative(form.coefficient(v)) else ends[::-1]
    return form.substitute(first), form.substitute(last)


def _defined(param: Param, sizes: Mapping[Param, Poly]) -> Poly:
    """A derived size by parameters that are not derived, with one floor."""
    form = sizes[param]
    while derived := {leaf: sizes[leaf] for leaf in form.leaves() if isinstance(leaf, Param) and leaf in sizes}:
        form = form.substitute(derived)
    return unnested(form)
