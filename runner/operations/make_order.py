"""Make the order for a claimed instance: what its process is told, secrets included, and nothing more."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from runner.credentials.authorization import resolve_authorization
from runner.credentials.sources import Warn
from runner.declaration.expression_cost import MOST_STEPS
from runner.declaration.expression_functions import as_text
from runner.declaration.expressions import ExpressionError, render
from runner.declaration.templates import has_template
from runner.execution.order import NO_TARGET, Order
from runner.operations.definition import Definition
from runner.operations.run_as import new_workdir, user_of
from runner.operations.saved import saved_of
from runner.operations.settings import settings
from runner.operations.targets_of import as_target
from runner.operations.whole_copies import WholeCopies
from runner.reconcile.masking import is_secret
from runner.schedules.kinds import schedule_from
from runner.schedules.look_back import slot_before
from runner.store.instances import InstanceRecord, log_path_of
from runner.store.port import Reader, Store
from runner.store.tasks import TaskRecord
from runner.vocabulary.errors import UnknownName
from runner.vocabulary.identity import Address

INHERITED = ("PATH", "HOME", "LANG", "TZ")
"""All that a child gets of the daemon's own environment (declarations.md, Job)."""

_NAMES = ("user", "username")

SHORTEST_SECRET = 6
"""Of a value that stands in a declaration under a secret's name: shorter ones blot out innocent words."""

SYSTEM = "system"
"""The job type whose programs may call the runner itself: they find it, its project and its database."""


def make_order(
    store: Store,
    instance: InstanceRecord,
    definition: Definition,
    *,
    project: Path,
    state: Path,
    now: datetime,
    copies: WholeCopies,
    zone: str,
    warn: Warn | None = None,
    task: TaskRecord | None = None,
) -> Order:
    """The order for `instance`, or for one target of it, with the connections, credentials and roots of now.

    It may run for its timeout, and not longer than until its deadline. `zone` is that of a job without a
    schedule (R8). `warn` is told of secret files that
    others may read.

    Raises CredentialMissing when a secret cannot be found, UnknownName when a connection is gone, or the copy
    of a file that the job names, and DamagedCopy when that is not what was applied.
    """
    spec = definition.spec
    for files in (definition.files, *definition.libraries.values()):
        for path, copy in files.items():
            copies.require(path, copy)
    context = run_context(instance, definition, zone)
    target = NO_TARGET if task is None else task.target
    if task is not None:
        context["target"] = as_target(task.target, task.values)
        context["instance"]["attempt"] = task.attempt
    connections: dict[str, dict[str, Any]] = {}
    roots: dict[str, dict[str, Any]] = {}
    done: dict[str, dict[str, Any]] = {}
    skipped: list[str] = []
    masks: set[str] = set()
    saved: dict[str, Any] = {}
    is_first = (instance.epoch if task is None else task.attempt) <= 1
    is_fresh = is_first and instance.rerun_of is None
    if definition.needs_installed or definition.asks_for_saved or not is_fresh:
        with store.read() as reader:
            connections, masks = _connections(reader, definition.connections, project, warn)
            env, env_masks = _environment(reader, spec, project, context, warn)
            if not is_fresh:
                done, skipped = _earlier_steps(reader, instance.id, target)
            roots = _roots(settings(reader), project) if definition.needs_installed else {}
            if definition.asks_for_saved or not is_first:  # a script may call another that asks
                saved = saved_of(reader, instance, target, spec, now, for_code=definition.code_asks_for_saved)
    else:
        env, env_masks = _environment(None, spec, project, context)
    if task is not None:
        env["RUNNER_TARGET_VALUES"] = json.dumps(dict(task.values), ensure_ascii=False)
    user = user_of(spec) if spec.get("runAs") else None
    workdir = _kept_workdir(state, instance, task) if definition.keep_workdir else None
    if user is not None:
        workdir = new_workdir(instance.id)
        if "HOME" not in spec["env"]:
            env["HOME"] = user.home
    if spec["type"] == SYSTEM:
        env = _with_the_runner(env, project, store.path)
    return Order(
        instance=instance.id,
        epoch=instance.epoch,
        job=instance.job,
        target=target,
        profile=definition.profile,
        steps=spec["steps"],
        context=context,
        done=done,
        saved=saved,
        skipped=skipped,
        files=definition.files,
        libraries=definition.libraries,
        connections=connections,
        roots=roots,
        env=env,
        workdir=workdir,
        keep_workdir=definition.keep_workdir and user is None,
        log_path=f"{state}/{log_path_of(instance.job, instance.id, target)}",
        limits=definition.limits if user is None else {**definition.limits, "user": user.as_limit()},
        outputs=spec["outputs"] if task is None else {},
        perform_timeout_s=definition.perform_timeout_s,
        timeout_s=_time_left(instance, _timeout_s(definition, task), now),
        output_limit=definition.output_limit,
        masks=sorted(masks | env_masks, key=len, reverse=True),
    )


