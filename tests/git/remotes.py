"""Real repositories to follow, and real servers for them on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runner.git.local_copy import LocalCopy
from runner.git.program import Program
from runner.sources.remote import parse_remote
from runner.sources.target import Target
from runner.sources.wanted import wanted_from

PATIENCE_S = 60.0

JOB = """\
apiVersion: jobs.runner/v1
kind: Job
metadata: {{name: {name}}}
spec:
  enabled: true
  steps:
    - name: work
      shell: '{script}'
"""


def git(folder: Path, *arguments: str, **given: str) -> str:
    """Run git as Ana, without anybody's configuration."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        **given,
    }
    options = [
        "user.name=Ana",
        "user.email=ana@example.org",
        "init.defaultBranch=main",
        "protocol.file.allow=always",
    ]
    flags = [part for option in options for part in ("-c", option)]
    done = subprocess.run(
        ["git", *flags, *arguments], cwd=folder, env=environment, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, f"git {arguments}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


class Upstream:
    """A bare repository, and a work tree to write commits for it."""

    def __init__(self, folder: Path, names: str = "sha1") -> None:
        self.bare, self.tree = folder / "upstream.git", folder / "written"
        for path in (self.bare, self.tree):
            path.mkdir(parents=True)
        git(self.bare, "init", "--quiet", "--bare", f"--object-format={names}")
        git(self.bare, "config", "uploadpack.allowFilter", "true")
        git(self.tree, "init", "--quiet", f"--object-format={names}")
        git(self.tree, "remote", "add", "origin", str(self.bare))

    @property
    def url(self) -> str:
        return f"file://{self.bare}"

    def write(self, files: dict[str, str | None]) -> None:
        for name, text in files.items():
            path = self.tree / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def commit(self, files: dict[str, str | None], message: str = "change", *signing: str) -> str:
        """Write, commit and push; the commit."""
        self.write(files)
        git(self.tree, "add", "--all")
        git(self.tree, *[part for option in signing for part in ("-c", option)], "commit", "--quiet",
            "--allow-empty", *(["-S"] if signing else []), "-m", message)  # fmt: skip
        self.push()
        return git(self.tree, "rev-parse", "HEAD")

    def push(self, *what: str) -> None:
        git(self.tree, "push", "--quiet", "--force", "origin", *(what or ("HEAD",)))

    def job(self, name: str, script: str = "true") -> str:
        return JOB.format(name=name, script=script)


def a_copy(folder: Path, url: str, **given: object) -> LocalCopy:
    """A local copy of what is at `url`."""
    remote = parse_remote(url)
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    program = Program(home, remote.scheme, timeout_s=PATIENCE_S, **given)  # type: ignore[arg-type]
    return LocalCopy(folder / "repo", program, remote.url)


def checked_out(copy: LocalCopy, ref: str = "main", path: str = "jobs.d") -> tuple[Target, Path]:
    """Look, fetch, check and check out, as an attempt does."""
    from runner.sources.target import decide_target, patterns_of

    what = wanted_from(ref)
    target = decide_target(what, copy.listed(patterns_of(what)) if patterns_of(what) else {})
    assert isinstance(target, Target), target
    copy.prepare(path, target.commit)
    target = copy.fetch(target)
    copy.check(target.commit, path)
    return target, copy.check_out(target.commit, path)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def listening(command: list[str], port: int, **given: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server that is there when its port answers, and ended with the block."""
    server = subprocess.Popen(
        command, env={**os.environ, **given}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        pause = threading.Event()
        for _ in range(int(PATIENCE_S / 0.05)):
            assert server.poll() is None, server.stderr and server.stderr.read()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            pause.wait(0.05)
        else:
            raise AssertionError(f"{command} does not listen")
        yield server
    finally:
        server.kill()
        server.wait(PATIENCE_S)
        if server.stderr is not None:
            server.stderr.close()
