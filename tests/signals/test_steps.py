"""The steps of a convolution: what is said, that each holds in numbers, and that a wrong one does not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sympy
from sympy import Heaviside, exp

from convmath.derivation import Derivation
from convmath.errors import HyperparameterError, UnknownNameError
from convmath.render import LANGUAGES
from convmath.render.derivation import document, mentions
from convmath.signals import Convolution, steps
from convmath.signals.derive.words import PHRASES, STEPS, TITLES
from convmath.signals.errors import DivergentError, NotFoundError
from convmath.signals.steps import Along, Case, SignalStep

from ..render.wellformed import held_html, held_latex, held_words, mathematics
from .lectures import LECTURES, a, b, t

DERIVED: dict[str, Derivation] = {}
KINDS = {
    name: kind
    for name, kind in vars(steps).items()
    if isinstance(kind, type) and issubclass(kind, SignalStep) and kind is not SignalStep
}


def derived(name: str) -> Derivation:
    if name not in DERIVED:
        DERIVED[name] = LECTURES[name].derivation()
    return DERIVED[name]


# --- every example ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(LECTURES))
def test_each_step_holds_and_is_well_formed_in_every_format(name: str) -> None:
    derivation = derived(name)
    verdict = derivation.verify()
    assert verdict, verdict.failures
    for lang in LANGUAGES:
        written = document(derivation, lang)
        for law in (held_latex, held_html, held_words):
            law(written)


@pytest.mark.parametrize("name", ["box∗box", "δ in the plane", "correlation", "powers by transforms"])
def test_the_languages_say_the_same_mathematics(name: str) -> None:
    english, spanish = (
        [
            re.sub(r"\\text\{.*?\}", "", maths)
            for maths in mathematics(derived(name).to_latex(lang))
            if "aligned" in maths
        ]
        for lang in LANGUAGES
    )
    assert english == spanish


def test_the_result_is_that_of_the_convolution() -> None:
    for name in ("exp∗exp", "boxes in the plane"):
        lecture = LECTURES[name]
        answer = Convolution(lecture.f, lecture.g, lecture.variable).solve()
        assert derived(name).result == answer.answers[-1].expression.subs(
            dict(zip(answer.variables, answer.asked.variables, strict=True))
        )


# --- the lecture's two definitions, three examples each, in Spanish --------------------------------------------------

SAID = {
    "box∗box": """
        (f ∗ g)(t) = ∫_{-∞}^∞ f(τ)·g(t-τ) dτ
        f(τ) es 0 salvo para 0 < τ < 1, y g(t-τ) salvo para t-1 < τ < t.
            t < 0 : no hay solape
        0 < t < 1 : 0 < τ < t
        1 < t < 2 : t-1 < τ < 1
        (f ∗ g)(t) = ∫_{t-1}^1 dτ
                   = [τ]_(t-1)¹
                   = 2-t
        (f ∗ g)(t) = 0, t < 0
                     t, 0 ≤ t < 1
                     2-t, 1 ≤ t < 2
                     0, t ≥ 2
        """,
    "exp∗exp": """
        Aquí b ≠ a.
        g(t-τ) = e^(-b·(t-τ))·u(t-τ)
        t < 0 : no hay solape
        t > 0 : 0 < τ < t
        (f ∗ g)(t) = ∫_0^t e^(-a·τ)·e^(-b·(t-τ)) dτ
                   = [e^((b-a)·τ-b·t)/(b-a)]₀^t
                   = (e^(-b·t) - e^(-a·t))/(a-b)
        (f ∗ g)(t) = (e^(-b·t) - e^(-a·t))/(a-b)·u(t)
        """,
    "box∗ramp": """
        0 < t < 1 : 0 < τ < t
            t > 1 : 0 < τ < 1
        (f ∗ g)(t) = ∫_0^t (t-τ) dτ
                   = [(τ·(2·t-τ))/2]₀^t
                   = t²/2
        (f ∗ g)(t) = ∫_0^1 (t-τ) dτ
                   = t-1/2
        """,
    "Gaussians in the plane": """
        Partimos de la definición: f se queda, h se refleja y se desplaza r.
        g(r) = ∫ f(r′)·h(r - r′) dr′
           r = (x, y)
        g(r) = (f₁ ∗ h₁)(x)·(f₂ ∗ h₂)(y)
        -a·x′²-b·(x-x′)² = -(a+b)·(x′-(b·x)/(a+b))² - (a·b·x²)/(a+b)
        (f₁ ∗ h₁)(x) = e^(-(a·b·x²)/(a+b))·∫_{-∞}^∞ e^(-(a+b)·(x′-(b·x)/(a+b))²) dx′
        g(r) = (π·e^(-(a·b·(x²+y²))/(a+b)))/(a+b)
        """,
    "δ in the plane": """
        f(r) = δ(x-a)·δ(y-b)
        (f₁ ∗ h₁)(x) = ∫_{-∞}^∞ δ(x′-a)·h₁(x-x′) dx′ = h₁(x-a) = e^(-(x-a)²)
        g(r) = e^(-(x-a)²-(y-b)²)
        """,
    "boxes in the plane": """
        (f₁ ∗ h₁)(x) = ∫_0^x dx′ = [x′]₀^x = x, 0 < x < 1
        (f₁ ∗ h₁)(x) = ∫_{x-1}^1 dx′ = [x′]_(x-1)¹ = 2-x, 1 < x < 2
        g(r) = {0, x < 0; x, 0 ≤ x < 1; 2-x, 1 ≤ x < 2; 0, x ≥ 2}
        """,
}


def flat(words: str) -> str:
    return re.sub(r"\s+", " ", words)


@pytest.mark.parametrize("name", list(SAID))
def test_the_steps_are_those_of_a_lecture(name: str) -> None:
    written = flat(derived(name).to_text("es"))
    for line in SAID[name].strip().splitlines():
        assert flat(line.strip()) in written


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("boxes without an order", "t > a+b : a < τ < t-b"),
        ("boxes with an order", "a < t < b : 0 < τ < a"),
        ("exp∗exp, a = b", "Here b = a."),
        ("correlation", "f is conjugated and stays, g is shifted by t and not reflected."),
        ("correlation", "(f ⋆ g)(t) = ∫_{-∞}^∞ h(τ)·g(t-τ) dτ = (h ∗ g)(t)"),
        ("δ and its derivative", "∫_{-∞}^∞ δ′(τ)·g(t-τ) dτ = g′(t) = δ(t) - e^(-t)·u(t)"),
        ("a short sequence", "n ≥ 3 : n-2 ≤ k ≤ n"),
        ("powers", "(f ∗ g)[n] = (a^(n+1)-b^(n+1))/(a-b)·u[n]"),
        ("over a period", "(f₀ ∗ g₀)(t) + (f₀ ∗ g₀)(t+2·π)"),
        ("cones", "g(r) = 1/2·G(s)"),
        ("exp∗exp by transforms", "F(s)·G(s) = 1/((b-a)·(s+a)) + 1/((a-b)·(s+b))"),
        ("a wave by transforms", "= 1/(1-1/z)"),
    ],
)
def test_what_is_special_is_said(name: str, said: str) -> None:
    assert flat(said) in flat(derived(name).to_text("en"))


# --- words -----------------------------------------------------------------------------------------------------------


def every_step() -> list[Any]:
    found = [step for name in LECTURES for step in derived(name).plain_steps]
    return [*found, *(inner for step in found if isinstance(step, Along) for inner in step.after)]


def test_every_step_has_words_an_example_and_what_its_words_name() -> None:
    assert set(STEPS) == set(KINDS)
    examples = {type(step): step for step in every_step()}
    assert set(examples) == set(KINDS.values())
    for name, sentences in STEPS.items():
        assert set(sentences) == set(LANGUAGES)
        for lang in LANGUAGES:
            named = set(re.findall(r"\{(\w+)\}", " ".join(sentences[lang])))
            assert named <= set(mentions(examples[KINDS[name]], lang)), name
        assert len({frozenset(re.findall(r"\{(\w+)\}", " ".join(said))) for said in sentences.values()}) == 1, name


@pytest.mark.parametrize("table", [PHRASES, TITLES], ids=["phrases", "titles"])
def test_the_languages_name_the_same(table: dict[str, dict[str, str]]) -> None:
    for key, sentences in table.items():
        assert set(sentences) == set(LANGUAGES), key
        assert len({frozenset(re.findall(r"\{(\w+)\}", sentence)) for sentence in sentences.values()}) == 1, key


def test_every_rule_is_said() -> None:
    assert all(kind.__doc__ for kind in KINDS.values())


# --- teeth -----------------------------------------------------------------------------------------------------------


def after(**changes: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A step that leads to something else in some respect."""
    return lambda step: replace(
        step, after=replace(step.after, **{name: change(step.after) for name, change in changes.items()})
    )


