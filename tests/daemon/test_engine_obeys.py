"""What is asked of runs that have a process: the engine carries it out, and forces what does not come."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from daemons import Daemon
from installations import ANA, Installation, a_job

from runner.execution.processes import is_gone
from runner.operations.bounce_instances import bounce_instances
from runner.operations.cancel import cancel_instances
from runner.operations.force import lose
from runner.operations.kill_instances import kill_instances
from runner.operations.pause_instances import pause_instances
from runner.operations.pause_jobs import pause_jobs, resume_jobs
from runner.operations.resolve_instances import resolve_instances
from runner.operations.resume_instances import resume_instances

Start = Callable[..., Daemon]


def ask(up: Daemon, verb: Callable[..., Any], *what: Any, **more: Any) -> None:
    """The verb and the knock after it."""
    arguments = {"actor": ANA, "reason": "", "now": up.clock.now(), **more}
    up.here.store.transact(lambda tx: verb(tx, what, **arguments))
    up.engine.look()


def a_load(here: Installation, go: Path, **spec: Any) -> None:
    """A job that waits in its first step for a file, and has a second one."""
    steps = [
        {"name": "run", "shell": f"until [ -e {go} ]; do sleep 0.01; done"},
        {"name": "then", "shell": "true"},
    ]
    here.install(a_job("load", **{"schedule": None, "steps": steps, "retry": "none", **spec}))


def test_a_pause_is_obeyed_between_two_steps(here: Installation, a_daemon: Start, tmp_path: Path) -> None:
    a_load(here, tmp_path / "go")
    up = a_daemon()
    id = up.trigger("load")
    up.until_running(id)
    ask(up, pause_instances, id)
    (tmp_path / "go").touch()
    up.until_heard("finished", (id, "PAUSED", "operator"))
    ask(up, resume_instances, id)
    assert up.until_ended(id).state == "SUCCEEDED"
    assert here.instance(id).epoch == 2


def test_a_pause_that_is_taken_back_leaves_no_trace(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    a_load(here, tmp_path / "go")
    up = a_daemon()
    id = up.trigger("load")
    up.until_running(id)
    ask(up, pause_instances, id)
    ask(up, resume_instances, id)
    (tmp_path / "go").touch()
    assert up.until_ended(id).state == "SUCCEEDED"
    assert here.instance(id).epoch == 1


def test_what_may_begin_anew_and_does_not_obey_is_stopped_when_its_minute_is_over(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    a_load(here, tmp_path / "go", onCrash="resume")
    up = a_daemon()
    id = up.trigger("load")
    up.until_running(id)
    ask(up, pause_instances, id)
    up.passes(seconds=61)
    up.until_heard("finished", (id, "PAUSED", "operator"))
    run = here.instance(id)
    assert run.pid is not None and is_gone(run.pid, run.pid_started)


def test_a_paused_job_goes_on_where_it_was_when_it_is_resumed(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    a_load(here, tmp_path / "go")
    up = a_daemon()
    id = up.trigger("load")
    up.until_running(id)
    ask(up, pause_jobs, "load")
    (tmp_path / "go").touch()
    up.until_heard("finished", (id, "PAUSED", "job"))
    ask(up, resume_jobs, "load")
    assert up.until_ended(id).state == "SUCCEEDED"


def test_a_kill_waits_for_no_step_and_a_cancel_does(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    step = {"name": "run", "shell": f"until [ -e {go} ]; do sleep 0.01; done", "interruptible": False}
    a_load(here, go, steps=[step])
    up = a_daemon()
    id = up.trigger("load")
    up.until_running(id)
    up.until(lambda: up.engine._supervisor.is_shielded(id, 1))
    ask(up, cancel_instances, id)
    up.passes(seconds=31)
    up.settle()
    assert here.instance(id).state == "STOPPING"  # its time has begun anew
    ask(up, kill_instances, id)
    assert up.until_ended(id).state == "CANCELLED"


def test_a_bounced_run_starts_again_at_once(here: Installation, a_daemon: Start, tmp_path: Path) -> None:
    a_load(here, tmp_path / "go")
    up = a_daemon()
    id = up.trigger("load")
    up.until_running(id)
    ask(up, bounce_instances, id)
    up.until(lambda: here.instance(id).epoch == 2)
    (tmp_path / "go").touch()
    assert up.until_ended(id).state == "SUCCEEDED"


def test_the_process_of_a_run_that_was_resolved_is_killed_and_not_believed(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    a_load(here, tmp_path / "go")
    up = a_daemon()
    id = up.trigger("load")
    up.until_running(id)
    run = here.instance(id)
    here.store.transact(lambda tx: lose(tx, run, who="test", why="silent", now=up.clock.now()))
    ask(up, resolve_instances, id, nothing_runs=True)
    assert run.pid is not None
    up.until(lambda: is_gone(run.pid or 0, run.pid_started))
    up.settle()
    assert here.instance(id).state == "CANCELLED"


def test_an_unknown_run_of_which_the_result_comes_is_what_the_result_says(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    a_load(here, tmp_path / "go")
    up = a_daemon()
    id = up.trigger("load")
    up.until_running(id)
    run = here.instance(id)
    here.store.transact(lambda tx: lose(tx, run, who="test", why="silent", now=up.clock.now()))
    up.engine.look()
    (tmp_path / "go").touch()
    assert up.until_ended(id).state == "SUCCEEDED"


def test_a_stop_evicts_what_reaches_its_next_step_and_the_next_engine_goes_on(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    a_load(here, tmp_path / "go")
    up = a_daemon()
    id = up.trigger("load")
    up.until_running(id)
    up.loop.call_later(0.1, (tmp_path / "go").touch)
    assert up.stop(20) == 1
    assert (here.instance(id).state, here.instance(id).pauses) == ("PAUSED", ("eviction",))
    again = a_daemon()
    assert again.until_ended(id).state == "SUCCEEDED"
    assert again.heard.of("recovered") == [(id, "SCHEDULED", "resumed")]
