"""Declarations in every way of writing them: does a line that a message quotes ever show a secret?

    python tests/chaos/fuzz_quoted_lines.py [libFuzzer options] [CORPUS]

Needs `atheris`, which is no dependency of the project. An input is taken for the choices of an author: names,
nesting, and how each value is written (blocks, braces, quotes, texts over several lines, comments, tags).
What stands under the name of a secret is `hunter`. It is a finding when any line, as it would be quoted, or
any problem of the loader has that word; when a line is masked in a document without a secret; and when a line
of whatever bytes raises or takes a second. For ten minutes: `-max_total_time=600 -rss_limit_mb=600
-max_len=400`.
"""

from __future__ import annotations

import sys
import time

import atheris

with atheris.instrument_imports(include=["runner.loading", "runner.reconcile.masking"]):
    from runner.loading import text
    from runner.loading.quoted_line import quoted_line
    from runner.loading.tree import load_stream
    from runner.reconcile.masking import is_secret

from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST_S = 1.0
SECRET, PLAIN = "hunter", "plain"
NAMES = (
    "password", "apiToken", "PGPASSWORD", "secrets", "client-secret", "auth", "env", "steps", "name", "spec",
    "inputs", "from", "file", "x", "headers", "Authorization", "argv", "accessKey", "key",
)  # fmt: skip
TEXTS = ("", " and: more", ": x", " #no", " - a", " 'q' ", ' "', " {b", ", c", "] ", " \\ ", ":", " | ", "\t")
HEAD = "apiVersion: jobs.runner/v1\nkind: Job\nmetadata: {name: a}\nspec:\n  env:\n"


