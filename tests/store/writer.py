"""A child process that writes an answer word by word until it is killed, and tells each word that was committed."""

from __future__ import annotations

import asyncio
import sys
from itertools import count
from pathlib import Path

from samovar.store.conversations import Conversations
from samovar.store.database import Database


async def main(path: Path) -> None:
    store = Conversations(Database.open(path))
    conversation = (await store.create()).conversation.id
    asked = await store.ask(conversation, None, "Count!", "Count!")
    text = ""
    for number in count():
        text += f"{number} "
        await store.write(asked.answer.id, text, thoughts=text)
        print(number, flush=True)


asyncio.run(main(Path(sys.argv[1])))
