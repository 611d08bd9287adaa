"""`samovar run`: a chat in the terminal, or one answer to a prompt from arguments or standard input. No server is
needed: the house is opened in this process, whose event loop runs only while the model works."""

from __future__ import annotations

import sys
from typing import Annotated

import msgspec
import typer

from samovar.cli.context import ContextOptions
from samovar.cli.conversation import Conversation, Speaker
from samovar.cli.options import (
    INTERRUPTED,
    ContextOption,
    DraftOption,
    HomeOption,
    LibraryOption,
    ModelOption,
    SpeculateOption,
    ThreadsOption,
    home_from,
    terminal_language,
)
from samovar.cli.sampling import SamplingOptions
from samovar.core.catalogue import say
from samovar.core.errors import InvalidInput
from samovar.core.parameters import SamplingParams
from samovar.core.rope import ContextWish
from samovar.core.settings import Said, read_settings


@SamplingOptions
@ContextOptions
def run(
    prompt: Annotated[list[str] | None, typer.Argument(metavar="PROMPT", help="cli.argument_prompt")] = None,
    model: ModelOption = None,
    home: HomeOption = None,
    system: Annotated[str | None, typer.Option("--system", metavar="TEXT", help="cli.option_system")] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=1, metavar="N", help="cli.option_max_tokens")
    ] = None,
    ctx: ContextOption = None,
    threads: ThreadsOption = None,
    library: LibraryOption = None,
    speculate: SpeculateOption = None,
    draft: DraftOption = None,
    *,
    sampling: SamplingParams,
    context: ContextWish,
) -> None:
    said = Said(
        model=model,
        ctx=ctx,
        parallel=1,
        threads=threads,
        library=library,
        speculate=speculate,
        draft=draft,
        **msgspec.structs.asdict(context),
    )
    settings = read_settings(home_from(home), said)
    question = _question(prompt or [])
    with Speaker(settings) as speaker:
        conversation = Conversation(speaker, sampling=sampling, max_tokens=max_tokens, system=system)
        if question is None:
            _chat(conversation)
        elif not conversation.ask(question):
            raise typer.Exit(INTERRUPTED)


def _question(words: list[str]) -> str | None:
    """What is asked: the arguments, and under them what is piped in. None: a person sits at the terminal."""
    parts = [" ".join(words)]
    if not sys.stdin.isatty():
        parts.append(sys.stdin.read().strip())
    elif not words:
        return None
    question = "\n\n".join(part for part in parts if part)
    if not question:
        raise InvalidInput("cli.nothing_asked")
    return question


def _chat(conversation: Conversation) -> None:
    """Questions and answers until end of file (Ctrl-D). Ctrl-C stops an answer, and leaves between answers."""
    _edit_lines()
    typer.echo(say("cli.chat_hint", terminal_language()), err=True)
    while True:
        try:
            line = input("> ")
        except EOFError:
            typer.echo()
            return
        if line.strip():
            conversation.ask(line)


def _edit_lines() -> None:
    """Lets input() edit its line and recall earlier ones, on the systems that can."""
    try:
        import readline  # noqa: F401
    except ImportError:
        return
