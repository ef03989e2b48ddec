"""How many examples does a property get, and which?

In the test command always the same ones, and few: it says whether a change broke something that held. To
look for what nobody has thought of is .ci/run's, with RUNNER_TESTS_SEARCH: many examples, other ones each
time. In neither does a slow machine make a test fail.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

SEARCHING = "RUNNER_TESTS_SEARCH" in os.environ
USUAL = 100
_FEW = 4
"""One of so many is tried in the test command."""


def examples(count: int) -> settings:
    """That many when looking for something new."""
    return settings(max_examples=count if SEARCHING else max(count // _FEW, 10))


settings.register_profile(
    "steady",
    max_examples=USUAL if SEARCHING else USUAL // _FEW,
    deadline=None,
    derandomize=not SEARCHING,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("steady")
