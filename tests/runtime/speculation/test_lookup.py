"""Prompt lookup finds what stood in the text before, whatever is added to the text or taken back from it."""

from hypothesis import given
from hypothesis import strategies as st

from samovar.runtime.speculation.lookup import CHAIN, GRAM, LONGEST, Lookup

TEXTS = st.lists(st.integers(0, 3), max_size=LONGEST // 2)
EDITS = st.lists(st.tuples(st.integers(0, 6), TEXTS), min_size=1, max_size=12)


def matched(tokens: list[int], place: int) -> int:
    """How many tokens before `place` are those at the end."""
    return next((n for n in range(place) if tokens[place - 1 - n] != tokens[-1 - n]), place)


@given(TEXTS)
def test_the_longest_match_wins(tokens: list[int]) -> None:
    lookup = Lookup()
    lookup.follow(tokens)
    length, guesses = lookup.guess(3)
    near = [place for place in range(1, len(tokens)) if matched(tokens, place) >= GRAM][-CHAIN:]
    assert length == max((matched(tokens, place) for place in near), default=0)
    if length:
        places = [place for place in near if matched(tokens, place) == length]
        assert any(guesses == (tokens[place:] * 3)[:3] for place in places)
    else:
        assert guesses == []


@given(EDITS)
def test_a_text_that_is_cut_back_and_goes_on_is_followed(edits: list[tuple[int, list[int]]]) -> None:
    """After any edits the guess is as good as that of one who reads the text from its beginning."""
    lookup, tokens = Lookup(), list[int]()
    for back, more in edits:
        tokens = tokens[: max(len(tokens) - back, 0)]
        lookup.follow(tokens)
        tokens = tokens + more
        lookup.follow(tokens)
        length, guesses = lookup.guess(4)
        fresh = Lookup()
        fresh.follow(tokens)
        assert (length, bool(guesses)) == (min(fresh.guess(4)[0], length), length > 0)
        if length:
            assert any(
                matched(tokens, place) == length and guesses == (tokens[place:] * 4)[:4]
                for place in range(1, len(tokens))
            )


def test_a_copy_is_guessed_to_its_end_and_further_while_it_goes_on() -> None:
    source = list(range(100, 160))
    lookup = Lookup()
    text = [*source, 1, 2, 3]
    for at, token in enumerate(source[:-1]):
        text.append(token)
        lookup.follow(text)
        length, guesses = lookup.guess(10)
        if at:
            assert length == at + 1
            assert guesses == [*source, 1, 2, 3, *source][at + 1 : at + 11]


def test_a_loop_is_guessed_to_go_on() -> None:
    lookup = Lookup()
    lookup.follow([9, 1, 2, 3, 1, 2, 3])
    assert lookup.guess(7) == (3, [1, 2, 3, 1, 2, 3, 1])
