"""How git sources stand: who waits for a look at the remote is told."""

from __future__ import annotations

from datetime import timedelta

from installations import NOW, Installation

from runner.cli.views.situation import _source_row
from runner.operations.show_sources import show_sources
from runner.store.sources import SourceRecord

READY = {"Ready": {"status": "True", "reason": "Applied", "message": "", "since": "2026-11-23T12:00:00.000Z"}}


def test_a_look_that_somebody_asked_for_is_told_until_it_was_made(here: Installation) -> None:
    here.store.transact(
        lambda tx: tx.sources.put(
            SourceRecord(name="team", url="file:///x", ref="branch main", path="jobs.d", conditions=READY)
        )
    )
    asked_at = NOW + timedelta(seconds=5)
    here.store.transact(lambda tx: tx.sources.ask("team", at=asked_at, who="ana"))
    with here.store.read() as reader:
        (source,) = show_sources(reader, NOW)
    told = source.as_json()
    assert (told["askedAt"], told["askedBy"], told["answeredAt"]) == ("2026-11-23T12:00:05.000Z", "ana", None)
    assert _source_row(source)[-1] == "a look asked for by ana"

    here.store.transact(lambda tx: tx.sources.answer("team", asked_at))
    with here.store.read() as reader:
        (source,) = show_sources(reader, NOW)
    assert source.as_json()["answeredAt"] == "2026-11-23T12:00:05.000Z"
    assert _source_row(source)[-1] == "-"
