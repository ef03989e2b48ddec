"""The installed jobs in memory: what is due next, and what is noticed."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

from installations import NOW, Installation, a_job, an_object
from lives import at, set_watermark

from runner.daemon.roster import Roster


def loaded(here: Installation, now: datetime = NOW, roster: Roster | None = None) -> Roster:
    it = roster or Roster()
    with here.store.read() as reader:
        it.load(reader, here.store.installation_id, now)
    return it


def is_new(here: Installation, roster: Roster, now: datetime = NOW) -> bool:
    with here.store.read() as reader:
        return roster.load(reader, here.store.installation_id, now)


def every(text: str, **spec: Any) -> dict[str, Any]:
    return {"schedule": {"every": text}, **spec}


def applied(here: Installation) -> None:
    """What an apply does beside its writes."""
    here.store.transact(
        lambda tx: tx.set_serial(
            tx.serial(),
            source="jobs.d",
            tree_digest="t",
            commit=None,
            branch=None,
            dirty=False,
            at=NOW,
            who="x",
        )
    )


def names(roster: Roster, now: datetime, limit: int = 10) -> list[str]:
    return [due.job_name for due in roster.due(now, limit)]


def test_the_first_due_comes_first_and_then_the_name_decides(here: Installation) -> None:
    here.install(a_job("late", **every("2h")), a_job("b", **every("1h")), a_job("a", **every("1h")))
    roster = loaded(here, at(0.5))
    assert roster.next_at() == at(1)
    assert roster.next_start() == (at(1), "a")
    assert names(roster, at(0.9)) == []
    assert names(roster, at(2)) == ["a", "b", "late"]


def test_no_more_than_the_limit_are_taken_at_once(here: Installation) -> None:
    here.install(*(a_job(f"j{n}", **every("1h")) for n in range(5)))
    roster = loaded(here, at(0.5))
    assert names(roster, at(1), 3) == ["j0", "j1", "j2"]
    assert names(roster, at(1), 3) == ["j3", "j4"]


def test_the_next_slot_follows_the_watermark_and_not_the_time(here: Installation) -> None:
    here.install(a_job("tick", **every("1h")))
    set_watermark(here, "tick", at(-3))
    assert loaded(here).next_at() == at(-2), "a slot was missed, and is to be decided"


def test_a_decided_slot_is_followed_by_the_next_one(here: Installation) -> None:
    here.install(a_job("tick", **every("1h")))
    roster = loaded(here, at(0.5))
    [due] = roster.due(at(1), 10)
    assert roster.next_at() is None
    roster.decided(due, at(1))
    assert roster.next_at() == at(2)


def test_a_slot_that_was_not_decided_comes_again(here: Installation) -> None:
    here.install(a_job("tick", **every("1h")))
    roster = loaded(here, at(0.5))
    [due] = roster.due(at(1), 10)
    roster.again(due)
    assert names(roster, at(1)) == ["tick"]


def test_a_slot_that_is_tried_in_vain_stays_overdue_since_it_was_due(here: Installation) -> None:
    here.install(a_job("tick", **every("1h")))
    roster = loaded(here, at(0.5))
    for hour in (1, 2, 3):
        [due] = roster.due(at(hour), 10)
        assert due.at == at(1)
        roster.again(due, at(hour + 1))
        assert roster.next_at() == at(hour + 1)
        assert roster.overdue(at(hour + 0.9)) == [(at(1), "tick")]
    [due] = roster.due(at(4), 10)
    roster.decided(due, at(4))
    assert roster.overdue(at(4.9)) == []


def test_a_roster_that_was_loaded_meanwhile_has_each_schedule_once(here: Installation) -> None:
    here.install(a_job("tick", **every("1h")))
    set_watermark(here, "tick", at(0.5))
    roster = loaded(here, at(0.5))
    for hour in (1, 2, 3):
        [due] = roster.due(at(hour), 10)
        applied(here)
        loaded(here, at(hour), roster)
        roster.decided(due, at(hour))
        set_watermark(here, "tick", at(hour))
        assert len(roster.due(at(hour), 10)) <= 1
        loaded(here, at(hour), Roster())
        roster = loaded(here, at(hour))


def test_nothing_new_is_nothing_to_load(here: Installation) -> None:
    here.install(a_job("tick", **every("1h")))
    roster = loaded(here)
    assert not is_new(here, roster)
    applied(here)
    assert is_new(here, roster)


def test_what_is_to_be_read_again_is_known_until_it_is(here: Installation) -> None:
    here.install(a_job("tick", **every("1h")))
    roster = loaded(here, at(0.5))
    [due] = roster.due(at(1), 10)
    before = roster.jobs[due.job_uid]
    roster.forget()
    roster.again(due, at(1.5))
    assert (roster.next_start(), roster.overdue(at(1.2))) == ((at(1.5), "tick"), [(at(1), "tick")])
    assert is_new(here, roster, at(1))
    assert roster.jobs[due.job_uid] == before and roster.jobs[due.job_uid] is not before
    assert not is_new(here, roster, at(1))


def test_holds_are_noticed_and_take_the_slots_away(here: Installation) -> None:
    here.install(a_job("tick", **every("1h")))
    roster = loaded(here)
    here.hold("tick", "operator")
    assert is_new(here, roster)
    assert (roster.next_at(), roster.next_start()) == (None, None)


def test_a_hold_that_ends_by_itself_is_known_beforehand_and_noticed_at_its_time(here: Installation) -> None:
    here.install(a_job("tick", **every("1h")))
    here.hold("tick", "operator", until=at(2.5))
    roster = loaded(here)
    assert (roster.hold_ends, roster.next_at()) == (at(2.5), None)
    assert not is_new(here, roster, at(2))
    assert is_new(here, roster, at(2.5))
    assert roster.next_at() is not None


def test_a_removed_job_that_drains_is_known(here: Installation) -> None:
    here.install(a_job("tick"))
    assert not loaded(here).draining
    here.hold("tick", "removed", "git")
    assert loaded(here).draining


def test_hidden_jobs_are_not_announced(here: Installation) -> None:
    here.install(a_job("hidden", **every("1h"), type="system"), a_job("seen", **every("2h")))
    roster = loaded(here, at(0.5))
    assert roster.next_at() == at(1)
    assert roster.next_start() == (at(2), "seen")


def test_a_job_that_cannot_be_read_is_left_out_alone(here: Installation) -> None:
    here.install(a_job("broken", **every("1h")), a_job("fine", **every("1h")))
    with sqlite3.connect(here.path) as other:
        other.execute("UPDATE revisions SET resolved = '{}' WHERE object_uid = ?", (here.uid("broken"),))
    other.close()
    roster = loaded(here)
    assert [job.name for job in roster.jobs.values()] == ["fine"]
    assert list(roster.unusable) == ["broken"]


def test_jobs_without_a_schedule_are_in_the_zone_that_the_runner_declares(here: Installation) -> None:
    roster = Roster()
    is_new(here, roster)
    assert roster.zone == "UTC"
    here.install(an_object("Runner", "runner", {"timezone": "Europe/Zurich"}))
    applied(here)
    is_new(here, roster)
    assert roster.zone == "Europe/Zurich"


def test_a_job_whose_row_is_damaged_is_named_and_the_others_go_on(here: Installation) -> None:
    here.install(a_job("broken", **every("1h")), a_job("sound", **every("1h")))
    uid = here.uid("broken")
    roster = Roster()
    with sqlite3.connect(here.path) as other:
        [(was,)] = other.execute("SELECT resolved FROM revisions WHERE object_uid = ?", (uid,)).fetchall()
        other.execute("UPDATE revisions SET resolved = '{' WHERE object_uid = ?", (uid,))
        other.commit()
        is_new(here, roster)
        other.execute("UPDATE revisions SET resolved = ? WHERE object_uid = ?", (was, uid))
    assert [*roster.unusable] == ["broken"]
    assert [job.name for job in roster.jobs.values()] == ["sound"]
