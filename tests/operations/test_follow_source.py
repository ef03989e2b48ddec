"""Following a real repository: every outcome is stated, and none of them looks like an empty one."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "git"))
from remotes import Upstream, git

from runner.access.permission import Actor
from runner.cli.asking_sources import _applied
from runner.cli.options import Where
from runner.git.program import Program
from runner.operations.adopt import adopt
from runner.operations.checked_out import CheckedOut
from runner.operations.follow_source import Following
from runner.operations.last_fetched import last_fetched
from runner.operations.reconcile import reconcile
from runner.sources.outcome import Outcome
from runner.sources.remote import parse_remote
from runner.sources.settings import SourceSettings, Verify, settings_of
from runner.store.open import open_store
from runner.store.port import Store
from runner.store.sources import SourceRecord
from runner.vocabulary.identity import Address

START = datetime(2026, 11, 21, 10, tzinfo=UTC)


class Here:
    """An installation that follows `upstream`, with the time in the test's hand."""

    def __init__(self, folder: Path, upstream: Upstream) -> None:
        self.project = folder / "project"
        self.state = self.project / ".runner"
        self.state.mkdir(parents=True, mode=0o700)
        self.store: Store = open_store(self.state / "runner.db", create=True)
        self.now = START
        self.applies = 0
        self.source = settings_of(
            "main",
            {"url": upstream.url, "ref": None, "path": "jobs.d", "interval": "60s", "timeout": "60s",
             "authorization": None, "verify": None, "webhook": None},
        )  # fmt: skip

    def apply(self, tree: CheckedOut) -> Outcome:
        self.applies += 1
        where = Where(self.project, self.state / "runner.db")
        return _applied(tree, where, self.store, Actor("tester"), {})

    def following(self, source: SourceSettings | None = None) -> Following:
        return Following(
            source or self.source,
            self.store,
            self.project,
            self.state,
            self.apply,
            lambda: self.now,
            lambda: 0.5,
        )

    def look(self, *, asked: bool = False, source: SourceSettings | None = None) -> str:
        """The reason of the outcome; empty when there was nothing new."""
        self.now += timedelta(seconds=61)
        outcome = self.following(source).look(asked=asked)
        return "" if outcome is None else outcome.reason

    @property
    def record(self) -> SourceRecord:
        with self.store.read() as reader:
            record = reader.sources.get("main")
        assert record is not None
        return record

    @property
    def jobs(self) -> list[str]:
        with self.store.read() as reader:
            return sorted(each.name for each in reader.objects.summaries("Job"))

    def events(self) -> list[str]:
        with self.store.read() as reader:
            found = reader.events.of("source", "git:main")
        return [f"{each.event} {each.details.get('reason', '')}".strip() for each in reversed(found)]


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    found = Upstream(tmp_path)
    found.commit({f"jobs.d/{name}.yaml": found.job(name) for name in ("one", "two")})
    return found


@pytest.fixture
def here(tmp_path: Path, upstream: Upstream) -> Iterator[Here]:
    found = Here(tmp_path, upstream)
    yield found
    found.store.close()


def head(upstream: Upstream) -> str:
    return git(upstream.tree, "rev-parse", "HEAD")


def test_a_commit_is_applied_once_and_its_objects_say_where_they_are_from(
    here: Here, upstream: Upstream
) -> None:
    assert here.look() == "Applied"
    assert here.look() == ""
    assert here.applies == 1
    assert here.jobs == ["one", "two"]
    record = here.record
    assert (record.attempted, record.applied, record.applied_ref) == (head(upstream), head(upstream), "main")
    with here.store.read() as reader:
        (one, _) = reader.objects.all("Job")
    assert (one.source, one.file, one.commit) == ("git:main", "git:main/jobs.d/one.yaml", head(upstream))
    assert here.events() == ["applied", "source.synced Applied"]


def test_a_newer_commit_installs_changes_and_removes(here: Here, upstream: Upstream) -> None:
    here.look()
    upstream.commit({"jobs.d/two.yaml": None, "jobs.d/three.yaml": upstream.job("three")})
    assert here.look() == "Applied"
    assert here.jobs == ["one", "three"]


