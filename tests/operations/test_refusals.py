"""Whom does a refused request concern? Status, doctor and the job tell of it, and say what now."""

from __future__ import annotations

from datetime import timedelta

import pytest
from installations import NOW, Installation, an_object
from lives import at
from triggered_lives import a_triggered_job, comes

from runner.operations.examine_hooks import examine_hooks
from runner.operations.prune_arrivals import prune_arrivals
from runner.operations.refusals import Refused, record_refusals, refusal_alarms
from runner.operations.show_job import show_job

HOOK = {"path": "orders", "secret": {"authorization": "shop", "key": "secret"}}
SHOP = an_object("Authorization", "shop", {"config": {"secret": {"from": {"env": "SHOP_SECRET"}}}})


@pytest.fixture(autouse=True)
def shop(here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_SECRET", "a secret of the shop, long enough")
    here.install(SHOP, a_triggered_job("take", {"webhook": HOOK}))


def a_refusal(here: Installation, rule: str, *, path: str = "orders", count: int = 3) -> None:
    refused = Refused(
        path=path, rule=rule, detail="why not", count=count, first_at=NOW, last_at=NOW + timedelta(minutes=1)
    )
    hooks = {"orders": ((here.uid("take"), "default"),)}
    here.store.transact(lambda tx: record_refusals(tx, hooks, [refused]))


def alarms(here: Installation, minutes: int = 5) -> list[tuple[str, str, str, bool]]:
    with here.store.read() as reader:
        found = list(refusal_alarms(reader, at(minutes=minutes)))
    return [(each.name, each.summary, each.hint, each.problem) for each in found]


def findings(here: Installation) -> list[tuple[str, str, str]]:
    with here.store.read() as reader:
        found = examine_hooks(reader, here.state, at(minutes=5))
    return [(each.verdict, each.text, each.advice) for each in found]


def test_a_sender_whose_payload_does_not_fit_needs_a_person(here: Installation) -> None:
    a_refusal(here, "bad-payload")
    last = "the last at 2026-11-23 12:01:00Z: why not"
    summary = f"3 requests to /hooks/orders were refused (bad-payload), {last}"
    hint = "compare what is sent with `schema` and the job's inputs"
    assert alarms(here) == [("take", summary, hint, True)]


def test_forged_requests_need_one_only_while_nothing_is_taken(here: Installation) -> None:
    a_refusal(here, "bad-signature", count=1)
    [(_, summary, hint, problem)] = alarms(here)
    assert summary.startswith("1 request to /hooks/orders was refused (bad-signature), at 2026-")
    assert (hint, problem) == ("compare the secret with the sender's", True)
    comes(here, "take", "webhook:a", now=at(minutes=2))
    assert [problem for *_, problem in alarms(here)] == [False]


def test_after_a_day_it_is_nobodys_business_and_after_a_week_it_is_forgotten(here: Installation) -> None:
    a_refusal(here, "bad-payload")
    assert alarms(here, minutes=24 * 60 + 2) == []
    assert prune_arrivals(here.store, NOW + timedelta(days=8)) == 1
    with here.store.read() as reader:
        assert show_job(reader, "take", now=NOW).refused == ()


def test_the_job_shows_what_was_refused(here: Installation) -> None:
    a_refusal(here, "bad-time")
    a_refusal(here, "unknown-hook", path="elsewhere")
    with here.store.read() as reader:
        [refused] = show_job(reader, "take", now=NOW).refused
    assert (refused.rule, refused.count, refused.schedule) == ("bad-time", 3, "default")


def test_doctor_asks_for_the_listener_and_for_each_secret(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = "no listener is declared, so nobody can reach /hooks/orders"
    assert findings(here) == [("error", nobody, "add `web: {}` to the spec of the Runner")]
    here.install(an_object("Runner", "runner", {"web": {"port": 8470}}))
    assert findings(here) == [("ok", "1 path, and each has its secret", "")]
    monkeypatch.delenv("SHOP_SECRET")
    [(verdict, text, advice)] = findings(here)
    assert verdict == "error"
    assert text.startswith("/hooks/orders of Job/take answers 503: ")
    assert "SHOP_SECRET" in text
    assert advice == "set it where the daemon runs; it is read for each request"


def test_of_two_secrets_one_that_is_missing_is_a_warning(here: Installation) -> None:
    here.install(
        an_object("Runner", "runner", {"web": {"port": 8470}}),
        an_object("Authorization", "next", {"config": {"secret": {"from": {"env": "NEXT_SECRET"}}}}),
    )
    both = [HOOK["secret"], {"authorization": "next", "key": "secret"}]
    here.install(a_triggered_job("other", {"webhook": {"path": "other", "secret": both}}))
    [(verdict, text, _)] = findings(here)
    assert verdict == "warning"
    assert text.startswith("/hooks/other of Job/other has another secret that counts: ")


def test_doctor_tells_of_requests_to_no_hook_too(here: Installation) -> None:
    a_refusal(here, "unknown-hook", path="old/orders")
    warned = [text for verdict, text, _ in findings(here) if verdict == "warning"]
    assert any("/hooks/old/orders" in text for text in warned)
