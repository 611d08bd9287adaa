"""How much a model is to think, as chat templates are told: there is no standard, so that each template's own name
for it is set, and those that a template does not know change nothing.

Names, from the templates of the models: `enable_thinking` (Qwen 3, GLM, SmolLM 3), `thinking` (DeepSeek V3.1,
Granite), `reasoning_effort` (GPT-OSS), `thinking_budget` (Seed-OSS).
"""

from __future__ import annotations


def thinking_variables(
    enabled: bool | None, effort: str | None = None, budget: int | None = None
) -> dict[str, object]:
    """What `Completion.variables` are; None: what the template does by itself."""
    wanted: dict[str, object | None] = {
        "enable_thinking": enabled,
        "thinking": enabled,
        "reasoning_effort": effort,
        "thinking_budget": budget,
    }
    return {name: value for name, value in wanted.items() if value is not None}
