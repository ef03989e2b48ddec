"""Triggers as they are written: what is wrong, where it stands, and what they mean with every default."""

from __future__ import annotations

from typing import Any

import pytest
from builders import HELLO, a_job, a_job_type, a_runner, a_schedule, an_authorization, an_object
from test_cross_checks import problems

from runner.declaration.decode import problems_of
from runner.declaration.resolve import resolve
from runner.declaration.surroundings import Surroundings

SECRET = {"authorization": "shop", "key": "secret"}
HOOK = {"webhook": {"path": "orders", "secret": SECRET}}
FILE = {"file": {"root": "incoming", "match": "*.csv"}}
INSIDE = "spec.schedule.trigger"


def told(document: Any) -> list[tuple[str, str]]:
    return [(problem.rule, ".".join(map(str, problem.path))) for problem in problems_of(document)]


def a_triggered(trigger: dict[str, Any], name: str = "report", **spec: Any) -> dict[str, Any]:
    return a_job(name, schedule={"trigger": trigger}, **spec)


def meant(trigger: dict[str, Any]) -> Any:
    job = resolve(a_triggered(trigger), "Job", Surroundings())
    return job["schedules"]["default"]["trigger"]


@pytest.mark.parametrize(
    "trigger",
    [
        {"startup": {}},
        FILE,
        {
            "file": {
                "root": "incoming",
                "match": "**/*.csv",
                "then": "move",
                "moveTo": "ok",
                "failedTo": "bad",
            }
        },
        HOOK,
        {"webhook": {"path": "shop/v1/orders", "secret": [SECRET, SECRET], "signature": "github"}},
        {"webhook": {**HOOK["webhook"], "schema": {"type": "object", "$defs": {"a": {}}}}, "batch": 10},
        {"job": {"name": "other"}},
        {"job": {"name": "other", "state": ["failed", "cancelled"]}, "debounce": "10s"},
        {"after": {"all": {"a": "succeeded", "b": "any"}, "sameSlotDate": True}},
        {**FILE, "queue": {"limit": 5, "overflow": "drop-oldest"}},
    ],
    ids=str,
)
def test_what_may_be_written(trigger: dict[str, Any]) -> None:
    assert told(a_triggered(trigger)) == []


@pytest.mark.parametrize(
    ("trigger", "rule", "where"),
    [
        ({}, "one-of", ""),
        ({**FILE, "startup": {}}, "both-given", ".startup"),
        ({"file": {"root": "incoming", "match": "../*.csv"}}, "outside-root", ".file.match"),
        ({"file": {"root": "incoming", "match": "/etc/*"}}, "outside-root", ".file.match"),
        ({"file": {**FILE["file"], "then": "move", "moveTo": "a/../.."}}, "outside-root", ".file.moveTo"),
        ({"file": {**FILE["file"], "moveTo": "done"}}, "no-effect", ".file.moveTo"),
        ({"file": {**FILE["file"], "stableFor": "2d"}}, "out-of-range", ".file.stableFor"),
        ({"webhook": {**HOOK["webhook"], "maxBody": "2MiB"}}, "out-of-range", ".webhook.maxBody"),
        ({"webhook": {**HOOK["webhook"], "tolerance": "2h"}}, "out-of-range", ".webhook.tolerance"),
        (
            {"webhook": {**HOOK["webhook"], "signature": "github", "tolerance": "1m"}},
            "no-effect",
            ".webhook.tolerance",
        ),
        ({"webhook": {**HOOK["webhook"], "schema": {"type": 5}}}, "bad-schema", ".webhook.schema"),
        (
            {"webhook": {**HOOK["webhook"], "schema": {"$ref": "https://x/y"}}},
            "bad-schema",
            ".webhook.schema",
        ),
        ({"startup": {}, "debounce": "5s"}, "no-effect", ".debounce"),
        ({"after": {"all": {"a": "any", "b": "any"}}, "batch": 5}, "no-effect", ".batch"),
        ({**FILE, "batch": 5, "debounce": "5s"}, "both-given", ".batch"),
        ({**FILE, "debounce": {"quiet": "10m", "atMost": "5m"}}, "out-of-range", ".debounce.atMost"),
        ({"job": {"name": "a"}, "queue": {"overflow": "refuse"}}, "no-effect", ".queue.overflow"),
    ],
    ids=str,
)
def test_what_may_not(trigger: dict[str, Any], rule: str, where: str) -> None:
    assert told(a_triggered(trigger)) == [(rule, INSIDE + where)]


