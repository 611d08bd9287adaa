"""What models write before they answer: which marks stand around their thoughts, and which a template uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from samovar.prompts.parsing import SPACE, Entered, Mused, Reading, Source, ahead, skip, until


@dataclass(frozen=True)
class Thinking:
    """Thoughts stand between `open` and `close`. `parts`: the control tokens in these, where neither is one as a
    whole. `named`: what a template has that puts them together from parts, instead of `close`."""

    open: str
    close: str
    parts: tuple[str, ...] = ()
    named: tuple[str, ...] = ()

    @property
    def marks(self) -> tuple[str, ...]:
        """What may be control tokens."""
        return self.parts or (self.open, self.close)

    def is_used_by(self, template: str) -> bool:
        return all(text in template for text in self.named or (self.close,))

    def is_open(self, prompt: str) -> bool:
        """Whether the prompt leaves the model in the middle of its thoughts: many templates open them."""
        return prompt.rstrip(SPACE).endswith(self.open.rstrip(SPACE))

    def is_unfinished(self, answer: str) -> bool:
        """Whether an answer that is to be continued stops in the middle of its thoughts."""
        return answer.rfind(self.open) > answer.rfind(self.close)


THINK = Thinking("<think>", "</think>")
"""Qwen3, DeepSeek R1, GLM 4.5 and most others."""

MARKS: tuple[Thinking, ...] = (
    Thinking("<seed:think>", "</seed:think>"),  # ByteDance Seed-OSS
    Thinking("[THINK]", "[/THINK]"),  # Mistral's Magistral
    Thinking("<|START_THINKING|>", "<|END_THINKING|>"),  # Cohere's Command R7B and A
    Thinking("<|channel>thought", "<channel|>", parts=("<|channel>", "<channel|>")),  # Gemma 4
    Thinking("<|inner_prefix|>", "<|inner_suffix|>"),  # Apertus
    Thinking("◁think▷", "◁/think▷"),  # Kimi-VL
    Thinking("<thought>", "</thought>"),  # EXAONE Deep
    Thinking("<mm:think>", "</mm:think>"),  # MiniMax M3
    Thinking("<longcat_think>", "</longcat_think>"),  # LongCat Flash
    Thinking("<think:opensource>", "</think:opensource>", named=("</think{}>", "':opensource'")),  # Hunyuan 3
    Thinking(
        "<|open|>think<|sep|>",
        "<|close|>think<|sep|>",
        parts=("<|open|>", "<|close|>", "<|sep|>"),
        named=("<|open|>", "<|close|>", "<|sep|>", "'think'"),
    ),  # Kimi K3
    THINK,
)
"""A template that has one of these writes such thoughts; of several the first counts."""


def thinking_of(template: str) -> Thinking:
    """The marks that `template` uses; the usual ones where it names none."""
    return next((marks for marks in MARKS if marks.is_used_by(template)), THINK)


def thoughts(source: Source, marks: Thinking, *, opened: bool, within: bool = False) -> Reading[None]:
    """What is thought at the beginning of an answer, if anything is; `opened`: the prompt began it. `within`: the
    prompt ends in the middle of it, so that white space there is part of it. Some models say that they do not think
    by the end of thoughts alone."""
    if not (opened or within) and not (yield from ahead(source, marks.open.rstrip(SPACE))):
        if (yield from ahead(source, marks.close)):
            yield from skip(source)
        return
    yield Entered("thought")
    if not within:
        yield from skip(source)
    yield from until(source, (marks.close,), Mused)
    yield Entered("text")
    yield from skip(source)


def spelled_out(variables: Mapping[str, object]) -> dict[str, object]:
    """`variables` under every name that templates have for them: DeepSeek 3.1 and Granite say `thinking` where
    others say `enable_thinking`; an effort of "none" is not to think."""
    known = dict(variables)
    if known.get("reasoning_effort") == "none":
        known.setdefault("enable_thinking", False)
    if "enable_thinking" in known:
        known.setdefault("thinking", known["enable_thinking"])
    return known
