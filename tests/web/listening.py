"""A listener as the daemon starts it: a process of its own, on a free port, over a real database."""

from __future__ import annotations

import http.client
import json
import secrets
import socket
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from installations import ANA, Installation

from runner.operations.tokens import create_token, revoke_token

PATIENCE_S = 60.0


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        """The last word of a problem's type."""
        return str(self.json["type"]).rpartition(":")[2]


class Listening:
    """The listener of a test; its words are those of a client."""

    def __init__(self, here: Installation, **different: Any) -> None:
        self.here = here
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.port = listening.getsockname()[1]
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "runner.web.main"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(listening.fileno(),),
            )
            told = {
                "socket": listening.fileno(),
                "project": str(here.state.parent),
                "database": str(here.path),
                "bind": "127.0.0.1",
                "hosts": ["runner.example"],
                "origins": ["https://pages.example"],
                "base_url": self.url,
                **different,
            }
            assert self.process.stdin is not None and self.process.stdout is not None
            self.process.stdin.write(json.dumps(told).encode() + b"\n")
            self.process.stdin.flush()
            assert self.process.stdout.readline() == b"ready\n"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def knock(self) -> None:
        """There may be a webhook to call."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def a_token(self, role: str = "reporter", *, expires_at: datetime | None = None, name: str = "") -> str:
        name = name or f"t{secrets.token_hex(4)}"
        return self.here.store.transact(
            lambda tx: create_token(
                tx,
                name,
                role,
                expires_at=expires_at,
                actor=ANA,
                reason="",
                now=datetime.now(UTC) - timedelta(days=2),
                chance=secrets.token_bytes,
            )
        ).text

    def revoke(self, name: str) -> None:
        self.here.store.transact(
            lambda tx: revoke_token(tx, name, actor=ANA, reason="", now=datetime.now(UTC))
        )

    def ask(
        self,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        method: str = "POST",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            sent = {"Content-Type": "application/json"}
            if token:
                sent["Authorization"] = f"Bearer {token}"
            content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
            connection.request(method, path, content, {**sent, **(headers or {})})
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def raw(self) -> socket.socket:
        """A connection, for what no client library sends."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def end(self) -> int:
        """As the daemon ends it; its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(PATIENCE_S)
