"""What holds for every test."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

import tests.searching  # noqa: F401  (what holds for every property)

MEMORY = Path("/dev/shm")
ROOM_IN_MEMORY = 4 << 30


def pytest_configure(config: pytest.Config) -> None:
    """Waste no time on what no test can tell, and hand on no signal that is ignored here."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup what a test starts would not hear of it
    _keep_folders_in_memory()
    _keep_bytecode(config.rootpath / ".pytest_cache" / "bytecode")


def _keep_folders_in_memory() -> None:
    """Temporary folders are in memory where there is room.

    A process that is killed loses nothing of what the kernel has, and power is never lost here. But each
    commit waits for the disk otherwise, and there are some ten thousand of them.
    """
    if _has_room(MEMORY) and "PYTEST_DEBUG_TEMPROOT" not in os.environ:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(MEMORY)


def _keep_bytecode(folder: Path) -> None:
    """Where Python is to write no bytecode beside its files, it is kept apart; a thousand processes would
    compile everything otherwise.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", "") or "PYTHONPYCACHEPREFIX" in os.environ:
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(folder))
        sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"]
        sys.dont_write_bytecode = False


def _has_room(folder: Path) -> bool:
    """Whether programs can be started there, and a memory file system of some gibibytes is nearly empty."""
    try:
        is_usable = os.access(folder, os.W_OK) and not os.statvfs(folder).f_flag & os.ST_NOEXEC
        free = int(Path("/proc/meminfo").read_text().partition("MemAvailable:")[2].split()[0]) << 10
        return is_usable and min(shutil.disk_usage(folder).free, free) > ROOM_IN_MEMORY
    except (OSError, ValueError, IndexError):
        return False


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
