"""How many requests of one tenant are under way: nobody fills the queue for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from samovar.api.errors import TooManyRequests


class Lanes:
    """`most`: requests at once of one key. The person at this machine, tenant "", has no bound."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def lane(self, tenant: str) -> Iterator[None]:
        """Raises TooManyRequests where the tenant has as many as it may have."""
        if tenant and self._under_way[tenant] >= self._most:
            raise TooManyRequests("door.too_many_requests", most=self._most)
        self._under_way[tenant] += 1
        try:
            yield
        finally:
            self._under_way[tenant] -= 1
            if not self._under_way[tenant]:
                del self._under_way[tenant]
