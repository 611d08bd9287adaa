"""Nothing that somebody sets on SillyTavern's page is dropped silently: it changes what is asked, or is named."""

from __future__ import annotations

import pytest

from samovar.api.dialects.llamacpp import translate as llamacpp
from samovar.api.dialects.openai import translate as openai
from samovar.api.reading.asked import Asked
from tests.api.sillytavern_bodies import NEUTRAL, SET, WITHOUT_EFFECT, Body


def asked(kind: str, changed: Body) -> Asked:
    body = NEUTRAL[kind] | changed
    return llamacpp.completion(body) if kind == "llamacpp" else openai.text(body)


@pytest.mark.parametrize("kind", NEUTRAL)
def test_what_nobody_has_set_is_no_cause_for_a_warning(kind: str) -> None:
    assert asked(kind, {}).ignored == ()


@pytest.mark.parametrize(
    ("kind", "changed"),
    [(kind, changed) for kinds, changed in SET for kind in kinds],
    ids=lambda part: str(part)[:60],
)
def test_what_is_set_counts_or_is_named(kind: str, changed: Body) -> None:
    usual, other = asked(kind, {}), asked(kind, changed)
    assert other.completions != usual.completions or set(other.ignored) & set(changed)


@pytest.mark.parametrize(("kind", "changed"), WITHOUT_EFFECT)
def test_what_no_answer_depends_on_is_no_cause_for_a_warning_either(kind: str, changed: Body) -> None:
    assert asked(kind, changed) == asked(kind, {})
