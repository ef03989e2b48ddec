"""What is declared of a source, and what keeps it from being followed."""

from __future__ import annotations

from typing import Any

import pytest

from runner.sources.settings import checked_path, settings_of

DECLARED: dict[str, Any] = {
    "url": "https://git.example/jobs.git", "ref": None, "path": "jobs.d", "interval": "60s", "timeout": "5m",
    "authorization": None, "verify": None, "webhook": None,
}  # fmt: skip


def declared(**given: Any) -> dict[str, Any]:
    return {**DECLARED, **given}


SIGNERS = {"what": "commit", "allowedSigners": "signers", "pgpKeys": None}


def test_a_source_has_its_name_before_its_objects() -> None:
    assert settings_of("team", declared()).source == "git:team"


def test_plain_http_needs_signatures() -> None:
    with pytest.raises(ValueError, match="anybody on the way may answer"):
        settings_of("team", declared(url="http://git.example/jobs.git"))
    settings_of("team", declared(url="http://git.example/jobs.git", verify=SIGNERS))
    settings_of("team", declared(url="http://127.0.0.1/jobs.git"))


def test_a_tag_is_verified_only_where_tags_are_followed() -> None:
    tags = {**SIGNERS, "what": "tag"}
    with pytest.raises(ValueError, match="needs a ref with tag or semver"):
        settings_of("team", declared(verify=tags))
    settings_of("team", declared(verify=tags, ref={"semver": "1.x"}))


def test_each_commit_is_verified_only_where_there_are_several() -> None:
    each = {**SIGNERS, "what": "each-commit"}
    with pytest.raises(ValueError, match="needs a ref that moves on"):
        settings_of("team", declared(verify=each, ref={"commit": "a" * 40}))
    settings_of("team", declared(verify=each))


def test_certificates_prove_an_https_remote_alone() -> None:
    with pytest.raises(ValueError, match="prove an https remote alone"):
        settings_of("team", declared(url="git@git.example:jobs.git", caFile="ca.pem"))
    assert settings_of("team", declared(caFile="ca.pem")).ca_file == "ca.pem"


def test_signatures_need_somebody_who_may_sign() -> None:
    with pytest.raises(ValueError, match="needs allowedSigners, pgpKeys or both"):
        settings_of("team", declared(verify={"what": "commit", "allowedSigners": None, "pgpKeys": None}))


@pytest.mark.parametrize(("path", "means"), [(".", "."), ("./jobs.d/", "jobs.d"), ("a//b", "a/b")])
def test_paths_have_one_spelling(path: str, means: str) -> None:
    assert checked_path(path) == means


@pytest.mark.parametrize(
    "path", ["/etc", "../x", "a/../../x", ".git", "a/.GIT/hooks", "a*b", "a\nb", "\udcff", "a\x85"]
)
def test_paths_stay_inside_of_the_repository(path: str) -> None:
    with pytest.raises(ValueError):
        checked_path(path)
