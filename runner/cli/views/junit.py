"""Findings as JUnit's XML, which every CI shows as tests."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from runner.vocabulary.diagnostic import Diagnostic
from runner.vocabulary.printable import printable_lines

NOTHING = "nothing to report"


def as_junit(findings: Sequence[Diagnostic], suite: str) -> str:
    """A test for each finding: errors fail, the rest passes and says its piece. Without any finding
    one test passes.
    """
    failed = sum(each.severity == "error" for each in findings)
    cases = [_case(each) for each in findings] or [
        f"    <testcase classname={_attr(suite)} name={_attr(NOTHING)}/>"
    ]
    counts = f'tests="{len(cases)}" failures="{failed}" errors="0"'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f"<testsuites {counts}>",
            f"  <testsuite name={_attr(suite)} {counts}>",
            *cases,
            "  </testsuite>",
            "</testsuites>",
            "",
        ]
    )


def _case(each: Diagnostic) -> str:
    name = f"{each.place} {each.rule}: {each.summary}"
    head = f"    <testcase classname={_attr(each.file)} name={_attr(name)}"
    text = "\n".join(part for part in (each.detail, f"hint: {each.hint}" if each.hint else "") if part)
    if each.severity == "error":
        inner = f"<failure type={_attr(each.rule)} message={_attr(each.summary)}>{_text(text)}</failure>"
    else:
        inner = f"<system-out>{_text(f'{each.severity}: {text or each.summary}')}</system-out>"
    return f"{head}>{inner}</testcase>"


def _text(text: str) -> str:
    """What XML may hold: control characters become visible escapes."""
    return escape(printable_lines(text))


def _attr(text: str) -> str:
    return quoteattr(_text(text).replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
