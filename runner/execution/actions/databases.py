"""Opens the database of a Connection, and says in stable words what went wrong there.

SQLAlchemy and the driver are imported only here, in the child that needs them. User and password are given
to the driver apart from the URL, and are in no message.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.execution.actions.failure import ActionFailed

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

    from runner.execution.child.context import StepContext

CONNECT_TIMEOUT_S = 15
BUSY_TIMEOUT_S = 30
"""Seconds that SQLite waits for another writer, as long as the runner's own store does."""

_DRIVERS = {
    "sqlite": ("sqlite", "sqlite+pysqlite", ""),
    "postgresql": ("postgresql", "postgresql+psycopg", "postgres"),
    "postgres": ("postgresql", "postgresql+psycopg", "postgres"),
    "mariadb": ("mariadb", "mariadb+pymysql", "mariadb"),
    "mysql": ("mariadb", "mysql+pymysql", "mariadb"),
}

_POSTGRESQL = {
    "40P01": ("deadlock", True),
    "40001": ("serialization", True),
    "55P03": ("lock-timeout", True),
    "57014": ("cancelled", True),
    "42501": ("authorization", False),
    "42P01": ("table-missing", False),
    "25001": ("no-transaction", False),
    "08": ("connection", True),
    "28": ("authorization", False),
    "53": ("database-full", True),
    "57": ("connection", True),
    "42": ("statement", False),
    "23": ("constraint", False),
    "22": ("data", False),
}
"""SQLSTATE, or its class, to our code (PostgreSQL documentation, appendix A)."""

_MARIADB = {
    1213: ("deadlock", "40001", True),
    1205: ("lock-timeout", "HY000", True),
    1020: ("serialization", "40001", True),
    **dict.fromkeys((1044, 1045, 1698, 1251), ("authorization", "28000", False)),
    **dict.fromkeys((1142, 1143, 1227, 1370), ("authorization", "42000", False)),
    **dict.fromkeys((1040, 1053, 1203, 2002, 2003, 2005, 2006, 2013), ("connection", "08000", True)),
    1049: ("connection", "42000", False),
    1146: ("table-missing", "42S02", False),
    **dict.fromkeys((1054, 1064, 1136, 1305), ("statement", "42000", False)),
    **dict.fromkeys((1048, 1062, 1451, 1452, 1557, 4025), ("constraint", "23000", False)),
    **dict.fromkeys((1264, 1265, 1292, 1366, 1406), ("data", "22000", False)),
    **dict.fromkeys((1021, 1114), ("database-full", "53100", True)),
}
"""Error number to our code and SQLSTATE (PyMySQL does not hand the SQLSTATE on)."""

_SQLITE = (
    ("SQLITE_BUSY", "busy", True),
    ("SQLITE_LOCKED", "busy", True),
    ("SQLITE_CONSTRAINT", "constraint", False),
    ("SQLITE_FULL", "database-full", True),
    ("SQLITE_IOERR", "database-io", True),
    ("SQLITE_CORRUPT", "database-damaged", False),
    ("SQLITE_NOTADB", "database-damaged", False),
    ("SQLITE_READONLY", "authorization", False),
    ("SQLITE_PERM", "authorization", False),
    ("SQLITE_AUTH", "authorization", False),
    ("SQLITE_CANTOPEN", "connection", False),
    ("SQLITE_MISMATCH", "data", False),
    ("SQLITE_TOOBIG", "data", False),
)
"""Beginning of the result code's name to our code (https://www.sqlite.org/rescode.html)."""


class Database:
    """One Connection's database for one step: `dialect` is sqlite, postgresql or mariadb."""

    def __init__(self, name: str, dialect: str, engine: Engine, secrets: tuple[str, ...]) -> None:
        self.name = name
        self.dialect = dialect
        self.engine = engine
        self._secrets = secrets

    @contextlib.contextmanager
    def transaction(self, *, writes: bool = True) -> Iterator[Connection]:
        """One transaction: committed at the end of the block, rolled back when it raises."""
        with self.errors_told(), self.engine.connect() as connection:
            if self.dialect == "sqlite":
                # A deferred BEGIN that reads first and writes later fails at once when another connection
                # wrote in between; IMMEDIATE waits for its turn instead.
                connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
            try:
                yield connection
                connection.commit()
            except BaseException:
                with contextlib.suppress(Exception):
                    connection.rollback()
                raise

    @contextlib.contextmanager
    def without_transaction(self) -> Iterator[Connection]:
        """For what databases refuse inside a transaction: VACUUM, CREATE DATABASE."""
        options: Mapping[str, Any] = {} if self.dialect == "sqlite" else {"isolation_level": "AUTOCOMMIT"}
        with self.errors_told(), self.engine.connect().execution_options(**options) as connection:
            yield connection

    @contextlib.contextmanager
    def errors_told(self) -> Iterator[None]:
        """A database error becomes ActionFailed; no statement, no parameter and no secret is in it."""
        from sqlalchemy.exc import DBAPIError, SQLAlchemyError

        try:
            yield
        except DBAPIError as error:
            failed = self.failure_of(error.orig)
            raise failed from None
        except SQLAlchemyError as error:
            raise ActionFailed("sql", self._clean(str(error).split("\n")[0])) from None

    def failure_of(self, orig: BaseException | None) -> ActionFailed:
        """What a driver's exception means."""
        if self.dialect == "postgresql":
            code, retryable, sqlstate, text = _postgresql(orig)
        elif self.dialect == "mariadb":
            code, retryable, sqlstate, text = _mariadb(orig)
        else:
            code, retryable, sqlstate, text = _sqlite(orig, self.engine.url.database or "")
        advice = _ADVICE.get(code, "")
        return ActionFailed(
            code,
            self._clean(f"connection {self.name}: {text}{advice}"),
            retryable=retryable,
            sqlstate=sqlstate,
        )

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text[:2000]

    def quoted(self, name: str) -> str:
        """A name, or `schema.name`, as an identifier of this database."""
        preparer = self.engine.dialect.identifier_preparer
        return ".".join(preparer.quote_identifier(part) for part in name.split("."))


_ADVICE = {
    "authorization": "; check the user, the password and the rights that the Authorization names",
    "deadlock": "; another transaction held what this one needed, and nothing was changed",
    "serialization": "; another transaction changed the same data, and nothing was changed",
    "busy": f"; another program has been writing for {BUSY_TIMEOUT_S} s, and nothing was changed",
    "database-full": "; make room for the database",
}


@contextlib.contextmanager
def opened(name: str, step: StepContext) -> Iterator[Database]:
    """The database of the Connection `name`; nothing is connected before the first statement."""
    declared = step.connections.get(name)
    if declared is None:
        known = ", ".join(sorted(step.connections)) or "none"
        raise ActionFailed("unknown-connection", f"there is no connection {name!r}; declared: {known}")
    import sqlalchemy

    try:
        url = sqlalchemy.make_url(str(declared["url"]))
    except sqlalchemy.exc.ArgumentError:
        raise ActionFailed("bad-connection", f"connection {name}: its url is not a database URL") from None
    backend = url.get_backend_name()
    if backend not in _DRIVERS:
        raise ActionFailed(
            "bad-connection",
            f"connection {name}: {backend} is not a database that sql and copy reach; "
            "use sqlite, postgresql or mariadb",
        )
    dialect, drivername, extra = _DRIVERS[backend]
    url = url.set(drivername=drivername)
    if dialect == "sqlite":
        url = _sqlite_url(name, url)
    else:
        url = url.set(
            username=_given(declared, "user") or url.username,
            password=_given(declared, "password") or url.password,
        )
    secrets = tuple(text for text in (url.password,) if text)
    try:
        engine = _engine(sqlalchemy, dialect, url)
    except ImportError:
        raise ActionFailed(
            "driver-missing",
            f"connection {name}: the driver for {backend} is not installed; "
            f"run: pip install 'jobs-runner[{extra}]'",
        ) from None
    try:
        yield Database(name, dialect, engine, secrets)
    finally:
        engine.dispose()


