"""From what is asked to the tokens that the model reads: known spellings first, the tokenizer for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import msgspec

from samovar.core.engine import Engine, Tokenizer
from samovar.core.errors import InvalidInput
from samovar.core.requests import GenerateRequest, Part, begins_with
from samovar.runtime.kv import Label
from samovar.runtime.spellings import Spellings, continues, spelled
from samovar.runtime.written import Written


class Noted(msgspec.Struct, frozen=True, array_like=True):
    """What `parts` are spelled with: the tokens of the cache that this is kept with, and `more`."""

    parts: tuple[Part, ...]
    more: tuple[int, ...]


class Prompts:
    """Tokenises for one engine, and remembers what its answers were spelled with."""

    def __init__(self, engine: Engine, labels: Sequence[Label] = ()) -> None:
        """`labels`: caches that were kept with a `note`."""
        self._engine = engine
        self.written = Written(engine)
        self._spellings = Spellings()
        for label in labels:
            self._learn(label)

    def note(self, tokens: Sequence[int], session: str) -> bytes:
        """What the session spelled that begins with `tokens`, to be kept with their cache; b"" where it did not."""
        known = self._spellings.of(tokens, session)
        return msgspec.msgpack.encode(Noted(known[0], known[1][len(tokens) :])) if known else b""

    def read(self, request: GenerateRequest) -> list[int]:
        """The prompt's tokens. Raises InvalidInput where there are none, or one that the model has not."""
        tokens = list(request.tokens) or self.tokenize(request.parts, bos=request.bos)
        if not tokens:
            raise InvalidInput("runtime.prompt_empty")
        return self.known(tokens)

    def known(self, tokens: Sequence[int]) -> list[int]:
        """`tokens`. Raises InvalidInput where there is one that the model has not."""
        size = self._engine.info.vocab_size
        unknown = next((token for token in tokens if not 0 <= token < size), None)
        if unknown is not None:
            raise InvalidInput("runtime.token_unknown", token=unknown, size=size)
        return list(tokens)

    def negative(self, request: GenerateRequest, prompt: list[int]) -> list[int] | None:
        """The tokens of the negative prompt of a guided request; None for others."""
        if request.guidance_scale == 1:
            return None
        return self.tokenize(request.negative, bos=request.bos) or prompt[-1:]

    def tokenize(self, parts: Sequence[Part], *, bos: bool = True) -> list[int]:
        """Only the first part may get a begin-of-sequence token, and only if the template wrote none."""
        known, rest = self._spellings.beginning(parts) if bos else ((), ())
        if known:
            tail = self._going_on(rest)
            if tail is not None:
                return [*known, *tail]
        return anew(self._engine, parts, bos=bos, bos_text=self._engine.info.bos_text)

    def plain(self, parts: Sequence[Part]) -> list[int]:
        """As `tokenize`, of what continues nothing that was ever said."""
        return anew(self._engine, parts)

    def controls(self, texts: Sequence[str]) -> dict[int, bytes]:
        """Those of `texts` that are a control token's and would not be seen, by token."""
        found = ((self._engine.tokenize(text, special=True), text.encode()) for text in texts)
        return {tokens[0]: text for tokens, text in found if len(tokens) == 1 and not self._engine.piece(tokens[0])}

    def remember(
        self, request: GenerateRequest, prompt: list[int], drawn: list[int], pieces: list[bytes], text: str
    ) -> None:
        """`text` was answered to `request`, with the tokens `drawn`, of which each added one of `pieces`. What was
        answered to a prompt without a begin-of-sequence token is not: with one the same text begins otherwise."""
        count, text = spelled(pieces, text)
        if request.parts and request.bos and count:
            self._spellings.remember(request.parts, text, prompt + drawn[:count], request.session)

    def forget(self, session: str) -> None:
        """Remembers nothing that only this session said."""
        self._spellings.forget(session)

    def _learn(self, label: Label) -> None:
        with suppress(msgspec.DecodeError):
            noted = msgspec.msgpack.decode(label.note, type=Noted)
            self._spellings.add(noted.parts, (*label.tokens, *noted.more), label.session)

    def _going_on(self, parts: Sequence[Part]) -> list[int] | None:
        tokens = anew(self._engine, parts, bos=False)
        return continues(tokens, parts[0].text, self._engine.piece) if parts else tokens


def anew(tokenizer: Tokenizer, parts: Sequence[Part], *, bos: bool = True, bos_text: str = "") -> list[int]:
    """The tokens of `parts`, whatever was said before. With `bos` the first part gets a begin-of-sequence token
    where the model wants one, unless `bos_text` is there already."""
    begins = bos and not begins_with(parts, bos_text)
    return [
        token
        for i, part in enumerate(parts)
        for token in tokenizer.tokenize(part.text, special=part.special, bos=begins and i == 0)
    ]
