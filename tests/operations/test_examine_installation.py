"""What doctor finds: each question has one answer, and what is not well says what now."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from installations import NOW, Installation, a_job

from runner.execution.still import Still
from runner.operations import daemon_now
from runner.operations import examine_installation as room
from runner.operations.examine_installation import examine_installation
from runner.operations.finding import Finding
from runner.operations.status import situation
from runner.operations.tz_database import tz_version
from runner.store.daemon_lock import daemon_lock
from runner.store.sources import SourceRecord
from runner.store.zones import ZoneRecord
from runner.vocabulary.instants import to_the_second


def found(here: Installation, now: Any = NOW) -> dict[str, Finding]:
    return {each.topic: each for each in examine_installation(here.state.parent, here.path, now)}


def a_session(here: Installation, pid: int, at: Any = NOW) -> None:
    here.store.transact(
        lambda tx: tx.sessions.start("up", pid=pid, host="here", boot_id="b", login="ana", at=at)
    )


def reload_note(here: Installation, **different: Any) -> None:
    note = {"ok": True, "text": "", "cause": "invalid", "waiting": None, **different}
    (here.state / "reload.json").write_text(json.dumps(note))


@pytest.fixture(autouse=True)
def plenty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LITTLE_SPACE", 1)


def test_without_a_database_it_says_how_to_get_one(tmp_path: Path) -> None:
    findings = examine_installation(tmp_path, tmp_path / ".runner" / "runner.db", NOW)
    assert (findings[-1].topic, findings[-1].verdict) == ("database", "warning")
    assert findings[-1].advice == "run `runner up`, or `runner reconcile --create`"


def test_a_database_that_is_none_is_an_error_and_no_traceback(here: Installation) -> None:
    here.store.close()
    here.path.write_bytes(b"hello" * 1000)
    finding = found(here)["database"]
    assert finding.verdict == "error"
    assert "is no database; if it was one of the runner" in finding.text


def test_a_state_directory_that_others_may_read_is_an_error(here: Installation) -> None:
    here.state.chmod(0o755)
    finding = found(here)["state"]
    assert (finding.verdict, finding.advice) == ("error", f"chmod 700 {here.state}")
    here.state.chmod(0o700)
    assert found(here)["state"].verdict == "ok"


def test_a_secret_file_that_others_may_read_is_a_warning(here: Installation, tmp_path: Path) -> None:
    secret, private = tmp_path / "token", tmp_path / "password"
    for path, mode in ((secret, 0o640), (private, 0o600)):
        path.write_text("hunter22")
        path.chmod(mode)
    config = {
        "token": {"from": {"file": str(secret)}},
        "password": {"from": {"file": str(private)}},
        "other": {"from": {"file": "nowhere"}},
        "user": "etl",
        "key": {"from": {"env": "KEY"}},
    }
    job = a_job("api")
    here.install(
        replace(job, kind="Authorization", resolved={"config": config}, digest="sha256:a", enabled=None)
    )
    assert [
        each for each in examine_installation(tmp_path, here.path, NOW) if each.topic == "credentials"
    ] == [
        Finding(
            "credentials",
            "warning",
            f"Authorization/api: file {secret} can be read by others (mode 0640)",
            f"chmod 600 {secret}",
        )
    ]


def test_little_space_is_an_error(here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LITTLE_SPACE", 2**80)
    assert found(here)["disk"].verdict == "error"


def test_without_a_daemon_nothing_starts(here: Installation) -> None:
    assert found(here)["daemon"].text == "not running: nothing starts"


def test_a_daemon_that_lives_is_well(here: Installation) -> None:
    a_session(here, os.getpid())
    with daemon_lock(here.state):
        finding = found(here, NOW + timedelta(seconds=20))["daemon"]
    assert (finding.verdict, finding.text.partition(" on ")[0]) == ("ok", f"pid {os.getpid()}")


def test_a_daemon_that_has_not_been_heard_is_an_error(here: Installation) -> None:
    a_session(here, os.getpid())
    with daemon_lock(here.state):
        finding = found(here, NOW + timedelta(minutes=5))["daemon"]
    assert finding.verdict == "error"
    assert "last heard 5m ago" in finding.text


def test_a_daemon_that_is_stopped_is_an_error_at_once(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_session(here, os.getpid())
    monkeypatch.setattr(daemon_now, "stands_still", lambda pid: Still(pid, by_debugger=False))
    with daemon_lock(here.state):
        finding = found(here, NOW + timedelta(seconds=2))["daemon"]
    assert (finding.verdict, finding.advice) == ("error", f"kill -CONT {os.getpid()}")
    assert finding.text.endswith("is stopped (SIGSTOP): nothing starts; last heard 2s ago")


def test_a_daemon_that_drains_starts_nothing_and_that_is_a_warning(here: Installation) -> None:
    a_session(here, os.getpid())
    here.install(a_job("load"))
    here.run("load", "RUNNING")
    with daemon_lock(here.state) as lock:
        lock.note_drain(NOW)
        finding = found(here, NOW + timedelta(seconds=2))["daemon"]
    assert finding.verdict == "warning"
    assert finding.text.endswith(f"drains since {to_the_second(NOW)}: nothing starts any more, 1 running")


def test_a_daemon_that_starts_is_not_taken_for_its_silent_predecessor(here: Installation) -> None:
    a_session(here, 4_000_000, NOW - timedelta(days=1))
    with daemon_lock(here.state):
        finding = found(here)["daemon"]
    assert finding.verdict == "ok"
    assert finding.text.endswith("starting")


def test_a_refused_reload_is_an_error(here: Installation) -> None:
    reload_note(here, ok=False, text="1 error in the declarations")
    finding = found(here)["declarations"]
    assert (finding.verdict, finding.advice) == ("error", "run `runner validate`")
    assert "1 error in the declarations; the last good state runs on" in finding.text


def test_a_reload_that_waits_for_git_says_for_what(here: Installation, tmp_path: Path) -> None:
    rebase = tmp_path / ".git" / "rebase-merge"
    rebase.mkdir(parents=True)
    reload_note(here, waiting={"file": str(rebase), "why": "a rebase is in progress"})
    with daemon_lock(here.state):
        finding = found(here)["declarations"]
        assert finding.verdict == "warning"
        assert f"waits for git before it reloads: a rebase is in progress ({rebase})" in finding.text
        rebase.rmdir()
        assert found(here)["declarations"].verdict == "ok"
    rebase.mkdir()
    assert found(here)["declarations"].verdict == "ok", "nobody waits when no daemon runs"


@pytest.mark.parametrize("content", ["", "[]", "{", '{"ok": false, "waiting": 3}'])
def test_a_note_that_cannot_be_read_is_no_traceback(here: Installation, content: str) -> None:
    (here.state / "reload.json").write_text(content)
    assert found(here)["declarations"].topic == "declarations"


def test_a_git_source_is_told_in_words_with_what_to_do(here: Installation) -> None:
    ready = {
        "status": "False",
        "reason": "RefMissing",
        "message": "the remote has no branch main",
        "since": "",
    }
    here.store.transact(
        lambda tx: tx.sources.put(
            SourceRecord(
                name="team", url="file:///x", ref="branch main", path="jobs.d",
                attempted="b" * 40, attempted_ref="main",
                applied="a" * 40, applied_ref="main", conditions={"Ready": ready},
            )
        )
    )  # fmt: skip
    finding = found(here)["source"]
    assert finding.verdict == "error"
    assert finding.text == (
        "team (file:///x) applied main@aaaaaaa; at main@bbbbbbb: the remote has no branch main"
    )
    assert finding.advice == "bring the branch or tag back, or declare another ref"


def test_without_a_daemon_nothing_is_tried_again_by_itself(here: Installation) -> None:
    ready = {"status": "False", "reason": "RemoteUnreachable", "message": "no route to it", "since": ""}
    source = SourceRecord(
        name="team", url="ssh://x", ref="branch main", path="jobs.d", conditions={"Ready": ready}
    )
    here.store.transact(lambda tx: tx.sources.put(source))
    now = "`runner up` tries it again, `runner reconcile --with-source team` once"
    assert found(here)["source"].advice == now
    with here.store.read() as reader:
        told = {each.kind: each.hint for each in situation(reader, here.state, NOW).findings}
    assert told["source"] == now
    with daemon_lock(here.state):
        assert found(here)["source"].advice == "it is tried again by itself"


def test_the_database_names_its_jobs(here: Installation) -> None:
    here.install(a_job("a"), a_job("b"))
    assert "nothing applied yet" in found(here)["database"].text


def test_a_tz_database_with_other_rules_than_the_daemon_knows_is_told(here: Installation) -> None:
    assert found(here)["zones"].verdict == "ok"
    stale = ZoneRecord("Europe/Berlin", "2019z", NOW, b"TZif2")
    here.store.transact(lambda tx: tx.zones.put(stale))
    told = found(here)["zones"]
    assert told.verdict == "warning"
    assert f"tz database {tz_version()}: the rules of Europe/Berlin are others" in told.text