def of_case(change: Callable[[Case], Case]) -> Callable[[Any], Any]:
    return lambda step: replace(step, after=change(step.after))


def of_overlap(change: Callable[[Case], Case]) -> Callable[[Any], Any]:
    """A fault in the first case in which there is something."""

    def planted(step: Any) -> Any:
        cases = list(step.after.cases)
        place = next(k for k, case in enumerate(cases) if case.inner)
        cases[place] = change(cases[place])
        return replace(step, after=replace(step.after, cases=tuple(cases)))

    return planted


def of_first(case: Case, **changes: Any) -> Case:
    return replace(case, inner=(replace(case.inner[0], **changes), *case.inner[1:]))


def of_pair(step: Any, **changes: Any) -> Any:
    first, *rest = step.after.pairs
    return replace(step, after=replace(step.after, pairs=(replace(first, **changes), *rest)))


def of_sifted(step: Any, change: Callable[[Any], Any]) -> Any:
    first, *rest = step.after
    return replace(step, after=(replace(first, value=change(first.value)), *rest))


def of_piece(step: Any, **changes: Any) -> Any:
    first, *rest = step.after.right
    return replace(step, after=replace(step.after, right=(replace(first, **changes), *rest)))


def of_term(step: Any) -> Any:
    (coefficient, axes), *rest = step.after.terms
    return replace(step, after=replace(step.after, terms=((2 * coefficient, axes), *rest)))


