"""What happens in a conversation, as values. Watchers get them in order.

The law of deltas: a message's text is what the last `Whole` or `Changed` said, plus every `Appended` after it whose
`offset` is the length of the text so far. One with a smaller offset is known already; a larger one does not occur.
The same holds for its thoughts and `Mused`.
"""

from __future__ import annotations

import msgspec

from samovar.store.values import Sampling, StoredMessage, Tree


class InWindow(msgspec.Struct, frozen=True):
    """What the model sees of the path that is shown: `dropped` messages before the message `first` are no longer in
    its window, but for system messages, which stay. `first` None: no message has left."""

    first: str | None = None
    dropped: int = 0


class Whole(msgspec.Struct, frozen=True):
    """The conversation as it is now: the first event, and whenever a watcher fell behind. `window`: what was last
    told of it, None where that is nothing yet."""

    tree: Tree
    window: InWindow | None = None


class Changed(msgspec.Struct, frozen=True):
    """A message that is new, or no longer what it was."""

    message: StoredMessage


class Appended(msgspec.Struct, frozen=True):
    """Text at the end of the answer `id`. `offset` counts characters (code points)."""

    id: str
    text: str
    offset: int


class Mused(msgspec.Struct, frozen=True):
    """Text at the end of the thoughts of the answer `id`. `offset` counts their characters."""

    id: str
    text: str
    offset: int


class Reading(msgspec.Struct, frozen=True):
    """`done` of `total` prompt tokens for the answer `id` are computed; `cached` of them were there before."""

    id: str
    done: int
    total: int
    cached: int


class Looping(msgspec.Struct, frozen=True):
    """The answer `id` is in a loop: it has said `text` `times` times, by now and at least. Told once an answer.
    `kind`: cycle, repeat or echo, as in prompts.loops."""

    id: str
    kind: str
    times: int
    text: str


class Shown(msgspec.Struct, frozen=True):
    """Another leaf is shown."""

    current: str


class Drawn(msgspec.Struct, frozen=True):
    """What answers are drawn with from now on; None: the product's defaults."""

    sampling: Sampling | None


class Slid(msgspec.Struct, frozen=True):
    """The model sees another part of the path that is shown, which may be another path."""

    window: InWindow


class Titled(msgspec.Struct, frozen=True):
    """The title, which may have changed."""

    title: str


ChatEvent = Whole | Changed | Appended | Mused | Reading | Looping | Shown | Drawn | Slid | Titled
