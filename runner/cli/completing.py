"""Which names may stand here? What the shell offers behind TAB, from the database of the command."""

from __future__ import annotations

from collections.abc import Callable

import click

Offer = Callable[[click.Context, click.Parameter, str], list[str]]


def names_of(kind: str) -> Offer:
    """Installed objects of that kind, of which the beginning is typed; none where nothing can be read."""

    def offer(context: click.Context, _parameter: click.Parameter, typed: str) -> list[str]:
        from runner.cli.options import where_of
        from runner.store.open import open_store
        from runner.vocabulary.errors import RunnerError

        try:
            store = open_store(where_of(context).database, read_only=True, noting=True, busy_timeout_s=1)
        except (RunnerError, OSError, click.UsageError):
            return []
        try:
            with store.read() as reader:
                names = [summary.name for summary in reader.objects.summaries(kind)]
        except RunnerError:
            return []
        finally:
            store.close()
        given = context.params.get("names") or ()
        return [name for name in names if name.startswith(typed) and name not in given]

    return offer
