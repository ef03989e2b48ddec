"""A job that fails tells since when, and what had changed just before."""

from __future__ import annotations

from installations import ANA, NOW, Installation, a_job

from runner.operations.show_job import Failing, show_job
from runner.vocabulary.identity import Address


def shown(here: Installation) -> Failing | None:
    with here.store.read() as reader:
        return show_job(reader, "nightly", now=NOW).failing


def revise(here: Installation, commit: str) -> None:
    from dataclasses import replace

    with here.store.read() as reader:
        was = reader.objects.get(Address("Job", "nightly"))
    assert was is not None
    new = replace(a_job("nightly", timeout="9m"), commit=commit)
    here.store.transact(
        lambda tx: tx.objects.update(was.uid, new, expected_digest=was.digest, at=NOW, who=str(ANA))
    )


def test_a_job_that_succeeds_does_not_fail(here: Installation) -> None:
    here.install(a_job("nightly"))
    assert shown(here) is None
    here.run("nightly", "FAILED", key="1")
    here.run("nightly", "SUCCEEDED", key="2")
    assert shown(here) is None


def test_the_first_failure_of_a_row_counts_and_its_commit(here: Installation) -> None:
    here.install(a_job("nightly"))
    here.run("nightly", "SUCCEEDED", key="1")
    revise(here, "4f2c9e1")
    first = here.run("nightly", "FAILED", key="2")
    here.run("nightly", "FAILED", key="3")
    failing = shown(here)
    assert failing is not None
    assert (failing.run, failing.commit, failing.changed) == (first, "4f2c9e1", True)


def test_failures_of_an_unchanged_definition_say_so(here: Installation) -> None:
    here.install(a_job("nightly"))
    here.run("nightly", "SUCCEEDED", key="1")
    here.run("nightly", "FAILED", key="2")
    failing = shown(here)
    assert failing is not None and not failing.changed
