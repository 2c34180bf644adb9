"""How hard the laws are tried: CONVMATH_PROFILE names a Hypothesis profile; with CI=true it is `ci`, otherwise `dev`.

No profile has a deadline, nor minds slow data: a busy machine is not a broken law.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Benchmarks are run by hand (`make bench`), not collected; kernels made for tests can't be imported without llvmlite.
collect_ignore = ["bench", "kernels/elementwise_kernel.py"]

NOISE = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("dev", max_examples=25, **NOISE)
settings.register_profile("ci", max_examples=60, derandomize=True, print_blob=True, **NOISE)
settings.register_profile("night", max_examples=5000, print_blob=True, **NOISE)

PROFILE = os.environ.get("CONVMATH_PROFILE") or ("ci" if os.environ.get("CI", "").lower() in ("1", "true") else "dev")
settings.load_profile(PROFILE)


def pytest_report_header(config: pytest.Config) -> str:
    return f"laws: Hypothesis profile {PROFILE}"


@pytest.fixture
def anew() -> Iterator[None]:
    """Derivations are kept; a test that plants a fault in what derives must not meet old ones, nor leave its own."""
    from convmath.ops import registry

    kept = (registry._operator, registry._general, registry._derived, registry._shape)
    for cache in kept:
        cache.cache_clear()
    yield
    for cache in kept:
        cache.cache_clear()
