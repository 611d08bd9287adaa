"""Settings: what is said on the command line wins over the file, the file over the defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from samovar.core.errors import InvalidInput, OutOfRange
from samovar.core.home import Home
from samovar.core.rope import CacheTypes, RopeWish
from samovar.core.settings import Said, Settings, read_settings


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert read_settings(home, Said()) == Settings(home=home)
    assert (Settings(home=home).host, Settings(home=home).port) == ("127.0.0.1", 7860)


def test_what_is_said_now_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("port = 1\nctx = 4096\nno_browser = true\nreuse_shifted = true\n")
    settings = read_settings(Home(tmp_path), Said(port=2, no_browser=False))
    assert (settings.port, settings.ctx, settings.no_browser) == (2, 4096, False)
    assert settings.reuse_shifted


def test_sites_and_names_that_may_come_in_are_lists(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('allow_origin = ["https://a.example"]\nallow_host = ["a", "b"]\n')
    settings = read_settings(Home(tmp_path), Said(allow_host=("c",)))
    assert (settings.allow_origin, settings.allow_host) == (("https://a.example",), ("c",))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.5", "box.lan", "::ffff:127.0.0.1", "127.1"])
def test_an_address_that_other_machines_may_reach_is_known(tmp_path: Path, host: str) -> None:
    assert Settings(home=Home(tmp_path), host=host).exposed
    for own in ("127.0.0.1", "127.9.9.9", "::1", "localhost"):
        assert not Settings(home=Home(tmp_path), host=own).exposed


@pytest.mark.parametrize(
    "text",
    [
        "prot = 1",
        "port = 70000",
        "port = 'x'",
        "ctx = 0",
        "library = 'gpu'",
        "kv_ram = -1",
        "cache_type_k = 'q3'",
        "allow_host = 'x'",
    ],
)
def test_a_wrong_setting_is_named_with_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(InvalidInput) as refused:
        read_settings(Home(tmp_path), Said())
    assert refused.value.key == "core.settings_invalid"
    assert text.split()[0] in refused.value.text("en")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("kv_ram = 0", 0),
        ("kv_ram = 800", 800 * 10**6),
        ("kv_ram = '800'", 800 * 10**6),
        ("kv_ram = '2GB'", 2 * 10**9),
        ("kv_ram = '2 g'", 2 * 10**9),
        ("kv_ram = '1.5GiB'", 3 * 2**29),
        ("kv_ram = '64kib'", 64 * 2**10),
    ],
)
def test_sizes_are_written_as_people_write_them(tmp_path: Path, text: str, size: int) -> None:
    (tmp_path / "settings.toml").write_text(text)
    assert read_settings(Home(tmp_path), Said()).kv_ram == size


@pytest.mark.parametrize("written", ["many", "2GX", "-1", "", "1e9", "²"])
def test_what_is_no_size_is_refused_with_its_name(tmp_path: Path, written: str) -> None:
    with pytest.raises(InvalidInput, match="kv_disk must be a size") as refused:
        read_settings(Home(tmp_path), Said(kv_disk=written))
    assert written in refused.value.text("en")


@pytest.mark.parametrize("content", [b"port = ", b"\xff\xfe", b"[[["])
def test_a_file_that_is_not_toml_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "settings.toml").write_bytes(content)
    with pytest.raises(InvalidInput, match=r"settings\.toml"):
        read_settings(Home(tmp_path), Said())


def test_a_folder_in_the_place_of_the_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").mkdir()
    with pytest.raises(InvalidInput, match=r"settings\.toml"):
        read_settings(Home(tmp_path), Said())


def test_what_is_said_about_the_context_comes_from_both_too(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("rope_alpha = 2\ncache_type_k = 'q8_0'\n")
    settings = read_settings(Home(tmp_path), Said(rope_alpha=2.65, cache_type_v="q4_0"))
    assert settings.rope == RopeWish(rope_alpha=2.65)
    assert settings.cache == CacheTypes("q8_0", "q4_0")


@pytest.mark.parametrize("text", ["rope_alpha = 0.5", "rope_freq_base = -1"])
def test_positions_that_cannot_be_are_refused_with_the_reason(tmp_path: Path, text: str) -> None:
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(OutOfRange, match=text.split()[0]):
        read_settings(Home(tmp_path), Said())


def test_the_key_is_not_shown_where_settings_are(tmp_path: Path) -> None:
    assert "secret" not in repr(read_settings(Home(tmp_path), Said(api_key="secret")))
