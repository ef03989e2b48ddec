"""What `jobs show` says of a crash drill."""

from __future__ import annotations

from datetime import UTC, datetime

from runner.cli.views.drill import verdict_of
from runner.store.drills import DrillRecord

AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def a_drill(**different: object) -> DrillRecord:
    fields = {
        "job": "it", "digest": "sha256:a1", "verdict": "proven", "at": AT, "who": "ana", "checkpoints": 3,
        "kills": 7,
    }  # fmt: skip
    return DrillRecord(**{**fields, **different})  # type: ignore[arg-type]


def test_a_proof_of_what_is_installed() -> None:
    told = "proven at digest sha256:a1 (7 kills after 3 checkpoints, 2026-11-21 10:00:00Z)"
    assert verdict_of(a_drill(), "sha256:a1") == told
    assert verdict_of(a_drill(), "sha256:b2") == (
        "proven at an older digest (7 kills after 3 checkpoints, 2026-11-21 10:00:00Z); runner jobs drill it"
    )


def test_a_job_that_fails_after_a_crash_says_what_its_proof_is_worth() -> None:
    assert verdict_of(a_drill(), "sha256:a1", "fail").endswith(
        "; after a crash it still fails (onCrash: fail), after a pause or a bounce it goes on"
    )
    refuted = a_drill(verdict="refuted", difference={"path": "outputs.rows"})
    assert "onCrash" not in verdict_of(refuted, "sha256:a1", "fail")


def test_targets_that_were_not_drilled_are_named_with_the_proof() -> None:
    told = verdict_of(a_drill(ignored=("outputs.at", "497 of 500 targets")), "sha256:a1")
    assert "(7 kills after 3 checkpoints, without outputs.at, 497 of 500 targets, " in told
