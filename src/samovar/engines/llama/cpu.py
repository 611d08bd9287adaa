"""What this processor is and can do, as far as the choice of a library build depends on it."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import psutil

X86 = frozenset({"x86_64", "amd64", "i386", "i686"})
_PF_AVX2_INSTRUCTIONS_AVAILABLE = 40


class Cpu(msgspec.Struct, frozen=True):
    """`machine` and `flags` in lower case; `flags` names at least "avx2" where the processor has it."""

    machine: str
    flags: frozenset[str]
    cores: int

    @property
    def runs_ik(self) -> bool:
        """Whether the wheels of `ik` can run here: on x86 they use AVX2 without asking, and die where it is not."""
        return self.machine not in X86 or "avx2" in self.flags

    @property
    def key(self) -> str:
        """A short digest of the kind of processor, the same for processors that run the same instructions."""
        facts = " ".join((self.machine, *sorted(self.flags)))
        return hashlib.blake2b(facts.encode(), digest_size=6).hexdigest()


def read_cpu() -> Cpu:
    return Cpu(platform.machine().lower(), _flags(), physical_cores())


def processor_name() -> str:
    """As its maker calls it, where the system tells."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        told = ""
    found = re.search(r"^model name\s*:\s*(.+)$", told, re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()


def physical_cores() -> int:
    """Physical cores that this process may use. A second thread on one core slows matrix products down."""
    cores = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if sys.platform == "linux" else cores
    return max(1, min(cores, allowed))


def logical_cores() -> int:
    """Hardware threads that this process may use."""
    threads = psutil.cpu_count() or 1
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else threads


def parse_cpuinfo(text: str) -> frozenset[str]:
    """The flags of the first processor in the text of Linux's /proc/cpuinfo."""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return frozenset(value.lower().split())
    return frozenset()


if sys.platform == "linux":

    def _flags() -> frozenset[str]:
        return parse_cpuinfo(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace"))

elif sys.platform == "darwin":

    def _flags() -> frozenset[str]:
        asked = ["sysctl", "-n", "machdep.cpu.features", "machdep.cpu.leaf7_features"]
        return frozenset(subprocess.run(asked, capture_output=True, text=True, check=False).stdout.lower().split())

elif sys.platform == "win32":

    def _flags() -> frozenset[str]:
        from ctypes import windll

        has_avx2 = bool(windll.kernel32.IsProcessorFeaturePresent(_PF_AVX2_INSTRUCTIONS_AVAILABLE))
        return frozenset({"avx2"} if has_avx2 else ())

else:

    def _flags() -> frozenset[str]:
        return frozenset()
