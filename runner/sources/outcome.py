"""What can come of an attempt to follow a source, who can help then, and what is to be done next?

The words are reasons of conditions: CamelCase, stable, for machines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from runner.sources.polling import SAME_COMMIT_AGAIN
from runner.sources.target import Target

APPLIED = "Applied"
IN_PART = "AppliedInPart"
"""What is invalid was left as it was installed (onInvalid: isolate); the rest of the commit is applied."""

WAITING = "NotLookedYet"

TRANSIENT = frozenset({"RemoteUnreachable", "TimedOut", "LocalCopyDamaged", "DiskFull", "Stopped", "Trouble"})
"""What may pass by itself: it is tried again soon."""

STALLED = frozenset(
    {
        "CertificateUnknown",
        "AuthenticationFailed", "HostKeyUnknown", "CredentialMissing", "InvalidSettings", "GitMissing",
        "RefMissing", "CommitMissing", "Unsigned", "SignatureInvalid", "VerificationNotSetUp", "PathMissing",
        "PathOutside", "SubmoduleInPath", "ContentMissing", "TooLarge", "InvalidDeclarations",
        "Refused", IN_PART,
    }
)  # fmt: skip
"""What needs a person or a newer commit; it is looked at in the usual interval all the same."""

OF_THE_COMMIT = frozenset({"InvalidDeclarations", "TooLarge", IN_PART})
"""What the same commit gives again, as long as nothing else has changed."""

WHAT_NOW: Mapping[str, str] = {
    "AuthenticationFailed": "renew what the Authorization of the source holds",
    "CredentialMissing": "install the Authorization of the source, or set what it names",
    "HostKeyUnknown": "compare the host's key with its operators, then declare it in known_hosts",
    "CertificateUnknown": "declare the certificates of its authority in caFile",
    "InvalidSettings": "mend what is declared of the source",
    "GitMissing": "install git",
    "RefMissing": "bring the branch or tag back, or declare another ref",
    "CommitMissing": "push the commit, or declare another ref",
    "Unsigned": "commit anew with a signature of somebody who may",
    "SignatureInvalid": "commit anew with a signature of somebody who may, or declare the key",
    "VerificationNotSetUp": "mend what verify declares",
    "PathMissing": "bring the folder back, or declare another path",
    "InvalidDeclarations": "mend the files and push: a newer commit overtakes this one",
    IN_PART: "mend the files and push: a newer commit overtakes this one",
    "Refused": "`runner plan git:NAME` shows it; `runner reconcile --with-source NAME` can lift the guard",
    "DiskFull": "free some space; AGAIN",
}
"""What a person can do about it; else it is mended in the repository, or passes by itself."""


def what_now(reason: str, name: str, *, lives: bool = True) -> str:
    """What to do about this reason of the source of that name; `lives`: a daemon runs, and tries again."""
    now = "`runner up` tries it again, `runner reconcile --with-source NAME` once"
    again = "it is tried again by itself" if lives else now
    default = "AGAIN" if reason in TRANSIENT else "mend it in the repository and push"
    return WHAT_NOW.get(reason, default).replace("AGAIN", again).replace("NAME", name)


UNVERIFIED = frozenset({"Unsigned", "SignatureInvalid", "VerificationNotSetUp"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt. `message` is one sentence; `target` is None when no commit was found.

    `forced`: the branch was rewritten, what was applied is not among the ancestors of the target.
    """

    reason: str
    message: str
    target: Target | None = None
    changed: bool = False
    forced: bool = False
    verified: str = ""

    @property
    def ok(self) -> bool:
        return self.reason == APPLIED

    @property
    def is_transient(self) -> bool:
        return self.reason in TRANSIENT


@dataclass(frozen=True, slots=True)
class Before:
    """What is known of the last attempt."""

    commit: str = ""
    reason: str = WAITING
    at: datetime | None = None


def is_to_be_tried(target: Target, before: Before, *, asked: bool, now: datetime) -> bool:
    """Whether this commit is to be fetched and applied now. A newer commit always overtakes an older one."""
    if asked or target.commit != before.commit or before.at is None:
        return True
    if before.reason == APPLIED:
        return False
    return before.reason not in OF_THE_COMMIT or now - before.at >= SAME_COMMIT_AGAIN
