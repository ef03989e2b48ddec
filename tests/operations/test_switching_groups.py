"""A disabled group holds its jobs; git's groups are git's."""

from __future__ import annotations

import pytest
from installations import ANA, NOW, Installation, a_group, a_job

from runner.operations.groups import Switched, disable_groups, enable_groups
from runner.vocabulary.errors import IllegalTransition, UnknownName


@pytest.fixture
def nightly(here: Installation) -> Installation:
    here.install(
        a_group("nightly"),
        a_job("report", groups=["nightly"]),
        a_job("import", groups=["nightly"]),
        a_job("other"),
    )
    return here


def disable(here: Installation, *names: str, allow_protected: bool = False) -> tuple[Switched, ...]:
    return here.store.transact(
        lambda tx: disable_groups(
            tx, names, actor=ANA, reason="upgrade", now=NOW, allow_protected=allow_protected
        )
    )


def enable(here: Installation, *names: str) -> tuple[Switched, ...]:
    return here.store.transact(lambda tx: enable_groups(tx, names, actor=ANA, reason="", now=NOW))


def test_disabling_a_group_holds_its_jobs_and_no_other(nightly: Installation) -> None:
    (switched,) = disable(nightly, "nightly")
    assert [job.name for job in switched.jobs] == ["import", "report"]
    assert nightly.holds("report") == [("group:nightly", "ana")]
    assert nightly.holds("other") == []


def test_the_group_itself_keeps_the_hold_for_jobs_that_join_later(nightly: Installation) -> None:
    disable(nightly, "nightly")
    assert nightly.holds("nightly", "Group") == [("operator", "ana")]


def test_disabling_twice_changes_nothing_the_second_time(nightly: Installation) -> None:
    disable(nightly, "nightly")
    (again,) = disable(nightly, "nightly")
    assert again.changed is False


def test_enabling_brings_back_what_only_the_group_held(nightly: Installation) -> None:
    nightly.hold("import", "operator")
    disable(nightly, "nightly")
    (switched,) = enable(nightly, "nightly")
    assert [(job.name, job.status) for job in switched.jobs] == [("import", "DISABLED"), ("report", "ASLEEP")]
    assert nightly.holds("nightly", "Group") == []
    (again,) = enable(nightly, "nightly")
    assert again.changed is False


def test_a_protected_job_is_not_disabled_with_its_group_by_accident(nightly: Installation) -> None:
    nightly.install(a_job("housekeeping", type="system", groups=["nightly"]))
    (switched,) = disable(nightly, "nightly")
    assert nightly.holds("housekeeping") == []
    assert switched.jobs[0].notes == ("protected: left alone without --allow-protected",)
    disable(nightly, "nightly", allow_protected=True)
    assert nightly.holds("housekeeping") == [("group:nightly", "ana")]


def test_a_group_that_git_disables_is_not_enabled_here(here: Installation) -> None:
    here.install(a_group("nightly", enabled=False))
    with pytest.raises(IllegalTransition) as refused:
        enable(here, "nightly")
    assert str(refused.value) == (
        "disabled by git: Group/nightly (jobs.d/nightly.yaml:1); enable is accepted when only an operator "
        "disabled the group, so change spec.enabled there and apply"
    )


def test_an_unknown_group_is_told_with_the_nearest_one(nightly: Installation) -> None:
    with pytest.raises(UnknownName) as refused:
        disable(nightly, "nigthly")
    assert str(refused.value) == "no Group is called 'nigthly'; did you mean 'nightly'?"
