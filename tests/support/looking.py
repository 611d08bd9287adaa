"""`Models` where no file is, as far as contexts go: every model is a Llama 2."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from samovar.core.rope import PLAIN_CACHE, Context
from samovar.hub.outlook import Outlook, outlook
from tests.hub.test_rope import LLAMA_2


@dataclass
class LlamaOutlook:
    context: Context = Context(ctx=4096)  # noqa: RUF009 - it is frozen
    kept: Context | None = None
    checked: Context | None = None

    async def outlook(self, name: str, window: int | None = None, alpha: float | None = None) -> Outlook:  # noqa: ARG002
        return outlook(LLAMA_2, window or LLAMA_2.trained_context, alpha)

    async def whole(self, name: str, context: Context) -> Context:  # noqa: ARG002
        return replace(context, cache=context.cache or PLAIN_CACHE)

    async def chosen(self, name: str) -> Context | None:  # noqa: ARG002
        return self.kept

    async def check(self, name: str, context: Context) -> None:  # noqa: ARG002
        self.checked = context
