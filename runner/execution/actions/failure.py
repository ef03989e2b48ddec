"""How an action says that it failed: a code, a sentence, and whether trying again may help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ActionFailed(Exception):
    """The step did not do its work. `description` is for people and never contains a secret.

    `code` is kebab case and stable (`exit-code`, `missing-file`, `deadlock`); `retryable` says whether the
    same work may succeed later; `info` is small and goes to JSON.
    """

    def __init__(
        self,
        code: str,
        description: str,
        retryable: bool = False,
        exit_code: int | None = None,
        sqlstate: str | None = None,
        info: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retryable = retryable
        self.exit_code = exit_code
        self.sqlstate = sqlstate
        self.info = dict(info or {})
