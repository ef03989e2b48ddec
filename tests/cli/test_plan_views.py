"""How does a plan look: to people, to scripts, and below a merge request?"""

from __future__ import annotations

from runner.cli.views.plan_json import plan_json
from runner.cli.views.plan_markdown import plan_markdown
from runner.cli.views.plan_text import plan_text, shown
from runner.reconcile.plan import Change, FieldChange, Plan, in_plan_order
from runner.vocabulary.identity import Address, Place


def a_change(action: str, name: str, **more) -> Change:
    return Change(action, Address("Job", name), more.pop("reason", ""), **more)


THE_PLAN = Plan(
    source="jobs.d",
    commit="4f2c9e1b0c5d4a3f2e1d0c9b8a7f6e5d4c3b2a19",
    branch="main",
    lineage="0b6e",
    serial=812,
    unchanged=37,
    installed=42,
    changes=in_plan_order(
        [
            a_change("install", "ingest-orders", place=Place("jobs.d/ingest.yaml", 1), writes=True),
            a_change("enable", "ingest-orders", impact={"note": "next start Tue 02:00 Europe/Zurich"}),
            a_change(
                "update",
                "nightly-report",
                place=Place("jobs.d/report.yaml", 12),
                writes=True,
                fields=(
                    FieldChange(
                        "spec.schedule.cron",
                        "0 2 * * *",
                        "0 3 * * *",
                        "0 2 * * *",
                        "next Tue 02:00 -> Tue 03:00",
                    ),
                    FieldChange("spec.timeout", "10m", "5m", "10m", "6 of the last 100 runs took longer"),
                ),
            ),
            a_change("disable", "legacy-sync"),
            a_change("note", "newcomer", reason="stays DISABLED: spec.enabled is omitted"),
            a_change("drift", "cleanup", reason="held by ana until 14:00 (INC-123); left alone"),
            a_change("uninstall", "old-export", impact={"note": "1 run active; history is kept"}),
        ]
    ),
)

THE_TEXT = """\
Plan  jobs.d @ 4f2c9e1 (main)  ->  .runner/runner.db (serial 812)

  + install    Job/ingest-orders                         jobs.d/ingest.yaml:1
  > enable     Job/ingest-orders                         next start Tue 02:00 Europe/Zurich
  ~ update     Job/nightly-report                        jobs.d/report.yaml:12
      spec.schedule.cron   "0 2 * * *" -> "0 3 * * *"    next Tue 02:00 -> Tue 03:00
      spec.timeout         10m -> 5m                     6 of the last 100 runs took longer
  < disable    Job/legacy-sync
  i note       Job/newcomer  stays DISABLED: spec.enabled is omitted
  ! drift      Job/cleanup   held by ana until 14:00 (INC-123); left alone
  - uninstall  Job/old-export                            1 run active; history is kept

Plan: 1 to install, 1 to enable, 1 to update, 1 to disable, 0 to move, 1 to uninstall; 37 unchanged.
"""


def test_the_text_is_the_one_that_is_promised():
    assert plan_text(THE_PLAN, ".runner/runner.db") == THE_TEXT


def test_colour_is_only_added_never_the_only_sign():
    import re

    coloured = plan_text(THE_PLAN, ".runner/runner.db", colour=True)
    assert "\x1b[32m+ install" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == THE_TEXT


def test_nothing_to_do_is_said_in_two_words():
    plan = Plan(source="jobs.d", changes=(), unchanged=3, serial=4, lineage="x")
    assert plan_text(plan, "x.db") == "Plan  jobs.d  ->  x.db (serial 4)\n\nNo changes.\n"


def test_notes_alone_are_no_changes():
    plan = Plan(source="jobs.d", changes=(a_change("note", "a", reason="so it is"),), unchanged=1)
    assert plan_text(plan, "").splitlines()[2:] == ["  i note       Job/a  so it is", "", "No changes."]


def test_a_partial_plan_says_so_and_a_dirty_tree_has_a_plus():
    plan = Plan(source="jobs.d", changes=(), unchanged=0, partial=True, commit="a" * 40, dirty=True)
    lines = plan_text(plan, "").splitlines()
    assert lines[0] == "Plan  jobs.d @ aaaaaaa+  ->  (no database: all is new)"
    assert lines[1].strip() == "partial: removals not considered"


def test_values_are_shown_as_an_author_writes_them():
    assert [shown(v) for v in ("10m", "0 2 * * *", "", None, True, 3, ["a", "b"], {"a": 1})] == [
        "10m",
        '"0 2 * * *"',
        '""',
        "(omitted)",
        "true",
        "3",
        '["a", "b"]',
        '{"a": 1}',
    ]
    assert shown("x" * 200).endswith("…") and len(shown("x" * 200)) == 48
    assert shown("a\x1b[31mb\n") == '"a\\u001b[31mb\\n"'


def test_the_json_has_the_promised_keys():
    values = plan_json(THE_PLAN)
    assert values["format_version"] == 2 and values["lineage"] == "0b6e" and values["serial"] == 812
    assert values["digest"].startswith("sha256:")
    update = next(change for change in values["changes"] if change["action"] == "update")
    assert {"digest", "action", "reason", "address", "uid", "source", "fields", "impact"} <= update.keys()
    assert update["source"] == {"file": "jobs.d/report.yaml", "line": 12}
    assert update["fields"][0] == {
        "path": "spec.schedule.cron",
        "declared_before": "0 2 * * *",
        "declared_now": "0 3 * * *",
        "installed": "0 2 * * *",
        "impact": "next Tue 02:00 -> Tue 03:00",
    }
    assert values["counts"] == {
        "install": 1,
        "enable": 1,
        "update": 1,
        "disable": 1,
        "move": 0,
        "uninstall": 1,
    }


def test_the_markdown_is_a_table_that_no_value_can_break():
    hostile = a_change("drift", "x", reason="held by ana (| <b> `x` @bob)")
    text = plan_markdown(Plan(source="jobs.d", changes=(hostile,), unchanged=0), "x.db")
    assert "| `!` | drift | `Job/x` | held by ana (\\| \\<b> \\`x\\` @<!-- -->bob) |" in text
    assert plan_markdown(THE_PLAN, ".runner/runner.db").splitlines()[0] == (
        "### Plan `jobs.d @ 4f2c9e1 (main)` → `.runner/runner.db` (serial 812)"
    )
    row = "| `Job/nightly-report` | `spec.timeout` | `10m` | `5m` | 6 of the last 100 runs took longer |"
    assert row in plan_markdown(THE_PLAN, ".runner/runner.db")
