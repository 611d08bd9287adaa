"""What a model's answers are drawn with where nobody says anything else, for clients and for the page alike."""

from __future__ import annotations

from contextlib import suppress

from samovar.core.parameters import SamplingParams
from samovar.services.contracts import Library, Models, NoSuchPreset, Presets


async def usual_sampling(
    models: Models, library: Library, presets: Presets, model: str | None = None
) -> SamplingParams | None:
    """All that the preset of `model` sets, else of the page's model; None where it has none of its own. One that is
    gone since is nothing that whoever asks can help. Raises InvalidInput for a damaged one."""
    own = await library.own(model or models.state.name or "")
    if own.preset is not None:
        with suppress(NoSuchPreset):
            return await presets.params(own.preset)
    return None
