"""Which line of a file may a message quote, and what of it is a secret?

A value is one by its names: those above its line, each with less indentation than the one below it, and those
on the line itself. It is one, too, behind an option like `--token`. Read as text, because the file may be no
YAML at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from runner.loading import text
from runner.reconcile.masking import MASK, REFERENCE_KEYS, is_secret

FAR = 1_000
"""Lines above that are looked at for names."""

HEADERS = "headers"
"""Some names are those of secrets only in it."""

LONGEST = 300
"""Characters of a line that are looked at."""

_LEAD = re.compile(r"\s*(?:[-?:](?:\s+|$))*")
_NAME = re.compile(r"""["']?([\w.-]+)["']?\s*:(?:\s+|$)""")
_OPTION = re.compile(r"""--([\w-]+)["']?\s*,?\s*(?:#.*)?$""")
_BLOCK = re.compile(r"[|>][-+0-9]*\s*(?:#.*)?$")
_END = re.compile(r"""\s*[,}\]]|\s+#|\s*$""")
_GOES_ON = re.compile(r"(?:[:{\[]|[|>][-+0-9]*)\s*(?:#.*)?$")
_ENDS = {"{": "}", "[": "]"}
_NAMES = REFERENCE_KEYS | {"value", "default"}
"""What declarations have under the name of a secret."""


def quoted_line(lines: list[str], line: int) -> str:
    """The source of `line` (from 1), shortened, without the values that are secrets."""
    source = text.snippet(lines, line)
    lead, content = _split(source)
    if not content or content.startswith("#"):
        return source
    above = [each for each in lines[max(0, line - 1 - FAR) : line - 1] if _says_something(each)]
    option = _OPTION.search(above[-1][-LONGEST:]) if above else None
    names = _names_above(above, source)
    if option is not None and is_secret((option.group(1),)):
        return lead + MASK
    in_braces = _names_in_braces(above, source)
    if any(is_secret((HEADERS, name)) for name in in_braces):
        return lead + MASK
    own = _NAME.match(content)
    # What looks like a name may be none: the text of a secret goes on over several lines.
    has_no_name = own is None or own.group(1) not in _NAMES or ": " in content[own.end() - 1 :]
    if has_no_name and names and is_secret(names):
        return lead + MASK
    return lead + _without_secrets(content, (*names, HEADERS) if HEADERS in in_braces else names)


def _split(line: str) -> tuple[str, str]:
    lead = _LEAD.match(line[:LONGEST])
    assert lead is not None
    return line[: lead.end()], line[lead.end() :]


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _names_above(above: Sequence[str], line: str) -> tuple[str, ...]:
    """The names of the fields that the line stands in, outermost first."""
    names: list[str] = []
    column, is_item = _begins(line)
    for each in reversed(above):
        if not column and not is_item:
            break
        begins, has_dash = _begins(each)
        if begins > column or (begins == column and (has_dash or not is_item)):
            continue  # inside of what stands beside it, or beside it
        lead, content = _split(each[:LONGEST])
        name = _NAME.match(f"{content}:" if lead.lstrip().startswith("?") else content)
        is_above = len(lead.expandtabs()) < column + is_item  # the items of a list may stand just below
        if name is not None and (is_above or (is_item and not has_dash)):
            if name.group(1) in REFERENCE_KEYS and not _GOES_ON.search(each[-LONGEST:]):
                continue  # in braces that are closed by now
            names.append(name.group(1))
        column, is_item = begins, has_dash
    return tuple(reversed(names))


def _names_in_braces(above: Sequence[str], line: str) -> set[str]:
    """The names on the lines above that have opened braces which go on in it.

    What goes on in braces stands further right than the line with the first of them, or just below it.
    """
    (column, is_item), content = _begins(line), _split(line)[1]
    may_be_below = not is_item and _NAME.match(content) is None
    leftmost, opened = column, 0
    found: set[str] = set()
    perhaps: set[str] = set()
    for each in reversed(above):
        begins = _begins(each)[0]
        opened += _opens(each)
        if opened > 0:
            opened = 0
            perhaps.update(_NAME.findall(each[:LONGEST]))
            if begins < leftmost or (may_be_below and begins == leftmost == column):
                found |= perhaps
        leftmost = min(leftmost, begins)
        if not leftmost:
            break
    return found


def _opens(line: str) -> int:
    """How many more brackets it opens than it closes."""
    part = line[:LONGEST]
    return sum(map(part.count, "[{")) - sum(map(part.count, "]}"))


def _begins(line: str) -> tuple[int, bool]:
    """The column of its first character, and whether that is the mark of an item, or of a `? key`'s value."""
    wide = line[:LONGEST].expandtabs()
    content = wide.lstrip()
    return len(wide) - len(content), content.startswith(("- ", ": ")) or content.strip() in ("-", ":")


def _without_secrets(content: str, names: tuple[str, ...]) -> str:
    """The line with each value masked that is a secret by the names before it."""
    first = _NAME.match(content)
    own = () if first is None else (first.group(1),)
    at = 0
    while (name := _NAME.search(content, at)) is not None:
        at = name.end()
        inside = (*names, *(own if name.start() else ()), name.group(1))
        end = _end_of_value(content, at)
        value = content[at:end]
        has_secret = is_secret(inside) or (HEADERS in content[:at] and is_secret((HEADERS, inside[-1])))
        if not value or not has_secret or _BLOCK.match(value) or _is_reference(value):
            continue
        content = f"{content[:at]}{MASK}{content[end:]}"
        at += len(MASK)
    return content


def _end_of_value(content: str, at: int) -> int:
    """Where it ends: a bracket where it is closed, in braces at the next comma, else with the line."""
    closes = _ENDS.get(content[at : at + 1])
    if closes is not None:
        end = content.rfind(closes, at)
        return end + 1 if end > 0 and _opens(content[at:]) <= 0 else len(content)
    if content[:at].count("{") <= content[:at].count("}"):
        return len(content.rstrip())
    quote = content[at] if content[at : at + 1] in ("'", '"') else ""
    end = content.find(quote, at + 1) + 1 if quote else 0
    ends = _END.search(content, max(end, at))
    return len(content) if ends is None else ends.start()


def _is_reference(value: str) -> bool:
    """Whether it says where the secret is, and nothing else."""
    names = _NAME.findall(value)
    return value.startswith("{") and bool(names) and all(name in REFERENCE_KEYS for name in names)
