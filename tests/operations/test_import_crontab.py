"""A crontab becomes declarations that validate, and a report of all that is not as cron does it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "crontab"))

from crontabs import DEBIAN, E2SCRUB, PHP, SA_EXIM, VIXIE

from runner.loading.tree import load_tree
from runner.operations.import_crontab import Asked, Imported, import_crontab
from runner.vocabulary.diagnostic import has_errors
from runner.vocabulary.errors import Refused, RunnerError
from runner.vocabulary.identity import Address

BERLIN = Asked(zone="Europe/Berlin")


def imported(text: str, out: Path, asked: Asked = BERLIN, origin: str = "crontab") -> Imported:
    return import_crontab(text.encode("utf-8", "surrogateescape"), origin, out, asked)


def spec(out: Path, name: str) -> dict:
    tree = load_tree(out, project=out)
    assert not has_errors(tree.diagnostics), tree.diagnostics
    return dict(tree.document(Address("Job", name)).declared["spec"])


def messages(found: Imported, severity: str) -> list[str]:
    return [each.message for each in found.remarks if each.severity == severity]


@pytest.mark.parametrize("text", [DEBIAN, E2SCRUB, PHP, SA_EXIM, VIXIE])
def test_real_crontabs_are_carried_over_whole(text: str, tmp_path: Path):
    found = imported(text, tmp_path / "jobs.d")

    assert messages(found, "lost") == []
    assert len(found.jobs) == found.lines
    tree = load_tree(tmp_path / "jobs.d", project=tmp_path)
    assert not has_errors(tree.diagnostics)
    assert len(tree.objects) == found.lines == len(found.files)
    after = datetime(2026, 11, 1, tzinfo=UTC)
    assert found.compared_with_cron(after, after + timedelta(days=30), 5).deviations == ()


def test_a_job_says_how_cron_behaves(tmp_path: Path):
    imported(DEBIAN, tmp_path, Asked(zone="Europe/Berlin", enabled=False, group="from-cron"))

    assert spec(tmp_path, "run-parts-cron-weekly") == {
        "description": "From crontab, line 20",
        "enabled": False,
        "schedule": {"cron": "47 6 * * 7", "timezone": "Europe/Berlin"},
        "groups": ["from-cron"],
        "concurrency": {"policy": "allow"},
        "missed": {"policy": "none"},
        "retry": "none",
        "failAfter": "never",
        "onCrash": "fail",
        "timeout": None,
        "deadline": None,
        "runAs": "root",
        "env": {
            "SHELL": "/bin/sh",
            "PATH": "/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin",
            "LOGNAME": "root",
        },
        "steps": [
            {
                "name": "command",
                "shell": '#!/bin/sh\ncd "$HOME"\ntest -x /usr/sbin/anacron || '
                "{ cd / && run-parts --report /etc/cron.weekly; }\n",
            }
        ],
    }
    assert (tmp_path / "from-cron.yaml").read_text().endswith("enabled: true\n")


def test_the_input_of_a_command_and_its_mail_are_kept(tmp_path: Path):
    found = imported(VIXIE, tmp_path)

    assert spec(tmp_path, "mail")["steps"][0]["shell"] == (
        "#!/bin/sh\ncd \"$HOME\"\nexec /bin/sh -c 'mail -s \"It'\"'\"'s 10pm\" joe' <<'END_OF_INPUT'\n"
        "Joe,\n\nWhere are your kids?\nEND_OF_INPUT\n"
    )
    assert spec(tmp_path, "mail")["description"] == "run at 10 pm on weekdays, annoy Joe"
    assert "cron/mailto: paul" in (tmp_path / "mail.yaml").read_text()
    assert "to paul; here it is in each run's log (`runner logs NAME`)" in messages(found, "differs")[0]


def test_the_zone_of_cron_tz_is_the_schedules(tmp_path: Path):
    imported("CRON_TZ=America/New_York\n30 1 * * * backup\n", tmp_path)

    assert spec(tmp_path, "backup")["schedule"]["timezone"] == "America/New_York"


def test_lines_that_want_both_days_share_a_calendar(tmp_path: Path):
    text = "5 4 */3 * 1-5 one\n6 4 */3 * sat two\n7 4 1 * * three\n8 4 1,15 * */2 four\n"
    found = imported(text, tmp_path / "jobs.d")

    assert messages(found, "lost") == []
    assert [job.calendar for job in found.jobs] == [
        "only-days-1-to-31-by-3",
        "only-days-1-to-31-by-3",
        None,
        "only-days-1-15",
    ]
    assert spec(tmp_path / "jobs.d", "one")["schedule"] == {
        "cron": "5 4 * * 1-5",
        "timezone": "Europe/Berlin",
        "calendars": ["only-days-1-to-31-by-3"],
    }
    assert [file.name for file in found.files][-2:] == ["only-days-1-to-31-by-3.yaml", "only-days-1-15.yaml"]
    assert messages(found, "note")[1] == (
        "cron wants both days of '5 4 */3 * 1-5', because one begins with a star; here that is '5 4 * * 1-5' "
        "without what calendar only-days-1-to-31-by-3 leaves out"
    )
    after = datetime(2026, 1, 1, tzinfo=UTC)
    compared = found.compared_with_cron(after, after + timedelta(days=800), 5)
    assert (compared.starts > 200, compared.deviations) == (True, ())
    tree = load_tree(tmp_path / "jobs.d", project=tmp_path)
    assert not has_errors(tree.diagnostics)
    more = imported("9 4 */3 * sun five\n", tmp_path / "jobs.d")
    assert [file.name for file in more.files] == ["five.yaml"]


def test_a_zone_that_does_not_exist_is_said(tmp_path: Path):
    found = imported("CRON_TZ=Mars/Olympus\n30 1 * * * backup\n30 2 * * 1 clean\n", tmp_path)

    assert found.jobs == ()
    assert messages(found, "lost")[0].startswith("not imported: CRON_TZ: 'Mars/Olympus' is not a time zone")


def test_a_start_at_boot_is_a_trigger_or_is_said(tmp_path: Path):
    found = imported("@reboot /usr/local/bin/warm-cache\n0 1 * * * a\n", tmp_path)

    carried = [job for job in found.jobs if job.cron is None]
    if carried:
        assert spec(tmp_path, "warm-cache")["schedule"] == {"trigger": {"startup": {}}}
        assert any("not only when the machine starts" in each for each in messages(found, "differs"))
    else:
        assert "not imported" in messages(found, "lost")[0]


def test_what_would_be_invalid_is_not_written(tmp_path: Path):
    found = imported("0 0 31 2 * never\n4 4 * * * printf '${{ x }}'\n0 1 * * * fine\n", tmp_path)

    assert [job.name for job in found.jobs] == ["fine"]
    assert [path.name for path in tmp_path.iterdir()] == ["fine.yaml"]
    assert [(r.line, r.message.partition(":")[0]) for r in found.remarks if r.severity == "lost"] == [
        (1, "not imported"),
        (2, "not imported"),
    ]


def test_a_second_import_is_refused_and_changes_nothing(tmp_path: Path):
    imported("0 1 * * * one\n", tmp_path)
    before = (tmp_path / "one.yaml").read_text()

    with pytest.raises(Refused, match=r"one\.yaml already, and nothing was written"):
        imported("0 2 * * * two\n0 3 * * * one\n", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["one.yaml"]
    assert (tmp_path / "one.yaml").read_text() == before


def test_a_secret_in_a_crontab_is_pointed_at(tmp_path: Path):
    found = imported("PGPASSWORD=hunter2\n0 1 * * * pg_dump shop\n", tmp_path)

    assert any("PGPASSWORD looks like a secret" in message for message in messages(found, "differs"))


@pytest.mark.parametrize("raw", [b"\0", b"x" * (5 * 1024 * 1024)])
def test_what_is_no_crontab_is_an_error(raw: bytes, tmp_path: Path):
    with pytest.raises(RunnerError, match="that is no crontab"):
        import_crontab(raw, "file", tmp_path, BERLIN)


def test_the_commands_really_run_as_cron_runs_them(tmp_path: Path):
    import subprocess

    imported("FOO=bar\n1 1 * * * false; echo $FOO; pwd; cat%one%two\n", tmp_path)
    [file] = tmp_path.iterdir()
    made = spec(tmp_path, file.stem)
    script = tmp_path / "script"
    script.write_text(made["steps"][0]["shell"])
    done = subprocess.run(
        ["/bin/sh", str(script)],
        env={**made["env"], "HOME": "/"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout == "bar\n/\none\ntwo\n"
