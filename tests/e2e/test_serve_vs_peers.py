"""`bench/serve_vs_peers.py` measures what it says, on real servers with the echo engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.peers import report
from bench.peers.chats import KeptByClient
from bench.peers.client import Refused, complete
from bench.peers.rows import ROWS, Row
from bench.peers.sides import NotServing, Samovar, Server, Setup
from bench.peers.texts import Texts
from bench.peers.turns import take_turns
from bench.peers.workloads import QUICK

ECHO = Path("echo:reply=one two three four five six seven eight nine ten")
TEXTS = Texts(("tea", "honey", "snow", "river", "letter"), 6.0)
"""The echo engine's tokens are bytes."""
SMALL = replace(QUICK, turns=2)
UNLIKE = ("clients", "restart", "window")
"""Rows that between them do what all do: many at once, servers that end and come back, the page's chat."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(Samovar(ECHO, 1), Setup(window=1024), tmp_path)
    running.start()
    yield running
    running.stop()


@pytest.mark.parametrize("row", [row for row in ROWS if row.name in UNLIKE], ids=lambda row: row.name)
def test_a_row_gives_its_figures_for_both_sides(row: Row) -> None:
    sides = (Samovar(ECHO, 1), Samovar(ECHO, 1, name="the same again"))
    roomy = replace(row, setup=replace(row.setup, window=4096))
    found = take_turns(roomy, sides, TEXTS, SMALL)
    assert [one.figure for one in found] == list(row.figures)
    assert all(value > 0 for one in found for value in (*one.ours, *one.theirs, one.ratio))
    assert all(report.line(one, ECHO, compiled=False).count("|") == 8 for one in found)


def test_answers_are_as_long_as_was_asked(server: Server) -> None:
    assert asyncio.run(complete(server.port, "tea", 25)).completion_tokens == 25


def test_a_client_that_keeps_the_chat_never_sends_more_than_the_window(server: Server) -> None:
    with pytest.raises(Refused, match="1024"):
        asyncio.run(complete(server.port, TEXTS.of_tokens(1100), 1))
    waits = asyncio.run(KeptByClient(server, 1024).turns([TEXTS.of_words(30, turn) for turn in range(15)]))
    assert len(waits) == 15


def test_a_paused_server_goes_on_where_it_was(server: Server) -> None:
    server.pause()
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(complete(server.port, "tea", 2), 0.2))
    server.resume()
    assert asyncio.run(complete(server.port, "tea", 2)).completion_tokens == 2


def test_a_side_that_cannot_serve_says_why(tmp_path: Path) -> None:
    letter = tmp_path / "letter.gguf"
    letter.write_text("Dear friend, this is no model.")
    with pytest.raises(NotServing, match=r"letter\.gguf"):
        Server(Samovar(letter, 1), Setup(window=512), tmp_path).start()


def test_texts_are_the_same_in_every_run_and_new_for_every_key() -> None:
    assert TEXTS.of_words(40, "a", 1) == TEXTS.of_words(40, "a", 1) != TEXTS.of_words(40, "a", 2)
    assert len(TEXTS.of_words(40, "a").split()) == 40
    chat = TEXTS.chat(3000, "b")
    assert [message["role"] for message in chat[::2]] == ["user"] * (len(chat) // 2 + 1)
    assert sum(len(message["content"].split()) for message in chat) == pytest.approx(500, rel=0.02)
