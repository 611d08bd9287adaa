"""What every engine promises. An engine joins by one subclass of `EngineSuite` that opens it.

A suite's engine has 4 sequences and few cells; tokens 3 … 250 of its vocabulary are ordinary ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.core.engine import Batch, Engine
from samovar.core.errors import EngineFailed
from tests.conformance.text_suite import UNDER_ONE_ENGINE, TextSuite

LogProbs = npt.NDArray[np.float64]
PARALLEL = 4
OPERATIONS = st.tuples(
    st.sampled_from(["feed", "feed", "feed", "remove", "copy", "move"]),
    st.integers(0, PARALLEL - 1),
    st.integers(0, PARALLEL - 1),
    st.integers(0, 60),
)
"""What is done to which sequence, with which other one, and how long or where."""


def story(seed: int, length: int) -> list[int]:
    """Ordinary tokens, the same for the same seed."""
    return [int(t) for t in np.random.default_rng(seed).integers(3, 250, length)]


def log_probs(logits: npt.NDArray[np.float32]) -> LogProbs:
    rows = logits.astype(np.float64)
    rows -= rows.max(axis=1, keepdims=True)
    return np.asarray(rows - np.log(np.exp(rows).sum(axis=1, keepdims=True)))


def own_cells(engine: Engine) -> int:
    """The most positions that one sequence can have while the others are empty."""
    return engine.info.cells // (engine.info.parallel if engine.info.apart else 1)


def feed(engine: Engine, sequence: int, tokens: Sequence[int], start: int = 0) -> LogProbs:
    """Computes `tokens` in one sequence; log-probabilities after every one of them."""
    positions = list(range(start, start + len(tokens)))
    return log_probs(engine.decode(Batch(list(tokens), positions, [sequence] * len(tokens), [True] * len(tokens))))


def alone(engine: Engine, tokens: Sequence[int]) -> LogProbs:
    """Log-probabilities of `tokens` in an otherwise empty cache."""
    for sequence in range(PARALLEL):
        assert engine.remove(sequence, 0)
    result = feed(engine, 0, tokens)
    engine.remove(0, 0)
    return result


class EngineSuite(TextSuite):
    """Subclasses give an `engine` fixture (PARALLEL sequences, 900 to 2000 cells, template with ChatML tokens), a
    second one of it as `reference`, and how far two computations of one thing may lie apart."""

    tolerance = 0.0

    @pytest.fixture
    def fresh(self, engine: Engine) -> Iterator[Engine]:
        """The engine with an empty cache."""
        for sequence in range(PARALLEL):
            engine.remove(sequence, 0)
        yield engine

    def same(self, found: LogProbs, expected: LogProbs) -> bool:
        return found.shape == expected.shape and float(np.abs(found - expected).max()) <= self.tolerance

    def test_describes_itself(self, engine: Engine) -> None:
        info = engine.info
        assert info.parallel == PARALLEL
        assert info.window <= info.cells
        assert info.chat_template and "<|im_start|>" in info.chat_template
        assert info.eos_token in info.end_tokens
        assert info.eos_text in info.special_texts
        assert all(0 <= token < info.vocab_size for token in info.end_tokens)

    def test_token_by_token_is_as_all_at_once(self, fresh: Engine) -> None:
        tokens = story(1, 24)
        expected = alone(fresh, tokens)
        found = np.concatenate([feed(fresh, 1, [token], i) for i, token in enumerate(tokens)])
        assert self.same(found, expected)

    def test_several_sequences_in_one_batch_do_not_touch_each_other(self, fresh: Engine) -> None:
        stories = [story(seed, 40) for seed in range(PARALLEL)]
        expected = [alone(fresh, tokens) for tokens in stories]
        for start in range(0, 40, 8):
            order = [(s, start + i) for i in range(8) for s in range(PARALLEL)]
            rows = log_probs(
                fresh.decode(
                    Batch(
                        [stories[s][p] for s, p in order], [p for _, p in order], [s for s, _ in order], [True] * 32
                    )
                )
            )
            for row, (sequence, position) in zip(rows, order, strict=True):
                assert self.same(row[None], expected[sequence][position][None])

    def test_rows_come_in_batch_order_and_only_where_wanted(self, fresh: Engine) -> None:
        first, second = story(5, 10), story(6, 7)
        expected = {0: alone(fresh, first), 2: alone(fresh, second)}
        wanted = [(2, 3), (2, 6), (0, 0), (0, 9)]
        order = [(2, i) for i in range(7)] + [(0, i) for i in range(10)]
        tokens = [(first if s == 0 else second)[p] for s, p in order]
        rows = log_probs(
            fresh.decode(Batch(tokens, [p for _, p in order], [s for s, _ in order], [e in wanted for e in order]))
        )
        assert self.same(rows, np.stack([expected[s][p] for s, p in wanted]))

    def test_a_batch_of_any_length_gives_all_its_rows(self, fresh: Engine) -> None:
        tokens = story(7, 700)
        whole = feed(fresh, 0, tokens)
        fresh.remove(0, 0)
        parts = np.concatenate([feed(fresh, 1, tokens[:300]), feed(fresh, 1, tokens[300:], 300)])
        assert whole.shape == (700, fresh.info.vocab_size)
        assert self.same(whole, parts)

    def test_nothing_wanted_gives_no_rows(self, fresh: Engine) -> None:
        assert fresh.decode(Batch(story(8, 4), [0, 1, 2, 3], [0] * 4, [False] * 4)).shape == (
            0,
            fresh.info.vocab_size,
        )
        assert fresh.decode(Batch([], [], [], [])).shape == (0, fresh.info.vocab_size)

    def test_a_copied_prefix_goes_on_as_computed(self, fresh: Engine) -> None:
        tokens, other = story(9, 30), story(10, 12)
        expected = alone(fresh, tokens[:20] + other)[20:]
        going_on = alone(fresh, tokens + other)[30:]
        feed(fresh, 0, tokens)
        fresh.copy(0, 3, 20)
        assert self.same(feed(fresh, 3, other, 20), expected)
        assert self.same(feed(fresh, 0, other, 30), going_on)

    def test_a_copy_outlives_its_source(self, fresh: Engine) -> None:
        tokens, other = story(11, 30), story(12, 5)
        expected = alone(fresh, tokens + other)[30:]
        feed(fresh, 0, tokens)
        fresh.copy(0, 1, 30)
        fresh.remove(0, 0)
        feed(fresh, 0, story(13, 60))
        assert self.same(feed(fresh, 1, other, 30), expected)

    def test_copying_onto_what_is_there_is_refused(self, fresh: Engine) -> None:
        feed(fresh, 0, story(14, 4))
        feed(fresh, 1, story(15, 4))
        with pytest.raises(EngineFailed):
            fresh.copy(0, 1, 4)

    def test_what_is_copied_behind_a_computed_text_goes_on_as_computed(self, fresh: Engine) -> None:
        tokens, other = story(37, 50), story(38, 10)
        feed(fresh, 0, tokens)
        fresh.copy(0, 1, 20)
        if not fresh.info.capabilities.can_copy_range:
            with pytest.raises(EngineFailed):
                fresh.copy(0, 1, 50, start=20)
            return
        feed(fresh, 1, tokens[20:32], 20)
        fresh.copy(0, 1, 50, start=32)
        fresh.remove(0, 0)
        found = feed(fresh, 1, other, 50)
        assert self.same(found, alone(fresh, tokens + other)[50:])

    @pytest.mark.parametrize("start", [10, 30], ids=["over what is there", "behind a gap"])
    def test_positions_are_copied_only_to_where_a_sequence_ends(self, fresh: Engine, start: int) -> None:
        tokens = story(39, 50)
        feed(fresh, 0, tokens)
        feed(fresh, 1, tokens[:20])
        with pytest.raises(EngineFailed):
            fresh.copy(0, 1, 50, start=start)
        found = feed(fresh, 1, tokens[20:], 20)
        assert self.same(found, alone(fresh, tokens)[20:])

    def test_a_removed_tail_leaves_the_beginning(self, fresh: Engine) -> None:
        tokens, other = story(16, 40), story(17, 10)
        expected = alone(fresh, tokens[:25] + other)[25:]
        feed(fresh, 2, tokens)
        assert fresh.remove(2, 25)
        assert self.same(feed(fresh, 2, other, 25), expected)

    def test_cells_are_used_again(self, fresh: Engine) -> None:
        expected = alone(fresh, story(18, 100))
        for _ in range(2 * fresh.info.cells // 100):
            assert self.same(feed(fresh, 1, story(18, 100)), expected)
            fresh.remove(1, 0)

    def test_scattered_cells_are_as_good_as_neighbours(self, fresh: Engine) -> None:
        stays, tokens = story(19, own_cells(fresh) // 4), story(20, own_cells(fresh) // 2)
        expected, going_on = alone(fresh, tokens), alone(fresh, stays + story(21, 3))[-3:]
        for position, token in enumerate(stays):
            fresh.decode(Batch([token, 5, 6], [position] * 3, [0, 1, 2], [False] * 3))
        fresh.remove(1, 0)
        fresh.remove(2, 0)
        assert self.same(feed(fresh, 3, tokens), expected)
        assert self.same(feed(fresh, 0, story(21, 3), len(stays)), going_on)

    def test_a_full_cache_is_an_error_and_not_the_end(self, fresh: Engine) -> None:
        expected, most = alone(fresh, story(22, 20)), own_cells(fresh) - 10
        feed(fresh, 0, story(23, most))
        with pytest.raises(EngineFailed):
            feed(fresh, 0, story(22, 20), most)
        fresh.remove(0, most)
        if not fresh.info.apart:
            with pytest.raises(EngineFailed):
                feed(fresh, 1, story(22, 20))
            fresh.remove(0, 0)
            fresh.remove(1, 0)
        assert self.same(feed(fresh, 1, story(22, 20)), expected)

    @pytest.mark.parametrize(
        "batch",
        [
            Batch([5], [11], [0], [True]),
            Batch([5], [9], [0], [True]),
            Batch([5, 5], [10, 10], [0, 0], [True, True]),
            Batch([5], [0], [PARALLEL], [True]),
            Batch([5], [0], [-1], [True]),
            Batch([1 << 20], [10], [0], [True]),
            Batch([-1], [10], [0], [True]),
            Batch([5, 6], [10], [0], [True]),
        ],
        ids=["gap", "behind", "twice", "no such sequence", "negative", "no such token", "no token", "lengths"],
    )
    def test_an_impossible_batch_changes_nothing(self, fresh: Engine, batch: Batch) -> None:
        expected = alone(fresh, story(24, 12))[10:]
        feed(fresh, 0, story(24, 12)[:10])
        with pytest.raises(EngineFailed):
            fresh.decode(batch)
        assert self.same(feed(fresh, 0, story(24, 12)[10:], 10), expected)

    def test_an_exported_sequence_goes_on_elsewhere(self, fresh: Engine) -> None:
        if not fresh.info.capabilities.can_export:
            with pytest.raises(EngineFailed):
                fresh.export(0)
            return
        tokens, other = story(25, 50), story(26, 10)
        expected = alone(fresh, tokens + other)[50:]
        feed(fresh, 0, tokens)
        blob = fresh.export(0)
        assert self.same(feed(fresh, 0, other, 50), expected)
        fresh.remove(0, 0)
        feed(fresh, 1, story(27, 30))
        fresh.restore(2, blob)
        assert self.same(feed(fresh, 2, other, 50), expected)

    def test_an_empty_sequence_can_be_exported(self, fresh: Engine) -> None:
        fresh.restore(1, fresh.export(0))
        assert self.same(feed(fresh, 1, story(28, 5)), alone(fresh, story(28, 5)))

    @UNDER_ONE_ENGINE
    @given(data=st.data())
    def test_a_damaged_blob_is_refused_and_harms_nothing(self, engine: Engine, data: st.DataObject) -> None:
        tokens = story(29, 20)
        expected = alone(engine, tokens)
        feed(engine, 0, tokens)
        blob = engine.export(0)
        damaged = bytearray(blob[: data.draw(st.integers(0, len(blob)))])
        for place in data.draw(st.lists(st.integers(0, max(len(damaged) - 1, 0)), max_size=3)):
            damaged[place : place + 1] = bytes([data.draw(st.integers(0, 255))])
        if bytes(damaged) != blob:
            with pytest.raises(EngineFailed):
                engine.restore(1, bytes(damaged))
        assert self.same(feed(engine, 1, tokens), expected)

    def test_restoring_onto_what_is_there_is_refused(self, fresh: Engine) -> None:
        feed(fresh, 0, story(30, 5))
        blob = fresh.export(0)
        with pytest.raises(EngineFailed):
            fresh.restore(0, blob)

    def test_restoring_where_cells_are_missing_is_refused_and_harms_nothing(self, fresh: Engine) -> None:
        if fresh.info.apart:
            pytest.skip("sequences with cells of their own take none from each other")
        tokens = story(32, fresh.info.cells // 2)
        expected = alone(fresh, tokens)
        feed(fresh, 0, tokens)
        blob = fresh.export(0)
        feed(fresh, 1, story(33, fresh.info.cells // 4))
        with pytest.raises(EngineFailed):
            fresh.restore(2, blob)
        fresh.remove(0, 0)
        fresh.restore(2, blob)
        fresh.remove(2, 5)
        assert self.same(feed(fresh, 2, tokens[5:], 5), expected[5:])

    @pytest.mark.parametrize("leaver", range(PARALLEL))
    def test_when_one_of_those_that_ran_together_leaves_the_others_go_on(self, fresh: Engine, leaver: int) -> None:
        stories = [story(40 + s, 60) for s in range(PARALLEL)]
        expected = [alone(fresh, tokens)[50:] for tokens in stories]
        for position in range(50):
            together = [tokens[position] for tokens in stories]
            fresh.decode(Batch(together, [position] * PARALLEL, list(range(PARALLEL)), [False] * PARALLEL))
        fresh.remove(leaver, 0)
        for sequence in range(PARALLEL):
            if sequence != leaver:
                assert self.same(feed(fresh, sequence, stories[sequence][50:], 50), expected[sequence])

    @UNDER_ONE_ENGINE
    @given(story_of_life=st.lists(OPERATIONS, min_size=4, max_size=40))
    def test_whatever_was_done_each_sequence_is_as_computed_alone(
        self, engine: Engine, reference: Engine, story_of_life: list[tuple[str, int, int, int]]
    ) -> None:
        held: list[list[int]] = [[] for _ in range(PARALLEL)]
        for sequence in range(PARALLEL):
            engine.remove(sequence, 0)
        for seed, (operation, sequence, other, size) in enumerate(story_of_life):
            tokens = held[sequence]
            if operation == "remove":
                engine.remove(sequence, size)
                del tokens[size:]
            elif operation == "copy" and not tokens:
                engine.copy(other, sequence, size)
                held[sequence] = held[other][:size]
            elif operation == "move" and not held[other]:
                engine.restore(other, engine.export(sequence))
                engine.remove(sequence, 0)
                held[other], held[sequence] = tokens, []
            elif operation == "feed" and len(tokens) < 150:
                fresh = story(1000 + seed, size + 1)
                found = feed(engine, sequence, fresh, len(tokens))
                held[sequence] = tokens + fresh
                assert self.same(found, alone(reference, held[sequence])[-len(fresh) :])

    def test_a_middle_can_be_forgotten(self, fresh: Engine) -> None:
        tokens, other = story(34, 40), story(35, 10)
        feed(fresh, 0, tokens)
        feed(fresh, 1, tokens)
        assert fresh.remove(0, 10, 20)
        assert np.isfinite(feed(fresh, 0, other, 40)).all()
        assert fresh.remove(0, 10)
        assert fresh.remove(1, 10)
        assert self.same(feed(fresh, 0, other, 10), feed(fresh, 1, other, 10))

    def test_the_number_of_threads_changes_nothing_but_the_speed(self, fresh: Engine) -> None:
        tokens = story(36, 30)
        expected = feed(fresh, 0, tokens)
        if fresh.info.capabilities.can_set_threads:
            for sequence, count in ((1, 1), (2, 3), (3, fresh.info.threads)):
                fresh.set_threads(count)
                assert self.same(feed(fresh, sequence, tokens), expected)

    def test_shifting_works_where_it_is_claimed_and_only_there(self, fresh: Engine) -> None:
        tokens = story(31, 30)
        feed(fresh, 0, tokens)
        if not fresh.info.capabilities.can_shift:
            with pytest.raises(EngineFailed):
                fresh.shift(0, 10, 30, -5)
            return
        assert fresh.remove(0, 5, 10)
        fresh.shift(0, 10, 30, -5)
        fresh.copy(0, 1, 25)
        fresh.restore(2, fresh.export(0))
        expected = feed(fresh, 0, [8, 9], 25)
        for sequence in (1, 2):
            assert self.same(feed(fresh, sequence, [8, 9], 25), expected)
        assert fresh.remove(0, 25)
        assert np.isfinite(feed(fresh, 0, [7], 25)).all()
        with pytest.raises(EngineFailed):
            feed(fresh, 0, [7], 31)
