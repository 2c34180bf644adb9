"""The checker accepts what the search finds, and nothing that is false: whoever wrote it, however it is written."""

from __future__ import annotations

import ast
import json
import math
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convmath.integers import checker
from convmath.integers.checker import Rejected, check
from convmath.integers.facts import Facts
from convmath.integers.serial import as_json, certificate_json
from convmath.ir.poly import Index, Param, Poly, floor, poly

from ..faults import caught
from . import worlds
from .claims import COUNTED, PLAIN, TRUE

FILE = Path(checker.__file__)
LEDGER = Path(__file__).parents[2] / "proofs" / "ledger.json"

Json = Any


def found(facts: Facts, goal: Poly) -> Json:
    certificate = facts.nonnegative(goal)
    assert certificate is not None
    return json.loads(json.dumps(certificate_json(certificate, facts)))


def alone(path: Path) -> subprocess.CompletedProcess[str]:
    """The file by itself: neither convmath nor anything that is installed can be imported."""
    return subprocess.run([sys.executable, "-I", "-S", FILE, path], capture_output=True, text=True, timeout=60)


def test_it_needs_only_the_standard_library() -> None:
    names = set()
    for node in ast.walk(ast.parse(FILE.read_text(encoding="utf-8"))):
        names |= {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
        names |= {node.module or "."} if isinstance(node, ast.ImportFrom) else set()
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
    done = alone(LEDGER)
    entries = len(json.loads(LEDGER.read_text(encoding="utf-8"))["entries"])
    assert (done.returncode, done.stdout) == (0, f"{entries} of {entries} entries hold\n")


# --- what the search finds --------------------------------------------------------------------------------------


@pytest.mark.parametrize("claim", list(TRUE))
def test_what_the_search_finds_is_accepted(claim: str) -> None:
    check(found(*TRUE[claim]))


@given(data=st.data())
def test_whatever_the_search_finds_is_accepted(data: st.DataObject) -> None:
    facts = data.draw(worlds.facts(), label="facts")
    goal = data.draw(worlds.goals(facts), label="goal")
    if facts.nonnegative(goal) is not None:
        check(found(facts, goal))


# --- what an atom is, once more: the values of a certificate's forms ----------------------------------------------


class Nowhere(Exception):
    """There is no such value: an index of an empty range, or a quotient by less than 1."""


class World:
    """Values of the atoms of some JSON, drawn when they are first met."""

    def __init__(self, rng: random.Random, sizes: Json = ()):
        self.rng, self.atoms = rng, dict[str, int]()
        for param, value in sizes:
            self.atoms[_key(param)] = self.value(value)
            if param[3] is not None and self.atoms[_key(param)] < param[3]:
                raise Nowhere

    def value(self, form: Json) -> int:
        return sum(c * math.prod(self.atom(atom) ** power for atom, power in powers) for c, powers in form)

    def atom(self, atom: Json) -> int:
        kind, *parts = atom
        if kind == "floor":
            number, divisor = map(self.value, parts)
            if divisor < 1:
                raise Nowhere
            return number // divisor
        if kind == "least":
            return min(map(self.value, parts))
        if _key(atom) not in self.atoms:
            self.atoms[_key(atom)] = self._drawn(kind, parts)
        return self.atoms[_key(atom)]

    def _drawn(self, kind: str, parts: Json) -> int:
        if kind == "index":
            size = self.value(parts[3])
            if size < 1:
                raise Nowhere
            return self.rng.choice((0, size - 1, self.rng.randrange(size)))
        least = parts[2]
        return self.rng.randint(-4, 4) if least is None else least + self.rng.choice((0, 1, self.rng.randint(0, 5)))


def _key(atom: Json) -> str:
    return json.dumps(atom)


def refuted(certificate: Json, tries: int = 60) -> dict[str, int] | None:
    """Values at which the assumptions hold and the claim does not."""
    for seed in range(tries):
        try:
            world = World(random.Random(seed), certificate["sizes"])
            if world.value(certificate["goal"]) < 0 and all(world.value(c) >= 0 for c in certificate["conditions"]):
                return world.atoms
        except Nowhere:
            continue
    return None


# --- what somebody might make up ----------------------------------------------------------------------------------


def param(letter: str, least: int | None = 0) -> Json:
    return ["param", letter, 0, least]


def form(*terms: tuple[int, *tuple[Json, ...]]) -> Json:
    """(2, n, n) is 2·n·n, its factors one by one."""
    return [[c, [[atom, 1] for atom in atoms]] for c, *atoms in terms]


N, M, S = param("n"), param("m"), param("s", 1)
LOOSE = param("u", None)
J = ["index", "j", 0, 0, form((1, N))]  # 0 ≤ j < n
SQUARE = ["floor", form((1, S)), form((1, S, S))]  # ⌊s/s²⌋
HALF = ["floor", form((1, N)), form((2,))]
BY_ANY = ["floor", form((1, N)), form((1, M))]  # m may be 0
ONE = form((1,))


def claim(goal: Json, *moves: Json, sizes: Json = (), conditions: Json = ()) -> Json:
    return {"sizes": list(sizes), "conditions": list(conditions), "goal": goal, "moves": list(moves)}


def weaken(fact: Json, goal: Json, factor: Json = ONE) -> Json:
    return {"kind": "weaken", "factor": factor, "fact": fact, "goal": goal}


def cut(fact: Json, goal: Json) -> Json:
    return {"kind": "cut", "fact": fact, "goal": goal}


def define(fact: Json, goal: Json) -> Json:
    return {"kind": "define", "fact": fact, "goal": goal}


SIZED = ["index", "j", 0, 0, form((1, M))]  # 0 ≤ j < m, another than j < n
WITH = {"sizes": [[M, form((1, N))]]}

# false claims, each with what seems to show it
FORGED: dict[str, Json] = {
    "nothing is shown": claim(form((1, N), (-1,))),
    "a fact that nobody assumed": claim(form((1, N), (-1,)), weaken(form((1, N), (-1,)), [])),
    "a fact taken away that was not added": claim(form((-1,)), weaken(form((1, J)), [], form((0,)))),
    "a factor below 0": claim(form((-1, J)), weaken(form((1, J)), [], form((-1,)))),
    "a factor that may be below 0": claim(
        form((1, LOOSE, J)), weaken(form((1, J)), [], form((1, LOOSE)))
    ),
    "a factor that is an index less one": claim(
        form((1, J, J), (-2, J)), weaken(form((1, J)), [], form((1, J), (-2,)))
    ),
    "the goal of a move is another": claim(form((-1, J)), weaken(form((1, J)), [])),
    "an index that the claim does not have: n ≥ 1": claim(
        form((1, N), (-1,)), weaken(form((1, N), (-1,), (-1, J)), form((1, J))), weaken(form((1, J)), [])
    ),
    "an index of an empty range: -1 ≥ 0": claim(
        form((-1,)),
        weaken(form((-1,), (-1, ["index", "j", 0, 0, []])), form((1, ["index", "j", 0, 0, []]))),
        weaken(form((1, ["index", "j", 0, 0, []])), []),
    ),
    "a divisor that is a square, read as its root": claim(
        form((1, SQUARE), (-1,)), cut(form((1, SQUARE)), [])
    ),
    "a cut in the wrong direction": claim(
        form((1, HALF), (-2,)), cut(form((1, HALF)), form((-1, N), (5,))), weaken(form((1, J)), [])
    ),
    "a cut that forgets the remainder": claim(
        form((2, HALF), (-1, N)), weaken(form((2, HALF), (-1, N)), [])
    ),
    "a quotient rounded up": claim(form((1, HALF), (-1, N), (1,)), cut(form((1, HALF)), form((1, N), (-1, N)))),
    "a quotient of a quotient": claim(form((3, HALF), (-1,)), cut(form((3, HALF)), form((1, N)))),
    "a quotient by what may be 0": claim(
        form((1, N), (-1, M, BY_ANY), (-1,)),
        weaken(form((1, N), (-1, M, BY_ANY)), form((-1,))),
    ),
    "the least is the other one": claim(
        form((1, ["least", form((1, N)), form((2,))]), (-1, N)),
        weaken(form((1, ["least", form((1, N)), form((2,))]), (-1, N)), []),
    ),
    "an index is as great as its size": claim(form((1, J), (-1, N)), weaken(form((1, J), (-1, N)), [])),
    "indices of two sizes that are equal": claim(
        form((1, SIZED), (-1, J)), define(form((1, M)), []), **WITH
    ),
    "the same in their product": claim(
        form((1, SIZED, SIZED), (-1, J, J), (1, M)), define(form((1, M)), form((1, N))), **WITH
    ),
    "a size that was not defined": claim(form((1, N), (-1,)), define(form((1, N)), form((1, S), (-1,))), **WITH),
    "a parameter without a least value": claim(form((1, LOOSE))),
    "a parameter whose least value is true": claim(form((1, param("b", True)), (-1,))),
    "a number that is none": claim([[0.5, []], [-1, []]]),
    "a number that is true": claim([[True, []], [-2, []]], weaken([[True, []]], [])),
    "a power that is none": claim([[1, [[S, 0.5]]], [-1, []]]),
    "a power of 0": claim([[1, [[S, 0]]], [-2, []]], weaken(form((1, S), (-2,)), [])),
    "a power below 0": claim([[1, [[S, -1]]], [-1, []]]),
    "a move of another kind": claim(form((-1,)), {"kind": "believe", "goal": []}),
}  # fmt: skip


@pytest.mark.parametrize("name", list(FORGED))
def test_what_is_made_up_is_rejected(name: str) -> None:
    with pytest.raises(Rejected):
        check(FORGED[name])


def test_what_is_made_up_is_false() -> None:
    """So that none of them is rejected for another reason than it should be."""
    no_number = [name for name in FORGED if name.startswith(("a number", "a power", "a parameter whose"))]
    unsure = [name for name in FORGED if name not in no_number and refuted(FORGED[name], 400) is None]
    assert unsure == []


def test_sizes_that_no_value_meets_are_rejected() -> None:
    """m = m - 1, or m = h + 1 and h = m: anything would follow."""
    H = param("h")
    for sizes in (
        [[M, form((1, M), (-1,))]],
        [[M, form((1, H), (1,))], [H, form((1, M))]],
        [[M, form((1, N))], [M, form((2,))]],
        [[M, form((1, ["floor", form((1, M), (1,)), form((1, S))]))]],
        [[HALF, form((5,))]],
        [[J, form((5,))]],
    ):
        with pytest.raises(Rejected, match=r"is no size that follows from those before it$"):
            check(claim(form((1, N)), sizes=sizes))
    check(claim(form((1, N)), sizes=[[M, form((1, N))], [H, form((1, M), (1, N))]]))


MALFORMED: dict[str, Json] = {
    "nothing": None,
    "a list": [],
    "an empty object": {},
    "text": "certificate",
    "no sizes": {"goal": [], "conditions": [], "moves": []},
    "a term without atoms": claim([[1]]),
    "an atom that is a number": claim([[1, [[5, 1]]]]),
    "an atom without a body": claim([[1, [[["param"], 1]]]]),
    "an atom without a kind": claim([[1, [[[], 1]]]]),
    "an atom that is text": claim([[1, [["param", 1]]], [-1, []]]),
    "a goal that is an object": claim({"goal": 1}),
    "a range that is text": claim(form((1, RANGE := ["index", "j", 0, 0, "n"])), weaken(form((1, RANGE)), [])),
    "a number to divide that is none": claim(form((1, ["floor", 5, []])), cut(form((1, ["floor", 5, []])), [])),
    "no fact": claim(form((-1,)), {"kind": "weaken", "factor": ONE, "goal": []}),
    "a fact that is 0": claim(form((-1,)), weaken([], [])),
    "a floor that is 0": claim(form((-1,)), cut([], [])),
    "a kind that is a list": claim(form((-1,)), {"kind": ["weaken"], "goal": []}),
    "half a size": claim(form((-1,)), sizes=[[M]]),
    "sizes that are a number": {**claim(form((-1,))), "sizes": 7},
    "moves that are one": {**claim(form((-1,))), "moves": {"kind": "weaken"}},
}


@pytest.mark.parametrize("name", list(MALFORMED))
def test_what_is_no_certificate_is_rejected(name: str) -> None:
    with pytest.raises(Rejected):
        check(MALFORMED[name])


def test_what_is_nested_beyond_measure_is_rejected() -> None:
    atom = N
    for _ in range(5000):
        atom = ["floor", [[1, [[atom, 1]]]], ONE]
    with pytest.raises(Rejected, match=r"^it is not written as a certificate is"):
        check(claim(form((1, atom))))


# --- what was tampered with ---------------------------------------------------------------------------------------

CLAIM = "a window that is counted ends inside"

TAMPERED: list[Callable[[dict[str, Any]], Any]] = [
    lambda c: c.update(goal=[[-1, []], *c["goal"]]),
    lambda c: c["moves"].pop(),
    lambda c: c["moves"].pop(0),
    lambda c: c["moves"][0].update(kind="define"),
    lambda c: c["moves"][0].update(factor=[[-1, []]]),
    lambda c: c["moves"][0].update(fact=[[1, []]]),
    lambda c: c["moves"][-1].update(goal=[[5, []]]),
    lambda c: c["moves"].reverse(),
    lambda c: c.update(sizes=[]),
    lambda c: c.update(moves=[]),
    lambda c: c["goal"][0].__setitem__(0, 0.5),
    lambda c: c["goal"][0].__setitem__(0, True),
    lambda c: c["goal"][0].__setitem__(0, "1"),
]


@pytest.mark.parametrize("tamper", TAMPERED, ids=range(len(TAMPERED)))
def test_what_was_tampered_with_is_rejected(tamper: Callable[[dict[str, Any]], Any]) -> None:
    said = found(*TRUE[CLAIM])
    tamper(said)
    with pytest.raises(Rejected):
        check(said)


@pytest.mark.parametrize("part", ["goal", "factor", "fact"])
@pytest.mark.parametrize("claim_", [claim for claim in TRUE if TRUE[claim][0] is not PLAIN])
def test_a_number_that_was_changed_is_noticed_or_harmless(claim_: str, part: str) -> None:
    """Each number of the certificate, one up and one down."""
    said = found(*TRUE[claim_])
    rejected = 0
    for holder, key in list(_numbers([said["goal"] if part == "goal" else [m.get(part, []) for m in said["moves"]]])):
        for change in (-1, 1):
            holder[key] += change
            try:
                check(said)
            except Rejected:
                rejected += 1
            else:
                assert refuted(said) is None
            holder[key] -= change
    assert rejected


def _numbers(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of an integer in some JSON, as its holder and its key."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if type(value) is int:
            yield node, key
        else:
            yield from _numbers(value)


# --- whatever is accepted is true -----------------------------------------------------------------------------------

PIECES = [N, M, S, J, SIZED, HALF, SQUARE, LOOSE, ["least", form((1, N)), form((1, S))], ["index", "t", 0, 0, []]]


@st.composite
def small(draw: st.DrawFn) -> Json:
    """A form in atoms that may stand in it several times."""
    pieces = st.lists(st.sampled_from(PIECES), max_size=2)
    terms = st.lists(st.tuples(st.sampled_from([1, -1, 2]), pieces), min_size=1, max_size=3)
    return form(*((c, *atoms) for c, atoms in draw(terms)))


@st.composite
def atoms(draw: st.DrawFn) -> Json:
    if draw(st.booleans()):
        return draw(st.sampled_from(PIECES))
    number, divisor = draw(small()), draw(st.sampled_from([form((1, S)), form((1, S, S)), form((2,)), form((1, M))]))
    return draw(
        st.sampled_from([["floor", number, divisor], ["least", number, divisor], ["index", "j", 0, 0, divisor]])
    )


def backwards(data: st.DataObject) -> Json:
    """A certificate from its end: something plain, to which facts are added, and floors that hide what was there."""
    assumed = data.draw(st.lists(small(), max_size=1), label="conditions")
    sizes = data.draw(st.sampled_from([(), ([M, form((1, N))],), ([M, form((1, HALF), (-1,))],)]), label="sizes")
    ends = [[], [], ONE, form((1, N)), form((1, N), (-1,)), form((1, S), (-1,))]
    goal = checker.form(data.draw(st.sampled_from(ends), label="end"))
    moves: list[Json] = []

    def before(kind: str, goal: Any, after: Any, **parts: Json) -> Any:
        moves.insert(0, {"kind": kind, "goal": checker.json_form(after), **parts})
        return goal

    for _ in range(data.draw(st.integers(1, 3), label="steps")):
        atom = data.draw(atoms(), label="atom")
        kind = data.draw(st.sampled_from(["weaken", "cut", "define"]), label="kind")
        factor = data.draw(st.sampled_from([ONE, ONE, form((1, S)), form((1, N, S))]), label="factor")
        if kind == "weaken":
            # all that an atom says, or some of it, or what is assumed
            told = list(checker.known(checker.form(form((1, atom)))))
            some = data.draw(st.sampled_from([told, told, told[:1], list(map(checker.form, assumed))]), label="facts")
            for fact in some:
                more = checker.plus(goal, checker.times(checker.form(factor), fact))
                goal = before(kind, more, goal, factor=factor, fact=checker.json_form(fact))
        elif kind == "cut" and atom[0] == "floor":
            # ±⌊u/v⌋ + r, with u such that the goal behind it is u + v·r, or v·r + v - 1 - u
            r, v = checker.form(data.draw(small(), label="r")), checker.form(atom[2])
            u = checker.plus(checker.times(v, r), goal, -1)
            if up := data.draw(st.booleans(), label="up"):
                u = checker.times(u, checker.number(-1))
            else:
                u = checker.plus(checker.plus(u, v), checker.number(-1))
            fact = form((1, ["floor", checker.json_form(u), atom[2]]))
            goal = before(kind, checker.plus(r, checker.form(fact), 1 if up else -1), goal, fact=fact)
        elif kind == "define" and sizes:
            [(_, value)] = sizes
            gap = checker.plus(checker.form(form((1, M))), checker.form(value), -1)
            goal = before(kind, checker.plus(goal, checker.times(checker.form(factor), gap)), goal, fact=form((1, M)))
    return claim(checker.json_form(goal), *moves, sizes=sizes, conditions=assumed)


@given(data=st.data())
def test_what_it_accepts_is_true(data: st.DataObject) -> None:
    certificate = backwards(data)
    try:
        check(certificate)
    except Rejected:
        return
    assert (at := refuted(certificate)) is None, f"{certificate} does not hold at {at}"


@given(data=st.data())
def test_what_it_accepts_of_what_was_found_and_changed_is_true(data: st.DataObject) -> None:
    facts = data.draw(worlds.facts(), label="facts")
    goal = data.draw(worlds.goals(facts), label="goal")
    if facts.nonnegative(goal) is None:
        return
    said = found(facts, goal)
    for _ in range(data.draw(st.integers(1, 2))):
        if places := list(_numbers([said["goal"], said["moves"]])):
            holder, key = data.draw(st.sampled_from(places))
            holder[key] += data.draw(st.sampled_from([-2, -1, 1, 2]))
    try:
        check(said)
    except Rejected:
        return
    assert (at := refuted(said)) is None, f"{said} does not hold at {at}"


# --- the ledger -----------------------------------------------------------------------------------------------------


def entered(entry: Json) -> str:
    return json.dumps({"entries": [entry]})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (entered({"claim": "[1 ≤ 0]", "certificates": [claim(form((-1,)))]}), "rejected: [1 ≤ 0]: what is left"),
        (entered({"claim": "[1 ≤ 0]", "certificates": []}), "rejected: [1 ≤ 0]: it has no certificate"),
        (entered({"claim": "[1 ≤ 0]"}), "rejected: [1 ≤ 0]: 'certificates'"),
        (entered("[1 ≤ 0]"), "rejected: [1 ≤ 0]: "),
        ('{"entries": []}', "0 of 0 entries hold"),
        ('{"entries": 5}', "holds no ledger: "),
        ("[]", "holds no ledger: "),
        ("", "holds no ledger: "),
        ("[" * 100_000, "holds no ledger: "),
        ("9" * 5000, "holds no ledger: "),
    ],
    ids=["false", "no certificate", "no entry", "text", "empty", "a number", "a list", "nothing", "nested", "digits"],
)  # fmt: skip
def test_a_ledger_that_shows_nothing_fails(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ledger.json"
    path.write_text(text, encoding="utf-8")
    assert checker.main(str(path)) == 1
    assert said in capsys.readouterr().out


def test_a_ledger_that_is_not_there_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checker.main(str(tmp_path / "ledger.json")) == 1
    assert "ledger.json holds no ledger: " in capsys.readouterr().out
    done = subprocess.run([sys.executable, "-I", "-S", FILE], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, "a ledger is needed: python checker.py ledger.json\n")


def test_one_false_claim_among_true_ones_fails_alone(tmp_path: Path) -> None:
    data = json.loads(LEDGER.read_text(encoding="utf-8"))
    data["entries"][1]["certificates"].append(claim(form((-1,))))
    path = tmp_path / "ledger.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    done = alone(path)
    assert done.returncode == 1
    assert done.stdout.endswith(f"{len(data['entries']) - 1} of {len(data['entries'])} entries hold\n")


# --- how it is written ----------------------------------------------------------------------------------------------


def test_equal_forms_are_equal_however_they_are_written() -> None:
    one = [2, []]
    quotient = ["floor", [[1, [[N, 1]]], one], [[3, []]]]
    turned = ["floor", [one, [1, [[N, 1]]]], [[3, []]]]
    assert checker.text(quotient) == checker.text(turned)
    assert checker.form([[1, [[N, 1]]], [-1, [[N, 1]]]]) == checker.form(as_json(poly(0))) == {}
    assert checker.form(form((1, N, N))) == checker.form([[1, [[N, 2]]]])
    assert checker.form(form((1, N, S))) == checker.form(form((1, S, N)))


def test_a_certificate_brings_only_the_facts_that_it_uses() -> None:
    said = found(COUNTED, TRUE["a parameter is at least its least"][1])
    assert (said["sizes"], said["conditions"], said["moves"]) == ([], [], [])
    n, s, j = poly(Param("n", least=1)), poly(Param("s", least=1)), Index("j", poly(Param("m", least=0)))
    assert as_json(s * floor(n, s) - poly(j)) == [
        [1, [[param("s", 1), 1], [["floor", [[1, [[param("n", 1), 1]]]], [[1, [[param("s", 1), 1]]]]], 1]]],
        [-1, [[["index", "j", 0, 0, [[1, [[param("m", 0), 1]]]]], 1]]],
    ]


# --- teeth ----------------------------------------------------------------------------------------------------------


def test_a_checker_that_believes_every_move_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "allowed", lambda move, *others: [checker.form(move["goal"])])
    caught(test_what_it_accepts_of_what_was_found_and_changed_is_true)


