"""What an editor offers is what `runner new` writes, and it is valid."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest
from ruamel.yaml import YAML

from runner.declaration.declared import KINDS
from runner.declaration.decode import problems_of
from runner.declaration.editors import FILES, JETBRAINS, SCHEMA, SETTINGS, editor_files, snippets, with_schema
from runner.declaration.scaffold import scaffold


def typed(body: list[str], **values: str) -> str:
    """What stands in the file once a person has gone through the fields of a snippet, as VS Code reads it."""

    def filled(match: re.Match[str]) -> str:
        if match["escaped"]:
            return match["escaped"]
        return values.get(f"f{match['number']}", match["default"] or "")

    parts = r"\\(?P<escaped>[\\$}])|\$\{(?P<number>\d+):(?P<default>[^}]*)\}|\$0"
    return re.sub(parts, filled, "\n".join(body))


@pytest.mark.parametrize("kind", KINDS)
def test_a_snippet_as_it_stands_is_a_valid_declaration(kind: str) -> None:
    snippet = snippets()[f"runner {kind}"]
    document = YAML(typ="safe", pure=True).load(typed(snippet["body"]))
    assert problems_of(document) == []
    assert (document["kind"], document["metadata"]["name"]) == (kind, f"my-{kind.lower()}")
    assert snippet["prefix"][0] == kind.lower()


@pytest.mark.parametrize("kind", KINDS)
def test_a_snippet_is_what_new_writes(kind: str) -> None:
    body = snippets()[f"runner {kind}"]["body"]
    assert typed(body, f1="report", f2="REPORT") == scaffold(kind, "report")


def test_settings_of_others_stay_and_ours_are_added() -> None:
    mine = {"editor.rulers": [110], "yaml.schemas": {"other.json": "other/*.yaml"}}
    found = with_schema(json.dumps(mine))
    assert found is not None
    assert json.loads(found) == {**mine, "yaml.schemas": {"other.json": "other/*.yaml", SCHEMA: FILES}}
    assert with_schema("{}") == editor_files(jetbrains=False)[SETTINGS]


@pytest.mark.parametrize("text", ["", '{"a": 1, // why\n}', "[]", '{"yaml.schemas": 7}', '{"a": "\udcff"}'])
def test_settings_that_cannot_be_added_to_are_left_to_their_owner(text: str) -> None:
    assert with_schema(text) is None


def test_a_jetbrains_editor_maps_the_folder_to_the_schema() -> None:
    (value,) = ElementTree.fromstring(editor_files(jetbrains=True)[JETBRAINS]).iter("SchemaInfo")
    options = {each.get("name"): each.get("value") for each in value.iter("option")}
    assert (options["relativePathToSchema"], options["path"], options["directory"]) == (
        SCHEMA,
        "jobs.d",
        "true",
    )
    assert JETBRAINS not in editor_files(jetbrains=False)
