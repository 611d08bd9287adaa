"""Templates, and presets of sampling values, by name; switching one is a setting of the model that is loaded.

tabbyAPI's overrides are presets here: they stand under what a request says itself, and none is forced upon it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from samovar.api.answering.desk import Desk
from samovar.api.dialects.tabbyapi.reply import reply
from samovar.api.reading.body import Fields, decode
from samovar.api.routing import Routes
from samovar.core.errors import Missing, NotFound
from samovar.prompts import named
from samovar.services.contracts import Own

CUSTOM = "custom"
"""What a template is called that was given to the model as a text."""

NOTHING_CHOSEN: Mapping[str, object] = MappingProxyType({"selected_preset": None, "overrides": {}})


def router(desk: Desk) -> Routes:
    routes = Routes("/v1")
    _templates(routes, desk)
    _presets(routes, desk)
    return routes


def loaded_model(desk: Desk) -> str:
    """The name of the model that is switched. Raises NotFound where none is loaded."""
    state = desk.models.state
    if state.name is None or state.state != "ready":
        raise NotFound("tabbyapi.nothing_loaded")
    return state.name


def template_text(name: str) -> str | None:
    """What a model gets for its own: the text of the named template, None for the one of its file. Raises NotFound
    with the names there are."""
    return None if name == named.FROM_MODEL else named.source(name)


def template_name(own: Own) -> str:
    """What the template is called that a model is asked with."""
    if own.template is None:
        return named.FROM_MODEL
    return next((name for name in named.names() if named.source(name) == own.template), CUSTOM)


async def switch_template(desk: Desk, model: str, name: str) -> None:
    """Raises NotFound for a template that there is not."""
    text = await asyncio.to_thread(template_text, name)
    await desk.library.set_own(model, replace(await desk.library.own(model), template=text))


def _templates(routes: Routes, desk: Desk) -> None:
    @routes.get("/templates")
    @routes.get("/template/list")
    async def listed() -> Response:
        return reply({"object": "list", "data": [named.FROM_MODEL, *named.names()]})

    @routes.post("/template/switch")
    async def switch(request: Request) -> Response:
        fields = Fields(decode(await request.body()))
        name = fields.text("prompt_template_name") or fields.text("name")
        if not name:
            raise fields.missing("prompt_template_name")
        await switch_template(desk, loaded_model(desk), name)
        return reply(None)

    @routes.post("/template/unload")
    async def unload() -> Response:
        await switch_template(desk, loaded_model(desk), named.FROM_MODEL)
        return reply(None)


def _presets(routes: Routes, desk: Desk) -> None:
    @routes.get("/sampling/overrides")
    @routes.get("/sampling/override/list")
    async def listed() -> Response:
        return reply({**await _chosen(desk), "presets": await desk.presets.names()})

    @routes.post("/sampling/override/switch")
    async def switch(request: Request) -> Response:
        fields = Fields(decode(await request.body()))
        preset, overrides = fields.text("preset"), fields.nested("overrides").rest
        if preset is None and overrides:
            raise Missing("tabbyapi.overrides_without_preset")
        if not preset:
            raise fields.missing("preset")
        model = loaded_model(desk)
        await desk.presets.params(preset)
        await _switch_preset(desk, model, preset)
        return reply(None)

    @routes.post("/sampling/override/unload")
    async def unload() -> Response:
        await _switch_preset(desk, loaded_model(desk), None)
        return reply(None)


async def _switch_preset(desk: Desk, model: str, preset: str | None) -> None:
    await desk.library.set_own(model, replace(await desk.library.own(model), preset=preset))


async def _chosen(desk: Desk) -> Mapping[str, object]:
    """The preset of the page's model, and its values in tabbyAPI's form."""
    own = await desk.library.own(desk.models.state.name or "")
    if own.preset is None or own.preset not in await desk.presets.names():
        return NOTHING_CHOSEN
    values = (await desk.presets.params(own.preset)).values
    overrides = {name: {"override": value, "force": False, "additive": False} for name, value in values.items()}
    return {"selected_preset": own.preset, "overrides": overrides}
