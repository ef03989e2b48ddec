"""Locks of several jobs and limits of groups: taken by the claim, given back by whatever ends the run."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from installations import ANA, NOW, Installation, a_group, a_job
from lives import at, claim, contradictions, end, report, start

from runner.lifecycle.instance import INSTANCE
from runner.lifecycle.step import STEP
from runner.lifecycle.task import TASK
from runner.lifecycle.together import step_event, task_event
from runner.operations.claim_instance import Claimed, Waits
from runner.operations.recover import recover
from runner.operations.trigger import trigger_job
from runner.operations.waiting import WaitsFor, locks_in_use, waits_for
from runner.store.port import Transaction

_KEYS = itertools.count()


def a_user(here: Installation, name: str, *locks: str, **spec: Any) -> None:
    here.install(a_job(name, schedule=None, locks=list(locks), **spec))


def trigger(here: Installation, name: str, seconds: float = 0) -> int:
    now = at(seconds=seconds)
    return trigger_job(here.store, name, actor=ANA, key=str(next(_KEYS)), now=now).id


def move(here: Installation, id: int, event: str) -> None:
    """Move it, and its task with it, as whoever reports that does."""

    def work(tx: Transaction) -> None:
        run = tx.instances.get(id)
        assert run is not None
        for task in tx.tasks.of(id):
            follows = task_event(event, task.state)
            if follows is not None:
                with_it = TASK.move(task.state, follows)
                tx.tasks.move(id, task.target, with_it, epoch=run.epoch, at=NOW, who="test")
        for step in tx.steps.of(id):
            then = step_event(event, step.state)
            if then is not None:
                along = STEP.move(step.state, then)
                tx.steps.move(id, step.target, step.name, along, epoch=run.epoch, at=NOW, who="test")
        tx.instances.move(id, INSTANCE.move(run.state, event), epoch=run.epoch, at=NOW, who="test")

    here.store.transact(work)


def holders(here: Installation) -> list[tuple[int, tuple[str, ...]]]:
    with here.store.read() as reader:
        return [(holder.id, holder.locks) for holder in reader.instances.holders()]


def test_of_two_jobs_with_one_lock_only_one_runs(sound: Installation) -> None:
    a_user(sound, "load", "warehouse")
    a_user(sound, "clean", "warehouse")
    load, clean = trigger(sound, "load"), trigger(sound, "clean", 1)
    start(sound, load)
    assert holders(sound) == [(load, ("warehouse",))]
    assert claim(sound, clean) == Waits("lock warehouse", str(load))
    end(sound, load, "succeeded")
    assert holders(sound) == []
    assert isinstance(claim(sound, clean), Claimed)
    assert contradictions(sound) == []


@pytest.mark.parametrize("outcome", ["failed", "crashed", "timeout", "stopped"])
def test_no_end_keeps_a_lock(sound: Installation, outcome: str) -> None:
    a_user(sound, "load", "warehouse", retry="backoff", onCrash="resume")
    load = trigger(sound, "load")
    start(sound, load)
    end(sound, load, outcome)
    assert holders(sound) == []


def test_a_retry_takes_its_lock_again_and_waits_for_it(sound: Installation) -> None:
    a_user(sound, "load", "warehouse", retry="backoff")
    a_user(sound, "clean", "warehouse")
    load = trigger(sound, "load")
    start(sound, load)
    end(sound, load)
    clean = trigger(sound, "clean", 1)
    start(sound, clean)
    assert claim(sound, load, at(1)) == Waits("lock warehouse", str(clean))


def test_a_lock_stays_with_a_run_that_may_still_be_alive_until_that_is_decided(sound: Installation) -> None:
    a_user(sound, "load", "warehouse")
    a_user(sound, "clean", "warehouse")
    load, clean = trigger(sound, "load"), trigger(sound, "clean", 1)
    start(sound, load)
    move(sound, load, "lose")
    assert claim(sound, clean) == Waits("lock warehouse", str(load))
    move(sound, load, "resolve_cancelled")
    assert isinstance(claim(sound, clean), Claimed)


def test_a_daemon_that_died_leaves_no_lock_behind(sound: Installation) -> None:
    a_user(sound, "load", "warehouse")
    load = trigger(sound, "load")
    start(sound, load)
    sound.store.transact(lambda tx: recover(tx, [load], at(1)))
    assert holders(sound) == []


def test_what_is_paused_or_sleeps_gives_its_lock_back(sound: Installation) -> None:
    a_user(sound, "load", "warehouse")
    load = trigger(sound, "load")
    start(sound, load)
    move(sound, load, "pause")
    assert holders(sound) == [(load, ("warehouse",))]
    move(sound, load, "pause_done")
    assert holders(sound) == []


def test_the_one_that_fell_due_first_is_served_first(sound: Installation) -> None:
    a_user(sound, "load", "warehouse")
    a_user(sound, "clean", "warehouse", "archive")
    a_user(sound, "pack", "archive")
    a_user(sound, "store", "archive")
    load, pack = trigger(sound, "load"), trigger(sound, "pack")
    start(sound, load)
    start(sound, pack)
    clean, store = trigger(sound, "clean", 1), trigger(sound, "store", 2)
    assert claim(sound, clean, at(1)) == Waits("lock archive", str(pack))
    end(sound, pack, "succeeded")
    assert claim(sound, store, at(1)) == Waits("turn at lock archive", str(clean))
    end(sound, load, "succeeded")
    start(sound, clean, at(1))
    end(sound, clean, "succeeded", at(1))
    assert isinstance(claim(sound, store, at(1)), Claimed)


def test_who_cannot_start_for_another_reason_keeps_nobody_waiting(sound: Installation) -> None:
    a_user(sound, "load", "warehouse")
    a_user(sound, "clean", "warehouse")
    a_user(sound, "pack", "warehouse")
    load, clean, pack = trigger(sound, "load"), trigger(sound, "clean", 1), trigger(sound, "pack", 2)
    start(sound, load)
    assert claim(sound, clean, at(1)) == Waits("lock warehouse", str(load))
    sound.hold("clean", "paused")
    assert claim(sound, clean, at(1)) == Waits("paused")
    end(sound, load, "succeeded", at(1))
    assert isinstance(claim(sound, pack, at(1)), Claimed)


def test_a_group_runs_so_many_of_its_members_at_once(sound: Installation) -> None:
    sound.install(a_group("nightly", enabled=True, limit=2))
    for name in ("one", "two", "three"):
        sound.install(a_job(name, schedule=None, groups=["nightly"]))
    one, two, three = (trigger(sound, name) for name in ("one", "two", "three"))
    start(sound, one)
    start(sound, two)
    assert claim(sound, three) == Waits("group nightly", str(one))
    end(sound, two, "succeeded")
    assert isinstance(claim(sound, three), Claimed)


def test_a_limit_that_a_group_gets_later_counts_what_runs_already(sound: Installation) -> None:
    for name in ("one", "two"):
        sound.install(a_job(name, schedule=None, groups=["nightly"]))
    one, two = trigger(sound, "one"), trigger(sound, "two")
    start(sound, one)
    sound.install(a_group("nightly", enabled=True, limit=1))
    assert claim(sound, two) == Waits("group nightly", str(one))


def test_force_does_not_break_a_lock(sound: Installation) -> None:
    a_user(sound, "load", "warehouse")
    a_user(sound, "clean", "warehouse")
    load = trigger(sound, "load")
    start(sound, load)
    forced = trigger_job(sound.store, "clean", actor=ANA, key="f", now=NOW, force=True).id
    assert claim(sound, forced) == Waits("lock warehouse", str(load))


_JOBS = {"a": ("x",), "b": ("x", "y"), "c": ("y",), "d": ("y", "z")}
_ENDS = ("succeeded", "failed", "crashed", "stopped", "lose", "pause")


@settings(max_examples=30, deadline=None)
@given(
    acts=st.lists(
        st.one_of(
            st.tuples(st.just("trigger"), st.sampled_from(sorted(_JOBS))),
            st.tuples(st.just("ask"), st.integers(0, 9)),
            st.tuples(st.sampled_from(_ENDS), st.integers(0, 9)),
        ),
        max_size=30,
    )
)
def test_whatever_happens_no_lock_has_two_holders_and_none_is_leaked(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, Any]]
) -> None:
    here = Installation(Path(tmp_path_factory.mktemp("locks")) / ".runner" / "runner.db")
    here.install(a_group("few", enabled=True, limit=2))
    for name, locks in _JOBS.items():
        here.install(
            a_job(name, schedule=None, locks=list(locks), groups=["few"], retry="once", onCrash="resume",
                  failAfter="never", concurrency={"policy": "queue"})
        )  # fmt: skip
    ids: list[int] = []

    def agree() -> None:
        held = [name for _, names in holders(here) for name in names if name != "group:few"]
        assert len(held) == len(set(held))
        assert len(holders(here)) <= 2

    def ask(id: int) -> None:
        if here.instance(id).state == "SCHEDULED" and isinstance(claim(here, id), Claimed):
            report(here, id, "start")
        agree()

    for act, what in acts:
        if act == "trigger":
            ids.append(trigger(here, what))
            continue
        id = ids[what % len(ids)] if ids else 0
        if not ids:
            continue
        state = here.instance(id).state
        if act == "ask":
            ask(id)
        elif state == "RUNNING" and act in ("lose", "pause"):
            move(here, id, act)
        elif state == "RUNNING":
            end(here, id, act)
        agree()
    for id in ids:  # whatever is left ends, and everything that waits has its turn
        state = here.instance(id).state
        if state == "UNKNOWN":
            move(here, id, "resolve_cancelled")
        elif state == "PAUSED":
            here.store.transact(lambda tx, id=id: recover(tx, [id], NOW))
        elif state == "PAUSING":
            report(here, id, "complete")
            move(here, id, "succeed")
        elif state == "RUNNING":
            end(here, id, "succeeded")
    for _ in range(4 * len(ids)):
        with here.store.read() as reader:
            waiting = [run.id for run in reader.instances.waiting(NOW)]
        if not waiting:
            break
        claimed = []
        for id in waiting:
            if isinstance(claim(here, id), Claimed):
                claimed.append(id)
            agree()
        assert claimed, "what is first can always start when nothing runs"
        for id in claimed:
            end(here, id, "succeeded")
    with here.store.read() as reader:
        assert reader.instances.waiting(NOW) == []
        assert reader.instances.live() == []
    assert holders(here) == []
    assert contradictions(here) == []
    here.store.close()


# -- who has what, and who waits for it


def test_what_waits_says_for_what_and_behind_whom(sound: Installation) -> None:
    a_user(sound, "load", "warehouse")
    a_user(sound, "clean", "warehouse")
    load, clean, again = trigger(sound, "load"), trigger(sound, "clean", 1), trigger(sound, "clean", 2)
    start(sound, load)
    for id in (clean, again):
        claim(sound, id, at(1))
    with sound.store.read() as reader:
        first, second = (waits_for(reader, sound.instance(id), at(1)) for id in (clean, again))
        assert first == WaitsFor(f"lock warehouse, which instance {load} of load (RUNNING) has", load)
        assert second == first
        assert waits_for(reader, sound.instance(load), at(1)) is None
        [lock] = locks_in_use(reader, at(1))
    assert (lock.name, lock.holders, lock.jobs) == ("lock warehouse", (load,), ("load",))
    assert lock.waiting == (clean, again)


def test_a_place_in_a_queue_is_told_with_those_before_it(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=None, concurrency={"policy": "queue"}))
    first, second, third = (trigger(sound, "tick", seconds) for seconds in range(3))
    start(sound, first)
    with sound.store.read() as reader:
        assert waits_for(reader, sound.instance(second), at(1)) == WaitsFor(
            f"instance {first} of tick (RUNNING)", first
        )
        assert waits_for(reader, sound.instance(third), at(1)) == WaitsFor(
            f"instance {first} of tick (RUNNING), and 1 that wait before it", first
        )
