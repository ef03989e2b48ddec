"""`runner import crontab`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

CRONTAB = "# Dump the shop\n0 2 * * * pg_dump shop\n5/15 * * * * odd\n"


def test_the_report_says_what_became_of_each_line(say: Callable, tmp_path: Path) -> None:
    (tmp_path / "tab").write_text(CRONTAB)
    said = say(
        *("import", "crontab", str(tmp_path / "tab"), "--out", str(tmp_path / "new"), "--zone", "UTC"),
        *("--compare", "30d", "--from", "2026-11-01T00:00Z", "--enabled", "false", "--name-from", "comment"),
    )

    assert said.code == 4
    assert "a user crontab, zone UTC; 1 of 2 lines imported." in said.out
    assert "line 3: not imported: minute: Debian's cron rejects '5/15'" in said.out
    assert "30 starts; none differs." in said.out
    assert "Take the lines out of cron before you apply" in said.out
    assert "enabled: false" in (tmp_path / "new" / "dump-the-shop.yaml").read_text()


def test_the_json_has_the_same(say: Callable, tmp_path: Path) -> None:
    (tmp_path / "tab").write_text("0 2 * * * pg_dump shop\n")
    said = say("import", "crontab", str(tmp_path / "tab"), "--out", str(tmp_path / "new"), "-o", "json")

    assert said.code == 0
    assert (said.json["form"], said.json["lines"]) == ("user", 1)
    [job] = said.json["jobs"]
    assert (job["line"], job["name"], job["cron"]) == (1, "pg-dump-shop", "0 2 * * *")


def test_a_crontab_without_a_line_is_no_success(say: Callable, tmp_path: Path) -> None:
    (tmp_path / "tab").write_text("# nothing\n")

    assert say("import", "crontab", str(tmp_path / "tab"), "--out", str(tmp_path / "new")).code == 1
    assert not (tmp_path / "new").exists()


def test_wrong_usage(say: Callable, tmp_path: Path) -> None:
    assert say("import", "crontab", "x", "--out", "y", "--parallel", "3").code == 64
    assert say("import", "crontab", "x", "--out", "y", "--group", "No Name").code == 64
    assert say("import", "crontab", "no-such-file", "--out", "y").code == 1
