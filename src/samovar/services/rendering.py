"""Messages to a prompt as the loaded model's own template writes it; a text with a hole as the model was taught."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from samovar.core.engine import EngineInfo
from samovar.core.errors import InvalidInput
from samovar.core.requests import Completion, Message, Part
from samovar.prompts.infill import infill
from samovar.prompts.template import Rendered, render


async def rendered(messages: Sequence[Message], info: EngineInfo, *, continue_last: bool = False) -> Rendered:
    """See prompts.template.render: a template may take a while, so it runs beside the event loop."""
    return await asyncio.to_thread(
        render,
        info.chat_template,
        messages,
        special_texts=info.special_texts,
        bos_text=info.bos_text,
        eos_text=info.eos_text,
        continue_last=continue_last,
    )


def filled_in(completion: Completion, suffix: str, info: EngineInfo) -> tuple[Part, ...]:
    """Raises InvalidInput where the model has not learnt to fill in, or what is before the place is no text."""
    if info.infill is None:
        raise InvalidInput("infill.unable", architecture=info.architecture)
    if not isinstance(completion.prompt, str):
        raise InvalidInput("infill.no_text")
    return infill(info.infill, completion.prompt, suffix, completion.files)
