"""Presets: named sets of sampling values and their order, our own and those in the home folder."""

from samovar.services.presets.params import laid_over
from samovar.services.presets.service import PresetService
from samovar.services.presets.values import Imported, Listed, Preset

__all__ = ["Imported", "Listed", "Preset", "PresetService", "laid_over"]