def test_an_invalid_commit_is_not_applied_and_a_newer_one_overtakes_it(
    here: Here, upstream: Upstream
) -> None:
    good = head(upstream)
    here.look()
    bad = upstream.commit({"jobs.d/one.yaml": "kind: Nonsense\n"})
    assert here.look() == "InvalidDeclarations"
    assert (here.record.attempted, here.record.applied) == (bad, good)
    assert here.record.conditions["Stalled"]["status"] == "True"
    assert here.jobs == ["one", "two"]
    assert here.look() == ""  # the same commit would say the same
    newer = upstream.commit({"jobs.d/one.yaml": upstream.job("one", "echo 2")})
    assert here.look() == "Applied"
    assert here.record.applied == newer
    assert here.record.conditions["Ready"]["status"] == "True"
    assert here.events()[-2:] == ["applied", "source.synced Applied"]


def broken_by_a_deleted_branch(upstream: Upstream) -> None:
    git(upstream.bare, "update-ref", "-d", "refs/heads/main")


def broken_by_a_path_that_vanished(upstream: Upstream) -> None:
    upstream.commit({"jobs.d/one.yaml": None, "jobs.d/two.yaml": None, "README": "x"})


def broken_by_a_path_without_declarations(upstream: Upstream) -> None:
    upstream.commit({"jobs.d/one.yaml": None, "jobs.d/two.yaml": None, "jobs.d/README.txt": "x"})


def broken_by_a_remote_that_is_gone(upstream: Upstream) -> None:
    upstream.bare.rename(upstream.bare.with_name("elsewhere"))


def broken_by_a_damaged_remote(upstream: Upstream) -> None:
    upstream.commit({"jobs.d/one.yaml": upstream.job("one", "echo 2")})
    tree = git(upstream.tree, "rev-parse", "HEAD^{tree}")
    for place in (upstream.bare / "objects" / tree[:2] / tree[2:],):
        place.unlink()


def broken_by_a_submodule(upstream: Upstream) -> None:
    commit = head(upstream)
    upstream.write({"jobs.d/one.yaml": None, "jobs.d/two.yaml": None})
    git(upstream.tree, "add", "--all")
    git(upstream.tree, "update-index", "--add", "--cacheinfo", f"160000,{commit},jobs.d/vendor")
    git(upstream.tree, "commit", "--quiet", "-m", "moved into a submodule")
    upstream.push()


