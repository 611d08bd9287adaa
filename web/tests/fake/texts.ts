/** What the scripted server says. The word that a question contains picks the answer. */

export const LONG = `## Brewing tea in a samovar

A samovar keeps water **just below boiling** for hours. The strong brew, *zavarka*, stands on top in a small pot, and everyone thins it to taste.

1. Fill the body with fresh water.
2. Light the fire and wait until it *sings*.
3. Warm the pot, then brew:

   \`\`\`sh
   brew --leaves 3 --minutes 7
   \`\`\`

| Stage | Temperature | Sound |
|:------|------------:|:-----:|
| singing | 75 °C | a thin whistle |
| humming | 90 °C | bees |
| boiling | 100 °C | rain |

The heat needed is $Q = m c \\Delta T$, which for two litres from 15 °C is

$$
Q = 2 \\cdot 4186 \\cdot (95 - 15) \\approx 6.7 \\times 10^5\\ \\text{J}.
$$

\`\`\`python
from dataclasses import dataclass


@dataclass(frozen=True)
class Cup:
    """A cup of tea; \`strength\` is the share of zavarka."""

    millilitres: int = 200
    strength: float = 0.25

    def zavarka(self) -> float:
        return self.millilitres * self.strength  # the rest is water


if __name__ == "__main__":
    print([Cup(strength=s / 10).zavarka() for s in range(1, 5)])
\`\`\`

> Tea is drunk until the seventh sweat.

More in [the history of the samovar](https://example.org/samovar).`;

export const RUSSIAN = `### Почему небо голубое

Солнечный свет **белый**: в нём смешаны все цвета. Воздух рассеивает короткие волны сильнее длинных — примерно как $1/\\lambda^4$, — поэтому синий свет приходит к нам со всех сторон, а красный почти не отклоняется.

- Синий: около 450 нм.
- Красный: около 650 нм, рассеивается в $(650/450)^4 \\approx 4{,}4$ раза слабее.

Вечером луч идёт сквозь воздух дольше, синий успевает рассеяться, и закат — красный.`;

const SHORT = "Water finds its way: slowly at first, then all at once.";

const SCRIPTS: readonly (readonly [RegExp, string])[] = [
  [/небо|почему/i, RUSSIAN],
  [/short/i, SHORT],
  [/empty/i, ""],
];

export const answerTo = (question: string): string => SCRIPTS.find(([pattern]) => pattern.test(question))?.[1] ?? LONG;

/** Roughly what a tokenizer gives: words with the space before them, marks, line ends. */
export const tokensOf = (text: string): string[] => text.match(/ ?[\p{L}\p{N}]{1,6}|\s|[^\s\p{L}\p{N}]/gu) ?? [];
