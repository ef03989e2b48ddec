"""A job that starts after others: each end counts once, also across restarts, and chains come to an end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from installations import NOW, Installation, a_job
from lives import a_slot_run, at, contradictions, end, start
from triggered_lives import a_triggered_job, fed, items, states

from runner.operations.count_ends import Counted, count_ends, has_ends, watch_feeds
from runner.store.instances import InstanceRecord

BOTH = {"after": {"all": {"a": "succeeded", "b": "succeeded"}, "sameSlotDate": True}}


@pytest.fixture(autouse=True)
def sound(here: Installation) -> Iterator[None]:
    yield
    assert contradictions(here) == []


def watched(here: Installation, *names: str) -> list[tuple[str, str]]:
    keys = [(here.uid(name), "default") for name in names]
    here.store.transact(lambda tx: watch_feeds(tx, keys))
    return keys


def counted(here: Installation, *names: str, now: datetime = NOW) -> Counted:
    keys = [(here.uid(name), "default") for name in names]
    return here.store.transact(lambda tx: count_ends(tx, keys, now))


def ran(
    here: Installation, name: str, now: datetime, outcome: str = "succeeded", **more: Any
) -> InstanceRecord:
    id = a_slot_run(here, name, now)
    start(here, id, now)
    end(here, id, outcome, now, **more)
    return here.instance(id)


def test_a_run_follows_with_the_outputs_of_the_other_as_inputs(here: Installation) -> None:
    inputs = {"rows": {"type": "integer"}}
    here.install(a_job("a"), a_triggered_job("next", {"job": {"name": "a"}}, inputs=inputs))
    watched(here, "next")
    first = ran(here, "a", at(14), outputs={"rows": 7, "more": "x"})
    assert counted(here, "next", now=at(14)).fed == ((here.uid("next"), "default"),)
    [id] = fed(here, "next", at(14)).instances
    run = here.instance(id)
    assert (run.origin, dict(run.inputs), run.slot_at) == ("after", {"rows": 7}, first.slot_at)
    assert run.trigger["job"] == {
        "name": "a",
        "id": first.id,
        "state": "succeeded",
        "slot": first.slot_local,
        "date": "2026-11-24",
        "outputs": {"rows": 7, "more": "x"},
    }
    assert run.trigger["chain"] == ["a"]


def test_an_end_counts_once_however_often_it_is_counted(here: Installation) -> None:
    here.install(a_job("a"), a_triggered_job("next", {"job": {"name": "a"}}))
    watched(here, "next")
    ran(here, "a", at(14))
    with here.store.read() as reader:
        assert has_ends(reader, [here.uid("a")], 0)[0]
    assert len(counted(here, "next").fed) == 1
    assert counted(here, "next").fed == ()
    here.store.transact(lambda tx: tx.feeds.set_cursor(0))  # as a database that was put back would say
    counted(here, "next")
    assert states(here, "next") == ["WAITING"]


def test_ends_from_before_the_job_was_there_do_not_count(here: Installation) -> None:
    here.install(a_job("a"))
    ran(here, "a", at(14))
    here.install(a_triggered_job("next", {"job": {"name": "a"}}))
    watched(here, "next")
    assert counted(here, "next").fed == ()


def test_only_the_named_outcomes_count(here: Installation) -> None:
    here.install(
        a_job("a", retry="none", failAfter="never"),
        a_triggered_job("well", {"job": {"name": "a"}}),
        a_triggered_job("badly", {"job": {"name": "a", "state": "failed"}}),
        a_triggered_job("anyhow", {"job": {"name": "a", "state": "finished"}}),
    )
    names = ("well", "badly", "anyhow")
    watched(here, *names)
    ran(here, "a", at(14))
    ran(here, "a", at(38), "failed")
    counted(here, *names)
    assert [len(items(here, name)) for name in names] == [1, 1, 2]


def test_several_wait_for_each_other_on_one_date(here: Installation) -> None:
    here.install(a_job("a"), a_job("b"), a_triggered_job("both", BOTH))
    watched(here, "both")
    ran(here, "a", at(14))  # the 24th
    ran(here, "b", at(38))  # the 25th
    counted(here, "both")
    assert fed(here, "both", at(38)).instances == ()
    ran(here, "a", at(38))
    counted(here, "both")
    [id] = fed(here, "both", at(38)).instances
    jobs = here.instance(id).trigger["jobs"]
    assert {name: job["date"] for name, job in jobs.items()} == {"a": "2026-11-25", "b": "2026-11-25"}
    assert states(here, "both") == ["WAITING", "TAKEN", "TAKEN"]
    assert fed(here, "both", at(14 + 24 * 8)).dropped == 1  # the others never came (within: 7d)


def test_a_job_that_is_switched_off_misses_ends_and_the_ledger_says_so(here: Installation) -> None:
    here.install(a_job("a"), a_triggered_job("next", {"job": {"name": "a"}}))
    watched(here, "next")
    here.hold("next", "operator")
    ran(here, "a", at(14))
    counted(here, "next")
    [item] = items(here, "next")
    assert (item.state, item.reason) == ("DROPPED", "hold operator of bob")
    with here.store.read() as reader:
        [row] = reader.slots.list(here.uid("next"))
    assert (row.decision, row.rule, row.blocker) == ("skipped", "hold", "hold operator")


def test_a_job_that_is_paused_gets_them_when_it_is_resumed(here: Installation) -> None:
    here.install(a_job("a"), a_triggered_job("next", {"job": {"name": "a"}}))
    watched(here, "next")
    here.hold("next", "paused")
    ran(here, "a", at(14))
    counted(here, "next")
    assert states(here, "next") == ["WAITING"]


def test_a_circle_that_no_declaration_showed_is_stopped_and_told(here: Installation) -> None:
    here.install(
        a_job("seed"),
        a_triggered_job("ping", {"after": {"all": {"seed": "any"}}}),
        a_triggered_job("pong", {"job": {"name": "ping"}}),
    )
    watched(here, "ping", "pong")
    ran(here, "seed", at(14))
    counted(here, "ping", "pong")
    [ping] = fed(here, "ping", at(14)).instances
    start(here, ping, at(14))
    end(here, ping, "succeeded", at(14))
    counted(here, "ping", "pong")
    [pong] = fed(here, "pong", at(14)).instances
    # A deploy of another source makes it a circle now.
    uid, new = here.uid("ping"), a_triggered_job("ping", {"job": {"name": "pong"}})

    def update(tx: Any) -> None:
        record = tx.objects.by_uid(uid)
        tx.objects.update(uid, new, expected_digest=record.digest, at=NOW, who="test")

    here.store.transact(update)
    start(here, pong, at(14))
    end(here, pong, "succeeded", at(14))
    counted(here, "ping", "pong")
    assert items(here, "ping")[-1].reason == "cycle: ping > pong > ping"
    assert fed(here, "ping", at(14)).instances == ()


def test_the_place_up_to_which_ends_are_counted_moves_also_when_none_counts(here: Installation) -> None:
    here.install(a_job("a"), a_job("other"), a_triggered_job("next", {"job": {"name": "a"}}))
    watched(here, "next")
    ran(here, "other", at(14))
    assert counted(here, "next").fed == ()
    with here.store.read() as reader:
        assert reader.feeds.cursor() == reader.events.last_id()
