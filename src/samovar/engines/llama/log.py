"""The library's own log: handed on to Python's, and its first complaint kept to explain a failure with."""

from __future__ import annotations

import ctypes
import logging

_DEBUG, _INFO, _WARNING, _ERROR, _CONTINUED = 1, 2, 3, 4, 5
_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)

logger = logging.getLogger("samovar.engines.llama")


class LibraryLog:
    """Receives the log of one library. Keep it alive as long as the library may write."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._complaint = ""
        self._callback = _CALLBACK(self._receive)
        set_log = library["llama_log_set"]
        set_log.restype, set_log.argtypes = None, (_CALLBACK, ctypes.c_void_p)
        set_log(self._callback, None)

    def reason(self) -> str:
        """The first error line since the previous call, without the C function's name; "" if there is none."""
        complaint, self._complaint = self._complaint, ""
        return complaint

    def _receive(self, level: int, text: bytes | None, _: int | None) -> None:
        line = (text or b"").decode("utf-8", "replace").strip()
        if line.strip("."):
            logger.debug("%s", line)
        if level == _ERROR and not self._complaint:
            self._complaint = line.partition(": ")[2] or line
