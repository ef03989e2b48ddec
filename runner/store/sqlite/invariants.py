"""What must always be true of the rows (lifecycle.md), each as a query that finds where it is not."""

# ruff: noqa: S608  (the queries are put together from the lifecycle tables alone)
from __future__ import annotations

from typing import NamedTuple

from runner.lifecycle.holds import BLOCKING, OTHER
from runner.lifecycle.instance import INSTANCE, LIVE
from runner.lifecycle.machine import Table
from runner.lifecycle.step import STEP
from runner.lifecycle.task import TASK
from runner.store.sqlite.columns import no_lists, no_maps, no_times, no_values


class Invariant(NamedTuple):
    """`query` gives one text per violation."""

    rule: str
    query: str


def _texts(values: frozenset[str] | set[str]) -> str:
    return ", ".join(f"'{value}'" for value in sorted(values))


def _moves(table: Table) -> str:
    return ", ".join(f"('{move.row}', '{move.before}', '{move.after}')" for move in table.moves)


_TERMINAL = _texts(INSTANCE.terminal)
_LIVE = _texts(LIVE)
_OPEN_TASK = _texts(TASK.states - TASK.terminal)
_NAMED = {"group", "auth"}
_RUN = "'run ' || i.id || ' of ' || i.job"

INVARIANTS = (
    Invariant(
        "every state is one of its table",
        f"""
        SELECT {_RUN} || ' is in the unknown state ' || state FROM job_instances i
        WHERE state NOT IN ({_texts(INSTANCE.states - {INSTANCE.initial})})
        UNION ALL
        SELECT 'task ' || target || ' of run ' || instance_id || ' is in the unknown state ' || state
        FROM tasks WHERE state NOT IN ({_texts(TASK.states - {TASK.initial})})
        UNION ALL
        SELECT 'step ' || name || ' of run ' || instance_id || ' is in the unknown state ' || state
        FROM steps WHERE state NOT IN ({_texts(STEP.states)})
        """,
    ),
    Invariant(
        "a run has an end exactly when its state is terminal",
        f"""
        SELECT {_RUN} || ' is ' || state || iif(completed_at IS NULL, ' without', ' with') || ' an end'
        FROM job_instances i WHERE (state IN ({_TERMINAL})) <> (completed_at IS NOT NULL)
        """,
    ),
    Invariant(
        "what is live has been claimed",
        f"""
        SELECT {_RUN} || ' is ' || state || ' and was never claimed' FROM job_instances i
        WHERE state IN ({_LIVE}) AND (epoch < 1 OR started_at IS NULL)
        """,
    ),
    Invariant(
        "a lock has one holder",
        f"""
        SELECT 'lock ' || held.value || ' is held by runs ' || group_concat(i.id, ', ')
        FROM job_instances i,
            json_each('["' || replace(replace(i.locks, '"', ''), ' ', '","') || '"]') held
        WHERE i.locks <> '' AND i.state IN ({_LIVE}) AND held.value NOT LIKE 'group:%'
        GROUP BY held.value HAVING count(*) > 1
        """,
    ),
    Invariant(
        "nothing is asked of the targets of a run that has ended",
        f"""
        SELECT 'request ' || r.id || ' is still there, and ' || {_RUN} || ' has ended' FROM target_requests r
        JOIN job_instances i ON i.id = r.instance_id WHERE i.state IN ({_TERMINAL})
        """,
    ),
    Invariant(
        "only what is being paused, stopped or sought has a time at which that is forced",
        f"""
        SELECT {_RUN} || ' is ' || state || ' and still has a time or a reason of an earlier state'
        FROM job_instances i
        WHERE (forced_at IS NOT NULL AND state NOT IN ('PAUSING', 'STOPPING', 'UNKNOWN'))
           OR (pauses <> '' AND state NOT IN ('PAUSING', 'PAUSED', 'STOPPING'))
        """,
    ),
    Invariant(
        "attempts are counted only at claims",
        f"""
        SELECT {_RUN} || ' counts ' || attempt || ' attempts in ' || epoch || ' claims' FROM job_instances i
        WHERE attempt > epoch
        """,
    ),
    Invariant(
        "every run has a task",
        f"""
        SELECT {_RUN} || ' has no task' FROM job_instances i
        WHERE NOT EXISTS (SELECT 1 FROM tasks t WHERE t.instance_id = i.id)
        """,
    ),
    Invariant(
        "a task runs only inside a live run, and none goes on after its end",
        f"""
        SELECT 'task ' || t.target || ' is ' || t.state || ' while ' || {_RUN} || ' is ' || i.state
        FROM tasks t JOIN job_instances i ON i.id = t.instance_id
        WHERE (t.state = 'RUNNING' AND i.state NOT IN ({_LIVE}))
           OR (t.state IN ({_OPEN_TASK}) AND i.state IN ({_TERMINAL}))
        """,
    ),
    Invariant(
        "SUCCEEDED means that every task succeeded",
        f"""
        SELECT {_RUN} || ' SUCCEEDED while its task ' || t.target || ' is ' || t.state
        FROM tasks t JOIN job_instances i ON i.id = t.instance_id
        WHERE i.state = 'SUCCEEDED' AND t.state <> 'SUCCEEDED'
        """,
    ),
    Invariant(
        "no step goes on after the end of its run",
        f"""
        SELECT 'step ' || s.name || ' is STARTED while ' || {_RUN} || ' is ' || i.state
        FROM steps s JOIN job_instances i ON i.id = s.instance_id
        WHERE s.state = 'STARTED' AND i.state IN ({_TERMINAL})
        """,
    ),
    Invariant(
        "a step's state follows from its timestamps",
        """
        SELECT 'step ' || name || ' of run ' || instance_id || ' is ' || state || ' against its timestamps'
        FROM steps WHERE state <> CASE
            WHEN completed_at IS NOT NULL THEN iif(error IS NULL, 'COMPLETED', 'FAILED')
            WHEN skipped_at IS NOT NULL THEN 'SKIPPED'
            WHEN started_at IS NULL THEN 'PENDING' ELSE 'STARTED' END
        """,
    ),
    Invariant(
        "every run of a slot stands in the ledger, and the ledger names it",
        f"""
        SELECT {_RUN} || ' has slot ' || i.slot_key || ', which the ledger does not give to it'
        FROM job_instances i LEFT JOIN slots s ON s.job_uid = i.job_uid AND s.slot_key = i.slot_key
        WHERE i.schedule IS NOT NULL AND s.instance_id IS NOT i.id
        UNION ALL
        SELECT 'slot ' || slot_key || ' became a run that the ledger does not name' FROM slots
        WHERE decision = 'instance' AND instance_id IS NULL
        """,
    ),
    Invariant(
        "a watermark names only a slot that has been decided",
        """
        SELECT 'the watermark of schedule ' || w.schedule || ' of ' || o.name || ' names slot ' || w.slot_key
            || ', which was never decided'
        FROM watermarks w JOIN objects o ON o.uid = w.job_uid
        WHERE w.slot_key IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM slots s WHERE s.job_uid = w.job_uid AND s.slot_key = w.slot_key)
        """,
    ),
    Invariant(
        "every move is an event, and the last one says the state",
        f"""
        SELECT {_RUN} || ' is ' || i.state || ', and its last event says ' || ifnull(e.after, 'nothing')
        FROM job_instances i LEFT JOIN events e ON e.id = (
            SELECT max(id) FROM events WHERE instance_id = i.id AND subject_kind = 'instance' AND row <> ''
        )
        WHERE e.after IS NOT i.state
        """,
    ),
    Invariant(
        "every move is a row of the table",
        f"""
        WITH known (row, before, after) AS (
            VALUES {_moves(INSTANCE)}, {_moves(TASK)}, {_moves(STEP)}
        )
        SELECT 'event ' || e.id || ' (' || e.subject_kind || ' ' || e.subject || ') is no move: ' || e.row
            || ' ' || e.before || ' -> ' || e.after
        FROM events e LEFT JOIN known k ON k.row = e.row AND k.before = e.before AND k.after = e.after
        WHERE e.instance_id IS NOT NULL AND e.row <> '' AND k.row IS NULL
        """,
    ),
    Invariant(
        "no event of a run outlives the run",
        """
        SELECT 'event ' || e.id || ' is of run ' || e.instance_id || ', which does not exist' FROM events e
        WHERE e.instance_id IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM job_instances i WHERE i.id = e.instance_id)
        """,
    ),
    Invariant(
        "a run that succeeded left no state data",
        f"""
        SELECT DISTINCT {_RUN} || ' SUCCEEDED and still has state data' FROM job_state_data d
        JOIN job_instances i ON i.id = d.instance_id WHERE i.state = 'SUCCEEDED'
        """,
    ),
    Invariant(
        "an object is installed with its newest revision",
        """
        SELECT o.kind || '/' || o.name || ' is installed with ' || o.digest || ', and revision ' || o.revision
            || ' says ' || ifnull(r.digest, 'nothing')
        FROM objects o LEFT JOIN revisions r ON r.object_uid = o.uid AND r.revision = o.revision
        WHERE r.digest IS NOT o.digest
        """,
    ),
    Invariant(
        "no apply was altered or taken out of its chain",
        """
        SELECT 'apply ' || a.serial || ' does not follow the one before it' FROM applies a
        WHERE a.previous <> ifnull(
            (SELECT b.hash FROM applies b WHERE b.serial < a.serial ORDER BY b.serial DESC LIMIT 1), ''
        )
        """,
    ),
    Invariant(
        "holds are of known kinds",
        f"""
        SELECT 'hold ' || h.kind || ' of ' || o.kind || '/' || o.name || ' is of an unknown kind'
        FROM holds h JOIN objects o ON o.uid = h.object_uid
        WHERE h.kind NOT IN ({_texts(set(BLOCKING | OTHER) - _NAMED)})
          AND h.kind NOT GLOB 'group:?*' AND h.kind NOT GLOB 'auth:?*'
        """,
    ),
    Invariant("times are UTC with milliseconds", no_times()),
    Invariant("maps are JSON", no_maps()),
    Invariant("lists are JSON", no_lists()),
    Invariant("what jobs have saved is JSON", no_values()),
)
