"""Keeps what was learnt about computing a model, from one start to the next."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from samovar.core.engine import LoadSpec
from samovar.engines.llama.builds import installed as installed_builds
from samovar.engines.llama.cpu import logical_cores, processor_name, read_cpu
from samovar.runtime.trust import Verdict
from samovar.store.records import Records


class VerdictKeeper:
    """Verdicts by what they hold for. Raises StorageFailed."""

    def __init__(self, stored: Records) -> None:
        self._stored = stored

    async def recall(self, spec: LoadSpec) -> Verdict:
        key = await asyncio.to_thread(verdict_key, spec)
        return await self._stored.get(key, Verdict) or Verdict()

    async def remember(self, spec: LoadSpec, verdict: Verdict) -> None:
        await self._stored.put(await asyncio.to_thread(verdict_key, spec), verdict)


def verdict_key(spec: LoadSpec) -> str:
    """What a verdict about a model holds for: this very file, these builds, this processor and as much of it, this
    many sequences, this cache, these positions and these ways to choose from."""
    path = Path(spec.path)
    stat = None if spec.engine == "echo" else path.stat()
    cpu = read_cpu()
    facts = (
        path.name,
        stat and (stat.st_size, stat.st_mtime_ns),
        [(found.build, found.version) for found in installed_builds(spec.native)],
        processor_name(),
        cpu.machine,
        sorted(cpu.flags),
        (cpu.cores, logical_cores(), spec.threads),
        spec.parallel > 1,
        spec.reuse_shifted,
        spec.cache,
        spec.rope,
        spec.settings,
    )
    return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()
