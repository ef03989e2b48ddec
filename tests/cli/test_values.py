"""Times for people have one form, in every table."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from installations import NOW, Installation, a_job

from runner.cli.views.values import slot_text

TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\S+")


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("2026-11-21T10:00:00Z", "2026-11-21 10:00:00Z"),
        ("2026-11-21T10:00:00.500Z", "2026-11-21 10:00:00Z"),
        ("2026-03-29T02:30[Europe/Berlin]", "2026-03-29 02:30 Europe/Berlin"),
        ("manual:3", "manual:3"),
        ("-", "-"),
        ("", ""),
    ],
)
def test_a_slot_is_shown_like_other_times(key: str, text: str) -> None:
    assert slot_text(key) == text


def test_every_time_in_the_lists_is_utc_to_the_second(here: Installation, say: Callable) -> None:
    here.install(a_job("report"))
    here.run("report", "FAILED")
    here.hold("report", "operator", until=NOW + timedelta(days=3650))
    for words in (
        ("jobs", "list"),
        ("jobs", "show", "report"),
        ("instances", "list"),
        ("instances", "show", "1"),
        ("status",),
    ):
        times = TIME.findall(say(*words).out)
        assert times
        assert [t for t in times if not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ[,)]?", t)] == []
