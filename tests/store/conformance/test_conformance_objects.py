"""Whatever the store is made of: objects, revisions and the serial."""

from __future__ import annotations

import json

import pytest
from store_builders import (
    AT,
    a_hold,
    a_manual_run,
    a_slot_run,
    an_object,
    begin,
    created,
    install,
    later,
    live,
)

from runner.reconcile.owner import Owner
from runner.store.port import Store
from runner.vocabulary.errors import ChangedMeanwhile, StalePlan
from runner.vocabulary.identity import Address

NIGHTLY = Address("Job", "nightly")


def update(store: Store, uid: str, expected: str = "sha256:a1", **given: object) -> int:
    new = an_object(**{"digest": "sha256:a2", **given})
    return store.transact(
        lambda tx: tx.objects.update(uid, new, expected_digest=expected, at=later(60), who="git")
    )


def remove(store: Store, uid: str, expected: str = "sha256:a1") -> None:
    store.transact(lambda tx: tx.objects.remove(uid, expected_digest=expected, at=later(60), who="git"))


def test_an_installed_object_is_read_back_as_it_was_written(store: Store) -> None:
    uid = install(store)
    with store.read() as reader:
        found = reader.objects.get(NIGHTLY)
        assert found is not None
        new = an_object()
        for field in ("kind", "name", "source", "file", "line", "digest", "declared", "resolved", "files",
                      "labels", "enabled", "protected", "prune_disabled", "commit", "dirty"):  # fmt: skip
            assert getattr(found, field) == getattr(new, field), field
        assert (found.uid, found.revision, found.installed_at, found.removed_at) == (uid, 1, AT, None)
        assert reader.objects.by_uid(uid) == found
        assert reader.objects.all("Job") == [found] == reader.objects.all()
        assert reader.objects.all("Group") == []


@pytest.mark.parametrize("enabled", [None, False, True])
@pytest.mark.parametrize("protected", [False, True])
@pytest.mark.parametrize("prune_disabled", [False, True])
def test_a_summary_says_the_same_as_the_object(
    store: Store, enabled: bool | None, protected: bool, prune_disabled: bool
) -> None:
    uid = install(store, enabled=enabled, protected=protected, prune_disabled=prune_disabled)
    with store.read() as reader:
        (summary,) = reader.objects.summaries("Job")
        found = reader.objects.by_uid(uid)
    assert found is not None
    for field in ("uid", "address", "place", "source", "digest", "execution_digest", "revision", "enabled",
                  "protected", "prune_disabled"):  # fmt: skip
        assert getattr(summary, field) == getattr(found, field), field
    assert summary.enabled is enabled


def test_two_objects_never_share_an_address(store: Store) -> None:
    install(store)
    with pytest.raises(ChangedMeanwhile, match=r"Job/nightly is installed already; nothing was changed"):
        install(store)


def test_an_update_is_a_new_revision_and_the_old_one_can_still_be_read(store: Store) -> None:
    uid = install(store)
    assert update(store, uid, resolved={"schedule": "0 3 * * *"}) == 2
    with store.read() as reader:
        (summary,) = reader.objects.summaries("Job")
        assert (summary.uid, summary.digest, summary.revision) == (uid, "sha256:a2", 2)
        assert [r.revision for r in reader.revisions.of(uid)] == [2, 1]
        assert reader.revisions.get(uid, "sha256:a2") == {"schedule": "0 3 * * *"}
        pinned = reader.revisions.get(uid, "sha256:a1")
        assert pinned is not None
        assert pinned["schedule"] == "0 2 * * *"
        assert reader.revisions.get(uid, "sha256:none") is None


def test_an_update_against_another_digest_changes_nothing(store: Store) -> None:
    uid = install(store)
    with pytest.raises(ChangedMeanwhile) as raised:
        update(store, uid, expected="sha256:stale")
    assert str(raised.value) == (
        "Job/nightly was expected with sha256:stale and is installed with sha256:a1; nothing was changed"
    )
    with store.read() as reader:
        (summary,) = reader.objects.summaries()
        assert (summary.digest, summary.revision) == ("sha256:a1", 1)


