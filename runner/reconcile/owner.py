"""Does a source belong to the project that plans it, or to another one that calls its folder the same?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Answer = Literal["same", "unsure", "other"]


@dataclass(frozen=True, slots=True)
class Owner:
    """What tells a project from others, as far as it can be seen from the folder of its source.

    `beside` is the folder seen from the state directory: a project that is moved together with its database
    keeps it. `roots` are the first commits of its history, empty outside of git and in a shallow clone.
    `prefix` is where the folder stands in its repository, which may hold several projects. `remote` is
    `host/path` of the repository that it was cloned from.
    """

    folder: str
    beside: str
    roots: tuple[str, ...] = ()
    prefix: str = ""
    remote: str = ""


def decide_owner(recorded: Owner, now: Owner, *, shares: bool | None, gone: bool) -> Answer:
    """Whether `now` is the project that was recorded.

    `shares` says whether the history here has a commit that was recorded; None when nobody can tell: no
    repository on one side, or a shallow clone. `gone` says that the recorded folder is no longer there. An
    answer of `unsure` is good enough for a plan that removes nothing.
    """
    alike = now.prefix == recorded.prefix
    same_remote = bool(now.remote) and now.remote == recorded.remote
    if alike and (shares or same_remote):
        return "same"
    if now.folder == recorded.folder or now.beside == recorded.beside:
        other_remote = bool(now.remote) and bool(recorded.remote) and not same_remote
        another_history = shares is False or (shares is None and other_remote)
        return "unsure" if another_history else "same"
    return "unsure" if gone else "other"
