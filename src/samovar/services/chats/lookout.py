"""The lookout for loops in one answer: what it is compared with, and what is kept and told of a loop."""

from __future__ import annotations

from samovar.prompts.loops import Loop as Found
from samovar.prompts.loops import LoopWatch
from samovar.store.values import Loop, Prompt

LONGEST_EVIDENCE = 300
"""Characters of the repeated text that are kept and shown."""


NO_PROMPT = Prompt(())


class Lookout:
    """Reads along with the answer to `prompt`. It takes milliseconds to begin where the answers before are long: do
    that beside the event loop."""

    def __init__(self, prompt: Prompt = NO_PROMPT) -> None:
        said = [message.content for message in prompt.messages if message.role == "assistant"]
        begun = said.pop() if prompt.unfinished else ""
        self._watch = LoopWatch(said)
        self._text = [begun]
        self.found: Loop | None = self._evidence(self._watch.feed(begun))

    def read(self, text: str) -> Loop | None:
        """The loop that the answer is in, when it is first seen."""
        if self.found is not None:
            return None
        self._text.append(text)
        return self._keep(self._watch.feed(text))

    def end(self) -> Loop | None:
        """The loop that only the finished answer shows."""
        return None if self.found is not None else self._keep(self._watch.end())

    def _keep(self, found: Found | None) -> Loop | None:
        self.found = self._evidence(found)
        return self.found

    def _evidence(self, found: Found | None) -> Loop | None:
        if found is None:
            return None
        said = "".join(self._text)[found.start : found.end]
        return Loop(
            found.kind, found.times, said if len(said) <= LONGEST_EVIDENCE else said[:LONGEST_EVIDENCE] + "…"
        )
