"""All routes of the page's API under one prefix. Errors are raised from the tree; the door gives them a shape."""

from __future__ import annotations

from fastapi import APIRouter

from samovar.api.page import conversations, house, messages
from samovar.services.chats import ChatService
from samovar.services.contracts import Models


def router(chats: ChatService, models: Models) -> APIRouter:
    routes = APIRouter(prefix="/samovar")
    for part in (house.router(chats, models), conversations.router(chats), messages.router(chats)):
        routes.include_router(part)
    return routes
