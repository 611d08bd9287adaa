"""Loops: a model that is stuck is noticed, people's own repetition is left alone."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.prompts.loops import CYCLE_WORDS, FEWEST_CYCLES, LONGEST_PERIOD, Loop, LoopWatch
from samovar.prompts.units import LONGEST, Units, units_of

from .repetitive import WANTED

TEA = (
    "Tea came to Russia over land. Caravans carried it from the Chinese border through Siberia, and the journey "
    "took more than a year. Only the rich could pay for it at first; by the end of the century every inn had a "
    "samovar on the table. "
)
ЧАЙ = (
    "Чай привезли в Россию по суше. Караваны шли с ним от китайской границы через Сибирь, и дорога занимала больше "
    "года. Сначала он был по карману только богатым, а к концу века самовар стоял на столе в каждом трактире. "
)
SENTENCE = "I am sorry, but I cannot help you with that request. "
ВЗДОХ = "Она тихо вздохнула и посмотрела в окно. "


def watched(text: str, earlier: tuple[str, ...] = ()) -> Loop | None:
    watch = LoopWatch(earlier)
    return watch.feed(text) or watch.end()


def numbered(n: int) -> str:
    """Nearly the same paragraph each time, as a stuck model writes it."""
    return (
        f"Day {n}. He went down to the harbour, as he did every morning, and asked the men about the boat. They "
        "shook their heads. He thanked them, bought some bread and went home by the upper road. "
    )


@pytest.mark.parametrize(
    ("start", "stuck", "times"),
    [
        ("Well, ", "very ", 60),
        ("", "ха", 500),
        ("Let me think. ", SENTENCE, 6),
        ("Вечерело. ", ВЗДОХ, 9),
        ("", TEA, 3),
        ("", ЧАЙ, 3),
    ],
)
def test_a_stuck_model_is_noticed_while_it_writes(start: str, stuck: str, times: int) -> None:
    found = LoopWatch().feed(start + stuck * (times + 2))
    assert found is not None
    assert found.kind == "cycle"
    assert LoopWatch().feed(start + stuck * (times // 2)) is None


def test_the_evidence_is_the_text_and_how_often_it_was_said() -> None:
    text = "It was late. " + ВЗДОХ * 30
    found = LoopWatch().feed(text)
    assert found is not None
    said = text[found.start : found.end]
    assert len(units_of(said)) == len(units_of(ВЗДОХ))
    assert said in ВЗДОХ * 2
    assert found.times == text[: found.end].count(said) >= CYCLE_WORDS // 7


def test_a_loop_that_counts_is_no_cycle_and_is_noticed_all_the_same() -> None:
    text = "".join(numbered(n) for n in range(1, 12))
    found = LoopWatch().feed(text)
    assert found is not None
    assert (found.kind, found.times) == ("repeat", 4)
    assert "He went down to the harbour, as he did every morning" in text[found.start : found.end]


def test_case_marks_and_line_breaks_hide_no_loop() -> None:
    said = [SENTENCE, SENTENCE.upper(), SENTENCE.replace(" ", "\n"), SENTENCE.replace(" ", "  ")]
    found = LoopWatch().feed("".join(said * 3))
    assert found is not None and found.kind == "cycle"


def test_endless_marks_and_blanks_are_loops_too() -> None:
    for stuck in ("!", "\n", " ", "- ", "🫖"):
        found = LoopWatch().feed("So" + stuck * 5000)
        assert found is not None and found.kind == "cycle", repr(stuck)


@pytest.mark.parametrize("name", WANTED)
def test_repetition_that_was_asked_for_is_left_alone(name: str) -> None:
    assert watched(WANTED[name]()) is None


@pytest.mark.parametrize("name", WANTED)
def test_it_is_left_alone_after_other_texts_too(name: str) -> None:
    others = tuple(text() for other, text in WANTED.items() if other != name)
    assert watched(WANTED[name](), others) is None


def test_an_answer_that_says_the_last_one_again_is_an_echo() -> None:
    story = TEA + numbered(1) + ЧАЙ
    again = "Of course! " + story.replace("Caravans", "Long caravans") + "Anything else?"
    found = watched(again, ("Hello!", story))
    assert found is not None
    assert (found.kind, found.times) == ("echo", 2)
    assert again[found.start : found.end] in story


def test_an_echo_counts_the_answers_that_said_it() -> None:
    found = watched(TEA, (TEA, TEA.upper(), "No.", "And so: " + TEA))
    assert found is not None and (found.kind, found.times) == ("echo", 4)


def test_a_short_answer_may_be_the_same_twice() -> None:
    assert (
        watched("Yes, of course. What else can I do for you?", ("Yes, of course. What else can I do for you?",))
        is None
    )


def test_an_answer_that_quotes_the_last_one_is_no_echo() -> None:
    quoting = "You asked what I meant by this: «" + TEA[:110] + "». " + ЧАЙ
    assert watched(quoting, (TEA,)) is None


def test_code_that_is_given_again_with_a_correction_is_no_echo() -> None:
    code = WANTED["tests that look alike"]()
    assert watched("Fixed:\n" + code.replace("expected", "wanted", 1), (code,)) is None


WORDS = st.lists(
    st.sampled_from(("tea", "cup", "spoon", "sugar", "лимон", "самовар", "steam")), min_size=1, max_size=40
)


@given(WORDS, WORDS, st.integers(2, 40))
def test_every_period_is_found_once_it_has_gone_on_for_long(start: list[str], cycle: list[str], more: int) -> None:
    times = max(FEWEST_CYCLES, CYCLE_WORDS // len(cycle)) + 2 + more
    assert LoopWatch().feed(" ".join(start + cycle * times) + " ") is not None


@given(st.integers(5, LONGEST_PERIOD), st.text("аб c.,", max_size=30))
def test_a_cycle_of_different_words_is_found_the_third_time(period: int, start: str) -> None:
    cycle = " ".join(f"word{n}" for n in range(period)) + " "
    times = max(FEWEST_CYCLES, -(-CYCLE_WORDS // period)) + 1
    found = LoopWatch().feed(start + " " + cycle * times)
    assert found is not None and found.kind == "cycle"
    assert LoopWatch().feed(start + " " + cycle * 2) is None


PIECES = st.lists(st.integers(0, 60), max_size=40)


@given(
    st.sampled_from([TEA * 4, ЧАЙ + ВЗДОХ * 20, "".join(map(numbered, range(9))), *(t() for t in WANTED.values())]),
    PIECES,
)
def test_pieces_make_no_difference(text: str, cuts: list[int]) -> None:
    bounds = [0]
    for cut in cuts:
        bounds.append(min(bounds[-1] + cut, len(text)))
    watch = LoopWatch((TEA,))
    found = next((loop for a, b in pairwise([*bounds, len(text)]) if (loop := watch.feed(text[a:b]))), None)
    assert (found or watch.end()) == watched(text, (TEA,))


@given(st.text(st.sampled_from("ab1 _.-\nы\U0001fad6"), max_size=200), PIECES)
def test_units_stand_where_they_say_and_are_never_long(text: str, cuts: list[int]) -> None:
    units, feed = [], Units()
    at = 0
    for cut in cuts:
        units += feed.feed(text[at : at + cut])
        at += cut
    units += [*feed.feed(text[at:]), *feed.end()]
    assert units == units_of(text)
    for unit in units:
        assert text[unit.start : unit.end].casefold() == unit.text
        assert 0 < unit.end - unit.start <= LONGEST
    covered = "".join(text[unit.start : unit.end] for unit in units)
    assert "".join(covered.split()) == "".join(text.split())
