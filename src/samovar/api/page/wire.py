"""What the page's API looks like on the wire: pure functions from values to JSON objects, in a language."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from samovar.api.sse import frame
from samovar.core.catalogue import Language, say
from samovar.core.rope import Context
from samovar.services.chats.events import (
    Appended,
    Changed,
    ChatEvent,
    Drawn,
    InWindow,
    Looping,
    Mused,
    Reading,
    Shown,
    Slid,
    Titled,
    Whole,
)
from samovar.services.contracts import BuildState, InstalledModel, Models, ModelState, Outlook, RenderedPrompt
from samovar.services.presets import Listed, Preset, builtin
from samovar.services.presets.params import plain
from samovar.store.values import Asked, Conversation, StoredMessage, Tree

Json = Mapping[str, object]


def message(value: StoredMessage, language: Language) -> Json:
    return {
        "id": value.id,
        "parent": value.parent,
        "role": value.role,
        "content": value.content,
        "thoughts": value.thoughts,
        "state": value.state,
        "created": value.created,
        "model": value.model,
        "error": value.error.text(language) if value.error else None,
        "stats": value.stats,
    }


def head(value: Conversation) -> Json:
    return msgspec.structs.asdict(value)


def conversation(value: Tree, language: Language, window: InWindow | None = None) -> Json:
    return {
        **head(value.conversation),
        "window": window,
        "messages": [message(m, language) for m in value.messages],
    }


def asked(value: Asked, language: Language) -> Json:
    return {"message": message(value.message, language), "answer": message(value.answer, language)}


def model_state(value: ModelState, language: Language) -> Json:
    return {
        "name": value.name,
        "state": value.state,
        "progress": value.progress,
        "error": value.error.text(language) if value.error else None,
        "notes": [say(note.key, language, **note.facts) for note in value.notes],
        "context": context(value.context),
    }


def loaded(models: Models, language: Language) -> list[Json]:
    """Models that are loaded or on their way, the one used last first; `memory`, `window` and `expires` (Unix
    seconds, null: never by itself) once it is ready. `page`: whether the page shows it."""
    ready = {model.name: msgspec.structs.asdict(model) for model in models.loaded()}
    unknown = {"memory": None, "window": None, "expires": None}
    return [
        {
            **model_state(state, language),
            **ready.get(state.name or "", unknown),
            "page": state.name == models.state.name,
        }
        for state in models.states()
    ]


def context(value: Context | None) -> Json | None:
    if value is None:
        return None
    return {"ctx": value.ctx, "alpha": value.rope.rope_alpha, "cache": value.cache}


def build_state(value: BuildState, language: Language) -> Json:
    return {
        "state": value.state,
        "step": say(f"build.step_{value.step}", language) if value.step else None,
        "progress": value.progress,
        "obstacle": say(value.obstacle.key, language, **value.obstacle.facts) if value.obstacle else None,
        "error": value.error.text(language) if value.error else None,
        "gain": value.gain,
    }


def installed(value: InstalledModel) -> Json:
    return {
        "name": value.name,
        "size": value.size,
        "quant": value.quant,
        "architecture": value.architecture,
        "writes": value.writes,
    }


def outlook(value: Outlook, language: Language) -> Json:
    return {
        "trained": value.trained,
        "window": value.window,
        "base": value.base,
        "alpha": value.alpha,
        "suggested": {"alpha": value.suggested, "base": value.suggested_base},
        "notes": [say(note.key, language, **note.facts) for note in value.notes],
        "curve": [{"context": point.context, "alpha": point.alpha} for point in value.curve],
        "cache": value.cache,
    }


def prompt(value: RenderedPrompt) -> Json:
    parts = [{"text": part.text, "special": part.special} for part in value.parts]
    return {"parts": parts, "tokens": len(value.tokens)}


def preset_listed(value: Listed, language: Language) -> Json:
    return {
        "name": value.name,
        "title": builtin.title(value.name, language) if value.builtin else value.name,
        "about": builtin.about(value.name, language) if value.builtin else value.about,
        "builtin": value.builtin,
        "problem": value.problem.text(language) if value.problem else None,
    }


def preset(value: Preset, language: Language) -> Json:
    return {
        **preset_listed(Listed(value.name, value.about, value.builtin), language),
        "values": plain(value.named.values),
        "order": value.named.order,
        "complete": plain(value.params.values),
    }


def sampling_declared(language: Language) -> Json:
    """Every sampling parameter, step and named order. Blocks where they are asked for the first time."""
    from samovar.sampling.orders import ORDERS
    from samovar.sampling.registry import steps

    declared = [(step, i, parameter) for step in steps().values() for i, parameter in enumerate(step.parameters)]
    return {
        "parameters": [
            {
                **msgspec.structs.asdict(parameter),
                "step": step.name,
                "switch": i < step.switches,
                "help": say(parameter.help_key, language),
            }
            for step, i, parameter in declared
        ],
        "steps": [{"name": step.name, "group": step.group} for step in steps().values()],
        "orders": dict(ORDERS),
    }


def event(value: ChatEvent, language: Language) -> bytes:
    """A server-sent event."""
    match value:
        case Whole(tree, window):
            return frame("conversation", conversation(tree, language, window))
        case Changed(changed):
            return frame("message", message(changed, language))
        case Appended():
            return frame("delta", value)
        case Mused():
            return frame("thought", value)
        case Reading():
            return frame("progress", value)
        case Looping():
            return frame("loop", value)
        case Shown():
            return frame("current", value)
        case Drawn():
            return frame("sampling", value)
        case Slid(window):
            return frame("window", window)
        case Titled():
            return frame("title", value)
