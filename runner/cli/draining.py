"""Waiting for jobs that were removed while they run, and for a daemon that drains."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from runner.cli import exits
from runner.cli.options import Where
from runner.operations.wake import wake_daemon
from runner.store.port import Store
from runner.vocabulary.errors import Refused
from runner.vocabulary.identity import Address
from runner.vocabulary.printable import printable

if TYPE_CHECKING:
    from runner.access.permission import Actor

LOOK_S = 0.2  # the daemon's own fallback when no datagram reaches it
PATIENCE_S = 2.0
"""Before somebody who waits for a drain is told what for."""
TELL_EVERY_S = 5.0


def wait_until_gone(
    store: Store, where: Where, draining: Sequence[Address], timeout: timedelta | None
) -> None:
    """Return when none of these is installed any more.

    Refused without a daemon, because nobody would take them away; exit 124 when the time is over.
    """
    until = None if timeout is None else time.monotonic() + timeout.total_seconds()
    while True:
        with store.read() as reader:
            left = [address for address in draining if reader.objects.get(address) is not None]
        if not left:
            return
        if not wake_daemon(where.state):
            raise Refused(
                f"no daemon runs here, so {left[0]} is taken away only by the next `runner up`; "
                "the plan was applied"
            )
        if until is not None and time.monotonic() >= until:
            raise click.exceptions.Exit(exits.WAIT_TIMED_OUT)
        time.sleep(LOOK_S)


def drain_and_wait(
    store: Store, where: Where, actor: Actor, reason: str, now: datetime, timeout: timedelta | None
) -> bool:
    """Whether there was a daemon to drain; it has ended then. Exit 124 when the time is over."""
    from runner.operations.drain import drain_daemon
    from runner.store.daemon_lock import lock_holder

    asked = drain_daemon(store, where.state, actor=actor, reason=reason, now=now)
    if asked is None:
        return False
    until = None if timeout is None else time.monotonic() + timeout.total_seconds()
    told: tuple[str, ...] = ()
    tell_at = time.monotonic() + PATIENCE_S
    while (holder := lock_holder(where.state)) is not None and holder.pid in (asked.pid, 0):
        if time.monotonic() >= tell_at:
            told = _tell_what_is_waited_for(store, told)
            tell_at = time.monotonic() + TELL_EVERY_S
        if until is not None and time.monotonic() >= until:
            click.echo(
                f"the daemon (pid {asked.pid}) still drains: `runner status` says what it waits for", err=True
            )
            raise click.exceptions.Exit(exits.WAIT_TIMED_OUT)
        time.sleep(LOOK_S)
    return True


def _tell_what_is_waited_for(store: Store, told: tuple[str, ...]) -> tuple[str, ...]:
    """What is left, when that has changed; what has been told now."""
    from runner.operations.daemon_now import still_daemon, waited_for

    with store.read() as reader:
        left = waited_for(reader)
    if (still := still_daemon(store.path.parent)) is not None:
        left = (f"the daemon: it (pid {still.pid}) is {still.how_and_what_now}",)
    if left != told:
        for each in left:
            click.echo(f"waiting for {printable(each)}", err=True)
    return left
