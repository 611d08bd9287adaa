"""The dialect of llama.cpp's own server: completions and infilling with every sampler, tokens, templates, slots."""

from samovar.api.dialects.dialect import Dialect
from samovar.api.dialects.llamacpp.errors import error_shape
from samovar.api.dialects.llamacpp.fields import CONVENTIONS, ENDPOINTS, FIELDS
from samovar.api.dialects.llamacpp.routes import router

DIALECT = Dialect(
    name="llamacpp",
    router=router,
    error_shape=error_shape,
    prefixes=(
        "/completion",
        "/completions",
        "/infill",
        "/tokenize",
        "/detokenize",
        "/apply-template",
        "/props",
        "/slots",
        "/embedding",
        "/embeddings",
        "/rerank",
        "/reranking",
        "/v1/rerank",
        "/v1/reranking",
        "/lora-adapters",
        "/metrics",
    ),
    scopes={"/slots/": "manage", "/metrics": "manage"},
    fields=FIELDS,
    endpoints=ENDPOINTS,
    bodies={"/completion": "text", "/completions": "text", "/infill": "infill"},
    conventions=CONVENTIONS,
)
