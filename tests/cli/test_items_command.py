"""`runner jobs items`: what arrived, what became of it, and another chance; status names what failed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "operations"))

from installations import Installation
from triggered_lives import a_triggered_job, comes, fed, states, whole_run


def a_failed_item(here: Installation) -> None:
    here.install(a_triggered_job("load", retry="none", failAfter="never"))
    comes(here, "load", "a.csv", file={"root": "incoming", "path": "a.csv"})
    [id] = fed(here, "load").instances
    whole_run(here, id, "failed")
    fed(here, "load")


def test_items_are_listed_with_their_runs_and_reasons(here: Installation, say: Callable) -> None:
    a_failed_item(here)
    (header, row) = say("jobs", "items", "load").out.splitlines()
    assert header.split() == ["ID", "KIND", "STATE", "ARRIVED", "RUN", "WHAT", "REASON"]
    assert "incoming:a.csv" in row and row.endswith("its run ended FAILED (exit-code)")
    (item,) = say("jobs", "items", "load", "--state", "failed", "-o", "json").json
    assert (item["state"], item["data"]) == ("FAILED", {"file": {"root": "incoming", "path": "a.csv"}})
    assert say("jobs", "items", "load", "--state", "waiting", "-o", "name").out == ""


def test_what_failed_needs_a_person_and_may_come_again_or_be_given_up(
    here: Installation, say: Callable
) -> None:
    a_failed_item(here)
    assert "1 item that arrived failed" in say("status").out
    assert "1 failed (runner jobs items load)" in say("jobs", "show", "load").out
    assert say("jobs", "items", "load", "--again", "1").out == "load: item 1 is WAITING\n"
    assert say("jobs", "items", "load", "--again", "1").out == "load: item 1 is WAITING already\n"
    assert "on file, 1 waiting" in say("jobs", "list").out
    assert say("jobs", "items", "load", "--drop", "1", "--reason", "nonsense").out == (
        "load: item 1 is DROPPED\n"
    )
    assert states(here, "load") == ["DROPPED"]


def test_a_wrong_item_or_both_verbs_are_refused(here: Installation, say: Callable) -> None:
    a_failed_item(here)
    said = say("jobs", "items", "load", "--again", "77")
    assert (said.code, said.err) == (
        1,
        "Error: Job/load has no item 77; it has those of: runner jobs items load\n",
    )
    assert say("jobs", "items", "load", "--again", "1", "--drop", "1").code == 64


def test_what_waits_behind_a_hold_is_told_without_alarm(here: Installation, say: Callable) -> None:
    here.install(a_triggered_job("load"))
    comes(here, "load", "a.csv")
    here.hold("load", "operator")
    assert "1 item waits behind hold operator" in say("status").out
