"""The text-generation-webui dialect: `/v1/internal/…`, and the modes of its chat on OpenAI's addresses."""

from samovar.api.dialects.dialect import Dialect
from samovar.api.dialects.openai.errors import error_shape
from samovar.api.dialects.textgen.fields import ENDPOINTS, FIELDS
from samovar.api.dialects.textgen.routes import router

DIALECT = Dialect(
    name="text-generation-webui",
    router=router,
    error_shape=error_shape,
    prefixes=("/v1/internal/",),
    scopes={"/v1/internal/model/": "manage", "/v1/internal/model/info": "infer", "/v1/internal/lora/": "manage"},
    fields=FIELDS,
    endpoints=ENDPOINTS,
    bodies={"/v1/internal/model/load": "load", "/v1/internal/logits": "logits", "/v1/internal/chat-prompt": "chat"},
)
