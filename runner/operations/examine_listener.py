"""Is the listener where it should be, and do the tokens still count that are used with it?"""

from __future__ import annotations

import http.client
import ipaddress
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from runner.operations.executed_elsewhere import is_external
from runner.operations.finding import Finding
from runner.operations.installed_jobs import installed_jobs
from runner.operations.settings import settings
from runner.store.port import Reader
from runner.store.tokens import TokenRecord
from runner.vocabulary.duration import format_duration
from runner.vocabulary.instants import to_the_second

SOON = timedelta(days=14)
"""Before its end a token is worth a warning: somebody has to bring the next one to another system."""

PATIENCE_S = 1.0
"""For an answer of this machine."""

REALM = 'realm="jobs-runner"'
SHOWN = 5


def examine_listener(reader: Reader, *, daemon_lives: bool, now: datetime) -> list[Finding]:
    """Where it listens, whether it answers there, and which tokens have ended or end soon."""
    web = settings(reader).get("web")
    outside = [record.name for record in installed_jobs(reader) if is_external(record.resolved)]
    tokens = reader.tokens.list()
    if web is None:
        found = [_not_declared(outside)]
        return [*found, *_tokens(tokens, now)] if tokens else found
    found = [listener_there(web) if daemon_lives else _no_daemon(web)]
    if not tokens and outside:
        text = f"there is none, so no system can report on {', '.join(outside[:SHOWN])}"
        return [*found, Finding("tokens", "warning", text, "runner token create NAME --role reporter")]
    return [*found, *_tokens(tokens, now)]


def _not_declared(outside: list[str]) -> Finding:
    if not outside:
        return Finding("listener", "ok", "none is declared (spec.web of the Runner)")
    text = f"none is declared, so {', '.join(outside[:SHOWN])} cannot start"
    return Finding("listener", "error", text, "add `web: {}` to the spec of the Runner")


def _no_daemon(web: Mapping[str, Any]) -> Finding:
    text = f"not listening on {_place(web)}: no daemon runs"
    return Finding("listener", "warning", text, "run `runner up`")


def listener_there(web: Mapping[str, Any]) -> Finding:
    """Whether it answers where the Runner declares it."""
    place, port, host = _place(web), web["port"], str(web["bind"])
    if not port:
        return Finding("listener", "ok", f"on a free port of {host}; `runner up` has said which")
    if ipaddress.ip_address(host).is_unspecified:
        host = "::1" if ":" in host else "127.0.0.1"
    said = _who_answers(host, port)
    if said == REALM:
        return Finding("listener", "ok", f"http://{place}{_beyond(web)}")
    if said is None:
        text = f"nothing answers on {place}, although it is declared and the daemon runs"
        return Finding("listener", "error", text, "the lines of `runner up` say why; it is tried again")
    text = f"another program answers on {place}"
    return Finding("listener", "error", text, "end that program, or declare another spec.web.port")


def _beyond(web: Mapping[str, Any]) -> str:
    if ipaddress.ip_address(web["bind"]).is_loopback:
        return ", for this machine only"
    names = ", ".join(web["hosts"]) or web["bind"]
    return f", reachable from other machines as {names}; it speaks no TLS, so a proxy has to"


def _who_answers(host: str, port: int) -> str | None:
    """REALM when it is a listener of the runner; None when nobody answers."""
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/", headers={"Host": "localhost"})
        response = connection.getresponse()
        return REALM if REALM in (response.getheader("www-authenticate") or "") else "something else"
    except http.client.HTTPException:
        return "something else"
    except OSError:
        return None
    finally:
        connection.close()


def _place(web: Mapping[str, Any]) -> str:
    bind, port = web["bind"], web["port"]
    return f"[{bind}]:{port}" if ":" in bind else f"{bind}:{port}"


def _tokens(tokens: list[TokenRecord], now: datetime) -> list[Finding]:
    over = [token for token in tokens if token.expires_at is not None and token.expires_at <= now]
    soon = [
        token for token in tokens if token.expires_at is not None and now < token.expires_at <= now + SOON
    ]
    found = []
    for token in over[:SHOWN]:
        assert token.expires_at is not None
        text = f"{token.name} ({token.role}) has expired at {to_the_second(token.expires_at)}"
        found.append(Finding("tokens", "warning", text, _renew(token)))
    for token in soon[:SHOWN]:
        assert token.expires_at is not None
        left = format_duration(
            timedelta(hours=max(round((token.expires_at - now).total_seconds() / 3600), 1))
        )
        text = f"{token.name} ({token.role}) expires in {left}, at {to_the_second(token.expires_at)}"
        found.append(Finding("tokens", "warning", text, _renew(token)))
    left_out = len(over[SHOWN:]) + len(soon[SHOWN:])
    if left_out:
        text = f"and {left_out} more that have expired or expire within {format_duration(SOON)}"
        found.append(Finding("tokens", "warning", text, "runner token list"))
    rest = len(tokens) - len(over) - len(soon)
    if rest or not tokens:
        found.append(Finding("tokens", "ok", f"{rest} in use" if rest else "none"))
    return found


def _renew(token: TokenRecord) -> str:
    again = f"runner token revoke {token.name}, then runner token create {token.name} --role {token.role}"
    return f"{again}; or revoke it, when nobody uses it"
