"""Going back to an earlier apply, and staying there until a newer commit changes what was bad."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from declared_projects import ANA, NOW, Project

from runner.operations.apply import Applied, carry_out
from runner.operations.audit import Approval
from runner.operations.plan import make_plan_for
from runner.operations.roll_back import Rollback, end_quarantine, plan_rollback
from runner.vocabulary.errors import Refused, UnknownName
from runner.vocabulary.identity import Address


class Here(Project):
    """A project whose applies are a minute apart."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.now = NOW

    def sync(self, **given: object) -> Applied:
        """Plan and apply the folder, as the daemon does."""
        self.now += timedelta(minutes=1)
        return carry_out(self.plan(now=self.now), self.store, ANA, self.now, **given)  # type: ignore[arg-type]

    def roll_back(self, revision: str | None = None, **given: object) -> Rollback:
        self.now += timedelta(minutes=1)
        found = plan_rollback(self.store, revision, ANA, self.now, why="INC-1")
        carry_out(found.planned, self.store, ANA, self.now, approval=Approval("rollback"), **given)  # type: ignore[arg-type]
        return found

    @property
    def shells(self) -> dict[str, str]:
        """By job: what it runs."""
        with self.store.read() as reader:
            return {
                job.name: job.resolved["steps"][0]["action"]["script"] for job in reader.objects.all("Job")
            }

    @property
    def pinned(self) -> list[str]:
        with self.store.read() as reader:
            return [str(each.address) for each in reader.quarantines.active()]

    def lines(self) -> list[str]:
        return [f"{each.action} {each.address}" for each in self.plan(now=self.now).plan.changes]

    def events(self) -> list[str]:
        with self.store.read() as reader:
            return [each.event for each in reversed(reader.events.of("source", "jobs.d"))]


@pytest.fixture
def here(tmp_path: Path) -> Here:
    found = Here(tmp_path)
    for name in ("one", "two", "three"):
        found.job(name, shell=f"echo good {name}")
    found.sync()
    return found


def bad(here: Here) -> None:
    here.job("one", shell="echo bad")
    here.sync()


def test_the_last_apply_is_taken_back_and_stays_so_at_the_next_sync(here: Here) -> None:
    bad(here)
    here.roll_back()
    assert here.shells["one"] == "echo good one"
    assert here.lines() == ["note Job/one"]
    (note,) = here.plan(now=here.now).plan.changes
    assert note.reason == "stays as it was: ana rolled serial 2 back (INC-1); until a newer commit changes it"
    assert not here.sync().changed
    assert here.shells["one"] == "echo good one"
    assert here.pinned == ["Job/one"]


def test_everything_else_keeps_flowing(here: Here) -> None:
    bad(here)
    here.roll_back()
    here.job("two", shell="echo newer two")
    here.job("four")
    here.remove("three")
    here.sync()
    assert here.shells == {"one": "echo good one", "two": "echo newer two", "four": "echo hello"}
    assert here.pinned == ["Job/one"]


def test_the_first_newer_commit_that_changes_the_object_ends_it(here: Here) -> None:
    bad(here)
    here.roll_back()
    here.job("one", shell="echo mended")
    assert here.lines() == ["update Job/one"]
    here.sync()
    assert here.shells["one"] == "echo mended"
    assert here.pinned == []
    assert here.events()[-3:] == ["source.rolled-back", "applied", "source.quarantine-ended"]
    assert not here.sync().changed


def test_a_commit_that_reverts_the_bad_one_ends_it_without_a_change(here: Here) -> None:
    bad(here)
    here.roll_back()
    here.job("one", shell="echo good one")
    assert not here.sync().changed
    assert here.pinned == []
    here.job("one", shell="echo bad")  # declared anew, on purpose
    here.sync()
    assert here.shells["one"] == "echo bad"


def test_a_change_of_what_all_jobs_get_does_not_bring_the_bad_definition_back(here: Here) -> None:
    bad(here)
    here.roll_back()
    here.write(
        "jobs.d/runner.yaml",
        """
        apiVersion: jobs.runner/v1
        kind: Runner
        metadata: {name: runner}
        spec: {defaults: {timeout: 1h}}
        """,
    )
    here.sync()
    assert here.shells["one"] == "echo good one"
    assert here.pinned == ["Job/one"]


