"""What had to go to make room is told, by tier, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from samovar.runtime.kv import Entry, Tiers, open_tiers
from samovar.runtime.kv.blobfile import file_size

from .caches import KIND, PATIENCE, PLENTY, entry, tiers_in

Open = Callable[..., Tiers]
NOTHING = {"ram": (0, 0), "disk": (0, 0)}


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    made: list[Tiers] = []

    def open_(ram: int = PLENTY, disk: int = PLENTY) -> Tiers:
        made.append(tiers_in(tmp_path, ram, disk))
        return made[-1]

    yield open_
    for tiers in made:
        tiers.close(0)


def put(tiers: Tiers, *entries: Entry) -> None:
    """As an idle server does."""
    tiers.allow()
    for one in entries:
        tiers.put(one)
        assert tiers.settled(PATIENCE)


def test_each_tier_tells_what_made_room_for_others_once(opened: Open) -> None:
    size = file_size(KIND, entry(1))
    tiers = opened(ram=350, disk=2 * size + 10)
    assert tiers.lost() == NOTHING
    put(tiers, *(entry(token) for token in range(5)))
    assert (tiers.sizes.ram_entries, tiers.sizes.disk_entries) == (3, 2)
    assert tiers.lost() == {"ram": (2, 2 * entry(1).size), "disk": (3, 3 * size)}
    assert tiers.lost() == NOTHING


def test_what_is_outdone_or_forgotten_is_not_lost(opened: Open) -> None:
    tiers = opened()
    put(tiers, entry(1, 2), entry(1, 2, 3), entry(4, session="s"))
    tiers.forget("s")
    assert tiers.lost() == NOTHING


def test_a_budget_that_has_become_smaller_is_a_loss_at_the_start(opened: Open) -> None:
    put(opened(), entry(1), entry(2))
    smaller = opened(disk=file_size(KIND, entry(1)))
    assert smaller.lost() == {"ram": (0, 0), "disk": (1, file_size(KIND, entry(1)))}


def test_without_a_disk_it_loses_nothing() -> None:
    tiers = open_tiers("", KIND, ram=150, disk=0)
    put(tiers, entry(1), entry(2))
    assert tiers.lost() == {"ram": (1, entry(1).size)}
