"""Answers that keep to a grammar: JSON schemas, regular expressions, Lark and GBNF, on any engine.

llguidance says which tokens may come next; here its tokenizer is made of the engine's own pieces, grammars are
brought to its form, and its masks are laid over rows of logits. Knows nothing of samplers: they see a row in which
what may not come has a logit of -inf.

The whole mask is computed for every token, before the chain. Drawing first and masking only after a forbidden token
would be cheaper, but not the same: top-k and top-p would first spend their share on tokens that cannot come.
"""

from samovar.sampling.grammar.follower import Follower
from samovar.sampling.grammar.grammars import Grammar, Grammars

__all__ = ["Follower", "Grammar", "Grammars"]
