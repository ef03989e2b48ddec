"""What was applied, by whom, from which commit; and what has an object been?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from runner.declaration.declared import Document
from runner.operations.selection import object_ever
from runner.reconcile.difference import field_differences
from runner.reconcile.plan import FieldChange
from runner.store.applies import ApplyRecord
from runner.store.port import Reader
from runner.store.revisions import RevisionRecord
from runner.vocabulary.errors import RunnerError, UnknownName
from runner.vocabulary.identity import Address
from runner.vocabulary.printable import printable

SHORTEST_COMMIT = 7
A_COMMIT = re.compile(r"(?=.*[0-9])[0-9a-f]{7,64}\Z")
"""With a digit, which nearly every commit has and few names of jobs that look like one."""

_NOTHING = Document({}, {}, {})


@dataclass(frozen=True, slots=True)
class RevisionView:
    """One revision of an object, and what it changed of the one before it."""

    revision: int
    at: datetime
    who: str
    commit: str | None
    dirty: bool
    place: str
    digest: str
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of one object between two serials."""

    action: str
    address: Address
    uid: str
    before: str | None
    after: str | None
    fields: tuple[FieldChange, ...] = field(default=())
    was: Address | None = None


def apply_numbered(reader: Reader, serial: int) -> ApplyRecord:
    """The apply with that serial; UnknownName when it is not recorded."""
    found = reader.applies.get(serial)
    if found is None:
        newest = reader.serial()
        recorded = reader.applies.list(limit=None)
        since = f"; recorded are those from {recorded[-1].serial} to {newest}" if recorded else ""
        raise UnknownName(f"no apply {serial} is recorded{since}")
    return found


def apply_called(reader: Reader, revision: str) -> ApplyRecord:
    """The apply with that serial, or the newest one of that commit (seven digits are enough, `main@4f2c9e1`
    is taken as `status` shows it); UnknownName when there is none.
    """
    commit = revision.rpartition("@")[2].lower()
    if revision.isdecimal() and (len(revision) < SHORTEST_COMMIT or int(revision) <= reader.serial()):
        return apply_numbered(reader, int(revision))
    applies = reader.applies.list(limit=None)
    if A_COMMIT.match(commit):
        for each in applies:
            if (each.commit or "").startswith(commit):
                return each
    recent = [each for each in applies if each.commit][:5]
    known = ", ".join(f"{each.serial} ({str(each.commit)[:7]})" for each in recent)
    raise UnknownName(
        f"no apply is called {printable(revision)[:80]!r}: name a serial of `runner history`, or a commit"
        + (f"; the last are {known}" if known else "; none was of a commit")
    )


def serial_called(reader: Reader, revision: str) -> int:
    """The serial of that apply; 0 is the database before the first one."""
    if revision.isdecimal() and int(revision) <= reader.serial():
        return int(revision)
    return apply_called(reader, revision).serial


def revisions_of(reader: Reader, address: Address, limit: int) -> Sequence[RevisionView]:
    """The revisions of an object that is installed or was, newest first; UnknownName when there is none."""
    record = object_ever(reader, address)
    revisions = reader.revisions.of(record.uid)
    views = []
    for position, each in enumerate(revisions[:limit]):
        before = revisions[position + 1] if position + 1 < len(revisions) else None
        fields = field_differences(_document(before), _document(each)) if before else ()
        place = f"{each.file}:{each.line}"
        views.append(
            RevisionView(
                each.revision, each.created_at, each.who, each.commit, each.dirty, place, each.digest, fields
            )
        )
    return views


def difference_between(reader: Reader, since: int, until: int) -> Sequence[Changed]:
    """What the applies after `since`, up to `until`, have changed together, object by object.

    RunnerError when one of them is not recorded: an answer with a hole would be none.
    """
    newest = reader.serial()
    if not 0 <= since <= until <= newest:
        raise RunnerError(f"{since} and {until} are no serials in order; the newest is {newest}")
    applies = reader.applies.between(since, until)
    missing = sorted(set(range(since + 1, until + 1)) - {each.serial for each in applies})
    if missing:
        raise RunnerError(
            f"apply {missing[0]} is from before applies were recorded, so what changed since {since} is "
            "not known"
        )
    seen: dict[str, list[dict[str, Any]]] = {}
    for apply in applies:
        for change in apply.changes:
            seen.setdefault(str(change["uid"]), []).append(dict(change))
    found = [_changed(reader, uid, changes) for uid, changes in seen.items()]
    return sorted((each for each in found if each is not None), key=lambda each: (each.action, each.address))


def _changed(reader: Reader, uid: str, changes: list[dict[str, Any]]) -> Changed | None:
    first, last = changes[0], changes[-1]
    installed = first["action"] == "install"
    gone = last["action"] == "uninstall"
    if installed and gone:
        return None
    moves = [change for change in changes if change.get("moved_from")]
    address = Address.parse(last["address"])
    was = Address.parse(moves[0]["moved_from"]) if moves else None
    before = None if installed else first["before"]
    after = None if gone else last["after"]
    fields: tuple[FieldChange, ...] = ()
    if before and after and before != after:
        fields = field_differences(_revision(reader, uid, before), _revision(reader, uid, after))
    verbs = {change["action"] for change in changes}
    if installed or gone:
        action = "install" if installed else "uninstall"
    elif was is not None:
        action = "move"
    elif before != after:
        action = "update"
    else:
        switches = [
            c["action"] for c in changes if c["action"] in ("enable", "disable", "adopt", "release", "undo")
        ]
        action = switches[-1] if switches else sorted(verbs)[0]
    return Changed(action, address, uid, before, after, fields, was)


def _revision(reader: Reader, uid: str, digest: str) -> Document:
    return _document(reader.revisions.record(uid, digest))


def _document(revision: RevisionRecord | None) -> Document:
    if revision is None:
        return _NOTHING
    return Document(revision.declared, revision.resolved, revision.files)
