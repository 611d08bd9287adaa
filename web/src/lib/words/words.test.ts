import { expect, test } from "vitest";
import { en } from "./en.ts";
import { ru } from "./ru.ts";
import { languageOf } from "./words.ts";

/** Every leaf of a catalogue: its place and what stands there, functions called with plain facts. */
function leaves(value: unknown, place = ""): [string, string][] {
  if (typeof value === "string") return [[place, value]];
  if (typeof value === "function") return [[place, String((value as (...facts: unknown[]) => unknown)(5, 7))]];
  return Object.entries(value as object).flatMap(([key, inner]) => leaves(inner, `${place}.${key}`));
}

test("both languages say the same things", () => {
  expect(leaves(ru).map(([place]) => place)).toEqual(leaves(en).map(([place]) => place));
});

test("no sentence is empty, and Russian ones are Russian", () => {
  for (const [place, text] of [...leaves(en), ...leaves(ru)]) expect(text.trim(), place).not.toBe("");
  for (const [place, text] of leaves(ru)) expect(text, place).toMatch(/[а-яё]/i);
});

test("Russian counts the Russian way", () => {
  expect(ru.answerTokens(1)).toBe("1\u00a0токен");
  expect(ru.answerTokens(3)).toBe("3\u00a0токена");
  expect(ru.answerTokens(11)).toBe("11\u00a0токенов");
  expect(ru.answerTokens(21)).toBe("21\u00a0токен");
  expect(ru.outOfWindow(1)).toContain("1\u00a0сообщение ");
  expect(ru.outOfWindow(24)).toContain("24\u00a0сообщения ");
  expect(ru.outOfWindow(12)).toContain("12\u00a0сообщений ");
});

test("the first preferred language that there is wins, English otherwise", () => {
  expect(languageOf(["ru-RU", "en"])).toBe("ru");
  expect(languageOf(["de-DE", "ru"])).toBe("ru");
  expect(languageOf(["en-GB", "ru"])).toBe("en");
  expect(languageOf(["fr"])).toBe("en");
  expect(languageOf([])).toBe("en");
});
