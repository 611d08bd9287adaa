"""Guesses change nothing but the time: the same tokens for a seed, the model's own distribution over seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from samovar.core.engine import Engine
from samovar.core.parameters import SamplingParams, Value
from samovar.core.requests import Banned, Constraint, GenerateRequest
from samovar.runtime.jobs import Job
from samovar.runtime.speculation import Speculation
from tests.runtime.speculation.conftest import Told, answers, same_but_for_ties
from tests.support.tiny_llama import TinyLlama

HOT: dict[str, Value] = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
GREEDY: dict[str, Value] = {"temperature": 0.0}
PROMPT = tuple(5 + i * 7 % 200 for i in range(60))


def ask(values: dict[str, Value], **changes: object) -> GenerateRequest:
    fields: dict[str, object] = {"tokens": PROMPT, "max_tokens": 40, "id": "a", **changes}
    return GenerateRequest(sampling=SamplingParams(values, seed=3), **fields)  # type: ignore[arg-type]


SHAPES = {
    "greedy": ask(GREEDY),
    "hot": ask(HOT),
    "penalties": ask(
        {**HOT, "repetition_penalty": 1.3, "presence_penalty": 0.5, "frequency_penalty": 0.3, "dry_multiplier": 0.8}
    ),
    "mirostat": ask({**HOT, "mirostat_mode": 2, "mirostat_tau": 3.0}),
    "coins": ask({**HOT, "xtc_probability": 0.5, "xtc_threshold": 0.05}),
    "grammar": ask(HOT, constraint=Constraint("regex", "([a-m]{2}[n-z]){2,9}")),
    "banned": ask(HOT, banned=Banned(("a", "e", "t", "1"))),
    "stop": ask(HOT, stop=("a", "e", "i", "o", "u")),
    "logprobs": ask(HOT, logprobs=3),
    "logprobs after": ask({**HOT, "top_k": 9}, logprobs=3, logprobs_after=True),
    "two choices": ask(HOT, n=2),
    "guided": ask(HOT, guidance_scale=1.5),
    "one token": ask(HOT, max_tokens=1),
    "to the end of the window": ask(GREEDY, tokens=PROMPT * 8, max_tokens=None),
}


def half_right(answered: Sequence[Sequence[int]], reach: int = 6) -> Told:
    """Guesses how the known answers go on, with every fourth token wrong."""

    def say(job: Job) -> list[int]:
        said = len(job.tokens) - job.prompt
        coming = answered[job.index][said : said + reach]
        return [token if (said + i) % 4 else (token + 1) % 200 for i, token in enumerate(coming)]

    return Told(say)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_answer_is_the_same_with_and_without_guesses(exact: Engine, shape: str) -> None:
    request = SHAPES[shape]
    (plain,) = answers(exact, [request])
    said = [plain.ids(index) for index in range(request.n)]
    (guessed,) = answers(exact, [request], half_right(said))
    for index in range(request.n):
        assert guessed.ids(index) == said[index]
        assert guessed.text(index) == plain.text(index)
        for one, other in zip(guessed.tokens(index), plain.tokens(index), strict=True):
            assert one.logprob == pytest.approx(other.logprob, abs=1e-3)
            assert [t.id for t in one.top] == [t.id for t in other.top]
    assert guessed.done.usage == plain.done.usage
    timings = guessed.done.timings
    if shape in ("guided", "one token"):
        assert timings.draft_n == 0
    elif sum(map(len, said)) > 10:
        assert 0 < timings.draft_n_accepted < timings.draft_n


def test_greedy_texts_of_many_prompts_are_the_same_with_lookup(engine: Engine) -> None:
    """Prompts that repeat themselves, two at a time, so that there is something to look up."""
    prompts = [tuple([10 + seed, *range(20 + seed, 40 + seed)] * 3)[: 30 + seed] for seed in range(40)]
    drafted = 0
    for pair in zip(prompts[::2], prompts[1::2], strict=True):
        requests = [
            ask(GREEDY, tokens=prompt, id=str(i), max_tokens=60, logprobs=2) for i, prompt in enumerate(pair)
        ]
        plain = answers(engine, requests)
        guessed = answers(engine, requests, Speculation("lookup"))
        assert all(map(same_but_for_ties, guessed, plain))
        drafted += sum(one.done.timings.draft_n for one in guessed)
    assert drafted > 0


def test_tokens_drawn_behind_guesses_have_the_models_own_distribution(engine: Engine) -> None:
    """Pearson's chi-square over the 2nd to 4th token, at three choices each; the bound is passed by chance once in
    a hundred thousand runs. The numbers are those of fixed seeds: a run is not a matter of luck."""
    kept, length, count = 3, 4, 1500
    model = TinyLlama(seed=5)
    odds, likeliest = expectations(model, list(PROMPT), kept, length)

    def say(job: Job) -> list[int]:
        """The likeliest of the tokens that may come, and now and then another one."""
        said, guesses = job.tokens[job.prompt :], list[int]()
        while len(said) + len(guesses) < length:
            options = likeliest[(*said, *guesses)]
            guesses.append(options[(len(guesses) + int(job.request)) % 4 % kept])
        return guesses

    values: dict[str, Value] = {**HOT, "top_k": kept}
    requests = [
        GenerateRequest(id=str(i), tokens=PROMPT, sampling=SamplingParams(values, seed=i), max_tokens=length)
        for i in range(count)
    ]
    batches = [requests[i : i + 50] for i in range(0, count, 50)]
    told = [one for batch in batches for one in answers(engine, batch, Told(say))]
    assert sum(one.done.timings.draft_n_accepted for one in told) > count / 2
    found = Counter(tuple(one.ids()) for one in told)
    whole = {path: chance for path, chance in odds.items() if len(path) == length}
    assert set(found) <= set(whole)
    common = [path for path, chance in whole.items() if chance * count >= 5]
    rest = count - sum(found[path] for path in common), 1 - sum(whole[path] for path in common)
    cells = [(found[path], whole[path]) for path in common] + ([rest] if rest[1] * count >= 5 else [])
    statistic = sum((seen - chance * count) ** 2 / (chance * count) for seen, chance in cells)
    freedom = len(cells) - 1
    assert statistic < freedom + 4.3 * np.sqrt(2 * freedom) + 12, (statistic, freedom)


def expectations(
    model: TinyLlama, prompt: list[int], kept: int, length: int
) -> tuple[dict[tuple[int, ...], float], dict[tuple[int, ...], list[int]]]:
    """By what was said: its probability where the `kept` likeliest tokens may come, and which these are."""
    odds: dict[tuple[int, ...], float] = {(): 1.0}
    likeliest: dict[tuple[int, ...], list[int]] = {}
    for said in range(length):
        for path in [path for path in odds if len(path) == said]:
            row = model.logits([*prompt, *path])[-1].astype(np.float64)
            best = np.argsort(-row)[:kept]
            weights = np.exp(row[best] - row[best[0]])
            likeliest[path] = [int(token) for token in best]
            for token, weight in zip(likeliest[path], weights / weights.sum(), strict=True):
                odds[(*path, token)] = odds[path] * float(weight)
    return odds, likeliest
