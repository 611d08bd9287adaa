"""A conversation to the parts of a prompt, through the chat template that the model brings along.

Owns what happens when that template cannot be used as it is: it is missing or broken (ChatML and a note), it wants
the turns otherwise (they are merged, with a note), it is hostile or refuses for good (InvalidInput).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from types import CodeType

import msgspec
from jinja2 import Template, TemplateError
from jinja2.exceptions import SecurityError

from samovar.core.engine import Note
from samovar.core.errors import InvalidInput
from samovar.core.requests import Message, Part
from samovar.prompts.budget import DEEPEST, Budget
from samovar.prompts.disguise import Disguise, rewritten, strings
from samovar.prompts.sandbox import Sandbox
from samovar.prompts.turns import NOTHING, Turn, hidden, one_call_each, short_ids, turn

Variables = Mapping[str, object]

LONGEST_TEMPLATE = 256 * 1024
REASON = 300
"""Characters of a template's own complaint that are passed on."""

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + (message['content'] or '') + '<|im_end|>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


class Rendered(msgspec.Struct, frozen=True):
    """A prompt. `parts` joined are its whole text; only those with `special` may become control tokens."""

    parts: tuple[Part, ...]
    notes: tuple[Note, ...] = ()

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts)


def render(
    template: str | None,
    messages: Sequence[Message],
    *,
    special_texts: Sequence[str] = (),
    bos_text: str = "",
    eos_text: str = "",
    continue_last: bool = False,
    opening: str = "",
    tools: Sequence[Mapping[str, object]] = (),
    variables: Mapping[str, object] = NOTHING,
    bare: bool = False,
    now: Callable[[], datetime] = datetime.now,
) -> Rendered:
    """The prompt for the model's next answer, or with `continue_last` for the rest of the last message: of its
    thoughts, which `opening` begins, where it has nothing else yet.

    `template`: Jinja source, None for ChatML. `special_texts`: the texts of the model's control tokens. `tools`:
    JSON schemas as the API got them. `variables`: what the template is given besides; none of them takes the place
    of what every template is given. `bare`: see `turns.turn`. Raises InvalidInput where there is nothing to render,
    the template refuses these messages, crosses a limit or reaches for what it must not.
    """
    if not messages:
        raise InvalidInput("prompts.no_messages")
    if continue_last and messages[-1].role != "assistant":
        raise InvalidInput("prompts.nothing_to_continue", role=messages[-1].role)
    given = [*strings([*map(turn, messages)]), *strings(list(tools)), *strings(dict(variables))]
    disguise = Disguise(special_texts, [template or "", opening, bos_text, eos_text, *given])
    size = sum(map(len, given))
    job = _Job(
        template, messages, tools, variables, disguise, continue_last, opening, bos_text, eos_text, size, bare, now
    )
    text, notes = job.run(disguise.hide)
    if any(disguise.hide(part) != disguise.hide_with_edges(part) for part in given):
        careful, careful_notes = job.run(disguise.hide_with_edges)
        if disguise.controls(careful) != disguise.controls(text):
            text, notes = careful, careful_notes
    return Rendered(disguise.parts(text), notes)


def goes_on_thinking(last: Message) -> bool:
    """Whether an answer that is to be continued has only thoughts as yet."""
    return bool(last.reasoning) and not (last.content or last.tool_calls)


class _Refused(TemplateError):
    """The template called raise_exception."""


class _Broken(Exception):
    """The template does not compile, or fails in a way that it did not mean."""


