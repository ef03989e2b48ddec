"""How is a declaration laid out? The same content and the same comments, in one way of writing.

Two spaces a level, lists two more, `apiVersion kind metadata spec` in that order, no blanks at the ends of
lines, one empty line at most, one line end at the end. Quotes, flow style, the order of fields and long lines
stay as their author wrote them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from typing import Any

from ruamel.yaml.tokens import ScalarToken

from runner.loading.reader import read_documents
from runner.vocabulary.diagnostic import Diagnostic

_ORDER = ("apiVersion", "kind", "metadata", "spec")
_TOP_KEY = re.compile(r"(?P<key>[A-Za-z][A-Za-z0-9_-]*)\s*:(\s|$)")
_HEADER_COMMENT = re.compile(r"[|>][+-]?[0-9]?[+-]?[ \t]+(#.*)$")


class CannotLayOut(ValueError):
    """The text stays as it is: it is no YAML (then there are `diagnostics`), or something would be lost."""

    def __init__(self, message: str, diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        super().__init__(message)
        self.diagnostics = diagnostics


def laid_out(text: str, file: str) -> str:
    """The text in its one layout; CannotLayOut when it cannot be read, or not without a loss.

    Where a comment stands in a place that the writing parser forgets (inside a list in brackets, in an empty
    document), indentation stays as it is, and only the rest is laid out.
    """
    before = read_documents(text.encode("utf-8", "surrogatepass"), file)
    errors = tuple(each for each in before.diagnostics if each.severity == "error")
    if errors:
        raise CannotLayOut(f"{file} is not valid YAML", errors)
    losses = []
    for once in (_once, _once_without_indenting):
        found = None
        try:
            found = _settled(text, once)
            loss = (
                "its layout does not settle" if found is None else _loss(text, found, before.documents, file)
            )
        except (
            Exception
        ) as problem:  # the writing parser is another one than ours, and gives up on other texts
            said = str(problem).split("\n", 1)[0] or type(problem).__name__
            loss = f"it cannot be written anew ({said})"
        if found is not None and not loss:
            return found
        losses.append(loss)
    raise CannotLayOut(f"{file} stays as it is: {losses[0]}")


def _loss(text: str, found: str, documents: Sequence[Any], file: str) -> str:
    """What the layout would lose; nothing, when it is empty."""
    after = read_documents(found.encode("utf-8", "surrogatepass"), file)
    if [each.content for each in after.documents] != [each.content for each in documents]:
        return "another layout would change its content"
    if sorted(_comments(found)) != sorted(_comments(text)):
        return "another layout would lose a comment"
    return ""


def _settled(text: str, once: Callable[[str], str]) -> str | None:
    """The layout that stays the same when it is laid out again; None when there is none."""
    found = once(text)
    for _ in range(2):
        again = once(found)
        if again == found:
            return found
        found = again
    return None


def _once(text: str) -> str:
    return _tidy(_round_trip(_parts_in_order(text)))


def _once_without_indenting(text: str) -> str:
    return _tidy(_parts_in_order(text))


def _parts_in_order(text: str) -> str:
    return "".join(_in_order(document) for document in _documents(text.replace("\r\n", "\n")))


def _documents(text: str) -> Iterator[str]:
    """The parts between `---` lines, each with the line that begins it."""
    part: list[str] = []
    for line in text.splitlines(keepends=True):
        if line.startswith("---") and part:
            yield "".join(part)
            part = []
        part.append(line if line.endswith("\n") else line + "\n")
    yield "".join(part)


def _in_order(document: str) -> str:
    """The four parts of an object in their order, each with the comment above it."""
    head: list[str] = []
    blocks: list[tuple[str, list[str]]] = []
    waiting: list[str] = []
    for line in document.splitlines(keepends=True):
        key = _TOP_KEY.match(line)
        if key:
            blocks.append((key["key"], [*waiting, line]))
            waiting = []
        elif not blocks:
            (head if line.startswith(("---", "%")) else waiting).append(line)
        elif line.startswith("#") or not line.strip():
            waiting.append(line)
        else:
            blocks[-1][1].extend([*waiting, line])
            waiting = []
    keys = [key for key, _ in blocks]
    ordered = [key for key in _ORDER if key in keys]
    if len(set(keys)) != len(keys) or [key for key in keys if key in _ORDER] == ordered:
        return document
    first = blocks[0][1]
    above = next(position for position, line in enumerate(first) if _TOP_KEY.match(line))
    blank = max((position + 1 for position in range(above) if not first[position].strip()), default=0)
    head += first[:blank]  # what an empty line sets apart is about the file
    del first[:blank]
    rank = {key: position for position, key in enumerate(_ORDER)}
    blocks.sort(key=lambda block: rank.get(block[0], len(_ORDER)))
    return "".join([*head, *(line for _, lines in blocks for line in lines), *waiting])


def _round_trip(text: str) -> str:
    yaml = _writer()
    documents = list(yaml.load_all(text))
    starts_plainly = not text.lstrip().startswith("---")
    out = StringIO()
    yaml.explicit_start = True
    for position, document in enumerate(documents):
        piece = StringIO()
        if document is None:
            continue
        yaml.explicit_start = position > 0 or not starts_plainly
        yaml.dump(document, piece)
        out.write(piece.getvalue())
    return out.getvalue() if out.getvalue().strip() else text


def _writer() -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.representer import RoundTripRepresenter

    class _Representer(RoundTripRepresenter):
        """Null is written out."""

    _Representer.add_representer(
        type(None), lambda made, _: made.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    yaml = YAML(typ="rt", pure=True)
    yaml.Representer = _Representer
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _tidy(text: str) -> str:
    """No blanks at the ends of lines, one empty line at most, one line end at the end; texts stay."""
    within = _lines_within_texts(text)
    lines: list[str] = []
    for number, line in enumerate(text.split("\n")):
        if number in within:
            lines.append(line)
            continue
        stripped = line.rstrip(" \t")
        if stripped or (lines and lines[-1]):
            lines.append(stripped)
    return "\n".join(lines).rstrip("\n") + "\n"


def _lines_within_texts(text: str) -> set[int]:
    """The lines, counted from 0, that are a part of a text of several lines."""
    lines = text.split("\n")
    found: set[int] = set()
    for token in _tokens(text):
        if isinstance(token, ScalarToken) and token.end_mark.line > token.start_mark.line:
            first, end = token.start_mark.line, token.end_mark.line
            keeps_its_end = "+" in text[token.start_mark.index : token.start_mark.index + 3]
            while token.style in ("|", ">") and not keeps_its_end and not lines[end - 1].strip():
                end -= 1
            found.update(range(first, end))
    return found


def _tokens(text: str) -> Iterator[Any]:
    from ruamel.yaml import YAML

    yield from YAML(typ="safe", pure=True).scan(StringIO(text))


def _comments(text: str) -> list[str]:
    """The comments, wherever they stand: what lies between the tokens of the text."""
    text = text.replace("\r\n", "\n")
    found: list[str] = []
    position = 0
    for token in _tokens(text):
        start, end = token.start_mark.index, token.end_mark.index
        found += _in_gap(text[position:start])
        inside = _HEADER_COMMENT.match(text[start : text.find("\n", start)]) if start < end else None
        if inside:
            found.append(inside[1].rstrip())
        position = max(position, end)
    return found + _in_gap(text[position:])


def _in_gap(gap: str) -> list[str]:
    return [line[line.index("#") :].rstrip() for line in gap.split("\n") if "#" in line]
