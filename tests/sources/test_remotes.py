"""Which addresses are handed to git, and which never are."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.sources.remote import parse_remote


@pytest.mark.parametrize(
    ("text", "scheme", "host"),
    [
        ("https://git.example/team/jobs.git", "https", "git.example"),
        ("https://GIT.example:8443/jobs", "https", "git.example"),
        ("ssh://git@git.example:2222/srv/jobs.git", "ssh", "git.example"),
        ("git@git.example:team/jobs.git", "ssh", "git.example"),
        ("file:///srv/with blank/jobs.git", "file", ""),
        ("http://127.0.0.1:8080/jobs.git", "http", "127.0.0.1"),
    ],
)
def test_the_usual_addresses_are_taken(text: str, scheme: str, host: str) -> None:
    remote = parse_remote(text)
    assert (remote.url, remote.scheme, remote.host) == (text, scheme, host)


def test_a_folder_becomes_a_file_address() -> None:
    assert parse_remote("/srv/jobs.git").url == "file:///srv/jobs.git"


@pytest.mark.parametrize(
    "text",
    [
        "ext::sh -c touch% /tmp/x",
        "--upload-pack=touch /tmp/x",
        "-oProxyCommand=touch@x:y",
        "ssh://-oProxyCommand=touch/x",
        "ssh://git@-oProxyCommand=touch/x",
        "git@-oProxyCommand=x:jobs.git",
        "git@host:-jobs.git",
        "fd::7",
        "../jobs.git",
        "jobs.git",
        "https://host/a b",
        "https://host/a\nb",
        "https://host/a?b=c",
        "https://host",
        "file://host/x",
        "https://host:99999/x",
        "",
        "git.example:jobs.git",
    ],
)
def test_what_could_run_something_or_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_remote(text)


@pytest.mark.parametrize(
    "text", ["https://ana:geheim@host/x", "https://geheim@host/x", "ssh://a:geheim@host/x"]
)
def test_credentials_in_the_address_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="put user and password into an Authorization") as caught:
        parse_remote(text)
    assert "geheim" not in str(caught.value)


def test_only_a_machine_that_proves_itself_does() -> None:
    assert parse_remote("https://host/x").proves_itself
    assert parse_remote("http://localhost:80/x").proves_itself
    assert not parse_remote("http://host/x").proves_itself
    assert not parse_remote("git://host/x").proves_itself


def test_the_origin_is_what_git_asks_a_password_for() -> None:
    assert parse_remote("https://host:8443/team/x.git").origin == "https://host:8443"


@given(st.text(alphabet="abc-:/@.%[]~ \n\t'\"$;|&=0\x00é", max_size=40) | st.text(max_size=40))
def test_what_passes_is_never_an_option_nor_a_program(text: str) -> None:
    try:
        remote = parse_remote(text)
    except ValueError:
        return
    assert remote.url.startswith(f"{remote.scheme}://") or re.match(r"[A-Za-z0-9_][A-Za-z0-9._-]*@[^-]", text)
    assert not remote.host.startswith("-")
    assert all(ord(letter) > 31 for letter in remote.url)
