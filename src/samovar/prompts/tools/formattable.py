"""The table of all formats of tool calls for the docs."""

from __future__ import annotations

from collections.abc import Iterable

from samovar.prompts.tools.format import ToolFormat

HEAD = (
    "| format | a template has it that has | calls begin with | held to a grammar when `auto` |\n|---|---|---|---|"
)


def markdown(formats: Iterable[ToolFormat]) -> str:
    return "\n".join([HEAD, *map(_row, formats)])


def _row(format: ToolFormat) -> str:
    known = " or ".join(" and ".join(map(_code, marks)) for marks in format.recognised)
    begin = _code(format.start) if format.start else "the answer"
    held = "yes" if format.marked else "once a function is named"
    return f"| {format.name} | {known} | {begin} | {held} |"


def _code(mark: str) -> str:
    fence = "````" if "`" in mark else ""
    return f"{fence} {mark} {fence}" if fence else "`" + mark.replace("|", "\\|") + "`"
