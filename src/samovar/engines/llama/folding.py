"""How WordPiece vocabularies (BERT's) take words: small letters without accents."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class Folding:
    """As Hugging Face's BertNormalizer: letters are taken apart, their marks left out, and written small."""

    lowercase: bool = True
    strip_accents: bool = True

    def __call__(self, text: str) -> str:
        if self.strip_accents:
            text = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
        return "".join(map(str.lower, text)) if self.lowercase else text
