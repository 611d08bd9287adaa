"""The settings of one run, read once at the root: command line and environment over `settings.toml` in the home
folder over the defaults below. Knows nothing of how options are parsed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from samovar.core.addresses import is_loopback
from samovar.core.engine import Speculate
from samovar.core.errors import InvalidInput
from samovar.core.home import Home
from samovar.core.rope import NO_WISH, CacheTypes, Context, ContextWish, RopeWish, check_wish
from samovar.core.sizes import parse_size

Library = Literal["auto", "ik", "mainline"]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Size = Annotated[int, msgspec.Meta(ge=0)] | str


SIZES = ("kv_ram", "kv_disk", "memory")
"""Settings that are written as sizes."""


class Said(ContextWish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one source says: the options of `samovar serve` by name, with _ for -. None: nothing about that."""

    host: str | None = None
    port: Port | None = None
    model: str | None = None
    ctx: Count | None = None
    parallel: Count | None = None
    threads: Count | None = None
    library: Library | None = None
    speculate: Speculate | None = None
    draft: str | None = None
    kv_ram: Size | None = None
    kv_disk: Size | None = None
    reuse_shifted: bool | None = None
    models_max: Count | None = None
    memory: Size | None = None
    keep_alive: float | None = None
    pull_hosts: tuple[str, ...] | None = None
    api_key: str | None = None
    allow_origin: tuple[str, ...] | None = None
    allow_host: tuple[str, ...] | None = None
    no_browser: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to serve. `ctx` (tokens that one request may use), `parallel` (answers at once) and `threads`: None where
    they are to be chosen from the model and the machine; likewise `kv_ram` and `kv_disk`, the bytes that caches of
    conversations may take (0: none). `reuse_shifted`: as in `LoadSpec`. `port` 0: any free one. `draft`: the model
    that guesses for others. `rope`: what was said about positions; otherwise a context past the trained one is
    stretched as the model needs it. `models_max`: how many models may be loaded at once; `memory`: bytes that they
    may take together, None for what the machine has free; `keep_alive`: seconds that a model stays loaded when
    nobody uses it, negative for ever, None: for ever for the model of the page and some minutes for any other.
    `pull_hosts`: from where models may be fetched for clients, besides Hugging Face. `allow_origin`, `allow_host`:
    pages of other origins that may ask, and names beside this machine's own under which it may be called, as they
    were given."""

    home: Home
    host: str = "127.0.0.1"
    port: int = 7860
    model: str | None = None
    ctx: int | None = None
    parallel: int | None = None
    threads: int | None = None
    library: Library = "auto"
    speculate: Speculate = "auto"
    draft: str | None = None
    kv_ram: int | None = None
    kv_disk: int | None = None
    reuse_shifted: bool = False
    models_max: int = 3
    memory: int | None = None
    keep_alive: float | None = None
    pull_hosts: tuple[str, ...] = ()
    api_key: str | None = field(default=None, repr=False)
    allow_origin: tuple[str, ...] = ()
    allow_host: tuple[str, ...] = ()
    no_browser: bool = False
    rope: RopeWish = NO_WISH
    cache: CacheTypes | None = None

    @property
    def context(self) -> Context:
        """What models are loaded with for which nothing else was chosen."""
        return Context(ctx=self.ctx, rope=self.rope, cache=self.cache)

    @property
    def exposed(self) -> bool:
        """Whether other machines reach the server."""
        return not (self.host == "localhost" or is_loopback(self.host))


def read_settings(home: Home, said: Said) -> Settings:
    """`said` (command line and environment) over the home's settings.toml over the defaults.

    Raises InvalidInput where settings.toml is not TOML, names a setting that there is not, or holds a value out of
    its range; InvalidParameter for a size that is none, and for what cannot be meant about positions.
    """
    layers = (_stored(home.settings), said)
    values = {k: v for layer in layers for k, v in msgspec.structs.asdict(layer).items() if v is not None}
    values |= {name: parse_size(values[name], name) for name in SIZES if name in values}
    rope = RopeWish(**{name: values.pop(name) for name in RopeWish.__struct_fields__ if name in values})
    check_wish(rope)
    types = values.pop("cache_type_k", None), values.pop("cache_type_v", None)
    cache = CacheTypes(types[0] or "f16", types[1] or "f16") if any(types) else None
    return Settings(home=home, rope=rope, cache=cache, **values)


def _stored(path: Path) -> Said:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Said)
    except FileNotFoundError:
        return Said()
    except msgspec.ValidationError as error:
        known = ", ".join(Said.__struct_fields__)
        raise InvalidInput("core.settings_invalid", path=str(path), reason=str(error), known=known) from error
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput("core.settings_unreadable", path=str(path), reason=str(error)) from error
