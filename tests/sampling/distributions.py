"""Distributions that agreement with other implementations is tested on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

DATA = Path(__file__).parent / "data"
SIZE = 400


@dataclass(frozen=True)
class Distribution:
    """`logits` float32 [n] of the tokens `ids`, int64 [n], rising; `history`: the tokens before."""

    logits: np.ndarray
    ids: np.ndarray
    history: np.ndarray


def random(count: int = 1000, size: int = SIZE, *, impossible: bool = True) -> list[Distribution]:
    """Flat ones and steep ones; every fifth has tokens that are impossible. Texts that repeat themselves."""
    dice = np.random.default_rng(1)
    ids = np.arange(size)
    rows = []
    for index in range(count):
        logits = (dice.standard_normal(size) * dice.uniform(0.2, 8)).astype(np.float32)
        if impossible and index % 5 == 0:
            logits[dice.random(size) < 0.3] = -np.inf
        rows.append(Distribution(logits, ids, repeating(dice, size)))
    return rows


def repeating(dice: np.random.Generator, size: int) -> np.ndarray:
    """A text that goes back to earlier places of itself again and again."""
    text = list(dice.integers(0, size, 12))
    while len(text) < 90:
        start, length = dice.integers(0, len(text) - 3), dice.integers(1, 12)
        text += text[start : start + length]
        if dice.random() < 0.5:
            text.append(dice.integers(0, size))
    return np.array(text)


def real() -> list[Distribution]:
    """The starter model's, after the beginnings of a text: `scripts/real_logits.py` makes them. What became equal
    when it was rounded for the file is told apart again, as the order of equals is nobody's promise."""
    with np.load(DATA / "real.npz") as file:
        logits, ids, text, places = (file[name] for name in ("logits", "ids", "text", "places"))
    logits = logits.astype(np.float32) - np.arange(logits.shape[1], dtype=np.float32) * np.float32(1e-4)
    order = np.argsort(ids, axis=1)
    return [
        Distribution(row[o], i[o].astype(np.int64), text[:place].astype(np.int64))
        for row, i, o, place in zip(logits, ids, order, places, strict=True)
    ]
