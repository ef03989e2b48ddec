"""Do the sources of a plan belong to this project? Otherwise it would remove another project's jobs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from runner.git.history import Standing, first_commits, has_any, remote_of, standing_of
from runner.git.repository import is_in_a_repository
from runner.loading.location import DEFAULT_FOLDER, locate
from runner.reconcile.owner import Answer, Owner, decide_owner
from runner.reconcile.plan import Plan
from runner.store.port import Reader
from runner.vocabulary.errors import Refused


@dataclass(frozen=True, slots=True)
class Ownership:
    """By source: the project that apply records as its owner. `refusal` says why it may not, or is empty."""

    owners: Mapping[str, Owner] = field(default_factory=dict)
    refusal: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values; `from_json` reads them back."""
        owners = {source: asdict(owner) for source, owner in self.owners.items()}
        return {"owners": owners, "refusal": self.refusal}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Ownership:
        """What `as_json` gave; KeyError or TypeError when it is something else."""
        owners = {
            source: Owner(**{**each, "roots": tuple(each["roots"])})
            for source, each in values["owners"].items()
        }
        return cls(owners, values["refusal"])


@dataclass(frozen=True, slots=True)
class _Seen:
    """The folder of a source as it stands here, before anything costly is asked."""

    root: Path
    standing: Standing | None
    owner: Owner


def ownership_of(reader: Reader, plan: Plan, *, root: Path, project: Path, state: Path) -> Ownership:
    """Whose sources the plan touches, and why it may not; `root` is the folder of the plan's own source.

    A source outside of the project is named by its whole path, which tells it from others already. git is
    asked only when something is to be done, or when a repository is still to be noted.
    """
    touches = not plan.is_empty or bool(plan.relocations)
    owners: dict[str, Owner] = {}
    refusals: list[str] = []
    for source in _sources(reader, plan) if touches else (plan.source,):
        recorded = reader.owner(source)
        folder = root if source == plan.source else Path(os.path.realpath(project / source))
        if source.startswith("/") or not (touches or _is_to_be_noted(recorded, folder)):
            continue
        seen = _seen(folder, state)
        answer = _answer(reader, source, recorded, seen)
        removes = bool(plan.count("uninstall"))
        if touches and (answer == "other" or (answer == "unsure" and removes)):
            refusals.append(_refusal(reader, plan, source, recorded, seen))
        takes_over = touches and (answer == "other" or not plan.partial)
        if answer == "same" or recorded is None or takes_over:
            owners[source] = _with_history(seen, recorded if answer == "same" else None)
    return Ownership({s: each for s, each in owners.items() if each != reader.owner(s)}, "; ".join(refusals))


def refuse_to_run_for_another(reader: Reader, root: Path | None, *, project: Path, state: Path) -> None:
    """Nothing, or Refused: the source at `root`, or `jobs.d`, is another project's, which is still there.

    A daemon that went on with what is installed would run that project's jobs with this one's folders: its
    roots, its databases, its files with secrets.
    """
    for folder in dict.fromkeys((root or project / DEFAULT_FOLDER, project / DEFAULT_FOLDER)):
        source, here = locate(folder, project).source, Path(os.path.realpath(folder))
        recorded = None if source.startswith("/") else reader.owner(source)
        if recorded is None or recorded.folder == str(here) or not Path(recorded.folder).is_dir():
            continue
        if here.is_dir() and _answer(reader, source, recorded, _seen(here, state)) == "same":
            continue
        raise Refused(
            f"In this database {source} belongs to a project at {recorded.folder}; its jobs would run here "
            f"with the folders of {project}. Start it there (--project), give this project a database of its "
            "own (--db), or, when this one takes its place, say so once with `runner reconcile --adopt`"
        )


def _sources(reader: Reader, plan: Plan) -> list[str]:
    """The plan's own source and, when it is of a part, those of the objects that it changes."""
    found = {plan.source}
    for change in plan.changes if plan.partial else ():
        record = reader.objects.get(change.moved_from or change.address) if change.counts else None
        if record is not None:
            found.add(record.source)
    return sorted(found)


def _is_to_be_noted(recorded: Owner | None, folder: Path) -> bool:
    if recorded is None:
        return True
    return not (recorded.roots or recorded.remote) and is_in_a_repository(folder)


def _seen(root: Path, state: Path) -> _Seen:
    standing = standing_of(root)
    owner = Owner(
        folder=str(root),
        beside=os.path.relpath(root, os.path.realpath(state)),
        prefix=standing.prefix if standing else "",
        remote=remote_of(root) if standing else "",
    )
    return _Seen(root, standing, owner)


def _answer(reader: Reader, source: str, recorded: Owner | None, seen: _Seen) -> Answer:
    if recorded is not None:
        applied = reader.applied(source)
        commits = [*recorded.roots, *([applied.commit] if applied and applied.commit else [])]
        shares: bool | None = None
        if seen.standing is not None and recorded.roots:
            shares = has_any(seen.root, commits) or (None if seen.standing.shallow else False)
        elif seen.standing is not None and commits:
            shares = has_any(seen.root, commits) or None
        gone = not Path(recorded.folder).is_dir()
        answer = decide_owner(recorded, seen.owner, shares=shares, gone=gone)
        if answer == "same":
            return answer
    else:
        answer = "unsure"
    installed = any(record.source == source for record in reader.objects.summaries())
    return answer if installed else "same"  # nobody's objects are at stake


def _with_history(seen: _Seen, recorded: Owner | None) -> Owner:
    """What is recorded: a shallow clone, and a copy without git, keep what was known of the repository."""
    known = recorded if recorded is not None else Owner("", "")
    if seen.standing is None:
        return replace(seen.owner, roots=known.roots, prefix=known.prefix, remote=known.remote)
    roots = known.roots
    if not roots and not seen.standing.shallow:
        roots = first_commits(seen.root)
    return replace(seen.owner, roots=roots, remote=seen.owner.remote or known.remote)


def _refusal(reader: Reader, plan: Plan, source: str, recorded: Owner | None, seen: _Seen) -> str:
    applied = reader.applied(source)
    when = f", applied {applied.at:%Y-%m-%d %H:%M} UTC by {applied.who}" if applied else ""
    whose = f"a project at {recorded.folder}{when}" if recorded else f"a project that was not noted{when}"
    count = sum(change.counts for change in plan.changes)
    removed = plan.count("uninstall")
    would = f"make {count} change{'' if count == 1 else 's'} there" + (
        f", {removed} of them removals" if removed else ""
    )
    shallow = seen.standing is not None and seen.standing.shallow
    hint = "; this clone is shallow: `git fetch --unshallow` may tell that it is the same" if shallow else ""
    return (
        f"in this database {source} belongs to {whose}, and the plan of {seen.root} would {would}. "
        "Give this project a database of its own (--db); or, when it is the same project, or takes its "
        f"place, say so once with `runner reconcile --adopt`{hint}"
    )
