"""Which descriptors connect one child with its supervisor?"""

from __future__ import annotations

import os
from _socket import socketpair  # `socket` asks for names of both ends, to make objects that are not needed
from typing import NamedTuple


class Streams(NamedTuple):
    """One side's ends."""

    control: int
    out: int
    err: int


def open_streams() -> tuple[Streams, Streams]:
    """Our ends, which never block, and the child's; OSError, and nothing open, when there are none left."""
    opened: list[int] = []
    try:
        ours, theirs = socketpair()
        control, child_control = ours.detach(), theirs.detach()
        opened += [control, child_control]
        out, child_out = os.pipe2(os.O_CLOEXEC)
        opened += [out, child_out]
        err, child_err = os.pipe2(os.O_CLOEXEC)
        opened += [err, child_err]
        for descriptor in (control, out, err):
            os.set_blocking(descriptor, False)
    except BaseException:
        for descriptor in opened:
            os.close(descriptor)
        raise
    return Streams(control, out, err), Streams(child_control, child_out, child_err)
