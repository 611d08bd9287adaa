"""What models are loaded with: the context that was chosen for one, which is kept from one start to the next, else
that of the settings."""

from __future__ import annotations

from samovar.core.rope import Context
from samovar.services.contracts import ContextChoice
from samovar.store.records import Records


class Contexts:
    """By the model's name. Raises StorageFailed."""

    def __init__(self, default: Context, records: Records | None) -> None:
        """Without `records` every model has the `default`, and nothing is kept."""
        self.default = default
        self._records = records

    async def chosen(self, model: str) -> Context | None:
        """The one that is kept for the model."""
        return await self._records.get(model, Context) if self._records else None

    async def keep(self, model: str, choice: ContextChoice) -> None:
        """From now on."""
        if self._records is None:
            return
        if choice.context is None:
            await self._records.remove(model)
        else:
            await self._records.put(model, choice.context)
