"""Findings in the formats of CI: the same objects behind each of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from runner.cli.views.junit import as_junit
from runner.cli.views.plan_markdown import plan_markdown
from runner.cli.views.sarif import as_sarif
from runner.reconcile.plan import Change, Plan
from runner.vocabulary.diagnostic import Diagnostic
from runner.vocabulary.identity import Address, Place

HOSTILE = "a\x00\x1b[31m<b>&\"' ]]> \ud800 ünï\u202e"
FINDINGS = (
    Diagnostic("jobs.d/a b.yaml", 4, 7, "error", "unknown-field", "Unknown field", HOSTILE, "a hint"),
    Diagnostic("jobs.d/c.yaml", 0, 0, "warning", "uneven-cron", "Uneven", "step"),
    Diagnostic("jobs.d/a b.yaml", 9, 1, "note", "unknown-field", "Unknown field"),
)
JOB = "apiVersion: jobs.runner/v1\nkind: Job\nmetadata: {name: a}\nspec: {SPEC}\n"
GOOD = JOB.replace("SPEC", 'enabled: true, steps: [{name: a, shell: "true"}]')


def declare(folder: Path, text: str) -> None:
    (folder / "jobs.d").mkdir(exist_ok=True)
    (folder / "jobs.d" / "a.yaml").write_text(text)


def test_sarif_has_a_rule_for_each_kind_and_a_result_for_each_finding():
    run = as_sarif(FINDINGS, "1.2.3")["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["unknown-field", "uneven-cron"]
    first, second, third = run["results"]
    assert (first["level"], first["ruleIndex"], third["ruleIndex"]) == ("error", 0, 0)
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "jobs.d/a%20b.yaml"
    assert place["region"] == {"startLine": 4, "startColumn": 7}
    assert "region" not in second["locations"][0]["physicalLocation"]


def test_junit_is_xml_whatever_stands_in_a_file():
    root = ElementTree.fromstring(as_junit(FINDINGS, "runner validate").encode())
    assert (root.get("tests"), root.get("failures")) == ("3", "1")
    cases = root.findall("testsuite/testcase")
    assert [case.find("failure") is not None for case in cases] == [True, False, False]
    assert "hint: a hint" in (cases[0].find("failure").text or "")
    assert ElementTree.fromstring(as_junit((), "s").encode()).get("failures") == "0"


@pytest.mark.parametrize("output", ["text", "json", "github", "sarif", "junit", "markdown"])
def test_every_format_of_validate_tells_the_same_and_ends_with_the_same_code(
    say: Callable, tmp_path: Path, output: str
) -> None:
    declare(tmp_path, JOB.replace("SPEC", 'shedule: x, steps: [{name: a, shell: "true"}]'))
    said = say("validate", "-o", output)
    assert said.code == 1
    for part in ("shedule", "unknown-field", "jobs.d/a.yaml"):
        assert part in said.out
    declare(tmp_path, GOOD)
    assert say("validate", "-o", output).code == 0


@pytest.mark.parametrize("output", ["text", "json", "markdown", "github", "sarif", "junit"])
def test_every_format_of_plan_tells_the_same_and_ends_with_the_same_code(
    say: Callable, tmp_path: Path, output: str
) -> None:
    declare(tmp_path, GOOD)
    said = say("plan", "-o", output, "--detailed-exitcode")
    assert said.code == 2
    for part in ("Job/a", "install", "jobs.d/a.yaml"):
        assert part in said.out
    if output in ("json", "sarif"):
        json.loads(said.out)
    if output == "junit":
        ElementTree.fromstring(said.out.encode())
    declare(tmp_path, "kind: [\n")
    broken = say("plan", "-o", output, "--detailed-exitcode")
    assert broken.code == 1
    assert ("yaml-syntax" in broken.out) == (output != "text")


def test_what_apply_would_refuse_fails_in_a_test_report(say: Callable, tmp_path: Path) -> None:
    declare(tmp_path, GOOD)
    say("reconcile", "--create")
    declare(tmp_path, GOOD.replace("name: a}", "name: b}"))
    root = ElementTree.fromstring(say("plan", "-o", "junit").out.encode())
    assert [each.get("message") for each in root.iter("failure")] == ["Apply will refuse this"]


def test_a_plan_against_a_commit_needs_no_database(say: Callable, tmp_path: Path) -> None:
    declare(tmp_path, GOOD)
    for words in (["init", "-qb", "main"], ["add", "jobs.d"], ["commit", "-qm", "one"]):
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words]
        subprocess.run(command, cwd=tmp_path, check=True)
    declare(tmp_path, GOOD.replace("enabled: true", "enabled: true, timeout: 5m"))
    said = say("plan", "--against", "main", "--detailed-exitcode")
    assert said.code == 2
    assert "->  main @ " in said.out.splitlines()[0]
    assert "spec.timeout   (omitted) -> 5m" in said.out
    assert not (tmp_path / ".runner").exists()
    assert say("plan", "--against", "main", "-o", "json").json["against"].startswith("main @ ")
    assert say("plan", "--against", "nope").code == 1
    assert say("plan", "--against", "main", "--out", "x").code == 64


def test_a_comment_that_is_too_long_loses_details_and_never_its_summary():
    changes = tuple(
        Change("update", Address("Job", f"job-{n:04}"), "changed", Place("jobs.d/a.yaml", n))
        for n in range(900)
    )
    text = plan_markdown(Plan("jobs.d", changes, 0), "runner.db", longest=20_000)
    assert len(text) <= 20_000
    lines = text.splitlines()
    assert lines[0].startswith("### Plan")
    assert lines[-1].startswith("**Plan: 0 to install, 0 to enable, 900 to update")
    shown = sum("job-" in line for line in lines)
    assert f"*… and {900 - shown} more lines; `runner plan` shows all*" in lines
