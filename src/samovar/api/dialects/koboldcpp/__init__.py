"""The koboldcpp dialect: the KoboldAI API with koboldcpp's additions, as KoboldAI Lite and SillyTavern speak it."""

from types import MappingProxyType

from samovar.api.dialects.dialect import Dialect
from samovar.api.dialects.koboldcpp.errors import error_shape
from samovar.api.dialects.koboldcpp.fields import CONVENTIONS, ENDPOINTS, FIELDS
from samovar.api.dialects.koboldcpp.routes import router

GENERATING = ("/api/v1/generate", "/api/latest/generate", "/api/extra/generate/stream")

BEFORE_A_KEY = frozenset(
    {
        "/api/v1/model",
        "/api/v1/info/version",
        "/api/v1/config/max_context_length",
        "/api/extra/version",
        "/api/extra/true_max_context_length",
        "/api/extra/preloadstory",
        "/sdapi/v1/sd-models",
    }
)
"""KoboldAI Lite asks all of these when it connects, and for a key only once `version` has said `protected`."""

DIALECT = Dialect(
    name="koboldcpp",
    router=router,
    error_shape=error_shape,
    prefixes=("/api/v1/", "/api/latest/", "/api/extra/", "/api/admin/", "/sdapi/"),
    scopes=MappingProxyType({"/api/admin/": "manage"}),
    open=BEFORE_A_KEY,
    fields=FIELDS,
    endpoints=ENDPOINTS,
    bodies=MappingProxyType(dict.fromkeys(GENERATING, "generate")),
    conventions=CONVENTIONS,
)
