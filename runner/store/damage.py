"""How is told that a row holds something else than what was written there: where, what and what now?"""

from __future__ import annotations

from runner.vocabulary.errors import DamagedRow

NOW_DECLARED = "change its declaration and run `runner reconcile`, which writes it anew"
NOW_RECORDED = "restore a backup that `runner db check --db FILE` finds whole"


def damaged(name: str, table: str, problem: object, now: str = NOW_RECORDED) -> DamagedRow:
    """The sentence for an object (`Job/report`, `run 12 of report`) and the table that it is kept in."""
    text = f"no {problem}" if isinstance(problem, KeyError) else str(problem)
    return DamagedRow(
        f"{name} is damaged in table {table} ({text[:200]}); `runner db check` looks for more; {now}"
    )
