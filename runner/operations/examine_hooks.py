"""Can signed requests start what they are for? Their listener, their secrets, and what was refused lately."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from runner.operations.finding import Finding
from runner.operations.hook_secrets import secret_of
from runner.operations.receive_webhook import hooks_of
from runner.operations.refusals import LATELY, NEEDED, SHOWN, told
from runner.operations.request_refused import NoSecret
from runner.operations.settings import settings
from runner.operations.trigger_of import Triggered, trigger_of
from runner.schedules.trigger import HookSource
from runner.store.port import Reader


def examine_hooks(reader: Reader, project: Path, now: datetime) -> list[Finding]:
    """Nothing when no job has a hook, and nothing was sent to one."""
    hooks = hooks_of(reader)
    found: list[Finding] = []
    for path, owners in sorted(hooks.items()):
        if len(owners) > 1:
            text = f"/hooks/{path} belongs to {len(owners)} jobs, so nothing is taken"
            found.append(Finding("webhooks", "error", text, NEEDED["ambiguous-hook"]))
            continue
        trigger = trigger_of(reader, *owners[0])
        if isinstance(trigger, Triggered) and isinstance(trigger.trigger.source, HookSource):
            found += _secrets(reader, path, trigger.record.name, trigger.trigger.source, project)
    if hooks and settings(reader).get("web") is None:
        text = f"no listener is declared, so nobody can reach /hooks/{min(hooks)}"
        found.append(Finding("webhooks", "error", text, "add `web: {}` to the spec of the Runner"))
    if hooks and not found:
        said = f"{len(hooks)} path{'s' if len(hooks) > 1 else ''}, and each has its secret"
        found.append(Finding("webhooks", "ok", said))
    return [*found, *_refused(reader, now)]


def _secrets(reader: Reader, path: str, job: str, source: HookSource, project: Path) -> list[Finding]:
    """Each that is missing. Without any nothing is taken; beside another it is one to be replaced."""
    missing: list[str] = []
    for name, key in source.secrets:
        try:
            secret_of(reader, name, key, project)
        except NoSecret as problem:
            missing.append(problem.missing)
    nothing = len(missing) == len(source.secrets)
    what = f"/hooks/{path} of Job/{job} " + ("answers 503" if nothing else "has another secret that counts")
    advice = "set it where the daemon runs; it is read for each request"
    return [
        Finding("webhooks", "error" if nothing else "warning", f"{what}: {each}", advice) for each in missing
    ]


def _refused(reader: Reader, now: datetime) -> list[Finding]:
    lately = [each for each in reader.refusals.all() if each.last_at > now - LATELY]
    found = [
        Finding("webhooks", "warning", told(each), NEEDED.get(each.rule, "").format(job="NAME"))
        for each in lately[:SHOWN]
    ]
    if lately[SHOWN:]:
        text = f"and {len(lately) - SHOWN} more reasons for which requests were refused"
        found.append(Finding("webhooks", "warning", text, "runner jobs show NAME"))
    return found
