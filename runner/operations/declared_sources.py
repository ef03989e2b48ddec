"""Which git sources does the installed Runner declare, and which does it declare wrongly?"""

from __future__ import annotations

from collections.abc import Mapping

from runner.operations.settings import settings
from runner.sources.settings import SourceSettings, settings_of
from runner.store.port import Reader


def declared_sources(
    reader: Reader, given: SourceSettings | None = None
) -> tuple[Mapping[str, SourceSettings], Mapping[str, str]]:
    """By name those that can be followed, and why others cannot. `given` is one from the command line, which
    stands for a declared one of the same name.
    """
    found: dict[str, SourceSettings] = {}
    wrong: dict[str, str] = {}
    for name, each in (settings(reader).get("sources") or {}).items():
        try:
            found[name] = settings_of(name, each["git"])
        except (ValueError, LookupError, TypeError) as problem:
            wrong[name] = str(problem)
    if given is not None:
        found[given.name] = given
        wrong.pop(given.name, None)
    return found, wrong
