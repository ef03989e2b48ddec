"""Step kind → model of its fields."""

from __future__ import annotations

from runner.declaration.actions.copy import Copy
from runner.declaration.actions.http import Http
from runner.declaration.actions.prune import Prune
from runner.declaration.actions.python import Python
from runner.declaration.actions.shell import Shell
from runner.declaration.actions.sql import Sql
from runner.declaration.texts import Model

ACTIONS: dict[str, type[Model]] = {
    "shell": Shell,
    "python": Python,
    "sql": Sql,
    "copy": Copy,
    "prune": Prune,
    "http": Http,
}
