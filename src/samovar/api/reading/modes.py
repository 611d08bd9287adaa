"""text-generation-webui's chat modes, which its clients ask for on /v1/chat/completions.

"instruct" is a chat by the model's template, or another. "chat" writes the messages as a dialogue of two names;
"chat-instruct" puts that dialogue into one request to the model to go on with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from samovar.api.reading.body import Fields
from samovar.core.errors import InvalidParameter
from samovar.core.requests import Completion, Message
from samovar.prompts import named

MODES = ("instruct", "chat", "chat-instruct")
DIALOGUE = "Dialogue"
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


def in_mode(fields: Fields, completion: Completion) -> Completion:
    """`completion` as `mode` and its company in `fields` want it. Raises InvalidParameter for a mode that there is
    not, NotFound for a template that there is not."""
    mode = fields.text("mode") or "instruct"
    cast, command = _cast(fields), fields.text("chat_instruct_command") or COMMAND
    instruct, dialogue = _template(fields), fields.text("chat_template_str")
    going_on = fields.flag("continue_")
    if mode not in MODES:
        raise InvalidParameter("textgen.mode", name="mode", mode=mode[:60], modes=", ".join(MODES))
    completion = replace(completion, continue_last=completion.continue_last or going_on)
    if mode == "instruct":
        return replace(completion, template=instruct or completion.template)
    messages, stop = (*cast.opening, *completion.messages), (*completion.stop, *cast.stops)
    if mode == "chat":
        template = dialogue or named.source(DIALOGUE)
        variables = {**completion.variables, "name1": cast.user, "name2": cast.bot}
        return replace(completion, messages=messages, stop=stop, template=template, variables=variables)
    request = _request(messages, cast, command, begun=completion.continue_last)
    return replace(completion, messages=request, stop=stop, template=instruct, continue_last=True)


def _request(messages: tuple[Message, ...], cast: Cast, command: str, *, begun: bool) -> tuple[Message, ...]:
    """One request with the dialogue in it, and an answer that begins with the name of who is to speak; with `begun`
    also with what the last message has of it."""
    *before, last = messages
    said, opening = (before, f"{cast.bot}: {last.content}") if begun else (messages, f"{cast.bot}:")
    names = {"user": f"{cast.user}: ", "system": ""}
    lines = [names.get(message.role, f"{cast.bot}: ") + message.content for message in said]
    asked = command.replace("<|character|>", cast.bot).replace("<|prompt|>", "\n".join(lines))
    return Message("user", asked), Message("assistant", opening)


def _cast(fields: Fields) -> Cast:
    given = {
        "user": _either(fields, "user_name", "name1"),
        "bot": _either(fields, "bot_name", "name2"),
        "context": fields.text("context"),
        "greeting": fields.text("greeting"),
        "bio": fields.text("user_bio"),
    }
    return Cast(**{name: text for name, text in given.items() if text})


def _either(fields: Fields, *names: str) -> str | None:
    return next((text for text in [fields.text(name) for name in names] if text), None)


def _template(fields: Fields) -> str | None:
    name, text = fields.text("instruction_template"), fields.text("instruction_template_str")
    return text or (named.source(name) if name and name not in NO_TEMPLATE else None)
