"""All nouns on one connection: what a reader and a transaction are made of."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict
from datetime import datetime

from runner.reconcile.owner import Owner
from runner.store.applies import Applied
from runner.store.damage import damaged
from runner.store.sqlite.applies import Applies, Leases
from runner.store.sqlite.arrivals import Arrivals
from runner.store.sqlite.cells import as_instant, as_json, instant
from runner.store.sqlite.damage import note
from runner.store.sqlite.drills import Drills
from runner.store.sqlite.errors import Errors
from runner.store.sqlite.events import Events
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
from runner.vocabulary.errors import DamagedRow, StalePlan


class SqliteTransaction:
    """Made once per connection and used for every transaction on it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.events = Events(connection)
        self.revisions = Revisions(connection)
        self.objects = Objects(connection, self.revisions, self.events)
        self.holds = Holds(connection, self.events)
        self.slots = Slots(connection)
        self.instances = Instances(connection, self.slots, self.events)
        self.tasks = Tasks(connection, self.events)
        self.target_requests = TargetRequests(connection)
        self.steps = Steps(connection, self.events)
        self.state = State(connection, self.events)
        self.errors = Errors(connection)
        self.notifications = Notifications(connection)
        self.sessions = Sessions(connection)
        self.tokens = Tokens(connection)
        self.external = ExternalRuns(connection)
        self.drills = Drills(connection)
        self.arrivals = Arrivals(connection)
        self.feeds = Feeds(connection, self.events)
        self.refusals = Refusals(connection)
        self.leases = Leases(connection)
        self.applies = Applies(connection)
        self.sources = Sources(connection)
        self.quarantines = Quarantines(connection)
        self.presence = Presence(connection)
        self.zones = Zones(connection)

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
