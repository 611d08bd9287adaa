"""text-generation-webui's chat modes, which its clients ask for on /v1/chat/completions.

"instruct" is a chat by the model's template, or another. "chat" writes the messages as a dialogue of two names;
"chat-instruct" puts that dialogue into one request to the model to go on with it. In both, a character that is
named says who talks; whoever knows the characters looks it up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from samovar.api.reading.body import Fields
from samovar.core.errors import InvalidParameter
from samovar.core.requests import Completion, Message
from samovar.prompts import named
from samovar.services.contracts import Character

MODES = ("instruct", "chat", "chat-instruct")
DIALOGUE = "Dialogue"
NOBODY = (None, "", "None")
NO_TEMPLATE = ("None", named.FROM_MODEL)
COMMAND = 'Continue the chat dialogue below. Write a single reply for the character "<|character|>".\n\n<|prompt|>'


@dataclass(frozen=True)
class Cast:
    """Who talks, and what is told about them before the first message."""

    user: str = "You"
    bot: str = "AI"
    context: str = ""
    greeting: str = ""
    bio: str = ""

    def told(self, text: str) -> str:
        """`text` with the names in place of what stands for them."""
        for place, name in (
            ("{{user}}", self.user),
            ("<USER>", self.user),
            ("{{char}}", self.bot),
            ("<BOT>", self.bot),
        ):
            text = text.replace(place, name)
        return text

    @property
    def opening(self) -> tuple[Message, ...]:
        told = "\n\n".join(text for text in (self.told(self.context), self.told(self.bio)) if text)
        system = (Message("system", told),) if told else ()
        return (*system, Message("assistant", self.told(self.greeting))) if self.greeting else system

    @property
    def stops(self) -> tuple[str, ...]:
        return f"\n{self.user}:", f"\n{self.bot}:"


@dataclass(frozen=True)
class Staging:
    """What a body says of its mode. `given`: what it says of the cast itself, by `Cast`'s names, which goes over
    what the `character` of that name has. `command`, `instruct`, `dialogue`: how the model is asked in each
    mode."""

    mode: str
    given: Mapping[str, str]
    character: str | None
    command: str
    instruct: str | None
    dialogue: str | None
    goes_on: bool

    def of(self, completion: Completion, character: Character | None = None) -> Completion:
        """`completion` as the mode wants it."""
        completion = replace(completion, continue_last=completion.continue_last or self.goes_on)
        if self.mode == "instruct":
            return replace(completion, template=self.instruct or completion.template)
        cast = Cast(**{**_said_of(character), **self.given})
        messages, stop = (*cast.opening, *completion.messages), (*completion.stop, *cast.stops)
        if self.mode == "chat":
            template = self.dialogue or named.source(DIALOGUE)
            variables = {**completion.variables, "name1": cast.user, "name2": cast.bot}
            return replace(completion, messages=messages, stop=stop, template=template, variables=variables)
        request = _request(messages, cast, self.command, begun=completion.continue_last)
        return replace(completion, messages=request, stop=stop, template=self.instruct, continue_last=True)


def read_staging(fields: Fields) -> Staging:
    """Reads `mode` and its company. Raises InvalidParameter for a mode that there is not, NotFound for a template
    that there is not. In the mode `instruct` nobody has a part to play, so that no character is looked for."""
    mode, character = fields.text("mode") or "instruct", fields.text("character")
    given, command = _given(fields), fields.text("chat_instruct_command") or COMMAND
    instruct, dialogue = _template(fields), fields.text("chat_template_str")
    goes_on = fields.flag("continue_")
    if mode not in MODES:
        raise InvalidParameter("textgen.mode", name="mode", mode=mode[:60], modes=", ".join(MODES))
    plays = mode != "instruct" and character not in NOBODY
    return Staging(mode, given, character if plays else None, command, instruct, dialogue, goes_on)


def _said_of(character: Character | None) -> Mapping[str, str]:
    if character is None:
        return {}
    said = {
        "user": character.user,
        "bot": character.name,
        "context": character.context,
        "greeting": character.greeting,
    }
    return {name: text for name, text in said.items() if text}


def _request(messages: tuple[Message, ...], cast: Cast, command: str, *, begun: bool) -> tuple[Message, ...]:
    """One request with the dialogue in it, and an answer that begins with the name of who is to speak; with `begun`
    also with what the last message has of it."""
    *before, last = messages
    said, opening = (before, f"{cast.bot}: {last.content}") if begun else (messages, f"{cast.bot}:")
    names = {"user": f"{cast.user}: ", "system": ""}
    lines = [names.get(message.role, f"{cast.bot}: ") + message.content for message in said]
    asked = command.replace("<|character|>", cast.bot).replace("<|prompt|>", "\n".join(lines))
    return Message("user", asked), Message("assistant", opening)


def _given(fields: Fields) -> Mapping[str, str]:
    given = {
        "user": _either(fields, "user_name", "name1"),
        "bot": _either(fields, "bot_name", "name2"),
        "context": fields.text("context"),
        "greeting": fields.text("greeting"),
        "bio": fields.text("user_bio"),
    }
    return {name: text for name, text in given.items() if text}


def _either(fields: Fields, *names: str) -> str | None:
    return next((text for text in [fields.text(name) for name in names] if text), None)


def _template(fields: Fields) -> str | None:
    name, text = fields.text("instruction_template"), fields.text("instruction_template_str")
    return text or (named.source(name) if name and name not in NO_TEMPLATE else None)
