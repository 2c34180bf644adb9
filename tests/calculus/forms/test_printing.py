"""Every form prints itself, in every format and language."""

from __future__ import annotations

import pytest

from convmath.calculus.forms import FORMS, forms
from convmath.calculus.forms.form import NEEDED, TITLES
from convmath.errors import UnknownNameError
from convmath.ops.registry import operator
from convmath.render import LANGUAGES


def test_every_form_has_a_title_in_every_language() -> None:
    assert set(TITLES) == set(FORMS)
    assert {tuple(said) for said in (*TITLES.values(), NEEDED)} == {LANGUAGES}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("name", "ndim"), [("conv", 1), ("conv", 2), ("conv_transpose", 2)])
def test_it_prints_in_every_format(name: str, ndim: int, lang: str) -> None:
    for form in forms(operator(name, ndim, bias=True).statement).values():
        said = form.to_text(lang)
        assert said.startswith(TITLES[form.NAME][lang])
        assert len(str(form).splitlines()) == len(form.statement.equations)
        assert r"\begin{aligned}" in form.to_latex(lang)
        assert r"\documentclass" in form.to_latex(lang, standalone=True)
        assert "<math" in form.to_html(lang)
        assert form.to_markdown(lang).startswith("# ")
        assert set(form._repr_mimebundle_()) == {"text/plain", "text/markdown", "text/latex", "text/html"}


def test_the_conditions_are_said() -> None:
    form = forms(operator("conv", 1, groups=1).statement)["fourier"]
    assert form.to_text().endswith("It holds where n+a ≤ L, s·(m-1)+d·(k-1)-a < L.\n")
    assert form.to_text("es").endswith("Vale donde n+a ≤ L, s·(m-1)+d·(k-1)-a < L.\n")
    assert "It holds" not in forms(operator("conv", 1).statement)["einsum"].to_text()


def test_an_axis_is_a_subscript() -> None:
    form = forms(operator("conv", 2, groups=1).statement)["fourier"]
    assert "(ω₁^(u₁))^(i₁)" in str(form)
    assert r"({\omega _{1}}^{u_{1}})^{i_{1}}" in form.to_latex()


def test_a_language_that_there_is_not() -> None:
    with pytest.raises(UnknownNameError, match="there is no language 'fr'"):
        forms(operator("conv", 1).statement)["einsum"].to_text("fr")
