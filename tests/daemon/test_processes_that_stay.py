"""What a new daemon does about a run whose process was killed and does not end."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from daemons import Daemon
from installations import ANA, NOW, Installation, a_job
from lives import start

from runner.execution.order import Began
from runner.execution.processes import boot_id, ticks_now
from runner.operations.record_run import record_process
from runner.operations.recover import CANNOT_END
from runner.operations.trigger import trigger_job

Start = Callable[..., Daemon]


def test_a_run_whose_process_stays_is_unknown_until_that_is_gone_and_then_goes_on(
    here: Installation, a_daemon: Start
) -> None:
    here.install(a_job("load", onCrash="resume"))
    id = trigger_job(here.store, "load", actor=ANA, key="load", now=NOW).id
    start(here, id)
    with subprocess.Popen(["sleep", "1000"]) as stays:
        began = Began(id, 1, stays.pid, ticks_now())
        here.store.transact(lambda tx: record_process(tx, began, boot_id()))
        up = a_daemon()
        up.until_heard("recovered", (id, "UNKNOWN", CANNOT_END))
        up.settle()
        assert here.instance(id).state == "UNKNOWN"
        stays.kill()
    up.engine.look()
    up.until_heard("recovered", (id, "SCHEDULED", "crash"))
    assert up.until_ended(id).state == "SUCCEEDED"
    assert here.instance(id).epoch > began.epoch
