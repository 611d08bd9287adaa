"""The OpenAI dialect: models, chat completions and completions, as OpenAI's own clients speak them."""

from samovar.api.dialects.dialect import Dialect
from samovar.api.dialects.openai.errors import error_shape
from samovar.api.dialects.openai.fields import ENDPOINTS, FIELDS
from samovar.api.dialects.openai.routes import router

DIALECT = Dialect(
    name="OpenAI",
    router=router,
    error_shape=error_shape,
    prefixes=("/v1/",),
    fields=FIELDS,
    endpoints=ENDPOINTS,
    bodies={"/v1/chat/completions": "chat", "/v1/completions": "text", "/v1/next_token": "text"},
)
