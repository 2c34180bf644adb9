"""A law must fail when a fault is planted in what it guards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

# found, not shrunk: nobody reads the example
PLANTED = settings(
    phases=[Phase.generate],
    max_examples=500,
    derandomize=True,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def caught(law: Callable[..., Any], *arguments: Any) -> None:
    """`law`, a test that draws `data`, fails by an assertion."""
    again = PLANTED(given(data=st.data())(law.hypothesis.inner_test))
    with pytest.raises(AssertionError):
        again(*arguments)
