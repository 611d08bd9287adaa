"""What a smaller KV cache and a stretched context do to a model's predictions, on a real text.

    python bench/context.py cache MODEL TEXT
    python bench/context.py positions MODEL TEXT

`cache`: mean divergence (nats) of the next-token distributions from those with an f16 cache of the same build and
way, over the first tokens of the text. `positions`: negative log-likelihood (nats a token) of a passage whose
beginning lies so far back that the two span the context, as it is and with each kind of stretch. A passage that far
away stands for all the text between, which would take hours to read; only `ik` takes positions with a gap.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from samovar.core.engine import Batch, Build, Engine, LoadSpec, Setting
from samovar.core.errors import SamovarError
from samovar.core.rope import KV_TYPES, OWN_ROPE, PLAIN_CACHE, CacheTypes, Rope, RopeWish
from samovar.engines.llama.binding import ContextOptions, ModelOptions
from samovar.engines.llama.builds import installed
from samovar.engines.llama.context import Context
from samovar.engines.llama.cpu import physical_cores, read_cpu
from samovar.engines.llama.divergence import mean_divergence
from samovar.engines.llama.faults import cache_refusal
from samovar.engines.llama.ladder import settings
from samovar.engines.llama.model import Model
from samovar.engines.llama.opening import load_binding
from samovar.engines.registry import open_engine
from samovar.formats.gguf import read_header
from samovar.formats.shape import ModelShape, model_shape
from samovar.hub.rope import stretch

Rows = npt.NDArray[np.float32]

STEP, EVERY = 64, 4
"""Tokens of one batch, and of how many of them one is looked at."""
BEGINNING, REST, CELLS = 768, 384, 2048
"""Tokens of the passage that stand at the first and at the last positions."""
SPANS = (0.95, 2, 3, 4)
"""Contexts, as multiples of the trained one."""
MIXED = (CacheTypes("q8_0", "q5_1"), CacheTypes("q8_0", "q4_0"))
CACHES = (
    *(CacheTypes(type) for type in KV_TYPES[1:]),
    *MIXED,
    *(CacheTypes(type, type) for type in KV_TYPES[1:]),
)


def opened(model: Path, setting: Setting, window: int, cache: CacheTypes, rope: Rope) -> Engine:
    spec = LoadSpec(
        engine="llama",
        path=str(model),
        window=window,
        cells=window,
        parallel=1,
        settings=(setting,),
        trusted=0,
        cache=cache,
        rope=rope,
    )
    return open_engine(spec, lambda _: True)


def rows(engine: Engine | Context, tokens: list[int], places: Sequence[int]) -> Iterator[tuple[int, Rows]]:
    """(index, logits after it) for every EVERY-th token; `places` are the tokens' positions."""
    for start in range(0, len(tokens), STEP):
        part = tokens[start : start + STEP]
        wanted = [i % EVERY == 0 for i in range(len(part))]
        logits = engine.decode(Batch(part, list(places[start : start + len(part)]), [0] * len(part), wanted))
        yield from zip(range(start, start + len(part), EVERY), logits, strict=True)


def ways(model: Path) -> list[Setting]:
    """The fastest right way of each build, with and without flash attention; the fastest of all first."""
    builds: list[Build] = [found.build for found in installed()]
    found = settings(builds=builds, cpu=read_cpu(), parallel=1, tensors=read_header(model).tensor_kinds())
    return [way for i, way in enumerate(found) if not any(_alike(way, before) for before in found[:i])]


def _alike(one: Setting, other: Setting) -> bool:
    return (one.build, one.flash) == (other.build, other.flash)


def caches(model: Path, text: str, count: int) -> None:
    print("| keys | values | " + " | ".join(f"{w.build}{', flash' * w.flash}" for w in ways(model)) + " |")
    exact = {way: taken(model, way, PLAIN_CACHE, text, count) for way in ways(model)}
    for cache in CACHES:
        cells = []
        for way, wanted in exact.items():
            refused = cache_refusal(way, cache)
            cells.append(
                "–" if refused else f"{mean_divergence(wanted, taken(model, way, cache, text, count)):.4f}"
            )
        print(f"| {cache.keys} | {cache.values} | " + " | ".join(cells) + " |", flush=True)


def taken(model: Path, way: Setting, cache: CacheTypes, text: str, count: int) -> Rows:
    engine = opened(model, way, count, cache, OWN_ROPE)
    try:
        tokens = engine.tokenize(text, special=False)[:count]
        return np.stack([row.copy() for _, row in rows(engine, tokens, range(count))])
    finally:
        engine.close()


def positions(model: Path, text: str, _: int) -> None:
    shape = model_shape(read_header(model))
    way = next(way for way in ways(model) if way.build == "ik")
    print("| context | " + " | ".join(kinds(shape, 2 * shape.trained_context)) + " |")
    for window in (int(shape.trained_context * span) for span in SPANS):
        losses = [f"{likelihood(model, way, rope, text, window):.2f}" for rope in kinds(shape, window).values()]
        print(f"| {window} | " + " | ".join(losses) + " |", flush=True)


def kinds(shape: ModelShape, window: int) -> dict[str, Rope]:
    wishes = {"as it is": RopeWish(rope_alpha=1.0), "suggested alpha": RopeWish()}
    wishes |= {"linear": RopeWish(rope_scaling="linear"), "YaRN": RopeWish(rope_scaling="yarn")}
    return {name: stretch(shape, window, wish).rope for name, wish in wishes.items()}


def likelihood(path: Path, way: Setting, rope: Rope, text: str, window: int) -> float:
    """Mean −log p (nats) of the last REST tokens of the passage, which end where the window does. Below the engine,
    which lets no sequence have a gap."""
    binding = load_binding(way.build)
    model = Model(binding, str(path), lambda _: True, ModelOptions(rope))
    options = ContextOptions(CELLS, 512, way.micro_batch, 1, physical_cores(), way.flash, rope=rope)
    context = Context(binding, model.handle, options, model.vocabulary.size)
    tokens = model.vocabulary.tokenize(text, special=False, bos=True)[: BEGINNING + REST + 1]
    places = [*range(BEGINNING), *range(window - REST, window)]
    losses = [_surprise(row, tokens[at + 1]) for at, row in rows(context, tokens[:-1], places) if at >= BEGINNING]
    context.close()
    model.close()
    return float(np.mean(losses))


def _surprise(logits: Rows, token: int) -> float:
    wide = logits.astype(np.float64)
    return float(wide.max() + np.log(np.exp(wide - wide.max()).sum()) - wide[token])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("what", choices=("cache", "positions"))
    options.add_argument("model", type=Path)
    options.add_argument("text", type=Path)
    options.add_argument("--ctx", type=int, default=512)
    chosen = options.parse_args()
    text = chosen.text.read_text(encoding="utf-8")
    try:
        (caches if chosen.what == "cache" else positions)(chosen.model, text, chosen.ctx)
    except SamovarError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
