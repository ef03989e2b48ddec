"""Which changes change an object, and which change what it executes?"""

from __future__ import annotations

import pytest
from builders import a_job

from runner.declaration.digest import canonical, digest
from runner.declaration.resolve import resolve
from runner.declaration.surroundings import Surroundings


def digests(job, files=None):
    return digest("Job", job["metadata"], resolve(job, "Job", Surroundings()), files or {})


def test_the_order_of_keys_does_not_matter():
    there = {"timeout": "1m", "deadline": "2m"}
    back = {"deadline": "2m", "timeout": "1m"}

    assert digests(a_job(**there)) == digests(a_job(**back))


def test_spelling_a_default_out_changes_nothing():
    assert digests(a_job()) == digests(a_job(retry="once", failAfter=3, type="standard"))


@pytest.mark.parametrize("change", [{"version": "2"}, {"description": "other"}, {"labels": {"a": "b"}}])
def test_what_only_informs_changes_the_digest_and_not_what_is_executed(change):
    before, after = digests(a_job()), digests(a_job(**change))

    assert before.digest != after.digest
    assert before.execution == after.execution


def test_the_content_of_a_named_file_is_part_of_both():
    before, after = digests(a_job(), {"a.sql": "1"}), digests(a_job(), {"a.sql": "2"})

    assert before.digest != after.digest
    assert before.execution != after.execution


def test_two_jobs_with_the_same_spec_are_two():
    assert digests(a_job(name="a")) != digests(a_job(name="b"))


def test_a_digest_says_how_it_was_made():
    assert digests(a_job()).digest.startswith("sha256:")
    assert len(digests(a_job()).execution) == len("sha256:") + 64


def test_nan_has_no_canonical_form():
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"a": float("nan")})