class _Job(msgspec.Struct, frozen=True):
    template: str | None
    messages: Sequence[Message]
    tools: Sequence[Mapping[str, object]]
    variables: Mapping[str, object]
    disguise: Disguise
    continue_last: bool
    opening: str
    bos_text: str
    eos_text: str
    input_size: int
    bare: bool
    now: Callable[[], datetime]

    def run(self, hide: Callable[[str], str]) -> tuple[str, tuple[Note, ...]]:
        """(the disguised prompt text, notes)."""
        messages = [hidden(message, hide) for message in self.messages]
        given = {"tools": rewritten(list(self.tools), hide) or None}
        extra = rewritten(dict(self.variables), hide)
        assert isinstance(extra, dict)
        given = {**extra, **given}
        if self.template is None:
            return self._with(CHATML, messages, given), (Note("prompts.no_template"),)
        try:
            return self._repaired(self.template, messages, given)
        except _Broken as broken:
            return self._with(CHATML, messages, given), (Note("prompts.template_broken", {"reason": str(broken)}),)

    def _repaired(self, template: str, messages: list[Message], given: Variables) -> tuple[str, tuple[Note, ...]]:
        refusal = ""
        for repaired, notes in _ways(messages):
            try:
                return self._with(template, repaired, given), notes
            except _Refused as refused:
                refusal = refusal or self.disguise.plain(str(refused))[:REASON]
        raise InvalidInput("prompts.template_refused", reason=refusal)

    def _with(self, template: str, messages: list[Message], given: Variables) -> str:
        if not self.continue_last:
            return self._fill(template, messages, given, opened=True)
        mark = self.disguise.mark()
        *before, last = messages
        if goes_on_thinking(last):
            text = self._fill(template, before, given, opened=True)
            begun = text.rstrip().endswith(self.opening.rstrip())
            return f"{text}{'' if begun else self.opening}{last.reasoning}"
        open_ended = msgspec.structs.replace(last, content=last.content + mark)
        text, found, _ = self._fill(template, [*before, open_ended], given, opened=False).rpartition(mark)
        if found:
            return text
        # The template does not write what the answer ends with: it follows the opening of a new one.
        return self._fill(template, before, given, opened=True) + last.content

    def _fill(self, template: str, messages: list[Message], given: Variables, *, opened: bool) -> str:
        """Some templates take a call's arguments as an object, others write them as the text that they must be."""
        try:
            return self._written(
                template, [turn(message, bare=self.bare) for message in messages], given, opened=opened
            )
        except _Broken:
            if not any(message.tool_calls for message in messages):
                raise
        turns = [turn(message, arguments=str, bare=self.bare) for message in messages]
        return self._written(template, turns, given, opened=opened)

    def _written(self, template: str, turns: list[Turn], given: Variables, *, opened: bool) -> str:
        variables = {
            **given,
            "messages": turns,
            "bos_token": self.bos_text,
            "eos_token": self.eos_text,
            "add_generation_prompt": opened,
            "raise_exception": _refuse,
            "strftime_now": lambda pattern: self.now().strftime(pattern),
        }
        return _execute(template, variables, Budget(self.input_size))


def _ways(messages: list[Message]) -> Iterator[tuple[list[Message], tuple[Note, ...]]]:
    """The messages as they are, then as stricter templates take them, with what was done to them."""
    yield messages, ()
    short = short_ids(messages)
    if short != messages:
        yield short, ()
    apart = one_call_each(short)
    if apart != short:
        yield apart, ()
    merged = _merged(short)
    if merged != short:
        yield merged, (Note("prompts.turns_merged"),)
    folded = _folded(short)
    if folded != short:
        yield folded, (Note("prompts.system_folded"),)
    if folded[0].role == "assistant":
        yield [Message("user", ""), *folded], (Note("prompts.greeting_first"),)


def _merged(messages: Sequence[Message]) -> list[Message]:
    """Neighbours of one role and name as one message."""
    result: list[Message] = []
    for message in messages:
        if result and _joins(result[-1], message):
            result[-1] = msgspec.structs.replace(message, content=f"{result[-1].content}\n\n{message.content}")
        else:
            result.append(message)
    return result


def _joins(first: Message, second: Message) -> bool:
    """A call and its result stay messages of their own."""
    plain = first.role != "tool" and not first.tool_calls
    return plain and (first.role, first.name) == (second.role, second.name)


def _folded(messages: Sequence[Message]) -> list[Message]:
    """System messages as user messages, so that they join the user message that follows them."""
    return _merged([Message("user", m.content) if m.role == "system" else m for m in messages])


def _refuse(sentence: object) -> str:
    raise _Refused(str(sentence))


def _execute(template: str, variables: Mapping[str, object], budget: Budget) -> str:
    sandbox = Sandbox(budget)
    code = _compiled(template)
    try:
        return Template.from_code(sandbox, code, sandbox.make_globals(None)).render(variables)
    except SecurityError as error:
        raise InvalidInput("prompts.template_unsafe", reason=str(error)[:REASON]) from error
    except RecursionError as error:
        raise InvalidInput("prompts.template_depth", limit=DEEPEST) from error
    except _Refused:
        raise
    except (
        TemplateError,
        TypeError,
        ValueError,
        LookupError,
        ArithmeticError,
        AttributeError,
        RuntimeError,
    ) as error:
        raise _Broken(f"{type(error).__name__}: {error}"[:REASON]) from error


@lru_cache(maxsize=8)
def _compiled(template: str) -> CodeType:
    if len(template) > LONGEST_TEMPLATE:
        raise _Broken(f"{len(template)} > {LONGEST_TEMPLATE}")
    try:
        return Sandbox(Budget()).compile(template)
    except (TemplateError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _Broken(f"{type(error).__name__}: {error}"[:REASON]) from error
