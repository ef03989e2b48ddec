"""What did the author probably mean where the YAML parser gave up?"""

from __future__ import annotations

import re

_KEY = re.compile(r"\s*(?:- +)?(if|[A-Za-z_]+):\s+(\S.*)")


def hint_for(problem: str, source: str) -> str:
    """A hint for the parser's `problem` on the line `source`; empty when there is nothing to add."""
    match = _KEY.match(source)
    key = match[1] if match else ""
    if "\t" in source[: len(source) - len(source.lstrip())] or "'\\t'" in problem:
        return "indent with spaces; YAML does not allow tabs there"
    if "found unexpected ':'" in problem:
        return "put the value in quotes when it contains ':', such as a time: \"22:00\""
    if "mapping values are not allowed" in problem:
        if source.count(": ") > 1:
            return f"put the value of '{key or 'this key'}' in quotes: it contains ': '"
        return "check the indentation of this line and of the line before"
    if key == "if":
        return "put the whole expression in quotes: YAML reads some of its characters itself"
    if "found character that cannot start any token" in problem:
        return "put the value in quotes: '@', '`' and '%' have a meaning of their own in YAML"
    if "quoted scalar" in problem:
        return "a quote is opened and never closed"
    if "did not find expected <block end>" in problem or "expected <block end>" in problem:
        return "a key does not line up with its neighbours, or text goes on after a closing quote"
    if "flow" in problem:
        return "a '[' or '{' is not closed, or a comma is missing"
    if "undefined alias" in problem or "did not find expected alphabetic" in problem:
        return "put the value in quotes if it begins with '*' or '&'"
    if "tag" in problem:
        return "put the value in quotes if it begins with '!'"
    return ""
