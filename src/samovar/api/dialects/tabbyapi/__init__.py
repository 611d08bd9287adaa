"""The tabbyAPI dialect: models and the progress of their loading, tokens, templates, presets, permissions.

Completions are OpenAI's, at OpenAI's addresses.
"""

from samovar.api.dialects.dialect import Dialect
from samovar.api.dialects.tabbyapi.errors import error_shape
from samovar.api.dialects.tabbyapi.fields import ENDPOINTS, FIELDS
from samovar.api.dialects.tabbyapi.routes import router

DIALECT = Dialect(
    name="tabbyAPI",
    router=router,
    error_shape=error_shape,
    prefixes=("/v1/model", "/v1/token/", "/v1/auth/", "/v1/template", "/v1/sampling/", "/v1/lora", "/v1/download"),
    scopes={
        "/v1/model/load": "manage",
        "/v1/model/unload": "manage",
        "/v1/model/embedding/": "manage",
        "/v1/lora/load": "manage",
        "/v1/lora/unload": "manage",
        "/v1/template/switch": "manage",
        "/v1/template/unload": "manage",
        "/v1/sampling/override/switch": "manage",
        "/v1/sampling/override/unload": "manage",
        "/v1/download": "admin",
    },
    fields=FIELDS,
    endpoints=ENDPOINTS,
    bodies={
        "/v1/model/load": "load",
        "/v1/template/switch": "template",
        "/v1/sampling/override/switch": "override",
        "/v1/token/encode": "encode",
        "/v1/token/decode": "decode",
        "/v1/download": "download",
    },
)
