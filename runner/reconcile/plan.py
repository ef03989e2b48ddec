"""The plan: what apply would change, as one value that can be shown, saved and carried out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.reconcile.pile_ups import PileUp
from runner.vocabulary.identity import Address, Place

FORMAT_VERSION = 2

# In the order in which a plan shows them: deletes last.
ACTIONS = ("install", "enable", "update", "move", "disable", "note", "drift", "uninstall")
COUNTED = ("install", "enable", "update", "disable", "move", "uninstall")
"""Actions that change something; `note` and `drift` only tell. In the order of the last line."""

_RANK = {action: position for position, action in enumerate(ACTIONS)}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field, before and now; None = not there. Secret values are masked already."""

    path: str
    declared_before: Any
    declared_now: Any
    installed: Any
    impact: str = ""

    def as_json(self) -> dict[str, Any]:
        """The keys that scripts rely on, and the impact when there is one."""
        keys: dict[str, Any] = {
            "path": self.path,
            "declared_before": self.declared_before,
            "declared_now": self.declared_now,
            "installed": self.installed,
        }
        return keys | {"impact": self.impact} if self.impact else keys


@dataclass(frozen=True, slots=True)
class HoldEdit:
    """A hold that apply adds or clears. `uid` is None for an object that the same plan installs.

    `until` is the instant (as text) at which the hold ends by itself; empty: it does not.
    """

    verb: str  # add | clear
    address: Address
    uid: str | None
    kind: str
    owner: str = "git"
    reason: str = ""
    until: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "verb": self.verb,
            "address": str(self.address),
            "uid": self.uid,
            "kind": self.kind,
            "owner": self.owner,
            "reason": self.reason,
            "until": self.until,
        }


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the plan, with what apply expects still to find.

    `expects` is the digest that must be installed when this change's turn comes; None = the address must be
    free. `writes` says that the object's record and a revision are written. `watermarks` names the
    schedules that count from now on (rule R9).
    """

    action: str
    address: Address
    reason: str
    place: Place | None = None
    uid: str | None = None
    expects: str | None = None
    before_digest: str | None = None
    after_digest: str | None = None
    fields: tuple[FieldChange, ...] = ()
    holds: tuple[HoldEdit, ...] = ()
    watermarks: tuple[str, ...] = ()
    moved_from: Address | None = None
    writes: bool = False
    protected: bool = False
    impact: Mapping[str, Any] = field(default_factory=dict)

    @property
    def counts(self) -> bool:
        """Whether this line changes something."""
        return self.action in COUNTED

    @property
    def order(self) -> tuple[int, Address]:
        """Where the line stands in the plan."""
        return _RANK[self.action], self.address

    @property
    def digest(self) -> str:
        """Of the object, the action, and the content before and after: what a review agrees to.

        Not of the database that it is for, nor of words and forecasts: the same change has the same digest in
        a plan against git, against a copy, and against what is installed.
        """
        return digest_of(
            [
                str(self.address),
                self.action,
                self.before_digest,
                self.after_digest,
                str(self.moved_from or ""),
                *([[each.as_json() for each in self.holds]] if self.impact.get("heals") else []),
            ]
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "digest": self.digest,
            "action": self.action,
            "reason": self.reason,
            "address": str(self.address),
            "uid": self.uid,
            "source": {"file": self.place.file, "line": self.place.line} if self.place else None,
            "fields": [change.as_json() for change in self.fields],
            "impact": dict(self.impact),
            "expects": self.expects,
            "before_digest": self.before_digest,
            "after_digest": self.after_digest,
            "moved_from": str(self.moved_from) if self.moved_from else None,
            "protected": self.protected,
            "writes": self.writes,
            "holds": [edit.as_json() for edit in self.holds],
            "watermarks": list(self.watermarks),
        }


@dataclass(frozen=True, slots=True)
class Relocation:
    """An unchanged object that now stands elsewhere: recorded by the next apply, never a change."""

    address: Address
    uid: str
    place: Place


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that would change, sorted, and what it was made against.

    `lineage` is None when there was no database. `installed` counts what this source has installed, for
    the deletion budget. `pile_ups` and `remarks` tell what it means; they are no part of its digest.
    """

    source: str
    changes: tuple[Change, ...]
    unchanged: int
    partial: bool = False
    installed: int = 0
    lineage: str | None = None
    serial: int = 0
    tree_digest: str = ""
    commit: str | None = None
    branch: str | None = None
    dirty: bool = False
    relocations: tuple[Relocation, ...] = ()
    against: str = ""
    """`main @ 4f2c9e1` when it was made against a commit, and not against what is installed."""
    pile_ups: tuple[PileUp, ...] = ()
    remarks: tuple[str, ...] = ()

    def count(self, action: str) -> int:
        """How many lines have this action."""
        return sum(change.action == action for change in self.changes)

    @property
    def is_empty(self) -> bool:
        """Whether apply would change nothing (notes and drift may still be told)."""
        return not any(change.counts for change in self.changes)

    @property
    def is_all(self) -> bool:
        """Whether apply leaves nothing of the whole source undone: no object is left alone."""
        return not self.partial and not any(change.impact.get("left_alone") for change in self.changes)

    @property
    def digest(self) -> str:
        """Of all that would be done: equal plans change the same objects in the same way.

        Against which database a plan was made says `lineage`, and at which point in its life `serial`.
        """
        return digest_of(
            [
                FORMAT_VERSION,
                self.source,
                self.partial,
                [change.digest for change in self.changes if change.counts],
            ]
        )

    def in_carrying_order(self) -> tuple[Change, ...]:
        """What apply does, in its order: records, then holds, then removals."""
        counted = [change for change in self.changes if change.counts]
        return tuple(sorted(counted, key=lambda c: (c.action == "uninstall", not c.writes, c.order)))

    def as_json(self) -> dict[str, Any]:
        """Plain values; `Plan.from_json` reads them back."""
        return {
            "format_version": FORMAT_VERSION,
            "lineage": self.lineage,
            "serial": self.serial,
            "digest": self.digest,
            "source": self.source,
            "partial": self.partial,
            "commit": self.commit,
            "branch": self.branch,
            "dirty": self.dirty,
            "tree_digest": self.tree_digest,
            **({"against": self.against} if self.against else {}),
            "changes": [change.as_json() for change in self.changes],
            "counts": {action: self.count(action) for action in COUNTED},
            "unchanged": self.unchanged,
            "installed": self.installed,
            "pile_ups": [each.as_json() for each in self.pile_ups],
            "remarks": list(self.remarks),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Plan:
        """The plan that `as_json` wrote; ValueError when it is of another format or was edited."""
        if values.get("format_version") != FORMAT_VERSION:
            raise ValueError(
                f"the plan has format {values.get('format_version')!r}; this program reads {FORMAT_VERSION}"
            )
        try:
            plan = cls(
                source=values["source"],
                changes=tuple(_change_from(change) for change in values["changes"]),
                unchanged=values["unchanged"],
                partial=values["partial"],
                installed=values["installed"],
                lineage=values["lineage"],
                serial=values["serial"],
                tree_digest=values["tree_digest"],
                commit=values["commit"],
                branch=values["branch"],
                dirty=values["dirty"],
            )
        except (KeyError, TypeError, AttributeError) as problem:
            raise ValueError(f"the plan is damaged: {problem!r}") from problem
        if plan.digest != values.get("digest"):
            raise ValueError("the plan was edited: its digest does not match its changes")
        return plan


def in_plan_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Sorted by action and address, deletes last."""
    return tuple(sorted(changes, key=lambda change: change.order))


def digest_of(value: Any) -> str:
    """`sha256:` and the hex digest of a plain value, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _change_from(values: Mapping[str, Any]) -> Change:
    place = values["source"]
    return Change(
        action=values["action"],
        address=Address.parse(values["address"]),
        reason=values["reason"],
        place=Place(place["file"], place["line"]) if place else None,
        uid=values["uid"],
        expects=values["expects"],
        before_digest=values["before_digest"],
        after_digest=values["after_digest"],
        fields=tuple(FieldChange(**each) for each in values["fields"]),
        holds=tuple(
            HoldEdit(**{**each, "address": Address.parse(each["address"])}) for each in values["holds"]
        ),
        watermarks=tuple(values["watermarks"]),
        moved_from=Address.parse(values["moved_from"]) if values["moved_from"] else None,
        writes=values["writes"],
        protected=values["protected"],
        impact=values["impact"],
    )
