"""What must be known of the loaded model before koboldcpp's prompt is whole: its window, its tokens, its tags."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from samovar.api.answering.desk import Desk
from samovar.api.dialects.koboldcpp.placeholders import (
    CHAT,
    WITH_SYSTEM,
    Tags,
    filled,
    filled_stop,
    has_marks,
    tags_of,
)
from samovar.api.dialects.koboldcpp.translate import KoboldAsked
from samovar.core.engine import EngineInfo
from samovar.core.errors import PromptTooLong
from samovar.core.requests import Completion, Guidance, Message

Spelled = Sequence[tuple[int, bytes]]


async def prepared(desk: Desk, asked: KoboldAsked) -> KoboldAsked:
    """`asked` with a prompt that fits the window and has no marks left. Raises PromptTooLong where its memory alone
    does not fit, and what loading the model does."""
    info = await desk.models.load_beside(asked.model)
    (completion,) = asked.completions
    if asked.placeholders and has_marks((asked.prompt, asked.memory, *completion.stop)):
        tags = await _tags(desk, info)
        memory, prompt = filled((asked.memory, asked.prompt), tags)
        asked = msgspec.structs.replace(asked, memory=memory, prompt=prompt)
        stop = tuple(filter(None, (filled_stop(stop, tags) for stop in completion.stop)))
        completion = msgspec.structs.replace(completion, stop=stop, prompt=memory + prompt)
    fitting = await _fitting(desk, asked, completion, info)
    return msgspec.structs.replace(asked, completions=(fitting,))


async def _tags(desk: Desk, info: EngineInfo) -> Tags:
    chat, with_system = [await _rendered(desk, messages) for messages in (CHAT, WITH_SYSTEM)]
    return tags_of(chat, with_system, info.bos_text)


async def _rendered(desk: Desk, messages: tuple[Message, ...]) -> str:
    rendered = await desk.answers.render(Completion(messages=messages))
    return "".join(part.text for part in rendered.parts)


async def _fitting(desk: Desk, asked: KoboldAsked, completion: Completion, info: EngineInfo) -> Completion:
    """The completion with as much of its prompt as its window holds beside the answer."""
    context = min(asked.context or info.window, info.window)
    length = min(completion.max_tokens or context, context)
    room = context - min(length, context // 2)
    limited = msgspec.structs.replace(completion, max_tokens=length)
    if _surely_fits(asked.memory + asked.prompt, room):
        return _guided(limited, asked.prompt)
    memory = await desk.answers.tokenize(asked.memory, special=True, bos=True, model=asked.model)
    tokens = await desk.answers.tokenize(asked.prompt, special=True, model=asked.model)
    cut = len(memory) + len(tokens) - room
    if cut <= 0:
        return _guided(limited, asked.prompt)
    if len(memory) >= room:
        raise PromptTooLong("koboldcpp.memory_too_long", tokens=len(memory), room=room, context=context)
    pieces = await desk.answers.detokenize(tokens[cut:], asked.model)
    return _guided(msgspec.structs.replace(limited, prompt=(*memory, *tokens[cut:])), _text(pieces))


def _surely_fits(text: str, room: int) -> bool:
    """No tokenizer makes more tokens than there are bytes, but for a space in front and a BOS."""
    return len(text.encode("utf-8", "replace")) + 2 <= room


def _guided(completion: Completion, prompt: str) -> Completion:
    """The negative prompt takes the memory's place."""
    guidance = completion.guidance
    if guidance is None or not guidance.negative:
        return completion
    return msgspec.structs.replace(completion, guidance=Guidance(guidance.scale, guidance.negative + prompt))


def _text(tokens: Spelled) -> str:
    return b"".join(piece for _, piece in tokens).decode("utf-8", "replace")
