"""How many signed webhooks a second does the listener take, each durable before it is answered?

Usage: python benchmarks/hooks.py [--count 2000] [--connections 32] [--rounds 3]

A real `runner up` with one job that each request is for; what is answered with 202 is looked for in its
database afterwards. Floor, in the same run and alternating: a bare ASGI application that answers 202, behind
the same server, called by the same client. Beside it: the same number of bare inserts, one durable commit for
each 32. Last, a burst: as many connections as requests, all opened at the same moment.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import selectors
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from daemon import Project

from runner.access.signature import signature

SECRET = "a secret for figures, long enough"
GROUP = 32
_PATIENCE_S = 60.0
_DECLARED = """\
apiVersion: jobs.runner/v1
kind: Runner
metadata: {name: runner}
spec: {web: {port: 0}}
---
apiVersion: jobs.runner/v1
kind: Authorization
metadata: {name: shop}
spec: {config: {secret: {from: {file: shop.secret}}}}
---
apiVersion: jobs.runner/v1
kind: Job
metadata: {name: take}
spec:
  enabled: true
  schedule:
    trigger:
      webhook: {path: orders, secret: {authorization: shop, key: secret}, schema: {type: object}}
      queue: {limit: 1000000}
      batch: {size: 1000, within: 10s}
  code: {source: pass}
"""
_FLOOR = """\
import asyncio, socket, sys, uvicorn
from runner.web.patience import Patient
ANSWER = b'{"outcome": "queued", "item": 17, "instance": null, "reason": ""}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]
async def app(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 202, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})
config = uvicorn.Config(app, http=Patient, ws="none", loop="asyncio", lifespan="off", log_config=None,
                        access_log=False, server_header=False)
