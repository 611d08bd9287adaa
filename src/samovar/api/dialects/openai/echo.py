"""A completion that begins with its prompt (`echo`), as those who measure perplexity read it."""

from __future__ import annotations

from collections.abc import Sequence

from samovar.api.answering.collected import Choice as Complete
from samovar.api.dialects.openai.forms import Ruler, TextForm, table_of, text_of
from samovar.api.dialects.openai.wire import Choice, TextChoice, TextLogprobs
from samovar.core.events import PromptTokens, TokenDetail


class EchoForm(TextForm):
    """`prompts`: each asked for with `n` choices, as it was sent; "" where only its tokens tell."""

    def __init__(self, prompts: Sequence[str], n: int, *, logprobs: bool) -> None:
        super().__init__(logprobs=logprobs)
        self._texts = [prompt for prompt in prompts for _ in range(n)]
        self._n = n
        self._scored: dict[int, TextLogprobs] = {}

    def first(self, index: int, /) -> Choice | None:
        """With log-probabilities the prompt waits for them."""
        return None if self._logprobs else TextChoice(index, self._texts[index])

    def prompt(self, prompt: PromptTokens, /) -> Sequence[TextChoice]:
        pieces = b"".join(token.piece for token in prompt.tokens).decode("utf-8", "replace")
        text = self._texts[prompt.index] or pieces
        scored = prompt_logprobs(prompt.tokens, len(pieces) - len(text) if pieces.endswith(text) else 0)
        choices = [TextChoice(i, text, scored) for i in range(prompt.index, prompt.index + self._n)]
        for choice in choices:
            self._scored[choice.index] = scored
            self._texts[choice.index] = text
            self._rulers[choice.index] = Ruler(len(text))
        return choices

    def whole(self, complete: Complete, /) -> TextChoice:
        choice, before = super().whole(complete), self._scored.get(complete.index)
        both = joined(before, choice.logprobs) if before and choice.logprobs else choice.logprobs
        return TextChoice(choice.index, self._texts[choice.index] + choice.text, both, choice.finish_reason)


def prompt_logprobs(tokens: Sequence[TokenDetail], before: int) -> TextLogprobs:
    """Of a prompt's tokens. `before`: characters of theirs that are not in the text that was sent: a token that
    begins the sequence, a space that the tokenizer puts first."""
    ruler = Ruler(-before)
    return TextLogprobs(
        [text_of(token.piece) for token in tokens],
        [token.logprob for token in tokens],
        [None if token.logprob is None else table_of(token) for token in tokens],
        [max(ruler.offset_of(token.piece), 0) for token in tokens],
    )


def joined(one: TextLogprobs, other: TextLogprobs) -> TextLogprobs:
    return TextLogprobs(
        one.tokens + other.tokens,
        one.token_logprobs + other.token_logprobs,
        one.top_logprobs + other.top_logprobs,
        one.text_offset + other.text_offset,
    )
