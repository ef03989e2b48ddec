"""Whether a source belongs to the project that plans it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runner.reconcile.owner import Answer, Owner, decide_owner

PLAIN = Owner(folder="/home/ana/shop/jobs.d", beside="../home/ana/shop/jobs.d")
CLONED = replace(PLAIN, roots=("a" * 40,), prefix="jobs.d/", remote="git.example/ana/shop")


def elsewhere(owner: Owner, **changes: object) -> Owner:
    return replace(owner, folder="/builds/7/jobs.d", beside="../builds/7/jobs.d", **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("recorded", "now", "shares", "gone", "expected"),
    [
        pytest.param(PLAIN, PLAIN, None, False, "same", id="the same folder"),
        pytest.param(PLAIN, CLONED, None, False, "same", id="the folder has become a repository"),
        pytest.param(CLONED, PLAIN, None, False, "same", id="the folder is no repository any more"),
        pytest.param(
            PLAIN,
            replace(PLAIN, folder="/mnt/shop/jobs.d"),
            None,
            True,
            "same",
            id="moved together with its database",
        ),
        pytest.param(PLAIN, elsewhere(PLAIN), None, False, "other", id="another folder"),
        pytest.param(PLAIN, elsewhere(PLAIN), None, True, "unsure", id="moved, or another one"),
        pytest.param(CLONED, elsewhere(CLONED, remote=""), True, False, "same", id="a clone"),
        pytest.param(CLONED, elsewhere(CLONED), None, False, "same", id="a shallow clone of the same remote"),
        pytest.param(
            CLONED,
            elsewhere(CLONED, remote="git.example/bo/x"),
            None,
            False,
            "other",
            id="another shallow one",
        ),
        pytest.param(
            CLONED,
            elsewhere(CLONED, prefix="b/jobs.d/"),
            True,
            False,
            "other",
            id="beside it in one repository",
        ),
        pytest.param(
            CLONED, elsewhere(CLONED, prefix="b/jobs.d/"), True, True, "unsure", id="moved in its repository"
        ),
        pytest.param(
            CLONED, replace(CLONED, remote=""), False, False, "unsure", id="another history in place"
        ),
        pytest.param(
            CLONED,
            replace(CLONED, remote="git.example/bo/x"),
            None,
            False,
            "unsure",
            id="another shallow one in the same workspace",
        ),
        pytest.param(CLONED, elsewhere(CLONED, remote=""), False, True, "unsure", id="another history, gone"),
    ],
)
def test_who_owns_a_source(recorded: Owner, now: Owner, shares: bool | None, gone: bool, expected: Answer):
    assert decide_owner(recorded, now, shares=shares, gone=gone) == expected
