"""How a command ends when it fails: one sentence on standard error and an exit code, never a stack.

2: what was asked cannot be done as asked. 1: it could not be done. 130: Ctrl-C.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from samovar.cli.options import fail, home_from
from samovar.core.catalogue import Language, say
from samovar.core.errors import Conflict, InvalidInput, Missing, NotEnoughMemory, NotFound, SamovarError
from samovar.core.home import Home

ASKED_WRONGLY = (InvalidInput, NotFound, Conflict, NotEnoughMemory, Missing)


def exit_code(error: SamovarError) -> int:
    return 2 if isinstance(error, ASKED_WRONGLY) else 1


def guarded(command: Callable[..., None], language: Language) -> Callable[..., None]:
    """`command` with its failures turned to sentences. What nobody expected is written to the home's logs."""

    @functools.wraps(command)
    def run(*arguments: object, **options: object) -> None:
        try:
            command(*arguments, **options)
        except SamovarError as error:
            fail(error.text(language), exit_code(error))
        except (typer.Exit, typer.Abort, EOFError, BrokenPipeError):
            raise
        except Exception as error:
            home = options.get("home")
            with _log_file(home_from(home if isinstance(home, Path) else None)) as (log, path):
                log.exception("unexpected failure")
            fail(say("cli.unexpected", language, reason=f"{type(error).__name__}: {error}", log=str(path)), 1)

    return run


@contextmanager
def _log_file(home: Home) -> Iterator[tuple[logging.Logger, Path]]:
    """A new file in the home's logs, and a logger that writes to it alone."""
    home.make()
    path = home.logs / time.strftime("failure-%Y%m%d-%H%M%S.log")
    log = logging.Logger("samovar.cli")
    handler = logging.FileHandler(path, encoding="utf-8")
    log.addHandler(handler)
    try:
        yield log, path
    finally:
        handler.close()
