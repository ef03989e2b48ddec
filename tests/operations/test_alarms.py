"""What the daemon has seen of its clock, its loop and its slots is told for as long as it matters."""

from __future__ import annotations

from datetime import datetime, timedelta

from installations import ANA, Installation, a_job
from lives import at, decide, set_watermark

from runner.dispatch.clock_watch import ClockReading
from runner.operations.alarms import alarms
from runner.operations.concern import Concern
from runner.operations.maintenance import maintenance_off
from runner.operations.note_clock import note_presence
from runner.operations.status import situation


def told(here: Installation, now: datetime) -> list[Concern]:
    with here.store.read() as reader:
        return list(alarms(reader, now))


def a_daemon(here: Installation) -> int:
    return here.store.transact(
        lambda tx: tx.sessions.start("up", pid=1, host="here", boot_id="b", login="ana", at=at(0))
    )


def happens(here: Installation, session: int, event: str, when: datetime) -> None:
    here.store.transact(
        lambda tx: tx.events.append(
            "daemon", str(session), event, at=when, who="system:watchdog", why=f"{event}!"
        )
    )


def test_a_clock_that_was_put_far_back_needs_a_person_until_the_starts_go_on(here: Installation) -> None:
    here.install(a_job("tick"))
    here.store.transact(lambda tx: note_presence(tx, 1, "a", ClockReading(at(0), 10.0, 10.0)))
    back = ClockReading(at(-5), 20.0, 20.0)
    here.store.transact(lambda tx: note_presence(tx, 2, "a", back))
    [alarm] = told(here, at(-5))
    assert (alarm.kind, alarm.problem, alarm.hint) == (
        "clock", True, "when the clock is right now: runner maintenance off",
    )  # fmt: skip
    assert alarm.summary.startswith("the clock was put back by 5h")
    here.store.transact(lambda tx: maintenance_off(tx, (), actor=ANA, reason="", now=at(-4.9)))
    assert told(here, at(-4.9)) == []


def test_a_loop_that_stands_still_needs_a_person_until_it_ticks_again(here: Installation) -> None:
    session = a_daemon(here)
    happens(here, session, "watchdog.stall", at(1))
    assert [(alarm.kind, alarm.problem) for alarm in told(here, at(1.1))] == [("stuck", True)]
    happens(here, session, "watchdog.recovered", at(1.2))
    assert told(here, at(1.3)) == []


def test_a_process_that_a_debugger_holds_needs_a_person_until_it_goes_on(here: Installation) -> None:
    session = a_daemon(here)
    for pid, event in ((7, "held"), (8, "held"), (7, "freed"), (9, "held")):
        details, why = {"pid": pid, "go_on": "kill 4711"}, f"{pid}; kill 4711"
        here.store.transact(
            lambda tx, e=event, d=details, w=why: tx.events.append(  # type: ignore[misc]
                "daemon", str(session), f"watchdog.{e}", at=at(1), who="s", why=w, details=d
            )
        )
    assert [(alarm.summary, alarm.hint) for alarm in told(here, at(2))] == [
        ("8", "kill 4711"),
        ("9", "kill 4711"),
    ]
    here.store.transact(lambda tx: tx.sessions.end(session, at(2), "stop"))
    assert told(here, at(2)) == []


def test_a_forgotten_slot_is_told_for_a_day(here: Installation) -> None:
    happens(here, a_daemon(here), "watchdog.slot", at(1))
    assert [(alarm.kind, alarm.problem) for alarm in told(here, at(2))] == [("watchdog", False)]
    assert told(here, at(26)) == []


def test_a_slot_that_no_daemon_and_one_that_the_daemon_does_not_decide_are_told_apart(
    here: Installation,
) -> None:
    from runner.store.daemon_lock import daemon_lock

    here.install(a_job("tick", schedule={"every": "1h"}))
    set_watermark(here, "tick", at(0))
    late = at(1) + timedelta(minutes=4)

    def missed(now: datetime) -> list[str]:
        with here.store.read() as reader:
            return [f.summary for f in situation(reader, here.state, now).findings if f.kind == "missed"]

    assert missed(late) == ["a start is due, and no daemon runs"]
    with daemon_lock(here.state):
        assert missed(at(1) + timedelta(minutes=2)) == []
        assert missed(late) == ["a start is due, and the daemon does not decide it"]
        decide(here, "tick", late)
        assert missed(late) == []