def broken_by_an_orphaned_history(upstream: Upstream) -> None:
    git(upstream.tree, "checkout", "--quiet", "--orphan", "fresh")
    git(upstream.tree, "rm", "--quiet", "-r", "--force", ".")
    upstream.write({"jobs.d/other.yaml": upstream.job("other")})
    git(upstream.tree, "add", "--all")
    git(upstream.tree, "commit", "--quiet", "-m", "another project")
    upstream.push("HEAD:main")


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (broken_by_a_deleted_branch, "RefMissing"),
        (broken_by_a_path_that_vanished, "PathMissing"),
        (broken_by_a_path_without_declarations, "InvalidDeclarations"),
        (broken_by_a_remote_that_is_gone, "RemoteUnreachable"),
        (broken_by_a_damaged_remote, "RemoteUnreachable"),
        (broken_by_a_submodule, "SubmoduleInPath"),
        (broken_by_an_orphaned_history, "Refused"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_whatever_breaks_nothing_is_uninstalled(
    here: Here, upstream: Upstream, broken: object, reason: str
) -> None:
    here.look()
    applied = here.record.applied
    broken(upstream)  # type: ignore[operator]
    assert here.look() == reason
    assert here.jobs == ["one", "two"]
    assert here.record.applied == applied
    ready = here.record.conditions["Ready"]
    assert (ready["status"], ready["reason"]) == ("False", reason)
    assert here.events()[-1] == f"source.failed {reason}"


def test_a_remote_that_answers_again_is_followed_again(here: Here, upstream: Upstream) -> None:
    here.look()
    gone = upstream.bare.rename(upstream.bare.with_name("elsewhere"))
    assert [here.look(), here.look()] == ["RemoteUnreachable", "RemoteUnreachable"]
    assert here.record.failures == 2
    assert here.record.next_at == here.now + timedelta(seconds=10)
    gone.rename(upstream.bare)
    upstream.commit({"jobs.d/three.yaml": upstream.job("three")})
    assert here.look() == "Applied"
    assert here.record.failures == 0
    assert [each for each in here.events() if "Unreachable" in each] == ["source.failed RemoteUnreachable"]


def test_a_rewritten_branch_is_followed_and_told(here: Here, upstream: Upstream) -> None:
    here.look()
    upstream.commit({"jobs.d/two.yaml": upstream.job("two", "echo 2")})
    here.look()
    git(upstream.tree, "reset", "--quiet", "--hard", "HEAD~1")
    upstream.commit({"jobs.d/two.yaml": upstream.job("two", "echo 3")})
    here.now += timedelta(seconds=61)
    outcome = here.following().look()
    assert outcome is not None and outcome.forced
    assert outcome.message == f"applied main@{head(upstream)[:7]}; the branch was rewritten"
    assert here.jobs == ["one", "two"]


def test_a_copy_that_was_half_fetched_is_made_anew(here: Here, upstream: Upstream) -> None:
    here.look()
    repository = here.state / "sources" / "main" / "repo"
    for pack in (repository / ".git" / "objects" / "pack").glob("pack-*"):
        pack.chmod(0o600)
        pack.write_bytes(pack.read_bytes()[:20])
    (repository / ".git" / "index.lock").write_text("")
    (repository / "jobs.d" / "one.yaml").unlink()
    upstream.commit({"jobs.d/three.yaml": upstream.job("three")})
    assert here.look() == "Applied"
    assert here.jobs == ["one", "three", "two"]


def test_files_of_the_copy_that_somebody_deleted_are_not_taken_for_removals(
    here: Here, upstream: Upstream
) -> None:
    here.look()
    for file in (here.state / "sources" / "main" / "repo" / "jobs.d").iterdir():
        file.unlink()
    assert here.look(asked=True) == "Applied"
    assert here.jobs == ["one", "two"]


def test_an_unsigned_commit_is_not_applied_and_says_so(
    here: Here, upstream: Upstream, tmp_path: Path
) -> None:
    here.look()
    (here.project / "signers").write_text(
        "ana ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGb9JzNk0SRYgoDTwvbxjVOzVv0aLmW7sCvq0KwVPGWm\n"
    )
    signed = replace(here.source, verify=Verify("commit", allowed_signers="signers"))
    upstream.commit({"jobs.d/three.yaml": upstream.job("three")})
    assert here.look(source=signed) == "Unsigned"
    assert here.jobs == ["one", "two"]
    conditions = here.record.conditions
    assert {kind: each["status"] for kind, each in conditions.items()} == {
        "Ready": "False", "Reconciling": "False", "Stalled": "True", "Verified": "False",
    }  # fmt: skip
    assert conditions["Ready"]["message"].endswith(
        "is not signed, so it is not applied; what is installed stays"
    )


def test_a_commit_that_was_slipped_in_below_a_signed_one_is_not_applied(
    here: Here, upstream: Upstream, tmp_path: Path
) -> None:
    key = tmp_path / "ana"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    (here.project / "signers").write_text(f"ana@example.org {key.with_suffix('.pub').read_text()}")
    signing = ("gpg.format=ssh", f"user.signingKey={key}")
    each = replace(here.source, verify=Verify("each-commit", allowed_signers="signers"))
    applied = upstream.commit({"jobs.d/three.yaml": upstream.job("three")}, "signed", *signing)
    assert here.look(source=each) == "Applied"
    with here.store.read() as reader:
        (row,) = reader.applies.list(limit=None)
    assert row.approval.startswith(f"commit {applied[:7]} is signed by ana@example.org (ED25519 key SHA256:")

    slipped = upstream.commit({"jobs.d/evil.yaml": upstream.job("evil")}, "not signed")
    upstream.commit({"jobs.d/three.yaml": upstream.job("three", "false")}, "signed on top", *signing)
    assert here.look(source=each) == "Unsigned"
    assert f"commit {slipped[:7]} is not signed" in here.record.conditions["Ready"]["message"]
    assert (here.jobs, here.record.applied) == (["one", "three", "two"], applied)

    git(upstream.tree, "reset", "--quiet", "--hard", applied)
    upstream.commit({"jobs.d/four.yaml": upstream.job("four")}, "signed", *signing)
    assert here.look(source=each) == "Applied"
    assert here.jobs == ["four", "one", "three", "two"]


def test_credentials_that_are_not_installed_are_told_by_name(here: Here) -> None:
    assert here.look(source=replace(here.source, authorization="deploy")) == "CredentialMissing"
    assert "Authorization/deploy is not installed" in here.record.conditions["Ready"]["message"]


def test_certificates_that_cannot_be_read_are_told_and_no_others_stand_in(here: Here) -> None:
    remote = parse_remote("https://127.0.0.1:1/jobs.git")
    assert here.look(source=replace(here.source, remote=remote, ca_file="none.pem")) == "InvalidSettings"
    assert (
        "none.pem is not a readable file with PEM certificates" in here.record.conditions["Ready"]["message"]
    )


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        (403, "AuthenticationFailed", "no authorization is declared: an https remote takes token"),
        (404, "RemoteUnreachable", "hosts say so of what may not be read, too: no authorization is declared"),
    ],
)
def test_a_host_that_refuses_is_told_with_what_it_takes(
    here: Here, status: int, reason: str, said: str
) -> None:
    class Refuses(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(status)

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Refuses) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        remote = parse_remote(f"http://127.0.0.1:{server.server_port}/jobs.git")
        assert here.look(source=replace(here.source, remote=remote)) == reason
    assert said in here.record.conditions["Ready"]["message"]


