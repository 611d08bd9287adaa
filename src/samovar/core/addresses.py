"""IP addresses as text, and which of them are this machine's own."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@lru_cache(maxsize=256)
def parsed(text: str) -> Address | None:
    """The address that `text` spells in full; None for names, and for short forms (127.1, 0x7f.0.0.1)."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def is_loopback(text: str) -> bool:
    """Whether `text` is an address that other machines cannot reach."""
    address = parsed(text)
    # ::ffff:127.0.0.1 counts as loopback on some Pythons and not on others: never here.
    return address is not None and address.is_loopback and not getattr(address, "ipv4_mapped", None)
