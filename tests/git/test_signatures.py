"""Signatures of commits and tags, made and checked by the real gpg and ssh-keygen."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from remotes import Upstream, a_copy, checked_out, git

from runner.git.local_copy import LocalCopy
from runner.git.program import GitFailed
from runner.git.signatures import verify
from runner.sources.settings import Verify
from runner.sources.target import Target


class SshKey:
    """A key, and the file of allowed signers that names it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.file = folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.file)], check=True)
        self.signers = folder / f"{name}.signers"
        self.signers.write_text(f"{name}@example.org {self.file.with_suffix('.pub').read_text()}")

    def signing(self) -> tuple[str, ...]:
        return ("gpg.format=ssh", f"user.signingKey={self.file}")


class PgpKey:
    """A key in a ring of its own, and the file with its public part."""

    def __init__(self, home: Path, public: Path, name: str) -> None:
        self.home = home
        self.run(
            "--quick-gen-key", "--passphrase", "", f"{name} <{name}@example.org>", "ed25519", "sign", "never"
        )
        self.public = public
        public.write_text(self.run("--armor", "--export", name))
        self.id = self.run("--list-keys", "--with-colons").split("fpr:::::::::")[1].split(":")[0]

    def run(self, *arguments: str) -> str:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--no-tty", "--quiet", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def signing(self, tmp_path: Path) -> tuple[str, ...]:
        program = tmp_path / "gpg-of-ana"
        program.write_text(f'#!/bin/sh\nexec gpg --homedir {self.home} --batch --no-tty "$@"\n')
        program.chmod(0o755)
        return ("gpg.format=openpgp", f"gpg.program={program}", f"user.signingKey={self.id}")


@pytest.fixture
def pgp(tmp_path: Path) -> Iterator[PgpKey]:
    home = Path(tempfile.mkdtemp(prefix="gpg-"))  # a socket's path is short
    try:
        yield PgpKey(home, tmp_path / "ana.asc", "ana")
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path)


def fetched(tmp_path: Path, upstream: Upstream, ref: str = "main") -> tuple[LocalCopy, Target]:
    copy = a_copy(tmp_path / "state", upstream.url)
    target, _ = checked_out(copy, ref)
    return copy, target


def refusal(copy: LocalCopy, target: Target, wanted: Verify, project: Path) -> GitFailed:
    with pytest.raises(GitFailed) as problem:
        verify(copy, target, wanted, project)
    return problem.value


def test_commits_signed_with_an_allowed_ssh_key_are_good_and_all_others_are_not(
    tmp_path: Path, upstream: Upstream
) -> None:
    ana, eve = SshKey(tmp_path, "ana"), SshKey(tmp_path, "eve")
    wanted = Verify("commit", allowed_signers="ana.signers")
    upstream.commit({"jobs.d/a.yaml": "a: 1\n"}, "good", *ana.signing())
    copy, target = fetched(tmp_path, upstream)
    assert verify(copy, target, wanted, tmp_path).startswith(
        f"commit {target.commit[:7]} is signed by ana@example.org (ED25519 key SHA256:"
    )

    upstream.commit({"jobs.d/a.yaml": "a: 2\n"})
    found = refusal(*fetched(tmp_path, upstream), wanted, tmp_path)
    assert found.reason == "Unsigned"
    assert str(found).endswith("is not signed, so it is not applied; what is installed stays")

    upstream.commit({"jobs.d/a.yaml": "a: 3\n"}, "bad", *eve.signing())
    found = refusal(*fetched(tmp_path, upstream), wanted, tmp_path)
    assert (found.reason, "is signed by nobody who may" in str(found)) == ("SignatureInvalid", True)


def test_each_commit_since_the_last_applied_is_verified_where_that_is_asked_for(
    tmp_path: Path, upstream: Upstream
) -> None:
    ana = SshKey(tmp_path, "ana")
    top, each = (Verify(what, allowed_signers="ana.signers") for what in ("commit", "each-commit"))  # type: ignore[arg-type]
    upstream.commit({"jobs.d/a.yaml": "a: 0\n"}, "before anybody signed")
    applied = upstream.commit({"jobs.d/a.yaml": "a: 1\n"}, "one", *ana.signing())
    upstream.commit({"jobs.d/a.yaml": "a: 2\n"}, "two", *ana.signing())
    upstream.commit({"jobs.d/a.yaml": "a: 3\n"}, "three", *ana.signing())
    copy, target = fetched(tmp_path, upstream)
    assert verify(copy, target, each, tmp_path, applied).endswith(", as is each of the 1 before it")
    assert "before it" not in verify(copy, target, each, tmp_path)  # nothing was applied: trust begins here

    slipped = upstream.commit({"jobs.d/a.yaml": "a: 4\n"}, "slipped in")
    upstream.commit({"jobs.d/a.yaml": "a: 5\n"}, "on top of it", *ana.signing())
    copy, target = fetched(tmp_path, upstream)
    assert "is signed by ana" in verify(copy, target, top, tmp_path, applied)
    with pytest.raises(GitFailed, match=f"commit {slipped[:7]} is not signed") as problem:
        verify(copy, target, each, tmp_path, applied)
    assert problem.value.reason == "Unsigned"

    gone = "1" * 40  # its history was rewritten, and its copy thrown away: then all of it must be signed
    with pytest.raises(GitFailed, match="is not signed"):
        verify(copy, target, each, tmp_path, gone)


