"""Which files are watched for, and in which folders are their roots now?"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from runner.daemon.file_watch import Watched
from runner.operations.schedulable import SchedulableJob
from runner.operations.settings import settings
from runner.schedules.trigger import FileSource, TriggerSchedule
from runner.store.port import Reader


def watched_files(
    reader: Reader,
    triggers: Mapping[tuple[str, str], TriggerSchedule],
    jobs: Mapping[str, SchedulableJob],
    project: Path,
    *,
    trouble: Callable[[str, BaseException], None],
) -> tuple[list[Watched], dict[str, str]]:
    """What is to be watched, and the folders of all declared roots by name.

    A root inside of the project is made when it is missing; elsewhere a disk may not be mounted.
    """
    declared: Mapping[str, Any] = settings(reader).get("roots") or {}
    # Never raises: of links that lead in a circle is said what is said of a root that is not there.
    paths = {name: os.path.realpath(project / root["path"]) for name, root in declared.items()}
    watched = [
        Watched(uid, name, jobs[uid].name, each.source, paths[each.source.root])
        for (uid, name), each in triggers.items()
        if isinstance(each.source, FileSource) and each.source.root in paths
    ]
    for name in sorted({each.source.root for each in watched}):
        if not Path(declared[name]["path"]).is_absolute():
            try:
                Path(paths[name]).mkdir(parents=True, exist_ok=True)
            except OSError as problem:
                trouble(f"making root {name}", problem)
    return watched, paths
