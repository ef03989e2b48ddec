"""The windows of what runs and waits: noticed at their edges, kept in one write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from runner.daemon.bridge import Bridge
from runner.daemon.roster import Roster
from runner.daemon.telling import Telling
from runner.daemon.touched import Touched
from runner.operations.keep_windows import Kept, keep_windows, look_at_windows
from runner.operations.schedulable import window_of
from runner.schedules.window import Window
from runner.store.instances import InstanceRecord
from runner.store.port import Reader
from runner.vocabulary.errors import StoreUnavailable


class WindowKeeper:
    """Asks nothing of an installation without windows. `changed` runs when a run has been asked something."""

    def __init__(
        self, bridge: Bridge, roster: Roster, telling: Telling, *, changed: Callable[[], None]
    ) -> None:
        self._bridge = bridge
        self._roster = roster
        self._telling = telling
        self._changed = changed
        self._asked: tuple[int, ...] = ()
        self._finishing: set[int] = set()
        self._look_for_strays = True
        self._touched = Touched()
        self.next_at: datetime | None = None
        self._waiting: dict[int, tuple[datetime, str]] = {}
        self.goes_on: tuple[datetime, str] | None = None
        """When the next one that is paused goes on, and the name of its job."""

    def look(self, reader: Reader, now: datetime, *, is_new: bool) -> None:
        """See what is asked of which run; `act` carries it out."""
        windows = self._roster.windows
        if is_new:  # other windows, or other jobs
            self._look_for_strays = True
            self._finishing.clear()
        self._asked = ()
        if not windows and not self._look_for_strays:
            self._touched.forget()
            self.next_at, self.goes_on, self._waiting = None, None, {}
            return
        try:
            touched = self._touched.look(reader, now)
            if self._look_for_strays or (self.next_at is not None and self.next_at <= now):
                touched = None
            found = look_at_windows(
                reader, windows, now, strays=self._look_for_strays, known=self._finishing, touched=touched
            )
        except StoreUnavailable:
            self._touched.forget()
            raise
        except Exception as problem:  # whatever is wrong with one window, everything else goes on
            self._touched.forget()
            self._telling.trouble("looking at the windows", problem)
            return
        if touched is None:
            self.next_at, self._waiting = None, {}
        for id in touched or ():
            self._waiting.pop(id, None)
        self._waiting.update(found.waiting)
        self.goes_on = min(self._waiting.values(), default=None)
        self._asked = found.asked
        self.next_at = min((at for at in (self.next_at, found.next_at) if at is not None), default=None)
        if self.next_at is not None and self.next_at <= now:
            self.next_at = None
        self._look_for_strays = False

    def act(self, now: datetime) -> None:
        """Pause, stop, end and let go on, as was seen."""
        ids, windows = self._asked, self._roster.windows
        if not ids:
            return
        self._asked = ()

        def done(kept: Kept | None, problem: BaseException | None) -> None:
            if problem is not None:
                self._telling.trouble("keeping runs inside their windows", problem)
                self._look_for_strays = True
            elif kept is not None:
                self._told(kept)

        self._bridge.write(lambda tx: keep_windows(tx, ids, windows, now), done)

    def window_of(self, instance: InstanceRecord) -> Window | None:
        """The windows that a run is bound to."""
        return window_of(instance, self._roster.windows.get(instance.job_uid, {}))

    def _told(self, kept: Kept) -> None:
        for ended in kept.ended:
            self._telling.not_started(ended)
        for run in kept.paused:
            what = {"PAUSING": "pauses as soon as it can", "STOPPING": "is stopped"}.get(run.state, "waits")
            self._telling.noticed(
                "window", f"{run.job} #{run.id}  its window is closed: it {what}{_left(run)}"
            )
        for run, why in kept.finishing:
            self._finishing.add(run.id)
            told = f"{run.job} #{run.id}  its window is closed, and it finishes first: {why}"
            self._telling.noticed("window", told)
        if kept.changed:
            self._changed()


def _left(run: InstanceRecord) -> str:
    """How much of a run over an inventory is left."""
    return f"; {run.targets - run.targets_ended} of {run.targets} targets are left" if run.targets else ""
