"""Findings in the formats of those who read them: GitHub's annotations, SARIF, JUnit, a comment."""

from __future__ import annotations

from collections.abc import Sequence

from runner.vocabulary.diagnostic import Diagnostic

FINDING_FORMATS = ("github", "sarif", "junit")
_MOST_ROWS = 200


def show_findings(findings: Sequence[Diagnostic], output: str, suite: str) -> None:
    """On stdout; `suite` is the command that found them."""
    if output == "github":
        from runner.cli.views.diagnostics import as_github

        print(as_github(findings), end="")
    elif output == "sarif":
        from importlib.metadata import version

        from runner.cli.views.sarif import as_sarif
        from runner.cli.views.values import show_json

        show_json(as_sarif(findings, version("jobs-runner")))
    elif output == "junit":
        from runner.cli.views.junit import as_junit

        print(as_junit(findings, suite), end="")
    else:
        print(_markdown(findings), end="")


def _markdown(findings: Sequence[Diagnostic]) -> str:
    """A table for a comment, in the order of the files; what does not fit is counted."""
    from runner.cli.views.diagnostics import counted
    from runner.cli.views.plan_markdown import cell, code

    if not findings:
        return "### Declarations are valid\n"
    lines = [f"### {counted(findings)}", "", "| place | | rule | |", "|---|---|---|---|"]
    for each in findings[:_MOST_ROWS]:
        said = " ".join(part for part in (each.summary, each.detail, each.hint and f"({each.hint})") if part)
        lines.append(f"| {code(each.place)} | {each.severity} | {code(each.rule)} | {cell(said)} |")
    left = len(findings) - _MOST_ROWS
    return "\n".join([*lines, *([f"\n*… and {left} more*"] if left > 0 else []), ""])
