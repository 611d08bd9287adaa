"""Who may come in: keys, what each allows, and the sessions of the page."""

from samovar.services.keys.ring import Ring
from samovar.services.keys.service import KeyService

__all__ = ["KeyService", "Ring"]
