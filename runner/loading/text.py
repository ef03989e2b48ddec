"""Are these bytes UTF-8 text that YAML allows? If not: what are they, and where does it start?"""

from __future__ import annotations

import re

from runner.vocabulary.diagnostic import Diagnostic

# What YAML 1.2 (production c-printable) does not allow. Surrogates cannot occur in decoded UTF-8.
_forbidden = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_forbidden_ascii = re.compile(rb"[^\t\n\r\x20-\x7e]")
_breaks = re.compile("\r\n|[\n\r\x85\u2028\u2029]")

_MARKED = "UTF-8 with a byte-order mark"
_BYTE_ORDER_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
    (b"\xef\xbb\xbf", _MARKED),
)


def problem_of(raw: bytes, file: str) -> Diagnostic | None:
    """The one problem that keeps `raw` from being YAML text, or None."""
    if raw.isascii():
        bad = _forbidden_ascii.search(raw)
        return _forbidden_character(raw.decode(), bad.start(), file) if bad else None
    for mark, encoding in _BYTE_ORDER_MARKS:
        if raw.startswith(mark):
            return _wrong_encoding(file, encoding)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        return _invalid_utf8(raw, error, file)
    found = _forbidden.search(text)
    return _forbidden_character(text, found.start(), file) if found else None


def lines_of(raw: bytes) -> list[str]:
    """The lines of the file, divided where the parser divides them."""
    return _breaks.split(raw.decode(errors="replace"))


def snippet(lines: list[str], line: int) -> str:
    """The source of `line` (from 1) for a diagnostic, shortened; empty when there is none."""
    return lines[line - 1][:200] if 0 < line <= len(lines) else ""


def _wrong_encoding(file: str, encoding: str) -> Diagnostic:
    away = f"for example with `iconv -f {encoding.split(maxsplit=1)[0]} -t UTF-8`"
    if encoding == _MARKED:
        away = "without the mark; `sed -i '1s/^\\xef\\xbb\\xbf//' FILE` takes it away"
    return Diagnostic(
        file,
        1,
        1,
        "error",
        "encoding",
        "Wrong encoding",
        f"the file is {encoding}; expected UTF-8 without a byte-order mark",
        f"save it as plain UTF-8, {away}",
    )


def _invalid_utf8(raw: bytes, error: UnicodeDecodeError, file: str) -> Diagnostic:
    if raw.count(b"\0") > len(raw) // 4:
        return _wrong_encoding(file, "UTF-16 or binary")
    before = raw[: error.start].decode()
    line, column, source = _place(before)
    return Diagnostic(
        file,
        line,
        column,
        "error",
        "encoding",
        "Wrong encoding",
        f"byte 0x{raw[error.start]:02x} at offset {error.start} is not UTF-8",
        "save the file as UTF-8",
        source,
    )


def _forbidden_character(text: str, at: int, file: str) -> Diagnostic:
    code = ord(text[at])
    line, column, source = _place(text[:at])
    if code == 0 and text.count("\0") > len(text) // 4:
        return _wrong_encoding(file, "UTF-16 or binary")
    return Diagnostic(
        file,
        line,
        column,
        "error",
        "control-character",
        "Character that YAML does not allow",
        f"U+{code:04X} at offset {at}; "
        + ("the file looks binary" if code == 0 else "control characters are written as escapes"),
        "" if code == 0 else f'write it as "\\x{code:02x}" in double quotes' if code < 256 else "remove it",
        source,
    )


def _place(before: str) -> tuple[int, int, str]:
    from runner.loading.quoted_line import quoted_line

    lines = _breaks.split(before)
    return len(lines), len(lines[-1]) + 1, quoted_line(lines, len(lines))
