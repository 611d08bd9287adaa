"""How fast this machine reads and writes memory: what drawing tokens can never be faster than."""

from __future__ import annotations

import ctypes
import threading
import time

_BLOCK = 128 << 20
"""Bytes copied in one round over all threads: many times what caches hold."""
_ROUNDS = 5


def memory_bandwidth(threads: int) -> float:
    """Bytes read and written a second by `threads` that copy large blocks: the best of a few rounds, of which other
    processes disturbed the best least."""
    share = _BLOCK // threads
    # Filled, so that every page is there before it is timed.
    blocks = [
        (ctypes.create_string_buffer(b"\1" * share), ctypes.create_string_buffer(share)) for _ in range(threads)
    ]
    for source, target in blocks:
        ctypes.memmove(target, source, share)
    return 2 * share * threads / min(_seconds(blocks, share) for _ in range(_ROUNDS))


def _seconds(blocks: list[tuple[ctypes.Array[ctypes.c_char], ctypes.Array[ctypes.c_char]]], share: int) -> float:
    # ctypes lets go of the interpreter while it copies.
    copies = [threading.Thread(target=ctypes.memmove, args=(to, source, share)) for source, to in blocks]
    began = time.perf_counter()
    for copy in copies:
        copy.start()
    for copy in copies:
        copy.join()
    return time.perf_counter() - began
