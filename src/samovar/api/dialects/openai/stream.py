"""One answer on the wire: as chunks while it grows, or whole. Pure."""

from __future__ import annotations

from samovar.api.answering.collected import Collected
from samovar.api.dialects.openai.errors import error_shape
from samovar.api.dialects.openai.forms import Form
from samovar.api.dialects.openai.wire import Choice, Head, Tail, closing, encode, opening, usage_of
from samovar.core.catalogue import Language
from samovar.core.errors import SamovarError, revive
from samovar.core.events import Call, Delta, Done, Event, Failed, Finish, PromptTokens, Thought

DONE = b"data: [DONE]\n\n"


class Chunks:
    """The frames of one stream. Everything that does not change from token to token is encoded once."""

    def __init__(self, form: Form, head: Head, choices: int, *, include_usage: bool, warnings: list[str]) -> None:
        self._form = form
        self._choices = choices
        self._open = b"data: " + opening(head)
        # With include_usage OpenAI sends "usage": null in every chunk but the last.
        self._close = (b'],"usage":null}' if include_usage else b"]}") + b"\n\n"
        self._include_usage = include_usage
        self._warnings = warnings
        self._held: Choice | None = None

    def first(self) -> bytes:
        """What is sent before any token: the role of each choice."""
        opened = (self._form.first(index) for index in range(self._choices))
        return b"".join(self._chunk(choice) for choice in opened if choice)

    def translate(self, event: Event) -> bytes:
        """The bytes for one event, b"" where there is nothing to send. Raises what Failed carries."""
        if isinstance(event, Delta | Thought | Call):
            choice = self._form.more(event)
            return self._chunk(choice) if choice else b""
        if isinstance(event, Finish):
            # Held back for one event: the timings belong on the very last one, and are known a moment later.
            held = self._release()
            self._held = self._form.last(event.index, event.reason)
            return held
        if isinstance(event, Done):
            return self._ending(event)
        if isinstance(event, PromptTokens):
            return b"".join(self._chunk(choice) for choice in self._form.prompt(event))
        if isinstance(event, Failed):
            raise revive(event.error)
        return b""

    def failure(self, error: SamovarError, language: Language) -> bytes:
        """The frame that ends a broken stream."""
        return b"data: " + encode(error_shape(error, language)) + b"\n\n"

    def _chunk(self, choice: Choice) -> bytes:
        return self._open + encode(choice) + self._close

    def _release(self) -> bytes:
        held, self._held = self._held, None
        return self._chunk(held) if held else b""

    def _ending(self, done: Done) -> bytes:
        tail = Tail(usage_of(done.usage) if self._include_usage else None, done.timings, self._warnings)
        if self._include_usage:
            return self._release() + self._open + closing(tail) + b"\n\n" + DONE
        held = encode(self._held) if self._held else b""
        return self._open + held + closing(tail) + b"\n\n" + DONE


def whole(collected: Collected, form: Form, head: Head, warnings: list[str]) -> bytes:
    """The complete answer as JSON."""
    for index, tokens in collected.prompts.items():
        form.prompt(PromptTokens(tokens, index))
    choices = (form.whole(choice) for choice in collected.choices)
    tail = Tail(usage_of(collected.done.usage), collected.done.timings, warnings)
    return opening(head) + b",".join(map(encode, choices)) + closing(tail)
