"""What did the git agent fetch last of a source? For a plan; nothing is fetched for it."""

from __future__ import annotations

from pathlib import Path

from runner.git.repository import Commit, commit_of
from runner.operations.checked_out import CheckedOut
from runner.sources.settings import PREFIX
from runner.store.port import Reader
from runner.vocabulary.errors import UnknownName
from runner.vocabulary.identity import Address
from runner.vocabulary.printable import printable


def last_fetched(reader: Reader, state: Path, name: str) -> CheckedOut:
    """The commit that was checked out last; UnknownName when there is none."""
    record = reader.sources.get(name)
    if record is None:
        known = ", ".join(each.name for each in reader.sources.all())
        raise UnknownName(
            f"there is no git source {printable(name)}" + (f"; there is {known}" if known else "")
        )
    repository = state / "sources" / name / "repo"
    root = repository if record.path == "." else repository / record.path
    commit = commit_of(root) if root.is_dir() else None
    if commit is None:
        raise UnknownName(
            f"nothing was checked out of {PREFIX}{name} yet: runner reconcile --with-source {name}"
        )
    ref = record.attempted_ref if record.attempted_ref != commit.sha else None
    return CheckedOut(root, PREFIX + name, record.path, Commit(commit.sha, ref, commit.dirty))


def fetched_with(reader: Reader, state: Path, address: Address) -> CheckedOut | None:
    """The same of the source that installed this object; None when that is no git source."""
    record = reader.objects.get(address)
    if record is None or not record.source.startswith(PREFIX):
        return None
    return last_fetched(reader, state, record.source.removeprefix(PREFIX))
