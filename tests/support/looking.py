"""`Models.outlook` where no file is: every model is a Llama 2."""

from __future__ import annotations

from samovar.hub.outlook import Outlook, outlook
from tests.hub.test_rope import LLAMA_2


class LlamaOutlook:
    async def outlook(self, name: str, window: int | None = None) -> Outlook:  # noqa: ARG002
        return outlook(LLAMA_2, window or LLAMA_2.trained_context)
