"""JSON Schemas (draft-07) of the kinds, made from the models.

`python -m runner.declaration.json_schema schema/` writes them; a test fails when the committed ones are
stale. The combined schema is `runner.schema.json`; those of single kinds stand in `kinds/`.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

from runner.declaration.declared import API_VERSION, KINDS

DRAFT = "http://json-schema.org/draft-07/schema#"
COMBINED = "runner.schema.json"


@cache
def schema_of(kind: str) -> dict[str, Any]:
    """The schema of one kind. Not to be changed by the caller."""
    from runner.declaration.kinds.table import MODELS

    made = MODELS[kind].model_json_schema(by_alias=True, ref_template="#/definitions/{model}")
    definitions = {name: _tidy(each) for name, each in made.pop("$defs", {}).items()}
    schema = {
        "$schema": DRAFT,
        "title": f"{kind} ({API_VERSION})",
        **_tidy(made),
        "definitions": dict(sorted(definitions.items())),
    }
    return schema


@cache
def combined_schema() -> dict[str, Any]:
    """One schema for every document: `kind` selects by if/then, so that an error is one about that kind."""
    definitions: dict[str, Any] = {}
    for kind in KINDS:
        schema = dict(schema_of(kind))
        for name, each in schema.pop("definitions").items():
            if definitions.setdefault(name, each) != each:
                raise ValueError(f"two definitions are called {name}")
        del schema["$schema"]
        definitions[f"{kind}Document"] = schema
    selects = [
        {
            "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
            "then": {"$ref": f"#/definitions/{kind}Document"},
        }
        for kind in KINDS
    ]
    return {
        "$schema": DRAFT,
        "title": f"Declarations of the job runner ({API_VERSION})",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata"],
        "properties": {"apiVersion": {"const": API_VERSION}, "kind": {"enum": list(KINDS)}},
        "allOf": selects,
        "definitions": dict(sorted(definitions.items())),
    }


def schema_files() -> dict[str, str]:
    """Path below schema/ → text: `kinds/job.schema.json`, …, and the combined one."""
    files = {f"kinds/{_kebab(kind)}.schema.json": schema_of(kind) for kind in KINDS}
    files[COMBINED] = combined_schema()
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in files.items()}


def _kebab(kind: str) -> str:
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in kind).lstrip("-")


def _tidy(schema: Any) -> Any:
    """pydantic's output as an author's editor should see it.

    Out go generated titles, `default: null` and the null branch of optional fields (a field is left out, not
    null, unless null clears a default), `$defs` names and the odd `allOf` with one entry. Names of mappings
    become `propertyNames`, so that a bad name is told as one.
    """
    if isinstance(schema, list):
        return [_tidy(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    clearable = schema.get("clearable", False)
    tidy: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("title", "clearable") and not isinstance(value, dict):
            continue
        if key == "default" and (value is None or value in ({}, [], ())):
            continue
        if key == "oneOf":
            raise ValueError(f"oneOf gives errors that nobody understands: {json.dumps(schema)[:200]}")
        if key == "properties":
            tidy[key] = {name: _tidy(each) for name, each in value.items()}
        elif key in ("enum", "const", "default", "examples", "required"):
            tidy[key] = value
        else:
            tidy[key] = _tidy(value)
    _names(tidy)
    _union(tidy, clearable=clearable)
    if "$ref" in tidy and len(tidy) > 1:  # draft-07 ignores what stands beside $ref
        tidy["allOf"] = [{"$ref": tidy.pop("$ref")}]
    return tidy


def _names(schema: dict[str, Any]) -> None:
    patterns = schema.pop("patternProperties", None)
    if patterns:
        ((pattern, values),) = patterns.items()
        schema["propertyNames"] = {"pattern": pattern}
        schema["additionalProperties"] = values


def _union(schema: dict[str, Any], *, clearable: bool) -> None:
    branches = schema.get("anyOf")
    if branches is None:
        return
    if not clearable:
        branches = [each for each in branches if each != {"type": "null"}]
    if len(branches) > 1:
        schema["anyOf"] = branches
        return
    del schema["anyOf"]
    described: dict[str, Any] = {key: schema[key] for key in ("description", "default") if key in schema}
    schema.update(branches[0])
    schema.update(described)


def main(arguments: list[str]) -> int:
    """Write the schemas into the folder that is named."""
    if len(arguments) != 1:
        print("usage: python -m runner.declaration.json_schema FOLDER", file=sys.stderr)
        return 64
    folder = Path(arguments[0])
    (folder / "kinds").mkdir(parents=True, exist_ok=True)
    for name, text in schema_files().items():
        (folder / name).write_text(text, encoding="utf-8")
        print(folder / name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
