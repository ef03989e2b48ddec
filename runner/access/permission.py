"""May this actor use this verb on this object?"""

from __future__ import annotations

from dataclasses import dataclass

from runner.vocabulary.errors import NotAllowed

_RANK = {"reporter": -1, "reader": 0, "operator": 1, "admin": 2}

ROLES = tuple(_RANK)

_ALSO = {"reporter": frozenset({"report"})}
"""What a role may do beside what its rank gives: a reporter reads nothing, and reports on external runs."""

_NEEDS = {
    "read": "reader",
    "trigger": "operator",
    "enable": "operator",
    "disable": "operator",
    "reset": "operator",
    "cancel": "operator",
    "pause": "operator",
    "resume": "operator",
    "bounce": "operator",
    "kill": "operator",
    "skip": "operator",
    "rerun": "operator",
    "resolve": "operator",
    "maintenance": "operator",
    "drain": "operator",
    "clear-state": "operator",
    "set-state": "operator",
    "group": "operator",
    "report": "operator",
    "token": "admin",
    "install": "admin",
    "update": "admin",
    "move": "admin",
    "uninstall": "admin",
}

_PROTECTED_FROM = frozenset(
    {
        "disable",
        "pause",
        "kill",
        "maintenance",
        "group",
        "clear-state",
        "set-state",
        "update",
        "move",
        "uninstall",
    }
)
"""Verbs that change or stop a job of a protected type (SYSTEM, LOYALTY); the others leave it as it is."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the operating system's user, the name given with `--as` beside it, and the role."""

    login: str
    as_name: str | None = None
    role: str = "admin"

    def __str__(self) -> str:
        return f"{self.as_name} ({self.login})" if self.as_name else self.login


def may(
    actor: Actor, verb: str, *, what: str = "", protected: bool = False, allow_protected: bool = False
) -> None:
    """Nothing, or NotAllowed with what would be needed; `what` names the job in that sentence."""
    needed = _NEEDS[verb]
    if _RANK[actor.role] < _RANK[needed] and verb not in _ALSO.get(actor.role, ()):
        raise NotAllowed(f"{actor} may not {verb}: it needs the role {needed}, and this is a {actor.role}")
    if protected and verb in _PROTECTED_FROM:
        if actor.role != "admin":
            raise NotAllowed(f"{actor} may not {verb} a protected job: it needs the role admin")
        if not allow_protected:
            raise NotAllowed(
                f"{f'Job/{what}' if what else 'this job'} is protected; {verb} needs --allow-protected"
            )
