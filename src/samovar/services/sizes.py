"""How many tokens messages take: each text is counted once, by the worker's tokenizer, and remembered.

A message's size is that of its text and of the markup around it, which is taken to be the same for every message,
with its thoughts where the template writes those of earlier answers. Templates that shorten earlier answers make
prompts smaller than that.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence, Set
from hashlib import blake2b
from typing import NamedTuple

from samovar.core.engine import EngineInfo
from samovar.core.errors import InvalidInput
from samovar.core.requests import Message, Part
from samovar.prompts.template import goes_on_thinking
from samovar.runtime.process import WorkerProcess
from samovar.services.contracts import Measured
from samovar.services.models import Served
from samovar.services.rendering import rendered

REMEMBERED = 50_000
"""Texts: some megabytes of digests."""

AT_ONCE = 16
"""Texts that a worker counts between two of its steps: opening a long chat must not stop another's answer."""

PROBE = "a"
MUSED = "Thought before it was said."


class Markup(NamedTuple):
    """Tokens of the template's own text: `fixed` in every prompt, `around` each message. `thoughts`: whether it
    writes those of earlier answers."""

    fixed: int
    around: int
    thoughts: bool = False


GUESSED = Markup(fixed=32, around=8)
"""For a template that refuses chats as plain as the probe: more than most take."""


class Sizes:
    """Counts for one model at a time: the next one's begin from nothing."""

    def __init__(self) -> None:
        self._info: EngineInfo | None = None
        self._markup: Markup | None = None
        self._counted: OrderedDict[bytes, int] = OrderedDict()

    async def measure(self, served: Served, messages: Sequence[Message]) -> Measured:
        """Raises EngineFailed where the worker dies."""
        if self._info is not served.info:
            self._info, self._markup = served.info, None
            self._counted.clear()
        markup = self._markup = self._markup or await self._probe(served)
        texts = [_texts(message, written=markup.thoughts) for message in messages]
        counts = await self._count(served.worker, {text for some in texts for text in some})
        sizes = tuple(markup.around + sum(counts[text] for text in some) for some in texts)
        return Measured(served.info.window, markup.fixed, sizes)

    async def _probe(self, served: Served) -> Markup:
        question, answer = Message("user", PROBE), Message("assistant", PROBE)
        mused = Message("assistant", PROBE, reasoning=MUSED)
        try:
            prompts = [
                await rendered(chat, served.info)
                for chat in ([question], [question, answer, question], [question, mused, question])
            ]
            one, three = [len((await served.worker.tokenize(p.parts)).tokens) for p in prompts[:2]]
        except InvalidInput:
            return GUESSED
        text = (await self._count(served.worker, {PROBE}))[PROBE]
        around = max(0, -((one - three) // 2) - text)
        return Markup(max(0, one - text - around), around, MUSED in prompts[2].text)

    async def _count(self, worker: WorkerProcess, texts: Set[str]) -> dict[str, int]:
        counts = {"": 0} | {text: known for text in texts if (known := self._recall(text)) is not None}
        unknown = [text for text in texts if text not in counts]
        for start in range(0, len(unknown), AT_ONCE):
            some = unknown[start : start + AT_ONCE]
            asked = (worker.tokenize((Part(text, special=False),), bos=False, fresh=True) for text in some)
            for text, spelled in zip(some, await asyncio.gather(*asked), strict=True):
                counts[text] = len(spelled.tokens)
                self._remember(text, counts[text])
        return counts

    def _recall(self, text: str) -> int | None:
        digest = _digest(text)
        if digest in self._counted:
            self._counted.move_to_end(digest)
        return self._counted.get(digest)

    def _remember(self, text: str, count: int) -> None:
        self._counted[_digest(text)] = count
        if len(self._counted) > REMEMBERED:
            self._counted.popitem(last=False)


def _texts(message: Message, *, written: bool) -> tuple[str, ...]:
    """What of a message takes tokens. Its thoughts do where the template writes them (`written`), and where they
    are all that there is to go on from."""
    thoughts = written or goes_on_thinking(message)
    return (message.content, message.reasoning) if thoughts and message.reasoning else (message.content,)


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
