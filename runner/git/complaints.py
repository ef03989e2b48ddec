"""What does it mean that git said this?"""

from __future__ import annotations

import signal

from runner.vocabulary.printable import printable


def classify(err: str, code: int) -> tuple[str, str]:
    """(reason, sentence) for what git said in English (LC_ALL=C); reasons are words of sources/outcome.py."""
    for reason, signs in _SIGNS:
        if any(sign in err for sign in signs):
            return reason, complaint_of(err)
    if code < 0:
        return "Trouble", f"git was ended by signal {-code}"
    return "Trouble", f"git ended with exit code {code}: {complaint_of(err)}"


def complaint_of(err: str) -> str:
    """What a program complained of, short and printable."""
    lines = [line.strip() for line in err.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "ssh:", "Host key"))]
    return printable("; ".join((telling or lines)[:3]))[:400] or "it said nothing"


def is_too_much(err: str, code: int) -> bool:
    """Whether a limit of size or memory ended it, or a helper of it."""
    return code == -signal.SIGXFSZ or any(sign in err for sign in _TOO_MUCH)


_TOO_MUCH = (
    "died of signal 25",
    "File too large",
    "Out of memory",
    "out of memory",
    "Cannot allocate memory",
)


_SIGNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("DiskFull", ("No space left on device", "Disk quota exceeded")),
    (
        "HostKeyUnknown",
        ("Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED", "host key is known for"),
    ),
    (
        "AuthenticationFailed",
        (
            "Authentication failed", "could not read Username", "could not read Password",
            "Permission denied (", "returned error: 401", "returned error: 403", "Access denied",
            "invalid credentials", "Load key",
        ),
    ),
    (
        "CertificateUnknown",
        (
            "certificate verification failed", "certificate problem", "SSL certificate", "alert unknown ca",
            "certificate subject name", "match target host name", "matches target host name",
        ),
    ),
    ("CommitMissing", ("not our ref", "unadvertised object", "no such remote ref")),
    ("RefMissing", ("couldn't find remote ref", "Couldn't find remote ref")),
    (
        "RemoteUnreachable",
        (
            "Could not resolve host", "Failed to connect", "Couldn't connect", "Connection refused",
            "Connection timed out", "Connection reset", "Connection closed", "Network is unreachable",
            "No route to host", "unable to connect", "unable to access", "Operation too slow", "early EOF",
            "hung up unexpectedly", "does not appear to be a git repository", "epository not found",
            "not found", "Could not read from remote repository", "RPC failed", "bad line length",
            "protocol error", "unable to look up", "dubious ownership", "Name or service not known",
            "Temporary failure in name resolution", "transfer closed", "invalid index-pack output",
            "does not exist",
        ),
    ),
    (
        "LocalCopyDamaged",
        (
            "bad object", "a git repository", "unable to read", "is corrupt", "corrupted", "loose object",
            "bad config", "index file", "missing blob", "missing tree", "bad tree", "inflate", "packfile",
            "unable to parse", "Could not parse object", "did not send all necessary objects",
            "unable to create", "not a valid object", "invalid sha1 pointer", "your current branch appears",
        ),
    ),
)  # fmt: skip
"""The first that fits says what it was; what concerns the remote comes before what concerns the copy."""
