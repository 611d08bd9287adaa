"""What several commands share: options, the home folder, the terminal's language, the way to fail.

An option's help is a catalogue key; `cli.main` puts the sentence in the terminal's language in its place.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NoReturn

import platformdirs
import typer

from samovar.core.catalogue import Language, language_of
from samovar.core.engine import Speculate
from samovar.core.home import Home
from samovar.core.settings import Library

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", envvar="SAMOVAR_HOME", metavar="DIR", show_default=False, help="cli.option_home"),
]
ModelOption = Annotated[
    str | None,
    typer.Option("--model", envvar="SAMOVAR_MODEL", metavar="NAME|PATH", help="cli.option_model"),
]
ContextOption = Annotated[
    int | None, typer.Option("--ctx", envvar="SAMOVAR_CTX", min=1, metavar="N", help="cli.option_ctx")
]
ParallelOption = Annotated[
    int | None,
    typer.Option("--parallel", envvar="SAMOVAR_PARALLEL", min=1, metavar="N", help="cli.option_parallel"),
]
ThreadsOption = Annotated[
    int | None, typer.Option("--threads", envvar="SAMOVAR_THREADS", min=1, metavar="N", help="cli.option_threads")
]
LibraryOption = Annotated[
    Library | None, typer.Option("--library", envvar="SAMOVAR_LIBRARY", help="cli.option_library")
]
SpeculateOption = Annotated[
    Speculate | None, typer.Option("--speculate", envvar="SAMOVAR_SPECULATE", help="cli.option_speculate")
]
DraftOption = Annotated[
    str | None, typer.Option("--draft", envvar="SAMOVAR_DRAFT", metavar="NAME|PATH", help="cli.option_draft")
]

KeyOption = Annotated[
    str | None, typer.Option("--api-key", envvar="SAMOVAR_API_KEY", metavar="KEY", help="cli.option_api_key_shown")
]


def home_from(path: Path | None) -> Home:
    """The home folder: `path`, else the place where this system keeps a person's application data."""
    return Home(path.expanduser().absolute() if path else platformdirs.user_data_path("samovar", appauthor=False))


def terminal_language(environment: Mapping[str, str] = os.environ) -> Language:
    """The language of messages: the first of LC_ALL, LC_MESSAGES and LANG that is set decides."""
    return language_of(next(filter(None, map(environment.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), None))


INTERRUPTED = 130
"""The exit code after Ctrl-C."""


def fail(sentence: str, code: int = 2) -> NoReturn:
    """Says `sentence` on standard error and ends the command."""
    typer.echo(sentence, err=True)
    raise typer.Exit(code)
