"""Receptive fields, held to what a layer depends on when every index set is gone through."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath import operator, operators
from convmath.calculus.compose.chain import primed
from convmath.calculus.receptive import Node, Reach, edges, fields, propagated, reach, reaches, window
from convmath.calculus.receptive.edges import BEFORE
from convmath.errors import StatementError, UnknownNameError
from convmath.graphs.receptive import receptive_field
from convmath.ir.build import Tensor, equation, read, total
from convmath.ir.nodes import Statement
from convmath.ir.poly import Index, Param, poly
from convmath.ir.walk import shape_of
from convmath.ops.composition import compose
from convmath.testing import Case, cases
from convmath.window import BORDERS

from ..faults import caught


@st.composite
def chains(draw: st.DrawFn) -> list[tuple[str, int, int, int, int]]:
    """Layers (kind, kernel, stride, padding, dilation), up to four."""
    return [
        (
            draw(st.sampled_from(("conv", "conv", "conv_transpose"))),
            draw(st.integers(1, 4)),
            draw(st.integers(1, 3)),
            draw(st.integers(0, 3)),
            draw(st.integers(1, 3)),
        )
        for _ in range(draw(st.integers(1, 4)))
    ]


def read_by(layer: tuple[str, int, int, int, int], positions: set[int]) -> set[int]:
    """What a layer reads to make these positions, wherever in the whole numbers it lies."""
    kind, k, s, p, d = layer
    if kind == "conv":
        return {s * j + d * t - p for j in positions for t in range(k)}
    return {(j + p - d * t) // s for j in positions for t in range(k) if (j + p - d * t) % s == 0}


def operators_of(chain: list[tuple[str, int, int, int, int]]) -> list[Any]:
    return [operator(kind, 1, kernel=k, stride=s, padding=p, dilation=d) for kind, k, s, p, d in chain]


@given(data=st.data())
def test_a_chain_reads_between_the_ends_and_of_windows_alone_the_ends_themselves(data: st.DataObject) -> None:
    chain = data.draw(chains(), label="layers")
    found = receptive_field(operators_of(chain))
    j = data.draw(st.integers(-5, 5), label="position")
    positions = {j}
    for layer in reversed(chain):
        positions = read_by(layer, positions)
    [jump], [start], [size], [centre] = found.jump, found.start, found.size, found.centre
    low, high = start + jump * j, 2 * centre - start + jump * j
    assert all(low <= i <= high for i in positions)
    assert high - low <= size <= high - low + 1
    if all(kind == "conv" for kind, *_ in chain):
        assert (low, high) == (min(positions), max(positions))
        assert size == high - low + 1
    assert jump == np.prod([Fraction(s) if kind == "conv" else Fraction(1, s) for kind, _, s, _, _ in chain])


@given(data=st.data())
def test_one_layer_that_scatters_reads_the_whole_positions_between_its_ends(data: st.DataObject) -> None:
    """With stride 1, or with no tap left out, every whole position between the ends is read."""
    k, s, p = (data.draw(st.integers(low, 4), label=label) for low, label in ((1, "kernel"), (1, "stride"), (0, "pad")))
    [found] = receptive_field(operators_of([("conv_transpose", k, s, p, 1)])).last.axes[0]
    for j in range(7):
        first, last = (found.jump * j + end for end in (found.first, found.last))
        scale = found.scale.constant
        between = range(ceil(Fraction(first.constant, scale)), floor(Fraction(last.constant, scale)) + 1)
        assert set(between) == read_by(("conv_transpose", k, s, p, 1), {j})


# --- every operator --------------------------------------------------------------------------------------------------


def changed_at(case: Case, at: tuple[int, ...]) -> np.ndarray:
    """Along the first spatial axis, the positions of the output that change where one element of the input does."""
    op, named, numbers = case.resolved
    first, *others = op.statement.inputs
    arrays = {t.name: named[t.name] if t.integer else np.asarray(named[t.name], float) for t in (first, *others)}
    other = arrays[first.name].copy()
    other[at] += 17.5
    compute, output = op.statement.function(), op.statement.outputs[0]
    with np.errstate(all="ignore"):
        found = [compute(**{**arrays, first.name: x}, **numbers) for x in (arrays[first.name], other)]
    before, after = (value[output] if isinstance(value, dict) else value for value in found)
    same = (before == after) | (np.isnan(before) & np.isnan(after))
    return np.flatnonzero(~same.all(axis=tuple(axis for axis in range(before.ndim) if axis != BEFORE)))


@pytest.mark.parametrize("name", [name for name in operators() if name not in ("cross_entropy", "nll", "flatten")])
@given(data=st.data())
def test_what_an_operator_depends_on_lies_in_its_field(name: str, data: st.DataObject) -> None:
    """Only where a window lies within the input, if the input goes on outside: there it reads what lies elsewhere."""
    case = data.draw(cases(name, 1), label="case")
    op, named, _ = case.resolved
    first = op.statement.inputs[0]
    x = named[first.name]
    if x.ndim <= BEFORE or not x.size or len(shape_of(op.statement, op.statement.outputs[0])) <= BEFORE:
        return
    env = case.operator.environment(*case.array_arguments, **case.given)
    values = {param: poly(value) for param, value in env.items()}
    at = tuple(data.draw(st.integers(0, n - 1), label="changed") for n in x.shape)
    several = [one.substitute(values) for one in reaches(op.statement, first.name)[0]]
    for j in map(int, changed_at(case, at)):
        spans = [ends(one, j) for one in several]
        beyond = case.given.get("padding_mode", case.given.get("mode")) in BORDERS
        assert any(
            low <= at[BEFORE] <= high or (beyond and not 0 <= low <= high < x.shape[BEFORE]) for low, high in spans
        ), f"{j} depends on {at}, but reads {spans}"


def ends(one: Reach, j: int) -> tuple[Fraction, Fraction]:
    first, last = (one.jump * j + end for end in (one.first, one.last))
    assert first.constant is not None
    assert last.constant is not None
    assert one.scale.constant
    return Fraction(first.constant, one.scale.constant), Fraction(last.constant, one.scale.constant)


READ = {
    "conv": [("s", "-a", "d·(k-1)-a", "1")],
    "convolution": [("s", "-a", "d·(k-1)-a", "1")],
    "max_pool": [("s", "-a", "d·(k-1)-a", "1")],
    "lp_pool": [("s", "-a", "k-a-1", "1")],
    "conv_transpose": [("1", "a-d·(k-1)", "a", "s")],
    "upsample": [("1", "1-s", "0", "s")],
    "pixel_shuffle": [("1", "1-s", "0", "s")],
    "pixel_unshuffle": [("s", "0", "s-1", "1")],
    "adaptive_avg_pool": [("n", "1-m", "n-1", "m")],
    "global_avg_pool": [("0", "0", "n-1", "1")],
    "layer_norm": [("1", "0", "0", "1"), ("0", "0", "n-1", "1")],
    "local_response_norm": [("1", "0", "0", "1")],
    "softmax": [("1", "0", "0", "1")],
    "relu": [("1", "0", "0", "1")],
}


@pytest.mark.parametrize("name", READ)
def test_what_an_operator_reads_is_read_off_its_statement(name: str) -> None:
    [several] = reaches(operator(name, 1).statement, "X")
    assert [tuple(map(str, (one.jump, one.first, one.last, one.scale))) for one in several] == READ[name]


def test_a_composition_reads_what_its_layers_read_in_order() -> None:
    """As two layers, and as one sum: the reads of the one sum have the same field."""
    layers = operator("conv", 1, groups=1), operator("conv", 1, groups=1)
    two = compose(*layers)
    [[whole]] = reaches(two.statement, "X")
    assert [[whole]] == [list(axis) for axis in reaches(two.merged, "X")]
    [[first]], [[second]] = (reaches(layer, "X") for layer in primed([layer.statement for layer in layers]))
    assert first.behind(second) == whole
    [axis] = two.axes
    assert whole.last - whole.first + 1 == axis.span


# --- reaches ---------------------------------------------------------------------------------------------------------

k, s, a, d = (poly(Param(letter, 0, least)) for letter, least in (("k", 1), ("s", 1), ("a", 0), ("d", 1)))


def test_what_is_whole_is_said_in_whole_numbers() -> None:
    assert Reach.of(4 * s, poly(-3), poly(5), 2 * s).scale == 1
    assert Reach.of(poly(4), poly(-3), poly(5), poly(2)) == Reach(poly(2), poly(-1), poly(2))
    assert Reach.of(2 * s, 2 * a, 4 * k, 2 * d) == Reach(s, a, 2 * k, d)


def test_a_layer_that_goes_backwards_turns_the_ends() -> None:
    back = Reach(poly(-1), poly(5), poly(7))
    assert back.behind(window(k, s, a, d)) == Reach(-s, 5 + a - d * (k - 1), 7 + a)
    with pytest.raises(StatementError, match=r"^the sign of s-k, by which positions move, is not known$"):
        Reach(s - k, poly(0), poly(0)).behind(back)


def test_intervals_with_the_same_jump_are_joined_and_others_stay() -> None:
    one, other, third = Reach(s, poly(0), k), Reach(s, poly(-2), poly(1)), Reach(poly(1), poly(0), poly(0))
    assert reach.by_jump([one, third, other, third]) == (Reach(s, poly(-2), k), third)
    unknown = reach.by_jump([Reach(s, poly(0), k), Reach(s, poly(0), d)])
    assert [str(each.last) for each in unknown] == ["-min(-d, -k)"]


def test_an_end_that_depends_on_a_sign_is_refused() -> None:
    n, m = poly(Param("n", 0, 1)), poly(Param("m", 0, 1))
    j, t = Index("j", m), Index("t", n)
    read_at = read("X", poly(0), poly(0), (s - k) * poly(t) + poly(j))
    X = Tensor("X", (poly(1), poly(1), n), (("ν", 0), ("c", 0), ("i", 0)))
    statement = Statement((X,), (equation("Y", [poly(0), poly(0), j], total(read_at, [t])),), ("Y",))
    with pytest.raises(StatementError, match=r"^whether what is read moves up or down depends on the sign of s-k$"):
        reaches(statement, "X")


# --- graphs ----------------------------------------------------------------------------------------------------------


def node(name: str, *paths: tuple[str, Reach]) -> Node:
    return Node(name, tuple(before for before, _ in paths), tuple(((one,),) for _, one in paths))


def plain(kernel: int, stride: int = 1, before: int = 0) -> Reach:
    return window(poly(kernel), poly(stride), poly(before), poly(1))


def test_paths_that_are_aligned_are_one_field_over_all_of_them() -> None:
    found = propagated(
        [
            node("wide", ("input", plain(5, 2, 2))),
            node("narrow", ("input", plain(1, 2))),
            node("sum", ("wide", plain(1)), ("narrow", plain(1)), ("wide", plain(3, 1, 1))),
        ],
        "input",
        1,
    )
    assert found.aligned
    assert (found.size, found.jump, found.start, found.centre) == ((9,), (2,), (-4,), (0,))


def test_misaligned_centres_are_named_and_jumps_stay_apart() -> None:
    found = propagated(
        [
            node("left", ("input", plain(3, 1, 2))),
            node("right", ("input", plain(3, 1, 1))),
            node("both", ("left", plain(1)), ("right", plain(1))),
            node("after", ("both", plain(3))),
            node("halved", ("input", plain(2, 2))),
            node("mixed", ("after", plain(1)), ("halved", plain(1))),
            node("more", ("mixed", plain(3))),
            node("twice", ("more", plain(1)), ("more", plain(1))),
        ],
        "input",
        1,
    )
    assert [(apart.name, apart.by_jump) for apart in found.misaligned] == [("both", False), ("mixed", True)]
    assert str(found.misaligned[0]) == "both, axis 0: left: jump 1, centre -1, right: jump 1, centre 0"
    both = found.layer("both")
    assert (both.size, both.start, both.centre) == ((4,), (-2,), (Fraction(-1, 2),))
    assert [one.step() for one in found.layer("more").axes[0]] == [1, 2]
    with pytest.raises(StatementError, match=r"^the paths to mixed move along axis 0 by different steps, 1, 2, and"):
        found.layer("mixed").size  # noqa: B018
    with pytest.raises(UnknownNameError, match="there is no layer 'sum'"):
        found.layer("sum")


@given(data=st.data())
def test_a_graph_of_windows_reads_from_the_first_to_the_last_position_of_any_path(data: st.DataObject) -> None:
    """Every path is gone through by itself, position by position."""
    count = data.draw(st.integers(1, 5), label="layers")
    laid: dict[str, list[tuple[str, tuple[int, int, int]]]] = {}
    for place in range(count):
        before = data.draw(st.lists(st.sampled_from(["input", *laid]), min_size=1, max_size=3), label="reads")
        window_ = st.tuples(st.integers(1, 3), st.just(1), st.integers(0, 2))
        laid[f"layer{place}"] = [(name, data.draw(window_, label="window")) for name in before]
    nodes = [node(name, *((before, plain(*w)) for before, w in paths)) for name, paths in laid.items()]
    found = propagated(nodes, "input", 1)

    def positions(name: str) -> list[set[int]]:
        if name == "input":
            return [{0}]
        return [
            {i + t - p for i in of for t in range(kernel)}
            for before, (kernel, _, p) in laid[name]
            for of in positions(before)
        ]

    for name, paths in laid.items():
        each = positions(name)
        [start], [size] = found.layer(name).start, found.layer(name).size
        assert (start, start + size - 1) == (min(map(min, each)), max(map(max, each)))
        centres = {sum(_ends_of(found, before, w)) for before, w in paths}
        assert (len(centres) > 1) == (name in [apart.name for apart in found.misaligned])


def _ends_of(found: Any, before: str, w: tuple[int, int, int]) -> tuple[int, int]:
    """The ends of what a path into a layer reads."""
    kernel, _, p = w
    if before == "input":
        return -p, kernel - 1 - p
    [start], [size] = found.layer(before).start, found.layer(before).size
    return start - p, start + size - 1 + kernel - 1 - p


# --- teeth -----------------------------------------------------------------------------------------------------------


def test_a_layer_whose_jump_is_forgotten_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = Reach.behind
    monkeypatch.setattr(Reach, "behind", lambda self, layer: true(Reach(poly(1), self.first, self.last), layer))
    caught(test_a_chain_reads_between_the_ends_and_of_windows_alone_the_ends_themselves)


def test_a_last_tap_that_is_forgotten_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = edges._end
    short = lambda index, form, guards, upper: _less(true(index, form, guards, upper), upper)  # noqa: E731
    monkeypatch.setattr(edges, "_end", short)
    reaches.cache_clear()
    try:
        caught(test_what_an_operator_depends_on_lies_in_its_field, "max_pool")
    finally:
        reaches.cache_clear()


def _less(bound: tuple, upper: bool) -> tuple:
    factor, form = bound
    return (factor, form - 1) if upper and form != 0 else (factor, form)


def test_paths_of_which_one_is_left_out_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    true = fields.by_jump
    monkeypatch.setattr(fields, "by_jump", lambda several: true(list(several)[:1]))
    caught(test_a_graph_of_windows_reads_from_the_first_to_the_last_position_of_any_path)


def test_misaligned_paths_that_are_not_reported_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reach, "lies_as", lambda self, other: self.moves_with(other))
    caught(test_a_graph_of_windows_reads_from_the_first_to_the_last_position_of_any_path)