def test_what_the_bad_commit_added_goes_and_stays_away(here: Here) -> None:
    here.job("four", shell="echo bad four")
    here.sync()
    here.roll_back()
    assert sorted(here.shells) == ["one", "three", "two"]
    assert not here.sync().changed
    assert here.lines() == ["note Job/four"]
    here.job("four", shell="echo mended four")
    here.sync()
    assert here.shells["four"] == "echo mended four"


def test_what_the_bad_commit_removed_comes_back_and_stays(here: Here) -> None:
    with here.store.read() as reader:
        before = reader.objects.get(Address("Job", "two"))
    here.remove("two")
    here.sync()
    here.roll_back()
    assert here.shells["two"] == "echo good two"
    with here.store.read() as reader:
        after = reader.objects.get(Address("Job", "two"))
        assert before is not None and after is not None
        assert after.uid == before.uid
        assert reader.holds.of(after.uid) == []
    assert not here.sync().changed
    here.job("two", shell="echo again")
    here.sync()
    assert (here.shells["two"], here.pinned) == ("echo again", [])


def test_an_object_that_was_renamed_gets_its_name_back_with_its_history(here: Here) -> None:
    with here.store.read() as reader:
        before = reader.objects.get(Address("Job", "two"))
    here.remove("two")
    path = here.job("renamed", shell="echo bad")
    path.write_text(
        path.read_text().replace(
            "  name: renamed", "  name: renamed\n  annotations: {jobs.runner/moved-from: two}"
        )
    )
    here.sync()
    here.roll_back()
    assert here.shells == {"one": "echo good one", "two": "echo good two", "three": "echo good three"}
    with here.store.read() as reader:
        after = reader.objects.get(Address("Job", "two"))
    assert before is not None and after is not None and after.uid == before.uid
    assert not here.sync().changed
    assert here.pinned == ["Job/renamed", "Job/two"]
    path.write_text(path.read_text().replace("echo bad", "echo mended"))
    here.sync()
    assert sorted(here.shells) == ["one", "renamed", "three"]
    assert here.pinned == []


SCHEDULE = """
    apiVersion: jobs.runner/v1
    kind: Schedule
    metadata: {{name: nightly}}
    spec: {{cron: "{cron}"}}
    """


def test_a_bad_schedule_is_taken_back_for_all_of_its_jobs_and_mended_for_all(here: Here) -> None:
    here.write("jobs.d/nightly.yaml", SCHEDULE.format(cron="0 2 * * *"))
    for name in ("one", "two"):
        here.job(name, more="schedule: nightly", shell="echo good")
    here.sync()
    here.write("jobs.d/nightly.yaml", SCHEDULE.format(cron="* * * * *"))
    here.sync()
    here.roll_back()
    assert here.pinned == ["Job/one", "Job/two", "Schedule/nightly"]
    assert not here.sync().changed
    here.write("jobs.d/nightly.yaml", SCHEDULE.format(cron="0 3 * * *"))
    here.sync()
    assert here.pinned == []
    with here.store.read() as reader:
        jobs = [reader.objects.get(Address("Job", name)) for name in ("one", "two")]
    assert {next(iter(job.resolved["schedules"].values()))["cron"] for job in jobs if job} == {"0 3 * * *"}


def test_a_second_rollback_goes_one_further_back(here: Here) -> None:
    here.job("one", shell="echo bad 2")
    here.sync()
    here.job("one", shell="echo bad 3")
    here.sync()
    assert here.roll_back().to.serial == 2
    assert here.shells["one"] == "echo bad 2"
    assert here.roll_back().to.serial == 1
    assert here.shells["one"] == "echo good one"
    assert not here.sync().changed
    with pytest.raises(Refused, match=r"there is no apply of jobs\.d before serial 1 to go back to"):
        here.roll_back()


def test_a_serial_names_how_far_back(here: Here) -> None:
    bad(here)
    here.job("two", shell="echo bad two")
    here.sync()
    here.roll_back("1")
    assert here.shells == {name: f"echo good {name}" for name in ("one", "two", "three")}
    assert here.pinned == ["Job/one", "Job/two"]


