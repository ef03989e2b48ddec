"""A signed request is taken in once, or refused with the reason; before that nothing is told of the job."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from installations import NOW, Installation, an_object
from lives import at, contradictions
from triggered_lives import a_triggered_job, items, states

from runner.access.signature import signature
from runner.operations.prune_arrivals import prune_arrivals
from runner.operations.receive_webhook import (
    Message,
    Received,
    examine,
    hook_of,
    hooks_of,
    receive,
)
from runner.operations.request_refused import NoSecret, RequestRefused
from runner.store.arrivals import DONE, TAKEN, WAITING

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
HOOK = {"path": "orders", "secret": {"authorization": "shop", "key": "secret"}}
INPUTS = {"n": {"type": "integer", "required": True}, "note": {"type": "string"}}


@pytest.fixture(autouse=True)
def shop(here: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SHOP_SECRET", SECRET)
    here.install(an_object("Authorization", "shop", {"config": {"secret": {"from": {"env": "SHOP_SECRET"}}}}))
    yield
    assert contradictions(here) == []


def a_hooked_job(name: str = "take", hook: dict[str, Any] | None = None, **spec: Any) -> Any:
    trigger = {"webhook": {**HOOK, **(hook or {})}, **spec.pop("more", {})}
    return a_triggered_job(name, trigger, **{"inputs": INPUTS, **spec})


def asked(
    here: Installation,
    payload: Any = None,
    *,
    id: str = "msg_1",
    secret: str = SECRET,
    sent_at: datetime = NOW,
    now: datetime = NOW,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    path: str = "orders",
) -> Received:
    body = json.dumps({"n": 1} if payload is None else payload).encode() if body is None else body
    stamp = int(sent_at.timestamp())
    sent = headers or {
        "webhook-id": id,
        "webhook-timestamp": str(stamp),
        "webhook-signature": f"v1,bm9wZQ== {signature(secret, id, stamp, body)}",
    }
    with here.store.read() as reader:
        owners = hooks_of(reader).get(path, ())
        found = examine(hook_of(reader, owners, here.state), sent, body, now=now)
    if not isinstance(found, Message):
        return found
    [received] = here.store.transact(lambda tx: receive(tx, [found], now))
    if isinstance(received, RequestRefused):
        raise received
    return received


def refused(here: Installation, *args: Any, **more: Any) -> tuple[str, int]:
    with pytest.raises(RequestRefused) as caught:
        asked(here, *args, **more)
    return caught.value.rule, caught.value.status


def test_a_request_starts_its_job_with_its_payload_as_inputs(here: Installation) -> None:
    here.install(a_hooked_job())
    received = asked(here, {"n": 5, "note": "hi"})
    assert (received.outcome, received.item) == ("started", 1)
    run = here.instance(received.instance or 0)
    assert (run.origin, dict(run.inputs)) == ("webhook", {"n": 5, "note": "hi"})
    assert run.trigger["by"] == "/hooks/orders, signed with shop/secret"
    assert run.trigger["webhook"] == {
        "id": "msg_1",
        "path": "orders",
        "signed_by": "shop/secret",
        "at": "2026-11-23T12:00:00+00:00",
    }
    assert SECRET not in repr(run)


def test_the_same_id_is_the_same_request_also_after_a_restart_and_by_then_under_a_hold(
    here: Installation,
) -> None:
    here.install(a_hooked_job())
    first = asked(here)
    again = asked(here, now=at(minutes=4))
    assert (again.outcome, again.item, again.instance) == ("duplicate", first.item, first.instance)
    here.hold("take", "operator")
    assert asked(here).outcome == "duplicate"
    assert len(items(here, "take")) == 1


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"secret": "another secret of some length"}, "bad-signature"),
        ({"sent_at": NOW - timedelta(minutes=6)}, "bad-time"),
        ({"sent_at": NOW + timedelta(minutes=6)}, "bad-time"),
        ({"id": "with blanks in it"}, "bad-id"),
        ({"headers": {"webhook-id": "a"}}, "unsigned"),
        (
            {"headers": {"webhook-id": "a", "webhook-timestamp": "x", "webhook-signature": "v1,a"}},
            "bad-timestamp",
        ),
    ],
)
def test_who_does_not_sign_as_agreed_learns_nothing_of_the_job(
    here: Installation, more: dict[str, Any], rule: str
) -> None:
    here.install(a_hooked_job())
    assert refused(here, {"not": "checked"}, **more) == (rule, 401)
    assert items(here, "take") == []


def test_a_changed_body_has_another_signature(here: Installation) -> None:
    here.install(a_hooked_job())
    stamp = int(NOW.timestamp())
    sent = {
        "webhook-id": "a",
        "webhook-timestamp": str(stamp),
        "webhook-signature": signature(SECRET, "a", stamp, b'{"n":1}'),
    }
    assert refused(here, body=b'{"n":2}', headers=sent) == ("bad-signature", 401)


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"{nope", "not-json"),
        (b"\xff\xfe", "not-json"),
        (b'{"n": NaN}', "not-json"),
        (b'{"n": 1, "n": 2}', "not-json"),
        (b'"\\ud800"', "not-json"),
        (b"[" * 100_000, "not-json"),
        (b'{"n": 1, "m": 1e400}', "not-json"),
        (b'{"n": 9223372036854775808}', "not-json"),
        (b'{"n": ' + b"9" * 4000 + b"}", "not-json"),
        (b"[1]", "bad-payload"),
        (b'{"n": "x"}', "bad-payload"),
        (b'{"m": 1, "n": 1}', "bad-payload"),
        (b"{}", "bad-payload"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(here: Installation, body: bytes, rule: str) -> None:
    here.install(a_hooked_job())
    assert refused(here, body=body)[0] == rule


def test_a_schema_says_what_the_payload_is_and_the_rest_is_the_runs_to_read(here: Installation) -> None:
    schema = {
        "type": "object",
        "required": ["order"],
        "properties": {"order": {"type": "object"}, "n": {"maximum": 10}},
    }
    here.install(a_hooked_job(hook={"schema": schema}))
    run = here.instance(asked(here, {"order": {"id": 3}, "n": 2, "extra": True}).instance or 0)
    assert dict(run.inputs) == {"n": 2, "note": None}
    assert run.trigger["payload"]["order"] == {"id": 3}
    with pytest.raises(RequestRefused) as caught:
        asked(here, {"n": 11}, id="msg_2")
    assert sorted(problem["at"] for problem in caught.value.problems) == ["", "n"]


def test_a_body_may_be_as_large_as_declared(here: Installation) -> None:
    here.install(a_hooked_job(hook={"maxBody": "1KiB"}))
    assert refused(here, {"n": 1, "note": "x" * 1024}) == ("too-large", 413)


@pytest.mark.parametrize("hold", ["paused", "maintenance", "failure"])
def test_under_a_hold_that_ends_requests_wait(here: Installation, hold: str) -> None:
    here.install(a_hooked_job())
    here.hold("take", hold)
    received = asked(here)
    assert (received.outcome, received.instance, received.reason) == ("queued", None, f"hold {hold}")


@pytest.mark.parametrize("hold", ["operator", "git", "removed", "expired", "group:nightly"])
def test_a_job_that_is_switched_off_takes_none_and_the_sender_tries_again(
    here: Installation, hold: str
) -> None:
    here.install(a_hooked_job())
    here.hold("take", hold)
    assert refused(here) == ("held", 503)
    assert items(here, "take") == []


def test_a_full_queue_says_so(here: Installation) -> None:
    here.install(a_hooked_job(more={"queue": {"limit": 2}}))
    assert [asked(here, id=f"m{n}").outcome for n in range(3)] == ["started", "queued", "queued"]
    assert refused(here, id="m4") == ("queue-full", 429)
    assert asked(here, id="m2").outcome == "duplicate"
    assert states(here, "take") == ["TAKEN", "WAITING", "WAITING"]


def test_while_a_secret_is_replaced_both_count_and_one_that_is_missing_stops_nobody(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = {"config": {"key": {"from": {"env": "LATER_SECRET"}}}}
    here.install(an_object("Authorization", "later", later))
    both = [HOOK["secret"], {"authorization": "later", "key": "key"}]
    here.install(a_hooked_job(hook={"secret": both}))
    assert asked(here).outcome == "started"
    monkeypatch.setenv("LATER_SECRET", "the secret that follows")
    received = asked(here, id="m2", secret="the secret that follows")
    assert items(here, "take")[-1].source == "/hooks/orders, signed with later/key"
    assert received.outcome == "queued"


def test_without_its_secret_a_hook_answers_for_nobody(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.install(a_hooked_job())
    monkeypatch.delenv("SHOP_SECRET")
    with pytest.raises(NoSecret) as caught:
        asked(here)
    assert "SHOP_SECRET" not in str(caught.value) and "SHOP_SECRET" in caught.value.missing
    monkeypatch.setenv("SHOP_SECRET", "short")
    with pytest.raises(NoSecret):
        asked(here, secret="short")


def test_github_signs_the_body_so_another_delivery_id_is_no_other_request(here: Installation) -> None:
    here.install(a_hooked_job(hook={"signature": "github", "schema": {"type": "object"}}))

    def delivered(body: bytes, event: str = "push", secret: str = SECRET) -> Received:
        code = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        sent = {"x-hub-signature-256": f"sha256={code}", "x-github-event": event}
        return asked(here, body=body, headers=sent)

    assert delivered(b"{}", "ping").outcome == "pong"
    first = delivered(b'{"n":1}')
    assert first.outcome == "started"
    assert delivered(b'{"n":1}').outcome == "duplicate"
    assert here.instance(first.instance or 0).trigger["webhook"]["event"] == "push"
    with pytest.raises(RequestRefused):
        delivered(b'{"n":2}', secret="wrong")


def test_a_delivery_without_a_time_is_a_repeat_also_when_its_item_is_long_gone(here: Installation) -> None:
    here.install(a_hooked_job(hook={"signature": "github"}))

    def delivered(body: bytes, now: datetime = NOW) -> Received:
        code = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        return asked(here, body=body, headers={"x-hub-signature-256": f"sha256={code}"}, now=now)

    item = delivered(b'{"n":1}').item
    assert item is not None
    here.store.transact(lambda tx: tx.arrivals.settle([item], DONE, reason="", at=NOW, expected=TAKEN))
    later = NOW + timedelta(days=400)
    assert prune_arrivals(here.store, later) == 1
    again = delivered(b'{"n":1}', later)
    assert (again.outcome, again.item, again.instance) == ("duplicate", None, None)
    assert again.reason == "it was taken before (so long ago that only this is known of it)"
    assert delivered(b'{"n":2}', later).outcome == "queued"
    here.hold("take", "operator")
    assert delivered(b'{"n":1}', later).outcome == "duplicate"
    assert [each.state for each in items(here, "take")] == [WAITING]


def test_a_path_that_nobody_has_and_one_that_two_have_start_nothing(here: Installation) -> None:
    assert refused(here, path="nowhere") == ("unknown-hook", 404)
    here.install(a_hooked_job("one"), a_hooked_job("two"))
    assert refused(here) == ("ambiguous-hook", 409)


def test_the_example_of_the_specification_has_the_signature_that_it_names() -> None:
    """standard-webhooks/spec, "Signature scheme": the test vector of its reference libraries."""
    made = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def a_group(here: Installation, count: int) -> list[Received | RequestRefused]:
    """So many requests that come together."""
    with here.store.read() as reader:
        hook = hook_of(reader, hooks_of(reader)["orders"], here.state)
    messages = []
    stamp = int(NOW.timestamp())
    for n in range(count):
        body = json.dumps({"n": n}).encode()
        sent = {
            "webhook-id": f"g{n}",
            "webhook-timestamp": str(stamp),
            "webhook-signature": signature(SECRET, f"g{n}", stamp, body),
        }
        found = examine(hook, sent, body, now=NOW)
        assert isinstance(found, Message)
        messages.append(found)
    return here.store.transact(lambda tx: receive(tx, messages, NOW))


def test_a_group_counts_for_the_queue_as_if_they_had_come_one_after_the_other(here: Installation) -> None:
    here.install(a_hooked_job(more={"queue": {"limit": 2}}))
    found = a_group(here, 5)
    told = [each.rule if isinstance(each, RequestRefused) else each.outcome for each in found]
    assert told == ["started", "queued", "queued", "queue-full", "queue-full"]
    assert [item.key for item in items(here, "take")] == ["webhook:g0", "webhook:g1", "webhook:g2"]


def test_of_a_group_beyond_the_queue_the_newest_stay_when_the_oldest_are_dropped(here: Installation) -> None:
    here.install(a_hooked_job(more={"queue": {"limit": 2, "overflow": "drop-oldest"}}))
    a_group(here, 6)
    waiting = [item.key for item in items(here, "take") if item.state == "WAITING"]
    assert waiting == ["webhook:g4", "webhook:g5"]
    assert len(items(here, "take")) == 6, "what was dropped is kept with its reason"
