"""Which declared limits would not bind, because the job runs as root?"""

from __future__ import annotations

import os
from collections.abc import Iterator

from runner.loading.tree import Tree
from runner.operations.installed_jobs import installed_jobs
from runner.store.port import Reader
from runner.vocabulary.diagnostic import Diagnostic

TEXT = "limits.processes does not bind root, as whom the job would run here"
HINT = "give the job a user of its own (runAs), or let a user that is not root run the daemon"


def limit_notes(tree: Tree) -> Iterator[Diagnostic]:
    """A note at each such job; none for whoever is not root. A run gets a warning of the same name."""
    for address, declared in tree.objects.items() if os.geteuid() == 0 else ():
        if address.kind == "Job" and has_no_effect(tree.document(address).resolved):
            place = declared.place
            yield Diagnostic(
                place.file, place.line, 1, "note", "limit-without-effect", "Limit without effect",
                f"{address}: {TEXT}", HINT,
            )  # fmt: skip


def unbound_jobs(reader: Reader) -> list[str]:
    """The names of such jobs that are installed."""
    if os.geteuid() != 0:
        return []
    return [job.name for job in installed_jobs(reader) if has_no_effect(job.resolved)]


def has_no_effect(resolved: object) -> bool:
    """Whether a job so resolved has a limit that does not bind it, run as whom this process is."""
    if os.geteuid() != 0 or not isinstance(resolved, dict):
        return False
    return bool((resolved.get("limits") or {}).get("processes")) and not resolved.get("runAs")
