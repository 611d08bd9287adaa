"""What the layers above ask of the services: the seams at which tests put fakes."""

from samovar.core.library import InstalledModel, Own
from samovar.hub.outlook import Outlook
from samovar.services.contracts.answers import Answers, Embedded, Generation, Measured, RenderedPrompt
from samovar.services.contracts.beside import Idle
from samovar.services.contracts.building import Building, BuildState
from samovar.services.contracts.kept import Character, Characters, NoSuchCharacter, NoSuchPreset, Presets, Responses
from samovar.services.contracts.library import Library, ModelDetails, Pulling
from samovar.services.contracts.models import ContextChoice, LoadedModel, LoadState, Models, ModelState
from samovar.services.contracts.workers import Gauges, Kept, Reading, Slots
from samovar.store.responses import KeptResponse, NoSuchResponse

__all__ = [
    "Answers",
    "BuildState",
    "Building",
    "Character",
    "Characters",
    "ContextChoice",
    "Embedded",
    "Gauges",
    "Generation",
    "Idle",
    "InstalledModel",
    "Kept",
    "KeptResponse",
    "Library",
    "LoadState",
    "LoadedModel",
    "Measured",
    "ModelDetails",
    "ModelState",
    "Models",
    "NoSuchCharacter",
    "NoSuchPreset",
    "NoSuchResponse",
    "Outlook",
    "Own",
    "Presets",
    "Pulling",
    "Reading",
    "RenderedPrompt",
    "Responses",
    "Slots",
]
