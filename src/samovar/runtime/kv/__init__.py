"""Exported KV caches in memory and on disk: what was computed once is found again by its longest prefix.

Pure of engines and scheduler: a cache is a row of tokens and a blob that nobody here looks into.
"""

from samovar.runtime.kv.forgetting import forget_session
from samovar.runtime.kv.labels import Entry, Label
from samovar.runtime.kv.tiers import Match, Tiers, TierSizes, open_tiers

__all__ = ["Entry", "Label", "Match", "TierSizes", "Tiers", "forget_session", "open_tiers"]
