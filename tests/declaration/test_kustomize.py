"""The component for kustomize is fresh, and knows every field in which one object names another."""

from __future__ import annotations

import functools
import json
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from runner.declaration.declared import KINDS
from runner.declaration.facts import facts_of
from runner.declaration.kustomize import Reference, kustomize_files, references

ROOT = Path(__file__).parents[2]
BASE = Path(__file__).with_name("kustomized") / "base.yaml"


@functools.cache
def openapi() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(kustomize_files()["openapi.json"])
    return made


def lists_below(schema: dict[str, Any], path: str = "", seen: tuple[str, ...] = ()) -> dict[str, Any]:
    """Every list of the schema by its path."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return {} if name in seen else lists_below(openapi()["definitions"][name], path, (*seen, name))
    found = {path: schema} if schema.get("type") == "array" else {}
    for name, each in schema.get("properties", {}).items():
        found.update(lists_below(each, f"{path}/{name}", seen))
    for name, each in (("*", schema.get("additionalProperties")), ("", schema.get("items"))):
        found.update(lists_below(each, f"{path}/{name}".rstrip("/"), seen) if each else {})
    return found


def test_the_committed_component_is_fresh() -> None:
    folder = ROOT / "schema" / "kustomize"
    committed = {path.name: path.read_text("utf-8") for path in folder.iterdir()}
    assert committed == kustomize_files(), "run: python -m runner.declaration.kustomize schema/kustomize/"


def test_steps_are_merged_by_name_and_every_other_list_is_replaced() -> None:
    merged = {
        (kind, path)
        for kind in KINDS
        for path, schema in lists_below(openapi()["definitions"][f"{kind}Document"]).items()
        if "x-kubernetes-patch-merge-key" in schema
    }
    assert merged == {("Job", "/spec/steps"), ("JobType", "/spec/steps")}


def test_no_kind_has_a_namespace() -> None:
    kinds = [each["get"]["x-kubernetes-group-version-kind"]["kind"] for each in openapi()["paths"].values()]
    assert sorted(kinds) == sorted(KINDS)
    assert not any("namespaces" in path for path in openapi()["paths"])


def test_what_the_facts_call_a_reference_is_known_and_nothing_else() -> None:
    """The base has every field in which one object names another; the facts are what validation looks at."""
    found: dict[tuple[str, str], str] = {}
    for document in YAML(typ="safe", pure=True).load_all(BASE.read_text()):
        for name, path in facts_of(document, document["kind"])["references"]:
            written = "/".join(step for step in path if not isinstance(step, int))
            found[document["kind"], written] = name.partition("/")[0]
    unmatched = dict(found)
    for each in references():
        hits = [at for at in found if matches(each, *at) and found[at] == each.target]
        assert hits, f"the base has no {each}"
        for at in hits:
            unmatched.pop(at, None)
    assert unmatched == {}


def matches(each: Reference, kind: str, path: str) -> bool:
    """Whether the facts' path is the reference's; theirs may end before `authorization`, or with a key."""
    ends = (each.path, each.path.removesuffix("/authorization"), f"{each.path}/*")
    return kind == each.kind and any(fnmatch(path, end) and path.count("/") == end.count("/") for end in ends)


@pytest.mark.parametrize("field", ["schedule", "env/*/authorization", "schedules/*"])
def test_what_kustomize_has_no_path_to_is_not_in_its_list(field: str) -> None:
    assert f"path: spec/{field}}}" not in kustomize_files()["names.yaml"]
    assert Reference("Job", f"spec/{field}", references_target(field), False) in references()


def references_target(field: str) -> str:
    return "Authorization" if field.startswith("env") else "Schedule"
