"""Which values are shown, and which are not?"""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.reconcile.masking import MASK, masked, masked_text


@pytest.mark.parametrize(
    ("path", "value", "shown"),
    [
        ("spec.env.DB_PASSWORD", "hunter2", MASK),
        ("spec.env.API_KEY", "abc", MASK),
        ("spec.env.GITHUB_TOKEN", "abc", MASK),
        ("spec.env.MODE", "full", "full"),
        ("spec.env.PASSENGERS", "12", "12"),
        ("spec.with.key", "id", "id"),
        (
            "spec.config.password",
            {"from": {"env": "WAREHOUSE_PASSWORD"}},
            {"from": {"env": "WAREHOUSE_PASSWORD"}},
        ),
        (
            "spec.env.PGPASSWORD",
            {"authorization": "w", "key": "password"},
            {"authorization": "w", "key": "password"},
        ),
        ("spec.oauth2.tokenUrl", "https://id.example/token", "https://id.example/token"),
        ("spec.url", "postgresql://etl:hunter2@db/x", f"postgresql://etl:{MASK}@db/x"),
        ("spec.url", "postgresql://db.example/warehouse", "postgresql://db.example/warehouse"),
        ("spec.headers", {"X-Api-Key": "abc", "Accept": "json"}, {"X-Api-Key": MASK, "Accept": "json"}),
        ("spec.headers", {"Authorization": "Bearer abc"}, {"Authorization": MASK}),
        ("spec.env.SECRETS", ["a", "b"], [MASK, MASK]),
        ("spec.with.passwords", ["a"], [MASK]),
        (
            "spec.x",
            "argv: [psql, --password, a1, '--token', \"b\"]",
            f"argv: [psql, --password, {MASK}, '--token', {MASK}]",
        ),
        ("spec.secret", None, None),
        ("spec.env.MYSQL_PWD", "hunter2", MASK),
        ("spec.env.PASSWORD_FILE", "/run/secrets/db", "/run/secrets/db"),
        ("spec.env.AUTHOR", "ana", "ana"),
        ("spec.steps.a.sql.with", {"password": "hunter2", "day": "1"}, {"password": MASK, "day": "1"}),
        (
            "spec.env.CONN",
            "Server=x;User=sa;Password=hunter2;Timeout=5",
            f"Server=x;User=sa;Password={MASK};Timeout=5",
        ),
        ("spec.env.BEARER", "Bearer abcdef123", f"Bearer {MASK}"),
        ("spec.env.X", "ghp_" + "a1B2" * 9, MASK),
        ("spec.env.Y", "AKIAIOSFODNN7EXAMPLE", MASK),
        (
            "spec.steps.a.http.url",
            "https://bob:pw@x.example/?token=abc&day=1",
            f"https://bob:{MASK}@x.example/?token={MASK}&day=1",
        ),
        (
            "spec.steps.a.shell",
            "curl -H 'Authorization: Bearer abc' https://u:pw@x.example && echo done",
            f"curl -H 'Authorization: Bearer {MASK}' https://u:{MASK}@x.example && echo done",
        ),
        ("spec.steps.a.shell", "mysql --password=hunter2 db", f"mysql --password={MASK} db"),
        ("spec.steps.a.shell", "login --token hunter2 --user ana", f"login --token {MASK} --user ana"),
        ("spec.steps.a.shell", "export PGPASSWORD=hunter2; psql", f"export PGPASSWORD={MASK}; psql"),
        (
            "spec.steps.a.shell",
            'psql "$PGPASSWORD"; PASSWORD=$PW psql',
            'psql "$PGPASSWORD"; PASSWORD=$PW psql',
        ),
        ("spec.text", "{DB_PASSWORD: [hunter2], MODE: [a]}", f"{{DB_PASSWORD: {MASK}, MODE: [a]}}"),
        ("spec.steps.a.sql", "ALTER ROLE x PASSWORD 'hunter2'", f"ALTER ROLE x PASSWORD {MASK}"),
        ("spec.steps.a.python.source", "token = get_token()", "token = get_token()"),
        ("spec.description", "Rotates the tokens of the api", "Rotates the tokens of the api"),
        (
            "spec.config.text",
            "a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nb",
            f"a\n{MASK}\nb",
        ),
    ],
)
def test_secrets_are_masked_and_where_they_come_from_is_not(path, value, shown):
    assert masked(tuple(path.split(".")), value) == shown


@pytest.mark.parametrize(
    "piece", ["password", "x://", "x://a:", "--token ", "a.token-", "eyJaaaaaaaaaa.", "-", 'token="a', "key "]
)
def test_no_text_takes_long(piece):
    text = piece * (250_000 // len(piece)) + "key"
    began = time.process_time()
    masked_text(text)
    assert time.process_time() - began < 5  # a quarter of it at most, where nobody else works


@given(st.text(alphabet="abpasword=:;'\"-/@ \n$", max_size=200), st.text(alphabet=" \n;\"'", max_size=3))
def test_a_password_in_a_connection_string_is_masked_whatever_stands_around_it(text, end):
    assert "hunter2" not in masked_text(f"{text} Password=hunter2{end}")
