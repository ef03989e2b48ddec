"""Who may do what."""

from __future__ import annotations

import pytest

from runner.access.permission import Actor, may
from runner.vocabulary.errors import NotAllowed

ANA = Actor("ana")


def test_the_name_given_with_as_stands_beside_the_login_never_instead_of_it() -> None:
    assert str(Actor("ana", "ci")) == "ci (ana)"
    assert str(ANA) == "ana"


@pytest.mark.parametrize("verb", ["trigger", "enable", "disable", "reset", "cancel", "uninstall"])
def test_an_admin_may_do_everything_to_an_ordinary_job(verb: str) -> None:
    may(ANA, verb)


@pytest.mark.parametrize("verb", ["disable", "group", "update", "uninstall"])
def test_a_protected_job_changes_only_when_that_is_said(verb: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        may(ANA, verb, protected=True)
    assert str(refused.value) == f"this job is protected; {verb} needs --allow-protected"
    may(ANA, verb, protected=True, allow_protected=True)


def test_a_protected_job_may_be_triggered_and_reset_as_any_other() -> None:
    may(ANA, "trigger", protected=True)
    may(ANA, "reset", protected=True)


def test_saying_so_does_not_replace_the_role() -> None:
    with pytest.raises(NotAllowed) as refused:
        may(Actor("bob", role="operator"), "disable", protected=True, allow_protected=True)
    assert str(refused.value) == "bob may not disable a protected job: it needs the role admin"


def test_a_reader_reads() -> None:
    reader = Actor("eve", role="reader")
    may(reader, "read")
    with pytest.raises(NotAllowed) as refused:
        may(reader, "trigger")
    assert str(refused.value) == "eve may not trigger: it needs the role operator, and this is a reader"
