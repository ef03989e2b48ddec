"""`runner reconcile --with-source`: have git sources looked at now, by the daemon or here, and wait."""

from __future__ import annotations

import random
import re
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from runner.cli import exits
from runner.operations.wake import SOURCES, knock
from runner.sources.outcome import IN_PART
from runner.store.daemon_lock import lock_holder
from runner.vocabulary.errors import Refused, RunnerError, UnknownName
from runner.vocabulary.printable import printable

if TYPE_CHECKING:
    from runner.access.permission import Actor
    from runner.cli.options import Where
    from runner.operations.checked_out import CheckedOut
    from runner.operations.show_sources import SourceView
    from runner.sources.outcome import Outcome
    from runner.store.port import Store

LOOK_S = 0.2
VERB = "reconcile --with-source"
A_COMMIT = re.compile(r"[0-9a-f]{7,64}\Z")
_GUARDS = frozenset({"Refused", "Unsigned", "SignatureInvalid", "VerificationNotSetUp"})
"""Reasons that end with exit code 3: somebody said no."""


def reconcile_with_sources(
    store: Store,
    where: Where,
    actor: Actor,
    *,
    name: str | None,
    commit: str | None,
    timeout: timedelta | None,
    lifted: Mapping[str, Any],
    output: str,
) -> None:
    """Look at the source of that name, or at all; return when they are applied, and with `commit` when that
    one (or a newer one) is.

    What lifts guards (`lifted`) is this person's: then the daemon is not asked. Exit 1, or 3 when a guard
    refused, with what is in the way; 124 when the time is over.
    """
    names = _names(store, name)
    until = None if timeout is None else time.monotonic() + timeout.total_seconds()
    if lock_holder(where.state) is None or any(lifted.values()):
        _look_here(store, where, actor, names, lifted)
    else:
        _have_it_looked(store, where, names, actor, until)
        if commit is not None:
            _wait_for(store, where, names, commit, until)
    views = _views(store, names)
    _show(views, output)
    if commit is not None and not any(_has(where, view, commit) for view in views):
        in_part = [view for view in views if view.record.attempted.startswith(commit)]
        if any(view.ready.reason == IN_PART for view in in_part):
            raise click.exceptions.Exit(exits.PARTIAL)
        raise RunnerError(f"none of these sources has applied {commit}; what is installed stays")
    failed = [view for view in views if view.ready.status != "True"]
    if failed:
        reasons = {view.ready.reason for view in failed}
        if reasons == {IN_PART}:
            raise click.exceptions.Exit(exits.PARTIAL)
        raise click.exceptions.Exit(exits.REFUSED if reasons & _GUARDS else exits.ERROR)


def _names(store: Store, name: str | None) -> list[str]:
    from runner.operations.declared_sources import declared_sources

    with store.read() as reader:
        found, wrong = declared_sources(reader)
        known = sorted({*found, *wrong, *(record.name for record in reader.sources.all())})
    if name is not None and name not in known:
        offered = f"; there is {', '.join(known)}" if known else ""
        raise UnknownName(f"there is no git source {printable(name)}{offered}")
    if not known:
        raise UnknownName(
            "there is no git source: declare one in spec.sources of the Runner, or `runner up --git URL`"
        )
    return known if name is None else [name]


def _have_it_looked(
    store: Store, where: Where, names: Sequence[str], actor: Actor, until: float | None
) -> None:
    asked_at = datetime.now(UTC)
    asked_at = asked_at.replace(microsecond=asked_at.microsecond // 1000 * 1000)
    left = [
        name
        for name in names
        if store.transact(lambda tx, name=name: tx.sources.ask(name, at=asked_at, who=str(actor)))  # type: ignore[misc]
    ]
    while left:
        knock(where.state, SOURCES)
        time.sleep(LOOK_S)
        with store.read() as reader:
            records = [reader.sources.get(name) for name in left]
        left = [
            each.name
            for each in records
            if each and (each.answered_at is None or each.answered_at < asked_at)
        ]
        if left and lock_holder(where.state) is None:
            raise Refused(f"the daemon has ended before it looked at {', '.join(left)}; `runner up` goes on")
        _mind(until)


def _wait_for(store: Store, where: Where, names: Sequence[str], commit: str, until: float | None) -> None:
    """Until it is applied, or was attempted and cannot be."""
    while True:
        views = _views(store, names)
        if any(_has(where, view, commit) for view in views):
            return
        for view in views:
            failed = view.ready.status == "False" and view.record.attempted.startswith(commit)
            if failed and not any(c.type == "Reconciling" and c.status == "True" for c in view.conditions):
                return
        if lock_holder(where.state) is None:
            raise Refused("the daemon has ended; `runner up` goes on")
        _mind(until)
        time.sleep(LOOK_S)


def _mind(until: float | None) -> None:
    if until is not None and time.monotonic() >= until:
        raise click.exceptions.Exit(exits.WAIT_TIMED_OUT)


def _has(where: Where, view: SourceView, commit: str) -> bool:
    """Whether that commit is applied, or one that comes after it."""
    from runner.git.repository import ask_git

    applied = view.record.applied
    if not applied or applied.startswith(commit):
        return bool(applied)
    copy = where.state / "sources" / view.record.name / "repo"
    return copy.is_dir() and ask_git(copy, "merge-base", "--is-ancestor", commit, applied) is not None


def _look_here(
    store: Store, where: Where, actor: Actor, names: Sequence[str], lifted: Mapping[str, Any]
) -> None:
    """Without a daemon this process does what it would do."""
    from runner.execution.marks import MARK, mark_of
    from runner.operations.declared_sources import declared_sources
    from runner.operations.follow_source import Following

    with store.read() as reader:
        found, wrong = declared_sources(reader)
    for name in names:
        if name not in found:
            why = wrong.get(name, "it was followed by a daemon with --git; start that, or declare the source")
            raise RunnerError(f"the source {name} cannot be followed here: {why}")

    def apply(tree: CheckedOut) -> Outcome:
        return _applied(tree, where, store, actor, lifted)

    for name in names:
        following = Following(
            found[name],
            store,
            where.project,
            where.state,
            apply,
            lambda: datetime.now(UTC),
            random.random,
            {MARK: mark_of(where.state)},
        )
        try:
            following.look(asked=True)
        except KeyboardInterrupt:
            following.stop()
            raise


def _applied(
    tree: CheckedOut, where: Where, store: Store, actor: Actor, lifted: Mapping[str, Any]
) -> Outcome:
    from runner.cli.planning import show_warnings
    from runner.cli.views import diagnostics
    from runner.operations.audit import Approval
    from runner.operations.reconcile import left_alone, reconcile
    from runner.sources.outcome import APPLIED, Outcome
    from runner.vocabulary.errors import InvalidDeclarations

    try:
        planned, applied = reconcile(
            tree,
            where.project,
            store,
            actor,
            datetime.now(UTC),
            approval=Approval(VERB, tree.approval),
            **lifted,
        )
    except InvalidDeclarations as problem:
        diagnostics.show_text(problem.diagnostics, sys.stderr)
        return Outcome("InvalidDeclarations", str(problem))
    except Refused as problem:
        return Outcome("Refused", str(problem))
    show_warnings(planned)
    left = left_alone(planned, applied.plan)
    if left:
        names = ", ".join(left[:5]) + (", …" if len(left) > 5 else "")
        return Outcome(IN_PART, f"applied in part; left as they are: {names}", changed=applied.changed)
    return Outcome(APPLIED, "", changed=applied.changed)


def _views(store: Store, names: Sequence[str]) -> list[SourceView]:
    from runner.operations.show_sources import show_sources

    with store.read() as reader:
        return [view for view in show_sources(reader, datetime.now(UTC)) if view.record.name in names]


def _show(views: Sequence[SourceView], output: str) -> None:
    if output == "json":
        from runner.cli.views.values import show_json

        show_json([view.as_json() for view in views])
        return
    for view in views:
        state = "ready" if view.ready.status == "True" else view.ready.reason
        click.echo(f"{view.record.name}: {state}: {printable(view.ready.message)}")
