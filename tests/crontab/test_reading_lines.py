"""What the lines of a crontab say."""

from __future__ import annotations

import pytest
from crontabs import DEBIAN, E2SCRUB, PHP, SA_EXIM, VIXIE
from hypothesis import given
from hypothesis import strategies as st

from runner.crontab.lines import Crontab, begins_with_a_user, guess_form, read_crontab, split_input


def told(crontab: Crontab, severity: str) -> list[tuple[int, str]]:
    return [(each.line, each.message) for each in crontab.remarks if each.severity == severity]


def test_debians_crontab_has_four_lines_of_root():
    crontab = read_crontab(DEBIAN, "system")

    assert [(e.line, e.when, e.user) for e in crontab.entries] == [
        (18, "17 * * * *", "root"),
        (19, "25 6 * * *", "root"),
        (20, "47 6 * * 7", "root"),
        (21, "52 6 1 * *", "root"),
    ]
    assert crontab.entries[1].command == (
        "test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }"
    )
    assert crontab.entries[0].settings["PATH"].startswith("/usr/local/sbin:")
    assert crontab.entries[0].comments == ()  # the drawing of the fields explains no job
    assert told(crontab, "lost") == []


@pytest.mark.parametrize("text", [DEBIAN, E2SCRUB, PHP, SA_EXIM])
def test_crontabs_of_packages_name_users(text: str):
    assert guess_form(text) == "system"


@pytest.mark.parametrize("text", [VIXIE, "@daily backup all\n", "0 1 * * * pg_dump shop\n", ""])
def test_crontabs_of_users_do_not(text: str):
    assert guess_form(text) == "user"


JUNK = "@every_minute root x\n61 * * * * root x\n1 5 cron.daily run-parts\n* * * * root four\n"


def test_lines_that_cron_would_not_read_have_no_vote():
    assert guess_form(DEBIAN + JUNK + "1 2 3 4 5 6 root echo six fields\n") == "system"
    assert guess_form("0 1 * * * pg_dump shop\n" + JUNK) == "user"
    assert guess_form(JUNK) == "user"


def test_what_editors_elsewhere_leave_behind_is_told_and_the_line_is_read():
    crontab = read_crontab("\ufeff0 5 * * * root echo x\n0 6 * * * root echo \udce4\n", "system")
    assert [entry.command for entry in crontab.entries] == ["echo x"]
    mark = "the file begins with a byte order mark: cron rejects it or its first line"
    assert told(crontab, "differs") == [(1, mark)]
    assert told(crontab, "lost") == [(2, "not imported: it is not UTF-8 (iconv helps)")]
    assert guess_form("\ufeff0 5 * * * root echo x\n") == "system"


@pytest.mark.parametrize(
    ("command", "does"), [("root ls", True), ("www-data php x", True), ("root", False), ("rooted ls", False)]
)
def test_a_command_that_begins_with_a_user_is_known(command: str, does: bool):
    assert begins_with_a_user(command) is does


def test_the_example_of_the_manual():
    crontab = read_crontab(VIXIE, "user")
    mail, wax = crontab.entries[2], crontab.entries[5]

    assert (mail.command, mail.stdin) == ('mail -s "It\'s 10pm" joe', "Joe,\n\nWhere are your kids?\n")
    assert wax.command == "expr $(date +%s) / 60 / 60 / 24 % 9 > /dev/null || echo Wax the floor."
    assert wax.stdin is None
    assert mail.comments == ("run at 10 pm on weekdays, annoy Joe",)
    assert mail.settings == {"SHELL": "/bin/sh", "MAILTO": "paul"}


@pytest.mark.parametrize(
    ("command", "split"),
    [
        ("a", ("a", None)),
        ("a%", ("a", "")),
        ("a%b", ("a", "b\n")),
        (r"a\%b%c\%d%e", ("a%b", "c%d\ne\n")),
        (r"printf 'a\\nb'", (r"printf 'a\\nb'", None)),
        ("a\\", ("a\\", None)),
    ],
)
def test_a_bare_percent_sign_ends_the_command(command: str, split: tuple[str, str | None]):
    assert split_input(command) == split


def test_settings_hold_from_their_line_on():
    crontab = read_crontab(
        '0 1 * * * a\nFOO = "x y" \n0 2 * * * b\nFOO=z # no comment\n0 3 * * * c\n', "user"
    )

    assert [e.settings.get("FOO") for e in crontab.entries] == [None, "x y", "z # no comment"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("5 * * *", "cron wants five fields and a command"),
        ("1 5 cron.daily run-parts /etc/cron.daily", "a line of an anacrontab has four"),
        ("@daily", "there is no command"),
        ("@every_minute x", "'@every_minute' is none of @reboot, @yearly"),
        ("@REBOOT x", "'@REBOOT' is none of @reboot"),
        ("60 * * * * x", "minute: 60 is out of range; cron wants 0 to 59"),
        ("0 24 * * * x", "hour: 24 is out of range"),
        ("0 0 ? * * x", "(of Quartz, not of cron)"),
        ("H 0 * * * x", "`jitter` of a schedule spreads starts"),
        ("0~30 0 * * * x", "`jitter` of a schedule spreads starts"),
        ("0 0 * * Monday x", "day of the week: 'Monday' is nothing that cron reads"),
        ("5/15 * * * * x", "write 5-59/15 or 5"),
        ("0 22-4 * * * x", "the range 22-4 is reversed"),
        ("*/0 * * * * x", "'0' is not a step"),
        ("0 0 * * * printf \x07", "characters that no declaration can hold"),
        ("0 0 * * * \udcff", "it is not UTF-8"),
        ("FOO", "cron wants five fields and a command"),
    ],
)
def test_what_cron_does_not_accept_is_lost_and_said(line: str, why: str):
    crontab = read_crontab(f"{line}\n0 1 * * * b\n", "user")

    [(number, message)] = told(crontab, "lost")
    assert number == 1
    assert message.startswith("not imported: ")
    assert why in message
    assert [entry.command for entry in crontab.entries] == ["b"]


def test_nothing_is_dropped_in_silence():
    crontab = read_crontab(
        "# a header\n\n#0 5 * * 1 tar -zcf /var/backups/home.tgz /home/\nA-B=c\n0 1 * * * a\r\n0 2 * * * b",
        "user",
    )

    assert told(crontab, "note") == [
        (1, "a comment of no line (line 1) is in no description: a header"),
        (3, "commented out, so not imported: 0 5 * * 1 tar -zcf /var/backups/home.tgz /home/"),
    ]
    assert told(crontab, "differs") == [
        (4, "no variable can be called 'A-B' here, so env leaves it out"),
        (5, "ends with a carriage return, which cron hands to the command"),
        (6, "the last line has no line end: cron ignores it or rejects the file"),
    ]


@given(st.text(max_size=400), st.sampled_from(["system", "user"]))
def test_whatever_stands_in_it_is_an_entry_or_a_remark(text: str, form):
    crontab = read_crontab(text, form)
    accounted = {entry.line for entry in crontab.entries} | {each.line for each in crontab.remarks}

    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip(" \t\r") and not line.strip(" \t").startswith("#") and "=" not in line:
            assert number in accounted
    assert guess_form(text) in ("system", "user")
