"""The tables have no holes: everything is reached, nothing is stuck, an operator always has a way out."""

from __future__ import annotations

import pytest

from runner.lifecycle.instance import CANCELLABLE, INSTANCE, LIVE, OPEN_STATES, TERMINAL, is_open
from runner.lifecycle.job import JOB
from runner.lifecycle.machine import Table
from runner.lifecycle.step import STEP
from runner.lifecycle.task import TASK
from runner.vocabulary.errors import IllegalTransition

TABLES = {"J": JOB, "I": INSTANCE, "T": TASK, "S": STEP}
ROWS = {"J": 15, "I": 47, "T": 12, "S": 8}


@pytest.fixture(params=TABLES, ids=lambda letter: TABLES[letter].name)
def letter(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def table(letter: str) -> Table:
    return TABLES[letter]


def reached_from(table: Table, state: str, who: str = "SOT") -> set[str]:
    """Every state that moves caused by one of `who` lead to."""
    found: set[str] = set()
    frontier = {state}
    while frontier:
        frontier = {
            m.after
            for m in table.moves
            if m.before in frontier and set(m.who) & set(who) and m.after not in found
        }
        found |= frontier
    return found


def test_every_row_of_the_specification_is_there_once_and_in_order(letter: str, table: Table) -> None:
    assert [m.row for m in table.moves] == [f"{letter}{n}" for n in range(1, ROWS[letter] + 1)]


def test_one_event_leads_from_a_state_to_one_place(table: Table) -> None:
    pairs = [(m.before, m.event) for m in table.moves]
    assert len(pairs) == len(set(pairs))


def test_every_state_is_reachable(table: Table) -> None:
    assert reached_from(table, table.initial) | {table.initial} == table.states


def test_there_is_no_dead_end(table: Table) -> None:
    ends = table.terminal or {table.initial}  # a job has no end but being absent again
    for state in table.states - ends:
        assert reached_from(table, state) & ends, f"{state} never ends"


@pytest.mark.parametrize("table", [INSTANCE, TASK], ids=lambda table: table.name)
def test_every_state_that_is_not_final_ends_without_a_person(table: Table) -> None:
    for state in table.states - table.terminal - {table.initial}:
        assert reached_from(table, state, "ST") & table.terminal, f"{state} needs a person to end"


@pytest.mark.parametrize("state", sorted(LIVE))
def test_every_live_state_has_an_automatic_exit(state: str) -> None:
    exits = [m for m in INSTANCE.moves if m.before == state and m.after != state and set(m.who) & set("ST")]
    assert exits


@pytest.mark.parametrize("state", sorted(INSTANCE.states - TERMINAL - {"NEW"}))
def test_an_operator_has_a_way_out_of_every_state_that_is_not_final(state: str) -> None:
    direct = [m for m in INSTANCE.moves if m.before == state and "O" in m.who]
    # STOPPING is on its way out at an operator's word already; when it does not get there, time makes it
    # UNKNOWN, which an operator resolves.
    forced = [m for m in INSTANCE.moves if m.before == state and m.who == "T"]
    assert direct or any(INSTANCE.accepts(m.after, "resolve_cancelled") for m in forced)
    assert "CANCELLED" in reached_from(INSTANCE, state)


def test_nothing_leaves_a_final_state() -> None:
    assert {"SUCCEEDED", "PARTIALLY_SUCCEEDED", "FAILED", "CANCELLED", "REPLACED", "SKIPPED"} == TERMINAL


def test_unknown_never_starts_a_second_copy() -> None:
    assert "UNKNOWN" in OPEN_STATES
    assert not INSTANCE.accepts("UNKNOWN", "claim")


def test_only_a_claim_or_a_sign_of_life_makes_an_instance_running() -> None:
    rows = {m.row for m in INSTANCE.moves if m.after == "RUNNING"}
    assert rows == {"I4", "I22", "I41"}


def test_a_crash_while_unknown_is_the_same_row_as_a_failure_while_unknown() -> None:
    assert INSTANCE.move("UNKNOWN", "crash_fail") is INSTANCE.move("UNKNOWN", "fail")


def test_an_event_is_refused_with_the_states_that_accept_it() -> None:
    with pytest.raises(IllegalTransition) as refused:
        INSTANCE.move("SUCCEEDED", "cancel")
    assert str(refused.value) == (
        "an instance in state SUCCEEDED does not accept 'cancel'; it is accepted in SCHEDULED, PAUSED"
    )


def test_every_open_state_but_the_stopping_and_unknown_ones_can_be_cancelled() -> None:
    assert set(CANCELLABLE) == {"SCHEDULED", "PAUSED", "RUNNING", "PAUSING"}


@pytest.mark.parametrize(
    ("state", "attempt", "expected"),
    [("SCHEDULED", 0, False), ("SCHEDULED", 1, True), ("PAUSED", 1, True), ("FAILED", 1, False)],
)
def test_a_waiting_instance_counts_for_overlap_once_it_has_begun(
    state: str, attempt: int, expected: bool
) -> None:
    assert is_open(state, attempt) is expected
