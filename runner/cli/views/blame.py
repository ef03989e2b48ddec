"""Who has set a field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runner.cli.views.plan_text import shown
from runner.cli.views.values import show_fields, show_json, show_table
from runner.vocabulary.instants import to_text

if TYPE_CHECKING:
    from runner.operations.blame import Blamed

_NOT_COMMITTED = "(not committed)"


def show_blamed(blamed: Sequence[Blamed], output: str, *, one: bool) -> None:
    """A table of fields, or all that is known of one."""
    if output == "json":
        show_json([_as_json(each) for each in blamed])
    elif one:
        _show_one(blamed[0])
    else:
        rows = [
            (
                each.field.removeprefix("spec."),
                shown(each.value),
                each.set_by,
                str(each.place or ""),
                _commit(each),
                each.author.name if each.author else "",
            )
            for each in blamed
        ]
        show_table(("FIELD", "VALUE", "SET BY", "PLACE", "COMMIT", "AUTHOR"), rows)


def _show_one(each: Blamed) -> None:
    author = each.author
    written = ""
    if author is not None and author.sha:
        when = f"{author.at:%Y-%m-%d %H:%M}Z " if author.at else ""
        written = f"{author.sha[:12]} {when}{author.name} <{author.mail}>: {author.summary}"
    elif author is not None:
        written = _NOT_COMMITTED
    installed = ""
    if each.installed is not None:
        by = each.installed
        of = f", from commit {by.commit[:7]}" if by.commit else ""
        installed = f"revision {by.revision}, {by.at:%Y-%m-%d %H:%M}Z by {by.who}{of}"
    show_fields(
        {
            "field": each.field,
            "value": shown(each.value),
            "set by": each.set_by
            + (f", {each.said_as}" if each.said_as and each.said_as != each.field else ""),
            "at": str(each.place or ""),
            "commit": written,
            "installed": installed,
        }
    )


def _commit(each: Blamed) -> str:
    if each.author is None:
        return ""
    return each.author.sha[:7] or _NOT_COMMITTED


def _as_json(each: Blamed) -> dict[str, Any]:
    author, installed = each.author, each.installed
    return {
        "field": each.field,
        "value": each.value,
        "set_by": each.set_by,
        "said_as": each.said_as,
        "file": each.place.file if each.place else None,
        "line": each.place.line if each.place else None,
        "commit": author.sha if author and author.sha else None,
        "author": author.name if author and author.sha else None,
        "mail": author.mail if author and author.sha else None,
        "committed_at": to_text(author.at) if author and author.at else None,
        "summary": author.summary if author and author.sha else None,
        "installed": None
        if installed is None
        else {
            "revision": installed.revision,
            "at": to_text(installed.at),
            "who": installed.who,
            "commit": installed.commit,
        },
    }
