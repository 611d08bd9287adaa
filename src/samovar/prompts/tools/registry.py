"""Every format of tool calls, and which one a chat template belongs to."""

from __future__ import annotations

from samovar.prompts.tools.apertus import APERTUS
from samovar.prompts.tools.apriel import APRIEL
from samovar.prompts.tools.command_r import COMMAND_R, COMMAND_R7B
from samovar.prompts.tools.deepseek import DEEPSEEK, DEEPSEEK_V31
from samovar.prompts.tools.dsml import DEEPSEEK_V4, DEEPSEEK_V32, DEEPSEEK_V41
from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.functionary import FUNCTIONARY_V2, FUNCTIONARY_V31, FUNCTIONARY_V32
from samovar.prompts.tools.gemma import FUNCTION_GEMMA, GEMMA
from samovar.prompts.tools.gigachat import GIGACHAT, GIGACHAT_35
from samovar.prompts.tools.glm import GLM, GLM_47
from samovar.prompts.tools.granite import GRANITE, NEMOTRON, PHI
from samovar.prompts.tools.harmony import HARMONY
from samovar.prompts.tools.hermes import HERMES
from samovar.prompts.tools.hunyuan import HUNYUAN, HUNYUAN_PREVIEW
from samovar.prompts.tools.kimi import KIMI
from samovar.prompts.tools.kimi_k3 import KIMI_K3
from samovar.prompts.tools.llama import LLAMA
from samovar.prompts.tools.longcat import LONGCAT, LONGCAT_JSON
from samovar.prompts.tools.minicpm import MINICPM
from samovar.prompts.tools.minimax import MINIMAX, MINIMAX_M1
from samovar.prompts.tools.minimax_m3 import MINIMAX_M3
from samovar.prompts.tools.mistral import MISTRAL, MISTRAL_ARRAY
from samovar.prompts.tools.pythonic import LFM, OLMO, PYTHONIC
from samovar.prompts.tools.qwen_coder import QWEN_CODER
from samovar.prompts.tools.seed import SEED
from samovar.prompts.tools.step import STEP

FORMATS: tuple[ToolFormat, ...] = (
    HARMONY,
    GEMMA,
    FUNCTION_GEMMA,
    MISTRAL,
    MISTRAL_ARRAY,
    DEEPSEEK_V32,
    DEEPSEEK_V4,
    DEEPSEEK_V41,
    DEEPSEEK,
    DEEPSEEK_V31,
    GIGACHAT_35,
    GIGACHAT,
    KIMI_K3,
    KIMI,
    MINIMAX_M3,
    MINIMAX,
    SEED,
    STEP,
    HUNYUAN,
    HUNYUAN_PREVIEW,
    LONGCAT,
    LONGCAT_JSON,
    APERTUS,
    COMMAND_R7B,
    COMMAND_R,
    GLM_47,
    GLM,
    QWEN_CODER,
    MINICPM,
    FUNCTIONARY_V2,
    FUNCTIONARY_V31,
    FUNCTIONARY_V32,
    LFM,
    PHI,
    GRANITE,
    NEMOTRON,
    APRIEL,
    MINIMAX_M1,
    OLMO,
    HERMES,
    PYTHONIC,
    LLAMA,
)
"""The more particular ones first: a template has the first that recognises it."""


def format_of(template: str) -> ToolFormat | None:
    """None for a template that knows neither tools nor calls, or writes those in a way that nobody here knows."""
    if "tools" not in template and "tool_calls" not in template:
        return None
    return next((format for format in FORMATS if format.recognises(template)), None)
