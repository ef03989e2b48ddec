"""Who asks: real servers on loopback that want a password or a key."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from remotes import Upstream, a_copy, checked_out, free_port, listening

from runner.git.access import access_to, trusted
from runner.git.local_copy import LocalCopy
from runner.git.program import GitFailed, Program
from runner.sources.remote import parse_remote

PASSWORD = "correct-horse-battery"

# git's own http-backend behind a server of the standard library that wants a password.
SERVER = """
import base64, http.server, os, subprocess, sys
root, port, wanted = sys.argv[1], int(sys.argv[2]), sys.argv[3]

password = base64.b64decode(wanted).split(b":")[1]

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        for process in os.listdir("/proc"):
            for name in ("cmdline", "environ"):
                try:
                    with open(f"/proc/{process}/{name}", "rb") as file:
                        if password in file.read():
                            os.kill(os.getpid(), 9)  # it stands where others can read it
                except OSError:
                    pass
        if self.path.startswith("/echo"):  # some hosts say who it was that they refused
            given = self.headers.get("Authorization", "Basic Og==").split()[-1]
            body = b"no access for " + base64.b64decode(given) + b", which is " + given.encode()
            self.send_response(403 if given != "Og==" else 401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "/upstream.git/info/refs?service=git-upload-pack")
            self.end_headers()
            return
        if self.headers.get("Authorization") != "Basic " + wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        env = {"PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": root, "GIT_HTTP_EXPORT_ALL": "1",
               "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command,
               "CONTENT_TYPE": self.headers.get("Content-Type", ""),
               "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
               "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", "")}
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        out = subprocess.run(["git", "http-backend"], env=env, input=body, stdout=subprocess.PIPE).stdout
        head, _, body = out.partition(b"\\r\\n\\r\\n")
        fields = [line.partition(b": ") for line in head.split(b"\\r\\n")]
        status = next((int(v.split()[0]) for k, _, v in fields if k == b"Status"), 200)
        self.send_response(status)
        for key, _, value in fields:
            if key not in (b"Status", b"Content-Length"):
                self.send_header(key.decode(), value.decode())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_POST = do_GET
    def log_message(self, *_): pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
if len(sys.argv) > 4:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[4])
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    found = Upstream(tmp_path / "served")
    found.commit({"jobs.d/a.yaml": "a: 1\n"})
    return found


def with_access(tmp_path: Path, url: str, credentials: dict[str, str], ca_file: str | None = None) -> str:
    """What is in the file after an attempt with these credentials."""
    remote = parse_remote(url)
    home, folder = tmp_path / "home", tmp_path / "private"
    for path in (home, folder):
        path.mkdir(exist_ok=True, mode=0o700)
    with access_to(remote, credentials, folder) as access:
        given = {**access.given, **trusted(ca_file, tmp_path, folder)}
        program = Program(home, remote.scheme, 60, given, access.descriptors, access.secrets)
        for command in (program.given.values(), sys.argv):
            assert not any(PASSWORD in part for part in command)
        _, root = checked_out(LocalCopy(tmp_path / "repo", program, remote.url))
    assert not list(folder.glob("ssh-*"))
    for file in tmp_path.rglob("*"):
        if file.is_file() and "served" not in file.parts and file.name != "id":
            assert PASSWORD.encode() not in file.read_bytes(), f"{file} holds the password"
    return (root / "a.yaml").read_text()


@pytest.fixture
def served(upstream: Upstream, tmp_path: Path):  # type: ignore[no-untyped-def]
    port = free_port()
    wanted = base64.b64encode(f"ana:{PASSWORD}".encode()).decode()
    command = [sys.executable, "-c", SERVER, str(upstream.bare.parent), str(port), wanted]
    with listening(command, port):
        yield f"http://127.0.0.1:{port}"


def test_a_password_is_handed_over_in_memory_alone(served: str, tmp_path: Path) -> None:
    assert with_access(tmp_path, f"{served}/upstream.git", {"user": "ana", "password": PASSWORD}) == "a: 1\n"
    assert with_access(tmp_path, f"{served}/upstream.git", {"user": "ana", "token": PASSWORD}) == "a: 1\n"


def test_a_wrong_password_and_none_are_told_without_being_repeated(served: str, tmp_path: Path) -> None:
    for credentials in ({"user": "ana", "password": PASSWORD + "x"}, {}):
        with pytest.raises(GitFailed) as problem:
            with_access(tmp_path, f"{served}/upstream.git", credentials)
        assert problem.value.reason == "AuthenticationFailed"
        assert PASSWORD not in str(problem.value)


def test_a_host_that_repeats_the_password_is_told_without_it(served: str, tmp_path: Path) -> None:
    with pytest.raises(GitFailed) as problem:
        with_access(tmp_path, f"{served}/echo.git", {"user": "ana", "password": PASSWORD})
    assert problem.value.reason == "AuthenticationFailed"
    assert "no access for ana:(masked), which is (masked)" in str(problem.value)


