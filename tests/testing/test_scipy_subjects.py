"""What is said of SciPy's functions in the words of conv is what they compute."""

from __future__ import annotations

from dataclasses import replace

import pytest

from convmath.testing import check
from convmath.testing.scipy_subjects import SignalSubject, signal_cases, subjects

SUBJECTS = list(subjects())


@pytest.mark.parametrize("of", SUBJECTS, ids=[of.subject.name for of in SUBJECTS])
def test_it_is_the_definition(of: SignalSubject) -> None:
    report = check(of.subject, "conv", strategy=signal_cases(of), profile="quick", laws=["definition"])
    assert report.ok, str(report)


@pytest.mark.parametrize("of", SUBJECTS[::6], ids=[of.subject.name for of in SUBJECTS[::6]])
def test_padding_that_is_said_wrong_is_found(of: SignalSubject) -> None:
    wrong = replace(of, pads=lambda k: (of.pads(k)[0] + 1, of.pads(k)[1]))
    assert not check(of.subject, "conv", strategy=signal_cases(wrong), profile="quick", laws=["definition"]).ok
