"""What is said of one model alone, before it is kept: whether it can be meant."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from samovar.core.errors import InvalidInput
from samovar.core.library import Own
from samovar.core.requests import Message
from samovar.services.presets import PresetService


async def checked(own: Own, presets: PresetService) -> Own:
    """`own`, its preset by the name that it has. Raises InvalidInput for a template that is none or a preset whose
    file is damaged, NoSuchPreset."""
    if own.template is not None:
        await asyncio.to_thread(check_template, own.template)
    return own if own.preset is None else replace(own, preset=(await presets.get(own.preset)).name)


def check_template(template: str) -> None:
    """Raises InvalidInput for one that does not compile, fails on a plain question, or reaches for what it must
    not."""
    # It comes with Jinja, which the start of the front need not wait for.
    from samovar.prompts.template import render

    for note in render(template, [Message("user", "?")]).notes:
        if note.key == "prompts.template_broken":
            raise InvalidInput("own.template_broken", **note.facts)
