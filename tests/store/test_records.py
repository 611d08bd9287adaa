"""What was learnt about models and chosen for them: kept by key, and forgotten rather than misread."""

from __future__ import annotations

import msgspec

from samovar.store.database import Database
from samovar.store.records import Records


class Seen(msgspec.Struct, frozen=True):
    build: str
    micro_batch: int


async def test_a_verdict_is_kept_and_replaced(database: Database) -> None:
    verdicts = Records(database, "verdicts")
    assert await verdicts.get("model ik", Seen) is None
    await verdicts.put("model ik", Seen("ik", 512))
    await verdicts.put("model ik", Seen("ik", 31))
    assert await verdicts.get("model ik", Seen) == Seen("ik", 31)
    assert await verdicts.get("other ik", Seen) is None


async def test_a_verdict_of_another_shape_counts_as_none(database: Database) -> None:
    verdicts = Records(database, "verdicts")
    await verdicts.put("key", {"build": 7})
    assert await verdicts.get("key", Seen) is None


async def test_a_choice_can_be_taken_back_and_is_not_a_verdict(database: Database) -> None:
    contexts = Records(database, "contexts")
    await contexts.put("key", Seen("ik", 31))
    assert await Records(database, "verdicts").get("key", Seen) is None
    await contexts.remove("key")
    assert await contexts.get("key", Seen) is None
