"""Findings as SARIF 2.1.0, which code scanning and editors read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from runner.vocabulary.diagnostic import Diagnostic

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_sarif(findings: Sequence[Diagnostic], version: str) -> dict[str, Any]:
    """One run with a rule for each kind of finding, and each finding at its place."""
    rules: dict[str, str] = {}
    for each in findings:
        rules.setdefault(each.rule, each.summary)
    index = {rule: position for position, rule in enumerate(rules)}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "runner",
                        "semanticVersion": version,
                        "rules": [
                            {"id": rule, "shortDescription": {"text": summary}}
                            for rule, summary in rules.items()
                        ],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(each, index[each.rule]) for each in findings],
            }
        ],
    }


def _result(each: Diagnostic, rule: int) -> dict[str, Any]:
    text = "\n".join(
        part for part in (each.summary, each.detail, f"hint: {each.hint}" if each.hint else "") if part
    )
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(each.file, safe="/", errors="replace")}}
    if each.line:
        place["region"] = {"startLine": each.line, "startColumn": max(each.column, 1)}
    return {
        "ruleId": each.rule,
        "ruleIndex": rule,
        "level": each.severity,
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }
