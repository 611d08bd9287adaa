"""Who stands at the door: by the key that is shown, by the page's cookie, or by where no key is asked for."""

from __future__ import annotations

import math
import time

from starlette.datastructures import Headers

from samovar.api.caller import AT_THE_MACHINE, NOBODY, Caller
from samovar.api.errors import Forbidden, TooManyAttempts, Unauthorized
from samovar.api.guard.access import Need
from samovar.api.guard.attempts import Attempts
from samovar.api.guard.shown import keys_shown, session_shown
from samovar.core.keys import Holder, allows
from samovar.services.keys import KeyService, Ring
from samovar.services.keys.ring import digest_of

UNLOCKED = Ring()


class Doorkeeper:
    """`keys` None: nobody is asked for one."""

    def __init__(self, keys: KeyService | None = None, attempts: Attempts | None = None) -> None:
        self._keys = keys
        self._attempts = attempts or Attempts()

    async def admit(self, headers: Headers, address: str, need: Need, foreign: str | None) -> Caller:
        """The caller, who may do what is needed. `foreign`: the allowed origin that it comes from, if it comes from
        another: it has no cookie here, and without a key it may ask models and no more.

        Raises Unauthorized, Forbidden where the key does not allow it, TooManyAttempts.
        """
        ring = await self._ring()
        if not ring.asked:
            caller = AT_THE_MACHINE if foreign is None else Caller(foreign, "infer", foreign)
        elif need == "open":
            return self._caller_or_nobody(ring, headers, address, foreign)
        else:
            caller = self._caller(ring, headers, address, foreign)
        if need != "open" and not allows(caller.scope, need):
            raise Forbidden("keys.scope", held=caller.scope, needed=need)
        return caller

    async def signed_in(self, headers: Headers) -> tuple[bool, Holder | None]:
        """Whether keys are asked for, and who is signed in on this page."""
        ring = await self._ring()
        return ring.asked, ring.session(session_shown(headers), time.time())

    async def recognise(self, secret: bytes, address: str) -> Holder:
        """Whose key it is. Raises Unauthorized, TooManyAttempts."""
        return self._held(await self._ring(), [secret] if secret else [], address)

    async def _ring(self) -> Ring:
        return UNLOCKED if self._keys is None else await self._keys.ring()

    def _caller_or_nobody(self, ring: Ring, headers: Headers, address: str, foreign: str | None) -> Caller:
        """Wrong keys count here too: what is told to who has one tells whether it was right."""
        try:
            return self._caller(ring, headers, address, foreign)
        except (Unauthorized, TooManyAttempts):
            return NOBODY

    def _caller(self, ring: Ring, headers: Headers, address: str, foreign: str | None) -> Caller:
        token = session_shown(headers) if foreign is None else b""
        signed_in = ring.session(token, time.time()) if token else None
        shown = keys_shown(headers)
        if signed_in is not None and not shown:
            return Caller("", signed_in.scope, signed_in.name)
        holder = self._held(ring, shown, address)
        return Caller(holder.id, holder.scope, holder.name)

    def _held(self, ring: Ring, shown: list[bytes], address: str) -> Holder:
        if not shown:
            raise Unauthorized("keys.missing")
        # What the store keeps cannot be guessed, and opens at any time; the server's own key may be short.
        wait = self._attempts.wait(address)
        holder = next(filter(None, (ring.holder(secret, guess=not wait) for secret in shown)), None)
        if holder is None:
            if wait:
                raise TooManyAttempts("keys.slow_down", seconds=math.ceil(wait))
            for secret in shown:
                self._attempts.failed(address, digest_of(secret))
            raise Unauthorized("keys.wrong")
        if self._keys is not None:
            self._keys.note_use(holder)
        return holder
