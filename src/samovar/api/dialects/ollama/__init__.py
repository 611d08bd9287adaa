"""The Ollama dialect: generate, chat, embeddings and the library, as Ollama's own clients speak them."""

from samovar.api.dialects.dialect import Dialect
from samovar.api.dialects.ollama.errors import error_shape
from samovar.api.dialects.ollama.fields import CONVENTIONS, ENDPOINTS, FIELDS
from samovar.api.dialects.ollama.routes import router

DIALECT = Dialect(
    name="Ollama",
    router=router,
    error_shape=error_shape,
    prefixes=("/api/",),
    scopes={f"/api/{name}": "manage" for name in ("pull", "push", "copy", "delete", "create", "blobs/")},
    fields=FIELDS,
    endpoints=ENDPOINTS,
    bodies={
        "/api/generate": "generate",
        "/api/chat": "chat",
        "/api/embed": "embed",
        "/api/embeddings": "old-embed",
    },
    conventions=CONVENTIONS,
)
