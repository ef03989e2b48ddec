"""What was applied, what an object has been, and what differs between two serials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from runner.cli.views.plan_text import MARKS, shown
from runner.cli.views.values import show_fields, show_json, show_line, show_table
from runner.vocabulary.instants import to_text

if TYPE_CHECKING:
    from runner.operations.history import Changed, RevisionView
    from runner.reconcile.plan import FieldChange
    from runner.store.applies import ApplyRecord


def show_applies(applies: Sequence[ApplyRecord], output: str) -> None:
    """One line for each, newest first; as JSON everything that is recorded."""
    if output == "json":
        show_json([_apply_json(each) for each in applies])
    elif not applies:
        show_line("Nothing was applied yet.")
    else:
        rows = [
            (
                str(a.serial),
                _time(a.at),
                a.who,
                a.verb,
                a.source,
                _commit(a.commit, a.dirty),
                _counted(a.changes),
            )
            for a in applies
        ]
        show_table(("SERIAL", "AT", "WHO", "BY", "SOURCE", "COMMIT", "CHANGES"), rows)


def show_apply(apply: ApplyRecord, output: str) -> None:
    """One apply with every change."""
    if output == "json":
        show_json(_apply_json(apply))
        return
    allowed = ", ".join(
        f"{key} {value}" if value is not True else key for key, value in apply.allowed.items()
    )
    show_fields(
        {
            "serial": str(apply.serial),
            "at": _time(apply.at),
            "who": apply.who,
            "by": apply.verb,
            "approval": apply.approval,
            "allowed": allowed,
            "source": apply.source,
            "commit": _commit(apply.commit, apply.dirty) + (f" ({apply.branch})" if apply.branch else ""),
            "plan": apply.plan_digest,
            "hash": apply.hash,
        }
    )
    print()
    for change in apply.changes:
        where = f"  {change['place']}" if change.get("place") else f"  {change['reason']}"
        show_line(f"  {MARKS.get(change['action'], '*')} {change['action']:<10} {change['address']}{where}")
        for each in change.get("fields", ()):
            show_line(f"      {each['path']}  {shown(each['before'])} -> {shown(each['now'])}")
    for left in apply.left:
        show_line(f"  i left out   {left['address']}: {left.get('action')}, {left.get('why')}")


def show_revisions(revisions: Sequence[RevisionView], output: str) -> None:
    """The revisions of one object, newest first."""
    if output == "json":
        show_json(
            [
                {
                    "revision": each.revision,
                    "at": to_text(each.at),
                    "who": each.who,
                    "commit": each.commit,
                    "dirty": each.dirty,
                    "place": each.place,
                    "digest": each.digest,
                    "fields": [field.as_json() for field in each.fields],
                }
                for each in revisions
            ]
        )
        return
    for each in revisions:
        commit = _commit(each.commit, each.dirty)
        show_line(f"revision {each.revision}  {_time(each.at)}  {each.who}  {commit}  {each.place}".rstrip())
        _show_fields_of(each.fields)


def show_difference(changed: Sequence[Changed], since: int, until: int, output: str) -> None:
    """What differs between two serials, object by object."""
    if output == "json":
        show_json(
            [
                {
                    "action": each.action,
                    "address": str(each.address),
                    "uid": each.uid,
                    "before": each.before,
                    "after": each.after,
                    "moved_from": str(each.was) if each.was else None,
                    "fields": [field.as_json() for field in each.fields],
                }
                for each in changed
            ]
        )
        return
    show_line(f"From serial {since} to {until}")
    if not changed:
        show_line("No changes.")
    for each in changed:
        was = f"  from {each.was}" if each.was else ""
        show_line(f"  {MARKS.get(each.action, '*')} {each.action:<10} {each.address}{was}")
        _show_fields_of(each.fields)


def show_chain(broken: Sequence[int], count: int, output: str) -> None:
    """Whether every apply is as it was written."""
    if output == "json":
        show_json({"applies": count, "broken": list(broken)})
    elif broken:
        listed = ", ".join(map(str, broken[:10]))
        show_line(f"Not as they were written, or without the one before them: {listed}.")
    else:
        show_line(f"All {count} applies are as they were written.")


def _show_fields_of(fields: Iterable[FieldChange]) -> None:
    for each in fields:
        show_line(f"      {each.path}  {shown(each.declared_before)} -> {shown(each.declared_now)}")


def _apply_json(apply: ApplyRecord) -> dict[str, Any]:
    return {
        "serial": apply.serial,
        "at": to_text(apply.at),
        "who": apply.who,
        "verb": apply.verb,
        "approval": apply.approval,
        "allowed": dict(apply.allowed),
        "source": apply.source,
        "commit": apply.commit,
        "branch": apply.branch,
        "dirty": apply.dirty,
        "plan_digest": apply.plan_digest,
        "changes": [dict(each) for each in apply.changes],
        "left": [dict(each) for each in apply.left],
        "previous": apply.previous,
        "hash": apply.hash,
    }


def _counted(changes: Sequence[Mapping[str, Any]]) -> str:
    counts = Counter(str(each["action"]) for each in changes)
    return ", ".join(f"{count} {action}" for action, count in counts.items())


def _commit(commit: str | None, dirty: bool) -> str:
    return f"{commit[:7]}{'+' if dirty else ''}" if commit else "-"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z"
