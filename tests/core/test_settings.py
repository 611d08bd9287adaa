"""Settings: what is said on the command line wins over the file, the file over the defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from samovar.core.errors import InvalidInput
from samovar.core.home import Home
from samovar.core.settings import Said, Settings, read_settings


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert read_settings(home, Said()) == Settings(home=home)
    assert (Settings(home=home).host, Settings(home=home).port) == ("127.0.0.1", 7860)


def test_what_is_said_now_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("port = 1\nctx = 4096\nno_browser = true\n")
    settings = read_settings(Home(tmp_path), Said(port=2, no_browser=False))
    assert (settings.port, settings.ctx, settings.no_browser) == (2, 4096, False)


@pytest.mark.parametrize("text", ["prot = 1", "port = 70000", "port = 'x'", "ctx = 0", "library = 'gpu'"])
def test_a_wrong_setting_is_named_with_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(InvalidInput) as refused:
        read_settings(Home(tmp_path), Said())
    assert refused.value.key == "core.settings_invalid"
    assert text.split()[0] in refused.value.text("en")


@pytest.mark.parametrize("content", [b"port = ", b"\xff\xfe", b"[[["])
def test_a_file_that_is_not_toml_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "settings.toml").write_bytes(content)
    with pytest.raises(InvalidInput, match=r"settings\.toml"):
        read_settings(Home(tmp_path), Said())


def test_a_folder_in_the_place_of_the_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").mkdir()
    with pytest.raises(InvalidInput, match=r"settings\.toml"):
        read_settings(Home(tmp_path), Said())


def test_the_key_is_not_shown_where_settings_are(tmp_path: Path) -> None:
    assert "secret" not in repr(read_settings(Home(tmp_path), Said(api_key="secret")))
