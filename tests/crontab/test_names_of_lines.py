"""What imported lines are called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.crontab.naming import name_from_command, name_from_comment, unique
from runner.vocabulary.names import is_object_name


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (
            "test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }",
            "run-parts-cron-daily",
        ),
        ("test -e /run/systemd/system || SERVICE_MODE=1 /sbin/e2scrub_all -A -r", "e2scrub-all"),
        ("[ -x /usr/lib/php/sessionclean ] && /usr/lib/php/sessionclean", "sessionclean"),
        ("certbot -q renew --deploy-hook 'x'", "certbot-renew"),
        ("/usr/bin/nice -n 19 /opt/jobs/clean.py --all", "clean"),
        ("cd /srv/app && flock -n /tmp/x.lock python3 manage.py sync", "manage"),
        ("pg_dump shop | gzip > /backup/shop.gz", "pg-dump-shop"),
        ("$HOME/bin/daily.job >> $HOME/tmp/out 2>&1", "daily-job"),
        ("   ", ""),
        (":", ""),
        ("ÄÖ", ""),
    ],
)
def test_a_name_says_what_runs(command: str, name: str):
    assert name_from_command(command) == name


def test_a_comment_can_be_the_name():
    assert name_from_comment(("", "Nightly dump of the shop's database!", "more")) == (
        "nightly-dump-of-the-shop-s-database"
    )
    assert name_from_comment(()) == ""


def test_names_are_never_given_twice():
    assert unique("a", {"b"}) == "a"
    assert unique("a", {"a", "a-2"}) == "a-3"
    assert len(unique("x" * 63, {"x" * 63})) == 63


@given(st.text(max_size=200))
def test_whatever_the_command_the_name_may_name_an_object(command: str):
    for name in (name_from_command(command), name_from_comment((command,))):
        assert name == "" or is_object_name(name)
