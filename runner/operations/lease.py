"""Who applies now? One at a time: a lease with a holder, which ends by itself.

It only spares people the surprise of two applies at once. That nothing is corrupted, whatever becomes of the
lease, is the work of the serial: an apply that was overtaken finds another one and changes nothing.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from runner.execution.processes import boot_id
from runner.store.applies import LeaseRecord
from runner.store.port import Store, Transaction
from runner.vocabulary.errors import AppliesNow

APPLY = "apply"
LENGTH = timedelta(seconds=60)
"""Applying 10,000 objects takes less than 10 s."""

PATIENCE_S = 20.0
LOOK_AGAIN_S = 0.05
_CLOCKS_DIFFER = timedelta(seconds=5)


@contextmanager
def apply_lease(
    store: Store,
    holder: str,
    commit: str | None,
    *,
    patience_s: float = PATIENCE_S,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[str]:
    """The lease while the block runs, as its token; AppliesNow, with who holds it, when it stays taken."""
    token = secrets.token_hex(8)
    waits_until = time.monotonic() + patience_s
    while True:
        taken = store.transact(lambda tx: _take(tx, token, holder, commit, clock()))
        if taken is None:
            break
        if time.monotonic() >= waits_until:
            raise AppliesNow(_sentence(taken))
        pause(LOOK_AGAIN_S)
    try:
        yield token
    finally:
        with store.read() as reader:
            left = reader.leases.get(APPLY)
        if left is not None and left.token == token:
            store.transact(lambda tx: tx.leases.release(APPLY, token))


def is_free(lease: LeaseRecord | None, *, host: str, boot: str, now: datetime) -> bool:
    """Whether it may be taken: nobody holds it, its time is over, its holder is gone, or the clock that it
    was taken by was wrong.
    """
    if lease is None or not lease.taken_at - _CLOCKS_DIFFER <= now < lease.expires_at:
        return True
    return lease.host == host and (lease.boot_id != boot or not _is_there(lease.pid))


def _take(tx: Transaction, token: str, holder: str, commit: str | None, now: datetime) -> LeaseRecord | None:
    """None when it is ours now, else whose it is."""
    host, boot = socket.gethostname(), boot_id()
    found = tx.leases.get(APPLY)
    if not is_free(found, host=host, boot=boot, now=now):
        return found
    tx.leases.take(
        LeaseRecord(
            name=APPLY,
            token=token,
            holder=holder,
            pid=os.getpid(),
            host=host,
            boot_id=boot,
            commit=commit,
            taken_at=now,
            expires_at=now + LENGTH,
        )
    )
    return None


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _sentence(lease: LeaseRecord) -> str:
    commit = f" commit {lease.commit[:7]}" if lease.commit else ""
    return (
        f"{lease.holder} applies{commit} now (pid {lease.pid} on {lease.host}, since "
        f"{lease.taken_at:%Y-%m-%d %H:%M:%S} UTC); nothing was changed. Try again when that is done; without "
        f"a sign of life it ends by itself at {lease.expires_at:%H:%M:%S} UTC"
    )
