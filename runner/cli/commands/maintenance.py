"""`runner maintenance`: hold every job for a while."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from runner.cli.acting import Asked, acts_on, for_option, protected_option
from runner.cli.nouns import EVERYTHING, MAINTAINED

if TYPE_CHECKING:
    from runner.operations.holding import Acted


@click.group()
def command() -> None:
    """Hold every job for a while; no start passes it, not even one with --force.

    \b
    Example:
      runner maintenance on --reason "database upgrade" --for 2h
    """


@command.command("on")
@acts_on(
    EVERYTHING,
    "maintenance on",
    for_option("It ends by itself after this time."),
    protected_option("Also jobs of a protected type."),
    done="held",
    why_a_reason="Maintenance needs --reason: others will ask why nothing runs.",
)
def on(asked: Asked, *, lasting: timedelta | None, allow_protected: bool) -> Sequence[Acted]:
    """Hold every installed job; what runs finishes first (or as its onDisable says).

    \b
    Example:
      runner maintenance on --reason "database upgrade" --for 2h
    """
    from runner.operations.maintenance import maintenance_on

    return asked.record(maintenance_on, until=asked.until(lasting), allow_protected=allow_protected)


@command.command("off")
@acts_on(MAINTAINED, "maintenance off", done="released")
def off(asked: Asked) -> Sequence[Acted]:
    """End the maintenance; nothing from its time is caught up.

    \b
    Example:
      runner maintenance off
    """
    from runner.operations.maintenance import maintenance_off

    return asked.record(maintenance_off) if asked.objects else []
