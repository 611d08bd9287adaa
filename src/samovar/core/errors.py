"""The one error tree. Every error says what happened, with the numbers, and what to do.

    SamovarError
    ├── InvalidInput            what was asked cannot be done as asked
    │   ├── InvalidParameter    a value that a parameter or field does not take
    │   │   └── OutOfRange      a number outside the range of its parameter
    │   ├── PromptTooLong       the prompt does not fit the window
    │   └── BadModelFile        not a model, or a damaged one
    ├── NotFound                a model, conversation, message or file that is not there
    ├── Conflict                true of two things that exclude each other: a locked home, a busy conversation
    ├── NotEnoughMemory         refused before allocation
    ├── Busy                    a queue is full; try again later
    ├── Missing                 something that is not installed: a library build, a tool
    ├── EngineFailed            the worker process died, or the engine reported a fault
    ├── StorageFailed           the disk is full or the database cannot be written
    ├── DownloadFailed          a source refused, broke off or sent other bytes than promised
    └── Cancelled               the asker went away or said stop

Each dialect maps this tree to its own shape; the command line maps it to exit codes.
"""

from __future__ import annotations

import msgspec

from samovar.core.catalogue import Fact, Language, say


class ErrorValue(msgspec.Struct, frozen=True):
    """An error as data: crosses the border of a process or goes into the store."""

    kind: str
    key: str
    facts: dict[str, str | int | float] = {}

    def text(self, language: Language = "en") -> str:
        return say(self.key, language, **self.facts)


class SamovarError(Exception):
    """An expected failure. `key` names its sentence in the catalogue, `facts` fill it in."""

    def __init__(self, key: str, /, **facts: Fact) -> None:
        super().__init__(key, facts)
        self.key = key
        self.facts = facts

    def __str__(self) -> str:
        return self.text()

    def text(self, language: Language = "en") -> str:
        return say(self.key, language, **self.facts)

    def value(self) -> ErrorValue:
        return ErrorValue(type(self).__name__, self.key, dict(self.facts))


class InvalidInput(SamovarError):
    pass


class InvalidParameter(InvalidInput):
    pass


class OutOfRange(InvalidParameter):
    pass


class PromptTooLong(InvalidInput):
    pass


class BadModelFile(InvalidInput):
    pass


class NotFound(SamovarError):
    pass


class Conflict(SamovarError):
    pass


class NotEnoughMemory(SamovarError):
    pass


class Busy(SamovarError):
    pass


class Missing(SamovarError):
    pass


class EngineFailed(SamovarError):
    pass


class StorageFailed(SamovarError):
    pass


class DownloadFailed(SamovarError):
    pass


class Cancelled(SamovarError):
    pass


def _family(root: type[SamovarError]) -> dict[str, type[SamovarError]]:
    return {root.__name__: root} | {k: v for child in root.__subclasses__() for k, v in _family(child).items()}


def revive(value: ErrorValue) -> SamovarError:
    """The exception that `value` was made from; an unknown kind becomes the root of the tree."""
    return _family(SamovarError).get(value.kind, SamovarError)(value.key, **value.facts)
