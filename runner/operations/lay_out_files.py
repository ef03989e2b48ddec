"""Bring declarations into their one layout, or say which are not in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.loading.layout import CannotLayOut, laid_out
from runner.loading.walk import is_declaration, scan_folder
from runner.loading.write_whole import write_whole
from runner.vocabulary.diagnostic import Diagnostic
from runner.vocabulary.errors import RunnerError


@dataclass(frozen=True, slots=True)
class LaidOut:
    """One file: as it was, and as it is laid out; or why it stays as it is."""

    file: Path
    before: str
    after: str
    problem: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def differs(self) -> bool:
        return self.before != self.after


def look_at(paths: Sequence[Path]) -> Iterator[LaidOut]:
    """The declarations at these paths, sorted; RunnerError for a path that is not there."""
    for file in sorted({file for path in paths for file in _files(path)}):
        try:
            before = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8"
            yield LaidOut(file, "", "", f"{file} cannot be read: {reason}")
            continue
        yield look_at_text(before, file)


def look_at_text(before: str, file: Path) -> LaidOut:
    """One text, as if it stood in that file."""
    try:
        return LaidOut(file, before, laid_out(before, str(file)))
    except CannotLayOut as problem:
        return LaidOut(file, before, before, str(problem), problem.diagnostics)


def write(found: LaidOut) -> None:
    """Put the layout in the place of the file, all of it or nothing; its mode stays."""
    mode = found.file.stat().st_mode & 0o7777
    write_whole(found.file, found.after.encode("utf-8"), mode=mode)


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        scan = scan_folder(str(path))
        yield from (path / name for name in scan.paths if not (path / name).is_symlink())
    elif not path.exists():
        raise RunnerError(f"there is no {path}")
    elif is_declaration(path.name) or path.is_file():
        yield path
