"""The policies of a job with the defaults of three levels filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Levels = Sequence[Mapping[str, Any]]
"""Specs that may hold a field, the one that counts first."""

HISTORY = {"keep": 1000, "maxAge": "90d"}
LIMITS = {"memory": None, "cpuTime": None, "output": "50MiB"}
MISSED = {"policy": "last", "maxAge": "24h", "maxRuns": 10}
EXTERNAL = {"webhook": None, "silenceTimeout": "10m", "unknownTimeout": "1h"}
WEB = {"bind": "127.0.0.1", "port": 8470, "hosts": [], "origins": [], "baseUrl": None}
CONCURRENCY = {"policy": "skip", "limit": 1}

_NO_RETRY = {"initial": "0s", "factor": 1, "maxDelay": None, "maxElapsed": None, "jitter": "0%"}
RETRIES: dict[str, dict[str, Any]] = {
    "none": {**_NO_RETRY, "maxAttempts": 1},
    "once": {**_NO_RETRY, "maxAttempts": 2},
    "backoff": {**_NO_RETRY, "initial": "1m", "factor": 2, "maxAttempts": None, "maxElapsed": "2h"},
    "until-expiry": {**_NO_RETRY, "initial": "5m", "maxAttempts": None, "maxElapsed": "30m"},
}
"""Lifecycle, principle 8. `maxAttempts` counts the first attempt too."""

_OWN_RETRY = {"initial": "1m", "factor": 2, "maxDelay": "1h", "maxAttempts": None, "jitter": "0%"}


def nearest_declared(levels: Levels, key: str, built_in: Any = None) -> Any:
    """The value of the first level that declares the field; an explicit null counts, and clears."""
    for level in levels:
        if key in level:
            return level[key]
    return built_in


def merged(levels: Levels, key: str, built_in: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping put together name by name; a level that declares it empty clears what lies below."""
    found: dict[str, Any] = {}
    for level in levels:
        if key not in level:
            continue
        values = level[key] or {}
        if not values:
            return {**({} if key == "env" else built_in), **found}
        found = {**values, **found}
    return {**built_in, **found}


def concurrency(levels: Levels) -> dict[str, Any]:
    """`{policy, limit}`; `singleInstance` is its short form. With `allow` there is no limit (null), unless
    one is declared beside it or nearer.
    """
    written = [_long_form(level, "singleInstance", "concurrency", _single) for level in levels]
    found = merged(written, "concurrency", CONCURRENCY)
    if found["policy"] != "allow":
        return found
    near: list[Mapping[str, Any]] = []
    for level in written:
        near.append(level)
        if (level.get("concurrency") or {}).get("policy"):
            break
    return {"policy": "allow", "limit": merged(near, "concurrency", {"limit": None})["limit"]}


def missed(levels: Levels) -> dict[str, Any]:
    """`{policy, maxAge, maxRuns}`; `runSkipped` is its short form."""
    return merged([_long_form(each, "runSkipped", "missed", _skipped) for each in levels], "missed", MISSED)


def retry(declared: Any) -> dict[str, Any]:
    """A retry in its long form: `{policy, initial, factor, maxDelay, maxAttempts, maxElapsed, jitter}`."""
    if isinstance(declared, Mapping):
        elapsed = None if declared.get("maxAttempts") else "2h"
        return {"policy": "custom", **_OWN_RETRY, "maxElapsed": elapsed, **declared}
    return {"policy": declared, **RETRIES[declared]}


def external(levels: Levels) -> dict[str, Any]:
    """`{webhook, silenceTimeout, unknownTimeout}`; only a job and its type speak of them."""
    found = merged(levels[:2], "external", EXTERNAL)
    if found["webhook"]:
        webhook = {"connection": None, "url": None, "path": None, "privateAddresses": False}
        found["webhook"] = {**webhook, **found["webhook"]}
    return {name: EXTERNAL[name] if value is None else value for name, value in found.items()}


def with_retry_errors(
    steps: list[dict[str, Any]], errors: Mapping[str, Mapping[str, Any] | None]
) -> list[dict[str, Any]]:
    """The steps, each with the `retryOn` and `neverRetryOn` that count for it: its own, else the job's."""
    return [{**step, **{name: step.get(name, job) for name, job in errors.items()}} for step in steps]


def retry_errors(declared: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """`{errors, exitCodes, sqlStates}`, or None when nothing is declared."""
    if declared is None:
        return None
    return {"errors": [], "exitCodes": [], "sqlStates": [], **declared}


def fail_after(levels: Levels, policy: str) -> int | str:
    """Consecutive failed instances until the job is FAILED, or `never`."""
    built_in = 1 if policy in ("backoff", "until-expiry") else 3
    found: int | str = nearest_declared(levels, "failAfter", built_in)
    return found


REPEATABLE = ("sql", "copy", "prune", "class")
"""Kinds of steps; `class` is code that is one, because it makes a checkpoint after each unit of work."""


def on_crash(levels: Levels, kinds: Sequence[str], *, goes_on: bool = False) -> str:
    """`resume` when nothing but steps that may be repeated can have been interrupted (lifecycle, 10).

    `goes_on`: over an inventory each target is tried again after any error, until it expires; and who works
    through items goes on with the one that was not acknowledged.
    """
    repeatable = goes_on or (bool(kinds) and all(kind in REPEATABLE for kind in kinds))
    return str(nearest_declared(levels, "onCrash", "resume" if repeatable else "fail"))


def _single(single: bool) -> dict[str, Any]:
    return {"policy": "skip", "limit": 1} if single else {"policy": "allow"}


def _skipped(run_skipped: bool) -> dict[str, Any]:
    return {"policy": "last" if run_skipped else "none"}


def _long_form(level: Mapping[str, Any], short: str, long: str, form: Any) -> Mapping[str, Any]:
    return {**level, long: form(level[short])} if short in level else level
