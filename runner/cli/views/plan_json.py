"""A plan for scripts: one JSON object, with keys that stay."""

from __future__ import annotations

from typing import Any

from runner.operations.carrying import Applied
from runner.reconcile.agreed import left_out
from runner.reconcile.plan import Plan


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan; what it would do is in `changes`, and how often in `counts`."""
    return plan.as_json()


def applied_json(applied: Applied) -> dict[str, Any]:
    """The plan, and under `applied` what became of it."""
    return {
        **plan_json(applied.plan),
        "applied": {
            "changed": applied.changed,
            "serial": applied.serial,
            "draining": [str(address) for address in applied.draining],
            "left": left_out(applied.plan),
        },
    }
