"""The verbs on runs: what `runner instances cancel|kill|pause|resume|bounce|resolve|rerun|skip-step` do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runner.cli.acting import FORMATS, Asked, Duration, acting_options, acts_on, opened
from runner.cli.nouns import RUNS
from runner.cli.options import Where, common_options, output_option

if TYPE_CHECKING:
    from runner.access.permission import Actor
    from runner.operations.acting_on_runs import ActedOnRun
    from runner.operations.cancel import Cancelled

R = TypeVar("R")


def target_option(help_text: str) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Add `--target T`."""
    return click.option("--target", default=None, metavar="T", help=help_text)


@click.command("cancel")
@acts_on(
    RUNS,
    "cancel",
    click.option("--keep-state", is_flag=True, help="Keep what a paused run has saved."),
    target_option("Only this target; the others go on."),
)
def cancel(asked: Asked, *, keep_state: bool, target: str | None) -> Sequence[Cancelled | ActedOnRun]:
    """End runs: one that waits at once, one that runs by asking it first (TERM, then KILL).

    \b
    Example:
      runner instances cancel 42 --reason "wrong input"
    """
    from runner.operations.cancel import cancel_instances
    from runner.operations.cancel_targets import cancel_targets

    if target is not None:
        if keep_state:
            raise click.UsageError(
                "--keep-state is for whole runs; a target that is cancelled keeps its state"
            )
        return _recorded(asked, cancel_targets, target=target)
    return _recorded(asked, cancel_instances, keep_state=keep_state)


@click.command("kill")
@acts_on(RUNS, "kill", target_option("Only this target; the others go on."))
def kill(asked: Asked, *, target: str | None) -> Sequence[ActedOnRun]:
    """End runs at once (KILL), whatever they are doing, also those that are being stopped.

    \b
    Example:
      runner instances kill 42 --reason "it holds the table"
    """
    from runner.operations.cancel_targets import cancel_targets
    from runner.operations.kill_instances import kill_instances

    if target is not None:
        return _recorded(asked, cancel_targets, target=target, at_once=True)
    return _recorded(asked, kill_instances)


@click.command("pause")
@acts_on(
    RUNS,
    "pause",
    click.option("--grace", type=Duration(), default=None, metavar="1m", help="Time to obey; default 1m."),
    target_option("Refused: a target has no pause of its own; says what it accepts."),
)
def pause(asked: Asked, *, grace: timedelta | None, target: str | None) -> Sequence[ActedOnRun]:
    """Pause runs: one that waits at once, one that runs at its next step or checkpoint.

    What may be begun anew (onCrash: resume) is stopped after the grace, and goes on later from its last
    completed step or checkpoint. Other work that does not obey within an hour runs on.

    \b
    Example:
      runner instances pause 42 --reason INC-123
    """
    from runner.operations.pause_instances import pause_instances
    from runner.operations.pause_targets import refuse_for_targets

    if target is not None:
        return _recorded(asked, refuse_for_targets, verb="pause", target=target)
    return _recorded(asked, pause_instances, grace=grace)


@click.command("resume")
@acts_on(RUNS, "resume", target_option("Refused: a target has no pause of its own; says what it accepts."))
def resume(asked: Asked, *, target: str | None) -> Sequence[ActedOnRun]:
    """Let paused runs go on, with the same id, where they were.

    \b
    Example:
      runner instances resume 42
    """
    from runner.operations.pause_targets import refuse_for_targets
    from runner.operations.resume_instances import resume_instances

    if target is not None:
        return _recorded(asked, refuse_for_targets, verb="resume", target=target)
    return _recorded(asked, resume_instances)


@click.command("bounce")
@acts_on(
    RUNS,
    "bounce",
    target_option("Only this target, which waits for its next try."),
)
def bounce(asked: Asked, *, target: str | None) -> Sequence[ActedOnRun]:
    """Stop runs and start them again with the same id, from their first step that is not completed.

    What waits for its retry, or sleeps, is due now.

    \b
    Example:
      runner instances bounce 42 --reason "new driver"
    """
    from runner.operations.bounce_instances import bounce_instances
    from runner.operations.bounce_targets import bounce_targets

    if target is not None:
        return _recorded(asked, bounce_targets, target=target)
    return _recorded(asked, bounce_instances)


