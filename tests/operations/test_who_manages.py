"""Adopt, release and undo: who manages an object changes, the object stays what it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from declared_projects import ANA, NOW, Project, lines

from runner.access.permission import Actor
from runner.operations.adopt import adopt
from runner.operations.apply import carry_out
from runner.operations.blobs import blob_path
from runner.operations.prune_history import prune_history
from runner.operations.release import release
from runner.operations.undo import removed_objects, undo
from runner.operations.uninstall import of_source, uninstall
from runner.operations.unused_blobs import UNUSED_AFTER, delete_unused_blobs
from runner.store.holds import HoldRecord
from runner.store.sources import SourceRecord
from runner.vocabulary.errors import InvalidDeclarations, NotAllowed, Refused, StalePlan, UnknownName
from runner.vocabulary.identity import Address

HELLO = Address("Job", "hello")
NIGHTLY = 'schedule: "0 2 * * *"'


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path)
    yield project
    project.store.close()


def released(project, **given):
    return project.store.transact(lambda tx: release(tx, HELLO, ANA, NOW, **given))


def undone(project, address=HELLO, now=NOW, **given):
    return project.store.transact(lambda tx: undo(tx, address, ANA, now, state=project.state, **given))


def removed(project):
    project.job("other")
    project.remove("hello")
    carry_out(project.plan(), project.store, ANA, NOW, allow_delete=1)


def last(project):
    with project.store.read() as reader:
        return reader.applies.list()[0]


def test_what_was_released_is_neither_changed_nor_removed(project):
    project.job("hello")
    project.job("other")
    project.apply()
    assert released(project).changed
    project.job("hello", shell="echo bonjour")
    planned = project.plan().plan
    assert planned.is_empty
    [note] = planned.changes
    assert note.reason == (
        "declared, and left alone: it was released; `runner adopt Job/hello` takes it over"
    )
    project.remove("hello")
    assert project.plan().plan.changes == ()
    assert project.record("hello") is not None
    assert (last(project).verb, last(project).serial) == ("release", 2)
    assert not released(project).changed


def test_a_plan_from_before_a_release_is_stale(project):
    project.job("hello")
    project.apply()
    project.job("hello", shell="echo bonjour")
    before = project.plan()
    released(project)
    with pytest.raises(StalePlan):
        carry_out(before, project.store, ANA, NOW)


def test_what_was_released_can_be_adopted_with_its_uid_and_holds(project):
    project.job("hello")
    project.apply()
    was = project.record("hello")
    project.store.transact(lambda tx: tx.holds.add(was.uid, HoldRecord(was.uid, "operator", "ben", "", NOW)))
    released(project)
    project.job("hello", shell="echo bonjour")
    managed = adopt(HELLO, None, project.folder, project.store, ANA, NOW)
    assert managed.said == "Job/hello belongs to jobs.d now; it was nobody's"
    now = project.record("hello")
    assert (now.uid, now.source, now.digest) == (was.uid, "jobs.d", was.digest)
    assert project.holds("hello") == [("operator", "ben")]
    assert [each for each in lines(project.plan()) if each.startswith("update")] == ["update Job/hello"]


def test_an_object_of_another_source_is_an_error_with_both_places_until_it_is_adopted(project):
    project.job("hello")
    project.apply()
    text = (project.folder / "jobs.d" / "hello.yaml").read_text()
    project.write("etc/hello.yaml", text)
    with pytest.raises(InvalidDeclarations) as invalid:
        project.plan("etc")
    [problem] = invalid.value.diagnostics
    assert problem.detail == "Job/hello was installed from jobs.d (jobs.d/hello.yaml:1)"
    assert problem.file.endswith("etc/hello.yaml") and "runner adopt Job/hello" in problem.hint
    managed = adopt(HELLO, project.folder / "etc", project.folder, project.store, ANA, NOW)
    assert managed.changed and project.plan("etc").plan.is_empty


def test_a_source_that_lost_an_object_is_told_at_its_next_plan_though_no_file_has_changed(project):
    project.job("hello")
    project.job("more")
    for _ in range(2):  # what is in order is looked at no more
        project.apply()
    project.write("other/hello.yaml", (project.folder / "jobs.d" / "hello.yaml").read_text())
    assert project.plan().plan.is_empty
    adopt(HELLO, project.folder / "other", project.folder, project.store, ANA, NOW)
    with pytest.raises(InvalidDeclarations) as problem:
        project.plan()
    [told] = problem.value.diagnostics
    assert (told.file, told.rule) == ("jobs.d/hello.yaml", "other-source")
    assert "was installed from other (other/hello.yaml:1)" in told.detail
    with project.store.read() as reader:
        assert [each.verb for each in reader.applies.list(limit=2)] == ["adopt", "release"]


def test_a_source_adopts_only_what_it_declares(project):
    project.job("hello")
    project.apply()
    released(project)
    project.remove("hello")
    project.job("other")
    with pytest.raises(Refused, match="does not declare Job/hello, so its next plan would remove it"):
        adopt(HELLO, None, project.folder, project.store, ANA, NOW)
    with pytest.raises(UnknownName, match="no Job is called 'nothing'"):
        adopt(Address("Job", "nothing"), None, project.folder, project.store, ANA, NOW)


def test_a_removed_job_comes_back_with_its_uid_history_state_and_operators_holds(project):
    project.job("hello", more=NIGHTLY)
    project.apply()
    was = project.record("hello")
    hold = HoldRecord(was.uid, "operator", "ben", "INC-1", NOW)
    project.store.transact(lambda tx: tx.holds.add(was.uid, hold))
    project.store.transact(lambda tx: tx.state.put_persistent(was.uid, {"cursor": 7}, at=NOW))
    removed(project)
    assert project.record("hello") is None
    later = NOW + timedelta(days=3)
    with project.store.read() as reader:
        [gone] = removed_objects(reader, later)
    assert (gone.address, gone.who) == (HELLO, "ana")
    managed = undone(project, now=later)
    assert managed.said == (
        "Job/hello is back, with 0 runs of history and its saved state; held: operator. No plan removes it; "
        "declare it again to manage it"
    )
    now = project.record("hello")
    assert (now.uid, now.digest, now.source) == (was.uid, was.digest, "jobs.d")
    with project.store.read() as reader:
        assert reader.state.persistent(was.uid).data == {"cursor": 7}
        assert reader.slots.watermark(was.uid, "default").at == later
    assert last(project).verb == "undo"


def test_who_brings_it_back_is_told_when_it_starts(project):
    project.job("hello", more=NIGHTLY)
    project.apply()
    removed(project)
    assert undone(project).said == (
        "Job/hello is back, with 0 runs of history; next start Tue 02:00 UTC. No plan removes it; declare it "
        "again to manage it"
    )


def test_what_was_brought_back_stays_until_it_is_declared_again(project):
    project.job("hello")
    project.apply()
    removed(project)
    undone(project)
    planned = project.plan().plan
    assert planned.is_empty
    [note] = planned.changes
    assert note.reason == (
        "not removed: `runner undo` brought it back; declare it again, or `runner release` it"
    )
    project.job("hello")
    assert lines(project.plan()) == ["update Job/hello"]
    project.apply()
    assert project.plan().plan.changes == ()
    project.remove("hello")
    assert lines(project.plan()) == ["uninstall Job/hello"]


@pytest.mark.parametrize(
    ("enabled", "held"), [(True, []), (False, [("git", "git")]), (None, [("operator", "ana")])]
)
def test_nothing_starts_by_surprise(project, enabled, held):
    project.job("hello", enabled=enabled)
    project.apply()
    removed(project)
    undone(project)
    assert project.holds("hello") == held


def test_after_its_time_it_is_to_be_declared_again(project):
    project.job("hello")
    project.apply()
    removed(project)
    late = NOW + timedelta(days=30)
    with pytest.raises(Refused, match="more than 30 days ago"):
        undone(project, now=late)
    with project.store.read() as reader:
        assert removed_objects(reader, late) == []


def test_what_it_needs_is_brought_back_first(project):
    project.write(
        "jobs.d/hello.yaml",
        """
        apiVersion: jobs.runner/v1
        kind: Connection
        metadata: {name: warehouse}
        spec: {url: "sqlite:///w.db"}
        ---
        apiVersion: jobs.runner/v1
        kind: Job
        metadata: {name: hello}
        spec:
          steps: [{name: sum, sql: {connection: warehouse, file: sum.sql}}]
        """,
    )
    project.write("jobs.d/sum.sql", "select 1")
    project.apply()
    [sha256] = project.record("hello").files.values()
    project.job("other")
    project.remove("hello")
    carry_out(project.plan(), project.store, ANA, NOW, allow_delete=2)
    with pytest.raises(Refused, match="needs Connection/warehouse, which is not installed"):
        undone(project)
    delete_unused_blobs(project.store, project.state, NOW + UNUSED_AFTER + timedelta(days=1))
    assert blob_path(project.state, sha256).exists()  # kept for whoever wants it back
    undone(project, Address("Connection", "warehouse"))
    assert undone(project).changed
    blob_path(project.state, sha256).unlink()


def test_what_is_installed_has_nothing_to_undo(project):
    project.job("hello")
    project.apply()
    with pytest.raises(Refused, match="is installed; there is nothing to undo"):
        undone(project)


def uninstalled(project, address=HELLO, **given):
    return project.store.transact(lambda tx: uninstall(tx, [address], ANA, NOW, **given))[0]


def test_what_is_needed_is_not_uninstalled_before_what_needs_it(project):
    project.write(
        "jobs.d/nightly.yaml",
        """
        apiVersion: jobs.runner/v1
        kind: Schedule
        metadata: {name: nightly}
        spec: {cron: "0 2 * * *"}
        """,
    )
    project.job("hello", more="schedule: nightly")
    project.apply()
    schedule = Address("Schedule", "nightly")
    for address in (HELLO, schedule):
        project.store.transact(lambda tx, each=address: release(tx, each, ANA, NOW))
    with pytest.raises(Refused, match="Schedule/nightly is needed by Job/hello; uninstall that first"):
        uninstalled(project, schedule)
    said = project.store.transact(lambda tx: uninstall(tx, of_source(tx, "(released)"), ANA, NOW))
    assert {(str(each.address), each.changed) for each in said} == {
        ("Job/hello", True),
        ("Schedule/nightly", True),
    }


def test_what_runs_is_uninstalled_when_it_has_ended(project):
    project.job("hello")
    project.apply()
    released(project)
    project.starts("hello")
    said = uninstalled(project)
    assert said.said.startswith("Job/hello finishes a run and is uninstalled then; `runner undo Job/hello`")
    assert ("removed", "git") in project.holds("hello")
    assert not uninstalled(project).changed
    assert undone(project).changed
    assert project.holds("hello") == []


def test_what_was_installed_by_a_source_that_nobody_follows_can_go(project):
    project.job("hello")
    project.apply()
    record = replace(project.record("hello"), source="git:main")

    def belongs_to_git(tx):
        tx.objects.update(record.uid, record, expected_digest=record.digest, at=NOW, who="ana")
        tx.sources.put(SourceRecord(name="main", url="file:///x", ref="", path=".", next_at=NOW))

    project.store.transact(belongs_to_git)
    with pytest.raises(Refused, match="is managed by git:main"):
        uninstalled(project)
    later = NOW + timedelta(minutes=11)
    (said,) = project.store.transact(lambda tx: uninstall(tx, [HELLO], ANA, later))
    assert said.changed


def test_only_an_admin_manages_and_protected_objects_only_on_request(project):
    project.job("hello", more="type: system")
    project.apply()
    with pytest.raises(NotAllowed, match="needs --allow-protected"):
        released(project)
    assert released(project, allow_protected=True).changed
    with pytest.raises(NotAllowed, match="uninstall needs --allow-protected"):
        uninstalled(project)
    with pytest.raises(NotAllowed, match="needs the role admin"):
        adopt(HELLO, None, project.folder, project.store, Actor("eve", role="operator"), NOW)


def test_what_it_had_saved_goes_when_it_cannot_come_back(project):
    project.job("hello")
    project.apply()
    uid = project.record("hello").uid
    project.store.transact(lambda tx: tx.state.put_persistent(uid, {"cursor": 7}, at=NOW))
    removed(project)

    def saved(now):
        prune_history(project.store, project.state, now=now)
        with project.store.read() as reader:
            return reader.state.persistent(uid)

    assert saved(NOW + timedelta(days=29)) is not None
    assert saved(NOW + timedelta(days=31)) is None
