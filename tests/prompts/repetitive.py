"""Texts that repeat themselves because they should: what people ask for, and no loop."""

from __future__ import annotations

from collections.abc import Callable


def _jack() -> str:
    links = [
        "the house that Jack built",
        "the malt that lay in",
        "the rat that ate",
        "the cat that killed",
        "the dog that worried",
        "the cow with the crumpled horn that tossed",
        "the maiden all forlorn that milked",
        "the man all tattered and torn that kissed",
        "the priest all shaven and shorn that married",
        "the cock that crowed in the morn that waked",
        "the farmer sowing his corn that kept",
    ]
    return "\n\n".join("This is " + "\n".join(reversed(links[: n + 1])) + "." for n in range(len(links)))


def _turnip() -> str:
    pullers = ["дедку", "бабку", "внучку", "Жучку", "кошку", "мышку"]
    names = ["Дедка", "Бабка", "Внучка", "Жучка", "Кошка", "Мышка"]
    verses = ["Посадил дед репку и говорит: расти, расти, репка, сладка! Выросла репка сладка, крепка, большая."]
    for n in range(1, len(names)):
        chain = ", ".join(f"{names[k]} за {pullers[k - 1]}" for k in range(n, 0, -1))
        verses.append(
            f"Позвала {names[n - 1].lower()} {pullers[n]}. {chain}, дедка за репку — "
            "тянут-потянут, вытянуть не могут!"
        )
    return "\n".join(verses) + "\nТянут-потянут — и вытянули репку."


def _song() -> str:
    chorus = (
        "Oh, carry me over the river tonight,\nThe lamps on the far side are burning so bright,\n"
        "The ferryman's sleeping, the water is low,\nSo carry me over, it's time that I go."
    )
    verses = [
        "My father was mending his nets by the door\nWhen somebody told him the herring was o'er.",
        "The baker's young daughter came down to the quay\nWith bread in her apron and letters for me.",
        "We counted the winters on notches of pine,\nThe longest was hers and the shortest was mine.",
        "Now gulls keep the harbour and rust keeps the crane,\nAnd nobody asks me the way in the rain.",
    ]
    return "\n\n".join(f"{verse}\n\n{chorus}" for verse in verses)


def _refrain() -> str:
    lines = ["Над рекой туман ложится", "Журавли летят на юг", "Догорает в поле осень", "Дремлет старый виадук"]
    return "\n\n".join(
        f"{line},\nИ никто не виноват.\nЛистья жёлтые кружатся,\nИ никто не виноват." for line in lines
    )


def _numbered_list() -> str:
    things = (
        "kettle",
        "lamp",
        "rope",
        "knife",
        "stove",
        "tent",
        "map",
        "compass",
        "whistle",
        "torch",
        "blanket",
        "mug",
    )
    return "\n".join(
        f"{n}. **{thing.title()}** — check that the {thing} is clean, dry and packed before you leave."
        for n, thing in enumerate(things, 1)
    )


def _steps() -> str:
    doing = (
        "Откройте",
        "Нажмите",
        "Введите",
        "Проверьте",
        "Сохраните",
        "Закройте",
        "Запустите",
        "Дождитесь",
        "Удалите",
    )
    return "\n".join(
        f"{n}. {verb} окно настроек и убедитесь, что пункт {n} отмечен галочкой." for n, verb in enumerate(doing, 1)
    )


def _table() -> str:
    cities = (
        "Москва",
        "Казань",
        "Самара",
        "Тула",
        "Пермь",
        "Омск",
        "Уфа",
        "Сочи",
        "Томск",
        "Чита",
        "Псков",
        "Курск",
    )
    rows = [f"| {city} | да | нет | да | да | нет | бесплатно |" for city in cities]
    return "\n".join(["| Город | Пн | Вт | Ср | Чт | Пт | Вход |", "|---|---|---|---|---|---|---|", *rows])


def _board() -> str:
    row = "    [" + ", ".join(["0"] * 10) + "],\n"
    return "Here is an empty board:\n\n```python\nboard = [\n" + row * 10 + "]\n```\n\nCall `play(board)` to start."


def _html() -> str:
    row = "  <tr>\n" + "    <td></td>\n" * 3 + "  </tr>\n"
    return "```html\n<table>\n" + row * 3 + "</table>\n```"


def _tests() -> str:
    names = ("add", "sub", "mul", "div", "mod", "pow", "neg", "abs", "min", "max")
    cases = [
        f"def test_{name}_of_two_numbers(calculator):\n    result = calculator.{name}(2, 3)\n"
        f"    assert result == expected['{name}']\n    assert calculator.error is None\n"
        for name in names
    ]
    return "```python\n" + "\n\n".join(cases) + "```"


def _records() -> str:
    return (
        "["
        + ",\n ".join(f'{{"id": {n}, "type": "user", "active": true, "role": "guest"}}' for n in range(60))
        + "]"
    )


def _times_table() -> str:
    return "\n".join(f"{a} × {b} = {a * b}" for a in range(2, 10) for b in range(2, 11))


def _dialogue() -> str:
    turns = {
        "the garden": "Do you hear the well?",
        "a letter": "My brother writes that the mill is sold.",
        "the lamp": "You never liked him.",
        "her sewing": "Tell me about the road instead.",
        "the window": "It has not stopped since Friday.",
        "his hat": "Will you go without it?",
        "the fire": "Then I shall wait up.",
        "the door": "Good night, and mind the step.",
    }
    return "\n".join(
        f'*She looks up from {where}.* "{said}" she says, and smiles.\n*He nods.* "As you wish," he says.'
        for where, said in turns.items()
    )


def _ruler() -> str:
    return "Title\n" + "=" * 300 + "\n" + "-" * 300 + "\nText\n" + " ." * 60


WANTED: dict[str, Callable[[], str]] = {
    "the house that Jack built": _jack,
    "the turnip": _turnip,
    "a song with a chorus": _song,
    "a poem with a refrain": _refrain,
    "a numbered list": _numbered_list,
    "steps that begin and end alike": _steps,
    "a table of yes and no": _table,
    "a matrix of zeros": _board,
    "markup": _html,
    "tests that look alike": _tests,
    "records": _records,
    "the times table": _times_table,
    "a dialogue": _dialogue,
    "rulers": _ruler,
}
