"""Sources that are declared: what git is given can be nothing but an address and a name."""

from __future__ import annotations

from typing import Any

import pytest
from builders import a_runner

from runner.declaration.decode import problems_of
from runner.declaration.resolve_others import RESOLVERS


def with_source(**git: Any) -> dict[str, Any]:
    return a_runner(sources={"team": {"git": {"url": "https://git.example/jobs.git", **git}}})


def told(**git: Any) -> list[tuple[str, str]]:
    return [(".".join(map(str, each.path)), each.rule) for each in problems_of(with_source(**git), "Runner")]


def test_a_source_needs_an_address_alone() -> None:
    assert told() == []
    resolved = RESOLVERS["Runner"](with_source(), None)  # type: ignore[arg-type]
    assert resolved["sources"]["team"]["git"] == {
        "url": "https://git.example/jobs.git",
        "ref": {"branch": "main"},
        "path": "jobs.d",
        "interval": "60s",
        "timeout": "5m",
        "authorization": None,
        "caFile": None,
        "verify": None,
        "webhook": None,
    }


@pytest.mark.parametrize(
    ("git", "place", "rule"),
    [
        ({"url": "ext::sh -c x"}, "url", "bad-url"),
        ({"url": "https://ana:secret@git.example/x"}, "url", "bad-url"),
        ({"url": "http://git.example/x"}, "url", "bad-url"),
        ({"path": "../x"}, "path", "bad-path"),
        ({"ref": {"branch": "--upload-pack=x"}}, "ref.branch", "bad-ref"),
        ({"ref": {"semver": "latest"}}, "ref.semver", "bad-ref"),
        ({"ref": {"commit": "abc"}}, "ref.commit", "bad-ref"),
        ({"ref": {}}, "ref", "one-of"),
        ({"ref": {"branch": "a", "tag": "b"}}, "ref.tag", "both-given"),
        ({"verify": {}}, "verify", "one-of"),
        ({"verify": {"what": "tag", "allowedSigners": "x"}}, "verify.what", "bad-combination"),
        (
            {"ref": {"commit": "a" * 40}, "verify": {"what": "each-commit", "allowedSigners": "x"}},
            "verify.what",
            "bad-combination",
        ),
        ({"url": "git@git.example:x.git", "caFile": "ca.pem"}, "caFile", "bad-combination"),
    ],
)
def test_what_git_could_misread_or_nobody_could_trust_is_an_error(
    git: dict[str, Any], place: str, rule: str
) -> None:
    assert told(**git) == [(f"spec.sources.team.git.{place}", rule)]


def test_plain_http_is_taken_where_signatures_are_checked() -> None:
    assert told(url="http://git.example/x", verify={"allowedSigners": "signers"}) == []
