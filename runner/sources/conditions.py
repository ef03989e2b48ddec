"""How does a source stand? Conditions in the shape that Kubernetes gives them.

`Ready`: what the remote has is applied. `Reconciling`: work is under way, or will be tried again soon.
`Stalled`: it needs a person or a newer commit. `Drifted`: something is otherwise than declared, because a
person wants it so. `Partial`: not everything of the commit is applied. `Verified`: only where signatures are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.sources.outcome import APPLIED, IN_PART, STALLED, UNVERIFIED, Outcome

TYPES = ("Ready", "Reconciling", "Stalled", "Verified", "Drifted", "Partial")
LONGEST_MESSAGE = 2000
NAMED = 5


@dataclass(frozen=True, slots=True)
class Condition:
    """`status` is True, False or Unknown; `since` is when it last became that."""

    type: str
    status: str
    reason: str
    message: str
    since: str

    def as_json(self) -> dict[str, str]:
        return {
            "type": self.type,
            "status": self.status,
            "reason": self.reason,
            "message": self.message,
            "lastTransitionTime": self.since,
        }


def conditions_of(outcome: Outcome, *, verifies: bool) -> dict[str, tuple[str, str, str]]:
    """Type → (status, reason, message), after one attempt."""
    message = outcome.message[:LONGEST_MESSAGE]
    stalled = outcome.reason in STALLED
    found = {
        "Ready": ("True" if outcome.ok else "False", outcome.reason, message),
        "Reconciling": ("True", "ProgressingWithRetry", message)
        if not outcome.ok and not stalled
        else ("False", outcome.reason, ""),
        "Stalled": ("True", outcome.reason, message) if stalled else ("False", outcome.reason, ""),
    }
    if verifies and outcome.reason in UNVERIFIED:
        found["Verified"] = ("False", outcome.reason, message)
    elif verifies and outcome.verified:
        found["Verified"] = ("True", "SignatureGood", outcome.verified)
    return found


def progressing(before: Mapping[str, Mapping[str, str]], message: str, now: str) -> dict[str, dict[str, str]]:
    """While an attempt is under way: everything as it was, and Reconciling."""
    return {
        **_plain(before),
        "Reconciling": _since(before, "Reconciling", "True", "Progressing", message, now),
    }


def merged(
    before: Mapping[str, Mapping[str, str]], found: Mapping[str, tuple[str, str, str]], now: str
) -> dict[str, dict[str, str]]:
    """To be kept: what is still the same keeps its `since`."""
    kept = {"Verified": dict(before["Verified"])} if "Verified" in before and "Verified" not in found else {}
    return kept | {
        kind: _since(before, kind, status, reason, message, now)
        for kind, (status, reason, message) in found.items()
    }


def shown(
    kept: Mapping[str, Mapping[str, Any]],
    *,
    drifted: Mapping[str, str] | None = None,
    pinned: Mapping[str, str] | None = None,
    now: str,
) -> list[Condition]:
    """All conditions in a fixed order. `drifted` and `pinned`, as the database has them at this moment: what
    is held or pinned, and since when.
    """
    found = [
        Condition(kind, *(str(kept[kind].get(key, "")) for key in ("status", "reason", "message", "since")))
        for kind in TYPES
        if kind in kept
    ]
    if not any(condition.type == "Ready" for condition in found):
        found.insert(0, Condition("Ready", "Unknown", "NotLookedYet", "the remote was not asked yet", now))
    ready = found[0]
    all_of_it = "AllApplied" if ready.reason == APPLIED else "NothingPinned"
    if ready.reason == IN_PART:
        in_part = Condition("Partial", "True", "InvalidLeftAlone", ready.message, ready.since)
    else:
        in_part = Condition("Partial", "False", all_of_it, "", ready.since)
    found.append(
        _of("Drifted", "HeldByOperators", "held by operators", drifted)
        or Condition("Drifted", "False", "AsDeclared", "", ready.since)
    )
    found.append(_of("Partial", "RolledBack", "pinned by a rollback", pinned) or in_part)
    return found


def _of(kind: str, reason: str, what: str, names: Mapping[str, str] | None) -> Condition | None:
    if not names:
        return None
    listed = ", ".join(sorted(names)[:NAMED]) + (", …" if len(names) > NAMED else "")
    return Condition(kind, "True", reason, f"{len(names)} {what}: {listed}", min(names.values()))


def _plain(before: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    return {kind: dict(each) for kind, each in before.items()}


def _since(
    before: Mapping[str, Mapping[str, str]], kind: str, status: str, reason: str, message: str, now: str
) -> dict[str, str]:
    was = before.get(kind, {})
    since = was.get("since", now) if was.get("status") == status else now
    return {"status": status, "reason": reason, "message": message, "since": since}
