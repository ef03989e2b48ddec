"""Is this commit, or this tag, signed by somebody who may? Asked of git, gpg and ssh-keygen.

Only the declared keys count: the user's own keyring is not looked at.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from runner.git.complaints import complaint_of
from runner.git.local_copy import FETCHED, LocalCopy
from runner.git.program import GitFailed, Said
from runner.sources.settings import Verify
from runner.sources.target import Target

LARGEST_KEYS = 2**20
AT_ONCE = 100
"""Commits that one git verifies: below the longest command line, and soon over when it is stopped."""
_SIGNED = re.compile(rb"^gpgsig(?:-sha256)? ", re.MULTILINE)
_GOOD_SSH = re.compile(r'Good "git" signature for (.+) with (.+)')
_GOOD_PGP = re.compile(r"^\[GNUPG:\] GOODSIG [0-9A-F]+ (.+)$", re.MULTILINE)
_VALID_PGP = re.compile(r"^\[GNUPG:\] VALIDSIG ([0-9A-F]+) ", re.MULTILINE)


def verify(copy: LocalCopy, target: Target, wanted: Verify, project: Path, since: str = "") -> str:
    """Who signed it, in words; GitFailed when nobody did, or nobody who may.

    `since` is the commit that was applied last: with `each-commit` everything that is new after it is
    verified, and all of the history when it is not known any more. Without it the top is where trust begins.
    """
    signers = _keys(wanted.allowed_signers, "allowedSigners", project)
    keys = _keys(wanted.pgp_keys, "pgpKeys", project)
    ring = Path(tempfile.mkdtemp(prefix="gpg-", dir=copy.program.home))
    given = dict(copy.program.given)
    try:
        copy.program.given["GNUPGHOME"] = str(ring)
        if keys is not None:
            _import(copy, keys)
        if wanted.what == "tag":
            return _verify_tag(copy, target, signers)
        said = _verify_commit(copy, target.commit, signers)
        if wanted.what == "each-commit" and since:
            said += _verify_each(copy, target.commit, since, signers)
        return said
    finally:
        copy.program.given.clear()
        copy.program.given.update(given)
        shutil.rmtree(ring, ignore_errors=True)


def _verify_commit(copy: LocalCopy, commit: str, signers: Path | None) -> str:
    head, _, _ = copy.program.git(copy.folder, "cat-file", "commit", commit).out.partition(b"\n\n")
    what = f"commit {commit[:7]}"
    if _SIGNED.search(head) is None:
        raise GitFailed("Unsigned", f"{what} is not signed, so it is not applied; what is installed stays")
    return _asked(copy, what, signers, "verify-commit", commit)


def _verify_each(copy: LocalCopy, commit: str, since: str, signers: Path | None) -> str:
    """The oldest that is not as it must be is told; so many are asked for at once because each costs."""
    commits = copy.commits_after(since, commit)
    for at in range(0, len(commits), AT_ONCE):
        some = commits[at : at + AT_ONCE]
        if _said(copy, signers, "verify-commit", *some).code != 0:
            for each in some:
                _verify_commit(copy, each, signers)
    others = len([each for each in commits if each != commit])
    return f", as is each of the {others} before it" if others else ""


def _verify_tag(copy: LocalCopy, target: Target, signers: Path | None) -> str:
    what = f"tag {target.tag}"
    kind = copy.program.git(copy.folder, "cat-file", "-t", FETCHED).text.strip()
    if kind != "tag":
        raise GitFailed(
            "Unsigned", f"{what} is no annotated tag, so nobody signed it; what is installed stays"
        )
    content = copy.program.git(copy.folder, "cat-file", "tag", FETCHED).out
    if (
        f"\ntag {target.tag}\n".encode("utf-8", "surrogateescape")
        not in content.partition(b"\n\n")[0] + b"\n"
    ):
        raise GitFailed(
            "SignatureInvalid", f"{what} holds the signed tag of another name; what is installed stays"
        )
    if b"-----BEGIN " not in content:
        raise GitFailed("Unsigned", f"{what} is not signed, so it is not applied; what is installed stays")
    return _asked(copy, what, signers, "verify-tag", FETCHED)


def _said(copy: LocalCopy, signers: Path | None, verb: str, *names: str) -> Said:
    return copy.program.git(
        copy.folder,
        "-c", f"gpg.ssh.allowedSignersFile={signers or '/dev/null'}",
        "-c", "gpg.program=gpg",
        "-c", "gpg.ssh.program=ssh-keygen",
        "-c", "gpg.x509.program=/bin/false",
        "-c", "gpg.minTrustLevel=undefined",
        verb, "--raw", *names,
        ok=range(256),
    )  # fmt: skip


def _asked(copy: LocalCopy, what: str, signers: Path | None, verb: str, name: str) -> str:
    said = _said(copy, signers, verb, name)
    if said.code == 0:
        return f"{what} is signed by {_signer(said.err)}"
    if "cannot run" in said.err or "annot exec" in said.err:
        raise GitFailed("VerificationNotSetUp", f"signatures cannot be checked: {complaint_of(said.err)}")
    raise GitFailed(
        "SignatureInvalid",
        f"{what} is signed by nobody who may ({_why(said.err)}), so it is not applied; what is "
        "installed stays",
    )


def _signer(err: str) -> str:
    if (found := _GOOD_SSH.search(err)) is not None:
        return f"{found[1]} ({found[2]})"
    names, prints = _GOOD_PGP.search(err), _VALID_PGP.search(err)
    return f"{names[1] if names else 'a declared key'} ({prints[1] if prints else 'OpenPGP'})"


def _why(err: str) -> str:
    for sign, words in (
        ("NO_PUBKEY", "its key is not among the declared ones"),
        ("BADSIG", "the signature does not fit its content"),
        ("EXPKEYSIG", "the key has expired"),
        ("REVKEYSIG", "the key was revoked"),
        ("EXPSIG", "the signature has expired"),
        ("No principal matched", "its key is not among the declared ones"),
        ("no principal matched", "its key is not among the declared ones"),
        ("Could not verify signature", "the signature does not fit its content, or its key is not declared"),
    ):
        if sign in err:
            return words
    return complaint_of(err)


def _keys(name: str | None, what: str, project: Path) -> Path | None:
    if name is None:
        return None
    path = project / name
    try:
        path = project / Path(name).expanduser()
        usable = path.is_file() and 0 < path.stat().st_size <= LARGEST_KEYS
        path.open("rb").close()
    except (OSError, RuntimeError, ValueError):  # RuntimeError: nobody has the name after ~
        usable = False
    if not usable:
        raise GitFailed(
            "VerificationNotSetUp",
            f"verify.{what}: {path} is not a readable file with keys; without it nothing can be verified, "
            "so nothing is applied",
        )
    return path.resolve()


def _import(copy: LocalCopy, keys: Path) -> None:
    command = [
        "gpg",
        "--batch",
        "--no-tty",
        "--quiet",
        "--no-autostart",
        "--status-fd",
        "1",
        "--import",
        "--",
    ]
    said = copy.program.run([*command, str(keys)], copy.program.home)
    if "[GNUPG:] IMPORT_OK " not in said.text:  # its exit code also tells that there is no agent
        raise GitFailed("VerificationNotSetUp", f"{keys} has no OpenPGP keys: {said.complaint}")
