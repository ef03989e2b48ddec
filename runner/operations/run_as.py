"""As whom does a job's process run (`runAs`), and may it?"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.vocabulary.errors import RunnerError


class CannotRunAs(RunnerError):
    """The user is not known here, or the daemon may not become it."""


@dataclass(frozen=True, slots=True)
class RunAs:
    """The user as numbers, and its home."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str

    def as_limit(self) -> dict[str, Any]:
        """As it stands among the limits of an order."""
        return {"uid": self.uid, "gid": self.gid, "groups": list(self.groups)}


def user_of(spec: Mapping[str, Any]) -> RunAs | None:
    """The user of a resolved job's `runAs: user` or `user:group`; None when it runs as the daemon does."""
    declared = spec.get("runAs")
    if not declared:
        return None
    import grp
    import pwd

    name, _, group = declared.partition(":")
    try:
        user = pwd.getpwnam(name)
        gid = grp.getgrnam(group).gr_gid if group else user.pw_gid
    except KeyError:
        missing = f"group {group}" if group else f"user {name}"
        raise CannotRunAs(
            f"runAs: {declared}: this machine has no {missing}; create it, or change runAs"
        ) from None
    if os.geteuid() != 0:
        if (user.pw_uid, gid) == (os.geteuid(), os.getegid()):
            return None
        mine = pwd.getpwuid(os.geteuid()).pw_name
        raise CannotRunAs(
            f"runAs: {declared}: the daemon runs as {mine}, and only root starts jobs as somebody else; "
            "start it as root, or remove runAs"
        )
    return RunAs(user.pw_uid, gid, tuple(os.getgrouplist(name, gid)), user.pw_dir)


def new_workdir(instance: int) -> str:
    """A name for a working directory that another user reaches: nobody but the owner enters the state
    directory. It is made when the run starts, and nobody can foresee it."""
    return f"{tempfile.gettempdir()}/runner-{instance}-{secrets.token_hex(8)}"
