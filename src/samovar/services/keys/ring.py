"""What the door looks secrets up in: made anew whenever keys change, and never changed.

A secret is looked up by its SHA-256. Keys have 256 bits of chance, so that neither the digest at rest nor the time
that a lookup takes helps in guessing one; the digest that is found is still compared in constant time. The key that
the server was started with is a person's choice and may be short: it is only ever compared in constant time, and
`guess=False` leaves it out, for those who have guessed too often.
"""

from __future__ import annotations

import hashlib
import hmac

from samovar.core.keys import OWN, Holder, Key
from samovar.store.keys import Held, StoredKey, StoredSession

NOTHING = Held((), ())


def digest_of(secret: bytes) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret).digest()


class Ring:
    """The keys there are. `own`: the one that the server was started with; `exposed`: other machines reach it."""

    def __init__(self, held: Held = NOTHING, own: str | None = None, *, exposed: bool = False) -> None:
        active = [stored for stored in held.keys if stored.key.revoked is None]
        self.active: tuple[Key, ...] = tuple(stored.key for stored in active)
        self.has_admin = bool(own) or any(key.scope == "admin" for key in self.active)
        self.asked = exposed or bool(own) or bool(active)
        """Whether who comes must show one."""
        self._own = own.encode() if own else None
        self._own_digest = digest_of(self._own) if self._own else None
        self._by_digest: dict[bytes, StoredKey] = {stored.digest: stored for stored in active}
        self._by_id = {key.id: key for key in self.active}
        self._sessions: dict[bytes, StoredSession] = {session.digest: session for session in held.sessions}

    def holder(self, secret: bytes, *, guess: bool = True) -> Holder | None:
        """Whose `secret` it is; None where it is nobody's, as an empty one always is."""
        if not secret:
            return None
        digest = digest_of(secret)
        stored = self._by_digest.get(digest)
        if stored is not None and hmac.compare_digest(stored.digest, digest):
            return _holder(stored.key)
        if guess and self._own_digest is not None and hmac.compare_digest(self._own_digest, digest):
            return OWN
        return None

    def session(self, token: bytes, now: float) -> Holder | None:
        """Who has signed in with what the cookie `token` came from; None for one that has ended."""
        found = self._sessions.get(digest_of(token))
        if found is not None and found.key is not None:
            key = self._by_id.get(found.key)
            return _holder(key) if key is not None and found.expires > now else None
        found = self._sessions.get(self.own_session(token)) if self._own else None
        return OWN if found is not None and found.key is None and found.expires > now else None

    def own_session(self, token: bytes) -> bytes:
        """The digest of a session of the server's own key. It is made of that key too, so that a server that is
        started with another one knows it no more."""
        return hmac.new(self._own or b"", token, hashlib.sha256).digest()


def _holder(key: Key) -> Holder:
    return Holder(key.id, key.name, key.scope)
