"""Which descriptors are watched, and who is told?"""

from __future__ import annotations

import asyncio
import contextlib
import select
from collections.abc import Callable

_EVENTS = 128  # at once, then the loop's other work

Handler = Callable[[int, int], None]
"""Called with the descriptor and what epoll says of it."""


class Watches:
    """Many descriptors in an epoll of their own, which the event loop watches as one: adding and removing
    one costs the loop nothing. Closing a descriptor takes it out of the epoll, but not its handler. `told` is
    called when all handlers of one look have been."""

    def __init__(self, loop: asyncio.AbstractEventLoop, told: Callable[[], None]) -> None:
        self._loop = loop
        self._told = told
        self._handlers: dict[int, Handler] = {}
        self._epoll = select.epoll()
        loop.add_reader(self._epoll.fileno(), self._tell)

    def __contains__(self, descriptor: int) -> bool:
        return descriptor in self._handlers

    def add(self, descriptor: int, handler: Handler, wants_to_send: bool = False) -> None:
        """Watch a descriptor for what comes, and for room when something waits to be sent."""
        self._handlers[descriptor] = handler
        self._epoll.register(descriptor, select.EPOLLIN | (select.EPOLLOUT if wants_to_send else 0))

    def wants_to_send(self, descriptor: int, wants: bool = True) -> None:
        """Watch for room too, or no more."""
        self._epoll.modify(descriptor, select.EPOLLIN | (select.EPOLLOUT if wants else 0))

    def drop(self, descriptor: int) -> None:
        """Tell nobody any more, of a descriptor that is closed now."""
        self._handlers.pop(descriptor, None)

    def remove(self, descriptor: int) -> None:
        """Watch a descriptor no more that stays open."""
        if self._handlers.pop(descriptor, None) is not None:
            with contextlib.suppress(OSError):
                self._epoll.unregister(descriptor)

    def pause(self) -> None:
        """Tell nobody anything any more."""
        self._loop.remove_reader(self._epoll.fileno())

    def close(self) -> None:
        """Watch nothing."""
        self._handlers.clear()
        self._epoll.close()

    def _tell(self) -> None:
        handlers = self._handlers
        events = self._epoll.poll(0, _EVENTS)
        for handler, descriptor, event in [(handlers.get(number), number, what) for number, what in events]:
            # An earlier event of the round may have closed it, and the number may be another's already.
            if handler is not None and handlers.get(descriptor) is handler:
                handler(descriptor, event)
        self._told()
