"""StepFun's Step 3: arguments in tags, inside control tokens that look like DeepSeek's. (Step 3.5 and later write
as Qwen3-Coder.)

Source: the parser step3_detector.py of SGLang and its tests.
"""

from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.tagged import Tagged

STEP = ToolFormat(
    name="step",
    recognised=(("<steptml:invoke", "<｜tool_calls_begin｜>"),),
    style=Tagged(
        '<｜tool_call_begin｜>function<｜tool_sep｜><steptml:invoke name="NAME">',
        "</steptml:invoke><｜tool_call_end｜>",
        '<steptml:parameter name="',
        '">',
        "</steptml:parameter>",
    ),
    start="<｜tool_calls_begin｜>",
    open="\n",
    close="\n<｜tool_calls_end｜>",
    each=False,
    shown=(
        "<｜tool_calls_begin｜>",
        "<｜tool_calls_end｜>",
        "<｜tool_call_begin｜>",
        "<｜tool_call_end｜>",
        "<｜tool_sep｜>",
    ),
)