class Author:
    """Writes a document, one choice after the other."""

    def __init__(self, raw: bytes) -> None:
        self._choices = atheris.FuzzedDataProvider(raw)
        self.has_secret = False
        self._left = 60
        self._pad = ""  # where the value goes on that is being written

    def among(self, count: int) -> int:
        return self._choices.ConsumeIntInRange(0, count - 1) if count > 1 else 0

    def document(self) -> str:
        """Lines of block YAML, below `env:`."""
        return "\n".join(self._fields((), 4, depth=0)) + "\n"

    def _word(self, path: tuple[str, ...]) -> str:
        """What stands there: a secret when its names say so."""
        if any(is_secret(("headers", name)) for name in path):
            self.has_secret = True  # what stands below such a name may be masked, and need not
        if is_secret(path):
            return SECRET + str(self.among(3))
        return PLAIN + str(self.among(3))

    def _fields(self, path: tuple[str, ...], indent: int, depth: int) -> list[str]:
        lines: list[str] = []
        for _ in range(1 + self.among(3)):
            name = NAMES[self.among(len(NAMES))]
            lines += self._noise(indent)
            quote = ("", "'", '"')[self.among(3)]
            lines += self._value(" " * indent + f"{quote}{name}{quote}:", (*path, name), indent, depth + 1)
        return lines

    def _items(self, path: tuple[str, ...], indent: int, depth: int) -> list[str]:
        lines: list[str] = []
        for _ in range(1 + self.among(3)):
            lines += self._noise(indent)
            if not self.among(6):
                lines.append(" " * indent + "- --token")
                self.has_secret = True
                lines.append(" " * indent + f"- {SECRET}")
            elif not self.among(4) and depth < 5:
                fields = self._fields(path, indent + 2, depth + 1)
                lines.append(" " * indent + "- " + fields[0].strip())
                lines += fields[1:]
            else:
                lines += self._value(" " * indent + "-", path, indent, depth + 1)
        return lines

    def _value(self, lead: str, path: tuple[str, ...], indent: int, depth: int) -> list[str]:
        self._left -= 1
        kind = self.among(10) if depth < 5 and self._left > 0 else self.among(5)
        more = 1 + self.among(4)
        pad = self._pad = " " * (indent + more)
        word = self._word(path) if kind < 7 else ""
        tail = TEXTS[self.among(len(TEXTS))] if kind in (1, 2, 3, 4) else ""
        if kind == 0:
            return [f"{lead} {word}{self._comment()}"]
        if kind == 1:
            return [f"{lead} '{word}{tail.replace(chr(39), '')}'{self._comment()}"]
        if kind == 2:
            clean = tail.replace('"', "").replace("\\", "")
            return [f'{lead} "{word}{clean}"{self._comment()}']
        if kind == 3:
            return [
                f"{lead} {'|>'[self.among(2)]}{('', '-', '+')[self.among(3)]}",
                f"{pad}{word}{tail}",
                f"{pad}{word}",
            ]
        if kind == 4:
            return [f'{lead} "a', f'{pad}{word}{tail.replace(chr(34), "").replace(chr(92), "")}"']
        if kind == 5:
            return [lead, *self._noise(indent), f"{pad}{word}"]
        if kind == 6:
            return [f"{lead} {('!!str', '&a', '!!str &b')[self.among(3)]} {word}"]
        if kind == 7:
            return [f"{lead} {self._flow(path, depth)}{self._comment()}"]
        if kind == 8:
            less = 0 if not lead.rstrip().endswith("-") and self.among(2) else more
            return [lead, *self._items(path, indent + less, depth)]
        return (
            [lead, *self._fields(path, indent + more, depth)]
            if not lead.rstrip().endswith("-")
            else [f"{lead} {self._flow(path, depth)}"]
        )

    def _flow(self, path: tuple[str, ...], depth: int) -> str:
        """Braces and brackets, on one line or on several."""
        self._left -= 1
        if depth >= 5 or self._left <= 0:
            return self._word(path)
        parts = []
        between = (", ", ",\n" + self._pad)[self.among(2)]
        is_map = self.among(2)
        for _ in range(1 + self.among(3)):
            name = NAMES[self.among(len(NAMES))]
            inner = (*path, name) if is_map else path
            value = self._flow(inner, depth + 1) if not self.among(3) else self._scalar(inner)
            parts.append(f"{name}: {value}" if is_map else value)
        return ("{%s}" if is_map else "[%s]") % between.join(parts)

    def _scalar(self, path: tuple[str, ...]) -> str:
        word = self._word(path)
        return (word, f"'{word}, x'", f'"{word}: x"')[self.among(3)]

    def _comment(self) -> str:
        return ("", "", "  # a comment")[self.among(3)]

    def _noise(self, indent: int) -> list[str]:
        kind = self.among(8)
        return [[""], [" " * indent + "# word: x"], ["# at the margin"]][kind] if kind < 3 else []


def one_input(raw: bytes) -> None:
    """Quote every line of it, and every problem of the loader."""
    began = time.process_time()
    lines = text.lines_of(raw)
    for number in range(1, len(lines) + 1):
        quoted_line(lines, number)
    author = Author(raw)
    written = HEAD + author.document()
    lines = text.lines_of(written.encode())
    for number, line in enumerate(lines, 1):
        quoted = quoted_line(lines, number)
        if SECRET in quoted:
            raise RuntimeError(f"line {number} shows it: {quoted!r} of\n{written}")
        if not author.has_secret and quoted != line[: len(quoted)]:
            raise RuntimeError(f"line {number} is masked: {quoted!r} of\n{written}")
    broken = written.encode() + b"\n: : :\n  \x07"
    for document in (written.encode(), broken):
        for each in load_stream(document, base=ROOT, project=ROOT).diagnostics:
            if SECRET in f"{each.source}{each.detail}{each.hint}{each.summary}":
                raise RuntimeError(f"{each} of\n{written}")
    if time.process_time() - began > MOST_S:
        raise RuntimeError(f"it took {time.process_time() - began:.1f} s")


def main() -> None:
    """libFuzzer's loop."""
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
