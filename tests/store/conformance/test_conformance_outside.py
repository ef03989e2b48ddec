"""What every store does with tokens and with the runs that another system executes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from store_builders import AT, a_slot_run, install, later

from runner.lifecycle.instance import INSTANCE
from runner.store.external_runs import ExternalRun
from runner.store.port import Store
from runner.store.tokens import TokenRecord

TOKEN = TokenRecord(
    id="abcdefghij", name="billing", role="reporter", hash="0" * 64, created_at=AT, created_by="ana"
)


def test_a_token_comes_back_as_it_was_added(store: Store) -> None:
    token = replace(TOKEN, expires_at=later(60))
    assert store.transact(lambda tx: tx.tokens.add(token))
    with store.read() as reader:
        assert reader.tokens.get("abcdefghij") == token
        assert reader.tokens.list() == [token]
        assert reader.tokens.get("unknown") is None


def test_a_name_is_in_use_until_its_token_is_revoked(store: Store) -> None:
    store.transact(lambda tx: tx.tokens.add(TOKEN))
    other = replace(TOKEN, id="klmnopqrst")
    assert not store.transact(lambda tx: tx.tokens.add(other))
    assert store.transact(lambda tx: tx.tokens.revoke(TOKEN.id, at=later(1), who="bob"))
    assert not store.transact(lambda tx: tx.tokens.revoke(TOKEN.id, at=later(2), who="eve"))
    assert store.transact(lambda tx: tx.tokens.add(other))
    with store.read() as reader:
        assert [token.id for token in reader.tokens.list()] == ["klmnopqrst"]
        revoked = reader.tokens.get(TOKEN.id)
        assert len(reader.tokens.list(revoked=True)) == 2
    assert revoked is not None
    assert (revoked.revoked_at, revoked.revoked_by) == (later(1), "bob")


def test_when_a_token_was_used_is_kept(store: Store) -> None:
    store.transact(lambda tx: tx.tokens.add(TOKEN))
    store.transact(lambda tx: tx.tokens.used(TOKEN.id, later(5)))
    with store.read() as reader:
        [token] = reader.tokens.list()
    assert token.used_at == later(5)


@pytest.fixture
def running(store: Store) -> int:
    """A run that has been claimed once."""
    uid = install(store)
    id = store.transact(lambda tx: tx.instances.create(a_slot_run(uid), who="scheduler", at=AT))
    assert id is not None
    move = INSTANCE.move("SCHEDULED", "claim")
    store.transact(lambda tx: tx.instances.claim(id, move, epoch=0, at=AT, who="dispatcher"))
    return id


def a_run(id: int, epoch: int = 1) -> ExternalRun:
    return ExternalRun(
        instance_id=id,
        epoch=epoch,
        means="webhook",
        silent_at=later(600),
        heard_at=later(3),
        number=7,
        call_at=later(1),
        calls=2,
        accepted_at=later(2),
        perhaps_heard=True,
        call_error={"code": "status", "description": "answered 503"},
    )


def test_an_external_run_comes_back_as_it_was_put_and_is_put_anew(store: Store, running: int) -> None:
    store.transact(lambda tx: tx.external.put(a_run(running)))
    with store.read() as reader:
        assert reader.external.get(running) == a_run(running)
        [live] = reader.external.live()
    assert (live.run, live.state) == (a_run(running), "RUNNING")
    plain = ExternalRun(instance_id=running, epoch=1, means="poll", silent_at=later(9))
    store.transact(lambda tx: tx.external.put(plain))
    with store.read() as reader:
        assert reader.external.get(running) == plain
        assert reader.external.get(running + 1) is None


def test_what_has_ended_or_belongs_to_an_earlier_epoch_is_not_live(store: Store, running: int) -> None:
    store.transact(lambda tx: tx.external.put(a_run(running, epoch=0)))
    with store.read() as reader:
        assert reader.external.live() == []
    store.transact(lambda tx: tx.external.put(a_run(running)))
    move = INSTANCE.move("RUNNING", "fail")
    store.transact(lambda tx: tx.instances.move(running, move, epoch=1, at=AT, who="x"))
    with store.read() as reader:
        assert reader.external.live() == []


def test_the_key_of_reports_is_made_once_with_the_database(store: Store) -> None:
    with store.read() as reader:
        key = reader.external.report_key()
        assert len(key) == 64
        assert reader.external.report_key() == key
