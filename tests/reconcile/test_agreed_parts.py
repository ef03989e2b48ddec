"""Only what was reviewed is carried out, and nothing that would refer to what is not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconcile_builders import NOW, Thing, a_job, a_tree, installed_from

from runner.declaration.declared import Declared
from runner.reconcile.agreed import Subset, closed, only_agreed
from runner.reconcile.make_plan import make_plan
from runner.reconcile.plan import Plan
from runner.reconcile.sides import InstalledSide
from runner.vocabulary.identity import Address


@dataclass
class Installed:
    """What is installed refers to what stands here."""

    objects: Mapping[Address, object]
    refers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def has(self, address: Address) -> bool:
        return address in self.objects

    def references(self, address: Address) -> tuple[str, ...]:
        return self.refers.get(str(address), ())


def a_connection(name: str, spec: Mapping[str, str] | None = None) -> Thing:
    return a_job(name, kind="Connection", enabled=None, spec=spec)


def referring(thing: Thing, *addresses: str) -> Thing:
    return replace(thing, declared=replace(thing.declared, references=addresses))


def plan_of(*things: Thing, side: InstalledSide | None = None) -> tuple[Plan, dict[Address, Declared]]:
    tree = a_tree(*things)
    return make_plan(tree, side or InstalledSide(), NOW), dict(tree.objects)


def agreed_to(plan: Plan, *lines: str) -> dict[str, tuple[str, str]]:
    return {
        change.digest: (change.action, str(change.address))
        for change in plan.changes
        if f"{change.action} {change.address}" in lines
    }


def lines(subset: Subset) -> list[str]:
    return [f"{change.action} {change.address}" for change in subset.plan.changes if change.counts]


def reasons(subset: Subset) -> dict[str, str]:
    return {f"{part.change.action} {part.change.address}": part.why for part in subset.left}


def test_a_plan_of_which_everything_was_agreed_to_stays_the_same():
    plan, declared = plan_of(a_job("a"), a_job("b"))
    agreed = {change.digest: (change.action, str(change.address)) for change in plan.changes}

    assert only_agreed(plan, agreed, declared, Installed({})).plan is plan


def test_what_was_not_reviewed_is_left_alone_as_a_note():
    plan, declared = plan_of(a_job("a"), a_job("b"))
    subset = only_agreed(plan, agreed_to(plan, "install Job/a", "enable Job/a"), declared, Installed({}))

    assert lines(subset) == ["install Job/a", "enable Job/a"]
    assert reasons(subset) == {
        "install Job/b": "not in the reviewed plan",
        "enable Job/b": "not in the reviewed plan",
    }
    notes = [change for change in subset.plan.changes if change.action == "note"]
    assert [note.reason for note in notes] == [
        "install left out: not in the reviewed plan",
        "enable left out: not in the reviewed plan",
    ]
    assert not subset.plan.is_all


def test_the_same_change_has_the_same_digest_whatever_else_changes_and_wherever():
    reviewed, _ = plan_of(a_job("a", spec={"timeout": "5m"}), side=installed_from(a_job("a")))
    side = replace(installed_from(a_job("a"), a_job("b")), lineage="elsewhere", serial=40)
    now, declared = plan_of(a_job("a", spec={"timeout": "5m"}), a_job("c"), side=side)
    subset = only_agreed(now, agreed_to(reviewed, "update Job/a"), declared, Installed(side.objects))

    assert lines(subset) == ["update Job/a"]


def test_another_content_is_not_what_was_reviewed():
    reviewed, _ = plan_of(a_job("a", spec={"timeout": "5m"}), side=installed_from(a_job("a")))
    side = installed_from(a_job("a"))
    now, declared = plan_of(a_job("a", spec={"timeout": "6m"}), side=side)
    subset = only_agreed(now, agreed_to(reviewed, "update Job/a"), declared, Installed(side.objects))

    assert reasons(subset) == {"update Job/a": "reviewed from or to another content"}


def test_what_needs_something_that_is_left_out_is_left_out_too():
    job = referring(a_job("a"), "Connection/warehouse")
    plan, declared = plan_of(job, a_connection("warehouse"))
    subset = only_agreed(plan, agreed_to(plan, "install Job/a", "enable Job/a"), declared, Installed({}))

    assert lines(subset) == []
    assert reasons(subset)["install Job/a"] == "needs Connection/warehouse, which is left out"
    assert reasons(subset)["enable Job/a"] == "its declaration is left out"


def test_what_is_installed_already_may_stay_as_it_is():
    job = referring(a_job("a"), "Connection/warehouse")
    side = installed_from(a_connection("warehouse"))
    plan, declared = plan_of(job, a_connection("warehouse", {"url": "sqlite:///x.db"}), side=side)
    subset = only_agreed(plan, agreed_to(plan, "install Job/a"), declared, Installed(side.objects))

    assert lines(subset) == ["install Job/a"]


def test_nothing_goes_to_which_something_still_refers():
    side = installed_from(a_job("a"), a_connection("warehouse"))
    plan, declared = plan_of(a_job("a", spec={"timeout": "5m"}), side=side)
    installed = Installed(side.objects, {"Job/a": ("Connection/warehouse",)})
    subset = only_agreed(plan, agreed_to(plan, "uninstall Connection/warehouse"), declared, installed)

    assert reasons(subset)["uninstall Connection/warehouse"] == "Job/a, which is left out, still refers to it"


def test_a_part_is_closed_whatever_is_left_out():
    things = [a_connection("c")] + [referring(a_job(f"j{n}"), "Connection/c") for n in range(3)]
    plan, declared = plan_of(*things)
    position = next(n for n, change in enumerate(plan.changes) if change.address.kind == "Connection")

    assert lines(closed(plan, {position: "invalid"}, declared, Installed({}))) == []
