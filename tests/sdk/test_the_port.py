"""What goes over the port, word by word: who implements it relies on this."""

from __future__ import annotations

from typing import Any

import pytest

from runner import Job, Status
from runner.sdk.drive import drive
from runner.sdk.port import Ask, Limits, Outcome, Port, Recorded


class Written(Port):
    """Writes down what it hears; stops when it has heard `stops_after` commits."""

    def __init__(self, stops_after: int | None = None, ask: Ask = "stop") -> None:
        self.heard: list[dict[str, Any]] = []
        self.stops_after = stops_after
        self.ask = ask

    def now(self) -> float:
        return 1000.0

    def asked(self) -> Ask | None:
        commits = sum(message["m"] in ("checkpoint", "sleep") for message in self.heard)
        return self.ask if self.stops_after is not None and commits >= self.stops_after else None

    def wait(self, seconds: float, interruptible: bool) -> None:
        self.heard.append({"m": "waited", "seconds": seconds, "interruptible": interruptible})

    def send(self, message: dict[str, Any]) -> None:
        self.heard.append(message)

    def commit(self, message: dict[str, Any]) -> None:
        self.heard.append(message)

    def log(self, line: str) -> None:
        self.heard.append({"m": "log", "line": line})


class Import(Job):
    def prepare(self, params: dict[str, Any], status: Status | None) -> Status:
        return status or Status({"rows": 0})

    def perform(self, status: Status) -> Status:
        if status.state["rows"] == 2:
            return Status(status.state, complete=True, outputs={"rows": 2})
        self.persistent["last"] = "é"
        self.persistent.pop("first", None)
        self.info["files.read"] = 1
        self.trigger_at(5000)
        self.progress(1, 2, "rows")
        return Status({"rows": 2})


def test_a_class_from_its_start_to_its_end() -> None:
    port = Written()
    outcome = drive(Import, port, recorded=Recorded(persistent='{"first": 1}'))
    assert port.heard == [
        {"m": "checkpoint", "n": 1, "cursor": {}, "state": '{"rows":0}'},
        {"m": "progress", "done": 1, "total": 2, "text": "rows"},
        {
            "m": "checkpoint",
            "n": 2,
            "cursor": {},
            "state": '{"rows":2}',
            "persistent": {"set": {"last": '"é"'}, "removed": ["first"]},
            "info": '{"files":{"read":1}}',
            "trigger_at": 5000.0,
        },
    ]
    assert outcome == Outcome("complete", {"m": "complete", "n": 3, "cursor": {}}, {"rows": 2})


def test_what_is_recorded_follows_from_the_messages() -> None:
    port = Written()
    recorded = Recorded(persistent='{"first": 1}')
    drive(Import, port, recorded=recorded)
    for message in port.heard:
        recorded = recorded.after(message)
    assert recorded == Recorded(2, '{"rows":2}', {}, '{"files":{"read":1}}', '{"last":"é"}')


def test_a_resume_begins_with_what_is_recorded_and_numbers_on() -> None:
    port = Written()
    outcome = drive(Import, port, recorded=Recorded(n=7, state='{ "rows": 2 }'))
    assert port.heard == []
    assert outcome.record == {"m": "complete", "n": 8, "cursor": {}}


@pytest.mark.parametrize("ask", ["stop", "pause"])
def test_what_is_asked_is_the_outcome(ask: Ask) -> None:
    assert drive(Import, Written(stops_after=1, ask=ask)) == Outcome(ask)


def test_nothing_is_begun_that_is_to_stop() -> None:
    port = Written(stops_after=0)
    assert (drive(Import, port), port.heard) == (Outcome("stop"), [])


def test_a_sleep_is_committed_with_when_it_is_over() -> None:
    def run(job: Job) -> None:
        job.state["n"] = 1
        job.sleep(60)
        job.sleep(61)

    port = Written()
    outcome = drive(run, port)
    waited, slept = port.heard
    assert waited == {"m": "waited", "seconds": 60.0, "interruptible": True}
    ((sleep, times),) = slept["cursor"]["sleeps"]["run"]
    assert (len(sleep), times) == (8, 1)
    assert slept == {
        "m": "sleep",
        "n": 1,
        "state": '{"n":1}',
        "cursor": slept["cursor"],
        "until": 1061.0,
    }
    assert outcome == Outcome("sleep", until=1061.0)
    again = Written()
    assert drive(run, again, recorded=Recorded().after(slept)).kind == "complete"
    assert again.heard == [waited]


def test_what_is_only_said() -> None:
    def run(job: Job) -> None:
        job.log("l")
        job.warn("w", info={"a": 1})
        job.error("e", code="c", severity="minor")
        job.notify("info", "t", "m")
        job.info["a"] = 1
        raise OSError

    port = Written()
    with pytest.raises(OSError):
        drive(run, port)
    assert port.heard == [
        {"m": "log", "line": "l"},
        {"m": "raised", "severity": "warning", "code": "warning", "description": "w", "info": {"a": 1}},
        {
            "m": "raised",
            "severity": "error",
            "grade": "minor",
            "code": "c",
            "description": "e",
            "info": {},
        },
        {"m": "notify", "level": "info", "topic": "t", "message": "m"},
        {"m": "info", "info": '{"a":1}'},
    ]


def test_limits_are_given_with_the_call() -> None:
    from runner.sdk.failures import JobCodeError

    with pytest.raises(JobCodeError, match="of at most 5"):
        drive(Import, Written(), limits=Limits(state=5))


def test_an_end_that_the_port_raises_is_passed_on() -> None:
    class Gone(BaseException):
        pass

    class Cut(Written):
        def commit(self, message: dict[str, Any]) -> None:
            raise Gone

    with pytest.raises(Gone):
        drive(Import, Cut())
