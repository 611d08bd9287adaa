"""The Responses dialect: OpenAI's newer API, whose answers are kept for the next request to go on from."""

from samovar.api.dialects.dialect import Dialect
from samovar.api.dialects.openai.errors import error_shape
from samovar.api.dialects.responses.fields import ENDPOINTS, FIELDS
from samovar.api.dialects.responses.routes import router

DIALECT = Dialect(
    name="Responses",
    router=router,
    error_shape=error_shape,
    prefixes=("/v1/responses",),
    fields=FIELDS,
    endpoints=ENDPOINTS,
    bodies={"/v1/responses": "create", "/v1/responses/input_tokens": "count"},
)