def test_a_signature_that_was_taken_from_another_commit_does_not_fit(
    tmp_path: Path, upstream: Upstream
) -> None:
    ana = SshKey(tmp_path, "ana")
    upstream.commit({"jobs.d/a.yaml": "a: 1\n"}, "good", *ana.signing())
    content = git(upstream.tree, "cat-file", "commit", "HEAD").replace("good", "evil") + "\n"
    (tmp_path / "forged").write_text(content)
    forged = git(upstream.tree, "hash-object", "-t", "commit", "-w", str(tmp_path / "forged"))
    git(upstream.tree, "reset", "--quiet", "--hard", forged)
    upstream.push()
    copy, target = fetched(tmp_path, upstream)
    assert target.commit == forged
    assert refusal(copy, target, Verify("commit", "ana.signers"), tmp_path).reason == "SignatureInvalid"


def test_commits_signed_with_a_declared_pgp_key_are_good_and_the_users_own_ring_does_not_count(
    tmp_path: Path, upstream: Upstream, pgp: PgpKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.commit({"jobs.d/a.yaml": "a: 1\n"}, "good", *pgp.signing(tmp_path))
    copy, target = fetched(tmp_path, upstream)
    said = verify(copy, target, Verify("commit", pgp_keys="ana.asc"), tmp_path)
    assert said == f"commit {target.commit[:7]} is signed by ana <ana@example.org> ({pgp.id})"

    monkeypatch.setenv("GNUPGHOME", str(pgp.home))
    SshKey(tmp_path, "bob")
    found = refusal(copy, target, Verify("commit", allowed_signers="bob.signers"), tmp_path)
    assert (found.reason, "its key is not among the declared ones" in str(found)) == (
        "SignatureInvalid",
        True,
    )


def test_tags_are_verified_with_the_name_that_was_signed(tmp_path: Path, upstream: Upstream) -> None:
    ana = SshKey(tmp_path, "ana")
    wanted = Verify("tag", allowed_signers="ana.signers")
    upstream.commit({"jobs.d/a.yaml": "a: 1\n"})
    flags = [part for option in ana.signing() for part in ("-c", option)]
    git(upstream.tree, *flags, "tag", "-s", "-m", "one", "v1.0.0")
    git(upstream.tree, "tag", "-a", "-m", "two", "v1.1.0")
    git(upstream.tree, "tag", "v1.2.0")
    git(upstream.tree, "update-ref", "refs/tags/v9.0.0", git(upstream.tree, "rev-parse", "v1.0.0"))
    upstream.push("--tags")
    assert "tag v1.0.0 is signed by ana" in verify(
        *fetched(tmp_path, upstream, "tag:v1.0.0"), wanted, tmp_path
    )
    assert refusal(*fetched(tmp_path, upstream, "tag:v1.1.0"), wanted, tmp_path).reason == "Unsigned"
    assert refusal(*fetched(tmp_path, upstream, "tag:v1.2.0"), wanted, tmp_path).reason == "Unsigned"
    found = refusal(*fetched(tmp_path, upstream, "semver:*"), wanted, tmp_path)
    assert (found.reason, "holds the signed tag of another name" in str(found)) == ("SignatureInvalid", True)


@pytest.mark.parametrize("content", [None, "", "no keys at all\n"])
def test_without_usable_keys_nothing_is_verified_and_nothing_applied(
    tmp_path: Path, upstream: Upstream, content: str | None
) -> None:
    ana = SshKey(tmp_path, "ana")
    upstream.commit({"jobs.d/a.yaml": "a: 1\n"}, "good", *ana.signing())
    if content is not None:
        (tmp_path / "keys").write_text(content)
    copy, target = fetched(tmp_path, upstream)
    assert refusal(copy, target, Verify("commit", pgp_keys="keys"), tmp_path).reason == "VerificationNotSetUp"


def test_keys_in_the_home_of_nobody_are_told_as_missing(tmp_path: Path, upstream: Upstream) -> None:
    upstream.commit({"jobs.d/a.yaml": "a: 1\n"})
    copy, target = fetched(tmp_path, upstream)
    found = refusal(copy, target, Verify("commit", pgp_keys="~nobody-has-this-name/keys"), tmp_path)
    assert (found.reason, "~nobody-has-this-name/keys is not a readable" in str(found)) == (
        "VerificationNotSetUp",
        True,
    )
