"""What did a folder look like at a commit? Its files are written elsewhere, and nothing in it is executed.

Contents come from `git cat-file`, never from a checkout: no filter, no hook, no attribute of the repository
is obeyed, so that the commit of a stranger can be looked at.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from runner.git.repository import ask_git, bytes_from_git
from runner.vocabulary.errors import RunnerError

LARGEST = 512 * 2**20
"""Bytes of all files together: declarations, and the code and data that they name."""

_FILES = ("100644", "100755", "100664")
_LINK = "120000"


class Standpoint(NamedTuple):
    """A commit, and where a folder stands in its repository: empty for the top, else ending with a slash."""

    sha: str
    prefix: str


class _Entry(NamedTuple):
    mode: str
    name: str
    path: str
    size: int


def standpoint_of(folder: Path, ref: str) -> Standpoint:
    """The commit that `ref` names in the repository of `folder`; RunnerError when there is none."""
    start = folder
    while not start.is_dir() and start != start.parent:
        start = start.parent
    prefix = ask_git(start, "rev-parse", "--show-prefix")
    if prefix is None:
        raise RunnerError(f"{folder} is in no git repository, so nothing can be compared with {ref!r}")
    sha = ask_git(start, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if sha is None:
        raise RunnerError(
            f"{ref!r} names no commit in the repository of {folder}; a CI often fetches only one: "
            f"`git fetch origin {ref}` brings it"
        )
    below = folder.relative_to(start).as_posix() if folder != start else ""
    return Standpoint(sha.strip(), prefix.strip() + (f"{below}/" if below not in ("", ".") else ""))


def write_files_at(folder: Path, at: Standpoint, to: Path) -> int:
    """Write what stood in the folder at that commit into `to`; how many files.

    RunnerError when the repository does not give them, or when they are too large.
    """
    entries = _entries(folder, at)
    if sum(entry.size for entry in entries) > LARGEST:
        raise RunnerError(f"the files at {at.sha[:7]} are larger than {LARGEST >> 20} MiB together")
    asked = "".join(f"{entry.name}\n" for entry in entries).encode()
    answer = bytes_from_git(_inside(folder), "cat-file", "--batch", feed=asked) if entries else b""
    if answer is None:
        raise RunnerError(f"git does not give the files of {at.sha[:7]}; a partial clone may lack them")
    position = 0
    for entry in entries:
        end = answer.find(b"\n", position)
        header = answer[position:end].split()
        if end < 0 or len(header) != 3 or header[1] != b"blob":
            raise RunnerError(f"git does not give {entry.path} of {at.sha[:7]}; a partial clone may lack it")
        size = int(header[2])
        _write(to / entry.path, answer[end + 1 : end + 1 + size], link=entry.mode == _LINK)
        position = end + 1 + size + 1
    return len(entries)


def _entries(folder: Path, at: Standpoint) -> list[_Entry]:
    listed = bytes_from_git(
        _inside(folder), "ls-tree", "-r", "-l", "-z", "--full-tree", at.sha, "--", at.prefix or "."
    )
    if listed is None:
        raise RunnerError(f"git does not list the files of {at.sha[:7]}")
    found = []
    for line in listed.split(b"\0"):
        if not line:
            continue
        about, _, raw = line.partition(b"\t")
        mode, kind, name, size = about.decode("ascii").split()
        path = os.fsdecode(raw).removeprefix(at.prefix)
        if kind == "blob" and mode in (*_FILES, _LINK) and _is_plain(path):
            found.append(_Entry(mode, name, path, int(size)))
    return found


def _is_plain(path: str) -> bool:
    """Whether the path stays below the folder that it is written into."""
    return not any(part in ("", ".", "..") or part.lower() == ".git" for part in path.split("/"))


def _inside(folder: Path) -> Path:
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder


def _write(path: Path, content: bytes, *, link: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if any(above.is_symlink() for above in (path.parent, *path.parent.parents)):
        raise RunnerError(f"{path.name} stands below a symbolic link, which no git tree has")
    if link:
        path.symlink_to(os.fsdecode(content))
    else:
        path.write_bytes(content)