def of_axis(step: Any) -> Any:
    place = next(k for k, inner in enumerate(step.after) if type(inner).__name__ == "Integrate")
    wrong = of_case(lambda case: replace(case, value=case.value + 1))(step.after[place])
    return replace(step, after=(*step.after[:place], wrong, *step.after[place + 1 :]))


def of_side(step: Any) -> Any:
    """A function that goes on to the other side than the strip says: e^t·u(-t) as -e^t·u(t)."""
    [place] = (k for k, pair in enumerate(step.after.pairs) if pair.function.has(exp(step.before.t)))
    pairs = list(step.after.pairs)
    pairs[place] = replace(
        pairs[place], function=pairs[place].function.replace(Heaviside, lambda at, *_: Heaviside(at) - 1)
    )
    return replace(step, after=replace(step.after, pairs=tuple(pairs)))


FAULTS: list[tuple[str, str, str, Callable[[Any], Any]]] = [
    ("box∗box", "Define", "no value", after(f=lambda x: sympy.nan)),
    ("correlation", "Turn", "not turned", lambda s: after(f=lambda x: s.before.f)(s)),
    ("correlation, complex", "Turn", "not conjugated", lambda s: after(f=lambda x: s.before.f.subs(t, -t))(s)),
    ("over a period", "OnePeriod", "two periods", lambda s: after(f=lambda x: s.before.f)(s)),
    ("over a period", "Fold", "twice", after(result=lambda x: 2 * x.result)),
    ("box∗ramp", "Flip", "another function", lambda s: of_piece(s, expression=s.before.t**2)),
    ("box∗box", "Flip", "another support", lambda s: of_piece(s, high=sympy.Integer(2))),
    ("box∗box", "Overlap", "a limit", of_overlap(lambda c: of_first(c, high=c.inner[0].high / 2))),
    ("triangle∗box", "Overlap", "a part is lost", of_overlap(lambda c: replace(c, inner=c.inner[1:]))),
    ("boxes without an order", "Overlap", "a sign", of_overlap(lambda c: of_first(c, left=-c.inner[0].left))),
    ("a short sequence", "Overlap", "one index more", of_overlap(lambda c: of_first(c, low=c.inner[0].low + 1))),
    ("exp∗exp", "Integrate", "a value", of_case(lambda c: replace(c, value=-c.value))),
    ("exp∗exp", "Integrate", "an antiderivative", of_case(lambda c: of_first(c, primitive=2 * c.inner[0].primitive))),
    ("box∗box", "Integrate", "a limit", of_case(lambda c: of_first(c, high=c.inner[0].high / 2))),
    ("Cauchy", "Integrate", "a factor", of_case(lambda c: replace(c, value=c.value * sympy.Rational(101, 100)))),
    ("powers", "Integrate", "an index", of_case(lambda c: of_first(c, low=c.inner[0].low + 1))),
    (
        "disc∗polynomial",
        "Integrate",
        "a value",
        lambda s: replace(s, before=replace(s.before, result=2 * s.before.result)),
    ),
    ("Gaussian∗Gaussian", "CompleteSquare", "a centre", after(centre=lambda x: 2 * x.centre)),
    ("Gaussian∗Gaussian", "CompleteSquare", "a value", after(value=lambda x: 2 * x.value)),
    ("δ and its derivative", "Sift", "a sign", lambda s: of_sifted(s, lambda value: -value)),
    ("δ and its derivative", "Sift", "a place", lambda s: of_sifted(s, lambda value: value.subs(a, 2 * a))),
    ("δ[n]", "Sift", "a factor", lambda s: of_sifted(s, lambda value: 2 * value)),
    ("triangle∗box", "Collect", "a factor", lambda s: replace(s, after=2 * s.after)),
    (
        "δ and its derivative",
        "Collect",
        "an impulse",
        lambda s: replace(s, after=s.after + sympy.DiracDelta(s.before.t - 5)),
    ),
    ("boxes in the plane", "Collect", "a factor", lambda s: replace(s, after=2 * s.after)),
    ("sums of products", "Separate", "a coefficient", of_term),
    ("boxes in the plane", "Along", "a value", of_axis),
    ("cones", "NewVariables", "a matrix", lambda s: replace(s, matrix=2 * s.matrix + sympy.ones(2))),
    ("a quadratic form", "CompleteForm", "a rest", after(rest=lambda x: 2 * x.rest)),
    ("a quadratic form", "CompleteForm", "a value", after(value=lambda x: 2 * x.value)),
    ("discs", "Lens", "a value", after(value=lambda x: x.value * x.d)),
    ("balls", "Lens", "a scale", after(scale=lambda x: 1)),
    ("exp∗exp by transforms", "Transform", "a pole", lambda s: of_pair(s, transform=1 / s.after.s)),
    ("powers by transforms", "Transform", "a pole", lambda s: of_pair(s, transform=1 / (1 - 1 / s.after.s))),
    ("box∗wave by transforms", "Multiply", "a factor", lambda s: of_pair(s, transform=2 * s.after.pairs[0].transform)),
    ("exp∗exp by transforms", "Fractions", "a sign", lambda s: of_pair(s, transform=-s.after.pairs[0].transform)),
    ("both sides by transforms", "Back", "a side", of_side),
    (
        "Gaussians by transforms",
        "Multiply",
        "a power",
        lambda s: of_pair(s, transform=s.after.s + s.after.pairs[0].transform),
    ),
    ("a wave by transforms", "Back", "a factor", lambda s: of_pair(s, function=2 * s.after.pairs[0].function)),
]


