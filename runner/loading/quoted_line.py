"""Which line of a file may a message quote, and what of it is a secret?

What is named like a secret on the line itself is masked where the line is shown; the name of an item of a
list stands above it.
"""

from __future__ import annotations

import re

from runner.loading import text
from runner.reconcile.masking import MASK, is_secret

FAR = 1_000
"""Lines above an item that are looked at for its name."""

_ITEM = re.compile(r"(\s*(?:-\s+)+)(.*\S)")
_NAME = re.compile(r"""\s*(?:-\s+)*["']?([\w.-]+)["']?\s*:(?:\s|$)""")
_OPTION = re.compile(r"""\s*-\s+["']?--([\w-]+)["']?\s*$""")


def quoted_line(lines: list[str], line: int) -> str:
    """The source of `line` (from 1), shortened, without an item that is a secret by the name above it or by
    the option before it.
    """
    source = text.snippet(lines, line)
    item = _ITEM.match(source)
    if item is None or not _is_secret_item(lines[max(0, line - 1 - FAR) : line - 1], source):
        return source
    return item.group(1) + MASK


def _is_secret_item(above: list[str], source: str) -> bool:
    indent = _indent(source)
    option = _OPTION.match(above[-1]) if above else None
    if option is not None and is_secret((option.group(1),)):
        return True
    for each in reversed(above):
        if not each.strip() or each.lstrip().startswith("#") or _indent(each) > indent:
            continue
        named = _NAME.match(each)
        is_its_list = _indent(each) < indent or not each.lstrip().startswith("-")
        if is_its_list:
            return named is not None and is_secret((named.group(1),))
    return False


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
