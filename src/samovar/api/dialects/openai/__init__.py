"""The OpenAI dialect: models, chat completions and completions, as OpenAI's own clients speak them."""

from samovar.api.dialects.openai.errors import error_shape
from samovar.api.dialects.openai.routes import router

__all__ = ["error_shape", "router"]
