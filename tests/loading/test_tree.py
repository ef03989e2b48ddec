# ruff: noqa: E501
"""What a folder, a file or a stream declares, or every reason why not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from loading_builders import Project, a_job, an_object

from runner.loading.tree import load_stream
from runner.vocabulary.errors import RunnerError
from runner.vocabulary.identity import Address, Place

HELLO = Address("Job", "hello")


def test_objects_know_their_place_and_digest(project: Project) -> None:
    project.write("team/hello.yaml", "# first line\n" + a_job("hello", metadata="  labels: {team: bi}\n"))
    tree = project.load()
    assert tree.diagnostics == ()
    assert (tree.source, tree.partial, tree.file_count) == ("jobs.d", False, 1)
    (declared,) = tree.objects.values()
    assert declared.address == HELLO
    assert declared.place == Place("jobs.d/team/hello.yaml", 2)
    assert declared.enabled is False
    assert declared.labels == {"team": "bi"}
    assert declared.digest.startswith("sha256:") and len(declared.digest) == 71


def test_a_document_is_whole(project: Project) -> None:
    project.write("hello.yaml", a_job("hello"))
    document = project.load().document(HELLO)
    assert document.declared["metadata"] == {"name": "hello"}
    assert document.declared["spec"]["enabled"] is False
    assert document.resolved["steps"][0]["name"] == "say"


@pytest.mark.parametrize("state", [True, False])
def test_objects_are_the_same_with_and_without_a_cache(project: Project, state: bool) -> None:
    for name in ("b", "a", "c"):
        project.write(f"{name}.yaml", a_job(name))
    first = project.load(state=project.state if state else None)
    again = project.load(state=project.state if state else None)
    assert dict(first.objects) == dict(again.objects)
    assert [address.name for address in first.objects] == ["a", "b", "c"]
    assert first.digest == again.digest
    assert {a: first.document(a) for a in first.objects} == {a: again.document(a) for a in again.objects}


def test_the_order_of_files_and_where_they_stand_do_not_matter(project: Project, tmp_path: Path) -> None:
    project.write("all.yaml", a_job("a") + "---\n" + a_job("b"))
    before = project.load().digest
    (project.jobs / "all.yaml").unlink()
    project.write("x/b.yaml", a_job("b"))
    project.write("a.yml", a_job("a"))
    assert project.load().digest == before


@pytest.mark.parametrize(
    "name", [".hidden.yaml", ".#job.yaml", "job.yaml~", ".job.yaml.swp", "4913", "#job.yaml#", "job.txt", ".git/x.yaml"]
)  # fmt: skip
def test_what_editors_leave_behind_is_not_read(project: Project, name: str) -> None:
    project.write("hello.yaml", a_job("hello"))
    project.write(name, "not: [valid")
    assert project.load().diagnostics == ()


@pytest.mark.parametrize("what", ["folder", "no files", "only other files"])
def test_unreadable_is_never_empty(project: Project, what: str) -> None:
    if what == "folder":
        project.jobs.rmdir()
        assert project.rules() == [("jobs.d", "missing-path")]
    else:
        if what == "only other files":
            project.write("readme.txt", "hello")
        assert project.rules() == [("jobs.d", "nothing-declared")]
    assert project.load().objects == {}


@pytest.mark.parametrize("call", ["open", "scandir"])
def test_what_may_not_be_read_is_an_error(
    project: Project, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("hello.yaml", a_job())
    project.write("team/hello.yaml", a_job("other"))
    real = getattr(os, call)

    def denied(path: object, *rest: object, **more: object) -> object:
        if "team/" in str(path):  # for root no file mode would do it
            raise PermissionError(13, "Permission denied", path)
        return real(path, *rest, **more)

    monkeypatch.setattr(os, call, denied)
    assert project.rules() == [("jobs.d/team/hello.yaml" if call == "open" else "jobs.d/team", "unreadable")]
    assert project.load().objects == {}


def test_one_invalid_file_leaves_no_objects_at_all(project: Project) -> None:
    project.write("good.yaml", a_job("good"))
    project.write("bad.yaml", a_job("bad").replace("enabled", "enabeld"))
    tree = project.load()
    assert tree.objects == {} and tree.digests() == {}
    (only,) = tree.diagnostics
    assert (only.place, only.rule, only.hint) == (
        "jobs.d/bad.yaml:6:3",
        "unknown-field",
        "did you mean 'enabled'?",
    )
    assert only.source == "  enabeld: false"


@pytest.mark.parametrize(
    ("text", "rule", "hint"),
    [
        ("apiVersion: jobs.runner/v1\nkind: Jbo\n", "unknown-kind", "did you mean 'Job'?"),
        ("apiVersion: jobs.runner/v1\nkind: Alert\n", "not-yet", "leave the document out of the tree until it does"),
        ("apiVersion: v1\nkind: Job\n", "unknown-version", ""),
        ("kind: Job\n", "unknown-version", ""),
        ("- apiVersion: jobs.runner/v1\n", "not-an-object",
         "write each object as a document of its own, divided by '---'"),
    ],
)  # fmt: skip
def test_what_is_no_object_is_named(project: Project, text: str, rule: str, hint: str) -> None:
    project.write("a.yaml", text)
    (only,) = project.load().diagnostics
    assert (only.rule, only.hint) == (rule, hint)


def test_a_link_inside_the_tree_is_read(project: Project) -> None:
    project.write("..data/hello.yaml", a_job("hello"))
    (project.jobs / "hello.yaml").symlink_to("..data/hello.yaml")  # as Kubernetes mounts a ConfigMap
    assert HELLO in project.load().objects


def test_a_file_of_the_source_is_a_part_that_knows_its_neighbours(project: Project) -> None:
    project.write("g.yaml", an_object("Group", "nightly", "  enabled: true\n"))
    file = project.write("team/a.yaml", a_job("a", spec="  groups: [nightly]\n"))
    project.write("broken.yaml", "apiVersion: [")
    for path in (file, file.parent):
        tree = project.load(path)
        assert (tree.source, tree.partial) == ("jobs.d", True)
        assert [d.rule for d in tree.diagnostics] == ["source-invalid"]
        assert "the first at jobs.d/broken.yaml:1:" in tree.diagnostics[0].detail
        assert tree.file_count == 1


def test_a_part_of_a_valid_source_has_its_own_objects_only(project: Project) -> None:
    project.write("g.yaml", an_object("Group", "nightly", "  enabled: true\n"))
    file = project.write("a.yaml", a_job("a", spec="  groups: [nightly]\n"))
    assert list(project.load(file).objects) == [Address("Job", "a")]


def test_a_file_outside_of_any_source_stands_alone(project: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.yaml").write_text(a_job("a", spec="  groups: [nightly]\n"))
    (elsewhere / "broken.yaml").write_text("[")
    assert project.rules(elsewhere / "a.yaml") == [("elsewhere/a.yaml:7:12", "unknown-reference")]
    tree = project.load(elsewhere / "a.yaml", known_addresses=["Group/nightly"])
    assert tree.partial and list(tree.objects) == [Address("Job", "a")]


def test_another_folder_is_a_source_of_its_own(project: Project, tmp_path: Path) -> None:
    (tmp_path / "prod" / "sub").mkdir(parents=True)
    (tmp_path / "prod" / "sub" / "a.yaml").write_text(a_job("a"))
    assert (project.load(tmp_path / "prod").source, project.load(tmp_path / "prod").partial) == (
        "prod",
        False,
    )
    part = project.load(tmp_path / "prod" / "sub", known_sources=["prod"])
    assert (part.source, part.partial) == ("prod", True)


def test_a_stream_is_always_a_part(project: Project) -> None:
    raw = (a_job("a") + "---\n" + a_job("b")).encode()
    tree = load_stream(raw, base=project.folder, project=project.folder)
    assert tree.partial and len(tree.objects) == 2
    assert tree.objects[Address("Job", "b")].place.file == "-"
    wrong = load_stream(b"a: [", base=project.folder, project=project.folder)
    assert [(d.file, d.rule) for d in wrong.diagnostics] == [("-", "yaml-syntax")]
    empty = load_stream(b"", base=project.folder, project=project.folder)
    assert [d.rule for d in empty.diagnostics] == ["empty-document"]


def test_a_missing_file_of_a_source_is_named_as_missing(project: Project) -> None:
    project.write("a.yaml", a_job("a"))
    assert project.rules(project.jobs / "nope.yaml") == [("jobs.d/nope.yaml", "missing-path")]
    assert project.rules(project.jobs / "nope" / "a.yaml") == [("jobs.d/nope/a.yaml", "missing-path")]


def test_a_file_that_a_source_does_not_read_can_be_named(project: Project) -> None:
    project.write("a.yaml", "[")
    draft = project.write("draft.txt", a_job("draft"))
    assert list(project.load(draft).objects) == [Address("Job", "draft")]


# Files that objects name

PYTHON = "  steps:\n    - name: go\n      python: {{file: {path}, function: main}}\n"


def a_python_job(path: str = "code.py", name: str = "hello") -> str:
    return a_job(name, body=PYTHON.format(path=path))


def test_the_digest_covers_the_content_of_named_files(project: Project) -> None:
    project.write("team/hello.yaml", a_python_job("lib/code.py"))
    code = project.write("team/lib/code.py", "def main(): pass\n")
    before = project.load()
    assert before.diagnostics == ()
    ((path, sha256),) = before.document(HELLO).files.items()
    assert path == "team/lib/code.py"
    assert before.blob(sha256) == b"def main(): pass\n"
    code.write_text("def main(): ...\n")
    after = project.load()
    assert after.objects[HELLO].digest != before.objects[HELLO].digest
    assert after.objects[HELLO].execution_digest != before.objects[HELLO].execution_digest


def test_a_file_that_changed_since_is_not_taken_for_what_was_digested(project: Project) -> None:
    project.write("hello.yaml", a_python_job())
    code = project.write("code.py", "first\n")
    project.settle()
    known = project.load()
    (sha256,) = known.document(HELLO).files.values()
    code.write_text("second\n")
    with pytest.raises(RunnerError, match=r"code\.py was changed after it was read; try again"):
        known.blob(sha256)


@pytest.mark.parametrize(
    ("path", "rule"), [("nowhere.py", "missing-file"), ("../../secret.py", "outside-root"), ("sub", "not-a-file")]
)  # fmt: skip
def test_a_named_file_must_stand_in_the_tree(project: Project, path: str, rule: str) -> None:
    (project.folder.parent / "secret.py").write_text("")
    (project.jobs / "sub").mkdir()
    project.write("hello.yaml", a_python_job(path))
    (only,) = project.load().diagnostics
    assert (only.place, only.rule) == ("jobs.d/hello.yaml:9:22", rule)


def test_a_named_file_may_stand_beside_within_the_tree(project: Project) -> None:
    project.write("team/hello.yaml", a_python_job("../shared/code.py"))
    project.write("shared/code.py", "x = 1\n")
    assert list(project.load().document(HELLO).files) == ["shared/code.py"]


@pytest.mark.parametrize(
    ("action", "file", "code", "hint"),
    [
        (
            "shell: {file: say.sh}",
            "say.sh",
            "#!/bin/sh\necho ${{ inputs.who }}\n",
            "put the value under `env`",
        ),
        ("python: {file: say.py, function: f}", "say.py", "\nX = '${{ slot.date }}'\n", "read inputs"),
        (
            "sql: {connection: c, file: say.sql}",
            "say.sql",
            "select\n${{ slot.date }}\n",
            "use a bind parameter",
        ),
    ],
)
def test_an_expression_inside_a_named_file_of_code_is_an_error_in_every_load(
    project: Project, action: str, file: str, code: str, hint: str
) -> None:
    project.write("c.yaml", an_object("Connection", "c", '  url: "sqlite:///x.db"\n'))
    project.write("a.yaml", a_job(body=f"  steps:\n    - name: say\n      {action}\n"))
    project.write(file, code)
    for _ in range(2):
        (found,) = project.load().diagnostics
        assert (found.place.rpartition(":")[0], found.rule) == ("jobs.d/a.yaml:9", "expression-in-code")
        assert found.detail.startswith(f"'{file}': line 2: ${{{{ }}}} is never evaluated inside ")
        assert found.hint.startswith(hint)
        project.settle()
    project.write(file, code.replace("${{", "").replace("}}", ""))
    assert project.load().diagnostics == ()


def test_a_library_may_hold_any_text(project: Project) -> None:
    project.write("l.yaml", an_object("Library", "dates", "  file: dates.py\n"))
    project.write("dates.py", "OPENING = '${{'\n")
    assert project.load().diagnostics == ()


KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"


def test_a_kustomization_that_lists_what_stands_beside_it_is_no_declaration(project: Project) -> None:
    project.write("base/hello.yaml", a_job("hello"))
    project.write("base/kustomization.yaml", KUSTOMIZATION + "resources: [hello.yaml, ./more]\n")
    tree = project.load()
    assert (tree.diagnostics, list(tree.objects)) == ((), [HELLO])


@pytest.mark.parametrize(
    "more",
    ["namePrefix: a-\n", "patches: [{path: p.yaml}]\n", "resources: [../base]\n", "resources: ['https://x/y']\n",
     "resources: [example.org/jobs]\n", "resources: [/jobs]\n", "components: [c]\n"],
)  # fmt: skip
def test_a_kustomization_that_changes_something_must_be_built(project: Project, more: str) -> None:
    project.write("hello.yaml", a_job("hello"))
    project.write("kustomization.yaml", KUSTOMIZATION + more)
    assert project.rules() == [("jobs.d/kustomization.yaml:3:1", "not-built")]
    assert not project.load().objects


def test_a_kustomization_alone_is_never_an_empty_source(project: Project) -> None:
    project.write("kustomization.yaml", KUSTOMIZATION + "resources: [gone.yaml]\n")
    assert project.rules() == [("jobs.d", "nothing-declared")]
    assert project.rules() == [("jobs.d", "nothing-declared")]


@pytest.mark.parametrize("raw", [b"", b"\n \n"])
def test_a_stream_of_nothing_asks_about_the_command_before_it(tmp_path: Path, raw: bytes) -> None:
    (found,) = load_stream(raw, base=tmp_path, project=tmp_path).diagnostics
    assert (found.place, found.rule, found.detail) == (
        "-",
        "empty-document",
        "nothing came on standard input",
    )
    assert found.hint == "did the command before the pipe fail? `set -o pipefail` tells"


def test_objects_that_are_not_divided_are_to_begin_with_three_dashes(project: Project) -> None:
    project.write("two.yaml", a_job("a") + a_job("b"))
    first, second, *_ = project.load().diagnostics
    assert (first.rule, first.hint) == ("duplicate-key", "begin each object with a line '---'")
    assert (second.rule, second.hint) == ("duplicate-key", "keep one of the two")
