"""Is git in the middle of something, so that the tree is between two states?"""

from __future__ import annotations

from pathlib import Path

MARKS = {
    "rebase-merge": "a rebase is in progress",
    "rebase-apply": "a rebase is in progress",
    "MERGE_HEAD": "a merge is in progress",
    "CHERRY_PICK_HEAD": "a cherry-pick is in progress",
    "BISECT_LOG": "a bisect is in progress",
    "index.lock": "git is writing the work tree",
}
"""File in the git directory → what it says."""


def git_at_work(directory: Path | None) -> Path | None:
    """The file that says so, or None."""
    if directory is None:
        return None
    return next((directory / name for name in MARKS if (directory / name).exists()), None)


def git_directory(root: Path) -> Path | None:
    """Where git keeps the state of the work tree that `root` lies in; None outside of one."""
    for folder in (root, *root.parents):
        candidate = folder / ".git"
        if candidate.is_dir():
            return candidate
        if candidate.is_file():  # a linked work tree, or a submodule
            try:
                return (folder / candidate.read_text().removeprefix("gitdir:").strip()).resolve()
            except (OSError, UnicodeDecodeError):
                return None
    return None
