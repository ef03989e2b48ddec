"""An Authorization becomes texts; a missing secret is named by its place, never by its value."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from runner.credentials.authorization import CredentialMissing, resolve_authorization
from runner.credentials.sources import LIMIT


def an_authorization(**password_source: str) -> dict[str, Any]:
    return {"config": {"user": "etl", "password": {"from": password_source}}}


def a_secret_file(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def resolve(spec: dict[str, Any], base: Path, **given: Any) -> dict[str, str]:
    return resolve_authorization(spec, base=base, name="warehouse-2026", **given)


def test_plain_values_are_taken_as_they_are(tmp_path: Path) -> None:
    spec = {"config": {"user": "etl", "port": 5432, "tls": True, "unused": None}}
    assert resolve(spec, tmp_path) == {"user": "etl", "port": "5432", "tls": "true"}


def test_a_secret_comes_from_the_environment(tmp_path: Path) -> None:
    resolved = resolve(an_authorization(env="PW"), tmp_path, environ={"PW": "s3cret"})
    assert resolved == {"user": "etl", "password": "s3cret"}


def test_the_environment_of_the_process_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_TEST_PASSWORD", "s3cret")
    assert resolve(an_authorization(env="A_TEST_PASSWORD"), tmp_path)["password"] == "s3cret"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"s3cret\n", "s3cret"),
        (b"s3cret\r\n", "s3cret"),
        (b" s3 cret ", " s3 cret "),
        (b"a\nb\n\n", "a\nb\n"),
    ],
)
def test_a_secret_file_loses_one_line_end_and_nothing_else(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    a_secret_file(tmp_path / "pw", content)
    assert resolve(an_authorization(file="pw"), tmp_path)["password"] == expected


def test_a_secret_file_that_others_may_read_is_used_with_a_warning(tmp_path: Path) -> None:
    path = a_secret_file(tmp_path / "pw", b"s3cret", mode=0o644)
    told: list[str] = []
    assert resolve(an_authorization(file=str(path)), tmp_path, warn=told.append)["password"] == "s3cret"
    assert told == [
        f"Authorization warehouse-2026: file {path} can be read by others (mode 0644); run: chmod 600 {path}"
    ]


def test_a_private_secret_file_gives_no_warning(tmp_path: Path) -> None:
    a_secret_file(tmp_path / "pw", b"s3cret")
    told: list[str] = []
    resolve(an_authorization(file="pw"), tmp_path, warn=told.append)
    assert told == []


def test_a_mounted_secret_may_be_a_link(tmp_path: Path) -> None:
    a_secret_file(tmp_path / "real", b"s3cret")
    (tmp_path / "pw").symlink_to("real")
    assert resolve(an_authorization(file="pw"), tmp_path)["password"] == "s3cret"


def test_a_systemd_credential_comes_from_its_directory(tmp_path: Path) -> None:
    a_secret_file(tmp_path / "warehouse", b"s3cret\n", mode=0o400)
    resolved = resolve(
        an_authorization(systemdCredential="warehouse"),
        Path("/"),
        environ={"CREDENTIALS_DIRECTORY": str(tmp_path)},
    )
    assert resolved["password"] == "s3cret"


def test_a_rotated_secret_is_read_anew(tmp_path: Path) -> None:
    a_secret_file(tmp_path / "pw", b"first")
    assert resolve(an_authorization(file="pw"), tmp_path)["password"] == "first"
    a_secret_file(tmp_path / "pw", b"second")
    assert resolve(an_authorization(file="pw"), tmp_path)["password"] == "second"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({"env": "PW"}, "environment variable PW is not set; set it where the runner is started"),
        (
            {"env": "EMPTY"},
            "environment variable EMPTY is empty; give it a value where the runner is started",
        ),
        ({"file": "none"}, "{base}/none does not exist; create it, or correct the path"),
        ({"file": "."}, "{base} is not a regular file; name the file that holds the secret"),
        (
            {"systemdCredential": "x"},
            "systemd credential x: CREDENTIALS_DIRECTORY is not set; add LoadCredential=x:PATH to the unit, "
            "and start the runner by it",
        ),
        (
            {"systemdCredential": "../x"},
            "'../x' is not the name of a systemd credential; a name has no '/'",
        ),
        ({}, "a secret needs exactly one source; write from: with one of env, file, systemdCredential"),
        (
            {"env": "PW", "file": "x"},
            "a secret needs exactly one source; write from: with one of env, file, systemdCredential",
        ),
        (
            {"vault": "x"},
            "a secret needs exactly one source; write from: with one of env, file, systemdCredential",
        ),
    ],
)
def test_a_missing_secret_says_where_it_was_looked_for_and_what_now(
    tmp_path: Path, source: dict[str, str], reason: str
) -> None:
    with pytest.raises(CredentialMissing) as raised:
        resolve(an_authorization(**source), tmp_path, environ={"EMPTY": ""})
    expected = reason.format(base=tmp_path)
    assert str(raised.value) == f"Authorization warehouse-2026, key password: {expected}"
    assert (raised.value.authorization, raised.value.key) == ("warehouse-2026", "password")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty; write the secret into it"),
        (b"\n", "is empty; write the secret into it"),
        (b"hunter2" * (LIMIT // 7 + 1), "is larger than 64 KiB; name the file that holds only the secret"),
        (b"hunter2\xff", "is not UTF-8 text; store the secret as text, for example as base64"),
        (b"hunter2\0", "contains a NUL byte; store the secret as text, for example as base64"),
    ],
)
def test_an_unusable_secret_is_named_without_its_content(tmp_path: Path, content: bytes, reason: str) -> None:
    a_secret_file(tmp_path / "pw", content)
    with pytest.raises(CredentialMissing) as raised:
        resolve(an_authorization(file="pw"), tmp_path)
    assert str(raised.value).endswith(reason)
    assert "hunter2" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_fifo_in_place_of_a_secret_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pw", 0o600)
    with pytest.raises(CredentialMissing, match="is not a regular file"):
        resolve(an_authorization(file="pw"), tmp_path)


def test_an_authorization_of_another_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CredentialMissing) as raised:
        resolve({"oauth2": {}}, tmp_path)
    assert str(raised.value) == (
        "Authorization warehouse-2026, key config: this release reads only Authorizations with spec.config"
    )