def _kept_workdir(state: Path, instance: InstanceRecord, task: TaskRecord | None) -> str:
    """Each target has one of its own: several work at the same time."""
    return f"{state}/work/{instance.id}" + ("" if task is None else f"/{task.target}")


def _timeout_s(definition: Definition, task: TaskRecord | None) -> float | None:
    """Of one attempt, or of one try of one target: what bounds the run as a whole is watched by others."""
    if task is None or definition.fan_out is None:
        return definition.timeout_s
    timeout = definition.fan_out.timeout
    return timeout.total_seconds() if timeout is not None else None


def _time_left(instance: InstanceRecord, timeout_s: float | None, now: datetime) -> float | None:
    """Seconds; None for any time."""
    if instance.expires_at is None:
        return timeout_s
    left_s = max((instance.expires_at - now).total_seconds(), 0.001)
    return left_s if timeout_s is None else min(left_s, timeout_s)


def _roots(declared: Mapping[str, Any], project: Path) -> dict[str, dict[str, Any]]:
    """Only a root inside the project is made when it is missing: elsewhere a disk may not be mounted."""
    return {
        name: {
            "path": str((project / root["path"]).resolve()),
            "access": root.get("access", "read"),
            "create": not Path(root["path"]).is_absolute(),
        }
        for name, root in (declared.get("roots") or {}).items()
    }


def _connections(
    reader: Reader, names: Sequence[str], project: Path, warn: Warn | None
) -> tuple[dict[str, dict[str, Any]], set[str]]:
    connections: dict[str, dict[str, Any]] = {}
    masks: set[str] = set()
    for name in names:
        record = reader.objects.get(Address("Connection", name))
        if record is None:
            raise UnknownName(f"Connection/{name} is not installed; declare it and apply, then start again")
        connection = {key: value for key, value in record.resolved.items() if key != "authorization"}
        if record.resolved.get("authorization"):
            secrets = _authorization(reader, record.resolved["authorization"], project, warn)
            connection.update(secrets)
            masks |= _secret_values(secrets)
        connection["url"] = _anchored(connection["url"], project)
        connections[name] = connection
    return connections, masks


def _anchored(url: str, project: Path) -> str:
    """A SQLite file named by a relative path belongs to the project, not to the child's working directory."""
    scheme, separator, rest = url.partition(":///")
    if separator and scheme.split("+")[0] == "sqlite" and rest and not rest.startswith(("/", ":", "file:")):
        return f"{scheme}:///{(project / rest).resolve()}"
    return url


