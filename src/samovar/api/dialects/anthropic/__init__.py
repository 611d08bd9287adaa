"""The Anthropic dialect: messages, their tokens and the models, as Anthropic's own clients speak them."""

from samovar.api.dialects.anthropic.errors import error_shape
from samovar.api.dialects.anthropic.fields import ENDPOINTS, FIELDS
from samovar.api.dialects.anthropic.routes import router
from samovar.api.dialects.dialect import Dialect

DIALECT = Dialect(
    name="Anthropic",
    router=router,
    error_shape=error_shape,
    prefixes=("/v1/messages",),
    fields=FIELDS,
    endpoints=ENDPOINTS,
    bodies={"/v1/messages": "messages", "/v1/messages/count_tokens": "count"},
)
