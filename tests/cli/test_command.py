"""The command: what it prints, what it refuses, and with which exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from convmath.cli import COMMANDS, main
from convmath.render.document import FORMATS


def run(*arguments: str, lang: str = "") -> Result:
    return CliRunner().invoke(main, arguments, env={"LC_ALL": "", "LC_MESSAGES": "", "LANG": lang})


# --- the group ----------------------------------------------------------------------------------------------------


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys\nfrom convmath.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n    assert not end.code\n"
        "heavy = {'numpy', 'scipy', 'sympy', 'hypothesis'} & set(sys.modules)\nassert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert all(f"{name} " in done.stdout for name in COMMANDS)


def test_a_fresh_process_gives_the_exit_status() -> None:
    done = subprocess.run([sys.executable, "-m", "convmath", "shape", "covn"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("convmath: there is no operator 'covn'; the nearest are conv, ")


def test_the_version_is_the_packages() -> None:
    import convmath

    assert convmath.__version__ in run("--version").output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["derve"], "there is no command 'derve'; the nearest is derive"),
        (["shape", "avgpool"], "there is no operator 'avgpool'; the nearest are avg_pool, max_pool"),
        (["derive", "conv", "--lang", "fr"], "there is no language 'fr'"),
        (["derive", "conv", "--format", "pdf"], "there is no format 'pdf'"),
        (["derive", "conv", "--kind", "grad"], "there is no kind of derivation 'grad'"),
        (["derive", "conv", "--wrt", "Z"], "'Z'"),
        (["derive", "conv", "--wrt", "B"], "with bias=True it reads B too"),
        (["derive", "conv", "--ndim", "0"], "ndim is 0, but it must be at least 1"),
        (["derive", "conv", "--kind", "shape", "--wrt", "X"], "--wrt names an input, but 'shape' asks for none such"),
        (["derive", "conv", "--along", "W"], "--along names an input, but 'vjp' asks for none such"),
        (["derive", "conv", "-o", "gradient.pdf"], "there is no file type to save a derivation as '.pdf'"),
        (["derive", "conv", "-o", "."], ". can't be written: Is a directory"),
        (["derive", "conv", "-o", ""], "can't be written: Is a directory"),
        (["derive", "conv", "padding=((1,0)"], "a1 is '((1', but a whole number is needed"),
        (["derive", "conv", "padding=1.5"], "'1.5'"),
        (["derive", "conv", "stride"], "'stride' came, but name=value is needed"),
        (["derive", "conv", "stride=2", "stride=3"], "stride came twice: 2 and 3"),
        (["derive", "conv", "stride=0"], "is 0, but it must be at least 1"),
        (["derive", "conv", "stride=half"], "'half', but a whole number is needed"),
        (["derive", "max_pool", "ties=frist"], "'frist'"),
        (["shape", "conv", "n=-1"], "is -1, but it must be at least 0"),
        (["shape", "conv", "n=2.5"], "5/2 came, but whole numbers"),
        (["shape", "conv", "n=nan", "k=3", "s=inf"], ""),
        (["shape", "conv", "n=9**9**9"], "an exponent that is no number came"),
        (["shape", "conv", "n=__import__('os')"], "has no meaning here"),
        (["shape", "conv", "x=3"], "there is no hyper-parameter 'x'"),
        (["shape", "conv", "n=5", "k=7"], "is needed, but does not hold at d₁ = 1, k₁ = 7, n₁ = 5"),
        (["shape", "conv", "n=1,2,3"], "n has 3 entries, but there are 2 axes"),
        (["shape", "conv_transpose", "n=4", "k=3", "s=2", "e=5"], "does not hold at e₁ = 5, s₁ = 2, d₁ = 1"),
        (["shape", "max_pool", "n=5", "k=3", "ceil_mode=maybe"], "'maybe'"),
        (["shape", "conv_transpose", "n=7", "k=3", "s=2", "padding=same"], "depends on the input size"),
        (["verify", "--op", "covn"], "there is no operator 'covn'"),
        (["verify", "-o", "/"], "/ can't be written: Is a directory"),
        (["verify", "--profile", "long"], "there is no profile 'long'"),
        (["verify", "--op", "conv", "-o", "no/such/folder/report.html"], "can't be written: No such file"),
    ],
)
def test_what_can_not_be_done_is_said_in_a_sentence(arguments: list[str], sentence: str) -> None:
    found = run(*arguments)
    if sentence:
        assert found.exit_code == 2, found.output
        assert found.output.startswith("convmath: ")
        assert sentence in found.output
        assert found.stdout == ""
    else:  # nan and inf are names like any other: symbols
        assert found.exit_code == 0
        assert "n₁ = n₂ = nan" in found.output


# --- shape --------------------------------------------------------------------------------------------------------


def test_a_size_with_formula_substitution_result_and_what_is_left_over() -> None:
    found = run("shape", "conv", "--ndim", "2", "n=224", "k=7", "s=2", "p=3")
    assert found.exit_code == 0
    for said in (
        "m₁ = ⌊(n₁+2·p₁-d₁·(k₁-1)-1)/s₁⌋+1",
        "m₁ = ⌊(224+2·3-1·(7-1)-1)/2⌋+1 = 112",
        "The shape is (N, O, 112, 112).",
        "Axis 2. Left over: the last position of the padded input is read by no window.",
        "not given, and so by default, G = 1, d₁ =",
    ):
        assert said in found.output


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        (["conv", "--ndim", "1", "n=2*h+1", "k=3", "s=2", "p=1"], "(N, O, h+1)"),
        (["conv", "--ndim", "1", "n=n", "k=k", "s=s"], "(N, O, ⌊(n-k)/s⌋+1)"),
        (["conv", "n=5,6", "k=3"], "(N, O, 3, 4)"),
        (["conv", "n=5", "k=3", "padding=((1,0),(0,2))"], "(N, O, 4, 5)"),
        (["conv", "--ndim", "1", "n=5", "k=3", "padding=((h,2),)"], "(N, O, h+5)"),
        (["conv", "--ndim", "1", "n=7", "k=3", "s=2", "padding=same"], "(N, O, 4)"),
        (["conv", "--ndim", "1", "n=n", "k=3", "padding=same"], "(N, O, n)"),
        (["conv", "--ndim", "1", "n=n", "k=k", "padding=full"], "(N, O, n+k-1)"),
        (["conv", "--ndim", "1", "n=9", "k=3", "a=1", "b=0", "groups=2"], "(N, 2·O, 8)"),
        (["max_pool", "--ndim", "1", "n=7", "k=2"], "(N, C, 3)"),
        (["max_pool", "--ndim", "1", "n=7", "k=2", "ceil_mode=true"], "(N, C, 4)"),
        (["max_pool", "--ndim", "1", "n=4", "k=2", "s=4", "p=1", "ceil_mode=true"], "(N, C, 2)"),
        (["conv_transpose", "--ndim", "1", "n=4", "k=3", "s=2", "p=1", "e=1"], "(N, O, 8)"),
        (["conv"], "(N, G·O, m₁, m₂)"),
    ],
)
def test_numbers_symbols_or_a_mixture(arguments: list[str], shape: str) -> None:
    found = run("shape", *arguments)
    assert found.exit_code == 0, found.output
    assert shape in found.output


def test_a_shape_as_json_is_one_object() -> None:
    found = run("shape", "conv", "--ndim", "1", "n=10", "k=3", "s=2", "--json")
    said = json.loads(found.stdout)
    assert said["shape"] == ["N", "O", 4]
    assert said["left_over"] == ["1"]
    assert said["ok"] is True


# --- derive -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_", list(FORMATS))
@pytest.mark.parametrize(
    ("lang", "title"), [("en", "the gradient with respect to"), ("es", "el gradiente respecto de")]
)
def test_a_gradient_in_each_format_and_language(format_: str, lang: str, title: str, tmp_path: Path) -> None:
    path = tmp_path / "gradient"
    shown = run("derive", "conv", "--ndim", "1", "--lang", lang, "--format", format_)
    written = run("derive", "conv", "--ndim", "1", "--lang", lang, "--format", format_, "-o", str(path))
    assert shown.exit_code == written.exit_code == 0
    assert written.output == ""
    text = path.read_text(encoding="utf-8")
    assert title in shown.output
    assert title in text
    assert (format_ == "latex") == ("\\documentclass" in text)
    assert [entry.name for entry in tmp_path.iterdir()] == ["gradient"]


def test_the_language_comes_from_the_environment() -> None:
    assert "el gradiente" in run("derive", "conv", "--ndim", "1", lang="es_MX.UTF-8").output
    assert "the gradient" in run("derive", "conv", "--ndim", "1", lang="fr_FR.UTF-8").output


def test_what_is_fixed_is_put_in() -> None:
    found = run("derive", "max_pool", "--ndim", "1", "stride=1", "dilation=1", "padding=0", "ties=last")
    assert "A[ν,c,j] = max_{t<k}" in found.output
    assert "|" not in found.output


def test_a_padding_has_a_pair_for_each_axis() -> None:
    found = run("derive", "conv", "padding=((1,0),(0,2))", "--json")
    assert json.loads(found.stdout)["operator"] == "operator('conv', ndim=2, a1=1, a2=0, b1=0, b2=2)"


def test_a_device_is_written_into_and_not_replaced() -> None:
    null = Path("/dev/null")
    if not null.is_char_device():
        pytest.skip("there is no /dev/null here")
    assert run("derive", "conv", "--ndim", "1", "--format", "text", "-o", str(null)).exit_code == 0
    assert null.is_char_device()


def test_a_second_derivative_by_two_inputs() -> None:
    found = run("derive", "conv", "--ndim", "1", "--kind", "hvp", "--wrt", "X", "--along", "W", "--json")
    said = json.loads(found.stdout)
    assert "dW" in said["result"]
    assert all(step["cases"] and step["failure"] is None for step in said["steps"])


def test_each_kind_can_be_derived() -> None:
    for kind in ("jvp", "hvp", "solved", "shape"):
        assert run("derive", "conv", "--ndim", "1", "--kind", kind).exit_code == 0


def test_a_step_that_does_not_hold_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    from convmath.calculus import eliminate

    right = eliminate.floor
    monkeypatch.setattr(eliminate, "floor", lambda number, divisor: right(number, divisor) + 1)
    # sizes that nothing else asks for: what is derived is kept
    found = run("derive", "conv", "--ndim", "1", "stride=5", "kernel=2", "--json")
    assert found.exit_code == 1
    assert json.loads(found.stdout)["failures"]
    assert found.stderr.startswith("convmath: step ")
