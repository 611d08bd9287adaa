"""Asking the model: renders the prompt with the model's template, hands it to the worker, returns the stream."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from samovar.core.engine import EngineInfo, Note
from samovar.core.errors import EngineFailed, InvalidInput, revive
from samovar.core.events import Done, Failed, Looked, Stage
from samovar.core.requests import Completion, GenerateRequest, Guidance, Message, Part
from samovar.prompts.manner import Plan
from samovar.prompts.template import Rendered
from samovar.runtime.stream import Stream
from samovar.services.contracts import Embedded, Generation, Measured, RenderedPrompt
from samovar.services.models import ModelService, Served
from samovar.services.reading import planned, read
from samovar.services.rendering import filled_in, rendered_chat
from samovar.services.sizes import Sizes


class AnswerService:
    """A services.contracts.Answers over the served model."""

    def __init__(self, models: ModelService) -> None:
        self._models = models
        self.sizes = Sizes()

    async def start(self, completion: Completion) -> Generation:
        return await self._start(completion, look=None)

    async def next_token(self, completion: Completion, count: int) -> tuple[Stage, ...]:
        """What each step of the chain does to the next token's distribution, with the `count` likeliest tokens."""
        stream = await self._start(replace(completion, n=1), look=count)
        stages: tuple[Stage, ...] = ()
        async for event in stream:
            if isinstance(event, Failed):
                raise revive(event.error)
            if isinstance(event, Looked):
                stages = event.stages
        return stages

    async def embed(
        self,
        texts: Sequence[str | tuple[int, ...]],
        model: str | None = None,
        *,
        truncate: bool = False,
        keep_alive: float | None = None,
    ) -> Embedded:
        async with self._models.serving(model, keep_alive) as served:
            embedded = await served.worker.embed(tuple(texts), truncate=truncate)
            vectors = tuple(tuple(memoryview(vector).cast("f")) for vector in embedded.vectors)
            return Embedded(served.name, vectors, embedded.tokens)

    async def tokenize(
        self, text: str, *, special: bool, bos: bool = False, model: str | None = None
    ) -> tuple[int, ...]:
        async with self._models.serving(model) as served:
            spelled = await served.worker.tokenize((Part(text, special=special),), bos=bos, fresh=True)
            return spelled.tokens

    async def detokenize(self, tokens: tuple[int, ...], model: str | None = None) -> tuple[tuple[int, bytes], ...]:
        """(id, bytes) of each of `tokens` that the vocabulary has."""
        async with self._models.serving(model) as served:
            spelled = await served.worker.spell(tokens)
            return tuple(zip(spelled.tokens, spelled.pieces, strict=True))

    async def _start(self, completion: Completion, look: int | None) -> Generation:
        async with self._models.serving(completion.model, completion.keep_alive) as served:
            return await self.ask(served, completion, look)

    async def ask(self, served: Served, completion: Completion, look: int | None = None) -> Generation:
        """As `start`, of a model that is held."""
        given, guidance = completion.prompt, completion.guidance
        whole = isinstance(given, tuple) and completion.suffix is None
        prompt = Rendered(()) if whole else await self._rendered(completion, served.info)
        plan = planned(completion, served.info, prompt) if completion.reads else None
        request = GenerateRequest(
            id="",
            parts=prompt.parts,
            tokens=given if isinstance(given, tuple) else (),
            sampling=completion.sampling,
            max_tokens=completion.max_tokens,
            stop=completion.stop,
            n=completion.n,
            logprobs=completion.logprobs,
            logprobs_after=completion.logprobs_after,
            constraint=plan.constraint if plan else completion.constraint,
            shown=served.info.special_texts if completion.controls else plan.shown if plan else (),
            past_end=completion.past_end,
            bos=completion.bos,
            banned=completion.banned,
            prompt_logprobs=completion.prompt_logprobs,
            look=look,
            guidance_scale=guidance.scale if guidance else 1.0,
            negative=await self._negative(completion, guidance, served.info) if guidance else (),
            tenant=completion.tenant,
            session=completion.session,
            warm=completion.warm,
        )
        stream, notes = await self._generate(served, request, completion, plan)
        stream.model, stream.notes = served.name, (*prompt.notes, *notes)
        return read(stream, plan) if plan else stream

    async def finish(self, stream: Generation) -> Done:
        """How a request ended of which nothing else is wanted. Raises what Failed carries."""
        async for event in stream:
            if isinstance(event, Failed):
                raise revive(event.error)
            if isinstance(event, Done):
                return event
        raise EngineFailed("api.broken_off")

    async def _generate(
        self, served: Served, request: GenerateRequest, completion: Completion, plan: Plan | None
    ) -> tuple[Stream, tuple[Note, ...]]:
        """Clients offer functions with schemas of all kinds: one that no grammar can be made of must not keep the
        others from being called."""
        try:
            return await served.worker.generate(request), ()
        except InvalidInput as error:
            looser = plan.loosened(completion) if plan and error.key.startswith("grammar.") else None
            if looser is None:
                raise
            note = Note("tools.loose", {"reason": error.text()})
        return await served.worker.generate(replace(request, constraint=looser.constraint)), (note,)

    async def measure(self, messages: Sequence[Message]) -> Measured:
        """How much of the window the messages take, in the model that is served."""
        async with self._models.serving(None) as served:
            return await self.sizes.measure(served, messages)

    async def render(self, completion: Completion) -> RenderedPrompt:
        """What `start` would send."""
        async with self._models.serving(completion.model) as served:
            if isinstance(completion.prompt, tuple) and completion.suffix is None:
                return RenderedPrompt((), completion.prompt)
            prompt = await self._rendered(completion, served.info)
            spelled = await served.worker.tokenize(prompt.parts)
            return RenderedPrompt(prompt.parts, spelled.tokens, prompt.notes)

    async def _negative(self, completion: Completion, guidance: Guidance, info: EngineInfo) -> tuple[Part, ...]:
        if completion.prompt is not None:
            return (Part(guidance.negative, special=True),) if guidance.negative else ()
        others = tuple(message for message in completion.messages if message.role != "system")
        messages = (Message("system", guidance.negative), *others) if guidance.negative else others
        return (await self._rendered(replace(completion, messages=messages), info)).parts

    async def _rendered(self, completion: Completion, info: EngineInfo) -> Rendered:
        """A raw text prompt is the caller's own markup; messages go through the template."""
        if completion.suffix is not None:
            return Rendered(filled_in(completion, completion.suffix, info))
        if isinstance(completion.prompt, str):
            return Rendered((Part(completion.prompt, special=True),))
        return await rendered_chat(completion, info)
