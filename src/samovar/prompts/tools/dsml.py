"""DeepSeek V3.2, V4 and V4.1: invocations between tags with the token ｜DSML｜ in them, which say of each argument
whether it is a string.

Source: the chat templates of DeepSeek-V3.2, V4 and V4.1; they differ in what the block of all calls is called, and
V4.1 writes a space behind the token.
"""

from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.tagged import Tagged

KINDS = (
    ("string", "true"),
    ("number", "false"),
    ("boolean", "false"),
    ("null", "false"),
    ("object", "false"),
    ("array", "false"),
)


def markup(name: str, recognised: tuple[tuple[str, ...], ...], token: str, block: str, gap: str = "") -> ToolFormat:
    """The form with another `token`, or another name of the `block`. `gap`: what stands behind the token."""
    open, close = f"<{token}{gap}", f"</{token}{gap}"
    return ToolFormat(
        name=name,
        recognised=recognised,
        style=Tagged(
            f'{open}invoke name="NAME">\n',
            f"{close}invoke>",
            f'{open}parameter name="',
            '" string="KIND">',
            f"{close}parameter>\n",
            kinds=KINDS,
        ),
        start=f"{open}{block}>",
        open="\n",
        close=f"\n{close}{block}>",
        each=False,
        shown=(token,),
    )


_TOKEN = "｜DSML｜"

DEEPSEEK_V32 = markup("deepseek-v3.2", ((_TOKEN, "function_calls>"),), _TOKEN, "function_calls")
DEEPSEEK_V4 = markup("deepseek-v4", ((_TOKEN, "tool_calls>"),), _TOKEN, "tool_calls")
DEEPSEEK_V41 = markup("deepseek-v4.1", ((_TOKEN, " calls>"),), _TOKEN, "calls", " ")
