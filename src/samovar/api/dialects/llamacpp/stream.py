"""One answer on the wire: as objects while it grows, or whole. Pure but for the clock that it is given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import msgspec

from samovar.api.answering.collected import Choice, Collected
from samovar.api.dialects.llamacpp.errors import error_shape
from samovar.api.dialects.llamacpp.translate import LlamaAsked
from samovar.api.dialects.llamacpp.wire import (
    STOP_TYPES,
    Chunk,
    Final,
    Progress,
    encode,
    probabilities,
    settings_of,
    timings_of,
)
from samovar.core.catalogue import Language
from samovar.core.errors import SamovarError, revive
from samovar.core.events import Delta, Done, Event, Failed, Finish, PromptProgress, TokenDetail

NO_SLOT = -1
"""Which sequence answers is settled from step to step, and told at the end."""


class Finals:
    """The last objects of one request's answers. `prompts`: the texts that were asked, one a completion."""

    def __init__(self, asked: LlamaAsked, prompts: Sequence[str], model: str, warnings: list[str]) -> None:
        self.asked = asked
        self._prompts = prompts
        self._model = model
        self._warnings = warnings
        self._settings = settings_of(asked.completions[0])

    def last(self, choice: Choice, done: Done, *, said: bool) -> Final:
        """`said`: the text was sent before, piece by piece."""
        asked, usage = self.asked, done.usage
        several = asked.choices > 1
        predicted = len(choice.tokens) if several else usage.completion_tokens
        shown = not said and asked.logprobs
        return Final(
            index=choice.index,
            content="" if said else choice.text,
            tokens=[token.id for token in choice.tokens] if asked.return_tokens and not said else [],
            id_slot=done.sequence,
            stop=True,
            model=self._model,
            tokens_predicted=predicted,
            tokens_evaluated=usage.prompt_tokens,
            generation_settings=self._settings,
            prompt=self._prompts[choice.index // asked.completions[0].n],
            has_new_line="\n" in choice.text,
            truncated=False,
            stop_type="word" if choice.stop is not None else STOP_TYPES[choice.reason],
            stopping_word=choice.stop or "",
            tokens_cached=usage.prompt_tokens + usage.completion_tokens,
            timings=timings_of(done.timings),
            completion_probabilities=self.probabilities(choice.tokens) if shown else msgspec.UNSET,
            warnings=self._warnings or msgspec.UNSET,
        )

    def probabilities(self, tokens: Sequence[TokenDetail]) -> list[dict[str, object]]:
        return probabilities(tokens, after=self.asked.completions[0].logprobs_after)


class Chunks:
    """The frames of one stream. `prompt_tokens`: of the whole request. `now`: seconds, of any clock."""

    def __init__(self, finals: Finals, prompt_tokens: int, now: Callable[[], float]) -> None:
        self._finals = finals
        self._prompt_tokens = prompt_tokens
        self._now = now
        self._began = now()
        self._growing: defaultdict[int, list[TokenDetail]] = defaultdict(list)
        self._lined: set[int] = set()
        self._finished: list[Finish] = []

    def first(self) -> bytes:
        return b""

    def translate(self, event: Event) -> bytes:
        """The bytes for one event, b"" where there is nothing to send. Raises what Failed carries."""
        match event:
            case Delta():
                return self._said(event)
            case PromptProgress() if self._finals.asked.return_progress:
                return self._read(event)
            case Finish():
                # Its object has the timings, which are known a moment later.
                self._finished.append(event)
            case Done():
                return b"".join(_frame(self._last(finish, event)) for finish in self._finished)
            case Failed(error):
                raise revive(error)
            case _:
                pass
        return b""

    def failure(self, error: SamovarError, language: Language) -> bytes:
        """The frame that ends a broken stream."""
        return _frame(error_shape(error, language))

    def _said(self, delta: Delta) -> bytes:
        if not (delta.text or delta.tokens):
            return b""
        tokens = self._growing[delta.index]
        tokens += delta.tokens
        if "\n" in delta.text:
            self._lined.add(delta.index)
        shown = self._finals.asked.logprobs and delta.tokens
        return _frame(
            Chunk(
                delta.index,
                delta.text,
                [token.id for token in delta.tokens],
                stop=False,
                id_slot=NO_SLOT,
                tokens_predicted=len(tokens),
                tokens_evaluated=self._prompt_tokens,
                completion_probabilities=self._finals.probabilities(delta.tokens) if shown else msgspec.UNSET,
            )
        )

    def _read(self, progress: PromptProgress) -> bytes:
        passed = round((self._now() - self._began) * 1000)
        told = Progress(progress.total, progress.cached, progress.done, passed)
        return _frame(Chunk(0, "", [], False, NO_SLOT, 0, self._prompt_tokens, told))

    def _last(self, finish: Finish, done: Done) -> Mapping[str, object] | Final:
        index, text = finish.index, "\n" if finish.index in self._lined else ""
        choice = Choice(index, text, tokens=self._growing[index], reason=finish.reason, stop=finish.stop)
        return chosen(self._finals.last(choice, done, said=True), self._finals.asked.fields)


def whole(collected: Collected, finals: Finals) -> bytes:
    """One answer as an object, several as an array."""
    objects = [
        chosen(finals.last(choice, collected.done, said=False), finals.asked.fields) for choice in collected.choices
    ]
    return encode(objects if finals.asked.choices > 1 else objects[0])


def chosen(final: Final, fields: Sequence[str] | None) -> Mapping[str, object] | Final:
    """Those of the `fields` that there are, each by the name that was asked for; "a/b" is b within a."""
    if fields is None:
        return final
    found: dict[str, object] = {}
    for path in fields:
        value: object = msgspec.to_builtins(final)
        for name in path.split("/"):
            value = value.get(name, msgspec.UNSET) if isinstance(value, dict) else msgspec.UNSET
        if value is not msgspec.UNSET:
            found[path] = value
    return found


def _frame(data: object) -> bytes:
    return b"data: " + encode(data) + b"\n\n"
