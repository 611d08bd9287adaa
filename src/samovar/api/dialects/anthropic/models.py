"""The models, in Anthropic's shape. OpenAI's address for them is the same: whoever sends `anthropic-version`, as
all of Anthropic's clients do, gets these, and everybody else falls through to OpenAI's."""

from __future__ import annotations

from datetime import datetime, timezone

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from samovar.api.answering import names
from samovar.api.answering.desk import Desk
from samovar.api.dialects.anthropic.wire import Model, ModelPage
from samovar.api.reading.pages import page_of
from samovar.api.routing import Routes
from samovar.services.contracts import InstalledModel

USUAL, MOST = 20, 1000


def router(desk: Desk) -> Routes:
    routes = Routes(header="anthropic-version")

    @routes.get("/models")
    async def list_anthropic_models(request: Request) -> Response:
        listed = await names.listed(desk.models)
        query = request.query_params
        page, more = page_of(
            listed,
            lambda model: model.name,
            query,
            after="after_id",
            before="before_id",
            usual=USUAL,
            most=MOST,
        )
        ends = (page[0].name, page[-1].name) if page else (None, None)
        return _json(ModelPage([_model(model) for model in page], more, *ends))

    @routes.get("/models/{name:path}")
    async def one_anthropic_model(name: str) -> Response:
        return _json(_model(await names.named(desk.models, name)))

    return routes


def _model(model: InstalledModel) -> Model:
    created = datetime.fromtimestamp(model.created, timezone.utc)
    return Model(model.name, model.name, created.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _json(value: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
