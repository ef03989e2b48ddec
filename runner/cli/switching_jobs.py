"""The verbs that switch jobs: what `runner jobs enable|disable|pause|resume|reset|bounce|kill|skip` do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from runner.cli.acting import Asked, acts_on, for_option, protected_option
from runner.cli.nouns import JOBS
from runner.lifecycle.job import RUNNING

if TYPE_CHECKING:
    from runner.operations.holding import Acted
    from runner.store.port import Reader


@click.command("enable")
@acts_on(JOBS, "enable", done="enabled")
def enable(asked: Asked) -> Sequence[Acted]:
    """End an operator's hold, and hold `new` of a job that was just installed.

    A job that git declares disabled is refused (exit 3): change its declaration.

    \b
    Example:
      runner jobs enable sales-summary --reason "reviewed"
    """
    from runner.operations.enable import enable_jobs

    return asked.record(enable_jobs)


@click.command("disable")
@acts_on(
    JOBS,
    "disable",
    for_option("The hold ends by itself after this time."),
    protected_option("Also a job of a protected type."),
    done="disabled",
)
def disable(asked: Asked, *, lasting: timedelta | None, allow_protected: bool) -> Sequence[Acted]:
    """Hold jobs: no automatic start until they are enabled again, whatever is deployed.

    What runs finishes first (or as the job's onDisable says); starts that wait are dropped.

    \b
    Example:
      runner jobs disable sales-summary --for 2h --reason INC-123
    """
    from runner.operations.disable import disable_jobs

    until = asked.until(lasting)
    acts = _recorded(asked, disable_jobs, until=until, allow_protected=allow_protected)
    with asked.store.read() as reader:
        _say_what_falls_into_it(reader, asked.objects, asked.now, until, "are dropped")
    return acts


@click.command("pause")
@acts_on(
    JOBS,
    "pause",
    for_option("The pause ends by itself after this time."),
    protected_option("Also a job of a protected type."),
    done="paused",
)
def pause(asked: Asked, *, lasting: timedelta | None, allow_protected: bool) -> Sequence[Acted]:
    """Let jobs wait: starts wait, and what runs stops at its next step or checkpoint and goes on later.

    At the end of the pause the job's missed policy decides about the slots that fell into it.

    \b
    Example:
      runner jobs pause sales-summary --for 2h --reason INC-123
    """
    from runner.operations.pause_jobs import pause_jobs

    until = asked.until(lasting)
    acts = _recorded(asked, pause_jobs, until=until, allow_protected=allow_protected)
    with asked.store.read() as reader:
        _say_what_falls_into_it(reader, asked.objects, asked.now, until, "wait for the missed policy")
    return acts


@click.command("resume")
@acts_on(JOBS, "resume", done="resumed")
def resume(asked: Asked) -> Sequence[Acted]:
    """End a pause: waiting starts start, what was paused goes on with the same id.

    \b
    Example:
      runner jobs resume sales-summary
    """
    from runner.operations.pause_jobs import resume_jobs

    return _recorded(asked, resume_jobs)


@click.command("bounce")
@acts_on(JOBS, "bounce", done="bounced")
def bounce(asked: Asked) -> Sequence[Acted]:
    """Start jobs anew: what runs again with the same id; a FAILED job is reset and goes on with its state.

    \b
    Example:
      runner jobs bounce sales-summary --reason "disk replaced"
    """
    import uuid

    from runner.operations.bounce_jobs import bounce_jobs

    return _recorded(asked, bounce_jobs, key=str(uuid.uuid4()))


@click.command("kill")
@acts_on(JOBS, "kill", protected_option("Also a job of a protected type."), done="killed")
def kill(asked: Asked, *, allow_protected: bool) -> Sequence[Acted]:
    """Cancel everything of jobs, and hold them until they are enabled again.

    \b
    Example:
      runner jobs kill sales-summary --reason "it deletes the wrong rows"
    """
    from runner.operations.kill_jobs import kill_jobs

    return _recorded(asked, kill_jobs, allow_protected=allow_protected)


@click.command("skip")
@acts_on(JOBS, "skip", done="skipped")
def skip(asked: Asked) -> Sequence[Acted]:
    """Leave the next start of jobs out: those that wait now, or else the next slot.

    \b
    Example:
      runner jobs skip sales-summary --reason "bank holiday"
    """
    from runner.operations.skip_jobs import skip_jobs

    return asked.record(skip_jobs)


@click.command("reset")
@acts_on(JOBS, "reset", done="reset")
def reset(asked: Asked) -> Sequence[Acted]:
    """Let a FAILED job start again, from now on.

    \b
    Example:
      runner jobs reset sales-summary --reason "disk replaced"
    """
    from runner.operations.reset import reset_jobs

    return asked.record(reset_jobs)


def _recorded(asked: Asked, operation: Callable[..., Sequence[Acted]], **more: Any) -> Sequence[Acted]:
    """Carry it out, and say that nobody does what was asked of runs when no daemon runs."""
    from runner.cli.views.values import warn
    from runner.store.daemon_lock import lock_holder

    acts = asked.record(operation, **more)
    if any(act.status == RUNNING for act in acts) and lock_holder(asked.where.state) is None:
        warn("No daemon runs: nothing of these jobs runs either; the next `runner up` decides about it.")
    return acts


def _say_what_falls_into_it(
    reader: Reader, jobs: Sequence[str], now: datetime, until: datetime | None, fate: str
) -> None:
    """Which starts fall into the time; without an end those of the next day."""
    from runner.cli.views.values import short
    from runner.operations.disable import SHOWN, starts_between
    from runner.operations.selection import installed

    time = "into the next 24 h" if until is None else "into that time"
    for name in jobs:
        starts, more = starts_between(installed(reader, "Job", name), now, until or now + timedelta(days=1))
        if starts:
            first = ", ".join(short(start) for start in starts[:SHOWN])
            count = f"more than {len(starts)}" if more else str(len(starts))
            dots = ", …" if len(starts) > SHOWN else ""
            print(
                f"  {name}: starts that fall {time} and {fate}: {count} ({first}{dots})",
                file=sys.stderr,
            )


VERBS = (enable, disable, pause, resume, bounce, kill, skip, reset)
