"""A conversation in the terminal: what was said so far, and answers that stream to standard output, what was
thought before them to standard error. Of a chat that outgrows the window the model sees what it would on the page.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from types import TracebackType
from typing import TextIO, TypeVar

import msgspec
import typer
from rich.console import Console

from samovar.cli.options import INTERRUPTED, terminal_language
from samovar.core.catalogue import say
from samovar.core.engine import Note
from samovar.core.errors import revive
from samovar.core.events import Delta, Failed, Thought
from samovar.core.parameters import SamplingParams
from samovar.core.requests import Completion, Message
from samovar.core.settings import Settings
from samovar.services.chats.window import view
from samovar.services.house import Engines, open_engines
from samovar.services.presets import PresetService, laid_over
from samovar.services.usual import usual_sampling

FAINT, PLAIN = "\x1b[2m", "\x1b[22m"

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

T = TypeVar("T")


class Speaker:
    """The open house of one terminal, for code that is not asynchronous."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.presets = PresetService(settings.home.presets)
        self._loop = asyncio.new_event_loop()
        self._stack = AsyncExitStack()

    def __enter__(self) -> Speaker:
        try:
            self.house: Engines = self.wait(self._stack.enter_async_context(open_engines(self._settings)))
        except BaseException:
            self._loop.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        # Caches are being written now. Whoever does not want to wait for that leaves with one more Ctrl-C.
        with _on_interrupt(lambda: os._exit(INTERRUPTED)):
            try:
                self._loop.run_until_complete(self._stack.aclose())
                self._loop.run_until_complete(self._loop.shutdown_asyncgens())
                self._loop.run_until_complete(self._loop.shutdown_default_executor())
            finally:
                self._loop.close()

    @property
    def wanted(self) -> str | None:
        """The model that was asked for."""
        return self._settings.model

    def wait(self, work: Coroutine[object, object, T]) -> T:
        """Runs the loop until `work` is done. Ctrl-C cancels it and is raised once it has wound up."""
        task = self._loop.create_task(work)
        with _on_interrupt(lambda: self._loop.call_soon_threadsafe(task.cancel)):
            try:
                return self._loop.run_until_complete(task)
            except asyncio.CancelledError:
                raise KeyboardInterrupt from None


class Conversation:
    """What was said so far, and the way to go on."""

    def __init__(
        self, speaker: Speaker, sampling: SamplingParams, max_tokens: int | None, system: str | None
    ) -> None:
        self._speaker = speaker
        self._messages = [Message("system", system)] if system else []
        self._completion = Completion(sampling=sampling, max_tokens=max_tokens, reads=True)
        self._told: list[Note] = []

    def ask(self, question: str) -> bool:
        """Streams the answer to standard output; an answer that Ctrl-C stopped is kept as far as it came. False if
        it was stopped. Raises the error tree (PromptTooLong where the question alone leaves no room for an answer);
        the question is then forgotten."""
        asked = (*self._messages, Message("user", question))
        said, thought = Shown(sys.stdout), Shown(sys.stderr, faint=True)
        try:
            self._speaker.wait(self._stream(asked, said, thought))
        except KeyboardInterrupt:
            return False
        finally:
            thought.end()
            said.end()
            if said.text:
                self._messages = [*asked, Message("assistant", said.text, reasoning=thought.text)]
        return True

    async def _stream(self, messages: tuple[Message, ...], said: Shown, thought: Shown) -> None:
        house = self._speaker.house
        with Console(stderr=True).status(say("cli.waking", terminal_language())):
            measured = await house.answers.measure(messages)
            seen = view(messages, measured)
            generation = await house.answers.start(
                msgspec.structs.replace(
                    self._completion,
                    messages=seen.messages,
                    model=self._speaker.wanted,
                    sampling=await self._sampling(),
                )
            )
        slid = (Note("cli.chat_slid", {"window": measured.window}),) if seen.dropped else ()
        self._tell((*house.models.state.notes, *generation.notes, *slid))
        async for event in generation:
            if isinstance(event, Failed):
                raise revive(event.error)
            if isinstance(event, Thought):
                thought.add(event.text)
            elif isinstance(event, Delta) and event.text:
                thought.end()
                said.add(event.text)

    async def _sampling(self) -> SamplingParams:
        """What was said at the command line, over the preset of the model, which is loaded by now."""
        house = self._speaker.house
        usual = await usual_sampling(house.models, house.library, self._speaker.presets)
        return laid_over(usual, self._completion.sampling) if usual else self._completion.sampling

    def _tell(self, notes: Iterable[Note]) -> None:
        """What a person should know about the model and the prompt: once each, and not among the answers."""
        for note in notes:
            if note not in self._told:
                self._told.append(note)
                typer.echo(say(note.key, terminal_language(), **note.facts), err=True)


class Shown:
    """Text that grows in `file`, `faint` where that is a terminal, and ends with its line."""

    def __init__(self, file: TextIO, *, faint: bool = False) -> None:
        self.text = ""
        self._file = file
        self._watched = file.isatty()
        colours = self._watched and os.environ.get("TERM", "dumb") != "dumb" and "NO_COLOR" not in os.environ
        self._style = (FAINT, PLAIN) if faint and colours else ("", "")
        self._ended = False

    def add(self, text: str) -> None:
        """Text of a model may hold what a terminal would obey: there it is left out."""
        self.text += text
        before, after = self._style
        self._file.write(before + (CONTROL.sub("", text) if self._watched else text) + after)
        self._file.flush()

    def end(self) -> None:
        if self.text and not self._ended:
            self._file.write("" if self.text.endswith("\n") else "\n")
            self._file.flush()
            self._ended = True


@contextmanager
def _on_interrupt(act: Callable[[], object]) -> Iterator[None]:
    """Ctrl-C calls `act` instead of raising wherever the program happens to be."""
    before = signal.signal(signal.SIGINT, lambda *_: act())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
