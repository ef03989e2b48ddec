"""Calls a webhook once: signed, with TLS checked, and to no address that was not meant.

The signature is that of Standard Webhooks (standardwebhooks.com): HMAC-SHA256 over id, time and body.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from runner.access.signature import signature
from runner.execution.actions import http
from runner.execution.actions.failure import ActionFailed

LONGEST_ANSWER = "1MiB"


class NotCalled(Exception):
    """The call was not accepted. `perhaps`: it may have arrived all the same."""

    def __init__(self, code: str, description: str, retryable: bool, perhaps: bool) -> None:
        super().__init__(description)
        self.code = code
        self.retryable = retryable
        self.perhaps = perhaps


@dataclass(frozen=True, slots=True)
class Quiet:
    """A caller that keeps no log: what went wrong is raised."""

    connections: Mapping[str, Mapping[str, Any]]

    def log(self, text: str) -> None:
        """Nobody reads it."""

    def warn(self, description: str, *, code: str = "warning", info: Mapping[str, Any] | None = None) -> None:
        """Nobody reads it."""


def call_webhook(
    webhook: Mapping[str, Any],
    connections: Mapping[str, Mapping[str, Any]],
    secret: str,
    message: Mapping[str, Any],
    *,
    id: str,
    at: datetime,
) -> None:
    """Send it; any 2xx is acceptance, and NotCalled says what else happened. `id` is that of all repeats."""
    private = bool(webhook.get("privateAddresses"))
    name = webhook.get("connection")
    url = str((connections.get(name) or {}).get("url") if name else webhook.get("url"))
    if urlsplit(url).scheme != "https" and not private:
        raise NotCalled("insecure", "without TLS anybody on the way reads the token; use https", False, False)
    body = json.dumps(message, allow_nan=False, separators=(",", ":"))
    action = {
        "connection": name,
        "url": webhook.get("url"),
        "path": webhook.get("path"),
        "method": "POST",
        "headers": {
            "Content-Type": "application/json",
            "Webhook-Id": id,
            "Webhook-Timestamp": str(int(at.timestamp())),
            "Webhook-Signature": signature(secret, id, int(at.timestamp()), body.encode()),
        },
        "body": body,
        "privateAddresses": private,
        "maxBody": LONGEST_ANSWER,
    }
    try:
        http.perform(action, Quiet(connections))
    except ActionFailed as problem:
        raise NotCalled(problem.code, str(problem), problem.retryable, _perhaps(problem)) from None


def _perhaps(problem: ActionFailed) -> bool:
    """Whether the request may have arrived: an answer is a refusal, and no connection sends nothing."""
    import httpx2

    if problem.code not in ("timeout", "connection", "answer", "answer-too-large"):
        return False
    return not isinstance(problem.__context__, httpx2.ConnectError | httpx2.ConnectTimeout)
