"""GBNF as Lark for llguidance.

llguidance cuts text into lexemes, each as long as it can be; GBNF knows no lexemes. So a grammar without recursion
becomes a single lexeme, which is exact and fast, and one with recursion gets a lexeme for every character, which is
exact and slower (about a millisecond a token with 49 thousand tokens).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from samovar.sampling.grammar.gbnf import Chain, Character, Choice, Node, Reference, Repeated, read, references


def to_lark(gbnf: str) -> str:
    """The same language in Lark. Raises GbnfError."""
    rules = read(gbnf)
    # Lark tells lexemes from rules by case.
    letter = "r" if is_recursive(rules) else "R"
    names = {name: f"{letter}{number}" for number, name in enumerate(rules)}
    lines = [f"{names[name]}: {_write(node, names)}" for name, node in rules.items()]
    return "\n".join([f"start: {names['root']}", *lines])


def is_recursive(rules: Mapping[str, Node]) -> bool:
    """Whether any rule can come to itself again."""
    uses = {name: set(references(node)) for name, node in rules.items()}
    users: defaultdict[str, list[str]] = defaultdict(list)
    for name, used in uses.items():
        for other in used:
            users[other].append(name)
    flat = [name for name, used in uses.items() if not used]
    for name in flat:
        for user in users[name]:
            uses[user].discard(name)
            if not uses[user]:
                flat.append(user)
    return len(flat) < len(rules)


def _write(node: Node, names: Mapping[str, str]) -> str:
    match node:
        case Character(pattern):
            return f"/{pattern}/"
        case Reference(name):
            return names[name]
        case Repeated(most=0):
            return '""'
        case Repeated(inner, least, most):
            return f"({_write(inner, names)}){{{least},{'' if most is None else most}}}"
        case Chain(nodes):
            return " ".join(_write(inner, names) for inner in nodes) or '""'
        case Choice(nodes):
            return "(" + " | ".join(_write(inner, names) for inner in nodes) + ")"
