"""How does git prove who asks? Credentials for the time of one attempt.

They never stand in a command line, an address, git's configuration or a log. A password is handed over in a
piece of memory that only descendants of this process inherit; an ssh key needs a file, which is private and
goes when the attempt ends.
"""

from __future__ import annotations

import base64
import json
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from runner.git.program import GitFailed
from runner.sources.hosts import token_user
from runner.sources.remote import Remote

CONNECT_S = 20


@dataclass(frozen=True, slots=True)
class Access:
    """What a program gets: names of its environment, descriptors, and texts that must not be told."""

    given: dict[str, str] = field(default_factory=dict)
    descriptors: tuple[int, ...] = ()
    secrets: tuple[str, ...] = ()


@contextmanager
def access_to(remote: Remote, credentials: Mapping[str, str], folder: Path) -> Iterator[Access]:
    """For the time of the block; `folder` is private. GitFailed when what is declared does not suffice."""
    if remote.scheme == "ssh":
        with _ssh(credentials, folder) as access:
            yield access
    elif remote.scheme in ("http", "https") and credentials:
        with _password(remote, credentials, folder) as access:
            yield access
    else:
        yield Access()


def trusted(ca_file: str | None, project: Path, folder: Path) -> dict[str, str]:
    """For git's environment: an https remote proves itself with one of these certificates, and no other.

    GitFailed when the file cannot be read: the machine's own certificates are no stand-in.
    """
    if ca_file is None:
        return {}
    path = project / Path(ca_file).expanduser()
    try:
        usable = b"-----BEGIN CERTIFICATE-----" in path.read_bytes()
    except OSError:
        usable = False
    if not usable:
        raise GitFailed("InvalidSettings", f"caFile: {path} is not a readable file with PEM certificates")
    nothing = folder / "no-certificates"
    nothing.mkdir(mode=0o700, exist_ok=True)
    return {"GIT_SSL_CAINFO": str(path.resolve()), "GIT_SSL_CAPATH": str(nothing)}


@contextmanager
def _ssh(credentials: Mapping[str, str], folder: Path) -> Iterator[Access]:
    missing = [key for key in ("private_key", "known_hosts") if not credentials.get(key)]
    if missing:
        raise GitFailed(
            "CredentialMissing",
            f"an ssh remote needs {' and '.join(missing)}: declare them in an Authorization, and name it in "
            "the source's authorization; `ssh-keyscan HOST` prints what known_hosts holds",
        )
    for left in folder.glob("ssh-*"):  # of a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    private = Path(tempfile.mkdtemp(prefix="ssh-", dir=folder))
    try:
        key, hosts, config = (private / name for name in ("key", "known_hosts", "config"))
        _write(key, credentials["private_key"].rstrip("\n") + "\n")
        _write(hosts, credentials["known_hosts"].rstrip("\n") + "\n")
        _write(config, "".join(f"{name} {value}\n" for name, value in _options(key, hosts)))
        command = shlex.join(["ssh", "-F", str(config)])
        secrets = tuple(line for line in credentials["private_key"].splitlines() if len(line) > 20)
        yield Access({"GIT_SSH_COMMAND": command, "GIT_SSH_VARIANT": "ssh"}, (), secrets)
    finally:
        shutil.rmtree(private, ignore_errors=True)


def _options(key: Path, hosts: Path) -> list[tuple[str, str]]:
    """All of ssh's configuration: with -F neither the user's nor the machine's is read."""
    return [
        ("IdentityFile", f'"{key}"'),
        ("IdentitiesOnly", "yes"),
        ("IdentityAgent", "none"),
        ("UserKnownHostsFile", f'"{hosts}"'),
        ("GlobalKnownHostsFile", "/dev/null"),
        ("StrictHostKeyChecking", "yes"),
        ("UpdateHostKeys", "no"),
        ("BatchMode", "yes"),
        ("PreferredAuthentications", "publickey"),
        ("ForwardAgent", "no"),
        ("ClearAllForwardings", "yes"),
        ("PermitLocalCommand", "no"),
        ("ControlMaster", "no"),
        ("ControlPath", "none"),
        ("ConnectTimeout", str(CONNECT_S)),
        ("ServerAliveInterval", "15"),
        ("ServerAliveCountMax", "3"),
        ("LogLevel", "ERROR"),
    ]


@contextmanager
def _password(remote: Remote, credentials: Mapping[str, str], folder: Path) -> Iterator[Access]:
    secret = credentials.get("token") or credentials.get("password")
    if not secret:
        raise GitFailed(
            "CredentialMissing", "an https remote needs token, or user and password, in its Authorization"
        )
    user = credentials.get("user") or (token_user(remote) if credentials.get("token") else "")
    if not user:
        raise GitFailed("CredentialMissing", "a password needs a user beside it in the Authorization")
    told = json.dumps({"origin": remote.origin, "user": user, "password": secret})
    memory = os.memfd_create("runner-git", os.MFD_CLOEXEC)
    try:
        os.write(memory, told.encode())
        given = {"GIT_ASKPASS": str(_asker(folder)), "RUNNER_ASK_FD": str(memory)}
        together = base64.b64encode(f"{user}:{secret}".encode()).decode()  # as a Basic header holds it
        yield Access(given, (memory,), (secret, quote(secret, safe=""), together))
    finally:
        os.close(memory)


def _asker(folder: Path) -> Path:
    """The program that git asks: it answers from memory, and only for the declared machine."""
    path = folder / "askpass"
    text = _ASKER.format(python=sys.executable)
    try:
        if path.read_text() == text:
            return path
    except OSError:
        pass
    path.unlink(missing_ok=True)
    _write(path, text, 0o700)
    return path


_ASKER = """#!{python} -IS
import json, os, re, sys

with open("/proc/self/fd/" + os.environ["RUNNER_ASK_FD"]) as memory:
    told = json.load(memory)
asked = re.match(r"(Username|Password) for '(https?://)(?:[^/@']*@)?([^/']+)/?.*'", sys.argv[1])
if asked is None or (asked[2] + asked[3]).lower() != told["origin"].lower():
    sys.exit(1)
print(told["user"] if asked[1] == "Username" else told["password"])
"""


def _write(path: Path, text: str, mode: int = 0o600) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