def test_a_path_that_needs_escapes_is_no_path_of_a_hook() -> None:
    for path in ("/orders", "a b", "a/../b", "a//b", "ä", "a?b"):
        found = told(a_triggered({"webhook": {"path": path, "secret": SECRET}}))
        assert [where for _, where in found] == [f"{INSIDE}.webhook.path"], path


def test_what_speaks_of_times_has_no_effect_beside_a_trigger() -> None:
    job = a_job(schedule={"trigger": FILE, "jitter": "5s"})
    assert told(job) == [("no-effect", "spec.schedule.jitter")]


def test_what_is_required_may_come_with_the_request() -> None:
    inputs = {"n": {"type": "integer", "required": True}}
    assert told(a_triggered(HOOK, inputs=inputs)) == []
    assert told(a_triggered({"job": {"name": "a"}}, inputs=inputs)) == []
    assert [rule for rule, _ in told(a_triggered(FILE, inputs=inputs))] == ["missing-input"]


def test_what_is_required_may_come_by_a_shared_schedule_that_brings_it() -> None:
    inputs = {"n": {"type": "integer", "required": True}}
    others = (
        an_object("Schedule", "incoming", {"trigger": {"job": {"name": "a"}}}),
        an_object("Schedule", "nightly", {"cron": "0 2 * * *"}),
        a_job("a"),
    )
    job = a_job(schedule="incoming", inputs=inputs)
    assert told(job) == []
    assert problems(job, *others) == []
    assert problems(a_job(schedule="nightly", inputs=inputs, with_={"n": 3}), *others) == []
    both = a_job(schedules={"first": "incoming", "second": "nightly"}, inputs=inputs)
    assert told(both) == []
    [(index, problem)] = problems(both, *others)
    assert (index, problem.rule, problem.path) == (0, "missing-input", ("spec", "with", "n"))
    assert problem.detail == "'n' is required and has no default, and Schedule/nightly brings no values"
    beside_cron = a_job(schedules={"first": "incoming", "second": "0 2 * * *"}, inputs=inputs)
    assert [rule for rule, _ in told(beside_cron)] == ["missing-input"]


def test_of_a_type_of_ones_own_too() -> None:
    own = a_job_type(inputs={"n": {"type": "integer", "required": True}}, steps=HELLO)
    others = (
        own,
        an_object("Schedule", "incoming", {"trigger": {"job": {"name": "a"}}}),
        an_object("Schedule", "nightly", {"cron": "0 2 * * *"}),
        a_job("a"),
    )
    assert problems(a_job(without="steps", type="import", schedule="incoming"), *others) == []
    [(_, problem)] = problems(a_job(without="steps", type="import", schedule="nightly"), *others)
    assert problem.rule == "missing-input"


def test_what_a_trigger_names_has_to_be_there() -> None:
    documents = [
        a_runner(roots={"incoming": {"path": "in"}}),
        a_triggered({"file": {"root": "incomin", "match": "*"}}, "files"),
        a_triggered({"file": {"root": "incoming", "match": "*", "then": "move"}}, "moved"),
        a_triggered({"job": {"name": "nobody"}}, "late"),
    ]
    found = [(at, problem.rule, problem.hint) for at, problem in problems(*documents)]
    assert (1, "unknown-reference", "did you mean 'incoming'?") in found
    assert (2, "read-only-root", "declare access: write at spec.roots.incoming of the Runner") in found
    assert [rule for at, rule, _ in found if at == 3] == ["unknown-reference"]


