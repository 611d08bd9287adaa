"""What llama.cpp's server says of itself: properties, adapters, and what it can and we cannot."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from samovar import __version__
from samovar.api.answering import names
from samovar.api.answering.desk import Desk
from samovar.api.dialects.llamacpp.wire import settings_of
from samovar.api.routing import Routes
from samovar.core.engine import EngineInfo
from samovar.core.errors import BadModelFile, Busy, Missing
from samovar.core.requests import Completion

BUILD = f"samovar-{__version__}"


def router(desk: Desk) -> Routes:
    routes = Routes()

    @routes.get("/props")
    async def props(request: Request) -> Response:
        return _json(await _properties(desk, request.query_params.get("model", "")))

    @routes.post("/props")
    async def change_props() -> Response:
        raise Missing("llamacpp.no_props")

    @routes.get("/lora-adapters")
    async def adapters() -> Response:
        return _json([])

    @routes.post("/lora-adapters")
    async def scale_adapters() -> Response:
        raise Missing("llamacpp.no_adapters")

    @routes.post("/rerank")
    @routes.post("/reranking")
    @routes.post("/v1/rerank")
    @routes.post("/v1/reranking")
    async def rerank() -> Response:
        raise Missing("llamacpp.no_reranking")

    return routes


async def _properties(desk: Desk, asked: str) -> Mapping[str, object]:
    """Of the named model, else of the one that is served. Loads none: a page of another origin may send this."""
    await names.check(desk.models, asked or None)
    state = desk.models.state
    name = asked or state.name
    if name is None:
        raise Busy("llamacpp.no_model")
    info = desk.models.engine(name)
    known = _of_engine(info) if info else await _of_file(desk, name)
    n_ctx = known.pop("n_ctx")
    return {
        "default_generation_settings": {"n_ctx": n_ctx, "params": settings_of(Completion())},
        "model_alias": name,
        # Clients show it; where files lie is nobody's business.
        "model_path": name,
        "modalities": {"vision": False, "audio": False},
        "build_info": BUILD,
        "is_sleeping": all(one.name != desk.models.meant(name) for one in desk.models.loaded()),
        **known,
    }


def _of_engine(info: EngineInfo) -> dict[str, object]:
    return {
        "n_ctx": info.window,
        "total_slots": info.parallel,
        "chat_template": info.chat_template or "",
        "bos_token": info.bos_text,
        "eos_token": info.eos_text,
    }


async def _of_file(desk: Desk, name: str) -> dict[str, object]:
    """What is known of a model that has no worker. One that has no file has no template either."""
    try:
        details = await desk.library.details(name)
    except BadModelFile:
        return {"n_ctx": 0, "total_slots": 1, "chat_template": "", "bos_token": "", "eos_token": ""}
    return {
        "n_ctx": await _window(desk, name),
        "total_slots": 1,
        "chat_template": (await desk.library.own(name)).template or details.template or "",
        "bos_token": "",
        "eos_token": "",
    }


async def _window(desk: Desk, name: str) -> int:
    """Of the model that is loaded, else what it would be loaded with: clients make their prompts as long."""
    meant = desk.models.meant(name)
    loaded = next((one.window for one in desk.models.loaded() if one.name == meant), None)
    return loaded or (await desk.models.outlook(meant)).window


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
