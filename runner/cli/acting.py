"""What do all verbs share: who acts and why, on what, when, and how that becomes a command?

A verb on several named objects is one function, which names its noun (runner/cli/nouns.py) and itself:

    @command.command("reset")
    @acts_on(JOBS, "reset", done="reset")
    def reset(asked: Asked) -> Sequence[Acted]:
        '''Let a FAILED job start again, from now on.'''
        from runner.operations.reset import reset_jobs

        return asked.record(reset_jobs)
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runner.cli.meta import note_damage
from runner.cli.options import Where, common_options, output_option
from runner.vocabulary.printable import printable

if TYPE_CHECKING:
    from runner.access.permission import Actor
    from runner.store.port import Store

R = TypeVar("R")
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

FORMATS = ("text", "json", "yaml", "name")


@dataclass(frozen=True, slots=True)
class Asked:
    """A verb that was asked for: on which objects, by whom, why and when."""

    store: Store
    objects: Sequence[Any]
    actor: Actor
    reason: str
    now: datetime
    where: Where

    def record(self, operation: Callable[..., R], **more: Any) -> R:
        """Carry the operation out on the objects, in one transaction, and wake the daemon."""
        from runner.operations.wake import wake_daemon

        result = self.store.transact(
            lambda tx: operation(tx, self.objects, actor=self.actor, reason=self.reason, now=self.now, **more)
        )
        wake_daemon(self.where.state)
        return result

    def until(self, lasting: timedelta | None) -> datetime | None:
        """When what lasts so long from now ends; None has no end."""
        return None if lasting is None else self.now + lasting


@dataclass(frozen=True, slots=True)
class Noun:
    """What verbs act on: the words that name its objects, which objects they mean, and what is shown."""

    options: tuple[Decorator, ...]
    fields: tuple[str, ...]
    """What the options above give to `chosen`."""
    chosen: Callable[..., Sequence[Any]]
    """(store, verb, yes, **fields): the objects that are meant, after the question above one."""
    show: Callable[[Sequence[Any], str, str], None]
    """(results, done, output): one line for each."""


def acts_on(
    noun: Noun,
    verb: str,
    *own: Decorator,
    done: str = "",
    names_actor: bool = True,
    why_a_reason: str = "",
) -> Decorator:
    """Make a command of a verb on several named objects: a preview, one act, one line for each.

    The function gets what was asked and, by name, what its `own` options give; it returns the results to
    show. `done` is the word for it in the lines: `enabled`. Without `names_actor` there is no `--as NAME`:
    the verb has another use for that word. With `why_a_reason` nothing is done without one.
    """

    def decorate(act: Callable[..., Sequence[Any]]) -> Callable[..., Any]:
        @functools.wraps(act)
        def command(*, yes: bool, reason: str, actor: Actor, output: str, where: Where, **given: Any) -> None:
            if why_a_reason and not reason:
                raise click.UsageError(why_a_reason)
            meant = {field: given.pop(field) for field in noun.fields}
            with opened(where) as store:
                objects = noun.chosen(store, verb, yes, **meant)
                results = act(Asked(store, objects, actor, reason, datetime.now(UTC), where), **given)
            noun.show(results, done, output)

        asking = click.option("--yes", is_flag=True, help="Do not ask when more than one object is meant.")
        outwards: tuple[Decorator, ...] = (
            common_options,
            output_option(*FORMATS),
            acting_options if names_actor else reason_option,
            *reversed(own),
            asking,
            *reversed(noun.options),
        )
        decorated: Callable[..., Any] = command
        for add in outwards:
            decorated = add(decorated)
        return decorated

    return decorate


class Duration(click.ParamType):  # type: ignore[type-arg]
    """A duration above zero, as in declarations."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        from runner.vocabulary.duration import parse_duration

        if isinstance(value, timedelta):
            return value
        try:
            duration = parse_duration(value)
        except (ValueError, OverflowError) as problem:
            self.fail(str(problem), param, ctx)
        if not timedelta(0) < duration <= timedelta(days=36500):
            self.fail(f"{value!r} must be above zero and below a hundred years", param, ctx)
        return duration


def acting_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add `--reason` and `--as`; the command gets `reason` and `actor`."""

    @click.option("--reason", default="", metavar="R", help="Why; recorded with the act.")
    @click.option("--as", "as_name", default=None, metavar="NAME", help="Recorded beside your login name.")
    @functools.wraps(command)
    def with_actor(*args: Any, as_name: str | None, **kwargs: Any) -> R:
        return command(*args, actor=the_actor(as_name), **kwargs)

    return with_actor


def reason_option(command: Callable[..., R]) -> Callable[..., R]:
    """Add `--reason` alone; the command gets `reason`, and the login as `actor`."""

    @click.option("--reason", default="", metavar="R", help="Why; recorded with the act.")
    @functools.wraps(command)
    def with_actor(*args: Any, **kwargs: Any) -> R:
        return command(*args, actor=the_actor(None), **kwargs)

    return with_actor


def for_option(help_text: str) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Add `--for`; the command gets it as `lasting`."""
    return click.option("--for", "lasting", type=Duration(), default=None, metavar="2h", help=help_text)


def the_actor(as_name: str | None) -> Actor:
    """The operating system's user of this process, and the name given beside it."""
    from runner.access.permission import Actor
    from runner.operations.login_name import login_name

    return Actor(login_name(), as_name or None)


def say_what_is_damaged(store: Store) -> None:
    """Tell on stderr what readers left out, and let the command leave with 1."""
    for problem in store.notes:
        print(f"Error: {printable(str(problem))}", file=sys.stderr)
    if store.notes:
        note_damage()


@contextmanager
def opened(where: Where, *, read_only: bool = False) -> Iterator[Store]:
    """The project's store, for as long as the command needs it.

    A command that only reads shows what can be read; what is damaged is told, and makes it leave with 1.
    """
    from runner.store.open import open_store

    store = open_store(where.database, read_only=read_only, noting=read_only)
    try:
        yield store
    finally:
        store.close()
        say_what_is_damaged(store)


def protected_option(help_text: str) -> Decorator:
    """Add `--allow-protected`."""
    return click.option("--allow-protected", is_flag=True, help=help_text)
