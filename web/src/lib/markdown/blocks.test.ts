import { expect, test } from "vitest";
import type { Block } from "./blocks.ts";
import { Renderer } from "./renderer.svelte.ts";

const renderer = new Renderer(() => "Copy");
const kinds = (blocks: readonly Block[]) => blocks.map((block) => block.kind);
const drawn = (blocks: readonly Block[]) =>
  blocks.map((b) => (b.kind === "text" ? renderer.html(b) : JSON.stringify([b.language, b.code])));

const LONG = `# Tea

A paragraph with **bold**, \`code\` and $E = mc^2$.

1. one

2. two

   \`\`\`sh
   nested
   \`\`\`

- loose

- list

\`\`\`python
def pour(cup):

    return cup + 1
\`\`\`

| a | b |
|---|--:|
| 1 | 2 |

$$
\\int_0^1 x\\,dx
$$

> quote
continued

Setext
------

last, see [there][1]

[1]: https://example.org
`;

test("however a text arrives, it ends as if it had been there at once", () => {
  const whole = drawn(renderer.grow().update(LONG, true));
  for (const step of [1, 2, 3, 7, 50]) {
    const growing = renderer.grow();
    for (let end = step; end < LONG.length; end += step) growing.update(LONG.slice(0, end), false);
    expect(drawn(growing.update(LONG, true))).toEqual(whole);
  }
});

test("while it grows, what is shown is what the text says so far", () => {
  const plain = LONG.replace("[there][1]", "there").replace(/\[1\].*\n/, "");
  const growing = renderer.grow();
  for (let end = 1; end <= plain.length; end++) growing.update(plain.slice(0, end), false);
  expect(drawn(growing.update(plain, false))).toEqual(drawn(renderer.grow().update(plain, true)));
});

test("blocks that are finished are not made again", () => {
  const growing = renderer.grow();
  const before = growing.update("one\n\ntwo\n\nthree\n\nfour", false);
  const after = growing.update("one\n\ntwo\n\nthree\n\nfour and more", false);
  expect(after.slice(0, 3).every((block, index) => block === before[index])).toBe(true);
  expect(after[3]).not.toBe(before[3]);
});

test("a text that was changed in the middle is read anew", () => {
  const growing = renderer.grow();
  growing.update("one\n\ntwo\n\nthree\n\nfour", false);
  expect(drawn(growing.update("1\n\n2\n\n3\n\n4", false))).toEqual(drawn(renderer.grow().update("1\n\n2\n\n3\n\n4", true)));
});

test("code is closed by its fence and not before", () => {
  const closed = (text: string) => renderer.grow().update(text, false).map((b) => b.kind === "code" && b.closed);
  expect(closed("```js\nlet a")).toEqual([false]);
  expect(closed("```js\nlet a\n``")).toEqual([false]);
  expect(closed("```js\nlet a\n```")).toEqual([true]);
  expect(closed("````\n```\n````")).toEqual([true]);
  expect(closed("```")).toEqual([false]);
});

test("money is no formula, formulas are", () => {
  const formulas = (text: string) => {
    const [block] = renderer.grow().update(text, true);
    const tokens = block?.kind === "text" ? block.tokens.flatMap((token) => [token, ...(token.children ?? [])]) : [];
    return tokens.filter((token) => token.type === "math").map((token) => token.content);
  };
  expect(formulas("from $5 to $10")).toEqual([]);
  expect(formulas("it costs $5, and $x$ is unknown")).toEqual(["x"]);
  expect(formulas("$a+b$, \\(c\\) and \\[d\\]")).toEqual(["a+b", "c", "d"]);
  expect(formulas("$$ x^2 $$")).toEqual(["x^2"]);
  expect(formulas("$$\nx\n$$")).toEqual(["x"]);
  expect(formulas("\\$a$ and `$b$`")).toEqual([]);
});

test("a formula that is still being written waits for its end", () => {
  expect(kinds(renderer.grow().update("$$\n\\frac{1}{", false))).toEqual(["text"]);
});
