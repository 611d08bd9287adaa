"""Samovar runs local language models. The packages and their walls are drawn in ARCHITECTURE.md."""

__version__ = "0.1.0"
