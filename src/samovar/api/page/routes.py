"""All routes of the page's API under one prefix. Errors are raised from the tree; the door gives them a shape."""

from __future__ import annotations

from samovar.api.page import building, conversations, fleet, house, messages
from samovar.api.page import presets as preset_routes
from samovar.api.routing import Routes
from samovar.services.chats import ChatService
from samovar.services.contracts import Building, Library, Models
from samovar.services.presets import PresetService


def router(chats: ChatService, models: Models, library: Library, presets: PresetService, build: Building) -> Routes:
    routes = Routes("/samovar")
    routes.include(fleet.router(models, library, presets))
    routes.include(house.router(chats, models, build))
    routes.include(building.router(build))
    routes.include(conversations.router(chats, presets))
    routes.include(messages.router(chats))
    routes.include(preset_routes.router(presets))
    return routes
