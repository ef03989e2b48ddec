"""Rules for jobs that another system executes, and for the listener over which it reports."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from runner.declaration.problem import Path, Problem, quoted
from runner.declaration.rules import schedule as schedule_rules
from runner.declaration.rules.wording import beside, exactly_one
from runner.declaration.templates import has_template
from runner.declaration.written import mapping

Found = Iterator[Problem]

OF_A_PROCESS = (
    "steps", "code", "libraries", "env", "limits", "keepWorkdir", "tasks", "outputs",
)  # fmt: skip
"""Fields of a job that speak of a process of the runner."""


def job(_document: Mapping[str, Any], spec: Mapping[str, Any]) -> Found:
    """What another system executes has no process here. Jobs of own types are checked across documents."""
    if spec.get("type", "standard") == "external":
        for key in OF_A_PROCESS:
            if key in spec:
                yield beside(("spec", key), key, "type: external", "another system executes the job")
    elif "external" in spec and spec.get("type", "standard") in ("standard", "system", "loyalty"):
        detail = f"a job of type {spec.get('type', 'standard')} is executed by a process of the runner"
        yield Problem(
            ("spec", "external"), "no-effect", "Field without effect", detail, "type: external", at="key"
        )
    yield from _external(("spec", "external"), spec.get("external"))


def job_type(_document: Mapping[str, Any], spec: Mapping[str, Any]) -> Found:
    """A template is for a process."""
    defaults = mapping(spec.get("defaults"))
    if spec.get("executor") == "external":
        for key in ("steps", "outputs"):
            if key in spec:
                yield beside(("spec", key), key, "executor: external", "another system executes the jobs")
    elif "external" in defaults:
        detail = "jobs of this type are executed by a process of the runner"
        where: Path = ("spec", "defaults", "external")
        yield Problem(where, "no-effect", "Field without effect", detail, "executor: external", at="key")
    yield from _external(("spec", "defaults", "external"), defaults.get("external"))


def _external(path: Path, external: Any) -> Found:
    given = mapping(external)
    for key in ("silenceTimeout", "unknownTimeout"):
        yield from schedule_rules.positive((*path, key), given.get(key))
    if not isinstance(given.get("webhook"), Mapping):
        return
    path, webhook = (*path, "webhook"), given["webhook"]
    yield from exactly_one(path, webhook, ("connection", "url"), "a webhook")
    if "path" in webhook and "url" in webhook:
        yield beside((*path, "path"), "path", "url", "write the path into the url")
    url = webhook.get("url")
    if isinstance(url, str):
        yield from _url((*path, "url"), url, private=webhook.get("privateAddresses") is True)


def _url(path: Path, url: str, *, private: bool) -> Found:
    try:
        parts = urlsplit(url)
        is_url = bool(parts.scheme in ("https", "http") and parts.hostname)
        with_login = bool(parts.username or parts.password)
    except ValueError:
        is_url, with_login = False, False
    if has_template(url):
        detail = "the address of a webhook is fixed; ${{ }} is not evaluated in it"
        yield Problem(path, "expression-not-here", "Expression where none is read", detail)
    elif not is_url:
        detail = f"{quoted(url)} is not an address like https://example.org/jobs"
        yield Problem(path, "bad-url", "Bad URL", detail)
    elif with_login:
        hint = "name a Connection with an Authorization instead of a url"
        yield Problem(path, "literal-secret", "Secret in a file", "the URL holds a login", hint)
    elif not url.startswith("https://") and not private:
        detail = "without TLS anybody on the way reads the token for reports"
        hint = "write https, or privateAddresses: true for a system beside this one"
        yield Problem(path, "bad-url", "Bad URL", detail, hint)


def web(path: Path, given: Any) -> Found:
    """The listener is on loopback unless it is said otherwise, and then it knows its names."""
    settings = mapping(given)
    bind = settings.get("bind")
    if isinstance(bind, str):
        try:
            address = ipaddress.ip_address(bind)
        except ValueError:
            detail = f"{quoted(bind)} is no IP address"
            yield Problem((*path, "bind"), "bad-address", "Bad address", detail, "127.0.0.1 is loopback")
        else:
            if not address.is_loopback and not settings.get("hosts"):
                detail = "beside loopback the listener must know the names that it is called by"
                hint = "add hosts: [runner.example], and a proxy in front of it that does TLS"
                yield Problem((*path, "bind"), "missing-field", "Missing field", detail, hint)
    for index, origin in enumerate(settings["origins"] if isinstance(settings.get("origins"), list) else ()):
        if isinstance(origin, str) and not _is_origin(origin):
            detail = f"{quoted(origin)} is no origin like https://runner.example"
            yield Problem((*path, "origins", index), "bad-url", "Bad URL", detail)
    base = settings.get("baseUrl")
    if isinstance(base, str) and not _is_origin(base.rstrip("/")):
        detail = f"{quoted(base)} is no address like https://runner.example"
        yield Problem((*path, "baseUrl"), "bad-url", "Bad URL", detail, "scheme, name and port alone")


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    plain = text == f"{parts.scheme}://{parts.netloc}" and "@" not in parts.netloc
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname)
