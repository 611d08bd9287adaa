"""/slots: what each sequence is doing, and prompts that are kept by name, to be in the cache again later."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from samovar.api.answering import names
from samovar.api.answering.desk import Desk
from samovar.api.caller import caller_of
from samovar.api.reading.body import Fields, decode
from samovar.api.routing import Routes
from samovar.api.sse import while_connected
from samovar.core.errors import Busy, InvalidInput
from samovar.runtime.counts import SlotState

ACTIONS = ("save", "restore", "erase")


def router(desk: Desk) -> Routes:
    routes = Routes()

    @routes.get("/slots")
    async def slots(request: Request) -> Response:
        model = await _model(desk, request.query_params.get("model"))
        listed = await desk.slots.listed(caller_of(request).tenant, model)
        if request.query_params.get("fail_on_no_slot") and all(slot.busy for slot in listed):
            raise Busy("slots.none_free", count=len(listed))
        return _json(_listed(listed))

    @routes.post("/slots/{slot}")
    async def act(request: Request, slot: str) -> Response:
        action = request.query_params.get("action", "")
        if action not in ACTIONS:
            raise InvalidInput("slots.action", action=action[:40])
        if not (slot.isdecimal() and slot.isascii() and len(slot) < 8):
            raise InvalidInput("slots.number", slot=slot[:40])
        fields = Fields(decode(await request.body()))
        name, model = fields.text("filename") or "", fields.text("model") or request.query_params.get("model")
        doing = _Doing(desk, int(slot), name, caller_of(request).tenant, await _model(desk, model))
        return _json(await while_connected(request.receive, doing.done(action)))

    return routes


@dataclass(frozen=True)
class _Doing:
    """What is to be done with a slot, and for whom."""

    desk: Desk
    slot: int
    name: str
    tenant: str
    model: str | None

    async def done(self, action: str) -> dict[str, object]:
        """`restore` takes whichever slot suits, and says which."""
        slots, began = self.desk.slots, time.monotonic()
        if action == "erase":
            return {"id_slot": self.slot, "n_erased": await slots.erase(self.slot, self.tenant, self.model)}
        if action == "save":
            kept = await slots.save(self.slot, self.name, self.tenant, self.model)
            tokens, size = "n_saved", "n_written"
        else:
            kept = await slots.restore(self.name, self.tenant, self.model)
            tokens, size = "n_restored", "n_read"
        timings = {f"{action}_ms": round((time.monotonic() - began) * 1000, 3)}
        return {
            "id_slot": kept.slot,
            "filename": self.name,
            tokens: kept.tokens,
            size: kept.size,
            "timings": timings,
        }


async def _model(desk: Desk, name: str | None) -> str | None:
    """The model that a request names; None for the page's. Raises NotFound for one that there is not."""
    asked = None if name in (None, "", "default") else name
    await names.check(desk.models, asked)
    return asked


def _listed(slots: Sequence[SlotState]) -> list[dict[str, object]]:
    return [
        {
            "id": slot.id,
            "n_ctx": slot.window,
            "speculative": False,
            "is_processing": slot.busy,
            "n_past": slot.held,
            "n_prompt_tokens": slot.asked,
            "n_prompt_tokens_processed": min(slot.held, slot.asked) if slot.busy else slot.asked,
            "n_prompt_tokens_cache": slot.cached,
            "next_token": [{"has_next_token": slot.busy, "n_remain": slot.left, "n_decoded": slot.drawn}],
        }
        for slot in slots
    ]


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
