"""Whatever is declared, deployed, taken back and switched, in any order: nothing is lost."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from runner.cli.main import main
from runner.reconcile.sides import RELEASED

JOB = """\
apiVersion: jobs.runner/v1
kind: Job
metadata: {{name: {name}}}
spec: {{schedule: "{minute} 2 * * *"{more}, steps: [{{name: work, shell: "echo {minute}"}}]}}
"""
GROUP = "apiVersion: jobs.runner/v1\nkind: Group\nmetadata: {name: nightly}\nspec: {}\n"
ENABLED = {"yes": ", enabled: true", "no": ", enabled: false", "omitted": ""}
OK, ERROR, CHANGES, REFUSED, IN_PART = range(5)
NAMES = st.sampled_from("abcd")


class Deploys(RuleBasedStateMachine):
    """A folder of declarations, and people who use every command that changes what is installed."""

    def __init__(self) -> None:
        super().__init__()
        self.project = Path(tempfile.mkdtemp(prefix="deploys-"))
        self.folder = self.project / "jobs.d"
        self.folder.mkdir()
        self.kept: dict[str, int] = {}
        self.uids: dict[str, str] = {}
        self.runs: dict[str, int] = {}
        self.declare("a", 0, "yes", False, "a")
        self.say("reconcile", "--create", ends=(OK,))

    def teardown(self) -> None:
        shutil.rmtree(self.project)

    # -- what is declared

    @rule(name=NAMES, minute=st.integers(0, 2), enabled=st.sampled_from(["yes", "yes", "no", "omitted"]),
          grouped=st.booleans(), file=st.sampled_from("abcdx"))  # fmt: skip
    def declare(self, name: str, minute: int, enabled: str, grouped: bool, file: str) -> None:
        for other in self.declared():
            if self.declared()[other] == name:
                other.unlink()
        more = ENABLED[enabled] + (", groups: [nightly]" if grouped else "")
        (self.folder / f"{file}.yaml").write_text(JOB.format(name=name, minute=minute, more=more))
        (self.folder / "group.yaml").write_text(GROUP)

    @rule(data=st.data())
    def take_away(self, data: st.DataObject) -> None:
        files = sorted(self.declared())
        if len(files) > 1:
            data.draw(st.sampled_from(files)).unlink()

    @rule(broken=st.booleans())
    def break_or_mend(self, broken: bool) -> None:
        (self.folder / "zz.yaml").write_text("kind: [\n") if broken else self.mend()

    def mend(self) -> None:
        (self.folder / "zz.yaml").unlink(missing_ok=True)

    def declared(self) -> dict[Path, str]:
        """File → the job in it."""
        return {path: path.read_text().split("name: ")[1][0] for path in self.folder.glob("[a-x].yaml")}

    @property
    def broken(self) -> bool:
        return (self.folder / "zz.yaml").exists()

    # -- what is deployed

    @rule(flags=st.sets(st.sampled_from(["--heal", "--adopt", "--on-invalid=isolate", "--dry-run"])))
    def reconcile(self, flags: set[str]) -> None:
        before = self.installed()
        code = self.say("reconcile", "--allow-delete", "99", *sorted(flags))
        if self.broken:
            assert code in ((IN_PART, REFUSED) if "--on-invalid=isolate" in flags else (ERROR,))
        if code in (ERROR, REFUSED) or "--dry-run" in flags:
            assert self.installed() == before
        elif code == OK:
            heal = ["--heal"] if "--heal" in flags else []
            self.say("plan", "--detailed-exitcode", *heal, ends=(OK,))
            self.everything_is_as_declared()

    def everything_is_as_declared(self) -> None:
        """But for what is pinned, released, or was brought back."""
        pinned = {name for (name,) in self.rows("SELECT name FROM quarantines WHERE ended_at IS NULL")}
        stays = f"source = '{RELEASED}' OR prune_disabled"
        names = {name for _, name, *_ in self.installed()[0]}
        own = {
            name for (name,) in self.rows(f"SELECT name FROM objects WHERE removed_at IS NULL AND ({stays})")
        }
        declared = {*self.declared().values(), "nightly"}
        assert declared - pinned <= names
        assert names - pinned - own <= declared

    @rule(flags=st.sets(st.sampled_from(["--heal"])))
    def plan_for_later(self, flags: set[str]) -> None:
        self.say("plan", "--out", str(self.project / "plan.json"), *flags)

    @rule(changed=st.booleans())
    def apply_what_was_planned(self, changed: bool) -> None:
        file = self.project / "plan.json"
        if not file.exists():
            return
        if changed:
            file.write_text(file.read_text().replace("2 * * *", "3 * * *", 1))
        before = self.installed()
        code = self.say("apply", "--plan", str(file), "--auto-approve", "--allow-delete", "99")
        if code in (ERROR, REFUSED):
            assert self.installed() == before

    @rule(to=st.sampled_from(["", "", "1", "2", "3", "99"]))
    def roll_back(self, to: str) -> None:
        before = self.installed()
        words = ["rollback", *to.split(), "--auto-approve", "--allow-delete", "99", "--reason", "bad"]
        if self.say(*words) in (ERROR, REFUSED):
            assert self.installed() == before

    @rule()
    def end_the_rollback(self) -> None:
        self.say("rollback", "--end", ends=(OK,))

    @rule(verb=st.sampled_from(["undo", "undo", "release", "adopt"]), name=NAMES)
    def manage(self, verb: str, name: str) -> None:
        before = self.installed()
        if self.say(verb, f"Job/{name}") in (ERROR, REFUSED):
            assert self.installed() == before
        elif verb == "undo":
            assert name in {name for _, name, *_ in self.installed()[0]}

    # -- what runs

    @rule(verb=st.sampled_from(["enable", "disable"]), name=NAMES)
    def switch(self, verb: str, name: str) -> None:
        self.say("jobs", verb, name, "--yes", "--reason", "because")

    @rule(name=NAMES)
    def start(self, name: str) -> None:
        self.say("jobs", "trigger", name)

    @rule(name=NAMES, value=st.integers(0, 9))
    def keep(self, name: str, value: int) -> None:
        if self.say("state", "set", name, "--persistent", f"kept:={value}") == OK:
            self.kept[self.uids[name]] = value

    @rule()
    def look(self) -> None:
        for words in ("status", "history", "jobs list --all", "undo", "plan", "history Job/a", "diff 1 2"):
            self.say(*words.split())

    # -- what is always so

    @invariant()
    def nothing_is_lost(self) -> None:
        for name, uid in self.rows("SELECT name, uid FROM objects WHERE kind = 'Job'"):
            assert self.uids.setdefault(name, uid) == uid, f"{name} is another one"
        runs = dict(self.rows("SELECT job_uid, count(*) FROM job_instances GROUP BY 1"))
        assert all(runs.get(uid, 0) >= count for uid, count in self.runs.items())
        self.runs = runs
        kept = dict(self.rows("SELECT job_uid, data FROM job_persistent_data"))
        assert {uid: json.loads(kept[uid])["kept"] for uid in self.kept} == self.kept

    @invariant()
    def the_database_is_whole(self) -> None:
        self.say("db", "check", ends=(OK,))

    def installed(self) -> tuple[list[Any], list[Any]]:
        """Everything that is installed, and every hold."""
        objects = "SELECT kind, name, uid, source, digest FROM objects WHERE removed_at IS NULL ORDER BY 1, 2"
        return self.rows(objects), self.rows("SELECT object_uid, kind, owner FROM holds ORDER BY 1, 2, 3")

    def rows(self, statement: str, *values: object) -> list[Any]:
        with contextlib.closing(sqlite3.connect(self.project / ".runner" / "runner.db")) as connection:
            return connection.execute(statement, values).fetchall()

    def say(self, *words: str, ends: tuple[int, ...] = (OK, ERROR, REFUSED, IN_PART)) -> int:
        said = io.StringIO()
        with (
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
            pytest.raises(SystemExit) as end,
        ):
            main([*words, "--project", str(self.project)])
        note(f"$ runner {' '.join(words)}  ->  {end.value.code}\n{said.getvalue()[-2000:]}")
        assert end.value.code in ends
        return int(end.value.code)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_random_deploys_lose_nothing() -> None:
    run_state_machine_as_test(
        Deploys,
        settings=settings(
            max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
