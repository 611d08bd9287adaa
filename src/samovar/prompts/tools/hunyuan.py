"""Tencent's Hunyuan 3 and later: arguments in tags as GLM's, inside a block for all calls. The released models have
a suffix in every tag.

Source: the chat template of Hy3-preview; for the suffix, the formats of TabbyAPI and the tests of mlx-vlm.
"""

from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.tagged import Tagged

_TAGS = (
    "tool_calls",
    "/tool_calls",
    "tool_call",
    "/tool_call",
    "tool_sep",
    "arg_key",
    "/arg_key",
    "arg_value",
    "/arg_value",
)


def _hunyuan(name: str, recognised: tuple[tuple[str, ...], ...], suffix: str) -> ToolFormat:
    def tag(text: str) -> str:
        return f"<{text}{suffix}>"

    return ToolFormat(
        name=name,
        recognised=recognised,
        style=Tagged(
            f"{tag('tool_call')}NAME{tag('tool_sep')}\n",
            tag("/tool_call"),
            tag("arg_key"),
            f"{tag('/arg_key')}\n{tag('arg_value')}",
            f"{tag('/arg_value')}\n",
        ),
        start=tag("tool_calls"),
        open="\n",
        close=f"\n{tag('/tool_calls')}",
        each=False,
        shown=tuple(map(tag, _TAGS)),
    )


HUNYUAN = _hunyuan("hunyuan", (("<tool_sep{}>", "':opensource'"),), ":opensource")
HUNYUAN_PREVIEW = _hunyuan("hunyuan-preview", (("<tool_calls>", "<tool_sep>"),), "")
