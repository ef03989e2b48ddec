"""What is wrong between files is told in one of them, at its place."""

from __future__ import annotations

from loading_builders import Project, a_job, an_object


def test_problems_between_files_have_their_place(project: Project) -> None:
    project.write("a.yaml", a_job("same"))
    project.write("b.yaml", a_job("same"))
    project.write("c.yaml", a_job("lonely", spec="  groups: [nihgtly]\n"))
    project.write("g.yaml", an_object("Group", "nightly", "  enabled: true\n"))
    found = {d.rule: d for d in project.load().diagnostics}
    assert found["duplicate-name"].place == "jobs.d/b.yaml:4:9"
    assert "a.yaml:1" in found["duplicate-name"].detail
    assert found["unknown-reference"].place == "jobs.d/c.yaml:7:12"
    assert found["unknown-reference"].hint == "did you mean 'nightly'?"


def test_references_are_not_called_unknown_while_a_file_cannot_be_read(project: Project) -> None:
    project.write("a.yaml", a_job("a", spec="  groups: [nightly]\n"))
    project.write("g.yaml", "kind: [Group")
    assert [rule for _, rule in project.rules()] == ["yaml-syntax"]