def test_two_processes_never_follow_a_source_at_once(here: Here) -> None:
    import fcntl

    folder = here.state / "sources" / "main"
    folder.mkdir(parents=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert here.look() == "Trouble"
    assert here.look() == "Applied"


def test_a_stop_leaves_no_trace(here: Here) -> None:
    following = here.following()
    following.stop()
    assert following.look() is None
    with here.store.read() as reader:
        assert reader.sources.all() == []


def test_the_state_of_a_source_is_private(here: Here) -> None:
    here.look()
    for path in (
        here.state / "sources",
        here.state / "sources" / "main",
        here.state / "sources" / "main" / "home",
    ):
        assert path.stat().st_mode & 0o077 == 0


def test_a_source_may_move_to_a_mirror_and_not_to_another_project(
    here: Here, upstream: Upstream, tmp_path: Path
) -> None:
    here.look()
    mirror = tmp_path / "mirror.git"
    git(tmp_path, "clone", "--quiet", "--mirror", str(upstream.bare), str(mirror))
    moved = replace(here.source, remote=parse_remote(str(mirror)))
    assert here.look(source=moved, asked=True) == "Applied"
    assert here.record.url == f"file://{mirror}"
    other = Upstream(tmp_path / "other")
    other.commit({f"jobs.d/{name}.yaml": other.job(name) for name in ("one", "five", "six")})
    elsewhere = replace(here.source, remote=parse_remote(other.url))
    assert here.look(source=elsewhere) == "Refused"
    assert "n this database git:main belongs to a project at" in here.record.conditions["Ready"]["message"]
    assert here.jobs == ["one", "two"]


def test_without_git_it_is_said_what_is_missing(
    here: Here, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert here.look() == "GitMissing"
    assert here.record.conditions["Ready"]["message"] == "there is no program git; install it"


def test_a_name_that_another_source_has_is_told_with_its_place(here: Here, upstream: Upstream) -> None:
    (here.project / "jobs.d").mkdir()
    (here.project / "jobs.d" / "two.yaml").write_text(upstream.job("two"))
    reconcile(None, here.project, here.store, Actor("tester"), here.now)
    assert here.look() == "InvalidDeclarations"
    assert here.jobs == ["two"]


def test_a_source_adopts_what_another_one_has_installed(here: Here, upstream: Upstream) -> None:
    here.look()
    (here.project / "jobs.d").mkdir()
    (here.project / "jobs.d" / "moving.yaml").write_text(upstream.job("moving"))
    actor = Actor("ana")
    reconcile(None, here.project, here.store, actor, START)
    upstream.commit({"jobs.d/moving.yaml": upstream.job("moving", "date")})
    assert here.look() == "InvalidDeclarations"
    moving = Address("Job", "moving")
    with here.store.read() as reader:
        uid = reader.objects.get(moving).uid  # type: ignore[union-attr]
        fetched = last_fetched(reader, here.state, "main")
    said = adopt(moving, fetched, here.project, here.store, actor, START).said
    assert said.startswith(
        "Job/moving belongs to git:main now; it was jobs.d's. `runner reconcile --with-source"
    )
    assert here.look(asked=True) == "Applied"
    with here.store.read() as reader:
        record = reader.objects.get(moving)
    assert record is not None
    assert (record.uid, record.source, record.declared["spec"]["steps"][0]["shell"]) == (
        uid,
        "git:main",
        "date",
    )


def test_git_that_is_killed_halfway_leaves_nothing_that_the_next_look_does_not_mend(
    here: Here, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.look()
    heard = Program._heard
    left = 0

    def killed(program: Program, process: subprocess.Popen[bytes], name: str, timeout_s: float) -> object:
        nonlocal left
        left -= 1
        if left == 0:
            process.kill()
        return heard(program, process, name, timeout_s)

    monkeypatch.setattr(Program, "_heard", killed)
    step = -1
    while True:
        step += 2
        upstream.commit({"jobs.d/two.yaml": upstream.job("two", f"echo {step}")})
        left = step
        outcome = here.look()
        assert here.jobs == ["one", "two"]
        if left > 0:  # there are no more steps
            break
        assert outcome in ("Applied", "Trouble", "LocalCopyDamaged"), f"killed at step {step}"
        left = 0
        assert here.look(asked=True) == "Applied"
        assert here.record.applied == head(upstream)
    assert step > 8


def test_a_name_that_is_no_text_is_told_and_kept(here: Here, upstream: Upstream) -> None:
    commit = head(upstream)
    entry = b"160000 commit %s\tbad\xff\x1b[2J\n" % commit.encode()
    tree = subprocess.run(
        ["git", "mktree", "--missing"], cwd=upstream.tree, input=entry, capture_output=True, check=True
    ).stdout.strip()
    root = b"040000 tree %s\tjobs.d\n" % tree
    made = subprocess.run(["git", "mktree"], cwd=upstream.tree, input=root, capture_output=True, check=True)
    forged = git(upstream.tree, "commit-tree", made.stdout.decode().strip(), "-m", "x")
    upstream.push(f"{forged}:refs/heads/main")
    assert here.look() == "SubmoduleInPath"
    message = here.record.conditions["Ready"]["message"]
    assert "is a submodule, which is not fetched" in message
    assert message.isprintable()


def test_a_file_of_the_machine_is_not_read_through_a_link(
    here: Here, upstream: Upstream, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.sh"
    secret.write_text("echo secret\n")
    job = upstream.job("one")
    (upstream.tree / "jobs.d" / "work.sh").symlink_to(secret)
    upstream.commit({"jobs.d/one.yaml": job.replace("shell: 'true'", "shell: {file: work.sh}")})
    assert here.look() == "InvalidDeclarations"
    (upstream.tree / "jobs.d" / "work.sh").unlink()
    (upstream.tree / "jobs.d" / "linked").symlink_to(tmp_path)
    upstream.commit({"jobs.d/one.yaml": job.replace("shell: 'true'", "shell: {file: linked/secret.sh}")})
    assert here.look() == "InvalidDeclarations"
    assert here.jobs == []


def test_a_commit_that_is_invalid_in_part_is_applied_in_part_where_that_is_wanted(
    here: Here, upstream: Upstream
) -> None:
    runner = "apiVersion: jobs.runner/v1\nkind: Runner\nmetadata: {name: runner}\n"
    runner += "spec: {onInvalid: isolate}\n"
    whole = upstream.commit({"jobs.d/runner.yaml": runner})
    here.look()
    upstream.commit({"jobs.d/one.yaml": "kind: Nonsense\n", "jobs.d/three.yaml": upstream.job("three")})
    assert here.look() == "AppliedInPart"
    assert here.jobs == ["one", "three", "two"]
    assert (here.record.applied, here.record.attempted) == (whole, head(upstream))
    assert "Job/one" in here.record.conditions["Ready"]["message"]
