"""Characters: who a chat may be with. Plain files of the home, as text-generation-webui writes them."""

from samovar.services.characters.service import CharacterService

__all__ = ["CharacterService"]
