"""Text, JSON, Markdown, findings and the exit code of a plan are told from one object: they never differ."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

ACTIONS = ("install", "enable", "update", "disable", "move", "uninstall")

JOB = """\
apiVersion: jobs.runner/v1
kind: Job
metadata: {{name: {name}, annotations: {{{annotations}}}}}
spec: {{enabled: {enabled}, timeout: {timeout}, steps: [{{name: a, shell: "true"}}]}}
"""


def declare(
    folder: Path, name: str, enabled: str = "true", timeout: str = "5m", annotations: str = ""
) -> None:
    (folder / "jobs.d").mkdir(exist_ok=True)
    text = JOB.format(name=name, enabled=enabled, timeout=timeout, annotations=annotations)
    (folder / "jobs.d" / f"{name}.yaml").write_text(text)


def nothing_to_do(folder: Path) -> None:
    """What is installed is what is declared."""


def everything_at_once(folder: Path) -> None:
    declare(folder, "new")
    declare(folder, "left-to-operators", enabled="true", timeout="6m")
    declare(folder, "switched", enabled="false")
    declare(folder, "named", annotations='jobs.runner/moved-from: "renamed"')
    for name in ("renamed", "gone"):
        (folder / "jobs.d" / f"{name}.yaml").unlink()


def too_much_goes(folder: Path) -> None:
    for name in ("gone", "renamed", "switched", "left-to-operators", "held"):
        (folder / "jobs.d" / f"{name}.yaml").unlink()


def something_is_invalid(folder: Path) -> None:
    (folder / "jobs.d" / "gone.yaml").write_text("kind: Nope\n")
    declare(folder, "new")


def of_text(out: str) -> tuple[Counter[str], list[tuple[str, str]]]:
    """(how often each action in the last line, every line of a change)."""
    lines = re.findall(r"^  [+>~=<!i-] (\w+) +(\w+/\S+)", out, re.MULTILINE)
    return _counts(out), sorted(lines)


def of_json(out: str) -> tuple[Counter[str], list[tuple[str, str]]]:
    plan = json.loads(out)
    counts = Counter({action: plan["counts"][action] for action in ACTIONS})
    return counts, sorted((each["action"], each["address"]) for each in plan["changes"])


def of_markdown(out: str) -> tuple[Counter[str], list[tuple[str, str]]]:
    rows = re.findall(r"^\| `.` \| (\w+) \| `(\w+/[^`]+)`", out, re.MULTILINE)
    return _counts(out), sorted(rows)


def of_sarif(out: str) -> tuple[Counter[str], list[tuple[str, str]]]:
    results = json.loads(out)["runs"][0]["results"]
    changes = [(each["ruleId"], each["message"]["text"]) for each in results if each["ruleId"] != "plan"]
    found = [
        (rule.removeprefix("plan-"), re.findall(r"\w+/[\w-]+", text)[0])
        for rule, text in changes
        if rule != "plan-refused"
    ]
    return _counts(out), sorted(found)


def of_github(out: str) -> tuple[Counter[str], list[tuple[str, str]]]:
    found = re.findall(r"^::\w+ .*\[plan-(\w+)\].*?::(\w+/[\w-]+)", out, re.MULTILINE)
    return _counts(out), sorted(found)


def _counts(out: str) -> Counter[str]:
    """Of the last line, which is fixed: `Plan: 1 to install, …`; none where there are no changes."""
    if "No changes." in out:
        return Counter(dict.fromkeys(ACTIONS, 0))
    return Counter({action: int(re.findall(rf"(\d+) to {action}", out)[0]) for action in ACTIONS})


READERS = {
    "text": of_text,
    "json": of_json,
    "markdown": of_markdown,
    "github": of_github,
    "sarif": of_sarif,
}


@pytest.fixture
def installed(say: Callable, tmp_path: Path) -> Path:
    for name in ("gone", "renamed", "switched", "left-to-operators", "held", "stays"):
        declare(tmp_path, name)
    assert say("reconcile", "--create").code == 0
    assert say("jobs", "disable", "held", "--reason", "INC-1").code == 0
    return tmp_path


@pytest.mark.parametrize(
    ("happens", "code", "detailed"),
    [(nothing_to_do, 0, 0), (everything_at_once, 0, 2), (too_much_goes, 0, 2)],
)
def test_every_format_tells_the_same_changes_with_the_same_code(
    say: Callable, installed: Path, happens: Callable, code: int, detailed: int
) -> None:
    happens(installed)
    said = {name: say("plan", "-o", name) for name in (*READERS, "junit")}
    assert {name: each.code for name, each in said.items()} == dict.fromkeys(said, code)
    for name in said:
        assert say("plan", "-o", name, "--detailed-exitcode").code == detailed
    counts, changes = of_json(said["json"].out)
    assert {name: read(said[name].out) for name, read in READERS.items()} == dict.fromkeys(
        READERS, (counts, changes)
    )
    assert counts == Counter({action: sum(each == action for each, _ in changes) for action in ACTIONS})
    cases = [case.get("name") for case in ElementTree.fromstring(said["junit"].out).iter("testcase")]
    for action, address in changes:
        assert any(action in str(case) or address in str(case) for case in cases), (action, cases)
    warned = {name: "apply will refuse this" in each.err for name, each in said.items()}
    assert warned == dict.fromkeys(said, happens is too_much_goes)


def test_what_is_invalid_is_told_by_every_format_with_the_same_code(say: Callable, installed: Path) -> None:
    something_is_invalid(installed)
    codes = {name: say("plan", "-o", name).code for name in (*READERS, "junit")}
    assert codes == dict.fromkeys(codes, 1)
    part = {name: say("plan", "-o", name, "--on-invalid", "isolate") for name in READERS}
    assert {name: each.code for name, each in part.items()} == dict.fromkeys(part, 4)
    assert len({str(READERS[name](each.out)) for name, each in part.items()}) == 1


def test_what_was_done_is_what_was_planned_in_every_format(
    say: Callable, installed: Path, tmp_path: Path
) -> None:
    everything_at_once(installed)
    planned = of_json(say("plan", "-o", "json").out)
    kept = tmp_path / "kept"
    shutil.copytree(tmp_path / ".runner", kept)
    for name in ("text", "json", "markdown"):
        shutil.rmtree(tmp_path / ".runner")
        shutil.copytree(kept, tmp_path / ".runner")
        done = say("reconcile", "-o", name)
        assert (done.code, READERS[name](done.out)) == (0, planned)
    [row] = say("history", "-n", "1", "-o", "json").json
    recorded = say("history", str(row["serial"]), "-o", "json").json["changes"]
    counted = [each for each in planned[1] if each[0] in ACTIONS]
    assert sorted((each["action"], each["address"]) for each in recorded) == counted
