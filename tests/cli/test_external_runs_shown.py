"""What `instances show` says of the system that executes a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from external_lives import an_external_job, called, external_run, minutes, report
from installations import NOW, Installation

from runner.store.external_runs import ExternalRun


def line(say: Callable, id: int) -> str:
    said = say("instances", "show", str(id))
    assert said.code == 0, said.err
    return next((line for line in said.out.splitlines() if line.startswith("reports ")), "")


def put(here: Installation, run: ExternalRun) -> None:
    here.store.transact(lambda tx: tx.external.put(run))


def test_it_says_whether_it_was_called_and_until_when_it_is_waited_for(
    here: Installation, say: Callable
) -> None:
    here.install(an_external_job())
    id = here.run("invoices")
    assert line(say, id) == ""
    called(here, id)
    assert "not called yet (calls: 0; next call 2026-11-23 12:00:00Z)" in line(say, id)
    refused = {"code": "status", "description": "its webhook was not accepted: answered 503"}
    put(here, replace(external_run(here, id), calls=2, call_error=refused))
    assert "answered 503 (calls: 2; next call" in line(say, id)
    put(here, replace(external_run(here, id), accepted_at=NOW, call_at=None))
    assert "nothing heard yet, silent at 2026-11-23 12:10:00Z" in line(say, id)
    report(here, id, "started", NOW + minutes(1))
    assert "last heard 2026-11-23 12:01:00Z, silent at 2026-11-23 12:11:00Z" in line(say, id)
    report(here, id, "finished", NOW + minutes(2))
    assert line(say, id) == ""
