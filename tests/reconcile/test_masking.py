"""Which values are shown, and which are not?"""

from __future__ import annotations

import pytest

from runner.reconcile.masking import MASK, masked


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
        ("spec.secret", None, None),
    ],
)
def test_secrets_are_masked_and_where_they_come_from_is_not(path, value, shown):
    assert masked(tuple(path.split(".")), value) == shown
