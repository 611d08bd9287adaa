"""What clients ask before they ask for an answer: names, versions, limits, and how the last answer went."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from samovar.api.answering.desk import Desk
from samovar.api.answering.running import Run, Running
from samovar.api.caller import NOBODY, caller_of
from samovar.api.dialects.koboldcpp.fields import DEFAULT_LENGTH
from samovar.api.dialects.koboldcpp.reply import reply
from samovar.api.routing import Routes

KOBOLDAI_VERSION = "1.2.5"
VERSION = "1.115"
"""Whose features clients may count on."""

UNLOADED = "inactive"
LOCKED = "protected"
"""What the model is called for who has no key where one is asked for, whatever is loaded."""

SMALLEST_WINDOW = 4096
"""What is said of the window while there is no model to ask."""

Say = Callable[[Desk, Request], Awaitable[object]]


class Features(msgspec.Struct, frozen=True):
    """What /api/extra/version says: a number or truth for everything that koboldcpp may have."""

    protected: bool
    result: str = "KoboldCpp"
    version: str = VERSION
    llm: bool = True
    txt2img: bool = False
    vision: bool = False
    audio: bool = False
    transcribe: bool = False
    multiplayer: bool = False
    websearch: bool = False
    tts: bool = False
    embeddings: bool = True
    music: bool = False
    savedata: bool = False
    admin: int = 1
    router: bool = False
    guidance: bool = True
    jinja: bool = False
    mcp: bool = False


class Performance(msgspec.Struct, frozen=True):
    """Seconds, tokens, and tokens a second. `stop_reason`: −1 nothing yet, 0 out of tokens, 1 end token, 2 stop
    sequence."""

    last_process: float
    last_eval: float
    last_token_count: int
    last_input_count: int
    last_process_time: float
    last_eval_time: float
    last_process_speed: float
    last_eval_speed: float
    last_seed: int
    last_draft_success: int
    last_draft_failed: int
    stop_reason: int
    total_gens: int
    queue: int
    idle: int
    uptime: float
    idletime: float
    total_img_gens: int = 0
    total_tts_gens: int = 0
    total_transcribe_gens: int = 0
    hordeexitcounter: int = 0
    quiet: bool = True


async def window_of(desk: Desk, *, wait: bool = True) -> int:
    """Tokens of one request with the model that answers; with `wait`, of the one that is being loaded."""
    if wait and desk.models.state.state == "loading":
        return (await desk.models.load()).window
    return next((model.window for model in desk.models.loaded()), SMALLEST_WINDOW)


async def _model(desk: Desk, request: Request) -> object:
    name = LOCKED if caller_of(request) == NOBODY else desk.models.state.name
    return {"result": f"koboldcpp/{name}" if name else UNLOADED}


async def _window(desk: Desk, request: Request) -> object:
    return {"value": await window_of(desk, wait=caller_of(request) != NOBODY)}


async def _features(_: Desk, request: Request) -> object:
    caller = caller_of(request)
    # A page of an allowed origin is let in by its own name, which is no key.
    return Features(protected=caller.tenant not in ("", caller.name))


async def _version(_desk: Desk, _request: Request) -> object:
    return {"result": KOBOLDAI_VERSION}


async def _length(_desk: Desk, _request: Request) -> object:
    return {"value": DEFAULT_LENGTH}


async def _no_prompt(_desk: Desk, _request: Request) -> object:
    return {"value": ""}


async def _no_prompts(_desk: Desk, _request: Request) -> object:
    return {"values": []}


async def _no_story(_desk: Desk, _request: Request) -> object:
    return {}


SAYINGS: Mapping[str, Say] = MappingProxyType(
    {
        "/api/{version}/model": _model,
        "/api/{version}/info/version": _version,
        "/api/{version}/config/max_length": _length,
        "/api/{version}/config/max_context_length": _window,
        "/api/{version}/config/soft_prompt": _no_prompt,
        "/api/{version}/config/soft_prompts_list": _no_prompts,
        "/api/extra/true_max_context_length": _window,
        "/api/extra/version": _features,
        "/api/extra/preloadstory": _no_story,
    }
)
"""By address; `{version}` is each of VERSIONS."""

VERSIONS = ("v1", "latest")


def router(desk: Desk) -> Routes:
    routes = Routes()
    for address, say in SAYINGS.items():
        for path in dict.fromkeys(address.format(version=version) for version in VERSIONS):
            routes.add(path, _saying(desk, say), ["GET"])
    began = time.monotonic()

    @routes.get("/api/extra/perf")
    async def perf() -> Response:
        return reply(performance(desk.running, time.monotonic() - began))

    return routes


def performance(running: Running, uptime: float) -> Performance:
    """Of the answer that ended last, in any dialect; zeros before there was one."""
    run = running.latest
    done = run.done if run else None
    timings = done.timings if done else None
    process, spoke = (timings.prompt_ms / 1000, timings.predicted_ms / 1000) if timings else (0.0, 0.0)
    read, said = (timings.prompt_n, timings.predicted_n) if timings else (0, 0)
    return Performance(
        last_process=process,
        last_eval=spoke,
        last_token_count=said,
        last_input_count=done.usage.prompt_tokens if done else 0,
        last_process_time=process,
        last_eval_time=spoke,
        last_process_speed=read / process if process else 0.0,
        last_eval_speed=said / spoke if spoke else 0.0,
        last_seed=run.generation.accepted.seed if run else -1,
        last_draft_success=timings.draft_n_accepted if timings else 0,
        last_draft_failed=timings.draft_n - timings.draft_n_accepted if timings else 0,
        stop_reason=_stop_reason(run),
        total_gens=running.ended,
        queue=len(running),
        idle=int(not len(running)),
        uptime=uptime,
        idletime=0.0 if len(running) else running.quiet_for(),
    )


def _stop_reason(run: Run | None) -> int:
    if run is None or run.finish is None:
        return -1
    if run.finish.reason == "length":
        return 0
    return 1 if run.finish.stop is None else 2


def _saying(desk: Desk, say: Say) -> Callable[[Request], Awaitable[Response]]:
    async def said(request: Request) -> Response:
        return reply(await say(desk, request))

    return said
