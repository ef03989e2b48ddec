"""What a token looks like, and when it counts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from runner.access.permission import Actor, may
from runner.access.token import RANDOM_BYTES, Kept, decide_token, read_token, token_of
from runner.vocabulary.errors import NotAllowed

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
TEXT = token_of(bytes(range(RANDOM_BYTES)))
TOKEN = read_token(TEXT)
assert TOKEN is not None
KEPT = Kept("billing", "reporter", TOKEN.hash, None, revoked=False)


def test_a_token_has_the_shape_that_secret_scanners_look_for() -> None:
    for chance in (bytes(RANDOM_BYTES), b"\xff" * RANDOM_BYTES):
        assert re.fullmatch(r"jrunner_[0-9A-Za-z]{59}", token_of(chance))


def test_every_bit_of_chance_makes_another_token() -> None:
    made = {token_of((1 << bit).to_bytes(RANDOM_BYTES, "big")) for bit in range(RANDOM_BYTES * 8 - 8)}
    assert len(made) > 300


@pytest.mark.parametrize(
    "text", ["", "jrunner_", "x" * 67, TEXT[:-1], TEXT + "0", TEXT[:-1] + "é", TEXT.upper()]
)
def test_what_is_no_token_is_read_as_none(text: str) -> None:
    assert read_token(text) is None


def test_a_letter_copied_wrongly_is_noticed_without_a_look_at_what_is_kept() -> None:
    wrong = "A" if TEXT[20] != "A" else "B"
    assert read_token(TEXT[:20] + wrong + TEXT[21:]) is None


def test_the_token_of_a_name_acts_as_that_name_with_its_role() -> None:
    actor = decide_token(TOKEN, KEPT, NOW)
    assert actor == Actor("token:billing", role="reporter")


def test_a_token_with_the_same_id_and_another_secret_is_not_known() -> None:
    other = Kept("billing", "reporter", "0" * 64, None, revoked=False)
    assert decide_token(TOKEN, other, NOW) == "the token is not known here"
    assert decide_token(TOKEN, None, NOW) == "the token is not known here"
    assert decide_token(None, None, NOW) == "the token is not known here"


def test_a_revoked_token_says_so_only_to_who_has_it() -> None:
    revoked = Kept("billing", "reporter", KEPT.hash, None, revoked=True)
    assert decide_token(TOKEN, revoked, NOW) == "the token billing has been revoked"


def test_a_token_counts_until_its_end_and_not_at_it() -> None:
    ends = Kept("billing", "reporter", KEPT.hash, NOW, revoked=False)
    assert isinstance(decide_token(TOKEN, ends, NOW - timedelta(milliseconds=1)), Actor)
    assert decide_token(TOKEN, ends, NOW) == "the token billing has expired"


def test_a_reporter_reports_and_does_nothing_else() -> None:
    reporter = Actor("token:billing", role="reporter")
    may(reporter, "report")
    for verb in ("read", "trigger", "cancel", "token"):
        with pytest.raises(NotAllowed):
            may(reporter, verb)


def test_a_reader_does_not_report_and_only_an_admin_makes_tokens() -> None:
    with pytest.raises(NotAllowed):
        may(Actor("token:eyes", role="reader"), "report")
    may(Actor("token:ci", role="operator"), "report")
    with pytest.raises(NotAllowed):
        may(Actor("token:ci", role="operator"), "token")
