"""Warnings, errors, progress, notifications, info, the log, and an earlier start."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner import Job, Status
from runner.sdk.failures import JobCodeError
from runner.sdk.info import Info
from runner.sdk.testing import STARTED_AT, Notification, Progress, Raised, Trial


def test_warnings_and_errors_are_kept_apart_and_stop_nothing() -> None:
    def run(job: Job) -> None:
        job.warn("3 rows had no name", code="no-name", info={"rows": [1, 2, 3]})
        job.error("region north is missing")
        job.error("the source is empty", code="empty", severity="critical", info={"at": datetime(2026, 1, 1)})

    trial = Trial(run).run()
    assert trial.warnings == [Raised("3 rows had no name", "no-name", None, {"rows": [1, 2, 3]})]
    assert trial.errors == [
        Raised("region north is missing", "error", "major", {}),
        Raised("the source is empty", "empty", "critical", {"at": "2026-01-01 00:00:00"}),
    ]
    assert trial.ended == "complete"


def test_what_is_said_is_cut_to_what_a_person_reads() -> None:
    def run(job: Job) -> None:
        job.warn("x" * 9000, code="c" * 900)
        job.notify("info", "t" * 900, "\ud800" + "m" * 9000)

    trial = Trial(run).run()
    assert (len(trial.warnings[0].description), len(trial.warnings[0].code)) == (4000, 100)
    assert (len(trial.notifications[0].topic), len(trial.notifications[0].message)) == (200, 4000)


def test_a_severity_or_a_level_that_nobody_knows_is_refused() -> None:
    def run(job: Job) -> None:
        with pytest.raises(ValueError, match=r"^severity is 'bad'; it is one of minor, major, critical$"):
            job.error("x", severity="bad")  # type: ignore[arg-type]
        with pytest.raises(
            ValueError, match=r"^level is 'warn'; it is one of info, success, warning, error$"
        ):
            job.notify("warn", "x", "y")  # type: ignore[arg-type]

    Trial(run).run()


def test_a_remark_does_not_fail_for_what_is_attached_to_it() -> None:
    class Shy:
        def __str__(self) -> str:
            raise OSError("not now")

    def run(job: Job) -> None:
        job.warn("x", info={"shy": Shy()})
        with pytest.raises(TypeError, match=r"^info is a str; it is a map$"):
            job.warn("x", info="text")  # type: ignore[arg-type]

    assert Trial(run).run().warnings[0].info == {"left_out": "info.shy: Shy is not JSON"}


def test_people_are_notified() -> None:
    trial = Trial(lambda job: job.notify("success", "import", "250 contacts")).run()
    assert trial.notifications == [Notification("success", "import", "250 contacts")]


def test_progress_is_passed_on_ten_times_a_second_and_the_last_word_always() -> None:
    def run(job: Job) -> None:
        for i in range(1000):
            job.progress(i, 1000, "rows")
            trial.advance(0.001)

    trial = Trial(run)
    trial.run()
    assert len(trial.progress) == 11
    assert trial.progress[-1] == Progress(999, 1000, "rows")


def test_progress_is_said_before_what_is_said_after_it() -> None:
    said: list[str] = []

    def run(job: Job) -> None:
        send = job._runner.port.send
        job._runner.port.send = lambda message: (said.append(message["m"]), send(message))  # type: ignore
        job.progress(1)
        job.progress(2)
        job.warn("late")

    Trial(run).run()
    assert said == ["progress", "progress", "raised"]


def test_a_clock_that_is_set_back_does_not_silence_progress() -> None:
    def run(job: Job) -> None:
        job.progress(1)
        trial.advance(-5000)
        job.progress(2)
        raise OSError

    trial = Trial(run)
    with pytest.raises(OSError):
        trial.run()
    assert [p.done for p in trial.progress] == [1, 2]


@pytest.mark.parametrize(
    ("done", "total", "reason"),
    [
        (-1, None, "done is -1; it is from 0 to what 64 bits hold"),
        (0, float("inf"), "total is inf; it is from 0 to what 64 bits hold"),
        (float("nan"), None, "done is nan; it is from 0 to what 64 bits hold"),
        (10**300, None, r"done is 1e\+300; it is from 0 to what 64 bits hold"),
        (10**999, None, "done is a number of many digits; it is from 0 to what 64 bits hold"),
        ("3", None, "done is a str; it is a number"),
        (None, None, "done is a NoneType; it is a number"),
        (1, True, "total is a bool; it is a number"),
    ],
)
def test_progress_is_a_number(done: Any, total: Any, reason: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{reason}$"):
        Trial(lambda job: job.progress(done, total)).run()


def test_the_log_has_levels_and_no_need_of_them() -> None:
    def run(job: Job) -> None:
        job.log("plain")
        job.log.debug("d")
        job.log.info("i")
        job.log.warning("w")
        job.log.error(3)

    assert Trial(run).run().log == ["plain", "DEBUG d", "i", "WARNING w", "ERROR 3"]


def test_info_is_saved_at_dotted_paths_and_recorded_with_the_checkpoint() -> None:
    class Saving(Job):
        def perform(self, status: Status) -> Status:
            count = self.info.get("files.read", 0)
            self.info["files.read"] = count + 1
            self.info.set("files.last", {"name": f"{count}.csv"})
            return Status({}, complete=count == 2)

    trial = Trial(Saving).run(kill_before=2).run()
    assert trial.info == {"files": {"read": 3, "last": {"name": "2.csv"}}}


def test_what_is_got_from_info_is_a_copy() -> None:
    info = Info('{"a":{"list":[1]}}', 1000)
    info["a.list"].append(2)
    value = [1]
    info["b"] = value
    value.append(2)
    assert (info["a"], info["b"]) == ({"list": [1]}, [1])


def test_info_knows_what_it_has() -> None:
    info = Info(None, 1000)
    info.update({"a.b": 1, "c": None})
    assert ("a.b" in info, "a.x" in info, "c.d" in info, list(info), len(info)) == (
        True,
        False,
        False,
        ["a", "c"],
        2,
    )
    del info["a.b"]
    with pytest.raises(KeyError):
        del info["a.b"]
    assert (info["a"], info.get("a.b", "gone"), repr(info)) == ({}, "gone", "Info({'a': {}, 'c': None})")


def test_a_path_does_not_lead_through_a_number_and_leaves_nothing_half_made() -> None:
    info = Info('{"a":{"n":3}}', 1000)
    with pytest.raises(TypeError, match=r"^info\.a\.n is an int and cannot hold 'x'; delete it first$"):
        info["a.n.x.y"] = 1
    with pytest.raises(JobCodeError, match=r"^info\.new\.path\[0\]: set is not JSON; store a sorted list$"):
        info["new.path"] = [{1}]
    assert (repr(info), info.unrecorded()) == ("Info({'a': {'n': 3}})", None)


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b", 3, None])
def test_a_path_has_names_between_its_dots(path: Any) -> None:
    with pytest.raises(
        ValueError, match=r"is no path; write names with dots between them, like 'files\.read'"
    ):
        Info(None, 1000)[path] = 1


def test_a_path_has_an_end() -> None:
    with pytest.raises(ValueError, match=r"… has 51 names; 50 is the most$"):
        Info(None, 1000)[".".join("a" * 51)] = 1


def test_info_has_a_limit_and_names_what_is_large() -> None:
    def run(job: Job) -> None:
        for i in range(10):
            job.info[f"a.b{i}"] = "x" * 30_000 * (1 + (i == 7))

    with pytest.raises(
        JobCodeError, match=r"^info: 330,\d+ bytes of JSON, of at most 262,144; info\.a alone"
    ):
        Trial(run).run()


names = st.sampled_from(["a", "b", "c"])
paths = st.lists(names, min_size=1, max_size=3).map(".".join)


@given(st.lists(st.tuples(paths, st.integers(0, 9) | st.none() | st.just({"a": 1}))))
def test_what_was_set_last_is_what_is_there(changes: list[tuple[str, Any]]) -> None:
    info = Info(None, 10_000)
    for path, value in changes:
        before = info.unrecorded()
        try:
            info[path] = value
        except TypeError:
            assert info.unrecorded() == before
        else:
            assert info[path] == value
    assert repr(Info(info.unrecorded(), 10_000)) == repr(info)


def test_the_earliest_of_several_earlier_starts_wins_and_is_recorded_once() -> None:
    def run(job: Job) -> None:
        job.trigger_at(STARTED_AT + 500)
        job.trigger_at(datetime(2026, 1, 1, 0, 5, tzinfo=UTC))
        job.trigger_at(STARTED_AT + 400)
        job.checkpoint()
        job.checkpoint()

    trial = Trial(run, metadata={"next_slot": "2026-01-01T01:00:00Z"}).run()
    assert trial.earlier_starts == [STARTED_AT + 300]


def test_an_earlier_start_is_earlier() -> None:
    with pytest.raises(ValueError) as raised:
        Trial(
            lambda job: job.trigger_at(datetime(2026, 1, 1, 1, tzinfo=UTC)),
            metadata={"next_slot": "2026-01-01T01:00:00+00:00"},
        ).run()
    assert str(raised.value) == (
        "2026-01-01 01:00:00+00:00 is not before the next slot at 2026-01-01T01:00:00+00:00, and trigger_at "
        "is for an earlier start"
    )


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        (datetime(2026, 1, 1), "has no time zone; give an aware datetime"),
        ("2026-01-01", "when is a str; it is an aware datetime or seconds since the epoch"),
        (float("nan"), "when is nan; it is from 0"),
        (1e12, r"when is 1e\+12; it is from 0 \(the year 1970\) to the year 9999, in seconds"),
        (-1, "when is -1; it is from 0"),
        (True, "when is a bool"),
    ],
)
def test_an_earlier_start_is_a_time(when: Any, reason: str) -> None:
    with pytest.raises((TypeError, ValueError), match=reason):
        Trial(lambda job: job.trigger_at(when)).run()


def test_an_earlier_start_is_not_recorded_by_work_that_failed() -> None:
    def run(job: Job) -> None:
        job.trigger_at(STARTED_AT)
        raise OSError

    trial = Trial(run)
    with pytest.raises(OSError):
        trial.run()
    assert trial.earlier_starts == []


def test_threads_of_the_job_may_speak_one_at_a_time() -> None:
    from concurrent.futures import ThreadPoolExecutor

    inside: list[int] = []

    def run(job: Job) -> None:
        port = job._runner.port
        send = port.send

        def alone(message: dict[str, Any]) -> None:
            inside.append(1)
            assert len(inside) == 1
            send(message)
            inside.pop()

        port.send = alone  # type: ignore[method-assign]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda i: (job.warn(str(i)), job.progress(i), job.should_stop), range(200)))

    assert len(Trial(run).run().warnings) == 200
