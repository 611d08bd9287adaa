"""/v1/models: every installed model, the loaded one first, because front ends show the first one. What a client
calls a model is one of these names, never a path."""

from __future__ import annotations

from samovar.api.dialects.openai.wire import Model, ModelList
from samovar.core.errors import NotFound
from samovar.services.contracts import Models


def all_of(models: Models) -> ModelList:
    loaded = models.state.name
    listed = {model.name: Model(model.name, int(model.created)) for model in models.installed()}
    if loaded is not None:
        listed = {loaded: listed.get(loaded, Model(loaded, 0)), **listed}
    return ModelList(list(listed.values()))


def check(models: Models, asked: str | None) -> None:
    """Raises NotFound unless `asked` is a listed name or none; "" and None stand for the loaded model."""
    if asked and asked != models.state.name:
        named(models, asked)


def named(models: Models, name: str) -> Model:
    """Raises NotFound with the names there are."""
    listed = all_of(models).data
    found = next((model for model in listed if model.id == name), None)
    if found is None:
        installed = ", ".join(model.id for model in listed) or "—"
        raise NotFound("api.openai.no_model", name=name[:200], installed=installed)
    return found
