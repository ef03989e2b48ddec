"""A copy of a real repository: what is fetched, and what becomes of every broken one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from remotes import Upstream, a_copy, checked_out, git

from runner.git import local_copy, program
from runner.git.local_copy import MOST_PACKS
from runner.git.program import GitFailed
from runner.sources.target import Target


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    found = Upstream(tmp_path)
    found.commit(
        {
            "jobs.d/a.yaml": "a: 1\n",
            "jobs.d/deep/b.yaml": "b: 1\n",
            "other/big.bin": "x" * 1000,
            "README": "x",
        }
    )
    return found


def reason_of(problem: pytest.ExceptionInfo[GitFailed]) -> str:
    return problem.value.reason


def test_only_the_folder_is_checked_out_and_no_other_content_is_fetched(
    upstream: Upstream, tmp_path: Path
) -> None:
    copy = a_copy(tmp_path / "state", upstream.url)
    target, root = checked_out(copy)
    found = {str(p.relative_to(copy.folder)) for p in copy.folder.rglob("*.*") if ".git" not in p.parts}
    assert found == {"jobs.d", "jobs.d/a.yaml", "jobs.d/deep/b.yaml"}
    assert root == copy.folder / "jobs.d"
    assert target.commit == git(upstream.tree, "rev-parse", "HEAD")
    blob = git(upstream.tree, "rev-parse", "HEAD:other/big.bin")
    missing = git(copy.folder, "rev-list", "--objects", "--missing=print", "HEAD")
    assert f"?{blob}" in missing


def test_a_newer_commit_changes_only_what_differs(upstream: Upstream, tmp_path: Path) -> None:
    copy = a_copy(tmp_path / "state", upstream.url)
    _, root = checked_out(copy)
    untouched = (root / "a.yaml").stat().st_mtime_ns
    upstream.commit({"jobs.d/deep/b.yaml": None, "jobs.d/c.yaml": "c: 1\n"})
    checked_out(copy)
    assert sorted(each.name for each in root.rglob("*")) == ["a.yaml", "c.yaml"]
    assert (root / "a.yaml").stat().st_mtime_ns == untouched


def test_the_whole_repository_is_a_path_too(upstream: Upstream, tmp_path: Path) -> None:
    _, root = checked_out(a_copy(tmp_path / "state", upstream.url), path=".")
    assert (root / "README").is_file() and (root / "other" / "big.bin").is_file()


@pytest.mark.parametrize("kind", ["tag", "annotated", "commit", "semver"])
def test_tags_commits_and_ranges_are_followed(upstream: Upstream, tmp_path: Path, kind: str) -> None:
    wanted = git(upstream.tree, "rev-parse", "HEAD")
    git(upstream.tree, "tag", *(["-a", "-m", "one"] if kind == "annotated" else []), "v1.0.0")
    upstream.commit({"jobs.d/a.yaml": "a: 2\n"})
    git(upstream.tree, "tag", "v2.0.0")
    upstream.push("--tags")
    ref = {"commit": wanted, "semver": "semver:^1"}.get(kind, "tag:v1.0.0")
    target, root = checked_out(a_copy(tmp_path / "state", upstream.url), ref)
    assert target.commit == wanted
    assert (root / "a.yaml").read_text() == "a: 1\n"


def test_a_commit_that_only_a_branch_leads_to_is_found_where_the_server_gives_out_names_only(
    upstream: Upstream, tmp_path: Path
) -> None:
    wanted = git(upstream.tree, "rev-parse", "HEAD")
    upstream.commit({"jobs.d/a.yaml": "a: 2\n"})
    copy = a_copy(tmp_path / "state", upstream.url)
    target, root = checked_out(copy, wanted)
    assert (root / "a.yaml").read_text() == "a: 1\n"
    with pytest.raises(GitFailed) as problem:
        copy.fetch(Target("d" * 40, "d" * 40, "d" * 40))
    assert reason_of(problem) == "CommitMissing"
    assert target.commit == wanted


def test_a_rewritten_branch_is_no_descendant_of_what_was_applied(upstream: Upstream, tmp_path: Path) -> None:
    copy = a_copy(tmp_path / "state", upstream.url)
    first, _ = checked_out(copy)
    second_commit = upstream.commit({"jobs.d/a.yaml": "a: 2\n"})
    checked_out(copy)
    assert copy.is_ancestor(first.commit, second_commit)
    git(upstream.tree, "reset", "--quiet", "--hard", "HEAD~1")
    third = upstream.commit({"jobs.d/a.yaml": "a: 3\n"})
    target, root = checked_out(copy)
    assert target.commit == third
    assert (root / "a.yaml").read_text() == "a: 3\n"
    assert not copy.is_ancestor(second_commit, third)
    assert not copy.is_ancestor("e" * 40, third)


def test_a_path_that_vanished_is_told_and_is_not_empty(upstream: Upstream, tmp_path: Path) -> None:
    copy = a_copy(tmp_path / "state", upstream.url)
    checked_out(copy)
    upstream.commit({"jobs.d/a.yaml": None, "jobs.d/deep/b.yaml": None})
    with pytest.raises(GitFailed, match=r"has no folder jobs\.d; what is installed stays") as problem:
        checked_out(copy)
    assert reason_of(problem) == "PathMissing"
    (upstream.tree / "jobs.d" / "deep").rmdir()
    (upstream.tree / "jobs.d").rmdir()
    upstream.commit({"jobs.d": "a file\n"})
    with pytest.raises(GitFailed) as problem:
        checked_out(copy)
    assert reason_of(problem) == "PathMissing"


def test_a_path_that_is_a_link_leads_nowhere(upstream: Upstream, tmp_path: Path) -> None:
    (upstream.tree / "linked").symlink_to("/etc")
    upstream.commit({})
    with pytest.raises(GitFailed) as problem:
        checked_out(a_copy(tmp_path / "state", upstream.url), path="linked")
    assert reason_of(problem) == "PathMissing"


def test_a_submodule_in_the_path_is_told_and_elsewhere_it_is_left_alone(
    upstream: Upstream, tmp_path: Path
) -> None:
    other = Upstream(tmp_path / "other")
    other.commit({"x.yaml": "x: 1\n"})
    git(upstream.tree, "submodule", "--quiet", "add", other.url, "vendor")
    upstream.commit({})
    copy = a_copy(tmp_path / "state", upstream.url)
    checked_out(copy)
    assert not (copy.folder / "vendor").exists()
    git(upstream.tree, "submodule", "--quiet", "add", other.url, "jobs.d/vendor")
    upstream.commit({})
    with pytest.raises(GitFailed, match=r"^jobs\.d/vendor is a submodule, which is not fetched") as problem:
        checked_out(copy)
    assert reason_of(problem) == "SubmoduleInPath"


def test_content_that_is_kept_outside_of_git_is_told(upstream: Upstream, tmp_path: Path) -> None:
    upstream.commit(
        {"jobs.d/.gitattributes": "*.dat filter=lfs\n", "jobs.d/x.dat": "version https://git-lfs\n"}
    )
    with pytest.raises(GitFailed, match=r"^jobs\.d/x\.dat is kept outside of git") as problem:
        checked_out(a_copy(tmp_path / "state", upstream.url))
    assert reason_of(problem) == "ContentMissing"


def test_an_unreachable_remote_is_told_as_that(tmp_path: Path) -> None:
    with pytest.raises(GitFailed) as problem:
        a_copy(tmp_path, f"file://{tmp_path}/nothing.git").listed(["refs/heads/main"])
    assert reason_of(problem) == "RemoteUnreachable"
    with pytest.raises(GitFailed) as problem:
        a_copy(tmp_path, "http://127.0.0.1:1/x.git").listed(["refs/heads/main"])
    assert reason_of(problem) == "RemoteUnreachable"


def test_what_a_killed_git_left_is_no_obstacle(upstream: Upstream, tmp_path: Path) -> None:
    copy = a_copy(tmp_path / "state", upstream.url)
    checked_out(copy)
    for left in ("index.lock", "config.lock", "HEAD.lock", "refs/runner/target.lock"):
        (copy.folder / ".git" / left).write_text("")
    upstream.commit({"jobs.d/a.yaml": "a: 2\n"})
    _, root = checked_out(copy)
    assert (root / "a.yaml").read_text() == "a: 2\n"


def test_files_that_somebody_changed_or_left_in_the_copy_are_put_right(
    upstream: Upstream, tmp_path: Path
) -> None:
    copy = a_copy(tmp_path / "state", upstream.url)
    _, root = checked_out(copy)
    (root / "a.yaml").unlink()
    (root / "deep" / "b.yaml").write_text("b: changed\n")
    (root / "stray.yaml").write_text("x: 1\n")
    (root / "repo").mkdir()
    git(root / "repo", "init", "--quiet")
    checked_out(copy)
    assert (root / "a.yaml").read_text() == "a: 1\n"
    assert (root / "deep" / "b.yaml").read_text() == "b: 1\n"
    assert sorted(each.name for each in root.iterdir()) == ["a.yaml", "deep"]


@pytest.mark.parametrize(
    "written",
    [
        '[remote "origin"]\n\tuploadpack = touch {ran}; git-upload-pack\n',
        '[url "file:///nowhere"]\n\tinsteadOf = file://\n',
        "[include]\n\tpath = /nowhere\n",
        '[remote "origin"]\n\turl = file:///nowhere\n',
    ],
)
def test_a_copy_whose_configuration_somebody_changed_is_made_anew(
    upstream: Upstream, tmp_path: Path, written: str
) -> None:
    copy = a_copy(tmp_path / "state", upstream.url)
    checked_out(copy)
    ran = tmp_path / "ran"
    with (copy.folder / ".git" / "config").open("a") as config:
        config.write(written.format(ran=ran))
    upstream.commit({"jobs.d/a.yaml": "a: 2\n"})
    _, root = checked_out(copy)
    assert (root / "a.yaml").read_text() == "a: 2\n"
    assert not ran.exists()


def test_a_copy_that_lost_its_objects_fetches_them_again(upstream: Upstream, tmp_path: Path) -> None:
    copy = a_copy(tmp_path / "state", upstream.url)
    checked_out(copy)
    for pack in (copy.folder / ".git" / "objects" / "pack").glob("pack-*"):
        pack.unlink()
    _, root = checked_out(copy)
    assert (root / "a.yaml").read_text() == "a: 1\n"


@pytest.mark.parametrize("damage", ["objects", "head", "index"])
def test_a_damaged_copy_is_known_as_that_and_can_be_made_anew(
    upstream: Upstream, tmp_path: Path, damage: str
) -> None:
    copy = a_copy(tmp_path / "state", upstream.url)
    checked_out(copy)
    directory = copy.folder / ".git"
    if damage == "objects":
        for pack in (directory / "objects" / "pack").glob("pack-*"):
            pack.chmod(0o600)
            pack.write_bytes(b"nonsense")
    elif damage == "head":
        (directory / "HEAD").write_text("nonsense\n")
    else:
        (directory / "index").write_bytes(b"nonsense")
    with pytest.raises(GitFailed) as problem:
        checked_out(copy)
    assert reason_of(problem) == "LocalCopyDamaged", problem.value
    copy.discard()
    _, root = checked_out(copy)
    assert (root / "a.yaml").read_text() == "a: 1\n"


def test_nothing_of_the_repository_or_of_the_machine_is_executed(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho $0 >> {ran}\n")
    program.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f"[core]\n\tfsmonitor = {program}\n\thooksPath = {tmp_path}\n[credential]\n\thelper = {program}\n"
        f'[filter "evil"]\n\tsmudge = {program}\n'
    )
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        (tmp_path / name).write_text(program.read_text())
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    monkeypatch.setenv("GIT_SSH_COMMAND", str(program))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(program))
    monkeypatch.setenv("GIT_ASKPASS", str(program))
    upstream.commit({"jobs.d/.gitattributes": "* filter=evil\n"})
    checked_out(a_copy(tmp_path / "state", upstream.url))
    assert not ran.exists()


def test_a_name_that_looks_like_an_option_is_none(upstream: Upstream, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    copy = a_copy(tmp_path / "state", upstream.url)
    assert copy.listed([f"--upload-pack=touch {ran}"]) == {}
    with pytest.raises(GitFailed):
        copy.prepare("jobs.d", "a" * 40)
        copy.fetch(Target("a" * 40, "x", f"--upload-pack=touch {ran}"))
    assert not ran.exists()


def test_a_repository_of_fifty_thousand_files_is_checked_out_where_it_was_asked_for(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path)
    stream = ["commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 1\nx\n"]
    stream += [f"M 644 inline other/{n % 100}/f{n}.yaml\ndata 5\nn: {n % 10}1\n" for n in range(50_000)]
    stream.append("M 644 inline jobs.d/a.yaml\ndata 5\na: 1\n\n")
    import subprocess

    subprocess.run(
        ["git", "fast-import", "--quiet"], cwd=upstream.bare, input="".join(stream).encode(), check=True,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
    )  # fmt: skip
    copy = a_copy(tmp_path / "state", upstream.url)
    _, root = checked_out(copy)
    assert [each.name for each in root.iterdir()] == ["a.yaml"]
    assert not (copy.folder / "other").exists()


def test_what_many_fetches_leave_is_packed(upstream: Upstream, tmp_path: Path) -> None:
    copy = a_copy(tmp_path / "state", upstream.url)
    checked_out(copy)
    packs = copy.folder / ".git" / "objects" / "pack"
    first, *_ = sorted(packs.glob("*.pack"))
    for n in range(MOST_PACKS):
        for suffix in (".pack", ".idx", ".promisor"):
            shutil.copy(first.with_suffix(suffix), packs / f"pack-{n:040x}{suffix}")
    copy.tidy()
    assert len(list(packs.glob("*.pack"))) < 5
    _, root = checked_out(copy)
    assert (root / "a.yaml").read_text() == "a: 1\n"


def test_a_repository_whose_names_are_longer_is_followed_too(upstream: Upstream, tmp_path: Path) -> None:
    other = Upstream(tmp_path / "sha256", names="sha256")
    commit = other.commit({"jobs.d/a.yaml": "a: 256\n"})
    checked_out(a_copy(tmp_path / "state", upstream.url))
    target, root = checked_out(a_copy(tmp_path / "state", other.url))
    assert (target.commit, len(commit)) == (commit, 64)
    assert (root / "a.yaml").read_text() == "a: 256\n"


def test_a_small_pack_that_unpacks_to_too_much_is_told_before_it_fills_the_disk(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_copy, "LARGEST", 2**20)
    upstream.commit({f"jobs.d/{number}.yaml": "a" * 2**17 for number in range(9)})
    copy = a_copy(tmp_path / "state", upstream.url)
    with pytest.raises(
        GitFailed, match="1 MiB together, more than 1 MiB; what is installed stays"
    ) as problem:
        checked_out(copy)
    assert reason_of(problem) == "TooLarge"
    assert not (copy.folder / "jobs.d").exists()


def a_tree(upstream: Upstream, entries: dict[str, str]) -> str:
    """A folder of folders, written into the repository; its name."""
    listed = "".join(f"040000 tree {tree}\t{name}\n" for name, tree in entries.items())
    done = subprocess.run(
        ["git", "mktree"], cwd=upstream.tree, input=listed, text=True, capture_output=True, check=True
    )
    return done.stdout.strip()


def test_folders_without_end_take_neither_memory_nor_disk(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, other = (git(upstream.tree, "rev-parse", f"HEAD:{name}") for name in ("jobs.d", "other"))
    for _ in range(5):  # each has the one before ten times: 100,000 files in a pack of a few kilobytes
        other = a_tree(upstream, {str(number): other for number in range(10)})
    top = a_tree(upstream, {"jobs.d": jobs, "other": other})
    git(upstream.tree, "reset", "--soft", git(upstream.tree, "commit-tree", top, "-m", "more"))
    upstream.push()
    monkeypatch.setattr(program, "MOST_MEMORY", 12 * 2**20)
    with pytest.raises(GitFailed, match="git needs more than 12 MiB of memory") as problem:
        checked_out(a_copy(tmp_path / "state", upstream.url))
    assert reason_of(problem) == "TooLarge"
    monkeypatch.setattr(local_copy, "MOST_FILES", 99_999)
    with pytest.raises(GitFailed, match="other has more than 99999 files") as problem:
        checked_out(a_copy(tmp_path / "state", upstream.url), path="other")
    assert reason_of(problem) == "TooLarge"


def test_a_file_that_is_too_large_ends_git_and_leaves_nothing(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (upstream.tree / "jobs.d" / "a.yaml").write_bytes(os.urandom(3 * 2**20))
    upstream.commit({})
    monkeypatch.setattr(program, "LARGEST_FILE", 2**20)
    copy = a_copy(tmp_path / "state", upstream.url)
    with pytest.raises(GitFailed, match="or a file of more than 1 MiB") as problem:
        checked_out(copy)
    assert reason_of(problem) == "TooLarge"
    copy.sweep()
    assert sum(path.stat().st_size for path in copy.folder.rglob("*") if path.is_file()) < 2**20