def _given(declared: Mapping[str, Any], key: str) -> str | None:
    value = declared.get(key)
    return None if value is None else str(value)


def _sqlite_url(name: str, url: URL) -> URL:
    file = url.database
    if file and file != ":memory:" and not file.startswith(("/", "file:")):
        raise ActionFailed(
            "bad-connection",
            f"connection {name}: the SQLite file {file} has no absolute path here; "
            "write sqlite:////absolute/path",
        )
    return url


def _engine(sqlalchemy: Any, dialect: str, url: URL) -> Engine:
    arguments: dict[str, Any] = {}
    if dialect == "sqlite":
        arguments = {"timeout": BUSY_TIMEOUT_S, "isolation_level": None}
    elif dialect == "postgresql":
        arguments = {"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "jobs-runner"}
        arguments = {key: value for key, value in arguments.items() if key not in url.query}
    else:
        arguments = {"connect_timeout": CONNECT_TIMEOUT_S, "charset": "utf8mb4", "local_infile": False}
    engine: Engine = sqlalchemy.create_engine(
        url, poolclass=sqlalchemy.pool.NullPool, connect_args=arguments, hide_parameters=True
    )
    if dialect == "sqlite":

        def prepare(connection: Any, _record: Any) -> None:
            connection.execute("PRAGMA foreign_keys = ON")

        sqlalchemy.event.listen(engine, "connect", prepare)

    return engine


def _postgresql(orig: BaseException | None) -> tuple[str, bool, str | None, str]:
    sqlstate = getattr(orig, "sqlstate", None)
    diagnostic = getattr(orig, "diag", None)
    text = getattr(diagnostic, "message_primary", None) or _line(orig)
    if sqlstate is None:
        # A refused connection carries no SQLSTATE, only the server's sentence.
        refused = re.search(r"authentication failed|no password supplied|no pg_hba|role \"", str(orig))
        return ("authorization", False, "28000", text) if refused else ("connection", True, None, text)
    code, retryable = _POSTGRESQL.get(sqlstate) or _POSTGRESQL.get(sqlstate[:2]) or ("sql", False)
    return code, retryable, sqlstate, text


def _mariadb(orig: BaseException | None) -> tuple[str, bool, str | None, str]:
    arguments: tuple[Any, ...] = getattr(orig, "args", ())
    number = arguments[0] if arguments and isinstance(arguments[0], int) else 0
    text = str(arguments[1]) if len(arguments) > 1 else _line(orig)
    code, sqlstate, retryable = _MARIADB.get(number, ("sql", None, False))
    return code, retryable, sqlstate, f"{text} (error {number})" if number else text


def _sqlite(orig: BaseException | None, file: str) -> tuple[str, bool, str | None, str]:
    name = str(getattr(orig, "sqlite_errorname", ""))
    text = _line(orig)
    if name.startswith("SQLITE_CANTOPEN"):
        text = f"{text} {file}{_why_unopened(file)}"
    elif name.startswith(("SQLITE_READONLY", "SQLITE_PERM")):
        text = f"{text}: {file}"
    for beginning, code, retryable in _SQLITE:
        if name.startswith(beginning):
            return code, retryable, None, text
    if text.startswith("no such table"):
        return "table-missing", False, None, text
    return ("statement" if name == "SQLITE_ERROR" else "sql"), False, None, text


def _why_unopened(file: str) -> str:
    """SQLite says only that it could not."""
    path = Path(file)
    if not path.is_absolute():
        return ""
    if not path.parent.is_dir():
        return f": there is no folder {path.parent}, and SQLite makes none"
    if path.is_dir():
        return ": it is a folder"
    return "" if os.access(path.parent, os.W_OK) else f": this user may not write in {path.parent}"


def _line(orig: BaseException | None) -> str:
    lines = str(orig).strip().splitlines()
    return " ".join(lines[:2]) if lines else type(orig).__name__
