"""What does the plan say for each difference between declared and installed?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from reconcile_builders import (
    NIGHTLY,
    NOW,
    a_group,
    a_hold,
    a_job,
    a_tree,
    carried_out,
    installed_from,
    lines,
    plan_of,
    the,
    with_holds,
)

from runner.reconcile.make_plan import make_plan
from runner.reconcile.sides import Member
from runner.vocabulary.errors import InvalidDeclarations
from runner.vocabulary.identity import Address, Place

OLD = Address("Job", "old")


def test_a_new_job_is_installed_and_then_enabled_as_a_second_visible_action():
    plan = plan_of(a_job("ingest", resolved={"schedules": NIGHTLY}))
    assert lines(plan) == ["install Job/ingest", "enable Job/ingest"]
    enable = the(plan, "enable")
    assert enable.impact["note"] == "next start Tue 02:00 Europe/Zurich"
    assert enable.impact["next_start"] == "2026-11-24T01:00:00.000Z"
    assert [(edit.verb, edit.kind) for edit in enable.holds] == [("clear", "new")]
    assert enable.watermarks == ("default",)


def test_a_job_without_enabled_is_installed_and_stays_disabled_and_the_plan_says_so_each_time():
    newcomer = a_job("newcomer", enabled=None)
    plan = plan_of(newcomer)
    assert lines(plan) == ["install Job/newcomer", "note Job/newcomer"]
    assert the(plan, "note").reason == "stays DISABLED: spec.enabled is omitted"
    again = plan_of(newcomer, installed=installed_from(newcomer))
    assert lines(again) == ["note Job/newcomer"] and again.is_empty


def test_a_job_that_is_disabled_in_git_is_installed_with_gits_hold():
    plan = plan_of(a_job(enabled=False))
    assert [(edit.verb, edit.kind) for edit in the(plan, "install").holds] == [("add", "git")]
    assert the(plan, "note").reason == "stays DISABLED: spec.enabled is false"
    assert plan_of(a_job(enabled=False), installed=installed_from(a_job(enabled=False))).changes == ()


def test_enabling_such_a_job_clears_new_and_git_in_one_line_and_writes_the_record():
    plan = plan_of(a_job(enabled=True), installed=installed_from(a_job(enabled=False)))
    assert lines(plan) == ["enable Job/nightly-report"]
    enable = the(plan, "enable")
    assert {edit.kind for edit in enable.holds} == {"new", "git"} and enable.writes
    assert [each.path for each in enable.fields] == ["spec.enabled"]


def test_disabling_in_git_adds_gits_hold_in_one_line():
    plan = plan_of(a_job(enabled=False), installed=installed_from(a_job(enabled=True)))
    assert lines(plan) == ["disable Job/nightly-report"]
    assert [(edit.verb, edit.kind, edit.owner) for edit in the(plan, "disable").holds] == [
        ("add", "git", "git")
    ]


def test_disabling_and_changing_at_once_are_two_lines_and_each_field_is_told_once():
    plan = plan_of(
        a_job(enabled=False, spec={"timeout": "5m"}), installed=installed_from(a_job(spec={"timeout": "10m"}))
    )
    assert lines(plan) == ["update Job/nightly-report", "disable Job/nightly-report"]
    assert [each.path for each in the(plan, "update").fields] == ["spec.timeout"]
    assert not the(plan, "disable").writes


def test_enabled_from_false_to_omitted_turns_hold_git_into_hold_operator_and_starts_nothing():
    plan = plan_of(a_job(enabled=None), installed=installed_from(a_job(enabled=False)))
    update = the(plan, "update")
    assert [(edit.verb, edit.kind) for edit in update.holds] == [("clear", "git"), ("add", "operator")]
    [field] = update.fields
    assert (field.path, field.declared_before, field.declared_now) == ("spec.enabled", False, None)
    assert field.impact == "hold git becomes hold operator"


def test_enabled_from_true_to_omitted_leaves_the_job_as_it_is():
    plan = plan_of(a_job(enabled=None), installed=installed_from(a_job(enabled=True)))
    assert lines(plan) == ["update Job/nightly-report"] and the(plan, "update").holds == ()


def test_an_operators_hold_is_shown_and_left_alone():
    held = with_holds(
        installed_from(a_job("cleanup")),
        "cleanup",
        a_hold("operator", "ana", "INC-123", NOW + timedelta(hours=2)),
    )
    plan = make_plan(a_tree(a_job("cleanup")), held, NOW.astimezone(datetime.now().astimezone().tzinfo))
    assert lines(plan) == ["drift Job/cleanup"] and plan.is_empty
    assert the(plan, "drift").reason.startswith("held by ana until ")
    assert the(plan, "drift").reason.endswith(" (INC-123); left alone")
    assert "until 14:00 UTC (INC-123)" in the(make_plan(a_tree(a_job("cleanup")), held, NOW), "drift").reason


def test_a_hold_that_has_ended_is_not_shown():
    held = with_holds(installed_from(a_job()), "nightly-report", a_hold("operator", until=NOW))
    assert plan_of(a_job(), installed=held).changes == ()


def test_a_paused_job_stays_paused_across_a_plan():
    held = with_holds(installed_from(a_job()), "nightly-report", a_hold("paused"))
    plan = plan_of(a_job(spec={"timeout": "1m"}), installed=held)
    assert lines(plan) == ["update Job/nightly-report", "drift Job/nightly-report"]
    assert not any(change.holds for change in plan.changes)


def test_an_update_names_the_field_with_what_was_declared_what_is_and_what_is_installed():
    before = a_job(spec={"schedule": {"cron": "0 2 * * *"}}, resolved={"schedules": NIGHTLY})
    three = {"default": {**NIGHTLY["default"], "cron": "0 3 * * *"}}
    plan = plan_of(
        a_job(spec={"schedule": {"cron": "0 3 * * *"}}, resolved={"schedules": three}),
        installed=installed_from(before),
    )
    update = the(plan, "update")
    [field] = update.fields
    assert (field.path, field.declared_before, field.declared_now) == (
        "spec.schedule.cron",
        "0 2 * * *",
        "0 3 * * *",
    )
    assert field.impact == "next Tue 02:00 -> Tue 03:00"
    assert update.watermarks == ("default",)


def test_a_shared_window_that_changes_is_told_by_its_field_with_the_next_opening():
    def nights(*windows):
        whole = [{"from": "2020-01-01", "start": "22:00", "end": "04:00", **each} for each in windows]
        schedules = {"default": {"window": whole, "timezone": "UTC"}}
        return a_job(spec={"schedule": "nights"}, resolved={"schedules": schedules})

    plan = plan_of(nights({"start": "21:00"}), installed=installed_from(nights({})))
    [field] = the(plan, "update").fields
    assert (field.path, field.declared_before, field.declared_now) == (
        "spec.schedules.default.window.start",
        "22:00",
        "21:00",
    )
    assert field.impact == "next Mon 22:00 -> Mon 21:00"
    later = the(plan_of(nights({"from": "2020-01-02"}), installed=installed_from(nights({}))), "update")
    assert later.fields[0].impact == ("next Mon 22:00 -> Mon 22:00; another range, with a run of its own")
    several = plan_of(nights({}, {"end": "05:00"}), installed=installed_from(nights({}, {})))
    assert [field.path for field in the(several, "update").fields] == ["spec.schedules.default.window.1.end"]


def test_fire_and_forget_is_fired_once_more_when_something_else_is_executed():
    def once(**spec):
        schedules = {"default": {"fireAndForget": {}, "timezone": "UTC"}}
        return a_job(spec={"schedule": {"fireAndForget": {}}, **spec}, resolved={"schedules": schedules})

    held = with_holds(installed_from(once()), "nightly-report", a_hold("finished", owner="system:clock"))
    update = the(plan_of(once(timeout="1m"), installed=held), "update")
    assert update.fields[0].impact == "it is fired once more, at once"
    assert (update.watermarks, [edit.kind for edit in update.holds]) == (("default",), ["finished"])
    described = the(plan_of(once(description="new"), installed=held), "update")
    assert (described.watermarks, described.holds) == ((), ())


def test_a_shorter_timeout_says_how_many_runs_took_longer():
    before = installed_from(a_job(spec={"timeout": "10m"}))
    uid = before.objects[Address("Job", "nightly-report")].uid
    side = replace(before, durations={uid: [400.0] * 6 + [10.0] * 94})
    plan = plan_of(a_job(spec={"timeout": "5m"}), installed=side)
    assert the(plan, "update").fields[0].impact == "6 of the last 100 runs took longer"


def test_a_shared_schedule_that_changes_is_told_on_the_jobs_that_share_it():
    two = {"nightly": {"cron": "0 2 * * *", "timezone": "UTC"}}
    three = {"nightly": {"cron": "0 3 * * *", "timezone": "UTC"}}
    before = installed_from(a_job(spec={"schedule": "nightly"}, resolved={"schedules": two}))
    plan = plan_of(a_job(spec={"schedule": "nightly"}, resolved={"schedules": three}), installed=before)
    [field] = the(plan, "update").fields
    assert (field.path, field.declared_now) == ("spec.schedules.nightly.cron", "0 3 * * *")


def test_a_changed_file_is_named():
    before = installed_from(a_job(files={"jobs.d/a.sql": "aa" * 32}))
    plan = plan_of(a_job(files={"jobs.d/a.sql": "bb" * 32}), installed=before)
    [field] = the(plan, "update").fields
    assert (field.path, field.declared_before, field.declared_now) == (
        "file jobs.d/a.sql",
        "aaaaaaaaaaaa",
        "bbbbbbbbbbbb",
    )


def test_a_secret_is_masked_wherever_it_is_shown():
    before = installed_from(a_job(spec={"env": {"DB_PASSWORD": "hunter2", "MODE": "full"}}))
    plan = plan_of(a_job(spec={"env": {"DB_PASSWORD": "hunter3", "MODE": "slow"}}), installed=before)
    assert [(each.path, each.declared_now) for each in the(plan, "update").fields] == [
        ("spec.env.DB_PASSWORD", "(masked)"),
        ("spec.env.MODE", "slow"),
    ]
    assert "hunter" not in str(plan.as_json())


def test_what_is_no_longer_declared_is_uninstalled_last():
    side = installed_from(a_job("old"), a_job("kept"))
    plan = plan_of(a_job("kept"), a_job("young"), installed=side)
    assert lines(plan) == ["install Job/young", "enable Job/young", "uninstall Job/old"]
    assert the(plan, "uninstall").impact["note"] == "history is kept"


def test_a_job_that_runs_while_it_is_removed_is_said_to_run():
    side = installed_from(a_job("old"), a_job("kept"))
    side = replace(side, open_runs={side.objects[OLD].uid: 1})
    uninstall = the(plan_of(a_job("kept"), installed=side), "uninstall")
    assert uninstall.impact == {"note": "1 run active; history is kept", "active_runs": 1}


def test_a_job_that_drains_is_told_and_goes_when_it_has_drained():
    side = with_holds(installed_from(a_job("old"), a_job("kept")), "old", a_hold("removed", "git"))
    running = replace(side, open_runs={side.objects[OLD].uid: 1})
    plan = plan_of(a_job("kept"), installed=running)
    assert lines(plan) == ["note Job/old"] and plan.is_empty
    assert the(plan, "note").reason == "1 run active; removed when it ends"
    assert lines(plan_of(a_job("kept"), installed=side)) == ["uninstall Job/old"]


def test_a_job_that_drains_and_is_declared_again_loses_hold_removed():
    side = with_holds(installed_from(a_job()), "nightly-report", a_hold("removed", "git"))
    enable = the(plan_of(a_job(), installed=side), "enable")
    assert [edit.kind for edit in enable.holds] == ["removed"] and enable.reason == "declared again"


def test_prune_disabled_on_the_installed_record_keeps_it():
    kept = a_job("old", annotations={"jobs.runner/prune": "disabled"})
    plan = plan_of(installed=installed_from(kept))
    assert lines(plan) == ["note Job/old"]
    assert the(plan, "note").reason == "not removed: jobs.runner/prune is disabled"


def test_the_prune_annotation_alone_is_an_update():
    kept = a_job(annotations={"jobs.runner/prune": "disabled"})
    plan = plan_of(kept, installed=installed_from(a_job()))
    [field] = the(plan, "update").fields
    assert (field.path, field.declared_now) == ("metadata.annotations.jobs.runner/prune", "disabled")


def test_reconcile_disabled_is_left_alone_and_said():
    alone = a_job(spec={"timeout": "1m"}, annotations={"jobs.runner/reconcile": "disabled"})
    plan = plan_of(alone, installed=installed_from(a_job()))
    assert lines(plan) == ["note Job/nightly-report"]
    assert lines(plan_of(alone)) == ["note Job/nightly-report"]


def test_a_renamed_job_keeps_its_uid():
    side = installed_from(a_job("old"))
    renamed = a_job("young", annotations={"jobs.runner/moved-from": "old"})
    plan = plan_of(renamed, installed=side)
    assert lines(plan) == ["move Job/young"]
    assert the(plan, "move").uid == side.objects[OLD].uid
    after = carried_out(plan, a_tree(renamed), side)
    assert plan_of(renamed, installed=after).changes == ()


def test_a_job_is_not_moved_away_from_an_object_that_is_still_declared():
    both = [a_job("old"), a_job("young", annotations={"jobs.runner/moved-from": "old"})]
    assert "move Job/young" not in lines(plan_of(*both, installed=installed_from(a_job("old"))))


def test_a_partial_plan_never_removes_nor_moves():
    side = installed_from(a_job("old"), a_job("other"))
    renamed = a_job("young", annotations={"jobs.runner/moved-from": "old"})
    plan = plan_of(renamed, installed=side, partial=True)
    assert lines(plan) == ["note Job/young"]


def test_only_its_own_source_is_uninstalled():
    side = installed_from(a_job("theirs"), source="elsewhere")
    assert plan_of(a_job("ours"), installed=side).count("uninstall") == 0


def test_an_object_of_another_source_is_an_error_with_a_place():
    with pytest.raises(InvalidDeclarations) as problem:
        plan_of(a_job("theirs"), installed=installed_from(a_job("theirs"), source="elsewhere"))
    [diagnostic] = problem.value.diagnostics
    assert (diagnostic.place, diagnostic.rule) == ("jobs.d/theirs.yaml:1:1", "other-source")
    assert diagnostic.detail == "Job/theirs was installed from elsewhere (jobs.d/theirs.yaml:1)"


def test_one_file_of_a_source_may_change_what_that_source_installed():
    plan = plan_of(
        a_job("a", spec={"timeout": "1m"}),
        installed=installed_from(a_job("a"), a_job("b")),
        source="jobs.d/a.yaml",
        partial=True,
    )
    assert lines(plan) == ["update Job/a"]


def test_an_unchanged_object_that_stands_elsewhere_now_is_no_change():
    plan = plan_of(a_job(place=Place("jobs.d/all.yaml", 40)), installed=installed_from(a_job()))
    assert plan.is_empty and plan.unchanged == 1
    assert [each.place for each in plan.relocations] == [Place("jobs.d/all.yaml", 40)]


def test_a_disabled_group_holds_its_members_and_says_how_many():
    group, job = a_group("nightly"), a_job(groups=["nightly"])
    plan = plan_of(a_group("nightly", enabled=False), job, installed=installed_from(group, job))
    assert lines(plan) == ["disable Group/nightly"]
    [edit] = the(plan, "disable").holds
    assert (edit.verb, edit.kind, edit.owner) == ("add", "group:nightly", "git")
    assert the(plan, "disable").impact["note"] == "1 member: nightly-report"


def test_a_member_that_is_renamed_in_the_same_plan_is_switched_once_and_only_as_what_it_is_now():
    group = a_group("nightly")
    installed = installed_from(group, a_job("old", groups=["nightly"]))
    record = installed.objects[Address("Job", "old")]
    side = replace(installed, members={"nightly": [Member(record.address, record.uid)]})
    rename = {"jobs.runner/moved-from": "old"}
    stays, leaves = a_job("young", groups=["nightly"], annotations=rename), a_job("young", annotations=rename)
    plan = plan_of(a_group("nightly", enabled=False), stays, installed=side)
    assert the(plan, "disable").impact["note"] == "1 member: young"
    assert [edit.address.name for edit in the(plan, "disable").holds] == ["young"]
    plan = plan_of(a_group("nightly", enabled=False), leaves, installed=side)
    assert [edit.kind for change in plan.changes for edit in change.holds] == []


def test_a_group_from_false_to_omitted_says_that_its_members_stay_held():
    group, job = a_group("nightly", enabled=False), a_job(groups=["nightly"])
    plan = plan_of(a_group("nightly", enabled=None), job, installed=installed_from(group, job))
    assert the(plan, "update").impact["note"] == ("1 member: nightly-report; hold git becomes hold operator")


def test_a_group_that_git_enables_again_frees_its_members_but_not_from_an_operator():
    group, job = a_group("nightly", enabled=False), a_job(groups=["nightly"])
    side = with_holds(installed_from(group, job), "nightly-report", a_hold("group:nightly", "ana"))
    plan = plan_of(a_group("nightly"), job, installed=side)
    assert [(edit.verb, edit.owner) for edit in the(plan, "enable").holds] == [("clear", "git")]
    assert the(plan, "drift").address == Address("Group", "nightly")


def test_a_new_member_of_a_disabled_group_is_held_from_its_first_moment():
    group = a_group("nightly", enabled=False)
    plan = plan_of(group, a_job(groups=["nightly"]), installed=installed_from(group))
    assert [edit.kind for edit in the(plan, "install").holds] == ["group:nightly"]
    assert the(plan, "enable").impact["note"] == "stays DISABLED: Group/nightly is disabled"


def test_a_job_that_leaves_a_group_which_an_operator_disabled_stays_held():
    group = a_group("nightly")
    side = with_holds(
        installed_from(group, a_job(groups=["nightly"])), "nightly-report", a_hold("group:nightly", "ana")
    )
    update = the(plan_of(group, a_job(), installed=side), "update")
    assert [(edit.verb, edit.kind) for edit in update.holds] == [
        ("clear", "group:nightly"),
        ("add", "operator"),
    ]


@pytest.mark.parametrize("heal", [False, True])
def test_a_group_that_is_renamed_keeps_the_hold_of_an_operator_on_all_its_members(heal):
    until = NOW + timedelta(hours=2)
    side = with_holds(
        installed_from(a_group("nightly"), a_job(groups=["nightly"])),
        "nightly-report",
        a_hold("group:nightly", "ana", "INC-1", until),
        a_hold("group:nightly", "bob"),
    )
    side = with_holds(side, "nightly", a_hold("operator", "ana", "INC-1", until), kind="Group")
    group = a_group("nights", annotations={"jobs.runner/moved-from": "nightly"})
    tree = a_tree(group, a_job(groups=["nights"]))
    plan = make_plan(tree, side, NOW, heal=heal)
    assert sorted((edit.verb, edit.kind, edit.owner, edit.until) for edit in the(plan, "update").holds) == [
        ("add", "group:nights", "ana", "2026-11-23T14:00:00.000Z"),
        ("add", "group:nights", "bob", ""),
        ("clear", "group:nightly", "ana", ""),
        ("clear", "group:nightly", "bob", ""),
    ]
    assert lines(plan) == ["update Job/nightly-report", "move Group/nights", "drift Group/nights"]


def test_a_group_with_a_protected_member_is_a_protected_change():
    group, job = a_group("nightly"), a_job(groups=["nightly"], protected=True)
    plan = plan_of(a_group("nightly", enabled=False), job, installed=installed_from(group, job))
    assert the(plan, "disable").protected


def test_a_schedule_that_is_done_starts_again_when_it_is_edited():
    at = {"default": {"at": "2026-11-01T02:00:00Z", "timezone": "UTC"}}
    later = {"default": {"at": "2026-12-01T02:00:00Z", "timezone": "UTC"}}
    side = with_holds(
        installed_from(a_job(resolved={"schedules": at})), "nightly-report", a_hold("finished", "runner")
    )
    update = the(plan_of(a_job(resolved={"schedules": later}), installed=side), "update")
    assert [(edit.verb, edit.kind) for edit in update.holds] == [("clear", "finished")]


@pytest.mark.parametrize(
    ("until", "note"),
    [
        ("2026-11-22", "validUntil 2026-11-22 has passed: it never starts by itself"),
        ("2026-11-23", "no start to come"),
        ("2026-11-24T02:00", "no start to come"),
        ("2026-11-24T02:01", "next start Tue 02:00 Europe/Zurich"),
    ],
)
def test_no_start_is_promised_after_the_end_of_a_job(until, note):
    job = a_job(resolved={"schedules": NIGHTLY, "mode": "automatic", "validUntil": until})
    assert the(plan_of(job), "enable").impact["note"] == note


@pytest.mark.parametrize(
    ("trigger", "note"),
    [
        ({"kind": "startup"}, "started by a start of the daemon"),
        (
            {
                "kind": "after",
                "after": {
                    "all": {"a": ["succeeded"], "b": ["failed"]},
                    "sameSlotDate": False,
                    "within": "1d",
                },
            },
            "started by the end of a and the end of b",
        ),
    ],
)
def test_what_triggers_a_job_is_told_where_others_have_their_next_start(trigger, note):
    settings = {"trigger": {**trigger, "queue": {"limit": 10, "overflow": "refuse"}}, "timezone": "UTC"}
    job = a_job(resolved={"schedules": {"default": settings}, "mode": "automatic"})
    assert the(plan_of(job), "enable").impact["note"] == note


def test_the_next_start_is_told_with_its_date_when_it_is_far():
    yearly = {"default": {"cron": "30 4 1 3 *", "timezone": "UTC"}}
    assert the(plan_of(a_job(resolved={"schedules": yearly})), "enable").impact["note"] == (
        "next start Mon 1 Mar 2027 04:30 UTC"
    )


def test_time_does_not_decide_what_is_done():
    things = [a_job("a", resolved={"schedules": NIGHTLY}), a_job("b", enabled=None)]
    side = installed_from(a_job("c"))
    plans = [make_plan(a_tree(*things), side, datetime(y, 5, 6, tzinfo=UTC)) for y in (2026, 2031)]
    assert plans[0].digest == plans[1].digest
