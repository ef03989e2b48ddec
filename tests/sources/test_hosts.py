"""What hosts take as credentials, said where they refuse."""

from __future__ import annotations

import pytest

from runner.sources.hosts import hint_for, token_user
from runner.sources.remote import parse_remote


@pytest.mark.parametrize(
    ("url", "given", "said"),
    [
        ("https://github.com/team/jobs.git", ["token"], "GitHub takes a fine-grained token (Contents: read)"),
        ("https://github.example/team/jobs.git", [], "no authorization is declared"),
        ("https://gitlab.example/team/jobs.git", ["token"], "user is the name of that token"),
        ("https://bitbucket.org/team/jobs.git", ["token"], "with x-token-auth as user"),
        ("https://dev.azure.com/team/_git/jobs", ["token"], "(Code: read)"),
        ("https://git.example/jobs.git", ["token"], "may it read this repository?"),
        ("https://git.example/jobs.git", [], "takes token, or user and password, of an Authorization"),
        ("git@github.com:team/jobs.git", ["private_key"], "among the deploy keys of the repository"),
    ],
)
def test_a_refusal_says_what_the_host_takes(url: str, given: list[str], said: str) -> None:
    assert said in hint_for(parse_remote(url), authorized=bool(given))


def test_the_user_beside_a_token_is_the_one_that_the_host_wants() -> None:
    assert token_user(parse_remote("https://bitbucket.org/team/jobs.git")) == "x-token-auth"
    assert token_user(parse_remote("https://gitlab.example/team/jobs.git")) == "x-access-token"
