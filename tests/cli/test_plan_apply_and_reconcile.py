"""`runner plan`, `apply` and `reconcile`: what they print, ask and exit with."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from runner.reconcile.plan import digest_of
from tests.imported_runner import run_runner

JOB = """\
apiVersion: jobs.runner/v1
kind: Job
metadata:
  name: {name}
spec:
  enabled: true
  timeout: {timeout}
  steps:
    - name: greet
      shell: echo hello
"""


class Here:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "jobs.d").mkdir()

    def job(self, name: str, timeout: str = "5m") -> None:
        (self.folder / "jobs.d" / f"{name}.yaml").write_text(JOB.format(name=name, timeout=timeout))

    def __call__(self, *arguments: str, stdin: str | int = "") -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        given = {"stdin": stdin} if isinstance(stdin, int) else {"stdin": subprocess.PIPE, "input": stdin}
        return run_runner(*arguments, cwd=self.folder, timeout_s=120, env=environment, **given)


@pytest.fixture
def runner(tmp_path):
    here = Here(tmp_path)
    here.job("hello")
    return here


def test_plan_without_a_database_compares_with_nothing_and_says_so(runner):
    done = runner("plan")
    assert done.returncode == 0
    assert done.stdout == (
        "Plan  jobs.d  ->  (no database: all is new)\n"
        "\n"
        "  + install    Job/hello    jobs.d/hello.yaml:1\n"
        "  > enable     Job/hello    started by hand only\n"
        "\n"
        "Plan: 1 to install, 1 to enable, 0 to update, 0 to disable, 0 to move, 0 to uninstall; "
        "0 unchanged.\n"
    )
    assert done.stderr == "There is no database at .runner/runner.db: the plan compares with nothing.\n"
    assert not (runner.folder / ".runner").exists()


def test_apply_and_reconcile_refuse_to_succeed_for_nobody(runner):
    for verb in (["apply", "--auto-approve"], ["reconcile"], ["reconcile", "--dry-run"]):
        done = runner(*verb)
        assert done.returncode == 1
        assert f"so {verb[0]} would succeed for nobody; say --create" in done.stderr
    assert not (runner.folder / ".runner").exists()


@pytest.mark.parametrize("verb", [("apply", "--auto-approve"), ("reconcile",)])
def test_nothing_is_made_for_what_cannot_be_read(runner, verb):
    (runner.folder / "jobs.d" / "hello.yaml").write_text("kind: [")
    assert runner(*verb, "--create").returncode == 1
    (runner.folder / "jobs.d" / "hello.yaml").unlink()
    (runner.folder / "jobs.d").rmdir()
    done = runner(*verb, "--create")
    assert (done.returncode, "error[missing-path]" in done.stderr) == (1, True)
    assert [*runner.folder.iterdir()] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["apply"], "apply needs --auto-approve"),
        (["reconcile", "--expect-digest", "0" * 16], "is not what was expected"),
        (["reconcile", "--on-invalid", "isolate", "--expect-digest", "0" * 16], "is not what was expected"),
    ],
)
def test_nothing_is_made_for_what_is_refused(runner, words, said):
    done = runner(*words, "--create", "--db", "state/of/it/jobs.db")
    assert (done.returncode, said in done.stderr) == (3, True), done.stderr
    assert [path.name for path in runner.folder.iterdir()] == ["jobs.d"]


def test_what_was_there_before_stays_when_it_is_refused(runner):
    state = runner.folder / ".runner"
    (state / "cache").mkdir(parents=True)
    (state / "runner.db").touch()
    assert runner("apply", "--create").returncode == 3
    assert ((state / "runner.db").stat().st_size, (state / "cache").is_dir()) == (0, True)


def test_only_the_valid_part_of_a_tree_makes_a_database_when_that_is_asked_for(runner):
    (runner.folder / "jobs.d" / "broken.yaml").write_text("kind: [")
    assert runner("reconcile", "--create", "--on-invalid", "isolate").returncode == 4
    assert runner("jobs", "list", "-o", "name").stdout == "hello\n"


def test_a_saved_plan_makes_a_database_only_when_it_was_made_for_none(runner):
    file = runner.folder / "plan.json"
    runner("reconcile", "--create", "--db", "other.db")
    runner.job("hello", timeout="6m")
    assert runner("plan", "--out", str(file), "--db", "other.db").returncode == 0
    done = runner("apply", "--plan", str(file), "--auto-approve", "--create", "--db", "first/runner.db")
    assert (done.returncode, "there is none at" in done.stderr) == (3, True)
    assert not (runner.folder / "first").exists()
    assert runner("plan", "--out", str(file), "--db", "first/runner.db").returncode == 0
    done = runner("apply", "--plan", str(file), "--auto-approve", "--create", "--db", "first/runner.db")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0,
        "Applied: 1 install, 1 enable; serial 1 now.",
    )


def test_a_life_in_exit_codes(runner):
    done = runner("apply", "--create")
    assert (done.returncode, done.stderr) == (
        3,
        "Refused: nobody can be asked here, so apply needs --auto-approve; nothing was changed\n",
    )
    done = runner("apply", "--create", "--auto-approve")
    assert done.returncode == 0
    assert done.stdout.endswith("Applied: 1 install, 1 enable; serial 1 now.\n")
    assert runner("plan", "--detailed-exitcode").returncode == 0
    assert runner("apply").returncode == 0  # nothing to approve
    runner.job("hello", timeout="6m")
    assert runner("plan").returncode == 0
    assert runner("plan", "--detailed-exitcode").returncode == 2
    assert runner("reconcile", "--dry-run", "--detailed-exitcode").returncode == 2
    assert runner("plan", "--detailed-exitcod").returncode == 64
    assert runner("reconcile").returncode == 0
    (runner.folder / "jobs.d" / "hello.yaml").write_text("kind: [")
    done = runner("reconcile")
    assert done.returncode == 1 and ": error[yaml-syntax]: Not valid YAML" in done.stderr


def test_a_saved_plan_is_applied_once(runner):
    runner("reconcile", "--create")
    runner.job("hello", timeout="6m")
    runner("plan", "--out", "plan.json")
    runner.job("hello", timeout="7m")
    done = runner("apply", "--plan", "plan.json", "--auto-approve")
    assert done.returncode == 0 and "spec.timeout   5m -> 6m" in done.stdout
    again = runner("apply", "--plan", "plan.json", "--auto-approve")
    assert (again.returncode, again.stderr) == (
        3,
        "Refused: The plan was made against serial 1, and the database is at serial 2 now; make a new plan\n",
    )
    assert runner("apply", "jobs.d", "--plan", "plan.json").returncode == 64


def test_what_was_reviewed_is_what_is_reconciled(runner):
    runner("reconcile", "--create")
    runner.job("hello", timeout="6m")
    (runner.folder / "agreed.json").write_text(runner("plan", "-o", "json").stdout)
    runner.job("hello", timeout="7m")
    assert runner("reconcile", "--expect", "agreed.json").returncode == 3
    runner.job("hello", timeout="6m")
    runner.job("unrelated")
    done = runner("reconcile", "--expect", "agreed.json", "-o", "json")
    assert done.returncode == 4
    values = json.loads(done.stdout)
    assert [f"{c['action']} {c['address']}" for c in values["changes"] if c["action"] != "note"] == [
        "update Job/hello"
    ]
    assert [each["address"] for each in values["applied"]["left"]] == ["Job/unrelated", "Job/unrelated"]
    again = runner("reconcile", "--expect", "agreed.json")
    assert again.returncode == 3
    assert "Nothing of what would change now was agreed to: install Job/unrelated" in again.stderr


def test_a_whole_plan_is_agreed_to_by_its_digest(runner):
    runner("reconcile", "--create")
    runner.job("hello", timeout="6m")
    digest = json.loads(runner("plan", "-o", "json").stdout)["digest"]
    runner.job("unrelated")
    refused = runner("reconcile", "--expect-digest", digest)
    assert refused.returncode == 3 and "is not what was expected" in refused.stderr
    (runner.folder / "jobs.d" / "unrelated.yaml").unlink()
    assert runner("reconcile", "--expect-digest", digest).returncode == 0


def test_the_deletion_budget_refuses_and_says_the_number(runner):
    for number in range(5):
        runner.job(f"job-{number}")
    runner("reconcile", "--create")
    for number in range(4):
        (runner.folder / "jobs.d" / f"job-{number}.yaml").unlink()
    plan = runner("plan")
    assert plan.returncode == 0 and "apply will refuse this" in plan.stderr
    for verb in (["reconcile"], ["reconcile", "--dry-run"], ["apply", "--auto-approve"]):
        done = runner(*verb)
        assert done.returncode == 3 and "say so with --allow-delete 4" in done.stderr
    assert runner("reconcile", "--allow-delete", "4").returncode == 0


def test_json_has_the_plan_and_what_became_of_it(runner):
    values = json.loads(runner("plan", "-o", "json").stdout)
    assert (values["lineage"], values["serial"]) == (None, 0)
    values = json.loads(runner("reconcile", "--create", "-o", "json").stdout)
    assert values["applied"] == {"changed": True, "serial": 1, "draining": [], "left": []}
    assert [change["action"] for change in values["changes"]] == ["install", "enable"]
    values = json.loads(runner("plan", "-o", "json").stdout)
    assert (values["serial"], values["changes"], values["unchanged"]) == (1, [], 1)
    values = json.loads(runner("apply", "--auto-approve", "-o", "json").stdout)
    assert values["applied"] == {"changed": False, "serial": 1, "draining": [], "left": []}


def test_a_stream_is_partial(runner):
    runner("reconcile", "--create")
    runner.job("other")
    done = runner("plan", "-", stdin=JOB.format(name="hello", timeout="9m"))
    assert done.returncode == 0, done.stderr
    assert "partial: removals not considered" in done.stdout and "5m -> 9m" in done.stdout
    assert runner("plan", "--base", "jobs.d").returncode == 64


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 3)])
def test_apply_asks_on_a_terminal(runner, answer, code):
    mine, theirs = pty.openpty()
    os.write(mine, answer.encode())
    done = runner("apply", "--create", stdin=theirs)
    os.close(theirs)
    os.close(mine)
    assert done.returncode == code and "Apply this? [y/N]" in done.stderr
    assert ("Applied: " in done.stdout) == (code == 0)


def test_nobody_approves_what_they_have_not_seen(runner):
    mine, theirs = pty.openpty()
    os.write(mine, b"y\n")
    done = runner("apply", "--create", "-o", "json", stdin=theirs)
    os.close(theirs)
    os.close(mine)
    assert "+ install    Job/hello" in done.stderr
    assert json.loads(done.stdout)["applied"]["serial"] == 1


def test_waiting_needs_something_to_wait_for(runner):
    assert runner("reconcile", "--create", "--wait").returncode == 0
    assert runner("reconcile", "--timeout", "5s").returncode == 64


def test_what_is_invalid_can_be_left_as_it_is_with_an_exit_code_of_its_own(runner):
    runner("reconcile", "--create")
    runner.job("other")
    (runner.folder / "jobs.d" / "hello.yaml").write_text("kind: [\n")
    assert runner("reconcile").returncode == 1
    planned = runner("plan", "--on-invalid", "isolate")
    assert planned.returncode == 4
    assert (
        "i note       Job/hello  stays as it is installed: invalid: jobs.d/hello.yaml:1:8" in planned.stdout
    )
    assert "error[yaml-syntax]" in planned.stderr
    done = runner("reconcile", "--on-invalid", "isolate", "-o", "json")
    assert done.returncode == 4
    applied = json.loads(done.stdout)["applied"]
    assert applied["changed"] and [each["address"] for each in applied["left"]] == ["Job/hello"]
    assert runner("apply", "--auto-approve", "--on-invalid", "isolate").returncode == 4


def test_a_file_without_any_object_that_is_known_is_not_left_out_in_silence(runner):
    runner("reconcile", "--create")
    (runner.folder / "jobs.d" / "broken.yaml").write_text("kind: [\n")
    for words in (["plan"], ["reconcile", "--dry-run"], ["reconcile"], ["apply", "--auto-approve"]):
        done = runner(*words, "--on-invalid", "isolate")
        assert (done.returncode, "error[yaml-syntax]" in done.stderr) == (4, True), words


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("objects", "Job/hello", "protected"), None),
        (("objects", "Job/hello", "resolved"), []),
        (("objects", "Job/hello", "enabled"), 2**70),
        (("plan", "commit"), {}),
        (("plan", "changes", 0, "uid"), {}),
        (("budget", "few"), [[1]]),
        (("objects",), {}),
    ],
)
def test_a_forged_plan_that_makes_no_sense_changes_nothing_and_says_so(runner, path, value):
    runner("reconcile", "--create")
    runner.job("hello", timeout="6m")
    file = runner.folder / "plan.json"
    assert runner("plan", "--out", str(file)).returncode == 0
    values = json.loads(file.read_text())
    del values["digest"]
    inner = values
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    file.write_text(json.dumps({**values, "digest": digest_of(values)}))
    done = runner("apply", "--plan", str(file), "--auto-approve", "--allow-delete", "9")
    assert (done.returncode, "Traceback" in done.stderr) == (3, False), done.stderr
    assert "make a new plan" in done.stderr
    assert runner("plan", "--detailed-exitcode").returncode == 2


def test_what_was_agreed_to_is_read_whatever_the_file_holds(runner, tmp_path):
    runner("reconcile", "--create")
    runner.job("hello", timeout="6m")
    file = tmp_path / "plan.json"
    assert runner("plan", "--out", str(file)).returncode == 0
    values = json.loads(file.read_text())
    values["plan"]["changes"][0]["address"] = []
    file.write_text(json.dumps(values))
    assert runner("reconcile", "--expect", str(file)).returncode in (0, 1, 3)
    for text in (b"\xff", b"[" * 100_000, b"7"):
        file.write_bytes(text)
        done = runner("reconcile", "--expect", str(file))
        assert (done.returncode, "is not a plan; `runner plan -o json`" in done.stderr) == (1, True)
