"""Every format of tool calls, and which one a chat template belongs to."""

from __future__ import annotations

from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.hermes import HERMES

FORMATS: tuple[ToolFormat, ...] = (HERMES,)
"""The more particular ones first: a template has the first that recognises it."""


def format_of(template: str) -> ToolFormat | None:
    """None for a template that is not given tools, or writes calls in a way that nobody here knows."""
    if "tools" not in template and "tool_calls" not in template:
        return None
    return next((format for format in FORMATS if format.recognises(template)), None)