def test_a_moved_job_keeps_its_uid_holds_slots_and_history(store: Store) -> None:
    uid = install(store)
    id = live(store, a_slot_run(uid))
    store.transact(lambda tx: tx.holds.add(uid, a_hold()))
    store.transact(lambda tx: tx.objects.move(uid, Address("Job", "daily"), at=later(1), who="git"))
    with store.read() as reader:
        assert reader.objects.get(NIGHTLY) is None
        assert [i.id for i in reader.instances.list(job="daily")] == [id]
        assert len(reader.holds.of(uid)) == 1
        assert reader.slots.is_decided(uid, a_slot_run(uid).slot_key)
        assert reader.events.of("Job", "daily")[0].event == "job.moved"


def test_a_job_does_not_move_onto_another(store: Store) -> None:
    uid = install(store)
    install(store, "daily")
    with pytest.raises(ChangedMeanwhile, match="cannot become Job/daily"):
        store.transact(lambda tx: tx.objects.move(uid, Address("Job", "daily"), at=AT, who="git"))


def test_a_removed_object_is_a_tombstone_with_its_history(store: Store) -> None:
    uid = install(store)
    id = live(store, a_slot_run(uid))
    remove(store, uid)
    with store.read() as reader:
        assert reader.objects.get(NIGHTLY) is None
        assert reader.objects.summaries() == []
        (tombstone,) = reader.objects.tombstones()
        assert (tombstone.uid, tombstone.removed_at) == (uid, later(60))
        assert reader.objects.by_uid(uid) == tombstone
        assert [i.id for i in reader.instances.list(job="nightly")] == [id]


def test_an_object_with_unfinished_runs_stays(store: Store) -> None:
    uid = install(store)
    id = created(store, a_manual_run(uid))
    with pytest.raises(ChangedMeanwhile, match=rf"Job/nightly still has run {id}, SCHEDULED"):
        remove(store, uid)


def test_an_object_that_returns_gets_its_uid_and_its_slots_back(store: Store) -> None:
    uid = install(store)
    run = a_slot_run(uid)
    live(store, run)
    remove(store, uid)
    assert install(store, digest="sha256:a3") == uid
    with store.read() as reader:
        found = reader.objects.get(NIGHTLY)
        assert found is not None
        assert (found.revision, found.removed_at, found.digest) == (2, None, "sha256:a3")
    assert store.transact(lambda tx: tx.instances.create(run, who="scheduler", at=AT)) is None


def test_an_operators_hold_outlives_an_uninstall_and_gits_does_not(store: Store) -> None:
    uid = install(store)
    for kind in ("operator", "git", "new", "group:night", "removed", "failure"):
        store.transact(lambda tx, kind=kind: tx.holds.add(uid, a_hold(kind)))
    remove(store, uid)
    with store.read() as reader:
        assert reader.holds.all() == {}
    install(store)
    with store.read() as reader:
        assert {h.kind for h in reader.holds.of(uid)} == {"operator", "failure"}


def test_the_same_content_at_another_place_is_no_new_revision(store: Store) -> None:
    uid = install(store)
    store.transact(lambda tx: tx.objects.relocate(uid, file="jobs.d/b.yaml", line=9, commit="5d", dirty=True))
    with store.read() as reader:
        found = reader.objects.by_uid(uid)
    assert found is not None
    assert (str(found.place), found.commit, found.dirty, found.revision) == ("jobs.d/b.yaml:9", "5d", True, 1)


