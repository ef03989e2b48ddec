"""`runner jobs drill`: kill a job after each of its checkpoints, and see whether that makes a difference."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from runner.cli import exits
from runner.cli.acting import Duration, the_actor
from runner.cli.options import Where, common_options, output_option
from runner.cli.pairs import pairs

if TYPE_CHECKING:
    from types import FrameType

    from runner.access.permission import Actor
    from runner.daemon.drill import Drilled
    from runner.operations.prepare_trial import Trial

_CODES = {"proven": exits.SUCCESS, "nothing": exits.SUCCESS, "unfinished": exits.PARTIAL}

MOST_KILLS = 100


@click.command("drill")
@click.argument("name_or_file")
@click.option("-p", "--param", "given", multiple=True, metavar="KEY=VALUE", help="An input of the job.")
@click.option("--slot", default=None, metavar="TIME", help="The slot that it runs for.")
@click.option(
    "--with-side-effects", is_flag=True, help="Also a job that uses connections or authorizations: for real."
)
@click.option(
    "--ignore", "ignored", multiple=True, metavar="PATH", help="Not to be compared: outputs.at, files.logs/*."
)
@click.option(
    "--kills",
    "most",
    type=click.IntRange(min=1),
    default=MOST_KILLS,
    show_default=True,
    metavar="N",
    help="At most so many; after evenly chosen checkpoints when there are more.",
)
@click.option(
    "--targets",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    metavar="N",
    help="Of a job over an inventory: so many of its targets, evenly chosen.",
)
@click.option(
    "--within", type=Duration(), default="10m", show_default=True, metavar="TIME", help="Time for all of it."
)
@click.option("--as", "as_name", default=None, metavar="NAME", help="Recorded beside your login name.")
@output_option("text", "json")
@common_options
def command(
    name_or_file: str,
    given: tuple[str, ...],
    slot: str | None,
    with_side_effects: bool,
    ignored: tuple[str, ...],
    most: int,
    targets: int,
    within: timedelta,
    as_name: str | None,
    output: str,
    where: Where,
) -> None:
    """Prove that one declared job is resumed after a crash as if nothing had happened.

    It runs in a scratch database and directory, is killed with -9 after each of its checkpoints in turn,
    resumed, and compared with an undisturbed run: result, state, info, outputs and files in roots. The
    verdict is kept with the digest of what was drilled; `runner jobs show` tells it. The exit code is 0 for
    proven (or nothing to resume), 1 when it ends otherwise, 3 refused, 4 when the time was over.

    \b
    Example:
      runner jobs drill sales-summary --ignore outputs.finished_at
    """
    import shutil
    import signal
    import tempfile
    from pathlib import Path

    from runner.cli.views.drill import Progress, show_drill
    from runner.daemon.clock import SystemClock
    from runner.daemon.drill import Drill
    from runner.daemon.signals import first_signals
    from runner.operations.drill_scene import check_drillable, set_scene
    from runner.operations.prepare_trial import find_trial

    clock, actor = SystemClock(), the_actor(as_name)
    cache = where.state if where.state.is_dir() else None
    trial = find_trial(name_or_file, project=where.project, state=cache, now=clock.now())
    check_drillable(trial, with_side_effects=with_side_effects)
    for number in first_signals():
        signal.signal(number, _interrupt)  # so that what is begun is cleaned up, as with Ctrl-C
    scratch = Path(tempfile.mkdtemp(prefix="runner-drill-"))
    try:
        scene = set_scene(
            scratch,
            trial,
            project=where.project,
            given=pairs(given),
            slot=slot,
            with_side_effects=with_side_effects,
            actor=actor,
            now=clock.now(),
            most_targets=targets,
        )
        progress = Progress(trial)
        drill = Drill(
            scene,
            where.project,
            clock,
            progress,
            most=most,
            within_s=within.total_seconds(),
            ignored=ignored,
        )
        drilled = drill.carry_out()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    left_out = (scene.left_out,) if scene.left_out else ()
    kept = _keep(where, trial, drilled, (*ignored, *left_out), actor)
    show_drill(trial, drilled, output, ignored=ignored, notes=(*scene.notes, *kept))
    raise click.exceptions.Exit(_CODES.get(drilled.verdict, exits.ERROR))


def _keep(
    where: Where, trial: Trial, drilled: Drilled, ignored: tuple[str, ...], actor: Actor
) -> tuple[str, ...]:
    """Record the verdict; what is to be told about that."""
    from datetime import UTC, datetime

    from runner.operations.record_drill import record_drill
    from runner.store.drills import DrillRecord
    from runner.store.open import open_store
    from runner.vocabulary.errors import NoDatabase

    if drilled.verdict not in ("proven", "refuted"):
        return ()
    first = drilled.differences[0] if drilled.differences else None
    record = DrillRecord(
        job=trial.declared.address.name,
        digest=trial.declared.execution_digest,
        verdict="proven" if drilled.verdict == "proven" else "refuted",
        at=datetime.now(UTC),
        who=str(actor),
        checkpoints=len(drilled.checkpoints),
        kills=len(drilled.kills),
        difference={}
        if first is None
        else {
            "path": first.path,
            "was": first.was,
            "now": first.now,
            "after": drilled.kills[-1].after,
            "late": drilled.kills[-1].late,
        },
        ignored=ignored,
    )
    try:
        store = open_store(where.database)
    except NoDatabase:
        return (f"not recorded: there is no database at {where.database} (runner reconcile --create)",)
    try:
        store.transact(lambda tx: record_drill(tx, record, actor=actor))
    finally:
        store.close()
    return ()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
