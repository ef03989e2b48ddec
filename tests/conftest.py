"""What holds for every test."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With RUNNER_NO_SKIPS a skip is a failure: there, whatever a test needs has been installed."""
    report = yield
    if report.skipped and os.environ.get("RUNNER_NO_SKIPS"):
        report.outcome = "failed"
        report.longrepr = f"skipped, although nothing may be skipped here: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own project and database are not for tests."""
    for name in ("RUNNER_PROJECT", "RUNNER_DB"):
        monkeypatch.delenv(name, raising=False)
