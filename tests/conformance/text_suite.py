"""What every engine promises of its tokenizer."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samovar.core.engine import Engine
from samovar.core.wordcuts import cut

WORDY = st.lists(
    st.sampled_from(
        ["the ", "And", "don't ", "then,", "привет ", "мир", "<|im_start|>", "12 ", "\n", "!", " ", "ж"]
    )
    | st.text(max_size=4)
).map("".join)
"""Texts of words, marks between them and anything else."""

UNDER_ONE_ENGINE = settings(
    deadline=None,
    max_examples=60,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


class TextSuite:
    """A part of `EngineSuite`."""

    def test_control_texts_become_one_silent_token_only_where_allowed(self, engine: Engine) -> None:
        for text in engine.info.special_texts:
            (token,) = engine.tokenize(text, special=True)
            assert engine.piece(token) == b""
            plain = engine.tokenize(text, special=False)
            assert token not in plain
            assert b"".join(map(engine.piece, plain)) == text.encode()

    @UNDER_ONE_ENGINE
    @given(text=st.text(st.characters(exclude_categories=["Cs"])))
    def test_the_pieces_of_a_text_are_the_text(self, engine: Engine, text: str) -> None:
        assert b"".join(map(engine.piece, engine.tokenize(text, special=False))) == text.encode()

    @UNDER_ONE_ENGINE
    @given(text=WORDY, special=st.booleans())
    def test_a_text_that_may_be_cut_at_words_has_the_tokens_of_its_parts(
        self, engine: Engine, text: str, special: bool
    ) -> None:
        assert engine.cuts_at_words()
        head, *words = cut(text)
        parts = [head, *(f" {word}" for word in words)]
        tokens = [token for part in parts for token in engine.tokenize(part, special=special)]
        assert tokens == engine.tokenize(text, special=special)

    def test_a_long_text_is_tokenised_whole(self, engine: Engine) -> None:
        text = "ночь, улица, фонарь, аптека\n" * 3000
        assert b"".join(map(engine.piece, engine.tokenize(text, special=False))) == text.encode()