def test_a_remote_proves_itself_with_the_declared_certificates_alone(
    upstream: Upstream, tmp_path: Path
) -> None:
    port = free_port()
    wanted = base64.b64encode(f"ana:{PASSWORD}".encode()).decode()
    for name in ("own", "other"):
        files = ["-keyout", str(tmp_path / f"{name}.key"), "-out", str(tmp_path / f"{name}.pem")]
        subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        subprocess.run([*made, "-nodes", "-days", "2", *subject, *files], check=True, capture_output=True)
    both = tmp_path / "both"
    both.write_text((tmp_path / "own.pem").read_text() + (tmp_path / "own.key").read_text())
    command = [sys.executable, "-c", SERVER, str(upstream.bare.parent), str(port), wanted, str(both)]
    url, known = f"https://127.0.0.1:{port}/upstream.git", {"user": "ana", "password": PASSWORD}
    with listening(command, port):
        assert with_access(tmp_path, url, known, ca_file="own.pem") == "a: 1\n"
        for ca_file in (None, "other.pem"):
            with pytest.raises(GitFailed, match="certificate") as problem:
                with_access(tmp_path, url, known, ca_file=ca_file)
            assert problem.value.reason == "CertificateUnknown"
        with pytest.raises(GitFailed, match=r"caFile: .*/none.pem is not a readable file") as problem:
            with_access(tmp_path, url, known, ca_file="none.pem")
        assert problem.value.reason == "InvalidSettings"


def test_a_remote_that_has_moved_is_not_followed_with_the_password(served: str, tmp_path: Path) -> None:
    with pytest.raises(GitFailed) as problem:
        with_access(tmp_path, f"{served}/moved.git", {"user": "ana", "password": PASSWORD})
    assert problem.value.reason == "RemoteUnreachable"


def test_the_one_who_asks_must_be_the_declared_machine(tmp_path: Path) -> None:
    remote = parse_remote("https://git.example/jobs.git")
    with access_to(remote, {"token": PASSWORD}, tmp_path) as access:

        def answer(prompt: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [access.given["GIT_ASKPASS"], prompt], env={**access.given}, pass_fds=access.descriptors,
                capture_output=True, text=True, check=False,
            )  # fmt: skip

        assert answer("Password for 'https://x@git.example': ").stdout == f"{PASSWORD}\n"
        assert answer("Username for 'https://git.example': ").stdout == "x-access-token\n"
        for machine in ("https://evil.example", "http://git.example", "https://git.example@evil.example"):
            prompt = f"Password for '{machine}': "
            assert (answer(prompt).returncode, answer(prompt).stdout) == (1, "")
        assert answer("Enter passphrase: ").returncode == 1


@pytest.mark.parametrize("credentials", [{}, {"private_key": "x"}, {"known_hosts": "x"}])
def test_ssh_needs_a_key_and_the_hosts_that_it_knows(tmp_path: Path, credentials: dict[str, str]) -> None:
    with (
        pytest.raises(GitFailed, match="declare them in an Authorization") as problem,
        access_to(parse_remote("git@host:x.git"), credentials, tmp_path),
    ):
        pass
    assert problem.value.reason == "CredentialMissing"


SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")


def keygen(path: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path.with_suffix(".pub").read_text().strip()


@pytest.mark.skipif(SSHD is None, reason="there is no sshd: install openssh-server")
def test_a_private_repository_is_followed_over_ssh(upstream: Upstream, tmp_path: Path) -> None:
    host, own, other = (keygen(tmp_path / name) for name in ("host", "id", "stranger"))
    port = free_port()
    (tmp_path / "authorized").write_text(f"{own}\n")
    config = tmp_path / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path / 'host'}\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {tmp_path / 'authorized'}\nStrictModes no\nPasswordAuthentication no\n"
        "PermitRootLogin prohibit-password\nAcceptEnv GIT_PROTOCOL\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd parts with its privileges
    user = subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()
    url = f"ssh://{user}@127.0.0.1:{port}{upstream.bare}"
    key = (tmp_path / "id").read_text()
    assert SSHD is not None
    with listening([SSHD, "-D", "-f", str(config)], port):
        known = f"[127.0.0.1]:{port} {host}"
        assert with_access(tmp_path, url, {"private_key": key, "known_hosts": known}) == "a: 1\n"

        with pytest.raises(GitFailed) as problem:
            with_access(tmp_path, url, {"private_key": key, "known_hosts": f"[127.0.0.1]:{port} {other}"})
        assert problem.value.reason == "HostKeyUnknown"

        stranger = (tmp_path / "stranger").read_text()
        with pytest.raises(GitFailed) as problem:
            with_access(tmp_path, url, {"private_key": stranger, "known_hosts": known})
        assert problem.value.reason == "AuthenticationFailed"


GIVES_UP = """
import sys
from pathlib import Path
from runner.execution import processes
from runner.git.program import GitFailed, Program

processes.adopt_orphans()
try:
    Program(Path(sys.argv[1]), "http", 0.3).git(Path(sys.argv[1]), "ls-remote", sys.argv[2])
except GitFailed as problem:
    print(problem.reason, processes.children())
"""


def test_a_daemon_keeps_no_dead_process_of_a_git_that_was_given_up(tmp_path: Path) -> None:
    """It adopts orphans: two at each look at a remote that does not answer are thousands in a night."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/x.git"
        said = subprocess.run(
            [sys.executable, "-c", GIVES_UP, tmp_path, url], capture_output=True, text=True, check=True
        )
    assert said.stdout == "TimedOut []\n"


def test_a_silent_remote_is_given_up_and_a_stop_ends_the_waiting(tmp_path: Path) -> None:
    import socket
    import threading

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"git://127.0.0.1:{silent.getsockname()[1]}/x.git"
        copy = a_copy(tmp_path, url)
        copy.program.timeout_s = 0.2
        with pytest.raises(GitFailed) as problem:
            copy.listed(["refs/heads/main"])
        assert problem.value.reason == "TimedOut"

        copy = a_copy(tmp_path, url)
        stopper = threading.Thread(target=lambda: (silent.accept(), copy.program.stop()))
        stopper.start()
        with pytest.raises(GitFailed) as problem:
            copy.listed(["refs/heads/main"])
        stopper.join()
        assert problem.value.reason == "Stopped"
