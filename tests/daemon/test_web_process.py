"""The listener under the daemon: there when it is declared, back when it dies, gone when the daemon goes."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from daemons import run_until
from installations import Installation

from runner.daemon import web_process
from runner.daemon.web_process import WebProcess

WEB = {"bind": "127.0.0.1", "port": 0, "hosts": [], "origins": [], "baseUrl": None}


class Heard:
    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.troubles: list[str] = []


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def web(here: Installation, loop: asyncio.AbstractEventLoop, heard: Heard) -> Iterator[WebProcess]:
    it = WebProcess(
        loop,
        project=here.state.parent,
        database=here.path,
        up=heard.addresses.append,
        trouble=lambda doing, problem: heard.troubles.append(f"{doing}: {problem}"),
    )
    yield it
    loop.run_until_complete(it.stop())


def status(address: str) -> int:
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
    connection.request("GET", "/")
    answer = connection.getresponse().status
    connection.close()
    return answer


def up(loop: asyncio.AbstractEventLoop, web: WebProcess, heard: Heard, count: int = 1) -> str:
    run_until(loop, lambda: len(heard.addresses) >= count)
    assert web.reachable
    return heard.addresses[-1]


def test_it_is_there_when_it_is_declared_and_says_where(
    loop: asyncio.AbstractEventLoop, web: WebProcess, heard: Heard
) -> None:
    web.adjust(None)
    assert web._process is None
    web.adjust(WEB)
    assert status(up(loop, web, heard)) == 401
    web.adjust(dict(WEB))
    assert len(heard.addresses) == 1, "nothing has changed"


def test_it_goes_when_it_is_declared_no_more(
    loop: asyncio.AbstractEventLoop, web: WebProcess, heard: Heard
) -> None:
    web.adjust(WEB)
    address = up(loop, web, heard)
    process = web._process
    assert process is not None
    web.adjust(None)
    assert (process.wait(30), web.reachable) == (0, False)
    with pytest.raises(ConnectionRefusedError):
        status(address)


def test_a_port_that_is_taken_is_one_sentence_and_is_tried_again(
    loop: asyncio.AbstractEventLoop, web: WebProcess, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_process, "FIRST_PAUSE_S", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        web.adjust({**WEB, "port": port})
        place = f"127.0.0.1:{port}"
        assert heard.troubles == [
            f"opening the listener on {place} (jobs run without it): {place}: Address already in use; "
            "end what uses it, or declare another spec.web.port"
        ]
        assert not web.reachable
    assert up(loop, web, heard) == f"http://127.0.0.1:{port}"


def test_one_that_dies_is_started_again_at_the_same_place(
    loop: asyncio.AbstractEventLoop, web: WebProcess, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_process, "FIRST_PAUSE_S", 0.01)
    web.adjust(WEB)
    address = up(loop, web, heard)
    assert web._process is not None
    os.kill(web._process.pid, signal.SIGKILL)
    assert up(loop, web, heard, 2) == address
    assert status(address) == 401
    assert len(heard.troubles) == 1 and "is started again" in heard.troubles[0]


def test_an_open_request_does_not_keep_the_daemon(
    loop: asyncio.AbstractEventLoop, web: WebProcess, heard: Heard
) -> None:
    web.adjust(WEB)
    host, port = up(loop, web, heard).removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as wire:
        wire.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\n")
        process = web._process
        assert process is not None
        loop.run_until_complete(web.stop())
        assert process.returncode == 0


def test_the_daemon_itself_imports_nothing_of_it(here: Installation) -> None:
    import subprocess
    import sys

    script = (
        "import sys, runner.daemon.serve, runner.cli.views.announcer\n"
        "heavy = {'fastapi', 'starlette', 'uvicorn', 'pydantic', 'httpx2'} & set(sys.modules)\n"
        "print(sorted(heavy))"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"


def test_on_all_addresses_it_is_told_by_its_declared_name(
    loop: asyncio.AbstractEventLoop, web: WebProcess, heard: Heard
) -> None:
    web.adjust({**WEB, "bind": "0.0.0.0", "hosts": ["localhost"]})
    address = up(loop, web, heard)
    assert address.startswith("http://localhost:")
    assert status(address) == 401


def test_a_knock_for_nobody_is_no_trouble(web: WebProcess, heard: Heard) -> None:
    web.call()
    assert heard.troubles == []


def test_one_that_dies_before_it_is_told_anything_is_started_again(
    loop: asyncio.AbstractEventLoop, web: WebProcess, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_process, "FIRST_PAUSE_S", 0.01)

    def dies(command: list[str], **how: Any) -> subprocess.Popen[bytes]:
        monkeypatch.undo()
        process = subprocess.Popen(["/bin/false"], **how)
        process.wait(60)
        return process

    monkeypatch.setattr(web_process.subprocess, "Popen", dies)
    web.adjust(WEB)
    assert status(up(loop, web, heard)) == 401
    assert heard.troubles == [
        "serving HTTP (the listener is started again): it ended by itself (exit code 1)"
    ]