@pytest.mark.parametrize(("name", "kind", "fault"), [f[:3] for f in FAULTS], ids=[", ".join(f[:3]) for f in FAULTS])
def test_a_wrong_step_does_not_hold(name: str, kind: str, fault: str) -> None:
    change = next(planted for *where, planted in FAULTS if where == [name, kind, fault])
    true = derived(name)
    place = next(k for k, step in enumerate(true.plain_steps) if type(step).__name__ == kind)
    changed = (*true.plain_steps[:place], change(true.plain_steps[place]), *true.plain_steps[place + 1 :])
    verdict = replace(true, plain_steps=changed).verify()
    assert not verdict
    assert any(f"step {place + 1}, {kind} " in failure for failure in verdict.failures)


def test_there_is_a_fault_for_every_kind_of_step() -> None:
    assert {kind for _, kind, *_ in FAULTS} == set(KINDS)


def test_a_derivation_with_a_wrong_step_says_so() -> None:
    true = derived("box∗box")
    *steps_before, last = true.plain_steps
    wrong = replace(true, plain_steps=(*steps_before, replace(last, after=last.after + 1)))
    assert "NO todas se cumplen" in flat(wrong.to_text("es"))


# --- what has no steps -----------------------------------------------------------------------------------------------


def test_what_was_not_found_has_no_steps() -> None:
    lost = Convolution(sympy.gamma(t**2 + 1), exp(-(t**4)), t).solve()
    assert not lost.answers
    with pytest.raises(NotFoundError, match=r"^there are no steps to a result that was not found: "):
        lost.derivation()


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"^there is no method 'magic'.*support.*transform"):
        LECTURES["box∗box"].kind(t, exp(-(t**2)), t).solve().derivation("magic")


