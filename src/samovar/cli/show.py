"""`samovar show`: what a model file says about itself: sizes, layers, tensor types, metadata, chat template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from samovar.cli.figures import count_text, printable, size_text, table_console
from samovar.cli.options import HomeOption, home_from, terminal_language
from samovar.cli.show_context import context_parts, plain_context
from samovar.core.catalogue import Language, say
from samovar.core.library import InstalledModel
from samovar.formats.gguf import GgufHeader, LazyArray, Value, read_header
from samovar.formats.shape import ModelShape, model_shape
from samovar.hub.library import Library
from samovar.hub.memory import LONGEST_WINDOW
from samovar.hub.outlook import Outlook, outlook

_LONGEST_VALUE = 100
_TEMPLATE = "tokenizer.chat_template"


def show(
    name: Annotated[str, typer.Argument(metavar="NAME|PATH", help="library.argument_name")],
    home: HomeOption = None,
    ctx: Annotated[
        int | None,
        typer.Option("--ctx", min=1, max=LONGEST_WINDOW, metavar="N", help="library.option_ctx"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="cli.option_json")] = False,
) -> None:
    """Shows what a model is: metadata, template, sizes."""
    model = Library(home_from(home)).locate(name)
    header = read_header(Path(model.path))
    shape, kinds = model_shape(header), _kinds(header)
    context = outlook(shape, ctx or shape.trained_context)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(_plain(model, header, shape, kinds, context))))
        return
    console, language = table_console(), terminal_language()
    tables = (_facts_table(model, header, shape, language), _kinds_table(kinds, language))
    console.print(*tables, *context_parts(context, language), _metadata_table(header, language), sep="\n\n")
    if shape.chat_template:
        console.print(Text(f"\n{say('library.template', language)}", style="bold"))
        console.print(Text(printable(shape.chat_template)), soft_wrap=True)


@dataclass(frozen=True, slots=True)
class _Kind:
    """All tensors of one type."""

    type: str
    tensors: int
    weights: int
    size: int

    @property
    def bits(self) -> float:
        return 8 * self.size / self.weights


def _kinds(header: GgufHeader) -> list[_Kind]:
    """The tensor types of the file, the one with most bytes first."""
    types = {t.type.name for t in header.tensors}
    grouped = ([t for t in header.tensors if t.type.name == name] for name in types)
    kinds = (_Kind(g[0].type.name, len(g), sum(t.elements for t in g), sum(t.size for t in g)) for g in grouped)
    return sorted(kinds, key=lambda kind: -kind.size)


def _facts(
    model: InstalledModel, header: GgufHeader, shape: ModelShape, language: Language
) -> Iterator[tuple[str, str]]:
    """Catalogue key and text of what a person asks first."""
    yield "name", model.name
    yield "path", model.path
    yield "size", size_text(header.file_size, language)
    yield "architecture", header.architecture
    yield "quant", header.quant
    yield "parameters", count_text(header.parameters)
    yield "context", str(shape.trained_context)
    yield "layers", str(shape.layers)
    yield "embedding", str(shape.embedding)
    yield "heads", f"{max(shape.heads)} / {max(shape.kv_heads)}"
    yield "vocabulary", str(shape.vocabulary)
    if shape.sliding_window:
        yield "sliding_window", str(shape.sliding_window)


def _facts_table(model: InstalledModel, header: GgufHeader, shape: ModelShape, language: Language) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for key, text in _facts(model, header, shape, language):
        table.add_row(Text(say(f"library.{key}", language), style="bold"), Text(printable(text), overflow="fold"))
    return table


def _kinds_table(kinds: list[_Kind], language: Language) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(say("library.type", language))
    for heading in ("tensors", "parameters", "size", "bits"):
        table.add_column(say(f"library.{heading}", language), justify="right")
    for kind in kinds:
        size = size_text(kind.size, language)
        table.add_row(kind.type, str(kind.tensors), count_text(kind.weights), size, f"{kind.bits:.2f}")
    return table


def _metadata_table(header: GgufHeader, language: Language) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(say("library.metadata", language), overflow="fold")
    table.add_column("", overflow="fold")
    for key, value in header.metadata.items():
        if key != _TEMPLATE:
            table.add_row(Text(printable(key)), Text(printable(_short(value, language))))
    return table


def _short(value: Value, language: Language) -> str:
    """One line: a long list as its length, a long text cut."""
    if isinstance(value, LazyArray):
        return say("library.long_list", language, count=value.count, type=value.element)
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    line = text.replace("\n", " ")
    return line if len(line) <= _LONGEST_VALUE else f"{line[:_LONGEST_VALUE]}…"


def _plain(
    model: InstalledModel, header: GgufHeader, shape: ModelShape, kinds: list[_Kind], context: Outlook
) -> Mapping[str, object]:
    """The same for a script; a long list as {"type", "count"}."""
    return {
        "name": model.name,
        "paths": [str(path) for path in header.paths],
        "size": header.file_size,
        "architecture": header.architecture,
        "quant": header.quant,
        "parameters": header.parameters,
        "context": shape.trained_context,
        "outlook": plain_context(context),
        "layers": shape.layers,
        "embedding": shape.embedding,
        "heads": shape.heads,
        "kv_heads": shape.kv_heads,
        "vocabulary": shape.vocabulary,
        "sliding_window": shape.sliding_window,
        "types": [{"type": k.type, "tensors": k.tensors, "weights": k.weights, "size": k.size} for k in kinds],
        "metadata": {
            key: {"type": value.element, "count": value.count} if isinstance(value, LazyArray) else value
            for key, value in header.metadata.items()
        },
        "chat_template": shape.chat_template,
    }
