"""A model's vocabulary: text to token ids, ids to bytes, and which tokens are control."""

from __future__ import annotations

import ctypes
import itertools
import re
from functools import cached_property, partial

from samovar.core.errors import EngineFailed
from samovar.core.wordcuts import crosses
from samovar.engines.llama.binding import CONTROL, USER_DEFINED, Binding, metadata
from samovar.engines.llama.folding import Folding

_SPACES = (b" ", "Ġ".encode(), "▁".encode())
"""How vocabularies write a space."""
_MARKUP = re.compile(r"[<\[]\S+[>\]]")


class Vocabulary:
    """Reads the vocabulary of a loaded model, once; the pieces as they are asked for."""

    def __init__(self, binding: Binding, model: int) -> None:
        self._binding = binding
        self._handle = binding.vocabulary(model)
        self.size = binding.vocab_size(self._handle)
        self.bos = self._or_none(binding.bos(self._handle))
        self.eos = self._or_none(binding.eos(self._handle))
        self.adds_bos = self.bos is not None and binding.adds_bos(model)
        self.chat_template = (binding.chat_template(model, None) or b"").decode("utf-8", "replace") or None
        self._pieces: list[bytes | None] = [None] * self.size
        self._attributes = [binding.token_attributes(self._handle, token) for token in range(self.size)]
        self.end_tokens = self._end_tokens()
        self.special_texts, hidden = self._specials()
        self._folding = None if binding.folds_words else self._wanted_folding(model)
        self._hidden = re.compile("|".join(map(re.escape, hidden))) if hidden else None

    def tokenize(self, text: str, *, special: bool, bos: bool) -> list[int]:
        """As `Engine.tokenize`."""
        text = self._folding(text) if self._folding else text
        start = [self.bos] if bos and self.adds_bos and self.bos is not None else []
        parts = [text] if special or self._hidden is None else _split_inside(self._hidden, text)
        return start + [token for part in parts for token in self._tokens(part, special)]

    def frame(self) -> tuple[int | None, int | None]:
        """What stands before and behind every text that is read as a whole."""
        ids = (ctypes.c_int32 * 8)()
        around = ids[: max(0, self._binding.tokenize(self._handle, b"", 0, ids, len(ids), True, False))]
        begins = around[0] if around and self.adds_bos else None
        return begins, next(iter(around[begins is not None :]), None)

    def piece(self, token: int) -> bytes:
        """As `Engine.piece`."""
        known = self._pieces[token]
        if known is None:
            known = self._pieces[token] = self._piece(token, special=False)
        return known

    @cached_property
    def cuts_at_words(self) -> bool:
        """As `Engine.cuts_at_words`. Only tokens with a space behind something else could reach over a cut, and of
        those there are few."""
        texts = ((token, self._binding.token_text(self._handle, token) or b"") for token in range(self.size))
        spaced = (token for token, text in texts if any(text.find(space, 1) > 0 for space in _SPACES))
        return not any(crosses(self._piece(token, special=True)) for token in spaced)

    def text(self, token: int | None) -> str:
        """How `token` is written in a template; "" for None."""
        return "" if token is None else self._piece(token, special=True).decode("utf-8", "replace")

    def written(self, token: int) -> str:
        """How `token` is written in the vocabulary; "" for one that it has not."""
        known = self._binding.token_text(self._handle, token) if 0 <= token < self.size else None
        return (known or b"").decode("utf-8", "replace")

    def _wanted_folding(self, model: int) -> Folding | None:
        """What is to be done to texts in the library's place."""
        said = partial(metadata, self._binding, model)
        if said("tokenizer.ggml.model") != "bert":
            return None
        lowercase, strips = (said(f"tokenizer.ggml.normalizer.{rule}") for rule in ("lowercase", "strip_accents"))
        return Folding(lowercase != "false", strips != "false")

    def _or_none(self, token: int) -> int | None:
        return token if 0 <= token < self.size else None

    def _end_tokens(self) -> tuple[int, ...]:
        marked = (token for token, bits in enumerate(self._attributes) if bits & (CONTROL | USER_DEFINED))
        ends = {token for token in marked if self._binding.ends_generation(self._handle, token)}
        return tuple(sorted(ends if self.eos is None else ends | {self.eos}))

    def _specials(self) -> tuple[tuple[str, ...], list[str]]:
        """Texts of all control tokens; and of those among them that the library takes for markup in any text.

        Some files mark their control tokens as user-defined, and libllama matches user-defined tokens even where it
        is told not to parse special ones. Those that look like markup and that the template uses or that end an
        answer are control tokens all the same.
        """
        control, hidden = [], []
        for token, bits in enumerate(self._attributes):
            if bits & (CONTROL | USER_DEFINED):
                text = self.written(token)
                if bits & CONTROL:
                    control.append(text)
                elif _MARKUP.fullmatch(text) and (token in self.end_tokens or text in (self.chat_template or "")):
                    hidden.append(text)
        return tuple(dict.fromkeys(filter(None, control + hidden))), hidden

    def _tokens(self, text: str, special: bool) -> list[int]:
        data = text.encode("utf-8", "replace")
        if not data:
            return []
        room = len(data) + 8
        for _ in range(2):
            ids = (ctypes.c_int32 * room)()
            count = self._binding.tokenize(self._handle, data, len(data), ids, room, False, special)
            if count >= 0:
                return ids[:count]
            room = -count
        raise EngineFailed("engines.tokenize", size=len(data))

    def _piece(self, token: int, *, special: bool) -> bytes:
        room = 64
        for _ in range(2):
            buffer = ctypes.create_string_buffer(room)
            count = self._binding.piece(self._handle, token, buffer, room, 0, special)
            if count >= 0:
                return buffer.raw[:count]
            room = -count
        return b""


def _split_inside(pattern: re.Pattern[str], text: str) -> list[str]:
    """`text` cut after the first character of every match, so that no part holds a whole one."""
    cuts = [0, *(match.start() + 1 for match in pattern.finditer(text)), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(cuts)]
