"""Keys: made, told once, taken back at once, and never kept as they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from samovar.core.errors import Conflict, InvalidInput, NotFound
from samovar.core.keys import OWN, allows
from samovar.services.keys import KeyService
from samovar.services.keys.service import MOST_KEYS, SESSION_SECONDS
from samovar.store.database import Database
from samovar.store.keys import REMEMBERED_SECONDS, KeyStore


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Safe:
    """The keys of one home, and processes that use them."""

    database: Database
    home: Path
    clock: Clock

    def process(self, own: str | None = None, *, exposed: bool = False) -> KeyService:
        stamp = self.home / "keys.stamp"
        return KeyService(KeyStore(self.database), stamp, own, exposed=exposed, clock=self.clock)


@pytest.fixture
async def safe(tmp_path: Path) -> AsyncIterator[Safe]:
    database = Database.open(tmp_path / "samovar.db")
    yield Safe(database, tmp_path, Clock())
    await database.close()


async def test_without_keys_nobody_is_asked_and_with_one_everybody_is(safe: Safe) -> None:
    keys = safe.process()
    assert not (await keys.ring()).asked
    made = await keys.add("owner", "admin")
    ring = await keys.ring()
    assert ring.asked
    holder = ring.holder(made.secret.encode())
    assert holder is not None
    assert (holder.name, holder.scope, holder.id) == ("owner", "admin", made.key.id)
    assert ring.holder(b"") is None
    assert ring.holder(made.secret.encode()[:-1]) is None


async def test_a_server_that_others_reach_asks_even_without_keys(safe: Safe) -> None:
    assert (await safe.process(exposed=True).ring()).asked


async def test_the_key_a_server_was_started_with_is_one_more_and_is_kept_nowhere(safe: Safe) -> None:
    keys = safe.process("опёнок")
    ring = await keys.ring()
    assert ring.holder("опёнок".encode()) is OWN
    assert ring.holder("опёнок".encode(), guess=False) is None
    await keys.sign_in(OWN)
    await safe.database.close()
    assert "опёнок".encode() not in (safe.home / "samovar.db").read_bytes()


async def test_no_secret_is_kept_only_its_beginning_is_shown(safe: Safe) -> None:
    keys = safe.process()
    made = await keys.add("owner", "admin")
    token = await keys.sign_in((await keys.ring()).holder(made.secret.encode()) or OWN)
    assert len(made.secret) >= 43
    assert made.secret.startswith(made.key.prefix)
    await safe.database.close()
    file = (safe.home / "samovar.db").read_bytes()
    assert made.secret.encode() not in file
    assert token.encode() not in file
    assert made.key.prefix.encode() in file


async def test_what_another_process_changes_holds_at_once(safe: Safe) -> None:
    server, command = safe.process(), safe.process()
    assert not (await server.ring()).asked
    made = await command.add("owner", "admin")
    assert (await server.ring()).holder(made.secret.encode()) is not None
    second = await server.add("laptop", "infer")
    await command.revoke("laptop")
    assert (await server.ring()).holder(second.secret.encode()) is None
    assert (await server.ring()).holder(made.secret.encode()) is not None


async def test_each_key_can_be_named_by_id_name_or_beginning(safe: Safe) -> None:
    keys = safe.process()
    await keys.add("owner", "admin")
    for name in ("one", "two", "three"):
        made = await keys.add(name, "infer")
        which = {"one": made.key.id, "two": "two", "three": made.key.prefix}[name]
        assert (await keys.revoke(which)).name == name
        with pytest.raises(NotFound, match="no key"):
            await keys.revoke(which)


async def test_somebody_can_always_manage_the_keys(safe: Safe) -> None:
    keys = safe.process()
    with pytest.raises(Conflict, match="admin"):
        await keys.add("laptop", "infer")
    owner = await keys.add("owner", "admin")
    await keys.add("laptop", "infer")
    with pytest.raises(Conflict, match="last"):
        await keys.revoke(owner.key.id)
    await keys.revoke("laptop")
    await keys.revoke("owner")
    assert not (await keys.ring()).asked


async def test_a_server_that_others_reach_keeps_its_last_key_and_one_with_its_own_need_not(safe: Safe) -> None:
    exposed = safe.process(exposed=True)
    await exposed.add("owner", "admin")
    with pytest.raises(Conflict, match="last"):
        await exposed.revoke("owner")
    await safe.process("own", exposed=True).revoke("owner")
    made = await safe.process("own").add("laptop", "infer")
    assert made.key.scope == "infer"


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "two\nlines", "bell\a"])
async def test_a_name_is_one_short_line(safe: Safe, name: str) -> None:
    with pytest.raises(InvalidInput, match="60"):
        await safe.process().add(name, "admin")


async def test_a_name_is_given_once_at_a_time(safe: Safe) -> None:
    keys = safe.process("own")
    await keys.add("laptop", "infer")
    with pytest.raises(Conflict, match="Laptop"):
        await keys.add("Laptop ", "infer")
    await keys.revoke("laptop")
    await keys.add("Laptop", "infer")


async def test_keys_are_bounded(safe: Safe, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_KEYS >= 100
    monkeypatch.setattr("samovar.services.keys.service.MOST_KEYS", 2)
    keys = safe.process()
    await keys.add("one", "admin")
    await keys.add("two", "admin")
    with pytest.raises(Conflict, match="2"):
        await keys.add("three", "admin")


async def test_a_session_ends_when_signed_out_when_its_key_goes_and_with_time(safe: Safe) -> None:
    keys = safe.process("own")
    made = await keys.add("owner", "admin")
    holder = (await keys.ring()).holder(made.secret.encode())
    assert holder is not None
    first, second, third = [(await keys.sign_in(holder)).encode() for _ in range(3)]
    now = safe.clock.now
    assert (await keys.ring()).session(first, now) == holder
    assert (await keys.ring()).session(first + b"x", now) is None
    await keys.sign_out(first)
    assert (await keys.ring()).session(first, now) is None
    assert (await keys.ring()).session(second, now) == holder
    assert (await keys.ring()).session(third, now + SESSION_SECONDS + 1) is None
    await keys.revoke("owner")
    assert (await keys.ring()).session(second, now) is None


async def test_a_session_of_the_servers_own_key_outlives_a_restart_but_not_another_key(safe: Safe) -> None:
    token = (await safe.process("own").sign_in(OWN)).encode()
    assert (await safe.process("own").ring()).session(token, safe.clock.now) == OWN
    assert (await safe.process("other").ring()).session(token, safe.clock.now) is None
    assert (await safe.process().ring()).session(token, safe.clock.now) is None
    await safe.process("own").sign_out(token)
    assert (await safe.process("own").ring()).session(token, safe.clock.now) is None


async def test_the_list_tells_when_a_key_was_used_and_forgets_what_was_taken_back_long_ago(safe: Safe) -> None:
    keys = safe.process("own")
    made = await keys.add("laptop", "infer")
    holder = (await keys.ring()).holder(made.secret.encode())
    assert holder is not None
    assert [(key.name, key.used, key.revoked) for key in await keys.listed()] == [("laptop", None, None)]
    safe.clock.now += 5
    keys.note_use(holder)
    await keys.close()
    assert [key.used for key in await keys.listed()] == [safe.clock.now]
    await keys.revoke("laptop")
    assert [key.revoked for key in await keys.listed()] == [safe.clock.now]
    safe.clock.now += REMEMBERED_SECONDS + 1
    assert await keys.listed() == ()


def test_a_scope_includes_those_before_it() -> None:
    assert allows("admin", "infer") and allows("manage", "infer") and allows("infer", "infer")
    assert not allows("infer", "manage") and not allows("manage", "admin")
