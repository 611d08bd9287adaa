"""All routes of the page's API under one prefix. Errors are raised from the tree; the door gives them a shape."""

from __future__ import annotations

from fastapi import APIRouter

from samovar.api.page import building, conversations, fleet, house, messages
from samovar.api.page import presets as preset_routes
from samovar.services.chats import ChatService
from samovar.services.contracts import Building, Library, Models
from samovar.services.presets import PresetService


def router(
    chats: ChatService, models: Models, library: Library, presets: PresetService, build: Building
) -> APIRouter:
    routes = APIRouter(prefix="/samovar")
    routes.include_router(fleet.router(models, library, presets))
    routes.include_router(house.router(chats, models, build))
    routes.include_router(building.router(build))
    routes.include_router(conversations.router(chats, presets))
    routes.include_router(messages.router(chats))
    routes.include_router(preset_routes.router(presets))
    return routes
