"""What every engine that embeds promises besides."""

from __future__ import annotations

import numpy as np
import pytest

from samovar.core.engine import Engine
from samovar.core.errors import EngineFailed
from tests.conformance.engine_suite import EngineSuite, alone, feed, story


class EmbeddingSuite(EngineSuite):
    """Joined as `EngineSuite` is."""

    def test_a_text_is_embedded_in_pieces_as_in_one(self, fresh: Engine) -> None:
        tokens = story(50, 90)
        whole = fresh.embed(tokens[:60], length=60).copy()
        assert len(whole) == 60
        pieces = [fresh.embed(tokens[at : at + 25], start=at, length=90).copy() for at in (0, 25, 50)]
        assert np.abs(np.concatenate(pieces)[:60] - whole).max() <= 2 * self.tolerance
        fresh.end_embedding()
        assert np.abs(fresh.embed(tokens[:60], length=60) - whole).max() <= 2 * self.tolerance

    def test_a_text_that_is_embedded_goes_on_where_it_ended(self, fresh: Engine) -> None:
        fresh.embed(story(51, 20), length=40)
        for start in (10, 30):
            with pytest.raises(EngineFailed):
                fresh.embed(story(51, 5), start=start, length=40)
        with pytest.raises(EngineFailed):
            fresh.embed([1 << 20], start=20, length=40)
        assert len(fresh.embed(story(51, 5), start=20, length=40)) == 5

    def test_embedding_leaves_sequences_as_they_are(self, fresh: Engine) -> None:
        tokens, other = story(52, 30), story(53, 8)
        expected = alone(fresh, tokens + other)[30:]
        feed(fresh, 2, tokens)
        fresh.embed(story(54, 40), length=40)
        assert self.same(feed(fresh, 2, other, 30), expected)