@click.command("resolve")
@acts_on(
    RUNS,
    "resolve",
    click.option(
        "--as", "outcome", type=click.Choice(("cancelled",)), required=True, help="What it becomes."
    ),
    click.option("--nothing-runs", is_flag=True, help="Somebody has looked: no process of it is left."),
    names_actor=False,
)
def resolve(asked: Asked, *, outcome: str, nothing_runs: bool) -> Sequence[ActedOnRun]:
    """End runs that are UNKNOWN, after somebody has looked that nothing of them runs any more.

    \b
    Example:
      runner instances resolve 42 --as cancelled --nothing-runs --reason "host is gone"
    """
    from runner.operations.resolve_instances import resolve_instances

    return _recorded(asked, resolve_instances, nothing_runs=nothing_runs)


@click.command("rerun")
@click.argument("id", type=click.IntRange(1, 2**63 - 1))
@click.option("--failed-only", is_flag=True, help="Only what failed, was cancelled or never started.")
@click.option("--from-step", default=None, metavar="S", help="Begin at this step.")
@acting_options
@output_option(*FORMATS)
@common_options
def rerun(
    *,
    id: int,
    failed_only: bool,
    from_step: str | None,
    reason: str,
    actor: Actor,
    output: str,
    where: Where,
) -> None:
    """Run an ended run again, as a new one, with its inputs and the job as it is installed now.

    \b
    Example:
      runner instances rerun 42 --failed-only
    """
    _rerun(id, failed_only, from_step, reason, actor, output, where)


@click.command("retry-failed")
@click.argument("id", type=click.IntRange(1, 2**63 - 1))
@acting_options
@output_option(*FORMATS)
@common_options
def retry_failed(*, id: int, reason: str, actor: Actor, output: str, where: Where) -> None:
    """Run again what failed, was cancelled or never started: as rerun --failed-only.

    \b
    Example:
      runner instances retry-failed 42
    """
    _rerun(id, True, None, reason, actor, output, where)


def _rerun(
    id: int,
    failed_only: bool,
    from_step: str | None,
    reason: str,
    actor: Actor,
    output: str,
    where: Where,
) -> None:
    import uuid

    from runner.cli.views.acts import show_rerun
    from runner.cli.views.values import warn
    from runner.operations.daemon_now import nobody_starts
    from runner.operations.rerun import rerun_instance
    from runner.operations.wake import wake_daemon

    key = str(uuid.uuid4())
    with opened(where) as store:
        again = store.transact(
            lambda tx: rerun_instance(
                tx,
                id,
                actor=actor,
                key=key,
                reason=reason,
                now=datetime.now(UTC),
                failed_only=failed_only,
                from_step=from_step,
            )
        )
    wake_daemon(where.state, for_a_start=True)
    for note in again.notes:
        warn(f"{again.job}: {note}")
    if again.changed and (nobody := nobody_starts(where.state)):
        warn(f"{nobody}: the start is recorded, and carried out by the next `runner up`.")
    show_rerun(again, output)


@click.command("skip-step")
@click.argument("id", type=click.IntRange(1, 2**63 - 1))
@click.argument("step")
@click.option("--target", default="-", metavar="T", help="Of this target, when the run has several.")
@acting_options
@output_option(*FORMATS)
@common_options
def skip_step(
    *, id: int, step: str, target: str, reason: str, actor: Actor, output: str, where: Where
) -> None:
    """Leave a step of a run out that waits or is paused; the run goes on behind it.

    With --target, also of a target that waits for its next try while its run goes on.

    \b
    Example:
      runner instances skip-step 42 notify --reason "the mail server is down"
    """
    from runner.cli.views.acts import show_runs
    from runner.operations.skip_step import skip_step as skip
    from runner.operations.wake import wake_daemon

    with opened(where) as store:
        done = store.transact(
            lambda tx: skip(tx, id, step, actor=actor, reason=reason, now=datetime.now(UTC), target=target)
        )
    wake_daemon(where.state)
    show_runs([done], output)


def _recorded(asked: Asked, operation: Callable[..., Sequence[R]], **more: Any) -> Sequence[R]:
    """Carry it out, and say who will end what is under way when no daemon runs."""
    from runner.cli.views.values import warn
    from runner.operations.daemon_now import nobody_starts
    from runner.store.daemon_lock import lock_holder

    runs = asked.record(operation, **more)
    if not (nobody := nobody_starts(asked.where.state)):
        return runs
    under_way = sorted({run.state for run in runs if run.state in ("STOPPING", "PAUSING")})  # type: ignore[attr-defined]
    if under_way and lock_holder(asked.where.state) is None:
        warn(f"No daemon runs: what is {' or '.join(under_way)} is ended by the next `runner up`.")
    if any(run.changed and run.state == "SCHEDULED" for run in runs):  # type: ignore[attr-defined]
        warn(f"{nobody}: what is SCHEDULED goes on with the next `runner up`.")
    return runs


VERBS = (cancel, kill, pause, resume, bounce, resolve, rerun, retry_failed, skip_step)
