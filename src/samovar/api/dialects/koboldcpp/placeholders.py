"""The marks that stand for a model's own tags, and what a chat template writes in their place. Pure.

KoboldAI Lite sends "{{[INPUT]}}Hello{{[OUTPUT]}}" to a server that knows the template better than it does. A
template is asked by rendering messages whose texts are known: what stands between them are the tags. Only where one
turn ends and the next begins is certain; it is cut behind the first control token, which ends the turn before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from samovar.core.requests import Message

Role = Literal["system", "user", "assistant"]

ROLES: Mapping[str, Role] = {"SYSTEM": "system", "INPUT": "user", "OUTPUT": "assistant"}

MARK = re.compile(r"\{\{\[(SYSTEM|INPUT|OUTPUT)(_END)?\]\}\}")

CONTROL = re.compile(r"<[^<>\s]+>\s*|\[/?[A-Z_]+\]\s*")
"""What a control token looks like, and the space behind it."""

PROBES: tuple[str, ...] = ("qa0system0", "qa1user1", "qa2assistant2", "qa3user3")
"""Texts that no template writes by itself."""

CHAT: tuple[Message, ...] = (
    Message("user", PROBES[1]),
    Message("assistant", PROBES[2]),
    Message("user", PROBES[3]),
)
WITH_SYSTEM: tuple[Message, ...] = (Message("system", PROBES[0]), *CHAT)


@dataclass(frozen=True)
class Tags:
    """What a template writes. `starts` and `ends`: around a turn of each role; `between`: where the turn of one
    role follows that of another, where it is not simply the one's end and the other's start. `opening`: the start
    of an answer that is still to be written."""

    starts: Mapping[Role, str]
    ends: Mapping[Role, str]
    opening: str
    between: Mapping[tuple[Role, Role], str] = field(default_factory=dict)

    def join(self, before: Role | None, after: Role, *, last: bool = False) -> str:
        """What stands between a turn of `before` (None: the beginning, or one that has been ended) and one of
        `after`; `last`: nothing has been written of it yet."""
        start = self.opening if last and after == "assistant" else self.starts[after]
        return self.between.get((before, after)) or self.ends[before] + start if before else start


def has_marks(texts: Sequence[str]) -> bool:
    return any(MARK.search(text) for text in texts)


def tags_of(chat: str, with_system: str, bos: str) -> Tags:
    """From what a template makes of CHAT and of WITH_SYSTEM. `bos`: what it may write at the very beginning, which
    is no tag. A template that knows no system messages folds them into the user's."""
    _, asked, answered, opening = _gaps(chat.removeprefix(bos), PROBES[1:])
    user_end, assistant_start = _cut(asked)
    assistant_end, user_start = _cut(answered)
    system_start, system_user, *_ = _gaps(with_system.removeprefix(bos), PROBES)
    system_end = system_user[: -len(user_start)] if user_start and system_user.endswith(user_start) else system_user
    return Tags(
        {"system": system_start, "user": user_start, "assistant": assistant_start},
        {"system": system_end, "user": user_end, "assistant": assistant_end},
        opening.removeprefix(user_end),
        {("system", "user"): system_user},
    )


def filled(texts: Sequence[str], tags: Tags) -> list[str]:
    """`texts`, which follow each other, with tags for their marks. A turn that no mark of its own ends is ended
    where the next one begins."""
    turn: Role | None = None

    def tag(mark: re.Match[str]) -> str:
        nonlocal turn
        role = ROLES[mark[1]]
        before, turn = turn, None if mark[2] else role
        last = mark.string is texts[-1] and mark.end() == len(mark.string)
        return tags.ends[role] if mark[2] else tags.join(before, role, last=last)

    return [MARK.sub(tag, text) for text in texts]


def filled_stop(stop: str, tags: Tags) -> str:
    """A stop sequence: a turn's beginning without the space around it, which a model may write otherwise."""
    mark = MARK.fullmatch(stop)
    if mark is None:
        return filled([stop], tags)[0]
    return (tags.ends if mark[2] else tags.starts)[ROLES[mark[1]]].strip()


def _gaps(text: str, probes: Sequence[str]) -> list[str]:
    """What stands before, between and after the probes; a probe that is not there leaves nothing before it."""
    gaps: list[str] = []
    for probe in probes:
        before, found, after = text.partition(probe)
        gaps.append(before if found else "")
        text = after if found else text
    return [*gaps, text]


def _cut(between: str) -> tuple[str, str]:
    """(the end of the turn before, the start of the one behind)."""
    ending = CONTROL.search(between)
    if ending is None or ending.end() == len(between):
        return "", between
    return between[: ending.end()], between[ending.end() :]
