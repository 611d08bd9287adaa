"""Switching models, as koboldcpp's administration does: its "configurations" are the installed models."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from samovar.api.answering import names
from samovar.api.answering.desk import Desk
from samovar.api.dialects.koboldcpp.reply import reply
from samovar.api.reading.body import Fields, decode
from samovar.api.routing import Routes

UNLOAD = "unload_model"
"""What koboldcpp calls having no model."""


def router(desk: Desk) -> Routes:
    routes = Routes("/api/admin")

    @routes.get("/list_options")
    async def list_options() -> Response:
        return reply([*(model.name for model in await names.listed(desk.models)), UNLOAD])

    @routes.post("/reload_config")
    async def reload_config(request: Request) -> Response:
        """Answers when the model is there: koboldcpp answers at once and is away meanwhile."""
        fields = Fields(decode(await request.body()))
        name = fields.text("filename")
        if not name:
            raise fields.missing("filename")
        if name == UNLOAD:
            await desk.models.unload()
        else:
            await names.check(desk.models, name)
            await desk.models.load(name)
        return reply({"success": True})

    return routes
