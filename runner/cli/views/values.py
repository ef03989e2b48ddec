"""Values on stdout: JSON and YAML with fixed keys, and aligned text that no value can disturb."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from runner.cli.meta import note_document
from runner.vocabulary.instants import to_text, to_the_second
from runner.vocabulary.printable import printable, printable_json

_SLOT = re.compile(r"(?P<local>\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?)(Z|\[(?P<zone>[^\[\]]+)\])")


def show_json(value: Any) -> None:
    """Readable JSON; what could move the cursor is escaped, everything else stays as it is."""
    note_document()
    print(printable_json(json.dumps(value, indent=2, ensure_ascii=False, default=_plain)))


def show_yaml(value: Any) -> None:
    """The same as YAML."""
    from ruamel.yaml import YAML

    note_document()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.allow_unicode = False  # escapes what could move the cursor, too
    yaml.width = 4096
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # keep the order of the JSON
    yaml.dump(json.loads(json.dumps(value, default=_plain)), sys.stdout)


def show_data(output: str, value: Callable[[], Any], names: Iterable[str] = ()) -> bool:
    """Whether it was shown: as JSON, as YAML, or as one name a line. Text is left to the caller.

    `value` is asked for only where it is shown.
    """
    if output == "json":
        show_json(value())
    elif output == "yaml":
        show_yaml(value())
    elif output == "name":
        for name in names:
            show_line(name)
    return output in ("json", "yaml", "name")


def show_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as their longest cell; the last one ends where its text ends."""
    cells = [[printable(cell).replace("\t", " ") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    for row in [list(headings), *cells]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def show_fields(fields: Mapping[str, str]) -> None:
    """`name   value` lines; empty values are left out."""
    width = max(map(len, fields), default=0)
    for name, value in fields.items():
        if value:
            print(f"{name:<{width}}  {printable(value)}")


def show_line(text: str) -> None:
    """One line."""
    print(printable(text))


def warn(text: str) -> None:
    """One line on stderr."""
    print(printable(text), file=sys.stderr)


def instant(moment: datetime | None) -> str | None:
    """For JSON."""
    return None if moment is None else to_text(moment)


def short(moment: datetime | None) -> str:
    """For people: UTC to the second, `-` for None."""
    return "-" if moment is None else to_the_second(moment)


def local_time(text: str) -> str:
    """A time in its own zone as people read it beside `short`: no `T` between day and hour."""
    return text.replace("T", " ", 1)


def slot_text(key: str) -> str:
    """A slot for people: `2026-11-21 02:00 Europe/Zurich`, an instant as `short` does, others as they are."""
    found = _SLOT.fullmatch(key)
    if found is None:
        return key
    if found["zone"] is None:
        return short(datetime.fromisoformat(key))
    return f"{local_time(found['local'])} {found['zone']}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime):
        return to_text(value)
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    return str(value)
