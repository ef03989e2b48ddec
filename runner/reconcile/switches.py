"""What does `enabled` mean for the holds of a job? Git edits only its own holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from runner.declaration.declared import Declared
from runner.lifecycle.holds import is_blocking
from runner.reconcile.plan import HoldEdit
from runner.reconcile.sides import Held
from runner.vocabulary.identity import Address
from runner.vocabulary.instants import to_text_or_none

GIT = "git"
"""The owner of every hold that a declaration asks for."""

OPERATOR = "operator"

_ENDED_BY_ENABLING = ("new", "git")


@dataclass(frozen=True, slots=True)
class Switch:
    """What becomes of one job. `action` is enable, disable, update (holds change, nothing starts) or None."""

    action: str | None
    reason: str
    edits: tuple[HoldEdit, ...] = ()


def decide_switch(job: Declared, uid: str | None, held: Sequence[Held], *, is_new: bool) -> Switch:
    """Which of git's own holds must go or come, so that the job is as `spec.enabled` says.

    A job that is being installed has hold `new` already. `enabled` omitted leaves an operator's choice alone,
    and turns git's hold into an operator's: nothing starts by surprise.
    """
    kinds = {hold.kind for hold in held} | ({"new"} if is_new else set())

    def edit(verb: str, kind: str, owner: str = GIT, reason: str = "") -> HoldEdit:
        return HoldEdit(verb, job.address, uid, kind, owner, reason)

    back = [edit("clear", "removed")] if "removed" in kinds else []
    if job.enabled is True:
        ended = [edit("clear", kind) for kind in _ENDED_BY_ENABLING if kind in kinds]
        if ended:
            return Switch("enable", "spec.enabled is true", (*ended, *back))
        return Switch("enable", "declared again", tuple(back)) if back else Switch(None, "")
    if job.enabled is False:
        if "git" not in kinds:
            add = edit("add", "git", reason="spec.enabled is false")
            return Switch("disable", "spec.enabled is false", (add, *back))
    elif "git" in kinds:
        reason = "spec.enabled was false and is omitted now"
        kept = edit("add", OPERATOR, reason=reason)
        return Switch("update", "hold git becomes hold operator", (edit("clear", "git"), kept, *back))
    return Switch("update", "declared again", tuple(back)) if back else Switch(None, "")


@dataclass(frozen=True, slots=True)
class GroupSwitch:
    """How one group stands: disabled by git, and by which operator's hold."""

    git_disabled: bool
    git_omitted: bool
    by_operator: Held | None


def decide_membership(
    address: Address,
    uid: str | None,
    *,
    groups: Collection[str],
    joined: Collection[str],
    held: Sequence[Held],
    switches: Mapping[str, GroupSwitch],
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, list[HoldEdit]]:
    """By group name: which `group:` holds of this job must go or come.

    `groups` are those that the job is in, `joined` those of them that it was not in before: there it takes
    over an operator's hold too. A job that leaves a group which an operator disabled stays held, by hold
    `operator`; of a group that is `renamed` (old name to new) the hold goes along.
    """
    edits: dict[str, list[HoldEdit]] = {}

    def edit(
        group: str, verb: str, kind: str, owner: str, *, reason: str = "", until: datetime | None = None
    ) -> None:
        end = to_text_or_none(until) or ""
        edits.setdefault(group, []).append(HoldEdit(verb, address, uid, kind, owner, reason, end))

    owners = {(hold.kind, hold.owner) for hold in held}
    for hold in held:
        now_called = renamed.get(hold.kind.removeprefix("group:"), "")
        if hold.kind.startswith("group:") and hold.owner != GIT and now_called in groups:
            kind = f"group:{now_called}"
            edit(now_called, "add", kind, hold.owner, reason=hold.reason, until=hold.until)
            owners.add((kind, hold.owner))
    for group in groups:
        switch, kind = switches.get(group), f"group:{group}"
        if switch is None:
            continue
        if switch.git_disabled and (kind, GIT) not in owners:
            edit(group, "add", kind, GIT, reason=f"Group/{group}: spec.enabled is false")
        elif not switch.git_disabled and (kind, GIT) in owners:
            edit(group, "clear", kind, GIT)
            if switch.git_omitted:
                edit(group, "add", kind, OPERATOR, reason="spec.enabled was false and is omitted now")
        by_operator = switch.by_operator
        if group in joined and by_operator is not None and (kind, by_operator.owner) not in owners:
            edit(
                group,
                "add",
                kind,
                by_operator.owner,
                reason=by_operator.reason,
                until=by_operator.until,
            )
    for hold in held:
        group = hold.kind.removeprefix("group:")
        if hold.kind.startswith("group:") and group not in groups:
            edit(group, "clear", hold.kind, hold.owner)
            if hold.owner != GIT and renamed.get(group) not in groups:
                reason = hold.reason or f"was disabled with Group/{group}"
                edit(group, "add", OPERATOR, hold.owner, reason=reason, until=hold.until)
    return edits


def kinds_after(held: Iterable[Held], edits: Iterable[HoldEdit], *, is_new: bool = False) -> set[str]:
    """The kinds of hold that a job has once the edits are made."""
    owned = {(hold.kind, hold.owner) for hold in held} | ({("new", GIT)} if is_new else set())
    for edit in edits:
        if edit.verb == "add":
            owned.add((edit.kind, edit.owner))
        elif edit.kind in (*_ENDED_BY_ENABLING, "removed"):  # one owner each, whatever it is called
            owned = {(kind, owner) for kind, owner in owned if kind != edit.kind}
        else:
            owned.discard((edit.kind, edit.owner))
    return {kind for kind, _ in owned}


def still_held(kinds: Collection[str]) -> str:
    """Why a job does not start although git enables it, in words; empty when nothing is in the way."""
    for kind in sorted(kinds):
        if kind.startswith("group:"):
            return f"stays DISABLED: Group/{kind.removeprefix('group:')} is disabled"
        if is_blocking(kind):
            return f"stays DISABLED: hold {kind}"
    if "failure" in kinds:
        return "stays FAILED until it is reset"
    if "paused" in kinds:
        return "stays paused"
    return ""


def held_by(hold: Held, now: datetime) -> str:
    """`held by ana until 14:00 (INC-123)`, on the clock of `now`'s zone."""
    verb = "paused" if hold.kind == "paused" else "held"
    until = ""
    if hold.until is not None:
        local = hold.until.astimezone(now.tzinfo)
        until = f" until {local:%H:%M}" if local.date() == now.date() else f" until {local:%Y-%m-%d %H:%M}"
        if now.tzinfo is UTC:  # nobody's wall clock: say whose
            until += " UTC"
    return f"{verb} by {hold.owner}{until}" + (f" ({hold.reason})" if hold.reason else "")
