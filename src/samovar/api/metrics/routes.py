"""The one route. Where keys are set it needs one that may manage: names of models are in it."""

from __future__ import annotations

from starlette.responses import Response

from samovar.api.metrics.exposition import exposed
from samovar.api.metrics.traffic import Traffic
from samovar.api.routing import Routes
from samovar.services.contracts import Gauges


def router(gauges: Gauges, traffic: Traffic) -> Routes:
    routes = Routes()

    @routes.get("/metrics")
    async def metrics() -> Response:
        text, media_type = exposed(await gauges.read(), traffic.ended)
        return Response(text, media_type=media_type)

    return routes
