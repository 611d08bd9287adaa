"""What guesses for a loaded model, as its load asked for it: opens the draft model, and says why if it cannot."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from samovar.core.engine import Engine, EngineInfo, LoadSpec, Note
from samovar.core.errors import Cancelled, EngineFailed, SamovarError
from samovar.engines.registry import open_engine
from samovar.runtime.speculation.draft import DraftModel
from samovar.runtime.speculation.speculation import MOST, Speculation


def open_speculation(
    spec: LoadSpec, target: Engine, wanted: Callable[[], bool]
) -> tuple[Speculation, tuple[Note, ...]]:
    """The speculation of `spec` over the loaded `target`, and what a person should know about it: a draft model
    that cannot be used is no reason to do without the model. Raises Cancelled where that is no longer `wanted`."""
    info = target.info
    if not info.capabilities.can_remove_tail:
        return Speculation("off"), ()
    draft: DraftModel | None = None
    notes: tuple[Note, ...] = ()
    if spec.draft is not None and spec.speculate in ("auto", "draft"):
        try:
            draft = _open_draft(spec.draft, target, wanted)
        except Cancelled:
            raise
        except SamovarError as error:
            notes = (Note("runtime.draft_unused"), Note(error.key, dict(error.facts)))
    return Speculation(spec.speculate, draft, most_guesses(info)), notes


def most_guesses(info: EngineInfo) -> int:
    """For one stream in one step: with its last token as many rows as the engine computes in one batch, and without
    slowing the steps after it."""
    limits = (info.rows, info.setting.micro_batch if info.setting else 0)
    return min((rows - 1 for rows in limits if rows), default=MOST)


def _open_draft(spec: LoadSpec, target: Engine, wanted: Callable[[], bool]) -> DraftModel:
    """With the build that the target runs on: two builds of one library in a process are more than they are tested
    for."""
    setting = target.info.setting
    ways = tuple(way for way in spec.settings if setting is None or way.build == setting.build)
    if spec.settings and not ways:
        raise EngineFailed("runtime.draft_build", build=setting.build if setting else "–")
    engine = open_engine(msgspec.structs.replace(spec, settings=ways), lambda _: wanted())
    try:
        return DraftModel(engine, target)
    except SamovarError:
        engine.close()
        raise
