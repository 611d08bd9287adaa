"""Texts have the tokens that the engine gives them, while words that were met before are not split again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.core.wordcuts import crosses, cut
from samovar.runtime.wordwise import LONGEST_WORD, WordMemory
from tests.conformance.text_suite import WORDY

SPECIAL = re.compile(r"(<\|im_start\|>)")
WORD = re.compile(r" ?\w+|.", re.DOTALL)
BOS = 0


@dataclass
class Wordy:
    """A tokenizer whose tokens are words with the space before them, the beginnings of texts, and marks. With
    `prefix` it puts a space before every text; with `lossy` it forgets the last character of one. `split`: all that
    it had to split."""

    prefix: str = ""
    lossy: bool = False
    cuts: bool = True
    texts: list[str] = field(default_factory=lambda: ["<s>"])
    split: list[str] = field(default_factory=list)

    def cuts_at_words(self) -> bool:
        return self.cuts

    def tokenize(self, text: str, *, special: bool, bos: bool = False) -> list[int]:
        self.split += [text] if text else []
        whole = self.prefix + text if text else ""
        found = [
            token
            for part in (SPECIAL.split(whole) if special else [whole])
            for token in ([part] if special and SPECIAL.fullmatch(part) else WORD.findall(part))
        ]
        return [BOS] * bos + [self._id(token) for token in (found[:-1] if self.lossy else found)]

    def written(self, token: int) -> bytes:
        return self.texts[token].encode("utf-8", "replace")

    def _id(self, text: str) -> int:
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text)


def memory(engine: Wordy, most: int = 1000) -> WordMemory:
    return WordMemory(engine, engine.written, most)


@given(
    engine=st.builds(Wordy, prefix=st.sampled_from(["", " "]), lossy=st.booleans(), cuts=st.booleans()),
    texts=st.lists(st.tuples(WORDY, st.booleans(), st.booleans()), max_size=8),
    most=st.integers(0, 20),
)
def test_whatever_was_asked_before_the_tokens_are_those_of_the_engine(
    engine: Wordy, texts: list[tuple[str, bool, bool]], most: int
) -> None:
    words = memory(engine, most)
    for text, special, bos in texts:
        expected = engine.tokenize(text, special=special, bos=bos)
        assert words.tokenize(text, special=special, bos=bos) == expected


def test_only_words_that_are_new_are_split() -> None:
    engine = Wordy()
    words = memory(engine)
    words.tokenize("the cat and the dog", special=False)
    words.tokenize("and the dog and the mouse", special=False)
    words.tokenize("and the mouse", special=True)
    assert engine.split == ["the cat and the dog", "and mouse", "and the mouse"], "markup is another matter"


def test_no_more_words_are_remembered_than_allowed() -> None:
    engine = Wordy()
    words = memory(engine, most=3)
    for text in ("x a b c", "x a b c", "x d", "x a d"):
        words.tokenize(text, special=False)
    assert engine.split == ["x a b c", "x", "x d", "x a"]


def test_long_words_are_not_remembered() -> None:
    engine = Wordy()
    words = memory(engine)
    long = "b" * (LONGEST_WORD + 1)
    for _ in range(2):
        words.tokenize(f"a {long} c", special=False)
    assert engine.split == [f"a {long} c", f"a {long}"]


@given(WORDY)
def test_what_is_cut_is_whole_again_when_it_is_joined(text: str) -> None:
    assert " ".join(cut(text)) == text


@pytest.mark.parametrize(
    ("piece", "reaches"),
    [
        (b" the", False),
        (b"the", False),
        (b"of the", True),
        (b"of ", True),
        ("с".encode()[1:] + b" ", True),
        (b"\n  ", False),
        (b"x  y", False),
        (b"- a", False),
    ],
)
def test_tokens_that_reach_over_a_cut_are_told(piece: bytes, reaches: bool) -> None:
    assert crosses(piece) is reaches
