"""What authors write about overlap, locks, retries and limits: what is accepted, and what it means."""

from __future__ import annotations

from typing import Any

import pytest
from builders import a_job, a_job_with_step, a_runner, an_object

from runner.declaration.decode import problems_of
from runner.declaration.resolve import resolve
from runner.declaration.surroundings import Surroundings


def resolved(document: Any, **around: Any) -> Any:
    return resolve(document, "Job", Surroundings(**around))


def told(document: Any) -> list[tuple[str, str]]:
    return [(p.rule, ".".join(map(str, p.path))) for p in problems_of(document)]


@pytest.mark.parametrize("policy", ["skip", "queue-one", "queue", "replace", "allow"])
def test_every_policy_has_a_limit_that_may_be_given(policy: str) -> None:
    job = a_job(concurrency={"policy": policy, "limit": 3})
    assert told(job) == []
    assert resolved(job)["concurrency"] == {"policy": policy, "limit": 3}


def test_without_a_word_one_instance_is_open_and_with_allow_any_number() -> None:
    assert resolved(a_job())["concurrency"] == {"policy": "skip", "limit": 1}
    assert resolved(a_job(concurrency={"policy": "queue"}))["concurrency"]["limit"] == 1
    assert resolved(a_job(concurrency={"policy": "allow"}))["concurrency"]["limit"] is None


def test_a_limit_of_the_runner_for_another_policy_does_not_bind_allow() -> None:
    settings = a_runner(defaults={"concurrency": {"policy": "skip", "limit": 2}})
    job = resolved(a_job(concurrency={"policy": "allow"}), runner=settings)
    assert job["concurrency"] == {"policy": "allow", "limit": None}
    assert resolved(a_job(), runner=settings)["concurrency"] == {"policy": "skip", "limit": 2}


def test_a_limit_is_never_declared_empty() -> None:
    assert told(a_job(concurrency={"policy": "queue", "limit": None})) == [
        ("wrong-type", "spec.concurrency.limit")
    ]


def test_locks_and_limits_of_groups_are_run() -> None:
    assert told(a_job(locks=["warehouse", "archive"])) == []
    assert resolved(a_job(locks=["warehouse", "archive"]))["locks"] == ["archive", "warehouse"]
    assert told(an_object("Group", "nightly", {"enabled": True, "limit": 2})) == []
    assert told(an_object("Group", "nightly", {"limit": 0})) != []


def test_failures_to_be_retried_are_those_of_the_nearest_level_and_the_steps_own() -> None:
    settings = a_runner(defaults={"neverRetryOn": {"exitCodes": [64]}})
    steps = [
        {"name": "a", "shell": "true", "retryOn": {"errors": ["timeout"]}},
        {"name": "b", "shell": "true"},
    ]
    job = resolved(a_job(retryOn={"sqlStates": ["40", "55P03"]}, steps=steps), runner=settings)
    none = {"errors": [], "exitCodes": [], "sqlStates": []}
    assert job["retryOn"] == {**none, "sqlStates": ["40", "55P03"]}
    assert [step["retryOn"] for step in job["steps"]] == [{**none, "errors": ["timeout"]}, job["retryOn"]]
    assert [step["neverRetryOn"] for step in job["steps"]] == [{**none, "exitCodes": [64]}] * 2


def test_a_job_that_says_nothing_of_failures_is_the_same_as_before_it_could() -> None:
    job = resolved(a_job())
    assert not {"retryOn", "neverRetryOn"} & {*job, *job["steps"][0]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"exitCodes": [256]},
        {"exitCodes": ["75"]},
        {"sqlStates": ["4000"]},
        {"sqlStates": [40]},
        {"codes": []},
    ],
)
def test_what_is_no_failure_is_refused(wrong: dict[str, Any]) -> None:
    assert told(a_job(retryOn=wrong)) != []
    assert told(a_job_with_step(shell="true", neverRetryOn=wrong)) != []


def test_every_limit_may_be_declared() -> None:
    limits = {
        "memory": "512MiB", "cpuTime": "10m", "openFiles": 256, "processes": 50, "output": "5MiB",
        "nice": 10, "umask": "027",
    }  # fmt: skip
    assert told(a_job(limits=limits, runAs="etl:staff")) == []
    job = resolved(a_job(limits=limits, runAs="etl:staff"))
    assert (job["limits"], job["runAs"]) == (limits, "etl:staff")


@pytest.mark.parametrize(
    "wrong",
    [{"openFiles": 3}, {"processes": 0}, {"nice": 20}, {"nice": "10"}, {"umask": "29"}, {"umask": 27}],
)
def test_limits_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    assert [path for _, path in told(a_job(limits=wrong))] == [f"spec.limits.{next(iter(wrong))}"]


@pytest.mark.parametrize("user", ["", "Root Admin", "etl:", "../x", "-x"])
def test_a_user_that_no_system_has_is_refused(user: str) -> None:
    assert [path for _, path in told(a_job(runAs=user))] == ["spec.runAs"]


def test_another_users_working_directory_is_not_kept() -> None:
    assert told(a_job(runAs="etl", keepWorkdir=True)) == [("both-given", "spec.keepWorkdir")]
