"""Plan and apply on real files and a real database."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from declared_projects import ANA, NOW, Project, lines

from runner.access.permission import Actor
from runner.operations.apply import carry_out
from runner.operations.blobs import blob_path
from runner.operations.examine_installation import examine_installation
from runner.operations.plan import Stream, make_plan_for
from runner.operations.reconcile import reconcile
from runner.operations.saved_plan import read_plan, save_plan
from runner.reconcile.agreed import Agreed
from runner.store.holds import HoldRecord
from runner.vocabulary.errors import InvalidDeclarations, NotAllowed, Refused, RunnerError, StalePlan

WAREHOUSE = """
    apiVersion: jobs.runner/v1
    kind: Connection
    metadata: {name: warehouse}
    spec: {url: "sqlite:///w.db"}
    ---
    apiVersion: jobs.runner/v1
    kind: Job
    metadata: {name: sum}
    spec:
      enabled: true
      steps: [{name: sum, sql: {connection: warehouse, file: sum.sql}}]
    """


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path)
    yield project
    project.store.close()


def test_a_job_is_installed_disabled_and_enabled_as_a_second_action_and_then_nothing_is_left(project):
    project.job("hello", more='schedule: "0 2 * * *"')
    planned = project.plan()
    assert lines(planned) == ["install Job/hello", "enable Job/hello"]
    applied = carry_out(planned, project.store, ANA, NOW)
    assert (applied.serial, applied.changed) == (1, True)
    assert project.holds("hello") == []
    with project.store.read() as reader:
        assert reader.slots.watermark(project.record("hello").uid, "default").at == NOW
        events = [event.event for event in reader.events.of("Job", "hello")]
    assert events == ["job.release", "hold.cleared", "hold.added", "job.installed"]
    assert project.plan().plan.changes == () and project.plan().plan.unchanged == 1


def test_the_record_says_where_the_object_comes_from(project):
    project.job("hello")
    project.apply()
    record = project.record("hello")
    assert (record.source, record.file, record.line) == ("jobs.d", "jobs.d/hello.yaml", 1)
    assert record.declared["spec"]["steps"] == [{"name": "greet", "shell": "echo hello"}]


def test_an_update_keeps_the_uid_and_writes_a_revision(project):
    project.job("hello")
    project.apply()
    before = project.record("hello")
    project.job("hello", shell="echo bonjour")
    assert lines(project.plan()) == ["update Job/hello"]
    project.apply()
    after = project.record("hello")
    assert after.uid == before.uid and after.revision == 2 and after.digest != before.digest
    with project.store.read() as reader:
        assert [each.revision for each in reader.revisions.of(after.uid)] == [2, 1]


def test_editing_one_schedule_sets_only_its_watermark_to_now(project):
    later = NOW + timedelta(hours=5)
    project.job("hello", more='schedules: {a: "0 2 * * *", b: "0 3 * * *"}')
    project.apply()
    project.job("hello", more='schedules: {a: "0 2 * * *", b: "0 4 * * *"}')
    project.apply(now=later)
    uid = project.record("hello").uid
    with project.store.read() as reader:
        marks = {schedule: mark.at for (_, schedule), mark in reader.slots.watermarks().items()}
        assert marks == {"a": NOW, "b": later}
    project.job("hello", more='schedules: {a: "0 2 * * *"}')
    project.apply(now=later)
    with project.store.read() as reader:
        assert reader.slots.watermark(uid, "b") is None


def test_disabling_in_git_and_enabling_again_counts_from_now(project):
    project.job("hello", more='schedule: "0 2 * * *"')
    project.apply()
    project.job("hello", enabled=False, more='schedule: "0 2 * * *"')
    project.apply()
    assert project.holds("hello") == [("git", "git")]
    project.job("hello", more='schedule: "0 2 * * *"')
    later = NOW + timedelta(days=3)
    project.apply(now=later)
    assert project.holds("hello") == []
    with project.store.read() as reader:
        assert reader.slots.watermark(project.record("hello").uid, "default").at == later


def test_enabled_from_false_to_omitted_leaves_the_job_to_the_operators(project):
    project.job("hello", enabled=False)
    project.apply()
    project.job("hello", enabled=None)
    project.apply()
    kinds = [kind for kind, _ in project.holds("hello")]
    assert kinds == ["new", "operator"]
    assert project.plan().plan.is_empty


def test_a_deploy_never_lifts_an_operators_hold(project):
    project.job("hello")
    project.apply()
    uid = project.record("hello").uid
    hold = HoldRecord(uid, "operator", "ana", "INC-123", NOW)
    project.store.transact(lambda tx: tx.holds.add(uid, hold))
    project.job("hello", shell="echo bonjour")
    assert lines(project.plan()) == ["update Job/hello", "drift Job/hello"]
    project.apply()
    assert project.holds("hello") == [("operator", "ana")]


def test_a_stale_plan_is_refused_and_changes_nothing(project):
    project.job("hello")
    planned = project.plan()
    project.job("other")
    project.apply()
    with pytest.raises(StalePlan) as problem:
        carry_out(planned, project.store, ANA, NOW)
    assert str(problem.value) == (
        "The plan was made against serial 0, and the database is at serial 1 now; make a new plan"
    )
    assert project.record("hello").revision == 1


def test_a_plan_for_another_database_is_refused(project, tmp_path):
    project.job("hello")
    planned = project.plan()
    other = Project(tmp_path / "other")
    with pytest.raises(StalePlan, match="The plan was made for another database"):
        carry_out(planned, other.store, ANA, NOW)
    other.store.close()


def test_a_plan_made_without_a_database_is_applied_to_an_empty_one_only(project):
    project.job("hello")
    planned = make_plan_for(None, project.folder, None, NOW)
    assert planned.plan.lineage is None
    carry_out(planned, project.store, ANA, NOW)
    with pytest.raises(StalePlan, match="The plan was made without a database"):
        carry_out(planned, project.store, ANA, NOW)


def test_an_invalid_document_stops_everything(project):
    project.job("hello")
    project.write("jobs.d/broken.yaml", "apiVersion: jobs.runner/v1\nkind: Job\nspec: [\n")
    with pytest.raises(InvalidDeclarations):
        project.plan()


def test_a_missing_folder_and_an_empty_one_are_errors_and_remove_nothing(project):
    project.job("hello")
    project.apply()
    project.remove("hello")
    with pytest.raises(InvalidDeclarations):
        project.plan()
    (project.folder / "jobs.d").rmdir()
    with pytest.raises(InvalidDeclarations):
        project.plan()
    assert project.record("hello") is not None


def test_removing_everything_needs_the_number(project):
    project.job("one")
    project.apply()
    project.remove("one")
    project.write("jobs.d/group.yaml", "apiVersion: jobs.runner/v1\nkind: Group\nmetadata: {name: g}\n")
    with pytest.raises(Refused) as problem:
        project.apply()
    assert str(problem.value) == (
        "The plan removes the only installed object of jobs.d: Job/one. "
        "If that is meant, say so with --allow-delete 1"
    )
    assert project.record("one") is not None
    project.apply(allow_delete=1)
    assert project.record("one") is None


def test_the_budget_is_the_installed_runners(project):
    runner = "apiVersion: jobs.runner/v1\nkind: Runner\nmetadata: {{name: runner}}\nspec: {}\n"
    project.write("jobs.d/runner.yaml", runner.format("{deletionBudget: {objects: 0, percent: 0%}}"))
    for name in ("a", "b", "c"):
        project.job(name)
    project.apply()
    project.remove("a")
    project.write("jobs.d/runner.yaml", runner.format("{}"))
    with pytest.raises(Refused, match="The plan removes 1 of 4"):
        project.apply()


def test_only_a_plan_of_the_whole_source_removes(project):
    project.job("a")
    project.job("b")
    project.apply()
    project.remove("b")
    project.job("a", shell="echo bonjour")
    planned = project.plan("jobs.d/a.yaml")
    assert planned.plan.partial and lines(planned) == ["update Job/a"]
    carry_out(planned, project.store, ANA, NOW)
    assert project.record("a").source == "jobs.d"
    assert lines(project.plan()) == ["uninstall Job/b"]


def test_a_stream_is_partial_and_updates_what_it_names(project):
    raw = project.job("a").read_bytes()
    project.job("b")
    project.apply()
    planned = make_plan_for(Stream(raw, project.folder / "jobs.d"), project.folder, project.store, NOW)
    assert planned.plan.partial and planned.plan.is_empty


def test_a_job_with_prune_disabled_on_its_record_stays(project):
    path = project.job("keep")
    path.write_text(
        path.read_text().replace("name: keep", "name: keep\n  annotations: {jobs.runner/prune: disabled}")
    )
    project.job("other")
    project.apply()
    project.remove("keep")
    assert lines(project.plan()) == ["note Job/keep"]


def test_a_running_job_that_is_removed_finishes_first(project):
    project.job("old")
    project.job("other")
    project.apply()
    id_ = project.starts("old")
    project.remove("old")
    assert project.plan().plan.changes[0].impact["note"] == "1 run active; history is kept"
    applied = project.apply()
    assert [str(address) for address in applied.draining] == ["Job/old"]
    assert project.holds("old") == [("removed", "git")]
    assert project.plan().plan.is_empty
    with project.store.read() as reader:
        assert reader.instances.get(id_).state == "RUNNING"


def test_a_removed_job_drops_what_only_waits_and_goes_at_once(project):
    project.job("old")
    project.job("other")
    project.apply()
    id_ = project.starts("old", running=False)
    project.remove("old")
    assert project.apply().draining == ()
    assert project.record("old") is None
    with project.store.read() as reader:
        instance = reader.instances.get(id_)
    assert (instance.state, instance.reason) == ("SKIPPED", "hold removed")


def test_a_draining_job_that_is_declared_again_goes_on(project):
    path = project.job("old")
    text = path.read_text()
    project.job("other")
    project.apply()
    project.starts("old")
    project.remove("old")
    project.apply()
    path.write_text(text)
    assert lines(project.plan()) == ["enable Job/old"]
    project.apply()
    assert project.holds("old") == []


def test_a_rename_keeps_uid_and_history(project):
    project.job("old")
    project.apply()
    uid = project.record("old").uid
    project.remove("old")
    path = project.job("young")
    path.write_text(
        path.read_text().replace("name: young", "name: young\n  annotations: {jobs.runner/moved-from: old}")
    )
    assert lines(project.plan()) == ["move Job/young"]
    project.apply()
    assert project.record("young").uid == uid and project.record("old") is None
    assert project.plan().plan.is_empty


def test_named_files_are_kept_by_content_exactly_as_they_were_digested(project):
    project.write("jobs.d/run.py", "def main():\n    return {}\n")
    project.write(
        "jobs.d/py.yaml",
        """
        apiVersion: jobs.runner/v1
        kind: Job
        metadata: {name: py}
        spec:
          enabled: true
          steps:
            - name: run
              python: {file: run.py, function: main}
        """,
    )
    project.apply()
    content = (project.folder / "jobs.d/run.py").read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    blob = blob_path(project.state, sha256)
    assert blob.read_bytes() == content
    assert blob.stat().st_mode & 0o777 == 0o600 and blob.parent.stat().st_mode & 0o777 == 0o700
    project.write("jobs.d/run.py", "def main():\n    return {'rows': 1}\n")
    [change] = project.plan().plan.changes
    assert [field.path for field in change.fields] == ["file run.py"]
    project.apply()
    assert blob.exists()  # a run that is pinned to it goes on with it


def test_a_file_that_changes_between_planning_and_applying_stops_the_apply(project):
    project.write("jobs.d/run.py", "def main():\n    return {}\n")
    project.write(
        "jobs.d/py.yaml",
        """
        apiVersion: jobs.runner/v1
        kind: Job
        metadata: {name: py}
        spec:
          code: {file: run.py, function: main}
        """,
    )
    planned = make_plan_for(None, project.folder, project.store, NOW)
    saved = project.folder / "plan.json"
    save_plan(planned, saved)
    project.write("jobs.d/run.py", "def main():\n    raise SystemExit\n")
    carry_out(read_plan(saved), project.store, ANA, NOW)  # the saved plan has what was read
    [sha256] = project.record("py").files.values()
    assert b"return {}" in blob_path(project.state, sha256).read_bytes()


def test_a_saved_plan_is_private_applied_exactly_and_only_once(project):
    project.job("hello")
    saved = project.folder / "plan.json"
    save_plan(project.plan(), saved)
    assert saved.stat().st_mode & 0o777 == 0o600
    project.job("hello", shell="echo something else")
    carry_out(read_plan(saved), project.store, ANA, NOW)
    assert project.record("hello").declared["spec"]["steps"][0]["shell"] == "echo hello"
    with pytest.raises(StalePlan):
        carry_out(read_plan(saved), project.store, ANA, NOW)


def test_an_edited_plan_file_is_refused(project):
    project.job("hello")
    saved = project.folder / "plan.json"
    save_plan(project.plan(), saved)
    saved.write_text(saved.read_text().replace("echo hello", "rm -rf ~"))
    with pytest.raises(StalePlan) as problem:
        read_plan(saved)
    assert str(problem.value) == f"{saved} was edited after it was written; make a new plan"


@pytest.mark.parametrize("text", ["", "[]", "{}", "not json", "[" * 100_000, '{"kind": "runner-plan"}'])
def test_what_is_no_plan_is_said_to_be_none(project, text):
    path = project.folder / "plan.json"
    path.write_text(text)
    with pytest.raises(RunnerError):
        read_plan(path)


def test_a_protected_job_changes_and_goes_only_when_that_is_allowed(project):
    project.job("sys", more="type: system")
    project.job("other")
    project.apply()
    project.job("sys", more="type: system", shell="echo bonjour")
    with pytest.raises(NotAllowed, match="Job/sys is protected; update needs --allow-protected"):
        project.apply()
    project.apply(allow_protected=True)
    project.remove("sys")
    with pytest.raises(NotAllowed, match="Job/sys is protected; uninstall needs --allow-protected"):
        project.apply()
    project.apply(allow_protected=True)


def test_an_operator_may_not_apply(project):
    project.job("hello")
    with pytest.raises(NotAllowed):
        carry_out(project.plan(), project.store, Actor("bob", role="operator"), NOW)


def test_a_group_that_git_disables_holds_its_members_and_those_who_join(project):
    group = "apiVersion: jobs.runner/v1\nkind: Group\nmetadata: {{name: nightly}}\nspec: {{enabled: {}}}\n"
    project.write("jobs.d/group.yaml", group.format("true"))
    project.job("a", more="groups: [nightly]")
    project.apply()
    project.write("jobs.d/group.yaml", group.format("false"))
    project.job("b", more="groups: [nightly]")
    assert lines(project.plan()) == ["install Job/b", "enable Job/b", "disable Group/nightly"]
    project.apply()
    assert project.holds("a") == project.holds("b") == [("group:nightly", "git")]
    project.write("jobs.d/group.yaml", group.format("true"))
    assert lines(project.plan()) == ["enable Group/nightly"]
    project.apply()
    assert project.holds("a") == project.holds("b") == []
    assert project.plan().plan.changes == ()


def test_an_object_that_stands_elsewhere_now_is_recorded_there_without_a_new_serial(project):
    path = project.job("hello")
    project.apply()
    path.write_text("# a comment\n" + path.read_text())
    assert project.plan().plan.is_empty
    applied = project.apply()
    assert (applied.changed, applied.serial) == (False, 1)
    assert project.record("hello").line == 2


def test_reconcile_plans_anew_when_somebody_was_faster_and_holds_to_what_is_expected(project):
    project.job("hello")
    saved = project.folder / "plan.json"
    save_plan(project.plan(), saved)
    project.job("other")
    whole = Agreed(whole=read_plan(saved).plan.digest)
    with pytest.raises(StalePlan, match="is not what was expected"):
        reconcile(None, project.folder, project.store, ANA, NOW, expect=whole)
    project.remove("other")
    _, applied = reconcile(None, project.folder, project.store, ANA, NOW, expect=whole)
    assert applied.serial == 1


def test_a_disk_that_takes_no_file_changes_nothing(project):
    project.write("jobs.d/run.py", "def main():\n    return {}\n")
    project.write(
        "jobs.d/py.yaml",
        """
        apiVersion: jobs.runner/v1
        kind: Job
        metadata: {name: py}
        spec:
          code: {file: run.py, function: main}
        """,
    )
    (project.state / "blobs").write_text("in the way")
    with pytest.raises(RunnerError, match="cannot be written"):
        project.apply()
    assert project.record("py") is None


def test_contents_that_were_lost_are_kept_again_although_no_plan_differs(project):
    project.write("jobs.d/sum.sql", "select 1")
    project.write("jobs.d/warehouse.yaml", WAREHOUSE)
    project.apply()
    (copy,) = [each for each in (project.state / "blobs").rglob("*") if each.is_file()]
    copy.unlink()
    applied = project.apply()
    assert not applied.changed and copy.read_text() == "select 1"


def test_doctor_names_contents_that_are_gone_or_damaged(project):
    project.write("jobs.d/sum.sql", "select 1")
    project.write("jobs.d/warehouse.yaml", WAREHOUSE)
    project.apply()
    (copy,) = [each for each in (project.state / "blobs").rglob("*") if each.is_file()]

    def found() -> list[tuple[str, str]]:
        findings = examine_installation(project.folder, project.state / "runner.db", NOW)
        return [(each.verdict, each.text) for each in findings if each.topic == "contents"]

    assert found() == []
    copy.write_text("select 2")
    assert found() == [("error", f"a copy of an installed file is not what was applied: {copy}")]
    copy.unlink()
    folder = project.state / "blobs"
    assert found() == [("error", f"files of installed objects are missing in {folder}: 1")]


def test_however_many_objects_are_installed_maintenance_is_looked_up_once(project, monkeypatch):
    from runner.operations import carrying

    asked = []

    def counted(tx, now):
        asked.append(now)

    monkeypatch.setattr(carrying, "maintenance_under_way", counted)
    for number in range(5):
        project.job(f"job-{number}")
    assert project.apply().changed
    assert len(asked) == 1


def test_healing_ends_what_an_operator_holds(project):
    project.job("hello", more='schedule: "0 2 * * *"')
    project.apply()
    uid = project.record("hello").uid
    hold = HoldRecord(uid, "operator", "ben", "INC-1", NOW)
    project.store.transact(lambda tx: tx.holds.add(uid, hold, who="ben"))
    assert lines(project.plan()) == ["drift Job/hello"]
    reconcile(None, project.folder, project.store, ANA, NOW)
    assert project.holds("hello") == [("operator", "ben")]
    _, applied = reconcile(None, project.folder, project.store, ANA, NOW, heal=True)
    assert applied.changed and project.holds("hello") == []
    with project.store.read() as reader:
        assert reader.applies.list()[0].allowed == {"heal": True}
        cleared = next(e for e in reader.events.of("Job", "hello") if e.event == "hold.cleared")
    assert "--heal ends what an operator did: held by ben" in cleared.why
