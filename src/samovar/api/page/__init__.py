"""The page's own API, as docs/page-api.md has it: conversations, answers, the model, all live.

Translates between HTTP and `services.chats`; decides nothing.
"""

from samovar.api.page.routes import router

__all__ = ["router"]
