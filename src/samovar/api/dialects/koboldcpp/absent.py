"""What koboldcpp has and Samovar has not, answered so that clients see it is not there and go on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

import msgspec
from starlette.responses import Response

from samovar.api.answering.desk import Desk
from samovar.api.routing import Routes
from samovar.core.errors import Missing

EMPTY: Mapping[str, object] = MappingProxyType(
    {
        "GET /sdapi/v1/sd-models": [],
        "GET /sdapi/v1/samplers": [],
        "GET /sdapi/v1/schedulers": [],
        "GET /sdapi/v1/upscalers": [],
        "GET /sdapi/v1/latent-upscale-modes": [],
        "GET /sdapi/v1/loras": [],
        "GET /sdapi/v1/options": {},
        "GET /api/extra/speakers_list": [],
        "POST /api/extra/websearch": [],
        "POST /api/extra/data/list": [],
        "POST /api/extra/data/load": {"success": False, "data": None},
        "POST /api/extra/data/save": {"success": False},
    }
)
"""Method and address, and an answer in the address's own shape that holds nothing."""

REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "/sdapi/v1/txt2img": "koboldcpp.no_images",
        "/sdapi/v1/img2img": "koboldcpp.no_images",
        "/sdapi/v1/interrogate": "koboldcpp.no_images",
        "/sdapi/v1/upscale": "koboldcpp.no_images",
        "/api/extra/multiplayer/status": "koboldcpp.no_multiplayer",
        "/api/extra/multiplayer/getstory": "koboldcpp.no_multiplayer",
        "/api/extra/multiplayer/setstory": "koboldcpp.no_multiplayer",
        "/api/extra/transcribe": "koboldcpp.no_speech",
        "/api/extra/tts": "koboldcpp.no_speech",
        "/api/extra/music/prepare": "koboldcpp.no_speech",
        "/api/extra/music/generate": "koboldcpp.no_speech",
    }
)
"""Address and the sentence that refuses it."""

Handler = Callable[[], Awaitable[Response]]


def router(_desk: Desk) -> Routes:
    routes = Routes()
    for place, value in EMPTY.items():
        method, path = place.split(" ")
        routes.add(path, _answering(msgspec.json.encode(value)), [method])
    for path, key in REFUSED.items():
        routes.add(path, _refusing(key), ["POST"])
    return routes


def _answering(body: bytes) -> Handler:
    async def answer() -> Response:
        return Response(body, media_type="application/json")

    return answer


def _refusing(key: str) -> Handler:
    async def refuse() -> Response:
        raise Missing(key)

    return refuse
