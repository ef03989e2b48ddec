"""How a source stands, in the shape of Kubernetes."""

from __future__ import annotations

from runner.sources.conditions import conditions_of, merged, progressing, shown
from runner.sources.outcome import STALLED, TRANSIENT, Outcome

THEN, NOW = "2026-11-21T10:00:00Z", "2026-11-21T11:00:00Z"


def kept(outcome: Outcome, *, verifies: bool = False, now: str = THEN) -> dict[str, dict[str, str]]:
    return merged({}, conditions_of(outcome, verifies=verifies), now)


def statuses(outcome: Outcome) -> dict[str, str]:
    return {each.type: each.status for each in shown(kept(outcome), now=NOW)}


def test_after_an_apply_a_source_is_ready_and_nothing_else() -> None:
    assert statuses(Outcome("Applied", "applied main@aaaaaaa")) == {
        "Ready": "True", "Reconciling": "False", "Stalled": "False", "Drifted": "False", "Partial": "False",
    }  # fmt: skip


def test_what_may_pass_is_tried_again_and_what_needs_a_person_is_stalled() -> None:
    for reason in TRANSIENT:
        found = statuses(Outcome(reason, "x"))
        assert (found["Ready"], found["Reconciling"], found["Stalled"]) == ("False", "True", "False"), reason
    for reason in STALLED:
        found = statuses(Outcome(reason, "x"))
        assert (found["Ready"], found["Reconciling"], found["Stalled"]) == ("False", "False", "True"), reason


def test_a_condition_keeps_the_time_at_which_it_became_so() -> None:
    first = kept(Outcome("RemoteUnreachable", "no route"))
    second = merged(first, conditions_of(Outcome("Unsigned", "no signature"), verifies=False), NOW)
    assert second["Ready"]["since"] == THEN
    assert second["Ready"]["reason"] == "Unsigned"
    assert second["Stalled"]["since"] == NOW


def test_while_work_is_under_way_the_last_word_on_ready_stays() -> None:
    found = progressing(kept(Outcome("Applied", "x")), "fetching", NOW)
    assert found["Ready"]["status"] == "True"
    assert found["Reconciling"]["status"] == "True"


def test_signatures_are_a_condition_only_where_they_are_asked_for() -> None:
    good = Outcome("Applied", "x", verified="signed by ana")
    assert "Verified" not in kept(good)
    assert kept(good, verifies=True)["Verified"]["status"] == "True"
    assert kept(Outcome("Unsigned", "x"), verifies=True)["Verified"]["status"] == "False"


def test_a_remote_that_does_not_answer_says_nothing_about_signatures() -> None:
    was = kept(Outcome("Applied", "x", verified="signed by ana"), verifies=True)
    now = merged(was, conditions_of(Outcome("RemoteUnreachable", "x"), verifies=True), NOW)
    assert now["Verified"]["status"] == "True"


def test_drift_and_pins_are_named() -> None:
    found = {
        each.type: each
        for each in shown({}, drifted={"Job/a": NOW}, pinned={"Job/b": NOW, "Job/c": THEN}, now=NOW)
    }
    assert found["Drifted"].message == "1 held by operators: Job/a"
    assert found["Partial"].as_json() == {
        "type": "Partial",
        "status": "True",
        "reason": "RolledBack",
        "message": "2 pinned by a rollback: Job/b, Job/c",
        "lastTransitionTime": THEN,
    }
    assert found["Ready"].status == "Unknown"


def test_what_is_invalid_and_left_alone_makes_a_source_partial() -> None:
    found = {each.type: each for each in shown(kept(Outcome("AppliedInPart", "left: Job/a")), now=NOW)}
    assert (found["Ready"].status, found["Stalled"].status) == ("False", "True")
    partial = found["Partial"]
    assert (partial.status, partial.reason, partial.message) == ("True", "InvalidLeftAlone", "left: Job/a")
