"""Whatever happens to a server and to its folder: a cache is the right one or none, budgets hold, and what is not
ours is not touched."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from samovar.runtime.kv import Entry, Label

from .caches import KIND, PATIENCE, blob_of, files, shared, tiers_in

TOKENS = st.lists(st.integers(0, 2), min_size=1, max_size=5)
TENANTS = st.sampled_from(["", "alice"])
SESSIONS = st.sampled_from(["", "one", "two"])
RAM, DISK = 3000, 6000


class Serving(RuleBasedStateMachine):
    """The model: for every tenant and tokens each blob that was ever put. `hurt`: files may be damaged."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.ever: dict[tuple[str, tuple[int, ...]], set[bytes]] = {}
        self.hurt = False
        self.foreign: dict[Path, bytes] = {}

    @initialize(cuttable=st.booleans())
    def start(self, cuttable: bool) -> None:
        self.cuttable = cuttable
        self.open()

    def teardown(self) -> None:
        self.tiers.close(0)
        self.folder.cleanup()

    def open(self) -> None:
        self.tiers = tiers_in(self.root, RAM, DISK, cuttable=self.cuttable)

    def settle(self) -> None:
        assert self.tiers.settled(PATIENCE)

    @rule(tokens=TOKENS, tenant=TENANTS, session=SESSIONS, size=st.integers(0, 4000), note=st.binary(max_size=2))
    def put(self, tokens: list[int], tenant: str, session: str, size: int, note: bytes) -> None:
        blob = blob_of(size, f"{tokens} {tenant} {note!r}")
        self.tiers.put(Entry(Label.of(tokens, tenant, session, note), blob))
        self.ever.setdefault((tenant, tuple(tokens)), set()).add(blob)
        self.settle()
        assert self.tiers.covers(tokens, tenant)

    @rule(tokens=TOKENS, tenant=TENANTS)
    def ask(self, tokens: list[int], tenant: str) -> None:
        """What a loop does: the best, and where that is damaged the next best, until there is none."""
        before = None
        while (match := self.tiers.longest(tokens, tenant)) is not None:
            row = match.label.tokens
            assert match.label.tenant == tenant and (tenant, tuple(row)) in self.ever
            assert match.shared == shared(row, tokens) > 0
            assert self.cuttable or match.shared == match.length
            assert before is None or match.shared <= before
            blob = self.tiers.fetch(match)
            self.settle()
            if blob is not None:
                assert blob in self.ever[tenant, tuple(row)]
                return
            assert self.hurt and match.tier == "disk"
            before = match.shared

    @rule()
    def rest(self) -> None:
        self.tiers.allow()
        self.settle()

    @rule()
    def work(self) -> None:
        self.tiers.hold()

    @rule(sessions=st.sets(SESSIONS))
    def look_at(self, sessions: set[str]) -> None:
        self.tiers.pin(sessions)
        self.settle()

    @rule()
    def end_and_start(self) -> None:
        self.tiers.close(PATIENCE)
        self.open()

    @rule()
    def die_and_start(self) -> None:
        self.tiers.close(0)
        self.open()

    @precondition(lambda self: self.caches())
    @rule(data=st.data())
    def damage(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(self.caches()))
        good = path.read_bytes()
        at = data.draw(st.integers(0, max(len(good) - 1, 0)))
        wrong = data.draw(
            st.sampled_from([good[:at], good[:at] + bytes(b ^ 1 for b in good[at : at + 1]) + good[at + 1 :], None])
        )
        self.hurt = True
        path.unlink()
        if wrong is not None:
            path.write_bytes(wrong)

    @rule(name=st.sampled_from(["notes.txt", f"{KIND}/notes.kv", f"{KIND}/{'a' * 40}.tmp", f"{'b' * 40}.kv"]))
    def leave_something(self, name: str) -> None:
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(9000))
        self.foreign[path] = bytes(9000)

    def caches(self) -> list[Path]:
        return [path for path in files(self.root) if path not in self.foreign]

    @invariant()
    def budgets_hold(self) -> None:
        sizes = self.tiers.sizes
        assert sizes.ram_bytes <= RAM
        assert sum(path.stat().st_size for path in self.caches()) <= DISK
        assert self.tiers.notes == ()

    @invariant()
    def the_count_is_right(self) -> None:
        assert self.hurt or self.tiers.sizes.disk_entries == len(self.caches())

    @invariant()
    def what_is_not_ours_is_not_touched(self) -> None:
        assert all(path.read_bytes() == content for path, content in self.foreign.items())


TestServing = Serving.TestCase
TestServing.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
