"""What does a schedule's `trigger` say, with every default filled in, and what does it need?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.declaration.problem import Path

KINDS = ("file", "webhook", "job", "after", "startup")
"""Exactly one of them is what happens."""

OUTCOMES = ("succeeded", "partially-succeeded", "failed", "cancelled", "replaced", "skipped")
GROUPS = {"finished": OUTCOMES[:3], "any": OUTCOMES}

QUEUE = {"limit": 10_000, "overflow": "refuse"}
LARGEST_BODY = 1 << 20
"""Bytes that `maxBody` may allow."""


def kind_of(trigger: Mapping[str, Any]) -> str | None:
    """The first of KINDS that is there."""
    return next((kind for kind in KINDS if kind in trigger), None)


def resolved_trigger(trigger: Mapping[str, Any]) -> dict[str, Any]:
    """`{kind, KIND: {…}, debounce, batch, queue, consume}`; `job` and `after` are the same, with `all`."""
    kind = kind_of(trigger) or "startup"
    return {
        "kind": "after" if kind == "job" else kind,
        **_RESOLVED[kind](trigger.get(kind) or {}),
        "debounce": _debounce(trigger.get("debounce")),
        "batch": _batch(trigger.get("batch")),
        "queue": {**QUEUE, **(trigger.get("queue") or {})},
        "consume": _consume(trigger.get("consume")),
    }


def needed(trigger: Any) -> Iterator[tuple[Path, str]]:
    """The objects that it refers to, with the place below the trigger."""
    if not isinstance(trigger, Mapping):
        return
    file = trigger.get("file")
    if isinstance(file, Mapping) and isinstance(file.get("root"), str):
        writes = "#write" if file.get("then") == "move" else ""
        yield ("file", "root"), f"Root/{file['root']}{writes}"
    for path, secret in _secrets(trigger.get("webhook")):
        name, key = secret.get("authorization"), secret.get("key")
        if isinstance(name, str) and isinstance(key, str):
            yield path, f"Authorization/{name}#{key}"
    yield from ((path, f"Job/{name}") for path, name in upstream_of(trigger))


def upstream_of(trigger: Any) -> Iterator[tuple[Path, str]]:
    """The jobs whose ends start it."""
    if not isinstance(trigger, Mapping):
        return
    job, after = trigger.get("job"), trigger.get("after")
    if isinstance(job, Mapping) and isinstance(job.get("name"), str):
        yield ("job", "name"), job["name"]
    every = after.get("all") if isinstance(after, Mapping) else None
    for name in every if isinstance(every, Mapping) else ():
        if isinstance(name, str):
            yield ("after", "all", name), name


def hook_of(trigger: Any) -> str | None:
    """The path of its webhook."""
    webhook = trigger.get("webhook") if isinstance(trigger, Mapping) else None
    path = webhook.get("path") if isinstance(webhook, Mapping) else None
    return path if isinstance(path, str) else None


def brings_inputs(trigger: Any) -> bool:
    """Whether what arrives may hold values for the job's inputs."""
    return isinstance(trigger, Mapping) and kind_of(trigger) in ("webhook", "job", "after")


def outcomes(states: Any) -> list[str]:
    """The outcomes that count, sorted."""
    given = [states] if isinstance(states, str) else list(states or ())
    return sorted({outcome for state in given for outcome in GROUPS.get(state, (state,))})


def _secrets(webhook: Any) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    secret = webhook.get("secret") if isinstance(webhook, Mapping) else None
    if isinstance(secret, Mapping):
        yield ("webhook", "secret"), secret
    for index, each in enumerate(secret if isinstance(secret, list) else ()):
        if isinstance(each, Mapping):
            yield ("webhook", "secret", index), each


def _file(own: Mapping[str, Any]) -> dict[str, Any]:
    moves = own.get("then") == "move"
    return {
        "file": {
            "root": own["root"],
            "match": own["match"],
            "stableFor": own.get("stableFor", "5s"),
            "existing": own.get("existing", "start"),
            "move": {"done": own.get("moveTo", "done"), "failed": own.get("failedTo", "failed")}
            if moves
            else None,
        }
    }


def _webhook(own: Mapping[str, Any]) -> dict[str, Any]:
    secret = own["secret"]
    return {
        "webhook": {
            "path": own["path"],
            "secrets": [dict(each) for each in (secret if isinstance(secret, list | tuple) else [secret])],
            "signature": own.get("signature", "standard"),
            "tolerance": own.get("tolerance", "5m"),
            "maxBody": own.get("maxBody", "256KiB"),
            "schema": own.get("schema"),
        }
    }


def _job(own: Mapping[str, Any]) -> dict[str, Any]:
    only = {own["name"]: outcomes(own.get("state", "succeeded"))}
    return {"after": {"all": only, "sameSlotDate": False, "within": "7d"}}


def _after(own: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "after": {
            "all": {name: outcomes(states) for name, states in own["all"].items()},
            "sameSlotDate": bool(own.get("sameSlotDate")),
            "within": own.get("within", "7d"),
        }
    }


def _debounce(given: Any) -> dict[str, str] | None:
    if given is None:
        return None
    if isinstance(given, str):
        return {"quiet": given, "atMost": "5m"}
    return {"quiet": given["quiet"], "atMost": given.get("atMost", "5m")}


def _batch(given: Any) -> dict[str, Any] | None:
    if given is None:
        return None
    if isinstance(given, int):
        return {"size": given, "within": "1m"}
    return {"size": given["size"], "within": given.get("within", "1m")}


def _consume(given: Any) -> dict[str, str] | None:
    if not given and not isinstance(given, Mapping):
        return None
    return {"linger": (given.get("linger") if isinstance(given, Mapping) else None) or "5s"}


def _startup(_own: Mapping[str, Any]) -> dict[str, Any]:
    return {}


_RESOLVED = {"startup": _startup, "file": _file, "webhook": _webhook, "job": _job, "after": _after}
