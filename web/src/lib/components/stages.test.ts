import { expect, test } from "vitest";
import type { Likely, Stage } from "../api/types.ts";
import { columnsOf, spelled } from "./stages.ts";

const token = (id: number, text = "", bytes: number[] = []): Likely => ({ id, text, bytes, probability: 0.1 });
const stage = (step: string, survivors: number, ...ids: number[]): Stage => ({ step, survivors, top: ids.map((id) => token(id)) });
const cutBy = (...stages: Stage[]) => columnsOf(stages).map(({ cut }) => cut.map(({ id }) => id));

test("what a step cut is what was shown before it and is gone", () => {
  expect(cutBy(stage("model", 259, 1, 2, 3), stage("top_k", 2, 1, 2), stage("xtc", 1, 2))).toEqual([[], [3], [1]]);
});

test("a step that leaves all tokens cut none, wherever they went", () => {
  expect(cutBy(stage("model", 900, 1, 2), stage("dry", 900, 3, 2))).toEqual([[], []]);
});

test("white space is seen, and what is no text is shown as bytes", () => {
  expect(spelled(token(1, " a\n"))).toBe("␣a⏎");
  expect(spelled(token(2, "\uFFFD", [0xe2, 9]))).toBe("\\xe2\\x09");
});
