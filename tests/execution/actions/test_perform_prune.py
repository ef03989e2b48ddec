"""A prune step: by age, number and size, beneath its root and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.execution.actions.failure import ActionFailed
from runner.execution.actions.prune import Found, choose, compiled, perform
from runner.execution.child.context import StepContext

Builder = Callable[..., StepContext]
DAY_S = 86_400
NOW_S = 1_800_000_000


class Bench:
    """A root `exports`, and a file per (path, age in days)."""

    def __init__(self, a_step: Builder, folder: Path) -> None:
        self.folder = folder / "exports"
        self.folder.mkdir()
        self._build = a_step
        self.access = "write"

    def file(self, path: str, days: float, size: int = 10) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * size)
        os.utime(file, ns=(0, round((NOW_S - days * DAY_S) * 10**9)))
        return file

    def prune(self, **fields: Any) -> dict[str, Any]:
        roots = {"exports": {"path": str(self.folder), "access": self.access}}
        return perform({"root": "exports", **fields}, self._build(roots=roots), now_ns=NOW_S * 10**9)

    @property
    def left(self) -> list[str]:
        return sorted(str(p.relative_to(self.folder)) for p in self.folder.rglob("*") if not p.is_dir())


@pytest.fixture
def bench(a_step: Builder, tmp_path: Path) -> Bench:
    return Bench(a_step, tmp_path)


def test_files_older_than_a_duration_are_deleted_the_oldest_first(bench: Bench) -> None:
    for name, days in (("a.csv", 40), ("b.csv", 31), ("c.csv", 29), ("d.txt", 99)):
        bench.file(name, days)
    assert bench.prune(match="*.csv", olderThan="30d") == {
        "files": 2,
        "bytes": 20,
        "deleted": 2,
        "archived": 0,
        "names": ["a.csv", "b.csv"],
    }
    assert bench.left == ["c.csv", "d.txt"]


def test_the_newest_are_kept(bench: Bench) -> None:
    for name, days in (("a", 1), ("b", 2), ("c", 3)):
        bench.file(name, days)
    assert bench.prune(keep=2)["names"] == ["c"]


def test_the_newest_are_kept_even_when_they_are_old(bench: Bench) -> None:
    for name, days in (("a", 50), ("b", 60), ("c", 70)):
        bench.file(name, days)
    assert bench.prune(keep=1, olderThan="30d")["names"] == ["c", "b"]
    assert bench.left == ["a"]


def test_the_oldest_go_until_the_size_fits(bench: Bench) -> None:
    for name, days, size in (("a", 1, 400), ("b", 2, 700), ("c", 3, 100)):
        bench.file(name, days, size)
    assert bench.prune(maxSize="1KiB")["names"] == ["c", "b"]


def test_a_dry_run_only_says_what_would_go(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    bench.file("a", 9)
    bench.access = "read"
    outputs = bench.prune(olderThan="1d", dryRun=True)
    assert outputs == {"files": 1, "bytes": 10, "deleted": 0, "archived": 0, "names": ["a"]}
    assert bench.left == ["a"]
    assert capfd.readouterr().out == "would be deleted: a (10B)\n1 of 1 files would be deleted\n"


def test_archived_files_are_moved_and_never_overwrite(bench: Bench) -> None:
    bench.file("in/a", 9)
    assert bench.prune(match="**", olderThan="1d", action="archive")["archived"] == 1
    bench.file("in/a", 8, 20)
    assert bench.prune(match="**", olderThan="1d", action="archive")["bytes"] == 20
    assert bench.left == ["archive/in/a", "archive/in/a.2"]
    assert bench.prune(match="**", olderThan="1d", action="archive")["files"] == 0
    assert bench.prune(match="archive/**", olderThan="1d")["deleted"] == 2


def test_links_are_neither_followed_nor_removed(bench: Bench, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    (bench.folder / "folder").symlink_to(outside)
    (bench.folder / "file").symlink_to(outside / "precious")
    assert bench.prune(match="**", keep=0)["files"] == 0
    assert (outside / "precious").exists() and (bench.folder / "file").is_symlink()


def test_hidden_files_stay_unless_they_are_named(bench: Bench) -> None:
    bench.file(".gitkeep", 99)
    bench.file(".cache/a", 99)
    assert bench.prune(match="**", keep=0)["files"] == 0
    assert bench.prune(match=".cache/*", keep=0)["files"] == 1


def test_a_root_to_be_read_only_is_not_pruned(bench: Bench) -> None:
    bench.access = "read"
    with pytest.raises(ActionFailed) as raised:
        bench.prune(keep=0)
    assert raised.value.code == "read-only-root"


def test_without_a_limit_nothing_is_removed(bench: Bench) -> None:
    bench.file("a", 9)
    with pytest.raises(ActionFailed, match="one of olderThan, keep and maxSize is needed"):
        bench.prune()
    assert bench.left == ["a"]


@pytest.mark.parametrize("match", ["/etc/*", "../*", "a/../../b"])
def test_a_pattern_that_leaves_the_root_is_refused(bench: Bench, match: str) -> None:
    with pytest.raises(ActionFailed, match="must be relative to the root"):
        bench.prune(match=match, keep=0)


@pytest.mark.parametrize(
    ("match", "path", "matches"),
    [
        ("*.csv", "a.csv", True),
        ("*.csv", "sub/a.csv", False),
        ("*.csv", ".a.csv", False),
        ("**/*.csv", "a.csv", True),
        ("**/*.csv", "x/y/a.csv", True),
        ("**/*.csv", ".x/a.csv", False),
        ("x/**", "x/y/z", True),
        ("x/**", "x", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[!a]*", "b", True),
        ("[!a]*", "a", False),
        ("log[0-9].txt", "log5.txt", True),
        ("a[b", "a[b", True),
        ("a+(b).csv", "a+(b).csv", True),
    ],
)
def test_patterns_match_as_in_a_shell(match: str, path: str, matches: bool) -> None:
    assert bool(compiled(match).fullmatch(path)) is matches


files = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=12).map(
    lambda pairs: [Found(f"f{i}", size, age, i) for i, (age, size) in enumerate(pairs)]
)


@given(files, st.none() | st.integers(0, 5), st.none() | st.integers(0, 6), st.none() | st.integers(0, 30))
def test_what_stays_obeys_every_limit_and_the_newest_always_stay(
    found: list[Found], keep: int | None, before: int | None, size: int | None
) -> None:
    going = choose(found, keep=keep, before_ns=before, max_size=size)
    newest_first = sorted(found, key=lambda f: (f.changed_ns, f.path), reverse=True)
    kept, free = newest_first[: keep or 0], newest_first[keep or 0 :]
    staying = [f for f in free if f not in going]
    assert not set(kept) & set(going)
    assert before is None or all(f.changed_ns >= before for f in staying)
    assert size is None or not staying or sum(f.size for f in kept + staying) <= size
    assert going == sorted(going, key=lambda f: (f.changed_ns, f.path))