def test_a_checker_that_takes_any_index_for_granted_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "indices", lambda terms: set())
    caught(test_what_it_accepts_is_true)


def test_a_checker_that_loses_a_repeated_factor_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = checker.times

    def once(left: Any, other: Any) -> Any:
        return right({tuple((atom, 1) for atom, _ in monomial): c for monomial, c in left.items()}, other)

    monkeypatch.setattr(checker, "times", once)
    caught(test_what_it_accepts_is_true)


def test_a_checker_to_which_every_parameter_is_positive_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = checker.plain

    def positive(terms: Any) -> bool:
        return right(checker.form(json.loads(json.dumps(checker.json_form(terms)).replace(", 0, 0]", ", 0, 1]"))))

    monkeypatch.setattr(checker, "plain", positive)
    caught(test_what_it_accepts_is_true)


@pytest.mark.parametrize("kind", ["index", "floor", "least"])
def test_a_checker_that_knows_too_much_is_caught(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """j ≤ n - 2, ⌊u/v⌋ ≤ u/v - 1, or that the least is one less."""
    right = checker.known

    def more(terms: Any) -> Iterator[Any]:
        atoms = [json.loads(atom)[0] for monomial in terms for atom, _ in monomial]
        yield from (checker.plus(fact, checker.number(-1)) if kind in atoms else fact for fact in right(terms))

    monkeypatch.setattr(checker, "known", more)
    caught(test_what_it_accepts_is_true)


def test_a_checker_that_puts_sizes_into_ranges_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """j < m and j < n are one index where m = n."""

    def everywhere(atom: str, values: Any) -> str:
        parts = [checker.json_form(checker.replaced(checker.form(p), values)) if isinstance(p, list) else p
                 for p in json.loads(atom)]  # fmt: skip
        return checker.text(parts)

    monkeypatch.setattr(checker, "_replaced_inside", everywhere)
    with pytest.raises(pytest.fail.Exception):
        test_what_is_made_up_is_rejected("the same in their product")
