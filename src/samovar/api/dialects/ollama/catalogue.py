"""The installed models as Ollama's clients list and show them. No path leaves here."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence

import msgspec

from samovar.api.answering import names as listing
from samovar.api.dialects.ollama.clock import stamp
from samovar.api.dialects.ollama.names import resolved, tagged, untagged
from samovar.core.errors import BadModelFile, NotFound
from samovar.core.library import InstalledModel
from samovar.prompts.reasoning import thinking_of
from samovar.prompts.tools.registry import format_of
from samovar.services.contracts import Library, LoadedModel, ModelDetails, Models

FOR_EVER = 100 * 365.25 * 86400
"""Seconds: how far ahead a model expires that never does, for clients that want a date."""

UNITS: tuple[tuple[float, str], ...] = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))

INFILL_KEYS = ("tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.prefix_token_id")

EFFORTS = ("enable_thinking", "reasoning_effort")
"""What templates are told about thinking."""


class Details(msgspec.Struct, frozen=True):
    parent_model: str
    format: str
    family: str
    families: tuple[str, ...]
    parameter_size: str
    quantization_level: str


class Listed(msgspec.Struct, frozen=True):
    name: str
    model: str
    modified_at: str
    size: int
    digest: str
    details: Details


class Running(msgspec.Struct, frozen=True):
    name: str
    model: str
    size: int
    digest: str
    details: Details
    expires_at: str
    size_vram: int
    context_length: int


class Shown(msgspec.Struct, frozen=True):
    license: str
    modelfile: str
    parameters: str
    template: str
    details: Details
    model_info: dict[str, str | int | float | bool]
    capabilities: tuple[str, ...]
    modified_at: str


class Catalogue:
    """Looks models up for Ollama's clients. Remembers how large models are, so that listing them reads no file
    twice."""

    def __init__(self, models: Models, library: Library) -> None:
        self._models = models
        self._library = library
        self._sizes: dict[tuple[str, int, float], int] = {}

    async def resolve(self, asked: str | None) -> str | None:
        """Our name for what a client calls a model; None for the loaded one. Raises NotFound with the names there
        are."""
        if asked is None:
            return None
        return await self.find(asked) or (await listing.named(self._models, asked)).name

    async def find(self, asked: str) -> str | None:
        """Our name for what a client calls a model; None where there is none."""
        for name in (asked, untagged(asked)):
            if loaded := listing.loaded(self._models, name):
                return loaded
        installed = await listing.listed(self._models)
        return resolved(asked, [model.name for model in installed], await self._library.aliases())

    async def alias(self, asked: str) -> str:
        """The alias that a client means. Raises NotFound."""
        aliases = await self._library.aliases()
        found = resolved(asked, tuple(aliases), {})
        return found or (await listing.named(self._models, asked)).name

    async def listed(self) -> list[Listed]:
        """Every model, the loaded one first, then the aliases."""
        installed = await listing.listed(self._models)
        sizes = await asyncio.gather(*map(self._size, installed))
        own = [_listed(model.name, model, size) for model, size in zip(installed, sizes, strict=True)]
        known = {model.name: (model, size) for model, size in zip(installed, sizes, strict=True)}
        aliases = await self._library.aliases()
        others = [_listed(alias, *known[name], name) for alias, name in sorted(aliases.items()) if name in known]
        return own + others

    async def running(self) -> list[Running]:
        installed = {model.name: model for model in await listing.listed(self._models)}
        loaded = [model for model in self._models.loaded() if model.name in installed]
        sizes = await asyncio.gather(*(self._size(installed[model.name]) for model in loaded))
        return [_running(model, installed[model.name], size) for model, size in zip(loaded, sizes, strict=True)]

    async def shown(self, asked: str) -> Shown:
        """Raises NotFound, BadModelFile."""
        name = await self.resolve(asked)
        model = await listing.named(self._models, name or "")
        window = next((loaded.window for loaded in self._models.loaded() if loaded.name == model.name), None)
        return _shown(await self._library.details(model.name), window)

    async def _size(self, model: InstalledModel) -> int:
        """How many weights; 0 where the file does not tell."""
        key = (model.name, model.size, model.created)
        if key not in self._sizes:
            try:
                self._sizes[key] = (await self._library.details(model.name)).parameters
            except (NotFound, BadModelFile):
                self._sizes[key] = 0
        return self._sizes[key]


def parameter_size(parameters: int) -> str:
    """As Ollama writes it: "134.52M", "7.2B"; "" where it is not known."""
    unit, letter = next(((unit, letter) for unit, letter in UNITS if parameters >= unit), (1.0, ""))
    shown = f"{parameters / unit:.{2 if letter == 'M' else 1}f}{letter}" if letter else str(parameters)
    return shown if parameters else ""


def digest(name: str, size: int, created: float) -> str:
    """What clients tell versions of a model apart by. Ollama's is a checksum of a manifest, which there is none
    of here: this is one of the name, the size and the date."""
    return hashlib.sha256(f"{name}\n{size}\n{created}".encode()).hexdigest()


def capabilities(details: ModelDetails) -> tuple[str, ...]:
    """What the model was made for. Calls of functions can be had of any model; those that are named learned to."""
    if not details.model.writes:
        return ("embedding",)
    template, metadata = details.template or "", details.metadata
    can = {
        "tools": format_of(template) is not None,
        "insert": any(key in metadata for key in INFILL_KEYS),
        "thinking": thinking_of(template).close in template or any(name in template for name in EFFORTS),
    }
    return ("completion", *(name for name, has in can.items() if has))


def _details(model: InstalledModel, parameters: int, parent: str = "") -> Details:
    families = (model.architecture,) if model.architecture else ()
    return Details(parent, "gguf", model.architecture, families, parameter_size(parameters), model.quant)


def _listed(name: str, model: InstalledModel, parameters: int, parent: str = "") -> Listed:
    shown = tagged(name)
    return Listed(
        shown,
        shown,
        stamp(model.created),
        model.size,
        digest(model.name, model.size, model.created),
        _details(model, parameters, tagged(parent) if parent else ""),
    )


def _running(loaded: LoadedModel, model: InstalledModel, parameters: int) -> Running:
    shown = tagged(model.name)
    expires = time.time() + FOR_EVER if loaded.expires is None else loaded.expires
    return Running(
        shown,
        shown,
        loaded.memory,
        digest(model.name, model.size, model.created),
        _details(model, parameters),
        stamp(expires),
        0,
        loaded.window,
    )


def _shown(details: ModelDetails, window: int | None) -> Shown:
    model, template = details.model, details.template or ""
    parameters = {} if window is None else {"num_ctx": window}
    license = details.metadata.get("general.license", "")
    return Shown(
        str(license),
        _modelfile(tagged(model.name), template, parameters),
        "\n".join(f"{name:<30} {value}" for name, value in parameters.items()),
        template,
        _details(model, details.parameters),
        {**details.metadata, "general.parameter_count": details.parameters},
        capabilities(details),
        stamp(model.created),
    )


def _modelfile(name: str, template: str, parameters: Mapping[str, int]) -> str:
    lines: Sequence[str] = [
        f"FROM {name}",
        *(f"PARAMETER {parameter} {value}" for parameter, value in parameters.items()),
        *([f'TEMPLATE """{template}"""'] if template else []),
    ]
    return "\n".join(lines) + "\n"
