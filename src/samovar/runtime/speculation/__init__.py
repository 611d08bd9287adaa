"""Guessing tokens ahead and verifying several of them in one step.

A guess never changes what is said: each row is drawn from as if the tokens before it had come one by one, and the
first token that is drawn otherwise ends the guess. So the distribution is the model's own, whatever the source.
"""

from samovar.runtime.speculation.draft import DraftModel
from samovar.runtime.speculation.opening import open_speculation
from samovar.runtime.speculation.speculation import Guesser, Speculation

__all__ = ["DraftModel", "Guesser", "Speculation", "open_speculation"]
