"""Overlays, patches and prefixes, with the real kustomize: the program itself, or the one in kubectl."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from runner.declaration.kustomize import kustomize_files
from runner.loading.reader import read_documents
from runner.loading.tree import Tree, load_stream
from runner.vocabulary.identity import Address
from tests.imported_runner import run_runner
from tests.real_kustomize import NONE, kustomize

ROOT = Path(__file__).parents[2]
BASE = ROOT / "tests" / "declaration" / "kustomized" / "base.yaml"
KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with the component, and all kinds in a base."""
    if not kustomize():
        pytest.skip(NONE)
    for name, text in kustomize_files().items():
        write(tmp_path / "runner" / name, text)
    base = tmp_path / "base"
    write(base / "base.yaml", BASE.read_text())
    write(base / "kustomization.yaml", KUSTOMIZATION + "resources: [base.yaml]\n")
    for module in ("dates.py", "more.py"):
        write(base / module, "")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def build(folder: Path, overlay: str = "", **more: str) -> str:
    """What kustomize makes of an overlay over the base; `more` are overlays of it, one over the other."""
    below = "base"
    for name, text in {"overlay": "components: [../runner]\n" + overlay, **more}.items():
        write(folder / name / "kustomization.yaml", f"resources: [../{below}]\n{text}")
        below = name
    clean = {key: value for key, value in os.environ.items() if not key.startswith("KUBE")}
    built = subprocess.run(
        [*kustomize(), below],
        cwd=folder,
        env={**clean, "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return built.stdout


def load(folder: Path, stream: str) -> Tree:
    tree = load_stream(stream.encode(), base=folder / "base", project=folder)
    assert tree.diagnostics == ()
    return tree


def spec(folder: Path, stream: str, address: str) -> dict[str, Any]:
    return load(folder, stream).document(Address.parse(address)).declared["spec"]


def documents(text: str) -> dict[str, Any]:
    every = [each.content for each in read_documents(text.encode(), "-").documents]
    return {f"{each['kind']}/{each['metadata']['name']}": each for each in every}


def patched(name: str, spec: str, kind: str = "Job") -> str:
    head = f"apiVersion: jobs.runner/v1\n      kind: {kind}\n      metadata: {{name: {name}}}"
    return f"patches:\n  - patch: |\n      {head}\n      spec: {spec}\n"


def test_what_is_only_built_means_the_same(folder: Path) -> None:
    assert documents(build(folder)) == documents(BASE.read_text())


def test_a_prefix_and_a_suffix_change_every_name_and_every_reference(folder: Path) -> None:
    """Over two overlays; the namespace is none of our kinds' business."""
    outer = "namePrefix: eu-\nnameSuffix: -x\nnamespace: shop\n"
    stream = build(folder, "namePrefix: north-\n", outer=outer)
    names = {str(each) for each in load(folder, BASE.read_text()).objects}
    tree = load(folder, stream)
    assert {str(each) for each in tree.objects} == {
        f"{kind}/eu-north-{name}-x" for kind, _, name in (each.partition("/") for each in names)
    }
    kept = {"JobType/standard", "JobType/external"}
    referred = {name for each in tree.objects.values() for name in each.references} - kept
    assert referred and all(re.fullmatch(r"[A-Za-z]+/eu-north-.*-x", name) for name in referred)
    job = tree.document(Address.parse("Job/eu-north-report-x")).declared
    assert job["spec"]["schedule"] == "eu-north-nightly-x"
    assert job["spec"]["env"]["PASSWORD"]["authorization"] == "eu-north-access-x"
    assert job["metadata"].get("annotations") is None


def test_a_moved_job_comes_from_a_name_with_the_prefix_too(folder: Path) -> None:
    moved = "    metadata: {name: report, annotations: {jobs.runner/moved-from: sums}}"
    write(
        folder / "overlay" / "moved.yaml",
        moved.replace("    metadata", "kind: Job\napiVersion: jobs.runner/v1\nmetadata"),
    )
    stream = build(folder, "namePrefix: north-\npatches: [{path: moved.yaml}]\n")
    metadata = documents(stream)["Job/north-report"]["metadata"]
    assert metadata["annotations"]["jobs.runner/moved-from"] == "north-sums"


def test_a_patch_names_all_steps_in_the_order_that_is_meant(folder: Path) -> None:
    steps = "{steps: [{name: sums, timeout: 5m}, {name: check, shell: 'true'}, {name: rows}, {name: tell}]}"
    found = spec(folder, build(folder, patched("report", steps)), "Job/report")["steps"]
    assert [each["name"] for each in found] == ["sums", "check", "rows", "tell"]
    assert found[0] == {
        "name": "sums",
        "timeout": "5m",
        "sql": {"connection": "warehouse", "statement": "select 1"},
    }


def test_a_step_that_a_patch_names_alone_comes_first_and_that_is_told(folder: Path) -> None:
    """As kustomize merges; the page says so."""
    patch = patched("report", "{steps: [{name: tell, timeout: 1m}]}")
    found = spec(folder, build(folder, patch), "Job/report")
    assert [each["name"] for each in found["steps"]] == ["tell", "sums", "rows"]
    stream = build(folder, "buildMetadata: [originAnnotations]\nnamePrefix: north-\n" + patch)
    (told,) = load_stream(stream.encode(), base=folder / "base", project=folder).diagnostics
    assert (told.rule, told.detail) == (
        "moved-steps",
        "base/base.yaml has sums, rows, tell; here it is tell, sums, rows",
    )


def test_a_patch_takes_a_step_out(folder: Path) -> None:
    steps = "{steps: [{name: rows, $patch: delete}]}"
    found = spec(folder, build(folder, patched("report", steps)), "Job/report")
    assert [each["name"] for each in found["steps"]] == ["sums", "tell"]


def test_a_patch_of_a_template_merges_its_steps(folder: Path) -> None:
    steps = "{steps: [{name: sums, retry: once, onFailure: retry}, {name: rows}, {name: tell}]}"
    found = spec(folder, build(folder, patched("summary", steps, "JobType")), "JobType/summary")
    assert [sorted(each) for each in found["steps"]] == [
        ["name", "onFailure", "retry", "sql"],
        ["copy", "name"],
        ["http", "name"],
    ]


def test_maps_merge_by_name_lists_of_names_are_replaced_and_null_takes_out(folder: Path) -> None:
    change = "{schedules: {own: {every: 30m}, late: null}, groups: [other], tasks: {parallel: 4}}"
    stream = build(folder, patched("device", change))
    found = documents(stream)["Job/device"]["spec"]
    assert found["schedules"] == {"shared": "nightly", "own": {"every": "30m", "calendars": ["holidays"]}}
    assert (found["groups"], found["tasks"]) == (["other"], {"inventory": "devices", "parallel": 4})


def test_a_text_becomes_a_mapping_by_a_json_patch(folder: Path) -> None:
    patch = (
        "patches:\n  - target: {kind: Job, name: report}\n    patch: |\n"
        "      - {op: replace, path: /spec/schedule, value: {every: 2h}}\n"
        "      - {op: replace, path: /spec/steps/0/sql/statement, value: select 2}\n"
    )
    found = spec(folder, build(folder, patch), "Job/report")
    assert found["schedule"] == {"every": "2h"}
    assert found["steps"][0]["sql"]["statement"] == "select 2"


def test_labels_and_annotations_reach_every_object(folder: Path) -> None:
    overlay = "labels: [{pairs: {env: production}}]\ncommonAnnotations: {example.org/owner: bi}\n"
    tree = load(folder, build(folder, overlay))
    for address in tree.objects:
        metadata = tree.document(address).declared["metadata"]
        assert metadata["labels"]["env"] == "production"
        assert metadata["annotations"] == {"example.org/owner": "bi"}


def test_an_overlay_and_its_base_may_both_name_the_component(folder: Path) -> None:
    write(folder / "base" / "kustomization.yaml", "resources: [base.yaml]\ncomponents: [../runner]\n")
    stream = build(folder, "namePrefix: north-\n" + patched("report", "{steps: [{name: sums, timeout: 1m}]}"))
    found = spec(folder, stream, "Job/north-report")
    assert found["schedule"] == "north-nightly" and len(found["steps"]) == 3


def test_a_prefix_without_the_component_is_an_error_and_never_half_a_job(folder: Path) -> None:
    write(folder / "base" / "kustomization.yaml", "resources: [base.yaml]\nnamePrefix: north-\n")
    stream = subprocess.run([*kustomize(), "base"], cwd=folder, capture_output=True, timeout=100, check=True)
    tree = load_stream(stream.stdout, base=folder / "base", project=folder)
    assert {each.rule for each in tree.diagnostics} >= {"unknown-reference"}
    assert not tree.objects


def test_a_stream_is_validated_planned_and_removes_nothing(folder: Path) -> None:
    stream = build(folder, "namePrefix: north-\nbuildMetadata: [originAnnotations]\n")
    base = ("--base", "base", "--project", str(folder))
    valid = run_runner("validate", "-", *base, cwd=folder, timeout_s=100, input=stream, stdin=subprocess.PIPE)
    assert (valid.returncode, valid.stdout) == (0, "Valid: 25 objects in 1 file.\n")
    made = run_runner("reconcile", "base", "--create", "--project", str(folder), cwd=folder, timeout_s=100)
    assert made.returncode == 0, made.stderr
    plan = run_runner("plan", "-", *base, cwd=folder, timeout_s=100, input=stream, stdin=subprocess.PIPE)
    assert plan.returncode == 0
    assert "partial: removals not considered" in plan.stdout and "0 to uninstall" in plan.stdout
    assert "+ install    Job/north-report " in plan.stdout
    wrong = stream.replace("cron: 0 2 * * *", "crom: 0 2 * * *")
    told = run_runner("validate", "-", *base, cwd=folder, timeout_s=100, input=wrong, stdin=subprocess.PIPE)
    assert told.returncode == 1
    assert "error[unknown-field]" in told.stdout and "rendered from ../base/base.yaml" in told.stdout


def test_a_file_that_moves_in_the_repository_changes_no_object(folder: Path) -> None:
    stream = build(folder, "buildMetadata: [originAnnotations]\n")
    moved = stream.replace("path: ../base/base.yaml", "path: ../base/elsewhere.yaml")
    assert moved != stream
    assert load(folder, moved).digests() == load(folder, stream).digests()


def test_the_page_says_what_kustomize_does(folder: Path) -> None:
    """Its kustomization, over the base of the example."""
    page = (ROOT / "docs" / "ecosystem.md").read_text()
    (overlay,) = re.findall(r"```yaml\n(apiVersion: kustomize.*?)```", page, re.DOTALL)
    shutil.copytree(ROOT / "examples" / "environments" / "jobs.d", folder / "jobs.d")
    (folder / "runner").rename(folder / "kustomize")
    write(folder / "environments" / "north" / "kustomization.yaml", overlay)
    built = subprocess.run(
        [*kustomize(), "environments/north"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    found = spec(folder, built.stdout, "Job/north-report")
    assert [each["name"] for each in found["steps"]] == ["count", "archive", "tell"]
    assert (found["schedule"], found["timeout"], found["groups"]) == (
        {"every": "2h"},
        "30m",
        ["north-reports"],
    )