def test_a_secret_has_to_be_one_of_the_authorization() -> None:
    documents = [a_triggered(HOOK), an_authorization("shop", password="x"), a_runner(web={})]
    assert [(at, problem.rule) for at, problem in problems(*documents)] == [(0, "unknown-key")]


def test_without_a_listener_no_request_arrives() -> None:
    documents = [a_triggered(HOOK), an_authorization("shop", secret="x"), a_runner()]
    (found,) = problems(*documents)
    assert (found[0], found[1].rule) == (0, "no-listener")
    assert problems(*documents[:2]) == []  # the Runner may be declared elsewhere


def test_a_path_leads_to_one_job_alone_also_through_a_shared_schedule() -> None:
    shop = [an_authorization("shop", secret="x"), a_runner(web={})]
    twice = problems(a_triggered(HOOK, "one"), a_triggered(HOOK, "two"), *shop)
    assert [(at, problem.rule) for at, problem in twice] == [(1, "path-twice")]
    shared = a_schedule("hooked", trigger=HOOK)
    jobs = [a_job("one", schedule="hooked"), a_job("two", schedule="hooked")]
    assert [(at, problem.rule) for at, problem in problems(*jobs, shared, *shop)] == [(2, "path-twice")]
    assert problems(jobs[0], shared, *shop) == []


def test_jobs_that_start_each_other_for_ever_are_told_with_their_circle() -> None:
    ring = [a_triggered({"job": {"name": f"j{(n + 1) % 3}"}}, f"j{n}") for n in range(3)]
    (found,) = problems(*ring, a_triggered({"job": {"name": "j0"}}, "behind"))
    assert found[1].rule == "cycle"
    assert found[1].detail.startswith("j0 starts after j1 starts after j2 starts after j0: once begun")
    assert [p.rule for _, p in problems(a_triggered({"job": {"name": "self"}}, "self"))] == ["cycle"]
    assert problems(*ring[1:], a_job("j0")) == []


def test_one_job_and_several_mean_the_same_kind() -> None:
    alone = meant({"job": {"name": "a", "state": "finished"}})
    assert alone["kind"] == "after"
    assert alone["after"]["all"] == {"a": ["failed", "partially-succeeded", "succeeded"]}
    both = meant({"after": {"all": {"a": "succeeded", "b": ["failed", "skipped"]}, "within": "2d"}})
    assert both["after"]["all"] == {"a": ["succeeded"], "b": ["failed", "skipped"]}


def test_short_forms_mean_their_long_ones() -> None:
    short = meant({**FILE, "batch": 10})
    assert short["batch"] == {"size": 10, "within": "1m"}
    assert short["queue"] == {"limit": 10_000, "overflow": "refuse"}
    assert meant({**FILE, "debounce": "3s"})["debounce"] == {"quiet": "3s", "atMost": "5m"}
    assert meant({**FILE, "consume": True})["consume"] == {"linger": "5s"}
    assert meant({**FILE, "consume": False})["consume"] is None
    assert meant(HOOK)["webhook"]["secrets"] == [SECRET]


def test_who_works_through_items_goes_on_after_a_crash() -> None:
    job = resolve(a_triggered({**FILE, "consume": True}), "Job", Surroundings())
    assert job["onCrash"] == "resume"
    assert resolve(a_triggered(FILE), "Job", Surroundings())["onCrash"] == "fail"


def test_items_are_worked_through_by_one_step_that_asks_for_them() -> None:
    consumed = {**FILE, "consume": True}
    reads = {"name": "a", "shell": "cat $RUNNER_ITEMS"}
    assert told(a_triggered(consumed, steps=[reads])) == []
    assert told(a_triggered(consumed)) == [("items-not-read", f"{INSIDE}.consume")]
    assert told(a_triggered(consumed, steps=[reads, {**reads, "name": "b"}])) == [
        ("not-one-step", f"{INSIDE}.consume")
    ]
    assert [rule for rule, _ in told(a_triggered(consumed, steps=[reads], tasks={"inventory": "x"}))] == [
        "both-given"
    ]
