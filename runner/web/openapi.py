"""What does the HTTP interface promise? Its OpenAPI document, made from its routes.

`python -m runner.web.openapi docs/reference/openapi.json` writes it; the listener serves it too.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from runner.web.problems import MEDIA_TYPE

PATH = "/api/v1/openapi.json"

ABOUT = """\
No request is anonymous: `Authorization: Bearer TOKEN`, from `runner token create NAME --role R`. Every error
is a problem as RFC 9457 describes it. docs/external-jobs.md says how a system works with it."""

PROBLEM: Mapping[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "Why the request was refused (RFC 9457)",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "urn:jobs-runner:problem: and a word for programs"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened and what would be accepted"},
        "errors": {
            "type": "array",
            "description": "Each place in the body that is not as it should be",
            "items": {
                "type": "object",
                "required": ["at", "problem"],
                "properties": {"at": {"type": "string"}, "problem": {"type": "string"}},
            },
        },
    },
}


def openapi_of(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """OpenAPI 3.1 of those that lie below /api/, each with the problem that it may answer with."""
    found = get_openapi(title="jobs-runner", version="1", description=ABOUT, routes=routes)
    found["paths"] = {path: told for path, told in found["paths"].items() if path.startswith("/api/")}
    parts = found.setdefault("components", {})
    parts.setdefault("schemas", {})["Problem"] = dict(PROBLEM)
    for unused in ("HTTPValidationError", "ValidationError"):
        parts["schemas"].pop(unused, None)
    parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    found["security"] = [{"token": []}]
    refusal = {
        "description": "It was refused, and nothing was changed",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for operations in found["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = refusal
    return found


def main(path: Path) -> None:
    """Write the document."""
    from runner.web.app import routes_of

    path.write_text(text_of(openapi_of(routes_of())), "utf-8")


def text_of(document: Mapping[str, Any]) -> str:
    """As it is kept."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
