"""All nouns on one connection: what a reader and a transaction are made of."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from runner.reconcile.owner import Owner
from runner.store.applies import Applied
from runner.store.damage import damaged
from runner.store.sqlite.cells import as_instant, as_json, instant
from runner.store.sqlite.damage import note
from runner.store.sqlite.events import Events
from runner.vocabulary.errors import DamagedRow, StalePlan

if TYPE_CHECKING:
    from runner.store.sqlite.applies import Applies, Leases
    from runner.store.sqlite.arrivals import Arrivals
    from runner.store.sqlite.drills import Drills
    from runner.store.sqlite.errors import Errors
    from runner.store.sqlite.external_runs import ExternalRuns
    from runner.store.sqlite.feeds import Feeds
    from runner.store.sqlite.holds import Holds
    from runner.store.sqlite.instances import Instances
    from runner.store.sqlite.notifications import Notifications
    from runner.store.sqlite.objects import Objects
    from runner.store.sqlite.presence import Presence
    from runner.store.sqlite.refusals import Refusals
    from runner.store.sqlite.revisions import Revisions
    from runner.store.sqlite.sessions import Sessions
    from runner.store.sqlite.slots import Slots
    from runner.store.sqlite.sources import Quarantines, Sources
    from runner.store.sqlite.state import State
    from runner.store.sqlite.steps import Steps
    from runner.store.sqlite.target_requests import TargetRequests
    from runner.store.sqlite.tasks import Tasks
    from runner.store.sqlite.tokens import Tokens
    from runner.store.sqlite.zones import Zones


class SqliteTransaction:
    """Made once per connection and used for every transaction on it.

    A noun is imported when it is first asked for: most commands ask for few, and each takes a millisecond.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.events = Events(connection)

    @cached_property
    def revisions(self) -> Revisions:
        from runner.store.sqlite.revisions import Revisions

        return Revisions(self.connection)

    @cached_property
    def objects(self) -> Objects:
        from runner.store.sqlite.objects import Objects

        return Objects(self.connection, self.revisions, self.events)

    @cached_property
    def holds(self) -> Holds:
        from runner.store.sqlite.holds import Holds

        return Holds(self.connection, self.events)

    @cached_property
    def slots(self) -> Slots:
        from runner.store.sqlite.slots import Slots

        return Slots(self.connection)

    @cached_property
    def instances(self) -> Instances:
        from runner.store.sqlite.instances import Instances

        return Instances(self.connection, self.slots, self.events)

    @cached_property
    def tasks(self) -> Tasks:
        from runner.store.sqlite.tasks import Tasks

        return Tasks(self.connection, self.events)

    @cached_property
    def target_requests(self) -> TargetRequests:
        from runner.store.sqlite.target_requests import TargetRequests

        return TargetRequests(self.connection)

    @cached_property
    def steps(self) -> Steps:
        from runner.store.sqlite.steps import Steps

        return Steps(self.connection, self.events)

    @cached_property
    def state(self) -> State:
        from runner.store.sqlite.state import State

        return State(self.connection, self.events)

    @cached_property
    def errors(self) -> Errors:
        from runner.store.sqlite.errors import Errors

        return Errors(self.connection)

    @cached_property
    def notifications(self) -> Notifications:
        from runner.store.sqlite.notifications import Notifications

        return Notifications(self.connection)

    @cached_property
    def sessions(self) -> Sessions:
        from runner.store.sqlite.sessions import Sessions

        return Sessions(self.connection)

    @cached_property
    def tokens(self) -> Tokens:
        from runner.store.sqlite.tokens import Tokens

        return Tokens(self.connection)

    @cached_property
    def external(self) -> ExternalRuns:
        from runner.store.sqlite.external_runs import ExternalRuns

        return ExternalRuns(self.connection)

    @cached_property
    def drills(self) -> Drills:
        from runner.store.sqlite.drills import Drills

        return Drills(self.connection)

    @cached_property
    def arrivals(self) -> Arrivals:
        from runner.store.sqlite.arrivals import Arrivals

        return Arrivals(self.connection)

    @cached_property
    def feeds(self) -> Feeds:
        from runner.store.sqlite.feeds import Feeds

        return Feeds(self.connection, self.events)

    @cached_property
    def refusals(self) -> Refusals:
        from runner.store.sqlite.refusals import Refusals

        return Refusals(self.connection)

    @cached_property
    def leases(self) -> Leases:
        from runner.store.sqlite.applies import Leases

        return Leases(self.connection)

    @cached_property
    def applies(self) -> Applies:
        from runner.store.sqlite.applies import Applies

        return Applies(self.connection)

    @cached_property
    def sources(self) -> Sources:
        from runner.store.sqlite.sources import Sources

        return Sources(self.connection)

    @cached_property
    def quarantines(self) -> Quarantines:
        from runner.store.sqlite.sources import Quarantines

        return Quarantines(self.connection)

    @cached_property
    def presence(self) -> Presence:
        from runner.store.sqlite.presence import Presence

        return Presence(self.connection)

    @cached_property
    def zones(self) -> Zones:
        from runner.store.sqlite.zones import Zones

        return Zones(self.connection)

    def note(self, problem: DamagedRow) -> None:
        note(self.connection, problem)

    def serial(self) -> int:
        text = self._meta("serial") or "0"
        if not text.isdecimal():
            raise damaged("the serial", "meta", f"{text!r} is no number")
        return int(text)

    def applied(self, source: str | None = None) -> Applied | None:
        text = self._meta("applied" if source is None else f"applied:{source}")
        if text is None:
            return None
        try:
            values = json.loads(text)
            return Applied(**{**values, "at": as_instant(values["at"])})
        except (ValueError, TypeError, LookupError) as problem:
            note(self.connection, damaged("what was applied last", "meta", problem))
            return None

    def set_serial(
        self,
        expected: int,
        *,
        source: str,
        tree_digest: str,
        commit: str | None,
        branch: str | None,
        dirty: bool,
        at: datetime,
        who: str,
    ) -> int:
        serial = self.serial()
        if serial != expected:
            raise StalePlan(
                f"The plan was made against serial {expected}, and the database is at serial {serial} now; "
                "make a new plan"
            )
        applied = Applied(serial + 1, source, tree_digest, commit, branch, dirty, at, who)
        text = as_json({**asdict(applied), "at": instant(at)})
        self._set_meta(("serial", str(serial + 1)), ("applied", text), (f"applied:{source}", text))
        self.events.append(
            "source",
            source,
            "applied",
            at=at,
            who=who,
            before=str(serial),
            after=str(serial + 1),
            details={"commit": commit, "tree_digest": tree_digest},
        )
        return serial + 1

    def owner(self, source: str) -> Owner | None:
        text = self._meta(f"owner:{source}")
        if text is None:
            return None
        try:
            values = json.loads(text)
            return Owner(**{**values, "roots": tuple(values["roots"])})
        except (ValueError, TypeError, LookupError) as problem:
            raise damaged(f"the owner of {source}", "meta", problem) from problem

    def set_owner(self, source: str, owner: Owner) -> None:
        self._set_meta((f"owner:{source}", as_json(asdict(owner))))

    def _set_meta(self, *pairs: tuple[str, str]) -> None:
        self.connection.executemany(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", pairs
        )

    def _meta(self, key: str) -> str | None:
        row = self.connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row and str(row[0])
