"""The home folder: plain files that a person can copy, edit and back up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """Where everything of one installation lies."""

    root: Path

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def presets(self) -> Path:
        return self.root / "presets"

    @property
    def characters(self) -> Path:
        return self.root / "characters"

    @property
    def kv(self) -> Path:
        """Caches of conversations. May be deleted: what it holds is computed again."""
        return self.root / "kv"

    @property
    def slots(self) -> Path:
        """Prompts that clients keep by name. May be deleted."""
        return self.root / "slots"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def builds(self) -> Path:
        """Libraries that were compiled on this machine."""
        return self.root / "builds"

    @property
    def database(self) -> Path:
        return self.root / "samovar.db"

    @property
    def settings(self) -> Path:
        return self.root / "settings.toml"

    @property
    def keys(self) -> Path:
        """Replaced whenever keys change, by whatever process. Holds nothing."""
        return self.root / "keys.stamp"

    @property
    def roll(self) -> Path:
        """What is said about models by name: their other names, and what each has of its own."""
        return self.root / "models.json"

    @property
    def lock(self) -> Path:
        return self.root / "samovar.lock"

    def has_models(self) -> bool:
        """Whether any model file lies in the library. Looks at names only, which costs nothing."""
        return any(self.models.rglob("*.gguf"))

    def make(self) -> None:
        """Creates the folders that are missing, readable by their owner only."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (self.models, self.presets, self.characters, self.logs):
            folder.mkdir(exist_ok=True)
