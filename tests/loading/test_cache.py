# ruff: noqa: E501
"""Unchanged files are not read again, and whatever happens to the cache, the answer is right."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from array import array
from pathlib import Path

import pytest
from loading_builders import Project, a_job, an_object

import runner
from runner.loading import build, changes, second_process, tree, walk
from runner.loading.snapshot import Held, Record, pack_record
from runner.loading.stamp import ROOMS
from runner.loading.walk import Scan
from runner.vocabulary.identity import Address


@pytest.fixture
def loaded(project: Project) -> Project:
    for name in ("a", "b", "c"):
        project.write(f"{name}.yaml", a_job(name, spec="  schedule: nightly\n"))
    project.write("s.yaml", an_object("Schedule", "nightly", '  cron: "0 2 * * *"\n'))
    project.settle()
    return project


def read_paths(project: Project, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which declarations a load reads."""
    read: list[str] = []
    real = changes._answers

    def answers(scan: Scan, positions: list[int], *rest: object) -> object:
        read.extend(scan.paths[position] for position in positions)
        return real(scan, positions, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(changes, "_answers", answers)
    project.load()
    return sorted(read)


def test_an_unchanged_tree_is_recognised_without_reading_it(
    loaded: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert loaded.load().unchanged
    assert read_paths(loaded, monkeypatch) == []


def test_only_a_changed_file_is_read(loaded: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded.write("b.yaml", a_job("b", spec="  schedule: nightly\n  timeout: 5m\n"))
    assert read_paths(loaded, monkeypatch) == ["b.yaml"]


def test_a_change_of_the_same_size_and_time_is_seen(loaded: Project) -> None:
    file = loaded.jobs / "a.yaml"
    status = file.stat()
    before = loaded.load().objects[Address("Job", "a")].digest
    file.write_text(file.read_text().replace("echo hello", "echo hullo"))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert loaded.load().objects[Address("Job", "a")].digest != before


def test_a_file_changed_in_the_instant_it_was_read_is_read_again(project: Project) -> None:
    """git's rule: the index cannot tell two versions of one instant apart, so it must not trust itself."""
    file = project.write("a.yaml", a_job("a"))
    before = project.load().objects[Address("Job", "a")].digest
    assert not project.load().unchanged  # too close to the first load to be trusted
    inode = file.stat().st_ino
    file.write_text(file.read_text().replace("echo hello", "echo hullo"))
    assert file.stat().st_ino == inode
    assert project.load().objects[Address("Job", "a")].digest != before


def test_once_the_instant_has_passed_the_file_is_trusted(project: Project) -> None:
    project.write("a.yaml", a_job("a"))
    project.load()
    project.settle()
    assert project.load().unchanged


@pytest.mark.parametrize("kind", ["schedule", "code", "runner"])
def test_what_others_are_made_of_changes_their_digests(loaded: Project, kind: str) -> None:
    loaded.write("code.py", "1\n")
    loaded.write(
        "p.yaml", a_job("p", body="  steps:\n    - name: s\n      python: {file: code.py, function: f}\n")
    )
    loaded.write("r.yaml", an_object("Runner", "runner", "  timezone: UTC\n"))
    loaded.settle()
    before = loaded.load().digests()
    if kind == "schedule":
        loaded.write("s.yaml", an_object("Schedule", "nightly", '  cron: "0 3 * * *"\n'))
        expected = {"Job/a", "Job/b", "Job/c", "Schedule/nightly"}
    elif kind == "code":
        loaded.write("code.py", "2\n")
        expected = {"Job/p"}
    else:
        loaded.write(
            "r.yaml", an_object("Runner", "runner", "  timezone: UTC\n  defaults:\n    timeout: 7m\n")
        )
        expected = {"Job/a", "Job/b", "Job/c", "Job/p", "Runner/runner"}
    after = loaded.load().digests()
    assert {address for address in after if after[address] != before[address]} == expected
    assert dict(loaded.load(state=None).digests()) == dict(after)


@pytest.mark.parametrize("act", ["add", "remove", "rename", "break and mend", "swap"])
def test_every_change_gives_what_a_load_without_cache_gives(loaded: Project, act: str) -> None:
    if act == "add":
        loaded.write("d.yaml", a_job("d"))
    elif act == "remove":
        (loaded.jobs / "a.yaml").unlink()
    elif act == "rename":
        (loaded.jobs / "a.yaml").rename(loaded.jobs / "z.yaml")
    elif act == "swap":
        one, other = (loaded.jobs / name for name in ("a.yaml", "b.yaml"))
        text = one.read_text()
        one.write_text(other.read_text())
        other.write_text(text)
    else:
        whole = (loaded.jobs / "s.yaml").read_text()
        (loaded.jobs / "s.yaml").unlink()
        assert {d.rule for d in loaded.load().diagnostics} == {"unknown-reference"}
        loaded.write("s.yaml", whole.replace("0 2", "0 4"))
    now, fresh = loaded.load(), loaded.load(state=None)
    assert dict(now.objects) == dict(fresh.objects) and len(now.objects) >= 3
    assert now.digest == fresh.digest


def test_the_same_files_in_another_order_are_the_same_tree(
    loaded: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems list a file elsewhere once it was removed and came back, as a checkout does it."""
    digests = dict(loaded.load().digests())
    scan = walk.scan_folder

    def the_other_way_round(root: str) -> Scan:
        seen = scan(root)
        rows = [seen.figures[at * 4 : at * 4 + 4] for at in reversed(range(len(seen.paths)))]
        return Scan(seen.paths[::-1], array("q", [figure for row in rows for figure in row]))

    monkeypatch.setattr(tree, "scan_folder", the_other_way_round)
    objects = loaded.load().objects
    assert {str(address): each.digest for address, each in objects.items()} == digests
    assert {each.place.file for each in objects.values()} == {f"jobs.d/{name}.yaml" for name in "abcs"}


def a_long_list(project: Project) -> None:
    for at in range(6):
        project.write(f"{at}/job-{at}.yaml", a_job(f"job-number-{at}"))
    project.write("longer.yaml", a_job("job-number-22", metadata="  labels: {like: job-number-2x}\n"))
    project.write("nightly.yaml", an_object("Schedule", "nightly", '  cron: "0 2 * * *"\n'))
    project.write("odd.yaml", a_job("odd", spec='  schedule: "*/7 * * * *"\n'))  # has a warning
    project.settle()


def is_like_a_fresh_load(project: Project) -> bool:
    now, fresh = project.load(), project.load(state=None)
    assert dict(now.objects) == dict(fresh.objects)
    assert (now.digest, now.diagnostics) == (fresh.digest, fresh.diagnostics)
    return True


@pytest.mark.parametrize("besides", ["nothing", "another", "an edit", "a file with a warning"])
def test_a_removed_job_that_nobody_names_judges_nothing_else_anew(
    project: Project, monkeypatch: pytest.MonkeyPatch, besides: str
) -> None:
    a_long_list(project)
    (project.jobs / "2" / "job-2.yaml").unlink()
    if besides == "another":
        (project.jobs / "5" / "job-5.yaml").unlink()
    elif besides == "an edit":
        project.write("4/job-4.yaml", a_job("job-number-4").replace("echo hello", "echo hullo"))
    elif besides == "a file with a warning":
        (project.jobs / "odd.yaml").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(build._Build, "rebuilt", lambda *_: pytest.fail("everything was judged anew"))
        tree = project.load()
    assert Address("Job", "job-number-2") not in tree.objects
    assert Address("Job", "job-number-3") in tree.objects
    project.settle()
    assert project.load().unchanged
    assert is_like_a_fresh_load(project)


@pytest.mark.parametrize("what", ["a name that is left", "a schedule", "a file and a new one", "all"])
def test_any_other_removal_judges_everything_anew(project: Project, what: str) -> None:
    a_long_list(project)
    if what == "a name that is left":
        project.write(
            "new.yaml", a_job("new", metadata="  annotations: {jobs.runner/moved-from: job-number-2}\n")
        )
        project.load()
        (project.jobs / "2" / "job-2.yaml").unlink()
    elif what == "a schedule":
        project.write("1/job-1.yaml", a_job("job-number-1", spec="  schedule: nightly\n"))
        project.load()
        (project.jobs / "nightly.yaml").unlink()
    elif what == "a file and a new one":
        (project.jobs / "2" / "job-2.yaml").rename(project.jobs / "2" / "renamed.yaml")
    else:
        for file in project.jobs.rglob("*.yaml"):
            file.unlink()
    assert is_like_a_fresh_load(project)


@pytest.mark.parametrize(
    ("said", "is_named"),
    [
        ("job-2", True),
        ("Job/job-2", True),
        ("Job/job-2#rows", True),
        ("job-22", False),
        ("Job/job-2x", False),
    ],
)
def test_whether_a_record_names_a_job_is_seen_without_unpacking_it(said: str, is_named: bool) -> None:
    held = Held(0, 1, "Job", "other", {"references": [(said, ["spec"])]}, "", "", False, {})
    packed = b"\0".join([pack_record(Record(b"0" * 32, [held], [])), b"", b"more"])
    assert any(changes._is_named(packed, text) for text in ("job-2", "Job/job-2")) is is_named


def test_diagnostics_of_an_unchanged_tree_are_told_again(loaded: Project) -> None:
    loaded.write("bad.yaml", a_job("bad", spec="  timeout: soon\n"))
    loaded.settle()
    first, again = loaded.load(), loaded.load()
    assert again.unchanged and again.diagnostics == first.diagnostics != ()
    assert again.diagnostics == loaded.load(state=None).diagnostics


@pytest.mark.parametrize("harm", ["delete", "truncate", "flip", "empty", "garbage", "folder"])
@pytest.mark.parametrize("pattern", ["index-*", "contents-*.db", "*"])
def test_a_damaged_cache_is_as_good_as_none(loaded: Project, pattern: str, harm: str) -> None:
    expected = dict(loaded.load().objects)
    for file in list((loaded.state / "cache").glob(pattern)):
        content = file.read_bytes()
        file.unlink()
        if harm == "truncate":
            file.write_bytes(content[: len(content) // 2])
        elif harm == "flip":
            middle = len(content) // 2
            file.write_bytes(content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :])
        elif harm == "empty":
            file.touch()
        elif harm == "garbage":
            file.write_bytes(os.urandom(5000))
        elif harm == "folder":
            file.mkdir()
    loaded.write("c.yaml", (loaded.jobs / "c.yaml").read_text() + "# changed\n")
    assert dict(loaded.load().objects) == expected
    assert dict(loaded.load().objects) == expected


def test_any_flipped_byte_of_the_index_is_noticed(loaded: Project) -> None:
    (index,) = (loaded.state / "cache").glob("index-*")
    content = index.read_bytes()
    expected = dict(loaded.load().objects)
    for at in range(0, len(content), max(1, len(content) // 60)):
        index.write_bytes(content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :])
        assert dict(loaded.load().objects) == expected


def test_the_cache_is_private(loaded: Project) -> None:
    cache = loaded.state / "cache"
    assert cache.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in cache.iterdir()} == {0o600}


def test_a_cache_that_others_can_write_is_not_believed(loaded: Project) -> None:
    (loaded.state / "cache").chmod(0o777)
    assert not loaded.load().unchanged


def test_another_program_version_reads_everything_anew(
    loaded: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.loading.tree.program_stamp", lambda: "0" * 32)
    assert not loaded.load().unchanged


def test_another_program_is_told_by_every_room_that_judges_a_file() -> None:
    house = Path(runner.__file__).parent
    rooms, found = {"loading"}, set[str]()
    while rooms != found:
        found = set(rooms)
        for room in found:
            for file in (house / room).rglob("*.py"):
                rooms.update(re.findall(r"^ *(?:from|import) runner\.(\w+)", file.read_text(), re.MULTILINE))
    assert rooms == set(ROOMS)


def test_without_a_state_directory_nothing_is_written(project: Project) -> None:
    project.write("a.yaml", a_job("a"))
    project.load(state=project.folder / "nowhere")
    project.load(state=None)
    assert not (project.folder / "nowhere").exists()
    assert list(project.state.iterdir()) == []


LOADER = """
import sys
from pathlib import Path
from runner.loading.tree import load_tree
project = Path(sys.argv[1])
for _ in range(20):
    tree = load_tree(project / "jobs.d", project=project, state=project / ".runner")
    assert len(tree.objects) == 4, tree.diagnostics
    (project / "jobs.d" / f"{sys.argv[2]}.yaml").touch()
"""


def test_two_processes_may_share_the_cache(loaded: Project) -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", LOADER, str(loaded.folder), name], stderr=subprocess.PIPE
        )
        for name in ("a", "b")
    ]
    assert [process.communicate(timeout=60)[1] for process in running] == [b"", b""]
    assert list((loaded.state / "cache").glob("*tmp*")) == []


def test_what_has_not_changed_needs_no_parser(loaded: Project) -> None:
    program = (
        "import sys; from pathlib import Path; from runner.loading.tree import load_tree; p = Path(sys.argv[1]);"
        "t = load_tree(None, project=p, state=p / '.runner'); assert t.unchanged and len(t.objects) == 4;"
        "list(t.objects.values()); heavy = {'pydantic', 'ruamel', 'jsonschema', 'jsonschema_rs', 'sqlite3'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, str(loaded.folder)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_the_second_process_changes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        project.write(f"{number}.yaml", a_job(f"job-{number}", spec="  schedule: nightly\n"))
    project.write("bad.yml", a_job("bad", spec="  timeuot: 5m\n"))
    project.write("s.yaml", an_object("Schedule", "nightly", '  cron: "0 2 * * *"\n'))
    with_error = project.load(state=None).diagnostics
    (project.jobs / "bad.yml").rename(project.jobs / "bad.txt")
    alone = project.load(state=None)
    monkeypatch.setattr(second_process, "WORTH_IT", 2)
    together = project.load(state=None)
    assert dict(together.objects) == dict(alone.objects) and len(alone.objects) == 31
    (project.jobs / "bad.txt").rename(project.jobs / "bad.yml")
    assert project.load(state=None).diagnostics == with_error


def test_the_death_of_the_second_process_changes_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        project.write(f"{number}.yaml", a_job(f"job-{number}"))
    monkeypatch.setattr(second_process, "WORTH_IT", 2)
    monkeypatch.setattr(second_process.sys, "executable", "/bin/false")
    assert len(project.load(state=None).objects) == 6


def test_a_program_in_the_working_directory_is_not_imported(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(second_process, "WORTH_IT", 2)
    for number in range(4):
        project.write(f"{number}.yaml", a_job(f"job-{number}"))
    assert len(project.load(state=None).objects) == 4
