"""The order: what a process is told of its slot, its secrets, its time and what was done before."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from installations import ANA, NOW, Installation, a_job, an_object
from lives import a_slot_run, at, claim, definition_of, end, report, start

from runner.credentials.authorization import CredentialMissing
from runner.declaration.expressions import ExpressionError
from runner.execution.order import Order
from runner.operations.blobs import blob_path, store_blob
from runner.operations.make_order import make_order
from runner.operations.settings import zone_of_jobs_without_a_schedule
from runner.operations.trigger import trigger_job
from runner.operations.whole_copies import DamagedCopy, WholeCopies
from runner.vocabulary.errors import UnknownName

HOURLY: dict[str, Any] = {"every": "1h"}


def order_of(here: Installation, id: int, now: datetime = NOW) -> Order:
    run = here.instance(id)
    definition = definition_of(here, run)
    with here.store.read() as reader:
        zone = zone_of_jobs_without_a_schedule(reader)
    return make_order(
        here.store,
        run,
        definition,
        project=Path("/project"),
        state=here.state,
        now=now,
        copies=WholeCopies(),
        zone=zone,
    )


def for_slot(here: Installation, now: datetime, **spec: Any) -> Order:
    here.install(a_job("tick", **{"schedule": HOURLY, **spec}))
    id = a_slot_run(here, "tick", now)
    claim(here, id, now)
    return order_of(here, id, now)


def by_hand(here: Installation, **spec: Any) -> Order:
    here.install(a_job("tick", **{"schedule": None, **spec}))
    id = trigger_job(here.store, "tick", actor=ANA, key="1", now=NOW).id
    claim(here, id)
    return order_of(here, id)


# -- the slot


def test_the_slot_is_named_in_the_zone_of_its_schedule(here: Installation) -> None:
    schedule = {"cron": "30 2 * * *", "timezone": "Europe/Zurich"}
    order = for_slot(here, datetime.fromisoformat("2026-11-24T01:30:00+00:00"), schedule=schedule)
    assert order.context["slot"] == {
        "time": "2026-11-24T02:30:00+01:00",
        "date": "2026-11-24",
        "zone": "Europe/Zurich",
        "previous": None,
    }


def test_its_date_is_the_local_one(here: Installation) -> None:
    schedule = {"cron": "30 0 * * *", "timezone": "Asia/Tokyo"}
    order = for_slot(here, datetime.fromisoformat("2026-11-23T15:30:00+00:00"), schedule=schedule)
    assert order.context["slot"]["date"] == "2026-11-24"


@pytest.mark.parametrize(
    ("schedule", "now", "previous"),
    [
        ({"every": "1s"}, "2026-11-23T12:00:00+00:00", "2026-11-23T11:59:59+00:00"),
        ({"cron": "0 2 * * mon"}, "2026-11-23T02:00:00+00:00", "2026-11-16T02:00:00+00:00"),
        ({"cron": "0 2 29 2 *"}, "2028-02-29T02:00:00+00:00", "2024-02-29T02:00:00+00:00"),
        ({"at": "2026-12-01T02:00"}, "2026-12-01T02:00:00+00:00", None),
    ],
)
@pytest.mark.parametrize("said", ["slot.previous", "slot['previous']"])
def test_the_slot_before_is_found_when_somebody_asks_for_it(
    here: Installation, schedule: dict[str, Any], now: str, previous: str | None, said: str
) -> None:
    env = {"SINCE": f"${{{{ {said} == null ? '' : string({said}) }}}}"}
    order = for_slot(here, datetime.fromisoformat(now), schedule=schedule, env=env)
    assert order.context["slot"]["previous"] == previous
    assert order.env["SINCE"] == (previous or "")


def test_the_slot_before_is_not_looked_for_when_nobody_asks(here: Installation) -> None:
    assert for_slot(here, at(1)).context["slot"]["previous"] is None


def test_a_start_by_hand_stands_for_the_latest_slot_before_it(here: Installation) -> None:
    order = by_hand(here, schedule={"cron": "0 2 * * *"})
    assert order.context["slot"]["time"] == "2026-11-23T02:00:00+00:00"


def test_a_job_without_a_schedule_has_the_moment_of_its_start(here: Installation) -> None:
    slot = by_hand(here).context["slot"]
    assert (slot["time"], slot["zone"]) == ("2026-11-23T12:00:00+00:00", "UTC")


def test_a_job_without_a_schedule_is_in_the_zone_of_the_runner(here: Installation) -> None:
    here.install(an_object("Runner", "runner", {"timezone": "Europe/Zurich"}))
    slot = by_hand(here).context["slot"]
    assert (slot["time"], slot["zone"]) == ("2026-11-23T13:00:00+01:00", "Europe/Zurich")


# -- time


def test_without_a_deadline_the_timeout_is_what_is_declared(here: Installation) -> None:
    assert by_hand(here, timeout="30m").timeout_s == 1800


def test_without_either_it_runs_as_long_as_it_takes(here: Installation) -> None:
    assert by_hand(here).timeout_s is None


@pytest.mark.parametrize(
    ("timeout", "started_after", "seconds"),
    [("30m", "0m", 1800.0), ("30m", "50m", 600.0), (None, "50m", 600.0), (None, "70m", 0.001)],
)
def test_no_attempt_runs_longer_than_to_the_deadline(
    here: Installation, timeout: str | None, started_after: str, seconds: float
) -> None:
    here.install(a_job("tick", schedule=HOURLY, deadline="1h", timeout=timeout))
    id = a_slot_run(here, "tick", at(1))
    claim(here, id, at(1))
    now = at(1) + timedelta(minutes=int(started_after[:-1]))
    assert order_of(here, id, now).timeout_s == seconds


# -- what was done before


def test_completed_and_skipped_steps_are_handed_on(here: Installation) -> None:
    steps = [{"name": name, "shell": "true"} for name in ("first", "second", "third")]
    here.install(a_job("tick", schedule=HOURLY, steps=steps))
    id = a_slot_run(here, "tick", at(1))
    claim(here, id, at(1))
    report(here, id, "start", step="first")
    report(here, id, "complete", step="first", outputs={"rows": 3})
    report(here, id, "skip", step="second")
    report(here, id, "start", step="third")
    end(here, id, now=at(1))
    claim(here, id, at(1))
    order = order_of(here, id)
    assert (order.epoch, order.done, list(order.skipped)) == (2, {"first": {"rows": 3}}, ["second"])


# -- environment, connections and secrets


def test_a_child_gets_only_what_is_declared_and_four_names(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the daemon alone")
    order = by_hand(here, env={"MODE": "full"})
    assert set(order.env) <= {"PATH", "HOME", "LANG", "TZ", "MODE"}
    assert order.env["MODE"] == "full"


def test_inputs_reach_expressions_in_the_environment(here: Installation) -> None:
    inputs = {"region": {"type": "string", "default": "north"}}
    order = by_hand(here, inputs=inputs, env={"REGION": "${{ inputs.region }}"})
    assert (order.env["REGION"], order.context["inputs"]) == ("north", {"region": "north"})
    assert order.context["env"]["REGION"] == "north"


def a_connected_job(here: Installation, secret: Path) -> int:
    here.install(
        an_object("Connection", "db", {"url": "sqlite:///data/sales.db", "authorization": "db-2026"}),
        an_object(
            "Authorization",
            "db-2026",
            {"config": {"user": "etl", "password": {"from": {"file": str(secret)}}}},
        ),
        a_job("load", schedule=None, steps=[{"name": "run", "sql": {"connection": "db", "statement": "x"}}]),
    )
    id = trigger_job(here.store, "load", actor=ANA, key="1", now=NOW).id
    claim(here, id)
    return id


def test_what_arrives_and_no_environment_can_hold_is_told_with_its_name(here: Installation) -> None:
    with pytest.raises(ExpressionError, match=r"env\.NOTE: its value has a NUL character"):
        by_hand(here, env={"NOTE": '${{ "a\\u0000b" + job.name }}'})


def test_a_connection_comes_with_its_secret_which_is_masked(here: Installation, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hunter22\n")
    secret.chmod(0o600)
    order = order_of(here, a_connected_job(here, secret))
    assert order.connections["db"] == {
        "url": "sqlite:////project/data/sales.db",
        "user": "etl",
        "password": "hunter22",
    }
    assert (list(order.masks), order.profile) == (["etl:hunter22", "hunter22"], "data")


def test_a_secret_that_stands_in_the_declaration_is_masked_in_logs_too(here: Installation) -> None:
    env = {"API_TOKEN": "hunter2hunter2", "PIN_TOKEN": "1234", "MODE": "nightly", "TOKEN_FILE": "/run/token"}
    assert list(by_hand(here, env=env).masks) == ["hunter2hunter2"]


def test_a_missing_secret_names_its_place_and_not_more(here: Installation, tmp_path: Path) -> None:
    id = a_connected_job(here, tmp_path / "nothing")
    with pytest.raises(CredentialMissing) as missing:
        order_of(here, id)
    assert "Authorization db-2026, key password: " in str(missing.value)
    assert "does not exist" in str(missing.value)


def test_a_connection_that_is_gone_is_unknown(here: Installation) -> None:
    here.install(
        a_job("load", schedule=None, steps=[{"name": "run", "sql": {"connection": "db", "statement": "x"}}])
    )
    id = trigger_job(here.store, "load", actor=ANA, key="1", now=NOW).id
    claim(here, id)
    with pytest.raises(UnknownName, match="Connection/db is not installed"):
        order_of(here, id)


def test_a_key_that_an_authorization_lacks_is_told_with_those_that_it_has(here: Installation) -> None:
    here.install(an_object("Authorization", "api", {"config": {"user": "etl"}}))
    here.install(a_job("call", schedule=None, env={"T": {"authorization": "api", "key": "token"}}))
    id = trigger_job(here.store, "call", actor=ANA, key="1", now=NOW).id
    claim(here, id)
    with pytest.raises(UnknownName) as unknown:
        order_of(here, id)
    assert str(unknown.value) == "Authorization/api has no key 'token', which env.T names; it has: user"


def test_a_system_job_finds_the_runner_its_project_and_its_database(here: Installation) -> None:
    env = by_hand(here, type="system").env
    assert (env["RUNNER_PROJECT"], env["RUNNER_DB"]) == ("/project", str(here.path))
    assert "RUNNER_DB" not in by_hand_again(here).env


def by_hand_again(here: Installation) -> Order:
    here.install(a_job("other", schedule=None))
    id = trigger_job(here.store, "other", actor=ANA, key="2", now=NOW).id
    start(here, id)
    return order_of(here, id)


def test_an_order_is_plain_json(here: Installation, tmp_path: Path) -> None:
    order = for_slot(here, at(1), deadline="1h")
    json.loads(order.encoded("mark", str(tmp_path)))


# -- the files that it names


@pytest.mark.parametrize("where", ["files", "libraries"])
def test_a_copy_that_is_not_what_was_applied_makes_no_order(here: Installation, where: str) -> None:
    store_blob(here.state, sha256(b"x = 1").hexdigest(), b"x = 1")
    copy = blob_path(here.state, sha256(b"x = 1").hexdigest())
    here.install(a_job("tick", schedule=None))
    id = trigger_job(here.store, "tick", actor=ANA, key="1", now=NOW).id
    claim(here, id)
    run = here.instance(id)
    files = {"dates.py": str(copy)}
    named = {"files": files} if where == "files" else {"libraries": {"dates": files}}
    definition = replace(definition_of(here, run), **named)  # type: ignore[arg-type]

    def order(copies: WholeCopies) -> Order:
        return make_order(
            here.store,
            run,
            definition,
            project=Path("/p"),
            state=here.state,
            now=NOW,
            copies=copies,
            zone="UTC",
        )

    copies = WholeCopies()
    assert str(copy) in (*order(copies).files.values(), *order(copies).libraries.get("dates", {}).values())
    copy.write_bytes(b"x = 2")
    with pytest.raises(DamagedCopy, match=r"^the copy of dates\.py as it was applied has been changed since"):
        order(copies)
