import { expect, test } from "vitest";
import type { Parameter, Value } from "../api/types.ts";
import { read, written } from "./lists.ts";

const LISTS: [Parameter["kind"], string, Value][] = [
  ["texts", '"\\n", ":", "\\""', ["\n", ":", '"']],
  ["texts", "", []],
  ["tokens", "1, 50256", [1, 50256]],
  ["bias", "7: false, 50: -1.5", { 7: false, 50: -1.5 }],
  ["bias", "", {}],
];

test.each(LISTS)("%s: %s", (kind, text, value) => {
  expect(read(kind, text)).toEqual(value);
  expect(written(value)).toBe(text);
});

test.each<[Parameter["kind"], string]>([
  ["texts", "no quotes"],
  ["texts", "1, 2"],
  ["tokens", '"1"'],
  ["tokens", "1,"],
  ["bias", "7"],
  ["bias", "7: yes"],
])("%s that are none: %s", (kind, text) => {
  expect(read(kind, text)).toBeNull();
});