listening = socket.socket(proto=socket.IPPROTO_TCP)  # else asyncio sets no TCP_NODELAY
listening.bind(("127.0.0.1", 0))
listening.listen(1024)
print(listening.getsockname()[1], flush=True)
asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))
"""


class Took(NamedTuple):
    """Seconds in all, answers by status, and the milliseconds that each waited for its own."""

    seconds: float
    statuses: Counter[int]
    waited_ms: list[float]


def requests(count: int) -> list[bytes]:
    """So many requests, each signed and with an id of its own."""
    stamp = int(time.time())
    made = []
    for number in range(count):
        body = json.dumps({"number": number, "items": ["apple", "pear"], "note": "x" * 100}).encode()
        id = f"msg_{secrets.token_hex(12)}"
        head = (
            f"POST /hooks/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nwebhook-id: {id}\r\nwebhook-timestamp: {stamp}\r\n"
            f"webhook-signature: {signature(SECRET, id, stamp, body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


def send(port: int, made: list[bytes], connections: int) -> Took:
    """All of them, over so many connections that stay open; each sends its next when it has been answered."""
    waiting = selectors.EpollSelector()
    left = iter(made)
    statuses: Counter[int] = Counter()
    waited: list[float] = []
    sent_at: dict[int, float] = {}
    heard: dict[int, bytes] = {}

    def next_on(each: socket.socket) -> bool:
        request = next(left, None)
        if request is None:
            return False
        heard[each.fileno()] = b""
        sent_at[each.fileno()] = time.perf_counter()
        each.sendall(request)
        return True

    began = time.perf_counter()
    opened = [socket.create_connection(("127.0.0.1", port)) for _ in range(min(connections, len(made)))]
    for each in opened:
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        next_on(each)
        waiting.register(each, selectors.EVENT_READ)
    while sum(statuses.values()) < len(made):
        ready = waiting.select(_PATIENCE_S)
        if not ready:
            raise SystemExit(f"no answer for a minute; answered so far: {dict(statuses)}")
        for key, _ in ready:
            each = key.fileobj
            assert isinstance(each, socket.socket)
            try:
                piece = each.recv(65536)
            except ConnectionResetError:
                piece = b""
            answer = heard[each.fileno()] = heard[each.fileno()] + piece if piece else b""
            if answer and not is_whole(answer):
                continue
            status = int(answer[9:12]) if answer else 0  # 0: closed without an answer
            statuses[status] += 1
            waited.append((time.perf_counter() - sent_at[each.fileno()]) * 1000)
            if not answer or not next_on(each):
                waiting.unregister(each)
    seconds = time.perf_counter() - began
    for each in opened:
        each.close()
    waiting.close()
    return Took(seconds, statuses, waited)


def is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    return bool(end) and len(body) >= int(length)


def inserts(count: int, folder: Path) -> float:
    """Bare rows a second, with their key looked for first, GROUP to a durable commit."""
    connection = sqlite3.connect(folder / "inserts.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, key TEXT UNIQUE, data TEXT)")
    began = time.perf_counter()
    for start in range(0, count, GROUP):
        connection.execute("BEGIN IMMEDIATE")
        for number in range(start, min(start + GROUP, count)):
            connection.execute("INSERT INTO t (key, data) VALUES (?, ?)", (f"msg_{number}", "x" * 300))
        connection.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    return count / seconds


def port_of(project: Project) -> int:
    """Where the listener of that daemon is."""
    patience = time.monotonic() + _PATIENCE_S
    while time.monotonic() < patience:
        for line in (project.folder / "up.log").read_text(errors="replace").splitlines():
            if "http://127.0.0.1:" in line:
                return int(line.partition("http://127.0.0.1:")[2].split()[0].rstrip("/"))
        time.sleep(0.05)
    raise SystemExit("the listener did not start")


def kept(project: Project) -> int:
    """Items in the database."""
    connection = sqlite3.connect(project.state / "runner.db")
    try:
        return int(connection.execute("SELECT count(*) FROM arrivals").fetchone()[0])
    finally:
        connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    floor = subprocess.Popen([sys.executable, "-c", _FLOOR], stdout=subprocess.PIPE, text=True)
    assert floor.stdout is not None
    floor_port = int(floor.stdout.readline())
    project = Project()
    place = project.folder / "shop.secret"
    place.touch(0o600)
    place.write_text(SECRET)
    (project.jobs / "hooks.yaml").write_text(_DECLARED)
    rates: list[tuple[float, float]] = []
    waited: list[float] = []
    taken = 0
    try:
        project.up(log=project.folder / "up.log")
        port = port_of(project)
        send(port, requests(50), 4)  # what is imported on first use
        send(floor_port, requests(50), 4)
        taken += 50
        for _ in range(arguments.rounds):
            bare = send(floor_port, requests(arguments.count), arguments.connections)
            ours = send(port, requests(arguments.count), arguments.connections)
            taken += ours.statuses[202]
            rates.append((ours.statuses[202] / ours.seconds, arguments.count / bare.seconds))
            waited += ours.waited_ms
            if set(ours.statuses) != {202}:
                print(f"answers beside 202: {dict(ours.statuses)}")
        burst = send(port, requests(1000), 1000)
        taken += burst.statuses[202]
        found = kept(project)
        with tempfile.TemporaryDirectory(dir=project.folder) as folder:
            bare_rows = inserts(arguments.count, Path(folder))
    finally:
        project.close()
        floor.kill()
        floor.wait()
    print(f"load average {os.getloadavg()[0]:.1f}")
    ours_rate = statistics.median(rate for rate, _ in rates)
    bare_rate = statistics.median(rate for _, rate in rates)
    ratio = statistics.median(rate / other for rate, other in rates)
    print(f"taken      {ours_rate:7.0f}/s  (target 1,000), {arguments.connections} connections")
    print(f"bare ASGI  {bare_rate:7.0f}/s  ratio {ratio:.2f}")
    print(f"inserts    {bare_rows:7.0f}/s  ratio {ours_rate / bare_rows:.2f}, {GROUP} to a commit")
    p50, p99 = statistics.quantiles(waited, n=100)[49], statistics.quantiles(waited, n=100)[98]
    print(f"answered after {p50:.1f} ms (p50), {p99:.1f} ms (p99)")
    print(
        f"1,000 connections at once: {burst.seconds:.2f} s, answers {dict(burst.statuses)}; "
        f"answered 202 in all {taken}, in the database {found}"
    )
    if taken != found:
        raise SystemExit("what was answered is not what is kept")


if __name__ == "__main__":
    main()
