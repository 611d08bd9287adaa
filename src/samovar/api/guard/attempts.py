"""Who has shown wrong keys lately. Bounded, whoever comes.

Different wrong keys count, not how often one was shown: a client that was set up wrongly asks again and again, and
is not guessing.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from samovar.core.addresses import parsed

MOST = 10
WINDOW_SECONDS = 60.0
MOST_ADDRESSES = 1024


class Attempts:
    """By address; those of one IPv6 network of 64 bits are one, since they are one subscriber's."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, dict[bytes, float]] = OrderedDict()

    def wait(self, address: str) -> float:
        """Seconds until this address may guess again; 0 for one that may now."""
        place = _network(address)
        wrong = self._recent(place)
        if not wrong:
            self._wrong.pop(place, None)
        return min(wrong.values()) + WINDOW_SECONDS - self._clock() if len(wrong) >= MOST else 0.0

    def failed(self, address: str, digest: bytes) -> None:
        """A key with this digest was shown, and is nobody's."""
        place = _network(address)
        wrong = self._recent(place)
        wrong.setdefault(digest, self._clock())
        self._wrong[place] = wrong
        self._wrong.move_to_end(place)
        if len(self._wrong) > MOST_ADDRESSES:
            self._wrong.popitem(last=False)

    def _recent(self, place: str) -> dict[bytes, float]:
        since = self._clock() - WINDOW_SECONDS
        return {digest: at for digest, at in self._wrong.get(place, {}).items() if at > since}


def _network(address: str) -> str:
    found = parsed(address)
    if found is None or found.version == 4:
        return address
    # A socket that listens on both kinds writes IPv4 addresses like this.
    return str(found.ipv4_mapped) if found.ipv4_mapped else found.exploded[:19]
