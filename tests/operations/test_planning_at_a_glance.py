"""A plan that looks only at what differs says the same as one that looks at everything."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest
from declared_projects import ANA, NOW, Project
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.operations import plan as planning
from runner.operations.apply import carry_out
from runner.store.holds import HoldRecord

GROUP = "apiVersion: jobs.runner/v1\nkind: Group\nmetadata: {{name: g}}\nspec: {{enabled: {}}}\n"
NAMES = ("a", "b", "c")


def both(project: Project, monkeypatch: pytest.MonkeyPatch):
    """The plan at a glance (None when a glance could not tell), and the one of a full look."""
    glanced = []
    real = planning.glance
    monkeypatch.setattr(planning, "glance", lambda *a, **k: glanced.append(real(*a, **k)) or glanced[-1])
    project.plan()
    monkeypatch.setattr(planning, "glance", lambda *a, **k: None)
    full = project.plan().plan
    monkeypatch.setattr(planning, "glance", real)
    return glanced[0], full


def same(glanced, full) -> bool:
    return (
        [change.as_json() for change in glanced.changes] == [change.as_json() for change in full.changes]
        and glanced.unchanged == full.unchanged
        and glanced.relocations == full.relocations
        and (glanced.lineage, glanced.serial) == (full.lineage, full.serial)
    )


steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("job"),
            st.sampled_from(NAMES),
            st.sampled_from([True, False, None]),
            st.sampled_from(["timeout: 1m", "timeout: 2m", "groups: [g]", 'schedule: "0 2 * * *"']),
        ),
        st.tuples(st.just("comment"), st.sampled_from(NAMES)),
        st.tuples(st.just("remove"), st.sampled_from(NAMES)),
        st.tuples(st.just("prune"), st.sampled_from(NAMES)),
        st.tuples(st.just("leave"), st.sampled_from(NAMES)),
        st.tuples(st.just("group"), st.sampled_from(["true", "false"])),
        st.tuples(st.just("hold"), st.sampled_from(NAMES)),
        st.tuples(st.just("apply")),
    ),
    min_size=3,
    max_size=10,
)


def do(project: Project, step) -> None:
    verb, *rest = step
    file = project.folder / "jobs.d" / f"{rest[0]}.yaml" if rest else None
    if verb == "job":
        project.job(rest[0], enabled=rest[1], more=rest[2])
    elif verb == "group":
        project.write("jobs.d/group.yaml", GROUP.format(rest[0]))
    elif verb == "apply":
        project.apply(allow_delete=10, allow_protected=True)
        assert project.plan().plan.is_empty
    elif file is None or not file.exists():
        return
    elif verb == "comment":
        file.write_text("# more\n" + file.read_text())
    elif verb == "remove":
        file.unlink()
    elif verb in ("prune", "leave"):
        what = "prune" if verb == "prune" else "reconcile"
        note = f"  annotations: {{jobs.runner/{what}: disabled}}\n"
        text = file.read_text()
        file.write_text(text if "annotations" in text else text.replace("spec:\n", f"{note}spec:\n"))
    elif verb == "hold" and project.record(rest[0]) is not None:
        uid = project.record(rest[0]).uid
        hold = HoldRecord(uid, "operator", "ana", "", NOW, NOW + timedelta(hours=1))
        project.store.transact(lambda tx: tx.holds.add(uid, hold))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_a_glance_says_what_a_full_look_says(tmp_path_factory, steps):
    project = Project(tmp_path_factory.mktemp("glance"))
    try:
        project.write("jobs.d/group.yaml", GROUP.format("true"))
        project.job("z")
        project.apply()
        for step in steps:
            do(project, step)
            with pytest.MonkeyPatch.context() as patch:
                glanced, full = both(project, patch)
            if glanced is not None:
                assert same(glanced, full)
    finally:
        project.store.close()


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path)
    for name in NAMES:
        project.job(name)
    project.apply()
    yield project
    project.store.close()


def test_an_unchanged_tree_and_one_changed_file_need_only_a_glance(project, monkeypatch):
    glanced, full = both(project, monkeypatch)
    assert glanced is not None and same(glanced, full) and glanced.unchanged == 3
    project.job("a", more="timeout: 1m")
    glanced, full = both(project, monkeypatch)
    assert glanced is not None and same(glanced, full)
    assert [change.action for change in glanced.changes] == ["update"]


def test_a_deleted_cache_costs_time_and_changes_nothing(project, monkeypatch):
    shutil.rmtree(project.state / "cache")
    glanced, full = both(project, monkeypatch)
    assert glanced is None and full.is_empty
    project.plan()
    assert both(project, monkeypatch)[0] is not None  # remembered again


@pytest.mark.parametrize("damage", [b"", b"rubbish", b"runner-applied-1\n\0\0\0\0"])
def test_a_damaged_note_is_not_believed(project, monkeypatch, damage):
    [note] = (project.state / "cache").glob("applied-*")
    note.write_bytes(damage)
    glanced, full = both(project, monkeypatch)
    assert glanced is None and full.is_empty


def test_a_note_of_another_apply_is_not_believed(project, monkeypatch):
    [note] = (project.state / "cache").glob("applied-*")
    before = note.read_bytes()
    project.job("a", more="timeout: 1m")
    project.apply()
    note.write_bytes(before)
    assert both(project, monkeypatch)[0] is None


def test_after_a_plan_of_one_file_everything_is_looked_at(project, monkeypatch):
    path = project.job("a", more="timeout: 1m")
    carry_out(project.plan(str(path)), project.store, ANA, NOW)
    glanced, full = both(project, monkeypatch)
    assert glanced is None and full.is_empty
