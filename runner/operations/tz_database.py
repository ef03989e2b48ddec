"""Which tz database is in use, and what does it say of a zone?"""

from __future__ import annotations

import zoneinfo
from importlib import import_module, resources
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

_VERSION = "# version "


def tz_version() -> str:
    """`2026a`: of the machine's own database, else of the package tzdata; `unknown` when neither says so."""
    for folder in map(Path, zoneinfo.TZPATH):
        try:
            with (folder / "tzdata.zi").open(encoding="utf-8", errors="replace") as file:
                first = file.readline().strip()
        except OSError:
            continue
        if first.startswith(_VERSION):
            return first.removeprefix(_VERSION)[:32]
    if any((Path(folder) / "UTC").exists() for folder in zoneinfo.TZPATH):
        return "unknown"
    try:
        return str(import_module("tzdata").IANA_VERSION)
    except (ImportError, AttributeError):
        return "unknown"


def tz_rules(name: str) -> bytes | None:
    """The file that the database has of a zone; None when it has none. Only for names that are zones."""
    for folder in map(Path, zoneinfo.TZPATH):
        try:
            return (folder / name).read_bytes()
        except OSError:
            continue
    try:
        return resources.files("tzdata.zoneinfo").joinpath(name).read_bytes()
    except (OSError, ModuleNotFoundError):
        return None


def zone_by(rules: bytes, name: str) -> ZoneInfo | None:
    """The zone as these rules have it; None when they are no rules."""
    try:
        return ZoneInfo.from_file(BytesIO(rules), key=name)
    except (ValueError, OSError, EOFError, LookupError):
        return None
