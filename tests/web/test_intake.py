"""Requests that come together share a commit, and one that fails harms no other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from installations import NOW, Installation, an_object
from triggered_lives import a_triggered_job, items

from runner.access.signature import signature
from runner.operations.receive_webhook import Received
from runner.store.port import Store
from runner.web import intake
from runner.web.intake import Intake
from runner.web.known_hooks import KnownHooks

SECRET = "a secret of the shop, long enough"


class Counted:
    """The store, and how many commits there were."""

    def __init__(self, store: Store, before: Callable[[], Any] = lambda: None) -> None:
        self.read = store.read
        self.commits = 0
        self._store = store
        self._before = before

    def transact(self, work: Callable[[Any], Any]) -> Any:
        self._before()
        self.commits += 1
        return self._store.transact(work)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    here = Installation(tmp_path / ".runner" / "runner.db")
    monkeypatch.setenv("SHOP_SECRET", SECRET)
    hook = {"path": "orders", "secret": {"authorization": "shop", "key": "secret"}}
    here.install(
        an_object("Authorization", "shop", {"config": {"secret": {"from": {"env": "SHOP_SECRET"}}}}),
        a_triggered_job("take", {"webhook": hook}, inputs={"n": {"type": "integer"}}),
    )
    return here


def a_request(
    id: str, payload: Any, secret: str = SECRET, now: datetime = NOW
) -> tuple[dict[str, str], bytes]:
    body = json.dumps(payload).encode()
    stamp = int(now.timestamp())
    sent = {
        "webhook-id": id,
        "webhook-timestamp": str(stamp),
        "webhook-signature": signature(secret, id, stamp, body),
    }
    return sent, body


def taken(
    here: Installation, store: Any, requests: list[tuple[dict[str, str], bytes]], path: str = "orders"
) -> list[Received | BaseException]:
    """All of them at once."""
    woken: list[int] = []

    async def all_of_them() -> list[Received | BaseException]:
        own = Intake(store, KnownHooks(), here.state, lambda: NOW, lambda: woken.append(1))
        asked = [own.take(path, headers, body) for headers, body in requests]
        return await asyncio.gather(*asked, return_exceptions=True)

    return asyncio.run(all_of_them())


def test_a_thousand_that_come_together_are_a_handful_of_commits(shop: Installation) -> None:
    store = Counted(shop.store)
    found = taken(shop, store, [a_request(f"m{n}", {"n": n}) for n in range(1000)])
    assert {type(each) for each in found} == {Received}
    assert len(items(shop, "take")) == 1000
    assert store.commits <= 1000 / intake.TOGETHER + intake.UNDER_WAY + 1


def test_what_is_refused_harms_none_that_came_with_it(shop: Installation) -> None:
    forged = a_request("b", {"n": 2}, secret="the secret of somebody else")
    misfit = a_request("c", {"n": "x"})
    once, again, last = a_request("a", {"n": 1}), a_request("a", {"n": 1}), a_request("d", {})
    found = taken(shop, shop.store, [once, forged, misfit, again, last])
    told = [getattr(each, "rule", None) or getattr(each, "outcome", None) for each in found]
    assert sorted(map(str, told[:1] + told[3:4])) == ["duplicate", "started"]
    assert (told[1], told[2], told[4]) == ("bad-signature", "bad-payload", "queued")
    assert {item.key for item in items(shop, "take")} == {"webhook:a", "webhook:d"}


def test_a_fault_with_one_of_them_is_the_answer_of_that_one_alone(
    shop: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = intake.receive

    def receive(tx: Any, messages: Any, now: datetime) -> Any:
        if any(message.payload == {"n": 13} for message in messages):
            raise ValueError("unlucky")
        return real(tx, messages, now)

    monkeypatch.setattr(intake, "receive", receive)
    found = taken(shop, shop.store, [a_request(f"m{n}", {"n": n}) for n in range(20)])
    assert [n for n, each in enumerate(found) if not isinstance(each, Received)] == [13]
    assert len(items(shop, "take")) == 19


def test_an_unknown_path_is_told_to_all_who_ask_for_it(shop: Installation) -> None:
    found = taken(shop, shop.store, [a_request(f"m{n}", {}) for n in range(5)], path="nowhere")
    assert [getattr(each, "rule", None) for each in found] == ["unknown-hook"] * 5
