import { expect, test } from "vitest";
import { characters, news } from "./delta.ts";

test("a delta at the end of the text is new as a whole", () => {
  expect(news(5, { offset: 5, text: " world" })).toBe(" world");
});

test("a delta that is known already brings nothing", () => {
  expect(news(11, { offset: 5, text: " world" })).toBe("");
  expect(news(20, { offset: 5, text: " world" })).toBe("");
});

test("a delta that is partly known brings its rest", () => {
  expect(news(8, { offset: 5, text: " world" })).toBe("rld");
});

test("a delta beyond the end says that something was missed", () => {
  expect(news(4, { offset: 5, text: "x" })).toBeNull();
});

test("characters are counted as the server counts them, not in UTF-16 units", () => {
  expect(characters("чай ☕")).toBe(5);
  expect(characters("a🫖b")).toBe(3);
  expect(characters("🇷🇺")).toBe(2);
  expect(news(2, { offset: 1, text: "🫖🫖" })).toBe("🫖");
});

test("whatever way a text is cut and repeated, the reader ends up with the text", () => {
  const text = "Tea 🫖 for two, чай на двоих 🍵🍵, done.";
  const points = [...text];
  for (let seed = 1; seed <= 200; seed++) {
    let state = seed;
    const random = (n: number) => (state = (state * 48271) % 2147483647) % n;
    let got = "";
    while (characters(got) < points.length) {
      const known = characters(got);
      const offset = random(known + 1);
      const delta = { offset, text: points.slice(offset, offset + 1 + random(8)).join("") };
      got += news(known, delta);
    }
    expect(got).toBe(text);
  }
});
