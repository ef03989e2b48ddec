"""What is wrong between documents that are each fine alone."""

from __future__ import annotations

from typing import Any

from builders import (
    HELLO,
    a_connection,
    a_job,
    a_job_type,
    a_job_with_step,
    a_library,
    a_runner,
    a_schedule,
    an_authorization,
    an_object,
)

from runner.declaration.cross_checks import cross_check
from runner.declaration.facts import facts_of


def problems(*documents: dict[str, Any], known: tuple[str, ...] = ()) -> list[tuple[int, Any]]:
    facts = [facts_of(each, each["kind"]) for each in documents]
    return [tuple(each) for each in cross_check(facts, lambda at: f"file{at}.yaml:1", known)]


def only(*documents: dict[str, Any]) -> tuple[int, Any]:
    (found,) = problems(*documents)
    return found


def test_a_tree_in_which_everything_is_there_has_no_problem():
    copy = {"from": {"connection": "warehouse", "table": "t"}, "to": {"root": "exports", "path": "a.csv"}}
    env = {"P": {"authorization": "warehouse-2026", "key": "password"}}

    assert (
        problems(
            a_job(
                schedule="nightly",
                groups=["g"],
                libraries=["dates"],
                env=env,
                steps=[{"name": "it", "copy": copy}],
            ),
            a_schedule(),
            a_library(),
            an_object("Group", "g", {}),
            a_connection(authorization="warehouse-2026"),
            an_authorization(),
            a_runner(roots={"exports": {"path": "x", "access": "write"}}),
        )
        == []
    )


def test_a_duplicate_name_is_told_with_both_places():
    at, problem = only(a_job("a"), a_job("b"), a_job("a"))

    assert (at, problem.rule, problem.path) == (2, "duplicate-name", ("metadata", "name"))
    assert problem.detail == (
        "Job/a is declared at file0.yaml:1 and again at file2.yaml:1; names are unique per kind"
    )


def test_the_same_name_in_two_kinds_is_no_duplicate():
    assert problems(a_job("nightly"), a_schedule("nightly")) == []


def test_an_unknown_reference_is_told_with_the_nearest_name():
    at, problem = only(a_schedule("nightly"), a_job(schedule="nihgtly"))

    assert (at, problem.rule, problem.path) == (1, "unknown-reference", ("spec", "schedule"))
    assert problem.detail == "There is no Schedule/nihgtly; known: nightly"
    assert problem.hint == "did you mean 'nightly'?"


def test_what_is_installed_is_known_to_a_partial_tree():
    assert problems(a_job(schedule="nightly"), known=("Schedule/nightly",)) == []


def test_a_root_is_declared_by_the_runner():
    prune = a_job_with_step(prune={"root": "exprots", "keep": 3})
    settings = a_runner(roots={"exports": {"path": "x", "access": "write"}})
    _, problem = only(prune, settings)

    assert problem.detail == "There is no root 'exprots' in the Runner's spec.roots; known: exports"
    assert problem.hint == "did you mean 'exports'?"


def test_a_step_that_writes_needs_a_root_that_is_writable():
    prune = a_job_with_step(prune={"root": "incoming", "keep": 3})
    _, problem = only(prune, a_runner(roots={"incoming": {"path": "x"}}))

    assert problem.rule == "read-only-root"


def test_a_key_of_an_authorization_exists():
    job = a_job(env={"P": {"authorization": "warehouse-2026", "key": "pasword"}})
    _, problem = only(job, an_authorization())

    assert (problem.rule, problem.path) == ("unknown-key", ("spec", "env", "P", "key"))
    assert problem.hint == "did you mean 'password'?"


def test_a_cycle_of_libraries_is_told_once():
    a, b, c = (
        a_library("a", libraries=["b"]),
        a_library("b", libraries=["c"]),
        a_library("c", libraries=["a"]),
    )
    at, problem = only(a, b, c)

    assert problem.rule == "cycle"
    assert problem.detail == "Library/a needs Library/b needs Library/c needs Library/a"
    assert (at, problem.path) == (2, ("spec", "libraries", 0))


def test_a_library_that_needs_itself_is_a_cycle():
    assert only(a_library("a", libraries=["a"]))[1].detail == "Library/a needs Library/a"


def test_libraries_that_two_others_share_are_no_cycle():
    top = a_library("top", libraries=["left", "right"])
    both = [a_library("left", libraries=["base"]), a_library("right", libraries=["base"])]

    assert problems(top, *both, a_library("base")) == []


def moved(name: str, source: str) -> dict[str, Any]:
    return a_job(name, annotations={"jobs.runner/moved-from": source})


def test_a_move_from_a_name_that_is_still_declared_is_impossible():
    assert problems(moved("new", "old")) == []
    _, problem = only(a_job("old"), moved("new", "old"))
    assert problem.detail == "Job/old is still declared, so its history cannot move to Job/new"


def test_only_one_object_takes_over_a_history():
    at, problem = only(moved("a", "old"), moved("b", "old"))

    assert (at, problem.detail) == (1, "Job/old already moves to the object at file0.yaml:1")


def test_an_installation_has_one_runner():
    one, two = a_runner(), an_object("Runner", "other", {})

    assert only(one, two)[1].rule == "second-runner"


def test_names_of_shipped_types_are_taken():
    assert only(a_job_type("standard"))[1].rule == "shipped-name"


def test_a_job_of_an_own_type_is_checked_against_it():
    own = a_job_type(inputs={"table": {"required": True}}, steps=HELLO)
    job = a_job(without="steps", type="import")

    assert problems({**own}, a_job(without="steps", type="import", with_={"table": "a"})) == []
    assert only(own, a_job(type="import", with_={"table": "a"}))[1].rule == "two-bodies"
    assert only(a_job_type(), job)[1].rule == "nothing-to-run"
    wrong = a_job(without="steps", type="import", with_={"tabel": "a"})
    assert [p.hint for _, p in problems(own, wrong)] == ["did you mean 'table'?"]
    by_schedule = a_job(without="steps", type="import", schedule="0 2 * * *")
    assert only(own, by_schedule)[1].rule == "missing-input"


def test_an_input_that_neither_the_job_nor_its_type_declares_is_unknown():
    own = a_job_type(inputs={"table": {}})
    steps = [{"name": "it", "shell": ["echo", "${{ inputs.table }}", "${{ inputs.tabel }}"]}]
    _, problem = only(own, a_job(type="import", steps=steps))

    assert (problem.rule, problem.path) == ("unknown-name", ("spec", "steps", 0, "shell", 2))
    assert problem.hint == "did you mean 'table'?"


def test_retry_beside_a_shared_schedule_that_retries_itself_is_an_error():
    night = {"from": "2026-12-01", "start": "22:00", "end": "04:00"}
    shared = an_object("Schedule", "nights", {"window": night})
    job = a_job(schedule="nights", retry="once")

    at, problem = only(shared, job)
    assert (at, problem.rule, problem.path) == (1, "both-given", ("spec", "retry"))
    assert problems(shared, a_job(schedule="nights")) == []


def test_a_calendar_that_is_not_there_is_an_unknown_reference():
    job = a_job(schedule={"cron": "0 2 * * *", "calendars": ["holidays"]})

    _, problem = only(job)
    assert (problem.rule, problem.path) == ("unknown-reference", ("spec", "schedule", "calendars", 0))
    assert problems(job, an_object("Calendar", "holidays", {"dates": {"eve": "12-24"}})) == []
