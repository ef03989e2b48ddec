"""What arrives at an engine: fed at its time, behind holds, and after the runs that it waits for."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "operations"))

from daemons import Daemon, no_thread
from installations import NOW, Installation, a_job, an_object
from triggered_lives import a_triggered_job, comes, items, states, whole_run

Start = Callable[..., Daemon]
FILES = {"file": {"root": "nowhere", "match": "*"}}


def ends(here: Installation, name: str, expected: list[str]) -> Callable[[], bool]:
    return lambda: states(here, name) == expected


def test_what_the_listener_has_kept_is_started_one_after_the_other(
    here: Installation, a_daemon: Start
) -> None:
    here.install(a_triggered_job("load", FILES))
    up = a_daemon()
    for key in "abc":
        comes(here, "load", key)
    up.engine.look()
    up.until(ends(here, "load", ["DONE"] * 3))
    assert [here.instance(id).slot_key for id in (1, 2, 3)] == ["a", "b", "c"]
    assert up.heard.of("trouble") == []


def test_a_debounce_is_over_at_its_time_without_anybody_looking(here: Installation, a_daemon: Start) -> None:
    here.install(a_triggered_job("load", {**FILES, "debounce": "2s"}))
    up = a_daemon()
    comes(here, "load", "a")
    comes(here, "load", "b")
    up.engine.look()
    up.settle()
    assert states(here, "load") == ["WAITING", "WAITING"]
    up.clock.passes(seconds=2)  # and only the timer notices
    up.until(ends(here, "load", ["DONE", "DONE"]))
    assert here.instance(1).trigger["items"] == [1, 2]


def test_what_waited_behind_a_hold_starts_when_it_is_cleared(here: Installation, a_daemon: Start) -> None:
    here.install(a_triggered_job("load", FILES))
    here.hold("load", "paused")
    comes(here, "load", "a")
    up = a_daemon()
    up.settle()
    assert states(here, "load") == ["WAITING"]
    uid = here.uid("load")
    here.store.transact(lambda tx: tx.holds.clear(uid, "paused", at=NOW, who="test"))
    up.engine.look()
    up.until(ends(here, "load", ["DONE"]))


def test_a_root_that_links_in_a_circle_is_told_of_and_its_files_come_when_it_is_mended(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    here.install(
        an_object("Runner", "runner", {"roots": {"incoming": {"path": "circle", "access": "read"}}}),
        a_triggered_job("load", {"file": {"root": "incoming", "match": "*.csv", "stableFor": "0s"}}),
    )
    (tmp_path / "circle").symlink_to("circle")
    up = a_daemon()
    up.until(lambda: len(up.heard.of("trouble")) == 2)
    assert {doing for doing, problem in up.heard.of("trouble") if "circle" in problem} == {
        "making root incoming",
        "looking for files of Job/load in root incoming",
    }
    (tmp_path / "circle").unlink()
    (tmp_path / "circle").mkdir()
    (tmp_path / "circle" / "a.csv").touch()
    up.engine._triggers._files.poke()
    up.until(ends(here, "load", ["DONE"]))


def test_files_are_watched_although_there_was_no_thread_for_it_at_first(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    here.install(
        an_object("Runner", "runner", {"roots": {"incoming": {"path": "in", "access": "read"}}}),
        a_triggered_job("load", {"file": {"root": "incoming", "match": "*.csv", "stableFor": "0s"}}),
    )
    with no_thread("file-watch"):
        up = a_daemon()
        assert up.until_heard("trouble") == ("reading what has arrived", "can't start new thread")
    up.engine.look()
    (tmp_path / "in" / "a.csv").touch()
    up.until(ends(here, "load", ["DONE"]))


def test_each_start_of_the_daemon_counts_once(here: Installation, a_daemon: Start) -> None:
    here.install(a_triggered_job("boot", {"startup": {}}), a_triggered_job("off", {"startup": {}}))
    here.hold("off", "operator")
    first = a_daemon()
    first.until(ends(here, "boot", ["DONE"]))
    first.engine.look()
    first.stop()
    second = a_daemon()
    second.until(ends(here, "boot", ["DONE", "DONE"]))
    assert [item.reason for item in items(here, "off")] == ["hold operator of bob"] * 2


def test_jobs_follow_each_other_through_a_chain(here: Installation, a_daemon: Start) -> None:
    here.install(
        a_job("first"),
        a_triggered_job("second", {"job": {"name": "first"}}),
        a_triggered_job("third", {"after": {"all": {"first": "any", "second": "succeeded"}}}),
    )
    up = a_daemon()
    up.settle()
    up.trigger("first")
    up.until(ends(here, "third", ["DONE", "DONE"]))
    assert states(here, "second") == ["DONE"]
    [last] = [here.instance(id) for id in (1, 2, 3) if here.instance(id).job == "third"]
    assert sorted(last.trigger["jobs"]) == ["first", "second"]


def test_an_end_that_nobody_had_counted_when_the_daemon_died_counts_at_the_next_start(
    here: Installation, a_daemon: Start
) -> None:
    here.install(a_job("first"), a_triggered_job("second", {"job": {"name": "first"}}))
    up = a_daemon()
    up.settle()
    up.stop()
    whole_run(here, here.run("first"))
    again = a_daemon()
    again.until(ends(here, "second", ["DONE"]))


def test_a_trouble_with_one_trigger_is_told_and_keeps_no_other_from_starting(
    here: Installation, a_daemon: Start
) -> None:
    here.install(a_triggered_job("good", FILES), a_triggered_job("bad", FILES))
    for name in ("good", "bad"):
        comes(here, name, "a")

    _write(here, "nonsense")
    up = a_daemon()
    up.until(ends(here, "good", ["DONE"]))
    up.until(lambda: any("feeding what arrived to Job/bad" in doing for doing, _ in up.heard.of("trouble")))
    up.stop()
    _write(here, "{}")


def _write(here: Installation, data: str) -> None:
    """Over the data of the job `bad`, past the store."""
    connection = sqlite3.connect(here.path)
    connection.execute("UPDATE arrivals SET data = ? WHERE job_uid = ?", (data, here.uid("bad")))
    connection.commit()
    connection.close()
