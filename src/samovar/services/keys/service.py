"""Makes keys, takes them back, signs the page in and out.

Another process may change keys while the server runs (`samovar keys`): each change replaces a file in the home, the
stamp, and `ring` looks at it whenever somebody comes. So a key that was taken back opens nothing from then on.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from samovar.core.errors import Conflict, InvalidInput, NotFound, StorageFailed
from samovar.core.keys import OWN, Holder, Key, KeyScope
from samovar.services.keys.ring import NOTHING, Ring, digest_of
from samovar.store.ids import new_id
from samovar.store.keys import KeyStore, StoredKey, StoredSession

BEGINNING = "sk-samovar-"
SHOWN = len(BEGINNING) + 4
SECRET_BYTES = 32
LONGEST_NAME = 60
MOST_KEYS = 1000
SESSION_SECONDS = 30 * 24 * 3600.0
USE_SECONDS = 60.0
"""How exact the time of a key's last use is: a write a minute, not one a request."""

Mark = tuple[int, int]


class NewKey(msgspec.Struct, frozen=True):
    """`secret` is told once, here."""

    key: Key
    secret: str


class KeyService:
    """All keys of one home. Raises StorageFailed where the store does."""

    def __init__(
        self,
        store: KeyStore,
        stamp: Path,
        own: str | None = None,
        *,
        exposed: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`own`: the key that the server was started with; `exposed`: whether other machines reach it."""
        self._store = store
        self._stamp = stamp
        self._own = own or None
        self._exposed = exposed
        self._clock = clock
        self._mark: Mark | None = None
        self._ring = Ring(NOTHING, self._own, exposed=True)
        self._read = False
        self._uses: dict[str, float] = {}
        self._noting: set[asyncio.Task[None]] = set()

    async def ring(self) -> Ring:
        """The keys there are now."""
        mark = _mark(self._stamp)
        if not self._read or mark != self._mark:
            held = await self._store.read(self._clock())
            self._ring = Ring(held, self._own, exposed=self._exposed)
            self._mark, self._read = mark, True
        return self._ring

    async def add(self, name: str, scope: KeyScope) -> NewKey:
        """Raises InvalidInput for a name that is none, Conflict for one that is taken, for too many keys, and where
        the first key could not manage the others."""
        ring = await self.ring()
        name = name.strip()
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise InvalidInput("keys.bad_name", longest=LONGEST_NAME)
        if any(key.name.casefold() == name.casefold() for key in ring.active):
            raise Conflict("keys.name_taken", name=name)
        if len(ring.active) >= MOST_KEYS:
            raise Conflict("keys.too_many", most=MOST_KEYS)
        if scope != "admin" and not ring.has_admin:
            raise Conflict("keys.first_is_admin")
        secret, now = BEGINNING + secrets.token_urlsafe(SECRET_BYTES), self._clock()
        key = Key(id=new_id(now), name=name, prefix=secret[:SHOWN], scope=scope, created=now)
        await self._store.add(StoredKey(key, digest_of(secret.encode())))
        await self._changed()
        return NewKey(key, secret)

    async def revoke(self, which: str) -> Key:
        """Takes back the key with this id, name or beginning, and ends its sessions. Raises NotFound; Conflict
        where nobody could manage those that remain, or come in at all."""
        ring = await self.ring()
        found = next((key for key in ring.active if which in (key.id, key.name, key.prefix)), None)
        if found is None:
            raise NotFound("keys.no_key", name=which[:LONGEST_NAME])
        others = [key for key in ring.active if key.id != found.id]
        managed = bool(self._own) or any(key.scope == "admin" for key in others)
        if not managed and (others or self._exposed):
            raise Conflict("keys.last_admin", name=found.name)
        await self._store.revoke(found.id, self._clock())
        await self._changed()
        return found

    def note_use(self, holder: Holder) -> None:
        """That the key was shown just now. Written down by and by."""
        now = self._clock()
        if holder is OWN or now - self._uses.get(holder.id, 0.0) < USE_SECONDS:
            return
        self._uses[holder.id] = now
        task = asyncio.ensure_future(self._write_use(holder.id, now))
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    async def listed(self) -> tuple[Key, ...]:
        """Every key that there is, and those that were taken back lately."""
        held = await self._store.read(self._clock())
        return tuple(stored.key for stored in held.keys)

    async def sign_in(self, holder: Holder) -> str:
        """A new session's token, which is told once."""
        token, now = secrets.token_urlsafe(SECRET_BYTES), self._clock()
        ring = await self.ring()
        own = holder.id == OWN.id
        digest = ring.own_session(token.encode()) if own else digest_of(token.encode())
        session = StoredSession(digest, None if own else holder.id, now + SESSION_SECONDS)
        await self._store.open_session(session, now)
        await self._changed()
        return token

    async def sign_out(self, token: bytes) -> None:
        """Ends the session, if there is one."""
        ring = await self.ring()
        for digest in (digest_of(token), ring.own_session(token)):
            await self._store.end_session(digest)
        await self._changed()

    async def close(self) -> None:
        """Waits for what is still to be written down."""
        await asyncio.gather(*self._noting, return_exceptions=True)

    async def _write_use(self, key: str, now: float) -> None:
        # A full disk keeps nobody out.
        with suppress(StorageFailed):
            await self._store.note_use(key, now)

    async def _changed(self) -> None:
        await asyncio.to_thread(_replace, self._stamp)


def _mark(stamp: Path) -> Mark | None:
    """What is another after each change: a new file has another number, or at least another time."""
    try:
        stat = stamp.stat()
    except FileNotFoundError:
        return None
    return stat.st_ino, stat.st_mtime_ns


def _replace(stamp: Path) -> None:
    """Both files are there for a moment, so that the new one cannot have the old one's number."""
    with tempfile.NamedTemporaryFile(dir=stamp.parent, prefix=stamp.name, delete=False) as fresh:
        pass
    Path(fresh.name).replace(stamp)