def test_files_stay_in_use_while_a_run_is_pinned_to_them(store: Store) -> None:
    uid = install(store)
    id = created(store, a_slot_run(uid))
    update(store, uid, files={"jobs.d/sum.sql": "b" * 64})
    with store.read() as reader:
        assert reader.revisions.blobs_in_use() == {"f" * 64, "b" * 64}
    store.transact(lambda tx: _finish(tx, id))
    with store.read() as reader:
        assert reader.revisions.blobs_in_use() == {"b" * 64}


def _finish(tx, id):  # type: ignore[no-untyped-def]
    from store_builders import succeed

    succeed(tx, id, epoch=begin(tx, id))


def apply(store: Store, expected: int, source: str = "jobs.d") -> int:
    return store.transact(
        lambda tx: tx.set_serial(
            expected, source=source, tree_digest="sha256:t", commit="4f2", branch="main", dirty=False, at=AT,
            who="git",
        )
    )  # fmt: skip


def test_the_serial_rises_with_each_apply_and_refuses_a_stale_plan(store: Store) -> None:
    with store.read() as reader:
        assert (reader.serial(), reader.applied()) == (0, None)
    assert apply(store, 0) == 1
    assert apply(store, 1, source="other.d") == 2
    with pytest.raises(StalePlan) as raised:
        apply(store, 1)
    assert str(raised.value) == (
        "The plan was made against serial 1, and the database is at serial 2 now; make a new plan"
    )
    with store.read() as reader:
        assert reader.serial() == 2
        last, first = reader.applied(), reader.applied("jobs.d")
        assert last is not None and first is not None
        assert (last.source, last.serial, first.serial, first.at, first.branch) == (
            "other.d",
            2,
            1,
            AT,
            "main",
        )


def test_holds_and_runs_never_raise_the_serial(store: Store) -> None:
    apply(store, 0)
    uid = install(store)
    live(store, a_slot_run(uid))
    store.transact(lambda tx: tx.holds.add(uid, a_hold()))
    with store.read() as reader:
        assert reader.serial() == 1


def test_installing_writes_who_did_it_and_why(store: Store) -> None:
    store.transact(lambda tx: tx.objects.install(an_object(), at=AT, who="ana", why="first apply"))
    with store.read() as reader:
        (event,) = reader.events.of("Job", "nightly")
    assert (event.event, event.row, event.before, event.after) == (
        "job.installed",
        "J1",
        "ABSENT",
        "DISABLED",
    )
    assert (event.who, event.why, event.at) == ("ana", "first apply", AT)


def test_the_owner_of_a_source_is_noted_and_replaced(store):
    first = Owner("/home/ana/shop/jobs.d", "../jobs.d", ("a" * 40,), "jobs.d/", "git.example/ana/shop")
    second = Owner("/home/bo/bank/jobs.d", "../../bo/jobs.d")
    store.transact(lambda tx: tx.set_owner("jobs.d", first))
    with store.read() as reader:
        assert (reader.owner("jobs.d"), reader.owner("others")) == (first, None)
    store.transact(lambda tx: tx.set_owner("jobs.d", second))
    with store.read() as reader:
        assert reader.owner("jobs.d") == second


def test_the_schedules_in_use_are_counted_without_held_manual_and_removed_jobs(store: Store) -> None:
    nightly = {"mode": "automatic", "schedules": {"default": {"cron": "0 2 * * *", "timezone": "UTC"}}}
    for name in ("a", "b", "held", "gone"):
        install(store, name, resolved=nightly)
    install(store, "by-hand", resolved={**nightly, "mode": "manual"})
    install(store, "none", resolved={"mode": "automatic", "schedules": {}})

    def work(tx):
        tx.holds.add(tx.objects.get(Address("Job", "held")).uid, a_hold())
        gone = tx.objects.get(Address("Job", "gone"))
        tx.objects.remove(gone.uid, expected_digest=gone.digest, at=AT, who="ana")

    store.transact(work)
    with store.read() as reader:
        [(text, jobs)] = reader.objects.schedules().items()
    assert (json.loads(text), jobs) == (nightly["schedules"], 2)
