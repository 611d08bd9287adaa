"""Errors cross the border of a process and stay what they were; every one has a sentence in both languages."""

import pytest

from samovar.core.catalogue import LANGUAGES, language_of, say, sentences
from samovar.core.errors import EngineFailed, ErrorValue, PromptTooLong, SamovarError, revive


def test_an_error_survives_the_border_of_a_process() -> None:
    error = PromptTooLong("runtime.prompt_too_long", prompt=70, window=64)
    revived = revive(error.value())
    assert type(revived) is PromptTooLong
    assert revived.value() == error.value()
    assert "70" in str(revived)
    assert "64" in str(revived)


def test_an_unknown_kind_becomes_the_root_of_the_tree() -> None:
    revived = revive(ErrorValue("FromTheFuture", "runtime.prompt_empty"))
    assert type(revived) is SamovarError


def test_a_sentence_comes_in_the_language_asked_for() -> None:
    error = EngineFailed("runtime.worker_died", cause="SIGSEGV")
    assert "ended unexpectedly" in error.text("en")
    assert "неожиданно" in error.text("ru")
    assert "SIGSEGV" in error.text("ru")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_can_be_said(language: str) -> None:
    assert all(forms[language].strip() for forms in sentences().values())


def test_a_locale_or_a_header_chooses_the_language() -> None:
    assert language_of("ru-RU,ru;q=0.9,en;q=0.8") == "ru"
    assert language_of("ru_RU.UTF-8") == "ru"
    assert language_of("de-DE") == "en"
    assert language_of(None) == "en"
    assert say("runtime.prompt_empty", "en").startswith("The prompt is empty")
