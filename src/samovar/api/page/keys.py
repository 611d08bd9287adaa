"""Routes about keys, and the page's own way in: signing in with one, and out.

A session is a cookie that scripts cannot read and that no other site's request carries. The routes about the
session need no key: who is not signed in asks there. Those about keys need an admin's.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from samovar.api.errors import Forbidden
from samovar.api.guard.doorkeeper import Doorkeeper
from samovar.api.guard.shown import cookie_name
from samovar.api.page.exchange import fields, reply, required
from samovar.api.routing import Routes
from samovar.api.security import address_of
from samovar.core.errors import InvalidParameter
from samovar.core.keys import RANKS, Holder, Key, KeyScope, allows
from samovar.services.keys import KeyService
from samovar.services.keys.service import SESSION_SECONDS

Wire = dict[str, str | float | bool | None]


def router(keys: KeyService, doorkeeper: Doorkeeper) -> Routes:
    routes = Routes("/samovar")

    @routes.get("/session")
    async def session(request: Request) -> Response:
        asked, holder = await doorkeeper.signed_in(request.headers)
        return reply(_session(holder, asked=asked))

    @routes.post("/session")
    async def sign_in(request: Request) -> Response:
        secret = required(await fields(request), "key").strip()
        holder = await doorkeeper.recognise(secret.encode(), address_of(request.scope))
        if not allows(holder.scope, "admin"):
            raise Forbidden("keys.page_is_for_admins", name=holder.name, held=holder.scope)
        return _with_cookie(reply(_session(holder, asked=True)), request, await keys.sign_in(holder))

    @routes.delete("/session")
    async def sign_out(request: Request) -> Response:
        token = request.cookies.get(cookie_name(request.headers), "")
        if token:
            await keys.sign_out(token.encode())
        return _with_cookie(reply({}), request, "")

    @routes.get("/keys")
    async def listed() -> Response:
        return reply([_key(key) for key in await keys.listed()])

    @routes.post("/keys")
    async def add(request: Request) -> Response:
        """The first key is what locks the door: whoever makes it on the page is signed in with it."""
        body = await fields(request)
        first = not (await keys.ring()).asked
        made = await keys.add(required(body, "name"), _scope(body.text("scope") or "infer"))
        answer = reply({"key": _key(made.key), "secret": made.secret}, 201)
        if not first:
            return answer
        holder = Holder(made.key.id, made.key.name, made.key.scope)
        return _with_cookie(answer, request, await keys.sign_in(holder))

    @routes.delete("/keys/{key}")
    async def revoke(key: str) -> Response:
        return reply(_key(await keys.revoke(key)))

    return routes


def _scope(text: str) -> KeyScope:
    found = next((scope for scope in RANKS if scope == text), None)
    if found is None:
        raise InvalidParameter("keys.bad_scope", name="scope", scope=text[:40], scopes=", ".join(RANKS))
    return found


def _key(key: Key) -> Wire:
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "scope": key.scope,
        "created": key.created,
        "used": key.used,
        "revoked": key.revoked,
    }


def _session(holder: Holder | None, *, asked: bool) -> Wire:
    return {"asked": asked, "name": holder.name if holder else None}


def _with_cookie(answer: Response, request: Request, token: str) -> Response:
    """`answer` with the session's cookie; an empty token takes it away."""
    answer.set_cookie(
        cookie_name(request.headers),
        token,
        max_age=int(SESSION_SECONDS) if token else 0,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer
