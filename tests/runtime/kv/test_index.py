"""The index finds what a search through everything finds."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from samovar.runtime.kv.index import Index
from samovar.runtime.kv.labels import Label, key_of, shared_tokens

from .caches import shared

# Ids whose bytes would sort otherwise, read as signed, little-endian or byte by byte.
TOKENS = st.lists(st.sampled_from([0, 1, 255, 256, 65536, 2**31 - 1]), min_size=1, max_size=6)
TENANTS = st.sampled_from(["", "alice", "bob"])


class Searching(RuleBasedStateMachine):
    """The model: every label that was added and not removed, as (tenant, tokens)."""

    @initialize(cuttable=st.booleans())
    def begin(self, cuttable: bool) -> None:
        self.cuttable = cuttable
        self.index = Index(cuttable=cuttable)
        self.known: dict[tuple[str, tuple[int, ...]], Label] = {}

    def serving(self, tokens: list[int], tenant: str) -> list[int]:
        """Lengths of what serves all of `tokens`."""
        wanted = tuple(tokens)
        return [
            len(row)
            for who, row in self.known
            if who == tenant and (row[: len(wanted)] == wanted if self.cuttable else row == wanted)
        ]

    @rule(tokens=TOKENS, tenant=TENANTS)
    def add(self, tokens: list[int], tenant: str) -> None:
        if self.serving(tokens, tenant):
            return
        label, row = Label.of(tokens, tenant), tuple(tokens)
        outdone = {
            known: other
            for known, other in self.known.items()
            if self.cuttable and known[0] == tenant and row[: len(known[1])] == known[1]
        }
        assert self.index.add(label) == list(outdone.values())
        self.known = {k: v for k, v in self.known.items() if k not in outdone} | {(tenant, row): label}

    @rule(tokens=TOKENS, tenant=TENANTS, note=st.binary(max_size=2))
    def add_again(self, tokens: list[int], tenant: str, note: bytes) -> None:
        if (tenant, tuple(tokens)) in self.known:
            label = Label.of(tokens, tenant, note=note)
            assert self.index.add(label) == [self.known[tenant, tuple(tokens)]]
            self.known[tenant, tuple(tokens)] = label

    @rule(tokens=TOKENS, tenant=TENANTS)
    def remove(self, tokens: list[int], tenant: str) -> None:
        self.index.remove(Label.of(tokens, tenant))
        self.known.pop((tenant, tuple(tokens)), None)

    @rule(tokens=TOKENS, tenant=TENANTS)
    def look(self, tokens: list[int], tenant: str) -> None:
        found = self.index.longest(key_of(tokens), tenant)
        serves = {
            row: shared(list(row), tokens)
            for who, row in self.known
            if who == tenant and (self.cuttable or tokens[: len(row)] == list(row))
        }
        best = max(serves.values(), default=0)
        if not best:
            assert found is None
            return
        assert found is not None
        assert found.shared == best == serves[tuple(found.label.tokens)]
        assert len(found.label) == min(len(row) for row, count in serves.items() if count == best)
        assert found.label == self.known[tenant, tuple(found.label.tokens)]

    @rule(tokens=TOKENS, tenant=TENANTS)
    def cover(self, tokens: list[int], tenant: str) -> None:
        lengths = self.serving(tokens, tenant)
        found = self.index.covering(key_of(tokens), tenant)
        assert (found is None) == (not lengths)
        assert found is None or len(found) == min(lengths)

    @invariant()
    def nothing_is_lost(self) -> None:
        assert set(self.index) == set(self.known.values())
        assert len(self.index) == len(self.known)


TestSearching = Searching.TestCase
TestSearching.settings = settings(deadline=None)


@given(TOKENS, TOKENS)
def test_keys_compare_as_their_tokens_do(one: list[int], other: list[int]) -> None:
    assert (key_of(one) < key_of(other)) == (one < other)
    assert shared_tokens(key_of(one), key_of(other)) == shared(one, other)


@given(TOKENS)
def test_a_key_holds_its_tokens(tokens: list[int]) -> None:
    label = Label.of(np.asarray(tokens, dtype=np.int32))
    assert label == Label.of(tokens)
    assert (label.tokens, len(label)) == (tokens, len(tokens))


def test_names_differ_with_tokens_and_tenant_and_tell_neither() -> None:
    labels = [Label.of([1, 2], "alice"), Label.of([1, 2], "bob"), Label.of([1, 3], "alice"), Label.of([1, 2])]
    assert len({label.name for label in labels}) == len(labels)
    assert Label.of([1, 2], "alice", "a session", b"note").name == labels[0].name
    assert all(label.name.isalnum() and "alice" not in label.name for label in labels)
