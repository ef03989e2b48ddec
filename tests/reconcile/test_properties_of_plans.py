"""Rules that hold for every pair of trees."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reconcile_builders import (
    NOW,
    a_group,
    a_hold,
    a_job,
    a_tree,
    carried_out,
    installed_from,
    with_holds,
)

from runner.reconcile.make_plan import make_plan
from runner.reconcile.plan import Plan
from runner.vocabulary.identity import Address
from tests.searching import examples

NAMES = ["a", "b", "c", "d"]
switches = st.sampled_from([True, False, None])
annotation = st.sampled_from([{}, {}, {}, {"jobs.runner/prune": "disabled"}])


@st.composite
def trees(draw):
    things = [a_group("g", enabled=draw(switches))]
    for name in draw(st.sets(st.sampled_from(NAMES))):
        moved = draw(st.sampled_from([None, None, *(n for n in NAMES if n != name)]))
        annotations = dict(draw(annotation)) | ({"jobs.runner/moved-from": moved} if moved else {})
        things.append(
            a_job(
                name,
                enabled=draw(switches),
                spec=draw(st.sampled_from([{}, {"timeout": "1m"}, {"timeout": "2m"}])),
                groups=draw(st.sampled_from([[], ["g"]])),
                protected=draw(st.booleans()),
                annotations=annotations,
            )
        )
    return one_move_each(things)


def one_move_each(things):
    """Two objects that were both moved from one are an error of the tree: keep the first."""
    seen, kept = set(), []
    for thing in things:
        origin = thing.declared.moved_from
        if origin is None or origin not in seen:
            kept.append(thing)
        seen.add(origin)
    return kept


held = st.lists(
    st.tuples(
        st.sampled_from(NAMES), st.sampled_from(["operator", "paused", "failure", "group:g", "removed"])
    ),
    max_size=4,
)


def installed(before, holds):
    side = installed_from(*before)
    for name, kind in holds:
        if Address("Job", name) in side.objects:
            side = with_holds(side, name, a_hold(kind, "git" if kind == "removed" else "ana"))
    return side


@examples(300)
@given(trees(), trees(), held)
def test_after_a_plan_is_carried_out_the_next_plan_is_empty(before, after, holds):
    side, tree = installed(before, holds), a_tree(*after)
    done = carried_out(make_plan(tree, side, NOW), tree, side)
    following = make_plan(tree, done, NOW)
    assert following.is_empty, [c.as_json() for c in following.changes if c.counts]


@examples(200)
@given(trees(), trees(), held, st.randoms())
def test_the_order_of_files_does_not_matter(before, after, holds, chance):
    side = installed(before, holds)
    shuffled = list(after)
    chance.shuffle(shuffled)
    assert make_plan(a_tree(*after), side, NOW) == make_plan(a_tree(*shuffled), side, NOW)


@examples(200)
@given(trees(), trees(), held)
def test_a_plan_never_both_installs_and_removes_an_object_nor_names_one_twice_for_one_action(
    before, after, holds
):
    plan = make_plan(a_tree(*after), installed(before, holds), NOW)
    by_action = [(change.action, change.address) for change in plan.changes]
    assert len(set(by_action)) == len(by_action)
    gone = {change.address for change in plan.changes if change.action == "uninstall"}
    made = {change.address for change in plan.changes if change.action in ("install", "move", "update")}
    assert not gone & made
    assert [c.order for c in plan.changes] == sorted(c.order for c in plan.changes)


@examples(200)
@given(trees(), trees(), held)
def test_a_plan_never_touches_an_operators_hold_but_to_keep_a_job_held(before, after, holds):
    side, tree = installed(before, holds), a_tree(*after)
    done = carried_out(make_plan(tree, side, NOW), tree, side)
    for uid, was in side.holds.items():
        blocked = any(h.owner == "ana" and h.kind in ("operator", "group:g") for h in was)
        if blocked and any(record.uid == uid for record in done.objects.values()):
            assert any(h.owner == "ana" and h.kind in ("operator", "group:g") for h in done.holds[uid])


@examples(200)
@given(trees(), trees(), held)
def test_nothing_is_enabled_without_a_line_that_says_so(before, after, holds):
    side, tree = installed(before, holds), a_tree(*after)
    plan = make_plan(tree, side, NOW)
    done = carried_out(plan, tree, side)
    enabling = {edit.address for c in plan.changes if c.action == "enable" for edit in c.holds}
    for address, record in done.objects.items():
        if address.kind != "Job" or done.holds.get(record.uid):
            continue
        was = side.holds.get(record.uid)
        if was or not any(r.uid == record.uid for r in side.objects.values()):
            left_its_group = address in {e.address for c in plan.changes for e in c.holds}
            assert address in enabling or left_its_group


@examples(200)
@given(trees(), trees(), held)
def test_a_plan_survives_being_saved(before, after, holds):
    plan = make_plan(a_tree(*after), installed(before, holds), NOW)
    again = Plan.from_json(json.loads(json.dumps(plan.as_json())))
    assert again.as_json() == plan.as_json()


def test_an_edited_plan_is_recognised():
    values = make_plan(a_tree(a_job("a")), installed_from(a_job("b")), NOW).as_json()
    values["changes"] = [change for change in values["changes"] if change["action"] != "uninstall"]
    with pytest.raises(ValueError, match="the plan was edited: its digest does not match its changes"):
        Plan.from_json(values)
