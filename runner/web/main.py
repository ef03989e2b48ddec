"""The process of the listener: `python -m runner.web.main`, started by the daemon with an open socket.

It is told what it is on the first line of stdin (JSON), says `ready` on stdout, looks for webhooks to call at
every further line, and ends when stdin does: with the daemon, however that ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import resource
import signal
import socket
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn

from runner.operations.wake import wake_daemon
from runner.store.open import open_store
from runner.web.app import House, make_app
from runner.web.courier import Courier
from runner.web.known_hooks import KnownHooks
from runner.web.names import names_of
from runner.web.patience import MOST_TOGETHER, PATIENCE_S, Patient
from runner.web.refused import RefusedRequests

GRACE_S = 3
"""For answers under way at a stop. Without it uvicorn waits for ever for a stream that is open."""

MOST_FILES = 8192
OTHER_FILES = 300
"""Of them for what is no silent connection: requests under way, the database, calls of webhooks."""

IDLE_S = 5
"""An open connection without a request."""


def main() -> None:
    """Serve until stdin ends."""
    told: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # a terminal may stop what writes to it from behind
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr, format="%(name)s: %(message)s")
    asyncio.run(_serve(told))


async def _serve(told: Mapping[str, Any]) -> None:
    database = Path(told["database"])
    store = open_store(database)
    base_url = str(told["base_url"])

    def wake() -> None:
        wake_daemon(database.parent)

    house = House(store, lambda: datetime.now(UTC), base_url, wake, project=Path(told["project"]))
    known = KnownHooks()
    refused = RefusedRequests(store, known, house.now)
    names = names_of(told["bind"], told["hosts"], told["origins"], base_url)
    Patient.headers_s = patience_s = float(told.get("patience_s", PATIENCE_S))
    Patient.most_together = min(MOST_TOGETHER, _files() - OTHER_FILES)
    config = uvicorn.Config(
        make_app(house, names, refused, known, body_s=patience_s),
        http=Patient,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=GRACE_S,
        h11_max_incomplete_event_size=32 * 1024,
    )
    server = uvicorn.Server(config)
    courier = Courier(store, Path(told["project"]), base_url, draw=random.random, wake=wake)
    listening = socket.socket(fileno=int(told["socket"]))
    tasks = [
        asyncio.create_task(_hear(server, courier)),
        asyncio.create_task(courier.run()),
        asyncio.create_task(refused.run()),
        asyncio.create_task(_say_ready(server)),
    ]
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await server.serve(sockets=[listening])
    finally:
        courier.stop()
        for task in tasks:
            task.cancel()
        refused.finish()
        store.close()


def _files() -> int:
    """How many files this process may open, which is as many as it is allowed to ask for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return MOST_FILES if soft == resource.RLIM_INFINITY else soft


async def _hear(server: uvicorn.Server, courier: Courier) -> None:
    """Each line is a knock; the end of stdin is the end."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(4096):
        courier.look()
    server.should_exit = True


async def _say_ready(server: uvicorn.Server) -> None:
    while not server.started:
        await asyncio.sleep(0.01)
    print("ready", flush=True)


if __name__ == "__main__":
    main()
