"""What makes an editor help with declarations? Which schema a file has, and a snippet for each kind.

The snippets are what `runner new` writes, with the name as a field to fill in.
"""

from __future__ import annotations

import json
from typing import Any

from runner.declaration.declared import KINDS
from runner.declaration.scaffold import scaffold

SCHEMA = ".runner/schema/runner.schema.json"
"""Below the project; `runner init` writes it anew each time."""
FILES = ["jobs.d/**/*.yaml", "jobs.d/**/*.yml", "!**/kustomization.yaml"]
"""As yaml-language-server reads patterns, those with `!` after the others."""

SETTINGS = ".vscode/settings.json"
EXTENSIONS = ".vscode/extensions.json"
SNIPPETS = ".vscode/runner.code-snippets"
JETBRAINS = ".idea/jsonSchemas.xml"

_YAML_SUPPORT = "redhat.vscode-yaml"
_NAME = "zznamezz"
"""Stands for the name while a snippet is made: all letters, so that no scaffold writes it another way."""

_JETBRAINS = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<project version="4">
  <component name="JsonSchemaMappingsProjectConfiguration">
    <state>
      <map>
        <entry key="runner">
          <value>
            <SchemaInfo>
              <option name="name" value="runner" />
              <option name="relativePathToSchema" value="{SCHEMA}" />
              <option name="patterns">
                <list>
                  <Item>
                    <option name="directory" value="true" />
                    <option name="path" value="jobs.d" />
                    <option name="mappingKind" value="Directory" />
                  </Item>
                </list>
              </option>
            </SchemaInfo>
          </value>
        </entry>
      </map>
    </state>
  </component>
</project>
"""


def modeline(up: int) -> str:
    """The first line of a declaration `up` folders below the project: what editors use reads it."""
    return f"# yaml-language-server: $schema={'../' * up}{SCHEMA}\n"


def editor_files(*, jetbrains: bool) -> dict[str, str]:
    """Path below the project → text, as in a project that has none of them yet."""
    files = {
        SETTINGS: _json({"yaml.schemas": {SCHEMA: FILES}}),
        EXTENSIONS: _json({"recommendations": [_YAML_SUPPORT]}),
        SNIPPETS: _json(snippets()),
    }
    return {**files, JETBRAINS: _JETBRAINS} if jetbrains else files


def with_schema(settings: str) -> str | None:
    """A settings file that maps our files too; None when it is no plain JSON (comments), or not UTF-8."""
    try:
        settings.encode("utf-8")
        found = json.loads(settings)
    except ValueError:
        return None
    mapped = found.setdefault("yaml.schemas", {}) if isinstance(found, dict) else None
    if not isinstance(mapped, dict):
        return None
    mapped[SCHEMA] = FILES
    return _json(found)


def snippets() -> dict[str, Any]:
    """One for each kind, in the form that VS Code and those that read its snippets know."""
    return {f"runner {kind}": _snippet(kind) for kind in KINDS}


def _snippet(kind: str) -> dict[str, Any]:
    text = scaffold(kind, _NAME)
    for sign in ("\\", "$", "}"):
        text = text.replace(sign, f"\\{sign}")
    text = text.replace(_NAME, f"${{1:my-{kind.lower()}}}").replace(_NAME.upper(), "${2:MY}")
    return {
        "prefix": [kind.lower(), f"runner-{kind.lower()}"],
        "scope": "yaml",
        "description": f"A new {kind}, as `runner new` writes it",
        "body": [*text.splitlines(), "$0"],
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
