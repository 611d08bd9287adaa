"""Messages to a prompt as the loaded model's own template writes it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from samovar.core.engine import EngineInfo
from samovar.core.requests import Message
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
