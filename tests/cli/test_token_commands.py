"""`runner token`: a token is shown once, listed without it, and counts no more when it is revoked."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from installations import Installation

from runner.operations.tokens import is_use_to_note, recognise
from runner.vocabulary.errors import NotAllowed

Say = Callable[..., object]


def create(say: Callable, name: str = "billing", *more: str) -> str:
    said = say("token", "create", name, "--role", "reporter", *more)
    assert said.code == 0, said.err
    return str(said.out.strip())


def test_create_prints_the_token_alone_on_stdout_and_what_it_is_on_stderr(
    here: Installation, say: Callable
) -> None:
    said = say("token", "create", "billing", "--role", "reporter", "--expires", "never")
    assert said.code == 0
    assert said.out.startswith("jrunner_")
    assert said.out.count("\n") == 1
    assert said.err == "Token billing, role reporter, without an end. It is shown only now:\n"


def test_the_token_is_nowhere_in_the_database(here: Installation, say: Callable) -> None:
    text = create(say)
    with sqlite3.connect(here.store.path) as connection:
        everything = "\n".join(connection.iterdump())
    assert "billing" in everything
    assert text not in everything
    assert text[18:61] not in everything


def test_who_presents_it_is_recognised_with_its_role(here: Installation, say: Callable) -> None:
    text = create(say)
    with here.store.read() as reader:
        actor, record = recognise(reader, text, datetime.now(UTC))
    assert (str(actor), actor.role, record.name) == ("token:billing", "reporter", "billing")


def test_a_name_is_used_once_at_a_time(here: Installation, say: Callable) -> None:
    create(say)
    said = say("token", "create", "billing", "--role", "admin")
    assert (said.code, said.out) == (3, "")
    assert said.err == (
        "Refused: a token billing is in use already; `runner token revoke billing` ends it, "
        "or take another name\n"
    )


def test_a_revoked_token_counts_no_more_and_its_name_is_free(here: Installation, say: Callable) -> None:
    text = create(say)
    assert say("token", "revoke", "billing").out == "Token billing revoked\n"
    with here.store.read() as reader, pytest.raises(NotAllowed, match="billing has been revoked"):
        recognise(reader, text, datetime.now(UTC))
    assert say("token", "revoke", "billing").out == "Token billing was revoked already\n"
    assert create(say) != text


def test_a_token_expires(here: Installation, say: Callable) -> None:
    text = create(say, "billing", "--expires", "90d")
    with here.store.read() as reader, pytest.raises(NotAllowed, match="billing has expired"):
        recognise(reader, text, datetime.now(UTC) + timedelta(days=91))


def test_the_list_shows_no_token_and_when_one_was_used(here: Installation, say: Callable) -> None:
    text = create(say)
    [listed] = say("token", "list", "-o", "json").json
    assert (listed["name"], listed["role"], listed["state"], listed["used_at"]) == (
        "billing",
        "reporter",
        "active",
        None,
    )
    now = datetime(2026, 11, 21, 10, tzinfo=UTC)
    here.store.transact(lambda tx: tx.tokens.used(listed["id"], now))
    said = say("token", "list")
    assert "2026-11-21 10:00:00Z" in said.out
    assert text not in said.out
    say("token", "revoke", "billing")
    assert say("token", "list", "-o", "json").json == []
    assert [each["state"] for each in say("token", "list", "--revoked", "-o", "json").json] == ["revoked"]


def test_that_it_was_used_is_written_every_ten_minutes_at_most(here: Installation, say: Callable) -> None:
    create(say)
    now = datetime(2026, 11, 21, 10, tzinfo=UTC)
    with here.store.read() as reader:
        [record] = reader.tokens.list()
    assert is_use_to_note(record, now)
    here.store.transact(lambda tx: tx.tokens.used(record.id, now))
    with here.store.read() as reader:
        [record] = reader.tokens.list()
    assert not is_use_to_note(record, now + timedelta(minutes=9))
    assert is_use_to_note(record, now + timedelta(minutes=10))


def test_a_misspelt_name_gets_the_nearest_one(here: Installation, say: Callable) -> None:
    create(say)
    said = say("token", "revoke", "biling")
    assert (said.code, said.err) == (1, "Error: there is no token biling; did you mean billing?\n")


def test_a_name_that_could_steer_a_terminal_is_none(here: Installation, say: Callable) -> None:
    said = say("token", "create", "\x1b[2J", "--role", "admin")
    assert said.code == 1
    assert "\x1b" not in said.err


def test_without_a_role_it_is_wrong_usage(here: Installation, say: Callable) -> None:
    assert say("token", "create", "billing").code == 64


def test_an_act_on_a_token_is_an_event_with_its_who_and_why(here: Installation, say: Callable) -> None:
    create(say)
    say("token", "revoke", "billing", "--reason", "seen in a log", "--as", "ana")
    with here.store.read() as reader:
        [revoked, created] = reader.events.of("Token", "billing")
    assert (created.event, revoked.event, revoked.why) == ("created", "revoked", "seen in a log")
    assert revoked.who.startswith("ana (")
