"""Rules for secrets: none stands in a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from runner.declaration.problem import Path, Problem
from runner.declaration.rules.wording import exactly_one, not_yet
from runner.declaration.templates import has_template
from runner.declaration.written import mapping

_SECRET = re.compile(
    r"pass(wd|words?|phrases?)?$|secret|token|credential|(api|access|private|secret|signing)_?key|^key$|^pwd$|auth$",
    re.IGNORECASE,
)
"""Names of values that are secrets wherever they are met."""


def is_secret_like(name: str) -> bool:
    """Whether a value of this name is a secret: `password`, `apiKey`, `PGPASSWORD`."""
    return _SECRET.search(name) is not None


def authorization(_document: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[Problem]:
    """By configuration; what is secret comes from somewhere else."""
    yield from exactly_one(("spec",), spec, ("config", "oauth2"), "an Authorization")
    if "oauth2" in spec:
        hint = "config is there, with secrets from env, file or systemdCredential"
        yield not_yet(("spec", "oauth2"), "OAuth", hint=hint, at_key=True)
    for key, value in mapping(spec.get("config")).items():
        path: Path = ("spec", "config", key)
        if isinstance(value, str) and is_secret_like(str(key)):
            yield Problem(
                path,
                "literal-secret",
                "Secret in a file",
                f"the value of '{key}' stands in the file, where everyone who can read it sees it",
                f"write {key}: {{from: {{env: NAME}}}}, or file or systemdCredential instead of env; "
                "change the secret if it was committed",
            )
        source = mapping(value).get("from")
        if isinstance(source, Mapping):
            yield from exactly_one((*path, "from"), source, ("env", "file", "systemdCredential"), "from")


def connection(_document: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[Problem]:
    """The URL holds no password."""
    url = spec.get("url")
    if not isinstance(url, str):
        return
    path = ("spec", "url")
    try:
        parts = urlsplit(url)
        secret = bool(parts.password) or any(
            is_secret_like(pair.partition("=")[0]) and pair.partition("=")[2]
            for pair in parts.query.split("&")
        )
    except ValueError as problem:
        yield Problem(path, "bad-url", "Bad URL", str(problem))
        return
    if secret:
        hint = "put user and password into an Authorization, and name it in spec.authorization"
        yield Problem(path, "literal-secret", "Secret in a file", "the URL holds a password", hint)
    elif has_template(url):
        detail = "a URL of a Connection is fixed; ${{ }} is not evaluated in it"
        yield Problem(path, "expression-not-here", "Expression where none is read", detail)


def environment(document: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[Problem]:
    """Names that are ours, and values that look like secrets."""
    path: Path = ("spec",)
    if document.get("kind") != "Job":
        path, spec = ("spec", "defaults"), mapping(spec.get("defaults"))
    for name, value in mapping(spec.get("env")).items():
        if str(name).startswith("RUNNER_"):
            detail = f"'{name}': names beginning with RUNNER_ are set by the runner"
            yield Problem((*path, "env", name), "reserved-name", "Reserved name", detail, at="key")
        if isinstance(value, str) and value and is_secret_like(str(name)) and not has_template(value):
            yield Problem(
                (*path, "env", name),
                "literal-secret",
                "Secret in a file?",
                f"'{name}' is named like a secret, and its value stands in the file",
                f"write {name}: {{authorization: NAME, key: KEY}}",
                severity="warning",
            )
