"""What did a program write to `$RUNNER_OUTPUT`, and is a value fit to be an output?

One output per line: `name=text`, or `name:=JSON` for a number, a list or a text of several lines.
"""

from __future__ import annotations

import errno
import json
import math
import os
import stat
from collections.abc import Callable, Mapping
from os import F_OK, X_OK, access
from typing import Any

from runner.execution.actions.failure import ActionFailed
from runner.vocabulary.names import is_field_name

LIMIT = 256 * 1024
"""Bytes of all outputs of one step. Outputs are kept in the database; data belongs into a file or table."""

_OUTPUT, _BAD = "$RUNNER_OUTPUT", "bad-output"

COUNT = 100
"""Outputs of one step."""


def read_outputs(path: str) -> dict[str, Any]:
    """The outputs in that file, the last line of a name winning; empty when there is no such file."""
    if not is_there(path) and access(path.rpartition("/")[0], X_OK):  # else opening it says why
        return {}
    content = content_of(path, _OUTPUT, LIMIT, _BAD)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise _bad(f"line {number} is not UTF-8 text") from None
    found = assignments(text, _OUTPUT, _BAD, is_field_name, "a name of lower-case letters, digits and _")
    if len(found) > COUNT:
        raise _bad(f"names {len(found)} outputs; {COUNT} is the most")
    return found


def is_there(path: str) -> bool:
    """Whether there is something of that name, be it a link that leads nowhere. Most programs leave nothing:
    an exception for each of their files would be a twentieth of a child's whole life."""
    return access(path, F_OK, follow_symlinks=False)


def content_of(path: str, name: str, limit: int, code: str, no_file: str = "") -> bytes:
    """The content of a file that a program wrote, empty when there is none; ActionFailed `code` else.

    The program may have put a link or a fifo there: that is `no_file`, or `code` too.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    except OSError as error:
        why = "is a link" if error.errno == errno.ELOOP else f"cannot be read ({error.strerror})"
        raise ActionFailed(no_file or code, f"{name} {why}; a regular file is written there") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # before it is opened as one: it may be a folder
        os.close(descriptor)
        raise ActionFailed(no_file or code, f"{name} is no regular file any more")
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        what = "write data to a file, and its path as an output"
        raise ActionFailed(code, f"{name} is larger than {limit // 1024} KiB; {what}")
    return content


def assignments(
    text: str, where: str, code: str, is_name: Callable[[str], bool], names: str = "a name"
) -> dict[str, Any]:
    """The values of lines `name=text` and `name:=JSON`, the last line of a name winning."""
    found: dict[str, Any] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            name, value = _assignment(line.removesuffix("\r"), f"{where} line {number}", code, is_name, names)
            found[name] = value
    return found


def _assignment(
    line: str, where: str, code: str, is_name: Callable[[str], bool], names: str
) -> tuple[str, Any]:
    name, equals, text = line.partition("=")
    as_json = name.endswith(":")
    name = name.removesuffix(":").strip()
    if not equals or not is_name(name):
        raise ActionFailed(
            code,
            f"{where} is not name=text or name:=JSON with {names}; "
            'a text of several lines is written as name:="first\\nsecond"',
        )
    if not as_json:
        return name, text
    try:
        return name, json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ActionFailed(code, f"{where}: the value of {name} is not JSON ({str(error)[:100]})") from None


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON number")


def _bad(reason: str) -> ActionFailed:
    return ActionFailed(_BAD, f"{_OUTPUT} {reason}")


def check_outputs(returned: Any, what: str) -> dict[str, Any]:
    """The map of outputs that code returned, as plain JSON values; None is no outputs.

    ActionFailed names the path of the first value that JSON has no form for (`outputs.rows[3].when`).
    """
    if returned is None:
        return {}
    if not isinstance(returned, Mapping):
        raise ActionFailed(
            "bad-output", f"{what} returned {_article(returned)}; return a map of outputs, or nothing"
        )
    if len(returned) > COUNT:
        raise ActionFailed("bad-output", f"{what} returned {len(returned)} outputs; {COUNT} is the most")
    for name in returned:
        if not isinstance(name, str) or not is_field_name(name):
            raise ActionFailed(
                "bad-output",
                f"{what} returned the output {name!r}; a name has lower-case letters, digits and _ only",
            )
    checked = {name: _plain(value, f"outputs.{name}", what, 0) for name, value in returned.items()}
    if len(json.dumps(checked)) > LIMIT:
        raise ActionFailed(
            "bad-output",
            f"{what} returned more than {LIMIT // 1024} KiB of outputs; write data to a file or a table",
        )
    return checked


def _plain(value: Any, path: str, what: str, depth: int) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        raise ActionFailed("bad-output", f"{what}: {path} is {value}, which JSON cannot hold")
    if depth > 50:
        raise ActionFailed("bad-output", f"{what}: {path} is nested too deeply, or holds itself")
    if isinstance(value, Mapping):
        plain = {}
        for key, inner in value.items():
            if not isinstance(key, str):
                raise ActionFailed("bad-output", f"{what}: {path} has the key {key!r}; keys are texts")
            plain[key] = _plain(inner, f"{path}.{key}", what, depth + 1)
        return plain
    if isinstance(value, (list, tuple)):
        return [_plain(inner, f"{path}[{i}]", what, depth + 1) for i, inner in enumerate(value)]
    raise ActionFailed(
        "bad-output",
        f"{what}: {path} is {_article(value)}, which is not JSON; return text, a number, a list or a map",
    )


def _article(value: Any) -> str:
    name = type(value).__name__
    return f"an {name}" if name[0].lower() in "aeiou" else f"a {name}"
