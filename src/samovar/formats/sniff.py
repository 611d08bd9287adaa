"""What a file that is not a GGUF looks like, by its first bytes: a person's mistake deserves its name."""

from __future__ import annotations

# Each: what the file begins with, at which byte, and the catalogue key that says so.
_SIGNS: tuple[tuple[bytes, int, str], ...] = (
    (b"<!doctype html", 0, "formats.is_html"),
    (b"<html", 0, "formats.is_html"),
    (b"version https://git-lfs", 0, "formats.is_lfs_pointer"),
    (b"pk\x03\x04", 0, "formats.is_zip"),
    (b"\x1f\x8b", 0, "formats.is_archive"),
    (b"7z\xbc\xaf\x27\x1c", 0, "formats.is_archive"),
    (b"\x28\xb5\x2f\xfd", 0, "formats.is_archive"),
    (b"rar!", 0, "formats.is_archive"),
    (b"ustar", 257, "formats.is_archive"),
    (b"tjgg", 0, "formats.is_old_ggml"),
    (b"fmgg", 0, "formats.is_old_ggml"),
    (b"lmgg", 0, "formats.is_old_ggml"),
    (b"algg", 0, "formats.is_old_ggml"),
    (b'{"', 8, "formats.is_safetensors"),
    (b"{", 0, "formats.is_json"),
    (b"\x80\x02", 0, "formats.is_pickle"),
)
HEAD_BYTES = 512


def looks_like(head: bytes) -> str:
    """The catalogue key for what begins with `head` (HEAD_BYTES of it, or the whole file)."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for sign, at, key in _SIGNS:
        if (text if at == 0 else head.lower())[at : at + len(sign)] == sign:
            return key
    if head and not head.strip(b"\0"):
        return "formats.is_zeros"
    return "formats.is_unknown"