def test_a_branch_that_there_is_not_is_refused() -> None:
    with pytest.raises(HyperparameterError, match=r"^branch 2 came, but there are 2 answers \[derivation\]$"):
        Convolution(exp(-a * t) * Heaviside(t), exp(-b * t) * Heaviside(t), t).solve().derivation(branch=2)


@pytest.mark.parametrize(
    ("f", "said"),
    [
        (sympy.cos(t), "need a common strip, but 0 < 0 is not known to hold"),
        (exp(-(t**2)) * Heaviside(t), "are written for powers times exponentials, and for Gaussians with Gaussians"),
    ],
)
def test_what_has_no_steps_by_transforms_says_why(f: Any, said: str) -> None:
    with pytest.raises(NotFoundError, match=f"^steps by transforms {said}$"):
        Convolution(f, exp(-t) * Heaviside(t), t).solve().derivation("transform")


def test_a_divergent_branch_has_no_steps() -> None:
    c = sympy.Symbol("c", real=True)
    found = Convolution(exp(c * t) * Heaviside(t), Heaviside(-t) * exp(t), t).solve()
    for place, answer in enumerate(found.answers):
        if answer.expression is None:
            with pytest.raises(DivergentError):
                found.derivation(branch=place)


def test_a_case_without_an_answer_says_why_it_has_no_steps() -> None:
    c, d = sympy.symbols("c d", real=True)
    solved = Convolution(exp(-c * t**2), exp(-d * t**2), t).solve()
    without = [place for place, answer in enumerate(solved.answers) if answer.expression is None]
    assert len(without) == 2  # c + d < 0, and d = -c
    for place in without:
        with pytest.raises((DivergentError, NotFoundError)):
            solved.derivation(branch=place)
