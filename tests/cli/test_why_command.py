"""`runner jobs why` as people and scripts read it."""

from __future__ import annotations

from collections.abc import Callable

from installations import Installation, a_job

KEYS = [
    "job", "at", "local", "schedule", "answer", "text", "instance_id", "rule", "blocker", "before", "after",
    "marks",
]  # fmt: skip
DAILY = {"cron": "0 2 * * *", "timezone": "Europe/Berlin"}


def test_the_answer_has_exactly_the_fixed_keys(here: Installation, say: Callable) -> None:
    here.install(a_job("report", schedule=DAILY))
    answer = say("jobs", "why", "report", "2030-07-01T02:00", "-o", "json").json
    assert list(answer) == KEYS
    assert (answer["job"], answer["at"], answer["answer"]) == (
        "report",
        "2030-07-01T00:00:00.000Z",
        "will-run",
    )
    assert (answer["instance_id"], answer["rule"], answer["blocker"]) == (None, None, None)
    assert (answer["before"], answer["after"]) == ("2030-06-30T00:00:00.000Z", "2030-07-02T00:00:00.000Z")


def test_people_read_the_word_first_and_the_slots_around_it_last(here: Installation, say: Callable) -> None:
    here.install(a_job("report", schedule=DAILY))
    assert say("jobs", "why", "report", "2030-07-01T02:30").out.splitlines() == [
        "report  Mon 2030-07-01 02:30:00+02:00  (2030-07-01 00:30:00Z)",
        "not a slot: no slot of its schedule",
        "  the slot before it: Mon 2030-07-01 02:00:00+02:00",
        "  the slot after it: Tue 2030-07-02 02:00:00+02:00",
    ]


def test_a_time_in_two_words_needs_no_quotes(here: Installation, say: Callable) -> None:
    here.install(a_job("report", schedule=DAILY))
    assert (
        say("jobs", "why", "report", "tomorrow", "02:00", "-o", "json")
        .json["local"]
        .endswith("T02:00:00+01:00")
    )


def test_of_a_time_that_comes_twice_the_second_is_also_told(here: Installation, say: Callable) -> None:
    here.install(a_job("report", schedule={"cron": "30 2 * * *", "timezone": "Europe/Berlin"}))
    answer = say("jobs", "why", "report", "2030-10-27T02:30", "-o", "json").json
    assert list(answer) == [*KEYS, "also"]
    assert (answer["answer"], answer["also"]["answer"]) == ("will-run", "not-a-slot")
    assert (
        say("jobs", "why", "report", "2030-10-27T02:30").out.count("report  Sun 2030-10-27 02:30:00+0") == 2
    )


def test_an_unknown_job_and_a_time_that_is_none_are_refused(here: Installation, say: Callable) -> None:
    here.install(a_job("report", schedule=DAILY))
    wrong = say("jobs", "why", "report", "soon")
    assert (wrong.code, wrong.out) == (64, "")
    assert "'soon' is no time; write it like 02:30, yesterday 02:00" in wrong.err
    assert "did you mean 'report'?" in say("jobs", "why", "reprot").err