@pytest.mark.parametrize(
    ("revision", "error", "said"),
    [
        ("99", UnknownName, "no apply of jobs.d is called 99; there is 1"),
        ("nonsense", UnknownName, "no apply of jobs.d is called nonsense"),
        ("2", Refused, "2 is what is installed; name an earlier one"),
    ],
)
def test_an_apply_that_is_none_is_told_with_those_that_are(
    here: Here, revision: str, error: type[Exception], said: str
) -> None:
    bad(here)
    with pytest.raises(error, match=said):
        here.roll_back(revision)
    assert here.shells["one"] == "echo bad"


def test_the_first_apply_cannot_be_taken_back(here: Here) -> None:
    with pytest.raises(Refused, match="there is no apply"):
        here.roll_back()


def test_what_is_pinned_flows_again_when_an_operator_ends_it(here: Here) -> None:
    bad(here)
    here.roll_back()
    assert [str(each.address) for each in end_quarantine(here.store, None, ANA, here.now)] == ["Job/one"]
    assert here.lines() == ["update Job/one"]
    here.sync()
    assert here.shells["one"] == "echo bad"
    assert end_quarantine(here.store, None, ANA, here.now) == []


def test_a_file_whose_content_is_no_longer_kept_cannot_be_gone_back_to(here: Here) -> None:
    job = here.write(
        "jobs.d/one.yaml",
        """
        apiVersion: jobs.runner/v1
        kind: Job
        metadata: {name: one}
        spec:
          enabled: true
          steps: [{name: work, shell: {file: work.sh}}]
        """,
    )
    script = here.write("jobs.d/work.sh", "echo good\n")
    here.sync()
    script.write_text("echo bad\n")
    here.sync()
    found = plan_rollback(here.store, None, ANA, here.now)
    assert [each.action for each in found.planned.plan.changes] == ["update"]
    for blob in (here.state / "blobs").rglob("*"):
        if blob.is_file() and blob.read_bytes() == b"echo good\n":
            blob.unlink()
    with pytest.raises(Refused, match=r"work\.sh, which Job/one named then, is no longer kept"):
        plan_rollback(here.store, None, ANA, here.now)
    assert job.exists()


def test_a_plan_of_one_file_leaves_a_pinned_object_pinned(here: Here) -> None:
    bad(here)
    here.roll_back()
    assert [each.action for each in here.plan("jobs.d/one.yaml").plan.changes] == ["note"]
    assert here.plan("jobs.d/two.yaml").plan.changes == ()


def test_a_rollback_is_an_apply_that_is_written_down(here: Here) -> None:
    bad(here)
    here.roll_back()
    with here.store.read() as reader:
        (last, *_) = reader.applies.list()
    assert (last.verb, last.serial, last.who) == ("rollback", 3, "ana")
    assert [(each["action"], each["address"]) for each in last.changes] == [("update", "Job/one")]


def test_a_broken_file_that_is_isolated_ends_no_pin(here: Here) -> None:
    bad(here)
    here.roll_back()
    here.write("jobs.d/one.yaml", "kind: Nonsense\n")
    here.job("two", shell="echo newer")
    here.now += timedelta(minutes=1)
    planned = make_plan_for(None, here.folder, here.store, here.now, on_invalid="isolate")
    carry_out(planned, here.store, ANA, here.now)
    assert here.shells == {"one": "echo good one", "two": "echo newer", "three": "echo good three"}
    assert here.pinned == ["Job/one"]
    here.job("one", shell="echo bad")
    assert not here.sync().changed
    assert here.shells["one"] == "echo good one"


def test_a_file_that_is_no_longer_kept_comes_from_the_history_of_the_repository(here: Here) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org")
        subprocess.run(["git", *who, *words], cwd=here.folder, check=True, capture_output=True)

    here.job("one", shell="{file: work.sh}")
    script = here.write("jobs.d/work.sh", "echo good\n")
    git("init", "--quiet")
    for content in ("echo good\n", "echo bad\n"):
        script.write_text(content)
        git("add", "jobs.d")
        git("commit", "--quiet", "-m", content)
        here.sync()
    for blob in (here.state / "blobs").rglob("*"):
        if blob.is_file() and blob.read_bytes() == b"echo good\n":
            blob.unlink()
    here.roll_back()
    kept = [blob.read_bytes() for blob in (here.state / "blobs").rglob("*") if blob.is_file()]
    assert b"echo good\n" in kept
    assert here.pinned == ["Job/one"]
