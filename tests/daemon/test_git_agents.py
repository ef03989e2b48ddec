"""The threads that follow git sources, on a real loop, with real repositories."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "git"))
from installations import Installation, an_object
from remotes import Upstream

from runner.daemon.clock import SystemClock
from runner.daemon.git_agents import GitAgents, Synced
from runner.daemon.reloader import Reloaded
from runner.operations.checked_out import CheckedOut
from runner.store.sources import SourceRecord

PATIENCE_S = 60.0


class Daemon:
    """Agents whose applies are the test's own, and what they said."""

    def __init__(self, here: Installation, reload: Callable[[CheckedOut], Reloaded]) -> None:
        self.said: asyncio.Queue[Synced] = asyncio.Queue()
        self.followed: list[str] = []
        self.troubles: list[str] = []
        self.agents = GitAgents(
            asyncio.get_running_loop(),
            here.store,
            SystemClock(),
            project=here.state.parent,
            state=here.state,
            given=None,
            reload=reload,
            following=lambda source: self.followed.append(source.name),
            synced=self.said.put_nowait,
            trouble=lambda doing, problem: self.troubles.append(f"{doing}: {problem}"),
        )

    async def next(self) -> str:
        """`name: reason: message` of what is said next."""
        synced = await asyncio.wait_for(self.said.get(), PATIENCE_S)
        return f"{synced.name}: {synced.outcome.reason}: {synced.outcome.message}"


def declare(here: Installation, **sources: str) -> None:
    git = {"ref": {"branch": "main"}, "path": "jobs.d", "interval": "1h", "timeout": "60s"}
    rest = {"authorization": None, "verify": None, "webhook": None}
    found = {name: {"git": {"url": url, **git, **rest}} for name, url in sources.items()}
    new = an_object("Runner", "runner", {"sources": found})

    def work(tx):  # type: ignore[no-untyped-def]
        record = tx.objects.get(new.address)
        if record is None:
            tx.objects.install(new, at=SystemClock().now(), who="test")
        else:
            tx.objects.update(
                record.uid, new, expected_digest=record.digest, at=SystemClock().now(), who="test"
            )

    here.store.transact(work)


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    found = Upstream(tmp_path / "elsewhere")
    found.commit({"jobs.d/one.yaml": found.job("one")})
    return found


def names_of(here: Installation) -> list[str]:
    with here.store.read() as reader:
        return [each.name for each in reader.sources.all()]


def on_a_loop(work: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await work()

    asyncio.run(main())


def test_sources_come_and_go_as_they_are_declared(here: Installation, upstream: Upstream) -> None:
    async def work() -> None:
        daemon = Daemon(here, lambda tree: Reloaded(True, "", changed=True))
        declare(here, team=upstream.url)
        daemon.agents.adjust()
        assert (await daemon.next()).startswith("team: Applied: applied main@")
        daemon.agents.adjust()  # nothing is begun anew
        declare(here, team=upstream.url + "/", wrong="ext::sh")
        daemon.agents.adjust()
        assert daemon.followed == ["team", "team"]
        assert daemon.troubles == [
            "following the source wrong: write https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH or "
            "file:///PATH, without blanks, '?' and '#'"
        ]
        assert (await daemon.next()).startswith("team: Applied: ")
        declare(here)
        daemon.agents.adjust()
        await daemon.agents.stop()
        while names_of(here):  # it is dropped behind the loop's back
            await asyncio.sleep(0.02)

    on_a_loop(work)


def test_what_cannot_be_applied_is_said_once_and_asked_for_again(
    here: Installation, upstream: Upstream
) -> None:
    answers = [
        Reloaded(False, "1 error in the declarations", cause="invalid"),
        Reloaded(False, "1 error in the declarations", cause="invalid"),
        Reloaded(False, "too much", cause="refused"),
    ]

    async def work() -> None:
        daemon = Daemon(here, lambda tree: answers.pop(0))
        declare(here, team=upstream.url)
        daemon.agents.adjust()
        assert await daemon.next() == "team: InvalidDeclarations: 1 error in the declarations"
        for _ in range(2):
            asked_at = SystemClock().now()
            here.store.transact(lambda tx, at=asked_at: tx.sources.ask("team", at=at, who="ana"))  # type: ignore[misc]
            daemon.agents.ask()
            await answered(here, "team")
        assert await daemon.next() == "team: Refused: too much"
        assert daemon.said.empty()
        await daemon.agents.stop()

    on_a_loop(work)


async def answered(here: Installation, name: str) -> None:
    """Until what was asked for has been done."""
    while True:
        with here.store.read() as reader:
            record: SourceRecord | None = reader.sources.get(name)
        if record is not None and record.answered_at == record.asked_at:
            return
        await asyncio.sleep(0.02)


def test_a_stop_does_not_wait_for_a_remote(here: Installation) -> None:
    import socket

    async def work() -> None:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            daemon = Daemon(here, lambda tree: Reloaded(True, ""))
            declare(here, team=f"git://127.0.0.1:{silent.getsockname()[1]}/x.git")
            daemon.agents.adjust()
            await asyncio.get_running_loop().run_in_executor(None, silent.accept)
            await daemon.agents.stop()
            assert daemon.said.empty()

    on_a_loop(work)
