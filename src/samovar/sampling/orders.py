"""The order of a chain, as data.

An order names steps; steps that it does not name come before those that it names, so that nothing that a request
sets is ever left out silently.
"""

from __future__ import annotations

DEFAULT_ORDER = ("repetition_penalty", "top_k", "top_p", "min_p", "temperature")
"""As llama.cpp: truncation judges the model's own probabilities, temperature comes last."""
