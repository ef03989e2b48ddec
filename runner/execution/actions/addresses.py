"""To which addresses may a request go? Public ones only, unless the step says otherwise.

The name is resolved once, every address it has is checked, and the connection goes to a checked address: a
name that answers differently the second time (DNS rebinding) changes nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

Resolve = Callable[[str, int], list[str]]

_TRANSLATED = (
    ipaddress.ip_network("64:ff9b::/96"),  # RFC 6052: an IPv4 address behind a translator
    ipaddress.ip_network("64:ff9b:1::/48"),  # RFC 8215
)


class Private(Exception):
    """The name leads to an address that is not public; the message names both."""


def public_addresses(host: str, port: int, resolve: Resolve | None = None) -> list[str]:
    """The addresses of `host`; Private when any is not public, because which one is used is chance."""
    addresses = (resolve or resolved)(host, port)
    for address in addresses:
        if not is_public(address):
            raise Private(f"{host} is {address}" if address != host else host)
    return addresses


def is_public(address: str) -> bool:
    """Whether it is a global unicast address (IANA's special-purpose registries)."""
    ip = ipaddress.ip_address(address.split("%", 1)[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and any(ip in network for network in _TRANSLATED):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def resolved(host: str, port: int) -> list[str]:
    """Every address of the name, in the system's order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
