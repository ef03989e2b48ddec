"""Documents that are valid, but for what a test names."""

from __future__ import annotations

from typing import Any

HELLO = [{"name": "hello", "shell": "echo hello"}]


def an_object(kind: str, name: str, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """An object of any kind."""
    return {
        "apiVersion": "jobs.runner/v1",
        "kind": kind,
        "metadata": {"name": name, **metadata},
        "spec": spec,
    }


def a_job(
    name: str = "report",
    *,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    without: str | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """A job with one shell step; `with_` and `if_` lose their underscore."""
    fields = {"enabled": True, "steps": HELLO, **{key.rstrip("_"): value for key, value in spec.items()}}
    if without is not None:
        del fields[without]
    metadata: dict[str, Any] = {}
    if labels is not None:
        metadata["labels"] = labels
    if annotations is not None:
        metadata["annotations"] = annotations
    return an_object("Job", name, fields, **metadata)


def a_job_with_step(**step: Any) -> dict[str, Any]:
    """A job whose only step, `it`, is what the test names."""
    fields = {key.rstrip("_"): value for key, value in step.items()}
    return a_job(steps=[{"name": "it", **fields}])


def a_schedule(name: str = "nightly", **spec: Any) -> dict[str, Any]:
    """A Schedule; at two o'clock when nothing else is said."""
    return an_object("Schedule", name, spec or {"cron": "0 2 * * *"})


def a_job_type(name: str = "import", **spec: Any) -> dict[str, Any]:
    """A JobType of the user's own."""
    return an_object("JobType", name, spec)


def a_library(name: str = "dates", **spec: Any) -> dict[str, Any]:
    """A Library of one file."""
    return an_object("Library", name, spec if "modules" in spec else {"file": "dates.py", **spec})


def a_connection(name: str = "warehouse", **spec: Any) -> dict[str, Any]:
    """A Connection to a database file."""
    return an_object("Connection", name, {"url": "sqlite:///w.db", **spec})


def an_authorization(name: str = "warehouse-2026", **config: Any) -> dict[str, Any]:
    """An Authorization with a user and a password from the environment."""
    values = config or {"user": "etl", "password": {"from": {"env": "WAREHOUSE_PASSWORD"}}}
    return an_object("Authorization", name, {"config": values})


def a_runner(**spec: Any) -> dict[str, Any]:
    """The Runner object."""
    return an_object("Runner", "here", spec)