def _environment(
    reader: Reader | None,
    spec: Mapping[str, Any],
    project: Path,
    context: dict[str, Any],
    warn: Warn | None = None,
) -> tuple[dict[str, str], set[str]]:
    """The exact environment and what to mask in it; expressions are evaluated, in `context["env"]` too.

    Without a reader nothing in it may come from an authorization.
    """
    env = {name: value for name in INHERITED if (value := os.environ.get(name)) is not None}
    masks: set[str] = set()
    for name, value in spec["env"].items():
        if isinstance(value, Mapping) and reader is not None:
            secrets = _authorization(reader, value["authorization"], project, warn)
            if value["key"] not in secrets:
                raise UnknownName(
                    f"Authorization/{value['authorization']} has no key {value['key']!r}, "
                    f"which env.{name} names; it has: {', '.join(sorted(secrets))}"
                )
            env[name] = secrets[value["key"]]
            masks |= _secret_values({**_names(secrets), value["key"]: env[name]})
        else:
            env[name] = _evaluated(name, value, context) if has_template(value) else value
            context["env"][name] = env[name]
            if is_secret(("env", name)) and len(env[name]) >= SHORTEST_SECRET:
                masks.add(env[name])
    return env, masks


def _evaluated(name: str, value: str, context: Mapping[str, Any]) -> str:
    text = as_text(render(value, context, most_steps=MOST_STEPS))
    if "\0" in text:  # what arrived from outside may hold anything
        raise ExpressionError(f"env.{name}: its value has a NUL character, which no environment can hold")
    return text


def _with_the_runner(env: Mapping[str, str], project: Path, database: Path) -> dict[str, str]:
    """The environment with this installation's `runner` first on the path; what a job declares wins."""
    programs = str(Path(sys.executable).parent)
    path = os.pathsep.join(filter(None, (programs, env.get("PATH"))))
    return {"RUNNER_PROJECT": str(project), "RUNNER_DB": str(database), **env, "PATH": path}


def _authorization(reader: Reader, name: str, project: Path, warn: Warn | None) -> dict[str, str]:
    record = reader.objects.get(Address("Authorization", name))
    if record is None:
        raise UnknownName(f"Authorization/{name} is not installed; declare it and apply, then start again")
    return resolve_authorization(record.resolved, name=name, base=project, warn=warn)


def _secret_values(secrets: Mapping[str, str]) -> set[str]:
    """What must not appear in a log. A user's name is not masked: it would blot out innocent words.

    Together with a secret it is: base64 of `user:password` is what a Basic header holds.
    """
    names = _names(secrets).values()
    found = {value for key, value in secrets.items() if key not in _NAMES and len(value) >= 4}
    return found | {f"{name}:{value}" for name in names for value in found}


def _names(secrets: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in secrets.items() if key in _NAMES}


def _earlier_steps(
    reader: Reader, instance_id: int, target: str
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    done: dict[str, dict[str, Any]] = {}
    skipped: list[str] = []
    for step in reader.steps.of(instance_id, target):
        if step.state == "COMPLETED" or (step.state == "SKIPPED" and step.outputs):  # of the run it repeats
            done[step.name] = dict(step.outputs)
        elif step.state == "SKIPPED":
            skipped.append(step.name)
    return done, skipped


def run_context(instance: InstanceRecord, definition: Definition, zone: str) -> dict[str, Any]:
    """The names that expressions of a run read; its target is `-`, and no step has run."""
    spec = definition.spec
    return {
        "inputs": dict(instance.inputs),
        "slot": _slot(instance, definition, zone),
        "job": {"name": instance.job, "version": spec["version"] or ""},
        "instance": {"id": instance.id, "attempt": instance.attempt, "origin": instance.origin},
        "target": {"name": "-"},
        "trigger": dict(instance.trigger),
        "env": {name: value for name, value in spec["env"].items() if isinstance(value, str)},
    }


def _slot(instance: InstanceRecord, definition: Definition, default_zone: str) -> dict[str, Any]:
    at = instance.slot_at or instance.created_at
    schedules: Mapping[str, Mapping[str, Any]] = definition.spec["schedules"]
    schedule = schedules.get(instance.schedule or "") or next(iter(schedules.values()), {})
    zone = schedule.get("timezone") or default_zone
    time = at.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")
    slot: dict[str, Any] = {
        "time": time,
        "date": time[:10],
        "zone": zone,
        "previous": None,
    }
    if schedule and definition.reads_previous_slot:
        before = slot_before(schedule_from(schedule), at)
        slot["previous"] = before and before.at.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")
    return slot
